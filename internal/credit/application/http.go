package application

import (
	"context"
	"net/http"

	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
)

var (
	permissionWrite = auth.DeclarePermission("application.write", "办理贷款申请", "Work on applications", auth.RoleRelationshipManager, auth.RoleIntegrator)
	permissionRead  = auth.DeclarePermission("application.read", "查看贷款申请", "Read applications", auth.RoleRelationshipManager, auth.RoleApprover, auth.RoleOperations,
		auth.RoleRisk, auth.RoleCompliance, auth.RoleIntegrator)
)

// Fields are the terms that a person fills in.
type Fields struct {
	AmountMinor    int64  `json:"amount_minor" minimum:"1" doc:"fen"`
	Currency       string `json:"currency,omitempty" default:"CNY" maxLength:"3"`
	TenorMonths    int    `json:"tenor_months" minimum:"1" maximum:"360"`
	Method         string `json:"method" maxLength:"40"`
	Purpose        string `json:"purpose" maxLength:"40"`
	PurposeNote    string `json:"purpose_note,omitempty" maxLength:"2000"`
	OtherDebtMinor int64  `json:"other_debt_minor,omitempty" minimum:"0" doc:"declared debt at other lenders"`
}

func (f Fields) input(firmID, productID string) Input {
	if f.Currency == "" {
		f.Currency = "CNY"
	}
	return Input{FirmID: firmID, ProductID: productID, AmountMinor: f.AmountMinor, Currency: f.Currency, TenorMonths: f.TenorMonths, Method: f.Method, Purpose: f.Purpose,
		PurposeNote: f.PurposeNote, OtherDebtMinor: f.OtherDebtMinor}
}

type applicationCreateInput struct {
	Body struct {
		FirmID    string `json:"firm_id" minLength:"1" maxLength:"60"`
		ProductID string `json:"product_id" minLength:"1" maxLength:"60"`
		Fields
	}
}

type applicationEditInput struct {
	ID   string `path:"id" maxLength:"60"`
	Body struct {
		Version int64 `json:"version" minimum:"1" doc:"version that was read"`
		Fields
	}
}

type applicationActInput struct {
	ID   string `path:"id" maxLength:"60"`
	Body struct {
		Version int64 `json:"version,omitempty" minimum:"0" doc:"version that was read; 0 skips the check"`
	}
}

type applicationNoteInput struct {
	ID   string `path:"id" maxLength:"60"`
	Body struct {
		Version int64  `json:"version,omitempty" minimum:"0"`
		Note    string `json:"note" minLength:"1" maxLength:"1000" doc:"why"`
	}
}

type applicationAcceptInput struct {
	ID   string `path:"id" maxLength:"60"`
	Body struct {
		Version int64 `json:"version,omitempty" minimum:"0"`
		Acceptance
	}
}

type applicationIdInput struct {
	ID string `path:"id" maxLength:"60"`
}

type applicationListInput struct {
	api.PageQuery
	State     string `query:"state" enum:"draft,submitted,approved,referred,declined,offered,accepted,contracted,drawn,withdrawn,expired"`
	FirmID    string `query:"firm_id" maxLength:"60"`
	ProductID string `query:"product_id" maxLength:"60"`
	ManagerID string `query:"manager_id" maxLength:"60"`
	Query     string `query:"q" maxLength:"100" doc:"part of the firm's name, or the id"`
}

type (
	applicationOutput        struct{ Body Application }
	applicationDetailOutput  struct{ Body Detail }
	applicationListOutput    struct{ Body api.Page[Application] }
	applicationPreviewOutput struct{ Body Offer }
	applicationBoardOutput   struct {
		Body struct {
			States []Count `json:"states" doc:"in the order of the pipeline"`
		}
	}
)

// Routes registers the operations.
func Routes(a *api.API, s *Service) {
	read := func(id, path, zh, en string) api.Op {
		return api.Op{ID: id, Method: http.MethodGet, Path: "/api/v1/applications" + path, Tag: "credit", Zh: zh, En: en, Policy: api.Need(permissionRead)}
	}
	api.Handle(a, read("list-applications", "", "申请列表", "List applications"), func(ctx context.Context, p auth.Principal, in *applicationListInput) (*applicationListOutput, error) {
		after, err := api.DecodeCursor(in.Cursor, 1)
		if err != nil {
			return nil, err
		}
		f := Filter{State: in.State, FirmID: in.FirmID, ProductID: in.ProductID, ManagerID: in.ManagerID, Query: in.Query}
		items, total, err := s.List(ctx, p, f, after[0], in.Limit+1)
		if err != nil {
			return nil, err
		}
		out := &applicationListOutput{Body: api.Page[Application]{Items: items, Total: total}}
		if len(items) > in.Limit {
			out.Body.Items, out.Body.NextCursor = items[:in.Limit], api.EncodeCursor(items[in.Limit-1].ID)
		}
		return out, nil
	})
	api.Handle(a, read("get-application-board", "/board", "各状态申请数", "Applications per state"), func(ctx context.Context, p auth.Principal, _ *struct{}) (*applicationBoardOutput, error) {
		counts, err := s.Board(ctx, p)
		out := &applicationBoardOutput{}
		out.Body.States = counts
		return out, err
	})
	api.Handle(a, read("get-application", "/{id}", "申请详情", "Read an application"), func(ctx context.Context, p auth.Principal, in *applicationIdInput) (*applicationDetailOutput, error) {
		d, err := s.Get(ctx, p, in.ID)
		return &applicationDetailOutput{Body: d}, err
	})
	api.Handle(a, read("preview-offer", "/{id}/preview", "还款计划与总成本预览", "Preview schedule and whole cost"), func(ctx context.Context, p auth.Principal, in *applicationIdInput) (*applicationPreviewOutput, error) {
		o, err := s.Preview(ctx, p, in.ID)
		return &applicationPreviewOutput{Body: o}, err
	})
	writes(a, s)
}

func writes(a *api.API, s *Service) {
	write := func(id, method, path, zh, en string) api.Op {
		return api.Op{ID: id, Method: method, Path: "/api/v1/applications" + path, Tag: "credit", Zh: zh, En: en, Policy: api.Need(permissionWrite)}
	}
	create := write("create-application", http.MethodPost, "", "新建申请", "Create an application")
	create.Status = http.StatusCreated
	api.Handle(a, create, func(ctx context.Context, p auth.Principal, in *applicationCreateInput) (*applicationOutput, error) {
		return wrap(s.Create(ctx, p, in.Body.input(in.Body.FirmID, in.Body.ProductID)))
	})
	api.Handle(a, write("edit-application", http.MethodPut, "/{id}", "修改草稿", "Edit a draft"), func(ctx context.Context, p auth.Principal, in *applicationEditInput) (*applicationOutput, error) {
		return wrap(s.Edit(ctx, p, in.ID, in.Body.Version, in.Body.input("", "")))
	})
	api.Handle(a, write("submit-application", http.MethodPost, "/{id}/submit", "提交并决策", "Submit and decide"), func(ctx context.Context, p auth.Principal, in *applicationActInput) (*applicationOutput, error) {
		return wrap(s.Submit(ctx, p, in.ID, in.Body.Version))
	})
	api.Handle(a, write("offer-application", http.MethodPost, "/{id}/offer", "报价", "Make the offer"), func(ctx context.Context, p auth.Principal, in *applicationActInput) (*applicationOutput, error) {
		return wrap(s.Offer(ctx, p, in.ID, in.Body.Version))
	})
	api.Handle(a, write("accept-offer", http.MethodPost, "/{id}/accept", "接受报价", "Accept the offer"), func(ctx context.Context, p auth.Principal, in *applicationAcceptInput) (*applicationOutput, error) {
		return wrap(s.Accept(ctx, p, in.ID, in.Body.Version, in.Body.Acceptance))
	})
	api.Handle(a, write("decline-offer", http.MethodPost, "/{id}/decline", "客户谢绝报价", "Turn the offer down"), func(ctx context.Context, p auth.Principal, in *applicationNoteInput) (*applicationOutput, error) {
		return wrap(s.Reject(ctx, p, in.ID, in.Body.Version, in.Body.Note))
	})
	api.Handle(a, write("withdraw-application", http.MethodPost, "/{id}/withdraw", "撤回申请", "Withdraw"), func(ctx context.Context, p auth.Principal, in *applicationNoteInput) (*applicationOutput, error) {
		return wrap(s.Withdraw(ctx, p, in.ID, in.Body.Version, in.Body.Note))
	})
}

func wrap(a Application, err error) (*applicationOutput, error) {
	if err != nil {
		return nil, err
	}
	return &applicationOutput{Body: a}, nil
}
