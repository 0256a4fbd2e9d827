package crypto

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
)

// checksumBytes of SHA-256 are kept: against rot, not against a forger, who could write a new one.
const checksumBytes = 16

// Checksum covers a number and texts, each text with its length in front, so that nothing can pass from one field to its
// neighbour. Rows of the outbox bear it.
func Checksum(number int64, texts ...string) string {
	h := sha256.New()
	var n [8]byte
	put := func(v int64) {
		binary.BigEndian.PutUint64(n[:], uint64(v)) //nolint:gosec // an encoding, not arithmetic
		_, _ = h.Write(n[:])
	}
	put(number)
	for _, s := range texts {
		put(int64(len(s)))
		_, _ = h.Write([]byte(s))
	}
	return hex.EncodeToString(h.Sum(nil)[:checksumBytes])
}
