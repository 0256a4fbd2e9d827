package loan

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

const columns = `id, facility_id, reference, contract_id, firm_id, product_id, branch_id, branch_path, terms_json, payee_name, payee_account, payment_order_id,
	status, processed_to, disbursed_on, maturity_on, next_due_on, next_due_minor, currency, principal_minor, outstanding_minor, due_minor, days_past_due,
	posted_json, event_seq, event_hash, created_at, updated_at, version, facts_json`

const pageFilter = ` from loan where institution_id = $1 and branch_path like $2 and ($3 = '' or status = $3) and ($4 = '' or firm_id = $4)
	and ($5 = '' or facility_id = $5)`

var (
	insertLoan = db.Q(`insert into loan (institution_id, ` + columns + `)
		values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22,$23,$24,$25,$26,$27,$28,$29,$30,$31) on conflict do nothing`)
	selectByID        = db.Q(`select ` + columns + ` from loan where institution_id = $1 and id = $2`)
	selectLocked      = db.Q(`select ` + columns + ` from loan where institution_id = $1 and id = $2 /*for update*/`)
	selectByReference = db.Q(`select ` + columns + ` from loan where institution_id = $1 and facility_id = $2 and reference = $3`)
	selectPage        = db.Q(`select ` + columns + pageFilter + ` and ($6 = '' or id < $6) order by id desc limit $7`)
	countPage         = db.Q(`select count(*)` + pageFilter)
	selectByFirm      = db.Q(`select ` + columns + ` from loan where institution_id = $1 and firm_id = $2 order by id`)
	selectAfter       = db.Q(`select ` + columns + ` from loan where institution_id = $1 and id > $2 order by id limit $3`)
	selectBehind      = db.Q(`select ` + columns + ` from loan where institution_id = $1 and id > $2 and status in ('active', 'overdue') and processed_to < $3
		order by id limit $4 /*for update*/`)
	countBehind       = db.Q(`select count(*) from loan where institution_id = $1 and status in ('active', 'overdue') and processed_to < $2`)
	selectCollectable = db.Q(`select id from loan where institution_id = $1 and id > $2 and status in ('active', 'overdue') and due_minor > 0 order by id limit $3`)

	// PostgreSQL takes a chunk of loans in one statement, because the end of day is bound by round trips;
	// SQLite takes one loan at a time, because it has none and would join the two lists row by row.
	updateLoans = db.QQ(`update loan l set status = x.status, processed_to = x.processed_to, disbursed_on = x.disbursed_on, maturity_on = x.maturity_on, next_due_on = x.next_due_on, next_due_minor = x.next_due_minor, outstanding_minor = x.outstanding_minor, due_minor = x.due_minor, days_past_due = x.days_past_due, posted_json = x.posted_json, event_seq = x.event_seq, event_hash = x.event_hash, updated_at = x.updated_at, version = l.version + 1
		from jsonb_to_recordset(cast($2 as jsonb)) as x(id text, status text, processed_to text, disbursed_on text, maturity_on text, next_due_on text, next_due_minor bigint, outstanding_minor bigint, due_minor bigint, days_past_due bigint, posted_json text, event_seq bigint, event_hash text, updated_at bigint)
		where l.institution_id = $1 and l.id = x.id`,
		`update loan set status = $2 ->> 'status', processed_to = $2 ->> 'processed_to', disbursed_on = $2 ->> 'disbursed_on', maturity_on = $2 ->> 'maturity_on', next_due_on = $2 ->> 'next_due_on', next_due_minor = $2 ->> 'next_due_minor', outstanding_minor = $2 ->> 'outstanding_minor', due_minor = $2 ->> 'due_minor', days_past_due = $2 ->> 'days_past_due', posted_json = $2 ->> 'posted_json', event_seq = $2 ->> 'event_seq', event_hash = $2 ->> 'event_hash', updated_at = $2 ->> 'updated_at', version = version + 1
		where institution_id = $1 and id = $2 ->> 'id'`)
	setFacts = db.Q(`update loan set facts_json = $3 where institution_id = $1 and id = $2`)
	setOrder = db.Q(`update loan set payment_order_id = $3 where institution_id = $1 and id = $2`)

	insertEvent = db.Q(`insert into loan_event (institution_id, loan_id, seq, kind, value_date, amount_minor, prepay, business_key, note, booked_at, actor, prev_hash, hash, detail_json)
		values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14)`)
	selectEventsBetween = db.Q(`select loan_id, seq, kind, value_date, amount_minor, prepay, business_key, note, booked_at, actor, prev_hash, hash, detail_json
		from loan_event where institution_id = $1 and loan_id >= $2 and loan_id <= $3 order by loan_id, seq`)
	selectEvents = db.Q(`select seq, kind, value_date, amount_minor, prepay, business_key, note, booked_at, actor, prev_hash, hash, detail_json
		from loan_event where institution_id = $1 and loan_id = $2 order by seq`)
)

type scanner interface{ Scan(dest ...any) error }

func scan(row scanner) (Loan, error) {
	var l Loan
	var terms, posted, facts string
	var created, updated int64
	err := row.Scan(&l.ID, &l.FacilityID, &l.Reference, &l.ContractID, &l.FirmID, &l.ProductID, &l.BranchID, &l.BranchPath, &terms, &l.PayeeName, &l.PayeeAccount,
		&l.PaymentOrderID, &l.Status, &l.ProcessedTo, &l.DisbursedOn, &l.MaturityOn, &l.NextDueOn, &l.NextDueMinor, &l.Currency, &l.PrincipalMinor,
		&l.OutstandingMinor, &l.DueMinor, &l.DaysPastDue, &posted, &l.eventSeq, &l.eventHash, &created, &updated, &l.Version, &facts)
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
	if err := json.Unmarshal([]byte(facts), &l.Facts); err != nil {
		return l, fmt.Errorf("loan %s: facts: %w", l.ID, err)
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
	facts, err := json.Marshal(l.Facts)
	if err != nil {
		return false, err
	}
	return tx.ExecOne(ctx, insertLoan, tx.Institution, l.ID, l.FacilityID, l.Reference, l.ContractID, l.FirmID, l.ProductID, l.BranchID, l.BranchPath,
		string(terms), l.PayeeName, l.PayeeAccount, l.PaymentOrderID, string(l.Status), l.ProcessedTo.String(), l.DisbursedOn.String(), l.MaturityOn.String(),
		l.NextDueOn.String(), l.NextDueMinor, string(l.Currency), l.PrincipalMinor, l.OutstandingMinor, l.DueMinor, l.DaysPastDue, string(posted),
		l.eventSeq, l.eventHash, db.Micros(tx.Now), db.Micros(tx.Now), 1, string(facts))
}

func update(ctx context.Context, tx *db.Tx, l Loan) error {
	return updateAll(ctx, tx, []Loan{l})
}

// updateFacts stores what is known of a loan beside its terms.
func updateFacts(ctx context.Context, tx *db.Tx, l Loan) error {
	text, err := json.Marshal(l.Facts)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, setFacts, tx.Institution, l.ID, string(text))
	return err
}

// projectionRow is a loan as updateLoans reads it.
type projectionRow struct {
	ID          string `json:"id"`
	Status      Status `json:"status"`
	ProcessedTo string `json:"processed_to"`
	DisbursedOn string `json:"disbursed_on"`
	MaturityOn  string `json:"maturity_on"`
	NextDueOn   string `json:"next_due_on"`
	NextDue     int64  `json:"next_due_minor"`
	Outstanding int64  `json:"outstanding_minor"`
	Due         int64  `json:"due_minor"`
	DaysPastDue int    `json:"days_past_due"`
	Posted      string `json:"posted_json"`
	EventSeq    int64  `json:"event_seq"`
	EventHash   string `json:"event_hash"`
	UpdatedAt   int64  `json:"updated_at"`
}

// updateAll stores the projections of loans that are locked.
func updateAll(ctx context.Context, tx *db.Tx, loans []Loan) error {
	rows := make([]projectionRow, len(loans))
	for i, l := range loans {
		posted, err := json.Marshal(l.Posted)
		if err != nil {
			return err
		}
		rows[i] = projectionRow{
			ID: l.ID, Status: l.Status, ProcessedTo: l.ProcessedTo.String(), DisbursedOn: l.DisbursedOn.String(), MaturityOn: l.MaturityOn.String(),
			NextDueOn: l.NextDueOn.String(), NextDue: l.NextDueMinor, Outstanding: l.OutstandingMinor, Due: l.DueMinor, DaysPastDue: l.DaysPastDue,
			Posted: string(posted), EventSeq: l.eventSeq, EventHash: l.eventHash, UpdatedAt: db.Micros(tx.Now),
		}
	}
	if tx.Dialect() == db.Postgres {
		return store(ctx, tx, rows, int64(len(rows)))
	}
	for _, r := range rows {
		if err := store(ctx, tx, r, 1); err != nil {
			return err
		}
	}
	return nil
}

func store(ctx context.Context, tx *db.Tx, v any, want int64) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	res, err := tx.Exec(ctx, updateLoans, tx.Institution, string(text))
	if err != nil {
		return err
	}
	if n, err := res.RowsAffected(); err != nil || n != want {
		return errors.Join(fmt.Errorf("loans: %d of %d were stored", n, want), err)
	}
	return nil
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
		e, err := scanEvent(rows.Scan)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, rows.Err()
}

func scanEvent(scan func(dest ...any) error) (RecordedEvent, error) {
	var e RecordedEvent
	var booked int64
	if err := scan(&e.Seq, &e.Kind, &e.Date, &e.AmountMinor, &e.Prepay, &e.Key, &e.Note, &booked, &e.Actor, &e.PrevHash, &e.Hash, &e.detail); err != nil {
		return e, err
	}
	e.BookedAt = db.Time(booked)
	if e.detail == "" {
		return e, nil
	}
	if err := json.Unmarshal([]byte(e.detail), &e.Detail); err != nil {
		return e, fmt.Errorf("loan event %d: detail: %w", e.Seq, err)
	}
	return e, nil
}

// eventsBetween reads the chains of a range of loans in one statement.
func eventsBetween(ctx context.Context, tx *db.Tx, first, last string) (map[string][]Event, error) {
	rows, err := tx.Query(ctx, selectEventsBetween, tx.Institution, first, last)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	out := map[string][]Event{}
	for rows.Next() {
		var id string
		e, err := scanEvent(func(dest ...any) error { return rows.Scan(append([]any{&id}, dest...)...) })
		if err != nil {
			return nil, err
		}
		out[id] = append(out[id], e.Event)
	}
	return out, rows.Err()
}

// record appends an event to the loan's chain.
func record(ctx context.Context, tx *db.Tx, l *Loan, e Event) (RecordedEvent, error) {
	r := RecordedEvent{Event: e, BookedAt: tx.Now, Actor: tx.Actor, PrevHash: l.eventHash}
	r.Seq = l.eventSeq + 1
	if !e.Detail.isZero() {
		text, err := json.Marshal(e.Detail)
		if err != nil {
			return r, err
		}
		r.detail = string(text)
	}
	r.Hash = r.seal(tx.Institution, l.ID)
	if _, err := tx.Exec(ctx, insertEvent, tx.Institution, l.ID, r.Seq, string(r.Kind), r.Date.String(), r.AmountMinor, r.Prepay, r.Key, r.Note,
		db.Micros(r.BookedAt), r.Actor, r.PrevHash, r.Hash, r.detail); err != nil {
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

// CountBehind counts the open loans that are not worked up to a date.
func CountBehind(ctx context.Context, tx *db.Tx, to calendar.Date) (n int64, err error) {
	err = tx.QueryRow(ctx, countBehind, tx.Institution, to.String()).Scan(&n)
	return n, err
}

// Collectable lists up to limit open loans after an id that have something due.
func Collectable(ctx context.Context, tx *db.Tx, afterID string, limit int) ([]string, error) {
	return ids(ctx, tx, selectCollectable, tx.Institution, afterID, limit)
}
