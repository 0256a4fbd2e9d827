package facility

import (
	"context"
	"encoding/json"

	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/proposal"
)

// Kinds of changes that need a second person.
const (
	KindUnfreeze = "facility.unfreeze"
	KindRaise    = "facility.raise_limit"
)

// Change is the body of a proposal: the new limit (0 for unfreezing) and why.
type Change struct {
	FacilityID string     `json:"facility_id"`
	LimitMinor int64      `json:"limit_minor,omitempty"`
	Reason     fault.Text `json:"reason"`
}

// state is what a reviewer compares.
type state struct {
	Status     Status     `json:"status"`
	LimitMinor int64      `json:"limit_minor"`
	Reason     fault.Text `json:"reason"`
}

// UseProposals registers the kinds and lets unfreezing and raising go through them.
func (s *Service) UseProposals(p *proposal.Service) {
	s.proposals = p
	p.Register(proposal.Kind{Name: KindUnfreeze, Zh: "解冻额度", En: "Unfreeze a facility", Propose: permissionUnfreeze, Review: permissionReview,
		Describe: describeUnfreeze, Apply: applyUnfreeze})
	p.Register(proposal.Kind{Name: KindRaise, Zh: "提高额度", En: "Raise a limit", Propose: permissionUnfreeze, Review: permissionReview,
		Describe: describeRaise, Apply: applyRaise})
}

func target(ctx context.Context, tx *db.Tx, p auth.Principal, body json.RawMessage) (Change, Facility, error) {
	var c Change
	if err := proposal.Decode(body, &c); err != nil {
		return c, Facility{}, err
	}
	if c.Reason.Zh == "" || c.Reason.En == "" {
		return c, Facility{}, fault.Required("reason")
	}
	f, err := visible(ctx, tx, p, c.FacilityID)
	return c, f, err
}

func describe(f Facility, after state) proposal.Description {
	return proposal.Description{Object: "facility", ObjectID: f.ID, BaseVersion: f.Version, Before: state{f.Status, f.LimitMinor, f.StatusReason}, After: after}
}

func describeUnfreeze(ctx context.Context, tx *db.Tx, p auth.Principal, body json.RawMessage) (proposal.Description, error) {
	c, f, err := target(ctx, tx, p, body)
	if err != nil {
		return proposal.Description{}, err
	}
	if f.Status != Frozen {
		return proposal.Description{}, fault.New(fault.ReasonConflict, "object", "facility "+f.ID, "problem", "it is "+string(f.Status))
	}
	return describe(f, state{Active, f.LimitMinor, c.Reason}), nil
}

func applyUnfreeze(ctx context.Context, tx *db.Tx, p auth.Principal, _ proposal.Description, body json.RawMessage) error {
	c, f, err := target(ctx, tx, p, body)
	if err != nil {
		return err
	}
	return Unfreeze(ctx, tx, f.ID, c.Reason)
}

func describeRaise(ctx context.Context, tx *db.Tx, p auth.Principal, body json.RawMessage) (proposal.Description, error) {
	c, f, err := target(ctx, tx, p, body)
	if err != nil {
		return proposal.Description{}, err
	}
	if f.Status == Closed {
		return proposal.Description{}, fault.New(ReasonClosed)
	}
	if c.LimitMinor <= f.LimitMinor || c.LimitMinor > limitMinorMax {
		return proposal.Description{}, fault.Field("limit_minor", "须高于现有额度且不超过 100 亿", "must be above the present limit and at most 10 billion")
	}
	return describe(f, state{f.Status, c.LimitMinor, c.Reason}), nil
}

func applyRaise(ctx context.Context, tx *db.Tx, p auth.Principal, _ proposal.Description, body json.RawMessage) error {
	c, f, err := target(ctx, tx, p, body)
	if err != nil {
		return err
	}
	return SetLimit(ctx, tx, f.ID, c.LimitMinor, c.Reason)
}

// propose hands a change to a second person and gives the facility as it still is.
func (s *Service) propose(ctx context.Context, p auth.Principal, kind string, c Change) (f Facility, proposalID string, err error) {
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		made, err := s.proposals.Propose(ctx, tx, p, kind, c, "")
		if err != nil {
			return err
		}
		proposalID = made.ID
		f, err = visible(ctx, tx, p, c.FacilityID)
		return err
	})
	return f, proposalID, err
}
