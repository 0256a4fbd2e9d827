package db

import (
	"context"
	"database/sql/driver"
	"encoding/binary"
	"io"
	"math"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
)

// pgRows are the rows of the last statement of a pipeline, read from the wire one by one.
type pgRows struct {
	conn    *pgConn
	rows    pgx.Rows
	results pgx.BatchResults
	names   []string
	ahead   bool // a row, if there is more, was read already
	more    bool
	done    bool
}

// Columns names the columns.
func (r *pgRows) Columns() []string {
	if r.names == nil {
		r.names = columnNames(r.rows)
	}
	return r.names
}

func columnNames(rows pgx.Rows) []string {
	fields := rows.FieldDescriptions()
	names := make([]string, len(fields))
	for i := range fields {
		names[i] = fields[i].Name
	}
	return names
}

// Next reads a row.
func (r *pgRows) Next(dest []driver.Value) error {
	if r.ahead {
		r.ahead = false
	} else {
		r.more = r.rows.Next()
	}
	if !r.more {
		if err := r.rows.Err(); err != nil {
			return err
		}
		return io.EOF
	}
	return values(r.conn.Conn.Conn().TypeMap(), r.rows, dest)
}

// Close ends the reading and the pipeline.
func (r *pgRows) Close() error {
	if r.done {
		return nil
	}
	r.done = true
	r.rows.Close()
	r.conn.mu.Lock()
	defer r.conn.mu.Unlock()
	return r.conn.end(r.results, r.rows.Err())
}

// laterRows are the rows of a queued query: they are all read when the pipeline they were sent in comes to them.
type laterRows struct {
	conn  *pgConn
	ctx   context.Context
	wait  bool // not sent yet
	err   error
	names []string
	cells []driver.Value
	at    int
}

// read takes the rows of the next result of a pipeline.
func (r *laterRows) read(c *pgConn, results pgx.BatchResults) error {
	rows, err := results.Query()
	if err != nil {
		return err
	}
	defer rows.Close()
	r.wait = false
	r.names = columnNames(rows)
	n := len(r.names)
	m := c.Conn.Conn().TypeMap()
	for rows.Next() {
		if len(r.cells)+n > cap(r.cells) {
			r.cells = append(make([]driver.Value, 0, max(16*n, 2*cap(r.cells))), r.cells...)
		}
		at := len(r.cells)
		r.cells = r.cells[:at+n]
		if err := values(m, rows, r.cells[at:]); err != nil {
			return err
		}
	}
	return rows.Err()
}

// arrive sends the queue, if the query is still in it.
func (r *laterRows) arrive() error {
	r.conn.mu.Lock()
	defer r.conn.mu.Unlock()
	if r.wait {
		_ = r.conn.flush(r.ctx) // its error is in r.err as well, or the query itself was answered
	}
	return r.err
}

// Columns names the columns; none when the query failed.
func (r *laterRows) Columns() []string {
	_ = r.arrive() // Next returns it
	return r.names
}

// Next gives a row.
func (r *laterRows) Next(dest []driver.Value) error {
	if err := r.arrive(); err != nil {
		return err
	}
	if r.at >= len(r.cells) {
		return io.EOF
	}
	r.at += copy(dest, r.cells[r.at:])
	return nil
}

// Close drops the rows. The query is sent all the same, in its place.
func (r *laterRows) Close() error {
	r.at = len(r.cells)
	return nil
}

// values decodes a row as the driver's own rows do.
func values(m *pgtype.Map, rows pgx.Rows, dest []driver.Value) error {
	fields := rows.FieldDescriptions()
	for i, raw := range rows.RawValues() {
		var err error
		if dest[i], err = value(m, &fields[i], raw); err != nil {
			return err
		}
	}
	return nil
}

func value(m *pgtype.Map, f *pgconn.FieldDescription, raw []byte) (driver.Value, error) {
	if raw == nil {
		return nil, nil
	}
	switch f.DataTypeOID {
	case pgtype.TextOID, pgtype.VarcharOID, pgtype.BPCharOID, pgtype.NameOID:
		return string(raw), nil
	}
	if f.Format == pgtype.BinaryFormatCode {
		switch f.DataTypeOID {
		case pgtype.Int8OID:
			return int64(binary.BigEndian.Uint64(raw)), nil //nolint:gosec // two's complement on the wire
		case pgtype.Int4OID:
			return int64(int32(binary.BigEndian.Uint32(raw))), nil //nolint:gosec // the same
		case pgtype.BoolOID:
			return raw[0] != 0, nil
		case pgtype.ByteaOID:
			return append(make([]byte, 0, len(raw)), raw...), nil
		case pgtype.Float8OID:
			return math.Float64frombits(binary.BigEndian.Uint64(raw)), nil
		}
	}
	if t, known := m.TypeForOID(f.DataTypeOID); known {
		switch t.Codec.(type) {
		case columnCodec, *pgtype.ArrayCodec: // database/sql knows no arrays: their text form
			if f.Format == pgtype.BinaryFormatCode {
				return arrayText(m, t, raw)
			}
		}
		return t.Codec.DecodeDatabaseSQLValue(m, f.DataTypeOID, f.Format, raw)
	}
	return string(raw), nil
}

func arrayText(m *pgtype.Map, t *pgtype.Type, raw []byte) (driver.Value, error) {
	elements, err := t.Codec.DecodeValue(m, t.OID, pgtype.BinaryFormatCode, raw)
	if err != nil {
		return nil, err
	}
	text, err := m.Encode(t.OID, pgtype.TextFormatCode, elements, nil)
	return string(text), err
}
