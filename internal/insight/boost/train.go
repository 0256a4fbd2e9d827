package boost

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
)

// History tells how a training went.
type History struct {
	Rounds []float64 `json:"rounds,omitempty" doc:"the metric on the validation rows after each tree"`
	Best   int       `json:"best" doc:"number of trees of the model"`
	Early  bool      `json:"early" doc:"whether the training ended before the number of trees that was asked for"`
}

// trainer holds the state between trees.
type trainer struct {
	params  Params
	data    *Data
	grower  *grower
	margins []float32
	grads   []gradient
	valid   *Data
	shown   []float32 // margins of the validation rows
	random  *rand.Rand
}

// Train grows a model on coded rows. With EarlyStop, valid holds further rows coded by the same cuts; the model keeps
// the trees up to the round whose figure on them was best. Bad parameters are BOOST_PARAMETER, bad rows BOOST_DATA.
func Train(ctx context.Context, data, valid *Data, params Params) (*Model, History, error) {
	if err := params.Validate(len(data.Columns)); err != nil {
		return nil, History{}, err
	}
	if err := checked(data, valid, &params); err != nil {
		return nil, History{}, err
	}
	t := newTrainer(data, valid, params)
	model := &Model{Base: float64(t.base()), Link: Logistic, Source: "capillary", SingleSums: true, Params: &t.params}
	for i := range data.Columns {
		model.Features = append(model.Features, data.Columns[i].Name)
	}
	var history History
	best := math.Inf(1)
	for round := range params.Trees {
		if err := ctx.Err(); err != nil {
			return nil, History{}, err
		}
		model.Trees = append(model.Trees, t.round())
		if params.Watch != nil {
			if err := params.Watch(round+1, params.Trees); err != nil {
				return nil, History{}, err
			}
		}
		if valid == nil {
			history.Best = round + 1
			continue
		}
		figure, loss := t.measure()
		history.Rounds = append(history.Rounds, figure)
		if loss < best {
			best, history.Best = loss, round+1
		}
		if params.EarlyStop == 0 {
			history.Best = round + 1
		} else if round+1-history.Best >= params.EarlyStop {
			break
		}
	}
	history.Early = len(model.Trees) < params.Trees
	return model.Truncated(history.Best), history, nil
}

func checked(data, valid *Data, params *Params) error {
	if err := data.validate(); err != nil {
		return err
	}
	if valid == nil {
		if params.EarlyStop > 0 {
			return parameter("early_stop", "", "需要验证样本", "needs validation rows")
		}
		return nil
	}
	if err := valid.validate(); err != nil {
		return err
	}
	same := len(valid.Columns) == len(data.Columns)
	for i := 0; same && i < len(data.Columns); i++ {
		same = slices.Equal(valid.Columns[i].Cuts, data.Columns[i].Cuts)
	}
	if !same {
		return badData("验证样本与训练样本的列或切点不同", "the validation rows have other columns or cuts than the training rows")
	}
	return nil
}

func newTrainer(data, valid *Data, params Params) *trainer {
	t := &trainer{params: params, data: data, valid: valid, margins: make([]float32, data.Rows()), grads: make([]gradient, data.Rows()),
		random: rand.New(rand.NewPCG(params.Seed, 0x626f6f7374))}
	t.params.Monotone = slices.Clone(params.Monotone)
	t.params.Watch = nil
	t.grower = newGrower(data, &t.params, newTeam(params.Workers))
	for i := range t.margins {
		t.margins[i] = t.base()
	}
	if valid != nil {
		t.shown = slices.Repeat([]float32{t.base()}, valid.Rows())
	}
	return t
}

func (t *trainer) base() float32 {
	return float32(-math.Log(1/float64(float32(t.params.BaseScore)) - 1))
}

// sigmoid in single precision, with XGBoost's guards.
func sigmoid(x float32) float32 {
	return 1 / (float32(math.Exp(float64(min(-x, 88.7)))) + 1 + 1e-16)
}

// round grows the next tree and adds it to the margins.
func (t *trainer) round() Tree {
	const chunk = 4096
	rows := t.data.Rows()
	t.grower.team.each((rows+chunk-1)/chunk, func(task int) {
		for i := task * chunk; i < min(rows, (task+1)*chunk); i++ {
			t.grads[i] = t.derive(i)
		}
	})
	if t.params.Subsample < 1 {
		for i := range t.grads {
			if t.random.Float64() >= t.params.Subsample {
				t.grads[i] = gradient{}
			}
		}
	}
	tree := t.grower.grow(t.grads, t.picker())
	g := t.grower
	g.team.each(len(tree.Nodes), func(at int) {
		if !tree.Nodes[at].Leaf() {
			return
		}
		for _, r := range g.order[g.nodes[at].from:g.nodes[at].to] {
			t.margins[r] += g.nodes[at].value
		}
	})
	if t.valid != nil {
		t.show(&tree)
	}
	return tree
}

func (t *trainer) derive(i int) gradient {
	y, w := t.data.Labels[i], float32(1)
	if t.data.Weights != nil {
		w = t.data.Weights[i]
	}
	if y == 1 {
		w *= float32(t.params.PosWeight)
	}
	p := sigmoid(t.margins[i])
	return gradient{(p - y) * w, max(float32(p*(1-p)), 1e-16) * w}
}

// picker draws the columns of a tree and of each of its levels, in rising order.
func (t *trainer) picker() func(depth int) []int {
	all := make([]int, len(t.data.Columns))
	for i := range all {
		all[i] = i
	}
	tree := t.draw(all, t.params.ColsampleTree)
	return func(int) []int { return t.draw(tree, t.params.ColsampleLevel) }
}

func (t *trainer) draw(from []int, share float64) []int {
	if share >= 1 {
		return from
	}
	n := max(1, int(share*float64(len(from))))
	out := slices.Clone(from)
	t.random.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	out = out[:n]
	slices.Sort(out)
	return out
}

// show adds a tree to the margins of the validation rows, walking it by codes.
func (t *trainer) show(tree *Tree) {
	const chunk = 4096
	rows := t.valid.Rows()
	t.grower.team.each((rows+chunk-1)/chunk, func(task int) {
		for r := task * chunk; r < min(rows, (task+1)*chunk); r++ {
			at := int32(0)
			for !tree.Nodes[at].Leaf() {
				n := &tree.Nodes[at]
				c := &t.valid.Columns[n.Feature]
				code := int(c.Codes[r])
				if code == c.Missing() && n.MissingLeft || code != c.Missing() && code <= t.grower.nodes[at].code {
					at = n.Left
				} else {
					at = n.Right
				}
			}
			t.shown[r] += t.grower.nodes[at].value
		}
	})
}

// measure gives the metric on the validation rows, and as a loss whose fall is progress.
func (t *trainer) measure() (figure, loss float64) {
	if t.params.Metric == AUC {
		figure = auc(t.shown, t.valid.Labels, t.valid.Weights)
		return figure, -figure
	}
	var sum, weight float64
	for i, m := range t.shown {
		w := 1.0
		if t.valid.Weights != nil {
			w = float64(t.valid.Weights[i])
		}
		// ln(1+e^-m) without overflow: the loss of a bad row; a good one adds m.
		l := math.Log1p(math.Exp(-math.Abs(float64(m)))) + max(-float64(m), 0)
		if t.valid.Labels[i] == 0 {
			l += float64(m)
		}
		sum, weight = sum+w*l, weight+w
	}
	return sum / weight, sum / weight
}

// auc is the weighted chance that a bad row lies above a good one, ties counting half.
func auc(margins, labels, weights []float32) float64 {
	order := make([]int32, len(margins))
	for i := range order {
		order[i] = int32(i)
	}
	slices.SortFunc(order, func(a, b int32) int {
		switch {
		case margins[a] < margins[b]:
			return -1
		case margins[a] > margins[b]:
			return 1
		}
		return int(a - b)
	})
	var below, area, good, bad float64
	for i := 0; i < len(order); {
		var tieGood, tieBad float64
		j := i
		for ; j < len(order) && margins[order[j]] == margins[order[i]]; j++ {
			w := 1.0
			if weights != nil {
				w = float64(weights[order[j]])
			}
			if labels[order[j]] == 1 {
				tieBad += w
			} else {
				tieGood += w
			}
		}
		area += tieBad * (below + tieGood/2)
		below, good, bad, i = below+tieGood, good+tieGood, bad+tieBad, j
	}
	return area / (good * bad)
}
