package app_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/app"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

func quiet(string, int64) {}

func backedUp(t *testing.T, d *db.DB) []byte {
	t.Helper()
	s := dbtest.Institution(t, d)
	require.NoError(t, d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
		return audit.Record(t.Context(), tx, audit.Entry{Action: "test", Object: "o", ObjectID: "1", Note: "中文 note"})
	}))
	files := t.TempDir()
	require.NoError(t, os.MkdirAll(filepath.Join(files, "ab"), 0o750))
	require.NoError(t, os.WriteFile(filepath.Join(files, "ab", "abcd"), []byte("contract"), 0o600))
	var b bytes.Buffer
	m, err := app.Backup(t.Context(), d, files, &b, quiet)
	require.NoError(t, err)
	require.EqualValues(t, 1, m.Tables["institution"].Rows)
	require.Len(t, m.Files, 1)
	return b.Bytes()
}

// A bank that outgrows the embedded database moves by backup and restore.
func TestABackupRestoresIntoEitherEngine(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, from *db.DB) {
		b := backedUp(t, from)
		for _, to := range []*db.DB{dbtest.SQLite(t), dbtest.Postgres(t)} {
			dir := t.TempDir()
			_, err := app.Restore(t.Context(), to, dir, bytes.NewReader(b), quiet)
			require.NoError(t, err)
			got, err := os.ReadFile(filepath.Join(dir, "ab", "abcd"))
			require.NoError(t, err)
			require.Equal(t, "contract", string(got))
			_, err = app.Restore(t.Context(), to, dir, bytes.NewReader(b), quiet)
			require.ErrorContains(t, err, "already holds an institution")
		}
	})
}

func TestADamagedBackupRestoresNothing(t *testing.T) {
	t.Parallel()
	b := backedUp(t, dbtest.SQLite(t))
	for _, cut := range []int{10, len(b) / 2, len(b) - 20} {
		to := dbtest.SQLite(t)
		_, err := app.Restore(t.Context(), to, t.TempDir(), bytes.NewReader(b[:cut]), quiet)
		require.Error(t, err)
		require.NoError(t, to.View(t.Context(), db.System("test"), func(tx *db.Tx) error {
			empty, err := tx.Empty(t.Context())
			require.True(t, empty)
			return err
		}))
	}
}
