// Package db is the one seam to the database: SQLite (embedded default) or PostgreSQL behind the
// same DB and Tx. SQL text is shared, transactions are arguments, time and tenant ride on the
// transaction, and the only retry of the program happens in Update. It knows no finance.
//
// SQLite runs WAL with synchronous=FULL, one writing connection (BEGIN IMMEDIATE) and a pool of
// read-only ones; NORMAL loses acknowledged commits at a power cut. PostgreSQL connections switch
// to a role that is not the owner of the tables, so that row-level security binds them.
package db

import (
	"context"
	"crypto/rand"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"modernc.org/sqlite"

	"github.com/capillary-finance/capillary/internal/base/canary"
)

// AppRole is the PostgreSQL role under which all business statements run.
const AppRole = "capillary_app"

// Config says which database to open.
type Config struct {
	// Path of the SQLite file; used when PostgresDSN is empty.
	Path string
	// PostgresDSN is a libpq connection string or URL of a user that may create tables and roles.
	PostgresDSN string
	// MaxConns bounds the PostgreSQL pool and the SQLite readers (default 8).
	MaxConns int
	// Clock gives the time of transactions (default time.Now).
	Clock func() time.Time
	// Rand gives the entropy of ids (default crypto/rand).
	Rand io.Reader
	// Wrap, set by tests, stands between the pools of business statements and the driver (fault injection).
	Wrap func(driver.Connector) driver.Connector
	// Hooks run after the project's own migrations, under the same lock (job tables).
	Hooks []MigrationHook
}

// MigrationHook migrates tables owned by a library.
type MigrationHook func(ctx context.Context, owner *sql.DB, d Dialect) error

// DB is an open database.
type DB struct {
	dialect Dialect
	w, r    *sql.DB // on PostgreSQL the same pool
	owner   *sql.DB // may run DDL
	clock   func() time.Time
	rand    io.Reader
	hooks   []MigrationHook
	path    string
}

// Open opens (and for SQLite creates) the database; it does not migrate.
func Open(ctx context.Context, c Config) (*DB, error) {
	d := &DB{clock: c.Clock, rand: c.Rand, hooks: c.Hooks}
	if d.clock == nil {
		d.clock = time.Now
	}
	if d.rand == nil {
		d.rand = rand.Reader
	}
	if c.MaxConns <= 0 {
		c.MaxConns = 8
	}
	var err error
	if c.PostgresDSN != "" {
		err = d.openPostgres(c)
	} else {
		err = d.openSQLite(c)
	}
	if err != nil {
		return nil, err
	}
	if err := d.owner.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open database: %w", err), d.Close())
	}
	return d, nil
}

func (d *DB) openSQLite(c Config) error {
	if c.Path == "" {
		return errors.New("open database: neither a SQLite path nor a PostgreSQL DSN is configured")
	}
	if strings.ContainsAny(c.Path, "?#%") {
		return fmt.Errorf("open database: %q holds one of ? # %%, which SQLite reads as part of an address", c.Path)
	}
	if err := os.MkdirAll(filepath.Dir(c.Path), 0o750); err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	// For its owner only, whatever the umask: SQLite gives its log the same mode.
	f, err := os.OpenFile(c.Path, os.O_CREATE|os.O_RDWR, 0o600)
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		return fmt.Errorf("open database: %w", err)
	}
	d.dialect, d.path = SQLite, c.Path
	durable := "synchronous(FULL)"
	if canary.On("sqlite_normal") {
		durable = "synchronous(NORMAL)"
	}
	pragmas := url.Values{"_pragma": {
		"busy_timeout(10000)", "journal_mode(WAL)", durable, "foreign_keys(1)", "cache_size(-32000)", "temp_store(MEMORY)",
	}}
	writer := url.Values{"_txlock": {"immediate"}}
	writer["_pragma"] = pragmas["_pragma"]
	if d.w, err = c.openLite("file:" + c.Path + "?" + writer.Encode()); err != nil {
		return err
	}
	d.w.SetMaxOpenConns(1)
	d.w.SetConnMaxIdleTime(0)
	d.owner = d.w
	// The writer creates the file and switches it to WAL before a reader may open it.
	if err := d.w.Ping(); err != nil {
		return fmt.Errorf("open %s: %w", c.Path, err)
	}
	readers := url.Values{"mode": {"ro"}, "_pragma": {"busy_timeout(10000)", "query_only(1)", "cache_size(-16000)", "temp_store(MEMORY)"}}
	if d.r, err = c.openLite("file:" + c.Path + "?" + readers.Encode()); err != nil {
		return err
	}
	d.r.SetMaxOpenConns(c.MaxConns)
	d.r.SetMaxIdleConns(c.MaxConns)
	return nil
}

// openLite opens a pool of SQLite connections.
func (c Config) openLite(address string) (*sql.DB, error) {
	to, err := sqlite.NewConnector(address)
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(c.wrap(liteConnector{to})), nil
}

func (c Config) wrap(to driver.Connector) driver.Connector {
	if c.Wrap == nil {
		return to
	}
	return c.Wrap(to)
}

// CheckDSN says what is wrong with a PostgreSQL connection string, without its password; empty is fine.
func CheckDSN(dsn string) error {
	if dsn == "" {
		return nil
	}
	_, err := pgx.ParseConfig(dsn)
	return err
}

func (d *DB) openPostgres(c Config) error {
	cfg, err := pgx.ParseConfig(c.PostgresDSN)
	if err != nil {
		return fmt.Errorf("postgres dsn: %w", err)
	}
	cfg.RuntimeParams["timezone"] = "UTC"
	cfg.RuntimeParams["application_name"] = "capillary"
	d.dialect = Postgres
	d.owner = stdlib.OpenDB(*cfg)
	d.owner.SetMaxOpenConns(4) // one holds the migration lock
	d.owner.SetMaxIdleConns(0)
	d.w = sql.OpenDB(c.wrap(pgConnector{stdlib.GetConnector(*cfg, stdlib.OptionAfterConnect(func(ctx context.Context, conn *pgx.Conn) error {
		registerArrays(conn)
		_, err := conn.Exec(ctx, "set role "+AppRole)
		return err
	}))}))
	d.w.SetMaxOpenConns(c.MaxConns)
	d.w.SetMaxIdleConns(c.MaxConns)
	d.r = d.w
	return nil
}

// Dialect tells the engine.
func (d *DB) Dialect() Dialect { return d.dialect }

// Path is the SQLite file, empty on PostgreSQL.
func (d *DB) Path() string { return d.path }

// Now is the clock's time, truncated to the microseconds that the database keeps.
func (d *DB) Now() time.Time { return d.clock().UTC().Truncate(time.Microsecond) }

// Writer is the raw pool for libraries that keep their own tables (jobs); business code uses Update.
func (d *DB) Writer() *sql.DB { return d.w }

// Owner is the raw pool with the right to run DDL (migrations, backup).
func (d *DB) Owner() *sql.DB { return d.owner }

// Ping checks that a statement can run; it is what readiness asks.
func (d *DB) Ping(ctx context.Context) error {
	var one int
	return d.r.QueryRowContext(ctx, "select 1").Scan(&one)
}

// Close closes every pool.
func (d *DB) Close() error {
	var errs []error
	if d.dialect == SQLite && d.w != nil {
		_, _ = d.w.Exec("pragma optimize") // advice only
	}
	for _, p := range []*sql.DB{d.r, d.w, d.owner} {
		if p != nil {
			errs = append(errs, p.Close())
		}
	}
	return errors.Join(errs...)
}
