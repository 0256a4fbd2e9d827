package decision

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/failpoint"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

const summaryColumns = `id, firm_id, product_id, result, soft, grade, pd, asked_minor, limit_minor, amount_minor, currency, annual_rate, reason_codes, as_of, decided_at, actor`

const pageFilter = ` where institution_id = $1 and branch_path like $2 and ($3 = '' or firm_id = $3) and ($4 = '' or result = $4) and ($5 = '' or product_id = $5)`

var (
	insertDecision = db.Q(`insert into decision (institution_id, id, firm_id, application_id, branch_path, product_id, recipe_version, recipe_hash, result, soft, grade, pd,
			asked_minor, limit_minor, amount_minor, currency, annual_rate, reason_codes, as_of, inputs_json, outcome_json, decided_at, actor)
		values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22,$23)`)
	selectDecision = db.Q(`select id, firm_id, branch_path, currency, inputs_json, outcome_json, decided_at, actor from decision where institution_id = $1 and id = $2`)
	selectPage     = db.Q(`select ` + summaryColumns + ` from decision` + pageFilter + ` and ($6 = '' or id < $6) order by id desc limit $7`)
	countPage      = db.Q(`select count(*) from decision` + pageFilter)
	selectIDs      = db.Q(`select id from decision where institution_id = $1 and id > $2 order by id limit $3`)
)

type scanner interface{ Scan(dest ...any) error }

func insert(ctx context.Context, tx *db.Tx, d Decision) error {
	inputs, err := json.Marshal(d.Inputs)
	if err != nil {
		return fmt.Errorf("decision inputs: %w", err)
	}
	outcome, err := json.Marshal(d.Outcome)
	if err != nil {
		return fmt.Errorf("decision outcome: %w", err)
	}
	in, out := d.Inputs, d.Outcome
	_, err = tx.Exec(ctx, insertDecision, tx.Institution, d.ID, d.FirmID, in.Ask.ApplicationID, d.BranchPath, in.RecipeID, in.RecipeVersion, in.RecipeHash,
		string(out.Result), in.Ask.Soft, in.Grade, int64(in.PD), in.Ask.AmountMinor, out.LimitMinor, out.AmountMinor, d.Currency, int64(out.Rate),
		strings.Join(codes(out.Reasons), ","), in.AsOf, string(inputs), string(outcome), db.Micros(d.DecidedAt), d.Actor)
	if err != nil {
		return err
	}
	return pointStored.Hit(ctx)
}

func codes(reasons []Reason) []string {
	out := make([]string, 0, len(reasons))
	for _, r := range reasons {
		out = append(out, r.Code)
	}
	return out
}

// ByID reads a decision.
func ByID(ctx context.Context, tx *db.Tx, id string) (Decision, error) {
	var d Decision
	var inputs, outcome string
	var at int64
	err := tx.QueryRow(ctx, selectDecision, tx.Institution, id).Scan(&d.ID, &d.FirmID, &d.BranchPath, &d.Currency, &inputs, &outcome, &at, &d.Actor)
	if db.IsNoRows(err) {
		return d, fault.NotFoundError("decision", id)
	}
	if err != nil {
		return d, err
	}
	d.DecidedAt = db.Time(at)
	if err := json.Unmarshal([]byte(inputs), &d.Inputs); err != nil {
		return d, fmt.Errorf("decision %s: %w", id, err)
	}
	if err := json.Unmarshal([]byte(outcome), &d.Outcome); err != nil {
		return d, fmt.Errorf("decision %s: %w", id, err)
	}
	return d, nil
}

func page(ctx context.Context, tx *db.Tx, pattern string, f Filter, after string, limit int) (items []Summary, total int64, err error) {
	if err := tx.QueryRow(ctx, countPage, tx.Institution, pattern, f.FirmID, f.Result, f.ProductID).Scan(&total); err != nil {
		return nil, 0, err
	}
	rows, err := tx.Query(ctx, selectPage, tx.Institution, pattern, f.FirmID, f.Result, f.ProductID, after, limit)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	items = []Summary{}
	for rows.Next() {
		s, err := scanSummary(rows)
		if err != nil {
			return nil, 0, err
		}
		items = append(items, s)
	}
	return items, total, rows.Err()
}

func scanSummary(row scanner) (Summary, error) {
	var s Summary
	var at int64
	var reasons string
	err := row.Scan(&s.ID, &s.FirmID, &s.ProductID, &s.Result, &s.Soft, &s.Grade, &s.PD, &s.AskedMinor, &s.LimitMinor, &s.AmountMinor, &s.Currency, &s.Rate, &reasons, &s.AsOf, &at, &s.Actor)
	s.DecidedAt, s.ReasonCodes = db.Time(at), []string{}
	if reasons != "" {
		s.ReasonCodes = strings.Split(reasons, ",")
	}
	return s, err
}

var selectLatestLimits = db.Q(`select d.firm_id, d.result, d.limit_minor from decision d where d.institution_id = $1 and not exists (
	select 1 from decision n where n.institution_id = d.institution_id and n.firm_id = d.firm_id and n.id > d.id)`)

// LatestLimits gives, by firm, the limit of its newest decision; a declined firm has none, so 0.
func LatestLimits(ctx context.Context, tx *db.Tx) (map[string]int64, error) {
	rows, err := tx.Query(ctx, selectLatestLimits, tx.Institution)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	out := map[string]int64{}
	for rows.Next() {
		var firm string
		var result Result
		var limit int64
		if err := rows.Scan(&firm, &result, &limit); err != nil {
			return nil, err
		}
		if result == Declined {
			limit = 0
		}
		out[firm] = limit
	}
	return out, rows.Err()
}

// Instants at which a test may break off.
var (
	pointStored = failpoint.Declare("decision.stored")
)
