package loan_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/base/schedule"
	"github.com/capillary-finance/capillary/internal/ledger/recipe"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// A machine of 100,000.00 at 0.5 % a month: twelve rents in arrears, bought for 10,000.00 at the end, a deposit of 20,000.00 kept
// back. (100,000 - 10,000 / 1.005^12) / ((1 - 1.005^-12) / 0.005) = 7,795.98.
func lease(use loan.DepositUse) loan.Terms {
	tt := terms(fen("100000"), 600, 12, loan.EqualInstalment)
	tt.Plan = loan.Plan{Count: 12, BalloonMinor: fen("10000"), Accrual: schedule.ByPeriod, Level: schedule.Rounded}
	tt.Deposit = loan.Deposit{AmountMinor: fen("20000"), Use: use}
	return tt
}

func letOut(t *testing.T, tt loan.Terms) *story {
	t.Helper()
	require.NoError(t, tt.Validate())
	s, err := loan.Replay(tt, nil, tt.Start)
	require.NoError(t, err)
	st := &story{t: t, terms: tt, s: s}
	st.do(tt.Start.String(), loan.Event{Kind: loan.Disbursed, AmountMinor: tt.PrincipalMinor, Detail: loan.Particulars{DepositMinor: fen("20000")}})
	return st
}

func TestStoryOfADepositThatPaysTheLastRents(t *testing.T) {
	t.Parallel()
	st := letOut(t, lease(loan.DepositLastRents))
	require.Equal(t, fen("100000"), st.s.Principal(), "the deposit lowers nothing that is owed")
	require.Equal(t, fen("20000"), st.s.Totals.DepositHeld())
	for k := range 10 {
		on := st.s.Rows[k].DueDate.String()
		require.Equal(t, fen("7795.98"), st.at(on).Due().TotalMinor())
		require.Zero(t, st.s.DepositDue(), "rent %d is paid in money", k+1)
		st.pay(on, "7795.98")
	}
	// The last rent with the price of the machine is 17,707.43 + 88.54 = 17,795.97: 2,204.03 of the deposit are left for the eleventh.
	st.at("2026-12-15")
	require.Equal(t, fen("2204.03"), st.s.DepositDue())
	require.Equal(t, loan.Allocation{InterestMinor: fen("126.88"), PrincipalMinor: fen("2077.15")}, st.do("2026-12-15", loan.Event{Kind: loan.DepositApplied, AmountMinor: fen("2204.03")}), "interest first, by the loan's order")
	st.pay("2026-12-15", "5591.95")
	st.at("2027-01-15")
	require.Equal(t, fen("17795.97"), st.s.DepositDue())
	st.do("2027-01-15", loan.Event{Kind: loan.DepositApplied, AmountMinor: fen("17795.97")})
	require.Equal(t, loan.Settled, st.s.Status)
	require.Zero(t, st.s.Totals.DepositHeld())
}

// What the money costs counts the deposit: 80,000.00 reach the lessee. Ten rents, 5,591.95 and nothing give 0.7476 % a month;
// with the deposit back at the end 0.7509 %.
func TestTheYearlyCostOfALeaseCountsItsDeposit(t *testing.T) {
	t.Parallel()
	for use, want := range map[loan.DepositUse]float64{loan.DepositLastRents: 0.089709, loan.DepositReturn: 0.090104, "": 0.06} {
		tt := lease(use)
		if use == "" {
			tt.Deposit = loan.Deposit{}
		}
		o, err := loan.Outlined(tt)
		require.NoError(t, err)
		require.InDelta(t, want, float64(o.Simple)/rate.Scale, 2e-6, string(use))
		require.Equal(t, fen("100000")-tt.Deposit.AmountMinor, o.ProceedsMinor)
	}
	// A discount of 900.00 on 100,000.00 for three months: 900 / 99,100 x 4 = 3.6327 %.
	o, err := loan.Outlined(terms(fen("100000"), 360, 3, loan.Discount))
	require.NoError(t, err)
	require.InDelta(t, 0.036327, float64(o.Simple)/rate.Scale, 1e-6)
	require.Equal(t, []int64{fen("900"), fen("99100"), fen("900")}, []int64{o.WithheldMinor, o.ProceedsMinor, o.Cost.InterestMinor})
	// Sales as expected: 60,000.00 against five times 10,000.00 and 11,289.68 cost 0.6019 % a month.
	o, err = loan.Outlined(shop())
	require.NoError(t, err)
	require.InDelta(t, 0.072233, float64(o.Simple)/rate.Scale, 2e-6)
}

// The lessee stops paying. The deposit pays what is due by decision, in the loan's order; what is left of a claim that is written
// off takes the rest as a recovery.
func TestStoryOfADepositInDefault(t *testing.T) {
	t.Parallel()
	st := letOut(t, lease(loan.DepositReturn))
	st.at("2026-03-25")
	// Two rents, and penalty at 9 %: 7,295.98 x 38 days and 7,332.46 x 10 days: 69.31 + 18.33 = 87.64; on interest 500.00 x 38 and
	// 463.52 x 10: 5.91.
	require.Equal(t, loan.Allocation{PenaltyMinor: fen("87.64"), CompoundMinor: fen("5.91"), InterestMinor: fen("963.52"), PrincipalMinor: fen("14628.44")}, st.s.Due())
	_, err := loan.Replay(st.terms, append(append([]loan.Event{}, st.events...), loan.Event{Seq: 2, Kind: loan.DepositReturned, Date: date("2026-03-25"), AmountMinor: 1}), date("2026-03-25"))
	require.True(t, fault.Is(err, loan.ReasonWrongStatus), "it goes back when the lease is settled: %v", err)
	_, err = loan.Replay(st.terms, append(append([]loan.Event{}, st.events...), loan.Event{Seq: 2, Kind: loan.DepositApplied, Date: date("2026-03-25"), AmountMinor: fen("20000.01")}), date("2026-03-25"))
	require.True(t, fault.Is(err, loan.ReasonDeposit), "%v", err)
	require.Equal(t, loan.Allocation{PenaltyMinor: fen("87.64"), CompoundMinor: fen("5.91"), InterestMinor: fen("963.52"), PrincipalMinor: fen("8942.93")},
		st.do("2026-03-25", loan.Event{Kind: loan.DepositApplied, AmountMinor: fen("10000")}))
	require.Equal(t, fen("10000"), st.s.Totals.DepositHeld())
	require.Equal(t, 10, st.s.DaysPastDue(), "the first rent is paid, the second in part")

	st.do("2026-04-01", loan.Event{Kind: loan.WrittenOff})
	claim := st.s.Payoff().TotalMinor()
	require.Equal(t, loan.Allocation{RecoveredMinor: fen("10000")}, st.do("2026-05-01", loan.Event{Kind: loan.DepositApplied, AmountMinor: fen("10000")}))
	require.Equal(t, claim-fen("10000"), st.s.Payoff().TotalMinor())
}

func TestDepositsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	for name, shape := range map[string]func(*loan.Terms){
		"as much as the machine": func(t *loan.Terms) { t.Deposit.AmountMinor = t.PrincipalMinor },
		"for nothing":            func(t *loan.Terms) { t.Deposit.Use = "" },
		"of a discount":          func(t *loan.Terms) { t.Method, t.Plan = loan.Discount, loan.Plan{} },
	} {
		tt := lease(loan.DepositReturn)
		shape(&tt)
		require.Error(t, tt.Validate(), name)
	}
	st := letOut(t, lease(loan.DepositReturn))
	_, err := st.s.Apply(loan.Event{Seq: 2, Kind: loan.DepositPaid, Date: date("2026-01-20"), AmountMinor: 1})
	require.True(t, fault.Is(err, loan.ReasonDepositTaken), "all of it is held already: %v", err)
}

// lessors let machines out: deposits up to a fifth, a purchase price up to a tenth.
func lessors(t *testing.T, use loan.DepositUse, fn func(t *testing.T, d desk)) {
	t.Helper()
	under(t, func(c *loan.Conditions) {
		c.Kind = loan.KindLease
		c.Lease = loan.LeaseConditions{DepositMax: rate.FromBP(2000), ResidualMax: rate.FromBP(1000), DepositUse: use}
	}, fn)
}

// A machine is let out and bought: the deposit is a liability from the first day to the last, the supplier gets the price less
// the deposit, and the end of the day pays the last rent with it.
func TestALeaseWithADepositInTheBooks(t *testing.T) {
	t.Parallel()
	lessors(t, loan.DepositLastRents, func(t *testing.T, d desk) {
		l := d.active(t, "m1", fen("120000"), func(in *loan.DrawInput) {
			in.Method, in.Lease = loan.EqualInstalment, loan.LeaseInput{ResidualMinor: fen("12000"), DepositMinor: fen("20000")}
		})
		require.Equal(t, fen("-20000"), d.account(t, recipe.LeaseDeposit))
		require.Equal(t, fen("-100000"), d.account(t, recipe.Settlement))
		require.Equal(t, fen("120000"), d.account(t, recipe.LoanPrincipal))
		for k := range 3 {
			row := d.get(t, l.ID).Rows[k]
			d.roll(t, row.DueDate.String())
			if k < 2 {
				d.repay(t, l.ID, row.TotalMinor, "rent-"+row.DueDate.String(), nil)
			}
		}
		last := d.get(t, l.ID).Rows[2]
		require.Greater(t, last.TotalMinor, fen("20000"))
		d.update(t, func(tx *db.Tx) error {
			made, err := d.loans.CollectDue(t.Context(), tx, l.ID, last.DueDate)
			require.Equal(t, loan.Ordered, made, "the rest is collected")
			return err
		})
		require.Zero(t, d.account(t, recipe.LeaseDeposit))
		require.Equal(t, last.TotalMinor-fen("20000"), d.get(t, l.ID).DueMinor)
		d.drain(t)
		require.Equal(t, loan.Settled, d.get(t, l.ID).Status)
		rents := d.get(t, l.ID).Totals
		require.Equal(t, rents.PaidInterestMinor, d.account(t, recipe.Settlement), "what is left of it all is the interest")
		d.whole(t, 0)
		statement, err := d.loans.Statement(t.Context(), d.staff.Manager, l.ID, l.Terms.Start, last.DueDate)
		require.NoError(t, err)
		applied := 0
		for _, line := range statement.Lines {
			if line.Kind == string(loan.DepositApplied) {
				applied++
				require.Equal(t, fen("-20000"), line.Amount)
			}
		}
		require.Equal(t, 1, applied)
	})
}

// A deposit that is paid in, once per reference; settled early, it goes back through the bank when two people agree.
func TestADepositGoesBackThroughTheBank(t *testing.T) {
	t.Parallel()
	lessors(t, loan.DepositReturn, func(t *testing.T, d desk) {
		l := d.active(t, "m2", fen("120000"), func(in *loan.DrawInput) {
			in.Method, in.Lease = loan.EqualInstalment, loan.LeaseInput{DepositMinor: fen("24000"), DepositPaidIn: true}
		})
		in := loan.DepositInput{LoanID: l.ID, AmountMinor: fen("24000"), Reference: "d1"}
		for range 2 {
			seen, err := d.loans.TakeDeposit(t.Context(), d.staff.Operations, in)
			require.NoError(t, err)
			require.Equal(t, fen("24000"), seen.Totals.DepositHeld())
		}
		in.AmountMinor--
		_, err := d.loans.TakeDeposit(t.Context(), d.staff.Operations, in)
		require.True(t, fault.Is(err, loan.ReasonRepaymentReused), "%v", err)
		_, err = d.loans.TakeDeposit(t.Context(), d.staff.Operations, loan.DepositInput{LoanID: l.ID, AmountMinor: 1, Reference: "d2"})
		require.True(t, fault.Is(err, loan.ReasonDepositTaken), "%v", err)
		require.Equal(t, fen("-96000"), d.account(t, recipe.Settlement))

		back := loan.Change{LoanID: l.ID, Kind: loan.DepositReturned, AmountMinor: fen("24000"), Reason: "租赁期满", Reference: "b1"}
		require.True(t, fault.Is(d.agree(t, back), loan.ReasonWrongStatus), "not before the lease is settled")
		d.roll(t, "2026-01-25")
		d.repay(t, l.ID, d.get(t, l.ID).Payoff.TotalMinor(), "all", func(in *loan.RepayInput) { in.Prepay = true })
		require.Equal(t, fen("-24000"), d.account(t, recipe.LeaseDeposit), "still the lessee's")
		require.NoError(t, d.agree(t, back))
		require.True(t, fault.Is(d.agree(t, loan.Change{LoanID: l.ID, Kind: loan.DepositReturned, AmountMinor: 1, Reason: "再退一次", Reference: "b2"}), loan.ReasonDeposit), "it is on its way")
		d.drain(t)
		require.Zero(t, d.account(t, recipe.LeaseDeposit))
		gone := d.get(t, l.ID).Totals
		require.Zero(t, gone.DepositHeld())
		d.whole(t, 0)
	})
}

func TestALeaseKeepsToItsContract(t *testing.T) {
	t.Parallel()
	lessors(t, loan.DepositReturn, func(t *testing.T, d desk) {
		in := d.input("m3", fen("120000"))
		in.Method, in.Lease = loan.EqualInstalment, loan.LeaseInput{DepositMinor: fen("24000.01"), ResidualMinor: fen("12000.01")}
		_, err := d.loans.Preview(t.Context(), d.staff.Manager, in)
		fields := map[string]bool{}
		for _, f := range fault.All(err) {
			fields[f.Field] = true
		}
		require.True(t, fields["lease.deposit_minor"] && fields["lease.residual_minor"], "%v", err)
	})
}
