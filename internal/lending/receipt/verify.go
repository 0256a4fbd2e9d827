package receipt

import (
	"context"
	"fmt"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Verify recomputes the sums of every receipt from its uses, and gives the
// number of receipts and the money that suspense must hold for them.
func Verify(ctx context.Context, tx *db.Tx) (n, suspendedMinor int64, err error) {
	for after := ""; ; {
		rows, err := tx.Query(ctx, selectAll, tx.Institution, after, batch)
		if err != nil {
			return n, suspendedMinor, err
		}
		all, err := collect(rows)
		if err != nil || len(all) == 0 {
			return n, suspendedMinor, err
		}
		for _, r := range all {
			if err := r.verify(ctx, tx); err != nil {
				return n, suspendedMinor, err
			}
			n++
			suspendedMinor += r.OpenMinor + r.ReturningMinor
		}
		after = all[len(all)-1].ID
	}
}

func (r Receipt) verify(ctx context.Context, tx *db.Tx) error {
	all, err := uses(ctx, tx, r.ID)
	if err != nil {
		return err
	}
	again := Sums{OpenMinor: r.AmountMinor}
	for _, u := range all {
		if err := again.move(u.Kind, u.AmountMinor); err != nil {
			return fault.New(ReasonBroken, "receipt", r.ID, "problem", fmt.Sprintf("use %d: %v", u.No, err))
		}
	}
	if again != r.Sums {
		return fault.New(ReasonBroken, "receipt", r.ID, "problem", fmt.Sprintf("stored %+v, uses say %+v", r.Sums, again))
	}
	return nil
}
