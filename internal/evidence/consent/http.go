package consent

import (
	"context"
	"net/http"

	"github.com/capillary-finance/capillary/internal/evidence/party"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
)

var (
	permissionRead = auth.DeclarePermission("consent.read", "查看授权与读取记录", "See consents and who read what", auth.RoleRelationshipManager, auth.RoleApprover,
		auth.RoleOperations, auth.RoleRisk, auth.RoleCompliance, auth.RoleIntegrator)
	permissionWrite = auth.DeclarePermission("consent.write", "登记与撤回授权", "Record and withdraw consents", auth.RoleRelationshipManager, auth.RoleOperations, auth.RoleCompliance, auth.RoleIntegrator)
)

type firmInput struct {
	ID string `path:"id" maxLength:"60"`
}

// List is every consent of a firm, newest first.
type List struct {
	Items []Consent `json:"items" nullable:"false"`
}

type listOutput struct{ Body List }

type grantInput struct {
	ID   string `path:"id" maxLength:"60"`
	Body Draft
}

type consentOutput struct{ Body Consent }

type withdrawInput struct {
	ID      string `path:"id" maxLength:"60"`
	Consent string `path:"consent" maxLength:"60"`
	Body    Withdrawal
}

// Withdrawal says why a consent ends.
type Withdrawal struct {
	Reason string `json:"reason" minLength:"1" maxLength:"500"`
}

type readsInput struct {
	ID string `path:"id" maxLength:"60"`
	api.PageQuery
}

type readsOutput struct{ Body api.Page[ReadRecord] }

// Routes registers the operations on consents.
func Routes(a *api.API) {
	read, write := api.Need(permissionRead), api.Need(permissionWrite)
	api.Handle(a, api.Op{ID: "list-consents", Method: http.MethodGet, Path: "/api/v1/firms/{id}/consents", Tag: "consents", Zh: "授权列表", En: "Consents of a firm", Policy: read},
		func(ctx context.Context, p auth.Principal, in *firmInput) (*listOutput, error) {
			out := &listOutput{}
			err := a.DB.View(ctx, p.Scope(), func(tx *db.Tx) error {
				if _, err := party.Visible(ctx, tx, p, in.ID); err != nil {
					return err
				}
				items, err := ByFirm(ctx, tx, in.ID)
				out.Body.Items = items
				return err
			})
			return out, err
		})
	api.Handle(a, api.Op{ID: "grant-consent", Method: http.MethodPost, Path: "/api/v1/firms/{id}/consents", Tag: "consents", Zh: "登记授权", En: "Record a consent", Policy: write, Status: http.StatusCreated},
		func(ctx context.Context, p auth.Principal, in *grantInput) (*consentOutput, error) {
			out := &consentOutput{}
			err := a.DB.Update(ctx, p.Scope(), func(tx *db.Tx) error {
				if _, err := party.Visible(ctx, tx, p, in.ID); err != nil {
					return err
				}
				c, err := Grant(ctx, tx, in.ID, in.Body)
				out.Body = c
				return err
			})
			return out, err
		})
	api.Handle(a, api.Op{ID: "withdraw-consent", Method: http.MethodPost, Path: "/api/v1/firms/{id}/consents/{consent}/withdraw", Tag: "consents", Zh: "撤回授权", En: "Withdraw a consent", Policy: write},
		func(ctx context.Context, p auth.Principal, in *withdrawInput) (*struct{}, error) {
			return nil, a.DB.Update(ctx, p.Scope(), func(tx *db.Tx) error {
				if _, err := party.Visible(ctx, tx, p, in.ID); err != nil {
					return err
				}
				return Withdraw(ctx, tx, in.ID, in.Consent, in.Body.Reason)
			})
		})
	api.Handle(a, api.Op{ID: "list-consent-reads", Method: http.MethodGet, Path: "/api/v1/firms/{id}/reads", Tag: "consents", Zh: "谁读取过数据", En: "Who read a firm's evidence", Policy: read},
		func(ctx context.Context, p auth.Principal, in *readsInput) (*readsOutput, error) {
			out := &readsOutput{}
			key, err := api.DecodeCursor(in.Cursor, 1)
			if err != nil {
				return nil, err
			}
			err = a.DB.View(ctx, p.Scope(), func(tx *db.Tx) error {
				if _, err := party.Visible(ctx, tx, p, in.ID); err != nil {
					return err
				}
				items, total, err := Reads(ctx, tx, in.ID, key[0], in.Limit+1)
				out.Body.Total, out.Body.Items = total, items
				if len(items) > in.Limit {
					out.Body.Items = items[:in.Limit]
					out.Body.NextCursor = api.EncodeCursor(items[in.Limit-1].ID)
				}
				return err
			})
			return out, err
		})
}
