package loan

import (
	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/schedule"
)

// Row is one instalment with what has become of it. Until its due date the
// amounts are the plan; on that day they are billed and never change again,
// except by an extension or a restructuring, which take back unpaid principal.
type Row struct {
	Instalment
	Billed               bool          `json:"billed"`
	PaidPrincipalMinor   int64         `json:"paid_principal_minor"`
	PaidInterestMinor    int64         `json:"paid_interest_minor"`
	WaivedPrincipalMinor int64         `json:"waived_principal_minor,omitempty"`
	WaivedInterestMinor  int64         `json:"waived_interest_minor,omitempty"`
	ClearedOn            calendar.Date `json:"cleared_on"`
	// Holiday is what becomes of the interest of an instalment in grace.
	Holiday schedule.GraceRule `json:"holiday,omitempty"`
	// NoPrincipal marks an instalment in grace, Weight (in hundredths; 0 is 100, -1 is none) a step or a season.
	NoPrincipal bool  `json:"no_principal,omitempty"`
	Weight      int64 `json:"weight,omitempty"`
	// LessMinor is what an earlier payment takes off this row's principal.
	LessMinor int64 `json:"less_minor,omitempty"`
	// PaidAhead is a running row that was paid whole before its date: its interest
	// ends with the payment, and what the period earns after it goes to the next row.
	PaidAhead bool `json:"paid_ahead,omitempty"`
	// Down is a down payment, due with the money.
	Down bool `json:"down,omitempty"`
	// Sales are what was reported, where a share of them is due.
	Sales RowSales `json:"sales,omitzero"`
}

// level reports a row whose principal follows from the level payment.
func (r *Row) level(m Method) bool { return m == EqualInstalment && !r.NoPrincipal && !r.Down }

const noWeight = -1

// weight is the row's share of the level in hundredths.
func (r *Row) weight() int64 {
	switch r.Weight {
	case 0:
		return 100
	case noWeight:
		return 0
	default:
		return r.Weight
	}
}

func (r *Row) openPrincipal() int64 {
	return r.PrincipalMinor - r.PaidPrincipalMinor - r.WaivedPrincipalMinor
}

func (r *Row) openInterest() int64 {
	return r.InterestMinor - r.PaidInterestMinor - r.WaivedInterestMinor
}

// bill turns plan into debt for rows whose day has come.
func (s *State) bill() error {
	for s.Next < len(s.Rows) && !s.Rows[s.Next].DueDate.After(s.AsOf) {
		interest, err := s.periodInterest(s.AsOf)
		if err != nil {
			return err
		}
		r := &s.Rows[s.Next]
		deferred := s.Deferred
		s.billInterest(r, interest)
		s.Segments = nil
		if r.Holiday != "" || r.PaidAhead || s.Terms.Plan.GraceInterest == 0 {
			deferred = 0 // only interest that grace deferred comes on top of a level payment
		}
		s.dues(r, r.InterestMinor-deferred)
		s.Less -= r.LessMinor
		r.Billed, r.TotalMinor = true, r.PrincipalMinor+r.InterestMinor
		s.Next++
		s.clear(r)
		switch {
		case s.Terms.Method == SalesShare: // what fell due is not what was expected
			if err := s.replan(); err != nil {
				return err
			}
		case r.Holiday == schedule.Capitalise && s.Terms.Arrears == ArrearsPenalty:
			if err := s.expectOwed(); err != nil {
				return err
			}
		}
	}
	return nil
}

// expectOwed plans the rows ahead again where less interest became principal
// than the plan foresaw.
func (s *State) expectOwed() error {
	var planned int64
	for i := s.Next; i < len(s.Rows); i++ {
		if s.Rows[i].Holiday == schedule.Capitalise {
			return nil // its interest is not known yet
		}
		planned += s.Rows[i].openPrincipal()
	}
	if planned == s.unbilled() {
		return nil
	}
	return s.replan()
}

// billInterest gives a row the interest of its period, or what grace says: keep
// it for the first row after grace, add it to principal, or nothing.
func (s *State) billInterest(r *Row, interest int64) {
	if r.PaidAhead && r.Holiday == "" {
		interest = max(interest+s.Deferred, s.Settled)
		s.BilledInterest += s.Settled
		s.Deferred = interest - s.Settled
		r.InterestMinor, r.PaidInterestMinor = s.Settled, s.Settled
		s.Settled = 0
		return
	}
	switch r.Holiday {
	case schedule.Defer:
		s.Deferred += interest
		r.InterestMinor = 0
	case schedule.Capitalise:
		interest = max(interest+s.Deferred, s.Settled)
		s.Totals.CapitalisedMinor += interest - s.Settled
		s.BilledInterest += interest
		r.InterestMinor, r.PaidInterestMinor = s.Settled, s.Settled
		s.Deferred, s.Settled = 0, 0
	case schedule.Waive:
		r.InterestMinor = 0
	default:
		interest = max(interest+s.Deferred, s.Settled)
		s.BilledInterest += interest
		r.InterestMinor, r.PaidInterestMinor = interest, s.Settled
		s.Deferred, s.Settled = 0, 0
	}
}

// dues settles the principal of a row on its due date: the last one clears what
// is left, and where arrears are carried a level payment stays level: its principal
// is the payment less the interest of its own period.
func (s *State) dues(r *Row, own int64) {
	left := s.unbilled() + r.PaidPrincipalMinor + r.WaivedPrincipalMinor
	switch {
	case s.Terms.Method == SalesShare:
		r.PrincipalMinor = s.shared(r, left)
	case s.Next == len(s.Rows)-1:
		r.PrincipalMinor = left
	case s.Terms.Arrears != ArrearsPenalty && r.level(s.Terms.Method):
		r.PrincipalMinor = max(min(s.lessened(r, s.Less, s.payment(r)-own), left), r.PaidPrincipalMinor)
	default:
		r.PrincipalMinor = min(r.PrincipalMinor, left)
	}
	if s.Terms.Arrears != ArrearsPenalty || s.Terms.Method == SalesShare { // the plan ahead moves; the row keeps what is left today
		r.BalanceMinor = left - r.PrincipalMinor
		for i := s.Next + 1; i < len(s.Rows); i++ {
			r.BalanceMinor += s.Rows[i].PaidPrincipalMinor
		}
	}
}

// payment is the row's level payment.
func (s *State) payment(r *Row) int64 {
	if r.Weight == 0 {
		return s.Level
	}
	v, err := money.MulDiv(s.Level, r.weight(), 100, s.Terms.Rounding)
	if err != nil {
		return s.Level // both factors are bounded by Validate
	}
	return v
}

// lessened is a row's principal after what was paid beyond an earlier instalment.
// A row that money was counted to keeps its own.
func (s *State) lessened(r *Row, less, principal int64) int64 {
	r.LessMinor = 0
	if r.PaidPrincipalMinor == 0 {
		r.LessMinor = min(less, max(principal, 0))
	}
	return principal - r.LessMinor
}
