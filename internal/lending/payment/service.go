package payment

import (
	"context"
	"net/http"

	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
)

// PermissionRead lets a role see payment orders.
var PermissionRead = auth.DeclarePermission("payment.read", "查看付款", "View payments",
	auth.RoleOperations, auth.RoleRisk, auth.RoleCompliance)

// Service answers questions about payment orders. Orders are made only by the
// business acts that need them.
type Service struct{ db *db.DB }

// NewService makes the service.
func NewService(d *db.DB) *Service { return &Service{db: d} }

// Filter narrows a list of orders; empty fields do not.
type Filter struct {
	Status   string
	ObjectID string
	Limit    int
	Cursor   string
}

// List pages through the orders of the caller's branches, newest first.
func (s *Service) List(ctx context.Context, p auth.Principal, f Filter) (page api.Page[Order], err error) {
	if err := p.Require(PermissionRead); err != nil {
		return page, err
	}
	parts, err := api.DecodeCursor(f.Cursor, 1)
	if err != nil {
		return page, err
	}
	if f.Limit <= 0 || f.Limit > 200 {
		f.Limit = 20
	}
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		args := []any{tx.Institution, f.Status, f.ObjectID, p.BranchPattern()}
		if err := tx.QueryRow(ctx, countPage, args...).Scan(&page.Total); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, selectPage, append(args, parts[0], f.Limit+1)...)
		if err != nil {
			return err
		}
		page.Items, err = collect(rows)
		if len(page.Items) > f.Limit {
			page.Items = page.Items[:f.Limit]
			page.NextCursor = api.EncodeCursor(page.Items[f.Limit-1].ID)
		}
		return err
	})
	return page, err
}

type listInput struct {
	api.PageQuery
	Status   string `query:"status" enum:"recorded,sent,succeeded,failed" doc:"sent: the outcome is not known yet"`
	ObjectID string `query:"object_id" maxLength:"80" doc:"for instance a loan"`
}

type listOutput struct{ Body api.Page[Order] }

// Routes registers the operations of payments.
func Routes(a *api.API, s *Service) {
	api.Handle(a, api.Op{ID: "list-payments", Method: http.MethodGet, Path: "/api/v1/payments", Tag: "lending",
		Zh: "付款列表", En: "List payment orders", Policy: api.Need(PermissionRead)},
		func(ctx context.Context, p auth.Principal, in *listInput) (*listOutput, error) {
			page, err := s.List(ctx, p, Filter{Status: in.Status, ObjectID: in.ObjectID, Limit: in.Limit, Cursor: in.Cursor})
			return &listOutput{Body: page}, err
		})
}
