package loan

import (
	"sort"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// EventKind names what happened to a loan.
type EventKind string

// Event kinds. Accrual, billing and penalty are not events: they follow from
// the terms, the events and the date, and replay derives them.
const (
	Disbursed  EventKind = "disbursed"
	Repaid     EventKind = "repaid"
	FeeCharged EventKind = "fee_charged"
	Cancelled  EventKind = "cancelled" // the money never left
)

// Event is one business fact about a loan. Date is its value date: an event
// that is learnt late is inserted at its date and the loan is replayed.
type Event struct {
	Seq         int64         `json:"seq"`
	Kind        EventKind     `json:"kind"`
	Date        calendar.Date `json:"date"`
	AmountMinor int64         `json:"amount_minor"`
	// Prepay lets a repayment go beyond what is due, into future principal.
	Prepay bool   `json:"prepay,omitempty"`
	Key    string `json:"key"`
	Note   string `json:"note,omitempty"`
}

// Status is where a loan stands.
type Status string

// Statuses.
const (
	Pending      Status = "pending_disbursement"
	Active       Status = "active"
	Overdue      Status = "overdue"
	Settled      Status = "settled"
	CancelledOut Status = "cancelled"
)

// Row is one instalment with what has become of it. Until its due date the
// amounts are the plan; on that day they are billed and never change again.
type Row struct {
	Instalment
	Billed             bool          `json:"billed"`
	PaidPrincipalMinor int64         `json:"paid_principal_minor"`
	PaidInterestMinor  int64         `json:"paid_interest_minor"`
	ClearedOn          calendar.Date `json:"cleared_on"`
}

func (r Row) openPrincipal() int64 { return r.PrincipalMinor - r.PaidPrincipalMinor }
func (r Row) openInterest() int64  { return r.InterestMinor - r.PaidInterestMinor }

// Totals are running sums over the life of a loan. The books hold exactly
// these: posting is the difference between totals now and totals posted.
type Totals struct {
	DisbursedMinor       int64 `json:"disbursed_minor"`
	InterestAccruedMinor int64 `json:"interest_accrued_minor"`
	PenaltyAccruedMinor  int64 `json:"penalty_accrued_minor"`
	FeesChargedMinor     int64 `json:"fees_charged_minor"`
	PaidPrincipalMinor   int64 `json:"paid_principal_minor"`
	PaidInterestMinor    int64 `json:"paid_interest_minor"`
	PaidPenaltyMinor     int64 `json:"paid_penalty_minor"`
	PaidFeeMinor         int64 `json:"paid_fee_minor"`
}

// Sub is t - o.
func (t Totals) Sub(o Totals) Totals {
	return Totals{
		DisbursedMinor:       t.DisbursedMinor - o.DisbursedMinor,
		InterestAccruedMinor: t.InterestAccruedMinor - o.InterestAccruedMinor,
		PenaltyAccruedMinor:  t.PenaltyAccruedMinor - o.PenaltyAccruedMinor,
		FeesChargedMinor:     t.FeesChargedMinor - o.FeesChargedMinor,
		PaidPrincipalMinor:   t.PaidPrincipalMinor - o.PaidPrincipalMinor,
		PaidInterestMinor:    t.PaidInterestMinor - o.PaidInterestMinor,
		PaidPenaltyMinor:     t.PaidPenaltyMinor - o.PaidPenaltyMinor,
		PaidFeeMinor:         t.PaidFeeMinor - o.PaidFeeMinor,
	}
}

// State is a loan as of a date.
type State struct {
	Terms  Terms
	AsOf   calendar.Date
	Status Status
	Rows   []Row
	Totals Totals

	next           int   // first row that is not billed
	product        int64 // principal-days of the current period
	settled        int64 // interest of the current period paid before its due date
	billedInterest int64
	penaltyProduct int64
}

// Replay derives the state at the end of asOf from the terms and the events.
// Events are taken in order of value date, then of recording.
func Replay(t Terms, events []Event, asOf calendar.Date) (State, error) {
	s, _, err := replay(t, events, asOf)
	return s, err
}

// replay is Replay that also tells how each repayment was split, by sequence.
func replay(t Terms, events []Event, asOf calendar.Date) (State, map[int64]Allocation, error) {
	s := State{Terms: t, AsOf: t.Start, Status: Pending}
	split := map[int64]Allocation{}
	for _, e := range inOrder(events) {
		if e.Date.After(asOf) {
			break
		}
		a, err := s.Apply(e)
		if err != nil {
			return s, nil, err
		}
		if e.Kind == Repaid {
			split[e.Seq] = a
		}
	}
	return s, split, s.Advance(asOf)
}

func inOrder(events []Event) []Event {
	ordered := append([]Event(nil), events...)
	sort.SliceStable(ordered, func(i, j int) bool {
		if ordered[i].Date != ordered[j].Date {
			return ordered[i].Date.Before(ordered[j].Date)
		}
		return ordered[i].Seq < ordered[j].Seq
	})
	return ordered
}

// Principal is the principal still owed.
func (s *State) Principal() int64 { return s.Totals.DisbursedMinor - s.Totals.PaidPrincipalMinor }

// Advance lets time pass: interest and penalty accrue night by night and
// instalments fall due in the morning of their date.
func (s *State) Advance(to calendar.Date) error {
	if s.Status == Pending || s.Status == CancelledOut {
		s.AsOf = later(s.AsOf, to)
		return nil
	}
	for s.AsOf.Before(to) {
		stop := s.breakpoint(to)
		overduePrincipal, overdueInterest := s.overdue()
		s.product += (s.Principal() - overduePrincipal) * s.Terms.days(s.AsOf, stop)
		// Penalty counts actual days whatever the basis of the interest.
		s.penaltyProduct += (overduePrincipal + overdueInterest) * int64(stop.Sub(s.AsOf))
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
	if s.next < len(s.Rows) && s.Rows[s.next].DueDate.Before(stop) {
		stop = s.Rows[s.next].DueDate
	}
	for i := range s.next {
		r := &s.Rows[i]
		graceEnd := r.DueDate.AddDays(s.Terms.GraceDays)
		if r.ClearedOn.IsZero() && s.AsOf.Before(graceEnd) && graceEnd.Before(stop) {
			stop = graceEnd
		}
	}
	return stop
}

// overdue sums what is unpaid beyond grace at AsOf: the penalty's base.
func (s *State) overdue() (principal, interest int64) {
	for i := range s.next {
		r := &s.Rows[i]
		if !s.AsOf.Before(r.DueDate.AddDays(s.Terms.GraceDays)) {
			principal += r.openPrincipal()
			interest += r.openInterest()
		}
	}
	return principal, interest
}

// bill turns plan into debt for rows whose day has come.
func (s *State) bill() error {
	for s.next < len(s.Rows) && !s.Rows[s.next].DueDate.After(s.AsOf) {
		r := &s.Rows[s.next]
		interest, err := s.Terms.interest(s.product, s.Terms.AnnualRate)
		if err != nil {
			return err
		}
		r.Billed, r.InterestMinor, r.PaidInterestMinor = true, interest, s.settled
		r.TotalMinor = r.PrincipalMinor + r.InterestMinor
		s.billedInterest += interest
		s.product, s.settled = 0, 0
		s.next++
		s.clear(r)
	}
	return nil
}

// clear notes the day on which a billed row became fully paid.
func (s *State) clear(r *Row) {
	if r.Billed && r.ClearedOn.IsZero() && r.openPrincipal() == 0 && r.openInterest() == 0 {
		r.ClearedOn = s.AsOf
	}
}

// refresh recomputes the accrued totals and the status.
func (s *State) refresh() error {
	period, err := s.Terms.interest(s.product, s.Terms.AnnualRate)
	if err != nil {
		return err
	}
	s.Totals.InterestAccruedMinor = s.billedInterest + period
	if s.Totals.PenaltyAccruedMinor, err = s.penalty(); err != nil {
		return err
	}
	if s.Status == Active || s.Status == Overdue {
		s.Status = Active
		if s.DaysPastDue() > s.Terms.GraceDays {
			s.Status = Overdue
		}
	}
	return nil
}

func (s *State) penalty() (int64, error) {
	t := s.Terms
	t.Basis = penaltyBasis
	return t.interest(s.penaltyProduct, s.Terms.PenaltyRate)
}

// Apply lets time pass to the event's date and then applies it. It returns how
// a repayment was split.
func (s *State) Apply(e Event) (Allocation, error) {
	if e.Date.Before(s.AsOf) {
		return Allocation{}, fault.New(ReasonEventOrder, "date", e.Date, "as_of", s.AsOf)
	}
	if err := s.Advance(e.Date); err != nil {
		return Allocation{}, err
	}
	switch e.Kind {
	case Disbursed:
		return Allocation{}, s.disburse(e)
	case Repaid:
		return s.repay(e)
	case FeeCharged:
		if !s.open() || e.AmountMinor <= 0 {
			return Allocation{}, wrongStatus(s.Status, e.Kind)
		}
		s.Totals.FeesChargedMinor += e.AmountMinor
		return Allocation{}, s.refresh()
	case Cancelled:
		if s.Status != Pending {
			return Allocation{}, wrongStatus(s.Status, e.Kind)
		}
		s.Status = CancelledOut
		return Allocation{}, nil
	default:
		return Allocation{}, wrongStatus(s.Status, e.Kind)
	}
}

func (s *State) disburse(e Event) error {
	if s.Status != Pending || e.AmountMinor != s.Terms.PrincipalMinor {
		return wrongStatus(s.Status, e.Kind)
	}
	// The money may leave a day after it was asked for: the schedule counts
	// from the day it left.
	s.Terms.Start = e.Date
	instalments, err := Schedule(s.Terms)
	if err != nil {
		return err
	}
	s.Rows = make([]Row, len(instalments))
	for i, in := range instalments {
		s.Rows[i] = Row{Instalment: in}
	}
	s.Status, s.AsOf, s.Totals.DisbursedMinor = Active, e.Date, e.AmountMinor
	return s.refresh()
}

func (s *State) open() bool { return s.Status == Active || s.Status == Overdue }

func later(a, b calendar.Date) calendar.Date {
	if a.Before(b) {
		return b
	}
	return a
}
