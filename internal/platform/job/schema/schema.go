// Package schema migrates the tables of the queue library (River), on both engines. It stands apart
// from package job so that fixtures can migrate without importing the services.
package schema

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"log/slog"

	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverdatabasesql"
	"github.com/riverqueue/river/riverdriver/riversqlite"
	"github.com/riverqueue/river/rivermigrate"

	"github.com/capillary-finance/capillary/internal/platform/db"
)

// lockKey serialises servers that start at the same moment; any fixed number, the same everywhere.
const lockKey = 7_202_620

// Driver gives the library's driver for an engine over a pool.
func Driver(pool *sql.DB, d db.Dialect) riverdriver.Driver[*sql.Tx] {
	if d == db.SQLite {
		return riversqlite.New(pool)
	}
	return riverdatabasesql.New(pool)
}

// Migrate brings the queue tables to head; it is a db.MigrationHook.
func Migrate(ctx context.Context, owner *sql.DB, d db.Dialect) error {
	if d == db.Postgres {
		conn, err := owner.Conn(ctx)
		if err != nil {
			return fmt.Errorf("job tables: %w", err)
		}
		defer conn.Close() //nolint:errcheck // returned to the pool
		if _, err := conn.ExecContext(ctx, "select pg_advisory_lock($1)", lockKey); err != nil {
			return fmt.Errorf("job tables: %w", err)
		}
		defer conn.ExecContext(context.WithoutCancel(ctx), "select pg_advisory_unlock($1)", lockKey) //nolint:errcheck // the session ends anyway
	}
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	m, err := rivermigrate.New(Driver(owner, d), &rivermigrate.Config{Logger: quiet})
	if err != nil {
		return fmt.Errorf("job tables: %w", err)
	}
	if _, err := m.Migrate(ctx, rivermigrate.DirectionUp, nil); err != nil {
		return fmt.Errorf("job tables: %w", err)
	}
	return nil
}
