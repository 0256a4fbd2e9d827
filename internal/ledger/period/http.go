package period

import (
	"context"
	"net/http"

	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/proposal"
)

type periodsOutput struct {
	Body struct {
		Items []Period `json:"items"`
	}
}

type periodCloseInput struct {
	Body struct {
		Month string `json:"month" minLength:"7" maxLength:"7" doc:"YYYY-MM; every earlier month closes with it"`
	}
}

type periodReopenInput struct{ Body Reopen }

type yearCloseInput struct{ Body YearClose }

type periodProposalOutput struct{ Body proposal.Proposal }

// Routes registers the operations.
func Routes(a *api.API, s *Service) {
	list := func(ctx context.Context, p auth.Principal) (*periodsOutput, error) {
		out := &periodsOutput{}
		var err error
		out.Body.Items, err = s.List(ctx, p)
		return out, err
	}
	api.Handle(a, api.Op{ID: "list-periods", Method: http.MethodGet, Path: "/api/v1/periods", Tag: "ledger", Zh: "会计期间", En: "Accounting periods", Policy: api.Need(journal.PermissionRead)},
		func(ctx context.Context, p auth.Principal, _ *struct{}) (*periodsOutput, error) { return list(ctx, p) })
	api.Handle(a, api.Op{ID: "close-period", Method: http.MethodPost, Path: "/api/v1/periods/close", Tag: "ledger", Zh: "结账", En: "Close a month", Policy: api.Need(permissionClose)},
		func(ctx context.Context, p auth.Principal, in *periodCloseInput) (*periodsOutput, error) {
			if err := s.Close(ctx, p, in.Body.Month); err != nil {
				return nil, err
			}
			return list(ctx, p)
		})
	api.Handle(a, api.Op{ID: "propose-period-reopening", Method: http.MethodPost, Path: "/api/v1/periods/reopen", Tag: "ledger", Zh: "提出反结账", En: "Propose reopening the last closed month",
		Policy: api.Need(permissionClose), Status: http.StatusCreated},
		func(ctx context.Context, p auth.Principal, in *periodReopenInput) (*periodProposalOutput, error) {
			made, err := s.ProposeReopen(ctx, p, in.Body)
			return &periodProposalOutput{Body: made}, err
		})
	api.Handle(a, api.Op{ID: "propose-year-close", Method: http.MethodPost, Path: "/api/v1/periods/year", Tag: "ledger", Zh: "提出年终结转", En: "Propose the end of a year",
		Policy: api.Need(permissionClose), Status: http.StatusCreated},
		func(ctx context.Context, p auth.Principal, in *yearCloseInput) (*periodProposalOutput, error) {
			made, err := s.ProposeYear(ctx, p, in.Body)
			return &periodProposalOutput{Body: made}, err
		})
}
