package mandate

import (
	"context"
	"net/http"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// SignedTerms is embedded in inputs; embedded fields are read only when exported.
type SignedTerms struct {
	DebtorAccount string `json:"debtor_account" minLength:"1" maxLength:"64"`
	DebtorName    string `json:"debtor_name" minLength:"1" maxLength:"64"`
	MaxMinor      int64  `json:"max_minor,omitempty" minimum:"0" doc:"most a single debit may take; 0: no bound"`
	ValidFrom     string `json:"valid_from" format:"date"`
	ValidTo       string `json:"valid_to,omitempty" format:"date" doc:"last day; empty: until it is revoked"`
	SignedOn      string `json:"signed_on" format:"date"`
	Document      string `json:"document" minLength:"1" maxLength:"128" doc:"the hash of an upload, or its number in the archive"`
}

func (b SignedTerms) terms() (t Terms, err error) {
	t = Terms{DebtorAccount: b.DebtorAccount, DebtorName: b.DebtorName, MaxMinor: b.MaxMinor, Document: b.Document}
	var errs []error
	for _, d := range []struct {
		field, text string
		to          *calendar.Date
	}{{"valid_from", b.ValidFrom, &t.ValidFrom}, {"valid_to", b.ValidTo, &t.ValidTo}, {"signed_on", b.SignedOn, &t.SignedOn}} {
		*d.to, err = api.Date(d.field, d.text)
		errs = append(errs, err)
	}
	return t, fault.Join(errs...)
}

type mandateNewInput struct {
	Body struct {
		Reference string `json:"reference" minLength:"1" maxLength:"35"`
		Scope     string `json:"scope" enum:"loan,facility,firm"`
		ScopeID   string `json:"scope_id" minLength:"1" maxLength:"64"`
		Currency  string `json:"currency" minLength:"3" maxLength:"3"`
		SignedTerms
		Note string `json:"note,omitempty" maxLength:"500"`
	}
}

type mandateChangeInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		SignedTerms
		Note string `json:"note,omitempty" maxLength:"500"`
	}
}

type mandateStopInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		Cause  string `json:"cause" enum:"customer,dispute,account_closed,other"`
		Reason string `json:"reason" minLength:"2" maxLength:"500"`
	}
}

type mandateListInput struct {
	api.PageQuery
	State   string `query:"state" enum:"signed,suspended,revoked"`
	FirmID  string `query:"firm_id" maxLength:"64"`
	ScopeID string `query:"scope_id" maxLength:"64" doc:"a loan, facility or firm"`
}

type mandateIDInput struct {
	ID string `path:"id" maxLength:"64"`
}

type mandateOutput struct{ Body Mandate }

type mandateProposedOutput struct {
	Body struct {
		ProposalID string `json:"proposal_id" doc:"waits for a second person"`
	}
}

type collectionPolicyInput struct {
	Body struct {
		AttemptsPerDay  int   `json:"attempts_per_day" minimum:"1" maximum:"5"`
		GiveUpAfterDays int   `json:"give_up_after_days,omitempty" minimum:"0" maximum:"3650"`
		Partial         bool  `json:"partial,omitempty"`
		MinimumMinor    int64 `json:"minimum_minor,omitempty" minimum:"0"`
		Implied         bool  `json:"implied,omitempty"`
	}
}

func op(id, method, path, zh, en, permission string) api.Op {
	return api.Op{ID: id, Method: method, Path: path, Tag: "lending", Zh: zh, En: en, Policy: api.Need(permission)}
}

// Routes registers the operations of mandates.
func Routes(a *api.API, s *Service) {
	api.Handle(a, op("list-mandates", http.MethodGet, "/api/v1/mandates", "代扣授权列表", "List mandates", PermissionRead),
		func(ctx context.Context, p auth.Principal, in *mandateListInput) (*struct{ Body api.Page[Mandate] }, error) {
			page, err := s.List(ctx, p, Filter{State: in.State, FirmID: in.FirmID, ScopeID: in.ScopeID, Limit: in.Limit, Cursor: in.Cursor})
			return &struct{ Body api.Page[Mandate] }{page}, err
		})
	api.Handle(a, op("get-mandate", http.MethodGet, "/api/v1/mandates/{id}", "代扣授权", "One mandate", PermissionRead),
		func(ctx context.Context, p auth.Principal, in *mandateIDInput) (*mandateOutput, error) {
			m, err := s.Get(ctx, p, in.ID)
			return &mandateOutput{Body: m}, err
		})
	api.Handle(a, op("propose-mandate", http.MethodPost, "/api/v1/mandates", "登记代扣授权（提交复核）", "Propose a signed mandate", PermissionPropose),
		func(ctx context.Context, p auth.Principal, in *mandateNewInput) (*mandateProposedOutput, error) {
			t, err := in.Body.terms()
			if err != nil {
				return nil, err
			}
			t.Reference, t.Scope, t.ScopeID, t.Currency = in.Body.Reference, Scope(in.Body.Scope), in.Body.ScopeID, money.Currency(in.Body.Currency)
			return s.proposed(ctx, p, Proposed{Terms: t}, in.Body.Note)
		})
	api.Handle(a, op("propose-mandate-change", http.MethodPost, "/api/v1/mandates/{id}/changes", "变更或恢复代扣授权（提交复核）", "Propose new terms of a mandate; they take a suspended one up again", PermissionPropose),
		func(ctx context.Context, p auth.Principal, in *mandateChangeInput) (*mandateProposedOutput, error) {
			t, err := in.Body.terms()
			if err != nil {
				return nil, err
			}
			return s.proposed(ctx, p, Proposed{MandateID: in.ID, Terms: t}, in.Body.Note)
		})
	for verb, to := range map[string]State{"suspend": Suspended, "revoke": Revoked} {
		zh, en := "暂停代扣授权", "Suspend a mandate at once"
		if to == Revoked {
			zh, en = "撤销代扣授权", "Revoke a mandate at once"
		}
		api.Handle(a, op(verb+"-mandate", http.MethodPost, "/api/v1/mandates/{id}/"+verb, zh, en, PermissionStop),
			func(ctx context.Context, p auth.Principal, in *mandateStopInput) (*mandateOutput, error) {
				m, err := s.Stop(ctx, p, in.ID, to, Cause(in.Body.Cause), in.Body.Reason)
				return &mandateOutput{Body: m}, err
			})
	}
	policyRoutes(a, s)
}

func (s *Service) proposed(ctx context.Context, p auth.Principal, in Proposed, note string) (*mandateProposedOutput, error) {
	made, err := s.Propose(ctx, p, in, note)
	out := &mandateProposedOutput{}
	out.Body.ProposalID = made.ID
	return out, err
}

func policyRoutes(a *api.API, s *Service) {
	api.Handle(a, op("get-collection-policy", http.MethodGet, "/api/v1/collection-policy", "自动扣款规则", "Policy of automatic debits", PermissionRead),
		func(ctx context.Context, p auth.Principal, _ *struct{}) (*struct{ Body Policy }, error) {
			out, err := s.Policy(ctx, p)
			return &struct{ Body Policy }{out}, err
		})
	api.Handle(a, op("propose-collection-policy", http.MethodPost, "/api/v1/collection-policy", "变更自动扣款规则（提交复核）", "Propose a policy of automatic debits", PermissionPropose),
		func(ctx context.Context, p auth.Principal, in *collectionPolicyInput) (*mandateProposedOutput, error) {
			b := in.Body
			made, err := s.ProposePolicy(ctx, p, Policy{AttemptsPerDay: b.AttemptsPerDay, GiveUpAfterDays: b.GiveUpAfterDays, Partial: b.Partial, MinimumMinor: b.MinimumMinor, Implied: b.Implied})
			out := &mandateProposedOutput{}
			out.Body.ProposalID = made.ID
			return out, err
		})
}
