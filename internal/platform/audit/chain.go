package audit

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"time"
)

// stored is an entry as it lies in the table.
type stored struct {
	id, actor, action, object, objectID, before, after, note string
	at                                                       int64
}

// chainHash is the hash of one link: SHA-256 over the link before it, the sequence and every field, each
// with its length in front, so that no two different records share an encoding.
func chainHash(institution string, seq int64, prev string, r stored) string {
	h := sha256.New()
	field(h, "capillary.audit.1")
	field(h, institution)
	number(h, seq)
	field(h, prev)
	field(h, r.id)
	number(h, r.at)
	for _, s := range []string{r.actor, r.action, r.object, r.objectID, r.before, r.after, r.note} {
		field(h, s)
	}
	return hex.EncodeToString(h.Sum(nil))
}

func field(h hash.Hash, s string) {
	number(h, int64(len(s)))
	_, _ = h.Write([]byte(s))
}

func number(h hash.Hash, n int64) {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(n)) //nolint:gosec // an encoding, not arithmetic
	_, _ = h.Write(b[:])
}

// Signer seals the end of a chain with a key that the database does not hold: whoever can rewrite the
// whole chain still cannot sign its end. crypto.Keyring is one.
type Signer interface {
	Sign(purpose string, message []byte) string
	Signed(purpose string, message []byte, signature string) bool
}

const signPurpose = "audit.head"

// headMessage is what the signature of a chain's end covers: its place, its hash and when it was sealed.
func headMessage(institution string, seq int64, hash string, sealedAt int64) []byte {
	return fmt.Appendf(nil, "%s\n%d\n%s\n%d", institution, seq, hash, sealedAt)
}

// signedEnd reports whether an end of the chain bears its signature. Those of before the time was covered bear one without it.
func signedEnd(s Signer, institution string, seq int64, hash string, sealedAt int64, signature string) bool {
	return s.Signed(signPurpose, headMessage(institution, seq, hash, sealedAt), signature) ||
		s.Signed(signPurpose, fmt.Appendf(nil, "%s\n%d\n%s", institution, seq, hash), signature)
}

// Anchor is the end of a chain at some time, written outside of the database: a chain that was put back
// to an earlier, rightly signed state no longer reaches it.
type Anchor struct {
	Institution string    `json:"institution"`
	Seq         int64     `json:"seq"`
	Hash        string    `json:"hash"`
	At          time.Time `json:"at"`
	Signature   string    `json:"signature"`
}

func (a Anchor) line() ([]byte, error) {
	b, err := json.Marshal(a)
	return append(b, '\n'), err
}
