package recipe

import (
	"context"
	"net/http"

	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/proposal"
)

type rolesOutput struct {
	Body struct {
		Items []Definition `json:"items"`
	}
}

type recipeInput struct {
	ProductID string `query:"product_id" maxLength:"80" doc:"empty: the institution's own mapping"`
	Date      string `query:"date" format:"date" doc:"empty: the business date"`
}

type recipeOutput struct{ Body View }

type recipeProposeInput struct {
	Body struct {
		Change
		Note string `json:"note,omitempty" maxLength:"1000" doc:"why"`
	}
}

type recipeProposeOutput struct{ Body proposal.Proposal }

// Routes registers the operations.
func Routes(a *api.API, s *Service) {
	api.Handle(a, api.Op{ID: "list-posting-roles", Method: http.MethodGet, Path: "/api/v1/ledger/roles", Tag: "ledger",
		Zh: "记账角色", En: "Posting roles", Policy: api.Need(journal.PermissionRead)},
		func(context.Context, auth.Principal, *struct{}) (*rolesOutput, error) {
			out := &rolesOutput{}
			out.Body.Items = Roles()
			return out, nil
		})
	api.Handle(a, api.Op{ID: "get-accounting-recipe", Method: http.MethodGet, Path: "/api/v1/ledger/recipe", Tag: "ledger",
		Zh: "记账规则：角色与科目的对应", En: "Accounting recipe: which account plays which role", Policy: api.Need(journal.PermissionRead)},
		func(ctx context.Context, p auth.Principal, in *recipeInput) (*recipeOutput, error) {
			date, err := api.Date("date", in.Date)
			if err != nil {
				return nil, err
			}
			v, err := s.Get(ctx, p, in.ProductID, date)
			return &recipeOutput{Body: v}, err
		})
	api.Handle(a, api.Op{ID: "propose-accounting-recipe", Method: http.MethodPost, Path: "/api/v1/ledger/recipe", Tag: "ledger",
		Zh: "提出变更记账规则", En: "Propose a change of the accounting recipe", Policy: api.Need(permissionPropose), Status: http.StatusCreated},
		func(ctx context.Context, p auth.Principal, in *recipeProposeInput) (*recipeProposeOutput, error) {
			made, err := s.Propose(ctx, p, in.Body.Change, in.Body.Note)
			return &recipeProposeOutput{Body: made}, err
		})
}
