package search

import (
	"context"
	"net/http"

	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
)

type searchInput struct {
	Text  string `query:"q" required:"true" minLength:"1" maxLength:"100" doc:"name, code or number, or a part of it"`
	Limit int    `query:"limit" default:"20" minimum:"1" maximum:"50"`
}

// Result is what was found, best first.
type Result struct {
	Items []Hit `json:"items" nullable:"false"`
}

type searchOutput struct{ Body Result }

// Routes registers the search.
func Routes(a *api.API, s *Service) {
	api.Handle(a, api.Op{ID: "search", Method: http.MethodGet, Path: "/api/v1/search", Tag: "search", Zh: "全局搜索", En: "Search everything you may see", Policy: api.Session()},
		func(ctx context.Context, p auth.Principal, in *searchInput) (*searchOutput, error) {
			hits, err := s.Search(ctx, p, in.Text, in.Limit)
			out := &searchOutput{}
			out.Body.Items = hits
			return out, err
		})
}
