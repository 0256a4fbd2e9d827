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

// A loan is read from two rows: the wide one changes with events, the narrow one (day.go) every night.
const (
	wideColumns = `l.id, l.facility_id, l.reference, l.contract_id, l.firm_id, l.product_id, l.branch_id, l.branch_path, l.terms_json, l.payee_name, l.payee_account, l.payment_order_id,
	l.disbursed_on, l.maturity_on, l.currency, l.principal_minor, l.event_hash, l.created_at, l.facts_json`
	columns = wideColumns + `, ` + dayColumns
	both    = ` from loan l join loan_day d on d.institution_id = l.institution_id and d.loan_id = l.id where l.institution_id = $1 `
)

const pageFilter = both + `and l.branch_path like $2 and ($3 = '' or d.status = $3) and ($4 = '' or l.firm_id = $4)
	and ($5 = '' or l.facility_id = $5) and d.days_past_due >= $6 and ($7 = 0 or d.days_past_due <= $7)`

var (
	insertLoan = db.Q(`insert into loan (institution_id, id, facility_id, reference, contract_id, firm_id, product_id, branch_id, branch_path, terms_json, payee_name,
		payee_account, payment_order_id, disbursed_on, maturity_on, currency, principal_minor, event_hash, created_at, facts_json)
		values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20) on conflict do nothing`)
	selectByID        = db.Q(`select ` + columns + both + `and l.id = $2`)
	selectLocked      = db.Q(`select ` + columns + both + `and l.id = $2 /*for update*/`)
	selectByReference = db.Q(`select ` + columns + both + `and l.facility_id = $2 and l.reference = $3`)
	selectPage        = db.Q(`select ` + columns + pageFilter + ` and ($8 = '' or l.id < $8) order by l.id desc limit $9`)
	countPage         = db.Q(`select count(*)` + pageFilter)
	selectByFirm      = db.Q(`select ` + columns + both + `and l.firm_id = $2 order by l.id`)
	selectAfter       = db.Q(`select ` + columns + both + `and l.id > $2 order by l.id limit $3`)
	countBehind       = db.Q(`select count(*) from loan_day where institution_id = $1 and status in ('active', 'overdue') and processed_to < $2`)
	selectCollectable = db.Q(`select loan_id from loan_day where institution_id = $1 and loan_id > $2 and status in ('active', 'overdue') and due_minor > 0 order by loan_id limit $3`)
	updateWide        = db.Q(`update loan set disbursed_on = $3, maturity_on = $4, event_hash = $5 where institution_id = $1 and id = $2`)
	setFacts          = db.Q(`update loan set facts_json = $3 where institution_id = $1 and id = $2`)
	setOrder          = db.Q(`update loan set payment_order_id = $3 where institution_id = $1 and id = $2`)

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
		&l.PaymentOrderID, &l.DisbursedOn, &l.MaturityOn, &l.Currency, &l.PrincipalMinor, &l.eventHash, &created, &facts,
		&l.Status, &l.ProcessedTo, &l.NextDueOn, &l.NextDueMinor, &l.OutstandingMinor, &l.DueMinor, &l.DaysPastDue, &posted, &l.eventSeq, &updated, &l.Version)
	if err != nil {
		return l, err
	}
	l.storedStatus = l.Status
	l.CreatedAt, l.UpdatedAt = db.Time(created), db.Time(updated)
	if err := json.Unmarshal([]byte(terms), &l.Terms); err != nil {
		return l, fmt.Errorf("loan %s: terms: %w", l.ID, err)
	}
	if l.Posted, err = parseTotals(posted); err != nil {
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
	facts, err := json.Marshal(l.Facts)
	if err != nil {
		return false, err
	}
	fresh, err = tx.ExecOne(ctx, insertLoan, tx.Institution, l.ID, l.FacilityID, l.Reference, l.ContractID, l.FirmID, l.ProductID, l.BranchID, l.BranchPath,
		string(terms), l.PayeeName, l.PayeeAccount, l.PaymentOrderID, l.DisbursedOn.String(), l.MaturityOn.String(), string(l.Currency), l.PrincipalMinor,
		l.eventHash, db.Micros(tx.Now), string(facts))
	if err != nil || !fresh {
		return fresh, err
	}
	return true, insertDayRow(ctx, tx, l)
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

// update stores the projection of a loan that is locked, with the state it was projected from.
func update(ctx context.Context, tx *db.Tx, l *Loan) error {
	if _, err := tx.Exec(ctx, updateWide, tx.Institution, l.ID, l.DisbursedOn.String(), l.MaturityOn.String(), l.eventHash); err != nil {
		return err
	}
	if err := updateDays(ctx, tx, []Loan{*l}); err != nil {
		return err
	}
	l.Version++
	l.storedStatus = l.Status
	if l.state == nil || l.state.AsOf != l.ProcessedTo {
		return nil // the next night replays
	}
	return saveSnapshots(ctx, tx, []snapshot{{loanID: l.ID, eventSeq: l.eventSeq, branchID: l.BranchID, productID: l.ProductID, state: l.state}})
}

// Events reads a loan's chain, oldest first. An event that was changed, removed
// or moved is refused (LOAN_BROKEN) before anything is made of it.
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
		hash := ""
		if n := len(out); n > 0 {
			hash = out[n-1].Hash
		}
		if e.Seq != int64(len(out)+1) || e.PrevHash != hash || e.seal(tx.Institution, loanID) != e.Hash {
			return nil, fault.New(ReasonBroken, "loan", loanID, "problem", "event "+itoa(len(out)+1)+" was changed, removed or moved")
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
	r, row, err := l.seal(tx, e)
	if err != nil {
		return r, err
	}
	if _, err := tx.Exec(ctx, insertEvent, row...); err != nil {
		return r, fmt.Errorf("loan %s event %s: %w", l.ID, e.Kind, err)
	}
	return r, nil
}

// seal makes an event the next of the loan's chain; row is how it is stored.
func (l *Loan) seal(tx *db.Tx, e Event) (r RecordedEvent, row []any, err error) {
	r = RecordedEvent{Event: e, BookedAt: tx.Now, Actor: tx.Actor, PrevHash: l.eventHash}
	r.Seq = l.eventSeq + 1
	if !e.Detail.isZero() {
		text, err := json.Marshal(e.Detail)
		if err != nil {
			return r, nil, err
		}
		r.detail = string(text)
	}
	r.Hash = r.seal(tx.Institution, l.ID)
	l.eventSeq, l.eventHash = r.Seq, r.Hash
	return r, []any{tx.Institution, l.ID, r.Seq, string(r.Kind), r.Date.String(), r.AmountMinor, r.Prepay, r.Key, r.Note,
		db.Micros(r.BookedAt), r.Actor, r.PrevHash, r.Hash, r.detail}, nil
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
