package event_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// taken collects the payloads that a consumer or a sink was given.
type taken struct {
	sync.Mutex
	events []event.Event
}

func (s *taken) add(e ...event.Event) {
	s.Lock()
	defer s.Unlock()
	s.events = append(s.events, e...)
}

func (s *taken) texts() string {
	s.Lock()
	defer s.Unlock()
	var out []string
	for _, e := range s.events {
		out = append(out, fmt.Sprintf("%d%s", e.Position, strings.Trim(string(e.Payload), `"`)))
	}
	return strings.Join(out, " ")
}

func (s *taken) kind(i int) string {
	s.Lock()
	defer s.Unlock()
	return s.events[i].Type
}

func (s *taken) last() int64 {
	s.Lock()
	defer s.Unlock()
	if len(s.events) == 0 {
		return 0
	}
	return s.events[len(s.events)-1].Position
}

// shelf is a sink in memory.
type shelf struct{ taken }

func (s *shelf) Name() string                            { return "sink:shelf" }
func (s *shelf) Position(context.Context) (int64, error) { return s.last(), nil }
func (s *shelf) Publish(_ context.Context, e []event.Event) error {
	if s.last()+1 != e[0].Position {
		return errors.New("a gap")
	}
	s.add(e...)
	return nil
}

func letters(t *testing.T, d *db.DB, sc db.Scope, names ...string) {
	t.Helper()
	require.NoError(t, d.Update(t.Context(), sc, func(tx *db.Tx) error {
		for _, n := range names {
			if err := event.Append(t.Context(), tx, event.Draft{Type: "letter.sent", Aggregate: "letter", AggregateID: n, Payload: n}); err != nil {
				return err
			}
		}
		return nil
	}))
}

// Whatever rots in an event, no consumer and no sink acts on it: it is a dead letter that says why, the others go on, new events get the right
// positions, the API shows nothing of it, and verification names it.
func TestADamagedEventReachesNobody(t *testing.T) {
	t.Parallel()
	for name, rot := range map[string]string{
		"payload": `payload = '"X"'`, "type": `type = 'letter.lost'`, "aggregate": `aggregate_id = 'other'`, "time": `at = at + 1`, "actor": `actor = 'eve'`,
		"checksum": `checksum = case when substr(checksum, 1, 1) = 'a' then 'b' else 'a' end || substr(checksum, 2)`, "position": `position = position + 1048576`, "position low": `position = 0`, "second position": `position_check = position_check - 1048576`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				sc := dbtest.Institution(t, d).System.Scope()
				letters(t, d, sc, "a", "b", "c", "d")
				r := event.NewRelay(d, event.Config{Poll: 5 * time.Millisecond, Backoff: func(int) time.Duration { return time.Millisecond }})
				for placed := true; placed; {
					var err error
					placed, err = r.Place(t.Context())
					require.NoError(t, err)
				}
				at := 2
				if name == "position low" { // the last one, which nothing after it betrays
					at = 4
				}
				_, err := d.Owner().ExecContext(t.Context(), fmt.Sprintf(`update event set %s where position = %d`, rot, at))
				require.NoError(t, err)
				letters(t, d, sc, "e")
				consumer, sink := &taken{}, &shelf{}
				r.Register(event.Consumer{Name: "reader", Types: []string{"letter.sent"}, Handle: func(_ context.Context, _ *db.Tx, e event.Event) error {
					if e.Position > consumer.last() { // handled again when the transaction fails over its neighbour
						consumer.add(e)
					}
					return nil
				}})
				r.AddSink(sink)
				require.NoError(t, r.Start(t.Context()))
				t.Cleanup(func() { _ = r.Stop(context.Background()) })
				read, copied := "1a 3c 4d 5e", "1a"
				if at == 4 {
					read, copied = "1a 2b 3c 5e", "1a 2b 3c"
				}
				require.Eventually(t, func() bool { return consumer.last() == 5 }, 20*time.Second, 5*time.Millisecond)
				require.Equal(t, read, consumer.texts(), "its place is not given to another")
				require.Eventually(t, func() bool { return sink.texts() == copied }, 20*time.Second, 5*time.Millisecond, "a sink waits at it: its positions have no gaps")
				var dead []event.DeadLetter
				require.Eventually(t, func() bool {
					dead, _, err = r.DeadLetters(t.Context(), sc, "", 0, 10)
					require.NoError(t, err)
					return len(dead) == 2
				}, 20*time.Second, 5*time.Millisecond)
				for _, l := range dead {
					require.Contains(t, l.Error, "damaged")
					require.NotEmpty(t, l.Event.Damage)
					require.Empty(t, l.Event.Payload, "nothing of it is shown")
				}
				listed, _, err := r.Events(t.Context(), sc, event.Filter{Limit: 10})
				require.NoError(t, err)
				damaged := 0
				for _, e := range listed {
					if e.Damage != "" {
						damaged++
						require.Empty(t, e.Payload)
						require.Empty(t, e.Type)
					}
				}
				require.Equal(t, 1, damaged)
				require.NoError(t, d.View(t.Context(), db.System("test"), func(tx *db.Tx) error {
					report, err := event.Verify(t.Context(), tx)
					require.NoError(t, err)
					require.NotEmpty(t, report.Problems)
					require.Equal(t, int64(5), report.Events)
					return nil
				}))
				// Somebody decides: the consumer's letter is dropped, and the sink goes on with a mark in its place.
				for _, l := range dead {
					require.NoError(t, r.Discard(t.Context(), sc, l.ID, "restored by hand elsewhere"))
				}
				require.Eventually(t, func() bool { return sink.last() == 5 }, 20*time.Second, 5*time.Millisecond)
				require.Equal(t, event.DamagedType, sink.kind(at-1))
			})
		})
	}
}
