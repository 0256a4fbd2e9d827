package job

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/failpoint"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Causes of a cancelled run context.
var (
	errStopping  = errors.New("job: the process is stopping")
	errCancelled = errors.New("job: cancelled by a person")
	errLeaseLost = errors.New("job: taken over by another process")
)

// Run is one run of a job, handed to its kind. Its methods are safe for concurrent use.
type Run struct {
	Principal auth.Principal // who asked, with the rights of that moment
	Job       Job            // as it was when the run began

	runner *Runner
	args   string
	lease  string
	runNo  int64
	tries  int64
	cancel context.CancelCauseFunc

	mu          sync.Mutex
	checkpoint  string
	done, total int64
	zh, en      string
	problems    []Problem
	errorCount  int64
	result      string
	changed     bool
	pace        pace
}

// Args reads the arguments into v.
func (r *Run) Args(v any) error {
	if err := json.Unmarshal([]byte(r.args), v); err != nil {
		return fmt.Errorf("job %s: args: %w", r.Job.ID, err)
	}
	return nil
}

// Progress says how far the work is; total 0 means unknown. It only notes the numbers: they are
// written at most four times a second in a transaction of their own, so it may be called for every
// row and inside a transaction. It returns the context's error, so that a loop can stop by it.
func (r *Run) Progress(ctx context.Context, done, total int64) error {
	r.mu.Lock()
	r.done, r.total, r.changed = done, total, true
	r.pace.note(time.Now(), done)
	r.mu.Unlock()
	return ctx.Err()
}

// Message says in both languages what the job does now.
func (r *Run) Message(zh, en string) {
	r.mu.Lock()
	r.zh, r.en, r.changed = zh, en, true
	r.mu.Unlock()
}

// AddError notes an error that does not end the job (a bad row); the first hundred are kept, all counted.
func (r *Run) AddError(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.addLocked(err)
}

func (r *Run) addLocked(err error) {
	r.errorCount++
	r.changed = true
	if len(r.problems) < errorsMax {
		r.problems = append(r.problems, problemOf(r.runner.db.Now(), err))
	}
}

// Checkpoint keeps v, from which a later run continues, in a transaction of its own. Effects that
// must happen once belong into one transaction with CheckpointTx instead. It must not be called
// inside a transaction: SQLite has one writer and would wait for itself.
func (r *Run) Checkpoint(ctx context.Context, v any) error {
	return r.Update(ctx, func(tx *db.Tx) error { return r.CheckpointTx(ctx, tx, v) })
}

// CheckpointTx keeps v in the transaction of the effects up to it. When the job has been taken over
// by another process it fails with JOB_LEASE_LOST, so that the effects roll back with it.
func (r *Run) CheckpointTx(ctx context.Context, tx *db.Tx, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("job %s: checkpoint: %w", r.Job.ID, err)
	}
	if len(b) > checkpointBytesMax {
		return fault.New(fault.ReasonTooLarge, "what", "job checkpoint", "limit", checkpointBytesMax)
	}
	ours, err := tx.ExecOne(ctx, checkpointJob, r.Principal.InstitutionID, r.Job.ID, r.lease, string(b), db.Micros(tx.Now))
	if err != nil {
		return err
	}
	if !ours {
		r.cancel(errLeaseLost)
		return fault.New(ReasonLeaseLost, "id", r.Job.ID)
	}
	if err := pointCheckpoint.Hit(ctx); err != nil {
		return err
	}
	tx.AfterCommit(func() {
		r.mu.Lock()
		r.checkpoint = string(b)
		r.mu.Unlock()
	})
	return nil
}

// Restore reads the last checkpoint into v and reports whether there was one.
func (r *Run) Restore(v any) bool {
	r.mu.Lock()
	text := r.checkpoint
	r.mu.Unlock()
	return text != "" && json.Unmarshal([]byte(text), v) == nil
}

// Result sets what the job gives when it completes; it is written with the completion.
func (r *Run) Result(_ context.Context, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("job %s: result: %w", r.Job.ID, err)
	}
	if len(b) > resultBytesMax {
		return fault.New(fault.ReasonTooLarge, "what", "job result", "limit", resultBytesMax)
	}
	r.mu.Lock()
	r.result = string(b)
	r.mu.Unlock()
	return nil
}

// Update runs fn in a transaction of the job's institution and principal.
func (r *Run) Update(ctx context.Context, fn func(tx *db.Tx) error) error {
	return r.runner.db.Update(ctx, r.scope(), fn)
}

func (r *Run) scope() db.Scope {
	return db.Scope{Institution: r.Principal.InstitutionID, Actor: r.Principal.UserID}
}

// state is a copy of what is written to the row.
type state struct {
	done, total, rateMilli int64
	zh, en, problems       string
	errorCount             int64
	result                 string
}

func (r *Run) snapshot() (state, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	problems, err := json.Marshal(r.problems)
	if r.problems == nil {
		problems = []byte("[]")
	}
	return state{r.done, r.total, r.pace.rateMilli(), r.zh, r.en, string(problems), r.errorCount, r.result}, err
}

// live merges what is not yet written into a row read from the database.
func (r *Run) live(j *Job) {
	r.mu.Lock()
	defer r.mu.Unlock()
	j.Done, j.Total, j.MessageZh, j.MessageEn, j.ErrorCount = r.done, r.total, r.zh, r.en, r.errorCount
	j.Errors = append([]Problem{}, r.problems...)
	j.setPace(r.pace.rateMilli())
}

// pace measures units per second over about the last ten seconds.
type pace struct {
	marks []mark // at most one per paceStep
	last  mark
}

type mark struct {
	at   time.Time
	done int64
}

const (
	paceWindow = 10 * time.Second
	paceStep   = 250 * time.Millisecond
)

func (p *pace) note(now time.Time, done int64) {
	if done < p.last.done {
		p.marks = p.marks[:0] // a new stage counts anew
	}
	p.last = mark{now, done}
	if n := len(p.marks); n == 0 || now.Sub(p.marks[n-1].at) >= paceStep {
		p.marks = append(p.marks, p.last)
	}
	for len(p.marks) > 1 && now.Sub(p.marks[0].at) > paceWindow {
		p.marks = p.marks[1:]
	}
}

// rateMilli is in thousandths of a unit per second; 0 while unknown.
func (p *pace) rateMilli() int64 {
	if len(p.marks) == 0 {
		return 0
	}
	ms := p.last.at.Sub(p.marks[0].at).Milliseconds()
	if ms <= 0 {
		return 0
	}
	return (p.last.done - p.marks[0].done) * 1_000_000 / ms
}

// Instants at which a test may break off.
var (
	pointCheckpoint = failpoint.Declare("job.checkpoint")
)
