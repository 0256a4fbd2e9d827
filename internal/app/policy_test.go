package app_test

import (
	"log/slog"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/app"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/config"
	"github.com/capillary-finance/capillary/internal/platform/identity"
	"github.com/capillary-finance/capillary/internal/testkit/apitest"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// Every route of the whole program has a policy and keeps it, for every role, for nobody, and for the
// people of another institution.
func TestEveryRouteHasAPolicyAndKeepsIt(t *testing.T) {
	t.Parallel()
	for name, dsn := range map[string]func(testing.TB) string{"sqlite": func(testing.TB) string { return "" }, "postgres": dbtest.DSN} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := config.Default()
			c.DataDir, c.PostgresDSN = t.TempDir(), dsn(t)
			a, err := app.Open(t.Context(), c, slog.New(slog.DiscardHandler))
			require.NoError(t, err)
			t.Cleanup(func() { _ = a.DB.Close() })
			require.Empty(t, api.Audit(a.API))
			api.WithLimits(api.Limits{PerPrincipal: -1, PerAddress: -1, PerSignIn: -1})(a.API)
			mine, theirs := dbtest.Institution(t, a.DB), dbtest.Institution(t, a.DB)
			cookie := identity.CookieName(false)
			require.Greater(t, apitest.Matrix(t, a.API, apitest.Staff(t, a.Auth, cookie, mine)), 1000)
			require.Greater(t, apitest.Foreign(t, a.API, apitest.Staff(t, a.Auth, cookie, theirs), apitest.Objects{IDs: map[string]string{
				"/api/v1/": mine.Risk.UserID, "/api/v1/branches/": mine.Risk.BranchID,
			}}), 500)
		})
	}
}
