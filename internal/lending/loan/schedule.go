package loan

import (
	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/schedule"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Instalment is one line of a schedule before anything is paid.
type Instalment struct {
	No             int           `json:"no"`
	DueDate        calendar.Date `json:"due_date"`
	Days           int           `json:"days" doc:"calendar days of the interest period"`
	PrincipalMinor int64         `json:"principal_minor"`
	InterestMinor  int64         `json:"interest_minor"`
	TotalMinor     int64         `json:"total_minor"`
	BalanceMinor   int64         `json:"balance_minor" doc:"principal left after this instalment"`
}

// Schedule computes the instalments of terms. Interest of each period is
// principal x days x rate, rounded once; the last instalment clears the loan.
func Schedule(t Terms) ([]Instalment, error) {
	if err := t.Validate(); err != nil {
		return nil, err
	}
	return plan{terms: t, principal: t.PrincipalMinor, from: t.Start, dates: t.dueDates(), firstNo: 1}.instalments()
}

// plan is a schedule over the principal that has not fallen due yet. After a
// prepayment the same dates are planned again from the day it was paid.
type plan struct {
	terms     Terms
	principal int64
	from      calendar.Date
	dates     []calendar.Date
	firstNo   int
	// product are the principal-days the first period has gathered before from,
	// settled the part of its interest that is paid already.
	product int64
	settled int64
}

func (p plan) instalments() ([]Instalment, error) {
	if len(p.dates) == 0 || p.principal < 0 {
		return nil, fault.New(fault.ReasonInternal)
	}
	rows, err := schedule.Make(schedule.Terms{
		Tranches: []schedule.Tranche{{Date: p.from, AmountMinor: p.principal}}, Rate: p.terms.AnnualRate, Start: p.from, Dates: p.dates,
		Method: schedule.Method(p.terms.Method), Accrual: schedule.ByDays, Basis: p.terms.Basis, Rounding: p.terms.Rounding,
		Level: schedule.Nearest, Opening: schedule.Opening{Product: p.product, PaidMinor: p.settled},
	})
	if err != nil {
		return nil, err
	}
	out := make([]Instalment, len(rows))
	for i, r := range rows {
		out[i] = Instalment{
			No: p.firstNo + i, DueDate: r.DueDate, Days: r.Days, PrincipalMinor: r.PrincipalMinor, InterestMinor: r.InterestMinor,
			TotalMinor: r.DueMinor, BalanceMinor: r.BalanceMinor,
		}
	}
	return out, nil
}

// Cost sums a schedule.
type Cost struct {
	PrincipalMinor int64 `json:"principal_minor"`
	InterestMinor  int64 `json:"interest_minor"`
	TotalMinor     int64 `json:"total_minor"`
}

// TotalCost adds the instalments up.
func TotalCost(rows []Instalment) (Cost, error) {
	var c Cost
	for _, r := range rows {
		var err error
		if c.PrincipalMinor, err = money.AddMinor(c.PrincipalMinor, r.PrincipalMinor); err != nil {
			return c, err
		}
		if c.InterestMinor, err = money.AddMinor(c.InterestMinor, r.InterestMinor); err != nil {
			return c, err
		}
	}
	c.TotalMinor = c.PrincipalMinor + c.InterestMinor
	return c, nil
}
