package crypto

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"strings"
)

// NewToken makes an unguessable token of 26 letters and digits (130 bits).
func NewToken() string { return strings.ToLower(rand.Text()) }

// HashToken is what is stored of a token: tokens are random, so one round of SHA-256 is enough.
func HashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// SameToken compares a token with a stored hash in constant time.
func SameToken(token, hash string) bool {
	return subtle.ConstantTimeCompare([]byte(HashToken(token)), []byte(hash)) == 1
}
