package failpoint_test

import (
	"context"
	"errors"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/failpoint"
)

var point = failpoint.Declare("failpoint.test")

func TestAPointBreaksOffOnlyWhereItIsArmed(t *testing.T) {
	boom := errors.New("boom")
	require.NoError(t, point.Hit(t.Context()))
	var at string
	armed := failpoint.With(t.Context(), func(_ context.Context, name string) error { at = name; return boom })
	require.ErrorIs(t, point.Hit(armed), boom)
	require.Equal(t, point.Name(), at)
	require.NoError(t, point.Hit(t.Context()), "another test beside this one is left alone")
	disarm := failpoint.Arm(func(context.Context, string) error { return boom })
	require.ErrorIs(t, point.Hit(t.Context()), boom)
	disarm()
	require.NoError(t, point.Hit(t.Context()))
	require.Contains(t, failpoint.Names(), "failpoint.test")
	require.Panics(t, func() { failpoint.Declare("failpoint.test") })
}
