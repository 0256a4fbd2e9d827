package faultdb_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
	"github.com/capillary-finance/capillary/internal/testkit/faultdb"
)

var (
	put   = db.Q(`insert into notification (institution_id, user_id, id, zh, en, link, at, read_at) values ($1,'fault',$2,'z','e','',1,0)`)
	count = db.Q(`select count(*) from notification where institution_id = $1 and id = $2`)
)

// Every call of a transaction fails in every way: what the caller is told, and whether the row is there.
func TestEveryCallFailsAsItIsAsked(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(testing.TB, ...dbtest.Option) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := &faultdb.Injector{}
			d := open(t, i.Option())
			s := dbtest.Institution(t, d)
			write := func(id string) error {
				return d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
					_, err := tx.Exec(t.Context(), put, tx.Institution, id)
					return err
				})
			}
			there := func(id string) (n int) {
				require.NoError(t, d.View(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
					return tx.QueryRow(t.Context(), count, tx.Institution, id).Scan(&n)
				}))
				return n
			}
			i.Arm(func(faultdb.Call) faultdb.Fault { return faultdb.Fault{} })
			require.NoError(t, write("clean"))
			calls, fired := i.Disarm()
			require.Zero(t, fired)
			require.Equal(t, map[db.Dialect]int{db.SQLite: 3, db.Postgres: 4}[d.Dialect()], calls, "begin, (tenant,) insert, commit")
			for _, k := range faultdb.Kinds {
				for n := 1; n <= calls; n++ {
					id := string(k) + string(rune('0'+n))
					i.Nth(n, k)
					err := write(id)
					_, fired := i.Disarm()
					require.Equal(t, 1, fired)
					cutAtBegin := n == 1 && (k == faultdb.CutBefore || k == faultdb.CutAfter)
					happened := cutAtBegin || n == calls && (k == faultdb.ErrorAfter || k == faultdb.CutAfter)
					if cutAtBegin { // the pool takes another connection by itself
						require.NoError(t, err)
					} else {
						require.Error(t, err)
						require.True(t, db.IsUnavailable(err), "%s %d: %v", k, n, err)
					}
					if happened {
						require.Equal(t, 1, there(id), "%s %d", k, n)
					} else {
						require.Zero(t, there(id), "%s %d", k, n)
						require.NoError(t, write(id), "the next one works")
					}
				}
			}
		})
	}
}
