package db

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// IsUnavailable reports that a statement failed because the database was away, overloaded, out of space or
// contended beyond the retries, and not because of what was asked: the same request may succeed later.
// Whether a commit that failed so took effect is not known; only the database can tell.
func IsUnavailable(err error) bool {
	if retryable(err) || errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) {
		return true
	}
	if pe, ok := errors.AsType[*pgconn.PgError](err); ok {
		// 08 connection, 53 resources, 57P01..04 shutting down or starting, 58 system, 55000 not accepting, 25006 a standby.
		return strings.HasPrefix(pe.Code, "08") || strings.HasPrefix(pe.Code, "53") || strings.HasPrefix(pe.Code, "57P") ||
			strings.HasPrefix(pe.Code, "58") || pe.Code == "55000" || pe.Code == "25006"
	}
	if se, ok := errors.AsType[*sqlite.Error](err); ok {
		switch se.Code() & 0xff {
		case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY:
			return true
		}
		return false
	}
	if _, ok := errors.AsType[*pgconn.ConnectError](err); ok {
		return true
	}
	// A connection that breaks under a statement shows as what the socket said, told by the driver as unsafe to repeat.
	var lost interface{ SafeToRetry() bool }
	if errors.As(err, &lost) && (errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed)) {
		return true
	}
	_, broken := errors.AsType[*net.OpError](err)
	return broken || errors.Is(err, io.ErrUnexpectedEOF)
}
