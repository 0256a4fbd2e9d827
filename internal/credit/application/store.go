package application

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

const columns = `id, firm_id, firm_name, product_id, product_version, branch_id, branch_path, manager_id, state, amount_minor, currency, tenor_months, method, purpose,
	purpose_note, other_debt_minor, decision_id, approved_minor, annual_rate, reasons_json, offer_json, contract_id, loan_id, created_by, submitted_by, created_at, updated_at, version, expires_on`

const pageFilter = ` where institution_id = $1 and branch_path like $2 and ($3 = '' or state = $3) and ($4 = '' or firm_id = $4) and ($5 = '' or product_id = $5)
	and ($6 = '' or manager_id = $6) and ($7 = '' or lower(firm_name) like $7 escape '\' or id = $8)`

var (
	insertApplication = db.Q(`insert into application (institution_id, ` + columns + `)
		values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22,$23,$24,$25,$26,$27,$28,$29,$30)`)
	updateApplication = db.Q(`update application set product_version = $3, state = $4, amount_minor = $5, tenor_months = $6, method = $7, purpose = $8, purpose_note = $9,
		other_debt_minor = $10, decision_id = $11, approved_minor = $12, annual_rate = $13, reasons_json = $14, offer_json = $15, expires_on = $16, contract_id = $17,
		loan_id = $18, submitted_by = $19, updated_at = $20, version = version + 1 where institution_id = $1 and id = $2 and version = $21`)
	selectByID      = db.Q(`select ` + columns + ` from application where institution_id = $1 and id = $2`)
	selectForUpdate = db.Q(`select ` + columns + ` from application where institution_id = $1 and id = $2 /*for update*/`)
	selectOpen      = db.Q(`select id from application where institution_id = $1 and firm_id = $2 and product_id = $3
		and state not in ('declined', 'withdrawn', 'expired', 'drawn', 'contracted') limit 1`)
	selectPage  = db.Q(`select ` + columns + ` from application` + pageFilter + ` and ($9 = '' or id < $9) order by id desc limit $10`)
	countPage   = db.Q(`select count(*) from application` + pageFilter)
	selectBoard = db.Q(`select state, count(*), cast(coalesce(sum(case when approved_minor > 0 then approved_minor else amount_minor end), 0) as bigint)
		from application where institution_id = $1 and branch_path like $2 group by state`)
	selectDue = db.Q(`select id from application where institution_id = $1 and state in ('approved', 'offered') and expires_on <> '' and expires_on < $2 order by id limit $3`)

	insertStep = db.Q(`insert into application_step (institution_id, application_id, id, action, from_state, to_state, actor, at, note, data_json)
		values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)`)
	selectSteps = db.Q(`select id, action, from_state, to_state, actor, at, note, data_json from application_step
		where institution_id = $1 and application_id = $2 order by id limit 200`)
)

type scanner interface{ Scan(dest ...any) error }

func scan(row scanner) (Application, error) {
	var a Application
	var reasons, offer string
	var created, updated int64
	err := row.Scan(&a.ID, &a.FirmID, &a.FirmName, &a.ProductID, &a.ProductVersion, &a.BranchID, &a.BranchPath, &a.ManagerID, &a.State, &a.AmountMinor, &a.Currency,
		&a.TenorMonths, &a.Method, &a.Purpose, &a.PurposeNote, &a.OtherDebtMinor, &a.DecisionID, &a.ApprovedMinor, &a.Rate, &reasons, &offer, &a.ContractID, &a.LoanID,
		&a.CreatedBy, &a.SubmittedBy, &created, &updated, &a.Version, &a.ExpiresOn)
	if err != nil {
		return a, err
	}
	a.CreatedAt, a.UpdatedAt, a.StateName = db.Time(created), db.Time(updated), a.State.Name()
	if err := json.Unmarshal([]byte(reasons), &a.Reasons); err != nil {
		return a, fmt.Errorf("application %s: %w", a.ID, err)
	}
	if offer != "" {
		a.Offer = &Offer{}
		if err := json.Unmarshal([]byte(offer), a.Offer); err != nil {
			return a, fmt.Errorf("application %s: %w", a.ID, err)
		}
	}
	return a, nil
}

func read(ctx context.Context, tx *db.Tx, q *db.Query, id string) (Application, error) {
	a, err := scan(tx.QueryRow(ctx, q, tx.Institution, id))
	if db.IsNoRows(err) {
		return a, fault.NotFoundError("application", id)
	}
	return a, err
}

// ByID reads an application.
func ByID(ctx context.Context, tx *db.Tx, id string) (Application, error) {
	return read(ctx, tx, selectByID, id)
}

// documents writes the JSON columns.
func documents(a Application) (reasons, offer string, err error) {
	r, err := json.Marshal(a.Reasons)
	if err != nil || a.Offer == nil {
		return string(r), "", err
	}
	o, err := json.Marshal(a.Offer)
	return string(r), string(o), err
}

func insert(ctx context.Context, tx *db.Tx, a Application) error {
	reasons, offer, err := documents(a)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, insertApplication, tx.Institution, a.ID, a.FirmID, a.FirmName, a.ProductID, a.ProductVersion, a.BranchID, a.BranchPath, a.ManagerID, string(a.State),
		a.AmountMinor, a.Currency, a.TenorMonths, a.Method, a.Purpose, a.PurposeNote, a.OtherDebtMinor, a.DecisionID, a.ApprovedMinor, int64(a.Rate), reasons, offer,
		a.ContractID, a.LoanID, a.CreatedBy, a.SubmittedBy, db.Micros(a.CreatedAt), db.Micros(a.UpdatedAt), a.Version, a.ExpiresOn.String())
	return err
}

// update writes a changed application, unless somebody else changed it since it was read.
func update(ctx context.Context, tx *db.Tx, a *Application) error {
	reasons, offer, err := documents(*a)
	if err != nil {
		return err
	}
	done, err := tx.ExecOne(ctx, updateApplication, tx.Institution, a.ID, a.ProductVersion, string(a.State), a.AmountMinor, a.TenorMonths, a.Method, a.Purpose, a.PurposeNote,
		a.OtherDebtMinor, a.DecisionID, a.ApprovedMinor, int64(a.Rate), reasons, offer, a.ExpiresOn.String(), a.ContractID, a.LoanID, a.SubmittedBy, db.Micros(tx.Now), a.Version)
	if err != nil {
		return err
	}
	if !done {
		return fault.New(fault.ReasonStale, "version", a.Version)
	}
	a.Version++
	a.UpdatedAt, a.StateName = tx.Now, a.State.Name()
	return nil
}

func list(ctx context.Context, tx *db.Tx, pattern string, f Filter, after string, limit int) (items []Application, total int64, err error) {
	like := ""
	if f.Query != "" {
		like = "%" + escape(f.Query) + "%"
	}
	args := []any{tx.Institution, pattern, f.State, f.FirmID, f.ProductID, f.ManagerID, like, f.Query}
	if err := tx.QueryRow(ctx, countPage, args...).Scan(&total); err != nil {
		return nil, 0, err
	}
	rows, err := tx.Query(ctx, selectPage, append(args, after, limit)...)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	items = []Application{}
	for rows.Next() {
		a, err := scan(rows)
		if err != nil {
			return nil, 0, err
		}
		items = append(items, a)
	}
	return items, total, rows.Err()
}

// Count is one column of the board.
type Count struct {
	State       State      `json:"state"`
	Name        fault.Text `json:"name"`
	Count       int64      `json:"count"`
	AmountMinor int64      `json:"amount_minor" doc:"approved where known, else asked"`
}

func board(ctx context.Context, tx *db.Tx, pattern string) ([]Count, error) {
	rows, err := tx.Query(ctx, selectBoard, tx.Institution, pattern)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	found := map[State]Count{}
	for rows.Next() {
		var c Count
		if err := rows.Scan(&c.State, &c.Count, &c.AmountMinor); err != nil {
			return nil, err
		}
		found[c.State] = c
	}
	out := make([]Count, 0, len(Names))
	for _, n := range Names {
		c := found[n.State]
		c.State, c.Name = n.State, n.Name
		out = append(out, c)
	}
	return out, rows.Err()
}

func due(ctx context.Context, tx *db.Tx, today calendar.Date, limit int) ([]string, error) {
	rows, err := tx.Query(ctx, selectDue, tx.Institution, today, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}

// Steps lists an application's history, oldest first.
func Steps(ctx context.Context, tx *db.Tx, id string) ([]Step, error) {
	rows, err := tx.Query(ctx, selectSteps, tx.Institution, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	out := []Step{}
	for rows.Next() {
		var s Step
		var at int64
		var data string
		if err := rows.Scan(&s.ID, &s.Action, &s.From, &s.To, &s.Actor, &at, &s.Note, &data); err != nil {
			return nil, err
		}
		s.At = db.Time(at)
		if data != "" {
			s.Data = json.RawMessage(data)
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

func escape(s string) string {
	var b []rune
	for _, r := range s {
		if r == '%' || r == '_' || r == '\\' {
			b = append(b, '\\')
		}
		if r >= 'A' && r <= 'Z' {
			r += 'a' - 'A'
		}
		b = append(b, r)
	}
	return string(b)
}
