package profile

import (
	"context"
	"fmt"
	"math"
	"sync"

	"github.com/capillary-finance/capillary/internal/evidence/source"
	"github.com/capillary-finance/capillary/internal/insight/feature"
	"github.com/capillary-finance/capillary/internal/platform/db"
)

var snapshotPage = db.Q(`select ` + columns + ` from profile_snapshot where institution_id = $1 and id > $2 order by id limit $3`)

const verifyPage = 100

var definitions = sync.OnceValue(feature.Definitions)

// Verified is what recomputing the stored profiles found.
type Verified struct {
	Checked int64
	// Outdated profiles stand on evidence that has grown since (or on another
	// version of the features): they were right when they were made and cannot be
	// recomputed from what is there now.
	Outdated  int64
	Differing []string
}

// Verify computes every stored profile again from the invoices and lists those
// that do not come out as stored. Features of the index between firms move with
// other firms' evidence and are not compared. It shows nobody a firm's figures,
// so it needs no consent of the firms.
func Verify(ctx context.Context, tx *db.Tx) (v Verified, err error) {
	for after := ""; ; {
		page, err := snapshotsAfter(ctx, tx, after)
		if err != nil {
			return v, err
		}
		for i := range page {
			if err := v.check(ctx, tx, &page[i]); err != nil {
				return v, err
			}
			after = page[i].ID
		}
		if len(page) < verifyPage {
			return v, nil
		}
	}
}

func snapshotsAfter(ctx context.Context, tx *db.Tx, after string) ([]Snapshot, error) {
	rows, err := tx.Query(ctx, snapshotPage, tx.Institution, after, verifyPage)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // read to its end below
	var page []Snapshot
	for rows.Next() {
		s, err := scan(rows)
		if err != nil {
			return nil, err
		}
		page = append(page, s)
	}
	return page, rows.Err()
}

func (v *Verified) check(ctx context.Context, tx *db.Tx, s *Snapshot) error {
	v.Checked++
	invoices, err := source.Invoices(ctx, tx, s.FirmID, s.AsOf)
	if err != nil {
		return err
	}
	if s.FeatureVersion != feature.Version || inputHash(s.AsOf, invoices) != s.InputHash {
		v.Outdated++
		return nil
	}
	analysis := feature.Analyse(s.AsOf, invoices)
	alone := analysis.Vector()
	// With every counterparty shared, the features of the index take other values: that is how they are known.
	every := map[string]bool{}
	for _, name := range analysis.Counterparties() {
		every[name] = true
	}
	analysis.Shared(math.MaxInt32, every)
	crowded := analysis.Vector()
	for i, d := range definitions() {
		if same(alone.Values[i], crowded.Values[i]) && !same(alone.Values[i], s.Vector.Values[i]) {
			v.Differing = append(v.Differing, fmt.Sprintf("%s: %s stored %g, computed %g", s.ID, d.ID, s.Vector.Values[i], alone.Values[i]))
			return nil
		}
	}
	if s.Invoices != alone.Invoices || s.Months != alone.Months {
		v.Differing = append(v.Differing, fmt.Sprintf("%s: stored %d invoices in %d months, computed %d in %d", s.ID, s.Invoices, s.Months, alone.Invoices, alone.Months))
	}
	return nil
}

func same(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) }
