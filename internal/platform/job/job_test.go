package job_test

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/job"
	"github.com/capillary-finance/capillary/internal/testkit/crash"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

func TestMain(m *testing.M) {
	if crash.Child(crash.Children{"units": unitsChild}) {
		return
	}
	goleak.VerifyTestMain(m)
}

// fast is a runner that finds out quickly, for tests.
var fast = job.Config{Poll: 10 * time.Millisecond, Beat: 20 * time.Millisecond, StaleAfter: 300 * time.Millisecond, Watch: 20 * time.Millisecond}

func newRunner(t *testing.T, d *db.DB, kinds ...job.Kind) *job.Runner {
	t.Helper()
	x, err := job.NewRunner(d, fast)
	require.NoError(t, err)
	for _, k := range kinds {
		x.Register(k)
	}
	return x
}

func start(t *testing.T, x *job.Runner) {
	t.Helper()
	require.NoError(t, x.Start(t.Context()))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		require.NoError(t, x.Stop(ctx))
	})
}

func enqueue(t *testing.T, d *db.DB, x *job.Runner, sc db.Scope, in job.Request) job.Job {
	t.Helper()
	var j job.Job
	require.NoError(t, d.Update(t.Context(), sc, func(tx *db.Tx) (err error) {
		j, err = x.Enqueue(t.Context(), tx, in)
		return err
	}))
	return j
}

func waitFor(t *testing.T, x *job.Runner, p auth.Principal, id string, states ...job.State) job.Job {
	t.Helper()
	var j job.Job
	require.Eventually(t, func() bool {
		var err error
		j, err = x.Get(t.Context(), p, id)
		require.NoError(t, err)
		for _, s := range states {
			if j.State == s {
				return true
			}
		}
		return false
	}, time.Minute, 10*time.Millisecond, "job did not become %v", states)
	return j
}

func named(name string, run func(ctx context.Context, r *job.Run) error) job.Kind {
	return job.Kind{Name: name, Zh: "测试", En: "Test", Run: run, Tries: 2, Backoff: func(int) time.Duration { return 20 * time.Millisecond }}
}

func TestJobRunsWithThePrincipalAndKeepsItsResult(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		var who atomic.Pointer[auth.Principal]
		x := newRunner(t, d, named("test.count", func(ctx context.Context, r *job.Run) error {
			who.Store(&r.Principal)
			var in struct{ N int64 }
			if err := r.Args(&in); err != nil {
				return err
			}
			for i := range in.N {
				if err := r.Progress(ctx, i+1, in.N); err != nil {
					return err
				}
			}
			r.AddError(fault.Field("amount", "不是数字", "is not a number").WithRow(3))
			return r.Result(ctx, map[string]int64{"counted": in.N})
		}))
		j := enqueue(t, d, x, s.Manager.Scope(), job.Request{Kind: "test.count", Args: map[string]int{"N": 40}, Object: "firm", ObjectID: "firm_1", Principal: s.Manager})
		require.Equal(t, job.Queued, j.State)
		start(t, x)
		j = waitFor(t, x, s.Manager, j.ID, job.Completed)
		require.EqualValues(t, 40, j.Done)
		require.EqualValues(t, 40, j.Total)
		require.JSONEq(t, `{"counted":40}`, string(j.Result))
		require.Len(t, j.Errors, 1)
		require.Equal(t, 3, j.Errors[0].Row)
		require.EqualValues(t, 1, j.Attempts)
		require.Equal(t, s.Manager, *who.Load(), "the job acts as the person who asked, with the same rights")
	})
}

func TestRollbackOfTheBusinessTransactionLeavesNoJob(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		var ran atomic.Int64
		x := newRunner(t, d, named("test.once", func(context.Context, *job.Run) error { ran.Add(1); return nil }))
		start(t, x)
		boom := errors.New("boom")
		require.ErrorIs(t, d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
			if _, err := x.Enqueue(t.Context(), tx, job.Request{Kind: "test.once"}); err != nil {
				return err
			}
			return boom
		}), boom)
		j := enqueue(t, d, x, s.System.Scope(), job.Request{Kind: "test.once"})
		waitFor(t, x, s.System, j.ID, job.Completed)
		require.EqualValues(t, 1, ran.Load())
		_, total, err := x.List(t.Context(), s.System, job.Filter{})
		require.NoError(t, err)
		require.EqualValues(t, 1, total)
	})
}

func TestCancelReachesARunningJobAndResumeContinuesFromItsCheckpoint(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		var fresh, restored atomic.Int64
		x := newRunner(t, d, named("test.long", func(ctx context.Context, r *job.Run) error {
			var at struct{ N int }
			if r.Restore(&at) {
				restored.Store(int64(at.N))
				return nil
			}
			at.N = 7
			if err := r.Checkpoint(ctx, at); err != nil {
				return err
			}
			if err := r.Progress(ctx, 7, 10); err != nil {
				return err
			}
			fresh.Add(1) // from here on a cancel meets seven units done
			<-ctx.Done()
			return ctx.Err()
		}))
		start(t, x)
		j := enqueue(t, d, x, s.Manager.Scope(), job.Request{Kind: "test.long", Principal: s.Manager})
		require.Eventually(t, func() bool { return fresh.Load() == 1 }, 10*time.Second, 5*time.Millisecond)
		_, err := x.Resume(t.Context(), s.Manager, j.ID)
		require.True(t, fault.Is(err, job.ReasonNotResumable), "%v", err)
		_, err = x.Cancel(t.Context(), s.Manager, j.ID)
		require.NoError(t, err)
		j = waitFor(t, x, s.Manager, j.ID, job.Cancelled)
		require.EqualValues(t, 7, j.Done)
		_, err = x.Cancel(t.Context(), s.Manager, j.ID)
		require.True(t, fault.Is(err, job.ReasonNotCancellable), "%v", err)
		_, err = x.Resume(t.Context(), s.Manager, j.ID)
		require.NoError(t, err)
		j = waitFor(t, x, s.Manager, j.ID, job.Completed)
		require.EqualValues(t, 7, restored.Load())
		require.EqualValues(t, 2, j.Attempts)
	})
}

func TestCancelAskedOnAnotherServerIsSeen(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		running := make(chan struct{})
		kind := named("test.wait", func(ctx context.Context, _ *job.Run) error {
			close(running)
			<-ctx.Done()
			return ctx.Err()
		})
		x, other := newRunner(t, d, kind), newRunner(t, d, kind)
		start(t, x)
		j := enqueue(t, d, x, s.System.Scope(), job.Request{Kind: "test.wait"})
		<-running
		_, err := other.Cancel(t.Context(), s.System, j.ID) // it knows nothing of the run but the row
		require.NoError(t, err)
		waitFor(t, x, s.System, j.ID, job.Cancelled)
	})
}

func TestTransientErrorsAreRetriedAndFaultsAreNot(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		var flaky, bad, hopeless, panics atomic.Int64
		x := newRunner(t, d,
			named("test.flaky", func(context.Context, *job.Run) error {
				if flaky.Add(1) < 2 {
					return job.Transient(errors.New("connection reset"))
				}
				return nil
			}),
			named("test.bad", func(context.Context, *job.Run) error {
				bad.Add(1)
				return fault.Field("file", "不是 CSV", "is not CSV")
			}),
			named("test.hopeless", func(context.Context, *job.Run) error {
				hopeless.Add(1)
				return fault.New(fault.ReasonUnavailable, "what", "payment channel")
			}),
			named("test.panic", func(context.Context, *job.Run) error { panics.Add(1); panic("oh") }))
		start(t, x)
		ask := func(kind string) string { return enqueue(t, d, x, s.System.Scope(), job.Request{Kind: kind}).ID }
		a, b, c, e := ask("test.flaky"), ask("test.bad"), ask("test.hopeless"), ask("test.panic")
		ok := waitFor(t, x, s.System, a, job.Completed)
		require.EqualValues(t, 2, ok.Attempts)
		require.EqualValues(t, 1, ok.ErrorCount)
		failed := waitFor(t, x, s.System, b, job.Failed)
		require.EqualValues(t, 1, bad.Load())
		require.Equal(t, "file", failed.Errors[0].Field)
		require.NotEmpty(t, failed.Errors[0].MessageZh)
		gone := waitFor(t, x, s.System, c, job.Failed)
		require.EqualValues(t, 2, hopeless.Load())
		require.EqualValues(t, 2, gone.Attempts)
		broke := waitFor(t, x, s.System, e, job.Failed)
		require.Equal(t, "JOB_CRASHED", broke.Errors[0].Code)
		require.EqualValues(t, 1, panics.Load())
	})
}

func TestOneLiveJobPerKey(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		x := newRunner(t, d, named("test.eod", func(context.Context, *job.Run) error { return nil }))
		in := job.Request{Kind: "test.eod", Key: "2026-01-05"}
		a, b := enqueue(t, d, x, s.System.Scope(), in), enqueue(t, d, x, s.System.Scope(), in)
		require.Equal(t, a.ID, b.ID)
		start(t, x)
		waitFor(t, x, s.System, a.ID, job.Completed)
		require.NotEqual(t, a.ID, enqueue(t, d, x, s.System.Scope(), in).ID)
	})
}

func TestStopPutsRunningJobsBackAndAnotherRunnerFinishesThem(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		var runs atomic.Int64
		running := make(chan struct{})
		kind := named("test.stop", func(ctx context.Context, _ *job.Run) error {
			if runs.Add(1) > 1 {
				return nil
			}
			close(running)
			<-ctx.Done()
			return ctx.Err()
		})
		x := newRunner(t, d, kind)
		require.NoError(t, x.Start(t.Context()))
		j := enqueue(t, d, x, s.System.Scope(), job.Request{Kind: "test.stop"})
		<-running
		require.NoError(t, x.Stop(t.Context()))
		after, err := x.Get(t.Context(), s.System, j.ID)
		require.NoError(t, err)
		require.Equal(t, job.Queued, after.State)
		next := newRunner(t, d, kind)
		start(t, next)
		waitFor(t, next, s.System, j.ID, job.Completed)
	})
}

func TestPeopleSeeTheirOwnJobsAndTheirSubtreesOnlyWithTheRight(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, foreign := dbtest.Institution(t, d), dbtest.Institution(t, d)
		x := newRunner(t, d, named("test.see", func(context.Context, *job.Run) error { return nil }))
		own := enqueue(t, d, x, s.Manager.Scope(), job.Request{Kind: "test.see", Principal: s.Manager})
		ops := enqueue(t, d, x, s.Operations.Scope(), job.Request{Kind: "test.see", Principal: s.Operations})
		_, err := x.Get(t.Context(), s.Manager, ops.ID)
		require.True(t, fault.Is(err, fault.ReasonNotFound))
		_, err = x.Cancel(t.Context(), s.Manager, ops.ID)
		require.True(t, fault.Is(err, fault.ReasonNotFound))
		_, err = x.Get(t.Context(), s.Operations, own.ID)
		require.NoError(t, err)
		_, err = x.Get(t.Context(), foreign.Operations, own.ID)
		require.True(t, fault.Is(err, fault.ReasonNotFound))
		_, err = x.Cancel(t.Context(), s.Compliance, own.ID)
		require.True(t, fault.Is(err, fault.ReasonForbidden))
		mine, total, err := x.List(t.Context(), s.Manager, job.Filter{})
		require.NoError(t, err)
		require.EqualValues(t, 1, total)
		require.Equal(t, own.ID, mine[0].ID)
		_, total, err = x.List(t.Context(), s.Operations, job.Filter{})
		require.NoError(t, err)
		require.EqualValues(t, 2, total)
	})
}

// A database that is away for a moment (a failover, a restart) must not fail a night's work for good.
func TestAnOutageOfTheDatabaseIsTriedAgain(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	s := dbtest.Institution(t, d)
	var runs atomic.Int64
	x := newRunner(t, d, job.Kind{Name: "test.outage", Zh: "断", En: "outage", Tries: 3, Backoff: func(int) time.Duration { return time.Millisecond }, Run: func(context.Context, *job.Run) error {
		if runs.Add(1) == 1 {
			return fmt.Errorf("in the middle: %w", driver.ErrBadConn)
		}
		return nil
	}})
	j := enqueue(t, d, x, s.System.Scope(), job.Request{Kind: "test.outage"})
	start(t, x)
	waitFor(t, x, s.System, j.ID, job.Completed)
	require.EqualValues(t, 2, runs.Load())
}
