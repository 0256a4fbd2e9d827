package signal

import (
	"context"
	"net/http"

	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
)

var (
	permissionRead = auth.DeclarePermission("signal.read", "查看预警", "Read signals", auth.RoleRelationshipManager, auth.RoleApprover, auth.RoleOperations,
		auth.RoleRisk, auth.RoleCompliance, auth.RoleIntegrator)
	permissionHandle = auth.DeclarePermission("signal.handle", "处置预警", "Handle signals", auth.RoleRelationshipManager, auth.RoleRisk)
)

type signalIdInput struct {
	ID string `path:"id" maxLength:"60"`
}

type signalResolveInput struct {
	ID   string `path:"id" maxLength:"60"`
	Body struct {
		Outcome    string `json:"outcome" enum:"handled,false_alarm,no_action"`
		Note       string `json:"note" minLength:"1" maxLength:"1000"`
		SnoozeDays int    `json:"snooze_days,omitempty" minimum:"0" maximum:"180" doc:"keep the same signal quiet for so long"`
	}
}

type signalListInput struct {
	api.PageQuery
	State      string `query:"state" enum:"open,acknowledged,resolved"`
	Level      string `query:"level" enum:"yellow,orange,red"`
	FirmID     string `query:"firm_id" maxLength:"60"`
	FacilityID string `query:"facility_id" maxLength:"60"`
}

type signalPage struct {
	Items      []Signal `json:"items"`
	NextCursor string   `json:"next_cursor,omitempty"`
	Total      int64    `json:"total"`
	Counts     []Tally  `json:"counts" doc:"of the whole branch, by state and level"`
}

type (
	signalOutput     struct{ Body Signal }
	signalListOutput struct{ Body signalPage }
	signalJudgeInput struct {
		ID string `path:"id" maxLength:"60"`
	}
	signalJudgeOutput struct {
		Body struct {
			Raised []Signal `json:"raised"`
		}
	}
	signalCatalogueOutput struct {
		Body struct {
			Items []Entry `json:"items"`
		}
	}
)

// Routes registers the operations.
func Routes(a *api.API, s *Service) {
	get := func(id, path, zh, en string) api.Op {
		return api.Op{ID: id, Method: http.MethodGet, Path: path, Tag: "watch", Zh: zh, En: en, Policy: api.Need(permissionRead)}
	}
	post := func(id, path, zh, en string) api.Op {
		return api.Op{ID: id, Method: http.MethodPost, Path: path, Tag: "watch", Zh: zh, En: en, Policy: api.Need(permissionHandle)}
	}
	api.Handle(a, get("list-signals", "/api/v1/signals", "预警列表", "List signals"), func(ctx context.Context, p auth.Principal, in *signalListInput) (*signalListOutput, error) {
		after, err := api.DecodeCursor(in.Cursor, 1)
		if err != nil {
			return nil, err
		}
		items, total, counts, err := s.List(ctx, p, Filter{State: in.State, Level: in.Level, FirmID: in.FirmID, FacilityID: in.FacilityID}, after[0], in.Limit+1)
		if err != nil {
			return nil, err
		}
		out := &signalListOutput{Body: signalPage{Items: items, Total: total, Counts: counts}}
		if len(items) > in.Limit {
			out.Body.Items, out.Body.NextCursor = items[:in.Limit], api.EncodeCursor(items[in.Limit-1].ID)
		}
		return out, nil
	})
	api.Handle(a, get("list-signal-catalogue", "/api/v1/signals/catalogue", "预警信号目录", "Early-warning catalogue"), func(ctx context.Context, p auth.Principal, _ *struct{}) (*signalCatalogueOutput, error) {
		out := &signalCatalogueOutput{}
		var err error
		out.Body.Items, err = s.Catalogue(ctx, p)
		return out, err
	})
	api.Handle(a, get("get-signal", "/api/v1/signals/{id}", "预警详情", "Read a signal"), func(ctx context.Context, p auth.Principal, in *signalIdInput) (*signalOutput, error) {
		return wrap(s.Get(ctx, p, in.ID))
	})
	api.Handle(a, post("acknowledge-signal", "/api/v1/signals/{id}/acknowledge", "认领预警", "Acknowledge"), func(ctx context.Context, p auth.Principal, in *signalIdInput) (*signalOutput, error) {
		return wrap(s.Acknowledge(ctx, p, in.ID))
	})
	api.Handle(a, post("resolve-signal", "/api/v1/signals/{id}/resolve", "处置预警", "Resolve"), func(ctx context.Context, p auth.Principal, in *signalResolveInput) (*signalOutput, error) {
		return wrap(s.Resolve(ctx, p, in.ID, Resolution{Outcome: in.Body.Outcome, Note: in.Body.Note, SnoozeDays: in.Body.SnoozeDays}))
	})
	api.Handle(a, post("watch-firm", "/api/v1/firms/{id}/watch", "立即监测该企业", "Watch the firm now"), func(ctx context.Context, p auth.Principal, in *signalJudgeInput) (*signalJudgeOutput, error) {
		raised, err := s.Judge(ctx, p, in.ID)
		out := &signalJudgeOutput{}
		out.Body.Raised = append([]Signal{}, raised...)
		return out, err
	})
}

func wrap(x Signal, err error) (*signalOutput, error) {
	if err != nil {
		return nil, err
	}
	return &signalOutput{Body: x}, nil
}
