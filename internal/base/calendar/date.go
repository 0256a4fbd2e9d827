// Package calendar holds dates without a time of day, and the business-day
// calendar of mainland China. A date is what a contract, a schedule and an
// interest accrual speak of; instants stay time.Time.
package calendar

import (
	"database/sql/driver"
	"errors"
	"fmt"
	"time"
)

// ErrSyntax says that a text is not a YYYY-MM-DD date.
var ErrSyntax = errors.New("calendar: not a date such as 2026-01-31")

// Date is a day of the proleptic Gregorian calendar. It is a small comparable
// value; the zero value is the empty date, which prints as "" and is before
// every other date.
type Date struct {
	// Days since 0000-12-31, so that the zero value is no date and sorts first.
	n int32
}

// epoch is the inner number of 1970-01-01.
const epoch = 719_163

const (
	firstYear = 1
	lastYear  = 9999
)

// Of makes a date; days and months beyond their range roll over as time.Date
// does, so Of(2026, 2, 30) is 2 March 2026.
func Of(year int, month time.Month, day int) Date {
	return fromUnixDays(daysFromCivil(time.Date(year, month, day, 0, 0, 0, 0, time.UTC)))
}

func daysFromCivil(t time.Time) int64 {
	seconds := t.Unix()
	days := seconds / 86400
	if seconds%86400 < 0 {
		days--
	}
	return days
}

func fromUnixDays(days int64) Date { return Date{n: int32(days + epoch)} }

// FromTime returns the date that the wall clock of loc shows at t.
func FromTime(t time.Time, loc *time.Location) Date {
	y, m, d := t.In(loc).Date()
	return Of(y, m, d)
}

// FromDays makes the date that is the given number of days after 1970-01-01.
func FromDays(days int32) Date { return Date{n: days + epoch} }

// Parse reads YYYY-MM-DD strictly; 2026-02-30 is an error.
func Parse(s string) (Date, error) {
	if len(s) != 10 || s[4] != '-' || s[7] != '-' {
		return Date{}, fmt.Errorf("%w: %q", ErrSyntax, s)
	}
	year, ok1 := digits(s[0:4])
	month, ok2 := digits(s[5:7])
	day, ok3 := digits(s[8:10])
	if !ok1 || !ok2 || !ok3 || year < firstYear || month < 1 || month > 12 ||
		day < 1 || day > DaysInMonth(year, time.Month(month)) {
		return Date{}, fmt.Errorf("%w: %q", ErrSyntax, s)
	}
	return Of(year, time.Month(month), day), nil
}

// MustParse is Parse for constants of code and tests; it panics on bad text.
func MustParse(s string) Date {
	d, err := Parse(s)
	if err != nil {
		panic(err)
	}
	return d
}

func digits(s string) (int, bool) {
	n := 0
	for i := range len(s) {
		c := s[i] - '0'
		if c > 9 {
			return 0, false
		}
		n = n*10 + int(c)
	}
	return n, true
}

// DaysInMonth returns 28 to 31.
func DaysInMonth(year int, month time.Month) int {
	switch month {
	case time.April, time.June, time.September, time.November:
		return 30
	case time.February:
		if IsLeap(year) {
			return 29
		}
		return 28
	default:
		return 31
	}
}

// IsLeap reports whether the year has a 29 February.
func IsLeap(year int) bool { return year%4 == 0 && (year%100 != 0 || year%400 == 0) }

// IsZero reports whether this is the empty date.
func (d Date) IsZero() bool { return d.n == 0 }

// Days returns the days since 1970-01-01.
func (d Date) Days() int32 { return d.n - epoch }

// Time returns midnight UTC of the date.
func (d Date) Time() time.Time { return time.Unix(int64(d.Days())*86400, 0).UTC() }

// In returns midnight of the date on the wall clock of loc.
func (d Date) In(loc *time.Location) time.Time {
	y, m, day := d.Civil()
	return time.Date(y, m, day, 0, 0, 0, 0, loc)
}

// Civil returns year, month and day.
func (d Date) Civil() (int, time.Month, int) { return d.Time().Date() }

// Year returns the year.
func (d Date) Year() int { return d.Time().Year() }

// Month returns the month.
func (d Date) Month() time.Month { return d.Time().Month() }

// Day returns the day of the month.
func (d Date) Day() int { return d.Time().Day() }

// Weekday returns the day of the week.
func (d Date) Weekday() time.Weekday { return d.Time().Weekday() }

// AddDays returns the date n days later.
func (d Date) AddDays(n int) Date { return Date{n: d.n + int32(n)} }

// Sub returns the days from o to d.
func (d Date) Sub(o Date) int { return int(d.n) - int(o.n) }

// Compare returns -1, 0 or 1.
func (d Date) Compare(o Date) int {
	switch {
	case d.n < o.n:
		return -1
	case d.n > o.n:
		return 1
	default:
		return 0
	}
}

// Before reports whether d is earlier than o.
func (d Date) Before(o Date) bool { return d.n < o.n }

// After reports whether d is later than o.
func (d Date) After(o Date) bool { return d.n > o.n }

// MonthEnd says what AddMonths does when the day does not exist in the target
// month, and with a date that is a month's last day.
type MonthEnd uint8

// Month-end rules. Clamp takes the last day when the day is missing (31 Jan + 1
// month is 28 Feb). Roll moves the missing days into the next month (3 Mar).
// Stick keeps a last day a last day (28 Feb + 1 month is 31 Mar). First takes the
// first day of the next month (31 Jan + 1 month is 1 Mar).
const (
	Clamp MonthEnd = iota
	Roll
	Stick
	First
)

// AddMonths returns the date n months later under the month-end rule. To build
// a series, add 1..n months to the first date, never month by month: with Clamp
// a 31 January would otherwise stay a 28th forever.
func (d Date) AddMonths(n int, rule MonthEnd) Date {
	year, month, day := d.Civil()
	total := year*12 + int(month) - 1 + n
	year, month = floorDiv(total, 12), time.Month(total-floorDiv(total, 12)*12+1)
	last := DaysInMonth(year, month)
	switch {
	case rule == Stick && d.IsMonthEnd():
		day = last
	case day > last && rule == First:
		day = last + 1
	case day > last && rule != Roll:
		day = last
	}
	return Of(year, month, day)
}

func floorDiv(a, b int) int {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// IsMonthEnd reports whether the date is the last day of its month.
func (d Date) IsMonthEnd() bool {
	y, m, day := d.Civil()
	return day == DaysInMonth(y, m)
}

// MonthStart returns the first day of the date's month.
func (d Date) MonthStart() Date {
	y, m, _ := d.Civil()
	return Of(y, m, 1)
}

// String writes YYYY-MM-DD, or "" for the empty date.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	y, m, day := d.Civil()
	var b [10]byte
	return string(appendDate(b[:0], y, int(m), day))
}

func appendDate(b []byte, y, m, d int) []byte {
	return append(b, byte('0'+y/1000%10), byte('0'+y/100%10), byte('0'+y/10%10), byte('0'+y%10), '-',
		byte('0'+m/10), byte('0'+m%10), '-', byte('0'+d/10), byte('0'+d%10))
}

// MarshalText writes what String writes.
func (d Date) MarshalText() ([]byte, error) {
	if y := d.Year(); !d.IsZero() && (y < firstYear || y > lastYear) {
		return nil, fmt.Errorf("%w: year %d", ErrSyntax, y)
	}
	return []byte(d.String()), nil
}

// UnmarshalText reads YYYY-MM-DD, or the empty date from "".
func (d *Date) UnmarshalText(b []byte) error {
	if len(b) == 0 {
		*d = Date{}
		return nil
	}
	v, err := Parse(string(b))
	if err != nil {
		return err
	}
	*d = v
	return nil
}

// Value stores the date as text; the empty date is null.
func (d Date) Value() (driver.Value, error) {
	if d.IsZero() {
		return nil, nil //nolint:nilnil // a null column is the stored form of no date
	}
	return d.String(), nil
}

// Scan reads a text column; null and "" are the empty date.
func (d *Date) Scan(src any) error {
	switch v := src.(type) {
	case nil:
		*d = Date{}
		return nil
	case string:
		return d.UnmarshalText([]byte(v))
	case []byte:
		return d.UnmarshalText(v)
	case time.Time:
		*d = FromTime(v, time.UTC)
		return nil
	default:
		return fmt.Errorf("%w: cannot read %T", ErrSyntax, src)
	}
}
