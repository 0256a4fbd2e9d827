package benchmark_test

import (
	"encoding/csv"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/capillary-finance/capillary/internal/base/benchmark"
	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/rate"
)

func day(s string) calendar.Date { return calendar.MustParse(s) }

func pct(t *testing.T, s string) rate.Rate {
	t.Helper()
	r, err := rate.Parse(s + "%")
	require.NoError(t, err)
	return r
}

func table(t *testing.T) benchmark.Table {
	t.Helper()
	out, err := benchmark.NewTable([]benchmark.Publication{
		{On: day("2025-05-20"), OneYear: pct(t, "3.00"), FiveYears: pct(t, "3.50")},
		{On: day("2024-10-21"), OneYear: pct(t, "3.10"), FiveYears: pct(t, "3.60")},
		{On: day("2024-07-22"), OneYear: pct(t, "3.35"), FiveYears: pct(t, "3.85")},
	})
	require.NoError(t, err)
	return out
}

func TestARateHoldsFromItsPublicationToTheNext(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		day   string
		tenor benchmark.Tenor
		want  string
	}{
		{"2024-07-22", benchmark.LPR1Y, "3.35"},
		{"2024-10-20", benchmark.LPR1Y, "3.35"}, // a Sunday: the new rate comes on Monday
		{"2024-10-21", benchmark.LPR1Y, "3.10"},
		{"2025-05-19", benchmark.LPR5Y, "3.60"},
		{"2026-01-01", benchmark.LPR5Y, "3.50"},
	} {
		got, err := benchmark.RateAt(table(t), c.tenor, day(c.day))
		require.NoError(t, err)
		require.Equal(t, pct(t, c.want), got, c.day)
	}
	_, err := benchmark.RateAt(table(t), benchmark.LPR1Y, day("2024-07-21"))
	require.ErrorIs(t, err, benchmark.ErrUnknown)
	_, err = benchmark.RateAt(table(t), "shibor", day("2025-07-21"))
	require.ErrorIs(t, err, benchmark.ErrUnknown)
}

func TestATableIsChecked(t *testing.T) {
	t.Parallel()
	good := benchmark.Publication{On: day("2025-05-20"), OneYear: pct(t, "3"), FiveYears: pct(t, "3.5")}
	for name, spoil := range map[string]func(p *benchmark.Publication) []benchmark.Publication{
		"twice": func(p *benchmark.Publication) []benchmark.Publication { return []benchmark.Publication{*p, *p} },
		"no date": func(p *benchmark.Publication) []benchmark.Publication {
			p.On = calendar.Date{}
			return []benchmark.Publication{*p}
		},
		"zero": func(p *benchmark.Publication) []benchmark.Publication {
			p.OneYear = 0
			return []benchmark.Publication{*p}
		},
		"negative": func(p *benchmark.Publication) []benchmark.Publication {
			p.FiveYears = -1
			return []benchmark.Publication{*p}
		},
		"300%": func(p *benchmark.Publication) []benchmark.Publication {
			p.OneYear = 3 * rate.Scale
			return []benchmark.Publication{*p}
		},
	} {
		p := good
		_, err := benchmark.NewTable(spoil(&p))
		require.ErrorIs(t, err, benchmark.ErrTable, name)
	}
}

// The true history of the LPR is the judge of the publication day.
func TestPublicationDaysAgreeWithHistory(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("CAPILLARY_TEST_DATA")
	if dir == "" {
		t.Skip("CAPILLARY_TEST_DATA is not set")
	}
	f, err := os.Open(filepath.Join(dir, "lpr", "lpr_history.csv"))
	require.NoError(t, err)
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	require.NoError(t, err)
	require.Greater(t, len(rows), 80)
	var all []benchmark.Publication
	for _, r := range rows[1:] {
		on := day(r[0])
		require.Equal(t, on, benchmark.PublishedIn(on))
		all = append(all, benchmark.Publication{On: on, OneYear: pct(t, r[1]), FiveYears: pct(t, r[2])})
	}
	full, err := benchmark.NewTable(all)
	require.NoError(t, err)
	require.Empty(t, benchmark.Missing(full, full[len(full)-1].On))
	holed := append(append(benchmark.Table{}, full[:3]...), full[5:]...)
	require.Equal(t, []calendar.Date{full[3].On, full[4].On}, benchmark.Missing(holed, full[len(full)-1].On))
	require.Len(t, benchmark.Missing(full[:len(full)-2], full[len(full)-1].On), 2, "a table nobody kept up says so")
}

func TestResetDays(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		rule            benchmark.Rule
		start, from, to string
		want            []string
	}{
		{benchmark.Fixed, "2024-03-15", "2024-03-15", "2034-01-01", nil},
		{benchmark.Anniversary, "2024-03-15", "2024-03-15", "2026-12-31", []string{"2025-03-15", "2026-03-15"}},
		{benchmark.Anniversary, "2024-02-29", "2024-02-29", "2028-12-31", []string{"2025-02-28", "2026-02-28", "2027-02-28", "2028-02-29"}},
		{benchmark.January1, "2024-03-15", "2024-03-15", "2026-06-30", []string{"2025-01-01", "2026-01-01"}},
		{benchmark.January1, "2025-01-01", "2025-01-01", "2026-06-30", []string{"2026-01-01"}}, // its own first day is no reset
		{benchmark.Quarterly, "2024-01-31", "2024-01-31", "2025-02-01", []string{"2024-04-30", "2024-07-31", "2024-10-31", "2025-01-31"}},
		{benchmark.Monthly, "2024-01-31", "2024-01-31", "2024-05-01", []string{"2024-02-29", "2024-03-31", "2024-04-30"}},
		{benchmark.QuarterStart, "2024-02-10", "2024-02-10", "2025-01-02", []string{"2024-04-01", "2024-07-01", "2024-10-01", "2025-01-01"}},
		{benchmark.MonthStart, "2024-11-30", "2024-11-30", "2025-02-01", []string{"2024-12-01", "2025-01-01"}},
		{benchmark.Anniversary, "2024-03-15", "2025-03-15", "2025-03-16", []string{"2025-03-15"}}, // one day of an end of day
		{benchmark.Anniversary, "2024-03-15", "2025-03-14", "2025-03-15", nil},
		{"weekly", "2024-03-15", "2024-03-15", "2034-01-01", nil},
	} {
		var want []calendar.Date
		for _, s := range c.want {
			want = append(want, day(s))
		}
		require.Equal(t, want, benchmark.ResetsBetween(c.rule, day(c.start), day(c.from), day(c.to)), "%s %s", c.rule, c.start)
	}
	require.Error(t, benchmark.Rule("weekly").Check())
	for _, r := range benchmark.Rules() {
		require.NoError(t, r.Check())
		zh, en := r.Name()
		require.NotEqual(t, zh, en)
	}
	require.Equal(t, benchmark.LPR1Y, benchmark.TenorFor(60))
	require.Equal(t, benchmark.LPR5Y, benchmark.TenorFor(61))
}

// Cutting a period anywhere gives the same days; walking day by day as the end
// of day does gives them too; and the next reset is the first of the rest.
func TestResetsDoNotDependOnHowThePeriodIsCut(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		start := day("2019-08-20").AddDays(rapid.IntRange(0, 3000).Draw(t, "start"))
		rule := rapid.SampledFrom(benchmark.Rules()).Draw(t, "rule")
		from := start.AddDays(rapid.IntRange(-50, 900).Draw(t, "from"))
		to := from.AddDays(rapid.IntRange(0, 900).Draw(t, "to"))
		cut := from.AddDays(rapid.IntRange(0, 900).Draw(t, "cut"))
		if cut.After(to) {
			cut = to
		}
		whole := benchmark.ResetsBetween(rule, start, from, to)
		require.Equal(t, whole, append(benchmark.ResetsBetween(rule, start, from, cut), benchmark.ResetsBetween(rule, start, cut, to)...))
		var daily []calendar.Date
		for d := from; d.Before(to); d = d.AddDays(1) {
			daily = append(daily, benchmark.ResetsBetween(rule, start, d, d.AddDays(1))...)
		}
		require.Equal(t, whole, daily)
		if len(whole) > 0 {
			next, ok := benchmark.NextReset(rule, start, from.AddDays(-1))
			require.True(t, ok)
			require.Equal(t, whole[0], next)
		}
	})
}
