package recipe

import (
	"context"
	"encoding/json"

	"github.com/capillary-finance/capillary/internal/platform/db"
)

var (
	selectVersions = db.Q(`select product_id, version, effective_from, mapping, approved_by, created_at from ledger_recipe
		where institution_id = $1 and ($2 = 0 or product_id = $3) order by product_id, version`)
	insertVersion = db.Q(`insert into ledger_recipe (institution_id, product_id, version, effective_from, mapping, approved_by, created_at) values ($1,$2,$3,$4,$5,$6,$7)`)
)

// list reads the versions of a product ("" is the institution's own), or of everything when productID is nil.
func list(ctx context.Context, tx *db.Tx, productID *string) ([]Version, error) {
	one, id := 0, ""
	if productID != nil {
		one, id = 1, *productID
	}
	rows, err := tx.Query(ctx, selectVersions, tx.Institution, one, id)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	out := []Version{}
	for rows.Next() {
		var v Version
		var text string
		var at int64
		if err := rows.Scan(&v.ProductID, &v.Version, &v.EffectiveFrom, &text, &v.ApprovedBy, &at); err != nil {
			return nil, err
		}
		if err := json.Unmarshal([]byte(text), &v.Accounts); err != nil {
			return nil, err
		}
		v.CreatedAt = db.Time(at)
		out = append(out, v)
	}
	return out, rows.Err()
}

func insert(ctx context.Context, tx *db.Tx, v Version) error {
	text, err := json.Marshal(v.Accounts)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, insertVersion, tx.Institution, v.ProductID, v.Version, v.EffectiveFrom.String(), string(text), v.ApprovedBy, db.Micros(v.CreatedAt))
	return err
}
