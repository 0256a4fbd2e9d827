package decision

import (
	"context"

	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Service is the use cases on decisions.
type Service struct {
	db     *db.DB
	engine *Engine
}

// NewService makes the service.
func NewService(d *db.DB, e *Engine) *Service { return &Service{db: d, engine: e} }

// Filter narrows a list.
type Filter struct {
	FirmID    string
	Result    string
	ProductID string
}

// Check answers a soft pre-check: the firm sees what it could get, and no bureau is asked.
func (s *Service) Check(ctx context.Context, p auth.Principal, a Ask) (d Decision, err error) {
	if err := p.Require(permissionDecide); err != nil {
		return d, err
	}
	a.Soft, a.ApplicationID = true, ""
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		firm, err := s.engine.Firm(ctx, tx, a.FirmID)
		if err != nil {
			return err
		}
		if !p.Sees(firm.BranchPath) {
			return fault.NotFoundError("firm", a.FirmID)
		}
		d, err = s.engine.Decide(ctx, tx, a)
		return err
	})
	return d, err
}

// Get reads a decision that the caller's branch may see.
func (s *Service) Get(ctx context.Context, p auth.Principal, id string) (d Decision, err error) {
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error { d, err = visible(ctx, tx, p, id); return err })
	return d, err
}

func visible(ctx context.Context, tx *db.Tx, p auth.Principal, id string) (Decision, error) {
	d, err := ByID(ctx, tx, id)
	if err == nil && !p.Sees(d.BranchPath) {
		return Decision{}, fault.NotFoundError("decision", id)
	}
	return d, err
}

// List gives one page, newest first, within the caller's branch.
func (s *Service) List(ctx context.Context, p auth.Principal, f Filter, after string, limit int) (items []Summary, total int64, err error) {
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		items, total, err = page(ctx, tx, p.BranchPattern(), f, after, limit)
		return err
	})
	return items, total, err
}

// Replay computes a decision again.
func (s *Service) Replay(ctx context.Context, p auth.Principal, id string) (r Replayed, err error) {
	if err := p.Require(permissionRead); err != nil {
		return r, err
	}
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		if _, err := visible(ctx, tx, p, id); err != nil {
			return err
		}
		r, err = Replay(ctx, tx, id)
		return err
	})
	return r, err
}
