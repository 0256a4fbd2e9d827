package event_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/testkit/crash"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// relayChild is the process that gets killed: a relay with the recording consumer that says what it has done.
func relayChild(ctx context.Context, life crash.Life) error {
	d, err := life.Open(ctx)
	if err != nil {
		return err
	}
	cfg := fast
	cfg.Batch = 7 // so that a kill falls between and into batches
	r := event.NewRelay(d, cfg)
	c := recorder("projection", nil)
	inner := c.Handle
	c.Handle = func(ctx context.Context, tx *db.Tx, e event.Event) error {
		tx.AfterCommit(func() { life.Ack("done") })
		return inner(ctx, tx, e)
	}
	r.Register(c)
	if err := r.Start(ctx); err != nil {
		return err
	}
	select {} // until killed
}

func TestKilledRelaysLoseAndDoubleNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		const aggregates, each = 8, 50
		for n := range each {
			for a := range aggregates {
				emit(t, d, s.System.Scope(), fmt.Sprintf("k%d", a), n)
			}
		}
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		rng := rand.New(rand.NewPCG(seed, 2))
		h := crash.New(t, d, "relay", nil)
		for range 5 {
			h.KillAt("done", 1+rng.IntN(60))
		}
		r := event.NewRelay(d, fast)
		r.Register(recorder("projection", nil))
		run(t, r)
		eventually(t, "the rest", func() bool { return len(seen(t, d, s.System.Scope(), "projection")) == aggregates*each })
		requireOrder(t, seen(t, d, s.System.Scope(), "projection"), aggregates, each)
		require.NoError(t, r.Prune(t.Context()))
	})
}

// BenchmarkRelay measures events through one consumer that writes a row each.
func BenchmarkRelay(b *testing.B) {
	for name, open := range map[string]func(testing.TB, ...dbtest.Option) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		b.Run(name, func(b *testing.B) {
			d := open(b)
			s := dbtest.Institution(b, d)
			const chunk = 1000
			for at := 0; at < b.N; at += chunk {
				require.NoError(b, d.Update(b.Context(), s.System.Scope(), func(tx *db.Tx) error {
					for n := at; n < min(at+chunk, b.N); n++ {
						if err := event.Append(b.Context(), tx, event.Draft{Type: "test.counted", Aggregate: "counter", AggregateID: fmt.Sprint(n % 100), Payload: payload{n}}); err != nil {
							return err
						}
					}
					return nil
				}))
			}
			r := event.NewRelay(d, event.Config{Poll: 10 * time.Millisecond})
			r.Register(recorder("bench", nil))
			b.ResetTimer()
			require.NoError(b, r.Start(b.Context()))
			for n := 0; n < b.N; {
				require.NoError(b, d.View(b.Context(), s.System.Scope(), func(tx *db.Tx) error {
					return tx.QueryRow(b.Context(), countSeen, s.InstitutionID, "bench").Scan(&n)
				}))
			}
			b.StopTimer()
			require.NoError(b, r.Stop(context.Background()))
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
