package inbox_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/inbox"
	"github.com/capillary-finance/capillary/internal/platform/job"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

func TestPeopleHearHowTheirJobsEnded(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		relay := event.NewRelay(d, event.Config{Poll: 10 * time.Millisecond})
		relay.Register(inbox.JobConsumer())
		runner, err := job.NewRunner(d, job.Config{Poll: 10 * time.Millisecond})
		require.NoError(t, err)
		runner.Register(job.Kind{Name: "test.good", Zh: "好", En: "Good", Run: func(context.Context, *job.Run) error { return nil }})
		runner.Register(job.Kind{Name: "test.bad", Zh: "坏", En: "Bad", Run: func(context.Context, *job.Run) error { return fault.Required("file") }})
		require.NoError(t, relay.Start(t.Context()))
		require.NoError(t, runner.Start(t.Context()))
		t.Cleanup(func() {
			require.NoError(t, runner.Stop(context.Background()))
			require.NoError(t, relay.Stop(context.Background()))
		})
		require.NoError(t, d.Update(t.Context(), s.Manager.Scope(), func(tx *db.Tx) error {
			for _, p := range []auth.Principal{s.Manager, s.System} {
				for _, k := range []string{"test.good", "test.bad"} {
					if _, err := runner.Enqueue(t.Context(), tx, job.Request{Kind: k, Principal: p}); err != nil {
						return err
					}
				}
			}
			return nil
		}))
		svc := inbox.NewService(d, nil)
		var texts []string
		require.Eventually(t, func() bool {
			n, err := svc.Notifications(t.Context(), s.Manager, true, "", 20)
			require.NoError(t, err)
			texts = nil
			for _, x := range n.Items {
				texts = append(texts, x.En)
			}
			return len(texts) == 2
		}, 20*time.Second, 10*time.Millisecond)
		require.ElementsMatch(t, []string{"Job completed: Good", "Job failed, it can be resumed: Bad"}, texts)
	})
}
