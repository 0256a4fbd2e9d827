package pricing

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

func TestBenchmarkHoldsUntilTheNextPublication(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		day       calendar.Date
		name, out string
	}{
		{calendar.Of(2019, 8, 20), "lpr_1y", "0.0425"},
		{calendar.Of(2020, 2, 19), "lpr_1y", "0.0415"},
		{calendar.Of(2020, 2, 20), "lpr_1y", "0.0405"},
		{calendar.Of(2025, 5, 20), "lpr_5y", "0.035"},
		{calendar.Of(2026, 1, 5), "lpr_1y", "0.03"},
	} {
		b, err := BenchmarkOn(c.name, c.day)
		require.NoError(t, err)
		require.Equal(t, c.out, b.Rate.String(), c.day)
		require.False(t, b.PublishedOn.After(c.day))
	}
	_, err := BenchmarkOn("lpr_1y", calendar.Of(2019, 8, 19))
	require.True(t, fault.Is(err, ReasonNoBenchmark))
	_, err = BenchmarkOn("shibor", calendar.Of(2026, 1, 5))
	require.True(t, fault.Is(err, ReasonNoBenchmark))
}
