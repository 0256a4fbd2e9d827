package db

import (
	"context"
	"fmt"
	"strconv"
	"strings"
)

// Rows are the rows of one declared insert.
type Rows struct {
	Bulk *Bulk
	Rows [][]any
}

// manyRowsMax keeps one statement of several inserts small; larger ones go one by one.
const manyRowsMax = 5000

// BulkInsertMany writes rows into several tables. On PostgreSQL that is one statement, and so one round trip,
// of data-modifying WITH parts: the order among the tables is not defined, and none of them may depend on
// what another one of the call writes. SQLite, which has no round trips, takes them one by one.
func (t *Tx) BulkInsertMany(ctx context.Context, parts ...Rows) error {
	if text, args, ok := t.many(parts); ok {
		if _, err := t.tx.ExecContext(ctx, text, args...); err != nil {
			return fmt.Errorf("%s: %w", parts[0].Bulk.where, err)
		}
		return nil
	}
	for _, p := range parts {
		if _, err := t.BulkInsert(ctx, p.Bulk, p.Rows); err != nil {
			return err
		}
	}
	return nil
}

// many writes the one statement, or declines.
func (t *Tx) many(parts []Rows) (text string, args []any, ok bool) {
	if t.db.dialect != Postgres {
		return "", nil, false
	}
	var s strings.Builder
	n := 0
	for _, p := range parts {
		if len(p.Rows) == 0 {
			continue
		}
		if len(p.Rows) > manyRowsMax {
			return "", nil, false
		}
		types := make([]string, len(p.Bulk.columns))
		from := len(args)
		for c := range p.Bulk.columns {
			values, kind, plain := columnOf(p.Rows, c)
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
		s.WriteString(word + "w" + strconv.Itoa(n) + " as (" + p.Bulk.arraysFrom(types, from) + ")")
	}
	return s.String() + " select 1", args, n > 1
}
