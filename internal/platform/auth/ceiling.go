package auth

import (
	"context"

	"github.com/capillary-finance/capillary/internal/platform/db"
)

// KindCreditApprove is the kind of authority that bounds who may approve credit, and how much.
const KindCreditApprove = "credit.approve"

var anyAuthority = db.Q(`select count(*) from authority where institution_id = $1 and kind = $2 and currency = $3 and revoked_at = 0
	and valid_from <= $4 and (valid_until = 0 or valid_until > $4)`)

// Ceiling gives the largest amount the user may decide of a kind, and whether there is a ceiling at all: an
// institution that has granted no authority of the kind leaves it to roles, and once it has granted one,
// whoever has none may decide nothing.
func Ceiling(ctx context.Context, tx *db.Tx, p Principal, kind, currency string) (limitMinor int64, bounded bool, err error) {
	var granted int64
	if err := tx.QueryRow(ctx, anyAuthority, tx.Institution, kind, currency, db.Micros(tx.Now)).Scan(&granted); err != nil || granted == 0 {
		return 0, false, err
	}
	limitMinor, _, err = LimitOf(ctx, tx, p, kind, currency)
	return limitMinor, true, err
}
