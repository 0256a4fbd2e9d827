package loan

import (
	"context"
	"fmt"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Supposition is an event that somebody wonders about. Its date may lie ahead.
type Supposition struct {
	Kind        EventKind     `json:"kind" enum:"repaid,fee_charged,reversed,waived,rate_changed,due_moved,extended,restructured,accelerated,misused,charged_off,written_off"`
	Date        calendar.Date `json:"date"`
	AmountMinor int64         `json:"amount_minor,omitempty"`
	Prepay      bool          `json:"prepay,omitempty"`
	Detail      Particulars   `json:"detail,omitzero"`
}

// WhatIf compares a loan's future as it stands with one in which suppositions
// come true. In both, whatever falls due from the business date on is taken to
// be paid on its day.
type WhatIf struct {
	On     calendar.Date `json:"on" doc:"the date at which the two are compared"`
	Before Outlook       `json:"before"`
	After  Outlook       `json:"after"`
	// RowsBefore and Rows are the plans on that date.
	RowsBefore []Row `json:"rows_before"`
	Rows       []Row `json:"rows"`
	// InterestSavedMinor is what the customer pays less, interest and penalty, until the end; below zero it costs more.
	InterestSavedMinor int64         `json:"interest_saved_minor"`
	EndsOn             calendar.Date `json:"ends_on,omitzero"`
	EndedOn            calendar.Date `json:"ended_on,omitzero" doc:"when it would have ended without"`
}

const (
	suppositionsMax = 20
	aheadMaxDays    = 12_000
)

// Suppose answers what would become of a loan; nothing is stored.
func (s *Service) Suppose(ctx context.Context, p auth.Principal, id string, list []Supposition) (w WhatIf, err error) {
	if len(list) == 0 || len(list) > suppositionsMax {
		return w, fault.Field("events", "须有1至20项", "must have 1 to 20 entries")
	}
	err = s.see(ctx, p, id, func(tx *db.Tx, l Loan) error {
		recorded, err := Events(ctx, tx, l.ID)
		if err != nil {
			return err
		}
		w, err = suppose(l, plain(recorded), list)
		return err
	})
	return w, err
}

func suppose(l Loan, events []Event, list []Supposition) (w WhatIf, err error) {
	on := l.ProcessedTo
	with := append([]Event(nil), events...)
	for i, x := range list {
		if x.Date.Before(l.Terms.Start) || x.Date.Sub(l.ProcessedTo) > aheadMaxDays {
			return w, fault.Field("date", fmt.Sprintf("须在起息日之后、处理日起%d天之内", aheadMaxDays), fmt.Sprintf("must be after the loan's start and at most %d days ahead", aheadMaxDays)).WithRow(i + 1)
		}
		with = append(with, Event{Seq: int64(len(with) + 1), Kind: x.Kind, Date: x.Date, AmountMinor: x.AmountMinor, Prepay: x.Prepay, Detail: x.Detail})
		on = later(on, x.Date)
	}
	paidBefore, endedOn, before, err := live(l, events, on)
	if err != nil {
		return w, err
	}
	paid, endsOn, after, err := live(l, with, on)
	if err != nil {
		return w, err
	}
	return WhatIf{
		On: on, Before: outlook(&before), After: outlook(&after), RowsBefore: before.Rows, Rows: after.Rows,
		InterestSavedMinor: paidBefore - paid, EndsOn: endsOn, EndedOn: endedOn,
	}, nil
}

// live pays what falls due until the loan ends. It returns the interest and
// penalty paid in all, the last day, and the state on a date on the way.
func live(l Loan, events []Event, at calendar.Date) (cost int64, end calendar.Date, seen State, err error) {
	ordered, err := standing(events)
	if err != nil {
		return 0, end, seen, err
	}
	s := newState(l.Terms)
	next, looked := 0, false
	for step := 0; ; step++ {
		day, ok := s.nextDay(l.ProcessedTo)
		if next < len(ordered) && (!ok || !ordered[next].Date.After(day)) {
			day, ok = ordered[next].Date, true
		}
		if !looked && (!ok || day.After(at)) {
			seen = clone(&s)
			if err := seen.Advance(at); err != nil {
				return 0, end, seen, err
			}
			looked = true
		}
		if !ok || step > 2*countMaxSteps {
			break
		}
		for ; next < len(ordered) && ordered[next].Date == day; next++ {
			if _, err := s.Apply(ordered[next]); err != nil {
				return 0, end, seen, err
			}
		}
		if err := s.payDue(day, l.ProcessedTo); err != nil {
			return 0, end, seen, err
		}
	}
	t := s.Totals
	return t.PaidInterestMinor + t.PaidPenaltyMinor + t.PaidCompoundMinor + t.PaidFeeMinor, s.AsOf, seen, nil
}

const countMaxSteps = 4000

// nextDay is the next day on which something falls due, from a date on.
func (s *State) nextDay(from calendar.Date) (calendar.Date, bool) {
	if !s.open() {
		return calendar.Date{}, false
	}
	if s.Next < len(s.Rows) {
		return s.Rows[s.Next].DueDate, true
	}
	if s.Due().TotalMinor() > 0 {
		return later(s.AsOf, from), true
	}
	return calendar.Date{}, false
}

// payDue pays on a day, if it is not in the past, what is due.
func (s *State) payDue(day, today calendar.Date) error {
	if err := s.reach(day); err != nil {
		return err
	}
	if due := s.Due().TotalMinor(); s.open() && due > 0 && !day.Before(today) {
		_, err := s.Apply(Event{Kind: Repaid, Date: day, AmountMinor: due})
		return err
	}
	return nil
}
