package db

import (
	"context"
	"database/sql/driver"
	"errors"
)

// liteStatementsMax bounds the statements that one SQLite connection keeps prepared; the program has some hundreds.
const liteStatementsMax = 400

// liteConnector opens SQLite connections that keep their prepared statements. Without it every statement of a
// transaction is parsed and planned anew, which for short ones costs more than running them.
type liteConnector struct{ driver.Connector }

// Connect opens a connection.
func (c liteConnector) Connect(ctx context.Context) (driver.Conn, error) {
	to, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &liteConn{liteDriver: to.(liteDriver), kept: map[string]*liteStmt{}}, nil //nolint:errcheck // the driver's connection has them all
}

// liteDriver is what the driver's connection can do.
type liteDriver interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// liteConn is a connection with its statements. Calls on one connection never overlap (database/sql sees to it), but
// a statement whose rows are still being read, or that a caller prepared, is busy and is prepared a second time.
type liteConn struct {
	liteDriver

	kept   map[string]*liteStmt
	age    uint64
	closed bool
}

type liteStmt struct {
	driver.Stmt

	conn *liteConn
	busy bool
	used uint64
}

// statement gives the kept statement of a text, or prepares it; nil when it is busy.
func (c *liteConn) statement(ctx context.Context, text string) (*liteStmt, error) {
	c.age++
	if s := c.kept[text]; s != nil {
		if s.busy {
			return nil, nil
		}
		s.used = c.age
		return s, nil
	}
	to, err := c.liteDriver.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	if len(c.kept) >= liteStatementsMax {
		if err := c.dropOldest(); err != nil {
			return nil, errors.Join(err, to.Close())
		}
	}
	s := &liteStmt{Stmt: to, conn: c, used: c.age}
	c.kept[text] = s
	return s, nil
}

func (c *liteConn) dropOldest() error {
	oldest, text := c.age+1, ""
	for k, s := range c.kept {
		if !s.busy && s.used < oldest {
			oldest, text = s.used, k
		}
	}
	s := c.kept[text]
	if s == nil {
		return nil
	}
	delete(c.kept, text)
	return s.Close()
}

// ExecContext runs a statement.
func (c *liteConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	if len(args) == 0 { // begin, commit, pragmas and migrations, which may hold several statements
		return c.liteDriver.ExecContext(ctx, text, args)
	}
	s, err := c.statement(ctx, text)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return c.liteDriver.ExecContext(ctx, text, args)
	}
	return s.ExecContext(ctx, args)
}

// QueryContext runs a statement that returns rows.
func (c *liteConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	if len(args) == 0 {
		return c.liteDriver.QueryContext(ctx, text, args)
	}
	s, err := c.statement(ctx, text)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return c.liteDriver.QueryContext(ctx, text, args)
	}
	rows, err := s.QueryContext(ctx, args)
	if err != nil {
		return nil, err
	}
	s.busy = true
	return &liteRows{rows, s}, nil
}

// PrepareContext lends the kept statement of a text until it is closed.
func (c *liteConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	s, err := c.statement(ctx, text)
	if err != nil {
		return nil, err
	}
	if s == nil {
		return c.liteDriver.PrepareContext(ctx, text)
	}
	s.busy = true
	return lentStmt{s}, nil
}

// Close closes the statements, those in use as well, or SQLite would keep the connection and its locks.
func (c *liteConn) Close() error {
	var errs []error
	for _, s := range c.kept {
		errs = append(errs, s.Close())
	}
	c.kept, c.closed = nil, true
	return errors.Join(append(errs, c.liteDriver.Close())...)
}

// ExecContext runs the statement.
func (s *liteStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if s.conn.closed {
		return nil, driver.ErrBadConn
	}
	return s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args) //nolint:errcheck // the driver's statement has it
}

// QueryContext runs the statement.
func (s *liteStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if s.conn.closed {
		return nil, driver.ErrBadConn
	}
	return s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args) //nolint:errcheck // the driver's statement has it
}

// lentStmt is a kept statement in a caller's hands.
type lentStmt struct{ *liteStmt }

// Close gives it back.
func (s lentStmt) Close() error {
	s.busy = false
	return nil
}

// liteRows sets its statement free when it is closed.
type liteRows struct {
	driver.Rows

	of *liteStmt
}

// Next reads a row.
func (r *liteRows) Next(dest []driver.Value) error {
	if r.of.conn.closed {
		return driver.ErrBadConn
	}
	return r.Rows.Next(dest)
}

// Close ends the reading.
func (r *liteRows) Close() error {
	r.of.busy = false
	if r.of.conn.closed {
		return nil
	}
	return r.Rows.Close()
}
