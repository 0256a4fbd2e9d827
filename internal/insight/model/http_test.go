package model_test

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/insight/feature"
	"github.com/capillary-finance/capillary/internal/insight/model"
	"github.com/capillary-finance/capillary/internal/insight/profile"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/job"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
	"github.com/capillary-finance/capillary/internal/testkit/firmbook"
)

// web is the insight API over HTTP with a running job runner; X-As names the role that calls.
type web struct {
	handler http.Handler
	keys    int
}

func serve(t *testing.T, d *db.DB, s dbtest.Staff) *web {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	runner, err := job.NewRunner(d, job.Config{Log: log, Workers: 1, Poll: 20 * time.Millisecond})
	require.NoError(t, err)
	people := map[string]auth.Principal{"risk": s.Risk, "approver": s.Approver, "manager": s.Manager, "admin": s.Admin, "compliance": s.Compliance}
	a := api.New(d, "test", func(hc huma.Context) (auth.Principal, error) {
		if p, ok := people[hc.Header("X-As")]; ok {
			return p, nil
		}
		return auth.Principal{}, fault.New(fault.ReasonUnauthenticated)
	}, api.WithLogger(log))
	profile.Routes(a, profile.NewService(d))
	model.Routes(a, model.NewService(d, runner))
	job.Routes(a, runner)
	require.NoError(t, runner.Start(t.Context()))
	t.Cleanup(func() { require.NoError(t, runner.Stop(context.Background())) })
	return &web{handler: a.Handler()}
}

func (w *web) call(t *testing.T, as, method, path, body string, out any) *httptest.ResponseRecorder {
	t.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r := httptest.NewRequestWithContext(t.Context(), method, "/api/v1"+path, reader)
	r.Header.Set("X-As", as)
	if method != http.MethodGet {
		w.keys++
		r.Header.Set("Idempotency-Key", "key-"+strconv.Itoa(w.keys))
		r.Header.Set("Content-Type", "application/json")
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	if out != nil {
		require.NoError(t, json.Unmarshal(rec.Body.Bytes(), out), rec.Body.String())
	}
	return rec
}

func (w *web) train(t *testing.T) string {
	t.Helper()
	var j job.Job
	rec := w.call(t, "risk", http.MethodPost, "/models/train", `{"name":"shops","repeats":2,"candidates":["sales_net_12m","sales_void_rate_12m"]}`, &j)
	require.Equal(t, http.StatusAccepted, rec.Code, rec.Body.String())
	require.Eventually(t, func() bool {
		w.call(t, "risk", http.MethodGet, "/jobs/"+j.ID, "", &j)
		return !j.State.Live()
	}, 30*time.Second, 20*time.Millisecond)
	require.Equal(t, job.Completed, j.State, "%+v", j.Errors)
	var result struct {
		ModelID string `json:"model_id"`
	}
	require.NoError(t, json.Unmarshal(j.Result, &result))
	return result.ModelID
}

func TestInsightOverHTTP(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		ids := firmbook.Labelled(t, d, s, firms)
		w := serve(t, d, s)

		var defs struct{ Definitions []feature.Definition }
		require.Equal(t, http.StatusOK, w.call(t, "manager", http.MethodGet, "/features", "", &defs).Code)
		require.Len(t, defs.Definitions, len(feature.Definitions()))

		rec := w.call(t, "manager", http.MethodGet, "/firms/"+ids[0]+"/profile", "", nil)
		require.Equal(t, http.StatusNotFound, rec.Code)
		require.Contains(t, rec.Body.String(), "PROFILE_MISSING")
		var v profile.View
		require.Equal(t, http.StatusOK, w.call(t, "manager", http.MethodPost, "/firms/"+ids[0]+"/profile", `{}`, &v).Code)
		require.Equal(t, firmbook.Today, v.AsOf)
		require.NotEmpty(t, v.Series.Months)
		require.Len(t, v.Vector.Values, len(feature.Definitions()))
		require.Equal(t, http.StatusOK, w.call(t, "compliance", http.MethodGet, "/firms/"+ids[0]+"/profile", "", &v).Code)
		rec = w.call(t, "manager", http.MethodGet, "/firms/"+ids[0]+"/profile?as_of=2025-13-01", "", nil)
		require.Equal(t, http.StatusUnprocessableEntity, rec.Code, rec.Body.String())

		id := w.train(t)
		require.Equal(t, http.StatusForbidden, w.call(t, "manager", http.MethodPost, "/models/train", `{"name":"x"}`, nil).Code)
		rec = w.call(t, "risk", http.MethodPost, "/models/"+id+"/approve", `{"note":"mine"}`, nil)
		require.Equal(t, http.StatusForbidden, rec.Code)
		require.Contains(t, rec.Body.String(), "MODEL_SAME_PERSON")
		require.Equal(t, http.StatusOK, w.call(t, "approver", http.MethodPost, "/models/"+id+"/approve", `{"note":"checked"}`, nil).Code)
		var m model.Summary
		require.Equal(t, http.StatusOK, w.call(t, "approver", http.MethodPost, "/models/"+id+"/activate", "{}", &m).Code)
		require.Equal(t, model.Active, m.State)

		var page api.Page[model.Summary]
		require.Equal(t, http.StatusOK, w.call(t, "risk", http.MethodGet, "/models?limit=1", "", &page).Code)
		require.EqualValues(t, 1, page.Total)
		require.NotNil(t, page.Items[0].AUC)
		var detail model.Detail
		require.Equal(t, http.StatusOK, w.call(t, "risk", http.MethodGet, "/models/"+id, "", &detail).Code)
		require.NotEmpty(t, detail.ROC)
		report := w.call(t, "risk", http.MethodGet, "/models/"+id+"/report?lang=zh", "", nil)
		require.Equal(t, http.StatusOK, report.Code)
		require.Contains(t, report.Header().Get("Content-Type"), "text/html")
		require.Contains(t, report.Header().Get("Content-Security-Policy"), "style-src 'sha256-")
		require.Contains(t, report.Body.String(), "评分模型验证报告")
		require.Contains(t, report.Body.String(), "checked")

		rec = w.call(t, "manager", http.MethodGet, "/firms/"+ids[0]+"/score", "", nil)
		require.Contains(t, rec.Body.String(), "SCORE_MISSING")
		var score model.FirmScore
		require.Equal(t, http.StatusOK, w.call(t, "manager", http.MethodPost, "/firms/"+ids[0]+"/score", `{}`, &score).Code)
		require.Equal(t, id, score.Score.ModelID)
		require.Equal(t, http.StatusOK, w.call(t, "compliance", http.MethodGet, "/firms/"+ids[0]+"/score", "", &score).Code)
		require.Equal(t, http.StatusForbidden, w.call(t, "admin", http.MethodGet, "/firms/"+ids[0]+"/score", "", nil).Code)
	})
}

func TestModelPages(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	s := dbtest.Institution(t, d)
	firmbook.Labelled(t, d, s, firms)
	w := serve(t, d, s)
	want := []string{w.train(t), w.train(t), w.train(t)}
	var got []string
	cursor := ""
	for range 4 {
		var page api.Page[model.Summary]
		require.Equal(t, http.StatusOK, w.call(t, "risk", http.MethodGet, "/models?limit=2&cursor="+cursor, "", &page).Code)
		require.EqualValues(t, 3, page.Total)
		for _, m := range page.Items {
			got = append([]string{m.ID}, got...)
		}
		if cursor = page.NextCursor; cursor == "" {
			break
		}
	}
	require.Equal(t, want, got, "newest first, each once")
	require.Equal(t, http.StatusUnprocessableEntity, w.call(t, "risk", http.MethodGet, "/models?cursor=bm9uc2Vuc2U", "", nil).Code)
}
