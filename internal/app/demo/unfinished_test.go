package demo_test

import (
	"context"
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/app"
	"github.com/capillary-finance/capillary/internal/app/demo"
	"github.com/capillary-finance/capillary/internal/platform/config"
)

type interrupted struct {
	steps  int
	cancel context.CancelFunc
}

func (i *interrupted) Begin(string, string) {
	if i.steps++; i.steps == 2 {
		i.cancel()
	}
}
func (*interrupted) Set(int64, int64)    {}
func (*interrupted) Note(string, string) {}

// Half of a demonstration must not pass for a whole one at the next start.
func TestAnInterruptedDemonstrationIsNotServedAsAWholeOne(t *testing.T) {
	t.Parallel()
	c := config.Default()
	c.DataDir = t.TempDir()
	a, err := app.Open(t.Context(), c, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	defer a.Close() //nolint:errcheck // a test
	ctx, cancel := context.WithCancel(t.Context())
	_, err = demo.Run(ctx, a, demo.DefaultOptions(), &interrupted{cancel: cancel})
	require.ErrorIs(t, err, context.Canceled)
	_, err = demo.Run(t.Context(), a, demo.DefaultOptions(), &interrupted{cancel: func() {}})
	require.ErrorContains(t, err, demo.ReasonUnfinished.Code)
}
