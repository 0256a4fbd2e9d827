package source

import (
	"hash/maphash"
	"math/bits"
	"strings"
	"unsafe"
)

// interner keeps one copy of each text and numbers them in order of appearance.
type interner struct {
	ids   map[string]uint32
	names []string
	last  uint32 // the last one asked for: rows of one firm stand together
}

func newInterner() *interner { return &interner{ids: map[string]uint32{}} }

func (n *interner) len() int { return len(n.names) }

func (n *interner) has(b []byte) bool {
	if len(n.names) > 0 && n.names[n.last] == string(b) {
		return true
	}
	id, ok := n.ids[string(b)]
	if ok {
		n.last = id
	}
	return ok
}

func (n *interner) intern(b []byte) (string, uint32) {
	if len(n.names) > 0 && n.names[n.last] == string(b) {
		return n.names[n.last], n.last
	}
	id, ok := n.ids[string(b)]
	if !ok {
		id = uint32(len(n.names))
		name := strings.Clone(string(b))
		n.ids[name] = id
		n.names = append(n.names, name)
	}
	n.last = id
	return n.names[id], id
}

// arena makes many short strings with few allocations. A block is never written again once a
// string points into it, which is what makes the conversion below safe.
type arena struct{ block []byte }

const arenaBlock = 64 << 10

func (a *arena) text(b []byte) string {
	if len(b) == 0 {
		return ""
	}
	if cap(a.block)-len(a.block) < len(b) {
		a.block = make([]byte, 0, max(arenaBlock, len(b)))
	}
	from := len(a.block)
	a.block = append(a.block, b...)
	return unsafe.String(&a.block[from], len(b)) //nolint:gosec // the bytes are never written again
}

// rowSets keeps one set of rows per firm: rows of a firm mostly stand together, and a set that
// fits the processor's cache makes the difference between 70 and 15 ns a row.
type rowSets struct {
	seed   maphash.Seed
	byFirm []rowSet
	spare  spareTables
}

// spareTables are tables that a set has outgrown, by the logarithm of their length, for the next
// set to grow into: memory that is in the cache already.
type spareTables [48][]uint64

func (s *spareTables) take(length int) []uint64 {
	k := bits.Len(uint(length)) - 1
	if t := s[k]; t != nil {
		s[k] = nil
		clear(t)
		return t
	}
	return make([]uint64, length)
}

func (s *spareTables) give(t []uint64) { s[bits.Len(uint(len(t)))-1] = t }

func newRowSets() *rowSets { return &rowSets{seed: maphash.MakeSeed()} }

// add reports whether the firm has no such row yet.
func (s *rowSets) add(firm uint32, key []byte) bool {
	for int(firm) >= len(s.byFirm) {
		s.byFirm = append(s.byFirm, rowSet{slots: s.spare.take(64)})
	}
	return s.byFirm[firm].add(maphash.Bytes(s.seed, key), &s.spare)
}

// rowSet remembers rows by 64 bits of keyed hash in an open-addressed table: 11 to 21 bytes a row
// against some 150 for a map of strings. The chance of one false duplicate is 4e-11 for a firm with
// 40,000 rows, and under 1e-6 for one with the five million that a file may have.
type rowSet struct {
	slots []uint64 // zero is empty
	used  int
}

// add reports whether the row is new.
func (s *rowSet) add(h uint64, spare *spareTables) bool {
	if h == 0 {
		h = 1
	}
	if !s.put(h) {
		return false
	}
	if s.used++; s.used*4 > len(s.slots)*3 {
		s.grow(spare)
	}
	return true
}

func (s *rowSet) put(h uint64) bool {
	mask := uint64(len(s.slots) - 1)
	for i := h & mask; ; i = (i + 1) & mask {
		switch s.slots[i] {
		case 0:
			s.slots[i] = h
			return true
		case h:
			return false
		}
	}
}

func (s *rowSet) grow(spare *spareTables) {
	old := s.slots
	s.slots = spare.take(2 * len(old))
	for _, h := range old {
		if h != 0 {
			s.put(h)
		}
	}
	spare.give(old)
}
