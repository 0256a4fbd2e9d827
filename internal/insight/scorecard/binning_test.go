package scorecard

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// bruteForce tries every way to cut the cells into at most maxBins.
func bruteForce(b *binner, c *cells, direction int) float64 {
	b.prepare(c)
	n := len(c.upper)
	best := math.Inf(-1)
	var try func(start, bins int, previous [2]int, sum float64)
	try = func(start, bins int, previous [2]int, sum float64) {
		if start == n {
			best = max(best, sum-b.penalty*float64(bins-1))
			return
		}
		if bins == b.maxBins {
			return
		}
		for end := start; end < n; end++ {
			bad, all := b.count(start, end)
			value := b.value[start*n+end]
			if math.IsNaN(value) || bins > 0 && (bad*previous[1]-previous[0]*all)*direction <= 0 {
				continue
			}
			try(end+1, bins+1, [2]int{bad, all}, sum+value)
		}
	}
	try(0, 0, [2]int{}, 0)
	return best
}

func TestBinningIsOptimalAndMonotone(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var c cells
		goods, bads := 0, 0
		for i := range rapid.IntRange(2, 9).Draw(t, "cells") {
			good, bad := rapid.IntRange(0, 9).Draw(t, "good"), rapid.IntRange(0, 9).Draw(t, "bad")
			if good+bad == 0 {
				good = 1
			}
			c.add(float64(i), good, bad)
			goods, bads = goods+good, bads+bad
		}
		if goods == 0 || bads == 0 {
			t.Skip("one class only")
		}
		b := &binner{maxBins: rapid.IntRange(2, 5).Draw(t, "bins"), minCount: rapid.IntRange(1, 12).Draw(t, "min"),
			strength: float64(rapid.IntRange(1, 4).Draw(t, "shrink")), penalty: rapid.Float64Range(0, 0.1).Draw(t, "penalty")}
		direction := rapid.SampledFrom([]int{-1, 1}).Draw(t, "direction")
		ends, score := b.cut(&c, direction)
		require.InDelta(t, bruteForce(b, &c, direction), score, 1e-9)
		requireBins(t, b, ends, len(c.upper), direction)
	})
}

func requireBins(t *rapid.T, b *binner, ends []int, cells, direction int) {
	require.NotEmpty(t, ends)
	require.LessOrEqual(t, len(ends), b.maxBins)
	require.Equal(t, cells-1, ends[len(ends)-1])
	start, last := 0, math.NaN()
	for _, end := range ends {
		bad, all := b.count(start, end)
		if len(ends) > 1 {
			require.GreaterOrEqual(t, all, b.minCount)
		}
		rate := float64(bad) / float64(all)
		if !math.IsNaN(last) {
			require.Positive(t, (rate-last)*float64(direction))
		}
		start, last = end+1, rate
	}
}

func TestCutsAreReadableAndSeparate(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ a, b, want float64 }{
		{12_345_678, 23_456_789, 20_000_000}, {0.1234, 0.1239, 0.1237}, {0, 1, 0}, {14, 15, 14}, {0.1405, 0.142, 0.141}, {3, 4, 3}, {-5, 5, -5}, {-9.5, -2, -6}, {9.99, 10.01, 10},
	} {
		require.InDelta(t, c.want, roundest(c.a, c.b), 0)
	}
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.Float64Range(-1e15, 1e15).Draw(t, "a")
		b := a + rapid.Float64Range(1e-6, 1e12).Draw(t, "gap")
		if b <= a {
			t.Skip("too close to tell apart")
		}
		cut := roundest(a, b)
		require.GreaterOrEqual(t, cut, a)
		require.Less(t, cut, b)
	})
}

func TestLogisticRegression(t *testing.T) {
	t.Parallel()
	bad := []bool{true, false, true, false, true, false, false, false}
	alone, err := fitLogit(nil, bad, 0, nil, logitRounds)
	require.NoError(t, err)
	require.InDelta(t, math.Log(3.0/5), alone.beta[0], 1e-9)
	columns := [][]float64{{1, 0.2, -1, 0, 0.4, -0.5, 0.9, 0.6}, {0, 1, 1, 1, 1, 0, 0, 0}}
	for _, l2 := range []float64{0, 0.5, 20} {
		fit, err := fitLogit(columns, bad, l2, nil, logitRounds)
		require.NoError(t, err)
		gradient := make([]float64, 3)
		x := make([]float64, 3)
		for i := range bad {
			r := outcome(bad[i]) - fit.row(columns, i, x)
			for k := range x {
				gradient[k] += r * x[k]
			}
		}
		for k := 1; k < 3; k++ {
			gradient[k] -= l2 * fit.beta[k]
		}
		require.InDeltaSlice(t, []float64{0, 0, 0}, gradient, 1e-7, "a maximum has no gradient")
	}
	_, err = fitLogit([][]float64{{1, 1, 1, 1, 1, 1, 1, 1}}, bad, 0, nil, logitRounds)
	require.ErrorIs(t, err, errSingular)
}
