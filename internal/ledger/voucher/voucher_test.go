package voucher_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/ledger/voucher"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/proposal"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

var monday = calendar.MustParse("2026-01-05")

type house struct {
	db        *db.DB
	staff     dbtest.Staff
	svc       *voucher.Service
	proposals *proposal.Service
	books     *journal.Service
}

func open(t *testing.T, d *db.DB) house {
	t.Helper()
	h := house{db: d, staff: dbtest.Institution(t, d), proposals: proposal.NewService(d), books: journal.NewService(d)}
	h.svc = voucher.NewService(d, h.proposals)
	require.NoError(t, d.Update(t.Context(), h.staff.System.Scope(), func(tx *db.Tx) error {
		return journal.EnsureChart(t.Context(), tx, journal.StandardChart())
	}))
	return h
}

func rent(reference string, minor int64) voucher.Voucher {
	return voucher.Voucher{Reference: reference, Date: monday, Reason: "一月房租", Lines: []journal.Line{
		journal.Debit("6601", money.Of(minor, money.CNY)), journal.Credit("1002", money.Of(minor, money.CNY)),
	}}
}

func (h house) approve(t *testing.T, made proposal.Proposal) error {
	t.Helper()
	_, err := h.proposals.Approve(t.Context(), h.staff.Compliance, proposal.Decision{ID: made.ID, BodyHash: made.BodyHash})
	return err
}

func (h house) entries(t *testing.T) []journal.Entry {
	t.Helper()
	page, err := h.books.Entries(t.Context(), h.staff.Operations, journal.EntryFilter{})
	require.NoError(t, err)
	return page.Items
}

// The rent is booked by one person and approved by another; the month after it turns out to be wrong and is
// taken back by a red entry, once.
func TestAVoucherAndItsReversal(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		made, err := h.svc.Propose(t.Context(), h.staff.Operations, rent("V-1", 900))
		require.NoError(t, err)
		require.Empty(t, h.entries(t), "proposed is not posted")
		_, err = h.proposals.Approve(t.Context(), h.staff.Operations, proposal.Decision{ID: made.ID, BodyHash: made.BodyHash})
		require.True(t, fault.Is(err, proposal.ReasonOwn))
		require.NoError(t, h.approve(t, made))
		e := h.entries(t)[0]
		require.Equal(t, "一月房租", e.Memo.Zh)
		require.Equal(t, h.staff.Compliance.UserID, e.Actor, "whoever approves, posts")
		_, err = h.svc.Propose(t.Context(), h.staff.Operations, rent("V-1", 900))
		require.True(t, fault.Is(err, voucher.ReasonReference))

		back := voucher.Reversal{EntryID: e.ID, Date: monday, Reason: "金额有误"}
		made, err = h.svc.Reverse(t.Context(), h.staff.Operations, back)
		require.NoError(t, err)
		require.NoError(t, h.approve(t, made))
		_, err = h.svc.Reverse(t.Context(), h.staff.Operations, back)
		require.True(t, fault.Is(err, voucher.ReasonReversed), "an entry is reversed once: %v", err)
		trial, err := h.books.TrialBalance(t.Context(), h.staff.Operations, calendar.Date{})
		require.NoError(t, err)
		for _, l := range trial.Lines {
			require.Zero(t, l.NetMinor, l.Code)
		}
	})
}

func TestRefusedVouchers(t *testing.T) {
	t.Parallel()
	h := open(t, dbtest.SQLite(t))
	with := func(f func(*voucher.Voucher)) voucher.Voucher { v := rent("V-2", 5); f(&v); return v }
	rows := []struct {
		name   string
		v      voucher.Voucher
		reason *fault.Reason
	}{
		{"without a reason", with(func(v *voucher.Voucher) { v.Reason = "" }), fault.ReasonRequired},
		{"without a number", with(func(v *voucher.Voucher) { v.Reference = "" }), fault.ReasonRequired},
		{"dated tomorrow", with(func(v *voucher.Voucher) { v.Date = monday.AddDays(1) }), fault.ReasonInvalid},
		{"one fen off", with(func(v *voucher.Voucher) { v.Lines[0].AmountMinor++ }), journal.ReasonUnbalanced},
		{"of a branch that is not there", with(func(v *voucher.Voucher) { v.Branch = "br_nowhere" }), fault.ReasonInvalid},
		{"an unknown account", with(func(v *voucher.Voucher) { v.Lines[0].Account = "9999" }), journal.ReasonUnknownAccount},
		{"a loan's principal", with(func(v *voucher.Voucher) { v.Lines[0].Account = journal.LoanPrincipal }), voucher.ReasonControlled},
	}
	for _, r := range rows {
		_, err := h.svc.Propose(t.Context(), h.staff.Operations, r.v)
		require.True(t, fault.Is(err, r.reason), "%s: %v", r.name, err)
	}
	_, err := h.svc.Propose(t.Context(), h.staff.Operations, with(func(v *voucher.Voucher) { v.Branch = h.staff.Manager.BranchID }))
	require.NoError(t, err)
	_, err = h.svc.Propose(t.Context(), h.staff.Manager, rent("V-3", 5))
	require.True(t, fault.Is(err, fault.ReasonForbidden))

	// Nor may a loan's entry be taken back by hand.
	var loan journal.Entry
	require.NoError(t, h.db.Update(t.Context(), h.staff.System.Scope(), func(tx *db.Tx) (err error) {
		loan, err = journal.Post(t.Context(), tx, journal.Draft{Key: "loan_1/1", Date: monday, Object: "loan", ObjectID: "loan_1", Lines: []journal.Line{
			journal.Debit(journal.LoanPrincipal, money.Of(5, money.CNY)), journal.Credit(journal.Nostro, money.Of(5, money.CNY)),
		}})
		return err
	}))
	_, err = h.svc.Reverse(t.Context(), h.staff.Operations, voucher.Reversal{EntryID: loan.ID, Date: monday, Reason: "x"})
	require.True(t, fault.Is(err, voucher.ReasonControlled), "%v", err)
}
