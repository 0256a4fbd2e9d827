package schedule

import (
	"time"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/daycount"
)

// DueDates lists the due dates before and after they are moved off rest days.
// They are counted from the start (or the first due date), never one from the
// other, so that a 31st comes back after February.
func (t Terms) DueDates() []calendar.Date {
	if len(t.Dates) > 0 {
		return t.Dates
	}
	dates := make([]calendar.Date, t.Count)
	for i := range dates {
		dates[i] = calendar.China().Adjust(t.due(i), t.DueRule)
	}
	return dates
}

func (t Terms) due(i int) calendar.Date {
	from, n := t.Start, i+1
	if !t.FirstDue.IsZero() {
		from, n = t.FirstDue, i
	}
	switch t.Unit {
	case Day:
		return from.AddDays(n * t.Every)
	case Week:
		return from.AddDays(7 * n * t.Every)
	case Year:
		return from.AddMonths(12*n*t.Every, t.MonthEnd)
	case Quarter20:
		return quarter20(from, n*t.Every)
	case Month, Whole:
		return from.AddMonths(n*t.Every, t.MonthEnd)
	default:
		return from.AddMonths(n*t.Every, t.MonthEnd)
	}
}

// quarter20 is the n-th 20th of March, June, September or December after a date.
func quarter20(from calendar.Date, n int) calendar.Date {
	if n == 0 {
		return from
	}
	year, month, _ := from.Civil()
	first := calendar.Of(year, time.Month((int(month)-1)/3*3+3), 20)
	if !first.After(from) {
		first = first.AddMonths(3, calendar.Clamp)
	}
	return first.AddMonths(3*(n-1), calendar.Clamp)
}

// period is one interest period.
type period struct {
	began    calendar.Date // before from when the period is under way
	from, to calendar.Date // interest runs over [from, to)
	due      calendar.Date
	parts    []part
}

// part is a stretch of a period in which balance and rate do not change by
// themselves: tranches arrive at its start.
type part struct {
	in       int64 // money paid out at its start, less its down payment
	rate     int64 // yearly, 1e-8
	num, den int64 // fraction of a year
}

// periods cuts the term at due dates, tranches and rate changes.
func (t Terms) periods() ([]period, error) {
	dates := t.DueDates()
	if t.InAdvance {
		dates = t.inAdvance(dates)
	}
	out := make([]period, 0, len(dates))
	one := make([]part, len(dates)) // most periods have one part
	from := t.Start
	for i, due := range dates {
		out = append(out, period{began: from, from: from, to: due, due: due, parts: one[i : i : i+1]})
		from = due
	}
	if !t.Opening.From.IsZero() {
		out[0].began = t.Opening.From
	}
	next := 0
	for i := range out {
		next = t.cut(&out[i], next)
	}
	if next < len(t.Tranches) {
		return nil, refuse("tranches", "须在最后到期日之前放款", "must be paid out before the last due date")
	}
	return out, nil
}

// inAdvance moves every instalment to the start of its period: the first falls
// due with the money, the last period remains only to carry a residual.
func (t Terms) inAdvance(dates []calendar.Date) []calendar.Date {
	dates = append([]calendar.Date{t.Start}, dates...)
	if t.BalloonMinor == 0 {
		dates = dates[:t.Count]
	}
	return dates
}

// cut fills a period's parts, taking tranches from next on; it returns the next
// tranche. Money paid out on a due date belongs to the period that begins.
func (t Terms) cut(p *period, next int) int {
	at := p.from
	for at.Before(p.to) || len(p.parts) == 0 {
		x := part{rate: t.rateOn(at)}
		for next < len(t.Tranches) && !t.Tranches[next].Date.After(at) {
			x.in += t.Tranches[next].AmountMinor - t.down(t.Tranches[next])
			next++
		}
		end := p.to
		if next < len(t.Tranches) && t.Tranches[next].Date.Before(end) {
			end = t.Tranches[next].Date
		}
		if c := t.nextChange(at); !c.IsZero() && c.Before(end) {
			end = c
		}
		x.num, x.den = t.fraction(*p, at, end)
		p.parts = append(p.parts, x)
		if !at.Before(end) {
			break
		}
		at = end
	}
	return next
}

func (t Terms) rateOn(d calendar.Date) int64 {
	r := t.Rate
	for _, c := range t.Changes {
		if !c.From.After(d) {
			r = c.Rate
		}
	}
	return int64(r)
}

func (t Terms) nextChange(after calendar.Date) calendar.Date {
	var best calendar.Date
	for _, c := range t.Changes {
		if c.From.After(after) && (best.IsZero() || c.From.Before(best)) {
			best = c.From
		}
	}
	return best
}

// irregular is beyond what a moved rest day or the end of a month makes of a period.
const irregular = 12

// fraction is the part of a year of [from, to) inside a period.
func (t Terms) fraction(p period, from, to calendar.Date) (num, den int64) {
	if t.Accrual != ByPeriod || t.Unit == Day || t.Unit == Week {
		return t.Basis.Fraction(from, to)
	}
	return t.Share(p.began, p.to, from, to)
}

// Share is the fraction of a year of [from, to) inside a period [began, until)
// under ByPeriod: its share of the period's days. All shares of one period have
// one denominator. A period that is longer or shorter than the usual one by more
// than rest days can make it counts months and days of 30 (30E/360).
func (t Terms) Share(began, until, from, to calendar.Date) (num, den int64) {
	months := int64(t.Every)
	if t.Unit == Year {
		months *= 12
	}
	days := int64(until.Sub(began))
	if days <= 0 {
		return 0, 12
	}
	length, _ := daycount.Thirty360.Fraction(began, until)
	if d := length - 30*months; d > irregular || d < -irregular {
		return length * int64(to.Sub(from)), 360 * days
	}
	return months * int64(to.Sub(from)), 12 * days
}

// DaysPastDue counts from the oldest due date that is not paid, of which paid
// instalments are paid; nothing overdue is zero.
func DaysPastDue(due []calendar.Date, paid int, asOf calendar.Date) int {
	if paid >= len(due) || !due[paid].Before(asOf) {
		return 0
	}
	return asOf.Sub(due[paid])
}
