package event_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/testkit/crash"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

func TestMain(m *testing.M) {
	if crash.Child(crash.Children{"relay": relayChild}) {
		return
	}
	goleak.VerifyTestMain(m)
}

var fast = event.Config{Poll: 10 * time.Millisecond, Lease: 300 * time.Millisecond, Tries: 3, Backoff: func(int) time.Duration { return 10 * time.Millisecond }}

// The effects of the tests' consumers are rows: (consumer, number) in order.
var (
	insertSeen = db.Q(`insert into notification (institution_id, user_id, id, zh, en, link, at, read_at) values ($1,$2,$3,$4,'','',0,0)`)
	readSeen   = db.Q(`select id, zh from notification where institution_id = $1 and user_id = $2 order by id`)
	positions  = db.Q(`select position from event where position is not null order by position`)
	countSeen  = db.Q(`select count(*) from notification where institution_id = $1 and user_id = $2`)
)

type payload struct {
	N int `json:"n"`
}

func emit(t *testing.T, d *db.DB, sc db.Scope, aggregate string, ns ...int) {
	t.Helper()
	require.NoError(t, d.Update(context.Background(), sc, func(tx *db.Tx) error {
		for _, n := range ns {
			if err := event.Append(context.Background(), tx, event.Draft{Type: "test.counted", Aggregate: "counter", AggregateID: aggregate, Payload: payload{n}}); err != nil {
				return err
			}
		}
		return nil
	}))
}

// recorder writes one row per event, named by its position, so that a second handling would violate the key.
func recorder(name string, fail func(e event.Event, n int) error) event.Consumer {
	return event.Consumer{Name: name, Types: []string{"test.counted"}, Replayable: true, Handle: func(ctx context.Context, tx *db.Tx, e event.Event) error {
		var p payload
		if err := e.Decode(&p); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, insertSeen, tx.Institution, name, fmt.Sprintf("%08d", e.Position), fmt.Sprintf("%s %d", e.AggregateID, p.N)); err != nil {
			return err
		}
		if fail != nil {
			return fail(e, p.N)
		}
		return nil
	}}
}

func seen(t *testing.T, d *db.DB, sc db.Scope, consumer string) (out []string) {
	t.Helper()
	require.NoError(t, d.View(context.Background(), sc, func(tx *db.Tx) error {
		rows, err := tx.Query(context.Background(), readSeen, sc.Institution, consumer)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id, text string
			if err := rows.Scan(&id, &text); err != nil {
				return err
			}
			out = append(out, text)
		}
		return rows.Err()
	}))
	return out
}

func run(t *testing.T, r *event.Relay) {
	t.Helper()
	require.NoError(t, r.Start(t.Context()))
	t.Cleanup(func() { stop(t, r) })
}

func stop(t *testing.T, r *event.Relay) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	require.NoError(t, r.Stop(ctx))
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	require.Eventually(t, ok, 30*time.Second, 5*time.Millisecond, what)
}

func TestConcurrentWritersGetConsecutivePositionsAndEachEffectOnceInOrder(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, other := dbtest.Institution(t, d), dbtest.Institution(t, d)
		r := event.NewRelay(d, fast)
		r.Register(recorder("projection", nil))
		run(t, r)
		const writers, each = 6, 20
		var wg sync.WaitGroup
		for w := range writers {
			sc := s.System.Scope()
			if w%2 == 1 {
				sc = other.System.Scope()
			}
			wg.Go(func() {
				for n := range each {
					emit(t, d, sc, fmt.Sprintf("c%d", w), n)
				}
			})
		}
		wg.Wait()
		eventually(t, "all handled", func() bool {
			return len(seen(t, d, s.System.Scope(), "projection"))+len(seen(t, d, other.System.Scope(), "projection")) == writers*each
		})
		var got []int64
		require.NoError(t, d.View(t.Context(), db.System("test"), func(tx *db.Tx) error {
			rows, err := tx.Query(t.Context(), positions)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var p int64
				if err := rows.Scan(&p); err != nil {
					return err
				}
				got = append(got, p)
			}
			return rows.Err()
		}))
		require.Len(t, got, writers*each)
		for i, p := range got {
			require.EqualValues(t, i+1, p, "positions have no gap")
		}
		requireOrder(t, slices.Concat(seen(t, d, s.System.Scope(), "projection"), seen(t, d, other.System.Scope(), "projection")), writers, each)
	})
}

// requireOrder checks that the numbers of each aggregate came 0, 1, 2, ...
func requireOrder(t *testing.T, rows []string, aggregates, each int) {
	t.Helper()
	next := map[string]int{}
	for _, row := range rows {
		var a string
		var n int
		_, err := fmt.Sscanf(row, "%s %d", &a, &n)
		require.NoError(t, err)
		require.Equal(t, next[a], n, "order of %s", a)
		next[a]++
	}
	require.Len(t, next, aggregates)
	for a, n := range next {
		require.Equal(t, each, n, a)
	}
}

func TestAPoisonEventDelaysNobodyElseAndEndsAsADeadLetter(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		var healed atomic.Bool
		r := event.NewRelay(d, fast)
		r.Register(recorder("projection", func(e event.Event, n int) error {
			if e.AggregateID == "bad" && n == 1 && !healed.Load() {
				return errors.New("cannot digest this")
			}
			return nil
		}))
		run(t, r)
		emit(t, d, s.System.Scope(), "bad", 0, 1, 2)
		began := time.Now()
		emit(t, d, s.System.Scope(), "good", 0, 1)
		eventually(t, "the good aggregate goes on", func() bool { return len(seen(t, d, s.System.Scope(), "projection")) == 3 })
		require.Less(t, time.Since(began), 5*time.Second, "well under a second on an idle machine")
		require.Equal(t, []string{"bad 0", "good 0", "good 1"}, seen(t, d, s.System.Scope(), "projection"))
		var letter event.DeadLetter
		eventually(t, "a dead letter", func() bool {
			page, _, err := r.DeadLetters(t.Context(), s.System.Scope(), "", 0, 20)
			require.NoError(t, err)
			if len(page) == 1 {
				letter = page[0]
			}
			return len(page) == 1
		})
		require.Contains(t, letter.Error, "cannot digest this")
		require.EqualValues(t, 3, letter.Tries)
		require.EqualValues(t, 1, letter.Behind)
		emit(t, d, s.System.Scope(), "bad", 3)
		emit(t, d, s.System.Scope(), "good", 2)
		eventually(t, "others still go on", func() bool { return len(seen(t, d, s.System.Scope(), "projection")) == 4 })

		other := dbtest.Institution(t, d)
		require.True(t, fault.Is(r.Requeue(t.Context(), other.System.Scope(), letter.ID), fault.ReasonNotFound))
		healed.Store(true)
		require.NoError(t, r.Requeue(t.Context(), s.System.Scope(), letter.ID))
		eventually(t, "what waited goes on in order", func() bool { return len(seen(t, d, s.System.Scope(), "projection")) == 7 })
		require.Equal(t, []string{"bad 0", "bad 1", "bad 2", "good 0", "good 1", "bad 3", "good 2"}, seen(t, d, s.System.Scope(), "projection"), "rows are named by position")
	})
}

func TestDiscardingADeadLetterLetsTheRestGoOn(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		r := event.NewRelay(d, fast)
		r.Register(recorder("projection", func(_ event.Event, n int) error {
			if n == 0 {
				panic("never")
			}
			return nil
		}))
		run(t, r)
		emit(t, d, s.System.Scope(), "a", 0, 1, 2)
		var id string
		eventually(t, "a dead letter", func() bool {
			page, _, err := r.DeadLetters(t.Context(), s.System.Scope(), "projection", 0, 20)
			require.NoError(t, err)
			if len(page) == 1 {
				id = page[0].ID
			}
			return len(page) == 1
		})
		require.Empty(t, seen(t, d, s.System.Scope(), "projection"))
		require.True(t, fault.Is(r.Discard(t.Context(), s.System.Scope(), id, ""), fault.ReasonRequired))
		require.NoError(t, r.Discard(t.Context(), s.System.Scope(), id, "test data"))
		eventually(t, "the rest", func() bool { return len(seen(t, d, s.System.Scope(), "projection")) == 2 })
		require.True(t, fault.Is(r.Discard(t.Context(), s.System.Scope(), id, "again"), fault.ReasonNotFound))
	})
}

func TestAHangingHandlerIsCutOff(t *testing.T) {
	t.Parallel()
	d := dbtest.Postgres(t) // on SQLite the one writer waits with it
	s := dbtest.Institution(t, d)
	r := event.NewRelay(d, fast)
	c := recorder("projection", nil)
	inner := c.Handle
	c.Timeout = 50 * time.Millisecond
	c.Handle = func(ctx context.Context, tx *db.Tx, e event.Event) error {
		if e.AggregateID == "hangs" {
			<-ctx.Done()
			return nil // even when the handler hides it
		}
		return inner(ctx, tx, e)
	}
	r.Register(c)
	run(t, r)
	emit(t, d, s.System.Scope(), "hangs", 0)
	began := time.Now()
	emit(t, d, s.System.Scope(), "good", 0)
	eventually(t, "the other", func() bool { return len(seen(t, d, s.System.Scope(), "projection")) == 1 })
	require.Less(t, time.Since(began), 5*time.Second, "well under a second on an idle machine")
}

func TestReplayHandlesEverythingAgainFromAPosition(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, other := dbtest.Institution(t, d), dbtest.Institution(t, d)
		var handled, foreign atomic.Int64
		steady := fast
		steady.Lease = time.Minute // the counters below do not roll back with a lost lease
		r := event.NewRelay(d, steady)
		r.Register(event.Consumer{Name: "idempotent", Replayable: true, Handle: func(_ context.Context, tx *db.Tx, e event.Event) error {
			if e.Type == "test.counted" {
				if tx.Institution == s.InstitutionID {
					handled.Add(1)
				} else {
					foreign.Add(1)
				}
			}
			return nil
		}})
		r.Register(event.Consumer{Name: "once", Handle: func(context.Context, *db.Tx, event.Event) error { return nil }})
		run(t, r)
		emit(t, d, s.System.Scope(), "a", 0, 1, 2, 3)
		emit(t, d, other.System.Scope(), "b", 0)
		eventually(t, "handled", func() bool { return handled.Load() >= 4 && foreign.Load() >= 1 })
		require.NoError(t, r.Replay(t.Context(), "idempotent", 3))
		eventually(t, "again", func() bool { return handled.Load() >= 6 && foreign.Load() >= 2 })
		n, err := r.ReplayInstitution(t.Context(), s.System.Scope(), "idempotent", 2)
		require.NoError(t, err)
		require.EqualValues(t, 3, n)
		eventually(t, "the institution's again", func() bool { return handled.Load() >= 9 })
		emit(t, d, s.System.Scope(), "a", 4)
		eventually(t, "new ones follow", func() bool { return handled.Load() >= 10 })
		require.EqualValues(t, 2, foreign.Load())
		require.True(t, fault.Is(r.Replay(t.Context(), "once", 1), event.ReasonNotReplayable))
		require.True(t, fault.Is(r.Replay(t.Context(), "nobody", 1), fault.ReasonNotFound))
		var once event.Status
		eventually(t, "no lag", func() bool {
			all, err := r.Consumers(t.Context())
			require.NoError(t, err)
			for _, c := range all {
				if c.Name == "once" {
					once = c
				}
			}
			return once.Lag == 0
		})
		page, total, err := r.Events(t.Context(), s.System.Scope(), event.Filter{Aggregate: "counter", AggregateID: "a", Limit: 3})
		require.NoError(t, err)
		require.EqualValues(t, 5, total)
		require.Len(t, page, 3)
		next, _, err := r.Events(t.Context(), s.System.Scope(), event.Filter{Aggregate: "counter", AggregateID: "a", Limit: 3, Before: page[2].Position})
		require.NoError(t, err)
		require.Len(t, next, 2)
	})
}

func TestTwoServersShareTheWorkAndRestartsLoseAndDoubleNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		var mu sync.Mutex
		rng := rand.New(rand.NewPCG(seed, 1))
		failures := map[string]int{}
		flaky := func(e event.Event, _ int) error { // 5% fail once or twice
			mu.Lock()
			defer mu.Unlock()
			if rng.IntN(20) == 0 && failures[e.ID] < 2 {
				failures[e.ID]++
				return errors.New("flaky")
			}
			return nil
		}
		start := func() *event.Relay {
			r := event.NewRelay(d, fast)
			r.Register(recorder("projection", flaky))
			require.NoError(t, r.Start(t.Context()))
			return r
		}
		a, b := start(), start()
		const aggregates, each = 10, 30
		var wg sync.WaitGroup
		wg.Go(func() {
			for n := range each {
				for g := range aggregates {
					emit(t, d, s.System.Scope(), fmt.Sprintf("g%d", g), n)
				}
			}
		})
		for i := range 6 { // restarts in the middle of it
			eventually(t, "some progress", func() bool { return len(seen(t, d, s.System.Scope(), "projection")) >= (i+1)*20 })
			stop(t, a)
			a, b = b, start()
		}
		wg.Wait()
		eventually(t, "all handled", func() bool {
			var n int
			require.NoError(t, d.View(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
				return tx.QueryRow(t.Context(), countSeen, s.InstitutionID, "projection").Scan(&n)
			}))
			return n == aggregates*each
		})
		stop(t, a)
		stop(t, b)
		requireOrder(t, seen(t, d, s.System.Scope(), "projection"), aggregates, each)
	})
}

// memory is a sink that can be wiped.
type memory struct {
	mu     sync.Mutex
	events []event.Event
	broken bool
}

func (m *memory) Name() string { return "sink:memory" }

func (m *memory) Position(context.Context) (int64, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.events) == 0 {
		return 0, nil
	}
	return m.events[len(m.events)-1].Position, nil
}

func (m *memory) Publish(_ context.Context, events []event.Event) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.broken {
		return errors.New("away")
	}
	m.events = append(m.events, events...)
	return nil
}

func (m *memory) complete(n int) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.events) != n {
		return false
	}
	for i, e := range m.events {
		if e.Position != int64(i+1) {
			return false
		}
	}
	return true
}

func TestASinkGetsEveryEventAndIsFilledAgainWhenWiped(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		m := &memory{}
		r := event.NewRelay(d, fast)
		r.AddSink(m)
		require.NoError(t, r.Start(t.Context()))
		emit(t, d, s.System.Scope(), "a", 0, 1, 2)
		eventually(t, "published", func() bool { return m.complete(3) })
		m.mu.Lock()
		m.broken = true
		m.mu.Unlock()
		emit(t, d, s.System.Scope(), "a", 3, 4)
		eventually(t, "the failure is visible", func() bool {
			all, err := r.Consumers(t.Context())
			require.NoError(t, err)
			return all[0].LastError != "" && all[0].Lag == 2
		})
		m.mu.Lock()
		m.broken = false
		m.mu.Unlock()
		eventually(t, "caught up", func() bool { return m.complete(5) })
		stop(t, r)
		m.mu.Lock()
		m.events = nil
		m.mu.Unlock()
		again := event.NewRelay(d, fast)
		again.AddSink(m)
		run(t, again)
		eventually(t, "filled again", func() bool { return m.complete(5) })
	})
}

// On SQLite the whole program waits for a consumer's transaction: a batch of slow handlers is cut.
func TestABatchOfSlowHandlersDoesNotHoldTheWriterForLong(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		var ns []int
		for n := range 30 {
			ns = append(ns, n)
		}
		emit(t, d, s.System.Scope(), "slow", ns...)
		r := event.NewRelay(d, fast)
		c := recorder("projection", nil)
		inner := c.Handle
		c.Handle = func(ctx context.Context, tx *db.Tx, e event.Event) error {
			<-time.After(20 * time.Millisecond)
			return inner(ctx, tx, e)
		}
		r.Register(c)
		run(t, r)
		eventually(t, "begun", func() bool { return len(seen(t, d, s.System.Scope(), "projection")) > 0 })
		require.Less(t, len(seen(t, d, s.System.Scope(), "projection")), 30, "what is done is committed in between")
		eventually(t, "all", func() bool { return len(seen(t, d, s.System.Scope(), "projection")) == 30 })
		requireOrder(t, seen(t, d, s.System.Scope(), "projection"), 1, 30)
	})
}
