package event_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// The nightly bar of the outbox: 100,000 events, 5% fail at first, the relay is restarted and the sink
// wiped meanwhile; each effect once, in order per aggregate, and the sink whole at the end.
func TestOutboxBar(t *testing.T) {
	if os.Getenv("CAPILLARY_NIGHTLY") == "" {
		t.Skip("CAPILLARY_NIGHTLY is not set: the 100,000-event bar runs nightly")
	}
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		const aggregates, each, chunk = 100, 1000, 500
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		rng := rand.New(rand.NewPCG(seed, 3))
		var mu sync.Mutex
		failed := map[string]bool{}
		sink := &memory{}
		start := func() *event.Relay {
			r := event.NewRelay(d, fast)
			r.Register(recorder("projection", func(e event.Event, _ int) error {
				mu.Lock()
				defer mu.Unlock()
				if !failed[e.ID] && rng.IntN(20) == 0 {
					failed[e.ID] = true
					return errors.New("fails at first")
				}
				return nil
			}))
			r.AddSink(sink)
			require.NoError(t, r.Start(t.Context()))
			return r
		}
		count := func() (n int) {
			require.NoError(t, d.View(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
				return tx.QueryRow(t.Context(), countSeen, s.InstitutionID, "projection").Scan(&n)
			}))
			return n
		}
		r := start()
		began := time.Now()
		var wg sync.WaitGroup
		wg.Go(func() { write(t, d, s.System.Scope(), aggregates, each, chunk) })
		for i := range 8 {
			require.Eventually(t, func() bool { return count() > (i+1)*aggregates*each/10 }, 10*time.Minute, 300*time.Millisecond)
			stop(t, r)
			if i%3 == 0 {
				sink.mu.Lock()
				sink.events = nil
				sink.mu.Unlock()
			}
			r = start()
		}
		wg.Wait()
		require.Eventually(t, func() bool { return count() == aggregates*each && sink.complete(aggregates*each) }, 10*time.Minute, 500*time.Millisecond)
		stop(t, r)
		t.Logf("%d events in %v", aggregates*each, time.Since(began))
		requireOrder(t, seen(t, d, s.System.Scope(), "projection"), aggregates, each)
	})
}

func write(t *testing.T, d *db.DB, sc db.Scope, aggregates, each, chunk int) {
	for at := 0; at < aggregates*each; at += chunk {
		err := d.Update(context.Background(), sc, func(tx *db.Tx) error {
			for i := at; i < at+chunk; i++ {
				draft := event.Draft{Type: "test.counted", Aggregate: "counter", AggregateID: fmt.Sprintf("g%d", i%aggregates), Payload: payload{i / aggregates}}
				if err := event.Append(context.Background(), tx, draft); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Error(err)
			return
		}
	}
}
