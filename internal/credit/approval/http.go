package approval

import (
	"context"
	"net/http"

	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
)

var (
	permissionDecide = auth.DeclarePermission("approval.decide", "审批贷款申请", "Decide referred applications", auth.RoleApprover, auth.RoleRisk)
	permissionRead   = auth.DeclarePermission("approval.read", "查看审批", "Read approvals", auth.RoleRelationshipManager, auth.RoleApprover, auth.RoleRisk, auth.RoleCompliance)
)

type approvalIdInput struct {
	ID string `path:"id" maxLength:"60"`
}

type approvalApproveInput struct {
	ID   string `path:"id" maxLength:"60"`
	Body struct {
		AmountMinor int64     `json:"amount_minor,omitempty" minimum:"0" doc:"less than the case's amount; empty: that amount"`
		Rate        rate.Rate `json:"rate,omitempty" doc:"yearly rate; empty: the priced rate"`
		Note        string    `json:"note" minLength:"1" maxLength:"1000"`
	}
}

type approvalNoteInput struct {
	ID   string `path:"id" maxLength:"60"`
	Body struct {
		Note string `json:"note" minLength:"1" maxLength:"1000"`
	}
}

type approvalListInput struct {
	api.PageQuery
	State  string `query:"state" enum:"open,approved,declined,returned,withdrawn"`
	FirmID string `query:"firm_id" maxLength:"60"`
}

type (
	approvalOutput     struct{ Body Case }
	approvalListOutput struct{ Body api.Page[Case] }
)

// Routes registers the operations.
func Routes(a *api.API, s *Service) {
	api.Handle(a, api.Op{ID: "list-approvals", Method: http.MethodGet, Path: "/api/v1/approvals", Tag: "credit", Zh: "审批列表", En: "List approvals", Policy: api.Need(permissionRead)},
		func(ctx context.Context, p auth.Principal, in *approvalListInput) (*approvalListOutput, error) {
			after, err := api.DecodeCursor(in.Cursor, 1)
			if err != nil {
				return nil, err
			}
			items, total, err := s.List(ctx, p, Filter{State: in.State, FirmID: in.FirmID}, after[0], in.Limit+1)
			if err != nil {
				return nil, err
			}
			out := &approvalListOutput{Body: api.Page[Case]{Items: items, Total: total}}
			if len(items) > in.Limit {
				out.Body.Items, out.Body.NextCursor = items[:in.Limit], api.EncodeCursor(items[in.Limit-1].ID)
			}
			return out, nil
		})
	api.Handle(a, api.Op{ID: "get-approval", Method: http.MethodGet, Path: "/api/v1/approvals/{id}", Tag: "credit", Zh: "审批详情", En: "Read an approval", Policy: api.Need(permissionRead)},
		func(ctx context.Context, p auth.Principal, in *approvalIdInput) (*approvalOutput, error) {
			return wrap(s.Get(ctx, p, in.ID))
		})
	act := func(id, verb, zh, en string) api.Op {
		return api.Op{ID: id, Method: http.MethodPost, Path: "/api/v1/approvals/{id}/" + verb, Tag: "credit", Zh: zh, En: en, Policy: api.Need(permissionDecide)}
	}
	api.Handle(a, act("approve-application", "approve", "批准", "Approve"), func(ctx context.Context, p auth.Principal, in *approvalApproveInput) (*approvalOutput, error) {
		return wrap(s.Approve(ctx, p, in.ID, Ruling{AmountMinor: in.Body.AmountMinor, Rate: in.Body.Rate, Note: in.Body.Note}))
	})
	api.Handle(a, act("decline-application", "decline", "拒绝", "Decline"), func(ctx context.Context, p auth.Principal, in *approvalNoteInput) (*approvalOutput, error) {
		return wrap(s.Decline(ctx, p, in.ID, in.Body.Note))
	})
	api.Handle(a, act("return-application", "return", "退回补充", "Return for completion"), func(ctx context.Context, p auth.Principal, in *approvalNoteInput) (*approvalOutput, error) {
		return wrap(s.Return(ctx, p, in.ID, in.Body.Note))
	})
}

func wrap(k Case, err error) (*approvalOutput, error) {
	if err != nil {
		return nil, err
	}
	return &approvalOutput{Body: k}, nil
}
