package job

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

const columns = `id, kind, object, object_id, state, done, total, rate_milli, message_zh, message_en, errors, error_count, result,
	attempts, actor, actor_name, created_at, scheduled_at, started_at, finished_at, args, principal, checkpoint, run_no, tries, lease, cancel_requested, branch_path`

// live is repeated in the statements word for word: SQLite uses the partial index only then.
const live = `state in ('queued', 'running', 'cancelling')`

// dead is true of live jobs that nobody works on: running ones whose process stopped beating, and
// queued ones whose token was taken by a process that died before it could claim them.
const dead = live + ` and (
	(state <> 'queued' and heartbeat_at < $1)
	or (state = 'queued' and scheduled_at < $1 and not exists (
		select 1 from river_job r where r.id = job.river_id and cast(r.state as text) in ('available', 'pending', 'retryable', 'scheduled'))))`

var (
	insertJob = db.Q(`insert into job (institution_id, id, kind, unique_key, object, object_id, state, args, principal, actor, actor_name, branch_path,
		run_no, river_id, lease, attempts, tries, cancel_requested, done, total, rate_milli, message_zh, message_en, errors, error_count, checkpoint, result,
		created_at, scheduled_at, started_at, heartbeat_at, finished_at)
		values ($1,$2,$3,$4,$5,$6,'queued',$7,$8,$9,$10,$11,1,$12,'',0,0,false,0,0,0,'','','[]',0,'','',$13,$13,0,0,0)`)
	selectJob   = db.Q(`select ` + columns + ` from job where institution_id = $1 and id = $2`)
	lockJob     = db.Q(`select ` + columns + ` from job where institution_id = $1 and id = $2 /*for update*/`)
	selectByKey = db.Q(`select ` + columns + ` from job where institution_id = $1 and kind = $2 and unique_key = $3 and unique_key <> '' and ` + live)
	listJobs    = db.Q(`select ` + columns + ` from job where institution_id = $1 and ($2 = '' or id < $2) and ($3 = '' or state = $3) and ($4 = '' or kind = $4)
		and ($5 = '' or object = $5) and ($6 = '' or object_id = $6) and ($7 = '' or actor = $7) and (branch_path = '' or branch_path like $8) order by id desc limit $9`)
	countJobs = db.Q(`select count(*) from job where institution_id = $1 and ($2 = '' or state = $2) and ($3 = '' or kind = $3)
		and ($4 = '' or object = $4) and ($5 = '' or object_id = $5) and ($6 = '' or actor = $6) and (branch_path = '' or branch_path like $7)`)

	claimJob = db.Q(`update job set state = 'running', lease = $4, attempts = attempts + 1, tries = tries + 1, heartbeat_at = $5,
		started_at = case when started_at = 0 then $5 else started_at end, finished_at = 0, cancel_requested = false
		where institution_id = $1 and id = $2 and run_no = $3 and state = 'queued'`)
	requeueJob = db.Q(`update job set state = 'queued', run_no = $3, river_id = $4, lease = '', tries = $5, scheduled_at = $6, finished_at = 0,
		cancel_requested = false, errors = $7, error_count = $8 where institution_id = $1 and id = $2`)
	finishJob = db.Q(`update job set state = $4, lease = '', done = $5, total = $6, rate_milli = $7, message_zh = $8, message_en = $9,
		errors = $10, error_count = $11, result = $12, finished_at = $13, heartbeat_at = $13 where institution_id = $1 and id = $2 and lease = $3`)
	beatJob = db.Q(`update job set heartbeat_at = $4, done = $5, total = $6, rate_milli = $7, message_zh = $8, message_en = $9, errors = $10, error_count = $11
		where institution_id = $1 and id = $2 and lease = $3 and state in ('running', 'cancelling')`)
	checkpointJob = db.Q(`update job set checkpoint = $4, heartbeat_at = $5 where institution_id = $1 and id = $2 and lease = $3 and state in ('running', 'cancelling')`)
	cancelQueued  = db.Q(`update job set state = 'cancelled', lease = '', cancel_requested = true, finished_at = $3 where institution_id = $1 and id = $2 and state = 'queued'`)
	cancelRunning = db.Q(`update job set state = 'cancelling', cancel_requested = true where institution_id = $1 and id = $2 and state = 'running'`)
	watchJob      = db.Q(`select lease, cancel_requested from job where institution_id = $1 and id = $2`)

	findDead  = db.Q(`select institution_id, id, run_no from job where ` + dead + ` limit 1000`)
	isDeadNow = db.Q(`select count(*) from job where ` + dead + ` and institution_id = $2 and id = $3 and run_no = $4`)
	endJob    = db.Q(`update job set state = $3, lease = '', finished_at = $4, errors = $5, error_count = $6 where institution_id = $1 and id = $2`)
	countLive = db.Q(`select kind, state, count(*) from job where ` + live + ` group by kind, state`)
)

// record is a row with what only this package sees.
type record struct {
	Job
	args, checkpoint, lease, branchPath string
	principal                           string
	runNo, tries                        int64
	cancelRequested                     bool
}

type scanner interface{ Scan(dest ...any) error }

func (x *Runner) scan(s scanner) (record, error) {
	var r record
	var rateMilli, created, scheduled, started, finished int64
	var problems, result string
	err := s.Scan(&r.ID, &r.Kind, &r.Object, &r.ObjectID, &r.State, &r.Done, &r.Total, &rateMilli, &r.MessageZh, &r.MessageEn, &problems, &r.ErrorCount, &result,
		&r.Attempts, &r.Actor, &r.ActorName, &created, &scheduled, &started, &finished, &r.args, &r.principal, &r.checkpoint, &r.runNo, &r.tries, &r.lease,
		&r.cancelRequested, &r.branchPath)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal([]byte(problems), &r.Errors); err != nil {
		return r, fmt.Errorf("job %s: errors: %w", r.ID, err)
	}
	if result != "" {
		r.Result = json.RawMessage(result)
	}
	r.KindZh, r.KindEn = r.Kind, r.Kind
	if k, ok := x.kind(r.Kind); ok {
		r.KindZh, r.KindEn = k.Zh, k.En
	}
	r.CreatedAt, r.ScheduledAt = db.Time(created), db.Time(scheduled)
	r.StartedAt, r.FinishedAt = optional(started), optional(finished)
	r.setPace(rateMilli)
	return r, nil
}

func optional(micros int64) *time.Time {
	if micros == 0 {
		return nil
	}
	t := db.Time(micros)
	return &t
}

// setPace fills rate and time left from the stored thousandths of units per second.
func (j *Job) setPace(rateMilli int64) {
	j.RatePerSecond, j.ETASeconds = float64(rateMilli)/1000, -1
	switch {
	case j.State == Completed:
		j.ETASeconds = 0
	case j.State.Live() && j.Total > 0 && rateMilli > 0:
		j.ETASeconds = max(0, (j.Total-j.Done)*1000/rateMilli)
	}
}

func (x *Runner) byID(ctx context.Context, tx *db.Tx, q *db.Query, institution, id string) (record, error) {
	r, err := x.scan(tx.QueryRow(ctx, q, institution, id))
	if db.IsNoRows(err) {
		return r, fault.NotFoundError("job", id)
	}
	return r, err
}

func (x *Runner) collect(rows *sql.Rows) ([]record, error) {
	defer rows.Close() //nolint:errcheck // read to its end below
	var out []record
	for rows.Next() {
		r, err := x.scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// storedPrincipal is who runs the job, as kept in its row.
type storedPrincipal struct {
	UserID      string   `json:"user_id"`
	Login       string   `json:"login"`
	Name        string   `json:"name"`
	BranchID    string   `json:"branch_id"`
	BranchPath  string   `json:"branch_path"`
	Lang        string   `json:"lang"`
	Roles       []string `json:"roles"`
	Via         string   `json:"via"`
	Permissions []string `json:"permissions"`
}

func packPrincipal(p auth.Principal) (string, error) {
	s := storedPrincipal{UserID: p.UserID, Login: p.Login, Name: p.Name, BranchID: p.BranchID, BranchPath: p.BranchPath, Lang: p.Lang, Roles: p.Roles, Via: p.Via}
	if p.Via != "system" {
		s.Permissions = p.Permissions()
	}
	b, err := json.Marshal(s)
	return string(b), err
}

// unpackPrincipal restores the principal with the rights it had when it asked for the job.
func unpackPrincipal(institution, text string) (auth.Principal, error) {
	var s storedPrincipal
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return auth.Principal{}, fmt.Errorf("job principal: %w", err)
	}
	if s.Via == "system" {
		p := auth.SystemPrincipal(institution, s.Login)
		p.UserID, p.Name = s.UserID, s.Name
		return p, nil
	}
	return auth.NewPrincipal(auth.Principal{
		InstitutionID: institution, UserID: s.UserID, Login: s.Login, Name: s.Name, BranchID: s.BranchID, BranchPath: s.BranchPath,
		Lang: s.Lang, Roles: s.Roles, Via: s.Via,
	}, s.Permissions), nil
}

// pageSize is the bound of a page: 20 when not said, at most 200.
func pageSize(limit int) int {
	if limit <= 0 {
		return 20
	}
	return min(limit, 200)
}
