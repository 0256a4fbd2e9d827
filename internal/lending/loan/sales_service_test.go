package loan_test

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/base/schedule"
	"github.com/capillary-finance/capillary/internal/credit/facility"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/proposal"
)

// under is a desk whose contract has the conditions that shape gives it.
func under(t *testing.T, shape func(*loan.Conditions), fn func(t *testing.T, d desk)) {
	t.Helper()
	desks(t, func(t *testing.T, d desk) {
		c := conditions
		shape(&c)
		d.loans = loan.NewService(d.db, d.dispatcher2(t), func(context.Context, *db.Tx, facility.Facility) (loan.Conditions, error) { return c, nil })
		d.proposals = proposal.NewService(d.db)
		d.loans.Servicing(d.proposals)
		fn(t, d)
	})
}

// A restaurant's platform reports its sales: once per reference, never the same days twice; a report that was wrong is taken back
// by two people, and the books follow.
func TestAFeedReportsSales(t *testing.T) {
	t.Parallel()
	under(t, func(c *loan.Conditions) {
		c.Kind, c.Methods = "term", []loan.Method{loan.SalesShare}
		c.Sales = loan.SalesConditions{ShareMin: rate.FromBP(500), ShareMax: rate.FromBP(1500), Minimum: rate.FromBP(200), Cap: rate.FromBP(2500)}
	}, func(t *testing.T, d desk) {
		l := d.active(t, "s", fen("120000"), func(in *loan.DrawInput) {
			in.Method, in.TenorMonths, in.Sales = loan.SalesShare, 12, loan.SalesInput{Share: rate.FromBP(1000), ExpectedMinor: fen("150000")}
		})
		require.Equal(t, loan.Sales{Share: rate.FromBP(1000), MinimumMinor: fen("2400"), CapMinor: fen("30000"), ExpectedMinor: fen("150000")}, l.Terms.Sales)
		d.roll(t, "2026-02-04")
		r := loan.SalesReport{LoanID: l.ID, From: date("2026-01-05"), To: date("2026-02-03"), AmountMinor: fen("200000"), Source: "platform", Reference: "jan"}
		for range 2 {
			seen, err := d.loans.ReportSales(t.Context(), d.staff.Operations, r)
			require.NoError(t, err)
			require.Equal(t, 1, seen.Rows[0].Sales.Reports)
			require.Equal(t, fen("20000"), seen.NextDueMinor)
		}
		other := r
		other.AmountMinor++
		_, err := d.loans.ReportSales(t.Context(), d.staff.Operations, other)
		require.True(t, fault.Is(err, loan.ReasonSalesReused), "%v", err)
		other = r
		other.Reference, other.From = "feb", date("2026-02-03")
		_, err = d.loans.ReportSales(t.Context(), d.staff.Operations, other)
		require.True(t, fault.Is(err, loan.ReasonSalesTwice), "one day of one source counts once: %v", err)
		_, err = d.loans.ReportSales(t.Context(), d.staff.Manager, r)
		require.True(t, fault.Is(err, fault.ReasonForbidden))
		other.ReceivedOn = date("2026-02-05")
		_, err = d.loans.ReportSales(t.Context(), d.staff.Operations, other)
		require.Error(t, err, "from tomorrow")

		d.roll(t, "2026-02-05")
		require.Equal(t, fen("20000"), d.get(t, l.ID).DueMinor)
		require.NoError(t, d.agree(t, loan.Change{LoanID: l.ID, Kind: loan.Reversed, Detail: loan.Particulars{Of: 2}, Reason: "平台报错门店", Reference: "wrong"}))
		after := d.get(t, l.ID)
		require.Equal(t, fen("2400"), after.DueMinor, "no report, the minimum")
		require.True(t, after.Rows[0].Sales.Missing)
		other = r
		other.Reference, other.AmountMinor = "jan-2", fen("50000")
		seen, err := d.loans.ReportSales(t.Context(), d.staff.Operations, other)
		require.NoError(t, err, "the days are free again")
		require.Equal(t, fen("5000"), seen.DueMinor, "on the due date itself, in time")
		d.repay(t, l.ID, fen("5000"), "p", nil)
		d.roll(t, "2026-03-06")
		require.Equal(t, fen("2400"), d.get(t, l.ID).Rows[1].TotalMinor)
		d.whole(t, d.get(t, l.ID).OutstandingMinor)

		in := d.input("low", fen("120000"))
		in.Method, in.Sales.ExpectedMinor = loan.SalesShare, 0
		in.Sales.Share = rate.FromBP(400)
		_, err = d.loans.Preview(t.Context(), d.staff.Manager, in)
		fields := map[string]bool{}
		for _, f := range fault.All(err) {
			fields[f.Field] = true
		}
		require.True(t, fields["sales.share"] && fields["sales.expected_minor"], "%v", err)
	})
}

// A feed that is impatient sends one report eight times at once: it counts once.
func TestOneReportSentByManyCountsOnce(t *testing.T) {
	t.Parallel()
	under(t, func(c *loan.Conditions) {
		c.Kind, c.Methods = "term", []loan.Method{loan.SalesShare}
		c.Sales = loan.SalesConditions{ShareMin: rate.FromBP(1000), ShareMax: rate.FromBP(1000), Minimum: rate.FromBP(200)}
	}, func(t *testing.T, d desk) {
		l := d.active(t, "s", fen("120000"), func(in *loan.DrawInput) {
			in.Method, in.TenorMonths, in.Sales = loan.SalesShare, 12, loan.SalesInput{ExpectedMinor: fen("150000")}
		})
		d.roll(t, "2026-01-20")
		r := loan.SalesReport{LoanID: l.ID, From: date("2026-01-05"), To: date("2026-01-19"), AmountMinor: fen("70000"), Source: "till", Reference: "jan"}
		var group sync.WaitGroup
		failed := make([]error, 8)
		for i := range failed {
			group.Go(func() { _, failed[i] = d.loans.ReportSales(t.Context(), d.staff.Operations, r) })
		}
		group.Wait()
		require.NoError(t, errors.Join(failed...))
		events, err := d.loans.Events(t.Context(), d.staff.Manager, l.ID)
		require.NoError(t, err)
		require.Len(t, events, 2, "the money and one report")
		require.Equal(t, fen("7000"), d.get(t, l.ID).NextDueMinor)
		d.whole(t, fen("120000"))
	})
}

// A workshop is built in three parts: the plan is agreed when the first money leaves and the others follow it.
func TestTranchesFollowTheirPlan(t *testing.T) {
	t.Parallel()
	under(t, func(c *loan.Conditions) {
		c.Kind, c.Tranches = "term", loan.TrancheConditions{Max: 3, MonthsMax: 2}
	}, func(t *testing.T, d desk) {
		plan := []schedule.Tranche{{Date: date("2026-01-20"), AmountMinor: fen("40000")}, {Date: date("2026-02-20"), AmountMinor: fen("20000")}}
		in := d.input("t", fen("120000"))
		in.Method, in.Tranches = loan.InterestOnly, plan
		o, err := d.loans.Preview(t.Context(), d.staff.Manager, in)
		require.NoError(t, err)
		// (60,000 x 31 + 40,000 x 16) days at 4.35 % / 360, ACT: 302.08.
		require.Equal(t, []int64{fen("60000"), fen("302.08")}, []int64{o.ProceedsMinor, o.Schedule[0].InterestMinor})
		l := d.active(t, "t", fen("120000"), func(x *loan.DrawInput) { x.Method, x.Tranches = in.Method, in.Tranches })
		require.Equal(t, fen("60000"), l.OutstandingMinor)
		_, err = d.loans.PayTranche(t.Context(), d.staff.Manager, l.ID, fen("40000"), "early")
		require.True(t, fault.Is(err, loan.ReasonTranchePlan), "not before its date: %v", err)
		d.roll(t, "2026-01-20")
		_, err = d.loans.PayTranche(t.Context(), d.staff.Manager, l.ID, fen("20000"), "other")
		require.True(t, fault.Is(err, loan.ReasonTranchePlan), "not another amount: %v", err)
		_, err = d.loans.PayTranche(t.Context(), d.staff.Manager, l.ID, fen("40000"), "second")
		require.NoError(t, err)
		d.drain(t)
		require.Equal(t, fen("302.08"), d.get(t, l.ID).Rows[0].InterestMinor, "as it was shown")
		d.whole(t, fen("120000"))

		in.Tranches = append(plan, schedule.Tranche{Date: date("2026-03-20"), AmountMinor: fen("1000")}) //nolint:gocritic // a longer plan
		_, err = d.loans.Preview(t.Context(), d.staff.Manager, in)
		require.Error(t, err, "more often than the contract allows")
		in.Tranches = nil
		in.FirstMinor = fen("1000")
		_, err = d.loans.Preview(t.Context(), d.staff.Manager, in)
		require.Error(t, err, "parts without a plan")
	})
}
