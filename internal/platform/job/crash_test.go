package job_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/job"
	"github.com/capillary-finance/capillary/internal/testkit/crash"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

const unitsMax = 250

var insertUnit = db.Q(`insert into notification (institution_id, user_id, id, zh, en, link, at, read_at) values ($1,'crash',$2,'z','e','',1,0)`)

// units does every unit of its work in one transaction with the checkpoint; doing one twice would
// violate the primary key, leaving one out would leave a gap.
func units(done func(n int)) job.Kind {
	return job.Kind{Name: "test.units", Zh: "单元", En: "Units", Tries: 1000, Run: func(ctx context.Context, r *job.Run) error {
		var at struct{ N int }
		r.Restore(&at)
		for at.N < unitsMax {
			next := at
			next.N++
			err := r.Update(ctx, func(tx *db.Tx) error {
				if _, err := tx.Exec(ctx, insertUnit, tx.Institution, fmt.Sprintf("u%05d", next.N)); err != nil {
					return err
				}
				return r.CheckpointTx(ctx, tx, next)
			})
			if err != nil {
				return err
			}
			at = next
			done(at.N)
			if err := r.Progress(ctx, int64(at.N), unitsMax); err != nil {
				return err
			}
		}
		return nil
	}}
}

// unitsChild is the process that gets killed: it runs the jobs of the database and says each unit it has committed.
func unitsChild(ctx context.Context, life crash.Life) error {
	d, err := life.Open(ctx)
	if err != nil {
		return err
	}
	cfg := fast
	cfg.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	x, err := job.NewRunner(d, cfg)
	if err != nil {
		return err
	}
	x.Register(units(func(n int) { life.Ack("unit", n) }))
	if err := x.Start(ctx); err != nil {
		return err
	}
	select {} // until killed
}

var (
	countUnits = db.Q(`select count(*), coalesce(min(id), ''), coalesce(max(id), '') from notification where institution_id = $1 and user_id = 'crash'`)
)

func TestKilledInMidJobItFinishesWithEachUnitOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		x := newRunner(t, d, units(func(int) {}))
		j := enqueue(t, d, x, s.System.Scope(), job.Request{Kind: "test.units"})
		h := crash.New(t, d, "units", nil)
		for _, more := range []int{3, 40, 1, 110} { // units done in each life
			h.KillAt("unit", more)
		}
		start(t, x)
		done := waitFor(t, x, s.System, j.ID, job.Completed)
		require.GreaterOrEqual(t, done.Attempts, int64(4), "each child took the job over")
		var n int
		var first, last string
		require.NoError(t, d.View(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
			return tx.QueryRow(t.Context(), countUnits, s.InstitutionID).Scan(&n, &first, &last)
		}))
		require.Equal(t, unitsMax, n)
		require.Equal(t, "u00001", first)
		require.Equal(t, fmt.Sprintf("u%05d", unitsMax), last)
	})
}
