package boost

import (
	"encoding/csv"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

// reference is the public data of credit-card defaults, coded, with what XGBoost 1.7.4 made of it.
type reference struct {
	dir         string
	train, test *Data
	testIDs     []string
	testRows    map[string][]float64
}

func readReference(t testing.TB) reference {
	t.Helper()
	root := os.Getenv("CAPILLARY_TEST_DATA")
	if root == "" {
		t.Skip("the reference trees are needed: set CAPILLARY_TEST_DATA to the folder that holds fl_reference")
	}
	r := reference{dir: filepath.Join(root, "fl_reference"), train: &Data{}, test: &Data{}, testRows: map[string][]float64{}}
	rows := readCSV(t, filepath.Join(r.dir, "default_credit_binned32.csv"))
	columns := len(rows[0]) - 2
	values := make([][]float64, columns)
	for _, row := range rows[1:] {
		for f := range columns {
			v, err := strconv.ParseFloat(row[f+2], 64)
			require.NoError(t, err)
			values[f] = append(values[f], v)
		}
	}
	r.train.Columns, r.test.Columns = make([]Column, columns), make([]Column, columns)
	cuts := make([][]float64, columns)
	for f := range columns {
		cuts[f] = Cuts(values[f], MaxBins)
		r.train.Columns[f], r.test.Columns[f] = Column{Name: "f" + strconv.Itoa(f), Cuts: cuts[f]}, Column{Name: "f" + strconv.Itoa(f), Cuts: cuts[f]}
	}
	for i, row := range rows[1:] {
		id, err := strconv.Atoi(row[0])
		require.NoError(t, err)
		d := r.train
		if id%10 >= 7 {
			d = r.test
			r.testIDs = append(r.testIDs, row[0])
			for f := range columns {
				r.testRows[row[0]] = append(r.testRows[row[0]], values[f][i])
			}
		}
		d.Labels = append(d.Labels, float32(row[1][0]-'0'))
		for f := range columns {
			d.Columns[f].Codes = append(d.Columns[f].Codes, uint8(code(cuts[f], values[f][i])))
		}
	}
	return r
}

func readCSV(t testing.TB, name string) [][]string {
	t.Helper()
	f, err := os.Open(name)
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	rows, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	return rows
}

type dumped struct {
	Node      int      `json:"nodeid"`
	Split     string   `json:"split"`
	Condition float64  `json:"split_condition"`
	Yes       int      `json:"yes"`
	No        int      `json:"no"`
	Missing   int      `json:"missing"`
	Gain      float64  `json:"gain"`
	Cover     float64  `json:"cover"`
	Leaf      *float64 `json:"leaf"`
	Children  []dumped `json:"children"`
}

func requireSameTree(t *testing.T, tree *Tree, d dumped, count *int) {
	t.Helper()
	*count++
	n := tree.Nodes[d.Node]
	require.InEpsilon(t, d.Cover, n.Cover, 1e-5)
	if d.Leaf != nil {
		require.True(t, n.Leaf())
		require.InDelta(t, *d.Leaf, n.Value, 1e-6+1e-5*math.Abs(*d.Leaf))
		return
	}
	require.Equal(t, d.Split, "f"+strconv.Itoa(n.Feature), "node %d", d.Node)
	require.InDelta(t, d.Condition, n.Cut, 0)
	require.Equal(t, [2]int{d.Yes, d.No}, [2]int{int(n.Left), int(n.Right)})
	require.Equal(t, d.Missing == d.Yes, n.MissingLeft)
	require.InDelta(t, d.Gain, n.Gain, 1e-2+1e-4*d.Gain)
	for _, c := range d.Children {
		requireSameTree(t, tree, c, count)
	}
}

// TestTheTreesOfXGBoost grows both reference models anew and finds every node where XGBoost put it.
func TestTheTreesOfXGBoost(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name         string
		trees, depth int
		auc          float64
	}{{"t20d5", 20, 5, 0.7818}, {"t50d4", 50, 4, 0.7812}} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := readReference(t)
			p := DefaultParams()
			p.Trees, p.Depth = c.trees, c.depth
			m, _, err := Train(t.Context(), r.train, nil, p)
			require.NoError(t, err)
			text, err := os.ReadFile(filepath.Join(r.dir, "default_credit_"+c.name+"_binned_hist.dump.json"))
			require.NoError(t, err)
			var dump []dumped
			require.NoError(t, json.Unmarshal(text, &dump))
			require.Len(t, m.Trees, len(dump))
			nodes, all := 0, 0
			for i := range dump {
				requireSameTree(t, &m.Trees[i], dump[i], &nodes)
				all += len(m.Trees[i].Nodes)
			}
			require.Equal(t, all, nodes)
			published := map[string]float64{}
			for _, row := range readCSV(t, filepath.Join(r.dir, "default_credit_"+c.name+"_binned_hist_test_pred.csv"))[1:] {
				published[row[0]], _ = strconv.ParseFloat(row[1], 64)
			}
			require.Len(t, published, len(r.testIDs))
			var mine, theirs []float32
			widest := 0.0
			for _, id := range r.testIDs {
				pd, err := m.Predict(r.testRows[id])
				require.NoError(t, err)
				widest = max(widest, math.Abs(pd-published[id]))
				mine, theirs = append(mine, float32(pd)), append(theirs, float32(published[id]))
			}
			require.Less(t, widest, 1e-5)
			got := auc(mine, r.test.Labels, nil)
			require.InDelta(t, auc(theirs, r.test.Labels, nil), got, 1e-4)
			require.InDelta(t, c.auc, got, 5e-5)
			t.Logf("%s: %d nodes, AUC %.6f, widest difference of a probability %.1e", c.name, nodes, got, widest)
		})
	}
}

// imported reads one of the given XGBoost files.
func (r reference) imported(t *testing.T, name string) *Model {
	t.Helper()
	f, err := os.Open(filepath.Join(r.dir, "default_credit_"+name+"_binned_hist.model.json"))
	require.NoError(t, err)
	defer func() { _ = f.Close() }()
	m, err := ReadXGBoost(f)
	require.NoError(t, err)
	return m
}

// TestTheExplanationsOfXGBoost holds contributions and leaves, of the imported and of the regrown model, against the
// published ones.
func TestTheExplanationsOfXGBoost(t *testing.T) {
	t.Parallel()
	r := readReference(t)
	p := DefaultParams()
	p.Trees, p.Depth = 20, 5
	grown, _, err := Train(t.Context(), r.train, nil, p)
	require.NoError(t, err)
	shap := readCSV(t, filepath.Join(r.dir, "default_credit_t20d5_shap_first200_test.csv"))[1:]
	leaves := readCSV(t, filepath.Join(r.dir, "default_credit_t20d5_leafidx_first200_test.csv"))[1:]
	require.Len(t, shap, 200)
	require.Len(t, leaves, 200)
	for name, m := range map[string]*Model{"imported": r.imported(t, "t20d5"), "grown": grown} {
		explainer := NewExplainer(m)
		widest := 0.0
		for i := range shap {
			row := r.testRows[shap[i][0]]
			got, err := explainer.Explain(row)
			require.NoError(t, err)
			mine := append(append([]float64{got.Margin}, got.Values...), got.Base)
			for k, v := range mine {
				want, err := strconv.ParseFloat(shap[i][k+1], 64)
				require.NoError(t, err)
				require.InDelta(t, want, v, 1e-6, "%s: row %s, value %d", name, shap[i][0], k)
				widest = max(widest, math.Abs(want-v))
			}
			ends, err := m.Leaves(r.testRows[leaves[i][len(leaves[i])-1]])
			require.NoError(t, err)
			for k, end := range ends {
				require.Equal(t, leaves[i][k], strconv.Itoa(end))
			}
		}
		t.Logf("%s: widest difference of a contribution %.1e", name, widest)
	}
}

func TestTheImportedModelsPredictWhatWasPublished(t *testing.T) {
	t.Parallel()
	r := readReference(t)
	for _, name := range []string{"t20d5", "t50d4"} {
		m := r.imported(t, name)
		fast := NewPredictor(m)
		for _, row := range readCSV(t, filepath.Join(r.dir, "default_credit_"+name+"_binned_hist_test_pred.csv"))[1:] {
			want, _ := strconv.ParseFloat(row[1], 64)
			got, err := m.Predict(r.testRows[row[0]])
			require.NoError(t, err)
			require.InDelta(t, want, got, 2e-7)
			margin, err := m.Margin(r.testRows[row[0]])
			require.NoError(t, err)
			margins, err := fast.Margins(nil, r.testRows[row[0]])
			require.NoError(t, err)
			require.Equal(t, []float64{margin}, margins)
		}
	}
}
