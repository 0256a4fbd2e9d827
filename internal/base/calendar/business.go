package calendar

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
	"time"
)

// The holiday arrangements of the State Council, one line per day that differs
// from the plain week, from NateScarlet/holiday-cn (MIT, see data/LICENSE-holiday-cn).
//
//go:embed data/holiday_cn.csv
var holidayCSV string

// Business is a business-day calendar: weekends rest, unless a dated exception
// says otherwise.
type Business struct {
	exceptions map[Date]exception
	first      Date
	last       Date
}

type exception struct {
	off  bool
	name string
}

// China returns the calendar of mainland China. Outside the years it has data
// for, only weekends rest; Known tells which dates are covered.
var China = sync.OnceValue(func() *Business {
	b, err := ParseBusiness(holidayCSV)
	if err != nil {
		panic(fmt.Sprintf("calendar: embedded holidays: %v", err))
	}
	return b
})

// ParseBusiness reads lines "date,off|work,name" after a header line.
func ParseBusiness(csv string) (*Business, error) {
	b := &Business{exceptions: map[Date]exception{}}
	for i, line := range strings.Split(strings.TrimSpace(csv), "\n") {
		if i == 0 {
			continue
		}
		parts := strings.SplitN(strings.TrimRight(line, "\r"), ",", 3)
		if len(parts) != 3 || (parts[1] != "off" && parts[1] != "work") {
			return nil, fmt.Errorf("calendar: holiday line %d: want date,off|work,name", i+1)
		}
		d, err := Parse(parts[0])
		if err != nil {
			return nil, fmt.Errorf("calendar: holiday line %d: %w", i+1, err)
		}
		if _, twice := b.exceptions[d]; twice {
			return nil, fmt.Errorf("calendar: holiday line %d: %s appears twice", i+1, d)
		}
		b.exceptions[d] = exception{off: parts[1] == "off", name: parts[2]}
		if b.first.IsZero() || d.Before(b.first) {
			b.first = d
		}
		if d.After(b.last) {
			b.last = d
		}
	}
	return b, nil
}

// IsBusinessDay reports whether banks settle on the date.
func (b *Business) IsBusinessDay(d Date) bool {
	if e, ok := b.exceptions[d]; ok {
		return !e.off
	}
	w := d.Weekday()
	return w != time.Saturday && w != time.Sunday
}

// Name returns the holiday the date belongs to, or "".
func (b *Business) Name(d Date) string { return b.exceptions[d].name }

// Known reports whether the holidays of the date's year are in the data.
func (b *Business) Known(d Date) bool {
	return !b.first.IsZero() && d.Year() >= b.first.Year() && d.Year() <= b.last.Year()
}

// Adjustment says where a due date on a rest day moves.
type Adjustment uint8

// Adjustments. ModifiedFollowing moves forward unless that leaves the month,
// and then moves back.
const (
	Unadjusted Adjustment = iota
	Following
	Preceding
	ModifiedFollowing
)

// adjustmentNames are the names in product terms, in the order of the constants.
var adjustmentNames = []string{"unadjusted", "following", "preceding", "modified_following"}

// String names the rule as it is written in product terms.
func (a Adjustment) String() string {
	if int(a) < len(adjustmentNames) {
		return adjustmentNames[a]
	}
	return fmt.Sprintf("adjustment(%d)", uint8(a))
}

// MarshalText writes the name, for JSON.
func (a Adjustment) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads the name.
func (a *Adjustment) UnmarshalText(b []byte) error {
	for i, name := range adjustmentNames {
		if name == string(b) {
			*a = Adjustment(i)
			return nil
		}
	}
	return fmt.Errorf("calendar: unknown adjustment %q", b)
}

// Adjust moves the date off a rest day.
func (b *Business) Adjust(d Date, rule Adjustment) Date {
	if rule == Unadjusted || b.IsBusinessDay(d) {
		return d
	}
	if rule == Preceding {
		return b.step(d, -1)
	}
	next := b.step(d, 1)
	if rule == ModifiedFollowing && next.Month() != d.Month() {
		return b.step(d, -1)
	}
	return next
}

// Next returns the first business day after d.
func (b *Business) Next(d Date) Date { return b.step(d, 1) }

// Previous returns the last business day before d.
func (b *Business) Previous(d Date) Date { return b.step(d, -1) }

func (b *Business) step(d Date, by int) Date {
	for d = d.AddDays(by); !b.IsBusinessDay(d); d = d.AddDays(by) {
	}
	return d
}

// Between counts the business days in [from, to).
func (b *Business) Between(from, to Date) int {
	n := 0
	for d := from; d.Before(to); d = d.AddDays(1) {
		if b.IsBusinessDay(d) {
			n++
		}
	}
	return n
}
