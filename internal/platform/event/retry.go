package event

import (
	"context"
	"errors"
	"time"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/failpoint"
)

// retryTimeoutFactor gives a retried event more time than the first try, which must not delay others.
const retryTimeoutFactor = 10

type head struct {
	id    string
	tries int
	event Event
}

// retryLoop tries the put-aside events again, apart from the main loop so that a slow one delays
// nobody.
func (x *runner) retryLoop(ctx context.Context) {
	for {
		more := false
		if x.isHeld() {
			var err error
			if more, err = x.retryDue(ctx); err != nil && ctx.Err() == nil {
				x.relay.cfg.Log.Warn("event retry", "consumer", x.consumer.Name, "error", err)
				more = false
			}
		}
		if more && ctx.Err() == nil {
			continue
		}
		if !x.relay.pause(ctx, x.retry, x.relay.cfg.Poll) {
			return
		}
	}
}

// retryDue tries the first event of each held aggregate that is due; more says that trying at once
// again makes sense: an aggregate moved on.
func (x *runner) retryDue(ctx context.Context) (more bool, err error) {
	var heads []head
	err = x.relay.db.View(ctx, x.relay.system(), func(tx *db.Tx) error {
		rows, err := tx.Query(ctx, dueHeads, x.consumer.Name, db.Micros(tx.Now), x.relay.cfg.Batch)
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // read to its end below
		for rows.Next() {
			var h head
			if h.event, err = scanEvent(rows, &h.id, &h.tries); err != nil {
				return err
			}
			heads = append(heads, h)
		}
		return rows.Err()
	})
	if err != nil {
		return false, err
	}
	for _, h := range heads {
		ok, err := x.tryAgain(ctx, h)
		if err != nil || ctx.Err() != nil {
			return false, err
		}
		more = more || ok
	}
	return more, nil
}

// tryAgain handles one put-aside event; false when it failed again.
func (x *runner) tryAgain(ctx context.Context, h head) (bool, error) {
	scope := db.Scope{Institution: h.event.Institution, Actor: "system:" + x.consumer.Name}
	gone := false
	err := x.relay.db.Update(ctx, scope, func(tx *db.Tx) error {
		var tries, ours int
		if err := tx.QueryRow(ctx, holdsLease, x.consumer.Name, x.relay.id).Scan(&ours); err != nil {
			return err
		}
		if ours == 0 {
			return errMoved
		}
		err := tx.QueryRow(ctx, lockRetry, h.event.Institution, h.id).Scan(&tries)
		if gone = db.IsNoRows(err); gone {
			return nil // discarded or replayed meanwhile
		}
		if err != nil {
			return err
		}
		if h.event.damage != "" || x.consumer.wants(h.event.Type) {
			if err := x.effect(ctx, tx, h.event, retryTimeoutFactor*x.consumer.Timeout); err != nil {
				return err
			}
		}
		if err := pointRetried.Hit(ctx); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, deleteRetry, h.event.Institution, h.id)
		return err
	})
	if err == nil || ctx.Err() != nil {
		return err == nil && !gone, nil
	}
	if errors.Is(err, errMoved) {
		return false, nil
	}
	return false, x.failAgain(ctx, scope, h, err)
}

func (x *runner) failAgain(ctx context.Context, scope db.Scope, h head, cause error) error {
	state := stateWaiting
	tries := h.tries + 1
	if tries >= x.relay.cfg.Tries || errors.Is(cause, errDamaged) {
		state = stateDead
		x.relay.cfg.Log.Error("event is a dead letter", "consumer", x.consumer.Name, "event", h.event.ID, "type", h.event.Type, "tries", tries, "error", cause)
	}
	return x.relay.db.Update(ctx, scope, func(tx *db.Tx) error {
		next := db.Micros(tx.Now.Add(max(x.relay.cfg.Backoff(tries), time.Millisecond)))
		_, err := tx.Exec(ctx, failRetry, h.event.Institution, h.id, next, cut(cause), state)
		return err
	})
}

// Instants at which a test may break off.
var (
	pointRetried = failpoint.Declare("event.retried")
)
