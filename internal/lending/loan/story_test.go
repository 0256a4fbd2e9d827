package loan_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/daycount"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/base/schedule"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// story is a loan told event by event.
type story struct {
	t      *testing.T
	terms  loan.Terms
	events []loan.Event
	s      loan.State
}

func tell(t *testing.T, tt loan.Terms, lent int64) *story {
	t.Helper()
	require.NoError(t, tt.Validate())
	s, err := loan.Replay(tt, nil, tt.Start)
	require.NoError(t, err)
	st := &story{t: t, terms: tt, s: s}
	st.do(tt.Start.String(), loan.Event{Kind: loan.Disbursed, AmountMinor: lent})
	return st
}

func (st *story) do(on string, e loan.Event) loan.Allocation {
	st.t.Helper()
	e.Seq, e.Date = int64(len(st.events)+1), date(on)
	a, err := st.s.Apply(e)
	require.NoError(st.t, err)
	st.events = append(st.events, e)
	replayed, err := loan.Replay(st.terms, st.events, date(on))
	require.NoError(st.t, err)
	require.Equal(st.t, replayed, st.s)
	return a
}

func (st *story) pay(on, amount string) loan.Allocation {
	st.t.Helper()
	return st.do(on, loan.Event{Kind: loan.Repaid, AmountMinor: fen(amount)})
}

func (st *story) prepay(on, amount string, how loan.Strategy) loan.Allocation {
	st.t.Helper()
	return st.do(on, loan.Event{Kind: loan.Repaid, AmountMinor: fen(amount), Prepay: true, Detail: loan.Particulars{Strategy: how}})
}

func (st *story) at(on string) *loan.State {
	st.t.Helper()
	require.NoError(st.t, st.s.Advance(date(on)))
	return &st.s
}

// 120,000.00 at 6 %, penalty 9 %, ACT/360, 10,000.00 a month from 15 February.
// Nothing is paid.
func TestStoryOfADefaultAndItsCure(t *testing.T) {
	t.Parallel()
	st := tell(t, terms(fen("120000"), 600, 12, loan.EqualPrincipal), fen("120000"))
	s := st.at("2026-05-16")
	require.Equal(t, 90, s.DaysPastDue())
	require.False(t, s.NonAccrual, "ninety days are not more than ninety")
	s = st.at("2026-05-17")
	require.True(t, s.NonAccrual)
	// Overdue principal leaves the contract's interest: 120,000 for 31 days 620.00, 110,000 for 28 days 513.33,
	// 100,000 for 31 days 516.67, 90,000 for 30 days 450.00, and 80,000 for the two days since 15 May 26.67.
	require.Equal(t, fen("2126.67"), s.Totals.InterestAccruedMinor)
	require.Equal(t, fen("2126.67"), s.Totals.SuspendedInterestMinor, "all of it is unpaid, none of it is income")
	// 10,000 for 91 + 63 + 32 + 2 = 188 days at 9 %: 470.00.
	require.Equal(t, fen("470.00"), s.Totals.SuspendedPenaltyMinor)
	// 620.00 x 91 + 513.33 x 63 + 516.67 x 32 + 450.00 x 2 = 106,193.23 yuan-days, x 9 % / 360 = 26.548.
	require.Equal(t, fen("26.55"), s.Totals.SuspendedCompoundMinor)

	require.Equal(t, loan.Allocation{PrincipalMinor: fen("5000")}, st.pay("2026-05-17", "5000"), "principal first")

	// Three days later: 80,000 for five days make 66.67 since 15 May; penalty grows by 35,000 x 3 days: 496.25.
	s = st.at("2026-05-20")
	require.Equal(t, fen("496.25"), s.Due().PenaltyMinor)
	// Compound: 106,193.23 + 2,100.00 x 3 = 112,493.23 yuan-days: 28.12.
	require.Equal(t, fen("28.12"), s.Due().CompoundMinor)
	st.do("2026-05-20", loan.Event{Kind: loan.Waived, AmountMinor: fen("496.25"), Detail: loan.Particulars{Component: loan.Penalty}})
	_, err := st.s.Apply(loan.Event{Kind: loan.Waived, Date: date("2026-05-20"), AmountMinor: 1, Detail: loan.Particulars{Component: loan.Penalty}})
	require.True(t, fault.Is(err, loan.ReasonWaiver), "nothing is left to waive")

	// Interest of 620.00 + 513.33 + 516.67 + 450.00 + 66.67 = 2,166.67 becomes principal: 117,166.67 over 24 months at 4.8 %.
	lower := rate.FromBP(480)
	st.do("2026-05-20", loan.Event{Kind: loan.Restructured, Detail: loan.Particulars{Count: 24, Method: loan.EqualPrincipal, Rate: &lower, Capitalise: true}})
	s = &st.s
	require.Equal(t, fen("2166.67"), s.Totals.CapitalisedMinor)
	require.Equal(t, fen("117166.67"), s.Principal())
	require.Equal(t, 0, s.DaysPastDue())
	require.Equal(t, date("2026-06-20"), s.Observation.Since)
	first, _ := s.NextDue()
	require.Equal(t, fen("4881.94"), first.PrincipalMinor)
	// To 20 June: 66.67 are principal already, and 117,166.67 x 31 x 4.8 % / 360 = 484.29 fall due.
	s = st.at("2026-06-20")
	require.Equal(t, loan.Allocation{CompoundMinor: fen("28.12"), InterestMinor: fen("484.29"), PrincipalMinor: fen("4881.94")}, s.Due())

	// The first instalment is missed: the observation starts again from that date.
	s = st.at("2026-06-21")
	require.Equal(t, loan.Observation{Since: date("2026-06-20"), Restarts: 1}, s.Observation)
	st.at("2026-07-01")
	st.do("2026-07-01", loan.Event{Kind: loan.Repaid, AmountMinor: st.s.Due().TotalMinor()})
	for k := 1; k <= 12; k++ { // and then every month is paid on its day
		on := date("2026-06-20").AddMonths(k, calendar.Clamp)
		st.at(on.String())
		require.Equal(t, k < 12, st.s.Observation.PassedOn.IsZero(), on)
		st.do(on.String(), loan.Event{Kind: loan.Repaid, AmountMinor: st.s.Due().TotalMinor()})
	}
	require.Equal(t, date("2027-06-20"), st.s.Observation.PassedOn, "two instalments and a year")
	require.Equal(t, loan.Active, st.s.Status)
}

// A draw of a revolving line: 50,000.00 at 0.03 % a day, paid back as it suits.
func TestStoryOfARevolvingDraw(t *testing.T) {
	t.Parallel()
	tt := terms(fen("50000"), 1080, 12, loan.Bullet)
	tt.Start = date("2026-03-10")
	st := tell(t, tt, fen("50000"))
	require.Equal(t, fen("15"), st.at("2026-03-11").Totals.InterestAccruedMinor) // 50,000 x 10.8 % / 360
	// Ten days cost 150.00; the rest of 20,150.00 is principal.
	require.Equal(t, loan.Allocation{InterestMinor: fen("150"), PrincipalMinor: fen("20000")}, st.prepay("2026-03-20", "20150", ""))
	// 30,000 cost 9.00 a day: twelve days 108.00.
	require.Equal(t, fen("30108"), st.at("2026-04-01").Payoff().TotalMinor())
	st.prepay("2026-04-01", "30108", "")
	require.Equal(t, loan.Settled, st.s.Status)
	require.Equal(t, fen("258"), st.s.Totals.PaidInterestMinor)
}

// A machine of 100,000.00 leased at 0.5 % a month, twelve rents in advance and a
// residual of 10,000.00: (100,000 - 10,000 / 1.005^12) / ((1 - 1.005^-12) / 0.005 x 1.005) = 7,757.19.
func TestStoryOfALease(t *testing.T) {
	t.Parallel()
	tt := terms(fen("100000"), 600, 12, loan.EqualInstalment)
	tt.Plan = loan.Plan{Count: 12, InAdvance: true, BalloonMinor: fen("10000"), Accrual: schedule.ByPeriod, Level: schedule.Rounded}
	st := tell(t, tt, fen("100000"))
	require.Len(t, st.s.Rows, 13)
	require.Equal(t, loan.Allocation{PrincipalMinor: fen("7757.19")}, st.s.Due(), "the first rent is due with the machine and holds no interest")
	require.Equal(t, fen("461.21"), st.s.Rows[1].InterestMinor) // (100,000 - 7,757.19) x 0.5 %
	require.Equal(t, fen("7757.19"), st.s.Rows[11].TotalMinor)
	require.InDelta(t, fen("10000"), st.s.Rows[12].TotalMinor, 12, "the residual with its last month, to the fen lost by rounding the rents")
	st.pay("2026-01-15", "7757.19")
	// The lessee pays 20,000.00 more in March; the residual stays, the rents fall.
	st.at("2026-02-15")
	st.do("2026-02-15", loan.Event{Kind: loan.Repaid, AmountMinor: st.s.Due().TotalMinor()})
	st.prepay("2026-02-15", "20000", loan.ReduceInstalment)
	require.InDelta(t, fen("10000"), st.s.Rows[12].TotalMinor, 12)
	require.Less(t, st.s.Rows[2].TotalMinor, fen("5800"))
	require.Equal(t, st.s.Rows[2].TotalMinor, st.s.Rows[11].TotalMinor)
	for _, r := range st.s.Rows[2:] {
		st.at(r.DueDate.String())
		st.do(r.DueDate.String(), loan.Event{Kind: loan.Repaid, AmountMinor: st.s.Due().TotalMinor()})
	}
	require.Equal(t, loan.Settled, st.s.Status)
}

// A receivable of 100,000.00 discounted at 3.6 % for 90 days: 900.00 are withheld.
func TestStoryOfADiscountedReceivable(t *testing.T) {
	t.Parallel()
	tt := terms(fen("100000"), 360, 3, loan.Discount)
	st := tell(t, tt, fen("100000"))
	require.Equal(t, fen("900"), st.s.Totals.WithheldMinor)
	require.Equal(t, fen("300"), st.at("2026-02-14").Totals.EarnedMinor) // 30 of 90 days
	require.Equal(t, fen("100000"), st.s.Payoff().TotalMinor(), "what was withheld is not owed again")
	require.Equal(t, fen("900"), st.at("2026-04-15").Totals.EarnedMinor)
	// Ten days late at 5.4 %: 100,000 x 10 x 5.4 % / 360 = 150.00.
	require.Equal(t, fen("150"), st.at("2026-04-25").Due().PenaltyMinor)
	st.pay("2026-04-25", "100150")
	require.Equal(t, loan.Settled, st.s.Status)

	early := tell(t, tt, fen("100000"))
	early.at("2026-03-16")
	require.Equal(t, fen("600"), early.s.Totals.EarnedMinor)
	early.prepay("2026-03-16", "100000", "")
	require.Equal(t, fen("900"), early.s.Totals.EarnedMinor, "paid early, all of it is earned")

	_, err := tell(t, tt, fen("100000")).s.Apply(loan.Event{Kind: loan.Extended, Date: date("2026-02-01"), Detail: loan.Particulars{Count: 1}})
	require.Error(t, err, "an extension would run without interest")
}

// 10,000.00 at 6 % for three months, never paid, written off ten days after
// maturity: 150.00 interest, 25.00 penalty, 0.38 on the interest.
func TestStoryOfAWriteOffAndItsRecovery(t *testing.T) {
	t.Parallel()
	st := tell(t, terms(fen("10000"), 600, 3, loan.Bullet), fen("10000"))
	st.do("2026-04-25", loan.Event{Kind: loan.WrittenOff})
	x := st.s.Totals
	require.Equal(t, []int64{fen("10000"), fen("150"), fen("25"), fen("0.38"), fen("10175.38")},
		[]int64{x.WrittenOffPrincipalMinor, x.WrittenOffInterestMinor, x.WrittenOffPenaltyMinor, x.WrittenOffCompoundMinor, x.WrittenOffClaimMinor})
	require.Zero(t, st.s.Principal())
	require.Equal(t, fen("10175.38"), st.at("2026-12-31").Payoff().TotalMinor(), "nothing accrues any more")
	require.Equal(t, loan.Allocation{RecoveredMinor: fen("4000")}, st.pay("2027-01-10", "4000"))
	require.Equal(t, loan.Allocation{RecoveredMinor: fen("6175.38")}, st.pay("2027-03-10", "6175.38"))
	_, err := st.s.Apply(loan.Event{Kind: loan.Repaid, Date: date("2027-04-01"), AmountMinor: 1})
	require.True(t, fault.Is(err, loan.ReasonOverpaid))
	// The first recovery was another customer's money.
	taken := append(st.events, loan.Event{Seq: 9, Kind: loan.Reversed, Date: date("2027-04-01"), Detail: loan.Particulars{Of: 3}})
	s, err := loan.Replay(st.terms, taken, date("2027-04-01"))
	require.NoError(t, err)
	require.Equal(t, []int64{fen("4000"), fen("6175.38")}, []int64{s.Totals.WrittenOffClaimMinor, s.Totals.RecoveredMinor})
}

// A repayment that bounced is taken back: penalty runs as if it had never come.
func TestStoryOfABouncedRepayment(t *testing.T) {
	t.Parallel()
	st := tell(t, terms(fen("120000"), 435, 3, loan.EqualPrincipal), fen("120000"))
	st.pay("2026-02-15", "40449.50")
	require.Zero(t, st.at("2026-02-25").DaysPastDue())
	taken := append(st.events, loan.Event{Seq: 3, Kind: loan.Reversed, Date: date("2026-02-25"), Detail: loan.Particulars{Of: 2}})
	s, err := loan.Replay(st.terms, taken, date("2026-02-25"))
	require.NoError(t, err)
	require.Equal(t, 10, s.DaysPastDue())
	require.Equal(t, fen("72.44"), s.Due().PenaltyMinor) // 40,000 x 10 x 6.52 % / 360: 652 is 435 x 3 / 2 in whole points
	require.Zero(t, s.Totals.PaidPrincipalMinor)
}

// Extension (展期): 10,000.00 due on 15 April, interest paid, extended five days
// late by three months. Overdue counts from the new date.
func TestStoryOfAnExtension(t *testing.T) {
	t.Parallel()
	st := tell(t, terms(fen("10000"), 600, 3, loan.Bullet), fen("10000"))
	require.Equal(t, loan.Allocation{InterestMinor: fen("150")}, st.pay("2026-04-15", "150"))
	require.Equal(t, 5, st.at("2026-04-20").DaysPastDue())
	st.do("2026-04-20", loan.Event{Kind: loan.Extended, Detail: loan.Particulars{Count: 3}})
	require.Zero(t, st.s.DaysPastDue())
	require.Equal(t, loan.Active, st.s.Status)
	require.Equal(t, fen("12.50"), st.s.Due().PenaltyMinor, "five days at 9 % stay owed")
	next, _ := st.s.NextDue()
	require.Equal(t, date("2026-07-15"), next.DueDate)
	s := st.at("2026-07-15")
	require.Equal(t, fen("143.33"), s.Due().InterestMinor) // 86 days from 20 April: 10,000 x 86 x 6 % / 360
	require.Equal(t, 10, st.at("2026-07-25").DaysPastDue())
	_, err := st.s.Apply(loan.Event{Kind: loan.Extended, Date: date("2027-12-01"), Detail: loan.Particulars{Count: 1}})
	require.Error(t, err, "one month more would lie in the past")
}

// The rate falls on 25 January: ten days at 4.35 %, 21 at 3.6 %.
func TestStoryOfARateChange(t *testing.T) {
	t.Parallel()
	tt := terms(fen("120000"), 435, 3, loan.EqualPrincipal)
	tt.PenaltyRate = rate.FromBP(653)
	st := tell(t, tt, fen("120000"))
	lower := rate.FromBP(360)
	st.do("2026-01-25", loan.Event{Kind: loan.RateChanged, Detail: loan.Particulars{Rate: &lower}})
	require.Equal(t, rate.Rate(5_404_138), st.s.PenaltyRate) // 6.53 % x 3.6 / 4.35
	require.Equal(t, fen("397"), st.s.Rows[0].InterestMinor) // 120,000 x (10 x 4.35 % + 21 x 3.6 %) / 360
	require.Equal(t, fen("397"), st.at("2026-02-15").Due().InterestMinor)
	require.Equal(t, fen("224"), st.s.Rows[1].InterestMinor) // 80,000 x 28 x 3.6 % / 360
}

// The first instalment is missed; on 25 February everything is called.
func TestStoryOfAnAcceleration(t *testing.T) {
	t.Parallel()
	tt := terms(fen("120000"), 435, 3, loan.EqualPrincipal)
	tt.PenaltyRate = rate.FromBP(653)
	st := tell(t, tt, fen("120000"))
	st.do("2026-02-25", loan.Event{Kind: loan.Accelerated, Detail: loan.Particulars{Reason: "missed"}})
	// 449.50 of February, and 80,000 x 10 x 4.35 % / 360 = 96.67; penalty as by hand elsewhere: 72.56 and 0.82.
	require.Equal(t, loan.Allocation{PrincipalMinor: fen("120000"), InterestMinor: fen("546.17"), PenaltyMinor: fen("72.56"), CompoundMinor: fen("0.82")}, st.s.Due())
	require.Equal(t, 10, st.s.DaysPastDue(), "from the oldest date")
	require.Equal(t, fen("94.32"), st.at("2026-02-26").Due().PenaltyMinor) // 72.5556 + 120,000 x 6.53 % / 360
	require.Equal(t, fen("546.17"), st.s.Totals.InterestAccruedMinor, "no interest of the contract any more")
	_, err := st.s.Apply(loan.Event{Kind: loan.Accelerated, Date: date("2026-02-26")})
	require.Error(t, err, "once")
}

// 60,000.00 leave on 15 January, 40,000.00 ten days later.
func TestStoryOfTranches(t *testing.T) {
	t.Parallel()
	tt := terms(fen("100000"), 435, 3, loan.EqualPrincipal)
	tt.Tranched = true
	st := tell(t, tt, fen("60000"))
	require.Equal(t, fen("20000"), st.s.Rows[0].PrincipalMinor, "planned on what has left")
	_, err := st.s.Apply(loan.Event{Kind: loan.Disbursed, Date: date("2026-01-16"), AmountMinor: fen("40000.01")})
	require.True(t, fault.Is(err, loan.ReasonWrongStatus), "beyond what was agreed")
	st.do("2026-01-25", loan.Event{Kind: loan.Disbursed, AmountMinor: fen("40000")})
	require.Equal(t, fen("33333.33"), st.s.Rows[0].PrincipalMinor)
	require.Equal(t, fen("33333.34"), st.s.Rows[2].PrincipalMinor)
	require.Equal(t, fen("326.25"), st.at("2026-02-15").Due().InterestMinor) // (60,000 x 31 + 40,000 x 21) x 4.35 % / 360
}

// A million over ten years at 4.9 %, months of 30 days: the published payment is
// 10,557.74 a month, 266,928.8 of interest in all.
func TestStoryOfTenYears(t *testing.T) {
	t.Parallel()
	tt := terms(fen("1000000"), 490, 120, loan.EqualInstalment)
	tt.Basis, tt.Start = daycount.Thirty360, date("2026-01-01")
	st := tell(t, tt, fen("1000000"))
	plan := append([]loan.Row(nil), st.s.Rows...)
	for _, r := range plan {
		require.NoError(t, st.s.Advance(r.DueDate))
		_, err := st.s.Apply(loan.Event{Kind: loan.Repaid, Date: r.DueDate, AmountMinor: r.TotalMinor})
		require.NoError(t, err)
	}
	require.Equal(t, fen("10557.74"), plan[0].TotalMinor)
	require.Equal(t, loan.Settled, st.s.Status)
	require.Equal(t, date("2036-01-01"), st.s.AsOf)
	require.InDelta(t, fen("266928.80"), st.s.Totals.PaidInterestMinor, 60)
}

// A month's holiday moves the next due date: under interest by months it costs
// the two months it lasts, whatever the days.
func TestStoryOfAPaymentHoliday(t *testing.T) {
	t.Parallel()
	tt := terms(fen("120000"), 600, 12, loan.InterestOnly)
	tt.Plan.Accrual = schedule.ByPeriod
	st := tell(t, tt, fen("120000"))
	require.Equal(t, fen("600"), st.s.Rows[0].InterestMinor)
	st.do("2026-01-15", loan.Event{Kind: loan.DueMoved, Detail: loan.Particulars{From: date("2026-02-15"), To: date("2026-03-15"), Shift: true}})
	require.Equal(t, fen("1200"), st.s.Rows[0].InterestMinor)
	require.Equal(t, date("2027-02-15"), st.s.Rows[11].DueDate)
	require.Equal(t, fen("1200"), st.at("2026-03-15").Due().InterestMinor)
	// In the middle of the loan: two instalments without principal put in before June's.
	tt.Method = loan.EqualPrincipal
	st = tell(t, tt, fen("120000"))
	st.do("2026-01-15", loan.Event{Kind: loan.DueMoved, Detail: loan.Particulars{From: date("2026-04-15"), To: date("2026-04-15"), GracePrincipal: 2, Shift: true}})
	var principal []int64
	for _, r := range st.s.Rows {
		principal = append(principal, r.PrincipalMinor/100)
	}
	require.Equal(t, []int64{10000, 10000, 0, 0, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000, 10000}, principal)
	lower := rate.FromBP(480)
	st.do("2026-01-20", loan.Event{Kind: loan.RateChanged, Detail: loan.Particulars{Rate: &lower}})
	require.Zero(t, st.s.Rows[2].PrincipalMinor+st.s.Rows[3].PrincipalMinor, "the holiday outlives a new plan")
}

// Interest by months, arrears carried, an instalment at a time: 100.00 at 7 %
// over six months are 17.01 a month. February's is paid on the 15th: it holds
// 83.57 x 7 % / 12 x 14 / 29 = 0.24 of interest and 16.77 of principal. What
// 66.80 earn from then on falls due in March: 0.20 of February and 0.39.
func TestStoryOfAnInstalmentPaidAhead(t *testing.T) {
	t.Parallel()
	tt := terms(fen("100"), 700, 6, loan.EqualInstalment)
	tt.Start, tt.Rounding, tt.Arrears, tt.Order.ByInstalment = date("2024-01-01"), money.HalfEven, loan.ArrearsCarry, true
	tt.Plan = loan.Plan{Accrual: schedule.ByPeriod, Level: schedule.RoundedOnce}
	for _, order := range [][]loan.Bucket{nil, strictlyPrincipal} { // interest first, or principal first: the instalment is the same
		tt.Order.Accrual = order
		st := tell(t, tt, fen("100"))
		st.pay("2024-02-01", "17.01")
		require.Equal(t, loan.Allocation{InterestMinor: fen("0.24"), PrincipalMinor: fen("16.77")}, st.prepay("2024-02-15", "17.01", loan.NextInstalments))
		next := st.s.Rows[2]
		require.Equal(t, []int64{fen("0.59"), fen("16.42"), fen("50.38")}, []int64{next.InterestMinor, next.PrincipalMinor, next.BalanceMinor})
		require.Zero(t, st.at("2024-03-01").Due().TotalMinor(), "nothing more is due in March's place")
		require.Equal(t, fen("17.01"), st.at("2024-04-01").Due().TotalMinor())
		require.Equal(t, fen("0.59"), st.s.Due().InterestMinor)
	}
}

// 5,000.00 at 12 % as a cumulative plan: 862 a month. 1,000.00 come on the first
// due date; the 138.00 beyond the instalment shorten the loan, or come off the
// next one: 862 - 41.27 of interest - 138 = 682.73.
func TestStoryOfMoneyBeyondAnInstalment(t *testing.T) {
	t.Parallel()
	tt := terms(fen("5000"), 1200, 6, loan.EqualInstalment)
	tt.Start, tt.Basis, tt.Rounding, tt.Arrears = date("2022-11-01"), daycount.Act365, money.HalfEven, loan.ArrearsAtEvent
	tt.Plan = loan.Plan{Level: schedule.FirstPeriod, MultipleMinor: 100, MultipleMode: money.HalfEven}
	shorter := tell(t, tt, fen("5000"))
	shorter.prepay("2022-12-01", "1000", loan.ReduceNextTerm)
	require.Equal(t, fen("1000"), shorter.s.Rows[0].TotalMinor)
	require.Equal(t, fen("820.73"), shorter.s.Rows[1].PrincipalMinor)
	require.Equal(t, fen("862"), shorter.s.Rows[4].TotalMinor)
	require.Less(t, shorter.s.Rows[5].TotalMinor, fen("750"))
	lower := tell(t, tt, fen("5000"))
	lower.prepay("2022-12-01", "1000", loan.ReduceFollowing)
	require.Equal(t, fen("682.73"), lower.s.Rows[1].PrincipalMinor)
	require.Equal(t, fen("862"), lower.s.Rows[2].TotalMinor)
	// 100.00 of principal ahead, evenly: 16.67 each of six, 16.65 the last.
	even := tell(t, tt, fen("5000"))
	even.prepay("2022-11-01", "100", loan.EachInstalment)
	require.Equal(t, []int64{1667, 1667, 1667, 1667, 1667, 1665}, []int64{
		even.s.Rows[0].PaidPrincipalMinor, even.s.Rows[1].PaidPrincipalMinor, even.s.Rows[2].PaidPrincipalMinor,
		even.s.Rows[3].PaidPrincipalMinor, even.s.Rows[4].PaidPrincipalMinor, even.s.Rows[5].PaidPrincipalMinor,
	})
}
