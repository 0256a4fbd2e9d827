package feature_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/evidence/source"
	"github.com/capillary-finance/capillary/internal/insight/feature"
)

var asOf = calendar.MustParse("2024-05-31")

// drawInvoices makes up to 150 invoices dated from six years before to one year after the as-of date. They come from a
// drawn seed: integers drawn directly crowd around zero and would leave the older windows empty.
func drawInvoices(t *rapid.T) []source.Invoice {
	r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 1)) //nolint:gosec // test data
	all := make([]source.Invoice, r.IntN(150))
	for i := range all {
		net := r.Int64N(25_000_000) - 5_000_000
		tax := r.Int64N(14) * net / 100
		all[i] = source.Invoice{
			Direction: source.Direction(1 + r.IntN(2)), Date: asOf.AddDays(r.IntN(2566) - 2200),
			Counterparty: "P" + strconv.Itoa(r.IntN(12)), NetMinor: net, TaxMinor: tax, GrossMinor: net + tax, Red: net+tax < 0,
			Void: r.IntN(10) == 0, Duplicate: r.IntN(20) == 0, Mismatch: r.IntN(20) == 0,
		}
	}
	return all
}

func requireSame(t require.TestingT, want, got feature.Vector) {
	require.Equal(t, want.Invoices, got.Invoices)
	require.Equal(t, want.Months, got.Months)
	for i, d := range feature.Definitions() {
		if math.IsNaN(want.Values[i]) && math.IsNaN(got.Values[i]) {
			continue
		}
		require.Equal(t, want.Values[i], got.Values[i], d.ID) //nolint:testifylint // bit for bit is the point
	}
}

func TestDefinitionsAreComplete(t *testing.T) {
	t.Parallel()
	defs := feature.Definitions()
	require.GreaterOrEqual(t, len(defs), 60)
	seen := map[string]bool{}
	themes := map[feature.Theme]int{}
	for _, d := range defs {
		require.False(t, seen[d.ID], "%s is defined twice", d.ID)
		seen[d.ID] = true
		themes[d.Theme]++
		for name, text := range map[string]string{"id": d.ID, "zh": d.Zh, "en": d.En, "formula zh": d.FormulaZh, "formula en": d.FormulaEn,
			"null zh": d.NullZh, "null en": d.NullEn, "theme": string(d.Theme), "unit": string(d.Unit), "window": string(d.Window), "chart": string(d.Chart)} {
			require.NotEmpty(t, text, "%s of %s", name, d.ID)
		}
		require.NotEmpty(t, d.Sources, d.ID)
		require.Equal(t, strings.ToLower(d.ID), d.ID)
	}
	require.Len(t, themes, 13)
	for theme, n := range themes {
		require.GreaterOrEqual(t, n, 4, theme)
	}
}

func TestLaterInvoicesChangeNothing(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all := drawInvoices(t)
		day := asOf.AddDays(-rapid.IntRange(0, 800).Draw(t, "day"))
		var known []source.Invoice
		for _, inv := range all {
			if !inv.Date.After(day) {
				known = append(known, inv)
			}
		}
		requireSame(t, feature.Compute(day, known), feature.Compute(day, all))
		require.Equal(t, feature.Analyse(day, known).Series(), feature.Analyse(day, all).Series())
	})
}

func TestOrderDoesNotMatter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all := drawInvoices(t)
		shuffled := rapid.Permutation(all).Draw(t, "shuffled")
		requireSame(t, feature.Compute(asOf, all), feature.Compute(asOf, shuffled))
	})
}

func TestVoidInvoicesOnlyMoveVoidFeatures(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all := drawInvoices(t)
		var valid []source.Invoice
		for _, inv := range all {
			if !inv.Void {
				valid = append(valid, inv)
			}
		}
		with, without := feature.Compute(asOf, all), feature.Compute(asOf, valid)
		for i, d := range feature.Definitions() {
			if strings.Contains(d.ID, "void") || d.ID == "irregular_rows" || math.IsNaN(with.Values[i]) && math.IsNaN(without.Values[i]) {
				continue
			}
			require.Equal(t, without.Values[i], with.Values[i], d.ID) //nolint:testifylint // bit for bit
		}
	})
}

func TestVectorSurvivesJSON(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := feature.Compute(asOf, drawInvoices(t))
		text, err := json.Marshal(want)
		require.NoError(t, err)
		var got feature.Vector
		require.NoError(t, json.Unmarshal(text, &got))
		require.Equal(t, want.AsOf, got.AsOf)
		requireSame(t, want, got)
	})
	var v feature.Vector
	require.ErrorContains(t, json.Unmarshal([]byte(`{"as_of":"2024-01-01","values":{"no_such":1}}`), &v), "no_such")
}

func TestEmptyHistory(t *testing.T) {
	t.Parallel()
	v := feature.Compute(asOf, nil)
	require.Zero(t, v.Invoices)
	for i, d := range feature.Definitions() {
		if d.NullEn == "never empty" {
			require.False(t, feature.Null(v.Values[i]), d.ID)
		} else {
			require.True(t, feature.Null(v.Values[i]), d.ID)
		}
	}
	_, ok := v.Value("sales_silence_days")
	require.False(t, ok)
	s := feature.Analyse(asOf, nil).Series()
	require.Empty(t, s.Months)
	require.NotNil(t, s.TopBuyers)
}

func TestMonthsAreAnchoredAtTheDate(t *testing.T) {
	t.Parallel()
	day := calendar.MustParse("2024-03-31")
	for _, c := range []struct {
		date   string
		inside bool
	}{{"2024-03-31", true}, {"2024-03-01", true}, {"2024-01-01", true}, {"2023-12-31", false}, {"2024-04-01", false}} {
		v := feature.Compute(day, []source.Invoice{{Direction: source.Sale, Date: calendar.MustParse(c.date), NetMinor: 100, GrossMinor: 100, Counterparty: "a"}})
		got, _ := v.Value("sales_net_3m")
		require.Equal(t, c.inside, got == 100, "%s: %v", c.date, got)
	}
}
