package party

import (
	"context"
	"net/http"

	"github.com/capillary-finance/capillary/internal/base/industry"
	"github.com/capillary-finance/capillary/internal/base/region"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
)

// IndustryList is the classification that firms are put in.
type IndustryList struct {
	Items []industry.Industry `json:"items" nullable:"false"`
}

// DivisionList is the administrative divisions directly below one.
type DivisionList struct {
	Items []Division `json:"items" nullable:"false"`
}

// Division is an administrative division of a list.
type Division struct {
	Code string `json:"code"`
	Name string `json:"name"`
	Leaf bool   `json:"leaf" doc:"nothing is below it"`
}

type divisionsInput struct {
	Parent string `query:"parent" maxLength:"6" doc:"code of the division whose parts are wanted; empty: the provinces"`
}

// referenceRoutes registers the lists that a form of a firm chooses from. They are public knowledge.
func referenceRoutes(a *api.API) {
	api.Handle(a, api.Op{ID: "list-industries", Method: http.MethodGet, Path: "/api/v1/industries", Tag: "firms", Zh: "行业门类与大类（GB/T 4754）", En: "Sections and divisions of GB/T 4754", Policy: api.Session()},
		func(context.Context, auth.Principal, *struct{}) (*struct{ Body IndustryList }, error) {
			return &struct{ Body IndustryList }{IndustryList{Items: industry.All()}}, nil
		})
	api.Handle(a, api.Op{ID: "list-regions", Method: http.MethodGet, Path: "/api/v1/regions", Tag: "firms", Zh: "行政区划（逐级）", En: "Administrative divisions, level by level", Policy: api.Session()},
		func(_ context.Context, _ auth.Principal, in *divisionsInput) (*struct{ Body DivisionList }, error) {
			out := DivisionList{Items: []Division{}}
			for _, d := range region.Children(in.Parent) {
				out.Items = append(out.Items, Division{Code: d.Code, Name: d.Name, Leaf: len(region.Children(d.Code)) == 0})
			}
			return &struct{ Body DivisionList }{out}, nil
		})
}
