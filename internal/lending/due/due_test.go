package due_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/daycount"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/credit/facility"
	"github.com/capillary-finance/capillary/internal/lending/due"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/simulator/bank"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

func day(s string) calendar.Date { return calendar.MustParse(s) }

func TestUnits(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		unit            due.Unit
		day, start, end string
	}{
		{due.Day, "2026-02-05", "2026-02-05", "2026-02-05"},
		{due.Week, "2026-02-05", "2026-02-02", "2026-02-08"}, // a Thursday
		{due.Week, "2026-02-08", "2026-02-02", "2026-02-08"}, // a Sunday
		{due.Week, "2026-02-02", "2026-02-02", "2026-02-08"}, // a Monday
		{due.Month, "2028-02-05", "2028-02-01", "2028-02-29"},
		{due.Month, "2026-12-31", "2026-12-01", "2026-12-31"},
	} {
		require.Equal(t, []string{c.start, c.end}, []string{c.unit.Start(day(c.day)).String(), c.unit.End(day(c.day)).String()}, "%s %s", c.unit, c.day)
	}
	rapid.Check(t, func(t *rapid.T) {
		d := day("2020-01-01").AddDays(rapid.IntRange(0, 5000).Draw(t, "day"))
		u := rapid.SampledFrom([]due.Unit{due.Day, due.Week, due.Month}).Draw(t, "unit")
		require.False(t, u.Start(d).After(d))
		require.False(t, u.End(d).Before(d))
		require.Equal(t, u.Start(d), u.Start(u.End(d)))
		require.Equal(t, u.End(d).AddDays(1), u.Start(u.End(d).AddDays(1)))
	})
}

var moveDate = db.Q(`update institution set business_date = $2 where institution_id = $1`)

// A book of loans: the calendar's sums are those of the loans' own schedules,
// received money and arrears show, and a branch sees its own.
func TestTheCalendarAgreesWithTheLoans(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		staff := dbtest.Institution(t, d)
		s, err := bank.New(bank.Config{Secret: "s", SettlementMinor: 1_000_000_000_00})
		require.NoError(t, err)
		h := httptest.NewServer(s)
		t.Cleanup(func() { _ = s.Close(); h.Close() })
		client, err := payment.NewClient(payment.ClientConfig{URL: h.URL, Secret: "s", Timeout: 2 * time.Second})
		require.NoError(t, err)
		dispatcher := payment.NewDispatcher(d, client, payment.DispatcherConfig{})
		methods := []loan.Method{loan.EqualInstalment, loan.EqualPrincipal, loan.InterestOnly, loan.Bullet}
		loans := loan.NewService(d, dispatcher, func(context.Context, *db.Tx, facility.Facility) (loan.Conditions, error) {
			return loan.Conditions{Methods: methods, TenorMonthsMin: 1, TenorMonthsMax: 24, Basis: daycount.Act360, Rounding: money.HalfUp, PenaltySpread: rate.FromBP(5000)}, nil
		})
		scope := staff.System.Scope()
		update := func(fn func(tx *db.Tx) error) {
			t.Helper()
			require.NoError(t, d.Update(t.Context(), scope, fn))
		}
		var ids []string
		for i := range 6 {
			branch, path := "br_east", "/hq/east/"
			if i >= 4 {
				branch, path = "br_west", "/hq/west/"
			}
			var f facility.Facility
			update(func(tx *db.Tx) (err error) {
				f, err = facility.Open(t.Context(), tx, facility.Draft{FirmID: fmt.Sprint("firm_", i), ApplicationID: "a", ContractID: tx.NewID("con"), ProductID: fmt.Sprint("product-", i%2), ProductVersion: 1,
					BranchID: branch, BranchPath: path, LimitMinor: 100_000_00, Currency: "CNY", Rate: rate.FromBP(435), Revolving: true, ExpiresOn: day("2027-01-05")})
				return err
			})
			l, err := loans.Draw(t.Context(), staff.System, loan.DrawInput{FacilityID: f.ID, AmountMinor: int64(10_000_00 + i*1000_00), TenorMonths: 6, Method: methods[i%4], PayeeName: "甲", PayeeAccount: fmt.Sprint("acct-", i), Reference: fmt.Sprint("R", i)})
			require.NoError(t, err)
			ids = append(ids, l.ID)
		}
		_, err = dispatcher.Drain(t.Context())
		require.NoError(t, err)
		update(func(tx *db.Tx) error {
			if _, err := tx.Exec(t.Context(), moveDate, tx.Institution, "2026-02-10"); err != nil {
				return err
			}
			_, _, err := loan.Roll(t.Context(), tx, "", day("2026-02-10"), 100)
			return err
		})
		l0, err := loans.Get(t.Context(), staff.System, ids[0])
		require.NoError(t, err)
		_, err = loans.Repay(t.Context(), staff.System, loan.RepayInput{LoanID: ids[0], AmountMinor: l0.DueMinor, Reference: "r"})
		require.NoError(t, err)
		for range 2 { // events come more than once, and change nothing the second time
			update(func(tx *db.Tx) error {
				for _, id := range ids {
					if err := due.Project(t.Context(), tx, id); err != nil {
						return err
					}
				}
				return nil
			})
		}

		cal := due.NewService(d)
		whole, err := cal.Calendar(t.Context(), staff.System, due.Query{Unit: due.Month, From: day("2026-01-01"), Until: day("2026-12-31")})
		require.NoError(t, err)
		require.Len(t, whole.Cells, 12)
		var want, paid, overdue, n int64
		for _, id := range ids {
			l, err := loans.Get(t.Context(), staff.System, id)
			require.NoError(t, err)
			for _, r := range l.Rows {
				n++
				want += r.TotalMinor
				paid += r.PaidInterestMinor + r.PaidPrincipalMinor
				if r.ClearedOn.IsZero() && r.DueDate.Before(day("2026-02-10")) {
					overdue += r.TotalMinor - r.PaidInterestMinor - r.PaidPrincipalMinor
				}
			}
		}
		require.Positive(t, overdue)
		sums := due.Sums{Instalments: n, ExpectedMinor: want, ReceivedMinor: paid, OverdueMinor: overdue}
		require.Equal(t, []due.Amount{{Currency: "CNY", Sums: sums}}, whole.Totals)
		for _, groups := range [][]due.Group{whole.Branches, whole.Products} {
			var total due.Sums
			require.Len(t, groups, 2)
			for _, g := range groups {
				total.Instalments += g.Instalments
				total.ExpectedMinor += g.ExpectedMinor
				total.ReceivedMinor += g.ReceivedMinor
				total.OverdueMinor += g.OverdueMinor
			}
			require.Equal(t, sums, total)
		}

		// Pages lead to every instalment once.
		seen := map[string]bool{}
		for cursor := ""; ; {
			page, err := cal.Items(t.Context(), staff.System, due.ItemQuery{Query: due.Query{From: day("2026-01-01"), Until: day("2026-12-31")}, Limit: 5, Cursor: cursor})
			require.NoError(t, err)
			require.Equal(t, n, page.Total)
			for _, x := range page.Items {
				key := fmt.Sprint(x.LoanID, x.No)
				require.False(t, seen[key])
				seen[key] = true
				require.Equal(t, "甲", x.FirmName)
			}
			if cursor = page.NextCursor; cursor == "" {
				break
			}
		}
		require.Len(t, seen, int(n))
		late, err := cal.Items(t.Context(), staff.System, due.ItemQuery{Query: due.Query{From: day("2026-01-01"), Until: day("2026-12-31")}, State: "overdue", Limit: 100})
		require.NoError(t, err)
		var sum int64
		for _, x := range late.Items {
			require.True(t, x.Overdue)
			sum += x.TotalMinor - x.PaidMinor
		}
		require.Equal(t, overdue, sum)

		// The manager of the east sees the east only.
		east, err := cal.Calendar(t.Context(), staff.Manager, due.Query{Unit: due.Day, From: day("2026-02-01"), Until: day("2026-02-28")})
		require.NoError(t, err)
		require.Len(t, east.Branches, 1)
		require.Len(t, east.Cells, 28)
		require.True(t, east.Cells[0].RestDay, "a Sunday")
		for unit, until := range map[due.Unit]string{due.Day: "2026-12-31", due.Week: "2029-01-01", "year": "2026-02-01"} {
			_, err = cal.Calendar(t.Context(), staff.System, due.Query{Unit: unit, From: day("2026-01-01"), Until: day(until)})
			require.Error(t, err)
		}
	})
}
