package db

import (
	"context"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/canary"
	"github.com/capillary-finance/capillary/internal/base/id"
	"github.com/capillary-finance/capillary/internal/platform/failpoint"
)

// AllInstitutions is the institution of system work that crosses tenants (relay, login, verify).
const AllInstitutions = "*"

// Scope says for whom a transaction runs; row-level security and audit read it.
type Scope struct {
	Institution string
	Actor       string
}

// System is the scope of work that serves every institution.
func System(actor string) Scope { return Scope{Institution: AllInstitutions, Actor: "system:" + actor} }

// Tx is a transaction. Now is fixed at its begin, so that everything written in it bears one time.
type Tx struct {
	Now         time.Time
	Institution string
	Actor       string

	tx       *sql.Tx
	db       *DB
	readonly bool
	ids      uint16
	after    []func()
	bizDate  *calendar.Date
	memo     map[any]any
}

// Isolation of an update.
type Isolation int

// ReadCommitted takes explicit row locks; Serializable is for rules across rows.
const (
	ReadCommitted Isolation = iota
	Serializable
)

const triesMax = 8

// tenantText says on PostgreSQL whose rows a transaction may see.
const tenantText = "select set_config('capillary.institution', $1, true)"

// Update runs fn in a writing transaction and commits. It retries serialization failures and busy
// errors at most eight times with jitter, so fn must be repeatable: no effect outside tx.
func (d *DB) Update(ctx context.Context, s Scope, fn func(tx *Tx) error) error {
	return d.UpdateWith(ctx, s, ReadCommitted, fn)
}

// UpdateWith is Update at a chosen isolation (SQLite is always serializable).
func (d *DB) UpdateWith(ctx context.Context, s Scope, iso Isolation, fn func(tx *Tx) error) error {
	for try := 1; ; try++ {
		err := d.once(ctx, s, iso, false, fn)
		if err == nil || !retryable(err) || try == triesMax {
			return err
		}
		pause := time.Duration(1<<try) * time.Millisecond
		pause += time.Duration(rand.Int64N(int64(pause))) //nolint:gosec // jitter, not a secret
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(pause):
		}
	}
}

// View runs fn in a read-only transaction: one consistent snapshot.
// fn is run again where the connection was lost before anything was asked.
func (d *DB) View(ctx context.Context, s Scope, fn func(tx *Tx) error) error {
	for try := 1; ; try++ {
		err := d.once(ctx, s, ReadCommitted, true, fn)
		if err == nil || !errors.Is(err, errUnsent) || try == triesMax || ctx.Err() != nil {
			return err
		}
	}
}

func (d *DB) once(ctx context.Context, s Scope, iso Isolation, readonly bool, fn func(tx *Tx) error) (err error) {
	if s.Institution == "" {
		return errors.New("db: transaction without an institution")
	}
	pool, opts := d.w, &sql.TxOptions{}
	if readonly {
		pool = d.r
	}
	if d.dialect == Postgres {
		opts.ReadOnly = readonly
		switch {
		case iso == Serializable:
			opts.Isolation = sql.LevelSerializable
		case readonly && !canary.On("torn_reads"):
			opts.Isolation = sql.LevelRepeatableRead
		}
	}
	raw, err := pool.BeginTx(ctx, opts)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	tx := &Tx{Now: d.Now(), Institution: s.Institution, Actor: s.Actor, tx: raw, db: d, readonly: readonly}
	defer func() {
		if p := recover(); p != nil {
			_ = raw.Rollback()
			panic(p)
		}
	}()
	if d.dialect == Postgres {
		// Local to the transaction: a session setting would leak to the next user of the connection.
		if _, err := raw.ExecContext(Later(ctx), tenantText, s.Institution); err != nil {
			_ = raw.Rollback()
			return fmt.Errorf("begin: %w", err)
		}
	}
	err = fn(tx)
	if hook, ok := ctx.Value(beforeCommitKey{}).(beforeCommit); ok && err == nil && !readonly {
		err = hook(ctx, tx)
	}
	if err == nil && !readonly {
		err = pointBeforeCommit.Hit(ctx)
	}
	if err != nil {
		if rb := raw.Rollback(); rb != nil && !errors.Is(rb, sql.ErrTxDone) {
			return errors.Join(err, rb)
		}
		return err
	}
	if readonly {
		return raw.Rollback()
	}
	if err := raw.Commit(); err != nil {
		return fmt.Errorf("commit: %w", err)
	}
	if err := pointAfterCommit.Hit(ctx); err != nil {
		return err
	}
	for _, f := range tx.after {
		f()
	}
	return nil
}

type beforeCommitKey struct{}

type beforeCommit func(ctx context.Context, tx *Tx) error

// WithBeforeCommit gives a context whose updates run hook in their transaction just before it commits:
// the API marks a request as executed in the same commit as its effect, so that no crash can part them.
// An error of the hook rolls the transaction back. A hook that the context has already runs after it, so
// that the request stays marked by whatever its handler ties to an update of its own.
func WithBeforeCommit(ctx context.Context, hook func(ctx context.Context, tx *Tx) error) context.Context {
	chain := beforeCommit(hook)
	if outer, ok := ctx.Value(beforeCommitKey{}).(beforeCommit); ok {
		chain = func(ctx context.Context, tx *Tx) error {
			if err := hook(ctx, tx); err != nil {
				return err
			}
			return outer(ctx, tx)
		}
	}
	return context.WithValue(ctx, beforeCommitKey{}, chain)
}

// Exec runs a statement.
func (t *Tx) Exec(ctx context.Context, q *Query, args ...any) (sql.Result, error) {
	res, err := t.tx.ExecContext(ctx, q.Text(t.db.dialect), args...)
	return res, t.wrap(q, err)
}

// ExecOne runs a statement and reports whether it changed a row: the conditional update of money code.
func (t *Tx) ExecOne(ctx context.Context, q *Query, args ...any) (bool, error) {
	res, err := t.Exec(ctx, q, args...)
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// Query runs a statement that returns rows.
func (t *Tx) Query(ctx context.Context, q *Query, args ...any) (*sql.Rows, error) {
	rows, err := t.tx.QueryContext(ctx, q.Text(t.db.dialect), args...) //nolint:rowserrcheck,sqlclosecheck // the caller's
	return rows, t.wrap(q, err)
}

// QueryRow runs a statement that returns at most one row.
func (t *Tx) QueryRow(ctx context.Context, q *Query, args ...any) *sql.Row {
	return t.tx.QueryRowContext(ctx, q.Text(t.db.dialect), args...)
}

// Prepare prepares a statement for a loop inside this transaction; the caller closes it.
func (t *Tx) Prepare(ctx context.Context, q *Query) (*sql.Stmt, error) {
	st, err := t.tx.PrepareContext(ctx, q.Text(t.db.dialect))
	return st, t.wrap(q, err)
}

// BulkInsert writes rows in chunks and returns how many were inserted (rows that met
// "on conflict do nothing" are not counted).
func (t *Tx) BulkInsert(ctx context.Context, b *Bulk, rows [][]any) (int64, error) {
	if t.db.dialect == Postgres && len(rows) > 1 {
		if n, done, err := t.bulkArrays(ctx, b, rows); done {
			return n, err
		}
	}
	return t.bulkValues(ctx, Rows{Bulk: b, Rows: rows})
}

// bulkValues writes rows as lists of VALUES.
func (t *Tx) bulkValues(ctx context.Context, r Rows) (int64, error) {
	var total int64
	b := r.Bulk
	chunk := b.rowsMax(t.db.dialect)
	var full *sql.Stmt
	var args []any
	rows := r.Len()
	for from := 0; from < rows; from += chunk {
		n := min(chunk, rows-from)
		args = r.cells(args[:0], from, from+n)
		var res sql.Result
		var err error
		if n == chunk {
			if full == nil {
				if full, err = t.tx.PrepareContext(ctx, b.text(n, t.db.dialect)); err != nil {
					return total, fmt.Errorf("%s: %w", b.where, err)
				}
				defer full.Close() //nolint:errcheck // closed with the transaction anyway
			}
			res, err = full.ExecContext(ctx, args...)
		} else {
			res, err = t.tx.ExecContext(ctx, b.text(n, t.db.dialect), args...)
		}
		if err != nil {
			return total, fmt.Errorf("%s: %w", b.where, err)
		}
		done, err := res.RowsAffected()
		if err != nil {
			return total, err
		}
		total += done
	}
	return total, nil
}

// Lock takes business locks by name until the end of the transaction, in one sorted pass so that two
// callers cannot deadlock. SQLite needs none: its writer is alone.
func (t *Tx) Lock(ctx context.Context, keys ...string) error {
	if t.db.dialect == SQLite || canary.On("skip_lock") {
		return nil
	}
	hashes := make([]int64, 0, len(keys))
	for _, k := range keys {
		h := fnv.New64a()
		_, _ = h.Write([]byte(t.Institution + "\x00" + k))
		hashes = append(hashes, int64(h.Sum64())) //nolint:gosec // a lock key, wrap-around is fine
	}
	slices.Sort(hashes)
	for _, h := range slices.Compact(hashes) {
		if _, err := t.tx.ExecContext(ctx, "select pg_advisory_xact_lock($1)", h); err != nil {
			return fmt.Errorf("lock: %w", err)
		}
	}
	return nil
}

// AfterCommit runs fn once the transaction has committed (wake a relay); never on rollback.
func (t *Tx) AfterCommit(fn func()) { t.after = append(t.after, fn) }

// NewID makes an identifier prefix_ULID that sorts by the transaction's time and, within it, by the
// order of the calls.
func (t *Tx) NewID(prefix string) string {
	var entropy [10]byte
	if _, err := io.ReadFull(t.db.rand, entropy[:]); err != nil {
		panic("db: no entropy: " + err.Error()) // crypto/rand never fails; a test source must not either
	}
	binary.BigEndian.PutUint16(entropy[:2], t.ids)
	t.ids++
	return id.New(prefix, t.Now, entropy)
}

// Dialect tells the engine, for the few places that must differ.
func (t *Tx) Dialect() Dialect { return t.db.dialect }

// SQL is the raw transaction for libraries that enqueue in it (jobs).
func (t *Tx) SQL() *sql.Tx { return t.tx }

// DB is the database of the transaction.
func (t *Tx) DB() *DB { return t.db }

var businessDate = Q("select business_date from institution where institution_id = $1")

// BusinessDate is the institution's accounting day; it rolls by the end of day, not by midnight.
func (t *Tx) BusinessDate(ctx context.Context) (calendar.Date, error) {
	if t.bizDate != nil {
		return *t.bizDate, nil
	}
	var d calendar.Date
	if err := t.QueryRow(ctx, businessDate, t.Institution).Scan(&d); err != nil {
		return d, fmt.Errorf("business date of %s: %w", t.Institution, err)
	}
	t.bizDate = &d
	return d, nil
}

func (t *Tx) wrap(q *Query, err error) error {
	if err == nil || IsUnique(err) {
		return err
	}
	return fmt.Errorf("%s: %w", q.where, err)
}

// IsNoRows reports that a row was not found.
func IsNoRows(err error) bool { return errors.Is(err, sql.ErrNoRows) }

// IsUnique reports a violated unique or primary key.
func IsUnique(err error) bool {
	if pe, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pe.Code == "23505"
	}
	if se, ok := errors.AsType[*sqlite.Error](err); ok {
		return se.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || se.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
	}
	return false
}

func retryable(err error) bool {
	if errors.Is(err, errUnsent) {
		return true
	}
	if pe, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pe.Code == "40001" || pe.Code == "40P01"
	}
	if se, ok := errors.AsType[*sqlite.Error](err); ok {
		c := se.Code() & 0xff
		return c == sqlite3.SQLITE_BUSY || c == sqlite3.SQLITE_LOCKED
	}
	return false
}

// Micros is the stored form of an instant; the zero time is 0.
func Micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Time reads the stored form of an instant.
func Time(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}

// Text makes of any bytes a text that both engines keep, of at most bytesMax bytes: whole UTF-8 characters
// and no NUL. Words that come from outside (an error, the answer of a target) go through it before they are
// stored, or PostgreSQL refuses the row, and whatever waits for it with it.
func Text(s string, bytesMax int) string {
	s = strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "")
	if len(s) > bytesMax {
		s = strings.ToValidUTF8(s[:bytesMax], "")
	}
	return s
}

// Instants at which a test may break off.
var (
	pointAfterCommit  = failpoint.Declare("db.after_commit")
	pointBeforeCommit = failpoint.Declare("db.before_commit")
)
