package app

import (
	"github.com/capillary-finance/capillary/internal/watch/signal"
)

// registerWatch connects the watch to the outbox.
func (a *App) registerWatch() {
	w := signal.NewWatcher(signal.DefaultSources())
	for _, c := range w.Consumers() {
		a.Relay.Register(c)
	}
	a.Signals = signal.NewService(a.DB, w)
}
