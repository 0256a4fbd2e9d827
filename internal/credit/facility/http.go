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
	permissionUnfreeze = auth.DeclarePermission("facility.unfreeze", "提请解冻或提高额度", "Ask to unfreeze or raise a facility", auth.RoleRelationshipManager, auth.RoleApprover, auth.RoleRisk)
	permissionReview   = auth.DeclarePermission("facility.review", "复核解冻与提额", "Decide on unfreezing and raising facilities", auth.RoleApprover, auth.RoleRisk)
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
	changedOutput        struct{ Body Changed }
	facilityDetailOutput struct{ Body Detail }
	facilityListOutput   struct{ Body api.Page[Facility] }
)

// Changed is a facility after a request, and the proposal when a second person must decide first.
type Changed struct {
	Facility
	ProposalID string `json:"proposal_id,omitempty" doc:"the change waits for a second person: see proposals"`
}

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
	api.Handle(a, act("unfreeze-facility", "unfreeze", "提请解冻（另一人复核）", "Ask to unfreeze; another person decides", permissionUnfreeze),
		func(ctx context.Context, p auth.Principal, in *facilityReasonInput) (*changedOutput, error) {
			return changedWrap(s.Unfreeze(ctx, p, in.ID, in.Body.text()))
		})
	api.Handle(a, act("change-facility-limit", "limit", "调低额度立即生效，调高须另一人复核", "Lower the limit at once; a rise waits for another person", permissionFreeze),
		func(ctx context.Context, p auth.Principal, in *facilityLimitInput) (*changedOutput, error) {
			return changedWrap(s.ChangeLimit(ctx, p, in.ID, in.Body.LimitMinor, in.Body.text()))
		})
}

func changedWrap(f Facility, proposalID string, err error) (*changedOutput, error) {
	if err != nil {
		return nil, err
	}
	return &changedOutput{Body: Changed{Facility: f, ProposalID: proposalID}}, nil
}

func wrap(f Facility, err error) (*facilityOutput, error) {
	if err != nil {
		return nil, err
	}
	return &facilityOutput{Body: f}, nil
}
