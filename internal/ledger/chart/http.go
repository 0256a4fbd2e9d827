package chart

import (
	"context"
	"net/http"

	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/proposal"
)

type accountChangeInput struct {
	Body struct {
		Change
		Note string `json:"note,omitempty" maxLength:"1000" doc:"why"`
	}
}

type limitChangeInput struct {
	Body struct {
		LimitChange
		Note string `json:"note,omitempty" maxLength:"1000" doc:"why"`
	}
}

type chartProposalOutput struct{ Body proposal.Proposal }

// Routes registers the operations.
func Routes(a *api.API, s *Service) {
	api.Handle(a, api.Op{ID: "propose-account", Method: http.MethodPost, Path: "/api/v1/accounts", Tag: "ledger", Zh: "提出新增或变更科目", En: "Propose a new account or a change of one",
		Policy: api.Need(permissionPropose), Status: http.StatusCreated},
		func(ctx context.Context, p auth.Principal, in *accountChangeInput) (*chartProposalOutput, error) {
			made, err := s.Propose(ctx, p, in.Body.Change, in.Body.Note)
			return &chartProposalOutput{Body: made}, err
		})
	api.Handle(a, api.Op{ID: "propose-overdraft", Method: http.MethodPost, Path: "/api/v1/ledger/limits", Tag: "ledger", Zh: "提出子户透支额", En: "Propose the overdraft of a sub-account",
		Policy: api.Need(permissionPropose), Status: http.StatusCreated},
		func(ctx context.Context, p auth.Principal, in *limitChangeInput) (*chartProposalOutput, error) {
			made, err := s.ProposeLimit(ctx, p, in.Body.LimitChange, in.Body.Note)
			return &chartProposalOutput{Body: made}, err
		})
}
