package event

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/failpoint"
)

// Config of a Relay; the zero value is ready for production.
type Config struct {
	Log *slog.Logger
	// Poll is how often the outbox is looked at without being woken (default 500 ms): events of other
	// servers, retries that fall due.
	Poll time.Duration
	// Batch is how many events a consumer reads, and handles in one transaction, at once (default 100).
	Batch int
	// Tries is how often an event is tried before it becomes a dead letter (default 8).
	Tries int
	// Backoff is the pause after `tries` failed tries (default 200 ms doubling to 1 min).
	Backoff func(tries int) time.Duration
	// Lease is how long another server waits before it takes a silent server's consumers (default 10 s).
	Lease time.Duration
}

func (c Config) withDefaults() Config {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Poll <= 0 {
		c.Poll = 500 * time.Millisecond
	}
	if c.Batch <= 0 {
		c.Batch = 100
	}
	if c.Tries <= 0 {
		c.Tries = 8
	}
	if c.Backoff == nil {
		c.Backoff = func(tries int) time.Duration {
			return min(time.Minute, 200*time.Millisecond<<min(max(tries-1, 0), 12))
		}
	}
	if c.Lease <= 0 {
		c.Lease = 10 * time.Second
	}
	return c
}

// Relay gives events their positions and runs the consumers that this process holds the lease of.
type Relay struct {
	db    *db.DB
	cfg   Config
	id    string // of this process's leases
	woken chan struct{}

	mu        sync.Mutex
	consumers []*runner
	cancel    context.CancelFunc
	done      sync.WaitGroup
}

// NewRelay makes a relay; consumers are registered before Start.
func NewRelay(d *db.DB, c Config) *Relay {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails
	return &Relay{db: d, cfg: c.withDefaults(), id: hex.EncodeToString(b[:]), woken: make(chan struct{}, 1)}
}

// Register adds a consumer. An incomplete or repeated one is a programming error and panics at start.
func (r *Relay) Register(c Consumer) {
	if c.Name == "" || c.Handle == nil {
		panic("event: incomplete consumer " + c.Name)
	}
	if c.Timeout <= 0 {
		c.Timeout = time.Second
	}
	r.add(&runner{relay: r, consumer: c, woken: make(chan struct{}, 1), retry: make(chan struct{}, 1)})
}

func (r *Relay) add(x *runner) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, have := range r.consumers {
		if have.consumer.Name == x.consumer.Name {
			panic("event: consumer registered twice: " + x.consumer.Name)
		}
	}
	r.consumers = append(r.consumers, x)
}

func (r *Relay) find(name string) *runner {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, x := range r.consumers {
		if x.consumer.Name == name {
			return x
		}
	}
	return nil
}

func (r *Relay) system() db.Scope { return db.System("relay") }

// Start begins to relay until Stop.
func (r *Relay) Start(ctx context.Context) error {
	base := context.WithoutCancel(ctx)
	err := r.db.Update(base, r.system(), func(tx *db.Tx) error {
		var last int64
		if err := tx.QueryRow(base, lastPosition).Scan(&last); err != nil {
			return err
		}
		for _, x := range r.consumers {
			from := int64(0)
			if x.consumer.FromNow {
				from = last
			}
			if _, err := tx.Exec(base, insertConsumer, x.consumer.Name, from, db.Micros(tx.Now)); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("start relay: %w", err)
	}
	loop, cancel := context.WithCancel(base)
	r.cancel = cancel
	listen(r.db, r.woken)
	r.done.Go(func() { r.placeLoop(loop) })
	r.done.Go(func() { r.leaseLoop(loop) })
	for _, x := range r.consumers {
		r.done.Go(func() { x.loop(loop) })
		if x.sink == nil {
			r.done.Go(func() { x.retryLoop(loop) })
		}
	}
	return nil
}

// Stop lets the batch in hand finish, gives the leases back and returns.
func (r *Relay) Stop(ctx context.Context) error {
	if r.cancel == nil {
		return nil
	}
	r.cancel()
	r.cancel = nil
	unlisten(r.db, r.woken)
	finished := make(chan struct{})
	go func() { r.done.Wait(); close(finished) }()
	select {
	case <-finished:
	case <-ctx.Done():
		return fmt.Errorf("stop relay: %w", ctx.Err())
	}
	return r.db.Update(ctx, r.system(), func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, dropLeases, r.id)
		return err
	})
}

// pause waits for a wake-up or the poll interval; false when the relay stops.
func (r *Relay) pause(ctx context.Context, woken <-chan struct{}, most time.Duration) bool {
	t := time.NewTimer(most)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-woken:
	case <-t.C:
	}
	return true
}

const placeMax = 1000

// Place gives positions to the events committed so far and reports whether there were any. The relay
// does it by itself; tests and the command line may.
func (r *Relay) Place(ctx context.Context) (bool, error) {
	var n int
	err := r.db.View(ctx, r.system(), func(tx *db.Tx) error { return tx.QueryRow(ctx, anyUnplaced).Scan(&n) })
	if err != nil || n == 0 {
		return false, err
	}
	err = r.db.Update(ctx, r.system(), func(tx *db.Tx) error {
		// The lock is taken by its own statement, so that the next one sees what its last holder committed.
		if err := tx.Lock(ctx, "event.place"); err != nil {
			return err
		}
		if err := pointPlacing.Hit(ctx); err != nil {
			return err
		}
		last, err := lastPlace(ctx, tx)
		if err != nil {
			return err
		}
		_, err = tx.Exec(ctx, placeEvents, placeMax, last)
		return err
	})
	return err == nil, err
}

func (r *Relay) placeLoop(ctx context.Context) {
	for {
		placed, err := r.Place(ctx)
		if err != nil && ctx.Err() == nil {
			r.cfg.Log.Warn("event relay: place", "error", err)
		}
		if placed {
			for _, x := range r.consumers {
				signal(x.woken)
			}
			continue // until nothing is left
		}
		if !r.pause(ctx, r.woken, r.cfg.Poll) {
			return
		}
	}
}

// leaseLoop keeps the leases of this process and tries for those that others let go. The positions
// that consumers only skipped to are stored with it, so that idle consumers cost no write of their own.
func (r *Relay) leaseLoop(ctx context.Context) {
	pruned := time.Now()
	for {
		if err := r.lease(ctx); err != nil && ctx.Err() == nil {
			r.cfg.Log.Warn("event relay: lease", "error", err)
		}
		if time.Since(pruned) > time.Hour {
			pruned = time.Now()
			if err := r.Prune(ctx); err != nil && ctx.Err() == nil {
				r.cfg.Log.Warn("event relay: prune", "error", err)
			}
		}
		if !r.pause(ctx, nil, r.cfg.Lease/3) {
			return
		}
	}
}

func (r *Relay) lease(ctx context.Context) error {
	held := map[*runner]bool{}
	skipped := map[*runner][2]int64{}
	err := r.db.Update(ctx, r.system(), func(tx *db.Tx) error {
		clear(held)
		until, now := db.Micros(tx.Now.Add(r.cfg.Lease)), db.Micros(tx.Now)
		for _, x := range r.consumers {
			ours, err := tx.ExecOne(ctx, takeLease, x.consumer.Name, r.id, until, now)
			if err != nil {
				return err
			}
			held[x] = ours
			stored, seen := x.cursor()
			if ours && seen > stored {
				moved, err := tx.ExecOne(ctx, moveCursor, x.consumer.Name, r.id, stored, seen, now)
				if err != nil {
					return err
				}
				if moved {
					skipped[x] = [2]int64{stored, seen}
				}
			}
		}
		return nil
	})
	if err != nil {
		for _, x := range r.consumers {
			x.hold(false) // when in doubt, another may have it
		}
		return err
	}
	for _, x := range r.consumers {
		if s, ok := skipped[x]; ok {
			x.stored(s[0], s[1])
		}
		x.hold(held[x])
	}
	return nil
}

// Instants at which a test may break off.
var (
	pointPlacing = failpoint.Declare("event.placing")
)
