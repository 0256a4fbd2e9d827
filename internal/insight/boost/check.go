package boost

import (
	"fmt"
	"math"
	"slices"

	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Limits of a model that is read. A file is an input like any other.
const (
	maxFile  = 256 << 20
	maxNodes = 8_000_000
	maxDepth = 1024
	// leastCover stands for a child that no training row reached, so that explanations stay defined.
	leastCover = 1e-16
)

func unusable(where, zh, en string) error {
	return fault.New(ReasonModel, "where", where, "problem", en, "problem_zh", zh)
}

func unsupported(zh, en string) error {
	return fault.New(ReasonUnsupported, "what", en, "what_zh", zh)
}

// Check reports whether a model is one that can predict and explain: every tree is a tree, every number finite, every
// feature known. Readers call it; so should whoever makes a model by other means (BOOST_MODEL).
func (m *Model) Check() error {
	if len(m.Features) == 0 || len(m.Features) > MaxColumns {
		return unusable("features", fmt.Sprintf("特征数 %d，应为 1 至 %d", len(m.Features), MaxColumns), fmt.Sprintf("%d features, 1 to %d are taken", len(m.Features), MaxColumns))
	}
	sorted := slices.Clone(m.Features)
	slices.Sort(sorted)
	for i := 1; i < len(sorted); i++ {
		if sorted[i] == sorted[i-1] {
			return unusable("features", fmt.Sprintf("特征名 %q 重复", sorted[i]), fmt.Sprintf("the feature name %q stands twice", sorted[i]))
		}
	}
	if m.Link != Logistic && m.Link != Identity {
		return unusable("link", fmt.Sprintf("连接函数 %q 未知", m.Link), fmt.Sprintf("the link %q is unknown", m.Link))
	}
	if !finite(m.Base) || !finite(m.Scale) || m.Scale < 0 {
		return unusable("base", "基准值或缩放系数不是有限数", "the base or the scale is not a finite number")
	}
	if len(m.Trees) == 0 || len(m.Trees) > MaxTrees {
		return unusable("trees", fmt.Sprintf("树的棵数 %d，应为 1 至 %d", len(m.Trees), MaxTrees), fmt.Sprintf("%d trees, 1 to %d are taken", len(m.Trees), MaxTrees))
	}
	total := 0
	for i := range m.Trees {
		if total += len(m.Trees[i].Nodes); total > maxNodes {
			return unusable("trees", fmt.Sprintf("节点超过 %d 个", maxNodes), fmt.Sprintf("more than %d nodes", maxNodes))
		}
		if err := m.Trees[i].check(i, len(m.Features)); err != nil {
			return err
		}
	}
	return nil
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// check walks a tree: no node is reached twice, none is too deep, and what a node says makes sense.
func (t *Tree) check(tree, features int) error {
	type visit struct {
		at    int32
		depth int
	}
	if len(t.Nodes) == 0 {
		return unusable(fmt.Sprintf("trees[%d]", tree), "没有节点", "it has no node")
	}
	seen := make([]bool, len(t.Nodes))
	open := []visit{{0, 0}}
	for len(open) > 0 {
		v := open[len(open)-1]
		open = open[:len(open)-1]
		where := fmt.Sprintf("trees[%d].nodes[%d]", tree, v.at)
		if v.depth > maxDepth {
			return unusable(where, fmt.Sprintf("树深超过 %d", maxDepth), fmt.Sprintf("the tree is deeper than %d", maxDepth))
		}
		if seen[v.at] {
			return unusable(where, "节点被引用两次，不是树", "the node is reached twice: this is no tree")
		}
		seen[v.at] = true
		n := &t.Nodes[v.at]
		if err := n.check(where, features, len(t.Nodes)); err != nil {
			return err
		}
		if !n.Leaf() {
			open = append(open, visit{n.Left, v.depth + 1}, visit{n.Right, v.depth + 1})
		}
	}
	return nil
}

func (n *Node) check(where string, features, nodes int) error {
	switch {
	case !finite(n.Value) || !finite(n.Gain):
		return unusable(where, "叶值或增益不是有限数", "the leaf value or the gain is not a finite number")
	case !finite(n.Cover) || n.Cover < 0:
		return unusable(where, "覆盖量应为非负有限数", "the cover must be finite and not negative")
	case n.Leaf():
		return nil
	case n.Left < 0 || n.Right <= 0 || int(n.Left) >= nodes || int(n.Right) >= nodes:
		return unusable(where, fmt.Sprintf("子节点 %d、%d 不存在", n.Left, n.Right), fmt.Sprintf("the children %d and %d do not exist", n.Left, n.Right))
	case n.Feature < 0 || n.Feature >= features:
		return unusable(where, fmt.Sprintf("特征序号 %d 超出范围", n.Feature), fmt.Sprintf("the feature index %d is out of range", n.Feature))
	case !finite(n.Cut):
		return unusable(where, "切点不是有限数", "the cut is not a finite number")
	case n.Absent > NoneAbsent:
		return unusable(where, fmt.Sprintf("缺失方式 %d 未知", n.Absent), fmt.Sprintf("the way %d of being absent is unknown", n.Absent))
	}
	return nil
}

// floorCovers lets no node that a path can take have a cover of nothing.
func (m *Model) floorCovers() {
	for i := range m.Trees {
		for j := range m.Trees[i].Nodes {
			n := &m.Trees[i].Nodes[j]
			n.Cover = max(n.Cover, leastCover)
		}
	}
}
