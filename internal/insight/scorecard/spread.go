package scorecard

import (
	"math"
	"slices"
)

// spread sums up figures of folds; folds without one of the classes have no figure and are left out.
func spread(values []float64) Spread {
	var v []float64
	for _, x := range values {
		if !math.IsNaN(x) {
			v = append(v, x)
		}
	}
	if len(v) == 0 {
		return Spread{}
	}
	slices.Sort(v)
	s := Spread{Min: v[0], Max: v[len(v)-1], P05: quantile(v, 0.05), P50: quantile(v, 0.5), P95: quantile(v, 0.95)}
	for _, x := range v {
		s.Mean += x / float64(len(v))
	}
	for _, x := range v {
		s.Std += (x - s.Mean) * (x - s.Mean)
	}
	s.Std = math.Sqrt(s.Std / max(1, float64(len(v)-1)))
	return s
}

// quantile interpolates between the order statistics of sorted values.
func quantile(sorted []float64, q float64) float64 {
	at := q * float64(len(sorted)-1)
	low := int(at)
	if low+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	return sorted[low] + (at-float64(low))*(sorted[low+1]-sorted[low])
}
