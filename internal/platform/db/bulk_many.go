package db

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// Rows are the rows of one declared insert, as rows or as columns.
type Rows struct {
	Bulk *Bulk
	Rows [][]any
	// Columns, instead of Rows, holds a []string, []int64, []bool or [][]byte for each column, all of one length.
	Columns []any
	// All asks that every row is written: when the conflict clause passes over one of them, the call fails with an
	// error that IsPassedOver knows, and nothing is written.
	All bool
}

// Len is the number of rows.
func (r Rows) Len() int {
	if r.Columns == nil {
		return len(r.Rows)
	}
	switch c := r.Columns[0].(type) {
	case []string:
		return len(c)
	case []int64:
		return len(c)
	case []bool:
		return len(c)
	case [][]byte:
		return len(c)
	}
	panic("db: a column must be a []string, []int64, []bool or [][]byte")
}

// column gives a column as a typed slice with the name of its SQL type.
func (r Rows) column(c int) (values any, kind string, plain bool) {
	if r.Columns == nil {
		return columnOf(r.Rows, c)
	}
	switch v := r.Columns[c].(type) {
	case []string:
		return v, "text", true
	case []int64:
		return v, "bigint", true
	case []bool:
		return v, "boolean", true
	case [][]byte:
		return v, "bytea", true
	}
	return nil, "", false
}

// cells appends the values of some rows, row by row.
func (r Rows) cells(out []any, from, to int) []any {
	if r.Columns == nil {
		for _, row := range r.Rows[from:to] {
			out = append(out, row...)
		}
		return out
	}
	for i := from; i < to; i++ {
		for _, c := range r.Columns {
			switch v := c.(type) {
			case []string:
				out = append(out, v[i])
			case []int64:
				out = append(out, v[i])
			case []bool:
				out = append(out, v[i])
			case [][]byte:
				out = append(out, v[i])
			}
		}
	}
	return out
}

var errPassedOver = errors.New("a row that had to be written was passed over")

// IsPassedOver reports that a row of a call with All was not what the caller took it for.
func IsPassedOver(err error) bool {
	if pe, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pe.Code == "22012" // the division by zero that many writes
	}
	return errors.Is(err, errPassedOver)
}

// manyRowsMax keeps one statement of several inserts small; larger ones go one by one.
const manyRowsMax = 5000

// BulkInsertMany writes rows into several tables. On PostgreSQL that is one statement, and so one round trip or, under
// Later, none, of data-modifying WITH parts: the order among the tables is not defined, and none of them may depend on
// what another one of the call writes. SQLite, which has no round trips, takes them one by one.
func (t *Tx) BulkInsertMany(ctx context.Context, parts ...Rows) error {
	if text, args, ok := t.many(parts); ok {
		if text == "" {
			return nil
		}
		if _, err := t.tx.ExecContext(ctx, text, args...); err != nil {
			return fmt.Errorf("%s: %w", parts[0].Bulk.where, err)
		}
		return nil
	}
	for _, p := range parts {
		var n int64
		var err error
		if p.Columns != nil {
			n, err = t.bulkValues(waited(ctx), p)
		} else {
			n, err = t.BulkInsert(waited(ctx), p.Bulk, p.Rows)
		}
		if err == nil && p.All && n != int64(p.Len()) {
			err = fmt.Errorf("%s: %w", p.Bulk.where, errPassedOver)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// many writes the one statement, or declines; it is empty when there is nothing to write.
func (t *Tx) many(parts []Rows) (text string, args []any, ok bool) {
	if t.db.dialect != Postgres {
		return "", nil, false
	}
	var s, proof strings.Builder
	n := 0
	for _, p := range parts {
		rows := p.Len()
		if rows == 0 {
			continue
		}
		if rows > manyRowsMax {
			return "", nil, false
		}
		types := make([]string, len(p.Bulk.columns))
		from := len(args)
		for c := range p.Bulk.columns {
			values, kind, plain := p.column(c)
			if !plain {
				return "", nil, false
			}
			args, types[c] = append(args, values), kind
		}
		word := ", "
		if n == 0 {
			word = "with "
		}
		n++
		name := "w" + strconv.Itoa(n)
		s.WriteString(word + name + " as (" + p.Bulk.arraysFrom(types, from))
		if p.All {
			args = append(args, int64(rows))
			s.WriteString(" returning 1")
			proof.WriteString(" and (select count(*) from " + name + ") = $" + strconv.Itoa(len(args)) + "::bigint")
		}
		s.WriteByte(')')
	}
	if n == 0 {
		return "", nil, true
	}
	s.WriteString(" select 1 / (case when true" + proof.String() + " then 1 else 0 end)")
	return s.String(), args, true
}
