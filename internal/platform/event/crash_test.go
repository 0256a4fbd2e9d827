package event_test

import (
	"bufio"
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// childMain is the process that gets killed: a relay with the recording consumer that says what it has done.
func childMain() bool {
	path, dsn := os.Getenv("EVENT_CHILD_SQLITE"), os.Getenv("EVENT_CHILD_POSTGRES")
	if path == "" && dsn == "" {
		return false
	}
	ctx := context.Background()
	d, err := db.Open(ctx, db.Config{Path: path, PostgresDSN: dsn})
	if err != nil {
		panic(err)
	}
	cfg := fast
	cfg.Batch = 7 // so that a kill falls between and into batches
	r := event.NewRelay(d, cfg)
	c := recorder("projection", nil)
	inner := c.Handle
	c.Handle = func(ctx context.Context, tx *db.Tx, e event.Event) error {
		tx.AfterCommit(func() { fmt.Println("done") })
		return inner(ctx, tx, e)
	}
	r.Register(c)
	if err := r.Start(ctx); err != nil {
		panic(err)
	}
	select {} // until killed
}

func childEnv(t *testing.T, d *db.DB) string {
	t.Helper()
	if d.Dialect() == db.SQLite {
		return "EVENT_CHILD_SQLITE=" + d.Path()
	}
	var name string
	require.NoError(t, d.Writer().QueryRowContext(t.Context(), "select current_database()").Scan(&name))
	u, err := url.Parse(os.Getenv(dbtest.PostgresVariable))
	require.NoError(t, err)
	u.Path = "/" + name
	return "EVENT_CHILD_POSTGRES=" + u.String()
}

func TestKilledRelaysLoseAndDoubleNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		const aggregates, each = 8, 50
		for n := range each {
			for a := range aggregates {
				emit(t, d, s.System.Scope(), fmt.Sprintf("k%d", a), n)
			}
		}
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		rng := rand.New(rand.NewPCG(seed, 2))
		exe, err := os.Executable()
		require.NoError(t, err)
		env := childEnv(t, d)
		for range 5 {
			child := exec.CommandContext(t.Context(), exe)
			child.Env = append(os.Environ(), env)
			child.Stderr = os.Stderr
			out, err := child.StdoutPipe()
			require.NoError(t, err)
			require.NoError(t, child.Start())
			lines := bufio.NewScanner(out)
			for range 1 + rng.IntN(60) {
				require.True(t, lines.Scan(), "the child works on")
			}
			require.NoError(t, child.Process.Kill()) // SIGKILL
			require.Error(t, child.Wait())
		}
		r := event.NewRelay(d, fast)
		r.Register(recorder("projection", nil))
		run(t, r)
		eventually(t, "the rest", func() bool { return len(seen(t, d, s.System.Scope(), "projection")) == aggregates*each })
		requireOrder(t, seen(t, d, s.System.Scope(), "projection"), aggregates, each)
		require.NoError(t, r.Prune(t.Context()))
	})
}

// BenchmarkRelay measures events through one consumer that writes a row each.
func BenchmarkRelay(b *testing.B) {
	for name, open := range map[string]func(testing.TB, ...dbtest.Option) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		b.Run(name, func(b *testing.B) {
			d := open(b)
			s := dbtest.Institution(b, d)
			const chunk = 1000
			for at := 0; at < b.N; at += chunk {
				require.NoError(b, d.Update(b.Context(), s.System.Scope(), func(tx *db.Tx) error {
					for n := at; n < min(at+chunk, b.N); n++ {
						if err := event.Append(b.Context(), tx, event.Draft{Type: "test.counted", Aggregate: "counter", AggregateID: fmt.Sprint(n % 100), Payload: payload{n}}); err != nil {
							return err
						}
					}
					return nil
				}))
			}
			r := event.NewRelay(d, event.Config{Poll: 10 * time.Millisecond})
			r.Register(recorder("bench", nil))
			b.ResetTimer()
			require.NoError(b, r.Start(b.Context()))
			for n := 0; n < b.N; {
				require.NoError(b, d.View(b.Context(), s.System.Scope(), func(tx *db.Tx) error {
					return tx.QueryRow(b.Context(), countSeen, s.InstitutionID, "bench").Scan(&n)
				}))
			}
			b.StopTimer()
			require.NoError(b, r.Stop(context.Background()))
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "events/s")
		})
	}
}
