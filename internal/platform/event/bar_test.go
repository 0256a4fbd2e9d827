package event_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// flaky is a sink behind a bad line: one batch in twenty each arrives by half, arrives although an error is
// answered (and so comes twice), or arrives in disorder up to a break. It keeps one of each position.
type flaky struct {
	mu   sync.Mutex
	rng  *rand.Rand
	held map[int64]string
	sent int // events handed over, with repetitions
}

func (f *flaky) Name() string { return "sink:flaky" }

func (f *flaky) Position(context.Context) (int64, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := int64(0)
	for f.held[n+1] != "" {
		n++
	}
	return n, nil
}

func (f *flaky) Publish(_ context.Context, events []event.Event) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	events = slices.Clone(events)
	fate := f.rng.IntN(20)
	keep := len(events)
	switch fate {
	case 0:
		keep /= 2
	case 1:
		f.rng.Shuffle(len(events), func(i, j int) { events[i], events[j] = events[j], events[i] })
		keep = f.rng.IntN(len(events))
	}
	for _, e := range events[:keep] {
		f.held[e.Position] = e.ID
		f.sent++
	}
	if fate <= 2 {
		return errors.New("the line broke")
	}
	return nil
}

func (f *flaky) wipe() {
	f.mu.Lock()
	defer f.mu.Unlock()
	clear(f.held)
}

func (f *flaky) size() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.held)
}

// Bar 11, the outbox: one event in twenty fails at first, one is poison, the relay is restarted and the sink wiped
// meanwhile, and its line loses, doubles and disorders. Each effect once, in order per aggregate; the sink whole at
// the end; the poison in the dead-letter list and nobody held up by it. 2,000 events, 100,000 in the long form.
func TestOutboxBar(t *testing.T) {
	t.Parallel()
	long := os.Getenv("CAPILLARY_LONG") != ""
	aggregates, each, chunk := 20, 100, 100
	if long {
		aggregates, each, chunk = 100, 1000, 500
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		rng := rand.New(rand.NewPCG(seed, 3))
		var mu sync.Mutex
		failed := map[string]bool{}
		sink := &flaky{rng: rand.New(rand.NewPCG(seed, 4)), held: map[int64]string{}}
		start := func() *event.Relay {
			r := event.NewRelay(d, fast)
			r.Register(recorder("projection", func(e event.Event, _ int) error {
				mu.Lock()
				defer mu.Unlock()
				if e.AggregateID == "poison" {
					return errors.New("cannot be digested")
				}
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
		emit(t, d, s.System.Scope(), "poison", 0)
		wg.Go(func() { write(t, d, s.System.Scope(), aggregates, each, chunk) })
		for i := range 8 {
			require.Eventually(t, func() bool { return count() > i*aggregates*each/10 }, 10*time.Minute, 20*time.Millisecond)
			stop(t, r)
			if i%3 == 0 {
				sink.wipe()
			}
			r = start()
		}
		wg.Wait()
		total := aggregates * each
		require.Eventually(t, func() bool { return count() == total && sink.size() == total+1 }, 10*time.Minute, 50*time.Millisecond)
		behindPoison(t, d, s, r, count, long)
		stop(t, r)
		t.Logf("%d events in %v, %d handed to the sink", total, time.Since(began), sink.sent)
		var rows []string
		for _, row := range seen(t, d, s.System.Scope(), "projection") {
			if row != "late 0" {
				rows = append(rows, row)
			}
		}
		requireOrder(t, rows, aggregates, each)
	})
}

// behindPoison waits for the poison's dead letter and sends another event: it is not held up.
func behindPoison(t *testing.T, d *db.DB, s dbtest.Staff, r *event.Relay, count func() int, long bool) {
	t.Helper()
	require.Eventually(t, func() bool {
		page, _, err := r.DeadLetters(t.Context(), s.System.Scope(), "projection", 0, 20)
		require.NoError(t, err)
		return len(page) == 1
	}, time.Minute, 10*time.Millisecond)
	before, sent := count(), time.Now()
	emit(t, d, s.System.Scope(), "late", 0)
	require.Eventually(t, func() bool { return count() == before+1 }, time.Minute, 5*time.Millisecond)
	if took := time.Since(sent); long {
		require.Less(t, took, time.Second, "a poison message delays others by at most a second")
	}
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
