package loan

import (
	"context"

	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/platform/db"
)

// Figure is one loan as a portfolio counts it.
type Figure struct {
	FirmID           string
	Currency         money.Currency
	OutstandingMinor int64
	DaysPastDue      int64
}

var selectFigures = db.Q(`select l.firm_id, l.currency, d.outstanding_minor, d.days_past_due` + both + `and l.branch_path like $2 and d.outstanding_minor > 0 order by l.id`)

// Figures lists the loans with money out under a branch pattern.
func Figures(ctx context.Context, tx *db.Tx, branchPattern string) ([]Figure, error) {
	rows, err := tx.Query(ctx, selectFigures, tx.Institution, branchPattern)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	var out []Figure
	for rows.Next() {
		var f Figure
		if err := rows.Scan(&f.FirmID, &f.Currency, &f.OutstandingMinor, &f.DaysPastDue); err != nil {
			return nil, err
		}
		out = append(out, f)
	}
	return out, rows.Err()
}
