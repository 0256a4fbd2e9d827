package scorecard

import (
	"cmp"
	"math"
	"slices"
)

// Prediction is one firm's predicted probability of default beside what happened.
type Prediction struct {
	PD  float64 `json:"pd"`
	Bad bool    `json:"bad"`
}

// Performance sums up how well predictions separate and how well they are calibrated.
type Performance struct {
	AUC     float64 `json:"auc"`
	Gini    float64 `json:"gini"`
	KS      float64 `json:"ks"`
	Brier   float64 `json:"brier"`
	LogLoss float64 `json:"log_loss"`
}

// Measure computes all figures at once; NaN stands where one class is missing.
func Measure(p []Prediction) Performance {
	roc := ROC(p)
	auc := area(roc)
	perf := Performance{AUC: auc, Gini: 2*auc - 1, KS: widest(roc), Brier: Brier(p), LogLoss: LogLoss(p)}
	return perf
}

// ROCPoint is one step of the curve: what share of bads and of goods has a PD at or above Threshold.
type ROCPoint struct {
	Threshold float64 `json:"threshold"`
	BadShare  float64 `json:"bad_share"`
	GoodShare float64 `json:"good_share"`
}

// ROC walks from the riskiest to the safest; equal predictions are one step.
func ROC(p []Prediction) []ROCPoint {
	sorted := slices.Clone(p)
	slices.SortStableFunc(sorted, func(a, b Prediction) int { return cmp.Compare(b.PD, a.PD) })
	var bads, goods float64
	for _, x := range p {
		if x.Bad {
			bads++
		} else {
			goods++
		}
	}
	points := []ROCPoint{{Threshold: 1}}
	var b, g float64
	for i, x := range sorted {
		if x.Bad {
			b++
		} else {
			g++
		}
		if i+1 == len(sorted) || sorted[i+1].PD != x.PD {
			points = append(points, ROCPoint{Threshold: x.PD, BadShare: b / bads, GoodShare: g / goods})
		}
	}
	return points
}

func area(roc []ROCPoint) float64 {
	var a float64
	for i := 1; i < len(roc); i++ {
		a += (roc[i].GoodShare - roc[i-1].GoodShare) * (roc[i].BadShare + roc[i-1].BadShare) / 2
	}
	if len(roc) < 2 {
		return math.NaN()
	}
	return a
}

func widest(roc []ROCPoint) float64 {
	var ks float64
	for _, p := range roc {
		ks = max(ks, math.Abs(p.BadShare-p.GoodShare))
	}
	return ks
}

// AUC is the chance that a bad firm is predicted riskier than a good one, ties counting half.
func AUC(p []Prediction) float64 { return area(ROC(p)) }

// KS is the widest gap between the cumulative shares of bads and goods.
func KS(p []Prediction) float64 { return widest(ROC(p)) }

// Brier is the mean squared error of the probabilities.
func Brier(p []Prediction) float64 {
	var s float64
	for _, x := range p {
		d := x.PD - outcome(x.Bad)
		s += d * d
	}
	return s / float64(len(p))
}

// LogLoss is the mean negative log-likelihood.
func LogLoss(p []Prediction) float64 {
	var s float64
	for _, x := range p {
		if x.Bad {
			s -= math.Log(x.PD)
		} else {
			s -= math.Log(1 - x.PD)
		}
	}
	return s / float64(len(p))
}

func outcome(bad bool) float64 {
	if bad {
		return 1
	}
	return 0
}

// CalibrationBin compares predicted and observed default rates in one group of like predictions.
type CalibrationBin struct {
	Count     int     `json:"count"`
	Bads      int     `json:"bads"`
	Predicted float64 `json:"predicted"`
	Observed  float64 `json:"observed"`
	MinPD     float64 `json:"min_pd"`
	MaxPD     float64 `json:"max_pd"`
}

// Calibration splits the predictions, sorted by PD, into groups of near equal size: row i of n goes to group i*groups/n.
func Calibration(p []Prediction, groups int) []CalibrationBin {
	sorted := slices.Clone(p)
	slices.SortStableFunc(sorted, func(a, b Prediction) int { return cmp.Compare(a.PD, b.PD) })
	bins := make([]CalibrationBin, groups)
	for i, x := range sorted {
		b := &bins[i*groups/len(sorted)]
		if b.Count == 0 {
			b.MinPD = x.PD
		}
		b.Count, b.MaxPD, b.Predicted = b.Count+1, x.PD, b.Predicted+x.PD
		if x.Bad {
			b.Bads++
		}
	}
	bins = slices.DeleteFunc(bins, func(b CalibrationBin) bool { return b.Count == 0 })
	for i := range bins {
		bins[i].Predicted /= float64(bins[i].Count)
		bins[i].Observed = float64(bins[i].Bads) / float64(bins[i].Count)
	}
	return bins
}

// HosmerLemeshow is the chi-square distance between predicted and observed over the calibration groups.
func HosmerLemeshow(bins []CalibrationBin) float64 {
	var chi2 float64
	for _, b := range bins {
		expected := b.Predicted * float64(b.Count)
		d := float64(b.Bads) - expected
		chi2 += d * d / (expected * (1 - b.Predicted))
	}
	return chi2
}

// PSI is the population stability index of two distributions over the same bins: under 0.10 stable, up to 0.25 watch,
// above rebuild. An empty cell counts as 0.9 of a firm.
func PSI(expected, actual []float64) float64 {
	e, a := shares(expected), shares(actual)
	var psi float64
	for i := range e {
		psi += (a[i] - e[i]) * math.Log(a[i]/e[i])
	}
	return psi
}

func shares(counts []float64) []float64 {
	out := make([]float64, len(counts))
	var total float64
	for i, c := range counts {
		out[i] = c
		if c == 0 {
			out[i] = 0.9
		}
		total += out[i]
	}
	for i := range out {
		out[i] /= total
	}
	return out
}
