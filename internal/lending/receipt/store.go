package receipt

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

const receiptColumns = `id, file_id, line, bank_key, account, amount_minor, currency, value_date, payer_name, payer_account, bank_reference, end_to_end_id, remittance,
	channel, note, loan_hint, firm_hint, prepay, status, open_minor, posted_minor, confirmed_minor, returning_minor, returned_minor, ignored_minor, rule, score,
	why_zh, why_en, plan, use_count, branch_path, created_at, updated_at, version`

// pageFilter leaves what the caller's branches may see: money that no loan has
// yet belongs to all who handle receipts.
const pageFilter = ` from receipt where institution_id = $1 and (branch_path = '' or branch_path like $2) and ($3 = '' or status = $3) and ($4 = '' or file_id = $4)
	and ($5 = '' or payer_name like $5 or remittance like $5 or bank_reference like $5 or payer_account like $5)`

var (
	insertReceipt = db.Q(`insert into receipt (institution_id, ` + receiptColumns + `)
		values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,0,0,0,0,0,'',0,'','','[]',0,'',$22,$22,1) on conflict do nothing`)
	selectReceipt  = db.Q(`select ` + receiptColumns + ` from receipt where institution_id = $1 and id = $2`)
	selectLocked   = db.Q(`select ` + receiptColumns + ` from receipt where institution_id = $1 and id = $2 /*for update*/`)
	selectKey      = db.Q(`select ` + receiptColumns + ` from receipt where institution_id = $1 and bank_key = $2`)
	selectByStatus = db.Q(`select ` + receiptColumns + ` from receipt where institution_id = $1 and status = $2 and id > $3 order by id limit $4`)
	selectPage     = db.Q(`select ` + receiptColumns + pageFilter + ` and ($6 = '' or id < $6) order by id desc limit $7`)
	countPage      = db.Q(`select count(*)` + pageFilter)
	sumByStatus    = db.Q(`select status, currency, count(*), cast(sum(amount_minor) as bigint), cast(sum(open_minor) as bigint) from receipt where institution_id = $1 and (branch_path = '' or branch_path like $2) group by status, currency order by status, currency`)
	countOfFile    = db.Q(`select status, currency, count(*), cast(sum(amount_minor) as bigint), cast(sum(open_minor) as bigint) from receipt where institution_id = $1 and file_id = $2 group by status, currency order by status, currency`)
	updateReceipt  = db.Q(`update receipt set status = $3, open_minor = $4, posted_minor = $5, confirmed_minor = $6, returning_minor = $7, returned_minor = $8, ignored_minor = $9,
		rule = $10, score = $11, why_zh = $12, why_en = $13, plan = $14, use_count = $15, branch_path = $16, updated_at = $17, version = version + 1
		where institution_id = $1 and id = $2 and version = $18`)
	selectAll = db.Q(`select ` + receiptColumns + ` from receipt where institution_id = $1 and id > $2 order by id limit $3`)

	insertUse      = db.Q(`insert into receipt_use (institution_id, receipt_id, no, kind, amount_minor, loan_id, order_id, reference, note, actor, at) values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11)`)
	countConfirmed = db.Q(`select count(*) from receipt_use where institution_id = $1 and loan_id = $2 and order_id = $3 and kind = $4`)
	selectUses     = db.Q(`select no, kind, amount_minor, loan_id, order_id, reference, note, actor, at from receipt_use where institution_id = $1 and receipt_id = $2 order by no`)

	insertBad = db.Q(`insert into receipt_bad_row (institution_id, file_id, no, line, field, value, code, message_zh, message_en, remedy_zh, remedy_en)
		values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11)`)
	dropBad   = db.Q(`delete from receipt_bad_row where institution_id = $1 and file_id = $2`)
	selectBad = db.Q(`select no, line, field, value, code, message_zh, message_en, remedy_zh, remedy_en from receipt_bad_row
		where institution_id = $1 and file_id = $2 and no > $3 order by no limit $4`)

	loanByNumber = db.Q(`select id from loan where institution_id = $1 and (id = $2 or reference = $2) and branch_path like $3 order by id limit 10`)
	loanOfAcct   = db.Q(`select id, firm_id from loan where institution_id = $1 and payee_account = $2 and branch_path like $3 order by id desc limit 50`)
	loanOfName   = db.Q(`select id, firm_id from loan where institution_id = $1 and payee_name = $2 and branch_path like $3 order by id desc limit 50`)
	firmByHint   = db.Q(`select id from firm where institution_id = $1 and (code = $2 or uscc = $2) and branch_path like $3 order by id limit 3`)
	firmByName   = db.Q(`select id from firm where institution_id = $1 and name = $2 and branch_path like $3 order by id limit 3`)
	branchOfLoan = db.Q(`select branch_path from loan where institution_id = $1 and id = $2`)

	insertPolicy = db.Q(`insert into receipt_policy (institution_id, version, body, created_by, created_at) values ($1,$2,$3,$4,$5)`)
	selectPolicy = db.Q(`select version, body from receipt_policy where institution_id = $1 order by version desc limit 1`)
)

type scanner interface{ Scan(dest ...any) error }

func scanReceipt(row scanner) (Receipt, error) {
	var r Receipt
	var plan string
	var created, updated int64
	err := row.Scan(&r.ID, &r.FileID, &r.Line, &r.bankKey, &r.Account, &r.AmountMinor, &r.Currency, &r.ValueDate, &r.PayerName, &r.PayerAccount, &r.BankReference,
		&r.EndToEndID, &r.Remittance, &r.Channel, &r.Note, &r.LoanHint, &r.FirmHint, &r.Prepay, &r.Status, &r.OpenMinor, &r.PostedMinor, &r.ConfirmedMinor,
		&r.ReturningMinor, &r.ReturnedMinor, &r.IgnoredMinor, &r.Rule, &r.Score, &r.Why.Zh, &r.Why.En, &plan, &r.uses, &r.BranchPath, &created, &updated, &r.Version)
	if err != nil {
		return r, err
	}
	r.CreatedAt, r.UpdatedAt = db.Time(created), db.Time(updated)
	if err := json.Unmarshal([]byte(plan), &r.Plan); err != nil {
		return r, fmt.Errorf("receipt %s: plan: %w", r.ID, err)
	}
	return r, nil
}

func collect(rows *sql.Rows) ([]Receipt, error) {
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	out := []Receipt{}
	for rows.Next() {
		r, err := scanReceipt(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

func get(ctx context.Context, tx *db.Tx, q *db.Query, id string) (Receipt, error) {
	r, err := scanReceipt(tx.QueryRow(ctx, q, tx.Institution, id))
	if db.IsNoRows(err) {
		return r, fault.NotFoundError("receipt", id)
	}
	return r, err
}

// insert stores a new receipt; false when its payment is known already.
func insert(ctx context.Context, tx *db.Tx, fileID string, l Line) (id string, fresh bool, err error) {
	id = tx.NewID("rcp")
	fresh, err = tx.ExecOne(ctx, insertReceipt, tx.Institution, id, fileID, l.Line, l.Key, l.Account, l.AmountMinor, string(l.Currency), l.ValueDate.String(), l.PayerName,
		l.PayerAccount, l.BankReference, l.EndToEndID, l.Remittance, l.Channel, l.Note, l.LoanHint, l.FirmHint, l.Prepay, string(Received), l.AmountMinor, db.Micros(tx.Now))
	return id, fresh, err
}

// save stores a receipt that was read in this transaction.
func save(ctx context.Context, tx *db.Tx, r *Receipt) error {
	if r.Total() != r.AmountMinor {
		return fault.New(ReasonBroken, "receipt", r.ID, "problem", "its parts are not its amount")
	}
	if r.Plan == nil {
		r.Plan = []Share{}
	}
	plan, err := json.Marshal(r.Plan)
	if err != nil {
		return err
	}
	done, err := tx.ExecOne(ctx, updateReceipt, tx.Institution, r.ID, string(r.Status), r.OpenMinor, r.PostedMinor, r.ConfirmedMinor, r.ReturningMinor, r.ReturnedMinor,
		r.IgnoredMinor, r.Rule, r.Score, r.Why.Zh, r.Why.En, string(plan), r.uses, r.BranchPath, db.Micros(tx.Now), r.Version)
	if err != nil {
		return err
	}
	if !done {
		return fault.New(fault.ReasonConflict, "object", "receipt "+r.ID, "problem", "it has changed meanwhile")
	}
	r.Version++
	r.UpdatedAt = tx.Now
	return nil
}

// record appends a use under its own number.
func record(ctx context.Context, tx *db.Tx, receiptID string, u Use) error {
	_, err := tx.Exec(ctx, insertUse, tx.Institution, receiptID, u.No, string(u.Kind), u.AmountMinor, u.LoanID, u.OrderID, u.Reference, u.Note, tx.Actor, db.Micros(tx.Now))
	return err
}

func uses(ctx context.Context, tx *db.Tx, receiptID string) ([]Use, error) {
	rows, err := tx.Query(ctx, selectUses, tx.Institution, receiptID)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	out := []Use{}
	for rows.Next() {
		var u Use
		var at int64
		if err := rows.Scan(&u.No, &u.Kind, &u.AmountMinor, &u.LoanID, &u.OrderID, &u.Reference, &u.Note, &u.Actor, &at); err != nil {
			return nil, err
		}
		u.At = db.Time(at)
		out = append(out, u)
	}
	return out, rows.Err()
}

// Count is how many receipts are in a status, and their money.
type Count struct {
	Status      Status `json:"status" enum:"received,matched,exception,returning,closed"`
	Currency    string `json:"currency" doc:"amounts of two are never added"`
	Receipts    int64  `json:"receipts"`
	AmountMinor int64  `json:"amount_minor"`
	OpenMinor   int64  `json:"open_minor"`
}

func counts(ctx context.Context, tx *db.Tx, q *db.Query, args ...any) ([]Count, error) {
	rows, err := tx.Query(ctx, q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	out := []Count{}
	for rows.Next() {
		var c Count
		if err := rows.Scan(&c.Status, &c.Currency, &c.Receipts, &c.AmountMinor, &c.OpenMinor); err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

func storeBad(ctx context.Context, tx *db.Tx, fileID string, no int64, b BadRow) error {
	_, err := tx.Exec(ctx, insertBad, tx.Institution, fileID, no, b.Line, db.Text(b.Column, 200), db.Text(b.Value, 400), b.Code, b.Message.Zh, b.Message.En, b.Remedy.Zh, b.Remedy.En)
	return err
}

func badRows(ctx context.Context, tx *db.Tx, fileID string, after int64, limit int) (out []BadRow, last int64, err error) {
	rows, err := tx.Query(ctx, selectBad, tx.Institution, fileID, after, limit)
	if err != nil {
		return nil, after, err
	}
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	out, last = []BadRow{}, after
	for rows.Next() {
		var b BadRow
		if err := rows.Scan(&last, &b.Line, &b.Column, &b.Value, &b.Code, &b.Message.Zh, &b.Message.En, &b.Remedy.Zh, &b.Remedy.En); err != nil {
			return nil, last, err
		}
		b.Field = b.Column
		out = append(out, b)
	}
	return out, last, rows.Err()
}

// pairs reads rows of two texts; the second may be missing.
func pairs(ctx context.Context, tx *db.Tx, q *db.Query, two bool, args ...any) ([][2]string, error) {
	rows, err := tx.Query(ctx, q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	var out [][2]string
	for rows.Next() {
		var p [2]string
		to := []any{&p[0]}
		if two {
			to = append(to, &p[1])
		}
		if err := rows.Scan(to...); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, rows.Err()
}

// policyOf is the institution's policy, or the default.
func policyOf(ctx context.Context, tx *db.Tx) (Policy, error) {
	var version int64
	var body string
	err := tx.QueryRow(ctx, selectPolicy, tx.Institution).Scan(&version, &body)
	if db.IsNoRows(err) {
		return DefaultPolicy(), nil
	}
	if err != nil {
		return Policy{}, err
	}
	var p Policy
	if err := json.Unmarshal([]byte(body), &p); err != nil {
		return p, fmt.Errorf("receipt policy %d: %w", version, err)
	}
	p.Version = version
	return p, nil
}

// line is the receipt as the rules look at it.
func (r Receipt) asLine() Line {
	return Line{
		Line: r.Line, Key: r.bankKey, Account: r.Account, AmountMinor: r.OpenMinor, Currency: r.Currency, ValueDate: r.ValueDate, PayerName: r.PayerName,
		PayerAccount: r.PayerAccount, BankReference: r.BankReference, EndToEndID: r.EndToEndID, Remittance: r.Remittance, Channel: r.Channel, Note: r.Note,
		LoanHint: r.LoanHint, FirmHint: r.FirmHint, Prepay: r.Prepay,
	}
}

func (r Receipt) money(minor int64) money.Amount { return money.Of(minor, r.Currency) }
