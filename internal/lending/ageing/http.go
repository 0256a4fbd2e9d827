package ageing

import (
	"context"
	"net/http"
	"net/url"

	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

type reportInput struct {
	AsOf string `query:"as_of" format:"date" doc:"empty: the latest"`
}

type reportOutput struct{ Body Report }

type courseInput struct {
	From  string `query:"from" format:"date" doc:"empty: three months before the last day"`
	Until string `query:"until" format:"date" doc:"empty: the business date"`
}

type courseOutput struct {
	Body struct {
		Items []Point `json:"items" nullable:"false"`
	}
}

// Routes registers the operations of the report.
func Routes(a *api.API, s *Service) {
	need := api.Need(loan.PermissionRead)
	api.Handle(a, api.Op{ID: "get-ageing", Method: http.MethodGet, Path: "/api/v1/ageing", Tag: "lending", Zh: "账龄报表", En: "Ageing report", Policy: need},
		func(ctx context.Context, p auth.Principal, in *reportInput) (*reportOutput, error) {
			asOf, err := api.Date("as_of", in.AsOf)
			if err != nil {
				return nil, err
			}
			r, err := s.Get(ctx, p, asOf)
			return &reportOutput{Body: r}, err
		})
	api.Handle(a, api.Op{ID: "get-ageing-course", Method: http.MethodGet, Path: "/api/v1/ageing/course", Tag: "lending", Zh: "逾期走势", En: "Course of arrears", Policy: need},
		func(ctx context.Context, p auth.Principal, in *courseInput) (*courseOutput, error) {
			from, err := api.Date("from", in.From)
			if err != nil {
				return nil, err
			}
			until, err := api.Date("until", in.Until)
			if err != nil {
				return nil, err
			}
			out := &courseOutput{}
			out.Body.Items, err = s.Course(ctx, p, from, until)
			return out, err
		})
	a.Raw(api.Op{ID: "download-ageing", Method: http.MethodGet, Path: "/api/v1/ageing.xlsx", Tag: "lending",
		Zh: "下载账龄报表（XLSX；as_of 为日期，缺省为最近一期；lang 为 zh 或 en）", En: "Download the ageing report (XLSX; as_of is its date, else the latest; lang is zh or en)", Policy: need}, s.download)
}

func (s *Service) download(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	asOf, err := api.Date("as_of", r.URL.Query().Get("as_of"))
	if err != nil {
		return err
	}
	report, err := s.Get(r.Context(), p, asOf)
	if err != nil {
		return err
	}
	if report.AsOf.IsZero() {
		return fault.New(ReasonNone, "date", "—").WithField("as_of")
	}
	lang := r.URL.Query().Get("lang")
	if lang == "" {
		lang = p.Lang
	}
	out, err := Sheet(lang, report)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
	w.Header().Set("Content-Disposition", "attachment; filename*=UTF-8''"+url.PathEscape("ageing-"+report.AsOf.String()+".xlsx"))
	_, err = w.Write(out) //nolint:gosec // a workbook of our own making, only ever saved
	return err
}
