package loan_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/base/schedule"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// The schedule keeps what it promises: dates in order, principal whole, nothing negative.
func TestEverySchedulePaysTheLoan(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		tt := richTerms(t)
		if tt.Method == loan.Flat { // flat interest of a few fen outlives its principal
			tt.PrincipalMinor += 10_000
		}
		rows, err := loan.Schedule(tt)
		if err != nil {
			require.NotEmpty(t, fault.All(err))
			return
		}
		var principal int64
		for i, r := range rows {
			require.GreaterOrEqual(t, r.PrincipalMinor, int64(0))
			require.GreaterOrEqual(t, r.InterestMinor, int64(0))
			require.Equal(t, i+1, r.No)
			principal += r.PrincipalMinor
		}
		if tt.Plan.GraceRule == schedule.Capitalise && tt.Plan.GraceInterest > 0 {
			require.GreaterOrEqual(t, principal, tt.PrincipalMinor)
		} else {
			require.Equal(t, tt.PrincipalMinor, principal)
		}
		require.Zero(t, rows[len(rows)-1].BalanceMinor)
		want := tt.Plan.Count
		if tt.Method == loan.Bullet || tt.Method == loan.Discount {
			want = 1
		}
		if tt.Plan.DownPayment > 0 {
			want++
		}
		if tt.Plan.InAdvance && tt.Plan.BalloonMinor > 0 {
			want++
		}
		require.Len(t, rows, want)
		// Paid as planned it ends at zero, and costs what was planned.
		events := []loan.Event{{Seq: 1, Kind: loan.Disbursed, Date: tt.Start, AmountMinor: tt.PrincipalMinor}}
		for i, r := range rows {
			if r.TotalMinor > 0 {
				events = append(events, loan.Event{Seq: int64(i + 2), Kind: loan.Repaid, Date: r.DueDate, AmountMinor: r.TotalMinor})
			}
		}
		s, err := loan.Replay(tt, events, rows[len(rows)-1].DueDate)
		require.NoError(t, err)
		require.Equal(t, loan.Settled, s.Status)
		cost, err := loan.TotalCost(rows)
		require.NoError(t, err)
		require.Equal(t, cost.InterestMinor+cost.PrincipalMinor, s.Totals.PaidInterestMinor+s.Totals.PaidPrincipalMinor)
		require.Zero(t, s.Totals.PenaltyAccruedMinor)
	})
}

// Nonsense is refused with a reason, never a panic and never a negative figure.
func TestNonsenseIsRefused(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := live(t, nil)
		wild := rapid.SampledFrom([]int64{0, -1, 1, math.MaxInt64, math.MinInt64, math.MaxInt64 - 5})
		days := rapid.SampledFrom([]int{-400, -1, 0, 1, 5000, 2_000_000})
		n := rapid.SampledFrom([]int{-5, 0, 1, 3, 360, 1 << 40})
		e := anyEvent(t, &l.state, l.state.AsOf.AddDays(rapid.IntRange(0, 40).Draw(t, "later")))
		r := rate.Rate(wild.Draw(t, "rate"))
		e.AmountMinor, e.Detail.Rate = wild.Draw(t, "amount"), &r
		e.Detail.Keep = true
		e.Detail.Count, e.Detail.Every, e.Detail.GracePrincipal = n.Draw(t, "count"), n.Draw(t, "every"), n.Draw(t, "grace")
		e.Detail.To = e.Detail.From.AddDays(days.Draw(t, "to"))
		for range 2 {
			next := clone(l.state)
			if _, err := next.Apply(e); err != nil {
				return
			}
			sound(t, &next)
			l.state = next
		}
	})
}
