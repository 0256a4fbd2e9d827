package boost

import (
	"math"

	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Absent says how a node of an imported model recognises an absent value. XGBoost's and our own use NaNAbsent only.
type Absent uint8

// Ways to recognise an absent value.
const (
	NaNAbsent  Absent = 0 // NaN takes the node's default side
	ZeroAbsent Absent = 1 // NaN and zero take the node's default side
	NoneAbsent Absent = 2 // NaN is read as zero
)

// Node is a split or a leaf of a tree. A value goes left when it is less than Cut, or, in a node with a Set, when the
// whole number it is lies in the set.
type Node struct {
	Feature     int      `json:"f"`
	Cut         float64  `json:"c"`
	Left        int32    `json:"l"` // 0: a leaf
	Right       int32    `json:"r"`
	MissingLeft bool     `json:"m,omitempty"` // default side of absent values
	Absent      Absent   `json:"a,omitempty"`
	Set         []uint32 `json:"s,omitempty"` // bits of the categories that go left
	Value       float64  `json:"v"`           // of a leaf: what it adds to the log-odds
	Cover       float64  `json:"h"`           // sum of second derivatives (XGBoost) or rows (LightGBM) that reached the node in training
	Gain        float64  `json:"g"`
}

// Leaf reports whether the node ends the path.
func (n *Node) Leaf() bool { return n.Left == 0 }

// Tree is its nodes; the first is the root, and children come after their parent.
type Tree struct {
	Nodes []Node `json:"nodes"`
}

// Link turns the sum of a model's leaves into its prediction.
type Link string

// Links.
const (
	Logistic Link = "logistic" // the sum is log-odds, the prediction a probability
	Identity Link = "identity" // the prediction is the sum
)

// Model is a sum of trees. It is plain data: what is stored is what predicts.
type Model struct {
	Features []string `json:"features"`
	Trees    []Tree   `json:"trees"`
	Base     float64  `json:"base"` // margin before the first tree
	Link     Link     `json:"link"`
	Source   string   `json:"source"` // "capillary", or what it was imported from, with the version
	// SingleInputs and SingleSums say that values are compared, and leaves added, in single precision, as XGBoost does.
	SingleInputs bool    `json:"single_inputs,omitempty"`
	SingleSums   bool    `json:"single_sums,omitempty"`
	Scale        float64 `json:"scale,omitempty"` // of log-odds before the link (LightGBM's sigmoid); 0 is 1
	Params       *Params `json:"params,omitempty"`
}

// goesLeft is the decision of a split on a value that was already rounded to the model's precision.
func (n *Node) goesLeft(v float64) bool {
	switch {
	case math.IsNaN(v) && n.Absent != NoneAbsent, n.Absent == ZeroAbsent && math.Abs(v) <= zeroThreshold:
		return n.MissingLeft
	case math.IsNaN(v):
		v = 0
	}
	if n.Set != nil {
		return inSet(n.Set, v)
	}
	return v < n.Cut
}

// zeroThreshold is LightGBM's kZeroThreshold: what counts as zero.
const zeroThreshold = 1e-35

func inSet(set []uint32, v float64) bool {
	if v <= -1 || v >= float64(len(set)*32) { // LightGBM cuts off the fraction, so -0.5 is category 0
		return false
	}
	k := int(v)
	return set[k/32]>>(k%32)&1 == 1
}

// rounded gives a row in the model's precision; it may be the row itself.
func (m *Model) rounded(row []float64) []float64 {
	if !m.SingleInputs {
		return row
	}
	out := make([]float64, len(row))
	for i, v := range row {
		out[i] = float64(float32(v))
	}
	return out
}

// leaf walks one row of the model's precision down a tree.
func (t *Tree) leaf(row []float64) int {
	at := int32(0)
	for !t.Nodes[at].Leaf() {
		n := &t.Nodes[at]
		if n.goesLeft(row[n.Feature]) {
			at = n.Left
		} else {
			at = n.Right
		}
	}
	return int(at)
}

// Margin is the sum of the leaves that a row reaches, log-odds for a logistic model. NaN is an absent value. A row of
// another width than the model's features is BOOST_DATA.
func (m *Model) Margin(row []float64) (float64, error) {
	if err := m.fits(row); err != nil {
		return 0, err
	}
	row = m.rounded(row)
	sum := m.Base
	for i := range m.Trees {
		sum = m.add(sum, m.Trees[i].Nodes[m.Trees[i].leaf(row)].Value)
	}
	return sum, nil
}

func (m *Model) add(sum, value float64) float64 {
	if m.SingleSums {
		return float64(float32(sum) + float32(value))
	}
	return sum + value
}

// Predict is the prediction for a row: a probability for a logistic model.
func (m *Model) Predict(row []float64) (float64, error) {
	margin, err := m.Margin(row)
	return m.Respond(margin), err
}

// Respond turns a margin into a prediction.
func (m *Model) Respond(margin float64) float64 {
	if m.Link == Identity {
		return margin
	}
	if m.Scale != 0 {
		margin *= m.Scale
	}
	return 1 / (1 + math.Exp(-margin))
}

// Leaves are the indices of the nodes at which a row ends, one per tree.
func (m *Model) Leaves(row []float64) ([]int, error) {
	if err := m.fits(row); err != nil {
		return nil, err
	}
	row = m.rounded(row)
	out := make([]int, len(m.Trees))
	for i := range m.Trees {
		out[i] = m.Trees[i].leaf(row)
	}
	return out, nil
}

func (m *Model) fits(row []float64) error {
	if len(row) != len(m.Features) {
		return fault.New(ReasonData, "problem", "the row has another number of values than the model has features", "problem_zh", "该行的值与模型特征的个数不同")
	}
	return nil
}

// Importance sums the gain of every feature's splits.
func (m *Model) Importance() []float64 {
	out := make([]float64, len(m.Features))
	for i := range m.Trees {
		for j := range m.Trees[i].Nodes {
			if n := &m.Trees[i].Nodes[j]; !n.Leaf() {
				out[n.Feature] += n.Gain
			}
		}
	}
	return out
}

// Truncated keeps the first n trees, for a model whose best round came before its last.
func (m *Model) Truncated(n int) *Model {
	c := *m
	c.Trees = m.Trees[:min(n, len(m.Trees))]
	return &c
}
