package pricing

import (
	"context"
	"maps"
	"slices"

	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/ledger/fx"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// converting brings the book into the institution's currency and remembers which currencies it could not.
type converting struct {
	rates   fx.Table
	missing map[string]bool
}

func (c *converting) names() []string {
	return append([]string{}, slices.Sorted(maps.Keys(c.missing))...)
}

// minor is an amount's worth; false when its currency has no rate.
func (c *converting) minor(minor int64, in money.Currency) (int64, bool, error) {
	worth, err := c.rates.Convert(money.Of(minor, in), c.rates.Base)
	if fault.Is(err, fx.ReasonRateMissing) {
		c.missing[string(in)] = true
		return 0, false, nil
	}
	return worth.Minor, err == nil, err
}

func (c *converting) loans(in []LoanFigure) ([]LoanFigure, error) {
	out := in[:0:0]
	for _, l := range in {
		worth, ok, err := c.minor(l.OutstandingMinor, l.Currency)
		if err != nil {
			return nil, err
		}
		if ok {
			l.OutstandingMinor, l.Currency = worth, c.rates.Base
			out = append(out, l)
		}
	}
	return out, nil
}

func readForeign(ctx context.Context, tx *db.Tx, pattern string, to *converting) ([]cell, error) {
	rows, err := tx.Query(ctx, selectForeign, tx.Institution, pattern, string(to.rates.Base))
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	var out []cell
	for rows.Next() {
		var c cell
		var in money.Currency
		if err := rows.Scan(&in, &c.grade, &c.industry, &c.branch, &c.t.LimitMinor, &c.t.UtilisedMinor, &c.t.Facilities, &c.t.Frozen, &c.t.pdWeight); err != nil {
			return nil, err
		}
		ok, err := to.cell(&c.t, in)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, c)
		}
	}
	return out, rows.Err()
}

// cell brings the sums of a cell into the book's currency; the weight of its risk follows the use.
func (c *converting) cell(t *Totals, in money.Currency) (bool, error) {
	limit, ok, err := c.minor(t.LimitMinor, in)
	if err != nil || !ok {
		return false, err
	}
	used, ok, err := c.minor(t.UtilisedMinor, in)
	if err != nil || !ok {
		return false, err
	}
	if t.UtilisedMinor != 0 {
		t.pdWeight *= float64(used) / float64(t.UtilisedMinor)
	}
	t.LimitMinor, t.UtilisedMinor = limit, used
	return true, nil
}
