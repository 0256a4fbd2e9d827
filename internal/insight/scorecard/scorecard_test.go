package scorecard_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/insight/feature"
	"github.com/capillary-finance/capillary/internal/insight/scorecard"
	"github.com/capillary-finance/capillary/internal/testkit/cumcm"
)

// vector makes a vector with enough history and only the given values.
func vector(values map[string]float64) feature.Vector {
	v := feature.Vector{AsOf: calendar.MustParse("2024-05-31"), Version: feature.Version, Invoices: 200, Months: 24,
		Values: make([]float64, len(feature.Definitions()))}
	for i := range v.Values {
		v.Values[i] = math.NaN()
	}
	for id, x := range values {
		_, at, ok := feature.Lookup(id)
		if !ok {
			panic(id)
		}
		v.Values[at] = x
	}
	return v
}

// book draws firms whose default depends on sales, void rate and silence; noise is drawn without any meaning.
func book(n int, seed uint64, meaning float64) []scorecard.Sample {
	r := rand.New(rand.NewPCG(seed, 7)) //nolint:gosec // test data
	samples := make([]scorecard.Sample, n)
	for i := range samples {
		sales, void, silence := r.NormFloat64(), r.NormFloat64(), r.NormFloat64()
		z := meaning*(-1.2*sales+0.8*void+0.6*silence) - 1.2
		values := map[string]float64{
			"sales_net_12m": 1e8 * math.Exp(sales), "sales_void_rate_12m": 0.1 / (1 + math.Exp(-void)), "sales_silence_days": 10 * math.Exp(silence),
			"buyer_hhi_12m": r.Float64(), "sales_cv_12m": r.Float64() * 2, "margin_12m": r.NormFloat64(), "sales_growth_yoy": r.NormFloat64(),
		}
		if i%9 == 0 {
			delete(values, "sales_growth_yoy")
		}
		samples[i] = scorecard.Sample{ID: fmt.Sprint("F", i), Vector: vector(values), Bad: r.Float64() < 1/(1+math.Exp(-z))}
	}
	return samples
}

func options() scorecard.Options {
	o := scorecard.DefaultOptions()
	o.Repeats = 4
	return o
}

func TestTrainingFindsTheMeaning(t *testing.T) {
	t.Parallel()
	samples := book(600, 1, 1)
	m, err := scorecard.Train(samples, options())
	require.NoError(t, err)
	var chosen []string
	for _, c := range m.Characteristics {
		chosen = append(chosen, c.Feature)
		require.Positive(t, c.Beta)
	}
	require.Subset(t, chosen, []string{"sales_net_12m", "sales_void_rate_12m", "sales_silence_days"})
	v, err := scorecard.CrossValidate(samples, options())
	require.NoError(t, err)
	require.Greater(t, v.AUC.Mean, 0.75)
	require.Len(t, v.Folds, 20)
	require.Len(t, v.HeldOut, 600)
	calibrated := m.Calibrated(v, samples)
	var mean, bads float64
	for _, s := range samples {
		mean += calibrated.Score(s.Vector).PD
		if s.Bad {
			bads++
		}
	}
	require.InDelta(t, bads, mean, 0.06*bads, "predicted defaults match those observed")
}

// TestNoMeaningGivesNoSeparation is the test of honest folds: binning or selecting among many features outside of the
// folds would show an AUC well above one half on labels that mean nothing.
func TestNoMeaningGivesNoSeparation(t *testing.T) {
	t.Parallel()
	const books = 6
	var mean float64
	for seed := range uint64(books) {
		r := rand.New(rand.NewPCG(seed, 3)) //nolint:gosec // test data
		samples := book(150, seed, 0)
		for _, s := range samples {
			for i := range s.Vector.Values {
				s.Vector.Values[i] = r.NormFloat64()
			}
		}
		v, err := scorecard.CrossValidate(samples, options())
		require.NoError(t, err)
		mean += v.AUC.Mean / books
	}
	require.InDelta(t, 0.5, mean, 0.05)
}

func TestSameInputsSameModel(t *testing.T) {
	t.Parallel()
	samples := book(300, 3, 1)
	encode := func(workers int) string {
		o := options()
		o.Workers = workers
		m, err := scorecard.Train(samples, o)
		require.NoError(t, err)
		v, err := scorecard.CrossValidate(samples, o)
		require.NoError(t, err)
		text, err := json.Marshal([]any{m.Calibrated(v, samples), v})
		require.NoError(t, err)
		return string(text)
	}
	require.Equal(t, encode(1), encode(4))
}

func TestCrossValidationCanBeWatchedAndStopped(t *testing.T) {
	t.Parallel()
	samples := book(300, 3, 1)
	o := options()
	var calls atomic.Int64
	o.Watch = func(done, total int) error {
		calls.Add(1)
		if total != 20 || done < 1 || done > 20 {
			return fmt.Errorf("%d of %d", done, total)
		}
		return nil
	}
	_, err := scorecard.CrossValidate(samples, o)
	require.NoError(t, err)
	require.EqualValues(t, 20, calls.Load())
	o.Watch = func(int, int) error { return context.Canceled }
	_, err = scorecard.CrossValidate(samples, o)
	require.ErrorIs(t, err, context.Canceled)
}

func TestScoreIsTheSumOfItsParts(t *testing.T) {
	t.Parallel()
	samples := book(400, 5, 1)
	m, err := scorecard.Train(samples, options())
	require.NoError(t, err)
	text, err := json.Marshal(m)
	require.NoError(t, err)
	var stored scorecard.Model
	require.NoError(t, json.Unmarshal(text, &stored))
	for _, s := range samples {
		r := m.Score(s.Vector)
		points, z := m.BasePoints, m.Intercept
		for _, c := range r.Contributions {
			points, z = points+c.Points, z+c.LogOdds
			require.GreaterOrEqual(t, c.MaxPoints, c.Points)
		}
		require.Equal(t, points, r.Points)
		require.InDelta(t, 1/(1+math.Exp(-z)), r.PD, 1e-12)
		require.InDelta(t, m.Options.Scaling.Score(r.PD), float64(r.Points), 4, "rounding only")
		require.Equal(t, r, stored.Score(s.Vector), "a stored model scores the same")
	}
}

func TestBetterFiguresNeverCostPoints(t *testing.T) {
	t.Parallel()
	m, err := scorecard.Train(book(500, 9, 1), options())
	require.NoError(t, err)
	for _, c := range m.Characteristics {
		require.GreaterOrEqual(t, len(c.Bins), 2)
		for i := 1; i < len(c.Bins); i++ {
			rise := c.Bins[i].Points - c.Bins[i-1].Points
			require.LessOrEqual(t, rise*int(c.Direction), 0, c.Feature)
			require.Greater(t, float64(c.Direction)*(c.Bins[i].WOE-c.Bins[i-1].WOE), 0.0)
		}
		def, _, _ := feature.Lookup(c.Feature)
		if def.Direction != feature.Unknown {
			require.Equal(t, def.Direction, c.Direction)
		}
	}
}

func TestReasonsNameTheFirmsOwnFigures(t *testing.T) {
	t.Parallel()
	samples := book(600, 1, 1)
	m, err := scorecard.Train(samples, options())
	require.NoError(t, err)
	r := m.Score(vector(map[string]float64{"sales_net_12m": 123_456_00, "sales_void_rate_12m": 0.0991, "sales_silence_days": 88}))
	require.NotEmpty(t, r.Reasons)
	require.LessOrEqual(t, len(r.Reasons), scorecard.ReasonLimit)
	all, lost := "", math.MaxInt
	for _, x := range r.Reasons {
		require.Positive(t, x.PointsLost)
		require.LessOrEqual(t, x.PointsLost, lost)
		lost = x.PointsLost
		all += x.Zh + x.En
	}
	require.Contains(t, all, "123,456元")
	require.Contains(t, all, "CNY 123,456")
	require.Contains(t, all, "88天")
	require.Contains(t, all, "88 days")
}

func TestThinFilesGetThePrior(t *testing.T) {
	t.Parallel()
	samples := book(400, 5, 1)
	m, err := scorecard.Train(samples, options())
	require.NoError(t, err)
	v := samples[0].Vector
	v.Months = 2
	r := m.Score(v)
	require.True(t, r.ThinFile)
	require.InDelta(t, m.PriorPD, r.PD, 0)
	require.Equal(t, m.Grade(m.PriorPD), r.Grade)
	require.Equal(t, scorecard.ThinFileCode, r.Reasons[0].Code)
	require.Contains(t, r.Reasons[0].En, "2 months")
}

func TestPriorOfTheBookMovesThePDs(t *testing.T) {
	t.Parallel()
	samples := book(600, 1, 1)
	o := options()
	o.PriorBadRate = 0.02
	m, err := scorecard.Train(samples, o)
	require.NoError(t, err)
	v, err := scorecard.CrossValidate(samples, o)
	require.NoError(t, err)
	plain, err := scorecard.Train(samples, options())
	require.NoError(t, err)
	shifted, same := m.Calibrated(v, samples), plain.Calibrated(v, samples)
	for _, s := range samples[:50] {
		require.Less(t, shifted.Score(s.Vector).PD, same.Score(s.Vector).PD)
	}
	require.InDelta(t, 0.02, shifted.PriorPD, 0)
}

func TestStabilityOfTheSameBookIsZero(t *testing.T) {
	t.Parallel()
	samples := book(500, 2, 1)
	m, err := scorecard.Train(samples, options())
	require.NoError(t, err)
	var same, worse []int
	for _, s := range samples {
		p := m.Score(s.Vector).Points
		same, worse = append(same, p), append(worse, p-60)
	}
	require.InDelta(t, 0, m.Stability(same), 1e-9)
	require.Greater(t, m.Stability(worse), 0.25)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	samples := book(300, 3, 1)
	for name, c := range map[string]struct {
		change  func(*scorecard.Options)
		samples []scorecard.Sample
		want    string
	}{
		"no candidate":  {func(o *scorecard.Options) { o.Candidates = nil }, samples, "name at least one"},
		"unknown":       {func(o *scorecard.Options) { o.Candidates = []string{"rating"} }, samples, `"rating" is not defined`},
		"bins":          {func(o *scorecard.Options) { o.MaxBins = 1 }, samples, "max_bins"},
		"folds":         {func(o *scorecard.Options) { o.Folds = 1 }, samples, "folds"},
		"repeats":       {func(o *scorecard.Options) { o.Repeats = 1000 }, samples, "repeats"},
		"grades":        {func(o *scorecard.Options) { o.Grades = nil }, samples, "last grade"},
		"few labels":    {func(*scorecard.Options) {}, samples[:12], "label more firms"},
		"no separation": {func(o *scorecard.Options) { o.Candidates = []string{"tenure_months"} }, samples, "no candidate feature separates"},
	} {
		o := options()
		c.change(&o)
		_, err := scorecard.Train(c.samples, o)
		require.ErrorContains(t, err, c.want, name)
	}
}

// TestContestBook is the bar of the project: invoices alone, 20x5 folds, the rating never an input.
func TestContestBook(t *testing.T) {
	t.Parallel()
	samples := contest(t)
	v, err := scorecard.CrossValidate(samples, scorecard.DefaultOptions())
	require.NoError(t, err)
	t.Logf("AUC over 100 folds: mean %.4f, std %.4f, min %.4f, p05 %.4f, max %.4f", v.AUC.Mean, v.AUC.Std, v.AUC.Min, v.AUC.P05, v.AUC.Max)
	t.Logf("AUC over 20 repeats: mean %.4f, std %.4f, min %.4f, max %.4f; KS %.3f; Brier %.4f; slope %.2f", v.RepeatAUC.Mean, v.RepeatAUC.Std, v.RepeatAUC.Min, v.RepeatAUC.Max, v.KS.Mean, v.Brier.Mean, v.Slope)
	require.Equal(t, 123, v.Samples)
	require.Equal(t, 27, v.Bads)
	require.Len(t, v.Folds, 100)
	require.GreaterOrEqual(t, v.AUC.Mean, 0.87)
	require.GreaterOrEqual(t, v.RepeatAUC.Min, 0.85)
	m, err := scorecard.Train(samples, scorecard.DefaultOptions())
	require.NoError(t, err)
	for _, c := range m.Calibrated(v, samples).Characteristics {
		def, _, _ := feature.Lookup(c.Feature)
		t.Logf("%s IV %.2f beta %.2f", def.En, c.IV, c.Beta)
		for _, b := range c.Bins {
			bound := "above"
			if b.Max != nil {
				bound = "<= " + scorecard.Figure(*b.Max, def.Unit, "en")
			}
			t.Logf("   %-20s good %d bad %d woe %.2f points %d", bound, b.Good, b.Bad, b.WOE, b.Points)
		}
	}
}

func contest(tb testing.TB) []scorecard.Sample {
	tb.Helper()
	firms := cumcm.Load(tb)
	day := cumcm.LastDate(firms)
	samples := make([]scorecard.Sample, len(firms))
	for i, f := range firms {
		samples[i] = scorecard.Sample{ID: f.Code, Bad: f.Bad, Vector: feature.Compute(day, f.Invoices)}
	}
	return samples
}

func BenchmarkTrainContestBook(b *testing.B) {
	samples := contest(b)
	for b.Loop() {
		_, err := scorecard.Train(samples, scorecard.DefaultOptions())
		require.NoError(b, err)
	}
}

func BenchmarkCrossValidateContestBook(b *testing.B) {
	samples := contest(b)
	for b.Loop() {
		_, err := scorecard.CrossValidate(samples, scorecard.DefaultOptions())
		require.NoError(b, err)
	}
}
