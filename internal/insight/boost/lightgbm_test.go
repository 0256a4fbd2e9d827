package boost

import (
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/fault"
)

func numbersOf(t *testing.T, name string) (rows [][]float64) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "lightgbm", name))
	require.NoError(t, err)
	for line := range strings.Lines(string(text)) {
		var row []float64
		for _, w := range strings.Fields(line) {
			v, err := strconv.ParseFloat(w, 64)
			require.NoError(t, err)
			row = append(row, v)
		}
		rows = append(rows, row)
	}
	return rows
}

func TestLightGBMsPredictions(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/lightgbm/breast_cancer.txt")
	require.NoError(t, err)
	m, err := ReadLightGBM(strings.NewReader(string(text)))
	require.NoError(t, err)
	require.Len(t, m.Trees, 10)
	require.Len(t, m.Features, 30)
	explainer, fast := NewExplainer(m), NewPredictor(m)
	want := numbersOf(t, "breast_cancer_predictions.txt")
	for i, row := range numbersOf(t, "breast_cancer_rows.tsv") {
		got, err := m.Predict(row)
		require.NoError(t, err)
		require.InDelta(t, want[i][0], got, 1e-15)
		margin, err := m.Margin(row)
		require.NoError(t, err)
		margins, err := fast.Margins(nil, row)
		require.NoError(t, err)
		require.Equal(t, margin, margins[0])
		e, err := explainer.Explain(row)
		require.NoError(t, err)
		require.InDelta(t, margin, e.Base+sum(e.Values), 1e-12)
	}
}

func sum(values []float64) (s float64) {
	for _, v := range values {
		s += v
	}
	return s
}

// twoSplits has a categorical split on B (left: 0, 3 and 33) and, on its right, a numeric one on A at 340.5 whose
// decision type stands in place of %d.
const twoSplits = `tree
version=v4
num_class=1
num_tree_per_iteration=1
label_index=0
max_feature_idx=1
objective=binary sigmoid:2
feature_names=A B
feature_infos=[0:999] 0:3:33

Tree=0
num_leaves=3
num_cat=1
split_feature=1 0
split_gain=138.409 13.4409
threshold=0 340.5
decision_type=9 %d
left_child=-1 -2
right_child=1 -3
leaf_value=0.5 -0.25 0.125
leaf_weight=1 1 1
leaf_count=200 341 459
internal_value=0 -0.39
internal_count=1000 800
cat_boundaries=0 2
cat_threshold=9 2
is_linear=0
shrinkage=1


Tree=1
num_leaves=1
num_cat=0
leaf_value=0.0625

end of trees

feature_importances:
`

func TestLightGBMsWaysToDecide(t *testing.T) {
	t.Parallel()
	none, zero, nan, left := 0, 4, 8, 2
	for _, c := range []struct {
		decision int
		a, b     float64
		want     float64
	}{
		{none, 1, 0, 0.5}, {none, 1, 3, 0.5}, {none, 1, 33, 0.5}, {none, 1, 33.9, 0.5}, {none, 1, -0.5, 0.5}, // categories of the set
		{none, 1, 1, -0.25}, {none, 1, -1, -0.25}, {none, 1, 64, -0.25}, {none, 1, 1e300, -0.25}, {none, 1, math.NaN(), -0.25},
		{none, 340.5, 1, -0.25}, {none, math.Nextafter(340.5, 341), 1, 0.125}, // at most the threshold goes left
		{none, math.NaN(), 1, -0.25}, {none + left, math.NaN(), 1, -0.25}, // read as zero
		{zero, 0, 1, 0.125}, {zero + left, 0, 1, -0.25}, {zero, math.NaN(), 1, 0.125}, {zero, -1, 1, -0.25}, {zero, 1e-36, 1, 0.125},
		{nan, math.NaN(), 1, 0.125}, {nan + left, math.NaN(), 1, -0.25}, {nan, 0, 1, -0.25},
	} {
		m, err := ReadLightGBM(strings.NewReader(strings.Replace(twoSplits, "%d", strconv.Itoa(c.decision), 1)))
		require.NoError(t, err)
		row := []float64{c.a, c.b}
		margin, err := m.Margin(row)
		require.NoError(t, err)
		require.InDelta(t, c.want+0.0625, margin, 0, "%+v", c)
		margins, err := NewPredictor(m).Margins(nil, row)
		require.NoError(t, err)
		require.Equal(t, margin, margins[0])
		pd, err := m.Predict(row)
		require.NoError(t, err)
		require.InDelta(t, 1/(1+math.Exp(-2*margin)), pd, 1e-15)
		e, err := NewExplainer(m).Explain(row)
		require.NoError(t, err)
		require.InDelta(t, margin, e.Base+sum(e.Values), 1e-12)
		require.InDelta(t, 0.5*0.2-0.25*0.341+0.125*0.459+0.0625, e.Base, 1e-12)
	}
}

func TestOtherLightGBMModelsAreRefusedByName(t *testing.T) {
	t.Parallel()
	good := strings.Replace(twoSplits, "%d", "8", 1)
	for _, c := range []struct{ from, to, reason, says string }{
		{"tree\n", "forest\n", "BOOST_MODEL", "line 1"},
		{"version=v4", "version=v9", "BOOST_MODEL_UNSUPPORTED", "v9"},
		{"num_class=1", "num_class=3", "BOOST_MODEL_UNSUPPORTED", "num_class = 3"},
		{"label_index=0", "average_output", "BOOST_MODEL_UNSUPPORTED", "random forests"},
		{"binary sigmoid:2", "lambdarank", "BOOST_MODEL_UNSUPPORTED", "lambdarank"},
		{"binary sigmoid:2", "regression sqrt", "BOOST_MODEL_UNSUPPORTED", "regression sqrt"},
		{"sigmoid:2", "sigmoid:0", "BOOST_MODEL", "must be positive"},
		{"max_feature_idx=1", "max_feature_idx=2", "BOOST_MODEL", "max_feature_idx"},
		{"feature_names=A B", "feature_names=A A", "BOOST_MODEL", "stands twice"},
		{"num_leaves=3", "num_leaves=0", "BOOST_MODEL", "Tree=0.num_leaves"},
		{"num_leaves=3", "num_leaves=4", "BOOST_MODEL", "Tree=0.split_feature"},
		{"split_feature=1 0", "split_feature=1 7", "BOOST_MODEL", "Tree=0.split[1]"},
		{"left_child=-1 -2", "left_child=-1 1", "BOOST_MODEL", "the child 1 does not exist"},
		{"left_child=-1 -2", "left_child=-1 -1", "BOOST_MODEL", "reached twice"},
		{"leaf_value=0.5", "leaf_value=half", "BOOST_MODEL", `"half" is not a number`},
		{"leaf_value=0.5", "leaf_value=NaN", "BOOST_MODEL", "not a finite number"},
		{"threshold=0", "threshold=5", "BOOST_MODEL", "the set of categories 5"},
		{"cat_boundaries=0 2", "cat_boundaries=0 3", "BOOST_MODEL", "cat_threshold"},
		{"is_linear=0", "is_linear=1", "BOOST_MODEL_UNSUPPORTED", "linear leaves"},
		{"end of trees", "", "BOOST_MODEL", "before end of trees"},
	} {
		changed := strings.Replace(good, c.from, c.to, 1)
		require.NotEqual(t, good, changed, c.from)
		_, err := ReadLightGBM(strings.NewReader(changed))
		var f *fault.Error
		require.ErrorAs(t, err, &f, c.to)
		require.Equal(t, c.reason, f.Reason.Code, "%s: %v", c.to, err)
		require.Contains(t, f.Text("en"), c.says)
		require.NotEqual(t, f.Text("zh"), f.Text("en"))
	}
}
