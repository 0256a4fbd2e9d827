package benchmark

import (
	"fmt"

	"github.com/capillary-finance/capillary/internal/base/calendar"
)

// Rule says on which days a floating loan takes the benchmark anew (重定价日).
type Rule string

// The rules of contracts. Anniversary, Quarterly and Monthly count from the
// loan's own first day (对年对日, 每满三个月, 每满一个月); January1, QuarterStart
// and MonthStart are days of the calendar, the same for every loan.
const (
	Fixed        Rule = "fixed"         // 固定利率
	Anniversary  Rule = "anniversary"   // 按年，对年对日
	January1     Rule = "january_1"     // 按年，每年1月1日
	Quarterly    Rule = "quarterly"     // 按季，对月对日
	Monthly      Rule = "monthly"       // 按月，对月对日
	QuarterStart Rule = "quarter_start" // 按季，季度首日
	MonthStart   Rule = "month_start"   // 按月，每月1日
)

// Rules lists every rule, for a form.
func Rules() []Rule {
	return []Rule{Fixed, Anniversary, January1, Quarterly, Monthly, QuarterStart, MonthStart}
}

// Name is the rule as a contract words it.
func (r Rule) Name() (zh, en string) {
	switch r {
	case Fixed:
		return "固定利率", "fixed"
	case Anniversary:
		return "每年对年对日调整", "every year on the contract's anniversary"
	case January1:
		return "每年1月1日调整", "every year on 1 January"
	case Quarterly:
		return "每满三个月对日调整", "every three months from the start"
	case Monthly:
		return "每满一个月对日调整", "every month from the start"
	case QuarterStart:
		return "每季度首日调整", "on the first day of every calendar quarter"
	case MonthStart:
		return "每月1日调整", "on the first day of every month"
	default:
		return string(r), string(r)
	}
}

// Check refuses an unknown rule.
func (r Rule) Check() error {
	if r.months() < 0 {
		return fmt.Errorf("benchmark: unknown reset rule %q", string(r))
	}
	return nil
}

// months between resets; 0 for none, -1 for an unknown rule.
func (r Rule) months() int {
	switch r {
	case Fixed:
		return 0
	case Anniversary, January1:
		return 12
	case Quarterly, QuarterStart:
		return 3
	case Monthly, MonthStart:
		return 1
	default:
		return -1
	}
}

// calendarDays reports whether the rule's days are the same for every loan.
func (r Rule) calendarDays() bool { return r == January1 || r == QuarterStart || r == MonthStart }

// anchor is the day from which the series is counted.
func (r Rule) anchor(start calendar.Date) calendar.Date {
	if !r.calendarDays() {
		return start
	}
	month := start.Month()
	switch r {
	case January1:
		month = 1
	case QuarterStart:
		month -= (month - 1) % 3
	}
	return calendar.Of(start.Year(), month, 1)
}

// ResetsBetween lists the days in [from, to) on which a loan that started on
// start takes the benchmark anew, in order. The first day itself is none: its
// rate is the contract's. A day that a month does not have becomes the month's
// last (29 February, the 31st), counted always from the start, so that the 31st
// comes back. Rest days do not move a reset. An unknown rule resets never;
// Check refuses it earlier.
func ResetsBetween(rule Rule, start, from, to calendar.Date) []calendar.Date {
	step := rule.months()
	if step <= 0 || !from.Before(to) || !start.Before(to) {
		return nil
	}
	anchor := rule.anchor(start)
	n := max(1, (monthsApart(anchor, from)/step)-1)
	var out []calendar.Date
	for ; ; n++ {
		day := anchor.AddMonths(n*step, calendar.Clamp)
		if !day.Before(to) {
			return out
		}
		if !day.Before(from) && day.After(start) {
			out = append(out, day)
		}
	}
}

// NextReset is the first reset after a day; false for a fixed rate.
func NextReset(rule Rule, start, after calendar.Date) (calendar.Date, bool) {
	from := after.AddDays(1)
	if from.Before(start) {
		from = start
	}
	days := ResetsBetween(rule, start, from, from.AddMonths(max(1, rule.months())+1, calendar.Roll))
	if len(days) == 0 {
		return calendar.Date{}, false
	}
	return days[0], true
}

func monthsApart(a, b calendar.Date) int {
	return (b.Year()-a.Year())*12 + int(b.Month()) - int(a.Month())
}
