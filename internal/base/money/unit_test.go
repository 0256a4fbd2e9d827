package money_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/money"
)

func TestUnit(t *testing.T) {
	t.Parallel()
	for c, want := range map[money.Currency]int64{money.CNY: 100, money.HKD: 100, money.JPY: 1} {
		got, known := c.Unit()
		require.True(t, known)
		require.Equal(t, want, got, c)
	}
	_, known := money.Currency("XYZ").Unit()
	require.False(t, known)
}
