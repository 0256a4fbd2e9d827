package loan

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"reflect"
	"unsafe"

	"github.com/capillary-finance/capillary/internal/platform/db"
)

// A snapshot is a cache of a State, so that a night costs one Advance and no replay of the loan's history. Its encoding is
// derived from the type itself: every field of State, hidden ones too, in the order of the type, as varints. The layout names
// that order; a snapshot of another layout, or of another number of events, is not read but replayed. So State may change
// without a migration and without touching this file.

// snapshotEdition goes into the layout. Raise it when the arithmetic changes what a stored State means though its fields stay.
const snapshotEdition = 1

var stateCodec, stateLayout = layoutOf(reflect.TypeFor[State]())

type fieldKind uint8

const (
	asBool fieldKind = iota
	asInt8
	asInt16
	asInt32
	asInt64
	asText
	asList
)

// field is one leaf of a type, or a list of elements with their own leaves.
type field struct {
	at   uintptr
	kind fieldKind
	list reflect.Type
	elem []field
}

var errCodec = errors.New("loan snapshot: truncated or foreign")

// layoutOf flattens a type. A type that holds what cannot be kept (a map, a pointer, an interface) gives no codec at all:
// then nothing is cached and everything is replayed.
func layoutOf(t reflect.Type) (codec []field, layout int64) {
	h := fnv.New64a()
	_, _ = fmt.Fprintf(h, "capillary loan snapshot %d %d", snapshotEdition, unsafe.Sizeof(int(0)))
	codec, ok := flatten(t, 0, "", func(line string) { _, _ = h.Write([]byte(line)) })
	if !ok {
		return nil, 0
	}
	return codec, int64(h.Sum64() >> 1)
}

func flatten(t reflect.Type, at uintptr, path string, note func(string)) (out []field, ok bool) {
	note(path + " " + t.Kind().String() + "\n")
	f := field{at: at}
	switch t.Kind() { //nolint:exhaustive // what is not named here cannot be kept
	case reflect.Struct:
		for i := range t.NumField() {
			sf := t.Field(i)
			inner, ok := flatten(sf.Type, at+sf.Offset, path+"."+sf.Name, note)
			if !ok {
				return nil, false
			}
			out = append(out, inner...)
		}
		return out, true
	case reflect.Bool:
		f.kind = asBool
	case reflect.Int8, reflect.Uint8:
		f.kind = asInt8
	case reflect.Int16, reflect.Uint16:
		f.kind = asInt16
	case reflect.Int32, reflect.Uint32:
		f.kind = asInt32
	case reflect.Int64, reflect.Uint64, reflect.Int, reflect.Uint:
		f.kind = asInt64
	case reflect.String:
		f.kind = asText
	case reflect.Slice:
		f.kind, f.list = asList, t
		if f.elem, ok = flatten(t.Elem(), 0, path+"[]", note); !ok {
			return nil, false
		}
	default:
		return nil, false
	}
	return []field{f}, true
}

// encodeState writes a state; nil when the type cannot be kept.
func encodeState(s *State) []byte {
	if stateCodec == nil {
		return nil
	}
	return encodeFields(make([]byte, 0, 256+32*len(s.Rows)), stateCodec, unsafe.Pointer(s)) //nolint:gosec // fields of s only, see encodeFields
}

// The pointers below go only to fields of the value that was handed in, at offsets the compiler gave.
func encodeFields(out []byte, fields []field, base unsafe.Pointer) []byte {
	for i := range fields {
		f := &fields[i]
		p := unsafe.Add(base, f.at)
		switch f.kind {
		case asBool:
			n := int64(0)
			if *(*bool)(p) {
				n = 1
			}
			out = binary.AppendVarint(out, n)
		case asInt8:
			out = binary.AppendVarint(out, int64(*(*int8)(p)))
		case asInt16:
			out = binary.AppendVarint(out, int64(*(*int16)(p)))
		case asInt32:
			out = binary.AppendVarint(out, int64(*(*int32)(p)))
		case asInt64:
			out = binary.AppendVarint(out, *(*int64)(p))
		case asText:
			s := *(*string)(p)
			out = append(binary.AppendUvarint(out, uint64(len(s))), s...)
		case asList:
			list := reflect.NewAt(f.list, p).Elem()
			out = binary.AppendUvarint(out, uint64(list.Len())) //nolint:gosec // a length
			first, size := list.UnsafePointer(), f.list.Elem().Size()
			for n := range list.Len() {
				out = encodeFields(out, f.elem, unsafe.Add(first, uintptr(n)*size)) //nolint:gosec // an index
			}
		}
	}
	return out
}

// decodeState reads what encodeState wrote in the same layout. It writes into the lists that s has, where they are long
// enough: nobody else may hold them.
func decodeState(b []byte, s *State) error {
	if stateCodec == nil {
		return errCodec
	}
	rest, ok := decodeFields(b, stateCodec, unsafe.Pointer(s)) //nolint:gosec // fields of s only, see encodeFields
	if !ok || len(rest) != 0 {
		return errCodec
	}
	return nil
}

func decodeFields(b []byte, fields []field, base unsafe.Pointer) ([]byte, bool) {
	for i := range fields {
		f := &fields[i]
		p := unsafe.Add(base, f.at)
		if f.kind == asText || f.kind == asList {
			n, used := binary.Uvarint(b)
			if used <= 0 || n > uint64(len(b)) { // every element takes a byte at least
				return nil, false
			}
			b = b[used:]
			if f.kind == asText {
				if n > uint64(len(b)) {
					return nil, false
				}
				*(*string)(p) = string(b[:n])
				b = b[n:]
				continue
			}
			var ok bool
			if b, ok = decodeList(b, f, p, int(n)); !ok { //nolint:gosec // bounded above
				return nil, false
			}
			continue
		}
		var n int64
		if len(b) > 0 && b[0] < 0x80 { // most numbers of a state are small
			n = int64(b[0]>>1) ^ -int64(b[0]&1)
			b = b[1:]
		} else {
			var used int
			if n, used = binary.Varint(b); used <= 0 {
				return nil, false
			}
			b = b[used:]
		}
		switch f.kind {
		case asBool:
			*(*bool)(p) = n == 1
		case asInt8:
			*(*int8)(p) = int8(n) //nolint:gosec // as it was encoded
		case asInt16:
			*(*int16)(p) = int16(n) //nolint:gosec // as it was encoded
		case asInt32:
			*(*int32)(p) = int32(n) //nolint:gosec // as it was encoded
		case asInt64, asText, asList:
			*(*int64)(p) = n
		}
	}
	return b, true
}

func decodeList(b []byte, f *field, p unsafe.Pointer, n int) ([]byte, bool) {
	list := reflect.NewAt(f.list, p).Elem()
	if n == 0 {
		list.SetZero()
		return b, true
	}
	if list.Cap() >= n {
		list.SetLen(n) // every field of its elements is written below
	} else {
		list.Set(reflect.MakeSlice(f.list, n, n))
	}
	first, size := list.UnsafePointer(), f.list.Elem().Size()
	for i := range n {
		var ok bool
		if b, ok = decodeFields(b, f.elem, unsafe.Add(first, uintptr(i)*size)); !ok { //nolint:gosec // an index
			return nil, false
		}
	}
	return b, true
}

// clone copies a state so that advancing the copy leaves the original alone.
func clone(s *State) State {
	out := *s
	cloneLists(stateCodec, unsafe.Pointer(&out)) //nolint:gosec // fields of out only, see encodeFields
	return out
}

func cloneLists(fields []field, base unsafe.Pointer) {
	for i := range fields {
		f := &fields[i]
		if f.kind != asList {
			continue
		}
		list := reflect.NewAt(f.list, unsafe.Add(base, f.at)).Elem()
		fresh := reflect.MakeSlice(f.list, list.Len(), list.Len())
		reflect.Copy(fresh, list)
		list.Set(fresh)
		for n := range fresh.Len() {
			if !hasList(f.elem) {
				break
			}
			cloneLists(f.elem, unsafe.Add(fresh.UnsafePointer(), uintptr(n)*f.list.Elem().Size())) //nolint:gosec // an index
		}
	}
}

func hasList(fields []field) bool {
	for i := range fields {
		if fields[i].kind == asList {
			return true
		}
	}
	return false
}

// snapshot is a state on its way to its row, with what a night needs of the loan besides.
type snapshot struct {
	loanID, branchID, productID string
	eventSeq                    int64
	state                       *State
}

var (
	putSnapshot = db.NewBulk("loan_snapshot", []string{"institution_id", "loan_id", "event_seq", "layout", "branch_id", "product_id", "state"},
		`on conflict (institution_id, loan_id) do update set event_seq = excluded.event_seq, layout = excluded.layout, branch_id = excluded.branch_id,
			product_id = excluded.product_id, state = excluded.state`)
	selectSnapshot = db.Q(`select state from loan_snapshot where institution_id = $1 and loan_id = $2 and event_seq = $3 and layout = $4`)
)

func saveSnapshots(ctx context.Context, tx *db.Tx, all []snapshot) error {
	if stateCodec == nil || len(all) == 0 {
		return nil
	}
	rows := make([][]any, len(all))
	for i, s := range all {
		rows[i] = []any{tx.Institution, s.loanID, s.eventSeq, stateLayout, s.branchID, s.productID, encodeState(s.state)}
	}
	_, err := tx.BulkInsert(ctx, putSnapshot, rows)
	return err
}

// Current is the state of a loan as its row stands, from its snapshot when that holds every event, else by replay. It is what
// a page that shows one loan reads: a loan with ten years of daily events costs no more than a young one.
func Current(ctx context.Context, tx *db.Tx, l Loan) (State, error) {
	var s State
	var text []byte
	err := tx.QueryRow(ctx, selectSnapshot, tx.Institution, l.ID, l.eventSeq, stateLayout).Scan(&text)
	if err != nil && !db.IsNoRows(err) {
		return s, err
	}
	if err == nil && decodeState(text, &s) == nil && !s.AsOf.After(l.ProcessedTo) {
		return s, s.Advance(l.ProcessedTo)
	}
	return stateAt(ctx, tx, l, l.ProcessedTo)
}
