// Package job runs long work (import, end of day, training, reports) outside the request: enqueued
// in the business transaction, with persisted progress, cancel, resume and a checkpoint. The queue
// library (River) decides when; the table job is the truth about what and how far.
package job

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// State of a job.
type State string

// The states. Queued, running and cancelling are live; the others are final until a resume.
const (
	Queued     State = "queued"
	Running    State = "running"
	Cancelling State = "cancelling"
	Cancelled  State = "cancelled"
	Failed     State = "failed"
	Completed  State = "completed"
)

// Live reports that the job may still change by itself.
func (s State) Live() bool { return s == Queued || s == Running || s == Cancelling }

// Resumable reports that a person may start the job again from its checkpoint.
func (s State) Resumable() bool { return s == Cancelled || s == Failed }

// Limits of what a job may keep.
const (
	argsBytesMax       = 64 << 10
	checkpointBytesMax = 256 << 10
	resultBytesMax     = 1 << 20
	errorsMax          = 100
	keyCharsMax        = 200
)

// Kind is a sort of job: a stable name, its names for people, and the work. Run must be safe to run
// again from its last checkpoint: either its effects are in the transaction of CheckpointTx, or they
// are idempotent by their own business keys.
type Kind struct {
	Name   string // "evidence.import"
	Zh, En string
	Run    func(ctx context.Context, r *Run) error
	// Tries bounds the runs of one enqueue or resume when errors are transient (default 5).
	Tries int
	// Backoff is the pause before the next try after `tries` failed ones (default 2 s doubling to 5 min).
	Backoff func(tries int) time.Duration
}

// Request asks for a job.
type Request struct {
	Kind     string
	Args     any
	Object   string // what it is about, "import"
	ObjectID string
	// Principal runs the job. When zero, the program itself runs it in the name of the transaction's actor.
	Principal auth.Principal
	// Key, when set, makes enqueuing again return the live job of the same kind and key.
	Key string
}

// Problem is one error that a job met, capped in number and shown to people.
type Problem struct {
	At        time.Time `json:"at"`
	Code      string    `json:"code"`
	MessageZh string    `json:"message_zh"`
	MessageEn string    `json:"message_en"`
	RemedyZh  string    `json:"remedy_zh,omitempty"`
	RemedyEn  string    `json:"remedy_en,omitempty"`
	Field     string    `json:"field,omitempty"`
	Row       int       `json:"row,omitempty"`
}

// Job is a job as people and callers see it.
type Job struct {
	ID            string          `json:"id"`
	Kind          string          `json:"kind"`
	KindZh        string          `json:"kind_zh"`
	KindEn        string          `json:"kind_en"`
	Object        string          `json:"object"`
	ObjectID      string          `json:"object_id"`
	State         State           `json:"state" enum:"queued,running,cancelling,cancelled,failed,completed"`
	Done          int64           `json:"done"`
	Total         int64           `json:"total" doc:"0 while unknown"`
	RatePerSecond float64         `json:"rate_per_second"`
	ETASeconds    int64           `json:"eta_seconds" doc:"-1 while unknown"`
	MessageZh     string          `json:"message_zh"`
	MessageEn     string          `json:"message_en"`
	Errors        []Problem       `json:"errors" nullable:"false"`
	ErrorCount    int64           `json:"error_count" doc:"all errors; the list keeps the first 100"`
	Result        json.RawMessage `json:"result,omitempty"`
	Attempts      int64           `json:"attempts" doc:"runs started, over all tries and resumes"`
	Actor         string          `json:"actor"`
	ActorName     string          `json:"actor_name"`
	CreatedAt     time.Time       `json:"created_at"`
	ScheduledAt   time.Time       `json:"scheduled_at" doc:"when the next run may start"`
	StartedAt     *time.Time      `json:"started_at,omitempty"`
	FinishedAt    *time.Time      `json:"finished_at,omitempty"`
}

// transient marks an error that may go away by itself.
type transient struct{ err error }

func (t transient) Error() string { return t.err.Error() }
func (t transient) Unwrap() error { return t.err }

// Transient marks err as one that may go away by itself: the job is tried again, with back-off.
func Transient(err error) error {
	if err == nil {
		return nil
	}
	return transient{err}
}

// IsTransient reports that a retry may help: the error is marked so, is an outage of the database, or is a
// fault that says "unavailable" or "too many". Bad input never is.
func IsTransient(err error) bool {
	var t transient
	if errors.As(err, &t) || db.IsUnavailable(err) {
		return true
	}
	f, ok := fault.As(err)
	return ok && (f.Reason.Kind == fault.Unavailable || f.Reason.Kind == fault.TooMany)
}

// defaultBackoff doubles from 2 s to 5 min.
func defaultBackoff(tries int) time.Duration {
	return min(5*time.Minute, 2*time.Second<<min(max(tries-1, 0), 10))
}

// problemOf is what people see of an error: a fault with its texts, anything else as internal.
func problemOf(at time.Time, err error) Problem {
	f, ok := fault.As(err)
	if !ok {
		f = fault.New(fault.ReasonInternal)
	}
	return Problem{
		At: at, Code: f.Reason.Code, MessageZh: f.Text("zh"), MessageEn: f.Text("en"),
		RemedyZh: f.RemedyText("zh"), RemedyEn: f.RemedyText("en"), Field: f.Field, Row: f.Row,
	}
}
