package scorecard

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// readTable is the German credit data as columns with the published bins.
func readTable(t *testing.T) (v germanVectors, columns []TableColumn, bad []bool) {
	t.Helper()
	v, header, rows := readGerman(t)
	columns, bad = germanColumns(t, v, header, rows)
	return v, columns, bad
}

// TestATableGivesThePublishedCard trains on the German credit data with the published bins: AUC 0.8229, KS 0.5176, and the
// published points of every bin.
func TestATableGivesThePublishedCard(t *testing.T) {
	t.Parallel()
	v, columns, bad := readTable(t)
	o := DefaultTableOptions()
	o.Select, o.L2, o.Shrink, o.Scaling = false, 0, 0, Scaling{Points: 600, Odds: 1.0 / 19, PDO: 50}
	m, err := TrainTable(columns, bad, o)
	require.NoError(t, err)
	require.InDelta(t, v.Card["basepoints"][0].Points, m.BasePoints, 0)
	predictions, sum := make([]Prediction, len(bad)), 0
	for i := range bad {
		var values []TableValue
		for _, c := range columns {
			if c.Numbers != nil {
				values = append(values, TableValue{Number: c.Numbers[i]})
			} else {
				values = append(values, TableValue{Category: c.Categories[i]})
			}
		}
		pd, points, _, err := m.Score(values)
		require.NoError(t, err)
		predictions[i] = Prediction{PD: pd, Bad: bad[i]}
		sum += points
	}
	for _, c := range m.Characteristics {
		require.Len(t, c.Bins, len(v.Card[c.Name]))
		for i, b := range v.Card[c.Name] {
			require.InDelta(t, b.Points, c.Bins[i].Points, 0, "%s, bin %d", c.Name, i)
		}
	}
	require.InDelta(t, v.ScoreSum, sum, 0)
	got := Measure(predictions)
	require.InDelta(t, v.AUC, got.AUC, 1e-9)
	require.InDelta(t, v.KS, got.KS, 1e-9)
	require.InDelta(t, 0.8229, got.AUC, 1e-4)
	require.InDelta(t, 0.5176, got.KS, 1e-4)
}

// TestATablesBinsCountEveryRowOnce draws tables and finds each row in exactly the bin whose counts it raised.
func TestATablesBinsCountEveryRowOnce(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(60, 300).Draw(t, "rows")
		bad, numbers, names := make([]bool, n), make([]float64, n), make([]string, n)
		for i := range n {
			bad[i] = i%3 == 0
			numbers[i] = float64(rapid.IntRange(0, 12).Draw(t, "x")) / 4
			if bad[i] {
				numbers[i]++
			}
			names[i] = rapid.SampledFrom([]string{"a", "b", "c", "d", ""}).Draw(t, "name")
			if rapid.IntRange(0, 9).Draw(t, "absent") == 0 {
				numbers[i] = math.NaN()
			}
		}
		o := DefaultTableOptions()
		o.Select, o.MinIV, o.Shrink = false, 0, rapid.SampledFrom([]float64{0, 2}).Draw(t, "shrink")
		m, err := TrainTable([]TableColumn{{Name: "x", Numbers: numbers}, {Name: "name", Categories: names}}, bad, o)
		require.NoError(t, err)
		require.NoError(t, m.Check())
		for _, c := range m.Characteristics {
			good, ill := make([]int, len(c.Bins)+1), make([]int, len(c.Bins)+1)
			for i := range bad {
				at := c.bin(TableValue{Number: numbers[i], Category: names[i]})
				if at < 0 {
					at = len(c.Bins)
				}
				if bad[i] {
					ill[at]++
				} else {
					good[at]++
				}
			}
			for k, b := range append(c.Bins, c.Missing) {
				require.Equal(t, [2]int{b.Good, b.Bad}, [2]int{good[k], ill[k]}, "%s, bin %d", c.Name, k)
			}
		}
	})
}

func TestWrongTablesAreNamed(t *testing.T) {
	t.Parallel()
	bad := make([]bool, 100)
	for i := range 30 {
		bad[i] = true
	}
	flat := []TableColumn{{Name: "x", Numbers: make([]float64, 100)}}
	for says, try := range map[string]func(o *TableOptions) error{
		"no column to learn from": func(o *TableOptions) error { _, err := TrainTable(nil, bad, *o); return err },
		"no column separates":     func(o *TableOptions) error { _, err := TrainTable(flat, bad, *o); return err },
		"0 bad and 100 good":      func(o *TableOptions) error { _, err := TrainTable(flat, make([]bool, 100), *o); return err },
		"max_bins":                func(o *TableOptions) error { o.MaxBins = 1; return o.Validate() },
		"min_bin_share":           func(o *TableOptions) error { o.MinBinShare = math.NaN(); return o.Validate() },
		"max_features":            func(o *TableOptions) error { o.MaxFeatures = 0; return o.Validate() },
		"must not be negative":    func(o *TableOptions) error { o.L2 = -1; return o.Validate() },
		"pdo and odds":            func(o *TableOptions) error { o.Scaling.PDO = 0; return o.Validate() },
	} {
		o := DefaultTableOptions()
		require.ErrorContains(t, try(&o), says)
	}
}

// germanColumns gives the columns of the published card with its bins.
func germanColumns(t *testing.T, v germanVectors, header []string, rows [][]string) (columns []TableColumn, bad []bool) {
	t.Helper()
	for _, r := range rows {
		bad = append(bad, r[len(r)-1] == "bad")
	}
	for _, name := range v.Logit.Order[1:] {
		columns = append(columns, germanColumn(t, v, name[:len(name)-len("_woe")], header, rows))
	}
	return columns, bad
}
