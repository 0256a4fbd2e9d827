package signal

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/capillary-finance/capillary/internal/credit/product"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/inbox"
)

// Service is the use cases on signals.
type Service struct {
	db      *db.DB
	watcher *Watcher
}

// NewService makes the service.
func NewService(d *db.DB, w *Watcher) *Service { return &Service{db: d, watcher: w} }

// Filter narrows a list.
type Filter struct {
	State      string
	Level      string
	FirmID     string
	FacilityID string
}

// List gives one page within the caller's branch, newest first, with counts of the whole branch.
func (s *Service) List(ctx context.Context, p auth.Principal, f Filter, after string, limit int) (items []Signal, total int64, counts []Tally, err error) {
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		if items, total, err = list(ctx, tx, p.BranchPattern(), f, after, limit); err != nil {
			return err
		}
		counts, err = tallies(ctx, tx, p.BranchPattern())
		return err
	})
	return items, total, counts, err
}

// Get reads a signal.
func (s *Service) Get(ctx context.Context, p auth.Principal, id string) (x Signal, err error) {
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error { x, err = visible(ctx, tx, p, selectByID, id); return err })
	return x, err
}

func visible(ctx context.Context, tx *db.Tx, p auth.Principal, q *db.Query, id string) (Signal, error) {
	x, err := read(ctx, tx, q, id)
	if err == nil && !p.Sees(x.BranchPath) {
		return Signal{}, fault.NotFoundError("signal", id)
	}
	return x, err
}

// Acknowledge says that somebody is on it.
func (s *Service) Acknowledge(ctx context.Context, p auth.Principal, id string) (Signal, error) {
	return s.change(ctx, p, id, func(tx *db.Tx, x *Signal) (string, error) {
		if x.State != Open {
			return "", fault.New(ReasonState, "state", x.State)
		}
		x.State, x.AcknowledgedBy, x.AcknowledgedAt = Acknowledged, p.UserID, tx.Now
		return "signal.acknowledged", nil
	})
}

// Resolution is how a signal ended.
type Resolution struct {
	Outcome    string
	Note       string
	SnoozeDays int // the same signal stays quiet for so long
}

// Resolve ends a signal; a frozen facility stays frozen until an authorised person unfreezes it.
func (s *Service) Resolve(ctx context.Context, p auth.Principal, id string, r Resolution) (Signal, error) {
	return s.change(ctx, p, id, func(tx *db.Tx, x *Signal) (string, error) {
		if x.State == Resolved {
			return "", fault.New(ReasonState, "state", x.State)
		}
		if err := r.validate(); err != nil {
			return "", err
		}
		day, err := tx.BusinessDate(ctx)
		if err != nil {
			return "", err
		}
		x.State, x.ResolvedBy, x.ResolvedAt, x.Outcome, x.Note = Resolved, p.UserID, tx.Now, r.Outcome, strings.TrimSpace(r.Note)
		if r.SnoozeDays > 0 {
			x.SnoozeUntil = day.AddDays(r.SnoozeDays)
		}
		return "signal.resolved", inbox.CloseTask(ctx, tx, x.taskKey(), r.Outcome)
	})
}

func (r Resolution) validate() error {
	var errs []error
	if !slices.Contains(outcomes, r.Outcome) {
		errs = append(errs, fault.New(ReasonOutcome).WithField("outcome"))
	}
	if strings.TrimSpace(r.Note) == "" {
		errs = append(errs, fault.Required("note"))
	}
	if utf8.RuneCountInString(r.Note) > noteMax {
		errs = append(errs, fault.Field("note", "最多 1000 字", "at most 1000 characters"))
	}
	if r.SnoozeDays < 0 || r.SnoozeDays > snoozeDaysMax {
		errs = append(errs, fault.Field("snooze_days", "须为 0 至 180", "must be 0 to 180"))
	}
	return fault.Join(errs...)
}

func (s *Service) change(ctx context.Context, p auth.Principal, id string, fn func(tx *db.Tx, x *Signal) (string, error)) (x Signal, err error) {
	if err := p.Require(permissionHandle); err != nil {
		return x, err
	}
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		if x, err = visible(ctx, tx, p, selectForUpdate, id); err != nil {
			return err
		}
		before := x
		action, err := fn(tx, &x)
		if err != nil {
			return err
		}
		if err := update(ctx, tx, &x); err != nil {
			return err
		}
		return record(ctx, tx, action, before, x)
	})
	return x, err
}

// Judge watches one firm now, on a person's request.
func (s *Service) Judge(ctx context.Context, p auth.Principal, firmID string) (raised []Signal, err error) {
	if err := p.Require(permissionHandle); err != nil {
		return nil, err
	}
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		firm, err := s.watcher.sources.Firm(ctx, tx, firmID)
		if err == nil && !p.Sees(firm.BranchPath) {
			err = fault.NotFoundError("firm", firmID)
		}
		if err != nil {
			return err
		}
		raised, err = s.watcher.Judge(ctx, tx, firmID)
		return err
	})
	return raised, err
}

// Catalogue lists the early-warning catalogue and marks what the products in force evaluate.
func (s *Service) Catalogue(ctx context.Context, p auth.Principal) (out []Entry, err error) {
	watched := map[string]bool{}
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		all, err := product.All(ctx, tx)
		for _, c := range all {
			for _, w := range c.Watch {
				watched[w.Catalogue] = true
			}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return Catalogue(watched)
}
