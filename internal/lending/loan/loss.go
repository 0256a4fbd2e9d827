package loan

import (
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// waive lets go of a part of what is owed (减免): fees, penalty, compound
// interest, interest oldest first, or principal of the last instalments.
func (s *State) waive(e Event) error {
	if e.AmountMinor <= 0 {
		return positive()
	}
	t, due, left := &s.Totals, s.Due(), e.AmountMinor
	owed := map[Component]int64{
		Fee: due.FeeMinor, Penalty: due.PenaltyMinor, Compound: due.CompoundMinor, Interest: s.interestOwed(), Principal: s.Principal(),
	}
	limit, known := owed[e.Detail.Component]
	if !known {
		return fault.Field("component", "须为 fee、penalty、compound、interest 或 principal", "must be fee, penalty, compound, interest or principal")
	}
	if left > limit {
		return fault.New(ReasonWaiver, "amount", s.amount(left), "owed", s.amount(limit)).WithField("amount_minor")
	}
	switch e.Detail.Component {
	case Fee:
		t.WaivedFeeMinor += left
	case Penalty:
		t.WaivedPenaltyMinor += left
	case Compound:
		t.WaivedCompoundMinor += left
	case Interest:
		t.WaivedInterestMinor += left
		for i := range s.Next {
			r := &s.Rows[i]
			r.WaivedInterestMinor += take(&left, r.openInterest())
			s.clear(r)
		}
		s.Settled += left // of the running period
	case Principal:
		if err := s.forgive(left); err != nil {
			return err
		}
	}
	s.settle(UsualStrategy)
	return nil
}

// forgive lets go of principal: what is not due first, from the end, then what is due.
func (s *State) forgive(left int64) error {
	ahead := min(left, s.unbilled())
	s.Totals.WaivedPrincipalMinor += ahead
	left -= ahead
	for i := s.Next - 1; i >= 0 && left > 0; i-- {
		r := &s.Rows[i]
		part := take(&left, r.openPrincipal())
		r.WaivedPrincipalMinor += part
		s.Totals.WaivedPrincipalMinor += part
		s.clear(r)
	}
	if ahead == 0 {
		return nil
	}
	return s.replan()
}

// refund gives overpaid money back.
func (s *State) refund(e Event) error {
	if e.AmountMinor <= 0 {
		return positive()
	}
	if held := s.Totals.CreditHeldMinor; e.AmountMinor > held {
		return fault.New(ReasonRefund, "amount", s.amount(e.AmountMinor), "held", s.amount(held)).WithField("amount_minor")
	}
	s.Totals.CreditHeldMinor -= e.AmountMinor
	return nil
}

// writeOff takes the loan out of the books and keeps the claim (核销，账销案存):
// principal and what was recognised of the rest against the allowance; nothing accrues any
// more, and money that comes later is a recovery.
func (s *State) writeOff() error {
	t, payoff := &s.Totals, s.Payoff()
	t.WrittenOffClaimMinor = payoff.TotalMinor()
	t.WrittenOffPrincipalMinor = payoff.PrincipalMinor
	t.WrittenOffInterestMinor = payoff.InterestMinor - t.SuspendedInterestMinor
	t.WrittenOffPenaltyMinor = payoff.PenaltyMinor - t.SuspendedPenaltyMinor
	t.WrittenOffCompoundMinor = payoff.CompoundMinor - t.SuspendedCompoundMinor
	t.WrittenOffFeeMinor = payoff.FeeMinor
	t.WrittenOffHeldMinor, t.LeftSuspendedMinor = t.HeldMinor, t.suspended()
	s.Status, s.Stopped = WrittenOffOut, true
	return nil
}

// recover takes money on a claim that is written off.
func (s *State) recover(e Event) (Allocation, error) {
	left := e.AmountMinor
	a := Allocation{RecoveredMinor: take(&left, s.Totals.WrittenOffClaimMinor)}
	if left > 0 && !e.Detail.Keep {
		claim := s.amount(s.Totals.WrittenOffClaimMinor)
		return Allocation{}, fault.New(ReasonOverpaid, "amount", s.amount(e.AmountMinor), "due", claim, "payoff", claim).WithField("amount_minor")
	}
	a.CreditMinor = left
	s.Totals.WrittenOffClaimMinor -= a.RecoveredMinor
	s.Totals.RecoveredMinor += a.RecoveredMinor
	return a, add(&s.Totals.CreditHeldMinor, a.CreditMinor)
}

// transfer sells the claim to another holder for a price (转让).
func (s *State) transfer(e Event) error {
	if e.AmountMinor < 0 {
		return fault.Field("amount_minor", "不得为负", "must not be negative")
	}
	if e.Detail.Holder == "" {
		return fault.Required("holder")
	}
	t, payoff := &s.Totals, s.Payoff()
	t.SoldPriceMinor = e.AmountMinor
	t.SoldPrincipalMinor = payoff.PrincipalMinor
	t.SoldInterestMinor = payoff.InterestMinor - t.SuspendedInterestMinor
	t.SoldPenaltyMinor = payoff.PenaltyMinor - t.SuspendedPenaltyMinor
	t.SoldCompoundMinor = payoff.CompoundMinor - t.SuspendedCompoundMinor
	t.SoldFeeMinor = payoff.FeeMinor
	t.SoldHeldMinor, t.LeftSuspendedMinor = t.HeldMinor, t.suspended()
	s.Status, s.Stopped = TransferredTo, true
	return nil
}
