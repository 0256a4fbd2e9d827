package money_test

import (
	"math"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/capillary-finance/capillary/internal/base/money"
)

func TestParseMinor(t *testing.T) {
	t.Parallel()
	good := map[string]int64{
		"0": 0, "1": 100, "1.5": 150, "1.50": 150, "1.500": 150, "-0.01": -1, "+7": 700,
		"1234567.89": 123456789, "92233720368547758.07": math.MaxInt64, "-92233720368547758.07": -math.MaxInt64,
	}
	for text, want := range good {
		got, err := money.ParseMinor(text, 2)
		require.NoError(t, err, text)
		require.Equal(t, want, got, text)
	}
	bad := map[string]error{
		"": money.ErrSyntax, "-": money.ErrSyntax, ".5": money.ErrSyntax, "5.": money.ErrSyntax,
		"1,000": money.ErrSyntax, " 1": money.ErrSyntax, "1e3": money.ErrSyntax, "1.2.3": money.ErrSyntax,
		"٣": money.ErrSyntax, "1.005": money.ErrTooManyDecimals, "92233720368547758.08": money.ErrOverflow,
		"99999999999999999999": money.ErrOverflow,
	}
	for text, want := range bad {
		_, err := money.ParseMinor(text, 2)
		require.ErrorIs(t, err, want, text)
	}
}

func TestParseMinorRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Int64Range(-math.MaxInt64, math.MaxInt64).Draw(t, "v")
		got, err := money.ParseMinor(money.FormatMinor(v), 2)
		require.NoError(t, err)
		require.Equal(t, v, got)
	})
}

func TestAmount(t *testing.T) {
	t.Parallel()
	a, err := money.Parse("1234567.89", money.CNY)
	require.NoError(t, err)
	require.Equal(t, "1234567.89", a.String())
	require.Equal(t, "1,234,567.89元", a.Format("zh"))
	require.Equal(t, "¥1,234,567.89", a.Format("en"))
	neg, err := a.Neg()
	require.NoError(t, err)
	require.Equal(t, "-¥1,234,567.89", neg.Format("en"))
	require.Equal(t, "-0.05", money.Of(-5, money.CNY).String())
	require.Equal(t, "5", money.Of(5, money.JPY).String())
	_, err = a.Add(money.Of(1, money.USD))
	require.ErrorIs(t, err, money.ErrCurrencyMismatch)
	_, err = money.Of(math.MaxInt64, money.CNY).Add(money.Of(1, money.CNY))
	require.ErrorIs(t, err, money.ErrOverflow)
	_, err = money.Of(math.MinInt64, money.CNY).Sub(money.Of(1, money.CNY))
	require.ErrorIs(t, err, money.ErrOverflow)
	_, err = money.Of(math.MinInt64, money.CNY).Neg()
	require.ErrorIs(t, err, money.ErrOverflow)
	_, err = money.Parse("1", "XXX")
	require.ErrorIs(t, err, money.ErrUnknownCurrency)
	require.Equal(t, "-92233720368547758.08", money.FormatMinor(math.MinInt64))
	less, err := money.Of(1, money.CNY).Cmp(money.Of(2, money.CNY))
	require.NoError(t, err)
	require.Equal(t, -1, less)
}

func TestModeNames(t *testing.T) {
	t.Parallel()
	for m := money.HalfUp; m <= money.Ceiling; m++ {
		got, err := money.ParseMode(m.String())
		require.NoError(t, err)
		require.Equal(t, m, got)
	}
	_, err := money.ParseMode("nearest")
	require.Error(t, err)
}

func TestMulDivTable(t *testing.T) {
	t.Parallel()
	rows := []struct {
		a, b, c                                    int64
		halfUp, halfEven, down, up, floor, ceiling int64
	}{
		{5, 1, 2, 3, 2, 2, 3, 2, 3},
		{7, 1, 2, 4, 4, 3, 4, 3, 4},
		{-5, 1, 2, -3, -2, -2, -3, -3, -2},
		{1, 1, 3, 0, 0, 0, 1, 0, 1},
		{-1, 1, 3, 0, 0, 0, -1, -1, 0},
		{6, 1, 3, 2, 2, 2, 2, 2, 2},
	}
	for _, r := range rows {
		for m, want := range map[money.Mode]int64{
			money.HalfUp: r.halfUp, money.HalfEven: r.halfEven, money.Down: r.down,
			money.Up: r.up, money.Floor: r.floor, money.Ceiling: r.ceiling,
		} {
			got, err := money.MulDiv(r.a, r.b, r.c, m)
			require.NoError(t, err)
			require.Equal(t, want, got, "%d*%d/%d %s", r.a, r.b, r.c, m)
		}
	}
	_, err := money.MulDiv(1, 1, 0, money.Down)
	require.ErrorIs(t, err, money.ErrDivideByZero)
	_, err = money.MulDiv(math.MaxInt64, 2, 1, money.Down)
	require.ErrorIs(t, err, money.ErrOverflow)
	got, err := money.MulDiv(math.MinInt64, 1, 1, money.Down)
	require.NoError(t, err)
	require.Equal(t, int64(math.MinInt64), got)
	_, err = money.MulDiv(math.MinInt64, -1, 1, money.Down)
	require.ErrorIs(t, err, money.ErrOverflow)
}

// roundRat is the oracle: it rounds an exact rational by definition of the mode.
func roundRat(r *big.Rat, m money.Mode) *big.Int {
	floor := new(big.Int).Div(r.Num(), r.Denom())
	exact := new(big.Rat).SetInt(floor)
	if exact.Cmp(r) == 0 {
		return floor
	}
	ceiling := new(big.Int).Add(floor, big.NewInt(1))
	toZero, away := floor, ceiling
	if r.Sign() < 0 {
		toZero, away = ceiling, floor
	}
	half := new(big.Rat).Add(exact, big.NewRat(1, 2)).Cmp(r)
	switch m {
	case money.Floor:
		return floor
	case money.Ceiling:
		return ceiling
	case money.Down:
		return toZero
	case money.Up:
		return away
	case money.HalfUp:
		if half == 0 {
			return away
		}
	case money.HalfEven:
		if half == 0 {
			if floor.Bit(0) == 0 {
				return floor
			}
			return ceiling
		}
	}
	if half < 0 {
		return ceiling
	}
	return floor
}

func wide() *rapid.Generator[int64] {
	return rapid.OneOf(rapid.Int64(), rapid.Int64Range(-1000, 1000), rapid.SampledFrom([]int64{math.MinInt64, math.MaxInt64, -1, 0, 1}))
}

func check(t *rapid.T, want *big.Int, got int64, err error) {
	if !want.IsInt64() {
		require.ErrorIs(t, err, money.ErrOverflow)
		return
	}
	require.NoError(t, err)
	require.Equal(t, want.Int64(), got)
}

func TestMulDivAgainstRat(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := wide().Draw(t, "a"), wide().Draw(t, "b")
		c := wide().Filter(func(v int64) bool { return v != 0 }).Draw(t, "c")
		m := money.Mode(rapid.IntRange(0, 5).Draw(t, "mode"))
		num := new(big.Int).Mul(big.NewInt(a), big.NewInt(b))
		got, err := money.MulDiv(a, b, c, m)
		check(t, roundRat(new(big.Rat).SetFrac(num, big.NewInt(c)), m), got, err)
	})
}

func TestMulDivWideAgainstRat(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := wide().Draw(t, "a"), wide().Draw(t, "b"), wide().Draw(t, "c")
		d := rapid.Int64Range(1, 1<<40).Draw(t, "d")
		e := rapid.Int64Range(1, 1<<20).Draw(t, "e")
		m := money.Mode(rapid.IntRange(0, 5).Draw(t, "mode"))
		num := new(big.Int).Mul(big.NewInt(a), big.NewInt(b))
		num.Mul(num, big.NewInt(c))
		den := new(big.Int).Mul(big.NewInt(d), big.NewInt(e))
		got, err := money.MulDivWide(a, b, c, d, e, m)
		check(t, roundRat(new(big.Rat).SetFrac(num, den), m), got, err)
	})
}

func BenchmarkParseMinor(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_, _ = money.ParseMinor("-12345.67", 2)
	}
}

func BenchmarkMulDivWide(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		_, _ = money.MulDivWide(100_000_000, 4_350_000, 31, 100_000_000, 360, money.HalfUp)
	}
}
