package workbench

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sort"
	"strconv"

	"github.com/capillary-finance/capillary/internal/insight/boost"
	"github.com/capillary-finance/capillary/internal/insight/feature"
	"github.com/capillary-finance/capillary/internal/insight/scorecard"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// job is a training with the rows' parts decided.
type job struct {
	table    *Table
	o        *Options
	features []*Column
	bad      []bool
	train    []int // rows that the model learns from
	valid    []int // rows kept for early stopping
	test     []int
}

func untrainable(zh, en string) error {
	return fault.New(ReasonUntrainable, "problem", en, "problem_zh", zh)
}

// Train trains a model on a table and judges it on the rows that the split leaves out. Nothing of those rows, nor of the
// rows kept for early stopping, enters bins, the order of categories or the fit.
func Train(ctx context.Context, t *Table, o Options) (*Model, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	j := &job{table: t, o: &o}
	for _, step := range []func() error{j.outcome, j.divide, j.choose} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	m := &Model{Method: o.Method, Label: o.Label, Bad: o.Bad, Split: o.Split}
	var err error
	if o.Method == Boost {
		err = j.boost(ctx, m)
	} else {
		err = j.scorecard(m)
	}
	if err != nil {
		return nil, err
	}
	return m, j.judge(m)
}

// outcome reads the label of every row.
func (j *job) outcome() error {
	c, ok := j.table.Column(j.o.Label)
	if !ok {
		return column(j.o.Label, "文件中没有这一列", "the file has no such column")
	}
	j.bad = make([]bool, j.table.Rows)
	if !c.Numeric() {
		if at := slices.Index(c.Categories, j.o.Bad); at < 0 {
			return option("bad", fmt.Sprintf("请指明「%s」列的哪个值为坏：%v", c.Name, c.Categories[:min(10, len(c.Categories))]),
				fmt.Sprintf("name the value of %s that is bad: %v", c.Name, c.Categories[:min(10, len(c.Categories))]))
		}
		for row := range j.bad {
			if c.Codes[row] < 0 {
				return cell(row+2, c.Name, "", "标签不能为空", "a label must not be empty")
			}
			j.bad[row] = c.Text(row) == j.o.Bad
		}
		return nil
	}
	want := 1.0
	if j.o.Bad != "" {
		var err error
		if want, err = strconv.ParseFloat(j.o.Bad, 64); err != nil {
			return option("bad", "标签列是数字，"+j.o.Bad+" 不是", "the label is a column of numbers, "+j.o.Bad+" is none")
		}
	}
	for row, v := range c.Numbers {
		if math.IsNaN(v) || j.o.Bad == "" && v != 0 && v != 1 {
			return cell(row+2, c.Name, strconv.FormatFloat(v, 'g', -1, 64), "标签应为 0 或 1（或用 --bad 指明坏的值）", "a label must be 0 or 1 (or name the bad value with --bad)")
		}
		j.bad[row] = v == want
	}
	return nil
}

// divide deals the rows out.
func (j *job) divide() error {
	choose := func(text string, fallback bool) ([]bool, error) {
		if text == "" {
			return slices.Repeat([]bool{fallback}, j.table.Rows), nil
		}
		e, err := ParseExpression(text)
		if err != nil {
			return nil, err
		}
		return e.Choose(j.table)
	}
	train, err := choose(j.o.Split, true)
	if err != nil {
		return err
	}
	valid, err := choose(j.o.Valid, false)
	if err != nil {
		return err
	}
	for row := range train {
		switch {
		case !train[row]:
			j.test = append(j.test, row)
		case valid[row]:
			j.valid = append(j.valid, row)
		default:
			j.train = append(j.train, row)
		}
	}
	for _, part := range []struct {
		zh, en string
		rows   []int
		needed bool
	}{{"训练", "training", j.train, true}, {"验证", "validation", j.valid, j.o.Valid != ""}, {"测试", "test", j.test, j.o.Split != ""}} {
		if !part.needed {
			continue
		}
		bads := j.count(part.rows)
		if bads == 0 || bads == len(part.rows) {
			return untrainable(fmt.Sprintf("%s样本 %d 行中坏样本 %d 行，两类都要有", part.zh, len(part.rows), bads),
				fmt.Sprintf("%d of the %d %s rows are bad; both classes are needed", bads, len(part.rows), part.en))
		}
	}
	return nil
}

func (j *job) count(rows []int) int {
	n := 0
	for _, row := range rows {
		if j.bad[row] {
			n++
		}
	}
	return n
}

// choose finds the columns to learn from.
func (j *job) choose() error {
	names := j.o.Features
	if names == nil {
		var read []string
		for _, text := range []string{j.o.Split, j.o.Valid} {
			if text != "" {
				e, err := ParseExpression(text)
				if err != nil {
					return err
				}
				read = append(read, e.Columns()...)
			}
		}
		for i := range j.table.Columns {
			if name := j.table.Columns[i].Name; name != j.o.Label && !slices.Contains(read, name) {
				names = append(names, name)
			}
		}
	}
	for _, name := range names {
		c, ok := j.table.Column(name)
		if !ok {
			return column(name, "文件中没有这一列", "the file has no such column")
		}
		if len(c.Categories) > MaxCategories {
			return column(name, fmt.Sprintf("有 %d 个不同的文本，最多 %d 个；它像编号而不像类别", len(c.Categories), MaxCategories),
				fmt.Sprintf("%d different texts, at most %d are taken; it looks like an identifier, not a category", len(c.Categories), MaxCategories))
		}
		j.features = append(j.features, c)
	}
	if len(j.features) == 0 {
		return untrainable("没有可用的特征列", "there is no column to learn from")
	}
	for name := range j.o.Monotone {
		if i := slices.IndexFunc(j.features, func(c *Column) bool { return c.Name == name }); i < 0 || !j.features[i].Numeric() {
			return option("monotone", fmt.Sprintf("「%s」不是数值特征列", name), name+" is not a numeric feature column")
		}
	}
	for name, b := range j.o.Breaks {
		i := slices.IndexFunc(j.features, func(c *Column) bool { return c.Name == name })
		if i >= 0 && j.features[i].Numeric() != (b.Groups == nil) {
			return option("breaks", fmt.Sprintf("「%s」列的切点或类别组与该列类型不符", name), fmt.Sprintf("column %s: cuts are for numbers, groups for categories", name))
		}
	}
	return nil
}

func pickOf[T any](values []T, rows []int) []T {
	out := make([]T, len(rows))
	for i, row := range rows {
		out[i] = values[row]
	}
	return out
}

// boost trains trees.
func (j *job) boost(ctx context.Context, m *Model) error {
	train, valid := &boost.Data{}, &boost.Data{}
	p := j.o.Boost
	p.Monotone = nil
	for _, c := range j.features {
		in := Input{Name: c.Name, Numeric: c.Numeric()}
		if !in.Numeric {
			in.Categories = scorecard.CategoryOrder(pickOf(c.Texts(), j.train), pickOf(j.bad, j.train))
		}
		values := in.numbers(c)
		known := pickOf(values, j.train)
		cuts := boost.Cuts(known, j.o.Bins)
		train.Columns = append(train.Columns, boost.Column{Name: c.Name, Cuts: cuts, Codes: boost.Encode(cuts, known)})
		valid.Columns = append(valid.Columns, boost.Column{Name: c.Name, Cuts: cuts, Codes: boost.Encode(cuts, pickOf(values, j.valid))})
		m.Inputs = append(m.Inputs, in)
		p.Monotone = append(p.Monotone, j.o.Monotone[c.Name])
	}
	if len(j.o.Monotone) == 0 {
		p.Monotone = nil
	}
	train.Labels, valid.Labels = j.labels(j.train), j.labels(j.valid)
	if j.o.Balanced {
		bads := j.count(j.train)
		p.PosWeight = float64(len(j.train)-bads) / float64(bads)
	}
	if len(j.valid) == 0 {
		valid = nil
	}
	var err error
	m.Boost, _, err = boost.Train(ctx, train, valid, p)
	return err
}

func (j *job) labels(rows []int) []float32 {
	out := make([]float32, len(rows))
	for i, row := range rows {
		if j.bad[row] {
			out[i] = 1
		}
	}
	return out
}

// numbers lays a column out as trees see it.
func (in *Input) numbers(c *Column) []float64 {
	if in.Numeric {
		return c.Numbers
	}
	rank := make([]float64, len(c.Categories))
	for k, name := range c.Categories {
		rank[k] = math.NaN()
		if at := slices.Index(in.Categories, name); at >= 0 {
			rank[k] = float64(at)
		}
	}
	out := make([]float64, len(c.Codes))
	for row, k := range c.Codes {
		if out[row] = math.NaN(); k >= 0 {
			out[row] = rank[k]
		}
	}
	return out
}

// scorecard trains a points table.
func (j *job) scorecard(m *Model) error {
	var columns []scorecard.TableColumn
	for _, c := range j.features {
		b := j.o.Breaks[c.Name]
		in := scorecard.TableColumn{Name: c.Name, Direction: feature.Direction(j.o.Monotone[c.Name]), Cuts: b.Cuts, Groups: b.Groups}
		if c.Numeric() {
			in.Numbers = pickOf(c.Numbers, j.train)
		} else {
			in.Categories = pickOf(c.Texts(), j.train)
		}
		columns = append(columns, in)
	}
	card, err := scorecard.TrainTable(columns, pickOf(j.bad, j.train), j.o.Card)
	if err != nil {
		return untrainable(err.Error(), err.Error())
	}
	m.Card = card
	for _, c := range card.Characteristics {
		in := Input{Name: c.Name, Numeric: c.Numeric}
		for _, b := range c.Bins {
			in.Categories = append(in.Categories, b.Categories...)
		}
		m.Inputs = append(m.Inputs, in)
	}
	return nil
}

// judge scores all rows with the finished model and fills its report.
func (j *job) judge(m *Model) error {
	scored, _, err := m.Score(j.table)
	if err != nil {
		return err
	}
	measure := func(rows []int) Figures {
		p := make([]scorecard.Prediction, len(rows))
		for i, row := range rows {
			p[i] = scorecard.Prediction{PD: scored[row].PD, Bad: j.bad[row]}
		}
		perf := scorecard.Measure(p)
		return Figures{Rows: len(rows), Bads: j.count(rows), AUC: perf.AUC, KS: perf.KS, Gini: perf.Gini, Brier: perf.Brier}
	}
	r := &Report{Evaluated: "train", Train: measure(j.train), Features: m.ranked()}
	if len(j.test) > 0 {
		test := measure(j.test)
		r.Evaluated, r.Test = "test", &test
	}
	if m.Boost != nil {
		r.Trees = len(m.Boost.Trees)
	}
	for _, v := range []float64{r.Train.AUC, r.Main().AUC, r.Main().KS, r.Main().Brier} {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return errors.New("workbench: a figure of the report is not finite")
		}
	}
	m.Report = r
	return nil
}

// ranked are the inputs that the model uses, by the gain of their splits or by information value.
func (m *Model) ranked() []string {
	worth := make([]float64, len(m.Inputs))
	if m.Boost != nil {
		worth = m.Boost.Importance()
	} else {
		for i, c := range m.Card.Characteristics {
			worth[i] = c.IV
		}
	}
	var order []int
	for i := range worth {
		if worth[i] > 0 {
			order = append(order, i)
		}
	}
	sort.SliceStable(order, func(a, b int) bool { return worth[order[a]] > worth[order[b]] })
	out := []string{}
	for _, i := range order {
		out = append(out, m.Inputs[i].Name)
	}
	return out
}
