package profile

import (
	"context"
	"net/http"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/insight/feature"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

type definitionsOutput struct {
	Body struct {
		Version     string               `json:"version"`
		Definitions []feature.Definition `json:"definitions"`
	}
}

type profileInput struct {
	ID   string `path:"id" maxLength:"64"`
	AsOf string `query:"as_of" maxLength:"10" doc:"YYYY-MM-DD; the newest profile when empty"`
}

type refreshInput struct {
	ID   string `path:"id" maxLength:"64"`
	Body struct {
		AsOf string `json:"as_of,omitempty" maxLength:"10" doc:"YYYY-MM-DD; the business date when empty"`
	}
}

type profileOutput struct{ Body View }

type featureInput struct {
	ID string `path:"id" maxLength:"64"`
}

type courseInput struct {
	ID      string `path:"id" maxLength:"64"`
	Feature string `path:"feature" maxLength:"64"`
}

type networkInput struct {
	ID string `path:"id" maxLength:"64"`
}

type networkOutput struct{ Body Network }

// Routes registers the operations.
func Routes(a *api.API, s *Service) {
	api.Handle(a, api.Op{ID: "list-features", Method: http.MethodGet, Path: "/api/v1/features", Tag: "insight",
		Zh: "特征定义", En: "Feature definitions", Policy: api.Session()},
		func(context.Context, auth.Principal, *struct{}) (*definitionsOutput, error) {
			out := &definitionsOutput{}
			out.Body.Version, out.Body.Definitions = feature.Version, feature.Definitions()
			return out, nil
		})
	api.Handle(a, api.Op{ID: "get-feature-distribution", Method: http.MethodGet, Path: "/api/v1/features/{id}/distribution", Tag: "insight",
		Zh: "特征在可见企业中的分布", En: "How a feature lies among the firms one may see", Policy: api.Need(CanRead)},
		func(ctx context.Context, p auth.Principal, in *featureInput) (*struct{ Body Distribution }, error) {
			d, err := s.Distribution(ctx, p, in.ID)
			return &struct{ Body Distribution }{d}, err
		})
	api.Handle(a, api.Op{ID: "get-feature-course", Method: http.MethodGet, Path: "/api/v1/firms/{id}/features/{feature}", Tag: "insight",
		Zh: "企业某一特征的历史", En: "A feature of a firm over its stored profiles", Policy: api.Need(CanRead)},
		func(ctx context.Context, p auth.Principal, in *courseInput) (*struct{ Body Course }, error) {
			c, err := s.Course(ctx, p, in.ID, in.Feature)
			return &struct{ Body Course }{c}, err
		})
	api.Handle(a, api.Op{ID: "get-profile", Method: http.MethodGet, Path: "/api/v1/firms/{id}/profile", Tag: "insight",
		Zh: "企业画像", En: "Profile of a firm", Policy: api.Need(CanRead)},
		func(ctx context.Context, p auth.Principal, in *profileInput) (*profileOutput, error) {
			day, err := parseDay(in.AsOf)
			if err != nil {
				return nil, err
			}
			v, err := s.Get(ctx, p, in.ID, day)
			return &profileOutput{Body: v}, err
		})
	api.Handle(a, api.Op{ID: "get-counterparty-network", Method: http.MethodGet, Path: "/api/v1/firms/{id}/counterparty-network", Tag: "insight",
		Zh: "共同对手方网络", En: "Network of shared counterparties", Policy: api.Need(CanRead)},
		func(ctx context.Context, p auth.Principal, in *networkInput) (*networkOutput, error) {
			n, err := s.Network(ctx, p, in.ID)
			return &networkOutput{Body: n}, err
		})
	api.Handle(a, api.Op{ID: "refresh-profile", Method: http.MethodPost, Path: "/api/v1/firms/{id}/profile", Tag: "insight",
		Zh: "刷新企业画像", En: "Refresh a firm's profile", Policy: api.Need(CanRefresh)},
		func(ctx context.Context, p auth.Principal, in *refreshInput) (*profileOutput, error) {
			day, err := parseDay(in.Body.AsOf)
			if err != nil {
				return nil, err
			}
			v, err := s.Refresh(ctx, p, in.ID, day)
			return &profileOutput{Body: v}, err
		})
}

// parseDay reads an optional date.
func parseDay(s string) (calendar.Date, error) {
	if s == "" {
		return calendar.Date{}, nil
	}
	d, err := calendar.Parse(s)
	if err != nil {
		return d, fault.Field("as_of", "应为 YYYY-MM-DD 的有效日期", "must be a valid date YYYY-MM-DD").Wrap(err)
	}
	return d, nil
}
