package party

import (
	"context"
	"fmt"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

const firmColumns = `id, code, name, uscc, uscc_evidence, customer_type, industry, region, employees, revenue_minor, assets_minor, size_class, size_source, size_on,
	owner_name, owner_id_cipher, phone_cipher, address, branch_id, branch_path, manager_id, status, demo, default_label, label_on, label_source, created_at, updated_at, version`

var (
	insertFirm = db.Q(`insert into firm (institution_id, ` + firmColumns + `)
		values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22,$23,$24,$25,$26,$27,$28,$29,$30)`)
	updateFirm = db.Q(`update firm set name = $3, uscc = $4, uscc_evidence = $5, customer_type = $6, industry = $7, region = $8, employees = $9, revenue_minor = $10,
		assets_minor = $11, size_class = $12, size_source = $13, size_on = $14, owner_name = $15, owner_id_cipher = $16, phone_cipher = $17, address = $18,
		branch_id = $19, branch_path = $20, manager_id = $21, status = $22, demo = $23, default_label = $24, label_on = $25, label_source = $26, updated_at = $27, version = version + 1
		where institution_id = $1 and id = $2 and version = $28`)
	firmByID   = db.Q(`select ` + firmColumns + ` from firm where institution_id = $1 and id = $2`)
	firmByCode = db.Q(`select ` + firmColumns + ` from firm where institution_id = $1 and code = $2`)
	firmCodes  = db.Q(`select code, id, branch_path from firm where institution_id = $1`)
	firmIDs    = db.Q(`select id from firm where institution_id = $1 and branch_path like $2 order by id`)
	labelled   = db.Q(`select ` + firmColumns + ` from firm where institution_id = $1 and default_label <> '' order by id`)

	listByCode = db.Q(`select ` + firmColumns + ` from firm where institution_id = $1 and branch_path like $2
		and ($3 = '' or lower(name) like $3 or lower(code) like $3 or lower(uscc) like $3)
		and ($4 = '' or size_class = $4) and ($5 = '' or industry like $5) and ($6 = '' or default_label = $6) and ($7 = '' or manager_id = $7)
		and (code > $8 or (code = $8 and id > $9)) order by code, id limit $10`)
	listByUpdated = db.Q(`select ` + firmColumns + ` from firm where institution_id = $1 and branch_path like $2
		and ($3 = '' or lower(name) like $3 or lower(code) like $3 or lower(uscc) like $3)
		and ($4 = '' or size_class = $4) and ($5 = '' or industry like $5) and ($6 = '' or default_label = $6) and ($7 = '' or manager_id = $7)
		and (cast($8 as bigint) = 0 or updated_at < $8 or (updated_at = $8 and id < $9)) order by updated_at desc, id desc limit $10`)
	countFirms = db.Q(`select count(*) from firm where institution_id = $1 and branch_path like $2
		and ($3 = '' or lower(name) like $3 or lower(code) like $3 or lower(uscc) like $3)
		and ($4 = '' or size_class = $4) and ($5 = '' or industry like $5) and ($6 = '' or default_label = $6) and ($7 = '' or manager_id = $7)`)

	insertRelation = db.Q(`insert into firm_relation (institution_id, id, firm_id, other_firm_id, other_name, kind, share_bp, note, created_at, created_by)
		values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10)`)
	listRelations = db.Q(`select id, firm_id, other_firm_id, other_name, kind, share_bp, note, created_at from firm_relation
		where institution_id = $1 and (firm_id = $2 or other_firm_id = $2) order by id limit 500`)
	deleteRelation = db.Q(`delete from firm_relation where institution_id = $1 and id = $2 and firm_id = $3`)
)

type scanner interface{ Scan(dest ...any) error }

// stored carries the encrypted fields beside the firm.
type stored struct {
	Firm
	ownerCipher, phoneCipher string
}

func scanFirm(s scanner) (stored, error) {
	var f stored
	var sizeOn, labelOn string
	var created, updated int64
	err := s.Scan(&f.ID, &f.Code, &f.Name, &f.USCC, &f.USCCEvidence, &f.CustomerType, &f.Industry, &f.Region, &f.Employees, &f.RevenueMinor, &f.AssetsMinor,
		&f.SizeClass, &f.SizeSource, &sizeOn, &f.OwnerName, &f.ownerCipher, &f.phoneCipher, &f.Address, &f.BranchID, &f.BranchPath, &f.ManagerID, &f.Status,
		&f.Demo, &f.DefaultLabel, &labelOn, &f.LabelSource, &created, &updated, &f.Version)
	if err != nil {
		return f, err
	}
	if f.SizeOn, err = optionalDate(sizeOn); err != nil {
		return f, err
	}
	if f.LabelOn, err = optionalDate(labelOn); err != nil {
		return f, err
	}
	f.CreatedAt, f.UpdatedAt = db.Time(created), db.Time(updated)
	f.describe()
	return f, nil
}

func optionalDate(s string) (calendar.Date, error) {
	if s == "" {
		return calendar.Date{}, nil
	}
	return calendar.Parse(s)
}

func dateText(d calendar.Date) string {
	if d.IsZero() {
		return ""
	}
	return d.String()
}

// ByID reads a firm; NOT_FOUND when it is not there. Encrypted fields stay empty: only the service
// with its cipher fills the masked forms.
func ByID(ctx context.Context, tx *db.Tx, id string) (Firm, error) {
	f, err := one(ctx, tx, firmByID, id)
	return f.Firm, err
}

// ByCode reads a firm by the institution's own code.
func ByCode(ctx context.Context, tx *db.Tx, code string) (Firm, error) {
	f, err := one(ctx, tx, firmByCode, code)
	return f.Firm, err
}

func one(ctx context.Context, tx *db.Tx, q *db.Query, key string) (stored, error) {
	f, err := scanFirm(tx.QueryRow(ctx, q, tx.Institution, key))
	if db.IsNoRows(err) {
		return f, fault.NotFoundError("firm", key)
	}
	if err != nil {
		return f, fmt.Errorf("read firm: %w", err)
	}
	return f, nil
}

// Codes maps every code of the institution to its firm id, or to nothing when the firm lies outside the
// caller's branches: what an import needs once.
func Codes(ctx context.Context, tx *db.Tx, p auth.Principal) (map[string]string, error) {
	rows, err := tx.Query(ctx, firmCodes, tx.Institution)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	out := map[string]string{}
	for rows.Next() {
		var code, id, path string
		if err := rows.Scan(&code, &id, &path); err != nil {
			return nil, err
		}
		if !p.Sees(path) {
			id = ""
		}
		out[code] = id
	}
	return out, rows.Err()
}

// IDs lists the firms of a branch subtree ("/%" for all), in order of id.
func IDs(ctx context.Context, tx *db.Tx, branchPattern string) ([]string, error) {
	rows, err := tx.Query(ctx, firmIDs, tx.Institution, branchPattern)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
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

// Labelled lists the firms whose outcome was observed: the sample of scorecard training.
func Labelled(ctx context.Context, tx *db.Tx) ([]Firm, error) {
	return collect(ctx, tx, labelled, tx.Institution)
}

func collect(ctx context.Context, tx *db.Tx, q *db.Query, args ...any) ([]Firm, error) {
	rows, err := tx.Query(ctx, q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Firm
	for rows.Next() {
		f, err := scanFirm(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, f.Firm)
	}
	return out, rows.Err()
}

func insert(ctx context.Context, tx *db.Tx, f stored) error {
	_, err := tx.Exec(ctx, insertFirm, tx.Institution, f.ID, f.Code, f.Name, f.USCC, f.USCCEvidence, f.CustomerType, f.Industry, f.Region, f.Employees, f.RevenueMinor,
		f.AssetsMinor, f.SizeClass, f.SizeSource, dateText(f.SizeOn), f.OwnerName, f.ownerCipher, f.phoneCipher, f.Address, f.BranchID, f.BranchPath, f.ManagerID,
		f.Status, f.Demo, f.DefaultLabel, dateText(f.LabelOn), f.LabelSource, db.Micros(f.CreatedAt), db.Micros(f.UpdatedAt), f.Version)
	if db.IsUnique(err) {
		return fault.New(ReasonCodeTaken, "code", f.Code).WithField("code")
	}
	return err
}

func update(ctx context.Context, tx *db.Tx, f stored, version int64) error {
	ok, err := tx.ExecOne(ctx, updateFirm, tx.Institution, f.ID, f.Name, f.USCC, f.USCCEvidence, f.CustomerType, f.Industry, f.Region, f.Employees, f.RevenueMinor,
		f.AssetsMinor, f.SizeClass, f.SizeSource, dateText(f.SizeOn), f.OwnerName, f.ownerCipher, f.phoneCipher, f.Address, f.BranchID, f.BranchPath, f.ManagerID,
		f.Status, f.Demo, f.DefaultLabel, dateText(f.LabelOn), f.LabelSource, db.Micros(f.UpdatedAt), version)
	if err == nil && !ok {
		return fault.New(fault.ReasonStale, "version", "?")
	}
	return err
}
