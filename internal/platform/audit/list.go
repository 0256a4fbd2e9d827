package audit

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Row is a record as people read it.
type Row struct {
	ID        string          `json:"id"`
	At        time.Time       `json:"at"`
	Actor     string          `json:"actor"`
	ActorName string          `json:"actor_name"`
	Action    string          `json:"action"`
	Object    string          `json:"object"`
	ObjectID  string          `json:"object_id"`
	Before    json.RawMessage `json:"before,omitempty"`
	After     json.RawMessage `json:"after,omitempty"`
	Note      string          `json:"note,omitempty"`
	Seq       int64           `json:"seq,omitempty" doc:"place in the chain; absent until sealed"`
	Hash      string          `json:"hash,omitempty"`
}

// Filter narrows a list.
type Filter struct {
	Actor, Action, Object, ObjectID string
	From, To                        time.Time
	After                           string // id of the last row of the page before
	Limit                           int
}

const rowFilter = ` where r.institution_id = $1 and ($2 = '' or r.actor = $2) and ($3 = '' or r.action like $3) and ($4 = '' or r.object = $4)
	and ($5 = '' or r.object_id = $5) and (cast($6 as bigint) = 0 or r.at >= $6) and (cast($7 as bigint) = 0 or r.at < $7)`

var (
	selectRows = db.Q(`select r.id, r.at, r.actor, coalesce(u.name, r.actor), r.action, r.object, r.object_id, r.before_json, r.after_json, r.note,
	coalesce(s.seq, 0), coalesce(s.hash, '') from audit_record r
	left join audit_seal s on s.institution_id = r.institution_id and s.id = r.id
	left join user_account u on u.institution_id = r.institution_id and u.id = r.actor` + rowFilter + `
	and ($8 = '' or r.id < $8) order by r.id desc limit $9`)
	countRows = db.Q(`select count(*) from audit_record r` + rowFilter)
	selectRow = db.Q(`select r.id, r.at, r.actor, coalesce(u.name, r.actor), r.action, r.object, r.object_id, r.before_json, r.after_json, r.note,
	coalesce(s.seq, 0), coalesce(s.hash, '') from audit_record r
	left join audit_seal s on s.institution_id = r.institution_id and s.id = r.id
	left join user_account u on u.institution_id = r.institution_id and u.id = r.actor
	where r.institution_id = $1 and r.id = $2`)
)

// List gives records newest first, one more than the limit, and their number.
func (s *Service) List(ctx context.Context, scope db.Scope, f Filter) ([]Row, int64, error) {
	action := f.Action
	if rest, ok := strings.CutSuffix(action, "*"); ok {
		action = strings.ReplaceAll(rest, "%", "") + "%"
	}
	var out []Row
	var total int64
	err := s.db.View(ctx, scope, func(tx *db.Tx) error {
		args := []any{tx.Institution, f.Actor, action, f.Object, f.ObjectID, db.Micros(f.From), db.Micros(f.To)}
		if err := tx.QueryRow(ctx, countRows, args...).Scan(&total); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, selectRows, append(args, f.After, f.Limit+1)...)
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // read to its end below
		for rows.Next() {
			r, err := scanRow(rows)
			if err != nil {
				return err
			}
			out = append(out, r)
		}
		return rows.Err()
	})
	return out, total, err
}

// Get gives one record.
func (s *Service) Get(ctx context.Context, scope db.Scope, id string) (Row, error) {
	var out Row
	err := s.db.View(ctx, scope, func(tx *db.Tx) (err error) {
		out, err = scanRow(tx.QueryRow(ctx, selectRow, tx.Institution, id))
		if db.IsNoRows(err) {
			err = fault.NotFoundError("audit record", id)
		}
		return err
	})
	return out, err
}

func scanRow(row interface{ Scan(dest ...any) error }) (Row, error) {
	var r Row
	var at int64
	var before, after string
	err := row.Scan(&r.ID, &at, &r.Actor, &r.ActorName, &r.Action, &r.Object, &r.ObjectID, &before, &after, &r.Note, &r.Seq, &r.Hash)
	r.At = db.Time(at)
	if before != "" {
		r.Before = json.RawMessage(before)
	}
	if after != "" {
		r.After = json.RawMessage(after)
	}
	return r, err
}
