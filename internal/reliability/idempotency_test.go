package reliability_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/credit/application"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
	"github.com/capillary-finance/capillary/internal/testkit/sim"
)

// Bar 3: a request key lives a day, a business key for ever. Whoever sends a drawdown, a repayment or a contract
// again after the request key has been forgotten gets what exists.
func TestABusinessKeyOutlivesItsRequestKey(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(testing.TB, ...dbtest.Option) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, open)
			app := h.application(t, application.Accepted)
			f, err := h.OpenFacility(t.Context(), "firm_keys", 1_000_000_00)
			require.NoError(t, err)
			ask := func(path string, body any) map[string]any {
				a := h.call(t.Context(), t, "operations", "key-1"+path[:5], "POST", path, body)
				require.Less(t, a.status, 300, "%s: %v", path, a.body)
				return a.body
			}
			draw := map[string]any{"amount_minor": 100_000_00, "tenor_months": 3, "method": "equal_principal", "payee_name": "杭州小微", "payee_account": "6222-1", "client_reference": "r-1"}
			drawn := ask("/facilities/"+f.ID+"/drawdowns", draw)
			_, err = h.Dispatcher.Drain(t.Context())
			require.NoError(t, err)
			loanID := drawn["id"].(string)
			repay := map[string]any{"amount_minor": 100_00, "prepay": true, "reference": "slip-1"}
			ask("/loans/"+loanID+"/repayments", repay)
			signed := ask("/contracts", map[string]any{"application_id": app.ID})

			h.clock.Advance(25 * time.Hour)
			n, err := api.PurgeIdempotency(t.Context(), h.DB)
			require.NoError(t, err)
			require.EqualValues(t, 3, n)
			require.Equal(t, loanID, ask("/facilities/"+f.ID+"/drawdowns", draw)["id"])
			require.Equal(t, signed["id"], ask("/contracts", map[string]any{"application_id": app.ID})["id"])
			ask("/loans/"+loanID+"/repayments", repay)
			require.Equal(t, 1, h.count(t, countEvents, loanID, "repaid"))
			require.Equal(t, 1, h.count(t, countLoans, f.ID))
			require.Len(t, h.Bank.(*sim.Bank).Moves(), 1)
			h.Must(t)
		})
	}
}
