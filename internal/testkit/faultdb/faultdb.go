// Package faultdb stands between the pools of platform/db and the driver and makes calls fail: before they
// are sent, or after they took effect and before their answer arrived (did it happen?), late, or with the
// connection cut. A test counts the calls of a flow and then fails the Nth of them, for every N.
package faultdb

import (
	"context"
	"database/sql/driver"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// Op is a kind of call to the database.
type Op string

// The calls that can fail.
const (
	Begin    Op = "begin"
	Exec     Op = "exec"
	Query    Op = "query"
	Prepare  Op = "prepare"
	Commit   Op = "commit"
	Rollback Op = "rollback"
)

// Call is one call: the Nth, from 1, since the injector was armed.
type Call struct {
	N   int
	Op  Op
	SQL string
}

// Kind is how a call fails.
type Kind string

// The ways to fail. After an error the connection lives, after a cut it does not.
const (
	None        Kind = ""
	ErrorBefore Kind = "error before"
	ErrorAfter  Kind = "error after"
	CutBefore   Kind = "cut before"
	CutAfter    Kind = "cut after"
)

// Kinds are all ways to fail.
var Kinds = []Kind{ErrorBefore, ErrorAfter, CutBefore, CutAfter}

// Fault is what happens to a call.
type Fault struct {
	Kind  Kind
	Delay time.Duration
}

// ErrInjected is behind every error that leaves the connection alive.
var ErrInjected = errors.New("faultdb: injected")

// failure looks like what a socket says, so that the program takes it for an outage.
func failure() error { return &net.OpError{Op: "read", Net: "tcp", Err: ErrInjected} }

// Injector decides about calls; its zero value lets everything pass.
type Injector struct {
	mu    sync.Mutex
	rule  func(Call) Fault
	calls int
	fired int
}

// Arm counts from one and asks rule about every call until Disarm.
func (i *Injector) Arm(rule func(Call) Fault) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.rule, i.calls, i.fired = rule, 0, 0
}

// Nth arms one fault of the Nth call.
func (i *Injector) Nth(n int, k Kind) {
	i.Arm(func(c Call) Fault {
		if c.N == n {
			return Fault{Kind: k}
		}
		return Fault{}
	})
}

// Disarm lets everything pass again and tells how many calls there were and how many of them failed.
func (i *Injector) Disarm() (calls, fired int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.rule = nil
	return i.calls, i.fired
}

func (i *Injector) ask(op Op, sql string) Fault {
	i.mu.Lock()
	if i.rule == nil {
		i.mu.Unlock()
		return Fault{}
	}
	i.calls++
	f := i.rule(Call{N: i.calls, Op: op, SQL: sql})
	if f.Kind != None {
		i.fired++
	}
	i.mu.Unlock()
	if f.Delay > 0 {
		time.Sleep(f.Delay)
	}
	return f
}

// Wrap is for db.Config.Wrap.
func (i *Injector) Wrap(to driver.Connector) driver.Connector { return connector{to, i} }

// Option puts the injector under a dbtest fixture.
func (i *Injector) Option() dbtest.Option { return func(c *db.Config) { c.Wrap = i.Wrap } }

type connector struct {
	driver.Connector
	i *Injector
}

// Connect opens a connection that can fail.
func (c connector) Connect(ctx context.Context) (driver.Conn, error) {
	to, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{to: to, i: c.i}, nil
}

// raw is what both drivers' connections can do.
type raw interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
}

type conn struct {
	to  driver.Conn
	i   *Injector
	cut bool
}

func (c *conn) raw() raw { return c.to.(raw) } //nolint:forcetypeassert // both drivers are

// do runs one call under the fault that the injector has for it.
func do[T any](c *conn, op Op, sql string, call func() (T, error)) (out T, err error) {
	if c.cut {
		return out, driver.ErrBadConn
	}
	f := c.i.ask(op, sql)
	switch f.Kind {
	case CutBefore:
		c.close()
		return out, driver.ErrBadConn
	case ErrorBefore:
		return out, failure()
	}
	out, err = call()
	if err != nil {
		return out, err
	}
	switch f.Kind {
	case CutAfter:
		drop(out)
		c.close()
		return *new(T), driver.ErrBadConn
	case ErrorAfter:
		drop(out)
		return *new(T), failure()
	}
	return out, nil
}

// drop closes what nobody will see, so that the connection is free again.
func drop(v any) {
	if x, ok := v.(interface{ Close() error }); ok {
		_ = x.Close()
	}
	if x, ok := v.(*tx); ok {
		_ = x.to.Rollback()
	}
}

// close cuts the connection. The rollback first, because SQLite keeps a connection that has open statements, and its
// lock with it, where the death of a process would free both.
func (c *conn) close() {
	c.cut = true
	_, _ = c.raw().ExecContext(context.Background(), "rollback", nil)
	_ = c.to.Close()
}

func (c *conn) Prepare(query string) (driver.Stmt, error) {
	return c.PrepareContext(context.Background(), query)
}

func (c *conn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	return do(c, Prepare, query, func() (driver.Stmt, error) {
		s, err := c.raw().PrepareContext(ctx, query)
		if err != nil {
			return nil, err
		}
		return &stmt{s, c, query}, nil
	})
}

func (c *conn) Close() error {
	if c.cut {
		return nil
	}
	return c.to.Close()
}

func (c *conn) Begin() (driver.Tx, error) { return c.BeginTx(context.Background(), driver.TxOptions{}) }

func (c *conn) BeginTx(ctx context.Context, opts driver.TxOptions) (driver.Tx, error) {
	return do(c, Begin, "", func() (driver.Tx, error) {
		t, err := c.raw().BeginTx(ctx, opts)
		if err != nil {
			return nil, err
		}
		return &tx{t, c}, nil
	})
}

func (c *conn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	return do(c, Exec, query, func() (driver.Result, error) { return c.raw().ExecContext(ctx, query, args) })
}

func (c *conn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	return do(c, Query, query, func() (driver.Rows, error) { return c.raw().QueryContext(ctx, query, args) })
}

func (c *conn) Ping(ctx context.Context) error {
	if c.cut {
		return driver.ErrBadConn
	}
	return c.raw().Ping(ctx)
}

func (c *conn) ResetSession(ctx context.Context) error {
	if c.cut {
		return driver.ErrBadConn
	}
	return c.raw().ResetSession(ctx)
}

func (c *conn) IsValid() bool {
	if c.cut {
		return false
	}
	v, ok := c.to.(driver.Validator)
	return !ok || v.IsValid()
}

func (c *conn) CheckNamedValue(v *driver.NamedValue) error {
	if x, ok := c.to.(driver.NamedValueChecker); ok {
		return x.CheckNamedValue(v)
	}
	return driver.ErrSkip
}

type tx struct {
	to driver.Tx
	c  *conn
}

// Commit fails as a server's does: an error before it means that the transaction is gone.
func (t *tx) Commit() error {
	if t.c.cut {
		return driver.ErrBadConn
	}
	f := t.c.i.ask(Commit, "")
	switch f.Kind {
	case CutBefore:
		t.c.close()
		return driver.ErrBadConn
	case ErrorBefore:
		_ = t.to.Rollback()
		return failure()
	}
	err := t.to.Commit()
	switch {
	case err != nil:
		return err
	case f.Kind == CutAfter:
		t.c.close()
		return driver.ErrBadConn
	case f.Kind == ErrorAfter:
		return failure()
	}
	return nil
}

// Rollback that fails leaves no usable connection, whichever way it failed.
func (t *tx) Rollback() error {
	if t.c.cut {
		return driver.ErrBadConn
	}
	if f := t.c.i.ask(Rollback, ""); f.Kind != None {
		_ = t.to.Rollback()
		t.c.close()
		return driver.ErrBadConn
	}
	return t.to.Rollback()
}

type stmt struct {
	driver.Stmt
	c   *conn
	sql string
}

func (s *stmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	return do(s.c, Exec, s.sql, func() (driver.Result, error) {
		return s.Stmt.(driver.StmtExecContext).ExecContext(ctx, args) //nolint:forcetypeassert // both drivers' are
	})
}

func (s *stmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	return do(s.c, Query, s.sql, func() (driver.Rows, error) {
		return s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, args) //nolint:forcetypeassert // both drivers' are
	})
}

func (s *stmt) Close() error {
	if s.c.cut {
		return nil
	}
	return s.Stmt.Close()
}
