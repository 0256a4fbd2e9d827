package job

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"
	"time"

	"github.com/riverqueue/river"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/failpoint"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// tokenArgs is what the queue library carries: which run of which job may start.
type tokenArgs struct {
	Institution string `json:"institution"`
	Job         string `json:"job"`
	Run         int64  `json:"run"`
}

// Kind names the token for the queue library.
func (tokenArgs) Kind() string { return "capillary_job" }

type worker struct {
	river.WorkerDefaults[tokenArgs]
	runner *Runner
}

// Work runs the job that the token names. An error means that the database could not be asked, and
// the library brings the token again; everything else is settled in the job's own row.
func (w *worker) Work(ctx context.Context, t *river.Job[tokenArgs]) error {
	x := w.runner
	r, kind, err := x.claim(ctx, t.Args)
	if err != nil || r == nil {
		return err
	}
	runCtx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	r.cancel = cancel
	x.mu.Lock()
	x.active[r.Job.ID] = r
	x.mu.Unlock()
	defer func() {
		x.mu.Lock()
		delete(x.active, r.Job.ID)
		x.mu.Unlock()
	}()
	began := time.Now()
	ended := func(error) {}
	if x.cfg.Trace != nil {
		runCtx, ended = x.cfg.Trace(runCtx, kind.Name, r.Job.ID)
	}
	side, stopSide := context.WithCancel(context.WithoutCancel(ctx))
	var group sync.WaitGroup
	group.Go(func() { r.watch(side) })
	group.Go(func() { r.beat(side) })
	err = r.call(runCtx, kind)
	ended(err)
	stopSide()
	group.Wait()
	final, err := x.settle(context.WithoutCancel(ctx), r, kind, context.Cause(runCtx), err)
	if x.cfg.Observe != nil && err == nil {
		x.cfg.Observe(kind.Name, final, time.Since(began))
	}
	return err
}

// claim takes the lease of a queued run. It gives nil when the token is out of date.
func (x *Runner) claim(ctx context.Context, t tokenArgs) (*Run, Kind, error) {
	var run *Run
	var kind Kind
	err := x.db.Update(ctx, db.Scope{Institution: t.Institution, Actor: "system:jobs"}, func(tx *db.Tx) error {
		run = nil
		lease := token()
		ours, err := tx.ExecOne(ctx, claimJob, t.Institution, t.Job, t.Run, lease, db.Micros(tx.Now))
		if err != nil || !ours {
			return err
		}
		if err := pointClaimed.Hit(ctx); err != nil {
			return err
		}
		rec, err := x.byID(ctx, tx, selectJob, t.Institution, t.Job)
		if err != nil {
			return err
		}
		p, err := unpackPrincipal(t.Institution, rec.principal)
		if err != nil {
			return err
		}
		kind, _ = x.kind(rec.Kind)
		run = &Run{
			Principal: p, Job: rec.Job, runner: x, args: rec.args, lease: lease, runNo: t.Run, tries: rec.tries, checkpoint: rec.checkpoint,
			done: rec.Done, total: rec.Total, zh: rec.MessageZh, en: rec.MessageEn, problems: rec.Errors, errorCount: rec.ErrorCount,
			result: string(rec.Result),
		}
		return nil
	})
	if err != nil {
		return nil, kind, fmt.Errorf("claim job %s: %w", t.Job, err)
	}
	return run, kind, nil
}

// call runs the kind's function and turns a panic into an error.
func (r *Run) call(ctx context.Context, k Kind) (err error) {
	defer func() {
		if p := recover(); p != nil {
			r.runner.cfg.Log.ErrorContext(ctx, "job panicked", "job", r.Job.ID, "kind", k.Name, "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = fault.New(ReasonCrashed).Wrap(fmt.Errorf("panic: %v", p))
		}
	}()
	if k.Run == nil {
		return fault.New(ReasonUnknownKind, "kind", r.Job.Kind)
	}
	return k.Run(ctx, r)
}

// watch looks for a cancel request and for the loss of the lease.
func (r *Run) watch(ctx context.Context) {
	tick := time.NewTicker(r.runner.cfg.Watch)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		var lease string
		var cancelled bool
		err := r.runner.db.View(ctx, r.scope(), func(tx *db.Tx) error {
			return tx.QueryRow(ctx, watchJob, r.Principal.InstitutionID, r.Job.ID).Scan(&lease, &cancelled)
		})
		switch {
		case err != nil: // the database is away; the next tick asks again
		case lease != r.lease:
			r.cancel(errLeaseLost)
		case cancelled:
			r.cancel(errCancelled)
		}
	}
}

// beat says that the run lives and writes its progress, at most four times a second.
func (r *Run) beat(ctx context.Context) {
	step := min(paceStep, r.runner.cfg.Beat)
	tick := time.NewTicker(step)
	defer tick.Stop()
	last := time.Now()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		r.mu.Lock()
		due := r.changed || time.Since(last) >= r.runner.cfg.Beat
		r.changed = false
		r.mu.Unlock()
		if !due {
			continue
		}
		s, err := r.snapshot()
		if err == nil {
			err = r.runner.db.Update(ctx, r.scope(), func(tx *db.Tx) error {
				_, err := tx.Exec(ctx, beatJob, r.Principal.InstitutionID, r.Job.ID, r.lease, db.Micros(tx.Now), s.done, s.total, s.rateMilli, s.zh, s.en, s.problems, s.errorCount)
				return err
			})
		}
		if err != nil && ctx.Err() == nil {
			r.runner.cfg.Log.WarnContext(ctx, "job heartbeat", "job", r.Job.ID, "error", err)
		}
		last = time.Now()
	}
}

const settleTriesMax = 6

// settle writes how a run ended. When even that cannot be written the row goes stale, and the sweep
// starts the job again from its checkpoint.
func (x *Runner) settle(ctx context.Context, r *Run, k Kind, cause, runErr error) (State, error) {
	final, retry := x.verdict(r, k, cause, runErr)
	for try := 1; ; try++ {
		err := x.db.Update(ctx, r.scope(), func(tx *db.Tx) error { return x.write(ctx, tx, r, k, final, retry, runErr) })
		if err == nil || try == settleTriesMax || fault.Is(err, ReasonLeaseLost) {
			if fault.Is(err, ReasonLeaseLost) {
				err = nil // somebody else settles it
			}
			if err != nil {
				x.cfg.Log.ErrorContext(ctx, "job could not be settled", "job", r.Job.ID, "error", err)
			}
			return final, nil
		}
		<-time.After(time.Duration(try) * 200 * time.Millisecond) // ctx is not cancelled: the end must be written
	}
}

// verdict decides what becomes of a run: a final state, or Queued for another try after retry.
func (x *Runner) verdict(r *Run, k Kind, cause, runErr error) (final State, retry time.Duration) {
	switch {
	case runErr == nil:
		return Completed, 0
	case errors.Is(cause, errCancelled):
		return Cancelled, 0
	case errors.Is(cause, errStopping) || errors.Is(cause, context.Canceled):
		return Queued, 0
	}
	x.cfg.Log.Warn("job failed", "job", r.Job.ID, "kind", r.Job.Kind, "try", r.tries, "error", runErr)
	r.mu.Lock()
	r.addLocked(runErr)
	r.mu.Unlock()
	if IsTransient(runErr) && r.tries < int64(k.Tries) {
		return Queued, k.Backoff(int(r.tries))
	}
	return Failed, 0
}

func (x *Runner) write(ctx context.Context, tx *db.Tx, r *Run, k Kind, final State, retry time.Duration, runErr error) error {
	s, err := r.snapshot()
	if err != nil {
		return err
	}
	if final != Completed {
		s.result = ""
	}
	ours, err := tx.ExecOne(ctx, finishJob, tx.Institution, r.Job.ID, r.lease, string(final), s.done, s.total, s.rateMilli, s.zh, s.en,
		s.problems, s.errorCount, s.result, db.Micros(tx.Now))
	if err != nil {
		return err
	}
	if !ours {
		return fault.New(ReasonLeaseLost, "id", r.Job.ID)
	}
	if err := pointSettling.Hit(ctx); err != nil {
		return err
	}
	after := map[string]any{"kind": r.Job.Kind, "kind_zh": r.Job.KindZh, "kind_en": r.Job.KindEn, "object": r.Job.Object, "object_id": r.Job.ObjectID, "actor": r.Job.Actor}
	if final != Queued {
		if runErr != nil && final == Failed {
			after["code"] = problemOf(tx.Now, runErr).Code
		}
		return note(ctx, tx, "job."+string(final), r.Job.ID, nil, after)
	}
	tries := r.tries
	action := "job.retry"
	if retry == 0 && !IsTransient(runErr) {
		tries, action = tries-1, "job.interrupt" // a stop of the process is not the job's fault
	}
	return x.requeue(ctx, tx, r.Job.ID, r.runNo, tries, retry, s.problems, s.errorCount, action)
}

// requeue puts a job back under the next run number.
func (x *Runner) requeue(ctx context.Context, tx *db.Tx, id string, runNo, tries int64, delay time.Duration, problems string, count int64, action string) error {
	riverID, err := x.push(ctx, tx, id, runNo+1, delay)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, requeueJob, tx.Institution, id, runNo+1, riverID, tries, db.Micros(tx.Now.Add(delay)), problems, count); err != nil {
		return err
	}
	return note(ctx, tx, action, id, nil, map[string]any{"run": runNo + 1})
}

// takeOver puts one dead job back, or ends it when its cancel was asked for or it died too often.
func (x *Runner) takeOver(ctx context.Context, institution, id string, runNo int64) error {
	return x.db.Update(ctx, db.Scope{Institution: institution, Actor: "system:jobs"}, func(tx *db.Tx) error {
		rec, err := x.byID(ctx, tx, lockJob, institution, id)
		if err != nil {
			return err
		}
		stale, err := x.isDead(ctx, tx, rec, runNo)
		if err != nil || !stale {
			return err
		}
		x.cfg.Log.Warn("job had stopped, continues", "job", id, "kind", rec.Kind, "run", runNo)
		tries := rec.tries
		kind, known := x.kind(rec.Kind)
		switch {
		case rec.cancelRequested:
			return x.end(ctx, tx, rec, Cancelled, nil)
		case rec.State == Running && known && tries >= int64(max(kind.Tries, 5)):
			return x.end(ctx, tx, rec, Failed, fault.New(ReasonCrashed))
		}
		problems := rec.Errors
		count := rec.ErrorCount
		if rec.State == Running && len(problems) < errorsMax {
			problems = append(problems, problemOf(tx.Now, fault.New(ReasonInterrupted)))
			count++
		}
		text, err := marshalProblems(problems)
		if err != nil {
			return err
		}
		return x.requeue(ctx, tx, id, runNo, tries, 0, text, count, "job.interrupt")
	})
}

// Instants at which a test may break off.
var (
	pointSettling = failpoint.Declare("job.settling")
	pointClaimed  = failpoint.Declare("job.claimed")
)
