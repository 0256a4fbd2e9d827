package boost

import (
	"bytes"
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/fault"
)

func TestTrainingEndsWhenItNoLongerHelps(t *testing.T) {
	t.Parallel()
	d, v := drawn(400, 5, 20, 0, 1), drawn(400, 5, 20, 0, 2)
	p := DefaultParams()
	p.Trees, p.Depth, p.Eta, p.EarlyStop = 200, 6, 0.5, 4
	m, history, err := Train(t.Context(), d, v, p)
	require.NoError(t, err)
	require.True(t, history.Early)
	require.Len(t, m.Trees, history.Best)
	require.Len(t, history.Rounds, history.Best+4)
	for i, loss := range history.Rounds {
		require.GreaterOrEqual(t, loss, history.Rounds[history.Best-1], "round %d", i+1)
	}
	// The loss that was watched is that of the model that is kept.
	margins, err := NewPredictor(m).Margins(nil, v.values())
	require.NoError(t, err)
	var loss float64
	for i, margin := range margins {
		pd := m.Respond(margin)
		loss -= math.Log(pd*float64(v.Labels[i])+(1-pd)*float64(1-v.Labels[i])) / float64(len(margins))
	}
	require.InDelta(t, history.Rounds[history.Best-1], loss, 1e-6)
}

func TestAWatcherEndsTheTraining(t *testing.T) {
	t.Parallel()
	d := drawn(100, 3, 8, 0, 1)
	p := DefaultParams()
	enough := errors.New("enough")
	p.Watch = func(done, total int) error {
		require.Equal(t, 100, total)
		if done == 3 {
			return enough
		}
		return nil
	}
	_, _, err := Train(t.Context(), d, nil, p)
	require.ErrorIs(t, err, enough)
	stopped, stop := context.WithCancel(t.Context())
	stop()
	p.Watch = nil
	_, _, err = Train(stopped, d, nil, p)
	require.ErrorIs(t, err, context.Canceled)
}

// A weight of two is the row twice, and a scale for bad rows a weight on each of them.
func TestWeightsCountRows(t *testing.T) {
	t.Parallel()
	d := drawn(300, 4, 10, 0.1, 3)
	twice, weighted := &Data{}, &Data{Columns: d.Columns, Labels: d.Labels}
	for r, y := range d.Labels {
		twice.Labels, weighted.Weights = append(twice.Labels, y), append(weighted.Weights, 1+y)
		if y == 1 {
			twice.Labels = append(twice.Labels, y)
		}
		_ = r
	}
	for _, c := range d.Columns {
		out := Column{Name: c.Name, Cuts: c.Cuts}
		for r, code := range c.Codes {
			out.Codes = append(out.Codes, code)
			if d.Labels[r] == 1 {
				out.Codes = append(out.Codes, code)
			}
		}
		twice.Columns = append(twice.Columns, out)
	}
	p := DefaultParams()
	p.Trees, p.Depth = 5, 4
	a, _, err := Train(t.Context(), twice, nil, p)
	require.NoError(t, err)
	b, _, err := Train(t.Context(), weighted, nil, p)
	require.NoError(t, err)
	p.PosWeight = 2
	c, _, err := Train(t.Context(), d, nil, p)
	require.NoError(t, err)
	require.Equal(t, b.Trees, c.Trees)
	requireSameNodes(t, a, b)
}

func TestCutsSeparateWhatTheyCan(t *testing.T) {
	t.Parallel()
	nan := math.NaN()
	require.Equal(t, []float64{2, 5}, Cuts([]float64{5, 1, 2, nan, 2}, 32))
	require.Empty(t, Cuts([]float64{nan, nan}, 32))
	require.Empty(t, Cuts([]float64{3, 3}, 32))
	require.Equal(t, []uint8{3, 0, 0, 1, 1, 2, 2}, Encode([]float64{2, 5}, []float64{nan, -9, 1.999, 2, 4.9, 5, 1e9}))
	// One value of nine tenths of the rows costs one bin; the others share the rest.
	heavy := make([]float64, 10_000)
	for i := range 1000 {
		heavy[i] = float64(i + 1)
	}
	cuts := Cuts(heavy, 11)
	require.Len(t, cuts, 10)
	require.InDelta(t, 1, cuts[0], 0)
	for i := 1; i < len(cuts); i++ {
		require.InDelta(t, 100, cuts[i]-cuts[i-1], 15)
	}
	var many []float64
	for i := range 100_000 {
		many = append(many, float64(i))
	}
	require.Len(t, Cuts(many, 256), 255)
	require.Len(t, Cuts(append(many, nan), 256), 254)
}

func TestWrongParametersAndDataAreNamed(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		set  func(p *Params, d *Data)
		says string
	}{
		{func(p *Params, _ *Data) { p.Trees = 0 }, "trees = 0"},
		{func(p *Params, _ *Data) { p.Depth = 17 }, "depth = 17"},
		{func(p *Params, _ *Data) { p.Eta = math.NaN() }, "eta = NaN"},
		{func(p *Params, _ *Data) { p.Lambda = -1 }, "lambda = -1"},
		{func(p *Params, _ *Data) { p.Subsample = 0 }, "subsample = 0"},
		{func(p *Params, _ *Data) { p.BaseScore = 1 }, "base_score = 1"},
		{func(p *Params, _ *Data) { p.Monotone = []int{1} }, "monotone = 1"},
		{func(p *Params, _ *Data) { p.Monotone = []int{1, 2, 0} }, "monotone = 2"},
		{func(p *Params, _ *Data) { p.Metric = "f1" }, "metric = f1"},
		{func(p *Params, _ *Data) { p.EarlyStop = 3 }, "needs validation rows"},
		{func(_ *Params, d *Data) { d.Labels[7] = 2 }, "row 8 has the label 2"},
		{func(_ *Params, d *Data) { clear(d.Labels) }, "0 bad and 50 good rows"},
		{func(_ *Params, d *Data) { d.Weights = make([]float32, 3) }, "3 weights for 50 labels"},
		{func(_ *Params, d *Data) { d.Weights = make([]float32, 50); d.Weights[4] = -1 }, "row 5 has the weight -1"},
		{func(_ *Params, d *Data) { d.Columns[1].Codes[3] = 200 }, "row 4: code 200"},
		{func(_ *Params, d *Data) { d.Columns[1].Codes = nil }, "0 codes for 50 rows"},
		{func(_ *Params, d *Data) { d.Columns[1].Cuts = []float64{2, 1} }, "must rise"},
		{func(_ *Params, d *Data) { d.Columns[2].Name = d.Columns[0].Name }, "stands twice"},
		{func(_ *Params, d *Data) { d.Columns = nil }, "0 columns"},
	} {
		d, p := drawn(50, 3, 8, 0, 1), DefaultParams()
		c.set(&p, d)
		_, _, err := Train(t.Context(), d, nil, p)
		var f *fault.Error
		require.ErrorAs(t, err, &f, c.says)
		require.Contains(t, f.Text("en"), c.says)
		require.NotEqual(t, f.Text("zh"), f.Text("en"))
	}
}

func TestAChangedFileIsNotRead(t *testing.T) {
	t.Parallel()
	p := DefaultParams()
	p.Trees, p.Depth = 2, 2
	m, _, err := Train(t.Context(), drawn(100, 3, 8, 0.2, 1), nil, p)
	require.NoError(t, err)
	var file bytes.Buffer
	require.NoError(t, Write(&file, m))
	text := file.String()
	again, err := Read(strings.NewReader(text))
	require.NoError(t, err)
	require.Equal(t, m, again)
	hash, err := m.Hash()
	require.NoError(t, err)
	require.Contains(t, text, hash)
	for from, says := range map[string]string{
		`"f":1`: "BOOST_MODEL_ALTERED", `"version":1`: "BOOST_MODEL_UNSUPPORTED", `"format":"capillary-boost"`: "BOOST_MODEL_UNSUPPORTED", `{"format"`: "BOOST_MODEL",
	} {
		changed := strings.Replace(text, from, strings.Replace(strings.Replace(from, "1", "2", 1), "format\"", "formal\"", 1), 1)
		if from == `"format":"capillary-boost"` {
			changed = strings.Replace(text, "capillary-boost", "other", 1)
		}
		require.NotEqual(t, text, changed, from)
		_, err := Read(strings.NewReader(changed))
		require.ErrorContains(t, err, says, from)
	}
	_, err = Read(strings.NewReader(text + text))
	require.ErrorContains(t, err, "something follows the model")
}
