package loan

import (
	"errors"
	"math"
	"slices"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/base/schedule"
	"github.com/capillary-finance/capillary/internal/base/tvm"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Calculation is a repayment plan on paper: no loan stands behind it.
type Calculation struct {
	Rows []schedule.Row `json:"rows"`
	Cost Cost           `json:"cost"`
	// The yearly rates follow from the flows alone, whatever the method claims:
	// People's Bank of China, announcement 2021 no. 3.
	YearlySimple   rate.Rate `json:"yearly_simple" doc:"what the flows cost a year without compounding: the inner rate of a period times the periods of a year"`
	YearlyCompound rate.Rate `json:"yearly_compound" doc:"what the flows cost a year with compounding, by days over 365 (XIRR)"`
}

// Calculate lays terms out and tells what they cost a year. A fee taken when
// the money is paid out counts as cost.
func Calculate(t schedule.Terms, feeMinor int64) (Calculation, error) {
	rows, err := schedule.Make(t)
	if err != nil {
		return Calculation{}, termFault(err)
	}
	out := Calculation{Rows: rows}
	out.Cost.PrincipalMinor, out.Cost.InterestMinor = schedule.Totals(rows)
	if out.Cost.TotalMinor, err = money.AddMinor(out.Cost.PrincipalMinor, out.Cost.InterestMinor); err != nil {
		return out, err
	}
	yearly, err := tvm.XIRR(flows(t, rows, feeMinor))
	if errors.Is(err, tvm.ErrNoRate) {
		return out, fault.Field("fee_minor", "费用不得吃掉全部放款", "must leave some of the money to the borrower")
	} else if err != nil {
		return out, err
	}
	out.YearlyCompound = toRate(yearly)
	out.YearlySimple = toRate(simple(t, rows, feeMinor, yearly))
	return out, nil
}

// simple is the inner rate of a period times the periods of a year, where the
// plan has equal periods of months; else twelve times the monthly rate that the
// dated flows amount to.
func simple(t schedule.Terms, rows []schedule.Row, feeMinor int64, yearly float64) float64 {
	months := t.Every
	if t.Unit == schedule.Year {
		months *= 12
	}
	regular := (t.Unit == schedule.Month || t.Unit == schedule.Year || t.Unit == schedule.Whole) && len(t.Tranches) == 1 && t.FirstDue.IsZero() && t.DownPayment == 0
	if regular {
		even := []float64{float64(t.Tranches[0].AmountMinor - feeMinor)}
		for i, r := range rows {
			if t.InAdvance && i == 0 {
				even[0] -= float64(r.DueMinor)
				continue
			}
			even = append(even, -float64(r.DueMinor))
		}
		if v, err := tvm.IRR(even); err == nil {
			return v * 12 / float64(months)
		}
	}
	return 12 * math.Expm1(math.Log1p(yearly)/12)
}

// flows are the borrower's: money in on the day of a tranche, money out on due dates.
func flows(t schedule.Terms, rows []schedule.Row, feeMinor int64) []tvm.Flow {
	byDate := map[calendar.Date]int64{t.Tranches[0].Date: -feeMinor}
	for _, x := range t.Tranches {
		byDate[x.Date] += x.AmountMinor
	}
	for _, r := range rows {
		byDate[r.DueDate] -= r.DueMinor
	}
	var dates []calendar.Date
	for _, x := range t.Tranches {
		dates = append(dates, x.Date)
	}
	for _, r := range rows {
		dates = append(dates, r.DueDate)
	}
	slices.SortFunc(dates, calendar.Date.Compare)
	var out []tvm.Flow
	for i, d := range dates {
		if i == 0 || dates[i-1] != d {
			out = append(out, tvm.Flow{Date: d, Amount: float64(byDate[d])})
		}
	}
	return out
}

func toRate(v float64) rate.Rate { return rate.Rate(math.Round(v*1e6) * (rate.Scale / 1e6)) }

// termFault turns refused terms into faults that name their fields.
func termFault(err error) error {
	var many interface{ Unwrap() []error }
	var one *schedule.TermError
	switch {
	case errors.As(err, &one) && !errors.As(err, &many):
		return fault.Field(one.Field, one.Zh, one.En)
	case errors.As(err, &many):
		var all []error
		for _, e := range many.Unwrap() {
			all = append(all, termFault(e))
		}
		return fault.Join(all...)
	default:
		return err
	}
}
