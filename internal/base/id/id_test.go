package id_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/capillary-finance/capillary/internal/base/id"
)

func TestKnownULID(t *testing.T) {
	t.Parallel()
	// The specification's example of a time part: 1469918176385 ms is 01ARYZ6S41.
	got := id.New("firm", time.UnixMilli(1469918176385), [10]byte{255, 255, 255, 255, 255, 255, 255, 255, 255, 255})
	require.Equal(t, "firm_01aryz6s41zzzzzzzzzzzzzzzz", got)
	at, err := id.Time(got)
	require.NoError(t, err)
	require.Equal(t, int64(1469918176385), at.UnixMilli())
}

func TestPrefix(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{"", "firm", "firm_short", "_01aryz6s41zzzzzzzzzzzzzzzz", "firm_01ARYZ6S41ZZZZZZZZZZZZZZZZ"} {
		_, err := id.Prefix(bad)
		require.ErrorIs(t, err, id.ErrSyntax, bad)
	}
}

func TestSortsByTimeAndEntropy(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.Int64Range(0, 1<<47).Draw(t, "a")
		b := rapid.Int64Range(0, 1<<47).Draw(t, "b")
		var ea, eb [10]byte
		copy(ea[:], rapid.SliceOfN(rapid.Byte(), 10, 10).Draw(t, "ea"))
		copy(eb[:], rapid.SliceOfN(rapid.Byte(), 10, 10).Draw(t, "eb"))
		x, y := id.New("p", time.UnixMilli(a), ea), id.New("p", time.UnixMilli(b), eb)
		prefix, err := id.Prefix(x)
		require.NoError(t, err)
		require.Equal(t, "p", prefix)
		switch {
		case a < b, a == b && string(ea[:]) < string(eb[:]):
			require.Less(t, x, y)
		case a == b && ea == eb:
			require.Equal(t, x, y)
		default:
			require.Greater(t, x, y)
		}
	})
}
