// Package eod ends an institution's business day: it collects what is due,
// moves the business date, and works every open loan up to the new date. Each
// step is idempotent and goes in chunks, one transaction each, so that a run
// that dies anywhere is finished by the next one.
package eod

import (
	"context"
	"sync"
	"time"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/failpoint"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Run is the end of one business date.
type Run struct {
	ClosingDate    calendar.Date `json:"closing_date"`
	NextDate       calendar.Date `json:"next_date"`
	Step           Step          `json:"step" doc:"catch_up, collect, roll, accrue, rate_reset, gl_posting, a registered step, or done"`
	Plan           Plan          `json:"plan" doc:"the steps of this run in their order"`
	Collections    int64         `json:"collections" doc:"collections started"`
	Uncollected    int64         `json:"uncollected" doc:"loans that were due and not debited: no mandate in force, or the policy; see GET /api/v1/collections"`
	Unanswered     int64         `json:"unanswered" doc:"collections the bank had not answered when the day was closed; they keep their value date"`
	Loans          int64         `json:"loans" doc:"loans worked up to the next date"`
	Failed         int64         `json:"failed" doc:"loans that could not be worked and wait"`
	Accepted       string        `json:"accepted,omitempty" doc:"who completed the day with loans that had failed, and why"`
	AcceptedFailed int64         `json:"accepted_failed" doc:"failed loans that were answered for"`
	StartedAt      time.Time     `json:"started_at"`
	FinishedAt     *time.Time    `json:"finished_at,omitempty"`
	Actor          string        `json:"actor"`
}

// Progress hears how far a run is; its error stops the run.
type Progress func(step Step, done, total int64) error

// Limits.
const (
	chunk       = 100 // collections and ledger entries per transaction
	daysMax     = 400
	drainRounds = 3
)

// Failpoints a test may break a run off at.
const (
	PointCollected = "eod.collected"
	PointRolled    = "eod.rolled"
	PointChunk     = "eod.chunk"
	PointPosted    = "eod.posted"
)

// Instants inside the steps: the date has moved and the run does not say so yet; a chunk is written and not committed, and committed and not
// noted; a step is over and the next not begun.
var (
	pointDated   = failpoint.Declare("eod.dated")
	pointWorked  = failpoint.Declare("eod.chunk_worked")
	pointChunked = failpoint.Declare("eod.chunk_committed")
	pointStep    = failpoint.Declare("eod.step_over")
)

// PermissionRun lets a role end the day.
var PermissionRun = auth.DeclarePermission("eod.run", "日终处理", "End the business day", auth.RoleOperations)

// Reasons of this package.
var (
	ReasonTarget = fault.Declare("EOD_TARGET", fault.Invalid,
		"目标日期 {to} 须在当前营业日 {from} 之后且不超过 {max} 天", "The target {to} must be after the business date {from} and at most {max} days ahead",
		"选择更近的日期", "Choose a nearer date")
	ReasonRunning = fault.Declare("EOD_MOVED", fault.Conflict,
		"营业日已由另一处理程序推进", "Another run has moved the business date meanwhile",
		"刷新状态后再试", "Look at the status and try again")
)

// Service ends days.
type Service struct {
	db         *db.DB
	loans      *loan.Service
	dispatcher *payment.Dispatcher
	enqueuer   Enqueuer
	works      []Work
	clock      map[string]started
	behindMu   sync.Mutex
	behind     map[string]behind
	// Workers spread the loans of this server (0: as many as the engine gains from).
	Workers int
	// Failpoint, when set, is called between chunks and steps by tests, from any worker.
	Failpoint func(point string) error

	// PartLoans is a worker's portion, ChunkLoans a transaction's, Lease how long a portion waits for a worker that is silent.
	PartLoans, ChunkLoans int
	Lease                 time.Duration
}

// NewService makes the service; the enqueuer may be nil where no jobs run.
func NewService(d *db.DB, loans *loan.Service, dispatcher *payment.Dispatcher, q Enqueuer) *Service {
	s := &Service{db: d, loans: loans, dispatcher: dispatcher, enqueuer: q, PartLoans: partLoansMax, ChunkLoans: chunkLoansMax, Lease: leaseTime, clock: map[string]started{}, behind: map[string]behind{}}
	s.works = s.builtIn()
	return s
}

// Until ends day after day until the business date is to. It first finishes a
// run that died after it had moved the date; when to is reached already there
// is nothing else to do.
func (s *Service) Until(ctx context.Context, p auth.Principal, to calendar.Date, progress Progress) (runs []Run, err error) {
	if err := p.Require(PermissionRun); err != nil {
		return nil, err
	}
	today, left, err := s.where(ctx, p)
	if err != nil {
		return nil, err
	}
	if to.Sub(today) > daysMax {
		return nil, fault.New(ReasonTarget, "to", to, "from", today, "max", daysMax)
	}
	if left {
		r, err := s.Day(ctx, p, today.AddDays(-1), progress)
		if err != nil {
			return nil, err
		}
		runs = append(runs, r)
	}
	for today.Before(to) {
		r, err := s.Day(ctx, p, today, progress)
		if err != nil {
			return runs, err
		}
		runs = append(runs, r)
		if today, _, err = s.where(ctx, p); err != nil {
			return runs, err
		}
	}
	return runs, nil
}

// Day ends one business date. Ending a date that is already closed only
// finishes what was left over.
func (s *Service) Day(ctx context.Context, p auth.Principal, closing calendar.Date, progress Progress) (r Run, err error) {
	if err := p.Require(PermissionRun); err != nil {
		return r, err
	}
	if progress == nil {
		progress = func(Step, int64, int64) error { return nil }
	}
	if r, err = s.begin(ctx, p, closing); err != nil {
		return r, err
	}
	d := &Day{Principal: p, Run: &r, service: s, progress: progress}
	for r.Step != StepDone {
		w := s.find(r.Step)
		if w == nil {
			return r, planFault(r.Step, "没有这个步骤", "is not known")
		}
		if err := w.Run(ctx, d); err != nil {
			return r, err
		}
		if r.Step != w.Name { // the roll moves on in the transaction that moves the date
			continue
		}
		if next := r.Plan.next(r.Step); next != StepDone {
			err = s.step(ctx, p, &r, next)
		} else {
			err = s.finish(ctx, p, &r)
		}
		if err != nil {
			return r, err
		}
	}
	return r, nil
}

// where reads the business date and whether the day before is not finished.
func (s *Service) where(ctx context.Context, p auth.Principal) (today calendar.Date, left bool, err error) {
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		if today, err = tx.BusinessDate(ctx); err != nil {
			return err
		}
		r, err := find(ctx, tx, today.AddDays(-1))
		if db.IsNoRows(err) {
			return nil
		}
		left = r.Step != StepDone
		return err
	})
	return today, left, err
}

// begin finds the run of a date or starts it; only the current business date
// may be started.
func (s *Service) begin(ctx context.Context, p auth.Principal, closing calendar.Date) (r Run, err error) {
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		if r, err = find(ctx, tx, closing); err == nil || !db.IsNoRows(err) {
			return err
		}
		today, err := tx.BusinessDate(ctx)
		if err != nil {
			return err
		}
		if today != closing {
			return fault.New(ReasonRunning)
		}
		set, err := s.settings(ctx, tx)
		if err != nil {
			return err
		}
		if err := s.check(set.Steps); err != nil {
			return err
		}
		r = Run{ClosingDate: closing, NextDate: closing.AddDays(1), Step: set.Steps[0], Plan: set.Steps, StartedAt: tx.Now, Actor: tx.Actor}
		_, err = tx.Exec(ctx, insertRun, tx.Institution, closing.String(), r.NextDate.String(), string(r.Step), db.Micros(tx.Now), tx.Actor, r.Plan.text())
		return err
	})
	return r, err
}

// answers waits for the bank a bounded number of rounds.
func (s *Service) answers(ctx context.Context, p auth.Principal, r *Run) error {
	for range drainRounds {
		if _, err := s.dispatcher.Drain(ctx); err != nil {
			return err
		}
		err := s.db.View(ctx, p.Scope(), func(tx *db.Tx) (err error) {
			r.Unanswered, err = payment.Open(ctx, tx, loan.PurposeCollection)
			return err
		})
		if err != nil || r.Unanswered == 0 {
			return err
		}
	}
	return nil
}

// roll moves the business date, once.
func (s *Service) roll(ctx context.Context, d *Day) error {
	p, r := d.Principal, d.Run
	next := r.Plan.next(StepRoll)
	err := s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		moved, err := tx.ExecOne(ctx, moveDate, tx.Institution, r.ClosingDate.String(), r.NextDate.String())
		if err != nil {
			return err
		}
		if !moved {
			return fault.New(ReasonRunning)
		}
		after := *r
		after.Step = next
		if err := pointDated.Hit(ctx); err != nil {
			return err
		}
		if err := save(ctx, tx, after, StepRoll); err != nil {
			return err
		}
		tx.AfterCommit(func() { *r = after })
		if err := audit.Record(ctx, tx, audit.Entry{
			Action: "eod.roll", Object: "institution", ObjectID: tx.Institution,
			Before: map[string]any{"business_date": r.ClosingDate}, After: map[string]any{"business_date": r.NextDate},
		}); err != nil {
			return err
		}
		return event.Append(ctx, tx, event.Draft{Type: "eod.rolled", Aggregate: "institution", AggregateID: tx.Institution, Payload: after})
	})
	if err != nil {
		return err
	}
	return s.point(PointRolled)
}

// catchUp works loans that an earlier run left behind up to the date that ends.
func (s *Service) catchUp(ctx context.Context, d *Day) error {
	_, err := s.spread(ctx, d, d.Run.ClosingDate)
	return err
}

// accrue works every open loan up to the next date. Loans that fail hold the day back until they are worked or somebody
// answers for completing it without them.
func (s *Service) accrue(ctx context.Context, d *Day) error {
	r := d.Run
	done, err := s.spread(ctx, d, r.NextDate)
	if err != nil {
		return err
	}
	r.Loans, r.Failed = done.Done, done.Failed
	if r.Failed > r.AcceptedFailed {
		if err := s.note(ctx, d); err != nil {
			return err
		}
	}
	if r.Failed > r.AcceptedFailed {
		return fault.New(ReasonFailed, "count", r.Failed)
	}
	return nil
}

// post books the night's sums.
func (s *Service) post(ctx context.Context, d *Day) error {
	p := d.Principal
	for {
		n := 0
		err := s.db.Update(ctx, p.Scope(), func(tx *db.Tx) (err error) {
			n, err = loan.PostSums(ctx, tx, chunk)
			return err
		})
		if err != nil || n == 0 {
			return err
		}
		if err := s.point(PointPosted); err != nil {
			return err
		}
	}
}

func (s *Service) finish(ctx context.Context, p auth.Principal, r *Run) error {
	return s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		before := r.Step
		after := *r
		after.Step, after.FinishedAt = StepDone, &tx.Now
		if err := save(ctx, tx, after, before); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, pruneParts, tx.Institution, r.ClosingDate.AddDays(-partDaysKept).String()); err != nil {
			return err
		}
		tx.AfterCommit(func() { *r = after })
		if err := audit.Record(ctx, tx, audit.Entry{Action: "eod.complete", Object: "institution", ObjectID: tx.Institution, After: after}); err != nil {
			return err
		}
		return event.Append(ctx, tx, event.Draft{Type: "eod.completed", Aggregate: "institution", AggregateID: tx.Institution, Payload: after})
	})
}

func (s *Service) step(ctx context.Context, p auth.Principal, r *Run, next Step) error {
	after := *r
	after.Step = next
	if err := pointStep.Hit(ctx); err != nil {
		return err
	}
	err := s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error { return save(ctx, tx, after, r.Step) })
	if err == nil {
		*r = after
	}
	return err
}

// note keeps the counts of a run that stays at its step, and learns whether somebody has answered for its failures meanwhile.
func (s *Service) note(ctx context.Context, d *Day) error {
	return d.Update(ctx, func(tx *db.Tx) error {
		if err := save(ctx, tx, *d.Run, d.Run.Step); err != nil {
			return err
		}
		now, err := find(ctx, tx, d.Run.ClosingDate)
		if err == nil {
			d.Run.Accepted, d.Run.AcceptedFailed = now.Accepted, now.AcceptedFailed
		}
		return err
	})
}

func (s *Service) point(name string) error {
	if s.Failpoint == nil {
		return nil
	}
	return s.Failpoint(name)
}
