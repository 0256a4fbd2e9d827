package blob

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Link says what a file belongs to and which permission lets others than its uploader read it.
type Link struct {
	Object     string // "contract"
	ObjectID   string
	Permission string // "contract.read"; empty: only who attached it
}

var (
	insertBlob = db.Q(`insert into blob (institution_id, hash, size, media_type, created_at, created_by)
	values ($1,$2,$3,$4,$5,$6) on conflict (institution_id, hash) do nothing`)
	insertLink = db.Q(`insert into blob_link (institution_id, hash, object, object_id, name, permission, created_at, created_by)
	values ($1,$2,$3,$4,$5,$6,$7,$8) on conflict (institution_id, hash, object, object_id) do nothing`)
	selectBlob = db.Q(`select b.hash, l.name, b.media_type, b.size, l.created_at, l.created_by, l.permission
	from blob b join blob_link l on l.institution_id = b.institution_id and l.hash = b.hash
	where b.institution_id = $1 and b.hash = $2 order by l.created_at, l.object, l.object_id`)
	selectLinked = db.Q(`select b.hash, l.name, b.media_type, b.size, l.created_at, l.created_by, l.permission
	from blob b join blob_link l on l.institution_id = b.institution_id and l.hash = b.hash
	where l.institution_id = $1 and l.object = $2 and l.object_id = $3 order by l.created_at, l.hash`)
	selectHashes = db.Q(`select hash from blob where institution_id = $1 order by hash`)
)

// Attach records in tx that a put file belongs to an object. Attaching twice changes nothing.
func Attach(ctx context.Context, tx *db.Tx, info Info, l Link) error {
	if _, err := tx.Exec(ctx, insertBlob, tx.Institution, info.Hash, info.Size, info.MediaType, db.Micros(tx.Now), tx.Actor); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, insertLink, tx.Institution, info.Hash, l.Object, l.ObjectID, info.Name, l.Permission, db.Micros(tx.Now), tx.Actor)
	return err
}

// Find gives the description of an attached file.
func Find(ctx context.Context, tx *db.Tx, hash string) (Info, error) {
	rows, err := scan(ctx, tx, selectBlob, tx.Institution, hash)
	if err != nil {
		return Info{}, err
	}
	if len(rows) == 0 {
		return Info{}, fault.NotFoundError("file", hash)
	}
	return rows[0].Info, nil
}

// Of lists the files of an object.
func Of(ctx context.Context, tx *db.Tx, object, objectID string) ([]Info, error) {
	rows, err := scan(ctx, tx, selectLinked, tx.Institution, object, objectID)
	out := make([]Info, 0, len(rows))
	for _, r := range rows {
		out = append(out, r.Info)
	}
	return out, err
}

// Readable gives the description of a file if the caller attached it or holds the permission of an
// object it belongs to; otherwise NOT_FOUND, as if there were none.
func Readable(ctx context.Context, tx *db.Tx, p auth.Principal, hash string) (Info, error) {
	rows, err := scan(ctx, tx, selectBlob, tx.Institution, hash)
	if err != nil {
		return Info{}, err
	}
	for _, r := range rows {
		if r.CreatedBy == p.UserID || (r.permission != "" && p.Can(r.permission)) {
			return r.Info, nil
		}
	}
	return Info{}, fault.NotFoundError("file", hash)
}

type linked struct {
	Info
	permission string
}

func scan(ctx context.Context, tx *db.Tx, q *db.Query, args ...any) ([]linked, error) {
	rows, err := tx.Query(ctx, q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	var out []linked
	for rows.Next() {
		var l linked
		var at int64
		if err := rows.Scan(&l.Hash, &l.Name, &l.MediaType, &l.Size, &at, &l.CreatedBy, &l.permission); err != nil {
			return nil, err
		}
		l.CreatedAt = db.Time(at)
		out = append(out, l)
	}
	return out, rows.Err()
}

// Sweep removes the institution's files that no row names and that are older than age, and gives
// their number: uploads whose transaction never came.
func (s *Store) Sweep(ctx context.Context, tx *db.Tx, age time.Duration) (int, error) {
	known, err := Hashes(ctx, tx)
	if err != nil {
		return 0, err
	}
	keep := make(map[string]bool, len(known))
	for _, h := range known {
		keep[h] = true
	}
	removed := 0
	root := filepath.Join(s.dir, tx.Institution)
	err = filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil
		}
		if err != nil || d.IsDir() || keep[d.Name()] {
			return err
		}
		st, err := d.Info()
		if err != nil || tx.Now.Sub(st.ModTime()) < age {
			return err
		}
		removed++
		return os.Remove(path)
	})
	if err != nil {
		return removed, fmt.Errorf("blob sweep: %w", err)
	}
	return removed, nil
}

// Hashes lists every attached file of the institution, for verification.
func Hashes(ctx context.Context, tx *db.Tx) ([]string, error) {
	rows, err := tx.Query(ctx, selectHashes, tx.Institution)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	var out []string
	for rows.Next() {
		var h string
		if err := rows.Scan(&h); err != nil {
			return nil, err
		}
		out = append(out, h)
	}
	return out, rows.Err()
}
