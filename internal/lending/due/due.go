// Package due is the repayment calendar: what falls due on which day, week and
// month, by branch and product, how much of it has come and what is overdue, down
// to the loans. It keeps a projection of all instalments that follows the events
// of loans.
package due

import (
	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Unit is how the calendar cuts time.
type Unit string

// Units. Weeks begin on Monday.
const (
	Day   Unit = "day"
	Week  Unit = "week"
	Month Unit = "month"
)

// Start is the first day of the unit that a day lies in.
func (u Unit) Start(d calendar.Date) calendar.Date {
	switch u {
	case Week:
		return d.AddDays(-(int(d.Weekday()) + 6) % 7)
	case Month:
		return calendar.Of(d.Year(), d.Month(), 1)
	default:
		return d
	}
}

// End is its last day.
func (u Unit) End(d calendar.Date) calendar.Date {
	switch u {
	case Week:
		return u.Start(d).AddDays(6)
	case Month:
		return u.Start(d).AddMonths(1, calendar.Clamp).AddDays(-1)
	default:
		return d
	}
}

// Sums are what instalments add up to.
type Sums struct {
	Instalments   int64 `json:"instalments"`
	ExpectedMinor int64 `json:"expected_minor" doc:"principal and interest of the instalments"`
	ReceivedMinor int64 `json:"received_minor"`
	OverdueMinor  int64 `json:"overdue_minor" doc:"not received, and due before the business date"`
}

func (s *Sums) add(o Sums) {
	s.Instalments += o.Instalments
	s.ExpectedMinor += o.ExpectedMinor
	s.ReceivedMinor += o.ReceivedMinor
	s.OverdueMinor += o.OverdueMinor
}

// Cell is one day, week or month of the calendar.
type Cell struct {
	From       calendar.Date `json:"from"`
	Until      calendar.Date `json:"until"`
	RestDay    bool          `json:"rest_day" doc:"a single day on which banks do not settle"`
	Currencies []Amount      `json:"currencies" nullable:"false"`
}

// Amount is the sums in one currency: amounts of two are never added.
type Amount struct {
	Currency string `json:"currency"`
	Sums
}

// Group is a branch or a product with its sums over the whole period.
type Group struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Currency string `json:"currency"`
	Sums
}

// daily is what the store gives: one day in one currency.
type daily struct {
	on       calendar.Date
	currency string
	sums     Sums
}

// cells lays days into units; units without anything due are there too, so that
// a calendar has no holes.
func cells(unit Unit, from, until calendar.Date, days []daily) []Cell {
	var out []Cell
	at := map[calendar.Date]int{}
	for d := from; !d.After(until); d = unit.End(d).AddDays(1) {
		c := Cell{From: d, Until: unit.End(d), Currencies: []Amount{}}
		if c.Until.After(until) {
			c.Until = until
		}
		c.RestDay = unit == Day && !calendar.China().IsBusinessDay(d)
		at[unit.Start(d)] = len(out)
		out = append(out, c)
	}
	for _, d := range days {
		i, ok := at[unit.Start(d.on)]
		if !ok {
			continue
		}
		c := &out[i]
		found := false
		for k := range c.Currencies {
			if c.Currencies[k].Currency == d.currency {
				c.Currencies[k].add(d.sums)
				found = true
			}
		}
		if !found {
			c.Currencies = append(c.Currencies, Amount{d.currency, d.sums})
		}
	}
	return out
}

// totals sums over the whole period.
func totals(days []daily) []Amount {
	out := []Amount{}
	for _, d := range days {
		found := false
		for k := range out {
			if out[k].Currency == d.currency {
				out[k].add(d.sums)
				found = true
			}
		}
		if !found {
			out = append(out, Amount{d.currency, d.sums})
		}
	}
	return out
}

// spanMax is the longest period by unit, in days.
var spanMax = map[Unit]int{Day: 124, Week: 740, Month: 3700}

func checkSpan(unit Unit, from, until calendar.Date) error {
	most, known := spanMax[unit]
	switch {
	case !known:
		return fault.Field("unit", "须为 day、week 或 month", "must be day, week or month")
	case until.Before(from):
		return fault.Field("until", "不得早于起始日期", "must not be before the first date")
	case until.Sub(from) > most:
		return fault.Field("until", "期间过长：按日至多124天，按周两年，按月十年", "the period is too long: by day at most 124 days, by week two years, by month ten years")
	}
	return nil
}

// Item is one instalment of a loan.
type Item struct {
	LoanID         string        `json:"loan_id"`
	No             int           `json:"no"`
	DueDate        calendar.Date `json:"due_date"`
	PrincipalMinor int64         `json:"principal_minor"`
	InterestMinor  int64         `json:"interest_minor"`
	TotalMinor     int64         `json:"total_minor"`
	PaidMinor      int64         `json:"paid_minor"`
	ClearedOn      calendar.Date `json:"cleared_on,omitzero"`
	Billed         bool          `json:"billed" doc:"it has fallen due; until then it is a plan"`
	Overdue        bool          `json:"overdue"`
	Currency       string        `json:"currency"`
	FirmID         string        `json:"firm_id"`
	FirmName       string        `json:"firm_name"`
	Reference      string        `json:"reference" doc:"of the loan"`
	ProductID      string        `json:"product_id"`
	BranchID       string        `json:"branch_id"`
}
