package boost

import (
	"math"
	"slices"
)

// growing is a node of the tree in the making.
type growing struct {
	depth     int
	from, to  int // its rows are order[from:to]
	sum       stats
	undivided float32
	bounds    bounds
	value     float32
	hist      []stats
	best      split
	code      int // of the split that was made, for walking coded rows
}

// least is XGBoost's kRtEps: a smaller gain is none.
const least = 1e-6

// grower grows trees over one coded table. It keeps scratch space from tree to tree.
type grower struct {
	data    *Data
	params  *Params
	judge   *judge
	offsets []int
	index   *index
	missing []bool // whether a column has absent values at all
	dense   bool
	team    *team
	order   []int32
	spare   []int32
	free    [][]stats
	nodes   []growing
	tree    Tree
}

func newGrower(d *Data, p *Params, t *team) *grower {
	g := &grower{data: d, params: p, judge: newJudge(p), team: t, dense: true, order: make([]int32, d.Rows()), spare: make([]int32, d.Rows())}
	g.index = newIndex(d)
	g.offsets = g.index.offsets
	g.missing = make([]bool, len(d.Columns))
	for f := range d.Columns {
		g.missing[f] = slices.Contains(d.Columns[f].Codes, uint8(d.Columns[f].Missing())) && d.Columns[f].Missing() < MaxBins
		g.dense = g.dense && !g.missing[f]
	}
	return g
}

// grow makes one tree, breadth first, from the rows' derivatives. pick gives the columns of a level.
func (g *grower) grow(grads []gradient, pick func(depth int) []int) Tree {
	g.tree, g.nodes = Tree{Nodes: make([]Node, 1, 1<<min(g.params.Depth+1, 10))}, append(g.nodes[:0], growing{to: len(g.order), bounds: unbounded})
	for i := range g.order {
		g.order[i] = int32(i)
	}
	root := &g.nodes[0]
	root.hist = g.take()
	g.build([]int{0}, grads)
	root.sum = g.total(grads)
	w := g.judge.weight(root.sum, unbounded)
	root.value, root.undivided = float32(g.params.Eta)*w, g.judge.gain(root.sum, w)
	level := []int{0}
	for depth := 0; len(level) > 0; depth++ {
		g.search(level, pick(depth))
		level = g.divide(level, grads)
	}
	for i := range g.nodes {
		n := &g.tree.Nodes[i]
		n.Cover = float64(float32(g.nodes[i].sum.h))
		if n.Leaf() {
			n.Value = float64(g.nodes[i].value)
		}
		g.release(&g.nodes[i])
	}
	return g.tree
}

// total sums the derivatives at the root the way XGBoost does: over the first column's bins when no value is absent,
// over the rows otherwise.
func (g *grower) total(grads []gradient) stats {
	var s stats
	if g.dense {
		for _, b := range g.nodes[0].hist[:g.offsets[1]] {
			s.add(b)
		}
		return s
	}
	for _, x := range grads {
		s.add(stats{float64(x.g), float64(x.h)})
	}
	return s
}

// build fills the histograms of nodes, shared out by node and by stretch of columns.
func (g *grower) build(nodes []int, grads []gradient) {
	columns, width := len(g.data.Columns), g.team.width(len(nodes), len(g.data.Columns))
	blocks := (columns + width - 1) / width
	g.team.each(len(nodes)*blocks, func(task int) {
		n := &g.nodes[nodes[task/blocks]]
		from := task % blocks * width
		to := min(from+width, columns)
		clear(n.hist[g.offsets[from]:g.offsets[to]])
		g.index.accumulate(n.hist, g.order[n.from:n.to], grads, from, to)
	})
}

// search finds the best split of every node of a level.
func (g *grower) search(level, columns []int) {
	g.team.each(len(level), func(task int) {
		n := &g.nodes[level[task]]
		n.best = split{}
		for _, f := range columns {
			g.judge.scan(f, n.hist[g.offsets[f]:g.offsets[f+1]], n, g.missing[f], &n.best)
		}
	})
}

// divide splits the nodes that gain by it and returns the children to look at next.
func (g *grower) divide(level []int, grads []gradient) []int {
	var next, parents, building []int
	for _, at := range level {
		s := g.nodes[at].best
		if s.gain <= least || s.left.h == 0 || s.right.h == 0 || s.gain < float32(g.params.Gamma) {
			g.release(&g.nodes[at])
			continue
		}
		g.attach(at)
		parents = append(parents, at)
	}
	g.team.each(len(parents), func(task int) { g.partition(parents[task]) })
	for _, at := range parents {
		left, right := int(g.tree.Nodes[at].Left), int(g.tree.Nodes[at].Right)
		if g.nodes[left].depth >= g.params.Depth {
			g.release(&g.nodes[at])
			continue
		}
		next = append(next, left, right)
		smaller := left
		if g.nodes[right].sum.h < g.nodes[left].sum.h {
			smaller = right
		}
		g.nodes[smaller].hist = g.take()
		building = append(building, smaller)
	}
	g.build(building, grads)
	g.team.each(len(building), func(task int) {
		small := building[task]
		parent := &g.nodes[parentOf(&g.tree, parents, small)]
		other := &g.nodes[g.sibling(parents, small)]
		other.hist, parent.hist = parent.hist, nil
		subtract(other.hist, other.hist, g.nodes[small].hist)
	})
	return next
}

func parentOf(t *Tree, parents []int, child int) int {
	at, _ := slices.BinarySearchFunc(parents, child, func(p, c int) int { return int(t.Nodes[p].Right) - c })
	return parents[at]
}

func (g *grower) sibling(parents []int, child int) int {
	n := &g.tree.Nodes[parentOf(&g.tree, parents, child)]
	return int(n.Left+n.Right) - child
}

// attach gives a node its two children.
func (g *grower) attach(at int) {
	n, s := g.nodes[at], g.nodes[at].best
	wl, wr := g.judge.weight(s.left, n.bounds), g.judge.weight(s.right, n.bounds)
	left := growing{depth: n.depth + 1, sum: s.left, bounds: n.bounds, value: wl * float32(g.params.Eta), undivided: g.judge.gain(s.left, wl)}
	right := growing{depth: n.depth + 1, sum: s.right, bounds: n.bounds, value: wr * float32(g.params.Eta), undivided: g.judge.gain(s.right, wr)}
	if g.judge.constrained {
		middle := (wl + wr) / 2
		switch c := g.judge.monotone[s.feature]; {
		case c > 0:
			left.bounds.high, right.bounds.low = middle, middle
		case c < 0:
			left.bounds.low, right.bounds.high = middle, middle
		}
	}
	t := &g.tree.Nodes[at]
	t.Feature, t.Cut, t.MissingLeft, t.Gain = s.feature, g.cut(s), s.missingLeft, float64(s.gain)
	t.Left, t.Right = int32(len(g.nodes)), int32(len(g.nodes)+1)
	g.nodes[at].code = s.code
	g.nodes = append(g.nodes, left, right)
	g.tree.Nodes = append(g.tree.Nodes, Node{}, Node{})
}

// cut is the split's threshold on values. A split that only parts absent from present values has all of them on one
// side of it.
func (g *grower) cut(s split) float64 {
	cuts := g.data.Columns[s.feature].Cuts
	switch {
	case s.code < 0:
		return -math.MaxFloat64
	case s.code >= len(cuts):
		return math.MaxFloat64
	}
	return cuts[s.code]
}

// partition orders the rows of a node: those of the left child first, each side keeping its order.
func (g *grower) partition(at int) {
	n, t := &g.nodes[at], &g.tree.Nodes[at]
	column := &g.data.Columns[t.Feature]
	var left [256]bool
	for code := range column.Missing() {
		left[code] = code <= n.code
	}
	if m := column.Missing(); m < MaxBins {
		left[m] = t.MissingLeft
	}
	rows, spare := g.order[n.from:n.to], g.spare[n.from:n.to]
	kept, moved := 0, 0
	for _, r := range rows {
		if left[column.Codes[r]] {
			rows[kept] = r
			kept++
		} else {
			spare[moved] = r
			moved++
		}
	}
	copy(rows[kept:], spare[:moved])
	g.nodes[t.Left].from, g.nodes[t.Left].to = n.from, n.from+kept
	g.nodes[t.Right].from, g.nodes[t.Right].to = n.from+kept, n.to
}

func (g *grower) take() []stats {
	if k := len(g.free) - 1; k >= 0 {
		h := g.free[k]
		g.free = g.free[:k]
		return h
	}
	return make([]stats, g.offsets[len(g.offsets)-1])
}

func (g *grower) release(n *growing) {
	if n.hist != nil {
		g.free, n.hist = append(g.free, n.hist), nil
	}
}
