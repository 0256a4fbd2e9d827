package db_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

var (
	putNote   = db.Q(`insert into notification (institution_id, user_id, id, zh, en, link, at, read_at) values ($1,'later',$2,'z','e','',1,0)`)
	notes     = db.Q(`select id from notification where institution_id = $1 and user_id = 'later' order by id`)
	countNote = db.Q(`select count(*), coalesce(sum(at), 0), 'x', true, cast(1.5 as double precision) from notification where institution_id = $1 and user_id = 'later'`)
	divide    = db.QQ(`select 1 / (count(*) - count(*)) from notification where institution_id = $1`, `select json('{') from notification where institution_id = $1 union all select json('{')`)
	readNote  = db.Q(`update notification set read_at = 1 where institution_id = $1 and user_id = 'later' and id = $2`)
)

// Statements that are not waited for run in their order, with the effect and the errors of any others.
func TestStatementsThatAreNotWaitedFor(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx, s := t.Context(), dbtest.Institution(t, d).System.Scope()
		later := db.Later(ctx)
		list := func(tx *db.Tx, c context.Context) (out []string) {
			rows, err := tx.Query(c, notes, tx.Institution)
			require.NoError(t, err)
			defer rows.Close()
			for rows.Next() {
				var id string
				require.NoError(t, rows.Scan(&id))
				out = append(out, id)
			}
			require.NoError(t, rows.Err())
			return out
		}
		require.NoError(t, d.Update(ctx, s, func(tx *db.Tx) error {
			_, err := tx.Exec(later, putNote, tx.Institution, "a")
			require.NoError(t, err)
			before, err := tx.Query(later, notes, tx.Institution)
			require.NoError(t, err)
			_, err = tx.Exec(later, putNote, tx.Institution, "b")
			require.NoError(t, err)
			after, err := tx.Query(later, countNote, tx.Institution)
			require.NoError(t, err)
			dropped, err := tx.Query(later, notes, tx.Institution)
			require.NoError(t, err)
			require.NoError(t, dropped.Close())
			var n, sum int64
			var x string
			var yes bool
			var f float64
			require.True(t, after.Next())
			require.NoError(t, after.Scan(&n, &sum, &x, &yes, &f))
			require.NoError(t, after.Close())
			require.Equal(t, []any{int64(2), int64(2), "x", true, 1.5}, []any{n, sum, x, yes, f})
			ids := 0
			for before.Next() {
				ids++
			}
			require.NoError(t, before.Err())
			require.NoError(t, before.Close())
			if d.Dialect() == db.Postgres {
				require.Equal(t, 1, ids, "it was asked before the second one was put")
			}
			_, err = tx.Exec(later, putNote, tx.Institution, "c")
			require.NoError(t, err)
			return nil
		}))
		require.NoError(t, d.View(ctx, s, func(tx *db.Tx) error {
			require.Equal(t, []string{"a", "b", "c"}, list(tx, ctx), "what was left goes with the commit")
			return nil
		}))

		// An error is heard at the latest from the commit, and nothing of the transaction stays.
		err := d.Update(ctx, s, func(tx *db.Tx) error {
			if _, err := tx.Exec(later, putNote, tx.Institution, "d"); err != nil {
				return err
			}
			_, err := tx.Exec(later, putNote, tx.Institution, "a") // a key that is taken
			return err
		})
		require.True(t, db.IsUnique(err), "%v", err)
		// Its error is not covered up by those that follow, however the caller goes on.
		var next error
		err = d.Update(ctx, s, func(tx *db.Tx) error {
			rows, err := tx.Query(later, notes, tx.Institution)
			require.NoError(t, err)
			if _, err := tx.Exec(later, putNote, tx.Institution, "a"); err != nil {
				return err
			}
			for rows.Next() { // sends both
			}
			require.NoError(t, rows.Close())
			_, next = tx.Exec(ctx, readNote, tx.Institution, "a")
			return nil
		})
		require.True(t, db.IsUnique(err), "%v", err)
		if d.Dialect() == db.Postgres {
			require.True(t, db.IsUnique(next), "%v", next)
		}
		// A query that fails tells it where its rows are read.
		err = d.Update(ctx, s, func(tx *db.Tx) error {
			rows, err := tx.Query(later, divide, tx.Institution)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
			}
			return rows.Err()
		})
		require.Error(t, err)
		require.NoError(t, d.View(ctx, s, func(tx *db.Tx) error {
			require.Equal(t, []string{"a", "b", "c"}, list(tx, later))
			return nil
		}))

		// A caller who goes away takes his transaction with him, and the connection serves the next one.
		gone, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
		defer cancel()
		require.Error(t, d.Update(gone, s, func(tx *db.Tx) error {
			_, err := tx.Exec(db.Later(gone), putNote, tx.Institution, "e")
			require.NoError(t, err)
			<-gone.Done()
			return nil
		}))
		require.NoError(t, d.Update(ctx, s, func(tx *db.Tx) error {
			require.Equal(t, []string{"a", "b", "c"}, list(tx, ctx))
			changed, err := tx.ExecOne(ctx, readNote, tx.Institution, "b")
			require.True(t, changed)
			return err
		}))
	})
}

// Columns arrive as they were sent, whatever they hold.
func TestColumnsOfEveryKind(t *testing.T) {
	t.Parallel()
	d := dbtest.Postgres(t)
	s := dbtest.Institution(t, d).System.Scope()
	echo := db.QQ(`select array_to_string(cast($1 as text[]), '|'), array_to_string(cast($2 as bigint[]), '|'), array_to_string(cast($3 as boolean[]), '|'),
		encode((cast($4 as bytea[]))[2], 'hex'), array_to_string(cast($5 as double precision[]), '|'), cardinality(cast($6 as text[]))`, `select $1,$2,$3,$4,$5,$6`)
	require.NoError(t, d.View(t.Context(), s, func(tx *db.Tx) error {
		var text, ints, bools, bytes, floats string
		var none int64
		err := tx.QueryRow(t.Context(), echo, []string{"", `a"b,{}`, "微"}, []int64{-1, 0, 1 << 62}, []bool{true, false}, [][]byte{{}, {0, 255}}, []float64{-1.5, 2}, []string{}).
			Scan(&text, &ints, &bools, &bytes, &floats, &none)
		require.Equal(t, []any{`|a"b,{}|微`, "-1|0|4611686018427387904", "t|f", "00ff", "-1.5|2", int64(0)}, []any{text, ints, bools, bytes, floats, none})
		return err
	}))
}
