package ageing

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strconv"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/platform/db"
)

// bucketOf is the bucket of a loan, in the engine's own words: rows are counted where they lie.
var bucketOf = func() string {
	text := "case"
	for _, b := range buckets[:len(buckets)-1] {
		text += fmt.Sprintf(" when d.days_past_due <= %d then %d", b.Until, b.No)
	}
	return text + fmt.Sprintf(" else %d end", len(buckets)-1)
}()

var (
	countBook = db.Q(`select l.branch_id, l.branch_path, l.product_id, l.currency, ` + bucketOf + ` as bucket, count(*), sum(d.outstanding_minor), sum(d.due_minor),
			sum(case when d.processed_to < $2 then 1 else 0 end)
		from loan_day d join loan l on l.institution_id = d.institution_id and l.id = d.loan_id
		where d.institution_id = $1 and d.status in ('active', 'overdue')
		group by l.branch_id, l.branch_path, l.product_id, l.currency, ` + bucketOf)
	deleteCells  = db.Q(`delete from ageing_cell where institution_id = $1 and as_of = $2`)
	deleteTies   = db.Q(`delete from ageing_tie where institution_id = $1 and as_of = $2`)
	putReport    = db.Q(`insert into ageing_report (institution_id, as_of, taken_at) values ($1,$2,$3) on conflict (institution_id, as_of) do update set taken_at = excluded.taken_at`)
	insertTie    = db.Q(`insert into ageing_tie (institution_id, as_of, currency, loans_minor, ledger_minor) values ($1,$2,$3,$4,$5)`)
	insertCells  = db.NewBulk("ageing_cell", []string{"institution_id", "as_of", "branch_id", "branch_path", "product_id", "currency", "bucket", "loans", "outstanding_minor", "due_minor", "behind"}, "")
	latestReport = db.Q(`select as_of, taken_at from ageing_report where institution_id = $1 and ($2 = '' or as_of = $2) order by as_of desc limit 1`)
	selectCells  = db.Q(`select c.branch_id, c.branch_path, coalesce(b.name, ''), c.product_id, c.currency, c.bucket, c.loans, c.outstanding_minor, c.due_minor, c.behind
		from ageing_cell c left join branch b on b.institution_id = c.institution_id and b.id = c.branch_id
		where c.institution_id = $1 and c.as_of = $2 order by c.branch_path, c.branch_id, c.product_id, c.currency, c.bucket`)
	selectTies   = db.Q(`select currency, loans_minor, ledger_minor from ageing_tie where institution_id = $1 and as_of = $2 order by currency`)
	selectCourse = db.Q(`select as_of, currency, sum(loans), sum(outstanding_minor), sum(case when bucket > 0 then outstanding_minor else 0 end), sum(case when bucket >= ` + strconv.Itoa(over90) + ` then outstanding_minor else 0 end)
		from ageing_cell where institution_id = $1 and branch_path like $2 and as_of >= $3 and as_of <= $4 group by as_of, currency order by as_of, currency`)
)

// count reads the whole book as it stands.
func count(ctx context.Context, tx *db.Tx, asOf calendar.Date) (out []cell, err error) {
	rows, err := tx.Query(ctx, countBook, tx.Institution, asOf.String())
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	for rows.Next() {
		var c cell
		if err := rows.Scan(&c.branchID, &c.branchPath, &c.productID, &c.currency, &c.bucket, &c.sums.Loans, &c.sums.OutstandingMinor, &c.sums.DueMinor, &c.behind); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

// put writes the report of a date anew, whatever was there.
func put(ctx context.Context, tx *db.Tx, asOf calendar.Date, cells []cell, ties []Tie) error {
	for _, q := range []*db.Query{deleteCells, deleteTies} {
		if _, err := tx.Exec(ctx, q, tx.Institution, asOf.String()); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, putReport, tx.Institution, asOf.String(), db.Micros(tx.Now)); err != nil {
		return err
	}
	for _, t := range ties {
		if _, err := tx.Exec(ctx, insertTie, tx.Institution, asOf.String(), t.Currency, t.LoansMinor, t.LedgerMinor); err != nil {
			return err
		}
	}
	rows := make([][]any, len(cells))
	for i, c := range cells {
		rows[i] = []any{tx.Institution, asOf.String(), c.branchID, c.branchPath, c.productID, c.currency, int64(c.bucket), c.sums.Loans, c.sums.OutstandingMinor, c.sums.DueMinor, c.behind}
	}
	_, err := tx.BulkInsert(ctx, insertCells, rows)
	return err
}

// header finds the report of a date, or the latest one.
func header(ctx context.Context, tx *db.Tx, asOf string) (r Report, found bool, err error) {
	var at int64
	err = tx.QueryRow(ctx, latestReport, tx.Institution, asOf).Scan(&r.AsOf, &at)
	if errors.Is(err, sql.ErrNoRows) {
		return r, false, nil
	}
	r.TakenAt = db.Time(at)
	return r, err == nil, err
}

// readCells reads every cell of a date.
func readCells(ctx context.Context, tx *db.Tx, asOf calendar.Date) (out []cell, err error) {
	rows, err := tx.Query(ctx, selectCells, tx.Institution, asOf.String())
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	for rows.Next() {
		var c cell
		if err := rows.Scan(&c.branchID, &c.branchPath, &c.branchName, &c.productID, &c.currency, &c.bucket, &c.sums.Loans, &c.sums.OutstandingMinor, &c.sums.DueMinor, &c.behind); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

func readTies(ctx context.Context, tx *db.Tx, asOf calendar.Date) ([]Tie, error) {
	rows, err := tx.Query(ctx, selectTies, tx.Institution, asOf.String())
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	out := []Tie{}
	for rows.Next() {
		var t Tie
		if err := rows.Scan(&t.Currency, &t.LoansMinor, &t.LedgerMinor); err != nil {
			return nil, err
		}
		t.DifferenceMinor = t.LoansMinor - t.LedgerMinor
		out = append(out, t)
	}
	return out, rows.Err()
}

func readCourse(ctx context.Context, tx *db.Tx, branches string, from, until calendar.Date) ([]Point, error) {
	rows, err := tx.Query(ctx, selectCourse, tx.Institution, branches, from.String(), until.String())
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	out := []Point{}
	for rows.Next() {
		var p Point
		if err := rows.Scan(&p.AsOf, &p.Currency, &p.Loans, &p.OutstandingMinor, &p.OverdueMinor, &p.Over90Minor); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, rows.Err()
}
