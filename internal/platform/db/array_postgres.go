package db

import (
	"encoding/binary"
	"math"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
)

// Whole columns are sent as arrays. The driver encodes an array element by element, each through an interface value of
// its own; these encoders write the four kinds of column that BulkInsert sends in one go.

// registerArrays gives a connection the encoders.
func registerArrays(conn *pgx.Conn) {
	m := conn.TypeMap()
	for _, a := range []struct {
		oid, of uint32
	}{
		{pgtype.TextArrayOID, pgtype.TextOID}, {pgtype.Int8ArrayOID, pgtype.Int8OID}, {pgtype.BoolArrayOID, pgtype.BoolOID},
		{pgtype.ByteaArrayOID, pgtype.ByteaOID}, {pgtype.Float8ArrayOID, pgtype.Float8OID},
	} {
		if t, known := m.TypeForOID(a.oid); known {
			m.RegisterType(&pgtype.Type{Name: t.Name, OID: t.OID, Codec: columnCodec{t.Codec, a.of}})
		}
	}
}

// columnCodec is the codec of an array type, with an encoder for plain slices.
type columnCodec struct {
	pgtype.Codec

	of uint32
}

// PlanEncode chooses the encoder.
func (c columnCodec) PlanEncode(m *pgtype.Map, oid uint32, format int16, v any) pgtype.EncodePlan {
	if format == pgtype.BinaryFormatCode {
		switch v.(type) {
		case []string:
			if c.of == pgtype.TextOID {
				return columnPlan[string]{c.of, func(b []byte, s string) []byte { return append(b, s...) }}
			}
		case []int64:
			if c.of == pgtype.Int8OID {
				return columnPlan[int64]{c.of, func(b []byte, n int64) []byte { return binary.BigEndian.AppendUint64(b, uint64(n)) }} //nolint:gosec // two's complement on the wire
			}
		case []bool:
			if c.of == pgtype.BoolOID {
				return columnPlan[bool]{c.of, func(b []byte, yes bool) []byte {
					if yes {
						return append(b, 1)
					}
					return append(b, 0)
				}}
			}
		case [][]byte:
			if c.of == pgtype.ByteaOID {
				return columnPlan[[]byte]{c.of, func(b, x []byte) []byte { return append(b, x...) }}
			}
		case []float64:
			if c.of == pgtype.Float8OID {
				return columnPlan[float64]{c.of, func(b []byte, f float64) []byte { return binary.BigEndian.AppendUint64(b, math.Float64bits(f)) }}
			}
		}
	}
	return c.Codec.PlanEncode(m, oid, format, v)
}

type columnPlan[T any] struct {
	of  uint32
	add func(b []byte, v T) []byte
}

// Encode writes the array: dimensions, whether it has nulls, the element's type, length and lower bound, then each
// element after its length.
func (p columnPlan[T]) Encode(v any, b []byte) ([]byte, error) {
	all := v.([]T) //nolint:errcheck // PlanEncode has looked
	if all == nil {
		return nil, nil
	}
	dimensions := uint32(1)
	if len(all) == 0 {
		dimensions = 0
	}
	b = binary.BigEndian.AppendUint32(b, dimensions)
	b = binary.BigEndian.AppendUint32(b, 0)
	b = binary.BigEndian.AppendUint32(b, p.of)
	if dimensions == 0 {
		return b, nil
	}
	b = binary.BigEndian.AppendUint32(b, uint32(len(all))) //nolint:gosec // PostgreSQL refuses far shorter messages
	b = binary.BigEndian.AppendUint32(b, 1)
	for _, x := range all {
		at := len(b)
		b = p.add(append(b, 0, 0, 0, 0), x)
		binary.BigEndian.PutUint32(b[at:], uint32(len(b)-at-4)) //nolint:gosec // the same
	}
	return b, nil
}
