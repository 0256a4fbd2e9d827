package loan

import (
	"context"
	"net/http"

	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/proposal"
)

type whatIfInput struct {
	ID   string `path:"id" maxLength:"80"`
	Body struct {
		Events []Supposition `json:"events" minItems:"1" maxItems:"20" doc:"what is supposed to happen, on dates in the past or ahead"`
	}
}

type whatIfOutput struct{ Body WhatIf }

type changeInput struct {
	ID   string `path:"id" maxLength:"80"`
	Body struct {
		Kind        EventKind   `json:"kind" enum:"fee_charged,reversed,refunded,waived,rate_changed,due_moved,extended,restructured,accelerated,misused,charged_off,written_off,transferred,deposit_applied,deposit_returned"`
		ValueDate   string      `json:"value_date,omitempty" format:"date" doc:"empty: the business date on which it is approved"`
		AmountMinor int64       `json:"amount_minor,omitempty" minimum:"0" doc:"minor units; with a transfer, its price"`
		Detail      Particulars `json:"detail,omitempty"`
		Reason      string      `json:"reason" minLength:"2" maxLength:"500"`
		Reference   string      `json:"reference" minLength:"1" maxLength:"64" doc:"your own number of this change; approved twice it happens once"`
	}
}

type changeOutput struct{ Body proposal.Proposal }

type renewInput struct {
	ID   string `path:"id" maxLength:"80" doc:"the loan that is about to mature"`
	Body struct {
		Origin          Origin  `json:"origin" enum:"renewal,refinancing" doc:"renewal: without repaying principal, needs the five checks; refinancing: a new loan repays an old one"`
		FacilityID      string  `json:"facility_id,omitempty" maxLength:"80" doc:"the new contract's facility; empty: the old one"`
		TenorMonths     int     `json:"tenor_months" minimum:"1" maximum:"360"`
		Method          string  `json:"method" enum:"equal_instalment,equal_principal,interest_only,bullet,flat,custom,discount"`
		ClientReference string  `json:"client_reference" minLength:"1" maxLength:"64"`
		Checks          []Check `json:"checks,omitempty" maxItems:"5"`
	}
}

type trancheInput struct {
	ID   string `path:"id" maxLength:"80"`
	Body struct {
		AmountMinor int64  `json:"amount_minor" minimum:"1" doc:"minor units"`
		Reference   string `json:"reference" minLength:"1" maxLength:"64" doc:"your own number of this tranche; sent again it pays nothing"`
	}
}

type trancheOutput struct{ Body payment.Order }

// servicing registers the operations that change a loan's course.
func servicing(a *api.API, s *Service) {
	wonder := op("suppose-loan", http.MethodPost, "/api/v1/loans/{id}/what-if", "假设试算", "What would become of a loan", PermissionRead)
	wonder.NoIdempotency = true
	api.Handle(a, wonder, func(ctx context.Context, p auth.Principal, in *whatIfInput) (*whatIfOutput, error) {
		w, err := s.Suppose(ctx, p, in.ID, in.Body.Events)
		return &whatIfOutput{Body: w}, err
	})
	change := op("propose-loan-change", http.MethodPost, "/api/v1/loans/{id}/changes", "提出贷款变更", "Propose a change of a loan", PermissionService)
	change.Status = http.StatusCreated
	api.Handle(a, change, func(ctx context.Context, p auth.Principal, in *changeInput) (*changeOutput, error) {
		on, err := api.Date("value_date", in.Body.ValueDate)
		if err != nil {
			return nil, err
		}
		b := in.Body
		made, err := s.ProposeChange(ctx, p, Change{LoanID: in.ID, Kind: b.Kind, Date: on, AmountMinor: b.AmountMinor, Detail: b.Detail, Reason: b.Reason, Reference: b.Reference})
		return &changeOutput{Body: made}, err
	})
	api.Handle(a, op("renew-loan", http.MethodPost, "/api/v1/loans/{id}/renewal", "续贷", "Renew a loan without repaying principal, or refinance it", PermissionDraw),
		func(ctx context.Context, p auth.Principal, in *renewInput) (*loanOutput, error) {
			b := in.Body
			l, err := s.Renew(ctx, p, RenewInput{
				LoanID: in.ID, FacilityID: b.FacilityID, TenorMonths: b.TenorMonths, Method: Method(b.Method), Reference: b.ClientReference, Origin: b.Origin, Checks: b.Checks,
			})
			return &loanOutput{Body: l}, err
		})
	api.Handle(a, op("pay-loan-tranche", http.MethodPost, "/api/v1/loans/{id}/disbursements", "分次放款", "Pay out a further tranche", PermissionDraw),
		func(ctx context.Context, p auth.Principal, in *trancheInput) (*trancheOutput, error) {
			o, err := s.PayTranche(ctx, p, in.ID, in.Body.AmountMinor, in.Body.Reference)
			return &trancheOutput{Body: o}, err
		})
}
