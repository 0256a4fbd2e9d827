package loan_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/daycount"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

func date(s string) calendar.Date { return calendar.MustParse(s) }

func terms(principal int64, bp int64, months int, m loan.Method) loan.Terms {
	return loan.Terms{
		PrincipalMinor: principal, Currency: money.CNY, AnnualRate: rate.FromBP(bp), PenaltyRate: rate.FromBP(bp * 3 / 2),
		Start: date("2026-01-15"), TenorMonths: months, Method: m, Basis: daycount.Act360, Rounding: money.HalfUp,
	}
}

func fen(text string) int64 {
	v, err := money.ParseMinor(text, 2)
	if err != nil {
		panic(err)
	}
	return v
}

// Published Chinese calculator results, which read months as 30 days.
func TestScheduleAgainstPublishedResults(t *testing.T) {
	t.Parallel()
	cn := func(principal int64, months int, m loan.Method) []loan.Instalment {
		tt := terms(principal, 490, months, m)
		tt.Basis, tt.Start = daycount.Thirty360, date("2026-01-01")
		rows, err := loan.Schedule(tt)
		require.NoError(t, err)
		return rows
	}
	rows := cn(fen("630000"), 360, loan.EqualInstalment)
	require.Equal(t, fen("3343.58"), rows[0].TotalMinor)
	require.Equal(t, fen("3343.58"), rows[358].TotalMinor)
	rows = cn(fen("1000000"), 240, loan.EqualInstalment)
	require.Equal(t, []int64{fen("6544.44"), fen("4083.33"), fen("2461.11")},
		[]int64{rows[0].TotalMinor, rows[0].InterestMinor, rows[0].PrincipalMinor})
	rows = cn(fen("630000"), 360, loan.EqualPrincipal)
	require.Equal(t, fen("4322.50"), rows[0].TotalMinor)
	cost, err := loan.TotalCost(rows)
	require.NoError(t, err)
	require.InDelta(t, fen("464336.25"), cost.InterestMinor, 180, "each instalment is rounded by itself")
}

func TestScheduleByHand(t *testing.T) {
	t.Parallel()
	// 120,000.00 at 4.35%, ACT/360, three months from 15 January: 31, 28, 31 days.
	rows, err := loan.Schedule(terms(fen("120000"), 435, 3, loan.EqualPrincipal))
	require.NoError(t, err)
	want := []loan.Instalment{
		{No: 1, DueDate: date("2026-02-15"), Days: 31, PrincipalMinor: fen("40000"), InterestMinor: fen("449.50"), TotalMinor: fen("40449.50"), BalanceMinor: fen("80000")},
		{No: 2, DueDate: date("2026-03-15"), Days: 28, PrincipalMinor: fen("40000"), InterestMinor: fen("270.67"), TotalMinor: fen("40270.67"), BalanceMinor: fen("40000")},
		{No: 3, DueDate: date("2026-04-15"), Days: 31, PrincipalMinor: fen("40000"), InterestMinor: fen("149.83"), TotalMinor: fen("40149.83"), BalanceMinor: 0},
	}
	require.Equal(t, want, rows)

	rows, err = loan.Schedule(terms(fen("120000"), 435, 3, loan.InterestOnly))
	require.NoError(t, err)
	require.Equal(t, []int64{fen("449.50"), fen("406.00"), fen("449.50")}, []int64{rows[0].TotalMinor, rows[1].TotalMinor, rows[2].InterestMinor})
	require.Equal(t, fen("120000"), rows[2].PrincipalMinor)

	rows, err = loan.Schedule(terms(fen("120000"), 435, 3, loan.Bullet))
	require.NoError(t, err)
	require.Len(t, rows, 1)
	require.Equal(t, fen("1305.00"), rows[0].InterestMinor) // 90 days
	require.Equal(t, date("2026-04-15"), rows[0].DueDate)
}

func TestMonthEndAndHolidays(t *testing.T) {
	t.Parallel()
	tt := terms(fen("10000"), 600, 3, loan.InterestOnly)
	tt.Start = date("2026-01-31")
	rows, err := loan.Schedule(tt)
	require.NoError(t, err)
	require.Equal(t, []string{"2026-02-28", "2026-03-31", "2026-04-30"},
		[]string{rows[0].DueDate.String(), rows[1].DueDate.String(), rows[2].DueDate.String()})
	tt.Start, tt.DueRule = date("2026-09-01"), calendar.Following
	rows, err = loan.Schedule(tt)
	require.NoError(t, err)
	require.Equal(t, "2026-10-08", rows[0].DueDate.String(), "the National Day holiday")
	require.Equal(t, 37, rows[0].Days)
}

func TestTermsNameEveryFault(t *testing.T) {
	t.Parallel()
	_, err := loan.Schedule(loan.Terms{Method: "?", TenorMonths: -1, AnnualRate: -1, PenaltyRate: -2, GraceDays: 99, Basis: daycount.ActActAFB})
	fields := map[string]bool{}
	for _, f := range fault.All(err) {
		fields[f.Field] = true
	}
	for _, f := range []string{"amount_minor", "currency", "annual_rate", "penalty_rate", "start", "tenor_months", "grace_days", "method", "basis"} {
		require.True(t, fields[f], f)
	}
}

func anyTerms(t *rapid.T) loan.Terms {
	tt := terms(rapid.Int64Range(1, 1e11).Draw(t, "principal"), rapid.Int64Range(0, 3600).Draw(t, "bp"),
		rapid.IntRange(1, 60).Draw(t, "months"),
		rapid.SampledFrom([]loan.Method{loan.EqualInstalment, loan.EqualPrincipal, loan.InterestOnly, loan.Bullet}).Draw(t, "method"))
	tt.Start = date("2024-01-01").AddDays(rapid.IntRange(0, 900).Draw(t, "start"))
	tt.Basis = daycount.Convention(rapid.IntRange(0, 2).Draw(t, "basis"))
	tt.GraceDays = rapid.SampledFrom([]int{0, 0, 3, 15}).Draw(t, "grace")
	tt.DueRule = calendar.Adjustment(rapid.IntRange(0, 1).Draw(t, "rule"))
	return tt
}

func TestScheduleProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		tt := anyTerms(t)
		rows, err := loan.Schedule(tt)
		require.NoError(t, err)
		balance, from := tt.PrincipalMinor, tt.Start
		for i, r := range rows {
			require.Equal(t, i+1, r.No)
			require.True(t, r.DueDate.After(from))
			require.GreaterOrEqual(t, r.PrincipalMinor, int64(0))
			num, den := tt.Basis.Fraction(from, r.DueDate)
			interest, err := rate.Interest(balance, tt.AnnualRate, num, den, tt.Rounding)
			require.NoError(t, err)
			require.Equal(t, interest, r.InterestMinor)
			balance -= r.PrincipalMinor
			require.Equal(t, balance, r.BalanceMinor)
			require.Equal(t, r.PrincipalMinor+r.InterestMinor, r.TotalMinor)
			from = r.DueDate
		}
		require.Zero(t, balance)
		if tt.Method == loan.EqualInstalment && len(rows) > 1 {
			level := rows[0].TotalMinor
			for _, r := range rows[:len(rows)-1] {
				require.LessOrEqual(t, r.TotalMinor, max(level, r.InterestMinor))
			}
			require.Positive(t, tt.PrincipalMinor)
		}
	})
}

// Equal instalments of usual size differ by the last one only, and by less
// than one fen per period.
func TestLevelInstalments(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		tt := terms(rapid.Int64Range(1e6, 1e11).Draw(t, "principal"), rapid.Int64Range(0, 2400).Draw(t, "bp"), rapid.IntRange(2, 60).Draw(t, "months"), loan.EqualInstalment)
		rows, err := loan.Schedule(tt)
		require.NoError(t, err)
		for _, r := range rows[:len(rows)-1] {
			require.Equal(t, rows[0].TotalMinor, r.TotalMinor)
		}
		require.InDelta(t, rows[0].TotalMinor, rows[len(rows)-1].TotalMinor, float64(2*len(rows)))
	})
}

func disbursed(tt loan.Terms) []loan.Event {
	return []loan.Event{{Seq: 1, Kind: loan.Disbursed, Date: tt.Start, AmountMinor: tt.PrincipalMinor}}
}

func TestPayingOnTimeCostsTheSchedule(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		tt := anyTerms(t)
		rows, err := loan.Schedule(tt)
		require.NoError(t, err)
		events := disbursed(tt)
		for i, r := range rows {
			if r.TotalMinor > 0 {
				events = append(events, loan.Event{Seq: int64(i + 2), Kind: loan.Repaid, Date: r.DueDate, AmountMinor: r.TotalMinor})
			}
		}
		s, err := loan.Replay(tt, events, tt.Maturity().AddDays(30))
		require.NoError(t, err)
		require.Equal(t, loan.Settled, s.Status)
		cost, err := loan.TotalCost(rows)
		require.NoError(t, err)
		require.Equal(t, cost.InterestMinor, s.Totals.PaidInterestMinor)
		require.Equal(t, cost.InterestMinor, s.Totals.InterestAccruedMinor)
		require.Zero(t, s.Totals.PenaltyAccruedMinor)
		require.Zero(t, s.Payoff().TotalMinor())
	})
}

// A night at a time or in one leap: the same state.
func TestAdvanceDoesNotDependOnItsSteps(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		tt := anyTerms(t)
		horizon := rapid.IntRange(0, tt.Maturity().Sub(tt.Start)+60).Draw(t, "days")
		leap, err := loan.Replay(tt, disbursed(tt), tt.Start.AddDays(horizon))
		require.NoError(t, err)
		walk, err := loan.Replay(tt, disbursed(tt), tt.Start)
		require.NoError(t, err)
		for d := range horizon {
			before := walk.Totals
			require.NoError(t, walk.Advance(tt.Start.AddDays(d+1)))
			require.GreaterOrEqual(t, walk.Totals.InterestAccruedMinor, before.InterestAccruedMinor)
			require.GreaterOrEqual(t, walk.Totals.PenaltyAccruedMinor, before.PenaltyAccruedMinor)
		}
		require.Equal(t, leap, walk)
	})
}

func TestPenaltyByHand(t *testing.T) {
	t.Parallel()
	tt := terms(fen("120000"), 435, 3, loan.EqualPrincipal)
	tt.PenaltyRate = rate.FromBP(653)
	s, err := loan.Replay(tt, disbursed(tt), date("2026-02-15"))
	require.NoError(t, err)
	require.Equal(t, fen("40449.50"), s.Due().TotalMinor())
	require.Equal(t, loan.Active, s.Status, "due today is not overdue")
	require.NoError(t, s.Advance(date("2026-02-25")))
	require.Equal(t, loan.Overdue, s.Status)
	require.Equal(t, 10, s.DaysPastDue())
	// 40,000 * 10 * 6.53% / 360 = 72.5555..., and on the unpaid interest 449.50 * 10 * 6.53% / 360 = 0.8153...
	require.Equal(t, fen("72.56"), s.Due().PenaltyMinor)
	require.Equal(t, fen("0.82"), s.Due().CompoundMinor)
	// Contract interest runs on the 80,000 that are not overdue: 10 days = 96.67.
	require.Equal(t, fen("449.50")+fen("96.67"), s.Totals.InterestAccruedMinor)

	tt.GraceDays = 3
	s, err = loan.Replay(tt, disbursed(tt), date("2026-02-18"))
	require.NoError(t, err)
	require.Equal(t, loan.Active, s.Status)
	require.Zero(t, s.Due().PenaltyMinor)
	// In grace the contract rate runs on the whole 120,000: 3 days = 43.50.
	require.Equal(t, fen("449.50")+fen("43.50"), s.Totals.InterestAccruedMinor)
}

func TestAllocationOrder(t *testing.T) {
	t.Parallel()
	tt := terms(fen("120000"), 435, 3, loan.EqualPrincipal)
	events := append(disbursed(tt),
		loan.Event{Seq: 2, Kind: loan.FeeCharged, Date: date("2026-02-20"), AmountMinor: fen("25")})
	s, err := loan.Replay(tt, events, date("2026-02-25"))
	require.NoError(t, err)
	penalty, compound := s.Due().PenaltyMinor, s.Due().CompoundMinor
	require.Positive(t, penalty)
	require.Positive(t, compound)
	pay := func(amount int64) loan.Allocation {
		a, err := s.Apply(loan.Event{Kind: loan.Repaid, Date: date("2026-02-25"), AmountMinor: amount})
		require.NoError(t, err)
		require.Equal(t, amount, a.TotalMinor())
		return a
	}
	require.Equal(t, loan.Allocation{FeeMinor: fen("20")}, pay(fen("20")))
	require.Equal(t, loan.Allocation{FeeMinor: fen("5"), PenaltyMinor: penalty, CompoundMinor: compound}, pay(fen("5")+penalty+compound))
	require.Equal(t, loan.Allocation{InterestMinor: fen("449.50"), PrincipalMinor: fen("0.50")}, pay(fen("450")))
	_, err = s.Apply(loan.Event{Kind: loan.Repaid, Date: date("2026-02-25"), AmountMinor: fen("40000")})
	require.True(t, fault.Is(err, loan.ReasonOverpaid), "%v", err)
	require.Equal(t, loan.Allocation{PrincipalMinor: fen("39999.50")}, pay(fen("39999.50")))
	require.Equal(t, loan.Active, s.Status)
}

func TestPrepaymentPlansAgain(t *testing.T) {
	t.Parallel()
	tt := terms(fen("120000"), 435, 3, loan.EqualPrincipal)
	s, err := loan.Replay(tt, disbursed(tt), date("2026-01-25"))
	require.NoError(t, err)
	// Ten days of interest are 145.00; the rest lowers principal by 60,000.
	a, err := s.Apply(loan.Event{Kind: loan.Repaid, Date: date("2026-01-25"), AmountMinor: fen("60145"), Prepay: true})
	require.NoError(t, err)
	require.Equal(t, loan.Allocation{InterestMinor: fen("145"), PrincipalMinor: fen("60000")}, a)
	require.Equal(t, fen("20000"), s.Rows[0].PrincipalMinor)
	require.Equal(t, fen("60000"), s.Rows[0].PrincipalMinor+s.Rows[1].PrincipalMinor+s.Rows[2].PrincipalMinor)
	require.NoError(t, s.Advance(date("2026-02-15")))
	// 120,000 for 10 days and 60,000 for 21: 145.00 + 152.25, of which 145 are paid.
	require.Equal(t, fen("297.25"), s.Rows[0].InterestMinor)
	require.Equal(t, fen("20152.25"), s.Due().TotalMinor())
}

func TestSettlement(t *testing.T) {
	t.Parallel()
	for _, m := range []loan.Method{loan.EqualInstalment, loan.EqualPrincipal, loan.InterestOnly, loan.Bullet} {
		tt := terms(fen("500000"), 520, 12, m)
		s, err := loan.Replay(tt, disbursed(tt), date("2026-06-01"))
		require.NoError(t, err)
		payoff := s.Payoff().TotalMinor()
		_, err = s.Apply(loan.Event{Kind: loan.Repaid, Date: date("2026-06-01"), AmountMinor: payoff + 1, Prepay: true})
		require.True(t, fault.Is(err, loan.ReasonOverpaid))
		_, err = s.Apply(loan.Event{Kind: loan.Repaid, Date: date("2026-06-01"), AmountMinor: payoff, Prepay: true})
		require.NoError(t, err)
		require.Equal(t, loan.Settled, s.Status)
		require.NoError(t, s.Advance(date("2027-06-01")))
		require.Zero(t, s.Payoff().TotalMinor())
		require.Equal(t, s.Totals.InterestAccruedMinor, s.Totals.PaidInterestMinor)
	}
}

func TestWrongStatus(t *testing.T) {
	t.Parallel()
	tt := terms(fen("1000"), 400, 3, loan.Bullet)
	s, err := loan.Replay(tt, nil, tt.Start)
	require.NoError(t, err)
	_, err = s.Apply(loan.Event{Kind: loan.Repaid, Date: tt.Start, AmountMinor: 1})
	require.True(t, fault.Is(err, loan.ReasonWrongStatus))
	f, _ := fault.As(err)
	require.Regexp(t, `^贷款状态为“\p{Han}+”，不允许“\p{Han}+”$`, f.Text("zh"))
	_, err = s.Apply(loan.Event{Kind: loan.Cancelled, Date: tt.Start})
	require.NoError(t, err)
	_, err = s.Apply(loan.Event{Kind: loan.Disbursed, Date: tt.Start, AmountMinor: tt.PrincipalMinor})
	require.True(t, fault.Is(err, loan.ReasonWrongStatus))
	_, err = s.Apply(loan.Event{Kind: loan.Cancelled, Date: tt.Start.AddDays(-1)})
	require.True(t, fault.Is(err, loan.ReasonEventOrder))
}

// Random lives: whatever is paid when, money is conserved and a loan can
// always be settled.
func TestRandomLives(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		tt := anyTerms(t)
		events := disbursed(tt)
		s, err := loan.Replay(tt, events, tt.Start)
		require.NoError(t, err)
		at, seq, paid := tt.Start, int64(2), int64(0)
		for range rapid.IntRange(0, 12).Draw(t, "steps") {
			at = at.AddDays(rapid.IntRange(0, 45).Draw(t, "days"))
			require.NoError(t, s.Advance(at))
			if s.Status == loan.Settled {
				break
			}
			e := loan.Event{Seq: seq, Date: at, Kind: loan.Repaid, Prepay: rapid.Bool().Draw(t, "prepay")}
			limit := s.Due().TotalMinor()
			if e.Prepay {
				limit = s.Payoff().TotalMinor()
			}
			if limit == 0 {
				e.Kind, e.AmountMinor = loan.FeeCharged, rapid.Int64Range(1, 1000).Draw(t, "fee")
			} else {
				e.AmountMinor = rapid.Int64Range(1, limit).Draw(t, "amount")
				paid += e.AmountMinor
			}
			a, err := s.Apply(e)
			require.NoError(t, err)
			if e.Kind == loan.Repaid {
				require.Equal(t, e.AmountMinor, a.TotalMinor())
			}
			events = append(events, e)
			seq++
			invariants(t, s, paid)
		}
		replayed, err := loan.Replay(tt, events, s.AsOf)
		require.NoError(t, err)
		require.Equal(t, s, replayed)
		if s.Status != loan.Settled {
			payoff := s.Payoff().TotalMinor()
			_, err = s.Apply(loan.Event{Seq: seq, Kind: loan.Repaid, Date: s.AsOf, AmountMinor: payoff, Prepay: true})
			require.NoError(t, err)
			require.Equal(t, loan.Settled, s.Status)
			invariants(t, s, paid+payoff)
		}
	})
}

func invariants(t *rapid.T, s loan.State, paid int64) {
	x := s.Totals
	require.Equal(t, paid, x.PaidFeeMinor+x.PaidPenaltyMinor+x.PaidCompoundMinor+x.PaidInterestMinor+x.PaidPrincipalMinor)
	require.LessOrEqual(t, x.PaidInterestMinor, x.InterestAccruedMinor)
	require.LessOrEqual(t, x.PaidPenaltyMinor, x.PenaltyAccruedMinor)
	require.LessOrEqual(t, x.PaidFeeMinor, x.FeesChargedMinor)
	require.LessOrEqual(t, x.PaidPrincipalMinor, x.DisbursedMinor)
	p := s.Payoff()
	require.Equal(t, x.InterestAccruedMinor-x.PaidInterestMinor, p.InterestMinor)
	require.Equal(t, x.PenaltyAccruedMinor-x.PaidPenaltyMinor, p.PenaltyMinor)
	require.Equal(t, x.DisbursedMinor-x.PaidPrincipalMinor, p.PrincipalMinor)
	open := int64(0)
	for _, r := range s.Rows {
		open += r.PrincipalMinor - r.PaidPrincipalMinor
	}
	require.Equal(t, p.PrincipalMinor, open, "the rows hold exactly the principal that is owed")
}
