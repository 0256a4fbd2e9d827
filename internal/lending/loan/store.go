package loan

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

const columns = `id, facility_id, reference, contract_id, firm_id, product_id, branch_id, branch_path, terms_json, payee_name, payee_account, payment_order_id,
	status, processed_to, disbursed_on, maturity_on, next_due_on, next_due_minor, currency, principal_minor, outstanding_minor, due_minor, days_past_due,
	posted_json, event_seq, event_hash, created_at, updated_at, version`

const pageFilter = ` from loan where institution_id = $1 and branch_path like $2 and ($3 = '' or status = $3) and ($4 = '' or firm_id = $4)
	and ($5 = '' or facility_id = $5)`

var (
	insertLoan = db.Q(`insert into loan (institution_id, ` + columns + `)
		values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22,$23,$24,$25,$26,$27,$28,$29,$30) on conflict do nothing`)
	selectByID        = db.Q(`select ` + columns + ` from loan where institution_id = $1 and id = $2`)
	selectLocked      = db.Q(`select ` + columns + ` from loan where institution_id = $1 and id = $2 /*for update*/`)
	selectByReference = db.Q(`select ` + columns + ` from loan where institution_id = $1 and facility_id = $2 and reference = $3`)
	selectPage        = db.Q(`select ` + columns + pageFilter + ` and ($6 = '' or id < $6) order by id desc limit $7`)
	countPage         = db.Q(`select count(*)` + pageFilter)
	selectByFirm      = db.Q(`select ` + columns + ` from loan where institution_id = $1 and firm_id = $2 order by id`)
	selectAfter       = db.Q(`select ` + columns + ` from loan where institution_id = $1 and id > $2 order by id limit $3`)
	selectBehind      = db.Q(`select id from loan where institution_id = $1 and id > $2 and status in ('active', 'overdue') and processed_to < $3 order by id limit $4`)
	countBehind       = db.Q(`select count(*) from loan where institution_id = $1 and status in ('active', 'overdue') and processed_to < $2`)
	selectCollectable = db.Q(`select id from loan where institution_id = $1 and id > $2 and status in ('active', 'overdue') and due_minor > 0 order by id limit $3`)
	updateLoan        = db.Q(`update loan set status = $3, processed_to = $4, disbursed_on = $5, maturity_on = $6, next_due_on = $7, next_due_minor = $8,
		outstanding_minor = $9, due_minor = $10, days_past_due = $11, posted_json = $12, event_seq = $13, event_hash = $14, updated_at = $15, version = version + 1
		where institution_id = $1 and id = $2`)

	setOrder = db.Q(`update loan set payment_order_id = $3 where institution_id = $1 and id = $2`)

	insertEvent = db.Q(`insert into loan_event (institution_id, loan_id, seq, kind, value_date, amount_minor, prepay, business_key, note, booked_at, actor, prev_hash, hash)
		values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13)`)
	selectEvents = db.Q(`select seq, kind, value_date, amount_minor, prepay, business_key, note, booked_at, actor, prev_hash, hash
		from loan_event where institution_id = $1 and loan_id = $2 order by seq`)
)

type scanner interface{ Scan(dest ...any) error }

func scan(row scanner) (Loan, error) {
	var l Loan
	var terms, posted string
	var created, updated int64
	err := row.Scan(&l.ID, &l.FacilityID, &l.Reference, &l.ContractID, &l.FirmID, &l.ProductID, &l.BranchID, &l.BranchPath, &terms, &l.PayeeName, &l.PayeeAccount,
		&l.PaymentOrderID, &l.Status, &l.ProcessedTo, &l.DisbursedOn, &l.MaturityOn, &l.NextDueOn, &l.NextDueMinor, &l.Currency, &l.PrincipalMinor,
		&l.OutstandingMinor, &l.DueMinor, &l.DaysPastDue, &posted, &l.eventSeq, &l.eventHash, &created, &updated, &l.Version)
	if err != nil {
		return l, err
	}
	l.CreatedAt, l.UpdatedAt = db.Time(created), db.Time(updated)
	if err := json.Unmarshal([]byte(terms), &l.Terms); err != nil {
		return l, fmt.Errorf("loan %s: terms: %w", l.ID, err)
	}
	if err := json.Unmarshal([]byte(posted), &l.Posted); err != nil {
		return l, fmt.Errorf("loan %s: totals: %w", l.ID, err)
	}
	return l, nil
}

func collect(rows *sql.Rows) ([]Loan, error) {
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	out := []Loan{}
	for rows.Next() {
		l, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, l)
	}
	return out, rows.Err()
}

// ByID reads a loan.
func ByID(ctx context.Context, tx *db.Tx, id string) (Loan, error) {
	return read(ctx, tx, selectByID, id)
}

func read(ctx context.Context, tx *db.Tx, q *db.Query, id string) (Loan, error) {
	l, err := scan(tx.QueryRow(ctx, q, tx.Institution, id))
	if db.IsNoRows(err) {
		return l, fault.NotFoundError("loan", id)
	}
	return l, err
}

// ByFirm lists a firm's loans, oldest first.
func ByFirm(ctx context.Context, tx *db.Tx, firmID string) ([]Loan, error) {
	rows, err := tx.Query(ctx, selectByFirm, tx.Institution, firmID)
	if err != nil {
		return nil, err
	}
	return collect(rows)
}

func insert(ctx context.Context, tx *db.Tx, l Loan) (fresh bool, err error) {
	terms, err := json.Marshal(l.Terms)
	if err != nil {
		return false, err
	}
	posted, err := json.Marshal(l.Posted)
	if err != nil {
		return false, err
	}
	return tx.ExecOne(ctx, insertLoan, tx.Institution, l.ID, l.FacilityID, l.Reference, l.ContractID, l.FirmID, l.ProductID, l.BranchID, l.BranchPath,
		string(terms), l.PayeeName, l.PayeeAccount, l.PaymentOrderID, string(l.Status), l.ProcessedTo.String(), l.DisbursedOn.String(), l.MaturityOn.String(),
		l.NextDueOn.String(), l.NextDueMinor, string(l.Currency), l.PrincipalMinor, l.OutstandingMinor, l.DueMinor, l.DaysPastDue, string(posted),
		l.eventSeq, l.eventHash, db.Micros(tx.Now), db.Micros(tx.Now), 1)
}

func update(ctx context.Context, tx *db.Tx, l Loan) error {
	posted, err := json.Marshal(l.Posted)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, updateLoan, tx.Institution, l.ID, string(l.Status), l.ProcessedTo.String(), l.DisbursedOn.String(), l.MaturityOn.String(),
		l.NextDueOn.String(), l.NextDueMinor, l.OutstandingMinor, l.DueMinor, l.DaysPastDue, string(posted), l.eventSeq, l.eventHash, db.Micros(tx.Now))
	return err
}

// Events reads a loan's chain, oldest first.
func Events(ctx context.Context, tx *db.Tx, loanID string) ([]RecordedEvent, error) {
	rows, err := tx.Query(ctx, selectEvents, tx.Institution, loanID)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	out := []RecordedEvent{}
	for rows.Next() {
		var e RecordedEvent
		var booked int64
		if err := rows.Scan(&e.Seq, &e.Kind, &e.Date, &e.AmountMinor, &e.Prepay, &e.Key, &e.Note, &booked, &e.Actor, &e.PrevHash, &e.Hash); err != nil {
			return nil, err
		}
		e.BookedAt = db.Time(booked)
		out = append(out, e)
	}
	return out, rows.Err()
}

// record appends an event to the loan's chain.
func record(ctx context.Context, tx *db.Tx, l *Loan, e Event) (RecordedEvent, error) {
	r := RecordedEvent{Event: e, BookedAt: tx.Now, Actor: tx.Actor, PrevHash: l.eventHash}
	r.Seq = l.eventSeq + 1
	r.Hash = r.seal(tx.Institution, l.ID)
	if _, err := tx.Exec(ctx, insertEvent, tx.Institution, l.ID, r.Seq, string(r.Kind), r.Date.String(), r.AmountMinor, r.Prepay, r.Key, r.Note,
		db.Micros(r.BookedAt), r.Actor, r.PrevHash, r.Hash); err != nil {
		return r, fmt.Errorf("loan %s event %s: %w", l.ID, e.Kind, err)
	}
	l.eventSeq, l.eventHash = r.Seq, r.Hash
	return r, nil
}

func ids(ctx context.Context, tx *db.Tx, q *db.Query, args ...any) ([]string, error) {
	rows, err := tx.Query(ctx, q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	var out []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, rows.Err()
}

// Behind lists up to limit open loans after an id that are not worked up to a date.
func Behind(ctx context.Context, tx *db.Tx, afterID string, to calendar.Date, limit int) ([]string, error) {
	return ids(ctx, tx, selectBehind, tx.Institution, afterID, to.String(), limit)
}

// CountBehind counts the open loans that are not worked up to a date.
func CountBehind(ctx context.Context, tx *db.Tx, to calendar.Date) (n int64, err error) {
	err = tx.QueryRow(ctx, countBehind, tx.Institution, to.String()).Scan(&n)
	return n, err
}

// Collectable lists up to limit open loans after an id that have something due.
func Collectable(ctx context.Context, tx *db.Tx, afterID string, limit int) ([]string, error) {
	return ids(ctx, tx, selectCollectable, tx.Institution, afterID, limit)
}
