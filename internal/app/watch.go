package app

import (
	"context"

	"github.com/capillary-finance/capillary/internal/credit/decision"
	"github.com/capillary-finance/capillary/internal/credit/pricing"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/watch/signal"
)

// registerWatch connects the watch to the outbox: a batch of evidence is judged at once, and every end of
// day asks for all firms with a facility, because silence grows without any batch.
func (a *App) registerWatch() {
	w := signal.NewWatcher(signal.DefaultSources())
	for _, c := range w.Consumers() {
		a.Relay.Register(c)
	}
	a.Relay.Register(event.Consumer{Name: "watch.sweep", Types: []string{"eod.completed"}, Handle: sweep})
	a.Signals = signal.NewService(a.DB, w)
}

func sweep(ctx context.Context, tx *db.Tx, _ event.Event) error {
	for after := ""; ; {
		next, err := signal.Sweep(ctx, tx, after)
		if err != nil || next == "" {
			return err
		}
		after = next
	}
}

// bookReaders hand the book what lies on floors it may not import.
func bookReaders() pricing.Readers {
	return pricing.Readers{
		Limits: decision.LatestLimits,
		Loans: func(ctx context.Context, tx *db.Tx, branchPattern string) ([]pricing.LoanFigure, error) {
			all, err := loan.Figures(ctx, tx, branchPattern)
			out := make([]pricing.LoanFigure, len(all))
			for i, f := range all {
				out[i] = pricing.LoanFigure(f)
			}
			return out, err
		},
	}
}
