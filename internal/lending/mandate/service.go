package mandate

import (
	"context"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/proposal"
)

// Permissions of mandates. Stopping is one person's act, because it only spares the customer.
var (
	PermissionRead = auth.DeclarePermission("mandate.read", "查看代扣授权", "View mandates",
		auth.RoleRelationshipManager, auth.RoleApprover, auth.RoleOperations, auth.RoleRisk, auth.RoleCompliance, auth.RoleIntegrator)
	PermissionPropose = auth.DeclarePermission("mandate.propose", "登记与变更代扣授权", "Register and change mandates",
		auth.RoleOperations, auth.RoleRelationshipManager)
	PermissionReview = auth.DeclarePermission("mandate.review", "复核代扣授权与扣款规则", "Review mandates and the policy of debits",
		auth.RoleOperations, auth.RoleRisk, auth.RoleCompliance)
	PermissionStop = auth.DeclarePermission("mandate.stop", "暂停与撤销代扣授权", "Suspend and revoke mandates",
		auth.RoleOperations, auth.RoleRelationshipManager, auth.RoleRisk, auth.RoleCompliance)
)

// Kinds of proposals.
const (
	KindMandate = "lending.mandate"
	KindPolicy  = "lending.collection_policy"
)

// Proposed is the body of a proposal: a new mandate, or new terms of a known one. New terms of a suspended one take it up again.
type Proposed struct {
	MandateID string `json:"mandate_id,omitempty" doc:"empty: a new one"`
	Terms     Terms  `json:"terms"`
}

// Service keeps mandates.
type Service struct {
	db        *db.DB
	proposals *proposal.Service
}

// NewService makes the service and registers its kinds of proposals.
func NewService(d *db.DB, p *proposal.Service) *Service {
	s := &Service{db: d, proposals: p}
	p.Register(proposal.Kind{Name: KindMandate, Zh: "代扣授权", En: "Mandate to debit", Propose: PermissionPropose, Review: PermissionReview, Describe: describe, Apply: apply})
	p.Register(proposal.Kind{Name: KindPolicy, Zh: "自动扣款规则", En: "Policy of automatic debits", Propose: PermissionPropose, Review: PermissionReview, Describe: describePolicy, Apply: applyPolicy})
	return s
}

func visible(ctx context.Context, tx *db.Tx, p auth.Principal, q *db.Query, id string) (Mandate, error) {
	m, err := get(ctx, tx, q, id)
	if err == nil && !p.Sees(m.BranchPath) {
		err = fault.NotFoundError("mandate", id)
	}
	return m, err
}

// target reads what a proposal is about and says what is wrong with it.
func target(ctx context.Context, tx *db.Tx, p auth.Principal, body json.RawMessage) (in Proposed, before Mandate, after Mandate, err error) {
	if err := proposal.Decode(body, &in); err != nil {
		return in, before, after, err
	}
	if in.MandateID != "" {
		if before, err = visible(ctx, tx, p, selectLocked, in.MandateID); err != nil {
			return in, before, after, err
		}
		if before.State == Revoked {
			return in, before, after, fault.New(ReasonState, "state", before.State)
		}
		in.Terms.Reference, in.Terms.Scope, in.Terms.ScopeID, in.Terms.Currency = before.Reference, before.Scope, before.ScopeID, before.Currency
	}
	if err := in.Terms.Validate(); err != nil {
		return in, before, after, err
	}
	after = before
	after.Terms, after.State, after.Cause, after.Reason, after.Implied = in.Terms, Signed, "", "", false
	if after.FirmID, after.BranchPath, err = debtor(ctx, tx, in.Terms); err != nil {
		return in, before, after, err
	}
	if !p.Sees(after.BranchPath) {
		return in, before, after, fault.NotFoundError(string(in.Terms.Scope), in.Terms.ScopeID)
	}
	return in, before, after, twin(ctx, tx, in.Terms, in.MandateID)
}

func describe(ctx context.Context, tx *db.Tx, p auth.Principal, body json.RawMessage) (d proposal.Description, err error) {
	in, before, after, err := target(ctx, tx, p, body)
	if err != nil {
		return d, err
	}
	d = proposal.Description{Object: "mandate", ObjectID: in.MandateID, BaseVersion: before.Version, Before: before.Terms, After: after.Terms}
	if in.MandateID == "" { // there is nothing yet: its number names it
		d.ObjectID, d.Before = in.Terms.Reference, nil
	}
	return d, nil
}

func apply(ctx context.Context, tx *db.Tx, p auth.Principal, _ proposal.Description, body json.RawMessage) error {
	in, before, after, err := target(ctx, tx, p, body)
	if err != nil {
		return err
	}
	if in.MandateID == "" {
		after.ID = tx.NewID("mdt")
		fresh, err := insert(ctx, tx, after)
		if err == nil && !fresh {
			err = fault.New(ReasonExists, "reference", after.Reference)
		}
		if err != nil {
			return err
		}
		return record(ctx, tx, "signed", nil, after)
	}
	t := after.Terms
	if _, err := tx.Exec(ctx, updateTerms, tx.Institution, before.ID, t.DebtorAccount, t.DebtorName, t.MaxMinor, t.ValidFrom.String(), t.ValidTo.String(), t.SignedOn.String(), t.Document,
		db.Micros(tx.Now), tx.Actor); err != nil {
		return err
	}
	if err := withdraw(ctx, tx, before, fault.Text{Zh: "授权已变更", En: "the mandate was changed"}); err != nil {
		return err
	}
	return record(ctx, tx, "changed", before, after)
}

func record(ctx context.Context, tx *db.Tx, verb string, before any, after Mandate) error {
	if err := audit.Record(ctx, tx, audit.Entry{Action: "mandate." + verb, Object: "mandate", ObjectID: after.ID, Before: before, After: after, Note: after.Reason}); err != nil {
		return err
	}
	return event.Append(ctx, tx, event.Draft{Type: "mandate." + verb, Aggregate: "mandate", AggregateID: after.ID, Payload: after})
}

// withdraw takes back debits under a mandate that were not sent yet.
func withdraw(ctx context.Context, tx *db.Tx, m Mandate, why fault.Text) error {
	_, err := payment.WithdrawUnder(ctx, tx, m.ID, why.Zh+" / "+why.En)
	return err
}

// Propose asks a second person for a mandate or for new terms of one.
func (s *Service) Propose(ctx context.Context, p auth.Principal, in Proposed, note string) (made proposal.Proposal, err error) {
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		made, err = s.proposals.Propose(ctx, tx, p, KindMandate, in, note)
		return err
	})
	return made, err
}

// Stop suspends or revokes a mandate at once: debits that were not sent are taken back. A revoked one stays so.
func (s *Service) Stop(ctx context.Context, p auth.Principal, id string, to State, cause Cause, reason string) (m Mandate, err error) {
	if err := p.Require(PermissionStop); err != nil {
		return m, err
	}
	if to != Suspended && to != Revoked {
		return m, fault.Field("state", "须为暂停或撤销", "must be suspended or revoked")
	}
	if !cause.Known() {
		return m, fault.Field("cause", "未知的原因", "is not a known cause")
	}
	if n := utf8.RuneCountInString(strings.TrimSpace(reason)); n < 2 || n > reasonMax {
		return m, fault.Field("reason", "须说明原因，2至500个字", "must say why, in 2 to 500 characters")
	}
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		before, err := visible(ctx, tx, p, selectLocked, id)
		if err != nil {
			return err
		}
		if before.State == Revoked || before.State == to {
			m = before
			if before.State == to {
				return nil
			}
			return fault.New(ReasonState, "state", before.State)
		}
		if _, err := tx.Exec(ctx, updateState, tx.Institution, id, string(to), string(cause), reason, db.Micros(tx.Now), tx.Actor); err != nil {
			return err
		}
		if err := withdraw(ctx, tx, before, fault.Text{Zh: "授权已停用：" + causeNames[cause], En: "the mandate was stopped: " + string(cause)}); err != nil {
			return err
		}
		if m, err = get(ctx, tx, selectOne, id); err != nil {
			return err
		}
		return record(ctx, tx, string(to), before, m)
	})
	return m, err
}

// Get reads a mandate.
func (s *Service) Get(ctx context.Context, p auth.Principal, id string) (m Mandate, err error) {
	if err := p.Require(PermissionRead); err != nil {
		return m, err
	}
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		m, err = visible(ctx, tx, p, selectOne, id)
		return err
	})
	return m, err
}

// Filter narrows a list of mandates; empty fields do not.
type Filter struct {
	State, FirmID, ScopeID string
	Limit                  int
	Cursor                 string
}

// List pages through the mandates of the caller's branches, newest first.
func (s *Service) List(ctx context.Context, p auth.Principal, f Filter) (page api.Page[Mandate], err error) {
	if err := p.Require(PermissionRead); err != nil {
		return page, err
	}
	key, err := api.DecodeCursor(f.Cursor, 1)
	if err != nil {
		return page, err
	}
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		args := []any{tx.Institution, p.BranchPattern(), f.State, f.FirmID, f.ScopeID}
		var total int64
		if err := tx.QueryRow(ctx, countPage, args...).Scan(&total); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, selectPage, append(args, key[0], f.Limit+1)...)
		if err != nil {
			return err
		}
		all, err := collect(rows)
		page = api.Cut(all, f.Limit, total, func(m Mandate) []string { return []string{m.ID} })
		return err
	})
	return page, err
}

// Policy is the institution's policy of debits.
func (s *Service) Policy(ctx context.Context, p auth.Principal) (out Policy, err error) {
	if err := p.Require(PermissionRead); err != nil {
		return out, err
	}
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		out, err = PolicyOf(ctx, tx)
		return err
	})
	return out, err
}

// ProposePolicy asks a second person for a new policy of debits.
func (s *Service) ProposePolicy(ctx context.Context, p auth.Principal, in Policy) (made proposal.Proposal, err error) {
	in.Version = 0
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		made, err = s.proposals.Propose(ctx, tx, p, KindPolicy, in, "")
		return err
	})
	return made, err
}

func describePolicy(ctx context.Context, tx *db.Tx, _ auth.Principal, body json.RawMessage) (d proposal.Description, err error) {
	var in Policy
	if err := proposal.Decode(body, &in); err != nil {
		return d, err
	}
	if err := in.Validate(); err != nil {
		return d, err
	}
	now, err := PolicyOf(ctx, tx)
	in.Version = now.Version + 1
	return proposal.Description{Object: "collection_policy", ObjectID: tx.Institution, BaseVersion: now.Version, Before: now, After: in}, err
}

func applyPolicy(ctx context.Context, tx *db.Tx, _ auth.Principal, d proposal.Description, body json.RawMessage) error {
	var in Policy
	if err := proposal.Decode(body, &in); err != nil {
		return err
	}
	in.Version = d.BaseVersion + 1
	text, err := json.Marshal(in)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, insertPolicy, tx.Institution, in.Version, string(text), tx.Actor, db.Micros(tx.Now)); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.Entry{Action: "collection_policy.changed", Object: "collection_policy", ObjectID: tx.Institution, Before: d.Before, After: in})
}
