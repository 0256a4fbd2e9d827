package daycount_test

import (
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/daycount"
)

func TestFraction(t *testing.T) {
	t.Parallel()
	rows := []struct {
		c        daycount.Convention
		from, to string
		num, den int64
	}{
		{daycount.Act360, "2026-01-31", "2026-02-28", 28, 360},
		{daycount.Act365, "2024-01-01", "2025-01-01", 366, 365},
		{daycount.Thirty360, "2026-01-31", "2026-02-28", 28, 360},
		{daycount.Thirty360, "2026-01-31", "2026-03-31", 60, 360},
		{daycount.Thirty360, "2026-01-15", "2027-01-15", 360, 360},
		// ISDA's own example: 1 Nov 2003 to 1 May 2004 is 61/365 + 121/366.
		{daycount.ActActISDA, "2003-11-01", "2004-05-01", 61*366 + 121*365, 365 * 366},
		{daycount.ActActISDA, "1999-02-01", "1999-07-01", 150 * 366, 365 * 366},
	}
	for _, r := range rows {
		num, den := r.c.Fraction(calendar.MustParse(r.from), calendar.MustParse(r.to))
		require.Equal(t, []int64{r.num, r.den}, []int64{num, den}, "%s %s %s", r.c, r.from, r.to)
	}
}

func TestProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := daycount.Convention(rapid.IntRange(0, 3).Draw(t, "c"))
		a := calendar.FromDays(rapid.Int32Range(0, 40000).Draw(t, "a"))
		b := a.AddDays(rapid.IntRange(0, 4000).Draw(t, "b"))
		m := a.AddDays(rapid.IntRange(0, b.Sub(a)).Draw(t, "m"))
		num, den := c.Fraction(a, b)
		back, _ := c.Fraction(b, a)
		require.Equal(t, num, -back)
		if c != daycount.Thirty360 {
			n1, _ := c.Fraction(a, m)
			n2, _ := c.Fraction(m, b)
			require.Equal(t, num, n1+n2, "a split period is the sum of its parts")
		}
		year := new(big.Rat).SetFrac64(num, den)
		require.LessOrEqual(t, year.Cmp(new(big.Rat).SetFrac64(int64(b.Sub(a))+3, 360)), 0)
		got, err := daycount.Parse(c.String())
		require.NoError(t, err)
		require.Equal(t, c, got)
	})
}
