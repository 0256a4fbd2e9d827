package boost

import (
	"bytes"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// survives holds a model that a reader let through to what every model must do: predict alike both ways, explain its
// margin, and come back from its own form.
func survives(t *testing.T, m *Model) {
	t.Helper()
	if len(m.Features) > 64 || len(m.Trees) > 64 {
		return
	}
	row := make([]float64, len(m.Features))
	for i := range row {
		switch i % 3 {
		case 0:
			row[i] = math.NaN()
		case 1:
			row[i] = float64(i)
		}
	}
	margin, err := m.Margin(row)
	require.NoError(t, err)
	margins, err := NewPredictor(m).Margins(nil, row)
	require.NoError(t, err)
	if margins[0] != margin && !(math.IsNaN(margin) && math.IsNaN(margins[0])) {
		t.Fatalf("%g by rows, %g in batch", margin, margins[0])
	}
	_, err = NewExplainer(m).Explain(row)
	require.NoError(t, err)
	var file bytes.Buffer
	require.NoError(t, Write(&file, m))
	again, err := Read(&file)
	require.NoError(t, err)
	require.Equal(t, m, again)
}

func FuzzReadXGBoost(f *testing.F) {
	for _, name := range []string{"weights", "plain"} {
		text, err := os.ReadFile("testdata/xgboost/" + name + ".json")
		require.NoError(f, err)
		f.Add(text)
	}
	f.Add([]byte(`{"version":[2,0,0],"learner":{}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if m, err := ReadXGBoost(bytes.NewReader(text)); err == nil {
			survives(t, m)
		}
	})
}

func FuzzReadLightGBM(f *testing.F) {
	text, err := os.ReadFile("testdata/lightgbm/breast_cancer.txt")
	require.NoError(f, err)
	f.Add(string(text))
	f.Add(strings.Replace(twoSplits, "%d", "8", 1))
	f.Add(strings.Replace(twoSplits, "%d", "4", 1))
	f.Fuzz(func(t *testing.T, text string) {
		if m, err := ReadLightGBM(strings.NewReader(text)); err == nil {
			survives(t, m)
		}
	})
}

func FuzzRead(f *testing.F) {
	m, err := ReadLightGBM(strings.NewReader(strings.Replace(twoSplits, "%d", "8", 1)))
	require.NoError(f, err)
	var file bytes.Buffer
	require.NoError(f, Write(&file, m))
	f.Add(file.Bytes())
	f.Fuzz(func(t *testing.T, text []byte) {
		if m, err := Read(bytes.NewReader(text)); err == nil {
			survives(t, m)
		}
	})
}
