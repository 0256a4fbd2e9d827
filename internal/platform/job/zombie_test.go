package job_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/job"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// A process that was only thought dead (it hung, its clock stood still) wakes up after another has taken
// its job over: its effects must roll back.
func TestAZombieCannotWriteAfterItsJobWasTakenOver(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		asleep, wake := make(chan struct{}), make(chan struct{})
		zombieErr := make(chan error, 1)
		var runs atomic.Int64
		kind := named("test.zombie", func(ctx context.Context, r *job.Run) error {
			if runs.Add(1) == 1 {
				close(asleep)
				<-wake
				err := r.Update(context.WithoutCancel(ctx), func(tx *db.Tx) error {
					if _, err := tx.Exec(ctx, insertUnit, tx.Institution, "zombie"); err != nil {
						return err
					}
					return r.CheckpointTx(context.WithoutCancel(ctx), tx, "zombie")
				})
				zombieErr <- err
				return err
			}
			return r.Update(ctx, func(tx *db.Tx) error {
				if _, err := tx.Exec(ctx, insertUnit, tx.Institution, "heir"); err != nil {
					return err
				}
				return r.CheckpointTx(ctx, tx, "heir")
			})
		})
		hung := fast
		hung.Beat, hung.Watch = time.Hour, time.Hour // it neither beats nor looks
		zombie, err := job.NewRunner(d, hung)
		require.NoError(t, err)
		zombie.Register(kind)
		start(t, zombie)
		id := enqueue(t, d, zombie, s.System.Scope(), job.Request{Kind: "test.zombie"}).ID
		<-asleep
		heir := newRunner(t, d, kind)
		start(t, heir)
		waitFor(t, heir, s.System, id, job.Completed)
		close(wake)
		require.True(t, fault.Is(<-zombieErr, job.ReasonLeaseLost))
		var n int
		var first, last string
		require.NoError(t, d.View(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
			return tx.QueryRow(t.Context(), countUnits, s.InstitutionID).Scan(&n, &first, &last)
		}))
		require.Equal(t, 1, n)
		require.Equal(t, "heir", first)
		j, err := heir.Get(t.Context(), s.System, id)
		require.NoError(t, err)
		require.Equal(t, job.Completed, j.State, "the zombie's end does not overwrite it")
		require.EqualValues(t, 2, j.Attempts)
	})
}
