// Package daycount turns two dates into the fraction of a year that interest
// is charged for. The first date counts and the last does not (算头不算尾).
package daycount

import (
	"fmt"
	"time"

	"github.com/capillary-finance/capillary/internal/base/calendar"
)

// Convention is a day-count convention.
type Convention uint8

// Conventions. Act360 is the default of CNY lending; Thirty360 is the whole
// month reading (annual rate / 12) with 30-day months, European end rule.
// ActActISDA splits a span at 1 January, ActActDecember at 31 December, and
// ActActAFB counts whole years back from the end (ISDA 2006 section 4.16(b),
// the servicing rule of Apache Fineract, and the FBF/AFB definition of 2004).
// Thirty360Bond is ISDA 2006 section 4.16(f) with the day of the end moved only
// where the start is a month's last day, ThirtyUS the rule of SIFMA with its
// treatment of the end of February.
const (
	Act360 Convention = iota
	Act365
	Thirty360
	ActActISDA
	Act364
	Thirty360Bond
	Thirty360US
	ActActDecember
	ActActAFB
	conventions
)

var names = [conventions]string{"ACT/360", "ACT/365", "30E/360", "ACT/ACT ISDA", "ACT/364", "30/360", "30/360 US", "ACT/ACT 31DEC", "ACT/ACT AFB"}

// String names the convention as in a contract.
func (c Convention) String() string {
	if c < conventions {
		return names[c]
	}
	return fmt.Sprintf("daycount(%d)", uint8(c))
}

// Parse reads the name that String writes.
func Parse(s string) (Convention, error) {
	for c := range conventions {
		if names[c] == s {
			return c, nil
		}
	}
	return 0, fmt.Errorf("daycount: unknown convention %q", s)
}

// Fixed reports whether every span has the same denominator, so that
// principal-days of several spans may be added before they are divided.
func (c Convention) Fixed() bool {
	return c != ActActISDA && c != ActActDecember && c != ActActAFB && c < conventions
}

// MarshalText writes the name, for JSON.
func (c Convention) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads the name.
func (c *Convention) UnmarshalText(b []byte) error {
	v, err := Parse(string(b))
	if err != nil {
		return err
	}
	*c = v
	return nil
}

// Fraction returns the year fraction of [from, to) as num/den, exact. A reversed
// pair gives the negative fraction.
func (c Convention) Fraction(from, to calendar.Date) (num, den int64) {
	if to.Before(from) {
		num, den = c.Fraction(to, from)
		return -num, den
	}
	switch c {
	case Act365:
		return int64(to.Sub(from)), 365
	case Act364:
		return int64(to.Sub(from)), 364
	case Thirty360, Thirty360Bond, Thirty360US:
		return c.thirty(from, to), 360
	case ActActISDA:
		return split(from, to, 1)
	case ActActDecember:
		return split(from, to, 0)
	case ActActAFB:
		return afb(from, to)
	case Act360, conventions:
		return int64(to.Sub(from)), 360
	default:
		return int64(to.Sub(from)), 360
	}
}

// thirty counts days in months of 30; the three rules differ in what a 31st and
// the end of February become.
func (c Convention) thirty(from, to calendar.Date) int64 {
	y1, m1, d1 := from.Civil()
	y2, m2, d2 := to.Civil()
	if c == Thirty360 {
		d2 = min(d2, 30)
	}
	if c == Thirty360US && m1 == time.February && from.IsMonthEnd() {
		if m2 == time.February && to.IsMonthEnd() {
			d2 = 30
		}
		d1 = 30
	}
	d1 = min(d1, 30)
	if d1 == 30 {
		d2 = min(d2, 30)
	}
	return int64(360*(y2-y1) + 30*(int(m2)-int(m1)) + d2 - d1)
}

// split divides the days where one year ends and the next begins (offset 1: at
// 1 January, 0: at 31 December): days in leap years over 366, the others over
// 365, on the common denominator.
func split(from, to calendar.Date, offset int) (num, den int64) {
	for start := from; start.Before(to); {
		year := start.AddDays(1 - offset).Year()
		end := calendar.Of(year, time.December, 31).AddDays(offset)
		if to.Before(end) {
			end = to
		}
		days := int64(end.Sub(start))
		if calendar.IsLeap(year) {
			num += days * 365
		} else {
			num += days * 366
		}
		start = end
	}
	return num, 365 * 366
}

// afb counts whole years back from the end; the days that remain are over 366
// when a 29 February lies among them, else over 365.
func afb(from, to calendar.Date) (num, den int64) {
	years, rest := int64(0), to
	for {
		back := to.AddMonths(-12*int(years+1), calendar.Clamp)
		if back.Month() == time.February && back.Day() == 28 && calendar.IsLeap(back.Year()) {
			back = back.AddDays(1)
		}
		if back.Before(from) {
			break
		}
		years, rest = years+1, back
	}
	den = 365
	for _, year := range []int{from.Year(), rest.Year()} {
		if leap := calendar.Of(year, time.February, 29); calendar.IsLeap(year) && rest.After(leap) && !from.After(leap) {
			den = 366
		}
	}
	return years*den + int64(rest.Sub(from)), den
}
