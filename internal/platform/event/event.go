// Package event is the outbox: domain events are rows written in the transaction of their change.
// A relay gives committed events their position; consumers read by position with a cursor of their
// own and record each event id in the transaction of its effect, so every effect happens once. An
// event that fails is retried, then kept as a dead letter, while other aggregates go on.
package event

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/capillary-finance/capillary/internal/base/canary"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/failpoint"
)

// Draft is an event about to be written.
type Draft struct {
	Type        string // "loan.disbursed"
	Aggregate   string // "loan"
	AggregateID string
	Payload     any
}

// Event is a stored event. Position is its place in the one order in which consumers see events.
type Event struct {
	ID, Institution, Actor, Type, Aggregate, AggregateID string
	Position                                             int64
	At                                                   time.Time
	Payload                                              json.RawMessage

	twin     int64  // the position as it is kept a second time, negated
	damage   string // what is wrong with it; empty: nothing
	unsealed bool   // it was written before events bore checksums
}

// Decode reads the payload into v.
func (e Event) Decode(v any) error {
	if err := json.Unmarshal(e.Payload, v); err != nil {
		return fmt.Errorf("event %s %s: %w", e.Type, e.ID, err)
	}
	return nil
}

// Consumer handles events of some types, in order per aggregate, each once. Handle must do all its
// work in tx, which is of the event's institution; several events may share one transaction. It must
// be quick: long work belongs into a job that Handle enqueues.
type Consumer struct {
	Name   string
	Types  []string // empty: every type
	Handle func(ctx context.Context, tx *db.Tx, e Event) error
	// Replayable says that handling an event again is harmless (a projection); only then may it be replayed.
	Replayable bool
	// FromNow lets a consumer that starts for the first time begin after what already happened.
	FromNow bool
	// Timeout bounds one call of Handle (default 1 s; ten times that on a retry).
	Timeout time.Duration
}

func (c Consumer) wants(eventType string) bool {
	return len(c.Types) == 0 || slices.Contains(c.Types, eventType)
}

var insertEvent = db.Q(`insert into event (institution_id, id, at, actor, type, aggregate, aggregate_id, payload, checksum) values ($1,$2,$3,$4,$5,$6,$7,$8,$9)`)

// Append writes an event in tx.
func Append(ctx context.Context, tx *db.Tx, d Draft) error {
	if canary.On("skip_event") && d.Type == "loan.repaid" {
		return nil
	}
	if err := pointAppend.Hit(ctx); err != nil {
		return err
	}
	payload, err := json.Marshal(d.Payload)
	if err != nil {
		return fmt.Errorf("event %s: %w", d.Type, err)
	}
	_, err = tx.Exec(ctx, insertEvent, row(tx, d, string(payload))...)
	if err != nil {
		return fmt.Errorf("event %s: %w", d.Type, err)
	}
	of := tx.DB()
	tx.AfterCommit(func() { wake(of) })
	return nil
}

var insertEvents = db.NewBulk("event", []string{"institution_id", "id", "at", "actor", "type", "aggregate", "aggregate_id", "payload", "checksum"}, "")

// row is an event as it is stored.
func row(tx *db.Tx, d Draft, payload string) []any {
	id, at := tx.NewID("evt"), db.Micros(tx.Now)
	return []any{tx.Institution, id, at, tx.Actor, d.Type, d.Aggregate, d.AggregateID, payload, checksum(tx.Institution, id, at, tx.Actor, d.Type, d.Aggregate, d.AggregateID, payload)}
}

// AppendAll writes many events in tx in a few statements, in their order.
func AppendAll(ctx context.Context, tx *db.Tx, drafts []Draft) error {
	if len(drafts) == 0 {
		return nil
	}
	if err := pointAppendAll.Hit(ctx); err != nil {
		return err
	}
	rows := make([][]any, len(drafts))
	for i, d := range drafts {
		payload, err := json.Marshal(d.Payload)
		if err != nil {
			return fmt.Errorf("event %s: %w", d.Type, err)
		}
		rows[i] = row(tx, d, string(payload))
	}
	if _, err := tx.BulkInsert(ctx, insertEvents, rows); err != nil {
		return fmt.Errorf("events: %w", err)
	}
	of := tx.DB()
	tx.AfterCommit(func() { wake(of) })
	return nil
}

// wakers finds the relays that run on a database in this process, so that a commit wakes them.
var wakers = struct {
	sync.RWMutex
	m map[*db.DB][]chan struct{}
}{m: map[*db.DB][]chan struct{}{}}

func wake(d *db.DB) {
	wakers.RLock()
	defer wakers.RUnlock()
	for _, c := range wakers.m[d] {
		signal(c)
	}
}

// signal leaves one wake-up in a channel of capacity one; more would mean the same.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func listen(d *db.DB, c chan struct{}) {
	wakers.Lock()
	wakers.m[d] = append(wakers.m[d], c)
	wakers.Unlock()
}

func unlisten(d *db.DB, c chan struct{}) {
	wakers.Lock()
	defer wakers.Unlock()
	wakers.m[d] = slices.DeleteFunc(wakers.m[d], func(x chan struct{}) bool { return x == c })
	if len(wakers.m[d]) == 0 {
		delete(wakers.m, d)
	}
}

// Instants at which a test may break off.
var (
	pointAppend    = failpoint.Declare("event.append")
	pointAppendAll = failpoint.Declare("event.append_all")
)
