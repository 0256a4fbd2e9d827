// Package crypto keeps the secrets of the program: a ring of keys in a file outside of the database,
// field encryption under its newest key, blind indexes for looking up what is encrypted, seals that
// the database alone cannot forge, and opaque tokens. Standard algorithms only: AES-256-GCM, HKDF and
// HMAC with SHA-256.
package crypto

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Keyring holds the keys: every old one still opens what it sealed, the newest seals.
type Keyring struct {
	path string

	mu   sync.RWMutex
	keys []key
}

type key struct {
	ID      string    `json:"id"`
	Created time.Time `json:"created"`
	Secret  []byte    `json:"secret"`
}

const keyBytes = 32

// OpenKeyring reads the key file, or makes it at the first start, readable by its owner only. A file
// that others may read is refused.
func OpenKeyring(path string) (*Keyring, error) {
	k := &Keyring{path: path}
	text, err := os.ReadFile(path) //nolint:gosec // the operator names the file
	if errors.Is(err, fs.ErrNotExist) {
		if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil {
			return nil, fmt.Errorf("key file: %w", err)
		}
		return k, k.Rotate(time.Now())
	}
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	st, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("key file: %w", err)
	}
	if tooOpen(st.Mode().Perm(), owner(st), os.Geteuid()) {
		return nil, fmt.Errorf("key file %s may be read by others (mode %o): run chmod 600 on it", path, st.Mode().Perm())
	}
	if err := json.Unmarshal(text, &k.keys); err != nil {
		return nil, fmt.Errorf("key file %s: %w", path, err)
	}
	if len(k.keys) == 0 {
		return nil, fmt.Errorf("key file %s holds no key", path)
	}
	for _, one := range k.keys {
		if len(one.Secret) != keyBytes || one.ID == "" || strings.ContainsAny(one.ID, ".: ") {
			return nil, fmt.Errorf("key file %s: key %q is malformed", path, one.ID)
		}
	}
	return k, nil
}

// tooOpen tells whether a key file of this mode and owner may be read by anybody but the program. A file that belongs to
// root may be read by its group when the program is not root: so do Kubernetes and systemd hand secrets over.
func tooOpen(mode fs.FileMode, uid, euid int) bool {
	if uid == 0 && euid != 0 {
		return mode&0o037 != 0
	}
	return mode&0o077 != 0
}

func owner(st fs.FileInfo) int {
	if sys, ok := st.Sys().(*syscall.Stat_t); ok {
		return int(sys.Uid)
	}
	return -1
}

// NewKeyring makes a ring that lives in memory only, for tests and tools.
func NewKeyring() *Keyring {
	return &Keyring{keys: []key{newKey(0, time.Now())}}
}

func newKey(n int, now time.Time) key {
	secret := make([]byte, keyBytes)
	_, _ = rand.Read(secret) // never fails
	return key{ID: fmt.Sprintf("k%d", n+1), Created: now.UTC().Truncate(time.Second), Secret: secret}
}

// Rotate adds a new key, which seals from now on, and saves the ring before it is used.
func (k *Keyring) Rotate(now time.Time) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	next := append(append([]key(nil), k.keys...), newKey(len(k.keys), now))
	if k.path != "" {
		if err := save(k.path, next); err != nil {
			return fmt.Errorf("key file: %w", err)
		}
	}
	k.keys = next
	return nil
}

func save(path string, keys []key) error {
	text, err := json.MarshalIndent(keys, "", " ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".keys-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // gone after the rename
	_, err = f.Write(append(text, '\n'))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Active is the identifier of the key that seals.
func (k *Keyring) Active() string {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.keys[len(k.keys)-1].ID
}

func (k *Keyring) find(id string) (key, error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	for i := len(k.keys) - 1; i >= 0; i-- {
		if id == "" || k.keys[i].ID == id {
			return k.keys[i], nil
		}
	}
	return key{}, fmt.Errorf("crypto: key %q is not in the key file", id)
}

// derive gives each purpose a key of its own.
func derive(k key, purpose string) []byte {
	out, err := hkdf.Key(sha256.New, k.Secret, nil, "capillary/"+purpose, keyBytes)
	if err != nil {
		panic("crypto: hkdf: " + err.Error()) // only for absurd lengths
	}
	return out
}

func sealer(k key, purpose string) (cipher.AEAD, error) {
	block, err := aes.NewCipher(derive(k, "seal/"+purpose))
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// Encrypt seals a field. The context (table, column, row) is bound to it: text moved to another row
// does not open. The result is "keyid.base64".
func (k *Keyring) Encrypt(context string, plain []byte) (string, error) {
	one, err := k.find("")
	if err != nil {
		return "", err
	}
	aead, err := sealer(one, "field")
	if err != nil {
		return "", err
	}
	nonce := make([]byte, aead.NonceSize(), aead.NonceSize()+len(plain)+aead.Overhead())
	_, _ = rand.Read(nonce) // never fails
	return one.ID + "." + base64.RawStdEncoding.Strict().EncodeToString(aead.Seal(nonce, nonce, plain, []byte(context))), nil
}

// ErrDamaged says that sealed text was changed, moved, or sealed under another key.
var ErrDamaged = errors.New("crypto: sealed text does not open")

// Decrypt opens what Encrypt sealed with the same context.
func (k *Keyring) Decrypt(context, sealed string) ([]byte, error) {
	id, text, ok := strings.Cut(sealed, ".")
	if !ok || id == "" {
		return nil, ErrDamaged
	}
	one, err := k.find(id)
	if err != nil {
		return nil, err
	}
	raw, err := base64.RawStdEncoding.Strict().DecodeString(text)
	if err != nil {
		return nil, ErrDamaged
	}
	aead, err := sealer(one, "field")
	if err != nil {
		return nil, err
	}
	if len(raw) < aead.NonceSize() {
		return nil, ErrDamaged
	}
	plain, err := aead.Open(nil, raw[:aead.NonceSize()], raw[aead.NonceSize():], []byte(context))
	if err != nil {
		return nil, ErrDamaged
	}
	return plain, nil
}

// Outdated reports that a sealed text should be sealed anew under the active key.
func (k *Keyring) Outdated(sealed string) bool {
	id, _, _ := strings.Cut(sealed, ".")
	return id != k.Active()
}

// BlindIndex is a keyed hash by which an encrypted value is looked up for equality. It always uses
// the first key, so that rotation does not lose rows; a purpose keeps two columns from being joined.
func (k *Keyring) BlindIndex(purpose, value string) string {
	k.mu.RLock()
	first := k.keys[0]
	k.mu.RUnlock()
	return hex.EncodeToString(mac(derive(first, "index/"+purpose), []byte(value)))
}

// Sign seals a message, as "keyid.hex".
func (k *Keyring) Sign(purpose string, message []byte) string {
	one, err := k.find("")
	if err != nil {
		panic(err) // a ring always has a key
	}
	return one.ID + "." + hex.EncodeToString(mac(derive(one, "sign/"+purpose), message))
}

// Signed checks a signature made by Sign.
func (k *Keyring) Signed(purpose string, message []byte, signature string) bool {
	id, text, ok := strings.Cut(signature, ".")
	if !ok || id == "" {
		return false
	}
	one, err := k.find(id)
	if err != nil {
		return false
	}
	got, err := hex.DecodeString(text)
	// One spelling only: a bit that turns a letter of the hex into its capital is rot all the same.
	return err == nil && hex.EncodeToString(got) == text && hmac.Equal(got, mac(derive(one, "sign/"+purpose), message))
}

func mac(k, message []byte) []byte {
	h := hmac.New(sha256.New, k)
	_, _ = h.Write(message)
	return h.Sum(nil)
}
