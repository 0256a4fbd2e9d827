package scorecard

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/capillary-finance/capillary/internal/insight/feature"
)

// matrix holds the candidate columns of all samples, each sorted once so that every fold bins in linear time.
type matrix struct {
	defs    []feature.Definition
	columns [][]float64
	order   [][]int32 // rows with a value, by rising value
	bad     []bool
	thin    []bool
}

func newMatrix(samples []Sample, opt *Options) (*matrix, error) {
	if len(samples) > MaxSamples {
		return nil, fmt.Errorf("scorecard: %d samples, at most %d are taken: draw a sample", len(samples), MaxSamples)
	}
	m := &matrix{bad: make([]bool, len(samples)), thin: make([]bool, len(samples))}
	bads, goods, every := 0, 0, 0
	for i, s := range samples {
		m.bad[i] = s.Bad
		if s.Bad {
			every++
		}
		m.thin[i] = opt.thin(s.Vector)
		switch {
		case m.thin[i]:
		case s.Bad:
			bads++
		default:
			goods++
		}
	}
	if bads < minOfClass || goods < minOfClass {
		return nil, fmt.Errorf("scorecard: %d bad and %d good firms with enough history; at least %d of each are needed: label more firms", bads, goods, minOfClass)
	}
	if every < opt.Folds {
		return nil, fmt.Errorf("scorecard: %d bad firms cannot be dealt into %d folds: lower folds", every, opt.Folds)
	}
	for _, id := range opt.Candidates {
		def, at, _ := feature.Lookup(id)
		column := make([]float64, len(samples))
		var order []int32
		for i := range samples {
			if len(samples[i].Vector.Values) <= at {
				return nil, fmt.Errorf("scorecard: sample %s has no value for %q: compute it with feature version %s", samples[i].ID, id, feature.Version)
			}
			column[i] = samples[i].Vector.Values[at]
			if !feature.Null(column[i]) {
				order = append(order, int32(i))
			}
		}
		slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(column[a], column[b]) })
		m.defs, m.columns, m.order = append(m.defs, def), append(m.columns, column), append(m.order, order)
	}
	return m, nil
}

// thin reports whether a firm has too little history to be scored by its own numbers.
func (o *Options) thin(v feature.Vector) bool {
	return v.Months < o.ThinMonths || v.Invoices < o.ThinInvoices
}
