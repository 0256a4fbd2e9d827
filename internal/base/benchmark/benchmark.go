// Package benchmark holds the rules of a published reference rate such as the
// loan prime rate (LPR): which publication is in force on a date, on which day a
// publication is due, and on which days a floating loan takes the rate anew. It
// is pure: the table itself is kept by credit/pricing.
package benchmark

import (
	"errors"
	"fmt"
	"slices"
	"sort"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/rate"
)

// Tenor names one of the published rates.
type Tenor string

// The two tenors of the LPR.
const (
	LPR1Y Tenor = "lpr_1y" // one year
	LPR5Y Tenor = "lpr_5y" // over five years
)

// longMonths is the tenor above which the five-year rate is the reference.
const longMonths = 60

// TenorFor is the usual reference of a loan's length: up to five years the
// one-year rate, above them the five-year rate. A contract may name the other.
func TenorFor(months int) Tenor {
	if months > longMonths {
		return LPR5Y
	}
	return LPR1Y
}

// Errors of a table.
var (
	ErrUnknown = errors.New("benchmark: no rate is known for this date")
	ErrTable   = errors.New("benchmark: not a table of publications")
)

// rateMax bounds what can be a reference rate at all; a larger number is a
// percentage typed as a fraction.
const rateMax = rate.Scale / 4

// Publication is one announcement. It holds from its own date until the next.
type Publication struct {
	On      calendar.Date `json:"published_on"`
	OneYear rate.Rate     `json:"lpr_1y"`
	// FiveYears is the rate of loans over five years.
	FiveYears rate.Rate `json:"lpr_5y"`
}

// Of is the rate of a tenor; false when the tenor is none of the LPR's.
func (p Publication) Of(tenor Tenor) (rate.Rate, bool) {
	switch tenor {
	case LPR1Y:
		return p.OneYear, true
	case LPR5Y:
		return p.FiveYears, true
	default:
		return 0, false
	}
}

// Table is the history of publications, oldest first. Make it with NewTable.
type Table []Publication

// NewTable sorts publications and refuses two of one day and rates that cannot be.
func NewTable(publications []Publication) (Table, error) {
	t := Table(slices.Clone(publications))
	sort.Slice(t, func(i, j int) bool { return t[i].On.Before(t[j].On) })
	for i, p := range t {
		switch {
		case p.On.IsZero():
			return nil, fmt.Errorf("%w: a publication has no date", ErrTable)
		case p.OneYear <= 0 || p.OneYear > rateMax || p.FiveYears <= 0 || p.FiveYears > rateMax:
			return nil, fmt.Errorf("%w: %s: a rate must lie above 0 and at most 25%%", ErrTable, p.On)
		case i > 0 && t[i-1].On == p.On:
			return nil, fmt.Errorf("%w: %s stands there twice", ErrTable, p.On)
		}
	}
	return t, nil
}

// InForce is the publication that holds on a date: the newest not after it.
func (t Table) InForce(day calendar.Date) (Publication, bool) {
	i := sort.Search(len(t), func(i int) bool { return t[i].On.After(day) }) - 1
	if i < 0 {
		return Publication{}, false
	}
	return t[i], true
}

// RateAt is the rate of a tenor in force on a date. On the day of a publication
// it is the new rate; a contract that takes "the rate of the day before" asks
// for that day. It fails with ErrUnknown before the first publication and for
// an unknown tenor.
func RateAt(table Table, tenor Tenor, day calendar.Date) (rate.Rate, error) {
	p, ok := table.InForce(day)
	if !ok {
		return 0, fmt.Errorf("%w: %s on %s", ErrUnknown, tenor, day)
	}
	r, ok := p.Of(tenor)
	if !ok {
		return 0, fmt.Errorf("%w: %q", ErrUnknown, tenor)
	}
	return r, nil
}

// publicationDay is the day of the month on which the LPR is announced.
const publicationDay = 20

// PublishedIn is the day of a month's publication: the 20th, or the next
// working day when the 20th is none.
func PublishedIn(month calendar.Date) calendar.Date {
	return calendar.China().Adjust(calendar.Of(month.Year(), month.Month(), publicationDay), calendar.Following)
}

// Missing lists the publication days up to a date for which the table has no
// row: gaps between its first row and that date. A table of change points has
// gaps by nature; one that is kept month by month has none.
func Missing(t Table, until calendar.Date) []calendar.Date {
	if len(t) == 0 {
		return nil
	}
	var out []calendar.Date
	have := make(map[calendar.Date]bool, len(t))
	for _, p := range t {
		have[calendar.Of(p.On.Year(), p.On.Month(), 1)] = true
	}
	first := calendar.Of(t[0].On.Year(), t[0].On.Month(), 1)
	for n := 0; ; n++ {
		month := first.AddMonths(n, calendar.Clamp)
		day := PublishedIn(month)
		if day.After(until) {
			return out
		}
		if !have[month] {
			out = append(out, day)
		}
	}
}
