package eod_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/lending/contract"
	"github.com/capillary-finance/capillary/internal/lending/eod"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/blob"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

type web struct {
	*bundle
	api     *api.API
	handler http.Handler
}

// serve puts every operation of ledger and lending behind one handler; X-As
// names the role that calls.
func serve(t *testing.T, d *db.DB) *web {
	t.Helper()
	w := &web{bundle: build(t, d, nil)}
	blobs, err := blob.NewStore(t.TempDir())
	require.NoError(t, err)
	w.api = api.New(d, "test", func(hc huma.Context) (auth.Principal, error) {
		switch hc.Header("X-As") {
		case "manager":
			return w.staff.Manager, nil
		case "operations":
			return w.staff.Operations, nil
		}
		return auth.Principal{}, fault.New(fault.ReasonUnauthenticated)
	})
	journal.Routes(w.api, journal.NewService(d))
	payment.Routes(w.api, payment.NewService(d))
	loan.Routes(w.api, w.loans)
	eod.Routes(w.api, w.days)
	contract.Routes(w.api, contract.NewService(d, blobs))
	w.handler = w.api.Handler()
	return w
}

func (w *web) call(t *testing.T, role, method, path, body string, headers ...string) (int, map[string]any) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	r.Header.Set("X-As", role)
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	rec := httptest.NewRecorder()
	w.handler.ServeHTTP(rec, r)
	out := map[string]any{}
	if strings.Contains(rec.Header().Get("Content-Type"), "json") {
		require.NoError(t, json.Unmarshal(rec.Body.Bytes(), &out), rec.Body.String())
	} else {
		out["text"] = rec.Body.String()
	}
	return rec.Code, out
}

func TestHTTPStory(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := serve(t, d)
		status, list := w.call(t, "manager", http.MethodGet, "/api/v1/loans?limit=2&status=active", "")
		require.Equal(t, 200, status, list)
		require.InDelta(t, 12, list["total"], 0)
		require.NotEmpty(t, list["next_cursor"])
		first := list["items"].([]any)[0].(map[string]any)
		require.Equal(t, "0.0435", first["terms"].(map[string]any)["annual_rate"])
		require.Equal(t, "ACT/360", first["terms"].(map[string]any)["basis"])
		id, line := first["id"].(string), first["facility_id"].(string)

		draw := `{"amount_minor":1000000,"tenor_months":3,"method":"bullet","payee_name":"小微企业","payee_account":"acct-web","client_reference":"web-1"}`
		path := "/api/v1/facilities/" + line + "/drawdowns"
		status, a := w.call(t, "manager", http.MethodPost, path, draw, "Idempotency-Key", "k1")
		require.Equal(t, 200, status, a)
		status, b := w.call(t, "manager", http.MethodPost, path, draw, "Idempotency-Key", "k1")
		require.Equal(t, 200, status, b)
		status, c := w.call(t, "manager", http.MethodPost, path, draw, "Idempotency-Key", "k2")
		require.Equal(t, 200, status, c)
		require.Equal(t, []any{a["id"], a["id"]}, []any{b["id"], c["id"]}, "a double click is one loan, whatever its key")
		status, e := w.call(t, "manager", http.MethodPost, path, strings.Replace(draw, "1000000", "2000000", 1), "Idempotency-Key", "k3")
		require.Equal(t, 409, status, e)
		require.Equal(t, "LOAN_REFERENCE_REUSED", e["code"], e)
		status, e = w.call(t, "manager", http.MethodPost, path, draw)
		require.GreaterOrEqual(t, status, 400, "no mutation without an idempotency key: %v", e)
		status, e = w.call(t, "manager", http.MethodPost, path+"/preview", `{"amount_minor":1000000,"tenor_months":3,"method":"equal_principal"}`)
		require.Equal(t, 200, status, e)
		require.Len(t, e["schedule"], 3)
		lease := `{"amount_minor":12000000,"rate":"0.06","start":"2026-01-31","count":12,"method":"equal_instalment","whole_months":true,"in_advance":true,"balloon_minor":1200000}`
		status, e = w.call(t, "manager", http.MethodPost, "/api/v1/schedules", lease)
		require.Equal(t, 200, status, e)
		require.Len(t, e["rows"], 13)
		require.Equal(t, "2026-01-31", e["rows"].([]any)[0].(map[string]any)["due_date"], "a lease in advance begins with a payment")
		require.NotEmpty(t, e["yearly_simple"])
		status, e = w.call(t, "manager", http.MethodPost, "/api/v1/schedules", `{"amount_minor":1,"rate":"six","start":"2026-01-31","count":12,"method":"flat","weights":[1]}`)
		require.Equal(t, 422, status, e)
		require.Contains(t, fmt.Sprint(e["errors"]), "rate")

		for _, path := range []string{"", "/schedule", "/events", "/quote", "/statement?from=2026-01-01"} {
			status, e := w.call(t, "manager", http.MethodGet, "/api/v1/loans/"+id+path, "")
			require.Equal(t, 200, status, "%s: %v", path, e)
		}
		status, e = w.call(t, "manager", http.MethodGet, "/api/v1/loans/"+id+"/quote?on=2020-01-01", "")
		require.Equal(t, 422, status, e)
		repay := `{"amount_minor":100,"prepay":true,"reference":"slip"}`
		status, e = w.call(t, "operations", http.MethodPost, "/api/v1/loans/"+id+"/repayments", repay, "Idempotency-Key", "r1")
		require.Equal(t, 200, status, e)
		status, _ = w.call(t, "manager", http.MethodPost, "/api/v1/loans/"+id+"/repayments", repay, "Idempotency-Key", "r2")
		require.Equal(t, 403, status)

		for _, path := range []string{"/accounts", "/journal-entries?object=loan&object_id=" + id, "/trial-balance", "/trial-balance?as_of=2026-01-05", "/eod", "/eod/parts?closing_date=2026-01-05", "/eod/failures?open=true", "/eod/settings", "/payments?status=succeeded", "/contracts"} {
			status, e := w.call(t, "operations", http.MethodGet, "/api/v1"+path, "")
			require.Equal(t, 200, status, "%s: %v", path, e)
		}
		for path, body := range map[string]string{
			"/eod/failures/retry": `{"closing_date":"2026-01-05"}`, "/eod/complete": `{"closing_date":"2026-01-04","note":"x"}`, "/eod/failures/retry?x=": `{"closing_date":"soon"}`,
		} {
			status, e := w.call(t, "operations", http.MethodPost, "/api/v1"+path, body, "Idempotency-Key", "eod"+path)
			require.Equal(t, map[string]int{"/eod/failures/retry": 200, "/eod/complete": 404, "/eod/failures/retry?x=": 422}[path], status, "%s: %v", path, e)
		}
		status, e = w.call(t, "operations", http.MethodPut, "/api/v1/eod/settings", `{"steps":["catch_up","roll"],"run_at":"","helpers":0,"version":0}`, "Idempotency-Key", "plan")
		require.Equal(t, 403, status, "the order of the steps is the administrator's: %v", e)
		status, e = w.call(t, "operations", http.MethodGet, "/api/v1/loan-sums/shares?sum_id=sum_none", "")
		require.Equal(t, 404, status, e)
		status, e = w.call(t, "operations", http.MethodGet, "/api/v1/journal-entries?from=yesterday", "")
		require.Equal(t, 422, status, e)
		status, e = w.call(t, "", http.MethodGet, "/verify/contract/"+strings.Repeat("0", 64), "")
		require.Equal(t, 404, status, e)
		require.Contains(t, e["text"], "没有与该文件一致的合同")
		status, _ = w.call(t, "", http.MethodGet, "/api/v1/loans", "")
		require.Equal(t, 401, status)
	})
}

// Dates, rates and conventions are strings to callers, never Go's insides.
func TestSchemas(t *testing.T) {
	t.Parallel()
	w := serve(t, dbtest.SQLite(t))
	text, err := json.Marshal(w.api.Huma.OpenAPI())
	require.NoError(t, err)
	var doc struct {
		Components struct {
			Schemas map[string]struct {
				Properties map[string]struct {
					Type any `json:"type"`
				} `json:"properties"`
			} `json:"schemas"`
		} `json:"components"`
	}
	require.NoError(t, json.Unmarshal(text, &doc))
	seen := 0
	for name, s := range doc.Components.Schemas {
		for property, p := range s.Properties {
			switch property {
			case "annual_rate", "penalty_rate", "due_date", "business_date", "processed_to", "basis", "rounding", "due_rule", "as_of", "closing_date", "date":
				seen++
				require.Equal(t, "string", p.Type, "%s.%s", name, property)
			}
		}
	}
	require.Greater(t, seen, 10)
}
