package boost

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// small reads the drawn table of testdata/xgboost: coded, and as values.
func small(t testing.TB) (d *Data, rows [][]float64) {
	t.Helper()
	lines := readCSV(t, filepath.Join("testdata", "xgboost", "table.csv"))
	columns := make([][]float64, 5)
	d = &Data{}
	for _, line := range lines[1:] {
		row := make([]float64, 5)
		for f := range row {
			v, err := strconv.ParseFloat(line[f], 64)
			if err != nil {
				v = math.NaN()
			}
			row[f], columns[f] = v, append(columns[f], v)
		}
		w, err := strconv.ParseFloat(line[5], 64)
		require.NoError(t, err)
		rows, d.Labels, d.Weights = append(rows, row), append(d.Labels, float32(line[6][0]-'0')), append(d.Weights, float32(w))
	}
	for f, name := range lines[0][:5] {
		cuts := Cuts(columns[f], MaxBins)
		d.Columns = append(d.Columns, Column{Name: name, Cuts: cuts, Codes: Encode(cuts, columns[f])})
	}
	return d, rows
}

func readModel(t testing.TB, name string) *Model {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", "xgboost", name+".json"))
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	m, err := ReadXGBoost(f)
	require.NoError(t, err)
	return m
}

// TestTheTreesOfXGBoostUnderEverySetting grows what testdata/xgboost/make.py let XGBoost 1.7.4 grow: absent values, penalties,
// weights, monotone columns, and trees that go on to single rows.
func TestTheTreesOfXGBoostUnderEverySetting(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]func(p *Params, d *Data){
		"plain": func(p *Params, _ *Data) { p.Depth = 4 },
		"penalties": func(p *Params, _ *Data) {
			p.Depth, p.Eta, p.Lambda, p.Alpha, p.Gamma, p.MinChildWeight = 5, 0.1, 2.5, 0.7, 0.8, 4
		},
		"weights":  func(p *Params, _ *Data) { p.Depth, p.PosWeight, p.BaseScore, p.MinChildWeight = 3, 3.5, 0.3, 0.5 },
		"monotone": func(p *Params, _ *Data) { p.Depth, p.Monotone = 5, []int{0, 1, -1, 1, 0} },
		"deep":     func(p *Params, _ *Data) { p.Depth, p.Eta, p.Lambda, p.MinChildWeight = 9, 1, 0.1, 0 },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, rows := small(t)
			p := DefaultParams()
			p.Trees = 6
			set(&p, d)
			if name != "weights" {
				d.Weights = nil
			}
			grown, _, err := Train(t.Context(), d, nil, p)
			require.NoError(t, err)
			theirs := readModel(t, name)
			require.InDelta(t, theirs.Base, grown.Base, 1e-7)
			requireSameNodes(t, theirs, grown)
			requireSamePredictions(t, name, theirs, rows)
			requireSamePredictions(t, name, grown, rows)
		})
	}
}

func requireSameNodes(t *testing.T, want, got *Model) {
	t.Helper()
	require.Len(t, got.Trees, len(want.Trees))
	for i := range want.Trees {
		require.Len(t, got.Trees[i].Nodes, len(want.Trees[i].Nodes), "tree %d", i)
		for j := range want.Trees[i].Nodes {
			w, g := want.Trees[i].Nodes[j], got.Trees[i].Nodes[j]
			require.Equal(t, [3]int32{int32(w.Feature), w.Left, w.Right}, [3]int32{int32(g.Feature), g.Left, g.Right}, "tree %d, node %d: %+v %+v", i, j, w, g)
			require.Equal(t, w.MissingLeft, g.MissingLeft, "tree %d, node %d: %+v %+v", i, j, w, g)
			require.InDelta(t, w.Value, g.Value, 1e-5)
			require.InEpsilon(t, w.Cover, g.Cover, 1e-4)
			if !w.Leaf() && math.Abs(g.Cut) < math.MaxFloat64 {
				require.InDelta(t, w.Cut, g.Cut, 0, "tree %d, node %d", i, j)
			}
		}
	}
}

// requireSamePredictions holds margins and contributions against the ones XGBoost gave for the first rows.
func requireSamePredictions(t *testing.T, name string, m *Model, rows [][]float64) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "xgboost", name+".out.json"))
	require.NoError(t, err)
	var out struct {
		Margins []float64   `json:"margins"`
		Shap    [][]float64 `json:"shap"`
	}
	require.NoError(t, json.Unmarshal(text, &out))
	explainer := NewExplainer(m)
	for i, want := range out.Margins {
		got, err := m.Margin(rows[i])
		require.NoError(t, err)
		require.InDelta(t, want, got, 1e-5)
	}
	for i, want := range out.Shap {
		got, err := explainer.Explain(rows[i])
		require.NoError(t, err)
		require.InDeltaSlice(t, want, append(got.Values, got.Base), 1e-5)
	}
}

// Margins of an imported model are XGBoost's to the last bit.
func TestAnImportedModelGivesItsMarginsExactly(t *testing.T) {
	t.Parallel()
	_, rows := small(t)
	for _, name := range []string{"plain", "penalties", "weights", "monotone", "deep"} {
		text, err := os.ReadFile(filepath.Join("testdata", "xgboost", name+".out.json"))
		require.NoError(t, err)
		var out struct {
			Margins []float64 `json:"margins"`
		}
		require.NoError(t, json.Unmarshal(text, &out))
		m := readModel(t, name)
		for i, want := range out.Margins {
			got, err := m.Margin(rows[i])
			require.NoError(t, err)
			require.Equal(t, want, got, "%s, row %d", name, i)
		}
	}
}

func TestOtherXGBoostModelsAreRefusedByName(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join("testdata", "xgboost", "weights.json"))
	require.NoError(t, err)
	for _, c := range []struct{ from, to, reason, says string }{
		{`"name":"gbtree"`, `"name":"dart"`, "BOOST_MODEL_UNSUPPORTED", `the booster "dart"`},
		{`"version":[1,7,4]`, `"version":[0,9,0]`, "BOOST_MODEL_UNSUPPORTED", "version [0 9 0]"},
		{`"name":"binary:logistic"`, `"name":"multi:softprob"`, "BOOST_MODEL_UNSUPPORTED", "multi:softprob"},
		{`"num_class":"0"`, `"num_class":"3"`, "BOOST_MODEL_UNSUPPORTED", "num_class = 3"},
		{`"base_score":"3E-1"`, `"base_score":"x"`, "BOOST_MODEL", "base_score"},
		{`"base_score":"3E-1"`, `"base_score":"1"`, "BOOST_MODEL", "must lie in (0, 1)"},
		{`"num_feature":"5","num_target"`, `"num_feature":"2","num_target"`, "BOOST_MODEL", "feature index"},
		{`"left_children":[1,`, `"left_children":[1,1,`, "BOOST_MODEL", "entries where"},
		{`"left_children":[1,3`, `"left_children":[1,1`, "BOOST_MODEL", "reached twice"},
		{`"left_children":[1,3`, `"left_children":[1,99`, "BOOST_MODEL", "do not exist"},
		{`"split_type":[0`, `"split_type":[1`, "BOOST_MODEL_UNSUPPORTED", "categorical splits"},
		{`}`, `}}`, "BOOST_MODEL", ""},
		{`{"learner"`, `{L"learner"`, "BOOST_MODEL_UNSUPPORTED", "UBJSON"},
	} {
		changed := strings.Replace(string(text), c.from, c.to, 1)
		require.NotEqual(t, string(text), changed, c.from)
		_, err := ReadXGBoost(strings.NewReader(changed))
		var f *fault.Error
		require.ErrorAs(t, err, &f, c.to)
		require.Equal(t, c.reason, f.Reason.Code, c.to)
		require.Contains(t, f.Text("en"), c.says)
		require.NotEqual(t, f.Text("zh"), f.Text("en"))
		require.NotEmpty(t, f.RemedyText("zh"))
	}
	_, err = ReadXGBoost(bytes.NewReader(text[:len(text)/2]))
	require.ErrorContains(t, err, "BOOST_MODEL")
}
