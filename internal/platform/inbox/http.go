package inbox

import (
	"context"

	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
)

type listTasksInput struct {
	api.PageQuery
	View     string `query:"view" enum:"mine,queue,all,branch" default:"all" doc:"mine: assigned to me; queue: open to my roles; all: both; branch: everything of my subtree"`
	State    string `query:"state" enum:"open,claimed,done" doc:"default: what is not done"`
	Kind     string `query:"kind" maxLength:"100"`
	Object   string `query:"object" maxLength:"100"`
	ObjectID string `query:"object_id" maxLength:"100"`
	Overdue  bool   `query:"overdue" doc:"only what is past due"`
}

type taskPage struct {
	api.Page[Task]
	Overdue int64 `json:"overdue" doc:"past due, of all that match"`
}

type listTasksOutput struct{ Body taskPage }

type taskInput struct {
	ID string `path:"id" maxLength:"60"`
}

type taskOutput struct{ Body Task }

type completeInput struct {
	ID   string `path:"id" maxLength:"60"`
	Body struct {
		Outcome string `json:"outcome" minLength:"1" maxLength:"100" doc:"what was decided"`
		Note    string `json:"note,omitempty" maxLength:"4000"`
	}
}

type reassignInput struct {
	ID   string `path:"id" maxLength:"60"`
	Body struct {
		UserID string `json:"user_id" minLength:"1" maxLength:"60"`
	}
}

type listNotificationsInput struct {
	api.PageQuery
	Unread bool `query:"unread" doc:"only unread ones"`
}

type notificationPage struct {
	api.Page[Notification]
	Unread int64 `json:"unread"`
}

type listNotificationsOutput struct{ Body notificationPage }

type readAllOutput struct {
	Body struct {
		Read int64 `json:"read" doc:"how many were unread"`
	}
}

// Routes registers the inbox's operations.
func Routes(a *api.API, s *Service) {
	op := func(id, method, path, zh, en string) api.Op {
		return api.Op{ID: id, Method: method, Path: path, Tag: "inbox", Zh: zh, En: en, Policy: api.Session()}
	}
	api.Handle(a, op("list-tasks", "GET", "/api/v1/tasks", "工作队列", "Work queue"), func(ctx context.Context, p auth.Principal, in *listTasksInput) (*listTasksOutput, error) {
		got, err := s.Tasks(ctx, p, Filter{View: in.View, State: State(in.State), Kind: in.Kind, Object: in.Object, ObjectID: in.ObjectID, Overdue: in.Overdue, Cursor: in.Cursor, Limit: in.Limit})
		if err != nil {
			return nil, err
		}
		return &listTasksOutput{Body: taskPage{api.Page[Task]{Items: got.Items, NextCursor: got.NextCursor, Total: got.Total}, got.Overdue}}, nil
	})
	one := func(fn func(context.Context, auth.Principal, string) (Task, error)) func(context.Context, auth.Principal, *taskInput) (*taskOutput, error) {
		return func(ctx context.Context, p auth.Principal, in *taskInput) (*taskOutput, error) {
			t, err := fn(ctx, p, in.ID)
			return &taskOutput{Body: t}, err
		}
	}
	api.Handle(a, op("get-task", "GET", "/api/v1/tasks/{id}", "查看任务", "Get a task"), one(s.Task))
	api.Handle(a, op("claim-task", "POST", "/api/v1/tasks/{id}/claim", "领取任务", "Claim a task"), one(s.Claim))
	api.Handle(a, op("release-task", "POST", "/api/v1/tasks/{id}/release", "退回任务", "Release a task"), one(s.Release))
	api.Handle(a, op("complete-task", "POST", "/api/v1/tasks/{id}/complete", "办结任务", "Complete a task"), func(ctx context.Context, p auth.Principal, in *completeInput) (*taskOutput, error) {
		t, err := s.Complete(ctx, p, in.ID, in.Body.Outcome, in.Body.Note)
		return &taskOutput{Body: t}, err
	})
	reassign := op("reassign-task", "POST", "/api/v1/tasks/{id}/reassign", "改派任务", "Reassign a task")
	reassign.Policy = api.Need(PermissionReassign)
	api.Handle(a, reassign, func(ctx context.Context, p auth.Principal, in *reassignInput) (*taskOutput, error) {
		t, err := s.Reassign(ctx, p, in.ID, in.Body.UserID)
		return &taskOutput{Body: t}, err
	})
	notificationRoutes(a, s, op)
}

func notificationRoutes(a *api.API, s *Service, op func(id, method, path, zh, en string) api.Op) {
	api.Handle(a, op("list-notifications", "GET", "/api/v1/notifications", "通知", "Notifications"), func(ctx context.Context, p auth.Principal, in *listNotificationsInput) (*listNotificationsOutput, error) {
		after, err := api.DecodeCursor(in.Cursor, 1)
		if err != nil {
			return nil, err
		}
		got, err := s.Notifications(ctx, p, in.Unread, after[0], in.Limit)
		if err != nil {
			return nil, err
		}
		page := api.Page[Notification]{Items: got.Items, Total: got.Total}
		if len(got.Items) == in.Limit {
			page.NextCursor = api.EncodeCursor(got.Items[len(got.Items)-1].ID)
		}
		return &listNotificationsOutput{Body: notificationPage{page, got.Unread}}, nil
	})
	read := op("read-notification", "POST", "/api/v1/notifications/{id}/read", "标记已读", "Mark a notification read")
	read.NoIdempotency = true // reading twice changes nothing
	api.Handle(a, read, func(ctx context.Context, p auth.Principal, in *taskInput) (*struct{}, error) {
		return &struct{}{}, s.Read(ctx, p, in.ID)
	})
	all := op("read-all-notifications", "POST", "/api/v1/notifications/read-all", "全部标记已读", "Mark all notifications read")
	all.NoIdempotency = true
	api.Handle(a, all, func(ctx context.Context, p auth.Principal, _ *struct{}) (*readAllOutput, error) {
		n, err := s.ReadAll(ctx, p)
		out := &readAllOutput{}
		out.Body.Read = n
		return out, err
	})
}
