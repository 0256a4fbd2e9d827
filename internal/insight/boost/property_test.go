package boost

import (
	"bytes"
	"math"
	"math/bits"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// rowsOf gives the table of drawn row by row.
func rowsOf(d *Data) [][]float64 {
	var rows [][]float64
	for row := range slices.Chunk(d.values(), len(d.Columns)) {
		rows = append(rows, row)
	}
	return rows
}

func drawData(t *rapid.T, rows int) *Data {
	return drawn(rows, rapid.IntRange(1, 5).Draw(t, "columns"), rapid.IntRange(2, 9).Draw(t, "bins"),
		rapid.SampledFrom([]float64{0, 0.1, 0.5}).Draw(t, "missing"), rapid.Uint64().Draw(t, "seed"))
}

// TestTheBestSplitIsTheBestOfAll tries every cut of every column with absent values on either side, by the textbook's
// formula on sums over the rows, and finds no gain above the one the histogram search took.
func TestTheBestSplitIsTheBestOfAll(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := drawData(t, rapid.IntRange(10, 80).Draw(t, "rows"))
		p := DefaultParams()
		p.Trees, p.Depth = 1, 1
		p.Lambda = rapid.SampledFrom([]float64{0.5, 1, 3}).Draw(t, "lambda")
		p.Alpha = rapid.SampledFrom([]float64{0, 0.5}).Draw(t, "alpha")
		p.MinChildWeight = rapid.SampledFrom([]float64{0.25, 1, 3}).Draw(t, "least")
		m, _, err := Train(t.Context(), d, nil, p)
		require.NoError(t, err)
		score := func(g, h float64) float64 {
			g = max(math.Abs(g)-p.Alpha, 0)
			return g * g / (h + p.Lambda)
		}
		// At a probability of one half a row's derivatives are 1/2 minus its label, and 1/4.
		best := 0.0
		for f := range d.Columns {
			for code := -1; code < d.Columns[f].Missing(); code++ {
				for _, missingLeft := range []bool{false, true} {
					var gl, hl, gr, hr float64
					for r, y := range d.Labels {
						c := int(d.Columns[f].Codes[r])
						if c == d.Columns[f].Missing() && missingLeft || c != d.Columns[f].Missing() && c <= code {
							gl, hl = gl+0.5-float64(y), hl+0.25
						} else {
							gr, hr = gr+0.5-float64(y), hr+0.25
						}
					}
					if hl >= p.MinChildWeight && hr >= p.MinChildWeight {
						best = max(best, score(gl, hl)+score(gr, hr)-score(gl+gr, hl+hr))
					}
				}
			}
		}
		root := m.Trees[0].Nodes[0]
		if best < 1e-4 {
			require.Less(t, root.Gain, 1e-3)
			return
		}
		require.InDelta(t, best, root.Gain, 1e-3)
	})
}

// TestContributionsAreShapleyValues reckons each contribution from its definition: the mean, over all orders in which
// features become known, of what knowing it changes, an unknown feature sending a row down both sides by their covers.
func TestContributionsAreShapleyValues(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := drawData(t, 120)
		p := DefaultParams()
		p.Trees, p.Depth = 3, rapid.IntRange(1, 6).Draw(t, "depth")
		m, _, err := Train(t.Context(), d, nil, p)
		require.NoError(t, err)
		row := rowsOf(d)[rapid.IntRange(0, 119).Draw(t, "row")]
		got, err := NewExplainer(m).Explain(row)
		require.NoError(t, err)
		n := len(row)
		value := make([]float64, 1<<n)
		for known := range value {
			value[known] = m.Base
			for i := range m.Trees {
				value[known] += m.Trees[i].given(0, row, known)
			}
		}
		require.InDelta(t, value[0], got.Base, 1e-9)
		require.InDelta(t, got.Margin, got.Base+sum(got.Values), 1e-5)
		for f := range row {
			var want float64
			for known := range value {
				if known>>f&1 == 1 {
					continue
				}
				size := bits.OnesCount(uint(known))
				want += (value[known|1<<f] - value[known]) / (float64(n) * choose(n-1, size))
			}
			require.InDelta(t, want, got.Values[f], 1e-9, "feature %d", f)
		}
	})
}

func choose(n, k int) float64 {
	out := 1.0
	for i := range k {
		out = out * float64(n-i) / float64(i+1)
	}
	return out
}

func (t *Tree) given(at int32, row []float64, known int) float64 {
	n := &t.Nodes[at]
	switch {
	case n.Leaf():
		return n.Value
	case known>>n.Feature&1 == 0:
		l, r := t.Nodes[n.Left].Cover, t.Nodes[n.Right].Cover
		return (l*t.given(n.Left, row, known) + r*t.given(n.Right, row, known)) / (l + r)
	case n.goesLeft(row[n.Feature]):
		return t.given(n.Left, row, known)
	}
	return t.given(n.Right, row, known)
}

// TestAMonotoneColumnNeverTurns walks random rows along a constrained column.
func TestAMonotoneColumnNeverTurns(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := drawn(300, 4, 12, rapid.SampledFrom([]float64{0, 0.2}).Draw(t, "missing"), rapid.Uint64().Draw(t, "seed"))
		p := DefaultParams()
		p.Trees, p.Depth, p.Lambda, p.MinChildWeight = 8, 5, 0.1, 0.1
		p.Monotone = rapid.SliceOfN(rapid.IntRange(-1, 1), 4, 4).Draw(t, "directions")
		m, _, err := Train(t.Context(), d, nil, p)
		require.NoError(t, err)
		row := slices.Clone(rowsOf(d)[rapid.IntRange(0, 299).Draw(t, "row")])
		for f, direction := range p.Monotone {
			walk, last := slices.Clone(row), math.Inf(-direction)
			if direction == 0 {
				continue
			}
			for v := -1.0; v < 13; v += 0.5 {
				walk[f] = v
				margin, err := m.Margin(walk)
				require.NoError(t, err)
				require.GreaterOrEqual(t, float64(direction)*margin, float64(direction)*last-1e-6, "column %d at %g", f, v)
				last = margin
			}
		}
	})
}

// TestWhoDoesTheWorkNeverShows trains with everything that is drawn switched on, on one to eight goroutines.
func TestWhoDoesTheWorkNeverShows(t *testing.T) {
	t.Parallel()
	d, v := drawn(3_000, 11, 40, 0.1, 5), drawn(800, 11, 40, 0.1, 6)
	var first []byte
	for _, workers := range []int{1, 2, 3, 8, 1} {
		p := DefaultParams()
		p.Trees, p.Depth, p.Subsample, p.ColsampleTree, p.ColsampleLevel, p.Workers = 12, 5, 0.7, 0.8, 0.7, workers
		p.EarlyStop, p.Metric = 5, AUC
		m, history, err := Train(t.Context(), d, v, p)
		require.NoError(t, err)
		require.Len(t, m.Trees, history.Best)
		var file bytes.Buffer
		require.NoError(t, Write(&file, m))
		if first == nil {
			first = file.Bytes()
		}
		require.True(t, bytes.Equal(first, file.Bytes()), "%d goroutines", workers)
	}
}

// TestTheBatchIsTheModel holds the perfect layout against the walk, node by node, for shallow and deep trees.
func TestTheBatchIsTheModel(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		d := drawData(t, rapid.IntRange(10, 150).Draw(t, "rows"))
		p := DefaultParams()
		p.Trees, p.Depth, p.MinChildWeight, p.Lambda, p.Eta = 5, rapid.IntRange(1, 12).Draw(t, "depth"), 0, 0.01, 1
		m, _, err := Train(t.Context(), d, nil, p)
		require.NoError(t, err)
		margins, err := NewPredictor(m).Margins(nil, d.values())
		require.NoError(t, err)
		for i, row := range rowsOf(d) {
			want, err := m.Margin(row)
			require.NoError(t, err)
			require.Equal(t, want, margins[i], "row %d", i)
		}
	})
}

// TestAbsentValuesTakeTheSideThatFits gives a column whose absence alone tells the bad from the good.
func TestAbsentValuesTakeTheSideThatFits(t *testing.T) {
	t.Parallel()
	for _, badWhenAbsent := range []bool{true, false} {
		values, labels := make([]float64, 200), make([]float32, 200)
		for i := range values {
			values[i] = float64(i % 10)
			if i%4 == 0 {
				values[i] = math.NaN()
			}
			// A high value is bad in both; absence is bad in one only.
			if (i%4 == 0) == badWhenAbsent && i%4 == 0 || i%4 != 0 && i%10 >= 5 {
				labels[i] = 1
			}
		}
		cuts := Cuts(values, 32)
		p := DefaultParams()
		p.Trees, p.Depth = 1, 1
		m, _, err := Train(t.Context(), &Data{Columns: []Column{{Name: "x", Cuts: cuts, Codes: Encode(cuts, values)}}, Labels: labels}, nil, p)
		require.NoError(t, err)
		root := m.Trees[0].Nodes[0]
		require.InDelta(t, 5, root.Cut, 0)
		require.Equal(t, !badWhenAbsent, root.MissingLeft, "absent values go with the low, good ones only when they are good")
	}
}
