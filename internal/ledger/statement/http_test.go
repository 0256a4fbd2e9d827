package statement_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/ledger/chart"
	"github.com/capillary-finance/capillary/internal/ledger/fx"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/ledger/period"
	"github.com/capillary-finance/capillary/internal/ledger/recipe"
	"github.com/capillary-finance/capillary/internal/ledger/statement"
	"github.com/capillary-finance/capillary/internal/ledger/voucher"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/proposal"
	"github.com/capillary-finance/capillary/internal/testkit/callkit"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// A month in an accountant's office, over HTTP: a petty-cash account, a voucher, a recipe, rates, a
// revaluation, the close, the reports; each change by two people.
func TestAnAccountantsMonthOverHTTP(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		h.year(t)
		proposals := proposal.NewService(d)
		x := callkit.New(t, d, h.staff, func(a *api.API) {
			proposal.Routes(a, proposals)
			journal.Routes(a, journal.NewService(d))
			recipe.Routes(a, recipe.NewService(d, proposals))
			chart.Routes(a, chart.NewService(d, proposals))
			voucher.Routes(a, voucher.NewService(d, proposals))
			period.Routes(a, period.NewService(d, proposals))
			fx.Routes(a, fx.NewService(d, proposals))
			statement.Routes(a, h.svc)
		})
		maker, checker := auth.RoleOperations, auth.RoleCompliance
		twice := func(path string, body map[string]any) {
			t.Helper()
			made := x.Need(201, maker, "POST", path, body)
			x.Need(200, checker, "POST", "/api/v1/proposals/"+made["id"].(string)+"/approve", map[string]any{"body_hash": made["body_hash"]}) //nolint:errcheck // a test
		}
		twice("/api/v1/accounts", map[string]any{"new": true, "code": "1001.01", "name_zh": "备用金", "name_en": "Petty cash", "kind": "asset", "parent_code": "1001", "active": true, "manual": true, "overdraft_minor": -1})
		twice("/api/v1/ledger/limits", map[string]any{"account": "2011", "sub": "ann", "currency": "CNY", "overdraft_minor": 100})
		twice("/api/v1/vouchers", map[string]any{"reference": "V-1", "date": "2025-12-30", "reason": "提取备用金", "lines": []any{
			map[string]any{"account": "1001.01", "currency": "CNY", "amount_minor": 40}, map[string]any{"account": "1011", "currency": "CNY", "amount_minor": -40},
		}})
		twice("/api/v1/ledger/recipe", map[string]any{"effective_from": "2026-01-05", "accounts": map[string]any{"settlement": "1002"}})
		require.Equal(t, "1002", x.Need(200, maker, "GET", "/api/v1/ledger/recipe", nil)["accounts"].(map[string]any)["settlement"]) //nolint:errcheck // a test
		require.Len(t, x.Need(200, maker, "GET", "/api/v1/ledger/roles", nil)["items"], len(recipe.Roles()))
		twice("/api/v1/fx/rates", map[string]any{"date": "2025-12-31", "source": "test", "rates": []any{map[string]any{"currency": "USD", "rate": "7.1"}}})
		run := x.Need(200, maker, "POST", "/api/v1/fx/revaluations", map[string]any{"date": "2025-12-31"})
		require.InDelta(t, 0, run["entries"], 0)
		x.Need(200, maker, "POST", "/api/v1/fx/reversals", map[string]any{"id": run["id"]})
		require.Len(t, x.Need(200, maker, "GET", "/api/v1/fx/revaluations", nil)["items"], 1)
		require.Len(t, x.Need(200, maker, "GET", "/api/v1/fx/rates?date=2026-01-05", nil)["items"], 1)
		x.Need(200, maker, "GET", "/api/v1/fx/trial-balance", nil)

		sub := x.Need(200, maker, "GET", "/api/v1/ledger/sub-accounts?account=1303", nil)
		require.Len(t, sub["items"], 2)
		s := x.Need(200, maker, "GET", "/api/v1/ledger/account-statement?account=1001.01&from=2025-12-01", nil)
		require.InDelta(t, 40, s["closing_minor"], 0)
		move := s["items"].([]any)[0].(map[string]any)                                            //nolint:errcheck // a test
		e := x.Need(200, maker, "GET", "/api/v1/journal-entries/"+move["entry_id"].(string), nil) //nolint:errcheck // a test
		require.Equal(t, []any{"voucher", "V-1"}, []any{e["object"], e["object_id"]}, "down to what is behind it")
		twice("/api/v1/reversals", map[string]any{"entry_id": e["id"], "date": "2026-01-05", "reason": "误记"})

		twice("/api/v1/periods/year", map[string]any{"year": 2025})
		require.Equal(t, "PERIOD_CLOSED_ALREADY", x.Need(409, maker, "POST", "/api/v1/periods/close", map[string]any{"month": "2025-12"})["code"])
		twice("/api/v1/periods/reopen", map[string]any{"month": "2025-12", "reason": "补记"})
		x.Need(200, maker, "POST", "/api/v1/periods/close", map[string]any{"month": "2025-12"})
		require.NotEmpty(t, x.Need(200, maker, "GET", "/api/v1/periods", nil)["items"])

		require.Equal(t, true, x.Need(200, maker, "GET", "/api/v1/ledger/balance-sheet", nil)["balanced"])
		require.InDelta(t, 30, x.Need(200, maker, "GET", "/api/v1/ledger/income-statement?from=2025-01-01&until=2025-12-31", nil)["result_minor"], 0)
		x.Need(200, maker, "GET", "/api/v1/ledger/trial?branch=east", nil)
		require.NotEmpty(t, x.Need(200, maker, "GET", "/api/v1/ledger/segments?by=product&account=1303", nil)["items"])
		for _, report := range []string{"trial", "balance_sheet", "income_statement"} {
			status, _ := x.Do(maker, "GET", "/api/v1/ledger/export?format=csv&report="+report, nil)
			require.Equal(t, 200, status, report)
		}
		x.Need(422, maker, "GET", "/api/v1/ledger/export?format=pdf&report=trial", nil)
		x.Need(422, maker, "GET", "/api/v1/ledger/trial?from=2026-02-01&until=2026-01-01", nil)
		require.NoError(t, d.View(t.Context(), h.staff.System.Scope(), func(tx *db.Tx) error {
			_, err := journal.Verify(t.Context(), tx)
			return err
		}))
	})
}
