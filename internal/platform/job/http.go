package job

import (
	"context"

	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
)

type listInput struct {
	api.PageQuery
	State    string `query:"state" enum:"queued,running,cancelling,cancelled,failed,completed"`
	Kind     string `query:"kind" maxLength:"100"`
	Object   string `query:"object" maxLength:"100"`
	ObjectID string `query:"object_id" maxLength:"100"`
	Mine     bool   `query:"mine" doc:"only the jobs I asked for"`
}

type listOutput struct{ Body api.Page[Job] }

type jobInput struct {
	ID string `path:"id" maxLength:"60"`
}

type jobOutput struct{ Body Job }

// Routes registers the job operations. Progress is read by asking again: a job says in rate and
// eta_seconds how far it will be.
func Routes(a *api.API, x *Runner) {
	op := func(id, method, path, zh, en string) api.Op {
		return api.Op{ID: id, Method: method, Path: path, Tag: "jobs", Zh: zh, En: en, Policy: api.Session()}
	}
	api.Handle(a, op("list-jobs", "GET", "/api/v1/jobs", "后台任务列表", "List jobs"), func(ctx context.Context, p auth.Principal, in *listInput) (*listOutput, error) {
		after, err := api.DecodeCursor(in.Cursor, 1)
		if err != nil {
			return nil, err
		}
		jobs, total, err := x.List(ctx, p, Filter{State: in.State, Kind: in.Kind, Object: in.Object, ObjectID: in.ObjectID, Mine: in.Mine, After: after[0], Limit: in.Limit})
		if err != nil {
			return nil, err
		}
		page := api.Page[Job]{Items: jobs, Total: total}
		if len(jobs) == in.Limit {
			page.NextCursor = api.EncodeCursor(jobs[len(jobs)-1].ID)
		}
		return &listOutput{Body: page}, nil
	})
	one := func(fn func(context.Context, auth.Principal, string) (Job, error)) func(context.Context, auth.Principal, *jobInput) (*jobOutput, error) {
		return func(ctx context.Context, p auth.Principal, in *jobInput) (*jobOutput, error) {
			j, err := fn(ctx, p, in.ID)
			return &jobOutput{Body: j}, err
		}
	}
	api.Handle(a, op("get-job", "GET", "/api/v1/jobs/{id}", "查看任务进度", "Get a job"), one(x.Get))
	api.Handle(a, op("cancel-job", "POST", "/api/v1/jobs/{id}/cancel", "取消任务", "Cancel a job"), one(x.Cancel))
	api.Handle(a, op("resume-job", "POST", "/api/v1/jobs/{id}/resume", "从断点继续任务", "Resume a job from its checkpoint"), one(x.Resume))
}
