package fx

import (
	"context"
	"net/http"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/proposal"
)

type fxDateInput struct {
	Date string `query:"date" format:"date" doc:"empty: the business date"`
}

type fxRatesOutput struct {
	Body struct {
		Items []Kept `json:"items"`
	}
}

type fxRatesInput struct{ Body Rates }

type fxProposalOutput struct{ Body proposal.Proposal }

type revalueInput struct {
	Body struct {
		Date calendar.Date `json:"date"`
	}
}

type revaluationReverseInput struct {
	Body struct {
		ID string `json:"id" maxLength:"60"`
	}
}

type revaluationOutput struct{ Body Revaluation }

type revaluationsOutput struct {
	Body struct {
		Items []Revaluation `json:"items"`
	}
}

type fxTrialOutput struct{ Body Trial }

func date(s string) (d calendar.Date) {
	d, _ = calendar.Parse(s) //nolint:errcheck // the API has checked the form; empty is the zero date
	return d
}

// Routes registers the operations.
func Routes(a *api.API, s *Service) {
	read := api.Need(journal.PermissionRead)
	api.Handle(a, api.Op{ID: "list-exchange-rates", Method: http.MethodGet, Path: "/api/v1/fx/rates", Tag: "ledger", Zh: "汇率", En: "Exchange rates in force", Policy: read},
		func(ctx context.Context, p auth.Principal, in *fxDateInput) (*fxRatesOutput, error) {
			out := &fxRatesOutput{}
			var err error
			out.Body.Items, err = s.RatesOn(ctx, p, date(in.Date))
			return out, err
		})
	api.Handle(a, api.Op{ID: "propose-exchange-rates", Method: http.MethodPost, Path: "/api/v1/fx/rates", Tag: "ledger", Zh: "提交汇率待复核", En: "Propose a day's exchange rates",
		Policy: api.Need(permissionPropose), Status: http.StatusCreated},
		func(ctx context.Context, p auth.Principal, in *fxRatesInput) (*fxProposalOutput, error) {
			made, err := s.Propose(ctx, p, in.Body)
			return &fxProposalOutput{Body: made}, err
		})
	api.Handle(a, api.Op{ID: "list-revaluations", Method: http.MethodGet, Path: "/api/v1/fx/revaluations", Tag: "ledger", Zh: "外币重估记录", En: "Revaluations", Policy: read},
		func(ctx context.Context, p auth.Principal, _ *struct{}) (*revaluationsOutput, error) {
			out := &revaluationsOutput{}
			var err error
			out.Body.Items, err = s.Runs(ctx, p)
			return out, err
		})
	api.Handle(a, api.Op{ID: "revalue", Method: http.MethodPost, Path: "/api/v1/fx/revaluations", Tag: "ledger", Zh: "外币重估", En: "Revalue foreign-currency balances", Policy: api.Need(permissionPropose)},
		func(ctx context.Context, p auth.Principal, in *revalueInput) (*revaluationOutput, error) {
			r, err := s.Revalue(ctx, p, in.Body.Date)
			return &revaluationOutput{Body: r}, err
		})
	api.Handle(a, api.Op{ID: "reverse-revaluation", Method: http.MethodPost, Path: "/api/v1/fx/reversals", Tag: "ledger", Zh: "冲销外币重估", En: "Reverse the last revaluation", Policy: api.Need(permissionPropose)},
		func(ctx context.Context, p auth.Principal, in *revaluationReverseInput) (*revaluationOutput, error) {
			r, err := s.Reverse(ctx, p, in.Body.ID)
			return &revaluationOutput{Body: r}, err
		})
	api.Handle(a, api.Op{ID: "get-currency-trial-balance", Method: http.MethodGet, Path: "/api/v1/fx/trial-balance", Tag: "ledger", Zh: "分币种试算表及折本位币", En: "Trial balance per currency with its worth in base currency", Policy: read},
		func(ctx context.Context, p auth.Principal, in *fxDateInput) (*fxTrialOutput, error) {
			t, err := s.TrialBalance(ctx, p, date(in.Date))
			return &fxTrialOutput{Body: t}, err
		})
}
