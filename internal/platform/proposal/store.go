package proposal

import (
	"context"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

const columns = `p.id, p.kind, p.object, p.object_id, p.body, p.body_hash, p.base_version, p.before_json, p.after_json, p.note, p.state,
	p.made_by, coalesce(m.name, p.made_by), p.made_at, p.expires_at, p.decided_by, coalesce(c.name, p.decided_by), p.decided_at, p.decision_note, p.version`

const from = ` from proposal p
	left join user_account m on m.institution_id = p.institution_id and m.id = p.made_by
	left join user_account c on c.institution_id = p.institution_id and c.id = p.decided_by `

// The kinds a caller may see come as one JSON list, so that the statement stays the same.
const filterPG = ` where p.institution_id = $1 and ($2 = '' or p.state = $2) and ($3 = '' or p.kind = $3) and ($4 = '' or p.object = $4) and ($5 = '' or p.object_id = $5)
	and (p.made_by = $6 or p.kind in (select jsonb_array_elements_text(cast($7 as jsonb))))`

const filterLite = ` where p.institution_id = $1 and ($2 = '' or p.state = $2) and ($3 = '' or p.kind = $3) and ($4 = '' or p.object = $4) and ($5 = '' or p.object_id = $5)
	and (p.made_by = $6 or p.kind in (select value from json_each($7)))`

const pageTail = ` and ($8 = '' or p.id < $8) order by p.id desc limit $9`

var (
	insertProposal = db.Q(`insert into proposal (institution_id, id, kind, object, object_id, body, body_hash, base_version, before_json, after_json, note, state,
	made_by, made_at, expires_at, decided_by, decided_at, decision_note, version)
	values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,'pending',$12,$13,$14,'',0,'',1)`)
	selectOne      = db.Q(`select ` + columns + from + ` where p.institution_id = $1 and p.id = $2`)
	selectPage     = db.QQ(`select `+columns+from+filterPG+pageTail, `select `+columns+from+filterLite+pageTail)
	countProposals = db.QQ(`select count(*) from proposal p `+filterPG, `select count(*) from proposal p `+filterLite)
	selectDue      = db.Q(`select ` + columns + from + ` where p.institution_id = $1 and p.state = 'pending' and p.expires_at <= $2 order by p.id limit 500`)
	countOpen      = db.Q(`select count(*) from proposal where institution_id = $1 and kind = $2 and object = $3 and object_id = $4 and state = 'pending' and expires_at > $5`)
	closeProposal  = db.Q(`update proposal set state = $3, decided_by = $4, decided_at = $5, decision_note = $6, version = version + 1
	where institution_id = $1 and id = $2 and state = 'pending' and version = $7`)
)

func insert(ctx context.Context, tx *db.Tx, p Proposal, before, after string) error {
	_, err := tx.Exec(ctx, insertProposal, tx.Institution, p.ID, p.Kind, p.Object, p.ObjectID, string(p.Body), p.BodyHash, p.BaseVersion, before, after, p.Note,
		p.MadeBy, db.Micros(p.MadeAt), db.Micros(p.ExpiresAt))
	return err
}

type scanner interface{ Scan(dest ...any) error }

func scan(row scanner) (Proposal, error) {
	var p Proposal
	var body, before, after string
	var made, expires, decided int64
	err := row.Scan(&p.ID, &p.Kind, &p.Object, &p.ObjectID, &body, &p.BodyHash, &p.BaseVersion, &before, &after, &p.Note, &p.State,
		&p.MadeBy, &p.MadeByName, &made, &expires, &p.DecidedBy, &p.DecidedName, &decided, &p.DecisionNote, &p.Version)
	p.Body, p.Before, p.After = raw(body), raw(before), raw(after)
	p.MadeAt, p.ExpiresAt = db.Time(made), db.Time(expires)
	if decided != 0 {
		at := db.Time(decided)
		p.DecidedAt = &at
	}
	return p, err
}

func find(ctx context.Context, tx *db.Tx, id string) (Proposal, error) {
	p, err := scan(tx.QueryRow(ctx, selectOne, tx.Institution, id))
	if db.IsNoRows(err) {
		err = fault.NotFoundError("proposal", id)
	}
	return p, err
}

func list(ctx context.Context, tx *db.Tx, q *db.Query, args ...any) ([]Proposal, error) {
	rows, err := tx.Query(ctx, q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	var out []Proposal
	for rows.Next() {
		p, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, rows.Err()
}
