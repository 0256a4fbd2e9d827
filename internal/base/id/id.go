// Package id makes sortable identifiers: a prefix that names the kind of thing
// and a ULID in lower-case Crockford base 32, from a time and entropy that the
// caller gives. It reads no clock and no random source of its own.
package id

import (
	"errors"
	"strings"
	"time"
)

const alphabet = "0123456789abcdefghjkmnpqrstvwxyz"

// Length is the number of characters after the prefix and its underscore.
const Length = 26

// ErrSyntax says that a text is not an identifier of this form.
var ErrSyntax = errors.New("id: not a prefixed ULID")

// New returns prefix_ + ULID of the millisecond of t and ten entropy bytes.
func New(prefix string, t time.Time, entropy [10]byte) string {
	var b strings.Builder
	b.Grow(len(prefix) + 1 + Length)
	b.WriteString(prefix)
	b.WriteByte('_')
	ulid := ULID(t, entropy)
	b.Write(ulid[:])
	return b.String()
}

// ULID returns the 26 characters: 48 bits of milliseconds, 80 bits of entropy.
func ULID(t time.Time, entropy [10]byte) [Length]byte {
	var out [Length]byte
	ms := uint64(t.UnixMilli()) & (1<<48 - 1)
	for i := 9; i >= 0; i-- {
		out[i] = alphabet[ms&31]
		ms >>= 5
	}
	// 80 bits are exactly sixteen groups of five.
	var acc uint32
	bitCount, pos := 0, 10
	for _, e := range entropy {
		acc = acc<<8 | uint32(e)
		bitCount += 8
		for bitCount >= 5 {
			bitCount -= 5
			out[pos] = alphabet[acc>>bitCount&31]
			pos++
		}
	}
	return out
}

// Prefix returns the part before the last underscore of a valid identifier.
func Prefix(s string) (string, error) {
	cut := strings.LastIndexByte(s, '_')
	if cut <= 0 || len(s)-cut-1 != Length {
		return "", ErrSyntax
	}
	for i := cut + 1; i < len(s); i++ {
		if strings.IndexByte(alphabet, s[i]) < 0 {
			return "", ErrSyntax
		}
	}
	return s[:cut], nil
}

// Time returns the instant inside a valid identifier.
func Time(s string) (time.Time, error) {
	prefix, err := Prefix(s)
	if err != nil {
		return time.Time{}, err
	}
	var ms int64
	for _, c := range []byte(s[len(prefix)+1 : len(prefix)+11]) {
		ms = ms<<5 | int64(strings.IndexByte(alphabet, c))
	}
	return time.UnixMilli(ms).UTC(), nil
}
