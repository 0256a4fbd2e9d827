package eod

import (
	"context"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

const columns = `closing_date, next_date, step, plan, collections, unanswered, loans, failed, accepted, accepted_failed, started_at, finished_at, actor, uncollected`

var (
	insertRun = db.Q(`insert into eod_run (institution_id, closing_date, next_date, step, collections, unanswered, loans, started_at, finished_at, actor, plan)
		values ($1,$2,$3,$4,0,0,0,$5,0,$6,$7)`)
	selectRun  = db.Q(`select ` + columns + ` from eod_run where institution_id = $1 and closing_date = $2`)
	selectRuns = db.Q(`select ` + columns + ` from eod_run where institution_id = $1 order by closing_date desc limit $2`)
	// A run goes from step to step once: of two processes that end the same day, the slower one is told.
	updateRun = db.Q(`update eod_run set step = $3, collections = $4, unanswered = $5, loans = $6, finished_at = $7, failed = $9, uncollected = $10
		where institution_id = $1 and closing_date = $2 and step = $8`)
	acceptRun = db.Q(`update eod_run set accepted = $3, accepted_failed = $4, failed = $4 where institution_id = $1 and closing_date = $2 and finished_at = 0`)
	moveDate  = db.Q(`update institution set business_date = $3, version = version + 1 where institution_id = $1 and business_date = $2`)
)

type scanner interface{ Scan(dest ...any) error }

func scan(row scanner) (Run, error) {
	var r Run
	var started, finished int64
	var plan string
	err := row.Scan(&r.ClosingDate, &r.NextDate, &r.Step, &plan, &r.Collections, &r.Unanswered, &r.Loans, &r.Failed, &r.Accepted, &r.AcceptedFailed, &started, &finished, &r.Actor, &r.Uncollected)
	r.Plan = parsePlan(plan)
	if len(r.Plan) == 0 { // of a version without plans
		r.Plan = Plan{StepCatchUp, StepCollect, StepRoll, StepAccrue, StepPost}
	}
	r.StartedAt = db.Time(started)
	if finished != 0 {
		at := db.Time(finished)
		r.FinishedAt = &at
	}
	return r, err
}

func find(ctx context.Context, tx *db.Tx, closing calendar.Date) (Run, error) {
	return scan(tx.QueryRow(ctx, selectRun, tx.Institution, closing.String()))
}

// save stores a run that has gone on from the step before.
func save(ctx context.Context, tx *db.Tx, r Run, before Step) error {
	finished := int64(0)
	if r.FinishedAt != nil {
		finished = db.Micros(*r.FinishedAt)
	}
	moved, err := tx.ExecOne(ctx, updateRun, tx.Institution, r.ClosingDate.String(), string(r.Step), r.Collections, r.Unanswered, r.Loans, finished, string(before), r.Failed, r.Uncollected)
	if err == nil && !moved {
		err = fault.New(ReasonRunning)
	}
	return err
}

func recent(ctx context.Context, tx *db.Tx, limit int) ([]Run, error) {
	rows, err := tx.Query(ctx, selectRuns, tx.Institution, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	out := []Run{}
	for rows.Next() {
		r, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}
