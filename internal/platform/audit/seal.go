package audit

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/failpoint"
)

// Service seals records into chains and answers questions about them.
type Service struct {
	db      *db.DB
	signer  Signer
	anchors string // path of the anchor file; empty: none

	mu sync.Mutex // one writer of the anchor file
}

// NewService makes the service. The anchor file should lie on another disk, or be shipped away.
func NewService(d *db.DB, signer Signer, anchorFile string) *Service {
	return &Service{db: d, signer: signer, anchors: anchorFile}
}

const sealBatch = 1000

var (
	waiting     = db.Q(`select distinct institution_id from audit_pending order by institution_id`)
	nextPending = db.Q(`select r.id, r.at, r.actor, r.action, r.object, r.object_id, r.before_json, r.after_json, r.note
	from audit_pending p join audit_record r on r.institution_id = p.institution_id and r.id = p.id
	where p.institution_id = $1 order by p.id limit $2`)
	selectHead    = db.Q(`select seq, hash, sealed_at, signature from audit_head where institution_id = $1 /*for update*/`)
	readHead      = db.Q(`select seq, hash, sealed_at, signature from audit_head where institution_id = $1`)
	insertSeal    = db.Q(`insert into audit_seal (institution_id, seq, id, prev_hash, hash) values ($1,$2,$3,$4,$5)`)
	deletePending = db.Q(`delete from audit_pending where institution_id = $1 and id = $2`)
	writeHead     = db.Q(`insert into audit_head (institution_id, seq, hash, sealed_at, signature) values ($1,$2,$3,$4,$5)
	on conflict (institution_id) do update set seq = $2, hash = $3, sealed_at = $4, signature = $5`)
)

// Run seals until ctx ends, looking for work at every interval.
func (s *Service) Run(ctx context.Context, interval time.Duration) {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		if _, err := s.SealAll(ctx); err != nil && ctx.Err() == nil {
			slog.ErrorContext(ctx, "audit records not sealed", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// SealAll seals what waits in every institution and gives the number of records.
func (s *Service) SealAll(ctx context.Context) (int, error) {
	var institutions []string
	err := s.db.View(ctx, db.System("sealer"), func(tx *db.Tx) error {
		rows, err := tx.Query(ctx, waiting)
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // read to its end below
		for rows.Next() {
			var i string
			if err := rows.Scan(&i); err != nil {
				return err
			}
			institutions = append(institutions, i)
		}
		return rows.Err()
	})
	total := 0
	for _, i := range institutions {
		n, serr := s.Seal(ctx, i)
		total += n
		err = errors.Join(err, serr)
	}
	return total, err
}

// Seal chains what waits in one institution, in the order of the records' ids.
func (s *Service) Seal(ctx context.Context, institution string) (int, error) {
	total := 0
	for {
		n, err := s.sealBatch(ctx, institution)
		total += n
		if err != nil || n < sealBatch {
			return total, err
		}
	}
}

func (s *Service) sealBatch(ctx context.Context, institution string) (int, error) {
	var batch []stored
	var end Anchor
	err := s.db.Update(ctx, db.Scope{Institution: institution, Actor: "system:sealer"}, func(tx *db.Tx) error {
		if err := tx.Lock(ctx, "audit-seal"); err != nil {
			return err
		}
		var err error
		if batch, err = pendingRecords(ctx, tx); err != nil || len(batch) == 0 {
			return err
		}
		end, err = s.link(ctx, tx, batch)
		return err
	})
	if err != nil || len(batch) == 0 {
		return 0, err
	}
	if err := pointSealed.Hit(ctx); err != nil {
		return 0, err
	}
	return len(batch), s.anchor(end)
}

func pendingRecords(ctx context.Context, tx *db.Tx) ([]stored, error) {
	rows, err := tx.Query(ctx, nextPending, tx.Institution, sealBatch)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	var out []stored
	for rows.Next() {
		var r stored
		if err := rows.Scan(&r.id, &r.at, &r.actor, &r.action, &r.object, &r.objectID, &r.before, &r.after, &r.note); err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

// link appends the batch to the chain and signs its new end.
func (s *Service) link(ctx context.Context, tx *db.Tx, batch []stored) (Anchor, error) {
	if err := pointLinking.Hit(ctx); err != nil {
		return Anchor{}, err
	}
	var seq, sealedAt int64
	var prev, signature string
	err := tx.QueryRow(ctx, selectHead, tx.Institution).Scan(&seq, &prev, &sealedAt, &signature)
	if err != nil && !db.IsNoRows(err) {
		return Anchor{}, err
	}
	if seq > 0 && !signedEnd(s.signer, tx.Institution, seq, prev, sealedAt, signature) {
		// To sign on top of a forged end would make it look right.
		return Anchor{}, fmt.Errorf("audit: the end of the chain of %s is not signed by this key: run `capillary verify`", tx.Institution)
	}
	for _, r := range batch {
		seq++
		hash := chainHash(tx.Institution, seq, prev, r)
		if _, err := tx.Exec(ctx, insertSeal, tx.Institution, seq, r.id, prev, hash); err != nil {
			return Anchor{}, err
		}
		if _, err := tx.Exec(ctx, deletePending, tx.Institution, r.id); err != nil {
			return Anchor{}, err
		}
		prev = hash
	}
	end := Anchor{Institution: tx.Institution, Seq: seq, Hash: prev, At: tx.Now, Signature: s.signer.Sign(signPurpose, headMessage(tx.Institution, seq, prev, db.Micros(tx.Now)))}
	_, err = tx.Exec(ctx, writeHead, tx.Institution, seq, prev, db.Micros(tx.Now), end.Signature)
	return end, err
}

// anchor appends the end of a chain to the anchor file, synced.
func (s *Service) anchor(a Anchor) error {
	if s.anchors == "" {
		return nil
	}
	line, err := a.line()
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	f, err := os.OpenFile(s.anchors, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("audit anchor: %w", err)
	}
	// A line that a power cut tore is ended, so that it cannot swallow this one.
	if torn, terr := tornEnd(s.anchors); terr != nil {
		err = terr
	} else if torn {
		line = append([]byte{'\n'}, line...)
	}
	if err == nil {
		_, err = f.Write(line)
	}
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

// tornEnd reports that a file does not end with a line end.
func tornEnd(path string) (bool, error) {
	f, err := os.Open(path) //nolint:gosec // the operator names the file
	if err != nil {
		return false, fmt.Errorf("audit anchor: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	end, err := f.Seek(0, io.SeekEnd)
	if err != nil || end == 0 {
		return false, err
	}
	last := make([]byte, 1)
	_, err = f.ReadAt(last, end-1)
	return last[0] != '\n', err
}

// Instants at which a test may break off.
var (
	pointLinking = failpoint.Declare("audit.linking")
	pointSealed  = failpoint.Declare("audit.sealed")
)
