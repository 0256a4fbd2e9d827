package event

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/capillary-finance/capillary/internal/base/canary"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/failpoint"
)

// errMoved says that the cursor or the lease changed under a batch: another server or a replay.
var errMoved = errors.New("event: the consumer's cursor or lease moved")

// runner runs one consumer in this process.
type runner struct {
	relay    *Relay
	consumer Consumer
	sink     Sink // instead of Handle
	woken    chan struct{}
	retry    chan struct{}

	mu        sync.Mutex
	held      bool
	known     bool      // position below is as stored
	checked   time.Time // when the sink was last asked for its position
	position  int64     // stored cursor
	scanned   int64     // read up to here; between the two nothing concerned this consumer
	failures  int
	lastError string
}

type aggregateKey struct{ institution, aggregate, id string }

func keyOf(e Event) aggregateKey { return aggregateKey{e.Institution, e.Aggregate, e.AggregateID} }

func (x *runner) hold(held bool) {
	x.mu.Lock()
	gained := held && !x.held
	if held != x.held {
		x.known = false
	}
	x.held = held
	x.mu.Unlock()
	if gained {
		signal(x.woken)
		signal(x.retry)
	}
}

// cursor gives the stored and the scanned position; equal when unknown.
func (x *runner) cursor() (stored, scanned int64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.known {
		return 0, 0
	}
	return x.position, x.scanned
}

// stored notes that the cursor moved from one stored position to another.
func (x *runner) stored(from, to int64) {
	x.mu.Lock()
	if x.known && x.position == from {
		x.position = to
		x.scanned = max(x.scanned, to)
	}
	x.mu.Unlock()
}

func (x *runner) forget() {
	x.mu.Lock()
	x.known = false
	x.mu.Unlock()
}

func (x *runner) isHeld() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.held
}

func (x *runner) loop(ctx context.Context) {
	for {
		more, err := false, error(nil)
		if x.isHeld() {
			more, err = x.step(ctx)
		}
		wait := x.relay.cfg.Poll
		if err != nil && ctx.Err() == nil {
			x.forget()
			wait = x.fail(err)
		} else if err == nil {
			x.recover()
		}
		if more && err == nil {
			if ctx.Err() != nil {
				return
			}
			continue
		}
		if !x.relay.pause(ctx, x.woken, wait) {
			return
		}
	}
}

// fail notes that the whole consumer could not go on (database or sink away) and says how long to wait.
func (x *runner) fail(err error) time.Duration {
	x.mu.Lock()
	x.failures++
	x.lastError = err.Error()
	n := x.failures
	x.mu.Unlock()
	if !errors.Is(err, errMoved) {
		x.relay.cfg.Log.Warn("event consumer", "consumer", x.consumer.Name, "error", err, "failures", n)
	}
	return min(5*time.Second, 50*time.Millisecond<<min(n-1, 10))
}

func (x *runner) recover() {
	x.mu.Lock()
	x.failures, x.lastError = 0, ""
	x.mu.Unlock()
}

// step reads and handles the next batch; more says that there may be another.
func (x *runner) step(ctx context.Context) (more bool, err error) {
	var batch []Event
	err = x.relay.db.View(ctx, x.relay.system(), func(tx *db.Tx) error {
		if err := x.loadCursor(ctx, tx); err != nil {
			return err
		}
		_, from := x.cursor()
		rows, err := tx.Query(ctx, nextEvents, from, x.relay.cfg.Batch)
		if err != nil {
			return err
		}
		if batch, err = collect(rows); err != nil {
			return err
		}
		batch, err = inOrder(ctx, tx, batch, from)
		return err
	})
	if err == nil && x.sink != nil && time.Since(x.checked) > sinkCheckEvery {
		return true, x.checkSink(ctx)
	}
	if err != nil || len(batch) == 0 {
		return false, err
	}
	more = len(batch) >= x.relay.cfg.Batch
	last := batch[len(batch)-1].Position
	if x.sink != nil {
		return more, x.publish(ctx, batch)
	}
	wanted := batch[:0:0]
	for _, e := range batch {
		if e.damage != "" || x.consumer.wants(e.Type) { // of a damaged one nobody can say whom it concerned
			wanted = append(wanted, e)
		}
	}
	for len(wanted) > 0 {
		n := 1
		for n < len(wanted) && wanted[n].Institution == wanted[0].Institution {
			n++
		}
		if err := x.handle(ctx, wanted[:n]); err != nil {
			return more, err
		}
		wanted = wanted[n:]
	}
	x.mu.Lock()
	if x.known {
		x.scanned = max(x.scanned, last)
	}
	x.mu.Unlock()
	return more, nil
}

func (x *runner) loadCursor(ctx context.Context, tx *db.Tx) error {
	x.mu.Lock()
	known := x.known
	x.mu.Unlock()
	if known {
		return nil
	}
	var p int64
	if err := tx.QueryRow(ctx, readCursor, x.consumer.Name).Scan(&p); err != nil {
		return fmt.Errorf("cursor of %s: %w", x.consumer.Name, err)
	}
	x.mu.Lock()
	x.known, x.position, x.scanned, x.checked = true, p, p, time.Time{}
	x.mu.Unlock()
	return nil
}

// handle handles events of one institution, many in one transaction. When one fails, those before it
// are done again without it, it is put aside, and the rest goes on.
func (x *runner) handle(ctx context.Context, events []Event) error {
	held, err := x.heldAggregates(ctx)
	if err != nil {
		return err
	}
	most := len(events)
	for len(events) > 0 {
		n, err := x.inOne(ctx, events[:min(most, len(events))], held)
		switch {
		case err == nil:
			events = events[n:]
			most = len(events)
		case errors.Is(err, errMoved) || ctx.Err() != nil:
			return errors.Join(err, ctx.Err())
		case n > 0:
			most = n // event n failed: without it those before it go through
		case len(events) > 1 && most > 1 && !errors.As(err, new(handlerError)):
			most = 1 // not a handler but the transaction failed: find out for which event
		default:
			if err := x.putAside(ctx, events[0], err); err != nil {
				return err
			}
			held[keyOf(events[0])] = true
			events = events[1:]
			most = len(events)
		}
	}
	return nil
}

// handlerError says that the handler failed, not the transaction around it.
type handlerError struct{ error }

func (h handlerError) Unwrap() error { return h.error }

func (x *runner) heldAggregates(ctx context.Context) (map[aggregateKey]bool, error) {
	held := map[aggregateKey]bool{}
	err := x.relay.db.View(ctx, x.relay.system(), func(tx *db.Tx) error {
		rows, err := tx.Query(ctx, heldAggregates, x.consumer.Name)
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // read to its end below
		for rows.Next() {
			var k aggregateKey
			if err := rows.Scan(&k.institution, &k.aggregate, &k.id); err != nil {
				return err
			}
			held[k] = true
		}
		return rows.Err()
	})
	return held, err
}

// batchFor bounds a transaction of several events in time: on SQLite everybody waits for it.
const batchFor = 100 * time.Millisecond

// inOne does the effects of as many events as the time of a batch allows and moves the cursor over them
// in the same transaction; it says how many, or, with an error, how many came before the one that failed.
// Events of a held aggregate queue up behind the one that failed.
func (x *runner) inOne(ctx context.Context, events []Event, held map[aggregateKey]bool) (n int, err error) {
	from, _ := x.cursor()
	scope := db.Scope{Institution: events[0].Institution, Actor: "system:" + x.consumer.Name}
	err = x.relay.db.Update(ctx, scope, func(tx *db.Tx) error {
		n = 0
		var at int64
		err := tx.QueryRow(ctx, lockCursor, x.consumer.Name, x.relay.id, from).Scan(&at)
		if db.IsNoRows(err) {
			return errMoved
		}
		if err != nil {
			return err
		}
		began := time.Now()
		for n < len(events) && (n == 0 || time.Since(began) < batchFor) {
			e := events[n]
			if held[keyOf(e)] && !canary.On("queue_jump") {
				err = enqueue(ctx, tx, x.consumer.Name, e, stateWaiting, 0, 0, "")
			} else {
				err = x.effect(ctx, tx, e, x.consumer.Timeout)
			}
			if err != nil {
				return err
			}
			n++
		}
		if err := pointHandled.Hit(ctx); err != nil {
			return err
		}
		return x.advance(ctx, tx, from, events[n-1].Position)
	})
	switch {
	case err == nil:
		x.stored(from, events[n-1].Position)
	case !errors.As(err, new(handlerError)):
		n = 0
	}
	return n, err
}

func (x *runner) advance(ctx context.Context, tx *db.Tx, from, to int64) error {
	moved, err := tx.ExecOne(ctx, moveCursor, x.consumer.Name, x.relay.id, from, to, db.Micros(tx.Now))
	if err == nil && !moved {
		err = errMoved
	}
	return err
}

// effect records the event as handled and handles it, unless it was handled before.
func (x *runner) effect(ctx context.Context, tx *db.Tx, e Event, timeout time.Duration) error {
	if err := e.whole(); err != nil {
		return handlerError{err}
	}
	fresh, err := tx.ExecOne(ctx, insertEffect, e.Institution, x.consumer.Name, e.ID, e.Position)
	if err != nil || !fresh {
		return err
	}
	if err := pointNoted.Hit(ctx); err != nil {
		return err
	}
	limited, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if err := x.call(limited, tx, e); err != nil {
		return handlerError{err}
	}
	// A handler that outlived its time and swallowed the error may have done half of its work.
	if err := limited.Err(); err != nil {
		return handlerError{fmt.Errorf("handler of %s: %w", x.consumer.Name, err)}
	}
	return nil
}

func (x *runner) call(ctx context.Context, tx *db.Tx, e Event) (err error) {
	defer func() {
		if p := recover(); p != nil {
			x.relay.cfg.Log.Error("event handler panicked", "consumer", x.consumer.Name, "event", e.ID, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = fmt.Errorf("handler of %s panicked: %v", x.consumer.Name, p)
		}
	}()
	return x.consumer.Handle(ctx, tx, e)
}

// putAside moves the cursor over a failed event and notes it for retry.
func (x *runner) putAside(ctx context.Context, e Event, cause error) error {
	from, _ := x.cursor()
	x.relay.cfg.Log.Warn("event failed", "consumer", x.consumer.Name, "event", e.ID, "type", e.Type, "position", e.Position, "error", cause)
	err := x.relay.db.Update(ctx, db.Scope{Institution: e.Institution, Actor: "system:" + x.consumer.Name}, func(tx *db.Tx) error {
		if err := x.advance(ctx, tx, from, e.Position); err != nil {
			return err
		}
		if err := pointAside.Hit(ctx); err != nil {
			return err
		}
		next := db.Micros(tx.Now.Add(x.relay.cfg.Backoff(1)))
		if canary.On("lost_letter") {
			return nil
		}
		state := stateWaiting
		if errors.Is(cause, errDamaged) {
			state = stateDead // trying again will not mend it
		}
		return enqueue(ctx, tx, x.consumer.Name, e, state, 1, next, cut(cause))
	})
	if err == nil {
		x.stored(from, e.Position)
	}
	return err
}

// States of an event that was put aside.
const (
	stateWaiting = "waiting"
	stateDead    = "dead"
)

func enqueue(ctx context.Context, tx *db.Tx, consumer string, e Event, state string, tries int, nextAt int64, problem string) error {
	_, err := tx.Exec(ctx, insertRetry, e.Institution, tx.NewID("dlq"), consumer, e.ID, e.Position, e.Aggregate, e.AggregateID, state, tries, nextAt, problem, db.Micros(tx.Now))
	return err
}

const errorBytesMax = 2000

func cut(err error) string { return db.Text(err.Error(), errorBytesMax) }

// Instants at which a test may break off.
var (
	pointAside   = failpoint.Declare("event.aside")
	pointHandled = failpoint.Declare("event.handled")
	pointNoted   = failpoint.Declare("event.effect_noted")
)
