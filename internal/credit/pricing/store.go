package pricing

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// newestScore keeps, of a firm's scores, the last one on the newest evidence: a score made later as of a past date
// is not what the firm is worth today.
const newestScore = `not exists (select 1 from score n where n.institution_id = s.institution_id and n.firm_id = s.firm_id
	and (n.as_of > s.as_of or (n.as_of = s.as_of and (n.created_at > s.created_at or (n.created_at = s.created_at and n.id > s.id)))))`

var (
	// Portfolio queries read other domains' tables: they are a projection for people, never the basis
	// of a booking, and no domain keeps a copy of another's numbers for them.
	selectScored = db.Q(`select f.id, f.name, s.grade, s.pd, s.thin_file from firm f join score s on s.institution_id = f.institution_id and s.firm_id = f.id
		where f.institution_id = $1 and f.branch_path like $2 and ` + newestScore + ` order by f.id limit $3`)
	selectCells = db.Q(`select coalesce(sc.grade, ''), f.industry, f.branch_path, count(*), cast(coalesce(sum(fa.lim), 0) as bigint), cast(coalesce(sum(fa.used), 0) as bigint),
			cast(coalesce(sum(fa.n), 0) as bigint), cast(coalesce(sum(fa.frozen), 0) as bigint), coalesce(sum(sc.pd * coalesce(fa.used, 0)), 0.0)
		from firm f
		left join (select s.firm_id, s.grade, s.pd from score s where s.institution_id = $1 and ` + newestScore + `) sc on sc.firm_id = f.id
		left join (select firm_id, sum(limit_minor) as lim, sum(utilised_minor) as used, count(*) as n, sum(case when status = 'frozen' then 1 else 0 end) as frozen
			from facility where institution_id = $1 and status <> 'closed' and currency = $3 group by firm_id) fa on fa.firm_id = f.id
		where f.institution_id = $1 and f.branch_path like $2 group by 1, 2, 3`)
	// Facilities in other currencies add their limits and their use; their firms are counted above.
	selectForeign = db.Q(`select fa.currency, coalesce(sc.grade, ''), f.industry, f.branch_path, cast(sum(fa.lim) as bigint), cast(sum(fa.used) as bigint),
			cast(sum(fa.n) as bigint), cast(sum(fa.frozen) as bigint), coalesce(sum(sc.pd * fa.used), 0.0)
		from firm f
		join (select firm_id, currency, sum(limit_minor) as lim, sum(utilised_minor) as used, count(*) as n, sum(case when status = 'frozen' then 1 else 0 end) as frozen
			from facility where institution_id = $1 and status <> 'closed' and currency <> $3 group by firm_id, currency) fa on fa.firm_id = f.id
		left join (select s.firm_id, s.grade, s.pd from score s where s.institution_id = $1 and ` + newestScore + `) sc on sc.firm_id = f.id
		where f.institution_id = $1 and f.branch_path like $2 group by 1, 2, 3, 4 order by 1, 2, 3, 4`)
	insertRun = db.Q(`insert into optimise_run (institution_id, id, branch_path, request_json, result_json, firms, budget_minor, amount_minor, profit_minor, created_at, created_by)
		values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11)`)
	selectRun  = db.Q(`select result_json, branch_path from optimise_run where institution_id = $1 and id = $2`)
	selectRuns = db.Q(`select id, firms, budget_minor, amount_minor, profit_minor, created_at, created_by from optimise_run
		where institution_id = $1 and branch_path like $2 order by id desc limit 100`)
)

// Scored is a firm that has a score.
type Scored struct {
	ID    string
	Name  string
	Grade string
	PD    float64
	Thin  bool
}

func scored(ctx context.Context, tx *db.Tx, pattern string, limit int) ([]Scored, error) {
	rows, err := tx.Query(ctx, selectScored, tx.Institution, pattern, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	var out []Scored
	for rows.Next() {
		var s Scored
		if err := rows.Scan(&s.ID, &s.Name, &s.Grade, &s.PD, &s.Thin); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

func storeRun(ctx context.Context, tx *db.Tx, branchPath string, in OptimiseInput, run Run) error {
	request, err := json.Marshal(in)
	if err != nil {
		return fmt.Errorf("optimise run: %w", err)
	}
	result, err := json.Marshal(run)
	if err != nil {
		return fmt.Errorf("optimise run: %w", err)
	}
	_, err = tx.Exec(ctx, insertRun, tx.Institution, run.ID, branchPath, string(request), string(result), run.Book.Firms, run.Book.BudgetMinor, run.Book.AmountMinor,
		run.Book.ProfitMinor, db.Micros(tx.Now), tx.Actor)
	return err
}

func readRun(ctx context.Context, tx *db.Tx, id string) (run Run, branchPath string, err error) {
	var text string
	err = tx.QueryRow(ctx, selectRun, tx.Institution, id).Scan(&text, &branchPath)
	if db.IsNoRows(err) {
		return run, "", fault.NotFoundError("optimisation", id)
	}
	if err != nil {
		return run, "", err
	}
	return run, branchPath, json.Unmarshal([]byte(text), &run)
}

// RunMark is one run in a list.
type RunMark struct {
	ID          string    `json:"id"`
	Firms       int64     `json:"firms"`
	BudgetMinor int64     `json:"budget_minor"`
	AmountMinor int64     `json:"amount_minor"`
	ProfitMinor int64     `json:"profit_minor"`
	CreatedAt   time.Time `json:"created_at"`
	CreatedBy   string    `json:"created_by"`
}

func listRuns(ctx context.Context, tx *db.Tx, pattern string) ([]RunMark, error) {
	rows, err := tx.Query(ctx, selectRuns, tx.Institution, pattern)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	out := []RunMark{}
	for rows.Next() {
		var m RunMark
		var at int64
		if err := rows.Scan(&m.ID, &m.Firms, &m.BudgetMinor, &m.AmountMinor, &m.ProfitMinor, &at, &m.CreatedBy); err != nil {
			return nil, err
		}
		m.CreatedAt = db.Time(at)
		out = append(out, m)
	}
	return out, rows.Err()
}
