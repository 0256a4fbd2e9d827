package selftest

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/lending/loan"
)

// trace is a loan's life as Apache Fineract's own tests tell it: events, and
// between them what the schedule, the transactions and the loan must look like.
type trace struct {
	Loan     map[string]string `json:"loan"`
	Settings traceSettings     `json:"product_settings"`
	Sequence []traceStep       `json:"sequence"`
}

// traceSettings are a product's settings where the vector knows them; the rest
// is read from the product's name.
type traceSettings struct {
	Type        string `json:"schedule_type"`
	DaysInYear  string `json:"days_in_year"`
	DaysInMonth string `json:"days_in_month"`
	Multiple    string `json:"installment_multiple_of"`
}

// traceStep is one event or one expectation.
type traceStep struct {
	Event  string              `json:"event"`
	Data   []map[string]string `json:"data"`
	Expect string              `json:"expect"`
	Step   string              `json:"step"`
	Rows   []map[string]string `json:"rows"`
	Row    map[string]string   `json:"row"`
}

// trace drives the loan engine through the events and compares every
// expectation; the first that differs is told.
func (v vector) trace(raw json.RawMessage) (Outcome, error) {
	var in trace
	if err := json.Unmarshal(raw, &in); err != nil {
		return Outcome{}, err
	}
	l, err := newLife(in)
	if err != nil {
		return Outcome{}, err
	}
	compared := 0
	for i, step := range in.Sequence {
		if step.Expect == "" {
			if err := l.event(step); err != nil {
				return Outcome{}, fmt.Errorf("step %d %q: %w", i+1, step.Event, err)
			}
			continue
		}
		want, got, err := l.expect(step)
		if err != nil {
			return Outcome{}, fmt.Errorf("step %d %s: %w", i+1, step.Expect, err)
		}
		if want != got {
			o := exactly(v.ID, v.Kind, want, got)
			o.Expected = fmt.Sprintf("step %d %s: %s", i+1, step.Expect, o.Expected)
			return o, nil
		}
		compared++
	}
	if compared == 0 {
		return Outcome{}, errors.New("the trace expects nothing")
	}
	told := fmt.Sprintf("%d expectations", compared)
	return Outcome{ID: v.ID, Kind: v.Kind, Pass: true, Expected: told, Got: told}, nil
}

// life is a loan under way: the events so far, and the state the engine derives
// from them.
type life struct {
	name   string
	terms  loan.Terms
	rules  map[string]loan.Strategy // by type of transaction
	auto   bool                     // the down payment is taken when the money leaves
	recalc bool                     // nightly work looks at overdue instalments

	today    calendar.Date
	seen     calendar.Date // up to when the loan was looked at: its last event, or nightly work
	nights   calendar.Date // up to when nightly work is done
	approved bool
	events   []loan.Event
	kinds    map[int64]string // what the source calls each event
	accruals []calendar.Date  // days on which nightly work booked interest
	closed   loan.Allocation  // what was scheduled and open at the charge-off

	state loan.State
	paid  []paidRow
	split map[int64]loan.Allocation
	left  map[int64]int64 // principal after each event
}

// paidRow follows how an instalment was paid.
type paidRow struct {
	advance, late int64
	last          calendar.Date
}

func newLife(in trace) (*life, error) {
	terms, err := in.terms()
	if err != nil {
		return nil, err
	}
	name := in.Loan["LoanProduct"]
	l := &life{
		name: name, terms: terms, kinds: map[int64]string{}, auto: strings.Contains(name, "DOWNPAYMENT_AUTO"),
		rules: map[string]loan.Strategy{"DEFAULT": terms.Prepayment},
	}
	if in.allocates() {
		l.rules["GOODWILL_CREDIT"] = loan.LastInstalments
	}
	return l, nil
}

// record adds an event and derives the state again.
func (l *life) record(kind string, e loan.Event) (int64, error) {
	e.Seq = int64(len(l.events) + 1)
	l.kinds[e.Seq] = kind
	l.events = append(l.events, e)
	l.seen = later(l.seen, e.Date)
	return e.Seq, l.replay()
}

// replay takes all standing events through the engine one by one and notes what
// each did to every instalment. The engine's own replay must say the same.
func (l *life) replay() error {
	until := l.seen
	for _, e := range l.events {
		until = later(until, e.Date)
	}
	l.paid, l.split, l.left = nil, map[int64]loan.Allocation{}, map[int64]int64{}
	s, err := loan.Replay(l.terms, nil, l.terms.Start)
	if err != nil {
		return err
	}
	for _, e := range l.ordered() {
		if err := l.apply(&s, e); err != nil {
			return err
		}
	}
	if err := s.Advance(until); err != nil {
		return err
	}
	whole, err := loan.Replay(l.terms, l.events, until)
	if err != nil {
		return err
	}
	if whole.Totals != s.Totals || whole.Status != s.Status {
		return errors.New("replay and step by step differ")
	}
	l.state = s
	return nil
}

func (l *life) apply(s *loan.State, e loan.Event) error {
	if e.Kind == loan.DueMoved {
		for i, r := range s.Rows {
			if r.DueDate == e.Detail.From && i < len(l.paid) {
				l.paid = append(l.paid[:i:i], append(make([]paidRow, e.Detail.GracePrincipal), l.paid[i:]...)...)
			}
		}
	}
	before := paidOf(s)
	a, err := s.Apply(e)
	if err != nil {
		return err
	}
	l.split[e.Seq], l.left[e.Seq] = a, s.Principal()
	for len(l.paid) < len(s.Rows) {
		l.paid = append(l.paid, paidRow{})
	}
	for i, now := range paidOf(s) {
		part := now
		if i < len(before) {
			part -= before[i]
		}
		if part == 0 || e.Kind != loan.Repaid {
			continue
		}
		p, due := &l.paid[i], s.Rows[i].DueDate
		p.last = e.Date
		switch {
		case due.After(e.Date):
			p.advance += part
		case due.Before(e.Date):
			p.late += part
		}
	}
	return nil
}

// paidOf is what each instalment has received. What was paid of the running
// period's interest belongs to the running instalment.
func paidOf(s *loan.State) []int64 {
	out := make([]int64, len(s.Rows))
	for i, r := range s.Rows {
		out[i] = r.PaidPrincipalMinor + r.PaidInterestMinor
		if i == s.Next {
			out[i] += s.Settled
		}
	}
	return out
}

// ordered are the standing events by date, then as recorded.
func (l *life) ordered() []loan.Event {
	gone := map[int64]bool{}
	for _, e := range l.events {
		if e.Kind == loan.Reversed {
			gone[e.Detail.Of] = true
		}
	}
	var out []loan.Event
	for _, e := range l.events {
		if e.Kind == loan.Reversed || gone[e.Seq] {
			continue
		}
		at := len(out)
		for at > 0 && out[at-1].Date.After(e.Date) {
			at--
		}
		out = append(out[:at:at], append([]loan.Event{e}, out[at:]...)...)
	}
	return out
}

func later(a, b calendar.Date) calendar.Date {
	if a.Before(b) {
		return b
	}
	return a
}
