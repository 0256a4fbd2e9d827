package party

import (
	"context"
	"net/http"

	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

var (
	permissionRead = auth.DeclarePermission("firm.read", "查看企业", "See firms", auth.RoleRelationshipManager, auth.RoleApprover, auth.RoleOperations,
		auth.RoleRisk, auth.RoleCompliance, auth.RoleIntegrator)
	permissionWrite = auth.DeclarePermission("firm.write", "新增与修改企业", "Create and change firms", auth.RoleRelationshipManager, auth.RoleOperations, auth.RoleIntegrator)
)

type listInput struct {
	api.PageQuery
	Query     string `query:"q" maxLength:"100" doc:"part of name, code or credit code"`
	Size      string `query:"size" enum:"L,M,S,T"`
	Industry  string `query:"industry" maxLength:"8" doc:"section or code prefix, e.g. C33"`
	Label     string `query:"label" enum:"good,bad"`
	ManagerID string `query:"manager_id" maxLength:"60"`
	Sort      string `query:"sort" enum:"code,-updated_at" default:"code"`
}

type listOutput struct{ Body api.Page[Firm] }

type idInput struct {
	ID string `path:"id" maxLength:"60"`
}

type firmOutput struct {
	api.Tagged
	Body Firm
}

func tagged(f Firm) *firmOutput {
	return &firmOutput{Tagged: api.Tagged{ETag: api.ETag(f.Version)}, Body: f}
}

// check demands that the change names the version it was based on, in the header or in the body.
func (in *updateInput) check(version int64) error {
	if in.Body.Version == 0 {
		return in.Required(version)
	}
	if in.Body.Version != version {
		return fault.New(fault.ReasonStale, "version", version)
	}
	return in.Check(version)
}

type createInput struct{ Body Draft }

type updateInput struct {
	ID string `path:"id" maxLength:"60"`
	api.IfMatch
	Body Change
}

// Change is what a firm shall be, based on the version that was read.
type Change struct {
	Draft
	Version int64 `json:"version,omitempty" minimum:"0" doc:"version that was read; may be left out when If-Match names it"`
}

// RelationList is every relation of a firm, from both sides.
type RelationList struct {
	Items []Relation `json:"items" nullable:"false"`
}

type relationsOutput struct{ Body RelationList }

type relateInput struct {
	ID   string `path:"id" maxLength:"60"`
	Body RelationDraft
}

type relationOutput struct{ Body Relation }

type unrelateInput struct {
	ID       string `path:"id" maxLength:"60"`
	Relation string `path:"relation" maxLength:"60"`
}

type timelineInput struct {
	ID string `path:"id" maxLength:"60"`
	api.PageQuery
	Object string `query:"object" maxLength:"30" doc:"only events about one kind of object, e.g. loan"`
}

type timelineOutput struct{ Body api.Page[Moment] }

// Routes registers the operations on firms.
func Routes(a *api.API, s *Service) {
	referenceRoutes(a)
	read, write := api.Need(permissionRead), api.Need(permissionWrite)
	api.Handle(a, api.Op{ID: "list-firms", Method: http.MethodGet, Path: "/api/v1/firms", Tag: "firms", Zh: "企业列表", En: "List firms", Policy: read},
		func(ctx context.Context, p auth.Principal, in *listInput) (*listOutput, error) {
			page, err := s.List(ctx, p, Filter{Query: in.Query, Size: in.Size, Industry: in.Industry, Label: in.Label, ManagerID: in.ManagerID, Sort: in.Sort, Limit: in.Limit, Cursor: in.Cursor})
			return &listOutput{Body: page}, err
		})
	api.Handle(a, api.Op{ID: "create-firm", Method: http.MethodPost, Path: "/api/v1/firms", Tag: "firms", Zh: "新增企业", En: "Create a firm", Policy: write, Status: http.StatusCreated},
		func(ctx context.Context, p auth.Principal, in *createInput) (*firmOutput, error) {
			f, err := s.Create(ctx, p, in.Body)
			return tagged(f), err
		})
	api.Handle(a, api.Op{ID: "get-firm", Method: http.MethodGet, Path: "/api/v1/firms/{id}", Tag: "firms", Zh: "企业详情", En: "Read a firm", Policy: read},
		func(ctx context.Context, p auth.Principal, in *idInput) (*firmOutput, error) {
			f, err := s.Get(ctx, p, in.ID)
			return tagged(f), err
		})
	api.Handle(a, api.Op{ID: "update-firm", Method: http.MethodPut, Path: "/api/v1/firms/{id}", Tag: "firms", Zh: "修改企业", En: "Change a firm", Policy: write},
		func(ctx context.Context, p auth.Principal, in *updateInput) (*firmOutput, error) {
			f, err := s.change(ctx, p, in.ID, in.check, in.Body.Draft)
			return tagged(f), err
		})
	api.Handle(a, api.Op{ID: "list-firm-timeline", Method: http.MethodGet, Path: "/api/v1/firms/{id}/timeline", Tag: "firms", Zh: "企业时间线", En: "What happened to a firm, newest first", Policy: read},
		func(ctx context.Context, p auth.Principal, in *timelineInput) (*timelineOutput, error) {
			page, err := s.Moments(ctx, p, in.ID, in.Object, in.Cursor, in.Limit)
			return &timelineOutput{Body: page}, err
		})
	api.Handle(a, api.Op{ID: "list-relations", Method: http.MethodGet, Path: "/api/v1/firms/{id}/relations", Tag: "firms", Zh: "企业关系", En: "Relations of a firm", Policy: read},
		func(ctx context.Context, p auth.Principal, in *idInput) (*relationsOutput, error) {
			items, err := s.Relations(ctx, p, in.ID)
			out := &relationsOutput{}
			out.Body.Items = items
			return out, err
		})
	api.Handle(a, api.Op{ID: "relate-firm", Method: http.MethodPost, Path: "/api/v1/firms/{id}/relations", Tag: "firms", Zh: "登记关系", En: "Record a relation", Policy: write, Status: http.StatusCreated},
		func(ctx context.Context, p auth.Principal, in *relateInput) (*relationOutput, error) {
			r, err := s.Relate(ctx, p, in.ID, in.Body)
			return &relationOutput{Body: r}, err
		})
	api.Handle(a, api.Op{ID: "unrelate-firm", Method: http.MethodDelete, Path: "/api/v1/firms/{id}/relations/{relation}", Tag: "firms", Zh: "删除关系", En: "Remove a relation", Policy: write},
		func(ctx context.Context, p auth.Principal, in *unrelateInput) (*struct{}, error) {
			return nil, s.Unrelate(ctx, p, in.ID, in.Relation)
		})
}
