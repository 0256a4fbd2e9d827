package loan

import (
	"math"
	"slices"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/base/schedule"
	"github.com/capillary-finance/capillary/internal/base/tvm"
)

// Yearly is what a plan costs the borrower a year, from its flows alone: what reaches him and what he pays, with interest kept
// back in advance and with the deposit that is tied up (People's Bank of China, announcement 2021 no. 3).
type Yearly struct {
	Simple   rate.Rate `json:"yearly_simple" doc:"without compounding: the inner rate of a period times the periods of a year"`
	Compound rate.Rate `json:"yearly_compound" doc:"with compounding, by days over 365 (XIRR)"`
}

// YearlyCost discloses the cost of terms whose plan is rows. Plans without a rate (nothing is lent on balance) give tvm.ErrNoRate.
func YearlyCost(t Terms, rows []Instalment) (Yearly, error) {
	flows, err := t.flows(rows)
	if err != nil {
		return Yearly{}, err
	}
	compound, err := tvm.XIRR(flows)
	if err != nil {
		return Yearly{}, err
	}
	simple := 12 * math.Expm1(math.Log1p(compound)/12)
	if months := t.evenMonths(); months > 0 {
		even := make([]float64, 0, len(flows))
		for _, f := range flows {
			even = append(even, f.Amount)
		}
		if v, err := tvm.IRR(even); err == nil {
			simple = v * 12 / float64(months)
		}
	}
	return Yearly{Simple: toRate(simple), Compound: toRate(compound)}, nil
}

// evenMonths is the distance of the flows in months, zero where they are not evenly spaced.
func (t Terms) evenMonths() int {
	st := t.layout()
	if !st.FirstDue.IsZero() || st.DownPayment != 0 || len(t.Tranches) > 0 {
		return 0
	}
	switch st.Unit {
	case schedule.Month, schedule.Whole:
		return st.Every
	case schedule.Year:
		return 12 * st.Every
	case schedule.Day, schedule.Week, schedule.Quarter20:
	}
	return 0
}

// flows are the borrower's, one per date: the money less what is kept back and the deposit, the instalments, the deposit again.
func (t Terms) flows(rows []Instalment) ([]tvm.Flow, error) {
	withheld, err := t.Withheld()
	if err != nil {
		return nil, err
	}
	byDate := map[calendar.Date]int64{t.Start: t.PrincipalMinor - withheld - t.Deposit.AmountMinor}
	for _, x := range t.Tranches {
		byDate[t.Start] -= x.AmountMinor
		byDate[x.Date] += x.AmountMinor
	}
	for _, r := range rows {
		byDate[r.DueDate] -= r.TotalMinor
	}
	tied := t.Deposit.AmountMinor
	for i := len(rows) - 1; i >= 0 && tied > 0 && t.Deposit.Use == DepositLastRents; i-- {
		byDate[rows[i].DueDate] += take(&tied, rows[i].TotalMinor)
	}
	if len(rows) > 0 {
		byDate[rows[len(rows)-1].DueDate] += tied
	}
	dates := make([]calendar.Date, 0, len(byDate))
	for d := range byDate {
		dates = append(dates, d)
	}
	slices.SortFunc(dates, calendar.Date.Compare)
	out := make([]tvm.Flow, len(dates))
	for i, d := range dates {
		out[i] = tvm.Flow{Date: d, Amount: float64(byDate[d])}
	}
	return out, nil
}
