package signal

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

const columns = `id, firm_id, firm_name, facility_id, product_id, recipe_hash, branch_path, manager_id, code, catalogue, level, name_zh, name_en, reason_zh, reason_en,
	advice_zh, advice_en, metric, unit, facts_json, score_before_id, score_after_id, action, limit_before_minor, limit_after_minor, state, as_of, raised_at,
	acknowledged_by, acknowledged_at, resolved_by, resolved_at, outcome, note, snooze_until, version`

const pageFilter = ` where institution_id = $1 and branch_path like $2 and ($3 = '' or state = $3) and ($4 = '' or level = $4) and ($5 = '' or firm_id = $5)
	and ($6 = '' or facility_id = $6)`

var (
	insertSignal = db.Q(`insert into signal (institution_id, ` + columns + `)
		values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15,$16,$17,$18,$19,$20,$21,$22,$23,$24,$25,$26,$27,$28,$29,$30,$31,$32,$33,$34,$35,$36,$37)
		on conflict do nothing`)
	selectByID      = db.Q(`select ` + columns + ` from signal where institution_id = $1 and id = $2`)
	selectForUpdate = db.Q(`select ` + columns + ` from signal where institution_id = $1 and id = $2 /*for update*/`)
	selectPage      = db.Q(`select ` + columns + ` from signal` + pageFilter + ` and ($7 = '' or id < $7) order by id desc limit $8`)
	countPage       = db.Q(`select count(*) from signal` + pageFilter)
	selectCounts    = db.Q(`select state, level, count(*) from signal where institution_id = $1 and branch_path like $2 group by state, level`)
	// A signal stays quiet while one of its kind is being worked on or was put to sleep.
	selectQuiet = db.Q(`select count(*) from signal where institution_id = $1 and firm_id = $2 and facility_id = $3 and code = $4
		and (state <> 'resolved' or snooze_until >= $5 or as_of = $5)`)
	countOrange = db.Q(`select count(*) from signal where institution_id = $1 and facility_id = $2 and level = 'orange' and as_of >= $3`)
	updateState = db.Q(`update signal set state = $3, acknowledged_by = $4, acknowledged_at = $5, resolved_by = $6, resolved_at = $7, outcome = $8, note = $9,
		snooze_until = $10, version = version + 1 where institution_id = $1 and id = $2 and version = $11`)
)

type scanner interface{ Scan(dest ...any) error }

func scan(row scanner) (Signal, error) {
	var s Signal
	var raised, acknowledged, resolved int64
	var facts string
	err := row.Scan(&s.ID, &s.FirmID, &s.FirmName, &s.FacilityID, &s.ProductID, &s.RecipeHash, &s.BranchPath, &s.ManagerID, &s.Code, &s.Catalogue, &s.Level, &s.Name.Zh, &s.Name.En,
		&s.Reason.Zh, &s.Reason.En, &s.Advice.Zh, &s.Advice.En, &s.Metric, &s.Unit, &facts, &s.ScoreBeforeID, &s.ScoreAfterID, &s.Action, &s.LimitBeforeMinor, &s.LimitAfterMinor,
		&s.State, &s.AsOf, &raised, &s.AcknowledgedBy, &acknowledged, &s.ResolvedBy, &resolved, &s.Outcome, &s.Note, &s.SnoozeUntil, &s.Version)
	if err != nil {
		return s, err
	}
	s.RaisedAt, s.AcknowledgedAt, s.ResolvedAt = db.Time(raised), db.Time(acknowledged), db.Time(resolved)
	if err := json.Unmarshal([]byte(facts), &s.Figures); err != nil {
		return s, fmt.Errorf("signal %s: %w", s.ID, err)
	}
	return s, nil
}

// insert stores a signal; false says that it was raised before for the same date.
func insert(ctx context.Context, tx *db.Tx, s Signal) (bool, error) {
	facts, err := json.Marshal(s.Figures)
	if err != nil {
		return false, err
	}
	return tx.ExecOne(ctx, insertSignal, tx.Institution, s.ID, s.FirmID, s.FirmName, s.FacilityID, s.ProductID, s.RecipeHash, s.BranchPath, s.ManagerID, s.Code, s.Catalogue, s.Level,
		s.Name.Zh, s.Name.En, s.Reason.Zh, s.Reason.En, s.Advice.Zh, s.Advice.En, s.Metric, s.Unit, string(facts), s.ScoreBeforeID, s.ScoreAfterID, string(s.Action),
		s.LimitBeforeMinor, s.LimitAfterMinor, string(s.State), s.AsOf, db.Micros(s.RaisedAt), "", int64(0), "", int64(0), "", "", "", s.Version)
}

func read(ctx context.Context, tx *db.Tx, q *db.Query, id string) (Signal, error) {
	s, err := scan(tx.QueryRow(ctx, q, tx.Institution, id))
	if db.IsNoRows(err) {
		return s, fault.NotFoundError("signal", id)
	}
	return s, err
}

func update(ctx context.Context, tx *db.Tx, s *Signal) error {
	done, err := tx.ExecOne(ctx, updateState, tx.Institution, s.ID, string(s.State), s.AcknowledgedBy, db.Micros(s.AcknowledgedAt), s.ResolvedBy, db.Micros(s.ResolvedAt), s.Outcome,
		s.Note, s.SnoozeUntil.String(), s.Version)
	if err == nil && !done {
		return fault.New(fault.ReasonStale, "version", s.Version)
	}
	s.Version++
	return err
}

func count(ctx context.Context, tx *db.Tx, q *db.Query, args ...any) (n int64, err error) {
	err = tx.QueryRow(ctx, q, append([]any{tx.Institution}, args...)...).Scan(&n)
	return n, err
}

func list(ctx context.Context, tx *db.Tx, pattern string, f Filter, after string, limit int) (items []Signal, total int64, err error) {
	args := []any{tx.Institution, pattern, f.State, f.Level, f.FirmID, f.FacilityID}
	if err := tx.QueryRow(ctx, countPage, args...).Scan(&total); err != nil {
		return nil, 0, err
	}
	rows, err := tx.Query(ctx, selectPage, append(args, after, limit)...)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	items = []Signal{}
	for rows.Next() {
		s, err := scan(rows)
		if err != nil {
			return nil, 0, err
		}
		items = append(items, s)
	}
	return items, total, rows.Err()
}

// Tally counts signals by state and level.
type Tally struct {
	State State  `json:"state"`
	Level string `json:"level"`
	Count int64  `json:"count"`
}

func tallies(ctx context.Context, tx *db.Tx, pattern string) ([]Tally, error) {
	rows, err := tx.Query(ctx, selectCounts, tx.Institution, pattern)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	out := []Tally{}
	for rows.Next() {
		var t Tally
		if err := rows.Scan(&t.State, &t.Level, &t.Count); err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, rows.Err()
}

func quiet(ctx context.Context, tx *db.Tx, firmID, facilityID, code string, day calendar.Date) (bool, error) {
	n, err := count(ctx, tx, selectQuiet, firmID, facilityID, code, day)
	return n > 0, err
}
