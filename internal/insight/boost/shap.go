package boost

// Explanation divides a row's margin among the features: Base plus the sum of Values is the margin.
type Explanation struct {
	Base   float64   `json:"base"`
	Values []float64 `json:"values"`
	Margin float64   `json:"margin"`
}

// Explainer computes exact TreeSHAP values (Lundberg, Erion and Lee, 2018, algorithm 2, with the covers of training as
// the distribution of paths), the ones XGBoost gives as pred_contribs. It may serve several goroutines.
type Explainer struct {
	model *Model
	base  float64
	depth int
}

// NewExplainer prepares a model.
func NewExplainer(m *Model) *Explainer {
	e := &Explainer{model: m, base: m.Base}
	for i := range m.Trees {
		mean, depth := m.Trees[i].expect(0)
		e.base += mean
		e.depth = max(e.depth, depth)
	}
	return e
}

// expect is the mean of the leaves below a node, weighted by cover, and the depth below it.
func (t *Tree) expect(at int32) (mean float64, depth int) {
	n := &t.Nodes[at]
	if n.Leaf() {
		return n.Value, 0
	}
	l, dl := t.expect(n.Left)
	r, dr := t.expect(n.Right)
	return (l*t.Nodes[n.Left].Cover + r*t.Nodes[n.Right].Cover) / (t.Nodes[n.Left].Cover + t.Nodes[n.Right].Cover), 1 + max(dl, dr)
}

// Explain gives the contributions of one row, in the unit of the margin.
func (e *Explainer) Explain(row []float64) (Explanation, error) {
	margin, err := e.model.Margin(row)
	if err != nil {
		return Explanation{}, err
	}
	out := Explanation{Base: e.base, Values: make([]float64, len(row)), Margin: margin}
	w := walker{row: e.model.rounded(row), phi: out.Values, space: make([]step, (e.depth+2)*(e.depth+3)/2)}
	for i := range e.model.Trees {
		w.tree = &e.model.Trees[i]
		w.walk(0, 0, 0, 1, 1, -1)
	}
	return out, nil
}

// step is a feature on the path: the shares of paths that go on when the feature is unknown (zero) and known (one), and
// the weight of the subsets of a size.
type step struct {
	feature   int
	zero, one float64
	weight    float64
}

// walker goes down one tree with the algorithm's path of unique features. Each level's path lies behind its parent's.
type walker struct {
	tree  *Tree
	row   []float64
	phi   []float64
	space []step
}

func extend(path []step, length int, zero, one float64, feature int) {
	path[length] = step{feature: feature, zero: zero, one: one}
	if length == 0 {
		path[0].weight = 1
	}
	for i := length - 1; i >= 0; i-- {
		path[i+1].weight += one * path[i].weight * float64(i+1) / float64(length+1)
		path[i].weight = zero * path[i].weight * float64(length-i) / float64(length+1)
	}
}

// unwind takes step k out of a path whose last index is length.
func unwind(path []step, length, k int) {
	zero, one := path[k].zero, path[k].one
	next := path[length].weight
	for i := length - 1; i >= 0; i-- {
		if one != 0 {
			w := path[i].weight
			path[i].weight = next * float64(length+1) / (float64(i+1) * one)
			next = w - path[i].weight*zero*float64(length-i)/float64(length+1)
		} else {
			path[i].weight = path[i].weight * float64(length+1) / (zero * float64(length-i))
		}
	}
	for i := k; i < length; i++ {
		path[i].feature, path[i].zero, path[i].one = path[i+1].feature, path[i+1].zero, path[i+1].one
	}
}

// unwound is the sum of the weights that unwind would leave.
func unwound(path []step, length, k int) float64 {
	zero, one := path[k].zero, path[k].one
	next, total := path[length].weight, 0.0
	for i := length - 1; i >= 0; i-- {
		if one != 0 {
			w := next * float64(length+1) / (float64(i+1) * one)
			total += w
			next = path[i].weight - w*zero*float64(length-i)/float64(length+1)
		} else if zero != 0 {
			total += path[i].weight / (zero * float64(length-i) / float64(length+1))
		}
	}
	return total
}

// walk visits a node; start is where the parent's path lies in space and length its last index before this node's step.
func (w *walker) walk(at int32, start, length int, zero, one float64, feature int) {
	path := w.space[start:]
	if at != 0 {
		parent := w.space[start-length : start]
		copy(path, parent)
	}
	extend(path, length, zero, one, feature)
	n := &w.tree.Nodes[at]
	if n.Leaf() {
		for k := 1; k <= length; k++ {
			w.phi[path[k].feature] += unwound(path, length, k) * (path[k].one - path[k].zero) * n.Value
		}
		return
	}
	hot, cold := n.Right, n.Left
	if n.goesLeft(w.row[n.Feature]) {
		hot, cold = cold, hot
	}
	seenZero, seenOne := 1.0, 1.0
	for k := 1; k <= length; k++ {
		if path[k].feature == n.Feature {
			seenZero, seenOne = path[k].zero, path[k].one
			unwind(path, length, k)
			length--
			break
		}
	}
	cover := w.tree.Nodes[hot].Cover + w.tree.Nodes[cold].Cover
	w.walk(hot, start+length+1, length+1, seenZero*w.tree.Nodes[hot].Cover/cover, seenOne, n.Feature)
	w.walk(cold, start+length+1, length+1, seenZero*w.tree.Nodes[cold].Cover/cover, 0, n.Feature)
}
