// Package blob keeps files by their content: a file is named by its SHA-256, written once, synced
// before it is visible and checked before it is served, so that a contract or an upload can be
// proved unchanged. Files lie on disk, one folder per institution; what they belong to lies in the
// database and is written in the transaction of the object that owns them.
package blob

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/capillary-finance/capillary/internal/platform/failpoint"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Info describes a stored file.
type Info struct {
	Hash      string    `json:"hash" doc:"SHA-256 of the content, hexadecimal"`
	Name      string    `json:"name"`
	MediaType string    `json:"media_type"`
	Size      int64     `json:"size"`
	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by,omitempty"`
}

// Store keeps files under a folder.
type Store struct{ dir string }

// NewStore makes the folder if it is missing.
func NewStore(dir string) (*Store, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, fmt.Errorf("blob store: %w", err)
	}
	return &Store{dir: dir}, nil
}

// Dir is the folder of the store, for backup.
func (s *Store) Dir() string { return s.dir }

var (
	institutionName = regexp.MustCompile(`^[a-z0-9]+(_[a-z0-9]+)*$`)
	hashName        = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

func (s *Store) path(institution, hash string) (string, error) {
	if !institutionName.MatchString(institution) {
		return "", fmt.Errorf("blob: %q is not an institution", institution)
	}
	if !hashName.MatchString(hash) {
		return "", fault.NotFoundError("file", hash)
	}
	return filepath.Join(s.dir, institution, hash[:2], hash), nil
}

// Put streams r to disk and gives its name. It touches no database, so it is called before the
// transaction that attaches the file; what is never attached is removed by Sweep. The same content
// twice is one file. More than limit bytes is refused with TOO_LARGE and leaves nothing behind.
func (s *Store) Put(ctx context.Context, institution, name, mediaType string, r io.Reader, limit int64) (Info, error) {
	if !institutionName.MatchString(institution) {
		return Info{}, fmt.Errorf("blob: %q is not an institution", institution)
	}
	if limit <= 0 {
		return Info{}, errors.New("blob: a limit is required")
	}
	staging := filepath.Join(s.dir, institution, "staging")
	if err := os.MkdirAll(staging, 0o750); err != nil {
		return Info{}, fmt.Errorf("blob: %w", err)
	}
	f, err := os.CreateTemp(staging, "put-*")
	if err != nil {
		return Info{}, fmt.Errorf("blob: %w", err)
	}
	defer os.Remove(f.Name()) //nolint:errcheck // gone after the rename
	h := sha256.New()
	n, err := io.Copy(io.MultiWriter(f, h), io.LimitReader(contextReader{ctx, r}, limit+1))
	if err == nil && n > limit {
		err = fault.New(fault.ReasonTooLarge, "what", CleanName(name), "limit", fmt.Sprintf("%d bytes", limit)).WithField("file")
	}
	if err == nil {
		err = f.Sync()
	}
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return Info{}, fmt.Errorf("blob: %w", err)
	}
	if err := pointStaged.Hit(ctx); err != nil {
		return Info{}, err
	}
	info := Info{Hash: hex.EncodeToString(h.Sum(nil)), Name: CleanName(name), MediaType: mediaType, Size: n}
	return info, s.publish(institution, f.Name(), info.Hash)
}

// publish renames over any older copy: a copy damaged on disk is healed by putting the file again.
func (s *Store) publish(institution, staged, hash string) error {
	final, err := s.path(institution, hash)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(final), 0o750); err != nil {
		return fmt.Errorf("blob: %w", err)
	}
	if err := os.Chmod(staged, 0o640); err != nil { //nolint:gosec // the service group may back it up
		return fmt.Errorf("blob: %w", err)
	}
	if err := os.Rename(staged, final); err != nil {
		return fmt.Errorf("blob: %w", err)
	}
	for _, dir := range []string{filepath.Dir(final), filepath.Join(s.dir, institution)} {
		if err := syncDir(dir); err != nil {
			return fmt.Errorf("blob: %w", err)
		}
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir) //nolint:gosec // inside the store
	if err != nil {
		return err
	}
	err = d.Sync()
	return errors.Join(err, d.Close())
}

// File is an opened file: it reads, seeks and reads at an offset, as archives need.
type File struct {
	*os.File

	Hash string
	Size int64
}

// Open checks the file against its name and opens it. A damaged file is refused with BLOB_DAMAGED
// before a byte of it is served; a missing one is NOT_FOUND. Whether the caller may see it is asked
// of the database (Readable), not of the disk.
func (s *Store) Open(ctx context.Context, institution, hash string) (*File, error) {
	path, err := s.path(institution, hash)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(path) //nolint:gosec // path built from a checked hash
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.NotFoundError("file", hash).Wrap(err)
	}
	if err != nil {
		return nil, fmt.Errorf("blob: %w", err)
	}
	h := sha256.New()
	n, err := io.Copy(h, contextReader{ctx, f})
	if err == nil && hex.EncodeToString(h.Sum(nil)) != hash {
		err = fault.New(ReasonDamaged, "hash", hash)
	}
	if err == nil {
		_, err = f.Seek(0, io.SeekStart)
	}
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &File{File: f, Hash: hash, Size: n}, nil
}

// Verify reads the whole file and compares it with its name.
func (s *Store) Verify(ctx context.Context, institution, hash string) error {
	f, err := s.Open(ctx, institution, hash)
	if err != nil {
		return err
	}
	return f.Close()
}

// CleanName keeps the last element of a client's file name without control characters, at most 200
// runes: it is shown and offered for download, never used as a path.
func CleanName(name string) string {
	name = strings.ReplaceAll(name, "\\", "/")
	name = name[strings.LastIndex(name, "/")+1:]
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == '"' {
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, ""))
	if r := []rune(name); len(r) > 200 {
		name = string(r[len(r)-200:])
	}
	if name == "" || name == "." || name == ".." {
		return "file"
	}
	return name
}

// contextReader ends a long read when the request is gone.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// Instants at which a test may break off.
var (
	pointStaged = failpoint.Declare("blob.staged")
)
