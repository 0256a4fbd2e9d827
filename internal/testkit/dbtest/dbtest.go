// Package dbtest gives tests a migrated database of each engine: a SQLite file copied from a
// template, and, when CAPILLARY_TEST_POSTGRES names a server, a PostgreSQL database cloned from one.
// Tests on it run in parallel; nothing is shared between them.
package dbtest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/db"
)

// PostgresVariable names the environment variable that points at a test server.
const PostgresVariable = "CAPILLARY_TEST_POSTGRES"

// Option changes the configuration of a fixture.
type Option func(*db.Config)

// WithClock sets the clock of the fixture.
func WithClock(clock func() time.Time) Option { return func(c *db.Config) { c.Clock = clock } }

// Clock is time that a test moves by hand. A ticking one moves a microsecond at each look as well.
type Clock struct{ micros, tick atomic.Int64 }

// Now is what the database takes for the time.
func (c *Clock) Now() time.Time { return time.UnixMicro(c.micros.Add(c.tick.Load())) }

// Advance moves the clock.
func (c *Clock) Advance(d time.Duration) { c.micros.Add(d.Microseconds()) }

// Tick makes the clock move a microsecond at each look from now on.
func (c *Clock) Tick() { c.tick.Store(1) }

// EachTimed is Each with a clock per database: the engines run side by side, and one story's
// hour must not pass in the other.
func EachTimed(t *testing.T, start time.Time, fn func(t *testing.T, d *db.DB, c *Clock), opts ...Option) {
	t.Helper()
	engines(t, func(t *testing.T, open func(testing.TB, ...Option) *db.DB) {
		c := &Clock{}
		c.micros.Store(start.UnixMicro())
		fn(t, open(t, append([]Option{WithClock(c.Now)}, opts...)...), c)
	})
}

// Each runs the test on SQLite and, when a server is configured, on PostgreSQL.
func Each(t *testing.T, fn func(t *testing.T, d *db.DB), opts ...Option) {
	t.Helper()
	engines(t, func(t *testing.T, open func(testing.TB, ...Option) *db.DB) { fn(t, open(t, opts...)) })
}

// engines runs the test once per engine, side by side.
func engines(t *testing.T, fn func(t *testing.T, open func(testing.TB, ...Option) *db.DB)) {
	t.Helper()
	for name, open := range map[string]func(testing.TB, ...Option) *db.DB{"sqlite": SQLite, "postgres": Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fn(t, open)
		})
	}
}

var lite struct {
	once sync.Once
	path string
	err  error
}

// SQLite opens a fresh migrated SQLite database that goes with the test.
func SQLite(t testing.TB, opts ...Option) *db.DB {
	t.Helper()
	return sqliteIn(t, t.TempDir(), opts)
}

// memoryDisk is where Linux keeps files in memory.
const memoryDisk = "/dev/shm"

// SQLiteInMemory is SQLite with its file on a memory disk where there is one: the same engine and the same calls, but a sync costs nothing. It
// is for tests of many commits that are not about durability.
func SQLiteInMemory(t testing.TB, opts ...Option) *db.DB {
	t.Helper()
	dir, err := os.MkdirTemp(memoryDisk, "capillary-dbtest-")
	if err != nil {
		return SQLite(t, opts...)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) }) // after the database is closed: cleanups run backwards
	return sqliteIn(t, dir, opts)
}

func sqliteIn(t testing.TB, dir string, opts []Option) *db.DB {
	t.Helper()
	lite.once.Do(func() {
		dir, err := os.MkdirTemp("", "capillary-dbtest-")
		if err != nil {
			lite.err = err
			return
		}
		lite.path = filepath.Join(dir, "template.db")
		lite.err = migrateTemplate(db.Config{Path: lite.path, Hooks: Hooks})
	})
	require.NoError(t, lite.err)
	path := filepath.Join(dir, "test.db")
	text, err := os.ReadFile(lite.path)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(path, text, 0o600))
	return open(t, db.Config{Path: path}, opts)
}

func migrateTemplate(c db.Config) error {
	ctx := context.Background()
	d, err := db.Open(ctx, c)
	if err != nil {
		return err
	}
	if err := d.Migrate(ctx); err != nil {
		_ = d.Close()
		return err
	}
	if d.Dialect() == db.SQLite {
		if _, err := d.Owner().Exec("pragma wal_checkpoint(truncate)"); err != nil {
			return err
		}
	}
	return d.Close()
}

var pg struct {
	once     sync.Once
	template string
	err      error
}

// Postgres opens a fresh migrated PostgreSQL database that is dropped after the test; it skips,
// saying so, when no server is configured, and fails in CI instead.
func Postgres(t testing.TB, opts ...Option) *db.DB {
	t.Helper()
	server := os.Getenv(PostgresVariable)
	if server == "" {
		if os.Getenv("CI") != "" {
			t.Fatalf("%s is not set: CI must test on PostgreSQL", PostgresVariable)
		}
		t.Skipf("%s is not set: PostgreSQL part skipped (eval \"$(scripts/testpg.sh env)\")", PostgresVariable)
	}
	pg.once.Do(func() {
		pg.template = "capillary_t_" + token()
		if pg.err = admin(server, "create database "+pg.template); pg.err == nil {
			pg.err = migrateTemplate(db.Config{PostgresDSN: withDatabase(server, pg.template), Hooks: Hooks})
		}
	})
	require.NoError(t, pg.err)
	name := "capillary_x_" + token()
	require.NoError(t, admin(server, "create database "+name+" template "+pg.template))
	t.Cleanup(func() {
		if err := admin(server, "drop database if exists "+name+" with (force)"); err != nil {
			t.Errorf("drop %s: %v", name, err)
		}
	})
	return open(t, db.Config{PostgresDSN: withDatabase(server, name), MaxConns: 6}, opts)
}

// DSN gives the connection string of a new, empty PostgreSQL database, for tests that migrate it themselves.
func DSN(t testing.TB) string {
	t.Helper()
	server := os.Getenv(PostgresVariable)
	if server == "" {
		t.Skipf("%s is not set", PostgresVariable)
	}
	name := "capillary_x_" + token()
	require.NoError(t, admin(server, "create database "+name))
	t.Cleanup(func() { _ = admin(server, "drop database if exists "+name+" with (force)") })
	return withDatabase(server, name)
}

// DSNOf names a fixture's own database on the test server, for processes that work on it.
func DSNOf(t testing.TB, d *db.DB) string {
	t.Helper()
	var name string
	require.NoError(t, d.Owner().QueryRowContext(t.Context(), "select current_database()").Scan(&name))
	return withDatabase(os.Getenv(PostgresVariable), name)
}

func open(t testing.TB, c db.Config, opts []Option) *db.DB {
	t.Helper()
	for _, o := range opts {
		o(&c)
	}
	c.Hooks = Hooks
	d, err := db.Open(t.Context(), c)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, d.Close()) })
	return d
}

func admin(server, sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, server)
	if err != nil {
		return err
	}
	defer conn.Close(ctx) //nolint:errcheck // a throw-away connection
	for try := 0; ; try++ {
		_, err = conn.Exec(ctx, sql)
		if err == nil || try == 20 {
			return err
		}
		// "source database is being accessed": another fixture is being cloned at this moment.
		if _, werr := conn.Exec(ctx, "select pg_sleep(0.05)"); werr != nil {
			return fmt.Errorf("%w; %w", err, werr)
		}
	}
}

func withDatabase(server, name string) string {
	u, err := url.Parse(server)
	if err != nil {
		return server
	}
	u.Path = "/" + name
	return u.String()
}

func token() string {
	b := make([]byte, 6)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}
