package auth

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"

	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Cost is the work of hashing a password with argon2id.
type Cost struct {
	Time      uint32
	MemoryKiB uint32
	Threads   uint8
}

// DefaultCost follows the OWASP advice for argon2id: 19 MiB, two passes.
var DefaultCost = Cost{Time: 2, MemoryKiB: 19 * 1024, Threads: 1}

// hasher bounds how many passwords are hashed at once: each takes memory, and sign-in is public.
type hasher struct {
	cost  Cost
	slots chan struct{}
	dummy string // verified when there is no such user, so that the answer takes as long
}

func newHasher(c Cost) *hasher {
	h := &hasher{cost: c, slots: make(chan struct{}, max(1, runtime.GOMAXPROCS(0)))}
	h.dummy = hashPassword(c, rand.Text())
	return h
}

func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	if err := h.enter(ctx); err != nil {
		return "", err
	}
	defer h.leave()
	return hashPassword(h.cost, password), nil
}

// verify compares; an empty stored hash (no password set) is compared with a dummy and never equal.
func (h *hasher) verify(ctx context.Context, password, phc string) (bool, error) {
	if err := h.enter(ctx); err != nil {
		return false, err
	}
	defer h.leave()
	if phc == "" {
		_, err := verifyPassword(password, h.dummy)
		return false, err
	}
	return verifyPassword(password, phc)
}

func (h *hasher) enter(ctx context.Context) error {
	select {
	case h.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fault.New(fault.ReasonUnavailable, "what", "sign-in", "what_zh", "登录").Wrap(ctx.Err())
	}
}

func (h *hasher) leave() { <-h.slots }

func hashPassword(c Cost, password string) string {
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails
	sum := argon2.IDKey([]byte(password), salt, c.Time, c.MemoryKiB, c.Threads, 32)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.MemoryKiB, c.Time, c.Threads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum))
}

var errHash = errors.New("auth: stored password hash is malformed")

// verifyPassword reads the PHC string, whose cost may be an older one.
func verifyPassword(password, phc string) (bool, error) {
	parts := strings.Split(phc, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return false, errHash
	}
	var c Cost
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.MemoryKiB, &c.Time, &c.Threads); err != nil || c.Time == 0 || c.Threads == 0 || c.MemoryKiB > 1<<20 || c.Time > 64 {
		return false, errHash
	}
	salt, err := base64.RawStdEncoding.DecodeString(parts[4])
	if err != nil {
		return false, errHash
	}
	want, err := base64.RawStdEncoding.DecodeString(parts[5])
	if err != nil || len(want) < 16 || len(want) > 64 {
		return false, errHash
	}
	got := argon2.IDKey([]byte(password), salt, c.Time, c.MemoryKiB, c.Threads, uint32(len(want))) //nolint:gosec // at most 64
	return subtle.ConstantTimeCompare(got, want) == 1, nil
}

const (
	passwordMinRunes = 12
	passwordMaxBytes = 256
)

// common are the long passwords people choose first; the length rule keeps the short ones out.
var common = []string{"password1234", "123456789012", "passwordpassword", "qwertyuiop12", "administrator", "000000000000", "111111111111", "capillary123"}

// checkPassword refuses what guessing finds first.
func checkPassword(login, password string) error {
	weak := func(zh, en string) error {
		return fault.New(ReasonPassword, "problem", en, "problem_zh", zh).WithField("password")
	}
	lower := strings.ToLower(password)
	switch {
	case utf8.RuneCountInString(password) < passwordMinRunes:
		return weak("少于 12 个字符", "it has fewer than 12 characters")
	case len(password) > passwordMaxBytes:
		return weak("超过 256 字节", "it is longer than 256 bytes")
	case len(login) >= 3 && strings.Contains(lower, strings.ToLower(login)):
		return weak("包含登录名", "it contains the login")
	}
	for _, c := range common {
		if lower == c {
			return weak("过于常见", "it is among the most common ones")
		}
	}
	if strings.Count(password, password[:1]) == len(password) {
		return weak("只有一个字符重复", "it repeats one character")
	}
	return nil
}
