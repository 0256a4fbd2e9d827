package contract

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

const columns = `id, application_id, facility_id, firm_id, product_id, branch_id, branch_path, status, terms_json, terms_hash, pdf_hash, pdf_size, created_at, actor`

const pageFilter = ` from contract where institution_id = $1 and branch_path like $2 and ($3 = '' or firm_id = $3) and ($4 = '' or facility_id = $4)`

var (
	insertContract = db.Q(`insert into contract (institution_id, id, application_id, facility_id, firm_id, product_id, branch_id, branch_path, status, terms_json,
		terms_hash, pdf_hash, pdf_size, created_at, actor, number, signed_on) values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17)`)
	selectByID          = db.Q(`select ` + columns + ` from contract where institution_id = $1 and id = $2`)
	selectByApplication = db.Q(`select ` + columns + ` from contract where institution_id = $1 and application_id = $2`)
	selectPage          = db.Q(`select ` + columns + pageFilter + ` and ($5 = '' or id < $5) order by id desc limit $6`)
	countPage           = db.Q(`select count(*)` + pageFilter)
	selectAll           = db.Q(`select ` + columns + ` from contract where institution_id = $1 and id > $2 order by id limit $3`)
	// The verification page knows no institution: a file's hash is unguessable and says only what its holder has.
	selectByHash = db.Q(`select c.terms_json, c.terms_hash, c.signed_on, i.name, i.name_en, i.demo
		from institution i join contract c on c.institution_id = i.institution_id and c.pdf_hash = $1 order by c.id limit 1`)
	selectLender = db.Q(`select name, name_en, demo from institution where institution_id = $1`)
)

type scanner interface{ Scan(dest ...any) error }

func scan(row scanner) (Contract, error) {
	var c Contract
	var terms string
	var created int64
	err := row.Scan(&c.ID, &c.ApplicationID, &c.FacilityID, &c.FirmID, &c.ProductID, &c.BranchID, &c.BranchPath, &c.Status, &terms, &c.TermsHash,
		&c.PDFHash, &c.PDFSize, &created, &c.CreatedBy)
	if err != nil {
		return c, err
	}
	c.CreatedAt = db.Time(created)
	if err := json.Unmarshal([]byte(terms), &c.Terms); err != nil {
		return c, fmt.Errorf("contract %s: %w", c.ID, err)
	}
	return c, nil
}

func collect(rows *sql.Rows) ([]Contract, error) {
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	out := []Contract{}
	for rows.Next() {
		c, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

// ByID reads a contract.
func ByID(ctx context.Context, tx *db.Tx, id string) (Contract, error) {
	c, err := scan(tx.QueryRow(ctx, selectByID, tx.Institution, id))
	if db.IsNoRows(err) {
		return c, fault.NotFoundError("contract", id)
	}
	return c, err
}

func byApplication(ctx context.Context, tx *db.Tx, applicationID string) (Contract, bool, error) {
	c, err := scan(tx.QueryRow(ctx, selectByApplication, tx.Institution, applicationID))
	if db.IsNoRows(err) {
		return c, false, nil
	}
	return c, err == nil, err
}

func insert(ctx context.Context, tx *db.Tx, c Contract) error {
	terms, err := json.Marshal(c.Terms)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, insertContract, tx.Institution, c.ID, c.ApplicationID, c.FacilityID, c.FirmID, c.ProductID, c.BranchID, c.BranchPath, c.Status,
		string(terms), c.TermsHash, c.PDFHash, c.PDFSize, db.Micros(tx.Now), tx.Actor, c.Terms.Number, c.Terms.SignedOn.String())
	return err
}
