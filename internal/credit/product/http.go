package product

import (
	"context"
	"encoding/json"
	"net/http"

	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

var (
	permissionPropose = auth.DeclarePermission("product.propose", "提交产品配方", "Propose a product recipe", auth.RoleRisk)
	permissionApprove = auth.DeclarePermission("product.approve", "复核产品配方", "Approve a product recipe", auth.RoleRisk, auth.RoleCompliance)
)

// Summary is a product in a list.
type Summary struct {
	ID          string     `json:"id"`
	Version     int64      `json:"version"`
	Status      Status     `json:"status"`
	Name        fault.Text `json:"name"`
	Summary     fault.Text `json:"summary"`
	Currency    string     `json:"currency"`
	MinMinor    int64      `json:"amount_min_minor"`
	MaxMinor    int64      `json:"amount_max_minor"`
	TenorMonths int        `json:"tenor_months_max"`
	Methods     []string   `json:"methods"`
	Report      []string   `json:"report"`
}

type productIdInput struct {
	ID string `path:"id" maxLength:"60"`
}

type productListOutput struct {
	Body struct {
		Items []Summary `json:"items"`
	}
}

type productGetOutput struct {
	Body struct {
		Recipe   Recipe          `json:"recipe"`
		Hash     string          `json:"hash"`
		YAML     string          `json:"yaml" doc:"the text as written"`
		Versions []StoredVersion `json:"versions" doc:"the institution's own versions, newest first"`
	}
}

type productTextInput struct {
	Body struct {
		YAML string `json:"yaml" maxLength:"131072" minLength:"1"`
	}
}

type productCheckOutput struct {
	Body struct {
		Valid    bool               `json:"valid"`
		ID       string             `json:"id,omitempty"`
		Version  int64              `json:"version,omitempty"`
		Hash     string             `json:"hash,omitempty"`
		Problems []api.ProblemField `json:"problems"`
	}
}

type productDecideInput struct {
	ID      string `path:"id" maxLength:"60"`
	Version int64  `path:"version" minimum:"1"`
	Body    struct {
		Note string `json:"note,omitempty" maxLength:"500"`
	}
}

type productVersionOutput struct {
	Body struct {
		ProductID string `json:"product_id"`
		Version   int64  `json:"version"`
		State     string `json:"state"`
	}
}

type productSchemaOutput struct {
	Body json.RawMessage
}

type productVariablesOutput struct {
	Body struct {
		Items []Variable `json:"items"`
	}
}

// Routes registers the operations.
func Routes(a *api.API, s *Service) {
	api.Handle(a, api.Op{ID: "list-products", Method: http.MethodGet, Path: "/api/v1/products", Tag: "credit", Zh: "产品目录", En: "List products", Policy: api.Session()},
		func(ctx context.Context, p auth.Principal, _ *struct{}) (*productListOutput, error) {
			all, err := s.List(ctx, p)
			out := &productListOutput{}
			out.Body.Items = []Summary{}
			for _, c := range all {
				out.Body.Items = append(out.Body.Items, Summary{ID: c.ID, Version: c.Version, Status: c.Status, Name: c.Name, Summary: c.Summary, Currency: c.Terms.Currency,
					MinMinor: c.Terms.AmountMinMinor, MaxMinor: c.Terms.AmountMaxMinor, TenorMonths: c.Terms.TenorMonthsMax, Methods: c.Terms.Methods, Report: c.Report})
			}
			return out, err
		})
	api.Handle(a, api.Op{ID: "get-product-schema", Method: http.MethodGet, Path: "/api/v1/products/schema", Tag: "credit", Zh: "产品配方的 JSON Schema", En: "JSON Schema of a recipe", Policy: api.Session()},
		func(context.Context, auth.Principal, *struct{}) (*productSchemaOutput, error) {
			b, err := Schema()
			return &productSchemaOutput{Body: b}, err
		})
	api.Handle(a, api.Op{ID: "list-product-variables", Method: http.MethodGet, Path: "/api/v1/products/variables", Tag: "credit", Zh: "规则可用的变量", En: "Variables that rules may use", Policy: api.Session()},
		func(context.Context, auth.Principal, *struct{}) (*productVariablesOutput, error) {
			out := &productVariablesOutput{}
			out.Body.Items = Variables()
			return out, nil
		})
	api.Handle(a, api.Op{ID: "get-product", Method: http.MethodGet, Path: "/api/v1/products/{id}", Tag: "credit", Zh: "产品配方", En: "Read a product", Policy: api.Session()},
		func(ctx context.Context, p auth.Principal, in *productIdInput) (*productGetOutput, error) {
			c, own, err := s.Get(ctx, p, in.ID)
			if err != nil {
				return nil, err
			}
			out := &productGetOutput{}
			out.Body.Recipe, out.Body.Hash, out.Body.YAML, out.Body.Versions = c.Recipe, c.Hash, c.Text, own
			return out, nil
		})
	mutations(a, s)
}

func mutations(a *api.API, s *Service) {
	api.Handle(a, api.Op{ID: "validate-product", Method: http.MethodPost, Path: "/api/v1/products/validate", Tag: "credit", Zh: "校验产品配方（不保存）", En: "Check a recipe without storing it",
		Policy: api.Need(permissionPropose), NoIdempotency: true},
		func(_ context.Context, p auth.Principal, in *productTextInput) (*productCheckOutput, error) {
			out := &productCheckOutput{}
			out.Body.Problems = []api.ProblemField{}
			c, err := Parse([]byte(in.Body.YAML))
			for _, f := range fault.All(err) {
				out.Body.Problems = append(out.Body.Problems, api.ProblemField{Field: f.Field, Row: f.Row, Code: f.Reason.Code, Message: f.Text(p.Lang), Remedy: f.RemedyText(p.Lang)})
			}
			if c != nil {
				out.Body.Valid, out.Body.ID, out.Body.Version, out.Body.Hash = true, c.ID, c.Version, c.Hash
			}
			return out, nil
		})
	api.Handle(a, api.Op{ID: "propose-product-version", Method: http.MethodPost, Path: "/api/v1/products/versions", Tag: "credit", Zh: "提交产品新版本待复核", En: "Propose a product version",
		Policy: api.Need(permissionPropose), Status: http.StatusCreated},
		func(ctx context.Context, p auth.Principal, in *productTextInput) (*productVersionOutput, error) {
			c, err := s.Propose(ctx, p, in.Body.YAML)
			if err != nil {
				return nil, err
			}
			return version(c.ID, c.Version, "proposed"), nil
		})
	for _, d := range []struct {
		verb, zh, en string
		approve      bool
	}{{"approve", "批准产品版本", "Approve a product version", true}, {"reject", "驳回产品版本", "Reject a product version", false}} {
		api.Handle(a, api.Op{ID: d.verb + "-product-version", Method: http.MethodPost, Path: "/api/v1/products/{id}/versions/{version}/" + d.verb, Tag: "credit", Zh: d.zh, En: d.en,
			Policy: api.Need(permissionApprove)},
			func(ctx context.Context, p auth.Principal, in *productDecideInput) (*productVersionOutput, error) {
				if err := s.Decide(ctx, p, in.ID, in.Version, d.approve, in.Body.Note); err != nil {
					return nil, err
				}
				return version(in.ID, in.Version, map[bool]string{true: "approved", false: "rejected"}[d.approve]), nil
			})
	}
}

func version(id string, n int64, state string) *productVersionOutput {
	out := &productVersionOutput{}
	out.Body.ProductID, out.Body.Version, out.Body.State = id, n, state
	return out
}
