package loan

import (
	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/base/schedule"
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
	st := t.layout()
	if t.Method == Discount {
		st.Rate = 0 // its interest is withheld when the money leaves
	}
	rows, _, err := instalments(st, 1)
	if t.Method == SalesShare { // paid off before its latest maturity, as far as is expected
		for n := len(rows); n > 1 && rows[n-1].TotalMinor == 0; n-- {
			rows = rows[:n-1]
		}
	}
	return rows, err
}

// layout says the terms in the words of the schedule engine.
func (t Terms) layout() schedule.Terms {
	p := t.Plan
	st := schedule.Terms{
		Tranches: []schedule.Tranche{{Date: t.Start, AmountMinor: t.PrincipalMinor}}, Rate: t.AnnualRate, Start: t.Start,
		FirstDue: p.FirstDue, Count: p.Count, Every: max(p.Every, 1), Unit: p.Unit, MonthEnd: p.MonthEnd, DueRule: t.DueRule,
		Method: schedule.Method(t.Method), Accrual: p.Accrual, Basis: t.Basis, Weights: p.Weights, Principal: p.Principal,
		BalloonMinor: p.BalloonMinor, InAdvance: p.InAdvance, DownPayment: p.DownPayment, GracePrincipal: p.GracePrincipal,
		GraceInterest: p.GraceInterest, GraceRule: p.GraceRule, Rounding: t.Rounding, Level: p.Level, MultipleMinor: p.MultipleMinor, MultipleMode: p.MultipleMode,
	}
	for _, x := range t.Tranches { // the first one leaves on the start
		st.Tranches[0].AmountMinor -= x.AmountMinor
		st.Tranches = append(st.Tranches, x)
	}
	if st.Unit == "" {
		st.Unit = schedule.Month
	}
	if st.Accrual == "" {
		st.Accrual = schedule.ByDays
	}
	if st.Level == "" {
		st.Level = schedule.Nearest
	}
	if t.Method == Discount {
		st.Method = schedule.Bullet
	}
	if t.Method == Bullet || t.Method == Discount {
		if st.Count > 0 { // the term in its own unit
			st.Every, st.Count = st.Every*st.Count, 1
		} else {
			st.Count, st.Every = 1, t.TenorMonths
		}
		return st
	}
	if st.Count == 0 {
		switch st.Unit {
		case schedule.Year:
			st.Count = max(t.TenorMonths/(12*st.Every), 1)
		case schedule.Quarter20:
			st.Count = max(t.TenorMonths/(3*st.Every), 1)
		case schedule.Day, schedule.Week: // a tenor in months says nothing here; Validate asks for the count
		case schedule.Month, schedule.Whole:
			st.Count = max(t.TenorMonths/st.Every, 1)
		}
	}
	if t.Method == SalesShare {
		st.Method, st.Payments = schedule.Payments, t.Sales.payments(st.Count)
	}
	return st
}

// instalments lays a schedule out and numbers it from firstNo; it tells the level payment.
func instalments(st schedule.Terms, firstNo int) ([]Instalment, int64, error) {
	rows, level, err := schedule.Plan(st)
	if err != nil {
		return nil, 0, err
	}
	out := make([]Instalment, len(rows))
	for i, r := range rows {
		out[i] = Instalment{
			No: firstNo + i, DueDate: r.DueDate, Days: r.Days, PrincipalMinor: r.PrincipalMinor, InterestMinor: r.InterestMinor,
			TotalMinor: r.DueMinor, BalanceMinor: r.BalanceMinor,
		}
	}
	return out, level, nil
}

// Withheld is the interest a discounted loan keeps back when the money leaves:
// face x rate x days to maturity (ACT/360 and the like), rounded once.
func (t Terms) Withheld() (int64, error) {
	if t.Method != Discount {
		return 0, nil
	}
	num, den := t.Basis.Fraction(t.Start, t.Maturity())
	return rate.Interest(t.PrincipalMinor, t.AnnualRate, num, den, t.Rounding)
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
