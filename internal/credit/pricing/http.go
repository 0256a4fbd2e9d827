package pricing

import (
	"context"
	"net/http"

	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
)

var (
	permissionOptimise = auth.DeclarePermission("portfolio.optimise", "运行组合优化", "Run the book optimiser", auth.RoleRisk, auth.RoleApprover)
	permissionRead     = auth.DeclarePermission("portfolio.read", "查看组合", "Read the portfolio", auth.RoleRelationshipManager, auth.RoleApprover, auth.RoleOperations,
		auth.RoleRisk, auth.RoleCompliance)
)

type bookOptimiseInput struct {
	Body struct {
		BudgetMinor    int64     `json:"budget_minor" minimum:"0"`
		MinMinor       int64     `json:"min_minor" minimum:"0" doc:"smallest amount per firm"`
		MaxMinor       int64     `json:"max_minor" minimum:"1" doc:"largest amount per firm"`
		LotMinor       int64     `json:"lot_minor,omitempty" minimum:"0" doc:"unit of amounts; empty: 10,000 yuan"`
		MinRate        rate.Rate `json:"min_rate"`
		MaxRate        rate.Rate `json:"max_rate"`
		RateStep       rate.Rate `json:"rate_step,omitempty" doc:"rates between the points of the curve; empty: its points only"`
		LGD            rate.Rate `json:"lgd"`
		Funding        rate.Rate `json:"funding_rate"`
		FirmIDs        []string  `json:"firm_ids,omitempty" maxItems:"20000" doc:"empty: every scored firm in view"`
		RespectLimits  bool      `json:"respect_limits,omitempty" doc:"never more than the limit of a firm's newest decision"`
		Curve          *Curve    `json:"curve,omitempty" doc:"share of customers that leaves, by rate and grade; empty: the design default"`
		FrontierPoints int       `json:"frontier_points,omitempty" minimum:"0" maximum:"100"`
	}
}

type bookIdInput struct {
	ID string `path:"id" maxLength:"60"`
}

type (
	bookRunOutput       struct{ Body Run }
	bookPortfolioOutput struct{ Body Portfolio }
	bookRunsOutput      struct {
		Body struct {
			Items []RunMark `json:"items"`
		}
	}
)

// Routes registers the operations.
func Routes(a *api.API, s *Service) {
	lprRoutes(a, s)
	api.Handle(a, api.Op{ID: "get-portfolio", Method: http.MethodGet, Path: "/api/v1/portfolio", Tag: "credit", Zh: "组合总览", En: "Portfolio", Policy: api.Need(permissionRead)},
		func(ctx context.Context, p auth.Principal, _ *struct{}) (*bookPortfolioOutput, error) {
			out, err := s.Portfolio(ctx, p)
			return &bookPortfolioOutput{Body: out}, err
		})
	api.Handle(a, api.Op{ID: "optimise-portfolio", Method: http.MethodPost, Path: "/api/v1/portfolio/optimise", Tag: "credit", Zh: "组合优化：预算如何分配", En: "Divide a budget among scored firms",
		Policy: api.Need(permissionOptimise), MaxBodyBytes: 2 << 20},
		func(ctx context.Context, p auth.Principal, in *bookOptimiseInput) (*bookRunOutput, error) {
			b := in.Body
			run, err := s.Optimise(ctx, p, OptimiseInput{BudgetMinor: b.BudgetMinor, MinMinor: b.MinMinor, MaxMinor: b.MaxMinor, LotMinor: b.LotMinor, MinRate: b.MinRate, MaxRate: b.MaxRate,
				RateStep: b.RateStep, LGD: b.LGD, Funding: b.Funding, FirmIDs: b.FirmIDs, RespectLimits: b.RespectLimits, Curve: b.Curve, Points: b.FrontierPoints})
			if err != nil {
				return nil, err
			}
			return &bookRunOutput{Body: run}, nil
		})
	api.Handle(a, api.Op{ID: "list-optimisations", Method: http.MethodGet, Path: "/api/v1/portfolio/optimisations", Tag: "credit", Zh: "优化记录", En: "Optimiser runs", Policy: api.Need(permissionRead)},
		func(ctx context.Context, p auth.Principal, _ *struct{}) (*bookRunsOutput, error) {
			out := &bookRunsOutput{}
			var err error
			out.Body.Items, err = s.Runs(ctx, p)
			return out, err
		})
	api.Handle(a, api.Op{ID: "get-optimisation", Method: http.MethodGet, Path: "/api/v1/portfolio/optimisations/{id}", Tag: "credit", Zh: "优化结果", En: "Read an optimiser run", Policy: api.Need(permissionRead)},
		func(ctx context.Context, p auth.Principal, in *bookIdInput) (*bookRunOutput, error) {
			run, err := s.Run(ctx, p, in.ID)
			if err != nil {
				return nil, err
			}
			return &bookRunOutput{Body: run}, nil
		})
}
