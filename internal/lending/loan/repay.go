package loan

import (
	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Due is what is payable at AsOf without prepaying.
func (s *State) Due() Allocation {
	t := &s.Totals
	d := Allocation{
		FeeMinor:      t.FeesChargedMinor - t.PaidFeeMinor - t.WaivedFeeMinor,
		PenaltyMinor:  t.PenaltyAccruedMinor - t.PaidPenaltyMinor - t.WaivedPenaltyMinor,
		CompoundMinor: t.CompoundAccruedMinor - t.PaidCompoundMinor - t.WaivedCompoundMinor,
	}
	for i := range s.Next {
		d.InterestMinor += s.Rows[i].openInterest()
		d.PrincipalMinor += s.Rows[i].openPrincipal()
	}
	if s.matured() {
		d.InterestMinor += s.periodOwed()
	}
	return d
}

// Payoff is what settles the loan at AsOf. Of a loan that is written off it is
// the claim that is left.
func (s *State) Payoff() Allocation {
	if s.Status == WrittenOffOut {
		return Allocation{RecoveredMinor: s.Totals.WrittenOffClaimMinor}
	}
	p := s.Due()
	p.PrincipalMinor = s.Principal()
	if !s.matured() {
		p.InterestMinor += s.periodOwed()
	}
	return p
}

// matured reports that no instalment lies ahead; from then on interest that
// accrues within grace is due at once.
func (s *State) matured() bool { return s.Next >= len(s.Rows) }

// periodOwed is the interest of the running period, and of periods in grace,
// that is not paid yet.
func (s *State) periodOwed() int64 {
	return s.Totals.InterestAccruedMinor - s.BilledInterest - s.Settled
}

// DaysPastDue counts from the oldest unpaid due date to AsOf (domain rule: from
// the day after the due date, until all due amounts are paid; part payments do
// not reset it).
func (s *State) DaysPastDue() int {
	for i := range s.Next {
		if s.Rows[i].ClearedOn.IsZero() {
			return s.AsOf.Sub(s.Rows[i].DueDate)
		}
	}
	return 0
}

// oldestUnpaid is the due date that days past due count from.
func (s *State) oldestUnpaid() calendar.Date {
	return s.AsOf.AddDays(-s.DaysPastDue())
}

// NextDue returns the next instalment that is not billed.
func (s *State) NextDue() (Row, bool) {
	if s.Next < len(s.Rows) {
		return s.Rows[s.Next], true
	}
	return Row{}, false
}

// nextOwed is what is left to pay of the next instalment.
func (s *State) nextOwed(next Row) int64 {
	return next.TotalMinor - next.PaidPrincipalMinor - s.Settled
}

// reach lets time pass to an event's date. Where arrears are charged at events,
// the overdue amounts earn from the start of the running period first.
func (s *State) reach(on calendar.Date) error {
	switch s.Terms.Arrears {
	case ArrearsAtEvent, ArrearsAtEventPeriod, ArrearsAtEventCompound:
		if !s.open() {
			break
		}
		if s.AsOf.Before(on) {
			if err := s.Advance(on.AddDays(-1)); err != nil {
				return err
			}
		}
		if s.Next == 0 || s.Rows[s.Next-1].DueDate.Before(on) { // what fell due today is billed already
			s.chargeArrears(on)
		}
	case ArrearsPenalty, ArrearsCarry:
	}
	return s.Advance(on)
}

func (s *State) chargeArrears(on calendar.Date) {
	from, until := later(s.periodStart(), s.ArrearsTo), on
	if s.Terms.Arrears == ArrearsAtEventPeriod && s.Next < len(s.Rows) {
		until = s.Rows[s.Next].DueDate
	}
	principal, interest := s.overdue()
	if s.Terms.Arrears == ArrearsAtEventCompound {
		principal += interest
	}
	if principal > 0 && from.Before(until) {
		s.Segments = append(s.Segments, Segment{From: from, To: until, BalanceMinor: principal, Rate: s.Rate, Arrears: true})
		s.ArrearsTo = until
	}
}

// repay spreads a payment over the buckets; with Prepay the rest pays the
// running interest and principal that is not due, and the strategy says what
// becomes of the instalments ahead.
func (s *State) repay(e Event) (Allocation, error) {
	if e.AmountMinor <= 0 {
		return Allocation{}, positive()
	}
	if s.Status == WrittenOffOut {
		return s.recover(e)
	}
	limit, payoff := s.Due().TotalMinor(), s.Payoff().TotalMinor()
	ahead := e.Prepay || e.Detail.Strategy != UsualStrategy
	if ahead {
		limit = payoff
	}
	if e.AmountMinor > limit && !e.Detail.Keep {
		return Allocation{}, fault.New(ReasonOverpaid, "amount", s.amount(e.AmountMinor),
			"due", s.amount(s.Due().TotalMinor()), "payoff", s.amount(payoff)).WithField("amount_minor")
	}
	strategy := e.Detail.Strategy
	if strategy == UsualStrategy {
		strategy = s.Terms.Prepayment
	}
	p := spread{s: s, left: e.AmountMinor, ahead: ahead, how: strategy}
	p.run()
	p.a.CreditMinor = p.left
	t := &s.Totals
	t.PaidFeeMinor += p.a.FeeMinor
	t.PaidPenaltyMinor += p.a.PenaltyMinor
	t.PaidCompoundMinor += p.a.CompoundMinor
	t.PaidInterestMinor += p.a.InterestMinor
	t.PaidPrincipalMinor += p.a.PrincipalMinor
	if err := add(&t.CreditHeldMinor, p.a.CreditMinor); err != nil {
		return p.a, err
	}
	if p.future > 0 {
		if err := s.prepaid(p.future, strategy); err != nil {
			return p.a, err
		}
	}
	s.settle(strategy)
	return p.a, s.refresh()
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

// settle closes a loan that owes nothing. The rows ahead are dropped, unless the
// payment was for them.
func (s *State) settle(strategy Strategy) {
	if s.Principal() != 0 || s.Payoff().TotalMinor() != 0 {
		return
	}
	s.Status = Settled
	s.NonAccrual = false
	s.suspend()
	if strategy == NextInstalments || strategy == LastInstalments || strategy == EachInstalment {
		s.keepAhead()
		return
	}
	running := s.Settled // the running period's interest and what grace deferred: all of it is paid
	began := s.periodStart()
	s.Rows = s.Rows[:s.Next]
	if running > 0 {
		// The running period ended with the loan: keep its interest as a paid row.
		no := 1
		if s.Next > 0 {
			no = s.Rows[s.Next-1].No + 1
		}
		s.Rows = append(s.Rows, Row{
			Instalment: Instalment{No: no, DueDate: s.AsOf, Days: s.AsOf.Sub(began), InterestMinor: running, TotalMinor: running},
			Billed:     true, PaidInterestMinor: running, ClearedOn: s.AsOf,
		})
		s.BilledInterest += running
		s.Next++
	}
	s.Segments, s.Settled, s.Deferred = nil, 0, 0
}

// keepAhead marks the rows ahead as paid before their time.
func (s *State) keepAhead() {
	for i := s.Next; i < len(s.Rows); i++ {
		r := &s.Rows[i]
		if i == s.Next {
			r.InterestMinor, r.PaidInterestMinor = s.Settled, s.Settled
		} else {
			r.InterestMinor = 0
		}
		r.TotalMinor = r.PrincipalMinor + r.InterestMinor
		r.Billed, r.ClearedOn = true, s.AsOf
	}
	s.BilledInterest += s.Settled
	s.Next = len(s.Rows)
	s.Segments, s.Settled, s.Deferred = nil, 0, 0
}
