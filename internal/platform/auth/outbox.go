package auth

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/capillary-finance/capillary/internal/platform/db"
)

// The event package serves HTTP and therefore stands above this one; its outbox row is written here.
var insertEvent = db.Q(`insert into event (institution_id, id, at, actor, type, aggregate, aggregate_id, payload) values ($1,$2,$3,$4,$5,$6,$7,$8)`)

// emit appends a domain event in tx.
func emit(ctx context.Context, tx *db.Tx, kind, aggregate, id string, payload any) error {
	text, err := json.Marshal(payload)
	if err != nil {
		return fmt.Errorf("event %s: %w", kind, err)
	}
	_, err = tx.Exec(ctx, insertEvent, tx.Institution, tx.NewID("evt"), db.Micros(tx.Now), tx.Actor, kind, aggregate, id, string(text))
	return err
}
