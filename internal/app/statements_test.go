package app_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// Every statement of the program parses, and finds its tables and columns, on both engines.
func TestEveryStatementPreparesOnBothEngines(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		all := db.Declared()
		require.Greater(t, len(all), 100, "the test must see the statements of the whole program")
		conn, err := d.Owner().Conn(t.Context())
		require.NoError(t, err)
		defer conn.Close() //nolint:errcheck // test
		for _, q := range all {
			st, err := conn.PrepareContext(t.Context(), q.Text(d.Dialect()))
			if err != nil {
				t.Errorf("%s: %v\n%s", q.Where(), err, q.Text(d.Dialect()))
				continue
			}
			require.NoError(t, st.Close())
		}
	})
}
