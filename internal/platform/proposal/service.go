package proposal

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/capillary-finance/capillary/internal/base/canary"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/failpoint"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// States of a proposal.
const (
	Pending   = "pending"
	Approved  = "approved"
	Rejected  = "rejected"
	Cancelled = "cancelled"
	Expired   = "expired"
)

// Proposal is a change awaiting, or having had, a second person's decision.
type Proposal struct {
	ID           string          `json:"id"`
	Kind         string          `json:"kind"`
	KindZh       string          `json:"kind_zh"`
	KindEn       string          `json:"kind_en"`
	Object       string          `json:"object"`
	ObjectID     string          `json:"object_id"`
	Body         json.RawMessage `json:"body"`
	BodyHash     string          `json:"body_hash" doc:"must be sent back with the decision"`
	BaseVersion  int64           `json:"base_version"`
	Before       json.RawMessage `json:"before,omitempty"`
	After        json.RawMessage `json:"after,omitempty"`
	Note         string          `json:"note,omitempty"`
	State        string          `json:"state" enum:"pending,approved,rejected,cancelled,expired"`
	MadeBy       string          `json:"made_by"`
	MadeByName   string          `json:"made_by_name"`
	MadeAt       time.Time       `json:"created_at"`
	ExpiresAt    time.Time       `json:"expires_at"`
	DecidedBy    string          `json:"decided_by,omitempty"`
	DecidedName  string          `json:"decided_by_name,omitempty"`
	DecidedAt    *time.Time      `json:"decided_at,omitempty"`
	DecisionNote string          `json:"decision_note,omitempty"`
	CanDecide    bool            `json:"can_decide" doc:"whether the caller may approve or reject it"`
	Version      int64           `json:"version"`
}

// Service keeps proposals.
type Service struct {
	Registry

	db *db.DB
}

// NewService makes the service; kinds are registered on it.
func NewService(d *db.DB) *Service { return &Service{db: d} }

const bodyMaxBytes = 256 << 10

// Propose records a change in tx for somebody else to decide.
func (s *Service) Propose(ctx context.Context, tx *db.Tx, p auth.Principal, kind string, body any, note string) (Proposal, error) {
	k, err := s.find(kind)
	if err == nil {
		err = p.Require(k.Propose)
	}
	if err != nil {
		return Proposal{}, err
	}
	canonical, err := Canonical(body)
	if err != nil {
		return Proposal{}, err
	}
	if len(canonical) > bodyMaxBytes {
		return Proposal{}, fault.New(fault.ReasonTooLarge, "what", "proposal", "what_zh", "变更内容", "limit", "256 KiB")
	}
	if len(note) > 1000 {
		return Proposal{}, fault.Field("note", "超过 1000 字节", "is longer than 1000 bytes")
	}
	d, err := k.Describe(ctx, tx, p, canonical)
	if err != nil {
		return Proposal{}, err
	}
	if err := tx.Lock(ctx, "proposal:"+d.Object+":"+d.ObjectID); err != nil {
		return Proposal{}, err
	}
	var open int
	if err := tx.QueryRow(ctx, countOpen, tx.Institution, kind, d.Object, d.ObjectID, db.Micros(tx.Now)).Scan(&open); err != nil {
		return Proposal{}, err
	}
	if open > 0 && d.ObjectID != "" {
		return Proposal{}, fault.New(ReasonPending, "object", d.Object, "id", d.ObjectID)
	}
	before, err1 := text(d.Before)
	after, err2 := text(d.After)
	if err := errors.Join(err1, err2); err != nil {
		return Proposal{}, err
	}
	out := Proposal{
		ID: tx.NewID("prp"), Kind: kind, KindZh: k.Zh, KindEn: k.En, Object: d.Object, ObjectID: d.ObjectID, Body: canonical, BodyHash: Hash(kind, canonical),
		BaseVersion: d.BaseVersion, Before: raw(before), After: raw(after), Note: note, State: Pending, MadeBy: p.UserID, MadeByName: p.Name,
		MadeAt: tx.Now, ExpiresAt: tx.Now.Add(k.Expires), Version: 1,
	}
	if err := insert(ctx, tx, out, before, after); err != nil {
		return out, err
	}
	if err := pointMade.Hit(ctx); err != nil {
		return out, err
	}
	if err := audit.Record(ctx, tx, audit.Entry{Action: "proposal.create", Object: "proposal", ObjectID: out.ID, After: out, Note: note}); err != nil {
		return out, err
	}
	return out, event.Append(ctx, tx, event.Draft{Type: "proposal.created", Aggregate: "proposal", AggregateID: out.ID, Payload: out})
}

func text(v any) (string, error) {
	if v == nil {
		return "", nil
	}
	c, err := Canonical(v)
	return string(c), err
}

func raw(s string) json.RawMessage {
	if s == "" {
		return nil
	}
	return json.RawMessage(s)
}

// Decision is what a reviewer decides about the text he saw.
type Decision struct {
	ID       string
	BodyHash string
	Note     string
}

// Approve applies the change in the transaction of its approval.
func (s *Service) Approve(ctx context.Context, p auth.Principal, in Decision) (Proposal, error) {
	return s.decide(ctx, p, in, func(tx *db.Tx, k Kind, cur Proposal) (string, error) {
		if err := makerStands(ctx, tx, k, cur); err != nil {
			return "", err
		}
		// Read anew: the world may have moved between proposal and approval.
		d, err := k.Describe(ctx, tx, p, cur.Body)
		if err != nil {
			return "", err
		}
		if d.BaseVersion != cur.BaseVersion || d.Object != cur.Object || d.ObjectID != cur.ObjectID {
			return "", fault.New(ReasonMoved, "object", cur.Object, "id", cur.ObjectID)
		}
		d.MadeBy = cur.MadeBy
		return Approved, k.Apply(ctx, tx, p, d, cur.Body)
	})
}

// Reject ends the proposal without effect.
func (s *Service) Reject(ctx context.Context, p auth.Principal, in Decision) (Proposal, error) {
	if strings.TrimSpace(in.Note) == "" {
		return Proposal{}, fault.Required("note")
	}
	return s.decide(ctx, p, in, func(*db.Tx, Kind, Proposal) (string, error) { return Rejected, nil })
}

// decide checks everything that makes a second pair of eyes a second one.
func (s *Service) decide(ctx context.Context, p auth.Principal, in Decision, act func(*db.Tx, Kind, Proposal) (string, error)) (Proposal, error) {
	var out Proposal
	err := s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		if err := tx.Lock(ctx, "proposal:"+in.ID); err != nil {
			return err
		}
		cur, err := find(ctx, tx, in.ID)
		if err != nil {
			return err
		}
		k, err := s.find(cur.Kind)
		if err == nil {
			err = s.mayDecide(ctx, tx, p, k, cur)
		}
		if err != nil {
			return err
		}
		switch {
		case cur.State != Pending:
			return fault.New(ReasonDecided, "state", cur.State)
		case !tx.Now.Before(cur.ExpiresAt):
			return fault.New(ReasonExpired)
		case in.BodyHash != cur.BodyHash, Hash(cur.Kind, cur.Body) != cur.BodyHash:
			// The second test finds a body that was changed in the database after it was proposed.
			return fault.New(ReasonBody)
		}
		state, err := act(tx, k, cur)
		if err != nil {
			return err
		}
		if err := pointDecided.Hit(ctx); err != nil {
			return err
		}
		out, err = s.close(ctx, tx, cur, state, p, in.Note)
		return err
	})
	return out, err
}

// heldFor is how long a maker who had the reviewer's way in keeps him from deciding.
const heldFor = 7 * 24 * time.Hour

// mayDecide refuses the maker, also under a second login with his e-mail address, behind a service
// account whose key he made, or behind a colleague whose password he has lately set; and programs.
func (s *Service) mayDecide(ctx context.Context, tx *db.Tx, p auth.Principal, k Kind, cur Proposal) error {
	if err := p.Require(k.Review); err != nil {
		return err
	}
	if canary.On("own_approval") {
		return nil
	}
	if p.UserID == cur.MadeBy {
		return fault.New(ReasonOwn)
	}
	if p.Via != "session" {
		return fault.New(fault.ReasonForbidden, "permission", k.Review+" (session)")
	}
	maker, err := auth.FindUser(ctx, tx, cur.MadeBy)
	if fault.Is(err, fault.ReasonNotFound) {
		return nil // proposed by the system
	}
	if err != nil {
		return err
	}
	me, err := auth.FindUser(ctx, tx, p.UserID)
	if err != nil {
		return err
	}
	if me.Email != "" && strings.EqualFold(me.Email, maker.Email) {
		return fault.New(ReasonOwn)
	}
	held, err := auth.HeldKeysOf(ctx, tx, cur.MadeBy, p.UserID, tx.Now.Add(-heldFor))
	if err != nil {
		return err
	}
	if held {
		return fault.New(ReasonHeld)
	}
	if maker.Kind == auth.KindService {
		mine, err := auth.MadeKeyOf(ctx, tx, p.UserID, maker.ID)
		if err == nil && mine {
			err = fault.New(ReasonOwn)
		}
		return err
	}
	return nil
}

// makerStands refuses to put into effect what was proposed by somebody who has since been disabled or has
// lost the right to propose it: his signature is not worth anything any more. It may still be rejected.
func makerStands(ctx context.Context, tx *db.Tx, k Kind, cur Proposal) error {
	if strings.HasPrefix(cur.MadeBy, "system:") {
		return nil
	}
	maker, err := auth.PrincipalOf(ctx, tx, cur.MadeBy)
	gone := fault.Is(err, fault.ReasonNotFound) || fault.Is(err, fault.ReasonUnauthenticated)
	if err != nil && !gone {
		return err
	}
	if gone || !maker.Can(k.Propose) {
		return fault.New(ReasonMaker)
	}
	return nil
}

func (s *Service) close(ctx context.Context, tx *db.Tx, cur Proposal, state string, p auth.Principal, note string) (Proposal, error) {
	done, err := tx.ExecOne(ctx, closeProposal, tx.Institution, cur.ID, state, p.UserID, db.Micros(tx.Now), note, cur.Version)
	if err == nil && !done {
		err = fault.New(ReasonDecided, "state", "decided")
	}
	if err != nil {
		return cur, err
	}
	out := cur
	now := tx.Now
	out.State, out.DecidedBy, out.DecidedName, out.DecidedAt, out.DecisionNote, out.Version = state, p.UserID, p.Name, &now, note, cur.Version+1
	if k, err := s.find(cur.Kind); err == nil {
		out.KindZh, out.KindEn = k.Zh, k.En
	}
	if err := audit.Record(ctx, tx, audit.Entry{Action: "proposal." + state, Object: "proposal", ObjectID: cur.ID, Before: map[string]string{"state": cur.State}, After: out, Note: note}); err != nil {
		return out, err
	}
	return out, event.Append(ctx, tx, event.Draft{Type: "proposal." + state, Aggregate: "proposal", AggregateID: cur.ID, Payload: out})
}

// Cancel lets the maker withdraw his own proposal.
func (s *Service) Cancel(ctx context.Context, p auth.Principal, id string) (Proposal, error) {
	var out Proposal
	err := s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		if err := tx.Lock(ctx, "proposal:"+id); err != nil {
			return err
		}
		cur, err := find(ctx, tx, id)
		if err == nil && cur.MadeBy != p.UserID {
			err = fault.NotFoundError("proposal", id)
		}
		if err == nil && cur.State != Pending {
			err = fault.New(ReasonDecided, "state", cur.State)
		}
		if err != nil {
			return err
		}
		out, err = s.close(ctx, tx, cur, Cancelled, p, "")
		return err
	})
	return out, err
}

// ExpireDue closes proposals whose time has run out; run it about once an hour.
func (s *Service) ExpireDue(ctx context.Context, institution string) (int, error) {
	n := 0
	p := auth.SystemPrincipal(institution, "proposal")
	err := s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		n = 0
		due, err := list(ctx, tx, selectDue, tx.Institution, db.Micros(tx.Now))
		if err != nil {
			return err
		}
		for _, cur := range due {
			if _, err := s.close(ctx, tx, cur, Expired, p, ""); err != nil {
				return err
			}
			n++
		}
		return nil
	})
	return n, err
}

// Filter narrows a list of proposals.
type Filter struct {
	State, Kind, Object, ObjectID string
	After                         string // id of the last row of the page before
	Limit                         int
}

// List gives the proposals that concern the caller (his own, and those of kinds he may propose or
// review), newest first, one more than the limit, and their number.
func (s *Service) List(ctx context.Context, p auth.Principal, f Filter) ([]Proposal, int64, error) {
	var visible []string
	for _, k := range s.Kinds() {
		if p.Can(k.Review) || p.Can(k.Propose) {
			visible = append(visible, k.Name)
		}
	}
	kinds, err := json.Marshal(append([]string{}, visible...))
	if err != nil {
		return nil, 0, err
	}
	var out []Proposal
	var total int64
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		args := []any{tx.Institution, f.State, f.Kind, f.Object, f.ObjectID, p.UserID, string(kinds)}
		if err := tx.QueryRow(ctx, countProposals, args...).Scan(&total); err != nil {
			return err
		}
		var err error
		out, err = list(ctx, tx, selectPage, append(args, f.After, f.Limit+1)...)
		for i := range out {
			s.dress(p, &out[i], tx.Now)
		}
		return err
	})
	return out, total, err
}

// Get gives one proposal that concerns the caller.
func (s *Service) Get(ctx context.Context, p auth.Principal, id string) (Proposal, error) {
	var out Proposal
	err := s.db.View(ctx, p.Scope(), func(tx *db.Tx) (err error) {
		out, err = find(ctx, tx, id)
		if err != nil {
			return err
		}
		k, err := s.find(out.Kind)
		if err != nil || out.MadeBy != p.UserID && !p.Can(k.Review) && !p.Can(k.Propose) {
			return fault.NotFoundError("proposal", id)
		}
		s.dress(p, &out, tx.Now)
		return nil
	})
	return out, err
}

func (s *Service) dress(p auth.Principal, one *Proposal, now time.Time) {
	k, err := s.find(one.Kind)
	if err != nil {
		return
	}
	one.KindZh, one.KindEn = k.Zh, k.En
	if one.State == Pending && !now.Before(one.ExpiresAt) {
		one.State = Expired
	}
	one.CanDecide = one.State == Pending && p.Can(k.Review) && p.UserID != one.MadeBy && slices.Contains([]string{"session"}, p.Via)
}

// Instants at which a test may break off.
var (
	pointDecided = failpoint.Declare("proposal.decided")
	pointMade    = failpoint.Declare("proposal.made")
)
