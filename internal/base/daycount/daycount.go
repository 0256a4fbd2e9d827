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
const (
	Act360 Convention = iota
	Act365
	Thirty360
	ActActISDA
)

// String names the convention as in a contract.
func (c Convention) String() string {
	switch c {
	case Act360:
		return "ACT/360"
	case Act365:
		return "ACT/365"
	case Thirty360:
		return "30E/360"
	case ActActISDA:
		return "ACT/ACT ISDA"
	default:
		return fmt.Sprintf("daycount(%d)", uint8(c))
	}
}

// Parse reads the name that String writes.
func Parse(s string) (Convention, error) {
	for c := Act360; c <= ActActISDA; c++ {
		if c.String() == s {
			return c, nil
		}
	}
	return 0, fmt.Errorf("daycount: unknown convention %q", s)
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
	switch c {
	case Act365:
		return int64(to.Sub(from)), 365
	case Thirty360:
		return thirty(from, to), 360
	case ActActISDA:
		return actAct(from, to)
	case Act360:
		return int64(to.Sub(from)), 360
	default:
		return int64(to.Sub(from)), 360
	}
}

func thirty(from, to calendar.Date) int64 {
	y1, m1, d1 := from.Civil()
	y2, m2, d2 := to.Civil()
	return int64(360*(y2-y1) + 30*(int(m2)-int(m1)) + min(d2, 30) - min(d1, 30))
}

// actAct splits the days at 1 January: days in leap years over 366, the others
// over 365, on the common denominator 365*366.
func actAct(from, to calendar.Date) (num, den int64) {
	if to.Before(from) {
		num, den = actAct(to, from)
		return -num, den
	}
	for start := from; start.Before(to); {
		end := calendar.Of(start.Year()+1, time.January, 1)
		if to.Before(end) {
			end = to
		}
		days := int64(end.Sub(start))
		if calendar.IsLeap(start.Year()) {
			num += days * 365
		} else {
			num += days * 366
		}
		start = end
	}
	return num, 365 * 366
}
