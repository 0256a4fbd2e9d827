package db_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// Servers of one installation start together after an upgrade; a command line may join them.
func TestServersThatStartTogetherMigrateOnce(t *testing.T) {
	t.Parallel()
	configs := map[string]func(t *testing.T) db.Config{
		"sqlite":   func(t *testing.T) db.Config { return db.Config{Path: filepath.Join(t.TempDir(), "new.db")} },
		"postgres": func(t *testing.T) db.Config { return db.Config{PostgresDSN: dbtest.DSN(t)} },
	}
	for name, config := range configs {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := config(t)
			c.Hooks = dbtest.Hooks
			errs := make([]error, 4)
			var wg sync.WaitGroup
			for i := range errs {
				wg.Go(func() {
					d, err := db.Open(t.Context(), c)
					if err == nil {
						err = d.Migrate(t.Context())
						_ = d.Close()
					}
					errs[i] = err
				})
			}
			wg.Wait()
			for _, err := range errs {
				require.NoError(t, err)
			}
		})
	}
}

// A backup holds a transaction open for minutes; a server or command that starts meanwhile must neither
// wait for it nor make everybody else wait.
func TestMigratingDoesNotWaitForReaders(t *testing.T) {
	t.Parallel()
	d := dbtest.Postgres(t)
	require.NoError(t, d.View(t.Context(), db.System("backup"), func(tx *db.Tx) error {
		_, err := tx.Empty(t.Context())
		require.NoError(t, err)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		require.NoError(t, d.Migrate(ctx))
		return nil
	}))
}

// What the catalogue says, not what the code intends: every table of tenants is bound, for its owner too.
func TestEveryTableOfTenantsForcesRowLevelSecurity(t *testing.T) {
	t.Parallel()
	d := dbtest.Postgres(t)
	rows, err := d.Owner().QueryContext(t.Context(), `select c.relname from pg_class c where c.relnamespace = current_schema()::regnamespace and c.relkind in ('r', 'p')
		and exists (select 1 from pg_attribute a where a.attrelid = c.oid and a.attname = 'institution_id' and not a.attisdropped)
		and not (c.relrowsecurity and c.relforcerowsecurity and exists (select 1 from pg_policy p where p.polrelid = c.oid and p.polcmd = '*' and p.polwithcheck is not null))`)
	require.NoError(t, err)
	defer rows.Close() //nolint:errcheck // read to its end below
	var open []string
	for rows.Next() {
		var name string
		require.NoError(t, rows.Scan(&name))
		open = append(open, name)
	}
	require.NoError(t, rows.Err())
	require.Empty(t, open)
	var bypasses bool
	require.NoError(t, d.Owner().QueryRowContext(t.Context(), "select rolsuper or rolbypassrls or rolcanlogin from pg_roles where rolname = $1", db.AppRole).Scan(&bypasses))
	require.False(t, bypasses)
}
