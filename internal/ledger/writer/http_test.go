package writer_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/ledger/writer"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/testkit/callkit"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// What docs/integration.md tells an integrator, over HTTP.
func TestAnIntegratorOverHTTP(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d, writer.Config{})
		x := callkit.New(t, d, h.staff, func(a *api.API) { writer.Routes(a, h.svc) })
		me := auth.RoleIntegrator
		leg := func(account, sub string, minor int64) map[string]any {
			return map[string]any{"account": account, "sub": sub, "currency": "CNY", "amount_minor": minor}
		}
		topUp := func(reference, who string, minor int64) map[string]any {
			return map[string]any{"reference": reference, "memo": "top-up", "lines": []any{leg(cash, "", minor), leg(wallet, who, -minor)}}
		}
		first := x.Need(200, me, "POST", "/api/v1/postings", topUp("pay-1", "w7", 10000))
		require.Equal(t, false, first["duplicate"])
		require.InDelta(t, 1, first["seq"], 0)
		again := x.Need(200, me, "POST", "/api/v1/postings", topUp("pay-1", "w7", 10000))
		require.Equal(t, true, again["duplicate"])
		require.Equal(t, first["entry_id"], again["entry_id"])
		require.Equal(t, "JOURNAL_KEY_REUSED", x.Need(409, me, "POST", "/api/v1/postings", topUp("pay-1", "w7", 1))["code"])
		require.Equal(t, "FORBIDDEN", x.Need(403, auth.RoleOperations, "POST", "/api/v1/postings", topUp("pay-2", "w7", 1))["code"])

		bulk := func(atomic bool, items ...any) map[string]any {
			return map[string]any{"atomic": atomic, "items": items}
		}
		over := map[string]any{"reference": "b2", "lines": []any{leg(wallet, "w8", 5), leg(cash, "", -5)}}
		got := x.Need(200, me, "POST", "/api/v1/postings/bulk", bulk(false, topUp("b1", "w7", 5), over, topUp("b3", "w7", 5)))
		require.InDelta(t, 2, got["posted"], 0)
		items := got["items"].([]any)                 //nolint:errcheck // a test
		second := items[1].(map[string]any)           //nolint:errcheck // a test
		problem := second["problem"].(map[string]any) //nolint:errcheck // a test
		require.Equal(t, "LEDGER_INSUFFICIENT_FUNDS", problem["code"])
		refused := x.Need(409, me, "POST", "/api/v1/postings/bulk", bulk(true, topUp("b4", "w7", 5), over))
		require.Equal(t, "LEDGER_INSUFFICIENT_FUNDS", refused["code"])
		rows := refused["errors"].([]any) //nolint:errcheck // a test
		require.InDelta(t, 2, rows[0].(map[string]any)["row"], 0)

		// All or none, and one of the two is there already: each item says for itself.
		mixed := x.Need(200, me, "POST", "/api/v1/postings/bulk", bulk(true, topUp("b1", "w7", 5), topUp("b5", "w9", 5)))
		var known []any
		for _, item := range mixed["items"].([]any) { //nolint:errcheck // a test
			known = append(known, item.(map[string]any)["receipt"].(map[string]any)["duplicate"])
		}
		require.Equal(t, []any{true, false}, known)

		hold := map[string]any{"reference": "h1", "account": wallet, "sub": "w7", "currency": "CNY", "amount_minor": 4000, "counter_account": wallet, "counter_sub": "shop"}
		require.Equal(t, "held", x.Need(201, me, "POST", "/api/v1/holds", hold)["state"])
		available := x.Need(200, me, "GET", "/api/v1/available-balance?account=2011&sub=w7&currency=CNY", nil)
		require.InDelta(t, 6010, available["available_minor"], 0)
		require.Equal(t, "posted", x.Need(200, me, "POST", "/api/v1/holds/h1/post", map[string]any{"amount_minor": 1000})["state"])
		require.Equal(t, "LEDGER_HOLD_ENDED", x.Need(409, me, "POST", "/api/v1/holds/h1/void", nil)["code"])
		require.InDelta(t, 1000, x.Need(200, me, "GET", "/api/v1/holds/h1", nil)["posted_minor"], 0)
		hold["reference"] = "h2"
		x.Need(201, me, "POST", "/api/v1/holds", hold)
		require.Equal(t, "voided", x.Need(200, me, "POST", "/api/v1/holds/h2/void", nil)["state"])
		x.Need(403, auth.RoleRelationshipManager, "GET", "/api/v1/holds/h1", nil)
		h.verify(t)

		other := dbtest.Institution(t, d)
		y := callkit.New(t, d, other, func(a *api.API) { writer.Routes(a, h.svc) })
		y.Need(404, me, "GET", "/api/v1/holds/h1", nil)
		y.Need(404, me, "POST", "/api/v1/holds/h1/void", nil)
	})
}
