package boost

import (
	"math"

	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Predictor is a model laid out for many rows. Trees up to perfectDepth become perfect trees in one array, in which a
// row's place is reckoned without branches; several rows go down a tree side by side, so that one's memory access hides
// behind another's. Deeper trees, and splits that only imported models have, are walked node by node. It gives the
// margins of the model bit for bit and may serve several goroutines.
type Predictor struct {
	model  *Model
	trees  []flatTree
	splits []flatSplit
	leaves []float64
	slots  int // values per row: each feature, and each again when some split sends absent values left
}

// flatSplit compares a slot of the row with a cut. In a row's first slots an absent value is plus infinity, in the
// second minus infinity, so that the comparison itself sends it to its side.
type flatSplit struct {
	cut  float64
	slot uint32
}

// flatTree says where a tree lies; depth < 0 means that it is walked in the model.
type flatTree struct {
	depth         int
	split, leaves int
}

const (
	perfectDepth = 8
	together     = 64 // rows that go down one tree after another
)

// NewPredictor lays a model out.
func NewPredictor(m *Model) *Predictor {
	p := &Predictor{model: m, slots: len(m.Features)}
	for i := range m.Trees {
		for j := range m.Trees[i].Nodes {
			if n := &m.Trees[i].Nodes[j]; !n.Leaf() && n.MissingLeft {
				p.slots = 2 * len(m.Features)
			}
		}
	}
	for i := range m.Trees {
		p.trees = append(p.trees, p.lay(&m.Trees[i]))
	}
	return p
}

func (p *Predictor) lay(t *Tree) flatTree {
	_, depth := t.expect(0)
	for i := range t.Nodes {
		if n := &t.Nodes[i]; depth > perfectDepth || n.Set != nil || n.Absent != NaNAbsent {
			return flatTree{depth: -1}
		}
	}
	f := flatTree{depth: depth, split: len(p.splits), leaves: len(p.leaves)}
	p.splits = append(p.splits, make([]flatSplit, 1<<depth-1)...)
	p.leaves = append(p.leaves, make([]float64, 1<<depth)...)
	p.place(t, f, 0, 0, 0)
	return f
}

// place puts a node at a position of the perfect tree; a leaf above the last level repeats itself below.
func (p *Predictor) place(t *Tree, f flatTree, at int32, position, depth int) {
	n := &t.Nodes[at]
	if depth == f.depth {
		p.leaves[f.leaves+position-(1<<f.depth-1)] = n.Value
		return
	}
	left, right := n.Left, n.Right
	if n.Leaf() {
		left, right = at, at
	} else {
		slot := n.Feature
		if n.MissingLeft {
			slot += len(p.model.Features)
		}
		p.splits[f.split+position] = flatSplit{cut: n.Cut, slot: uint32(slot)}
	}
	p.place(t, f, left, 2*position+1, depth+1)
	p.place(t, f, right, 2*position+2, depth+1)
}

// Margins appends the margins of rows that lie one after another in values. NaN is an absent value. Infinite values are
// refused, like a length that is no whole number of rows (BOOST_DATA).
func (p *Predictor) Margins(out, values []float64) ([]float64, error) {
	width := len(p.model.Features)
	if width == 0 || len(values)%width != 0 {
		return nil, fault.New(ReasonData, "problem", "the values are no whole number of rows", "problem_zh", "值的个数不是整数行")
	}
	space := make([]float64, together*p.slots)
	for len(values) > 0 {
		rows := min(together, len(values)/width)
		if err := p.spread(space, values[:rows*width]); err != nil {
			return nil, err
		}
		start := len(out)
		for range rows {
			out = append(out, p.model.Base)
		}
		p.block(out[start:], space, values)
		values = values[rows*width:]
	}
	return out, nil
}

// spread fills the slots of a block of rows.
func (p *Predictor) spread(space, values []float64) error {
	width := len(p.model.Features)
	for r := 0; r*width < len(values); r++ {
		row, slots := values[r*width:(r+1)*width], space[r*p.slots:(r+1)*p.slots]
		if p.model.SingleInputs {
			for f, v := range row {
				slots[f] = float64(float32(v))
			}
		} else {
			copy(slots, row)
		}
		if p.slots > width {
			copy(slots[width:], slots[:width])
		}
		for f, v := range row {
			switch {
			case v != v:
				slots[f] = math.Inf(1)
				if p.slots > width {
					slots[width+f] = math.Inf(-1)
				}
			case math.IsInf(v, 0):
				return badData("特征 "+p.model.Features[f]+" 的值为无穷大", "the value of feature "+p.model.Features[f]+" is infinite")
			}
		}
	}
	return nil
}

// block takes rows through all trees.
func (p *Predictor) block(sums, space, values []float64) {
	for i := range p.trees {
		f := &p.trees[i]
		if f.depth < 0 {
			p.walk(sums, i, values)
			continue
		}
		splits, leaves := p.splits[f.split:f.split+1<<f.depth-1], p.leaves[f.leaves:f.leaves+1<<f.depth]
		r := 0
		for ; r+4 <= len(sums); r += 4 {
			a, b, c, d := descend(splits, space[r*p.slots:(r+4)*p.slots], p.slots, f.depth)
			sums[r], sums[r+1] = p.model.add(sums[r], leaves[a]), p.model.add(sums[r+1], leaves[b])
			sums[r+2], sums[r+3] = p.model.add(sums[r+2], leaves[c]), p.model.add(sums[r+3], leaves[d])
		}
		for ; r < len(sums); r++ {
			k := 0
			row := space[r*p.slots : (r+1)*p.slots]
			for range f.depth {
				k = 2*k + 1 + right(row, &splits[k])
			}
			sums[r] = p.model.add(sums[r], leaves[k-len(splits)])
		}
	}
}

// right is 1 when the row goes right of the split.
func right(row []float64, s *flatSplit) int {
	k := 1
	if row[s.slot] < s.cut {
		k = 0
	}
	return k
}

// descend takes four rows down a perfect tree and gives the numbers of their leaves.
func descend(splits []flatSplit, rows []float64, slots, depth int) (a, b, c, d int) {
	r0, r1, r2, r3 := rows[:slots], rows[slots:2*slots], rows[2*slots:3*slots], rows[3*slots:4*slots]
	for range depth {
		a = 2*a + 1 + right(r0, &splits[a])
		b = 2*b + 1 + right(r1, &splits[b])
		c = 2*c + 1 + right(r2, &splits[c])
		d = 2*d + 1 + right(r3, &splits[d])
	}
	n := len(splits)
	return a - n, b - n, c - n, d - n
}

// walk takes rows through a tree that has no perfect layout.
func (p *Predictor) walk(sums []float64, tree int, values []float64) {
	t, width := &p.model.Trees[tree], len(p.model.Features)
	for r := range sums {
		row := p.model.rounded(values[r*width : (r+1)*width])
		sums[r] = p.model.add(sums[r], t.Nodes[t.leaf(row)].Value)
	}
}

// Predictions is Margins through the model's link.
func (p *Predictor) Predictions(out, values []float64) ([]float64, error) {
	start := len(out)
	out, err := p.Margins(out, values)
	for i := start; i < len(out); i++ {
		out[i] = p.model.Respond(out[i])
	}
	return out, err
}
