package identity

import (
	"context"
	"time"

	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/auth"
)

type auditListInput struct {
	api.PageQuery
	Actor    string    `query:"actor" maxLength:"80"`
	Action   string    `query:"action" maxLength:"80" doc:"such as loan.draw, or loan.* for all that begin so"`
	Object   string    `query:"object" maxLength:"60"`
	ObjectID string    `query:"object_id" maxLength:"80"`
	From     time.Time `query:"from" doc:"from this instant on"`
	To       time.Time `query:"to" doc:"before this instant"`
}

func (c Config) auditRoutes(a *api.API) {
	const tag = "audit"
	need := api.Need(auth.PermAuditRead)
	api.Handle(a, api.Op{ID: "list-audit-records", Method: "GET", Path: "/api/v1/audit-records", Tag: tag, Zh: "审计日志", En: "The audit log", Policy: need},
		func(ctx context.Context, p auth.Principal, in *auditListInput) (*page[audit.Row], error) {
			at, err := api.DecodeCursor(in.Cursor, 1)
			if err != nil {
				return nil, err
			}
			rows, total, err := c.Audit.List(ctx, p.Scope(), audit.Filter{
				Actor: in.Actor, Action: in.Action, Object: in.Object, ObjectID: in.ObjectID, From: in.From, To: in.To, After: at[0], Limit: in.Limit,
			})
			if err != nil {
				return nil, err
			}
			return &page[audit.Row]{api.Cut(rows, in.Limit, total, func(r audit.Row) []string { return []string{r.ID} })}, nil
		})
	api.Handle(a, api.Op{ID: "get-audit-record", Method: "GET", Path: "/api/v1/audit-records/{id}", Tag: tag, Zh: "查看审计记录", En: "See an audit record", Policy: need},
		func(ctx context.Context, p auth.Principal, in *IDInput) (*struct{ Body audit.Row }, error) {
			r, err := c.Audit.Get(ctx, p.Scope(), in.ID)
			return &struct{ Body audit.Row }{r}, err
		})
	api.Handle(a, api.Op{ID: "verify-audit", Method: "GET", Path: "/api/v1/audit-verification", Tag: tag, Zh: "核对审计链", En: "Check the chain of the audit log", Policy: need},
		func(ctx context.Context, p auth.Principal, _ *struct{}) (*struct{ Body audit.Report }, error) {
			r, err := c.Audit.Verify(ctx, p.Scope(), p.InstitutionID)
			return &struct{ Body audit.Report }{r}, err
		})
}
