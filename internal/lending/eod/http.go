package eod

import (
	"context"
	"net/http"

	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/job"
)

type startInput struct {
	Body struct {
		To string `json:"to,omitempty" format:"date" doc:"end days until this is the business date; empty ends one day"`
	}
}

type startOutput struct{ Body job.Job }

type statusOutput struct{ Body Status }

type eodDayInput struct {
	ClosingDate string `query:"closing_date" format:"date" required:"true" doc:"the business date that was closed"`
}

type eodPartsOutput struct {
	Body struct {
		Items []Part `json:"items"`
	}
}

type eodFailuresInput struct {
	api.PageQuery
	ClosingDate string `query:"closing_date" format:"date" doc:"failures of this day; empty: of every day"`
	Open        bool   `query:"open" doc:"only those that wait"`
}

type eodFailuresOutput struct{ Body api.Page[Failure] }

type eodRetryInput struct {
	Body struct {
		ClosingDate string   `json:"closing_date" format:"date"`
		LoanIDs     []string `json:"loan_ids,omitempty" maxItems:"200" doc:"empty: up to 200 that wait"`
	}
}

type eodRetryOutput struct{ Body Retried }

type eodCompleteInput struct {
	Body struct {
		ClosingDate string `json:"closing_date" format:"date"`
		Note        string `json:"note" minLength:"1" maxLength:"400" doc:"why the day is completed although loans have failed"`
	}
}

type eodRunOutput struct{ Body Run }

type eodSettingsOutput struct {
	Body struct {
		Settings
		Known []StepInfo `json:"known" doc:"every step that a plan may hold"`
	}
}

type eodConfigureInput struct {
	Body struct {
		Steps   Plan   `json:"steps" maxItems:"50"`
		RunAt   string `json:"run_at" maxLength:"5"`
		Helpers int    `json:"helpers" minimum:"0" maximum:"16"`
		Version int64  `json:"version"`
	}
}

type eodConfigureOutput struct{ Body Settings }

type eodSharesInput struct {
	api.PageQuery
	SumID string `query:"sum_id" required:"true" maxLength:"80" doc:"object id of a journal entry whose object is loan_sum"`
}

type eodSharesOutput struct{ Body api.Page[loan.Share] }

// Routes registers the operations of the end of day.
func Routes(a *api.API, s *Service) {
	api.Handle(a, api.Op{ID: "run-eod", Method: http.MethodPost, Path: "/api/v1/eod", Tag: "lending", Status: http.StatusAccepted,
		Zh: "日终处理", En: "End the business day", Policy: api.Need(PermissionRun)},
		func(ctx context.Context, p auth.Principal, in *startInput) (*startOutput, error) {
			to, err := api.Date("to", in.Body.To)
			if err != nil {
				return nil, err
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
	api.Handle(a, api.Op{ID: "list-eod-parts", Method: http.MethodGet, Path: "/api/v1/eod/parts", Tag: "lending",
		Zh: "日终分段进度", En: "Progress of the parts of a day", Policy: api.Need(loan.PermissionRead)},
		func(ctx context.Context, p auth.Principal, in *eodDayInput) (out *eodPartsOutput, err error) {
			out = &eodPartsOutput{}
			on, err := api.Date("closing_date", in.ClosingDate)
			if err == nil {
				out.Body.Items, err = s.Parts(ctx, p, on)
			}
			return out, err
		})
	api.Handle(a, api.Op{ID: "resume-eod", Method: http.MethodPost, Path: "/api/v1/eod/resume", Tag: "lending", Status: http.StatusAccepted,
		Zh: "继续未完成的日终", En: "Go on with an unfinished day", Policy: api.Need(PermissionRun)},
		func(ctx context.Context, p auth.Principal, _ *struct{}) (*startOutput, error) {
			j, err := s.Resume(ctx, p)
			return &startOutput{Body: j}, err
		})
	failureRoutes(a, s)
	api.Handle(a, api.Op{ID: "get-eod-settings", Method: http.MethodGet, Path: "/api/v1/eod/settings", Tag: "lending",
		Zh: "日终设置", En: "Settings of the end of day", Policy: api.Need(loan.PermissionRead)},
		func(ctx context.Context, p auth.Principal, _ *struct{}) (out *eodSettingsOutput, err error) {
			out = &eodSettingsOutput{}
			out.Body.Settings, out.Body.Known, err = s.Settings(ctx, p)
			return out, err
		})
	api.Handle(a, api.Op{ID: "put-eod-settings", Method: http.MethodPut, Path: "/api/v1/eod/settings", Tag: "lending",
		Zh: "修改日终设置", En: "Change the settings of the end of day", Policy: api.Need(PermissionConfigure)},
		func(ctx context.Context, p auth.Principal, in *eodConfigureInput) (*eodConfigureOutput, error) {
			out, err := s.Configure(ctx, p, Settings{Steps: in.Body.Steps, RunAt: in.Body.RunAt, Helpers: in.Body.Helpers, Version: in.Body.Version})
			return &eodConfigureOutput{Body: out}, err
		})
	api.Handle(a, api.Op{ID: "list-sum-shares", Method: http.MethodGet, Path: "/api/v1/loan-sums/shares", Tag: "ledger",
		Zh: "汇总分录的贷款明细", En: "The loans behind an entry of summed interest", Policy: api.Need(loan.PermissionRead)},
		func(ctx context.Context, p auth.Principal, in *eodSharesInput) (*eodSharesOutput, error) {
			page, err := s.Shares(ctx, p, in.SumID, in.Limit, in.Cursor)
			return &eodSharesOutput{Body: page}, err
		})
}

func failureRoutes(a *api.API, s *Service) {
	api.Handle(a, api.Op{ID: "list-eod-failures", Method: http.MethodGet, Path: "/api/v1/eod/failures", Tag: "lending",
		Zh: "日终失败贷款", En: "Loans that the end of day could not work", Policy: api.Need(loan.PermissionRead)},
		func(ctx context.Context, p auth.Principal, in *eodFailuresInput) (*eodFailuresOutput, error) {
			f := FailureFilter{Open: in.Open, Limit: in.Limit, Cursor: in.Cursor}
			var err error
			if f.ClosingDate, err = api.Date("closing_date", in.ClosingDate); err != nil {
				return nil, err
			}
			page, err := s.Failures(ctx, p, f)
			return &eodFailuresOutput{Body: page}, err
		})
	api.Handle(a, api.Op{ID: "retry-eod-failures", Method: http.MethodPost, Path: "/api/v1/eod/failures/retry", Tag: "lending",
		Zh: "重试失败贷款", En: "Work failed loans again", Policy: api.Need(PermissionRun)},
		func(ctx context.Context, p auth.Principal, in *eodRetryInput) (*eodRetryOutput, error) {
			on, err := api.Date("closing_date", in.Body.ClosingDate)
			if err != nil {
				return nil, err
			}
			out, err := s.Retry(ctx, p, on, in.Body.LoanIDs)
			return &eodRetryOutput{Body: out}, err
		})
	api.Handle(a, api.Op{ID: "complete-eod", Method: http.MethodPost, Path: "/api/v1/eod/complete", Tag: "lending",
		Zh: "带失败贷款完成日终", En: "Complete a day although loans have failed", Policy: api.Need(PermissionComplete)},
		func(ctx context.Context, p auth.Principal, in *eodCompleteInput) (*eodRunOutput, error) {
			on, err := api.Date("closing_date", in.Body.ClosingDate)
			if err != nil {
				return nil, err
			}
			r, err := s.Complete(ctx, p, on, in.Body.Note)
			return &eodRunOutput{Body: r}, err
		})
}
