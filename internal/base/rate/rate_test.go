package rate_test

import (
	"encoding/json"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
)

func TestText(t *testing.T) {
	t.Parallel()
	rows := []struct {
		in      string
		units   int64
		out     string
		percent string
	}{
		{"0.0435", 4_350_000, "0.0435", "4.35%"},
		{"4.35%", 4_350_000, "0.0435", "4.35%"},
		{"0.04", 4_000_000, "0.04", "4.00%"},
		{"1", 100_000_000, "1", "100.00%"},
		{"-0.00000001", -1, "-0.00000001", "-0.000001%"},
		{"0", 0, "0", "0.00%"},
		{"0.036525", 3_652_500, "0.036525", "3.6525%"},
	}
	for _, r := range rows {
		got, err := rate.Parse(r.in)
		require.NoError(t, err, r.in)
		require.Equal(t, rate.Rate(r.units), got, r.in)
		require.Equal(t, r.out, got.String())
		require.Equal(t, r.percent, got.Percent())
	}
	for _, bad := range []string{"", "%", "4.35 %", "abc", "0.000000001"} {
		_, err := rate.Parse(bad)
		require.ErrorIs(t, err, rate.ErrSyntax, bad)
	}
	require.Equal(t, rate.Rate(4_350_000), rate.FromBP(435))
	require.Equal(t, int64(435), rate.FromBP(435).BP())
}

func TestJSON(t *testing.T) {
	t.Parallel()
	type doc struct {
		Rate rate.Rate `json:"rate"`
	}
	b, err := json.Marshal(doc{Rate: rate.FromBP(435)})
	require.NoError(t, err)
	require.JSONEq(t, `{"rate":"0.0435"}`, string(b))
	var back doc
	require.NoError(t, json.Unmarshal(b, &back))
	require.Equal(t, rate.FromBP(435), back.Rate)
}

func TestInterestTable(t *testing.T) {
	t.Parallel()
	// 1,000,000.00 at 4.35% for 31 days ACT/360: 3745.8333 -> 3745.83.
	got, err := rate.Interest(100_000_000, rate.FromBP(435), 31, 360, money.HalfUp)
	require.NoError(t, err)
	require.Equal(t, int64(374_583), got)
	// One month of a whole-month reading: 100,000.00 * 4% / 12 = 333.33.
	got, err = rate.Interest(10_000_000, rate.FromBP(400), 1, 12, money.HalfUp)
	require.NoError(t, err)
	require.Equal(t, int64(33_333), got)
}

func TestInterestAgainstRat(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.Int64Range(0, 1e15).Draw(t, "principal")
		r := rate.Rate(rapid.Int64Range(0, rate.Scale).Draw(t, "rate"))
		days := rapid.Int64Range(0, 4000).Draw(t, "days")
		exact := new(big.Rat).SetFrac(
			new(big.Int).Mul(new(big.Int).Mul(big.NewInt(p), big.NewInt(int64(r))), big.NewInt(days)),
			new(big.Int).Mul(big.NewInt(rate.Scale), big.NewInt(360)))
		down := new(big.Int).Quo(exact.Num(), exact.Denom())
		got, err := rate.Interest(p, r, days, 360, money.Down)
		require.NoError(t, err)
		require.Equal(t, down.Int64(), got)
	})
}

func TestTextRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := rate.Rate(rapid.Int64Range(-1e17, 1e17).Draw(t, "rate"))
		got, err := rate.Parse(r.String())
		require.NoError(t, err)
		require.Equal(t, r, got)
		got, err = rate.Parse(r.Percent())
		require.NoError(t, err)
		require.Equal(t, r, got)
	})
}
