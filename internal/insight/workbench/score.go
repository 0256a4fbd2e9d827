package workbench

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/capillary-finance/capillary/internal/insight/boost"
	"github.com/capillary-finance/capillary/internal/insight/scorecard"
)

// Scored is a row's prediction: a probability of being bad (or the value of an imported regression) and, of a scorecard,
// its points.
type Scored struct {
	PD     float64
	Points *int
}

// columns finds the inputs in a table that was read by the model's schema.
func (m *Model) columns(t *Table) ([]*Column, error) {
	out := make([]*Column, len(m.Inputs))
	for i, in := range m.Inputs {
		c, ok := t.Column(in.Name)
		if !ok {
			return nil, column(in.Name, "模型需要它，但文件中没有", "the model needs it, but the file has no such column")
		}
		if c.Numeric() != in.Numeric {
			return nil, column(in.Name, "数值或类别与训练时不同", "it holds numbers or categories where training had the other")
		}
		out[i] = c
	}
	return out, nil
}

// Score predicts every row. unseen counts, by column, the cells whose category training did not see; they count as absent.
func (m *Model) Score(t *Table) (scored []Scored, unseen map[string]int, err error) {
	columns, err := m.columns(t)
	if err != nil {
		return nil, nil, err
	}
	unseen = map[string]int{}
	for i, in := range m.Inputs {
		if n := in.unseen(columns[i]); n > 0 {
			unseen[in.Name] = n
		}
	}
	scored = make([]Scored, t.Rows)
	if m.Card != nil {
		values := make([]scorecard.TableValue, len(columns))
		for row := range scored {
			cells(values, columns, row)
			pd, points, _, err := m.Card.Score(values)
			if err != nil {
				return nil, nil, err
			}
			scored[row] = Scored{PD: pd, Points: &points}
		}
		return scored, unseen, nil
	}
	values := m.matrix(columns, t.Rows)
	pds, err := boost.NewPredictor(m.Boost).Predictions(nil, values)
	if err != nil {
		return nil, nil, err
	}
	for row, pd := range pds {
		scored[row].PD = pd
	}
	return scored, unseen, nil
}

func (in *Input) unseen(c *Column) int {
	if in.Numeric {
		return 0
	}
	strange := make([]bool, len(c.Categories))
	for k, name := range c.Categories {
		strange[k] = !slices.Contains(in.Categories, name)
	}
	n := 0
	for _, k := range c.Codes {
		if k >= 0 && strange[k] {
			n++
		}
	}
	return n
}

func cells(values []scorecard.TableValue, columns []*Column, row int) {
	for i, c := range columns {
		if c.Numeric() {
			values[i] = scorecard.TableValue{Number: c.Numbers[row]}
		} else {
			values[i] = scorecard.TableValue{Category: c.Text(row)}
		}
	}
}

// matrix lays all rows out one after another.
func (m *Model) matrix(columns []*Column, rows int) []float64 {
	out := make([]float64, rows*len(columns))
	for i, c := range columns {
		for row, v := range m.Inputs[i].numbers(c) {
			out[row*len(columns)+i] = v
		}
	}
	return out
}

// Part is what one column adds to a row's log-odds, and to its points when the model is a scorecard.
type Part struct {
	Name    string  `json:"name"`
	Value   any     `json:"value" doc:"the row's own; null: absent"`
	LogOdds float64 `json:"log_odds"`
	Points  *int    `json:"points,omitempty"`
	Lost    *int    `json:"points_lost,omitempty" doc:"against the column's best bin"`
}

// Explanation divides a row's prediction among its columns: base and parts add up to log_odds.
type Explanation struct {
	Row     int     `json:"row" doc:"of the file, the heading being row 1"`
	ID      string  `json:"id,omitempty"`
	PD      float64 `json:"pd"`
	Points  *int    `json:"points,omitempty"`
	LogOdds float64 `json:"log_odds"`
	Base    float64 `json:"base"`
	Parts   []Part  `json:"parts" doc:"by weight, heaviest first"`
}

// Explain divides the predictions of rows (0-based) among the columns: TreeSHAP values of boosted trees, points of a
// scorecard.
func (m *Model) Explain(t *Table, rows []int) ([]Explanation, error) {
	columns, err := m.columns(t)
	if err != nil {
		return nil, err
	}
	var explainer *boost.Explainer
	laid := make([][]float64, len(columns))
	if m.Boost != nil {
		explainer = boost.NewExplainer(m.Boost)
		for i, c := range columns {
			laid[i] = m.Inputs[i].numbers(c)
		}
	}
	var out []Explanation
	for _, row := range rows {
		if row < 0 || row >= t.Rows {
			return nil, option("row", fmt.Sprintf("文件没有第 %d 行", row+2), fmt.Sprintf("the file has no row %d", row+2))
		}
		var e Explanation
		if m.Card != nil {
			e, err = m.explainCard(columns, row)
		} else {
			e, err = m.explainTrees(explainer, laid, row)
		}
		if err != nil {
			return nil, err
		}
		e.Row = row + 2
		for i, c := range columns {
			e.Parts[i].Name, e.Parts[i].Value = c.Name, c.value(row)
		}
		slices.SortStableFunc(e.Parts, func(a, b Part) int { return cmp.Compare(math.Abs(b.LogOdds), math.Abs(a.LogOdds)) })
		out = append(out, e)
	}
	return out, nil
}

func (c *Column) value(row int) any {
	switch {
	case c.Numeric() && math.IsNaN(c.Numbers[row]), !c.Numeric() && c.Codes[row] < 0:
		return nil
	case c.Numeric():
		return c.Numbers[row]
	}
	return c.Text(row)
}

func (m *Model) explainTrees(explainer *boost.Explainer, laid [][]float64, row int) (Explanation, error) {
	values := make([]float64, len(laid))
	for i := range laid {
		values[i] = laid[i][row]
	}
	s, err := explainer.Explain(values)
	if err != nil {
		return Explanation{}, err
	}
	scale := cmp.Or(m.Boost.Scale, 1) // LightGBM's sigmoid turns margins into log-odds
	e := Explanation{PD: m.Boost.Respond(s.Margin), LogOdds: scale * s.Margin, Base: scale * s.Base}
	for _, v := range s.Values {
		e.Parts = append(e.Parts, Part{LogOdds: scale * v})
	}
	return e, nil
}

func (m *Model) explainCard(columns []*Column, row int) (Explanation, error) {
	values := make([]scorecard.TableValue, len(columns))
	cells(values, columns, row)
	pd, points, parts, err := m.Card.Score(values)
	if err != nil {
		return Explanation{}, err
	}
	e := Explanation{PD: pd, Points: &points, Base: m.Card.Intercept, LogOdds: m.Card.Intercept}
	for _, p := range parts {
		lost := p.MaxPoints - p.Points
		e.LogOdds += p.LogOdds
		e.Parts = append(e.Parts, Part{LogOdds: p.LogOdds, Points: &p.Points, Lost: &lost})
	}
	return e, nil
}
