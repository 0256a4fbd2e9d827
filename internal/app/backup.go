package app

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/capillary-finance/capillary/internal/platform/db"
)

// Manifest is the first entry of a backup's index: what is inside and how to check it.
type Manifest struct {
	Format  int                 `json:"format"`
	Version string              `json:"version"`
	Made    time.Time           `json:"made"`
	Engine  db.Dialect          `json:"engine"`
	Tables  map[string]PartInfo `json:"tables"`
	Files   map[string]PartInfo `json:"files"`
}

// PartInfo is one table or file of a backup.
type PartInfo struct {
	Rows   int64  `json:"rows,omitempty"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

const (
	backupFormat   = 1
	manifestName   = "manifest.json"
	filesFolder    = "files"
	backupPartsMax = 1 << 20
)

// Backup writes one consistent snapshot of database and files to w while the server runs. Rows are
// engine-neutral, so a backup of SQLite restores into PostgreSQL and the reverse. Keys are not in it:
// whoever holds the backup alone cannot read encrypted fields.
func Backup(ctx context.Context, d *db.DB, filesDir string, w io.Writer, progress func(part string, rows int64)) (Manifest, error) {
	m := Manifest{Format: backupFormat, Version: Version, Made: d.Now(), Engine: d.Dialect(), Tables: map[string]PartInfo{}, Files: map[string]PartInfo{}}
	gz := gzip.NewWriter(w)
	tw := tar.NewWriter(gz)
	spool, err := os.CreateTemp("", "capillary-backup-")
	if err != nil {
		return m, err
	}
	defer os.Remove(spool.Name()) //nolint:errcheck // a temporary file
	defer spool.Close()           //nolint:errcheck // a temporary file
	err = d.View(ctx, db.System("backup"), func(tx *db.Tx) error {
		tables, err := tx.Tables(ctx)
		if err != nil {
			return err
		}
		for _, t := range tables {
			info, err := spoolTable(ctx, tx, t, spool)
			if err != nil {
				return err
			}
			if err := addFile(tw, "tables/"+t.Name+".jsonl", spool, info.Bytes, m.Made); err != nil {
				return err
			}
			m.Tables[t.Name] = info
			progress(t.Name, info.Rows)
		}
		return nil
	})
	if err != nil {
		return m, fmt.Errorf("backup: %w", err)
	}
	// Files are content-addressed and never change, so those named by the snapshot are all there.
	if err := backupFiles(tw, filesDir, &m, progress); err != nil {
		return m, fmt.Errorf("backup: %w", err)
	}
	b, err := json.MarshalIndent(m, "", " ")
	if err != nil {
		return m, err
	}
	if err := addFile(tw, manifestName, bytes.NewReader(b), int64(len(b)), m.Made); err != nil {
		return m, err
	}
	return m, errors.Join(tw.Close(), gz.Close())
}

func spoolTable(ctx context.Context, tx *db.Tx, t db.Table, spool *os.File) (PartInfo, error) {
	if err := spool.Truncate(0); err != nil {
		return PartInfo{}, err
	}
	if _, err := spool.Seek(0, io.SeekStart); err != nil {
		return PartInfo{}, err
	}
	h := &countingHash{Hash: sha256.New()}
	rows, err := tx.Dump(ctx, t, io.MultiWriter(spool, h))
	if err != nil {
		return PartInfo{}, err
	}
	if _, err := spool.Seek(0, io.SeekStart); err != nil {
		return PartInfo{}, err
	}
	return PartInfo{Rows: rows, Bytes: h.n, SHA256: h.sum()}, nil
}

type countingHash struct {
	hash.Hash
	n int64
}

func (c *countingHash) Write(p []byte) (int, error) { c.n += int64(len(p)); return c.Hash.Write(p) }
func (c *countingHash) sum() string                 { return hex.EncodeToString(c.Sum(nil)) }

func addFile(tw *tar.Writer, name string, r io.Reader, size int64, at time.Time) error {
	if err := tw.WriteHeader(&tar.Header{Name: name, Mode: 0o600, Size: size, ModTime: at}); err != nil {
		return err
	}
	_, err := io.CopyN(tw, r, size)
	return err
}

func backupFiles(tw *tar.Writer, dir string, m *Manifest, progress func(string, int64)) error {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return filepath.WalkDir(dir, func(p string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() || strings.HasPrefix(e.Name(), ".") {
			return err
		}
		rel, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		f, err := os.Open(p) //nolint:gosec // walked below the files folder
		if err != nil {
			return err
		}
		defer f.Close() //nolint:errcheck // read only
		st, err := f.Stat()
		if err != nil {
			return err
		}
		h := &countingHash{Hash: sha256.New()}
		name := path.Join(filesFolder, filepath.ToSlash(rel))
		if err := addFile(tw, name, io.TeeReader(f, h), st.Size(), st.ModTime()); err != nil {
			return err
		}
		m.Files[name] = PartInfo{Bytes: h.n, SHA256: h.sum()}
		progress(name, 1)
		return nil
	})
}

// Restore loads a backup into an empty, migrated database and the files folder. Nothing is visible until
// the whole backup has been read and every checksum agreed: one transaction.
func Restore(ctx context.Context, d *db.DB, filesDir string, r io.ReadSeeker, progress func(part string, rows int64)) (Manifest, error) {
	m, err := readManifest(r)
	if err != nil {
		return m, fmt.Errorf("restore: %w", err)
	}
	err = d.Update(ctx, db.System("restore"), func(tx *db.Tx) error {
		empty, err := tx.Empty(ctx)
		if err != nil {
			return err
		}
		if !empty {
			return errors.New("the database already holds an institution; restore into an empty one")
		}
		tables, err := tx.Tables(ctx)
		if err != nil {
			return err
		}
		byName := map[string]db.Table{}
		for _, t := range tables {
			byName[t.Name] = t
		}
		return walkBackup(r, func(name string, part io.Reader) error {
			switch {
			case strings.HasPrefix(name, "tables/"):
				table := strings.TrimSuffix(strings.TrimPrefix(name, "tables/"), ".jsonl")
				return restoreTable(ctx, tx, byName, table, m.Tables[table], part, progress)
			case strings.HasPrefix(name, filesFolder+"/"):
				return restoreFile(filesDir, name, m.Files[name], part)
			}
			return nil
		})
	})
	if err != nil {
		return m, fmt.Errorf("restore: %w", err)
	}
	return m, nil
}

func restoreTable(ctx context.Context, tx *db.Tx, byName map[string]db.Table, name string, want PartInfo, part io.Reader, progress func(string, int64)) error {
	t, ok := byName[name]
	if !ok {
		return fmt.Errorf("the backup has a table %q which this version lacks", name)
	}
	h := &countingHash{Hash: sha256.New()}
	rows, err := tx.Load(ctx, t, io.TeeReader(part, h))
	if err != nil {
		return err
	}
	if _, err := io.Copy(h, part); err != nil {
		return err
	}
	if rows != want.Rows || h.sum() != want.SHA256 {
		return fmt.Errorf("table %s is damaged in the backup: %d rows of %d", name, rows, want.Rows)
	}
	progress(name, rows)
	return nil
}

func restoreFile(dir, name string, want PartInfo, part io.Reader) error {
	rel := filepath.FromSlash(strings.TrimPrefix(name, filesFolder+"/"))
	if !filepath.IsLocal(rel) {
		return fmt.Errorf("the backup names a file outside the folder: %q", name)
	}
	target := filepath.Join(dir, rel)
	if err := os.MkdirAll(filepath.Dir(target), 0o750); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(target), ".restore-")
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) //nolint:errcheck // gone after the rename
	h := &countingHash{Hash: sha256.New()}
	if _, err := io.Copy(io.MultiWriter(f, h), part); err != nil {
		return errors.Join(err, f.Close())
	}
	if err := errors.Join(f.Sync(), f.Close()); err != nil {
		return err
	}
	if h.sum() != want.SHA256 {
		return fmt.Errorf("file %s is damaged in the backup", name)
	}
	return os.Rename(f.Name(), target)
}

func readManifest(r io.ReadSeeker) (Manifest, error) {
	var m Manifest
	found := false
	err := walkBackup(r, func(name string, part io.Reader) error {
		if name != manifestName {
			return nil
		}
		found = true
		return json.NewDecoder(part).Decode(&m)
	})
	if err == nil && !found {
		err = errors.New("this is not a backup of Capillary, or it was cut short: no manifest inside")
	}
	if err == nil && m.Format != backupFormat {
		err = fmt.Errorf("backup format %d is not known to this version", m.Format)
	}
	return m, err
}

func walkBackup(r io.ReadSeeker, each func(name string, part io.Reader) error) error {
	if _, err := r.Seek(0, io.SeekStart); err != nil {
		return err
	}
	gz, err := gzip.NewReader(r)
	if err != nil {
		return fmt.Errorf("not a gzip file: %w", err)
	}
	tr := tar.NewReader(gz)
	for range backupPartsMax {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if h.Typeflag != tar.TypeReg {
			return fmt.Errorf("unexpected entry %q", h.Name)
		}
		if err := each(h.Name, tr); err != nil {
			return err
		}
	}
	return errors.New("too many parts")
}
