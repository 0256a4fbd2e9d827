package job_test

import (
	"context"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/job"
	"github.com/capillary-finance/capillary/internal/testkit/callkit"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

func TestJobsOverHTTP(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		x := newRunner(t, d, named("test.http", func(ctx context.Context, r *job.Run) error {
			if r.Job.Attempts > 1 {
				return r.Result(ctx, map[string]string{"report": "ready"})
			}
			r.Message("等待", "waiting")
			_ = r.Progress(ctx, 3, 10)
			<-ctx.Done()
			return ctx.Err()
		}))
		start(t, x)
		srv := callkit.New(t, d, s, func(a *api.API) { job.Routes(a, x) })
		id := enqueue(t, d, x, s.Manager.Scope(), job.Request{Kind: "test.http", Principal: s.Manager}).ID
		require.Eventually(t, func() bool {
			return srv.Need(200, "relationship_manager", "GET", "/api/v1/jobs/"+id, nil)["done"] == 3.0
		}, 10*time.Second, 10*time.Millisecond)
		srv.Need(401, "", "GET", "/api/v1/jobs", nil)
		srv.Need(404, "relationship_manager", "GET", "/api/v1/jobs/job_none", nil)
		srv.Need(403, "risk", "POST", "/api/v1/jobs/"+id+"/cancel", nil)
		srv.Need(200, "operations", "POST", "/api/v1/jobs/"+id+"/cancel", nil)
		waitFor(t, x, s.Manager, id, job.Cancelled)
		problem := srv.Need(409, "operations", "POST", "/api/v1/jobs/"+id+"/cancel", nil)
		require.Equal(t, "JOB_NOT_CANCELLABLE", problem["code"])
		srv.Need(200, "relationship_manager", "POST", "/api/v1/jobs/"+id+"/resume", nil)
		waitFor(t, x, s.Manager, id, job.Completed)
		got := srv.Need(200, "relationship_manager", "GET", "/api/v1/jobs/"+id, nil)
		require.Equal(t, map[string]any{"report": "ready"}, got["result"])
		require.Equal(t, "测试", got["kind_zh"])
		enqueue(t, d, x, s.Manager.Scope(), job.Request{Kind: "test.http", Principal: s.Manager})
		page := srv.Need(200, "operations", "GET", "/api/v1/jobs?limit=1", nil)
		require.EqualValues(t, 2, page["total"])
		next := srv.Need(200, "operations", "GET", "/api/v1/jobs?limit=1&cursor="+page["next_cursor"].(string), nil)
		require.Len(t, next["items"], 1)
		srv.Need(422, "operations", "GET", "/api/v1/jobs?state=dancing", nil)
	})
}

func TestMetricsCountLiveJobsAndFinishedRuns(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	s := dbtest.Institution(t, d)
	m := job.NewMetrics()
	cfg := fast
	cfg.Observe = m.Observe
	x, err := job.NewRunner(d, cfg)
	require.NoError(t, err)
	x.Register(named("test.metric", func(context.Context, *job.Run) error { return nil }))
	reg := prometheus.NewRegistry()
	reg.MustRegister(m, x.Collector())
	names := func() map[string]float64 {
		out := map[string]float64{}
		all, err := reg.Gather()
		require.NoError(t, err)
		for _, f := range all {
			for _, v := range f.GetMetric() {
				out[f.GetName()] += v.GetGauge().GetValue() + float64(v.GetHistogram().GetSampleCount())
			}
		}
		return out
	}
	id := enqueue(t, d, x, s.System.Scope(), job.Request{Kind: "test.metric"}).ID
	require.InDelta(t, 1, names()["capillary_jobs_live"], 0)
	start(t, x)
	waitFor(t, x, s.System, id, job.Completed)
	require.Eventually(t, func() bool { return names()["capillary_job_run_seconds"] == 1 && names()["capillary_jobs_live"] == 0 }, 5*time.Second, 10*time.Millisecond)
}

// The one writer of SQLite is shared with the queue: business transactions must hardly notice it.
func TestBusinessTransactionsAreNotStarvedByTheQueueOnSQLite(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	s := dbtest.Institution(t, d)
	x := newRunner(t, d, named("test.busy", func(ctx context.Context, r *job.Run) error {
		for i := int64(0); ; i++ {
			if err := r.Progress(ctx, i, 0); err != nil {
				return err
			}
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Millisecond):
			}
		}
	}))
	start(t, x)
	for range 4 {
		enqueue(t, d, x, s.System.Scope(), job.Request{Kind: "test.busy"})
	}
	var worst time.Duration
	for i := range 300 {
		began := time.Now()
		require.NoError(t, d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), insertUnit, tx.Institution, "w"+time.Duration(i).String())
			return err
		}))
		worst = max(worst, time.Since(began))
	}
	t.Logf("slowest of 300 business transactions beside four busy jobs: %v", worst)
	require.Less(t, worst, 2*time.Second)
}

// A job that holds the only writer for long is alive although it cannot say so.
func TestALongTransactionIsNotTakenForDeath(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	s := dbtest.Institution(t, d)
	inside := make(chan struct{})
	release := make(chan struct{})
	x := newRunner(t, d, named("test.hold", func(ctx context.Context, r *job.Run) error {
		return r.Update(ctx, func(tx *db.Tx) error {
			_ = r.Progress(ctx, 5, 10)
			close(inside)
			<-release
			return r.CheckpointTx(ctx, tx, 1)
		})
	}))
	start(t, x)
	id := enqueue(t, d, x, s.System.Scope(), job.Request{Kind: "test.hold"}).ID
	<-inside
	j, err := x.Get(t.Context(), s.System, id)
	require.NoError(t, err)
	require.EqualValues(t, 5, j.Done, "progress is shown from memory while the writer is held")
	time.AfterFunc(3*fast.StaleAfter, func() { close(release) })
	j = waitFor(t, x, s.System, id, job.Completed)
	require.EqualValues(t, 1, j.Attempts)
}
