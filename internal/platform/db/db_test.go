package db_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

var (
	readName   = db.Q("select name from institution where institution_id = $1 /*for update*/")
	writeName  = db.Q("update institution set name = $2, version = version + 1 where institution_id = $1")
	countRows  = db.Q("select count(*) from institution")
	countAudit = db.Q("select count(*) from audit_record")
	editAudit  = db.Q("update audit_record set note = 'x'")
)

func TestUpdateRollsBackWhollyOnError(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		boom := errors.New("boom")
		err := d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
			if _, err := tx.Exec(t.Context(), writeName, s.InstitutionID, "changed"); err != nil {
				return err
			}
			tx.AfterCommit(func() { t.Error("must not run after a rollback") })
			return boom
		})
		require.ErrorIs(t, err, boom)
		require.NotEqual(t, "changed", name(t, d, s.System.Scope(), s.InstitutionID))
	})
}

// Hooks of one context run from the inner to the outer one, before the commit, and each can prevent it.
func TestHooksBeforeTheCommitChain(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		boom := errors.New("boom")
		var ran []string
		var outerFails, innerFails error
		ctx := db.WithBeforeCommit(t.Context(), func(context.Context, *db.Tx) error { ran = append(ran, "outer"); return outerFails })
		ctx = db.WithBeforeCommit(ctx, func(context.Context, *db.Tx) error { ran = append(ran, "inner"); return innerFails })
		set := func(to string) error {
			ran = nil
			return d.Update(ctx, s.System.Scope(), func(tx *db.Tx) error {
				_, err := tx.Exec(ctx, writeName, s.InstitutionID, to)
				ran = append(ran, "update")
				return err
			})
		}
		require.NoError(t, set("one"))
		require.Equal(t, []string{"update", "inner", "outer"}, ran)
		outerFails = boom
		require.ErrorIs(t, set("two"), boom)
		innerFails, outerFails = boom, nil
		require.ErrorIs(t, set("three"), boom)
		require.Equal(t, []string{"update", "inner"}, ran)
		require.Equal(t, "one", name(t, d, s.System.Scope(), s.InstitutionID))
	})
}

func name(t *testing.T, d *db.DB, sc db.Scope, id string) string {
	t.Helper()
	var n string
	require.NoError(t, d.View(t.Context(), sc, func(tx *db.Tx) error {
		return tx.QueryRow(t.Context(), db.Q("select name from institution where institution_id = $1"), id).Scan(&n)
	}))
	return n
}

func TestConcurrentUpdatesLoseNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		require.NoError(t, d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), writeName, s.InstitutionID, "0")
			return err
		}))
		var wg sync.WaitGroup
		for range 20 {
			wg.Go(func() {
				err := d.Update(context.Background(), s.System.Scope(), func(tx *db.Tx) error {
					var cur string
					if err := tx.QueryRow(context.Background(), readName, s.InstitutionID).Scan(&cur); err != nil {
						return err
					}
					var n int
					if _, err := fmt.Sscan(cur, &n); err != nil {
						return err
					}
					_, err := tx.Exec(context.Background(), writeName, s.InstitutionID, fmt.Sprint(n+1))
					return err
				})
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		require.Equal(t, "20", name(t, d, s.System.Scope(), s.InstitutionID))
	})
}

func TestRowLevelSecurityHidesOtherInstitutions(t *testing.T) {
	t.Parallel()
	d := dbtest.Postgres(t)
	a, b := dbtest.Institution(t, d), dbtest.Institution(t, d)
	count := func(sc db.Scope) (n int) {
		require.NoError(t, d.View(t.Context(), sc, func(tx *db.Tx) error { return tx.QueryRow(t.Context(), countRows).Scan(&n) }))
		return n
	}
	require.Equal(t, 1, count(a.System.Scope()))
	require.Equal(t, 1, count(b.System.Scope()))
	require.Equal(t, 2, count(db.System("test")))
	err := d.Update(t.Context(), a.System.Scope(), func(tx *db.Tx) error {
		done, err := tx.ExecOne(t.Context(), writeName, b.InstitutionID, "stolen")
		require.False(t, done, "a foreign row must be invisible to an update")
		return err
	})
	require.NoError(t, err)
}

func TestAuditRecordsCannotBeEdited(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		require.NoError(t, d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
			return audit.Record(t.Context(), tx, audit.Entry{Action: "test", Object: "institution", ObjectID: s.InstitutionID, After: map[string]int{"a": 1}})
		}))
		var n int
		require.NoError(t, d.View(t.Context(), s.System.Scope(), func(tx *db.Tx) error { return tx.QueryRow(t.Context(), countAudit).Scan(&n) }))
		require.Equal(t, 1, n)
		require.Error(t, d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), editAudit)
			return err
		}))
	})
}

func TestBothEnginesHaveTheSameSchema(t *testing.T) {
	t.Parallel()
	pg, err := dbtest.Postgres(t).Schema(t.Context())
	require.NoError(t, err)
	lite, err := dbtest.SQLite(t).Schema(t.Context())
	require.NoError(t, err)
	require.Equal(t, lite, pg)
}

func TestMigratingTwiceChangesNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		before, err := d.Schema(t.Context())
		require.NoError(t, err)
		require.NoError(t, d.Migrate(t.Context()))
		after, err := d.Schema(t.Context())
		require.NoError(t, err)
		require.Equal(t, before, after)
		pending, err := d.Pending(t.Context())
		require.NoError(t, err)
		require.Empty(t, pending)
	})
}

func TestBusinessDateRidesOnTheTransaction(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		require.NoError(t, d.View(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
			day, err := tx.BusinessDate(t.Context())
			require.Equal(t, "2026-01-05", day.String())
			return err
		}))
	})
}
