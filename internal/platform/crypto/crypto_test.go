package crypto_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/capillary-finance/capillary/internal/platform/crypto"
)

func TestKeyFileIsMadeOnceAndKeptPrivate(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "sub", "keys.json")
	a, err := crypto.OpenKeyring(path)
	require.NoError(t, err)
	st, err := os.Stat(path)
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), st.Mode().Perm())
	sealed, err := a.Encrypt("t.c.1", []byte("身份证"))
	require.NoError(t, err)
	b, err := crypto.OpenKeyring(path)
	require.NoError(t, err)
	plain, err := b.Decrypt("t.c.1", sealed)
	require.NoError(t, err)
	require.Equal(t, "身份证", string(plain))
	require.NoError(t, os.Chmod(path, 0o644)) //nolint:gosec // the point of the test
	_, err = crypto.OpenKeyring(path)
	require.ErrorContains(t, err, "chmod 600")
}

func TestRotationKeepsOldTextReadableAndIndexesStable(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.json")
	k, err := crypto.OpenKeyring(path)
	require.NoError(t, err)
	old, err := k.Encrypt("c", []byte("x"))
	require.NoError(t, err)
	index, sig := k.BlindIndex("phone", "138"), k.Sign("p", []byte("m"))
	require.NoError(t, k.Rotate(time.Now()))
	require.True(t, k.Outdated(old))
	for _, ring := range []*crypto.Keyring{k, reopen(t, path)} {
		plain, err := ring.Decrypt("c", old)
		require.NoError(t, err)
		require.Equal(t, "x", string(plain))
		require.Equal(t, index, ring.BlindIndex("phone", "138"))
		require.NotEqual(t, index, ring.BlindIndex("mail", "138"))
		require.True(t, ring.Signed("p", []byte("m"), sig))
		require.False(t, ring.Signed("q", []byte("m"), sig))
		require.False(t, ring.Signed("p", []byte("n"), sig))
		require.Equal(t, "k2", ring.Active())
	}
}

func reopen(t *testing.T, path string) *crypto.Keyring {
	t.Helper()
	k, err := crypto.OpenKeyring(path)
	require.NoError(t, err)
	return k
}

func TestSealedTextOpensOnlyWholeAndInItsPlace(t *testing.T) {
	t.Parallel()
	k, other := crypto.NewKeyring(), crypto.NewKeyring()
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		where := rapid.String().Draw(t, "context")
		sealed, err := k.Encrypt(where, plain)
		require.NoError(t, err)
		again, err := k.Encrypt(where, plain)
		require.NoError(t, err)
		require.NotEqual(t, sealed, again, "equal values must not look equal")
		got, err := k.Decrypt(where, sealed)
		require.NoError(t, err)
		require.Equal(t, string(plain), string(got))
		_, err = k.Decrypt(where+"x", sealed)
		require.ErrorIs(t, err, crypto.ErrDamaged)
		_, err = other.Decrypt(where, sealed)
		require.Error(t, err)
		at := rapid.IntRange(0, len(sealed)-1).Draw(t, "at")
		b := []byte(sealed)
		b[at] ^= 1
		if got, err := k.Decrypt(where, string(b)); err == nil {
			// Only the unused low bits of the last base64 digit may change without a trace.
			require.Equal(t, len(sealed)-1, at)
			require.Equal(t, string(plain), string(got))
		}
	})
}

func TestTokens(t *testing.T) {
	t.Parallel()
	a, b := crypto.NewToken(), crypto.NewToken()
	require.NotEqual(t, a, b)
	require.Len(t, a, 26)
	require.True(t, crypto.SameToken(a, crypto.HashToken(a)))
	require.False(t, crypto.SameToken(b, crypto.HashToken(a)))
}
