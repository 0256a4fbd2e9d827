package event

import (
	"context"
	"fmt"
	"time"

	"github.com/capillary-finance/capillary/internal/platform/db"
)

// Sink is a place outside that gets a copy of every event, in order of position: a NATS or Kafka
// cluster. The outbox stays the truth; a sink may be lost and is filled again from it.
type Sink interface {
	// Name is the consumer name of its cursor.
	Name() string
	// Position is the last position the sink holds durably, without a gap before it. When it is below
	// the cursor (the sink was wiped, or lost its tail), publishing starts again behind it.
	Position(ctx context.Context) (int64, error)
	// Publish hands over events of consecutive positions and returns once all are durable there.
	// Publishing an event twice must leave one.
	Publish(ctx context.Context, events []Event) error
}

// AddSink adds a sink before Start.
func (r *Relay) AddSink(s Sink) {
	r.add(&runner{relay: r, consumer: Consumer{Name: s.Name(), Replayable: true}, sink: s, woken: make(chan struct{}, 1), retry: make(chan struct{}, 1)})
}

// sinkCheckEvery bounds how long a sink that was wiped while nothing happens stays empty.
const sinkCheckEvery = time.Minute

// checkSink asks the sink what it holds and sets the cursor there: what it lost is sent again, what it
// has beyond the cursor (a crash came between the two) is not. A sink can only be ahead by that.
func (x *runner) checkSink(ctx context.Context) error {
	from, _ := x.cursor()
	has, err := x.sink.Position(ctx)
	if err != nil {
		return fmt.Errorf("position of sink: %w", err)
	}
	if has < from {
		x.relay.cfg.Log.Warn("event sink lost events, filling it again from the outbox", "sink", x.consumer.Name, "has", has, "cursor", from)
	}
	if has != from {
		if err := x.store(ctx, from, has); err != nil {
			return err
		}
	}
	x.mu.Lock()
	x.checked = time.Now()
	x.mu.Unlock()
	return nil
}

// publish hands a batch to the sink and moves the cursor. A sink that refuses is asked for its
// position before the next try.
func (x *runner) publish(ctx context.Context, batch []Event) error {
	from, _ := x.cursor()
	batch, damaged, err := x.publishable(ctx, batch)
	if err != nil {
		return err
	}
	if len(batch) == 0 {
		return damaged
	}
	if err := x.sink.Publish(ctx, batch); err != nil {
		return fmt.Errorf("publish: %w", err)
	}
	return x.store(ctx, from, batch[len(batch)-1].Position)
}

// DamagedType is the type of the event that a sink gets in place of one that is damaged and was discarded, so that its positions stay without
// gaps.
const DamagedType = "event.damaged"

// publishable is the part of a batch before the first damaged event. That one is a dead letter of the sink, which waits at it until the event
// is restored or somebody discards it; damaged says so.
func (x *runner) publishable(ctx context.Context, batch []Event) (whole []Event, damaged, err error) {
	for i, e := range batch {
		if e.damage == "" {
			continue
		}
		discarded := false
		err := x.relay.db.Update(ctx, db.Scope{Institution: e.Institution, Actor: "system:" + x.consumer.Name}, func(tx *db.Tx) error {
			var n int
			if err := tx.QueryRow(ctx, countEffect, e.Institution, x.consumer.Name, e.ID).Scan(&n); err != nil {
				return err
			}
			if discarded = n > 0; discarded {
				return nil
			}
			return enqueue(ctx, tx, x.consumer.Name, e, stateDead, 1, 0, cut(e.whole()))
		})
		if err != nil {
			return nil, nil, err
		}
		if !discarded {
			return batch[:i], fmt.Errorf("event %s at %d: %w", e.ID, e.Position, e.whole()), nil
		}
		batch[i] = Event{ID: e.ID, Institution: e.Institution, Type: DamagedType, Position: e.Position, At: e.At, Payload: []byte("{}")}
	}
	return batch, nil, nil
}

var clearPassed = db.Q(`delete from event_retry where consumer = $1 and position <= $2`)

var countEffect = db.Q(`select count(*) from event_effect where institution_id = $1 and consumer = $2 and event_id = $3`)

// store moves the cursor of a sink, forward or back.
func (x *runner) store(ctx context.Context, from, to int64) error {
	err := x.relay.db.Update(ctx, x.relay.system(), func(tx *db.Tx) error {
		if _, err := tx.Exec(ctx, clearPassed, x.consumer.Name, to); err != nil { // a damaged event that was restored is no dead letter any more
			return err
		}
		return x.advance(ctx, tx, from, to)
	})
	if err != nil {
		return err
	}
	x.mu.Lock()
	if x.known && x.position == from {
		x.position, x.scanned = to, to
	}
	x.mu.Unlock()
	return nil
}
