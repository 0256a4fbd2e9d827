package facility

import (
	"context"
	"net/http"

	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

var (
	permissionRead = auth.DeclarePermission("facility.read", "查看额度", "Read facilities", auth.RoleRelationshipManager, auth.RoleApprover, auth.RoleOperations,
		auth.RoleRisk, auth.RoleCompliance, auth.RoleIntegrator)
	permissionFreeze   = auth.DeclarePermission("facility.freeze", "冻结或调低额度", "Freeze or lower a facility", auth.RoleRelationshipManager, auth.RoleApprover, auth.RoleRisk)
	permissionUnfreeze = auth.DeclarePermission("facility.unfreeze", "解冻额度", "Unfreeze a facility", auth.RoleApprover, auth.RoleRisk)
)

type facilityIdInput struct {
	ID string `path:"id" maxLength:"60"`
}

// ReasonBody is the reason of a change. One language is enough: it then stands for both.
type ReasonBody struct {
	Reason   string `json:"reason" minLength:"1" maxLength:"500" doc:"why, as the firm and the auditors will read it"`
	ReasonEn string `json:"reason_en,omitempty" maxLength:"500" doc:"the same in English"`
}

func (b ReasonBody) text() fault.Text {
	if b.ReasonEn == "" {
		return fault.Text{Zh: b.Reason, En: b.Reason}
	}
	return fault.Text{Zh: b.Reason, En: b.ReasonEn}
}

type facilityReasonInput struct {
	ID   string `path:"id" maxLength:"60"`
	Body ReasonBody
}

type facilityLimitInput struct {
	ID   string `path:"id" maxLength:"60"`
	Body struct {
		LimitMinor int64 `json:"limit_minor" minimum:"0"`
		ReasonBody
	}
}

type facilityListInput struct {
	api.PageQuery
	Status    string `query:"status" enum:"active,frozen,closed"`
	FirmID    string `query:"firm_id" maxLength:"60"`
	ProductID string `query:"product_id" maxLength:"60"`
}

type (
	facilityOutput       struct{ Body Facility }
	facilityDetailOutput struct{ Body Detail }
	facilityListOutput   struct{ Body api.Page[Facility] }
)

// Routes registers the operations.
func Routes(a *api.API, s *Service) {
	api.Handle(a, api.Op{ID: "list-facilities", Method: http.MethodGet, Path: "/api/v1/facilities", Tag: "credit", Zh: "额度列表", En: "List facilities", Policy: api.Need(permissionRead)},
		func(ctx context.Context, p auth.Principal, in *facilityListInput) (*facilityListOutput, error) {
			after, err := api.DecodeCursor(in.Cursor, 1)
			if err != nil {
				return nil, err
			}
			items, total, err := s.List(ctx, p, Filter{Status: in.Status, FirmID: in.FirmID, ProductID: in.ProductID}, after[0], in.Limit+1)
			if err != nil {
				return nil, err
			}
			out := &facilityListOutput{Body: api.Page[Facility]{Items: items, Total: total}}
			if len(items) > in.Limit {
				out.Body.Items, out.Body.NextCursor = items[:in.Limit], api.EncodeCursor(items[in.Limit-1].ID)
			}
			return out, nil
		})
	api.Handle(a, api.Op{ID: "get-facility", Method: http.MethodGet, Path: "/api/v1/facilities/{id}", Tag: "credit", Zh: "额度详情", En: "Read a facility", Policy: api.Need(permissionRead)},
		func(ctx context.Context, p auth.Principal, in *facilityIdInput) (*facilityDetailOutput, error) {
			d, err := s.Get(ctx, p, in.ID)
			if err != nil {
				return nil, err
			}
			return &facilityDetailOutput{Body: d}, nil
		})
	act := func(id, verb, zh, en, permission string) api.Op {
		return api.Op{ID: id, Method: http.MethodPost, Path: "/api/v1/facilities/{id}/" + verb, Tag: "credit", Zh: zh, En: en, Policy: api.Need(permission)}
	}
	api.Handle(a, act("freeze-facility", "freeze", "冻结额度（立即生效）", "Freeze at once", permissionFreeze),
		func(ctx context.Context, p auth.Principal, in *facilityReasonInput) (*facilityOutput, error) {
			return wrap(s.Freeze(ctx, p, in.ID, in.Body.text()))
		})
	api.Handle(a, act("unfreeze-facility", "unfreeze", "解冻额度（须另一人）", "Unfreeze, by another person", permissionUnfreeze),
		func(ctx context.Context, p auth.Principal, in *facilityReasonInput) (*facilityOutput, error) {
			return wrap(s.Unfreeze(ctx, p, in.ID, in.Body.text()))
		})
	api.Handle(a, act("lower-facility-limit", "limit", "调低额度（立即生效）", "Lower the limit at once", permissionFreeze),
		func(ctx context.Context, p auth.Principal, in *facilityLimitInput) (*facilityOutput, error) {
			return wrap(s.LowerLimit(ctx, p, in.ID, in.Body.LimitMinor, in.Body.text()))
		})
}

func wrap(f Facility, err error) (*facilityOutput, error) {
	if err != nil {
		return nil, err
	}
	return &facilityOutput{Body: f}, nil
}
