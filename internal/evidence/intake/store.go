package intake

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/capillary-finance/capillary/internal/evidence/source"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

const batchColumns = `id, kind, file_name, file_hash, file_bytes, state, options, job_id, staged, inserted, known, report, same_as, created_by, created_at, finished_at, branch_path`

var (
	insertBatch = db.Q(`insert into import_batch (institution_id, id, kind, file_name, file_hash, file_bytes, state, options, job_id, staged, inserted, known, report, same_as, created_by, created_at, finished_at, branch_path)
		values ($1,$2,$3,$4,$5,$6,$7,$8,'',0,0,0,'{}','',$9,$10,0,$11)`)
	setJob      = db.Q(`update import_batch set job_id = $3 where institution_id = $1 and id = $2`)
	setStaged   = db.Q(`update import_batch set staged = $3 where institution_id = $1 and id = $2 and state = 'running'`)
	finishBatch = db.Q(`update import_batch set state = $3, staged = $4, inserted = $5, known = $6, report = $7, same_as = $8, finished_at = $9 where institution_id = $1 and id = $2 and state = 'running'`)
	batchByID   = db.Q(`select ` + batchColumns + ` from import_batch where institution_id = $1 and id = $2`)
	batchSame   = db.Q(`select id, options, report from import_batch where institution_id = $1 and file_hash = $2 and kind = $3 and state = 'committed' order by id desc limit 50`)
	batchLeft   = db.Q(`select id from import_batch where institution_id = $1 and file_hash = $2 and kind = $3 and options = $4 and state = 'running' and job_id = '' order by id desc limit 1`)
	// settleFirms puts the id of each firm in the place of its mark, in one pass over the staged rows.
	settleFirms = db.Q(`update invoice_staging set firm_id = (select f.id from firm f where f.institution_id = $1 and f.code = substr(invoice_staging.firm_id, $4))
		where institution_id = $1 and batch_id = $2 and substr(firm_id, 1, $5) = $3`)
	listBatches = db.Q(`select ` + batchColumns + ` from import_batch where institution_id = $1 and branch_path like $2 and ($3 = '' or id < $3) order by id desc limit $4`)
	countBatch  = db.Q(`select count(*) from import_batch where institution_id = $1 and branch_path like $2`)
	bulkErrors  = db.NewBulk("import_error", []string{"institution_id", "batch_id", "seq", "line", "field", "heading", "value", "code", "message_zh", "message_en", "remedy_zh", "remedy_en"}, "on conflict do nothing")
	dropErrors  = db.Q(`delete from import_error where institution_id = $1 and batch_id = $2`)
	readErrors  = db.Q(`select line, field, heading, value, code, message_zh, message_en, remedy_zh, remedy_en from import_error
		where institution_id = $1 and batch_id = $2 and seq > $3 order by seq limit $4`)
)

type scanner interface{ Scan(dest ...any) error }

func scanBatch(s scanner) (Batch, error) {
	var b Batch
	var options, report string
	var created, finished int64
	err := s.Scan(&b.ID, &b.Kind, &b.FileName, &b.FileHash, &b.FileBytes, &b.State, &options, &b.JobID, &b.Staged, &b.Inserted, &b.Known, &report, &b.SameAs, &b.CreatedBy, &created, &finished, &b.branchPath)
	if err != nil {
		return b, err
	}
	if err := json.Unmarshal([]byte(options), &b.Options); err != nil {
		return b, fmt.Errorf("import %s: %w", b.ID, err)
	}
	if err := json.Unmarshal([]byte(report), &b.Report); err != nil {
		return b, fmt.Errorf("import %s: %w", b.ID, err)
	}
	b.Report.Errors = []source.RowError{}
	b.CreatedAt = db.Time(created)
	if finished != 0 {
		at := db.Time(finished)
		b.FinishedAt = &at
	}
	return b, nil
}

func get(ctx context.Context, tx *db.Tx, id string) (Batch, error) {
	b, err := scanBatch(tx.QueryRow(ctx, batchByID, tx.Institution, id))
	if db.IsNoRows(err) {
		return b, fault.NotFoundError("import", id)
	}
	return b, err
}

// visible reads a batch; one outside the caller's branches is not found.
func visible(ctx context.Context, tx *db.Tx, p auth.Principal, id string) (Batch, error) {
	b, err := get(ctx, tx, id)
	if err == nil && !p.Sees(b.branchPath) {
		return Batch{}, fault.NotFoundError("import", id)
	}
	return b, err
}

func saveErrors(ctx context.Context, tx *db.Tx, batchID string, from int64, errs []source.RowError) error {
	rows := make([][]any, len(errs))
	for i, e := range errs {
		rows[i] = []any{tx.Institution, batchID, from + int64(i) + 1, e.Line, e.Field, e.Column, e.Value, e.Code, e.Message.Zh, e.Message.En, e.Remedy.Zh, e.Remedy.En}
	}
	_, err := tx.BulkInsert(ctx, bulkErrors, rows)
	return err
}

// Errors reads the bad rows of a batch after a sequence number, in file order.
func Errors(ctx context.Context, tx *db.Tx, batchID string, after int64, limit int) ([]source.RowError, error) {
	rows, err := tx.Query(ctx, readErrors, tx.Institution, batchID, after, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := []source.RowError{}
	for rows.Next() {
		var e source.RowError
		if err := rows.Scan(&e.Line, &e.Field, &e.Column, &e.Value, &e.Code, &e.Message.Zh, &e.Message.En, &e.Remedy.Zh, &e.Remedy.En); err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, rows.Err()
}
