package loan

import (
	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/daycount"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/base/schedule"
)

// penaltyBasis counts the days of penalty and compound interest: actual days
// whatever the basis of the interest.
const penaltyBasis = daycount.Act360

// accrue adds the nights from AsOf to a date at which nothing changes.
func (s *State) accrue(to calendar.Date) error {
	if s.Stopped {
		return nil
	}
	overduePrincipal, overdueInterest := s.overdue()
	base := s.Principal()
	if s.Terms.Arrears != ArrearsCarry {
		base -= overduePrincipal
	}
	if s.Next >= len(s.Rows) || s.Rows[s.Next].Holiday != schedule.Waive {
		s.addSegment(Segment{From: s.AsOf, To: to, BalanceMinor: base, Rate: s.Rate})
	}
	if s.Terms.Arrears != ArrearsPenalty {
		return nil
	}
	days := int64(to.Sub(s.AsOf))
	// Overdue and misused: the heavier rate, never both.
	err := earn(&s.PenaltyEarned, overduePrincipal, days, max(s.PenaltyRate, s.MisuseRate))
	if err == nil && s.MisuseRate > s.Rate {
		err = earn(&s.PenaltyEarned, base, days, s.MisuseRate-s.Rate)
	}
	if err == nil {
		err = earn(&s.CompoundEarned, overdueInterest, days, s.compoundRate())
	}
	return err
}

// compoundRate is what unpaid interest earns.
func (s *State) compoundRate() rate.Rate {
	switch {
	case s.Terms.Compounding == CompoundNone:
		return 0
	case s.Terms.Compounding == CompoundContract && !s.matured():
		return s.Rate
	default:
		return max(s.PenaltyRate, s.MisuseRate)
	}
}

// addSegment lengthens the last stretch when nothing changed, so that a night at
// a time and one leap leave the same state.
func (s *State) addSegment(x Segment) {
	if x.BalanceMinor <= 0 || !x.From.Before(x.To) {
		return
	}
	for i := range s.Segments {
		last := &s.Segments[i]
		if !last.Arrears && last.To == x.From && last.BalanceMinor == x.BalanceMinor && last.Rate == x.Rate {
			last.To = x.To
			return
		}
	}
	s.Segments = append(s.Segments, x)
}

// earn adds balance-days to the sum of their rate.
func earn(sums *[]schedule.Earned, amount, days int64, r rate.Rate) error {
	if amount <= 0 || days <= 0 || r <= 0 {
		return nil
	}
	product, err := money.MulDiv(amount, days, 1, money.Down)
	if err != nil {
		return err
	}
	for i := range *sums {
		if x := &(*sums)[i]; x.Rate == r {
			x.Product, err = money.AddMinor(x.Product, product)
			return err
		}
	}
	*sums = append(*sums, schedule.Earned{Product: product, Rate: r})
	return nil
}

// overdue sums what is unpaid beyond grace at AsOf: the penalty's base.
func (s *State) overdue() (principal, interest int64) {
	for i := range s.Next {
		r := &s.Rows[i]
		if r.ClearedOn.IsZero() && !s.AsOf.Before(r.DueDate.AddDays(s.Terms.GraceDays)) {
			principal += r.openPrincipal()
			interest += r.openInterest()
		}
	}
	return principal, interest
}

// periodStart is the day on which the running interest period began.
func (s *State) periodStart() calendar.Date {
	if s.Next == 0 {
		return s.Terms.Start
	}
	return later(s.Rows[s.Next-1].DueDate, s.Terms.Start)
}

// fraction is the part of a year of [from, to) in the running period. All
// fractions of one period have one denominator.
func (s *State) fraction(from, to calendar.Date) (num, den int64) {
	if s.Terms.Plan.Accrual == schedule.ByPeriod && s.Next < len(s.Rows) {
		return s.share(s.periodStart(), s.Rows[s.Next].DueDate, from, to)
	}
	return s.Terms.Basis.Fraction(from, to)
}

// share is a fraction of any period.
func (s *State) share(began, until, from, to calendar.Date) (num, den int64) {
	p := s.Terms.Plan
	if p.Accrual == schedule.ByPeriod && p.Unit != schedule.Day && p.Unit != schedule.Week {
		return s.Terms.layout().Share(began, until, from, to)
	}
	return s.Terms.Basis.Fraction(from, to)
}

// periodInterest is what the running period has earned by a date: exact over its
// stretches, rounded once.
func (s *State) periodInterest(until calendar.Date, more ...Segment) (int64, error) {
	switch s.Terms.Method {
	case Discount:
		return 0, nil
	case Flat:
		return s.flatInterest(until)
	case EqualInstalment, EqualPrincipal, InterestOnly, Bullet, Custom, SalesShare:
	}
	var sum money.Wide
	var den int64 = 1
	for _, list := range [2][]Segment{s.Segments, more} {
		for _, x := range list {
			var num int64
			num, den = s.fraction(x.From, x.To)
			sum.AddMul(x.BalanceMinor, int64(x.Rate), num)
		}
	}
	return sum.Div(rate.Scale*den, s.Terms.Rounding)
}

// flatInterest spreads a flat instalment's interest over the days of its period.
func (s *State) flatInterest(until calendar.Date) (int64, error) {
	if s.Next >= len(s.Rows) {
		return 0, nil
	}
	r := &s.Rows[s.Next]
	from := s.periodStart()
	days, all := int64(until.Sub(from)), int64(r.DueDate.Sub(from))
	if all <= 0 || days >= all {
		return r.InterestMinor, nil
	}
	return money.MulDiv(r.InterestMinor, max(days, 0), all, s.Terms.Rounding)
}

// refreshInterest recomputes what is accrued from the exact sums.
func (s *State) refreshInterest() error {
	t := &s.Totals
	if s.open() {
		period, err := s.periodInterest(s.AsOf)
		if err != nil {
			return err
		}
		// What is paid is earned, also where the period has become longer since.
		t.InterestAccruedMinor = s.BilledInterest + max(s.Deferred+period, s.Settled)
	}
	var err error
	if t.PenaltyAccruedMinor, err = s.earned(s.PenaltyEarned); err != nil {
		return err
	}
	if t.CompoundAccruedMinor, err = s.earned(s.CompoundEarned); err != nil {
		return err
	}
	return s.amortise()
}

func (s *State) earned(sums []schedule.Earned) (int64, error) {
	var sum money.Wide
	_, den := penaltyBasis.Fraction(s.AsOf, s.AsOf)
	for _, x := range sums {
		sum.AddMul(x.Product, int64(x.Rate), 1)
	}
	return sum.Div(rate.Scale*den, s.Terms.Rounding)
}

// amortise earns withheld interest day by day until maturity, or at once when
// the loan is settled before it.
func (s *State) amortise() error {
	t := &s.Totals
	if t.WithheldMinor == 0 {
		return nil
	}
	days, all := int64(s.AsOf.Sub(s.Terms.Start)), int64(s.WithheldUntil.Sub(s.Terms.Start))
	if s.Status == Settled || days >= all {
		t.EarnedMinor = t.WithheldMinor
		return nil
	}
	if s.Stopped {
		return nil
	}
	var err error
	t.EarnedMinor, err = money.MulDiv(t.WithheldMinor, days, all, s.Terms.Rounding)
	return err
}
