package eod

import (
	"context"
	"net/http"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/job"
)

type startInput struct {
	Body struct {
		To string `json:"to,omitempty" format:"date" doc:"end days until this is the business date; empty ends one day"`
	}
}

type startOutput struct{ Body job.Job }

type statusOutput struct{ Body Status }

// Routes registers the operations of the end of day.
func Routes(a *api.API, s *Service) {
	api.Handle(a, api.Op{ID: "run-eod", Method: http.MethodPost, Path: "/api/v1/eod", Tag: "lending", Status: http.StatusAccepted,
		Zh: "日终处理", En: "End the business day", Policy: api.Need(PermissionRun)},
		func(ctx context.Context, p auth.Principal, in *startInput) (*startOutput, error) {
			var to calendar.Date
			if in.Body.To != "" {
				var err error
				if to, err = calendar.Parse(in.Body.To); err != nil {
					return nil, fault.Field("to", "不是 YYYY-MM-DD 形式的日期", "is not a date of the form YYYY-MM-DD").Wrap(err)
				}
			}
			j, err := s.Start(ctx, p, to)
			return &startOutput{Body: j}, err
		})
	api.Handle(a, api.Op{ID: "get-eod", Method: http.MethodGet, Path: "/api/v1/eod", Tag: "lending",
		Zh: "日终状态", En: "Where the business days stand", Policy: api.Need(loan.PermissionRead)},
		func(ctx context.Context, p auth.Principal, _ *struct{}) (*statusOutput, error) {
			st, err := s.Status(ctx, p)
			return &statusOutput{Body: st}, err
		})
}
