package pricing

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

func bp(n int64) rate.Rate { return rate.FromBP(n) }

func TestPriceIsTheSumOfItsCosts(t *testing.T) {
	t.Parallel()
	cost := Cost{
		Funding: bp(250), Discount: bp(50), Operating: bp(80), PD: 2_345_000, LGD: bp(4500), Capital: bp(40), Margin: bp(30),
		Adjustments: []Component{{"green", "绿电", "Green power", bp(-20)}},
	}
	p, err := Of(cost)
	require.NoError(t, err)
	require.Equal(t, rate.Rate(1_055_250), p.Components[2].Rate) // 0.02345 * 0.45
	require.Equal(t, "0.0435525", p.Cost.String())
	require.Equal(t, "0.0436", p.Rate.String())
	require.Empty(t, p.Bound)
	require.Len(t, p.Components, 6)

	cost.Floor = bp(500)
	p, err = Of(cost)
	require.NoError(t, err)
	require.Equal(t, []any{bp(500), CodeFloor, rate.Rate(0)}, []any{p.Rate, p.Bound, p.Shortfall})

	cost.Floor, cost.Ceiling = 0, bp(400)
	p, err = Of(cost)
	require.NoError(t, err)
	require.Equal(t, []any{bp(400), CodeCeiling, rate.Rate(355_250)}, []any{p.Rate, p.Bound, p.Shortfall})
}

func TestPriceNamesEveryBadInput(t *testing.T) {
	t.Parallel()
	_, err := Of(Cost{Funding: -1, PD: rate.Scale + 1, Floor: bp(500), Ceiling: bp(400), Adjustments: []Component{{Rate: -2 * rate.Scale}}})
	var fields []string
	for _, f := range fault.All(err) {
		require.Equal(t, ReasonOutOfRange, f.Reason)
		fields = append(fields, f.Field)
	}
	require.Equal(t, []string{"funding_rate", "pd", "adjustments[0].rate", "ceiling_rate"}, fields)
}

func TestPriceNeverFallsWithRiskAndCoversItsCost(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) rate.Rate { return rate.Rate(rapid.Int64Range(0, rate.Scale/10).Draw(t, name)) }
		c := Cost{Funding: draw("funding"), Discount: draw("discount"), Operating: draw("operating"), PD: draw("pd"), LGD: draw("lgd"), Margin: draw("margin")}
		low, err := Of(c)
		require.NoError(t, err)
		require.GreaterOrEqual(t, low.Rate, low.Cost)
		if low.Bound == "" {
			require.Less(t, low.Rate-low.Cost, rate.Rate(priceStep))
		}
		require.Zero(t, low.Rate%priceStep)
		c.PD += draw("more")
		high, err := Of(c)
		require.NoError(t, err)
		require.GreaterOrEqual(t, high.Rate, low.Rate)
	})
}
