package money_test

import (
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/capillary-finance/capillary/internal/base/money"
)

// The oracle is math/big.
func TestWideIsExact(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var w money.Wide
		sum := new(big.Int)
		for range rapid.IntRange(0, 8).Draw(t, "terms") {
			a := rapid.Int64Range(0, 1e14).Draw(t, "a")
			b := rapid.Int64Range(0, 1e10).Draw(t, "b")
			c := rapid.Int64Range(0, 1e13).Draw(t, "c")
			w.AddMul(a, b, c)
			p := new(big.Int).Mul(big.NewInt(a), big.NewInt(b))
			sum.Add(sum, p.Mul(p, big.NewInt(c)))
		}
		d := rapid.Int64Range(1, 1e15).Draw(t, "d")
		got, err := w.Div(d, money.Down)
		want := new(big.Int).Quo(sum, big.NewInt(d))
		if sum.BitLen() > 128 || !want.IsInt64() {
			require.ErrorIs(t, err, money.ErrOverflow)
			return
		}
		require.NoError(t, err)
		require.Equal(t, want.Int64(), got)
		twice := new(big.Int).Mul(new(big.Int).Rem(sum, big.NewInt(d)), big.NewInt(2))
		up, err := w.Div(d, money.HalfUp)
		require.NoError(t, err)
		if twice.Cmp(big.NewInt(d)) >= 0 {
			got++
		}
		require.Equal(t, got, up)
	})
}

func TestWideRefuses(t *testing.T) {
	t.Parallel()
	var w money.Wide
	require.True(t, w.IsZero())
	_, err := w.Div(0, money.HalfUp)
	require.ErrorIs(t, err, money.ErrDivideByZero)
	w.AddMul(-1, 1, 1)
	_, err = w.Div(1, money.HalfUp)
	require.ErrorIs(t, err, money.ErrOverflow)
	require.False(t, w.IsZero())
	w = money.Wide{}
	for range 4 {
		w.AddMul(1<<62, 1<<62, 15)
	}
	_, err = w.Div(1<<62, money.HalfUp)
	require.ErrorIs(t, err, money.ErrOverflow)
}
