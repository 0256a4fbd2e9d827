package auth

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/capillary-finance/capillary/internal/platform/crypto"
	"github.com/capillary-finance/capillary/internal/platform/db"
)

// The event package serves HTTP and therefore stands above this one; its outbox row is written here.
var insertEvent = db.Q(`insert into event (institution_id, id, at, actor, type, aggregate, aggregate_id, payload, checksum) values ($1,$2,$3,$4,$5,$6,$7,$8,$9)`)

// emit appends a domain event in tx.
func emit(ctx context.Context, tx *db.Tx, kind, aggregate, id string, payload any) error {
	text, err := json.Marshal(payload)
	if err != nil {
		return fmt.Errorf("event %s: %w", kind, err)
	}
	eventID, at := tx.NewID("evt"), db.Micros(tx.Now)
	sum := crypto.Checksum(at, tx.Institution, eventID, tx.Actor, kind, aggregate, id, string(text))
	_, err = tx.Exec(ctx, insertEvent, tx.Institution, eventID, at, tx.Actor, kind, aggregate, id, string(text), sum)
	return err
}
