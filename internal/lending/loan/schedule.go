package loan

import (
	"sort"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
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
	switch p.terms.Method {
	case EqualInstalment:
		level, err := p.level()
		if err != nil {
			return nil, err
		}
		return p.walk(func(_ int, interest, _ int64) int64 { return level - interest })
	case EqualPrincipal:
		each := p.principal / int64(len(p.dates))
		return p.walk(func(int, int64, int64) int64 { return each })
	case InterestOnly, Bullet:
		return p.walk(func(int, int64, int64) int64 { return 0 })
	default:
		return nil, fault.Field("method", "未知的还款方式", "is not a known repayment method")
	}
}

// walk lays the instalments out; part says how much principal instalment i
// carries, given the interest owed in it and the balance before it.
func (p plan) walk(part func(i int, interest, balance int64) int64) ([]Instalment, error) {
	out := make([]Instalment, len(p.dates))
	balance, from := p.principal, p.from
	for i, due := range p.dates {
		product, settled := balance*p.terms.days(from, due), int64(0)
		if i == 0 {
			product, settled = product+p.product, p.settled
		}
		interest, err := p.terms.interest(product, p.terms.AnnualRate)
		if err != nil {
			return nil, err
		}
		principal := balance
		if i < len(p.dates)-1 {
			principal = min(max(part(i, interest-settled, balance), 0), balance)
		}
		balance -= principal
		out[i] = Instalment{
			No: p.firstNo + i, DueDate: due, Days: due.Sub(from), PrincipalMinor: principal, InterestMinor: interest,
			TotalMinor: principal + interest, BalanceMinor: balance,
		}
		from = due
	}
	return out, nil
}

// level finds the equal instalment under the true day counts, to the fen: the
// smallest payment that clears the loan at the last date, searched exactly
// instead of by the annuity formula, which assumes months of equal length.
func (p plan) level() (int64, error) {
	var failed error
	clears := func(payment int64) bool {
		balance, from := p.principal, p.from
		for i, due := range p.dates {
			product, settled := balance*p.terms.days(from, due), int64(0)
			if i == 0 {
				product, settled = product+p.product, p.settled
			}
			interest, err := p.terms.interest(product, p.terms.AnnualRate)
			if err != nil {
				failed = err
				return true
			}
			balance -= max(payment-(interest-settled), 0)
			if balance <= 0 {
				return true
			}
			from = due
		}
		return false
	}
	whole, err := p.terms.interest(p.product+p.principal*p.terms.days(p.from, p.dates[len(p.dates)-1]), p.terms.AnnualRate)
	if err != nil {
		return 0, err
	}
	low := p.principal / int64(len(p.dates))
	span := p.principal + whole - low
	payment := low + int64(sort.Search(int(span), func(i int) bool { return clears(low + int64(i)) }))
	if failed != nil {
		return 0, failed
	}
	return p.nearer(payment, payment-1), nil
}

// nearer picks the payment whose last instalment differs least from it, so that
// the rest the rounding leaves is as small as it can be; a payment that would
// close a tiny loan before its last date is never picked.
func (p plan) nearer(payment, below int64) int64 {
	if below <= 0 {
		return payment
	}
	gap := func(level int64) (int64, bool) {
		rows, err := p.walk(func(_ int, interest, _ int64) int64 { return level - interest })
		if err != nil {
			return 0, false
		}
		last := rows[len(rows)-1]
		d := last.TotalMinor - level
		return max(d, -d), len(rows) == 1 || last.PrincipalMinor > 0
	}
	high, highOK := gap(payment)
	low, lowOK := gap(below)
	if lowOK && (!highOK || low < high) {
		return below
	}
	return payment
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
