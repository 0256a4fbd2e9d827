package db_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// A kept statement is used again, also while its own rows are being read, and after more texts than a connection keeps.
func TestStatementsAreKeptAndLent(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	ctx, s := t.Context(), dbtest.Institution(t, d).System.Scope()
	count := db.Q(`select count(*) from notification where institution_id = $1 and user_id = 'later' and id >= $2`)
	require.NoError(t, d.Update(ctx, s, func(tx *db.Tx) error {
		put, err := tx.Prepare(ctx, putNote)
		require.NoError(t, err)
		for i := range 3 {
			_, err := put.ExecContext(ctx, tx.Institution, fmt.Sprint("k", i))
			require.NoError(t, err)
			_, err = tx.Exec(ctx, putNote, tx.Institution, fmt.Sprint("l", i)) // while it is lent
			require.NoError(t, err)
		}
		require.NoError(t, put.Close())
		outer, err := tx.Query(ctx, notes, tx.Institution)
		require.NoError(t, err)
		defer outer.Close()
		seen := 0
		for outer.Next() {
			var id string
			require.NoError(t, outer.Scan(&id))
			inner, err := tx.Query(ctx, notes, tx.Institution) // the same text, from its beginning
			require.NoError(t, err)
			rows := 0
			for inner.Next() {
				rows++
			}
			require.NoError(t, inner.Close())
			require.Equal(t, 6, rows)
			seen++
		}
		require.NoError(t, outer.Err())
		require.Equal(t, 6, seen)
		// A statement that fails is sound afterwards.
		_, err = tx.Exec(ctx, putNote, tx.Institution, "k0")
		require.True(t, db.IsUnique(err), "%v", err)
		_, err = tx.Exec(ctx, putNote, tx.Institution, "k9")
		require.NoError(t, err)
		for i := range 500 { // more than a connection keeps
			var n int64
			require.NoError(t, tx.SQL().QueryRowContext(ctx, fmt.Sprintf("select %d + $1", i), 1).Scan(&n))
			require.Equal(t, int64(i+1), n)
		}
		var n int
		require.NoError(t, tx.QueryRow(ctx, count, tx.Institution, "").Scan(&n))
		require.Equal(t, 7, n)
		return nil
	}))
}
