package db

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
)

// On PostgreSQL every answer that is waited for costs a round trip. A transaction therefore begins with its first
// statement: BEGIN and the setting of the tenant wait in a queue and are sent with it, and so is whatever runs under
// Later. What is queued is sent in its order, in one pipeline, before the statement that is waited for; the first that
// fails fails the transaction, and the server skips what stands behind it, COMMIT included.

type laterKey struct{}

// Later marks a context under which statements are not waited for. On PostgreSQL a statement without rows is sent with
// the next one or with the commit, which then returns its error; a query is sent when its rows, or those of a later
// one, are read. SQLite, which has no round trips, runs them at once; the rows of a query show there what the same
// transaction writes before they are read. How many rows an Exec changed is not known.
func Later(ctx context.Context) context.Context { return context.WithValue(ctx, laterKey{}, true) }

// waited undoes Later for what must know its answer.
func waited(ctx context.Context) context.Context {
	if !isLater(ctx) {
		return ctx
	}
	return context.WithValue(ctx, laterKey{}, nil)
}

func isLater(ctx context.Context) bool { return ctx.Value(laterKey{}) != nil }

type pgConnector struct{ driver.Connector }

// Connect opens a connection.
func (c pgConnector) Connect(ctx context.Context) (driver.Conn, error) {
	to, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &pgConn{Conn: to.(*stdlib.Conn)}, nil //nolint:errcheck // the connector of that driver
}

// pgConn is a connection with the statements that wait to be sent.
type pgConn struct {
	*stdlib.Conn

	// mu guards the queue: rows that database/sql closes because a context ended are closed by another goroutine.
	mu    sync.Mutex
	queue []*pgStatement
	// dead is why the transaction has failed though no caller was told yet, or why it could not even begin: nothing
	// may run outside it.
	dead error
}

type pgStatement struct {
	text string
	args []any
	rows *laterRows // of a query
	open bool       // opens the transaction: without more there is nothing to send
}

// name tells in an error which of the statements sent together failed.
func (s *pgStatement) name() string {
	words := strings.Fields(s.text)
	return strings.Join(words[:min(len(words), 4)], " ")
}

func statement(text string, args []driver.NamedValue) *pgStatement {
	s := &pgStatement{text: text, args: make([]any, len(args))}
	for i, a := range args {
		s.args[i] = a.Value
	}
	return s
}

// BeginTx begins a transaction with its first statement.
func (c *pgConn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.Conn.Conn().IsClosed() {
		return nil, driver.ErrBadConn
	}
	text := "begin"
	switch level := sql.IsolationLevel(opts.Isolation); level {
	case sql.LevelDefault:
	case sql.LevelReadCommitted, sql.LevelRepeatableRead, sql.LevelSerializable:
		text += " isolation level " + strings.ToLower(level.String())
	default:
		return nil, fmt.Errorf("unsupported isolation: %v", level)
	}
	if opts.ReadOnly {
		text += " read only"
	}
	c.queue, c.dead = append(c.queue[:0], &pgStatement{text: text, open: true}), nil
	return &pgTx{c, ctx}, nil
}

// ExecContext runs a statement, or queues it.
func (c *pgConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if isLater(ctx) {
		s := statement(text, args)
		s.open = text == tenantText
		c.queue = append(c.queue, s)
		return driver.ResultNoRows, nil
	}
	if len(c.queue) == 0 && c.dead == nil {
		return c.Conn.ExecContext(ctx, text, args)
	}
	tag, err := c.exec(ctx, statement(text, args))
	return driver.RowsAffected(tag.RowsAffected()), unsent(err)
}

// errUnsent marks a transaction whose connection was found broken before anything went out on it. Where BEGIN was a round
// trip of its own, database/sql took another connection; now that it is sent with the first statement, the transaction is
// begun again as a whole.
var errUnsent = errors.New("db: the connection was lost before the statement was sent")

// unsent marks such an error, and tells database/sql to drop the connection.
func unsent(err error) error {
	if err != nil && pgconn.SafeToRetry(err) && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w: %w", errUnsent, driver.ErrBadConn)
	}
	return err
}

// exec sends what is queued and a statement, and waits.
func (c *pgConn) exec(ctx context.Context, last *pgStatement) (tag pgconn.CommandTag, err error) {
	results, err := c.send(ctx, last)
	if err != nil {
		return tag, err
	}
	tag, err = results.Exec()
	return tag, c.end(results, err)
}

// QueryContext runs a query, or queues it.
func (c *pgConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if isLater(ctx) {
		s := statement(text, args)
		s.rows = &laterRows{conn: c, ctx: ctx, wait: true}
		c.queue = append(c.queue, s)
		return s.rows, nil
	}
	if len(c.queue) == 0 && c.dead == nil {
		return c.Conn.QueryContext(ctx, text, args)
	}
	results, err := c.send(ctx, statement(text, args))
	if err != nil {
		return nil, unsent(err)
	}
	rows, err := results.Query()
	if err != nil {
		return nil, unsent(c.end(results, err))
	}
	// The first row is read already, because an error often comes with it.
	more := rows.Next()
	if err := rows.Err(); err != nil {
		return nil, c.end(results, err)
	}
	return &pgRows{conn: c, rows: rows, results: results, ahead: true, more: more}, nil
}

// PrepareContext prepares a statement once what is queued has run.
func (c *pgConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := c.flush(ctx); err != nil {
		return nil, unsent(err)
	}
	s, err := c.Conn.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	return &pgStmt{s.(*stdlib.Stmt), c, text}, nil //nolint:errcheck // that driver's statement
}

// flush sends what is queued and waits.
func (c *pgConn) flush(ctx context.Context) error {
	if len(c.queue) == 0 {
		return c.dead
	}
	results, err := c.send(ctx, nil)
	if err != nil {
		return err
	}
	return c.end(results, nil)
}

// send sends the queue and a last statement in one pipeline and reads what came before the last one.
func (c *pgConn) send(ctx context.Context, last *pgStatement) (pgx.BatchResults, error) {
	if c.dead != nil {
		return nil, c.dead
	}
	all := c.queue
	if last != nil {
		all = append(all, last)
	}
	c.queue = nil
	batch := &pgx.Batch{QueuedQueries: make([]*pgx.QueuedQuery, 0, len(all))}
	for _, s := range all {
		batch.Queue(s.text, s.args...)
	}
	results := c.Conn.Conn().SendBatch(ctx, batch)
	for i, s := range all {
		if s == last {
			break
		}
		var err error
		if s.rows == nil {
			_, err = results.Exec()
		} else {
			err = s.rows.read(c, results)
		}
		if err != nil {
			err = fmt.Errorf("%s: %w", s.name(), c.end(results, err))
			c.dead = err // nobody waited for it: whatever comes next must say so
			for _, x := range all[i:] {
				if x.rows != nil {
					x.rows.wait, x.rows.err = false, err
				}
			}
			return nil, err
		}
	}
	return results, nil
}

// end closes a pipeline; err is what it has met already.
func (c *pgConn) end(results pgx.BatchResults, err error) error {
	closing := results.Close()
	if err == nil {
		err = closing
	}
	if err == nil {
		return nil
	}
	if c.Conn.Conn().PgConn().TxStatus() == 'I' {
		c.dead = err
	}
	return err
}

// pgTx is a transaction of a pgConn.
type pgTx struct {
	c   *pgConn
	ctx context.Context
}

var commitStatement = &pgStatement{text: "commit"}

// Commit sends what is queued and the commit together.
func (t *pgTx) Commit() error {
	c := t.c
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead == nil && len(c.queue) > 0 && !slices.ContainsFunc(c.queue, func(s *pgStatement) bool { return !s.open }) {
		c.queue = nil // nothing was asked
		return nil
	}
	tag, err := c.exec(t.ctx, commitStatement)
	if err != nil {
		return errors.Join(err, c.clean())
	}
	if tag.String() == "ROLLBACK" {
		return pgx.ErrTxCommitRollback
	}
	return nil
}

// Rollback forgets what is queued and takes back what ran.
func (t *pgTx) Rollback() error {
	t.c.mu.Lock()
	defer t.c.mu.Unlock()
	return t.c.clean()
}

// clean leaves the connection without a transaction, or closed.
func (c *pgConn) clean() error {
	for _, s := range c.queue {
		if s.rows != nil {
			s.rows.wait, s.rows.err = false, sql.ErrTxDone
		}
	}
	c.queue, c.dead = nil, nil
	conn := c.Conn.Conn()
	if conn.IsClosed() || conn.PgConn().TxStatus() == 'I' {
		return nil
	}
	ctx := context.Background()
	_, err := conn.Exec(ctx, "rollback")
	if err != nil { // what the connection is left with is not known
		_ = conn.Close(ctx)
	}
	return err
}

// pgStmt is a prepared statement that runs after what is queued.
type pgStmt struct {
	*stdlib.Stmt

	c    *pgConn
	text string
}

// ExecContext runs the statement.
func (s *pgStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return s.c.ExecContext(ctx, s.text, args)
}

// QueryContext runs the statement.
func (s *pgStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return s.c.QueryContext(ctx, s.text, args)
}
