package db_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// A dump of either engine loads into either engine and dumps to the same bytes again.
func TestDumpsMoveBetweenEngines(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, from *db.DB) {
		s := dbtest.Institution(t, from)
		require.NoError(t, from.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
			for _, note := range []string{"一", "two\n\"quoted\"", "3"} {
				if err := audit.Record(t.Context(), tx, audit.Entry{Action: "a", Object: "o", ObjectID: "1", Note: note}); err != nil {
					return err
				}
				if err := event.Append(t.Context(), tx, event.Draft{Type: "t", Aggregate: "o", AggregateID: "1", Payload: note}); err != nil {
					return err
				}
			}
			return nil
		}))
		first := dumpAll(t, from)
		for name, to := range map[string]*db.DB{"sqlite": dbtest.SQLite(t), "postgres": dbtest.Postgres(t)} {
			require.NoError(t, to.Update(t.Context(), db.System("restore"), func(tx *db.Tx) error {
				tables, err := tx.Tables(t.Context())
				require.NoError(t, err)
				for _, table := range tables {
					if _, err := tx.Load(t.Context(), table, bytes.NewReader(first[table.Name])); err != nil {
						return err
					}
				}
				return nil
			}), name)
			second := dumpAll(t, to)
			for table := range first {
				if table != "event" || name == string(from.Dialect()) {
					require.Equal(t, string(first[table]), string(second[table]), "%s of %s", table, name)
				}
			}
			require.Equal(t, bytes.Count(first["event"], []byte("\n")), bytes.Count(second["event"], []byte("\n")))
		}
	})
}

func dumpAll(t *testing.T, d *db.DB) map[string][]byte {
	t.Helper()
	out := map[string][]byte{}
	require.NoError(t, d.View(t.Context(), db.System("backup"), func(tx *db.Tx) error {
		tables, err := tx.Tables(t.Context())
		require.NoError(t, err)
		for _, table := range tables {
			var b bytes.Buffer
			if _, err := tx.Dump(t.Context(), table, &b); err != nil {
				return err
			}
			out[table.Name] = b.Bytes()
		}
		return nil
	}))
	return out
}
