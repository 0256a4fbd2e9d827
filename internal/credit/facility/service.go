package facility

import (
	"context"

	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/proposal"
)

// Service is the use cases on facilities.
type Service struct {
	db        *db.DB
	proposals *proposal.Service
}

// NewService makes the service.
func NewService(d *db.DB) *Service { return &Service{db: d} }

// Filter narrows a list.
type Filter struct {
	Status    string
	FirmID    string
	ProductID string
}

// movementsShown bounds the history of a detail.
const movementsShown = 100

// Detail is a facility with its newest movements.
type Detail struct {
	Facility
	Movements []Movement `json:"movements" doc:"newest first, at most 100"`
}

// List gives one page within the caller's branch, newest first.
func (s *Service) List(ctx context.Context, p auth.Principal, f Filter, after string, limit int) (items []Facility, total int64, err error) {
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		args := []any{tx.Institution, p.BranchPattern(), f.Status, f.FirmID, f.ProductID}
		if err := tx.QueryRow(ctx, countPage, args...).Scan(&total); err != nil {
			return err
		}
		items, err = list(ctx, tx, selectPage, append(args, after, limit)...)
		return err
	})
	return items, total, err
}

// Get reads a facility with its movements.
func (s *Service) Get(ctx context.Context, p auth.Principal, id string) (d Detail, err error) {
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		if d.Facility, err = visible(ctx, tx, p, id); err != nil {
			return err
		}
		d.Movements, err = Movements(ctx, tx, id, movementsShown)
		return err
	})
	return d, err
}

func visible(ctx context.Context, tx *db.Tx, p auth.Principal, id string) (Facility, error) {
	f, err := ByID(ctx, tx, id)
	if err == nil && !p.Sees(f.BranchPath) {
		return Facility{}, fault.NotFoundError("facility", id)
	}
	return f, err
}

// Freeze stops new draws at once.
func (s *Service) Freeze(ctx context.Context, p auth.Principal, id string, reason fault.Text) (Facility, error) {
	return s.change(ctx, p, id, permissionFreeze, func(tx *db.Tx, _ Facility) error { return Freeze(ctx, tx, id, reason) })
}

// Unfreeze asks for draws to be allowed again: a proposal that a second person decides. Without a
// proposal service it acts at once, for anybody but the one who froze.
func (s *Service) Unfreeze(ctx context.Context, p auth.Principal, id string, reason fault.Text) (f Facility, proposalID string, err error) {
	if s.proposals != nil {
		return s.propose(ctx, p, KindUnfreeze, Change{FacilityID: id, Reason: reason})
	}
	f, err = s.change(ctx, p, id, permissionReview, func(tx *db.Tx, _ Facility) error {
		var by string
		err := tx.QueryRow(ctx, lastFreeze, tx.Institution, id).Scan(&by)
		if err != nil && !db.IsNoRows(err) {
			return err
		}
		if by == p.UserID {
			return fault.New(ReasonSamePerson)
		}
		return Unfreeze(ctx, tx, id, reason)
	})
	return f, "", err
}

// ChangeLimit lowers a limit at once; a rise becomes a proposal that a second person decides.
func (s *Service) ChangeLimit(ctx context.Context, p auth.Principal, id string, limitMinor int64, reason fault.Text) (f Facility, proposalID string, err error) {
	f, err = s.change(ctx, p, id, permissionFreeze, func(tx *db.Tx, f Facility) error {
		if limitMinor > f.LimitMinor {
			return fault.New(ReasonIncreaseNeedsProposal).WithField("limit_minor")
		}
		return SetLimit(ctx, tx, id, limitMinor, reason)
	})
	if s.proposals != nil && fault.Is(err, ReasonIncreaseNeedsProposal) {
		return s.propose(ctx, p, KindRaise, Change{FacilityID: id, LimitMinor: limitMinor, Reason: reason})
	}
	return f, "", err
}

func (s *Service) change(ctx context.Context, p auth.Principal, id, permission string, fn func(tx *db.Tx, f Facility) error) (f Facility, err error) {
	if err := p.Require(permission); err != nil {
		return f, err
	}
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		if f, err = visible(ctx, tx, p, id); err != nil {
			return err
		}
		if err := fn(tx, f); err != nil {
			return err
		}
		f, err = ByID(ctx, tx, id)
		return err
	})
	return f, err
}
