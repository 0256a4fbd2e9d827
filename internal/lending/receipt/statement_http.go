package receipt

import (
	"context"
	"net/http"

	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
)

type bankStatementsInput struct {
	Limit int `query:"limit" default:"100" minimum:"1" maximum:"400"`
}

type bankStatementsOutput struct {
	Body struct {
		Items []BankStatement `json:"items" nullable:"false"`
	}
}

type bankStatementsFetchInput struct {
	Body struct {
		Through string `json:"through,omitempty" format:"date" doc:"last day; empty: the day before the business date"`
	}
}

func statementRoutes(a *api.API, s *Service) {
	api.Handle(a, op("list-bank-statements", http.MethodGet, "/api/v1/bank-statements", "银行对账单", "Statements of the bank, newest first, with the gaps between them", PermissionRead),
		func(ctx context.Context, p auth.Principal, in *bankStatementsInput) (*bankStatementsOutput, error) {
			out := &bankStatementsOutput{}
			var err error
			out.Body.Items, err = s.Statements(ctx, p, in.Limit)
			return out, err
		})
	api.Handle(a, op("fetch-bank-statements", http.MethodPost, "/api/v1/bank-statements/fetch", "取回银行对账单", "Fetch the bank's statements that have not come yet", PermissionHandle),
		func(ctx context.Context, p auth.Principal, in *bankStatementsFetchInput) (*bankStatementsOutput, error) {
			through, err := api.Date("through", in.Body.Through)
			if err != nil {
				return nil, err
			}
			out := &bankStatementsOutput{}
			out.Body.Items, err = s.FetchStatements(ctx, p, through)
			if out.Body.Items == nil {
				out.Body.Items = []BankStatement{}
			}
			return out, err
		})
}
