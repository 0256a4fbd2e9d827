package selftest

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/daycount"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/schedule"
)

// partial compares plans whose sources print whole units, some rows and totals.
// fine keeps interest unrounded where the source does: a unit is 1e-6.
func (v vector) partial() (Outcome, error) {
	var in struct {
		planInputs
		EMIRounding      string `json:"emi_rounding"`
		InterestRounding string `json:"interest_rounding"`
		RoundingUnit     string `json:"rounding_unit"`
	}
	if err := json.Unmarshal(v.Inputs, &in); err != nil {
		return Outcome{}, err
	}
	const fine = 6
	in.Start, in.Decimals, in.Rounding, in.Frequency, in.Type, in.DaysInYear, in.DaysInMonth = "2020-04-15", fine, "half_up", "MONTHS", "PROGRESSIVE", "360", "30"
	t, err := in.terms()
	if err != nil {
		return Outcome{}, err
	}
	unit := int64(1_000_000)
	t.Level, t.MultipleMinor, t.MultipleMode = schedule.Rounded, unit, money.HalfUp
	if strings.HasPrefix(in.EMIRounding, "CEIL") {
		t.MultipleMode = money.Ceiling
	}
	if in.InterestRounding != "" {
		t.InterestUnitMinor = unit
	}
	principalFirst := in.RoundingUnit != "" // the plan is exact, principal is rounded, interest is the rest of the payment
	if principalFirst {
		t.MultipleMinor = 0
	}
	rows, err := schedule.Make(t)
	if err != nil {
		return Outcome{}, err
	}
	for i := range rows {
		if r := &rows[i]; principalFirst {
			r.PrincipalMinor, r.DueMinor = whole(r.PrincipalMinor, unit), whole(r.DueMinor, unit)
			r.InterestMinor = r.DueMinor - r.PrincipalMinor
		}
	}
	return v.compareRows(rows, unit)
}

func (v vector) compareRows(rows []schedule.Row, unit int64) (Outcome, error) {
	show := func(n int64) string { return strconv.FormatInt(whole(n, unit)/unit, 10) }
	principal, interest := schedule.Totals(rows)
	computed := map[string]string{"emi": show(rows[0].DueMinor), "total_interest_rounded": show(interest), "total_payment_rounded": show(principal + interest)}
	var want map[string]json.RawMessage
	if err := json.Unmarshal(v.Expected, &want); err != nil {
		return Outcome{}, err
	}
	var w, g strings.Builder
	for _, name := range []string{"emi", "total_interest_rounded", "total_payment_rounded"} {
		if text, ok := want[name]; ok {
			fmt.Fprintf(&w, "%s %s;", name, strings.Trim(string(text), `"`))
			fmt.Fprintf(&g, "%s %s;", name, computed[name])
		}
	}
	for _, name := range []string{"rows", "rows_rounded"} {
		var some []map[string]any
		if text, ok := want[name]; !ok {
			continue
		} else if err := json.Unmarshal(text, &some); err != nil {
			return Outcome{}, err
		}
		for _, r := range some {
			nr, ok := r["nr"].(float64)
			if !ok || int(nr) < 1 || int(nr) > len(rows) {
				return Outcome{}, fmt.Errorf("row %v is not in the schedule", r["nr"])
			}
			x := rows[int(nr)-1]
			values := map[string]int64{"principal": x.PrincipalMinor, "interest": x.InterestMinor, "due": x.DueMinor, "balance_after": x.BalanceMinor}
			for _, field := range []string{"principal", "interest", "due", "balance_after"} {
				if text, ok := r[field]; ok {
					fmt.Fprintf(&w, "%d %s %v;", int(nr), field, text)
					fmt.Fprintf(&g, "%d %s %s;", int(nr), field, show(values[field]))
				}
			}
		}
	}
	return exactly(v.ID, v.Kind, w.String(), g.String()), nil
}

func whole(n, unit int64) int64 {
	units, _ := money.MulDiv(n, 1, unit, money.HalfUp) //nolint:errcheck // division by a constant
	return units * unit
}

// dueDates compares the first, the second and the last due date of each rule.
func (v vector) dueDates() (Outcome, error) {
	var in struct {
		Start calendar.Date `json:"repayment_start_date"`
		N     int           `json:"n"`
	}
	var want map[string][]string
	if err := json.Unmarshal(v.Inputs, &in); err != nil {
		return Outcome{}, err
	}
	if err := json.Unmarshal(v.Expected, &want); err != nil {
		return Outcome{}, err
	}
	all := Outcome{ID: v.ID, Kind: v.Kind, Pass: true}
	for rule, dates := range want {
		first := in.Start
		t := schedule.Terms{Start: in.Start, Count: in.N, Every: 1, Unit: schedule.Month}
		switch {
		case strings.HasSuffix(rule, "Start of the next month"):
			first = in.Start.MonthStart().AddMonths(1, calendar.Clamp)
		case strings.HasSuffix(rule, "End of the current month"):
			first, t.MonthEnd = in.Start.MonthStart().AddMonths(1, calendar.Clamp).AddDays(-1), calendar.Stick
		case strings.HasSuffix(rule, "repayment start date"):
		default:
			return Outcome{}, errNotImplemented
		}
		t.FirstDue = first
		due := t.DueDates()
		got := []string{due[0].String(), due[1].String(), due[len(due)-1].String()}
		all.Pass = all.Pass && fmt.Sprint(dates) == fmt.Sprint(got)
		all.Expected += fmt.Sprint(dates)
		all.Got += fmt.Sprint(got)
	}
	return all, nil
}

// overdue counts days past due from the oldest unpaid due date and names the
// range they fall in.
func (v vector) overdue() (Outcome, error) {
	var in struct {
		First  calendar.Date `json:"first_due"`
		N      int           `json:"n"`
		Ranges [][3]any      `json:"ranges"`
	}
	var want []struct {
		AsOf  calendar.Date `json:"as_of"`
		DPD   int           `json:"dpd"`
		Class string        `json:"class"`
	}
	if err := json.Unmarshal(v.Inputs, &in); err != nil {
		return Outcome{}, err
	}
	if err := json.Unmarshal(v.Expected, &want); err != nil {
		return Outcome{}, err
	}
	due := schedule.Terms{Start: in.First, FirstDue: in.First, Count: in.N, Every: 1, Unit: schedule.Month, MonthEnd: calendar.Stick, Basis: daycount.Act365}.DueDates()
	all := Outcome{ID: v.ID, Kind: v.Kind, Pass: true}
	for _, w := range want {
		dpd := schedule.DaysPastDue(due, 0, w.AsOf)
		class := ""
		for _, r := range in.Ranges {
			name, ok := r[0].(string)
			low, okLow := r[1].(float64)
			high, okHigh := r[2].(float64)
			if ok && okLow && okHigh && float64(dpd) >= low && float64(dpd) <= high {
				class = name
			}
		}
		all.Pass = all.Pass && dpd == w.DPD && class == w.Class
		all.Expected += fmt.Sprintf("%s %d %s; ", w.AsOf, w.DPD, w.Class)
		all.Got += fmt.Sprintf("%s %d %s; ", w.AsOf, dpd, class)
	}
	return all, nil
}
