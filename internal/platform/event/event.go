// Package event is the outbox: domain events are rows written in the transaction of their change.
// A relay gives committed events their position; consumers read by position with a cursor of their
// own and record each event id in the transaction of its effect, so every effect happens once.
package event

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/capillary-finance/capillary/internal/platform/db"
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
}

// Decode reads the payload into v.
func (e Event) Decode(v any) error {
	if err := json.Unmarshal(e.Payload, v); err != nil {
		return fmt.Errorf("event %s %s: %w", e.Type, e.ID, err)
	}
	return nil
}

// Consumer handles events of some types, in order per aggregate, each once. Handle must do all its
// work in tx.
type Consumer struct {
	Name   string
	Types  []string // empty: every type
	Handle func(ctx context.Context, tx *db.Tx, e Event) error
}

var insertEvent = db.Q(`insert into event (institution_id, id, at, actor, type, aggregate, aggregate_id, payload) values ($1,$2,$3,$4,$5,$6,$7,$8)`)

// Append writes an event in tx.
func Append(ctx context.Context, tx *db.Tx, d Draft) error {
	payload, err := json.Marshal(d.Payload)
	if err != nil {
		return fmt.Errorf("event %s: %w", d.Type, err)
	}
	_, err = tx.Exec(ctx, insertEvent, tx.Institution, tx.NewID("evt"), db.Micros(tx.Now), tx.Actor, d.Type, d.Aggregate, d.AggregateID, string(payload))
	if err != nil {
		return fmt.Errorf("event %s: %w", d.Type, err)
	}
	return nil
}
