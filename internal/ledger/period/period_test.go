package period_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/ledger/period"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/proposal"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

type house struct {
	db        *db.DB
	staff     dbtest.Staff
	svc       *period.Service
	proposals *proposal.Service
}

func open(t *testing.T, d *db.DB) house {
	t.Helper()
	h := house{db: d, staff: dbtest.Institution(t, d), proposals: proposal.NewService(d)}
	h.svc = period.NewService(d, h.proposals)
	return h
}

func (h house) post(t *testing.T, key, date, debit, credit string, minor int64, branch string) error {
	t.Helper()
	return h.db.Update(t.Context(), h.staff.System.Scope(), func(tx *db.Tx) error {
		_, err := journal.Post(t.Context(), tx, journal.Draft{Key: key, Date: calendar.MustParse(date), Branch: branch, Lines: []journal.Line{
			journal.Debit(debit, money.Of(minor, money.CNY)), journal.Credit(credit, money.Of(minor, money.CNY)),
		}})
		return err
	})
}

func (h house) approve(t *testing.T, made proposal.Proposal, err error) error {
	t.Helper()
	if err != nil {
		return err
	}
	_, err = h.proposals.Approve(t.Context(), h.staff.Compliance, proposal.Decision{ID: made.ID, BodyHash: made.BodyHash})
	return err
}

func (h house) balances(t *testing.T) map[string]int64 {
	t.Helper()
	trial, err := journal.NewService(h.db).TrialBalance(t.Context(), h.staff.Operations, calendar.Date{})
	require.NoError(t, err)
	out := map[string]int64{}
	for _, l := range trial.Lines {
		out[l.Code] += l.NetMinor
	}
	return out
}

// November closes, with October; a late entry is refused with the period and the remedy; two people open it
// again for it, and business on the business date never notices any of this.
func TestAClosedMonthTakesNoEntry(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		require.NoError(t, h.post(t, "a", "2025-10-31", "6601", "1002", 5, ""))
		require.True(t, fault.Is(h.svc.Close(t.Context(), h.staff.Operations, "2026-01"), period.ReasonRunning), "the business date is 2026-01-05")
		require.NoError(t, h.svc.Close(t.Context(), h.staff.Operations, "2025-11"))
		require.True(t, fault.Is(h.svc.Close(t.Context(), h.staff.Operations, "2025-11"), period.ReasonClosed))
		for _, date := range []string{"2025-11-30", "2025-10-01", "2024-01-01"} {
			err := h.post(t, "late", date, "6601", "1002", 5, "")
			require.True(t, fault.Is(err, journal.ReasonPeriodClosed), "%s: %v", date, err)
			f, _ := fault.As(err)
			require.Contains(t, f.Text("en"), date[:7])
			require.NotEmpty(t, f.RemedyText("zh"))
		}
		require.NoError(t, h.post(t, "a", "2025-10-31", "6601", "1002", 5, ""), "the same entry once more is no new entry")
		require.NoError(t, h.post(t, "b", "2026-01-05", "6601", "1002", 5, ""), "business goes on")
		require.NoError(t, h.post(t, "c", "2025-12-01", "6601", "1002", 5, ""))

		_, err := h.svc.ProposeReopen(t.Context(), h.staff.Operations, period.Reopen{Month: "2025-10", Reason: "x"})
		require.True(t, fault.Is(err, period.ReasonNotLast))
		made, err := h.svc.ProposeReopen(t.Context(), h.staff.Operations, period.Reopen{Month: "2025-11", Reason: "漏记"})
		require.NoError(t, err)
		_, err = h.proposals.Approve(t.Context(), h.staff.Operations, proposal.Decision{ID: made.ID, BodyHash: made.BodyHash})
		require.True(t, fault.Is(err, proposal.ReasonOwn), "it takes a second person")
		require.NoError(t, h.approve(t, made, nil))
		require.NoError(t, h.post(t, "late", "2025-11-30", "6601", "1002", 5, ""))
		require.True(t, fault.Is(h.post(t, "later", "2025-10-31", "6601", "1002", 5, ""), journal.ReasonPeriodClosed), "October is still closed")
		all, err := h.svc.List(t.Context(), h.staff.Operations)
		require.NoError(t, err)
		require.Equal(t, []string{"2026-01 open", "2025-12 open", "2025-11 open", "2025-10 closed"}, states(all))
	})
}

func states(all []period.Period) (out []string) {
	for _, p := range all {
		out = append(out, p.Month+" "+p.State)
	}
	return out
}

// The year ends: per branch income and expense go to profit and on to its distribution; a late invoice opens
// December again, and ending the year once more carries only what has come since.
func TestTheEndOfAYear(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		require.NoError(t, h.post(t, "income", "2025-06-30", "1002", "6011", 1000, "east"))
		require.NoError(t, h.post(t, "rent", "2025-07-31", "6601", "1002", 300, "east"))
		require.NoError(t, h.post(t, "loss", "2025-08-31", "6701", "1304", 50, "west"))
		require.NoError(t, h.post(t, "new year", "2026-01-02", "1002", "6011", 7, "east"))
		_, err := h.svc.ProposeYear(t.Context(), h.staff.Operations, period.YearClose{Year: 2026})
		require.True(t, fault.Is(err, period.ReasonRunning))
		_, err = h.svc.ProposeYear(t.Context(), h.staff.Operations, period.YearClose{Year: 2024})
		require.True(t, fault.Is(err, period.ReasonNothing))
		made, err := h.svc.ProposeYear(t.Context(), h.staff.Operations, period.YearClose{Year: 2025})
		require.NoError(t, h.approve(t, made, err))
		b := h.balances(t)
		require.Equal(t, int64(7), b["6011"], "the new year's income stays")
		require.Zero(t, b["6601"])
		require.Zero(t, b["6701"])
		require.Zero(t, b["4103"])
		require.Equal(t, int64(650), b["4104"])
		require.True(t, fault.Is(h.post(t, "late", "2025-12-31", "6601", "1002", 20, "east"), journal.ReasonPeriodClosed))

		again, err := h.svc.ProposeReopen(t.Context(), h.staff.Operations, period.Reopen{Month: "2025-12", Reason: "漏记费用"})
		require.NoError(t, h.approve(t, again, err))
		require.NoError(t, h.post(t, "late", "2025-12-31", "6601", "1002", 20, "east"))
		made, err = h.svc.ProposeYear(t.Context(), h.staff.Operations, period.YearClose{Year: 2025})
		require.NoError(t, h.approve(t, made, err))
		b = h.balances(t)
		require.Zero(t, b["6601"])
		require.Equal(t, int64(630), b["4104"])
		require.NoError(t, d.View(t.Context(), h.staff.System.Scope(), func(tx *db.Tx) error {
			_, err := journal.Verify(t.Context(), tx)
			return err
		}))
	})
}
