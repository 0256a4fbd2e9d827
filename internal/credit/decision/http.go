package decision

import (
	"context"
	"net/http"

	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

var (
	permissionDecide = auth.DeclarePermission("decision.check", "测算额度（不查征信）", "Check what a firm could get (no bureau query)", auth.RoleRelationshipManager, auth.RoleApprover, auth.RoleRisk, auth.RoleIntegrator)
	permissionRead   = auth.DeclarePermission("decision.read", "查看与重放决策", "Read and replay decisions", auth.RoleRelationshipManager, auth.RoleApprover, auth.RoleRisk,
		auth.RoleCompliance, auth.RoleOperations, auth.RoleIntegrator)
)

// SoftNotice is shown with every pre-check.
var SoftNotice = fault.Text{
	Zh: "本次测算仅使用企业已授权的自身数据，未查询征信，不影响信用记录，也不构成授信承诺。",
	En: "This check used only the firm's own data under its consent. No credit bureau was queried, no credit record is affected, and nothing is promised.",
}

type decisionAskInput struct {
	Body struct {
		FirmID         string `json:"firm_id" minLength:"1" maxLength:"60"`
		ProductID      string `json:"product_id" minLength:"1" maxLength:"60"`
		AmountMinor    int64  `json:"amount_minor" minimum:"1" doc:"fen"`
		Currency       string `json:"currency,omitempty" default:"CNY" maxLength:"3"`
		TenorMonths    int    `json:"tenor_months" minimum:"1" maximum:"360"`
		Method         string `json:"method" maxLength:"40"`
		Purpose        string `json:"purpose" maxLength:"40"`
		OtherDebtMinor int64  `json:"other_debt_minor,omitempty" minimum:"0"`
	}
}

type view struct {
	Decision
	Notice *fault.Text `json:"notice,omitempty" doc:"for a pre-check: what it did and did not do"`
}

type decisionOutput struct{ Body view }

type decisionIdInput struct {
	ID string `path:"id" maxLength:"60"`
}

type decisionListInput struct {
	api.PageQuery
	FirmID    string `query:"firm_id" maxLength:"60"`
	Result    string `query:"result" enum:"approved,referred,declined"`
	ProductID string `query:"product_id" maxLength:"60"`
}

type decisionListOutput struct{ Body api.Page[Summary] }

type decisionReplayOutput struct{ Body Replayed }

func show(d Decision) *decisionOutput {
	v := view{Decision: d}
	if d.Inputs.Ask.Soft {
		v.Notice = &SoftNotice
	}
	return &decisionOutput{Body: v}
}

// Routes registers the operations.
func Routes(a *api.API, s *Service) {
	api.Handle(a, api.Op{ID: "check-decision", Method: http.MethodPost, Path: "/api/v1/decisions", Tag: "credit", Zh: "测算额度与利率（不查征信）", En: "Check limit and rate without a bureau query",
		Policy: api.Need(permissionDecide), Status: http.StatusCreated},
		func(ctx context.Context, p auth.Principal, in *decisionAskInput) (*decisionOutput, error) {
			b := in.Body
			d, err := s.Check(ctx, p, Ask{FirmID: b.FirmID, ProductID: b.ProductID, AmountMinor: b.AmountMinor, Currency: b.Currency, TenorMonths: b.TenorMonths,
				Method: b.Method, Purpose: b.Purpose, OtherDebtMinor: b.OtherDebtMinor})
			if err != nil {
				return nil, err
			}
			return show(d), nil
		})
	api.Handle(a, api.Op{ID: "list-decisions", Method: http.MethodGet, Path: "/api/v1/decisions", Tag: "credit", Zh: "决策列表", En: "List decisions", Policy: api.Need(permissionRead)},
		func(ctx context.Context, p auth.Principal, in *decisionListInput) (*decisionListOutput, error) {
			after, err := api.DecodeCursor(in.Cursor, 1)
			if err != nil {
				return nil, err
			}
			items, total, err := s.List(ctx, p, Filter{FirmID: in.FirmID, Result: in.Result, ProductID: in.ProductID}, after[0], in.Limit+1)
			if err != nil {
				return nil, err
			}
			out := &decisionListOutput{Body: api.Page[Summary]{Items: items, Total: total}}
			if len(items) > in.Limit {
				out.Body.Items = items[:in.Limit]
				out.Body.NextCursor = api.EncodeCursor(items[in.Limit-1].ID)
			}
			return out, nil
		})
	api.Handle(a, api.Op{ID: "get-decision", Method: http.MethodGet, Path: "/api/v1/decisions/{id}", Tag: "credit", Zh: "决策详情", En: "Read a decision", Policy: api.Need(permissionRead)},
		func(ctx context.Context, p auth.Principal, in *decisionIdInput) (*decisionOutput, error) {
			d, err := s.Get(ctx, p, in.ID)
			if err != nil {
				return nil, err
			}
			return show(d), nil
		})
	api.Handle(a, api.Op{ID: "replay-decision", Method: http.MethodPost, Path: "/api/v1/decisions/{id}/replay", Tag: "credit", Zh: "重放决策", En: "Replay a decision",
		Policy: api.Need(permissionRead), NoIdempotency: true},
		func(ctx context.Context, p auth.Principal, in *decisionIdInput) (*decisionReplayOutput, error) {
			r, err := s.Replay(ctx, p, in.ID)
			return &decisionReplayOutput{Body: r}, err
		})
}
