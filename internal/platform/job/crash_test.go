package job_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/job"
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

// childMain is the process that gets killed: it runs jobs of the database named in its environment
// and prints each unit it has committed.
func childMain() bool {
	path, dsn := os.Getenv("JOB_CHILD_SQLITE"), os.Getenv("JOB_CHILD_POSTGRES")
	if path == "" && dsn == "" {
		return false
	}
	ctx := context.Background()
	d, err := db.Open(ctx, db.Config{Path: path, PostgresDSN: dsn})
	if err != nil {
		panic(err)
	}
	cfg := fast
	cfg.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	x, err := job.NewRunner(d, cfg)
	if err != nil {
		panic(err)
	}
	x.Register(units(func(n int) { fmt.Println("unit", n) }))
	if err := x.Start(ctx); err != nil {
		panic(err)
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
		env := "JOB_CHILD_SQLITE=" + d.Path()
		if d.Dialect() == db.Postgres {
			env = "JOB_CHILD_POSTGRES=" + dsnOf(t, d)
		}
		for _, killAt := range []int{3, 40, 41, 150} {
			killChildAt(t, env, killAt)
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

// dsnOf names the fixture's own database on the test server.
func dsnOf(t *testing.T, d *db.DB) string {
	t.Helper()
	var name string
	require.NoError(t, d.Writer().QueryRowContext(t.Context(), "select current_database()").Scan(&name))
	u, err := url.Parse(os.Getenv(dbtest.PostgresVariable))
	require.NoError(t, err)
	u.Path = "/" + name
	return u.String()
}

// killChildAt starts a child and kills it -9 once it has printed unit n or a later one.
func killChildAt(t *testing.T, env string, n int) {
	t.Helper()
	exe, err := os.Executable()
	require.NoError(t, err)
	child := exec.CommandContext(t.Context(), exe)
	child.Env = append(os.Environ(), env)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, child.Start())
	lines := bufio.NewScanner(out)
	seen := false
	for !seen && lines.Scan() {
		var at int
		if _, err := fmt.Sscanf(strings.TrimSpace(lines.Text()), "unit %d", &at); err == nil && at >= n {
			seen = true
		}
	}
	require.NoError(t, child.Process.Kill()) // SIGKILL
	require.Error(t, child.Wait())
	require.True(t, seen, "the child never came to unit %d", n)
}
