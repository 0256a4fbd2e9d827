package journal

import (
	"context"
	"net/http"

	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
)

type accountsOutput struct {
	Body struct {
		Items []Account `json:"items"`
	}
}

type entriesInput struct {
	api.PageQuery
	Object   string `query:"object" maxLength:"40" doc:"kind of business object, e.g. loan"`
	ObjectID string `query:"object_id" maxLength:"80"`
	Account  string `query:"account" maxLength:"20" doc:"entries that touch this account"`
	Sub      string `query:"sub" maxLength:"80" doc:"with account: entries that touch this sub-account"`
	Branch   string `query:"branch" maxLength:"80"`
	Product  string `query:"product" maxLength:"80"`
	From     string `query:"from" format:"date" doc:"first entry date"`
	Until    string `query:"until" format:"date" doc:"last entry date"`
}

type entriesOutput struct{ Body api.Page[Entry] }

type entryInput struct {
	ID string `path:"id" maxLength:"80"`
}

type entryOutput struct{ Body Entry }

type trialInput struct {
	AsOf string `query:"as_of" format:"date" doc:"end of this entry date; empty: everything posted"`
}

type trialOutput struct{ Body TrialBalance }

// Routes registers the journal's operations.
func Routes(a *api.API, s *Service) {
	api.Handle(a, api.Op{ID: "list-accounts", Method: http.MethodGet, Path: "/api/v1/accounts", Tag: "ledger",
		Zh: "会计科目表", En: "Chart of accounts", Policy: api.Need(PermissionRead)},
		func(ctx context.Context, p auth.Principal, _ *struct{}) (*accountsOutput, error) {
			out := &accountsOutput{}
			var err error
			out.Body.Items, err = s.Accounts(ctx, p)
			return out, err
		})
	api.Handle(a, api.Op{ID: "list-journal-entries", Method: http.MethodGet, Path: "/api/v1/journal-entries", Tag: "ledger",
		Zh: "查询会计分录", En: "List journal entries", Policy: api.Need(PermissionRead)},
		func(ctx context.Context, p auth.Principal, in *entriesInput) (*entriesOutput, error) {
			f := EntryFilter{Object: in.Object, ObjectID: in.ObjectID, Account: in.Account, Sub: in.Sub, Branch: in.Branch, Product: in.Product, Limit: in.Limit, Cursor: in.Cursor}
			var err error
			if f.From, err = api.Date("from", in.From); err != nil {
				return nil, err
			}
			if f.Until, err = api.Date("until", in.Until); err != nil {
				return nil, err
			}
			page, err := s.Entries(ctx, p, f)
			return &entriesOutput{Body: page}, err
		})
	api.Handle(a, api.Op{ID: "get-journal-entry", Method: http.MethodGet, Path: "/api/v1/journal-entries/{id}", Tag: "ledger",
		Zh: "查看一笔分录", En: "One journal entry", Policy: api.Need(PermissionRead)},
		func(ctx context.Context, p auth.Principal, in *entryInput) (*entryOutput, error) {
			e, err := s.Entry(ctx, p, in.ID)
			return &entryOutput{Body: e}, err
		})
	api.Handle(a, api.Op{ID: "get-trial-balance", Method: http.MethodGet, Path: "/api/v1/trial-balance", Tag: "ledger",
		Zh: "试算平衡表", En: "Trial balance", Policy: api.Need(PermissionRead)},
		func(ctx context.Context, p auth.Principal, in *trialInput) (*trialOutput, error) {
			asOf, err := api.Date("as_of", in.AsOf)
			if err != nil {
				return nil, err
			}
			t, err := s.TrialBalance(ctx, p, asOf)
			return &trialOutput{Body: t}, err
		})
}
