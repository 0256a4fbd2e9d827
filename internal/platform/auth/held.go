package auth

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/capillary-finance/capillary/internal/platform/db"
)

var keysHeld = db.Q(`select action, before_json, after_json from audit_record where institution_id = $1 and object = 'user' and object_id = $2 and actor = $3 and at >= $4
	and action in ('user.password.reset', 'user.totp.off', 'user.update') order by id desc limit 200`)

// HeldKeysOf reports that a person has lately had another one's way in: set his
// password, switched off his one-time code, or changed the address by which
// single sign-on knows him. What that other one does may be the person's doing.
func HeldKeysOf(ctx context.Context, tx *db.Tx, personID, otherID string, since time.Time) (bool, error) {
	if personID == otherID {
		return false, nil
	}
	rows, err := tx.Query(ctx, keysHeld, tx.Institution, otherID, personID, db.Micros(since))
	if err != nil {
		return false, err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	held := false
	for rows.Next() {
		var action, before, after string
		if err := rows.Scan(&action, &before, &after); err != nil {
			return false, err
		}
		held = held || action != "user.update" || emailOf(before) != emailOf(after)
	}
	return held, rows.Err()
}

func emailOf(user string) string {
	var u struct {
		Email string `json:"email"`
	}
	if json.Unmarshal([]byte(user), &u) != nil {
		return ""
	}
	return strings.ToLower(u.Email)
}
