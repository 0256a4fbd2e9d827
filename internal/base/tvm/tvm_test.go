package tvm_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/tvm"
)

// Figures of a spreadsheet that many know by heart, and of the definitions.
func TestKnownFigures(t *testing.T) {
	t.Parallel()
	require.InDelta(t, -304.1459143262052, tvm.Pmt(0.08/12, 60, 15000, 0, false), 1e-10)
	require.InDelta(t, -250, tvm.Pmt(0, 4, 1000, 0, false), 0)
	require.InDelta(t, 0, tvm.Ipmt(0.01, 1, 12, 1000, 0, true), 0)
	require.InDelta(t, -10, tvm.Ipmt(0.01, 1, 12, 1000, 0, false), 1e-9)
	require.InDelta(t, 0.12682503, tvm.Annualise(0.01, 12), 1e-8)
	flows := []tvm.Flow{{Date: calendar.MustParse("2024-01-01"), Amount: -100}, {Date: calendar.MustParse("2024-12-31"), Amount: 110}}
	got, err := tvm.XIRR(flows)
	require.NoError(t, err)
	require.InDelta(t, 0.1, got, 1e-12)
}

func TestNoRate(t *testing.T) {
	t.Parallel()
	for _, flows := range [][]float64{nil, {1}, {1, 2}, {-1, -2}, {0, 0, 0}} {
		_, err := tvm.IRR(flows)
		require.ErrorIs(t, err, tvm.ErrNoRate)
	}
}

// A level plan's own flows yield its rate, its principal parts sum to what was lent, and PV undoes FV.
func TestProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.Float64Range(1e-5, 0.2).Draw(t, "rate")
		n := rapid.IntRange(1, 120).Draw(t, "n")
		begin := rapid.Bool().Draw(t, "begin")
		pmt := tvm.Pmt(rate, n, 1000, 0, begin)
		flows := make([]float64, n+1)
		flows[0] = 1000
		for i := range n {
			at := i + 1
			if begin {
				at = i
			}
			flows[at] += pmt
		}
		sum := 0.0
		for k := 1; k <= n; k++ {
			sum += tvm.Ppmt(rate, k, n, 1000, 0, begin)
		}
		// Floating point: a part is the difference of amounts that grow like the compound factor.
		require.InDelta(t, -1000, sum, 1e-6+1e-12*math.Pow(1+rate, float64(n)))
		require.InDelta(t, 0, tvm.NPV(rate, flows), 1e-6)
		if !(begin && n == 1) {
			got, err := tvm.IRR(flows)
			require.NoError(t, err)
			require.InDelta(t, rate, got, 1e-9)
		}
		require.InDelta(t, 1000, tvm.PV(rate, n, pmt, 0, begin), 1e-6)
		require.InDelta(t, 1, tvm.DiscountFactor(rate, n)*math.Pow(1+rate, float64(n)), 1e-9)
	})
}
