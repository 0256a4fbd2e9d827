package operate

import (
	"context"

	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/event"
)

type listEventsInput struct {
	api.PageQuery
	Aggregate   string `query:"aggregate" maxLength:"100" doc:"kind of object: loan"`
	AggregateID string `query:"aggregate_id" maxLength:"100"`
	Type        string `query:"type" maxLength:"100" doc:"loan.disbursed"`
}

type listEventsOutput struct{ Body api.Page[event.Stored] }

type listDeadInput struct {
	api.PageQuery
	Consumer string `query:"consumer" maxLength:"100"`
}

type listDeadOutput struct{ Body api.Page[event.DeadLetter] }

type deadInput struct {
	ID string `path:"id" maxLength:"100"`
}

type discardInput struct {
	ID   string `path:"id" maxLength:"100"`
	Body struct {
		Reason string `json:"reason" minLength:"1" maxLength:"1000" doc:"why it may be dropped; kept in the audit record"`
	}
}

type consumersOutput struct {
	Body struct {
		Items []event.Status `json:"items" nullable:"false"`
	}
}

type replayInput struct {
	Name string `path:"name" maxLength:"100"`
	Body struct {
		FromPosition int64 `json:"from_position" minimum:"1"`
	}
}

type replayOutput struct {
	Body struct {
		Events int64 `json:"events" doc:"how many will be handled again"`
	}
}

// Routes registers the operations on events, dead letters and consumers.
func Routes(a *api.API, r *Service) {
	op := func(id, method, path, permission, zh, en string) api.Op {
		return api.Op{ID: id, Method: method, Path: path, Tag: "events", Zh: zh, En: en, Policy: api.Need(permission)}
	}
	api.Handle(a, op("list-events", "GET", "/api/v1/events", PermissionRead, "业务事件", "List events"),
		func(ctx context.Context, p auth.Principal, in *listEventsInput) (*listEventsOutput, error) {
			page, err := r.Events(ctx, p, event.Filter{Aggregate: in.Aggregate, AggregateID: in.AggregateID, Type: in.Type, Limit: in.Limit}, in.Cursor)
			return &listEventsOutput{Body: page}, err
		})
	api.Handle(a, op("list-dead-letters", "GET", "/api/v1/dead-letters", PermissionRead, "死信列表", "List dead letters"),
		func(ctx context.Context, p auth.Principal, in *listDeadInput) (*listDeadOutput, error) {
			page, err := r.DeadLetters(ctx, p, in.Consumer, in.Cursor, in.Limit)
			return &listDeadOutput{Body: page}, err
		})
	api.Handle(a, op("requeue-dead-letter", "POST", "/api/v1/dead-letters/{id}/requeue", PermissionOperate, "重新投递死信", "Requeue a dead letter"),
		func(ctx context.Context, p auth.Principal, in *deadInput) (*struct{}, error) {
			return &struct{}{}, r.Requeue(ctx, p, in.ID)
		})
	api.Handle(a, op("discard-dead-letter", "POST", "/api/v1/dead-letters/{id}/discard", PermissionOperate, "丢弃死信", "Discard a dead letter"),
		func(ctx context.Context, p auth.Principal, in *discardInput) (*struct{}, error) {
			return &struct{}{}, r.Discard(ctx, p, in.ID, in.Body.Reason)
		})
	api.Handle(a, op("list-consumers", "GET", "/api/v1/consumers", PermissionRead, "事件消费者状态", "State of the event consumers"),
		func(ctx context.Context, p auth.Principal, _ *struct{}) (*consumersOutput, error) {
			items, err := r.Consumers(ctx, p)
			out := &consumersOutput{}
			out.Body.Items = items
			return out, err
		})
	api.Handle(a, op("replay-consumer", "POST", "/api/v1/consumers/{name}/replay", PermissionOperate, "为本机构重放事件", "Replay this institution's events to a consumer"),
		func(ctx context.Context, p auth.Principal, in *replayInput) (*replayOutput, error) {
			n, err := r.Replay(ctx, p, in.Name, in.Body.FromPosition)
			out := &replayOutput{}
			out.Body.Events = n
			return out, err
		})
}
