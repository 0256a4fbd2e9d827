package loan

import (
	"slices"
	"sort"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// told are a loan's events as a statement tells them, by value date and then by recording: what was taken back stands until its reversal.
// A reversal counts from its own date, but neither before what it takes back, nor after an event that was recorded later: the two never
// met. (A payment that was put on the wrong loan is reversed and the right one entered under the same value date.)
func told(events []Event) ([]Event, error) {
	if _, err := standing(events); err != nil {
		return nil, err
	}
	out := slices.Clone(events)
	sort.Slice(out, func(i, j int) bool { return out[i].Seq < out[j].Seq })
	on := make(map[int64]calendar.Date, len(out))
	for _, e := range out {
		on[e.Seq] = e.Date
	}
	var least calendar.Date // of what was recorded later
	for i := len(out) - 1; i >= 0; i-- {
		e := &out[i]
		if e.Kind == Reversed {
			if !least.IsZero() && least.Before(e.Date) {
				e.Date = least
			}
			e.Date = later(e.Date, on[e.Detail.Of])
		}
		if least.IsZero() || e.Date.Before(least) {
			least = e.Date
		}
	}
	sort.SliceStable(out, func(i, j int) bool { return out[i].Date.Before(out[j].Date) })
	return out, nil
}

// teller walks a loan from event to event and writes the lines of its statement.
type teller struct {
	out   Statement
	st    State
	met   []Event                // what stands so far
	due   map[calendar.Date]bool // instalments that have a line
	quiet map[calendar.Date]bool // those that a settlement closed: they are in the repayment's own line
	lines map[int64]StatementLine
	taken map[int64]bool // events that are taken back at some time
}

// statement tells a loan's life and keeps what lies in the period.
func statement(l Loan, events []Event, from, until calendar.Date) (Statement, error) {
	t := &teller{
		out: Statement{Loan: l, From: from, Until: until, Lines: []StatementLine{}}, st: newState(l.Terms), due: map[calendar.Date]bool{}, quiet: map[calendar.Date]bool{}, lines: map[int64]StatementLine{}, taken: map[int64]bool{},
	}
	ordered, err := told(events)
	if err != nil {
		return t.out, err
	}
	for _, e := range ordered {
		if e.Kind == Reversed {
			t.taken[e.Detail.Of] = true
		}
	}
	for _, e := range ordered {
		if e.Date.After(until) {
			break
		}
		if err := t.pass(e.Date); err != nil {
			return t.out, err
		}
		if e.Kind == Reversed {
			err = t.undo(e)
		} else {
			err = t.do(e)
		}
		if err != nil {
			return t.out, err
		}
	}
	if err := t.pass(until); err != nil {
		return t.out, err
	}
	t.out.ClosingMinor, t.out.Totals = t.st.Principal(), t.st.Totals
	return t.out, nil
}

func (t *teller) keep(line StatementLine) {
	line.Principal = t.st.Principal()
	if line.Date.Before(t.out.From) {
		t.out.OpeningMinor = line.Principal
		return
	}
	t.out.Lines = append(t.out.Lines, line)
}

// pass lets time go by; instalments that fall due have a line each.
func (t *teller) pass(to calendar.Date) error {
	if err := t.st.Advance(to); err != nil {
		return err
	}
	t.billed(func(r Row) StatementLine {
		return StatementLine{Date: r.DueDate, Memo: fault.Text{Zh: "第 " + itoa(r.No) + " 期到期", En: "instalment " + itoa(r.No) + " due"}}
	})
	return nil
}

func (t *teller) billed(line func(Row) StatementLine) {
	for _, r := range t.st.Rows[:t.st.Next] {
		if t.due[r.DueDate] || t.quiet[r.DueDate] {
			continue
		}
		t.due[r.DueDate] = true
		x := line(r)
		x.Kind, x.Amount = "instalment_due", r.TotalMinor
		t.keep(x)
	}
}

// do tells an event that is not a reversal.
func (t *teller) do(e Event) error {
	a, err := t.st.Apply(e)
	line := StatementLine{Date: e.Date, Kind: string(e.Kind), Memo: kindNames[e.Kind], Amount: e.AmountMinor}
	switch e.Kind { //nolint:exhaustive // the others charge their amount, or have none
	case Waived:
		line.Amount = -e.AmountMinor
	case Transferred:
		line.Amount = 0 // the price is between the holders
	case SalesReported, DepositPaid, DepositReturned: // they change nothing of the debt
		line.Amount, line.Memo = 0, noted(line.Memo, money.Of(e.AmountMinor, t.st.Terms.Currency))
	case Repaid, DepositApplied:
		line.Amount = -e.AmountMinor
		if err == nil {
			line.Allocation = &a
		}
	}
	switch {
	case err == nil:
		t.met = append(t.met, e)
	case t.taken[e.Seq]: // it did not fit what stands around it now, and it does not stand either
		if err := t.rebuild(e.Date); err != nil {
			return err
		}
	default:
		return err
	}
	if e.Kind == Repaid || e.Kind == DepositApplied {
		t.hush()
	}
	t.lines[e.Seq] = line
	t.keep(line)
	return nil
}

// noted puts into words an amount that changes nothing of the debt.
func noted(t fault.Text, a money.Amount) fault.Text {
	return fault.Text{Zh: t.Zh + " " + a.Format("zh"), En: t.En + " " + a.Format("en")}
}

// undo tells a reversal: the line of what it takes back with the other sign, and what has fallen due without it.
func (t *teller) undo(e Event) error {
	of := t.lines[e.Detail.Of]
	t.met = slices.DeleteFunc(t.met, func(x Event) bool { return x.Seq == e.Detail.Of })
	if err := t.rebuild(e.Date); err != nil {
		return err
	}
	line := StatementLine{Date: e.Date, Kind: string(Reversed), Amount: -of.Amount,
		Memo: fault.Text{Zh: "冲正：" + of.Memo.Zh + "（" + of.Date.String() + "）", En: "reversal of " + of.Memo.En + " of " + of.Date.String()}}
	if of.Allocation != nil {
		a := of.Allocation.negated()
		line.Allocation = &a
	}
	t.keep(line)
	clear(t.quiet)
	t.hush()
	t.billed(func(r Row) StatementLine {
		return StatementLine{Date: e.Date, Memo: fault.Text{
			Zh: "第 " + itoa(r.No) + " 期于 " + r.DueDate.String() + " 到期", En: "instalment " + itoa(r.No) + " was due on " + r.DueDate.String()}}
	})
	return nil
}

// hush keeps the rows that a settlement closed from having lines.
func (t *teller) hush() {
	if t.st.Status != Settled {
		return
	}
	for _, r := range t.st.Rows[:t.st.Next] {
		t.quiet[r.DueDate] = true
	}
}

// rebuild is the state at a date with what stands.
func (t *teller) rebuild(on calendar.Date) error {
	t.st = newState(t.st.Terms)
	for _, e := range t.met {
		if _, err := t.st.Apply(e); err != nil {
			return err
		}
	}
	return t.st.Advance(on)
}
