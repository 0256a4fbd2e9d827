package loan

import (
	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/daycount"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// penaltyBasis counts the days of penalty interest.
const penaltyBasis = daycount.Act360

// Allocation says what a payment paid.
type Allocation struct {
	FeeMinor       int64 `json:"fee_minor"`
	PenaltyMinor   int64 `json:"penalty_minor"`
	InterestMinor  int64 `json:"interest_minor"`
	PrincipalMinor int64 `json:"principal_minor"`
}

// TotalMinor is the sum of the parts.
func (a Allocation) TotalMinor() int64 {
	return a.FeeMinor + a.PenaltyMinor + a.InterestMinor + a.PrincipalMinor
}

// Due is what is payable at AsOf without prepaying.
func (s *State) Due() Allocation {
	d := Allocation{
		FeeMinor:     s.Totals.FeesChargedMinor - s.Totals.PaidFeeMinor,
		PenaltyMinor: s.Totals.PenaltyAccruedMinor - s.Totals.PaidPenaltyMinor,
	}
	for i := range s.next {
		d.InterestMinor += s.Rows[i].openInterest()
		d.PrincipalMinor += s.Rows[i].openPrincipal()
	}
	if s.matured() {
		d.InterestMinor += s.periodOwed()
	}
	return d
}

// Payoff is what settles the loan at AsOf.
func (s *State) Payoff() Allocation {
	p := s.Due()
	p.PrincipalMinor = s.Principal()
	if !s.matured() {
		p.InterestMinor += s.periodOwed()
	}
	return p
}

// matured reports that no instalment lies ahead; from then on interest that
// accrues within grace is due at once.
func (s *State) matured() bool { return s.next >= len(s.Rows) }

// periodOwed is the interest of the running period that is not paid yet.
func (s *State) periodOwed() int64 {
	return s.Totals.InterestAccruedMinor - s.billedInterest - s.settled
}

// DaysPastDue counts from the oldest unpaid due date to AsOf.
func (s *State) DaysPastDue() int {
	for i := range s.next {
		if s.Rows[i].ClearedOn.IsZero() {
			return s.AsOf.Sub(s.Rows[i].DueDate)
		}
	}
	return 0
}

// NextDue returns the next instalment that is not billed.
func (s *State) NextDue() (Row, bool) {
	if s.next < len(s.Rows) {
		return s.Rows[s.next], true
	}
	return Row{}, false
}

// repay splits a payment: fees, penalty, interest, principal of what is due,
// oldest first; with Prepay the rest pays the running interest and then future
// principal, and the instalments ahead are planned again.
func (s *State) repay(e Event) (Allocation, error) {
	if !s.open() {
		return Allocation{}, wrongStatus(s.Status, e.Kind)
	}
	if e.AmountMinor <= 0 {
		return Allocation{}, fault.Field("amount_minor", "须大于零", "must be above zero")
	}
	limit, payoff := s.Due().TotalMinor(), s.Payoff().TotalMinor()
	if e.Prepay {
		limit = payoff
	}
	if e.AmountMinor > limit {
		return Allocation{}, fault.New(ReasonOverpaid, "amount", money.FormatMinor(e.AmountMinor),
			"due", money.FormatMinor(s.Due().TotalMinor()), "payoff", money.FormatMinor(payoff)).WithField("amount_minor")
	}
	var a Allocation
	left := e.AmountMinor
	due := s.Due()
	a.FeeMinor = take(&left, due.FeeMinor)
	a.PenaltyMinor = take(&left, due.PenaltyMinor)
	for i := range s.next {
		a.InterestMinor += s.payInterest(&s.Rows[i], &left)
	}
	if s.matured() || e.Prepay {
		// Order: everything due comes before the running period and the future.
		for i := range s.next {
			a.PrincipalMinor += s.payPrincipal(&s.Rows[i], &left)
		}
		running := take(&left, s.periodOwed())
		s.settled += running
		a.InterestMinor += running
	} else {
		for i := range s.next {
			a.PrincipalMinor += s.payPrincipal(&s.Rows[i], &left)
		}
	}
	future := left
	a.PrincipalMinor += future
	s.Totals.PaidFeeMinor += a.FeeMinor
	s.Totals.PaidPenaltyMinor += a.PenaltyMinor
	s.Totals.PaidInterestMinor += a.InterestMinor
	s.Totals.PaidPrincipalMinor += a.PrincipalMinor
	if future > 0 {
		if err := s.replan(); err != nil {
			return a, err
		}
	}
	s.settle()
	return a, s.refresh()
}

func take(left *int64, owed int64) int64 {
	part := min(*left, owed)
	*left -= part
	return part
}

func (s *State) payInterest(r *Row, left *int64) int64 {
	part := take(left, r.openInterest())
	r.PaidInterestMinor += part
	s.clear(r)
	return part
}

func (s *State) payPrincipal(r *Row, left *int64) int64 {
	part := take(left, r.openPrincipal())
	r.PaidPrincipalMinor += part
	s.clear(r)
	return part
}

// replan lays the remaining principal over the remaining due dates.
func (s *State) replan() error {
	ahead := s.Rows[s.next:]
	billedOpen := int64(0)
	for i := range s.next {
		billedOpen += s.Rows[i].openPrincipal()
	}
	dates := make([]calendar.Date, len(ahead))
	for i, r := range ahead {
		dates[i] = r.DueDate
	}
	rows, err := plan{
		terms: s.Terms, principal: s.Principal() - billedOpen, from: s.AsOf, dates: dates, firstNo: s.next + 1,
		product: s.product, settled: s.settled,
	}.instalments()
	if err != nil {
		return err
	}
	for i, in := range rows {
		in.Days = ahead[i].Days // the period did not move, only its principal
		ahead[i].Instalment = in
	}
	return nil
}

// settle closes a loan that owes nothing and drops the empty rows ahead.
func (s *State) settle() {
	if s.Principal() != 0 || s.Payoff().TotalMinor() != 0 {
		return
	}
	s.Status = Settled
	s.Rows = s.Rows[:s.next]
	if s.settled > 0 {
		// The running period ended with the loan: keep its interest as a paid row.
		s.Rows = append(s.Rows, Row{
			Instalment: Instalment{No: s.next + 1, DueDate: s.AsOf, Days: s.AsOf.Sub(s.periodStart()), InterestMinor: s.settled, TotalMinor: s.settled},
			Billed:     true, PaidInterestMinor: s.settled, ClearedOn: s.AsOf,
		})
		s.billedInterest += s.settled
		s.next++
	}
	s.product, s.settled = 0, 0
}

// periodStart is the day on which the running interest period began.
func (s *State) periodStart() calendar.Date {
	if s.next == 0 {
		return s.Terms.Start
	}
	return s.Rows[s.next-1].DueDate
}
