package eod

import (
	"context"
	"time"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/job"
)

// JobKind names the job that ends days.
const JobKind = "lending.eod"

// Enqueuer starts jobs; *job.Runner is one.
type Enqueuer interface {
	Enqueue(ctx context.Context, tx *db.Tx, in job.Request) (job.Job, error)
}

type jobArgs struct {
	To calendar.Date `json:"to"`
}

// Kind is the job; register it with the runner. Run again it goes on where the
// stored run stands, so it needs no checkpoint of its own.
func (s *Service) Kind() job.Kind {
	return job.Kind{Name: JobKind, Zh: "日终处理", En: "End of day", Run: func(ctx context.Context, r *job.Run) error {
		var args jobArgs
		if err := r.Args(&args); err != nil {
			return err
		}
		runs, err := s.Until(ctx, r.Principal, args.To, func(step Step, done, total int64) error {
			if w := s.find(step); w != nil {
				r.Message(w.Text.Zh, w.Text.En)
			}
			return r.Progress(ctx, done, total)
		})
		if err != nil {
			return err
		}
		return r.Result(ctx, map[string]any{"business_date": args.To, "days": runs})
	}}
}

// Start enqueues the end of the day: until to, or one day when to is empty.
// Asked again while it runs, it answers with the job that runs.
func (s *Service) Start(ctx context.Context, p auth.Principal, to calendar.Date) (j job.Job, err error) {
	if err := p.Require(PermissionRun); err != nil {
		return j, err
	}
	if s.enqueuer == nil {
		return j, fault.New(fault.ReasonUnavailable, "what", "job runner")
	}
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		today, err := tx.BusinessDate(ctx)
		if err != nil {
			return err
		}
		if to.IsZero() {
			to = today.AddDays(1)
		}
		if !to.After(today) || to.Sub(today) > daysMax {
			return fault.New(ReasonTarget, "to", to, "from", today, "max", daysMax).WithField("to")
		}
		j, err = s.enqueuer.Enqueue(ctx, tx, job.Request{
			Kind: JobKind, Args: jobArgs{To: to}, Object: "institution", ObjectID: tx.Institution, Principal: p, Key: JobKind,
		})
		return err
	})
	return j, err
}

// HelpKind names the job by which another server takes a hand in a step.
const HelpKind = "lending.eod.help"

type helpArgs struct {
	ClosingDate calendar.Date `json:"closing_date"`
	Step        Step          `json:"step"`
	To          calendar.Date `json:"to"`
}

// Help is the job of a helping server; register it with the runner. It works parts until none is free.
func (s *Service) Help() job.Kind {
	return job.Kind{Name: HelpKind, Zh: "协助日终处理", En: "Help with the end of day", Run: func(ctx context.Context, r *job.Run) error {
		var args helpArgs
		if err := r.Args(&args); err != nil {
			return err
		}
		d := &Day{Principal: r.Principal, Run: &Run{ClosingDate: args.ClosingDate, Step: args.Step}, service: s, progress: func(_ Step, done, total int64) error {
			return r.Progress(ctx, done, total)
		}}
		x := &spreading{Service: s, day: d, to: args.To}
		return x.worker(ctx, false)
	}}
}

// askHelp puts jobs into the queue that any server may take.
func (x *spreading) askHelp(ctx context.Context, tx *db.Tx) error {
	set, err := x.settings(ctx, tx)
	if err != nil || x.enqueuer == nil {
		return err
	}
	for range set.Helpers {
		if _, err := x.enqueuer.Enqueue(ctx, tx, job.Request{
			Kind: HelpKind, Args: helpArgs{x.day.Run.ClosingDate, x.day.Run.Step, x.to}, Object: "institution", ObjectID: tx.Institution, Principal: x.day.Principal,
		}); err != nil {
			return err
		}
	}
	return nil
}

// Resume enqueues the rest of a run that stopped between the movement of the date and its end.
func (s *Service) Resume(ctx context.Context, p auth.Principal) (j job.Job, err error) {
	if err := p.Require(PermissionRun); err != nil {
		return j, err
	}
	if s.enqueuer == nil {
		return j, fault.New(fault.ReasonUnavailable, "what", "job runner")
	}
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		j, err = s.resume(ctx, tx, p)
		return err
	})
	return j, err
}

func (s *Service) resume(ctx context.Context, tx *db.Tx, p auth.Principal) (job.Job, error) {
	today, err := tx.BusinessDate(ctx)
	if err != nil {
		return job.Job{}, err
	}
	return s.enqueuer.Enqueue(ctx, tx, job.Request{
		Kind: JobKind, Args: jobArgs{To: today}, Object: "institution", ObjectID: tx.Institution, Principal: p, Key: JobKind,
	})
}

// Status is where the institution's days stand.
type Status struct {
	BusinessDate calendar.Date `json:"business_date"`
	BusinessDay  bool          `json:"business_day" doc:"false on weekends and holidays of mainland China"`
	LoansBehind  int64         `json:"loans_behind" doc:"open loans not worked up to the business date, counted at most once a minute"`
	OpenPayments int64         `json:"open_payments" doc:"payments without an outcome"`
	OpenFailures int64         `json:"open_failures" doc:"loans of any day that could not be worked and wait"`
	Current      *Current      `json:"current,omitempty" doc:"the step of a run that is not finished"`
	Runs         []Run         `json:"runs" doc:"newest first, at most 30"`
}

const runsShown = 30

// Status reads where the days stand.
func (s *Service) Status(ctx context.Context, p auth.Principal) (st Status, err error) {
	if !p.Can(PermissionRun) && !p.Can(loan.PermissionRead) {
		return st, fault.New(fault.ReasonForbidden, "permission", PermissionRun)
	}
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		if st.BusinessDate, err = tx.BusinessDate(ctx); err != nil {
			return err
		}
		st.BusinessDay = calendar.China().IsBusinessDay(st.BusinessDate)
		if st.OpenPayments, err = payment.Open(ctx, tx, ""); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, countAll, tx.Institution, "", 1).Scan(&st.OpenFailures); err != nil {
			return err
		}
		if st.Runs, err = recent(ctx, tx, runsShown); err != nil {
			return err
		}
		if len(st.Runs) > 0 && st.Runs[0].Step != StepDone {
			if st.Current, err = s.current(ctx, tx, st.Runs[0]); err != nil {
				return err
			}
		}
		if c := st.Current; c != nil && (c.Step == StepCatchUp || c.Step == StepAccrue) && c.Finished < c.Parts {
			// The page asks every second then; the parts know without counting a million rows.
			st.LoansBehind = c.Loans - c.Done
			return nil
		}
		st.LoansBehind, err = s.countBehind(ctx, tx, st)
		return err
	})
	return st, err
}

// behindTime is how long a count of the loans behind holds.
const behindTime = time.Minute

// behind is the last count of an institution, and where its days stood.
type behind struct {
	at       time.Time
	today    calendar.Date
	step     Step // of the newest run
	failures int64
	loans    int64
}

// countBehind walks every open loan, because no index holds a column that changes nightly. However many pages ask, it does so
// once a minute, and when a day has moved on or a failure was worked.
func (s *Service) countBehind(ctx context.Context, tx *db.Tx, st Status) (int64, error) {
	now := behind{at: tx.Now, today: st.BusinessDate, failures: st.OpenFailures}
	if len(st.Runs) > 0 {
		now.step = st.Runs[0].Step
	}
	s.behindMu.Lock()
	defer s.behindMu.Unlock()
	last, known := s.behind[tx.Institution]
	if known && last.today == now.today && last.step == now.step && last.failures == now.failures && now.at.Sub(last.at) < behindTime {
		return last.loans, nil
	}
	var err error
	if now.loans, err = loan.CountBehind(ctx, tx, st.BusinessDate); err == nil {
		s.behind[tx.Institution] = now
	}
	return now.loans, err
}
