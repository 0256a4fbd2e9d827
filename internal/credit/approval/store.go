package approval

import (
	"context"
	"strings"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

const columns = `id, application_id, decision_id, firm_id, firm_name, product_id, branch_path, amount_minor, limit_minor, currency, annual_rate, grade, roles,
	submitter_id, creator_id, state, opened_at, due_on, decided_by, decided_at, approved_minor, approved_rate, note, version`

const pageFilter = ` where institution_id = $1 and branch_path like $2 and ($3 = '' or state = $3) and ($4 = '' or firm_id = $4)`

var (
	insertCase = db.Q(`insert into approval_case (institution_id, ` + columns + `)
		values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22,$23,$24,$25)`)
	selectByID      = db.Q(`select ` + columns + ` from approval_case where institution_id = $1 and id = $2`)
	selectForUpdate = db.Q(`select ` + columns + ` from approval_case where institution_id = $1 and id = $2 /*for update*/`)
	selectOpenOf    = db.Q(`select ` + columns + ` from approval_case where institution_id = $1 and application_id = $2 and state = 'open' /*for update*/`)
	selectPage      = db.Q(`select ` + columns + ` from approval_case` + pageFilter + ` and ($5 = '' or id < $5) order by id desc limit $6`)
	countPage       = db.Q(`select count(*) from approval_case` + pageFilter)
	decideCase      = db.Q(`update approval_case set state = $3, decided_by = $4, decided_at = $5, approved_minor = $6, approved_rate = $7, note = $8, version = version + 1
		where institution_id = $1 and id = $2 and state = 'open'`)
)

type scanner interface{ Scan(dest ...any) error }

func scan(row scanner) (Case, error) {
	var c Case
	var opened, decided int64
	var roles string
	err := row.Scan(&c.ID, &c.ApplicationID, &c.DecisionID, &c.FirmID, &c.FirmName, &c.ProductID, &c.BranchPath, &c.AmountMinor, &c.LimitMinor, &c.Currency, &c.Rate, &c.Grade,
		&roles, &c.SubmitterID, &c.CreatorID, &c.State, &opened, &c.DueOn, &c.DecidedBy, &decided, &c.ApprovedMinor, &c.ApprovedRate, &c.Note, &c.Version)
	c.OpenedAt, c.DecidedAt, c.Roles = db.Time(opened), db.Time(decided), strings.Split(roles, ",")
	return c, err
}

func insert(ctx context.Context, tx *db.Tx, c Case) error {
	_, err := tx.Exec(ctx, insertCase, tx.Institution, c.ID, c.ApplicationID, c.DecisionID, c.FirmID, c.FirmName, c.ProductID, c.BranchPath, c.AmountMinor, c.LimitMinor,
		c.Currency, int64(c.Rate), c.Grade, strings.Join(c.Roles, ","), c.SubmitterID, c.CreatorID, string(c.State), db.Micros(c.OpenedAt), c.DueOn, c.DecidedBy,
		db.Micros(c.DecidedAt), c.ApprovedMinor, int64(c.ApprovedRate), c.Note, c.Version)
	return err
}

func read(ctx context.Context, tx *db.Tx, q *db.Query, id string) (Case, error) {
	c, err := scan(tx.QueryRow(ctx, q, tx.Institution, id))
	if db.IsNoRows(err) {
		return c, fault.NotFoundError("approval", id)
	}
	return c, err
}

func list(ctx context.Context, tx *db.Tx, pattern string, f Filter, after string, limit int) (items []Case, total int64, err error) {
	if err := tx.QueryRow(ctx, countPage, tx.Institution, pattern, f.State, f.FirmID).Scan(&total); err != nil {
		return nil, 0, err
	}
	rows, err := tx.Query(ctx, selectPage, tx.Institution, pattern, f.State, f.FirmID, after, limit)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	items = []Case{}
	for rows.Next() {
		c, err := scan(rows)
		if err != nil {
			return nil, 0, err
		}
		items = append(items, c)
	}
	return items, total, rows.Err()
}
