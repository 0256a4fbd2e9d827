package event

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// replayMax bounds a replay asked for over HTTP; the command line replays everything.
const replayMax = 100_000

// Status of a consumer.
type Status struct {
	Name       string    `json:"name"`
	Position   int64     `json:"position" doc:"everything up to here has been handled or put aside"`
	Lag        int64     `json:"lag" doc:"events behind the last one"`
	Waiting    int64     `json:"waiting" doc:"events put aside, to be tried again (over all institutions)"`
	Dead       int64     `json:"dead" doc:"dead letters (over all institutions)"`
	Replayable bool      `json:"replayable"`
	UpdatedAt  time.Time `json:"updated_at"`
	LastError  string    `json:"last_error,omitempty"`
}

// Consumers tells how every consumer stands.
func (r *Relay) Consumers(ctx context.Context) (out []Status, err error) {
	err = r.db.View(ctx, r.system(), func(tx *db.Tx) error {
		var last int64
		if err := tx.QueryRow(ctx, lastPosition).Scan(&last); err != nil {
			return err
		}
		aside := map[string][2]int64{}
		rows, err := tx.Query(ctx, retryStats)
		if err != nil {
			return err
		}
		for rows.Next() {
			var name string
			var all, dead int64
			if err := rows.Scan(&name, &all, &dead); err != nil {
				return err
			}
			aside[name] = [2]int64{all - dead, dead}
		}
		if err := rows.Err(); err != nil {
			return err
		}
		if rows, err = tx.Query(ctx, listConsumers); err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // read to its end below
		for rows.Next() {
			var s Status
			var until, updated int64
			if err := rows.Scan(&s.Name, &s.Position, &until, &updated); err != nil {
				return err
			}
			s.UpdatedAt = db.Time(updated)
			s.Waiting, s.Dead = aside[s.Name][0], aside[s.Name][1]
			x := r.find(s.Name)
			if x == nil {
				continue // of a version of the program that is gone
			}
			x.mu.Lock()
			if x.known && x.held {
				s.Position = max(s.Position, x.scanned)
			}
			s.LastError = x.lastError
			x.mu.Unlock()
			s.Replayable = x.consumer.Replayable
			s.Lag = max(0, last-s.Position)
			out = append(out, s)
		}
		return rows.Err()
	})
	return out, err
}

// Replay makes a consumer of this relay handle everything from a position again, for all
// institutions. Only a consumer declared replayable may be.
func (r *Relay) Replay(ctx context.Context, consumer string, from int64) error {
	x := r.find(consumer)
	if x == nil {
		return fault.NotFoundError("consumer", consumer)
	}
	if !x.consumer.Replayable {
		return fault.New(ReasonNotReplayable, "consumer", consumer)
	}
	from = max(from, 1)
	err := r.db.Update(ctx, r.system(), func(tx *db.Tx) error {
		for _, q := range []*db.Query{deleteEffects, clearRetry} {
			if _, err := tx.Exec(ctx, q, consumer, from, ""); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, setCursor, consumer, from-1, db.Micros(tx.Now))
		return err
	})
	if err != nil {
		return fmt.Errorf("replay %s: %w", consumer, err)
	}
	x.forget()
	signal(x.woken)
	return nil
}

// ReplayInstitution is Replay for the scope's institution alone: its events go through the retry
// list again, in order per aggregate, while the consumer goes on with everybody's new ones.
func (r *Relay) ReplayInstitution(ctx context.Context, sc db.Scope, consumer string, from int64) (count int64, err error) {
	x := r.find(consumer)
	if x == nil || x.sink != nil {
		return 0, fault.NotFoundError("consumer", consumer)
	}
	if !x.consumer.Replayable {
		return 0, fault.New(ReasonNotReplayable, "consumer", consumer)
	}
	from = max(from, 1)
	err = r.db.Update(ctx, sc, func(tx *db.Tx) error {
		if err := tx.QueryRow(ctx, countFrom, sc.Institution, from).Scan(&count); err != nil {
			return err
		}
		if count > replayMax {
			return fault.New(ReasonReplayTooLong, "limit", replayMax, "count", count)
		}
		for _, q := range []*db.Query{deleteEffects, clearRetry} {
			if _, err := tx.Exec(ctx, q, consumer, from, sc.Institution); err != nil {
				return err
			}
		}
		res, err := tx.Exec(ctx, refillRetry, consumer, sc.Institution, from, tx.NewID("dlq"), db.Micros(tx.Now))
		if err != nil {
			return err
		}
		if count, err = res.RowsAffected(); err != nil {
			return err
		}
		tx.AfterCommit(func() { signal(x.retry) })
		return audit.Record(ctx, tx, audit.Entry{Action: "event.replay", Object: "consumer", ObjectID: consumer, After: map[string]any{"from_position": from, "events": count}})
	})
	return count, err
}

// DeadLetter is an event that a consumer gave up.
type DeadLetter struct {
	ID       string    `json:"id"`
	Consumer string    `json:"consumer"`
	Tries    int64     `json:"tries"`
	Error    string    `json:"error"`
	At       time.Time `json:"at" doc:"when it first failed"`
	Behind   int64     `json:"behind" doc:"later events of the same object that wait behind it"`
	Event    Stored    `json:"event"`
}

// Stored is an event as the API shows it.
type Stored struct {
	ID          string          `json:"id"`
	Position    int64           `json:"position"`
	At          time.Time       `json:"at"`
	Actor       string          `json:"actor"`
	Type        string          `json:"type"`
	Aggregate   string          `json:"aggregate"`
	AggregateID string          `json:"aggregate_id"`
	Payload     json.RawMessage `json:"payload"`
	Damage      string          `json:"damage,omitempty" doc:"what is wrong with the stored event; nothing of its content is shown then"`
}

// DeadLetters lists the dead letters of an institution behind a position, oldest first, and how many
// there are in all.
func (r *Relay) DeadLetters(ctx context.Context, sc db.Scope, consumer string, after int64, limit int) (out []DeadLetter, total int64, err error) {
	err = r.db.View(ctx, sc, func(tx *db.Tx) error {
		if err := tx.QueryRow(ctx, countDead, sc.Institution, consumer).Scan(&total); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, listDead, sc.Institution, consumer, after, pageSize(limit))
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // read to its end below
		out = []DeadLetter{}
		for rows.Next() {
			var l DeadLetter
			var at int64
			e, err := scanEvent(tail{rows, &l.Behind}, &l.ID, &l.Consumer, &l.Tries, &l.Error, &at)
			if err != nil {
				return err
			}
			l.At, l.Event = db.Time(at), shown(e)
			out = append(out, l)
		}
		return rows.Err()
	})
	return out, total, err
}

// tail scans one more column behind those of an event.
type tail struct {
	s interface{ Scan(dest ...any) error }
	v any
}

func (t tail) Scan(dest ...any) error { return t.s.Scan(append(dest, t.v)...) }

// Requeue gives a dead letter a fresh set of tries.
func (r *Relay) Requeue(ctx context.Context, sc db.Scope, id string) error {
	return r.decide(ctx, sc, id, "event.requeue", "", reviveDead)
}

// Discard drops a dead letter for good; what waited behind it goes on. The reason is kept in the audit record.
func (r *Relay) Discard(ctx context.Context, sc db.Scope, id, reason string) error {
	if reason == "" {
		return fault.Required("reason")
	}
	return r.decide(ctx, sc, id, "event.discard", reason, deleteRetry)
}

func (r *Relay) decide(ctx context.Context, sc db.Scope, id, action, reason string, q *db.Query) error {
	return r.db.Update(ctx, sc, func(tx *db.Tx) error {
		var consumer, eventID, problem string
		var position int64
		err := tx.QueryRow(ctx, readDead, sc.Institution, id).Scan(&consumer, &eventID, &position, &problem)
		if db.IsNoRows(err) {
			return fault.NotFoundError("dead letter", id)
		}
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, q, sc.Institution, id); err != nil {
			return err
		}
		x := r.find(consumer)
		if x != nil && x.sink != nil && q == deleteRetry { // the sink goes on past it
			if _, err := tx.Exec(ctx, insertEffect, sc.Institution, consumer, eventID, position); err != nil {
				return err
			}
		}
		tx.AfterCommit(func() {
			if x != nil {
				signal(x.retry)
				signal(x.woken)
			}
		})
		return audit.Record(ctx, tx, audit.Entry{Action: action, Object: "dead_letter", ObjectID: id, Note: reason,
			Before: map[string]any{"consumer": consumer, "event_id": eventID, "position": position, "error": problem}})
	})
}

// Filter of Events; empty fields do not filter.
type Filter struct {
	Aggregate, AggregateID, Type string
	Before                       int64 // a position; 0: from the newest
	Limit                        int
}

// Events lists the events of an institution, newest first, and how many match.
func (r *Relay) Events(ctx context.Context, sc db.Scope, f Filter) (out []Stored, total int64, err error) {
	err = r.db.View(ctx, sc, func(tx *db.Tx) error {
		if err := tx.QueryRow(ctx, countEvents, sc.Institution, f.Aggregate, f.AggregateID, f.Type).Scan(&total); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, listEvents, sc.Institution, f.Aggregate, f.AggregateID, f.Type, f.Before, pageSize(f.Limit))
		if err != nil {
			return err
		}
		events, err := collect(rows)
		out = make([]Stored, 0, len(events))
		for _, e := range events {
			out = append(out, shown(e))
		}
		return err
	})
	return out, total, err
}
