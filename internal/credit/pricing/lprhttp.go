package pricing

import (
	"context"
	"net/http"

	"github.com/capillary-finance/capillary/internal/base/benchmark"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

type lprTableOutput struct{ Body LPRTable }

type lprProposeInput struct {
	Body struct {
		Publications []benchmark.Publication `json:"publications,omitempty" maxItems:"400" nullable:"false"`
		CSV          string                  `json:"csv,omitempty" maxLength:"65536" doc:"instead of publications: lines date,one year,over five years, rates in per cent"`
		Source       string                  `json:"source" minLength:"1" maxLength:"300" doc:"where the figures were read"`
	}
}

type lprProposeOutput struct {
	Body struct {
		ProposalID string `json:"proposal_id" doc:"waits for a second person"`
		Lines      int    `json:"lines"`
	}
}

// lprRoutes registers the operations of the table of loan prime rates.
func lprRoutes(a *api.API, s *Service) {
	api.Handle(a, api.Op{ID: "get-lpr", Method: http.MethodGet, Path: "/api/v1/benchmarks/lpr", Tag: "credit", Zh: "贷款市场报价利率表", En: "Table of loan prime rates", Policy: api.Session()},
		func(ctx context.Context, p auth.Principal, _ *struct{}) (*lprTableOutput, error) {
			out, err := s.LPRTable(ctx, p)
			return &lprTableOutput{Body: out}, err
		})
	api.Handle(a, api.Op{ID: "propose-lpr", Method: http.MethodPost, Path: "/api/v1/benchmarks/lpr", Tag: "credit", Zh: "提议报价利率（逐条或文件；须第二人复核）", En: "Propose loan prime rates, by line or by file (a second person decides)",
		Policy: api.Need(permissionLPR)},
		func(ctx context.Context, p auth.Principal, in *lprProposeInput) (*lprProposeOutput, error) {
			c := LPRChange{Publications: in.Body.Publications, Source: in.Body.Source}
			if in.Body.CSV != "" {
				if len(c.Publications) > 0 {
					return nil, fault.Field("csv", "与 publications 只能填一个", "and publications exclude each other")
				}
				var err error
				if c.Publications, err = ParseLPR(in.Body.CSV); err != nil {
					return nil, err
				}
			}
			out := &lprProposeOutput{}
			var err error
			out.Body.Lines = len(c.Publications)
			out.Body.ProposalID, err = s.ProposeLPR(ctx, p, c)
			return out, err
		})
}
