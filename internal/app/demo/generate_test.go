package demo_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/app/demo"
	"github.com/capillary-finance/capillary/internal/base/uscc"
	"github.com/capillary-finance/capillary/internal/evidence/source"
)

func TestTheSameSeedGivesTheSameBytes(t *testing.T) {
	t.Parallel()
	a, err := demo.Generate(demo.DefaultOptions())
	require.NoError(t, err)
	b, err := demo.Generate(demo.DefaultOptions())
	require.NoError(t, err)
	fa, err := demo.Files(a)
	require.NoError(t, err)
	fb, err := demo.Files(b)
	require.NoError(t, err)
	require.Equal(t, fa, fb)
}

func TestTheDemonstrationHasWhatTheStoryNeeds(t *testing.T) {
	t.Parallel()
	firms, err := demo.Generate(demo.DefaultOptions())
	require.NoError(t, err)
	require.Len(t, firms, 60)
	seen, labels, invoices, thin := map[string]bool{}, map[string]int{}, 0, 0
	for _, f := range firms {
		require.False(t, seen[f.USCC], "codes are unique")
		seen[f.USCC] = true
		require.NoError(t, uscc.Check(f.USCC))
		require.Contains(t, f.Name, "演示", "marked as demonstration")
		labels[f.Label]++
		invoices += len(f.Invoices)
		months := map[string]bool{}
		for _, v := range f.Invoices {
			require.Equal(t, v.GrossMinor, v.NetMinor+v.TaxMinor)
			months[v.Date.String()[:7]] = true
		}
		if len(months) <= 3 {
			thin++
		}
	}
	t.Logf("labels %v, %d invoices, %d thin files", labels, invoices, thin)
	require.GreaterOrEqual(t, labels["bad"], 10)
	require.GreaterOrEqual(t, labels["good"], 25)
	require.Equal(t, 5, thin)
	require.Greater(t, invoices, 20_000)
}

func TestTheFreshBatchFalls(t *testing.T) {
	t.Parallel()
	o := demo.DefaultOptions()
	firms, err := demo.Generate(o)
	require.NoError(t, err)
	sum := func(vs []source.Invoice) (s int64) {
		for _, v := range vs {
			if v.Direction == source.Sale && !v.Void {
				s += v.NetMinor
			}
		}
		return s
	}
	f, from, to := firms[0], o.Until, o.Until.AddDays(15)
	for _, v := range demo.FreshBatch(o, f, false, from, to) {
		require.True(t, v.Date.After(from) && !v.Date.After(to))
	}
	require.Greater(t, sum(demo.FreshBatch(o, f, false, from, to)), 4*sum(demo.FreshBatch(o, f, true, from, to)))
}
