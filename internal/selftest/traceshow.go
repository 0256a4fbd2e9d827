package selftest

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/lending/loan"
)

// expect says what the source wants to see and what the engine shows, in one
// form, so that equal texts are equal figures.
func (l *life) expect(step traceStep) (want, got string, err error) {
	switch step.Expect {
	case "schedule":
		return compared(complete(step.Rows), l.schedule())
	case "totals":
		return compared([]map[string]string{step.Row}, []map[string]string{l.totals()})
	case "transactions":
		rows, err := l.transactions()
		if err != nil {
			return "", "", err
		}
		return compared(step.Rows, rows)
	case "delinquency":
		return compared(step.Rows, l.delinquency())
	case "state":
		return l.standing(step.Step)
	default:
		return "", "", errNotImplemented
	}
}

// complete makes the silence of a row speak: an instalment without a day of payment
// is not paid, and a row that is no instalment has no number.
func complete(rows []map[string]string) []map[string]string {
	out := make([]map[string]string, len(rows))
	for i, r := range rows {
		out[i] = maps.Clone(r)
		_, paid := r["paid_date"]
		if _, numbered := r["nr"]; numbered && !paid {
			out[i]["paid_date"] = ""
		} else if _, principal := r["principal"]; !numbered && !principal {
			out[i]["nr"] = ""
		}
	}
	return out
}

// compared prints both sides with the fields the source tells of each row.
func compared(want, got []map[string]string) (string, string, error) {
	var w, g strings.Builder
	for i := range max(len(want), len(got)) {
		var fields []string
		if i < len(want) {
			fields = slices.Collect(maps.Keys(want[i]))
		} else {
			fields = slices.Collect(maps.Keys(got[i]))
		}
		slices.Sort(fields)
		side := func(b *strings.Builder, rows []map[string]string) error {
			if i >= len(rows) {
				return nil
			}
			for _, f := range fields {
				text, told := rows[i][f]
				if !told && i < len(want) && want[i][f] != "" {
					return fmt.Errorf("%w: field %q", errNotImplemented, f)
				}
				fmt.Fprintf(b, "%s %s ", f, plain(text))
			}
			b.WriteString(";")
			return nil
		}
		if err := side(&w, want); err != nil {
			return "", "", err
		}
		if err := side(&g, got); err != nil {
			return "", "", err
		}
	}
	return w.String(), g.String(), nil
}

var decimal = regexp.MustCompile(`^-?[0-9]+(\.[0-9]+)?$`)

// plain writes "862.0", "862" and "862.00" alike.
func plain(text string) string {
	if !decimal.MatchString(text) {
		return text
	}
	if v, err := minor(text, 2); err == nil {
		return money.FormatMinor(v)
	}
	return text
}

// schedule shows the money that left and the instalments, in order of date.
func (l *life) schedule() []map[string]string {
	var rows []map[string]string
	tranches := l.tranches()
	show := func(x loan.Event, owed int64) {
		rows = append(rows, map[string]string{
			"nr": "", "days": "", "due_date": x.Date.String(), "paid_date": "", "balance_after": money.FormatMinor(owed), "fees": "0", "penalties": "0", "due": "0", "paid": "0",
		})
	}
	var lent, due int64
	paid := paidOf(&l.state)
	for i, r := range l.state.Rows {
		for len(tranches) > 0 && (len(rows) == 0 || tranches[0].Date.Before(r.DueDate)) {
			lent += tranches[0].AmountMinor
			show(tranches[0], lent-due)
			tranches = tranches[1:]
		}
		due += r.PrincipalMinor
		total := r.PrincipalMinor + r.InterestMinor
		p := l.paid[i]
		rows = append(rows, map[string]string{
			"nr": fmt.Sprint(r.No), "days": fmt.Sprint(r.Days), "due_date": r.DueDate.String(), "paid_date": l.paidOn(i, total-paid[i], total),
			"balance_after": money.FormatMinor(lent - due), "principal": money.FormatMinor(r.PrincipalMinor), "interest": money.FormatMinor(r.InterestMinor),
			"fees": "0", "penalties": "0", "due": money.FormatMinor(total), "paid": money.FormatMinor(paid[i]),
			"paid_in_advance": money.FormatMinor(p.advance), "paid_late": money.FormatMinor(p.late), "outstanding": money.FormatMinor(total - paid[i]),
		})
	}
	return rows
}

// tranches are the disbursements that stand.
func (l *life) tranches() []loan.Event {
	var out []loan.Event
	for _, e := range l.ordered() {
		if e.Kind == loan.Disbursed {
			out = append(out, e)
		}
	}
	return out
}

// paidOn is the day an instalment was paid; one with nothing due counts as paid
// with the payment before it.
func (l *life) paidOn(i int, open, total int64) string {
	if open != 0 {
		return ""
	}
	on := l.paid[i].last
	if total == 0 {
		for _, e := range l.ordered() {
			if e.Kind == loan.Repaid {
				on = later(on, e.Date)
			}
		}
	}
	if on.IsZero() {
		return ""
	}
	return on.String()
}

func (l *life) totals() map[string]string {
	sums := map[string]int64{"fees": 0, "penalties": 0}
	paid := paidOf(&l.state)
	for i, r := range l.state.Rows {
		total := r.PrincipalMinor + r.InterestMinor
		sums["principal"] += r.PrincipalMinor
		sums["interest"] += r.InterestMinor
		sums["due"] += total
		sums["paid"] += paid[i]
		sums["paid_in_advance"] += l.paid[i].advance
		sums["paid_late"] += l.paid[i].late
		sums["outstanding"] += total - paid[i]
	}
	out := map[string]string{}
	for name, v := range sums {
		out[name] = money.FormatMinor(v)
	}
	return out
}

// transactions lists what was booked, by date.
func (l *life) transactions() ([]map[string]string, error) {
	type dated struct {
		on  calendar.Date
		row map[string]string
	}
	var all []dated
	add := func(on calendar.Date, kind string, amount, left int64, a loan.Allocation, reverted bool) {
		at := len(all)
		for at > 0 && all[at-1].on.After(on) {
			at--
		}
		row := map[string]string{
			"transaction_date": on.String(), "transaction_type": kind, "amount": money.FormatMinor(amount), "principal": money.FormatMinor(a.PrincipalMinor),
			"interest": money.FormatMinor(a.InterestMinor), "fees": money.FormatMinor(a.FeeMinor), "penalties": money.FormatMinor(a.PenaltyMinor),
			"loan_balance": money.FormatMinor(left), "overpayment": money.FormatMinor(a.CreditMinor), "reverted": fmt.Sprint(reverted), "reverse_replayed": "false",
		}
		all = append(all[:at:at], append([]dated{{on, row}}, all[at:]...)...)
	}
	gone := map[int64]bool{}
	for _, e := range l.events {
		gone[e.Detail.Of] = e.Kind == loan.Reversed
	}
	for _, e := range l.events {
		kind := l.kinds[e.Seq]
		switch {
		case kind == "":
		case e.Kind == loan.ChargedOff:
			add(e.Date, kind, l.closed.TotalMinor(), 0, l.closed, gone[e.Seq])
		default:
			add(e.Date, kind, e.AmountMinor, l.left[e.Seq], l.split[e.Seq], gone[e.Seq])
		}
	}
	var booked int64
	for _, d := range l.accruals {
		s, err := loan.Replay(l.terms, l.events, d)
		if err != nil {
			return nil, err
		}
		if part := s.Totals.InterestAccruedMinor - booked; part > 0 {
			booked += part
			add(d, "Accrual", part, 0, loan.Allocation{InterestMinor: part}, false)
		}
	}
	out := make([]map[string]string, len(all))
	for i, x := range all {
		out[i] = x.row
	}
	return out, nil
}

// ranges of days past due, by the source's numbers.
var ranges = []struct {
	name string
	from int
}{
	{"RANGE_1", 1}, {"RANGE_3", 4}, {"RANGE_30", 31}, {"RANGE_60", 61}, {"RANGE_90", 91}, {"RANGE_120", 121}, {"RANGE_150", 151}, {"RANGE_180", 181}, {"RANGE_210", 211}, {"RANGE_240", 241},
}

// rangeOf is the range a number of days past due falls in; -1 is none.
func rangeOf(days int) int {
	at := -1
	for i, r := range ranges {
		if days >= r.from {
			at = i
		}
	}
	return at
}

// delinquency sums what is unpaid by the range of each instalment.
func (l *life) delinquency() []map[string]string {
	open := make([]int64, len(ranges))
	paid := paidOf(&l.state)
	for i, r := range l.state.Rows {
		if at := rangeOf(l.today.Sub(r.DueDate)); at >= 0 {
			open[at] += r.PrincipalMinor + r.InterestMinor - paid[i]
		}
	}
	var rows []map[string]string
	for i, v := range open {
		if v > 0 {
			rows = append(rows, map[string]string{"rangeid": fmt.Sprint(i + 1), "range": ranges[i].name, "amount": money.FormatMinor(v)})
		}
	}
	return rows
}

var (
	statusStep  = regexp.MustCompile(`(?i)loan status (?:has changed to|will be|is) "([^"]+)"`)
	amountStep  = regexp.MustCompile(`Loan has ([0-9.]+) (outstanding|overpaid) amount`)
	rangeStep   = regexp.MustCompile(`delinquency range is: "([A-Z_0-9]+)"`)
	statusNames = map[loan.Status]string{
		loan.Active: "Active", loan.Overdue: "Active", loan.Settled: "Closed (obligations met)", loan.WrittenOffOut: "Closed (written off)",
	}
)

// standing compares the state the source names.
func (l *life) standing(text string) (want, got string, err error) {
	if m := statusStep.FindStringSubmatch(text); m != nil {
		return m[1], l.status(), nil
	}
	if m := amountStep.FindStringSubmatch(text); m != nil {
		var v int64
		if m[2] == "overpaid" {
			v = l.state.Totals.CreditHeldMinor
		} else {
			paid := paidOf(&l.state)
			for i, r := range l.state.Rows {
				v += r.PrincipalMinor + r.InterestMinor - paid[i]
			}
		}
		return plain(m[1]), money.FormatMinor(v), nil
	}
	if m := rangeStep.FindStringSubmatch(text); m != nil {
		name := "NO_DELINQUENCY"
		if rows := l.delinquency(); len(rows) > 0 {
			name = rows[len(rows)-1]["range"]
		}
		return m[1], name, nil
	}
	return "", "", errNotImplemented
}

func (l *life) status() string {
	switch {
	case len(l.events) == 0 && l.approved:
		return "Approved"
	case len(l.events) == 0:
		return "Submitted and pending approval"
	case l.state.Totals.CreditHeldMinor > 0:
		return "Overpaid"
	default:
		return statusNames[l.state.Status]
	}
}
