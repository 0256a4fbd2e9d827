package scorecard

import (
	"fmt"
	"math"
	"slices"
)

// TableValue is a cell: a number (NaN absent) for a numeric characteristic, a category ("" absent) otherwise.
type TableValue struct {
	Number   float64
	Category string
}

// TableContribution is what one column added to a row's score.
type TableContribution struct {
	Name      string  `json:"name"`
	Bin       int     `json:"bin" doc:"-1: the value is absent, or a category that training never saw"`
	WOE       float64 `json:"woe"`
	LogOdds   float64 `json:"log_odds"`
	Points    int     `json:"points"`
	MaxPoints int     `json:"max_points"`
}

// Score gives a row's probability, points and contributions; values stand in the order of the characteristics.
func (m *TableModel) Score(values []TableValue) (pd float64, points int, parts []TableContribution, err error) {
	if len(values) != len(m.Characteristics) {
		return 0, 0, nil, fmt.Errorf("scorecard: %d values for %d characteristics", len(values), len(m.Characteristics))
	}
	z := m.Intercept
	points = m.BasePoints
	for k := range m.Characteristics {
		c := &m.Characteristics[k]
		at := c.bin(values[k])
		b := c.Missing
		if at >= 0 {
			b = c.Bins[at]
		}
		best := math.MinInt
		for i := range c.Bins {
			best = max(best, c.Bins[i].Points)
		}
		part := TableContribution{Name: c.Name, Bin: at, WOE: b.WOE, LogOdds: c.Beta * b.WOE, Points: b.Points, MaxPoints: best}
		z += part.LogOdds
		points += b.Points
		parts = append(parts, part)
	}
	return sigmoid(z), points, parts, nil
}

func (c *TableCharacteristic) bin(v TableValue) int {
	if !c.Numeric {
		return slices.IndexFunc(c.Bins, func(b TableBin) bool { return slices.Contains(b.Categories, v.Category) })
	}
	if math.IsNaN(v.Number) {
		return -1
	}
	return slices.IndexFunc(c.Bins, func(b TableBin) bool { return b.Below == nil || v.Number < *b.Below })
}

// Check reports whether a stored scorecard can score: every number finite, the cuts rising, one open bin at the end.
func (m *TableModel) Check() error {
	finite := func(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }
	if !finite(m.Intercept) || len(m.Characteristics) == 0 {
		return fmt.Errorf("scorecard: intercept %g with %d characteristics", m.Intercept, len(m.Characteristics))
	}
	for _, c := range m.Characteristics {
		if !finite(c.Beta) || len(c.Bins) == 0 || !finite(c.Missing.WOE) {
			return fmt.Errorf("scorecard: characteristic %s has no bins or no finite coefficient", c.Name)
		}
		last := math.Inf(-1)
		for i, b := range c.Bins {
			open := b.Below == nil
			if !finite(b.WOE) || c.Numeric && open != (i == len(c.Bins)-1) || !c.Numeric && !open {
				return fmt.Errorf("scorecard: characteristic %s, bin %d cannot be read", c.Name, i+1)
			}
			if !open {
				if !finite(*b.Below) || *b.Below <= last {
					return fmt.Errorf("scorecard: characteristic %s: the cuts must rise", c.Name)
				}
				last = *b.Below
			}
		}
	}
	return nil
}
