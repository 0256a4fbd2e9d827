package db_test

import (
	"database/sql"
	"errors"
	"net/url"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

func TestAnOutageIsToldFromAMistake(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]bool{"57P01": true, "53100": true, "08006": true, "55000": true, "40001": true, "22021": false, "23505": false, "42601": false} {
		require.Equal(t, want, db.IsUnavailable(&pgconn.PgError{Code: code}), code)
	}
	require.False(t, db.IsUnavailable(sql.ErrNoRows))
	require.False(t, db.IsUnavailable(errors.New("a mistake")))
	require.False(t, db.IsUnavailable(nil))

	u, err := url.Parse(dbtest.DSN(t))
	require.NoError(t, err)
	u.Host = "127.0.0.1:1" // nobody listens there
	_, err = db.Open(t.Context(), db.Config{PostgresDSN: u.String()})
	require.Error(t, err)
	require.True(t, db.IsUnavailable(err), "%v", err)
}

// The server ends every session, as at a restart or a failover: what was under way fails as an outage, and
// the next transaction finds a new connection.
func TestTheDatabaseRestartsUnderAStatement(t *testing.T) {
	t.Parallel()
	d := dbtest.Postgres(t)
	s := dbtest.Institution(t, d)
	err := d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
		if _, err := d.Owner().ExecContext(t.Context(), "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"); err != nil {
			return err
		}
		_, err := tx.BusinessDate(t.Context())
		return err
	})
	require.Error(t, err)
	require.True(t, db.IsUnavailable(err), "%v", err)
	require.NoError(t, d.Ping(t.Context()))
}

// A connection of the pool that broke while nobody used it costs nobody an error: nothing had been asked on it.
func TestABrokenIdleConnectionIsReplaced(t *testing.T) {
	t.Parallel()
	d := dbtest.Postgres(t)
	s := dbtest.Institution(t, d).System.Scope()
	read := func(tx *db.Tx) error { _, err := tx.BusinessDate(t.Context()); return err }
	for range 3 {
		require.NoError(t, db.CutIdle(t.Context(), d))
		require.NoError(t, d.Update(t.Context(), s, read))
		require.NoError(t, db.CutIdle(t.Context(), d))
		require.NoError(t, d.View(t.Context(), s, read))
	}
}

func TestWordsFromOutsideAreMadeText(t *testing.T) {
	t.Parallel()
	require.Equal(t, "ab\uFFFDc", db.Text("a\x00b\xffc", 10))
	require.Equal(t, "中", db.Text("中文", 5), "a character is not cut in two")
}
