package audit

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/capillary-finance/capillary/internal/base/canary"
	"github.com/capillary-finance/capillary/internal/platform/db"
)

// Report is what Verify found of one institution.
type Report struct {
	Institution string    `json:"institution"`
	Sealed      int64     `json:"sealed" doc:"records in the chain"`
	Pending     int64     `json:"pending" doc:"records written so lately that they are not sealed yet"`
	Anchors     int       `json:"anchors" doc:"anchors compared with the chain"`
	Findings    []Finding `json:"findings" doc:"what is wrong; none when the log is whole"`
	More        bool      `json:"more" doc:"there are more findings than are listed"`
}

// Finding is one fault of the chain.
type Finding struct {
	Seq     int64  `json:"seq,omitempty"`
	ID      string `json:"id,omitempty"`
	Problem string `json:"problem"`
	Zh      string `json:"problem_zh"`
}

// OK reports a whole log.
func (r Report) OK() bool { return len(r.Findings) == 0 }

const findingsMax = 100

func (r *Report) find(seq int64, id, zh, en string) {
	if len(r.Findings) >= findingsMax {
		r.More = true
		return
	}
	r.Findings = append(r.Findings, Finding{Seq: seq, ID: id, Problem: en, Zh: zh})
}

// Check is what Verify compares the database with.
type Check struct {
	Signer  Signer   // checks the signature of the chain's end; nil: not checked
	Anchors []Anchor // of all institutions; those of others are passed over
}

var (
	walkChain = db.Q(`select s.seq, s.id, s.prev_hash, s.hash, r.id, r.at, r.actor, r.action, r.object, r.object_id, r.before_json, r.after_json, r.note
	from audit_seal s left join audit_record r on r.institution_id = s.institution_id and r.id = s.id
	where s.institution_id = $1 order by s.seq`)
	strays = db.Q(`select r.id from audit_record r where r.institution_id = $1
	and not exists (select 1 from audit_seal s where s.institution_id = r.institution_id and s.id = r.id)
	and not exists (select 1 from audit_pending p where p.institution_id = r.institution_id and p.id = r.id) order by r.id limit 101`)
	vanished = db.Q(`select p.id from audit_pending p where p.institution_id = $1
	and not exists (select 1 from audit_record r where r.institution_id = p.institution_id and r.id = p.id) order by p.id limit 101`)
	countPending = db.Q(`select count(*) from audit_pending where institution_id = $1`)
)

// Verify reads the whole log of an institution and finds records that were edited, removed, put in
// another order or slipped in, and a chain that was cut. It needs nothing but the database, the key
// file and, against a database put back to an earlier state, the anchors.
func Verify(ctx context.Context, tx *db.Tx, institution string, c Check) (Report, error) {
	r := Report{Institution: institution, Findings: []Finding{}}
	anchors := map[int64]Anchor{}
	for _, a := range c.Anchors {
		if a.Institution == db.AllInstitutions {
			r.find(0, "", fmt.Sprintf("锚点文件第 %d 行无法读取：断电或被改动；查明后可删除该行", a.Seq), fmt.Sprintf("line %d of the anchor file cannot be read: a power cut tore it, or it was edited; remove the line once that is explained", a.Seq))
			continue
		}
		if a.Institution != institution {
			continue
		}
		if c.Signer != nil && !signedEnd(c.Signer, institution, a.Seq, a.Hash, db.Micros(a.At), a.Signature) {
			r.find(a.Seq, "", "锚点签名无效", "an anchor is not signed by this key")
			continue
		}
		anchors[a.Seq] = a
		r.Anchors++
	}
	last, hash, err := r.walk(ctx, tx, anchors)
	if err != nil {
		return r, err
	}
	for seq := range anchors {
		if seq > last {
			r.find(seq, "", "链在锚点之前被截断", "the chain is cut before an anchor")
		}
	}
	if err := r.head(ctx, tx, c, last, hash); err != nil {
		return r, err
	}
	return r, r.unsealed(ctx, tx)
}

// walk follows the chain and gives its last sequence and hash.
func (r *Report) walk(ctx context.Context, tx *db.Tx, anchors map[int64]Anchor) (int64, string, error) {
	rows, err := tx.Query(ctx, walkChain, r.Institution)
	if err != nil {
		return 0, "", err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	var last int64
	prev := ""
	for rows.Next() {
		var seq int64
		var id, linkPrev, link string
		var got [8]sql.NullString
		var at sql.NullInt64
		if err := rows.Scan(&seq, &id, &linkPrev, &link, &got[0], &at, &got[1], &got[2], &got[3], &got[4], &got[5], &got[6], &got[7]); err != nil {
			return 0, "", err
		}
		switch {
		case seq != last+1:
			r.find(seq, id, "序号不连续：有记录被移除或调换", "the sequence has a gap: records were removed or moved")
		case linkPrev != prev:
			r.find(seq, id, "与前一条不相连", "the link does not join the one before it")
		}
		if !got[0].Valid {
			r.find(seq, id, "记录已被删除", "the record was removed")
		} else if want := chainHash(r.Institution, seq, linkPrev, stored{
			id: got[0].String, at: at.Int64, actor: got[1].String, action: got[2].String, object: got[3].String, objectID: got[4].String,
			before: got[5].String, after: got[6].String, note: got[7].String,
		}); want != link && !canary.On("blind_verify") {
			r.find(seq, id, "记录或链接被改动", "the record or its link was edited")
		}
		if a, ok := anchors[seq]; ok && a.Hash != link {
			r.find(seq, id, "与锚点不符", "the chain differs from an anchor")
		}
		last, prev = seq, link
		r.Sealed++
	}
	return last, prev, rows.Err()
}

func (r *Report) head(ctx context.Context, tx *db.Tx, c Check, last int64, hash string) error {
	var seq, sealedAt int64
	var headHash, signature string
	err := tx.QueryRow(ctx, readHead, r.Institution).Scan(&seq, &headHash, &sealedAt, &signature)
	switch {
	case db.IsNoRows(err):
		if last > 0 {
			r.find(last, "", "链尾签名缺失", "the signed end of the chain is missing")
		}
		return nil
	case err != nil:
		return err
	case seq != last || headHash != hash:
		r.find(last, "", fmt.Sprintf("链被截断或延长：链尾应为第 %d 条", seq), fmt.Sprintf("the chain was cut or lengthened: its end should be number %d", seq))
	case c.Signer != nil && !signedEnd(c.Signer, r.Institution, seq, headHash, sealedAt, signature):
		r.find(seq, "", "链尾签名无效：整条链可能被重写", "the end of the chain is not signed by this key: it may have been rewritten")
	}
	return nil
}

// unsealed finds records that evade the chain and pending ones that are gone.
func (r *Report) unsealed(ctx context.Context, tx *db.Tx) error {
	for _, q := range []struct {
		query  *db.Query
		zh, en string
	}{
		{strays, "记录不在链上", "the record is not in the chain"},
		{vanished, "待封存的记录已被删除", "a record was removed before it was sealed"},
	} {
		rows, err := tx.Query(ctx, q.query, r.Institution)
		if err != nil {
			return err
		}
		for rows.Next() {
			var id string
			if err := rows.Scan(&id); err != nil {
				_ = rows.Close()
				return err
			}
			r.find(0, id, q.zh, q.en)
		}
		if err := rows.Err(); err != nil {
			return err
		}
	}
	return tx.QueryRow(ctx, countPending, r.Institution).Scan(&r.Pending)
}

// ReadAnchors reads an anchor file; one that does not exist gives none, a line that cannot be read an anchor
// of no institution, which Verify finds.
func ReadAnchors(path string) ([]Anchor, error) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path) //nolint:gosec // the operator names the file
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("audit anchors: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	var out []Anchor
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		var a Anchor
		if len(lines.Bytes()) == 0 {
			continue
		}
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			// Torn by a power cut, or tampered with: the chain is still to be verified, so this becomes a finding.
			a = Anchor{Institution: db.AllInstitutions, Seq: int64(n)}
		}
		out = append(out, a)
	}
	return out, lines.Err()
}

// Verify is the package's Verify with the service's own key and anchors, in a snapshot of its own.
func (s *Service) Verify(ctx context.Context, scope db.Scope, institution string) (Report, error) {
	// Read before the snapshot begins: every anchor read then belongs to a commit that the snapshot sees.
	anchors, err := ReadAnchors(s.anchors)
	if err != nil {
		return Report{}, err
	}
	var r Report
	err = s.db.View(ctx, scope, func(tx *db.Tx) (err error) {
		r, err = Verify(ctx, tx, institution, Check{Signer: s.signer, Anchors: anchors})
		return err
	})
	return r, err
}
