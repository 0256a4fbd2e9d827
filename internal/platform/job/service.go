package job

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Permissions of this package. Everybody sees and cancels the jobs they asked for.
var (
	PermissionRead = auth.DeclarePermission("job.read", "查看所有任务", "See everybody's jobs",
		auth.RoleOperations, auth.RoleRisk, auth.RoleCompliance, auth.RoleAdmin, auth.RoleApprover, auth.RoleIntegrator)
	PermissionManage = auth.DeclarePermission("job.manage", "取消或继续他人任务", "Cancel or resume others' jobs", auth.RoleOperations, auth.RoleAdmin)
)

// isDead asks again under the row's lock, so that two servers cannot both take a job over.
func (x *Runner) isDead(ctx context.Context, tx *db.Tx, rec record, runNo int64) (bool, error) {
	var n int
	err := tx.QueryRow(ctx, isDeadNow, db.Micros(tx.Now.Add(-x.cfg.StaleAfter)), tx.Institution, rec.ID, runNo).Scan(&n)
	return n > 0, err
}

func marshalProblems(p []Problem) (string, error) {
	if p == nil {
		return "[]", nil
	}
	b, err := json.Marshal(p)
	return string(b), err
}

func (x *Runner) end(ctx context.Context, tx *db.Tx, rec record, final State, cause error) error {
	problems, count := rec.Errors, rec.ErrorCount
	if cause != nil {
		problems, count = append(problems, problemOf(tx.Now, cause)), count+1
	}
	text, err := marshalProblems(problems)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, endJob, tx.Institution, rec.ID, string(final), db.Micros(tx.Now), text, count); err != nil {
		return err
	}
	return note(ctx, tx, "job."+string(final), rec.ID, nil, map[string]any{"kind": rec.Kind, "kind_zh": rec.KindZh, "kind_en": rec.KindEn, "object": rec.Object, "object_id": rec.ObjectID, "actor": rec.Actor})
}

// Filter of List; empty fields do not filter.
type Filter struct {
	State, Kind, Object, ObjectID string
	Mine                          bool
	After                         string // id of the last job of the page before
	Limit                         int
}

// List gives jobs, newest first, and how many match. Without job.read it gives the caller's own.
func (x *Runner) List(ctx context.Context, p auth.Principal, f Filter) (jobs []Job, total int64, err error) {
	actor, branch := "", p.BranchPattern()
	if f.Mine || !p.Can(PermissionRead) {
		actor, branch = p.UserID, "%"
	}
	f.Limit = pageSize(f.Limit)
	err = x.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		if err := tx.QueryRow(ctx, countJobs, p.InstitutionID, f.State, f.Kind, f.Object, f.ObjectID, actor, branch).Scan(&total); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, listJobs, p.InstitutionID, f.After, f.State, f.Kind, f.Object, f.ObjectID, actor, branch, f.Limit)
		if err != nil {
			return err
		}
		recs, err := x.collect(rows)
		if err != nil {
			return err
		}
		jobs = make([]Job, 0, len(recs))
		for _, r := range recs {
			jobs = append(jobs, x.fresh(r))
		}
		return nil
	})
	if err != nil {
		return nil, 0, fmt.Errorf("list jobs: %w", err)
	}
	return jobs, total, nil
}

// fresh adds what a job running in this process has not written yet (its own long transaction may
// hold the only writer).
func (x *Runner) fresh(r record) Job {
	x.mu.Lock()
	run := x.active[r.ID]
	x.mu.Unlock()
	if run != nil && r.State.Live() && run.lease == r.lease {
		run.live(&r.Job)
	}
	return r.Job
}

// Get gives one job that the caller may see.
func (x *Runner) Get(ctx context.Context, p auth.Principal, id string) (j Job, err error) {
	err = x.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		r, err := x.visible(ctx, tx, selectJob, p, id, PermissionRead)
		j = x.fresh(r)
		return err
	})
	return j, err
}

// visible reads a job; what the caller may not see is not found.
func (x *Runner) visible(ctx context.Context, tx *db.Tx, q *db.Query, p auth.Principal, id, permission string) (record, error) {
	r, err := x.byID(ctx, tx, q, p.InstitutionID, id)
	if err != nil {
		return r, err
	}
	own := r.Actor == p.UserID
	if !own && (!p.Can(PermissionRead) || (r.branchPath != "" && !p.Sees(r.branchPath))) {
		return record{}, fault.NotFoundError("job", id)
	}
	if !own {
		return r, p.Require(permission)
	}
	return r, nil
}

// Cancel asks a job to stop: a queued one ends at once, a running one sees it within a second.
func (x *Runner) Cancel(ctx context.Context, p auth.Principal, id string) (j Job, err error) {
	err = x.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		r, err := x.visible(ctx, tx, lockJob, p, id, PermissionManage)
		if err != nil {
			return err
		}
		if !r.State.Live() {
			return fault.New(ReasonNotCancellable, "id", id, "state", r.State)
		}
		ended, err := tx.ExecOne(ctx, cancelQueued, p.InstitutionID, id, db.Micros(tx.Now))
		if err != nil {
			return err
		}
		action := "job.cancelled"
		if !ended {
			action = "job.cancel"
			if _, err := tx.Exec(ctx, cancelRunning, p.InstitutionID, id); err != nil {
				return err
			}
		}
		if err := note(ctx, tx, action, id, map[string]any{"state": r.State}, map[string]any{"kind": r.Kind}); err != nil {
			return err
		}
		tx.AfterCommit(func() { x.interrupt(id) })
		r, err = x.byID(ctx, tx, selectJob, p.InstitutionID, id)
		j = r.Job
		return err
	})
	return j, err
}

// interrupt tells a run of this process at once, without waiting for its next look.
func (x *Runner) interrupt(id string) {
	x.mu.Lock()
	run := x.active[id]
	x.mu.Unlock()
	if run != nil {
		run.cancel(errCancelled)
	}
}

// Resume starts a cancelled or failed job again from its checkpoint.
func (x *Runner) Resume(ctx context.Context, p auth.Principal, id string) (j Job, err error) {
	err = x.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		r, err := x.visible(ctx, tx, lockJob, p, id, PermissionManage)
		if err != nil {
			return err
		}
		if !r.State.Resumable() {
			return fault.New(ReasonNotResumable, "id", id, "state", r.State)
		}
		problems, err := marshalProblems(r.Errors)
		if err != nil {
			return err
		}
		if err := x.requeue(ctx, tx, id, r.runNo, 0, 0, problems, r.ErrorCount, "job.resume"); err != nil {
			if db.IsUnique(err) {
				return fault.New(fault.ReasonConflict, "object", "job "+id, "problem", "another job with the same key is live", "problem_zh", "同一业务键已有任务在进行").Wrap(err)
			}
			return err
		}
		r, err = x.byID(ctx, tx, selectJob, p.InstitutionID, id)
		j = r.Job
		return err
	})
	return j, err
}

// Counts of live jobs by kind and state, for metrics.
func (x *Runner) Counts(ctx context.Context, report func(kind string, s State, n int64)) error {
	return x.db.View(ctx, db.System("metrics"), func(tx *db.Tx) error {
		rows, err := tx.Query(ctx, countLive)
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // read to its end below
		for rows.Next() {
			var kind string
			var s State
			var n int64
			if err := rows.Scan(&kind, &s, &n); err != nil {
				return err
			}
			report(kind, s, n)
		}
		return rows.Err()
	})
}
