package model

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/job"
)

type idInput struct {
	ID string `path:"id" maxLength:"64"`
}

type listInput struct{ api.PageQuery }

// Summary is a model in a list.
type Summary struct {
	ID          string        `json:"id"`
	Name        string        `json:"name"`
	State       State         `json:"state" enum:"draft,validated,approved,active,retired"`
	AsOf        calendar.Date `json:"as_of"`
	Samples     int           `json:"samples"`
	Bads        int           `json:"bads"`
	AUC         *float64      `json:"auc" doc:"mean over the held-out folds"`
	AUCStd      *float64      `json:"auc_std"`
	KS          *float64      `json:"ks"`
	TrainedAt   time.Time     `json:"trained_at"`
	TrainedBy   string        `json:"trained_by"`
	ApprovedBy  string        `json:"approved_by,omitempty"`
	ActivatedAt *time.Time    `json:"activated_at,omitempty"`
}

func summary(m Model) Summary {
	s := Summary{ID: m.ID, Name: m.Name, State: m.State, AsOf: m.AsOf, Samples: m.Scorecard.Samples, Bads: m.Scorecard.Bads,
		TrainedAt: m.TrainedAt, TrainedBy: m.TrainedBy, ApprovedBy: m.ApprovedBy, ActivatedAt: m.ActivatedAt}
	if v := m.Validation; v != nil {
		s.AUC, s.AUCStd, s.KS = &v.AUC.Mean, &v.AUC.Std, &v.KS.Mean
	}
	return s
}

type (
	listOutput   struct{ Body api.Page[Summary] }
	detailOutput struct{ Body Detail }
	trainInputs  struct{ Body TrainInput }
	jobOutput    struct{ Body job.Job }
	modelOutput  struct{ Body Summary }
	scoreOutput  struct{ Body FirmScore }
)

type approveInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		Note string `json:"note" maxLength:"2000" doc:"what was checked"`
	}
}

type reportInput struct {
	ID   string `path:"id" maxLength:"64"`
	Lang string `query:"lang" maxLength:"5" doc:"zh or en; the caller's language when empty"`
}

type reportOutput struct {
	ContentType string `header:"Content-Type"`
	Policy      string `header:"Content-Security-Policy"`
	Body        []byte
}

type scoreInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		AsOf string `json:"as_of,omitempty" maxLength:"10" doc:"YYYY-MM-DD; the business date when empty"`
	}
}

// Routes registers the operations.
func Routes(a *api.API, s *Service) {
	modelRoutes(a, s)
	changeRoutes(a, s)
	api.Handle(a, api.Op{ID: "get-firm-score", Method: http.MethodGet, Path: "/api/v1/firms/{id}/score", Tag: "insight",
		Zh: "企业评分", En: "Score of a firm", Policy: api.Need(CanSee)},
		func(ctx context.Context, p auth.Principal, in *idInput) (*scoreOutput, error) {
			out, err := s.OfFirm(ctx, p, in.ID)
			return &scoreOutput{Body: out}, err
		})
	api.Handle(a, api.Op{ID: "score-firm", Method: http.MethodPost, Path: "/api/v1/firms/{id}/score", Tag: "insight",
		Zh: "刷新画像并评分", En: "Refresh the profile and score", Policy: api.Need(CanScore)},
		func(ctx context.Context, p auth.Principal, in *scoreInput) (*scoreOutput, error) {
			var day calendar.Date
			if in.Body.AsOf != "" {
				var err error
				if day, err = calendar.Parse(in.Body.AsOf); err != nil {
					return nil, fault.Field("as_of", "应为 YYYY-MM-DD 的有效日期", "must be a valid date YYYY-MM-DD").Wrap(err)
				}
			}
			out, err := s.ScoreNow(ctx, p, in.ID, day)
			return &scoreOutput{Body: out}, err
		})
}

func modelRoutes(a *api.API, s *Service) {
	api.Handle(a, api.Op{ID: "list-models", Method: http.MethodGet, Path: "/api/v1/models", Tag: "insight",
		Zh: "评分模型列表", En: "Scoring models", Policy: api.Need(CanRead)},
		func(ctx context.Context, p auth.Principal, in *listInput) (*listOutput, error) {
			return listPage(ctx, s, p, in)
		})
	api.Handle(a, api.Op{ID: "get-model", Method: http.MethodGet, Path: "/api/v1/models/{id}", Tag: "insight",
		Zh: "评分模型", En: "A scoring model", Policy: api.Need(CanRead)},
		func(ctx context.Context, p auth.Principal, in *idInput) (*detailOutput, error) {
			d, err := s.Get(ctx, p, in.ID)
			return &detailOutput{Body: d}, err
		})
	api.Handle(a, api.Op{ID: "get-model-report", Method: http.MethodGet, Path: "/api/v1/models/{id}/report", Tag: "insight",
		Zh: "验证报告（HTML）", En: "Validation report (HTML)", Policy: api.Need(CanRead)},
		func(ctx context.Context, p auth.Principal, in *reportInput) (*reportOutput, error) {
			d, err := s.Get(ctx, p, in.ID)
			if err != nil {
				return nil, err
			}
			lang := in.Lang
			if lang == "" {
				lang = api.Language(ctx)
			}
			text, err := Report(d, lang)
			return &reportOutput{ContentType: "text/html; charset=utf-8", Policy: reportPolicy, Body: text}, err
		})
	api.Handle(a, api.Op{ID: "train-model", Method: http.MethodPost, Path: "/api/v1/models/train", Tag: "insight", Status: http.StatusAccepted,
		Zh: "训练并验证评分模型（后台任务）", En: "Train and validate a scoring model (job)", Policy: api.Need(CanTrain)},
		func(ctx context.Context, p auth.Principal, in *trainInputs) (*jobOutput, error) {
			j, err := s.Enqueue(ctx, p, in.Body)
			return &jobOutput{Body: j}, err
		})
}

func changeRoutes(a *api.API, s *Service) {
	api.Handle(a, api.Op{ID: "approve-model", Method: http.MethodPost, Path: "/api/v1/models/{id}/approve", Tag: "insight",
		Zh: "批准评分模型", En: "Approve a scoring model", Policy: api.Need(CanApprove)},
		func(ctx context.Context, p auth.Principal, in *approveInput) (*modelOutput, error) {
			m, err := s.Approve(ctx, p, in.ID, in.Body.Note)
			return changed(m, err)
		})
	for _, op := range []struct {
		verb, zh, en string
		run          func(context.Context, auth.Principal, string) (Model, error)
	}{
		{"activate", "启用评分模型", "Activate a scoring model", s.Activate},
		{"retire", "退役评分模型", "Retire a scoring model", s.Retire},
	} {
		api.Handle(a, api.Op{ID: op.verb + "-model", Method: http.MethodPost, Path: "/api/v1/models/{id}/" + op.verb, Tag: "insight",
			Zh: op.zh, En: op.en, Policy: api.Need(CanApprove)},
			func(ctx context.Context, p auth.Principal, in *idInput) (*modelOutput, error) {
				m, err := op.run(ctx, p, in.ID)
				return changed(m, err)
			})
	}
}

func changed(m Model, err error) (*modelOutput, error) {
	if err != nil {
		return nil, err
	}
	return &modelOutput{Body: summary(m)}, nil
}

func listPage(ctx context.Context, s *Service, p auth.Principal, in *listInput) (*listOutput, error) {
	parts, err := api.DecodeCursor(in.Cursor, 2)
	if err != nil {
		return nil, err
	}
	var after time.Time
	if parts[0] != "" {
		micros, err := strconv.ParseInt(parts[0], 10, 64)
		if err != nil {
			return nil, fault.Field("cursor", "不是本列表给出的游标", "is not a cursor given by this list").Wrap(err)
		}
		after = db.Time(micros)
	}
	models, total, err := s.List(ctx, p, after, parts[1], in.Limit+1)
	if err != nil {
		return nil, err
	}
	out := &listOutput{}
	out.Body.Items, out.Body.Total = []Summary{}, total
	if len(models) > in.Limit {
		models = models[:in.Limit]
		last := models[in.Limit-1]
		out.Body.NextCursor = api.EncodeCursor(strconv.FormatInt(db.Micros(last.TrainedAt), 10), last.ID)
	}
	for _, m := range models {
		out.Body.Items = append(out.Body.Items, summary(m))
	}
	return out, nil
}
