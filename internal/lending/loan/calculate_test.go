package loan_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/base/schedule"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

func paper(method schedule.Method) schedule.Terms {
	start := calendar.MustParse("2026-01-05")
	return schedule.Terms{
		Tranches: []schedule.Tranche{{Date: start, AmountMinor: 12_000_000}}, Rate: rate.FromBP(600), Start: start, Count: 12, Every: 1,
		Unit: schedule.Month, Method: method, Accrual: schedule.ByPeriod, Level: schedule.Nearest,
	}
}

// worth is what a plan's payments are worth on the day of the money at a yearly rate: the check by definition.
func worth(c loan.Calculation, start calendar.Date, yearly float64) float64 {
	sum := 0.0
	for _, r := range c.Rows {
		sum += float64(r.DueMinor) / math.Pow(1+yearly, float64(r.DueDate.Sub(start))/365)
	}
	return sum
}

// 等本等息 at "6%" costs nearly twice that: the borrower is told so.
func TestCalculatorTellsWhatTheMoneyCosts(t *testing.T) {
	t.Parallel()
	honest, err := loan.Calculate(paper(schedule.EqualInstalment), 0)
	require.NoError(t, err)
	require.Equal(t, rate.FromBP(600), honest.YearlySimple)
	flat, err := loan.Calculate(paper(schedule.Flat), 0)
	require.NoError(t, err)
	require.Equal(t, int64(720_000), flat.Cost.InterestMinor)
	require.InDelta(t, 0.109, float64(flat.YearlySimple)/rate.Scale, 1e-3)
	require.InDelta(t, 12_000_000, worth(flat, calendar.MustParse("2026-01-05"), float64(flat.YearlyCompound)/rate.Scale), 10)
	fee, err := loan.Calculate(paper(schedule.EqualInstalment), 240_000)
	require.NoError(t, err)
	require.Greater(t, fee.YearlySimple, honest.YearlySimple+rate.FromBP(300), "two per cent kept back at the start of one year costs nearly four a year")
	require.InDelta(t, 12_000_000-240_000, worth(fee, calendar.MustParse("2026-01-05"), float64(fee.YearlyCompound)/rate.Scale), 10)
}

func TestCalculatorNamesWhatIsWrong(t *testing.T) {
	t.Parallel()
	terms := paper(schedule.EqualInstalment)
	terms.Count, terms.GracePrincipal = 0, -1
	_, err := loan.Calculate(terms, 0)
	fields := map[string]bool{}
	for _, f := range fault.All(err) {
		fields[f.Field] = true
	}
	require.True(t, fields["count"] && fields["grace_principal"], "%v", fields)
	_, err = loan.Calculate(paper(schedule.EqualInstalment), 12_000_000_00)
	require.Error(t, err, "a fee above the money")
}
