package operate_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/event/operate"
	"github.com/capillary-finance/capillary/internal/testkit/callkit"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var countAudit = db.Q(`select count(*) from audit_record where institution_id = $1 and action in ('event.requeue', 'event.discard', 'event.replay')`)

func TestDeadLettersAndReplayOverHTTP(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		r := event.NewRelay(d, event.Config{Poll: 10 * time.Millisecond, Lease: time.Second, Tries: 2, Backoff: func(int) time.Duration { return time.Millisecond }})
		r.Register(event.Consumer{Name: "broken", Types: []string{"test.poison"}, Replayable: true, Handle: func(context.Context, *db.Tx, event.Event) error { return errors.New("never") }})
		r.Register(event.Consumer{Name: "once", Handle: func(context.Context, *db.Tx, event.Event) error { return nil }})
		require.NoError(t, r.Start(t.Context()))
		t.Cleanup(func() { require.NoError(t, r.Stop(context.Background())) })
		reg := prometheus.NewRegistry()
		reg.MustRegister(r.Collector())
		srv := callkit.New(t, d, s, func(a *api.API) { operate.Routes(a, operate.NewService(r)) })
		require.NoError(t, d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
			for _, id := range []string{"a", "b"} {
				if err := event.Append(t.Context(), tx, event.Draft{Type: "test.poison", Aggregate: "x", AggregateID: id, Payload: map[string]int{"n": 1}}); err != nil {
					return err
				}
			}
			return nil
		}))
		dead := func(n int) (ids []string) {
			t.Helper()
			require.Eventually(t, func() bool {
				page := srv.Need(200, "operations", "GET", "/api/v1/dead-letters?consumer=broken", nil)
				ids = nil
				for _, x := range page["items"].([]any) {
					ids = append(ids, x.(map[string]any)["id"].(string))
				}
				return len(ids) == n
			}, 10*time.Second, 10*time.Millisecond, "%d dead letters", n)
			return ids
		}
		ids := dead(2)
		srv.Need(403, "relationship_manager", "GET", "/api/v1/dead-letters", nil)
		srv.Need(403, "compliance", "POST", "/api/v1/dead-letters/"+ids[0]+"/requeue", nil)
		srv.Need(204, "operations", "POST", "/api/v1/dead-letters/"+ids[0]+"/requeue", nil)
		dead(2) // it fails again
		srv.Need(422, "operations", "POST", "/api/v1/dead-letters/"+ids[1]+"/discard", map[string]any{"reason": ""})
		srv.Need(204, "operations", "POST", "/api/v1/dead-letters/"+ids[1]+"/discard", map[string]any{"reason": "a test"})
		dead(1)
		srv.Need(404, "operations", "POST", "/api/v1/dead-letters/"+ids[1]+"/discard", map[string]any{"reason": "a test"})
		require.EqualValues(t, 2, srv.Need(200, "operations", "POST", "/api/v1/consumers/broken/replay", map[string]any{"from_position": 1})["events"])
		dead(2)
		require.Equal(t, "CONSUMER_NOT_REPLAYABLE", srv.Need(409, "operations", "POST", "/api/v1/consumers/once/replay", map[string]any{"from_position": 1})["code"])
		srv.Need(404, "operations", "POST", "/api/v1/consumers/none/replay", map[string]any{"from_position": 1})
		page := srv.Need(200, "compliance", "GET", "/api/v1/events?aggregate=x&limit=1", nil)
		require.EqualValues(t, 2, page["total"])
		next := srv.Need(200, "compliance", "GET", "/api/v1/events?aggregate=x&limit=1&cursor="+page["next_cursor"].(string), nil)
		require.Equal(t, "a", next["items"].([]any)[0].(map[string]any)["aggregate_id"])
		require.Len(t, srv.Need(200, "operations", "GET", "/api/v1/consumers", nil)["items"], 2)
		require.NoError(t, r.Ready(t.Context(), 1000))
		all, err := reg.Gather()
		require.NoError(t, err)
		require.Len(t, all, 4)
		var n int
		require.NoError(t, d.View(t.Context(), s.System.Scope(), func(tx *db.Tx) error { return tx.QueryRow(t.Context(), countAudit, s.InstitutionID).Scan(&n) }))
		require.Equal(t, 3, n, "requeue, discard and replay are recorded")
	})
}
