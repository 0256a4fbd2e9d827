package reliability_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/credit/facility"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/failpoint"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
	"github.com/capillary-finance/capillary/internal/testkit/sim"
)

// dying is a context whose failpoints break off one call in a hundred, as a process that dies there does.
func dying(ctx context.Context, seed uint64) context.Context {
	var mu sync.Mutex
	rnd := rand.New(rand.NewPCG(seed, 2))
	return failpoint.With(ctx, func(_ context.Context, name string) error {
		mu.Lock()
		defer mu.Unlock()
		if rnd.IntN(100) == 0 {
			return fmt.Errorf("died at %s", name)
		}
		return nil
	})
}

// Bar 2: many clients send the same drawdowns at once, three dispatchers that die now and then work on them, and
// the bank executes some payments whose answers are lost. Each reference is one loan and one payment.
func TestEachReferenceIsPaidOnce(t *testing.T) {
	t.Parallel()
	keys, clients := size(t, "CAPILLARY_KEYS", 30, 1000), size(t, "CAPILLARY_CLIENTS", 20, 50)
	seed := seedOf(t, "CAPILLARY_RACE_SEED")
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		bank := sim.NewBank(seed, sim.BankFaults{LostAfter: 10, LostBefore: 10, LostQuery: 50})
		w := sim.NewWorld(d, dbtest.Institution(t, d), bank)
		f, err := w.OpenFacility(t.Context(), "firm_keys", int64(keys)*100_00)
		require.NoError(t, err)
		ctx, stop := context.WithCancel(t.Context())
		var workers sync.WaitGroup
		for i := range 3 {
			workers.Go(func() {
				for n := uint64(0); ctx.Err() == nil; n++ {
					_, _ = worker(w).Drain(dying(ctx, seed+n*3+uint64(i))) //nolint:errcheck // it died
					time.Sleep(time.Millisecond)
				}
			})
		}
		var ids sync.Map
		var callers sync.WaitGroup
		sem := make(chan struct{}, 16)
		for k := range keys {
			for c := range clients {
				callers.Go(func() {
					sem <- struct{}{}
					defer func() { <-sem }()
					in := sim.Draw(f.ID, fmt.Sprint("key-", k), 100_00)
					for try := range uint64(20) { // a client sends again until it is answered
						l, err := w.Loans.Draw(dying(t.Context(), seed+uint64(k*1000+c)*100+try), w.Staff.Manager, in)
						if err == nil {
							if was, twice := ids.LoadOrStore(k, l.ID); twice && was != l.ID {
								t.Errorf("key %d: %s and %s", k, was, l.ID)
							}
							return
						}
						if len(fault.All(err)) > 0 {
							t.Errorf("key %d: %v", k, err)
							return
						}
					}
					t.Errorf("key %d was never answered", k)
				})
			}
		}
		callers.Wait()
		stop()
		workers.Wait()
		bank.SetFaults(sim.BankFaults{})
		require.Eventually(t, func() bool {
			_, err := worker(w).Drain(t.Context())
			require.NoError(t, err)
			var open int64
			require.NoError(t, d.View(t.Context(), w.Staff.System.Scope(), func(tx *db.Tx) (err error) {
				open, err = payment.Open(t.Context(), tx, "")
				return err
			}))
			return open == 0
		}, time.Minute, 20*time.Millisecond)
		require.Len(t, bank.Moves(), keys)
		require.NoError(t, d.View(t.Context(), w.Staff.System.Scope(), func(tx *db.Tx) error {
			loans, err := loan.ByFirm(t.Context(), tx, "firm_keys")
			require.Len(t, loans, keys)
			for _, l := range loans {
				require.Equal(t, loan.Active, l.Status)
			}
			return err
		}))
		w.Must(t)
	})
}

// worker is one more process that pays; its claims are short, so that the claims of the dead expire.
func worker(w *sim.World) *payment.Dispatcher {
	p := payment.NewDispatcher(w.DB, w.Bank, payment.DispatcherConfig{Workers: 2, Lease: 20 * time.Millisecond})
	loan.NewService(w.DB, p, func(context.Context, *db.Tx, facility.Facility) (loan.Conditions, error) { return sim.Conditions, nil })
	return p
}

// Bar 9: eight draws at once on every line, of which three fit: never more, and never fewer.
func TestNoLineIsOverdrawn(t *testing.T) {
	t.Parallel()
	lines := size(t, "CAPILLARY_LINES", 60, 10_000)
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := sim.NewWorld(d, dbtest.Institution(t, d), sim.NewBank(1, sim.BankFaults{}))
		sem := make(chan struct{}, 4)
		var all sync.WaitGroup
		for n := range lines {
			all.Go(func() {
				sem <- struct{}{}
				defer func() { <-sem }()
				f, err := w.OpenFacility(context.Background(), fmt.Sprint("firm_", n), 350_00)
				if err != nil {
					t.Errorf("open: %v", err)
					return
				}
				var ok, refused atomic.Int64
				var draws sync.WaitGroup
				for i := range 8 {
					draws.Go(func() {
						_, err := w.Loans.Draw(context.Background(), w.Staff.Manager, sim.Draw(f.ID, fmt.Sprint(i), 100_00))
						switch {
						case err == nil:
							ok.Add(1)
						case fault.Is(err, facility.ReasonLimitExceeded):
							refused.Add(1)
						case !db.IsUnavailable(err): // contended beyond the retries: nothing happened
							t.Errorf("draw: %v", err)
						}
					})
				}
				draws.Wait()
				if ok.Load() > 3 || ok.Load()+refused.Load() == 8 && ok.Load() < 3 {
					t.Errorf("line %d: %d of 3 draws fit", n, ok.Load())
				}
			})
		}
		all.Wait()
		w.Must(t)
		var over int
		require.NoError(t, d.View(t.Context(), w.Staff.System.Scope(), func(tx *db.Tx) error {
			return errors.Join(tx.QueryRow(t.Context(), overdrawn, tx.Institution).Scan(&over))
		}))
		require.Zero(t, over)
	})
}

var overdrawn = db.Q(`select count(*) from facility where institution_id = $1 and utilised_minor > limit_minor`)
