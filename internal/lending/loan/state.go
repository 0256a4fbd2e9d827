package loan

import (
	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/base/schedule"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Status is where a loan stands.
type Status string

// Statuses.
const (
	Pending       Status = "pending_disbursement"
	Active        Status = "active"
	Overdue       Status = "overdue"
	Settled       Status = "settled"
	CancelledOut  Status = "cancelled"
	WrittenOffOut Status = "written_off"
	TransferredTo Status = "transferred"
)

// Segment is a stretch of the running period on one balance and rate.
type Segment struct {
	From         calendar.Date `json:"from"`
	To           calendar.Date `json:"to"`
	BalanceMinor int64         `json:"balance_minor"`
	Rate         rate.Rate     `json:"rate"`
	// Arrears marks what overdue amounts add to the period.
	Arrears bool `json:"arrears,omitempty"`
}

// State is a loan as of a date. Its fields are exported so that it can be kept
// and taken up again; only the methods of this package change them.
type State struct {
	Terms  Terms         `json:"terms"`
	AsOf   calendar.Date `json:"as_of"`
	Status Status        `json:"status"`
	Rows   []Row         `json:"rows"`
	Totals Totals        `json:"totals"`

	Rate        rate.Rate `json:"rate"`
	PenaltyRate rate.Rate `json:"penalty_rate"`
	// MisuseRate is set from the day the loan was found misused.
	MisuseRate rate.Rate `json:"misuse_rate,omitempty"`
	// NonAccrual loans earn without recognising it; they return when nothing is overdue.
	NonAccrual bool `json:"non_accrual,omitempty"`
	// Stopped loans earn nothing any more.
	Stopped     bool `json:"stopped,omitempty"`
	Accelerated bool `json:"accelerated,omitempty"`
	Extensions  int  `json:"extensions,omitempty"`
	// Observation follows a restructuring.
	Observation Observation `json:"observation,omitzero"`

	Next     int       `json:"next"` // first row that is not billed
	Segments []Segment `json:"segments,omitempty"`
	Settled  int64     `json:"settled_minor,omitempty"`  // interest of the running period paid before its due date
	Deferred int64     `json:"deferred_minor,omitempty"` // interest of instalments in grace, due with the first one after
	// BilledInterest is the interest of all periods that ended, billed or capitalised.
	BilledInterest int64 `json:"billed_interest_minor"`
	Level          int64 `json:"level_minor,omitempty"` // the level payment
	// Carried is what sales reported late make due with the running instalment.
	Carried        int64             `json:"carried_minor,omitempty"`
	Less           int64             `json:"less_minor,omitempty"` // principal paid beyond an instalment that the next ones need not pay
	PenaltyEarned  []schedule.Earned `json:"penalty_earned,omitempty"`
	CompoundEarned []schedule.Earned `json:"compound_earned,omitempty"`
	ArrearsTo      calendar.Date     `json:"arrears_to,omitzero"`     // up to where overdue amounts were charged at events
	WithheldUntil  calendar.Date     `json:"withheld_until,omitzero"` // when withheld interest is earned
}

// Replay derives the state at the end of asOf from the terms and the events.
// Events are taken in order of value date, then of recording.
func Replay(t Terms, events []Event, asOf calendar.Date) (State, error) {
	s, _, err := replay(t, events, asOf)
	return s, err
}

// replay is Replay that also tells how each repayment was split, by sequence.
func replay(t Terms, events []Event, asOf calendar.Date) (State, map[int64]Allocation, error) {
	s := newState(t)
	split := map[int64]Allocation{}
	ordered, err := standing(events)
	if err != nil {
		return s, nil, err
	}
	for _, e := range ordered {
		if e.Date.After(asOf) {
			break
		}
		a, err := s.Apply(e)
		if err != nil {
			return s, nil, err
		}
		if e.Kind == Repaid || e.Kind == DepositApplied {
			split[e.Seq] = a
		}
	}
	return s, split, s.Advance(asOf)
}

func newState(t Terms) State {
	return State{Terms: t, AsOf: t.Start, Status: Pending, Rate: t.AnnualRate, PenaltyRate: t.PenaltyRate}
}

// Principal is the principal still owed in the books.
func (s *State) Principal() int64 {
	t := &s.Totals
	return t.DisbursedMinor + t.CapitalisedMinor - t.PaidPrincipalMinor - t.WaivedPrincipalMinor - t.WrittenOffPrincipalMinor - t.SoldPrincipalMinor
}

// Advance lets time pass: interest and penalty accrue night by night and
// instalments fall due in the morning of their date.
func (s *State) Advance(to calendar.Date) error {
	if !s.open() {
		s.AsOf = later(s.AsOf, to)
		return nil
	}
	for s.AsOf.Before(to) {
		stop := s.breakpoint(to)
		if err := s.accrue(stop); err != nil {
			return err
		}
		s.AsOf = stop
		if err := s.bill(); err != nil {
			return err
		}
	}
	return s.refresh()
}

// breakpoint is the next date at which the accruing bases may change.
func (s *State) breakpoint(to calendar.Date) calendar.Date {
	stop := to
	if s.Next < len(s.Rows) && s.Rows[s.Next].DueDate.Before(stop) {
		stop = s.Rows[s.Next].DueDate
	}
	if s.Terms.GraceDays == 0 {
		return stop
	}
	for i := range s.Next {
		r := &s.Rows[i]
		graceEnd := r.DueDate.AddDays(s.Terms.GraceDays)
		if r.ClearedOn.IsZero() && s.AsOf.Before(graceEnd) && graceEnd.Before(stop) {
			stop = graceEnd
		}
	}
	return stop
}

// unbilled is the principal that has not fallen due.
func (s *State) unbilled() int64 {
	v := s.Principal()
	for i := range s.Next {
		v -= s.Rows[i].openPrincipal()
	}
	return v
}

// clear notes the day on which a billed row became fully paid.
func (s *State) clear(r *Row) {
	if r.Billed && r.ClearedOn.IsZero() && r.openPrincipal() == 0 && r.openInterest() == 0 {
		r.ClearedOn = s.AsOf
	}
}

// refresh recomputes the accrued totals and the status.
func (s *State) refresh() error {
	if err := s.refreshInterest(); err != nil {
		return err
	}
	if !s.open() {
		return nil
	}
	days := s.DaysPastDue()
	s.watch(days) // first: the day on which an observation is passed, the loan returns to accrual
	switch {
	case s.Stopped:
	case days > s.Terms.nonAccrualDays():
		s.NonAccrual = true
	case days == 0 && (s.Observation.Since.IsZero() || !s.Observation.PassedOn.IsZero()):
		s.NonAccrual = false // a restructured loan returns to accrual when its observation is passed, not before
	}
	s.suspend()
	s.Status = Active
	if days > s.Terms.GraceDays {
		s.Status = Overdue
	}
	if s.Terms.Arrears != ArrearsPenalty {
		return s.relay(0)
	}
	return nil
}

// suspend keeps what a non-accrual loan owes beside principal out of income.
func (s *State) suspend() {
	t := &s.Totals
	t.SuspendedInterestMinor, t.SuspendedPenaltyMinor, t.SuspendedCompoundMinor = 0, 0, 0
	if !s.NonAccrual {
		t.HeldMinor = 0
		return
	}
	t.SuspendedInterestMinor = s.interestOwed()
	t.SuspendedPenaltyMinor = t.PenaltyAccruedMinor - t.PaidPenaltyMinor - t.WaivedPenaltyMinor
	t.SuspendedCompoundMinor = t.CompoundAccruedMinor - t.PaidCompoundMinor - t.WaivedCompoundMinor
}

// interestOwed is interest that is accrued and neither paid, waived nor capitalised.
func (s *State) interestOwed() int64 {
	t := &s.Totals
	return t.InterestAccruedMinor - t.PaidInterestMinor - t.WaivedInterestMinor - t.CapitalisedMinor
}

// Apply lets time pass to the event's date and then applies it. It returns how
// a repayment was split.
func (s *State) Apply(e Event) (Allocation, error) {
	if e.Date.Before(s.AsOf) {
		return Allocation{}, fault.New(ReasonEventOrder, "date", e.Date, "as_of", s.AsOf)
	}
	if err := s.reach(e.Date); err != nil {
		return Allocation{}, err
	}
	if !s.allows(e.Kind) {
		return Allocation{}, wrongStatus(s.Status, e.Kind)
	}
	if e.Kind == Repaid {
		return s.repay(e)
	}
	if e.Kind == DepositApplied {
		return s.applyDeposit(e)
	}
	if err := s.change(e); err != nil {
		return Allocation{}, err
	}
	return Allocation{}, s.refresh()
}

// allows is the table of which events a status takes.
func (s *State) allows(kind EventKind) bool {
	switch kind {
	case Cancelled:
		return s.Status == Pending
	case Disbursed:
		return s.Status == Pending || (s.Terms.Tranched && s.open())
	case Repaid:
		return s.open() || s.Status == WrittenOffOut
	case Refunded:
		return s.Totals.CreditHeldMinor > 0
	case WrittenOff, Transferred:
		return s.open()
	case FeeCharged, Waived, RateChanged, DueMoved, Extended, Restructured, Accelerated, Misused, ChargedOff, SalesReported:
		return s.open()
	case DepositPaid:
		return s.open() && s.Terms.Deposit.AmountMinor > 0
	case DepositApplied:
		return s.open() || s.Status == WrittenOffOut
	case DepositReturned:
		return s.returnsDeposit()
	case Reversed:
		return false
	default:
		return false
	}
}

// change applies everything but repayments.
func (s *State) change(e Event) error {
	switch e.Kind {
	case Disbursed:
		return s.disburse(e)
	case Cancelled:
		s.Status = CancelledOut
		return nil
	case FeeCharged:
		if e.AmountMinor <= 0 {
			return positive()
		}
		return add(&s.Totals.FeesChargedMinor, e.AmountMinor)
	case Refunded:
		return s.refund(e)
	case Waived:
		return s.waive(e)
	case RateChanged:
		return s.changeRate(e.Detail)
	case DueMoved:
		return s.moveDue(e.Detail)
	case Extended:
		return s.extend(e.Detail)
	case Restructured:
		return s.restructure(e)
	case SalesReported:
		return s.reportSales(e)
	case DepositPaid:
		return s.takeDeposit(e)
	case DepositReturned:
		return s.returnDeposit(e)
	case Accelerated:
		return s.accelerate()
	case Misused:
		s.MisuseRate = s.Terms.misuseRate()
		return nil
	case ChargedOff:
		s.Stopped, s.NonAccrual = true, true
		return nil
	case WrittenOff:
		return s.writeOff()
	case Transferred:
		return s.transfer(e)
	case Repaid, DepositApplied, Reversed:
		return wrongStatus(s.Status, e.Kind)
	default:
		return wrongStatus(s.Status, e.Kind)
	}
}

// add adds to a running sum that nothing else bounds.
func add(sum *int64, amount int64) error {
	v, err := money.AddMinor(*sum, amount)
	if err != nil {
		return fault.Field("amount_minor", "累计金额过大", "makes a sum that is too large")
	}
	*sum = v
	return nil
}

func positive() error { return fault.Field("amount_minor", "须大于零", "must be above zero") }

// disburse starts the loan with its first money, or adds a tranche.
func (s *State) disburse(e Event) error {
	if e.AmountMinor <= 0 || e.AmountMinor > s.Terms.PrincipalMinor-s.Totals.DisbursedMinor {
		return wrongStatus(s.Status, e.Kind)
	}
	total := s.Totals.DisbursedMinor + e.AmountMinor
	if !s.Terms.Tranched && total != s.Terms.PrincipalMinor {
		return wrongStatus(s.Status, e.Kind)
	}
	if s.Status != Pending {
		if s.Next >= len(s.Rows) {
			return wrongStatus(s.Status, e.Kind)
		}
		s.Totals.DisbursedMinor = total
		return s.replan()
	}
	// The money may leave a day after it was asked for: the schedule counts
	// from the day it left.
	s.Terms.Start = e.Date
	s.Status, s.AsOf, s.Totals.DisbursedMinor = Active, e.Date, e.AmountMinor
	var err error
	if s.Totals.WithheldMinor = e.Detail.WithheldMinor; s.Totals.WithheldMinor == 0 {
		if s.Totals.WithheldMinor, err = s.Terms.Withheld(); err != nil {
			return err
		}
	}
	if err := s.keepDeposit(e); err != nil {
		return err
	}
	st := s.Terms.layout()
	st.Tranches = st.Tranches[:1]
	st.Tranches[0].AmountMinor = e.AmountMinor // a first tranche plans what has left, not what may leave
	st.BalloonMinor = min(st.BalloonMinor, e.AmountMinor)
	if err := s.lay(st); err != nil {
		return err
	}
	if s.Totals.WithheldMinor > 0 {
		s.WithheldUntil = s.Rows[len(s.Rows)-1].DueDate
	}
	return s.bill() // a down payment or a rent in advance is due with the money
}

func (s *State) open() bool { return s.Status == Active || s.Status == Overdue }

func later(a, b calendar.Date) calendar.Date {
	if a.Before(b) {
		return b
	}
	return a
}
