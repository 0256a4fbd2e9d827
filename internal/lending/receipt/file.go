package receipt

import (
	"context"
	"database/sql"
	"time"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// FileStatus is how far the reading of a file is.
type FileStatus string

// Statuses of a file.
const (
	FileRunning FileStatus = "running"
	FileDone    FileStatus = "done"
	FileRefused FileStatus = "refused" // nothing of it was used
)

// Origins of a file.
const (
	OriginUpload = "upload"
	OriginBank   = "bank" // fetched over the payment channel: the bank's own words
)

// File is one file of payments.
type File struct {
	ID          string     `json:"id"`
	Hash        string     `json:"hash"`
	Name        string     `json:"name"`
	Kind        string     `json:"kind" enum:"table,bank" doc:"table: XLSX or CSV; bank: camt.053 or camt.054"`
	Origin      string     `json:"origin" enum:"upload,bank"`
	Status      FileStatus `json:"status" enum:"running,done,refused"`
	Rows        int64      `json:"rows" doc:"payments and bad rows read so far"`
	Receipts    int64      `json:"receipts" doc:"new ones"`
	Repeats     int64      `json:"repeats" doc:"payments known from another file: recognised, not booked again"`
	Bad         int64      `json:"bad"`
	Skipped     int64      `json:"skipped" doc:"entries of a statement that are no money in"`
	AmountMinor int64      `json:"amount_minor" doc:"of the new receipts; 0 when they are in several currencies: see the counts of the file"`
	Currency    string     `json:"currency" doc:"of the new receipts; empty: several"`
	JobID       string     `json:"job_id"`
	Problem     fault.Text `json:"problem" doc:"why the file was refused"`
	CreatedBy   string     `json:"created_by"`
	CreatedAt   time.Time  `json:"created_at"`
	FinishedAt  *time.Time `json:"finished_at,omitempty"`
}

const fileColumns = `id, hash, name, kind, origin, status, row_count, receipt_count, repeat_count, bad_count, skipped_count, amount_minor, job_id, problem_zh, problem_en,
	created_by, created_at, finished_at, currency`

var (
	insertFile = db.Q(`insert into receipt_file (institution_id, ` + fileColumns + `)
		values ($1,$2,$3,$4,$5,$6,'running',0,0,0,0,0,0,'','','',$7,$8,0,'CNY') on conflict do nothing`)
	selectFile     = db.Q(`select ` + fileColumns + ` from receipt_file where institution_id = $1 and id = $2`)
	selectFileHash = db.Q(`select ` + fileColumns + ` from receipt_file where institution_id = $1 and hash = $2`)
	selectFiles    = db.Q(`select ` + fileColumns + ` from receipt_file where institution_id = $1 and ($2 = '' or id < $2) order by id desc limit $3`)
	countFiles     = db.Q(`select count(*) from receipt_file where institution_id = $1`)
	setFileJob     = db.Q(`update receipt_file set job_id = $3, status = 'running', problem_zh = '', problem_en = '' where institution_id = $1 and id = $2`)
	resetFile      = db.Q(`update receipt_file set row_count = 0, receipt_count = 0, repeat_count = 0, bad_count = 0, skipped_count = 0, amount_minor = 0 where institution_id = $1 and id = $2`)
	addToFile      = db.Q(`update receipt_file set row_count = row_count + $3, receipt_count = receipt_count + $4, repeat_count = repeat_count + $5, bad_count = bad_count + $6,
		amount_minor = case when receipt_count = 0 or $4 = 0 or currency = $10 then amount_minor + $7 else 0 end,
		currency = case when $4 = 0 then currency when receipt_count = 0 or currency = $10 then $10 else '' end, kind = $8, skipped_count = $9 where institution_id = $1 and id = $2`)
	finishFile = db.Q(`update receipt_file set status = $3, problem_zh = $4, problem_en = $5, finished_at = $6 where institution_id = $1 and id = $2`)
)

func scanFile(row scanner) (File, error) {
	var f File
	var created, finished int64
	err := row.Scan(&f.ID, &f.Hash, &f.Name, &f.Kind, &f.Origin, &f.Status, &f.Rows, &f.Receipts, &f.Repeats, &f.Bad, &f.Skipped, &f.AmountMinor, &f.JobID,
		&f.Problem.Zh, &f.Problem.En, &f.CreatedBy, &created, &finished, &f.Currency)
	f.CreatedAt = db.Time(created)
	if finished != 0 {
		at := db.Time(finished)
		f.FinishedAt = &at
	}
	return f, err
}

func fileByID(ctx context.Context, tx *db.Tx, id string) (File, error) {
	f, err := scanFile(tx.QueryRow(ctx, selectFile, tx.Institution, id))
	if db.IsNoRows(err) {
		return f, fault.NotFoundError("receipt file", id)
	}
	return f, err
}

func collectFiles(rows *sql.Rows) ([]File, error) {
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	out := []File{}
	for rows.Next() {
		f, err := scanFile(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, rows.Err()
}
