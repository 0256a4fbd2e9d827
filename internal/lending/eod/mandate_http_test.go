package eod_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/lending/mandate"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/proposal"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// Over the API: what a mandate is signed for and its new terms are proposed with every field; stopping acts at once;
// a wrong currency is refused by name.
func TestMandatesOverTheAPI(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := serve(t, d)
		mandate.Routes(w.api, mandate.NewService(d, proposal.NewService(d)))
		status, all := w.call(t, "operations", http.MethodGet, "/api/v1/loans?limit=1", "")
		require.Equal(t, http.StatusOK, status)
		one := all["items"].([]any)[0].(map[string]any)
		id := one["id"].(string)
		status, c := w.call(t, "operations", http.MethodGet, "/api/v1/loans/"+id+"/collections", "")
		require.Equal(t, http.StatusOK, status, c)
		m := c["mandate"].(map[string]any)
		require.Equal(t, []any{true, one["payee_account"]}, []any{m["implied"], m["debtor_account"]})

		terms := `"debtor_account":"6222-9","debtor_name":"小微企业","max_minor":100,"valid_from":"2026-01-05","valid_to":"2027-01-05","signed_on":"2026-01-05","document":"DS-1"`
		status, made := w.call(t, "operations", http.MethodPost, "/api/v1/mandates/"+m["id"].(string)+"/changes", `{`+terms+`,"note":"换卡"}`, "Idempotency-Key", "c1")
		require.Equal(t, http.StatusOK, status, made)
		require.NotEmpty(t, made["proposal_id"])
		status, made = w.call(t, "operations", http.MethodPost, "/api/v1/mandates", `{"reference":"SQ-9","scope":"facility","scope_id":"`+one["facility_id"].(string)+`","currency":"CNY",`+terms+`}`, "Idempotency-Key", "c2")
		require.Equal(t, http.StatusOK, status, made)
		status, made = w.call(t, "operations", http.MethodPost, "/api/v1/mandates", `{"reference":"SQ-9","scope":"loan","scope_id":"`+id+`","currency":"CNY","debtor_name":"x"}`, "Idempotency-Key", "c3")
		require.Equal(t, http.StatusUnprocessableEntity, status, made)
		status, made = w.call(t, "operations", http.MethodPost, "/api/v1/collection-policy", `{"attempts_per_day":2,"partial":true,"minimum_minor":100,"implied":true}`, "Idempotency-Key", "c4")
		require.Equal(t, http.StatusOK, status, made)

		status, stopped := w.call(t, "manager", http.MethodPost, "/api/v1/mandates/"+m["id"].(string)+"/suspend", `{"cause":"dispute","reason":"利率有异议"}`, "Idempotency-Key", "c5")
		require.Equal(t, []any{http.StatusOK, "suspended"}, []any{status, stopped["state"]})
		status, list := w.call(t, "operations", http.MethodGet, "/api/v1/mandates?state=suspended", "")
		require.Equal(t, http.StatusOK, status)
		require.Len(t, list["items"], 1)
		status, days := w.call(t, "operations", http.MethodGet, "/api/v1/collections?on=2026-01-05&outcome=none", "")
		require.Equal(t, http.StatusOK, status, days)
		require.Empty(t, days["items"])

		status, refused := w.call(t, "operations", http.MethodPost, "/api/v1/loans/"+id+"/repayments", `{"amount_minor":100,"currency":"USD","reference":"r1"}`, "Idempotency-Key", "c6")
		require.Equal(t, []any{http.StatusUnprocessableEntity, "LOAN_CURRENCY"}, []any{status, refused["code"]})
	})
}
