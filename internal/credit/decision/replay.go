package decision

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/capillary-finance/capillary/internal/credit/product"
	"github.com/capillary-finance/capillary/internal/platform/db"
)

// Replayed is the result of computing a stored decision again.
type Replayed struct {
	DecisionID string  `json:"decision_id"`
	Same       bool    `json:"same"`
	Difference string  `json:"difference,omitempty" doc:"first place where the outcomes differ"`
	Outcome    Outcome `json:"outcome" doc:"as computed now"`
}

// Replay computes a decision again from its stored inputs and the archived recipe, and compares the
// whole outcome, byte by byte of its canonical form.
func Replay(ctx context.Context, tx *db.Tx, id string) (Replayed, error) {
	d, err := ByID(ctx, tx, id)
	if err != nil {
		return Replayed{}, err
	}
	c, err := product.Archived(ctx, tx, d.Inputs.RecipeHash)
	if err != nil {
		return Replayed{}, err
	}
	out, err := Evaluate(ctx, c, d.Inputs)
	if err != nil {
		return Replayed{}, err
	}
	stored, err := json.Marshal(d.Outcome)
	if err != nil {
		return Replayed{}, err
	}
	again, err := json.Marshal(out)
	if err != nil {
		return Replayed{}, err
	}
	r := Replayed{DecisionID: id, Same: bytes.Equal(stored, again), Outcome: out}
	if !r.Same {
		r.Difference = difference(stored, again)
	}
	return r, nil
}

// difference shows the surroundings of the first byte that differs.
func difference(a, b []byte) string {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	around := func(x []byte) string { return string(x[max(0, i-40):min(len(x), i+60)]) }
	return "stored …" + around(a) + "… now …" + around(b) + "…"
}

// verifyBatch is how many decisions a verification reads at a time.
const verifyBatch = 200

// Verify replays every stored decision of the institution and lists those that differ.
func Verify(ctx context.Context, tx *db.Tx) (checked int, differing []Replayed, err error) {
	after := ""
	for {
		ids, err := batch(ctx, tx, after)
		if err != nil || len(ids) == 0 {
			return checked, differing, err
		}
		for _, id := range ids {
			r, err := Replay(ctx, tx, id)
			if err != nil {
				return checked, differing, err
			}
			checked++
			if !r.Same {
				differing = append(differing, r)
			}
			after = id
		}
	}
}

func batch(ctx context.Context, tx *db.Tx, after string) ([]string, error) {
	rows, err := tx.Query(ctx, selectIDs, tx.Institution, after, verifyBatch)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	var ids []string
	for rows.Next() {
		var id string
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	return ids, rows.Err()
}
