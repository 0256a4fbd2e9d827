package journal_test

import (
	"context"
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

var day = calendar.MustParse("2026-01-05")

func fen(minor int64) money.Amount { return money.Of(minor, money.CNY) }

func draft(key string, lines ...journal.Line) journal.Draft {
	return journal.Draft{Key: key, Date: day, Memo: fault.Text{Zh: "测试", En: "test"}, Object: "loan", ObjectID: "loan_1", Lines: lines}
}

func disburse(key string, minor int64) journal.Draft {
	return draft(key, journal.Debit(journal.LoanPrincipal, fen(minor)), journal.Credit(journal.Nostro, fen(minor)))
}

func post(t *testing.T, d *db.DB, s db.Scope, drafts ...journal.Draft) error {
	t.Helper()
	return d.Update(t.Context(), s, func(tx *db.Tx) error {
		_, err := journal.PostAll(t.Context(), tx, drafts)
		return err
	})
}

func verify(t *testing.T, d *db.DB, s db.Scope) (r journal.Report, err error) {
	t.Helper()
	err = d.View(t.Context(), s, func(tx *db.Tx) error {
		r, err = journal.Verify(t.Context(), tx)
		return err
	})
	return r, err
}

func TestPostAndTrialBalance(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		staff := dbtest.Institution(t, d)
		s := staff.System.Scope()
		svc := journal.NewService(d)
		require.NoError(t, post(t, d, s, disburse("a", 100_00)))
		require.NoError(t, post(t, d, s, disburse("a", 100_00)), "the same content again changes nothing")
		require.True(t, fault.Is(post(t, d, s, disburse("a", 100_01)), journal.ReasonKeyReused))
		later := disburse("b", 50_00)
		later.Date = day.AddDays(1)
		require.NoError(t, post(t, d, s, later, disburse("c", 1_00)))

		today, err := svc.TrialBalance(t.Context(), staff.Operations, day)
		require.NoError(t, err)
		require.Equal(t, int64(101_00), today.DebitMinor)
		require.True(t, today.Balanced)
		all, err := svc.TrialBalance(t.Context(), staff.Operations, calendar.Date{})
		require.NoError(t, err)
		require.Len(t, all.Lines, 2)
		require.Equal(t, int64(151_00), all.DebitMinor)
		require.Equal(t, int64(-151_00), all.Lines[0].NetMinor, "the nostro paid out")
		require.Equal(t, "贷款本金", all.Lines[1].NameZh)

		page, err := svc.Entries(t.Context(), staff.Operations, journal.EntryFilter{Object: "loan", Account: journal.Nostro, Limit: 2})
		require.NoError(t, err)
		require.Equal(t, int64(3), page.Total)
		require.Len(t, page.Items, 2)
		require.Len(t, page.Items[0].Lines, 2)
		page, err = svc.Entries(t.Context(), staff.Operations, journal.EntryFilter{Limit: 2, Cursor: page.NextCursor})
		require.NoError(t, err)
		require.Len(t, page.Items, 1)
		require.Empty(t, page.NextCursor)
		e, err := svc.Entry(t.Context(), staff.Operations, page.Items[0].ID)
		require.NoError(t, err)
		require.Equal(t, page.Items[0], e)
		_, err = svc.Entries(t.Context(), staff.Manager, journal.EntryFilter{})
		require.True(t, fault.Is(err, fault.ReasonForbidden))

		r, err := verify(t, d, s)
		require.NoError(t, err)
		require.Equal(t, int64(3), r.Entries)
	})
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name   string
		draft  journal.Draft
		reason *fault.Reason
	}{
		{"one fen off", draft("k", journal.Debit(journal.Nostro, fen(1)), journal.Credit(journal.LoanPrincipal, fen(2))), journal.ReasonUnbalanced},
		{"one line", draft("k", journal.Debit(journal.Nostro, fen(1))), journal.ReasonUnbalanced},
		{"zero line", draft("k", journal.Debit(journal.Nostro, fen(0)), journal.Credit(journal.LoanPrincipal, fen(0))), journal.ReasonUnbalanced},
		{"two currencies", draft("k", journal.Debit(journal.Nostro, fen(5)), journal.Credit(journal.LoanPrincipal, money.Of(5, money.USD))), journal.ReasonUnbalanced},
		{"overflow", draft("k", journal.Debit(journal.Nostro, fen(math.MaxInt64)), journal.Debit(journal.Nostro, fen(math.MaxInt64))), journal.ReasonUnbalanced},
		{"unknown account", draft("k", journal.Debit("9999", fen(5)), journal.Credit(journal.LoanPrincipal, fen(5))), journal.ReasonUnknownAccount},
		{"blank currency", draft("k", journal.Debit(journal.Nostro, money.Of(5, "")), journal.Credit(journal.LoanPrincipal, money.Of(5, ""))), fault.ReasonInvalid},
		{"no key", draft("", journal.Debit(journal.Nostro, fen(5)), journal.Credit(journal.LoanPrincipal, fen(5))), fault.ReasonInvalid},
	}
	d := dbtest.SQLite(t)
	staff := dbtest.Institution(t, d)
	for _, r := range rows {
		err := post(t, d, staff.System.Scope(), r.draft)
		require.True(t, fault.Is(err, r.reason), "%s: %v", r.name, err)
	}
	report, err := verify(t, d, staff.System.Scope())
	require.NoError(t, err)
	require.Zero(t, report.Entries)
}

func TestTamperingIsFound(t *testing.T) {
	t.Parallel()
	attacks := map[string][]string{
		"amounts of an entry": {
			`drop trigger journal_line_no_update`,
			`update journal_line set amount_minor = amount_minor * 2 where seq = 2`,
		},
		"memo":    {`drop trigger journal_entry_no_update`, `update journal_entry set memo_zh = 'x' where seq = 1`},
		"removal": {`drop trigger journal_entry_no_delete`, `drop trigger journal_line_no_delete`, `delete from journal_line where seq = 2`, `delete from journal_entry where seq = 2`},
		"cut end": {`drop trigger journal_entry_no_delete`, `drop trigger journal_line_no_delete`, `delete from journal_line where seq = 3`, `delete from journal_entry where seq = 3`},
		"balance": {`update ledger_balance set debit_minor = debit_minor + 1 where account_code = '1303'`},
		"head":    {`update journal_head set hash = 'x'`},
	}
	for name, statements := range attacks {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d := dbtest.SQLite(t)
			s := dbtest.Institution(t, d).System.Scope()
			require.NoError(t, post(t, d, s, disburse("a", 1), disburse("b", 2), disburse("c", 3)))
			for _, q := range statements {
				_, err := d.Owner().ExecContext(t.Context(), q)
				require.NoError(t, err)
			}
			_, err := verify(t, d, s)
			require.True(t, fault.Is(err, journal.ReasonBroken), "%v", err)
		})
	}
}

func TestEntriesAreAppendOnly(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d).System.Scope()
		require.NoError(t, post(t, d, s, disburse("a", 1)))
		for _, q := range []string{`update journal_line set amount_minor = 2`, `delete from journal_entry`} {
			_, err := d.Owner().ExecContext(t.Context(), q)
			require.ErrorContains(t, err, "append-only")
		}
	})
}

func TestConcurrentPostsKeepTheChain(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d).System.Scope()
		var wg sync.WaitGroup
		errs := make(chan error, 64)
		for i := range 64 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				key := fmt.Sprintf("k%d", i%40) // some keys twice, at once
				errs <- d.Update(context.Background(), s, func(tx *db.Tx) error {
					_, err := journal.Post(context.Background(), tx, disburse(key, int64(1+i%40)))
					return err
				})
			}()
		}
		wg.Wait()
		close(errs)
		for err := range errs {
			require.NoError(t, err)
		}
		r, err := verify(t, d, s)
		require.NoError(t, err)
		require.Equal(t, int64(40), r.Entries)
	})
}

func TestInstitutionsDoNotShareBooks(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		a, b := dbtest.Institution(t, d), dbtest.Institution(t, d)
		require.NoError(t, post(t, d, a.System.Scope(), disburse("same", 7)))
		require.NoError(t, post(t, d, b.System.Scope(), disburse("same", 9)))
		svc := journal.NewService(d)
		page, err := svc.Entries(t.Context(), b.Operations, journal.EntryFilter{})
		require.NoError(t, err)
		require.Equal(t, int64(1), page.Total)
		require.Equal(t, int64(9), page.Items[0].Lines[0].AmountMinor)
	})
}

// Random batches: whatever is posted, the books verify and balances are sums.
func TestRandomBatchesBalance(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	accounts := slices.DeleteFunc(journal.StandardChart(), func(a journal.Account) bool { return a.Kind == journal.Memo })
	rapid.Check(t, func(rt *rapid.T) {
		staff := dbtest.Institution(t, d)
		s := staff.System.Scope()
		want := map[string]int64{}
		n := 0
		for range rapid.IntRange(1, 5).Draw(rt, "batches") {
			var batch []journal.Draft
			for range rapid.IntRange(1, 8).Draw(rt, "entries") {
				n++
				a := accounts[rapid.IntRange(0, len(accounts)-1).Draw(rt, "debit")].Code
				b := accounts[rapid.IntRange(0, len(accounts)-1).Draw(rt, "credit")].Code
				v := rapid.Int64Range(1, 1e12).Draw(rt, "amount")
				batch = append(batch, draft(fmt.Sprintf("k%d", n), journal.Debit(a, fen(v)), journal.Credit(b, fen(v))))
				want[a] += v
				want[b] -= v
			}
			require.NoError(rt, post(t, d, s, batch...))
		}
		_, err := verify(t, d, s)
		require.NoError(rt, err)
		trial, err := journal.NewService(d).TrialBalance(t.Context(), staff.Operations, day)
		require.NoError(rt, err)
		for _, l := range trial.Lines {
			net := l.DebitMinor - l.CreditMinor
			require.Equal(rt, want[l.Code], net)
		}
	})
}

// Books that an older program kept have no balances by dimension: the first start derives them from the
// chain, and gives the chart the accounts that the standard one has gained.
func TestBooksOfAnOlderProgramAreCarriedOver(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		staff := dbtest.Institution(t, d)
		s := staff.System.Scope()
		require.NoError(t, post(t, d, s, disburse("a", 100), disburse("b", 23)))
		for _, q := range []string{`delete from ledger_balance`, `delete from ledger_turnover`, `update journal_head set projection = 0`, `delete from account where code = '7001'`} {
			_, err := d.Owner().ExecContext(t.Context(), q)
			require.NoError(t, err)
		}
		_, err := verify(t, d, s)
		require.True(t, fault.Is(err, journal.ReasonBroken), "%v", err)
		require.NoError(t, journal.Upgrade(t.Context(), d))
		_, err = verify(t, d, s)
		require.NoError(t, err)
		trial, err := journal.NewService(d).TrialBalance(t.Context(), staff.Operations, day)
		require.NoError(t, err)
		require.Equal(t, int64(123), trial.DebitMinor)
		chart, err := journal.NewService(d).Accounts(t.Context(), staff.Operations)
		require.NoError(t, err)
		require.Len(t, chart, len(journal.StandardChart()))
		require.NoError(t, journal.Upgrade(t.Context(), d), "again changes nothing")
	})
}

// A branch, a product and sub-accounts: one chart account holds many loans, and the books verify.
func TestEntriesCarryDimensions(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		staff := dbtest.Institution(t, d)
		s := staff.System.Scope()
		drawn := func(key, branch, product, loan string, minor int64) journal.Draft {
			x := draft(key, journal.Debit(journal.LoanPrincipal, fen(minor)).Of(loan), journal.Credit(journal.Nostro, fen(minor)))
			x.Branch, x.Product = branch, product
			return x
		}
		require.NoError(t, post(t, d, s, drawn("1", "east", "invoice", "loan_1", 70), drawn("2", "west", "invoice", "loan_2", 20), disburse("3", 5)))
		require.NoError(t, post(t, d, s, drawn("1", "east", "invoice", "loan_1", 70)), "the same again")
		require.True(t, fault.Is(post(t, d, s, drawn("1", "west", "invoice", "loan_1", 70)), journal.ReasonKeyReused), "another branch is other content")
		_, err := verify(t, d, s)
		require.NoError(t, err)
		page, err := journal.NewService(d).Entries(t.Context(), staff.Operations, journal.EntryFilter{Account: journal.LoanPrincipal, Sub: "loan_2"})
		require.NoError(t, err)
		require.Len(t, page.Items, 1)
		require.Equal(t, "west", page.Items[0].Branch)
		require.Equal(t, "loan_2", page.Items[0].Lines[0].Sub)
	})
}

// Memorandum accounts balance among themselves: an entry may not carry money across the edge of the balance sheet.
func TestMemorandumAccountsBalanceApart(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d).System.Scope()
		across := draft("x", journal.Debit(journal.SuspendedInterest, fen(5)), journal.Credit(journal.InterestIncome, fen(5)))
		require.True(t, fault.Is(post(t, d, s, across), journal.ReasonUnbalanced))
		require.NoError(t, post(t, d, s, draft("y", journal.Debit(journal.SuspendedInterest, fen(5)), journal.Credit(journal.SuspendedInterestContra, fen(5)),
			journal.Debit(journal.Nostro, fen(3)), journal.Credit(journal.LoanPrincipal, fen(3)))))
		_, err := verify(t, d, s)
		require.NoError(t, err)
	})
}

// Entries that lie far apart in the journal are read with all their legs.
func TestAFilteredPageMaySpanTheJournal(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		staff := dbtest.Institution(t, d)
		var all []journal.Draft
		for n := range 80 {
			x := disburse(fmt.Sprint(n), int64(n+1))
			if n%79 == 0 {
				x.Branch = "far"
			}
			all = append(all, x)
		}
		require.NoError(t, post(t, d, staff.System.Scope(), all...))
		page, err := journal.NewService(d).Entries(t.Context(), staff.Operations, journal.EntryFilter{Branch: "far"})
		require.NoError(t, err)
		require.Len(t, page.Items, 2)
		require.Equal(t, []int64{80, 1}, []int64{page.Items[0].Lines[0].AmountMinor, page.Items[1].Lines[0].AmountMinor})
	})
}
