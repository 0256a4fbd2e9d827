package workbench

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/insight/boost"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// book is a made-up book of loans: arrears raise the risk, turnover lowers it, one trade is riskier, the purpose is noise.
func book(rows int, seed uint64) string {
	random := rand.New(rand.NewPCG(seed, 9))
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	_ = w.Write([]string{"id", "turnover", "arrears", "trade", "purpose", "outcome"})
	for i := range rows {
		turnover, arrears := math.Exp(random.NormFloat64()+3), random.IntN(10)
		trade := []string{"food", "cloth", "steel", "travel"}[random.IntN(4)]
		z := -1 - 0.6*math.Log(turnover/20) + 0.3*float64(arrears-4)
		if trade == "travel" {
			z++
		}
		outcome := "paid"
		if random.Float64() < 1/(1+math.Exp(-z)) {
			outcome = "late"
		}
		text := strconv.FormatFloat(turnover, 'f', 2, 64)
		if random.IntN(12) == 0 {
			text = ""
		}
		_ = w.Write([]string{strconv.Itoa(i + 1), text, strconv.Itoa(arrears), trade, []string{"a", "b", "c"}[random.IntN(3)], outcome})
	}
	w.Flush()
	return b.String()
}

func bookOptions(method Method) Options {
	o := DefaultOptions()
	o.Method, o.Label, o.Bad, o.Split = method, "outcome", "late", "id%10<7"
	o.Boost.Trees, o.Boost.Depth = 30, 3
	return o
}

// TestBothMethodsLearnSaveAndScoreAlike takes each method from a table to a file and back to new rows.
func TestBothMethodsLearnSaveAndScoreAlike(t *testing.T) {
	t.Parallel()
	text := book(4_000, 1)
	for _, method := range []Method{Boost, Scorecard} {
		x := table(t, text, ReadOptions{})
		m, err := Train(t.Context(), x, bookOptions(method))
		require.NoError(t, err)
		require.Equal(t, "test", m.Report.Evaluated)
		require.Equal(t, 4_000, m.Report.Train.Rows+m.Report.Test.Rows)
		require.Greater(t, m.Report.Test.AUC, 0.70, method)
		require.NotContains(t, m.Report.Features, "id", "the split reads it, so it is no feature")
		require.NotEqual(t, "purpose", m.Report.Features[0])
		var saved bytes.Buffer
		hash, err := Save(&saved, m)
		require.NoError(t, err)
		again, err := Load(bytes.NewReader(saved.Bytes()))
		require.NoError(t, err)
		var twice bytes.Buffer
		same, err := Save(&twice, again)
		require.NoError(t, err)
		require.Equal(t, hash, same)

		// New rows come in another order of columns, without the label, with a trade nobody saw.
		fresh := "trade,arrears,purpose,turnover,note\ntravel,9,a,1.5,x\nfood,0,b,900,y\nspace,4,c,,z\n"
		y := table(t, fresh, ReadOptions{Schema: again.Inputs})
		scored, unseen, err := again.Score(y)
		require.NoError(t, err)
		require.Equal(t, map[string]int{"trade": 1}, unseen)
		require.Greater(t, scored[0].PD, 0.5, method)
		require.Less(t, scored[1].PD, 0.15, method)
		explained, err := again.Explain(y, []int{0, 1, 2})
		require.NoError(t, err)
		for i, e := range explained {
			total := e.Base
			for _, p := range e.Parts {
				total += p.LogOdds
			}
			require.InDelta(t, e.LogOdds, total, 1e-5)
			require.InDelta(t, scored[i].PD, e.PD, 1e-12)
			require.Equal(t, i+2, e.Row)
		}
		require.Contains(t, []string{"turnover", "arrears"}, explained[1].Parts[0].Name)
		at := slices.IndexFunc(explained[2].Parts, func(p Part) bool { return p.Name == "turnover" })
		require.Nil(t, explained[2].Parts[at].Value)
	}
}

// TestTheTestRowsTeachNothing changes the labels of the rows that the split leaves out, and the model stays as it was.
func TestTheTestRowsTeachNothing(t *testing.T) {
	t.Parallel()
	text := book(2_000, 2)
	lines := strings.Split(strings.TrimSpace(text), "\n")
	for i, line := range lines[1:] {
		if (i+1)%10 >= 7 && i%3 == 0 {
			head, trade, _ := strings.Cut(line, ",food")
			if trade != "" {
				line = head + ",unheard-of" + trade
			}
			lines[i+1] = strings.NewReplacer("late", "paid", "paid", "late").Replace(line)
		}
	}
	for _, method := range []Method{Boost, Scorecard} {
		a, err := Train(t.Context(), table(t, text, ReadOptions{}), bookOptions(method))
		require.NoError(t, err)
		b, err := Train(t.Context(), table(t, strings.Join(lines, "\n"), ReadOptions{}), bookOptions(method))
		require.NoError(t, err)
		require.NotEqual(t, a.Report.Test.AUC, b.Report.Test.AUC)
		a.Report, b.Report = nil, nil
		require.Equal(t, a, b)
	}
}

func TestDirectionsAndEarlyStoppingReachTheTrees(t *testing.T) {
	t.Parallel()
	x := table(t, book(3_000, 3), ReadOptions{})
	o := bookOptions(Boost)
	o.Monotone = map[string]int{"turnover": -1, "arrears": 1}
	o.Valid, o.Boost.EarlyStop, o.Boost.Trees = "id%10==6", 5, 400
	m, err := Train(t.Context(), x, o)
	require.NoError(t, err)
	require.Less(t, m.Report.Trees, 400)
	last := math.Inf(1)
	for _, turnover := range []string{"1", "5", "10", "20", "50", "100", "500"} {
		scored, _, err := m.Score(table(t, "turnover,arrears,trade,purpose\n"+turnover+",4,food,a\n", ReadOptions{Schema: m.Inputs}))
		require.NoError(t, err)
		require.LessOrEqual(t, scored[0].PD, last)
		last = scored[0].PD
	}
}

func TestWrongTrainingsAreNamed(t *testing.T) {
	t.Parallel()
	x := table(t, book(500, 4), ReadOptions{})
	for says, set := range map[string]func(o *Options){
		"method is invalid":                   func(o *Options) { o.Method = "forest" },
		"Option label":                        func(o *Options) { o.Label = "" },
		"Column default cannot be used":       func(o *Options) { o.Label = "default" },
		"name the value of outcome":           func(o *Options) { o.Bad = "" },
		"Row 2, column turnover":              func(o *Options) { o.Label, o.Bad = "turnover", "" },
		"of the 0 training rows":              func(o *Options) { o.Split = "id<0" },
		"of the 0 test rows":                  func(o *Options) { o.Split = "id>0" },
		"of the 0 validation rows":            func(o *Options) { o.Valid, o.Boost.EarlyStop = "id<0", 3 },
		"goes together with early-stop":       func(o *Options) { o.Valid = "id<9" },
		"300 must lie in 2..256":              func(o *Options) { o.Bins = 300 },
		"Column nothing cannot be used":       func(o *Options) { o.Features = []string{"nothing"} },
		"the label cannot be a feature":       func(o *Options) { o.Features = []string{"outcome"} },
		"trade is not a numeric feature":      func(o *Options) { o.Monotone = map[string]int{"trade": 1} },
		"parameter depth = 99":                func(o *Options) { o.Boost.Depth = 99 },
		"for scorecard only":                  func(o *Options) { o.Breaks = map[string]Breaks{"turnover": {Cuts: []float64{1}}} },
		"cuts are for numbers":                func(o *Options) { o.Method, o.Breaks = Scorecard, map[string]Breaks{"trade": {Cuts: []float64{1}}} },
		"need 2 <= max_bins":                  func(o *Options) { o.Method, o.Card.MaxBins = Scorecard, 99 },
		"no column separates":                 func(o *Options) { o.Method, o.Features = Scorecard, []string{"purpose"} },
		"the expression id% is invalid":       func(o *Options) { o.Split = "id%" },
		"(character 1): it gives a value":     func(o *Options) { o.Split = "id" },
		"of numbers, late is none":            func(o *Options) { o.Label = "arrears" },
		"a label must be 0 or 1 (or name the": func(o *Options) { o.Label, o.Bad = "arrears", "" },
	} {
		o := bookOptions(Boost)
		set(&o)
		_, err := Train(t.Context(), x, o)
		var f *fault.Error
		require.ErrorAs(t, err, &f, says)
		require.Contains(t, strings.ToLower(f.Text("en")), strings.ToLower(says))
		require.NotEmpty(t, f.RemedyText("zh"))
	}
	var wide strings.Builder
	wide.WriteString("name,y\n")
	for i := range 1_500 {
		fmt.Fprintf(&wide, "firm %d,%d\n", i, i%2)
	}
	o := DefaultOptions()
	o.Label = "y"
	_, err := Train(t.Context(), table(t, wide.String(), ReadOptions{}), o)
	require.ErrorContains(t, err, "looks like an identifier")
}

func TestBreaksByHandAreReadStrictly(t *testing.T) {
	t.Parallel()
	b, err := ReadBreaks(strings.NewReader(`{"age":[26,35],"trade":["a%,%b","c"],"kind":[["x","y"],["z"]]}`))
	require.NoError(t, err)
	require.Equal(t, map[string]Breaks{"age": {Cuts: []float64{26, 35}}, "trade": {Groups: [][]string{{"a", "b"}, {"c"}}}, "kind": {Groups: [][]string{{"x", "y"}, {"z"}}}}, b)
	for text, says := range map[string]string{
		`[]`: "not a JSON object", `{"a":[]}`: "cuts only or groups only", `{"a":[1,"x"]}`: "cuts only or groups only", `{"a":[2,1]}`: "must rise",
		`{"a":[1,1]}`: "must rise", `{"a":["x","x"]}`: "stands twice", `{"a":[true]}`: "no number, text",
	} {
		_, err := ReadBreaks(strings.NewReader(text))
		require.ErrorContains(t, err, says, text)
	}
}

// Models of other programs are taken in by their features' names.
func TestModelsOfOthersScoreATable(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../boost/testdata/xgboost/plain.json")
	require.NoError(t, err)
	m, err := Load(bytes.NewReader(text))
	require.NoError(t, err)
	b, err := boost.ReadXGBoost(bytes.NewReader(text))
	require.NoError(t, err)
	x := table(t, "f4,f3,f2,f1,f0,id\n1,30,,5,2,7\n", ReadOptions{Schema: m.Inputs, Keep: []string{"id"}})
	scored, _, err := m.Score(x)
	require.NoError(t, err)
	want, err := b.Predict([]float64{2, 5, math.NaN(), 30, 1})
	require.NoError(t, err)
	require.InDelta(t, want, scored[0].PD, 0)
	lgb, err := os.ReadFile("../boost/testdata/lightgbm/breast_cancer.txt")
	require.NoError(t, err)
	m, err = Load(bytes.NewReader(lgb))
	require.NoError(t, err)
	require.Len(t, m.Inputs, 30)
}

func TestAChangedModelFileIsNotRead(t *testing.T) {
	t.Parallel()
	m, err := Train(t.Context(), table(t, book(1_000, 5), ReadOptions{}), bookOptions(Scorecard))
	require.NoError(t, err)
	var saved bytes.Buffer
	_, err = Save(&saved, m)
	require.NoError(t, err)
	text := saved.String()
	changed := strings.Replace(text, `"base_points":`, `"base_points":1`, 1)
	_, err = Load(strings.NewReader(changed))
	require.ErrorContains(t, err, "does not match its hash")
	_, err = Load(strings.NewReader(strings.Replace(text, `"version":1`, `"version":7`, 1)))
	require.ErrorContains(t, err, "version 7 is not read")
	m.Inputs = m.Inputs[1:]
	saved.Reset()
	_, err = Save(&saved, m)
	require.NoError(t, err)
	_, err = Load(&saved)
	require.ErrorContains(t, err, "not the scorecard's characteristics")
}
