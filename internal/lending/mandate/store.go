package mandate

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/evidence/party"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

const columns = `id, reference, scope, scope_id, firm_id, branch_path, currency, debtor_account, debtor_name, max_minor, valid_from, valid_to, signed_on, document,
	implied, state, cause, reason, stopped_at, created_at, created_by, updated_at, updated_by, version`

const pageFilter = ` from mandate where institution_id = $1 and branch_path like $2 and ($3 = '' or state = $3) and ($4 = '' or firm_id = $4) and ($5 = '' or scope_id = $5)`

var (
	insertMandate = db.Q(`insert into mandate (institution_id, ` + columns + `)
		values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,'signed','','',0,$17,$18,$17,$18,1) on conflict do nothing`)
	selectOne    = db.Q(`select ` + columns + ` from mandate where institution_id = $1 and id = $2`)
	selectLocked = db.Q(`select ` + columns + ` from mandate where institution_id = $1 and id = $2 /*for update*/`)
	selectOf     = db.Q(`select ` + columns + ` from mandate where institution_id = $1 and scope_id in ($2, $3, $4) order by id /*for update*/`)
	readOf       = db.Q(`select ` + columns + ` from mandate where institution_id = $1 and scope_id in ($2, $3, $4) order by id`)
	selectPage   = db.Q(`select ` + columns + pageFilter + ` and ($6 = '' or id < $6) order by id desc limit $7`)
	countPage    = db.Q(`select count(*)` + pageFilter)
	selectTwin   = db.Q(`select reference from mandate where institution_id = $1 and (reference = $2 or scope = $3 and scope_id = $4 and currency = $5 and state <> 'revoked') and id <> $6 order by id limit 1`)
	updateTerms  = db.Q(`update mandate set debtor_account = $3, debtor_name = $4, max_minor = $5, valid_from = $6, valid_to = $7, signed_on = $8, document = $9, implied = false,
		state = 'signed', cause = '', reason = '', stopped_at = 0, updated_at = $10, updated_by = $11, version = version + 1 where institution_id = $1 and id = $2`)
	updateState = db.Q(`update mandate set state = $3, cause = $4, reason = $5, stopped_at = $6, updated_at = $6, updated_by = $7, version = version + 1 where institution_id = $1 and id = $2`)

	scopeOfLoan     = db.Q(`select firm_id, branch_path, currency from loan where institution_id = $1 and id = $2`)
	scopeOfFacility = db.Q(`select firm_id, branch_path, currency from facility where institution_id = $1 and id = $2`)
	scopeOfFirm     = db.Q(`select id, branch_path, '' from firm where institution_id = $1 and id = $2`)

	insertPolicy = db.Q(`insert into collection_policy (institution_id, version, body, created_by, created_at) values ($1,$2,$3,$4,$5)`)
	selectPolicy = db.Q(`select version, body from collection_policy where institution_id = $1 order by version desc limit 1`)
)

type scanner interface{ Scan(dest ...any) error }

func scan(row scanner) (m Mandate, err error) {
	var stopped, created, updated int64
	err = row.Scan(&m.ID, &m.Reference, &m.Scope, &m.ScopeID, &m.FirmID, &m.BranchPath, &m.Currency, &m.DebtorAccount, &m.DebtorName, &m.MaxMinor, &m.ValidFrom, &m.ValidTo,
		&m.SignedOn, &m.Document, &m.Implied, &m.State, &m.Cause, &m.Reason, &stopped, &created, &m.CreatedBy, &updated, &m.UpdatedBy, &m.Version)
	m.CreatedAt, m.UpdatedAt = db.Time(created), db.Time(updated)
	if stopped != 0 {
		m.StoppedAt = db.Time(stopped)
	}
	return m, err
}

func collect(rows *sql.Rows) ([]Mandate, error) {
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	out := []Mandate{}
	for rows.Next() {
		m, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	return out, rows.Err()
}

func get(ctx context.Context, tx *db.Tx, q *db.Query, id string) (Mandate, error) {
	m, err := scan(tx.QueryRow(ctx, q, tx.Institution, id))
	if db.IsNoRows(err) {
		err = fault.NotFoundError("mandate", id)
	}
	return m, err
}

func covering(ctx context.Context, tx *db.Tx, q *db.Query, d Debt) ([]Mandate, error) {
	rows, err := tx.Query(ctx, q, tx.Institution, d.LoanID, d.FacilityID, d.FirmID)
	if err != nil {
		return nil, err
	}
	return collect(rows)
}

// InForce finds the mandate under which a debt may be debited on a day and keeps it from being stopped until the
// transaction ends. A debt that never had one gets the implied one where the policy says so.
func InForce(ctx context.Context, tx *db.Tx, d Debt, p Policy, implied Terms, on calendar.Date) (Mandate, error) {
	all, err := covering(ctx, tx, selectOf, d)
	if err != nil {
		return Mandate{}, err
	}
	if len(all) == 0 && p.Implied {
		if err := imply(ctx, tx, d, implied, on); err != nil {
			return Mandate{}, err
		}
		if all, err = covering(ctx, tx, selectOf, d); err != nil {
			return Mandate{}, err
		}
	}
	m, err := Choose(all, d.Currency, on)
	if err != nil {
		return Mandate{}, err
	}
	return *m, nil
}

// Imply gives a debt that no mandate covers one for the account named when it came about, if the policy says so.
func Imply(ctx context.Context, tx *db.Tx, d Debt, implied Terms, on calendar.Date) error {
	p, err := PolicyOf(ctx, tx)
	if err != nil || !p.Implied {
		return err
	}
	all, err := covering(ctx, tx, readOf, d)
	if err != nil || len(all) > 0 {
		return err
	}
	return imply(ctx, tx, d, implied, on)
}

func imply(ctx context.Context, tx *db.Tx, d Debt, t Terms, on calendar.Date) error {
	t.Reference, t.Scope, t.ScopeID, t.Currency, t.ValidFrom = "IM-"+d.LoanID, OfLoan, d.LoanID, d.Currency, on
	if t.DebtorName == "" { // the money went to somebody else: the account is the firm's
		firm, err := party.ByID(ctx, tx, d.FirmID)
		if err != nil && !fault.Is(err, fault.ReasonNotFound) {
			return err
		}
		t.DebtorName = firm.Name
	}
	_, err := insert(ctx, tx, Mandate{ID: tx.NewID("mdt"), FirmID: d.FirmID, BranchPath: d.BranchPath, Terms: t, Implied: true})
	return err
}

// Look finds the mandate in force as InForce does, and changes nothing.
func Look(ctx context.Context, tx *db.Tx, d Debt, on calendar.Date) (*Mandate, []Mandate, error) {
	all, err := covering(ctx, tx, readOf, d)
	if err != nil {
		return nil, nil, err
	}
	m, why := Choose(all, d.Currency, on)
	return m, all, why
}

func insert(ctx context.Context, tx *db.Tx, m Mandate) (bool, error) {
	return tx.ExecOne(ctx, insertMandate, tx.Institution, m.ID, m.Reference, string(m.Scope), m.ScopeID, m.FirmID, m.BranchPath, string(m.Currency), m.DebtorAccount, m.DebtorName,
		m.MaxMinor, m.ValidFrom.String(), m.ValidTo.String(), m.SignedOn.String(), m.Document, m.Implied, db.Micros(tx.Now), tx.Actor)
}

// twin is the reference of the mandate that stands in the way of a new one.
func twin(ctx context.Context, tx *db.Tx, t Terms, id string) error {
	var reference string
	err := tx.QueryRow(ctx, selectTwin, tx.Institution, t.Reference, string(t.Scope), t.ScopeID, string(t.Currency), id).Scan(&reference)
	switch {
	case db.IsNoRows(err):
		return nil
	case err != nil:
		return err
	case reference == t.Reference:
		return fault.New(ReasonReference, "reference", reference).WithField("reference")
	}
	return fault.New(ReasonExists, "reference", reference).WithField("scope_id")
}

// debtor finds the firm and branch of what a mandate is for, whose currency must be the mandate's.
func debtor(ctx context.Context, tx *db.Tx, t Terms) (firmID, branchPath string, err error) {
	q := map[Scope]*db.Query{OfLoan: scopeOfLoan, OfFacility: scopeOfFacility, OfFirm: scopeOfFirm}[t.Scope]
	var c money.Currency
	err = tx.QueryRow(ctx, q, tx.Institution, t.ScopeID).Scan(&firmID, &branchPath, &c)
	if db.IsNoRows(err) {
		return "", "", fault.NotFoundError(string(t.Scope), t.ScopeID)
	}
	if err == nil && c != "" && c != t.Currency {
		err = fault.New(ReasonScope, "scope", string(t.Scope), "id", t.ScopeID, "currency", string(c)).WithField("currency")
	}
	return firmID, branchPath, err
}

// PolicyOf is the institution's policy, or the default.
func PolicyOf(ctx context.Context, tx *db.Tx) (p Policy, err error) {
	var text string
	var version int64
	err = tx.QueryRow(ctx, selectPolicy, tx.Institution).Scan(&version, &text)
	if db.IsNoRows(err) {
		return DefaultPolicy(), nil
	}
	if err != nil {
		return p, err
	}
	err = json.Unmarshal([]byte(text), &p)
	p.Version = version
	return p, err
}
