package proposal

import (
	"context"
	"encoding/json"

	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
)

type one struct {
	api.Tagged
	Body Proposal
}

func answer(p Proposal, err error) (*one, error) {
	if err != nil {
		return nil, err
	}
	return &one{Tagged: api.Tagged{ETag: api.ETag(p.Version)}, Body: p}, nil
}

type listInput struct {
	api.PageQuery
	State    string `query:"state" enum:"pending,approved,rejected,cancelled,expired"`
	Kind     string `query:"kind" maxLength:"60"`
	Object   string `query:"object" maxLength:"60"`
	ObjectID string `query:"object_id" maxLength:"80"`
}

// IDInput is embedded in inputs; embedded fields are read only when exported.
type IDInput struct {
	ID string `path:"id" maxLength:"60"`
}

type decisionInput struct {
	IDInput
	Body struct {
		BodyHash string `json:"body_hash" minLength:"64" maxLength:"64" doc:"the body_hash of the proposal as you saw it"`
		Note     string `json:"note,omitempty" maxLength:"1000"`
	}
}

func (d decisionInput) decision() Decision {
	return Decision{ID: d.ID, BodyHash: d.Body.BodyHash, Note: d.Body.Note}
}

type proposeInput struct {
	Body struct {
		Kind string          `json:"kind" maxLength:"60"`
		Body json.RawMessage `json:"body" doc:"what the kind asks for"`
		Note string          `json:"note,omitempty" maxLength:"1000" doc:"why"`
	}
}

type kindRow struct {
	Name       string `json:"name"`
	Zh         string `json:"zh"`
	En         string `json:"en"`
	CanPropose bool   `json:"can_propose"`
	CanReview  bool   `json:"can_review"`
}

// Routes registers the operations. Any signed-in caller may call them: which proposals he sees and
// decides is a matter of each kind's permissions.
func Routes(a *api.API, s *Service) {
	op := func(id, method, path, zh, en string) api.Op {
		return api.Op{ID: id, Method: method, Path: "/api/v1/proposals" + path, Tag: "proposals", Zh: zh, En: en, Policy: api.Session()}
	}
	api.Handle(a, op("list-proposals", "GET", "", "待复核与已复核的变更", "Changes proposed and decided"), func(ctx context.Context, p auth.Principal, in *listInput) (*struct{ Body api.Page[Proposal] }, error) {
		at, err := api.DecodeCursor(in.Cursor, 1)
		if err != nil {
			return nil, err
		}
		rows, total, err := s.List(ctx, p, Filter{State: in.State, Kind: in.Kind, Object: in.Object, ObjectID: in.ObjectID, After: at[0], Limit: in.Limit})
		if err != nil {
			return nil, err
		}
		return &struct{ Body api.Page[Proposal] }{api.Cut(rows, in.Limit, total, func(p Proposal) []string { return []string{p.ID} })}, nil
	})
	api.Handle(a, api.Op{ID: "list-proposal-kinds", Method: "GET", Path: "/api/v1/proposal-kinds", Tag: "proposals", Zh: "须复核的变更种类", En: "Kinds of change that need a second person", Policy: api.Session()},
		func(_ context.Context, p auth.Principal, _ *struct{}) (*struct {
			Body struct {
				Items []kindRow `json:"items"`
			}
		}, error) {
			out := &struct {
				Body struct {
					Items []kindRow `json:"items"`
				}
			}{}
			for _, k := range s.Kinds() {
				out.Body.Items = append(out.Body.Items, kindRow{k.Name, k.Zh, k.En, p.Can(k.Propose), p.Can(k.Review)})
			}
			return out, nil
		})
	api.Handle(a, op("get-proposal", "GET", "/{id}", "查看变更", "See a proposal"), func(ctx context.Context, p auth.Principal, in *IDInput) (*one, error) {
		return answer(s.Get(ctx, p, in.ID))
	})
	create := op("create-proposal", "POST", "", "提出变更", "Propose a change")
	create.Status = 201
	api.Handle(a, create, func(ctx context.Context, p auth.Principal, in *proposeInput) (*one, error) {
		var out Proposal
		err := s.db.Update(ctx, p.Scope(), func(tx *db.Tx) (err error) {
			out, err = s.Propose(ctx, tx, p, in.Body.Kind, in.Body.Body, in.Body.Note)
			return err
		})
		return answer(out, err)
	})
	api.Handle(a, op("approve-proposal", "POST", "/{id}/approve", "批准变更", "Approve a proposal"), func(ctx context.Context, p auth.Principal, in *decisionInput) (*one, error) {
		return answer(s.Approve(ctx, p, in.decision()))
	})
	api.Handle(a, op("reject-proposal", "POST", "/{id}/reject", "拒绝变更", "Reject a proposal"), func(ctx context.Context, p auth.Principal, in *decisionInput) (*one, error) {
		return answer(s.Reject(ctx, p, in.decision()))
	})
	api.Handle(a, op("cancel-proposal", "POST", "/{id}/cancel", "撤回变更", "Withdraw a proposal"), func(ctx context.Context, p auth.Principal, in *IDInput) (*one, error) {
		return answer(s.Cancel(ctx, p, in.ID))
	})
}
