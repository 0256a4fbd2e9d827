package boost

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// ReadLightGBM reads a model that LightGBM 2 to 4 saved as text: one output, binary, cross entropy or regression, plain
// trees, numeric and categorical splits. A broken file is BOOST_MODEL, another kind of model BOOST_MODEL_UNSUPPORTED.
// An absent value goes right at a categorical split, as since LightGBM 3.3.
func ReadLightGBM(r io.Reader) (*Model, error) {
	text, err := readAll(r)
	if err != nil {
		return nil, err
	}
	s := &lgbScanner{lines: bufio.NewScanner(bytes.NewReader(text))}
	s.lines.Buffer(make([]byte, 0, 1<<16), len(text)+1)
	if line, ok := s.next(); !ok || line != "tree" {
		return nil, unusable("line 1", "不是 LightGBM 文本模型（首行应为 tree）", "this is no LightGBM text model (its first line is tree)")
	}
	head, more := s.section()
	m, err := lgbHead(head)
	if err != nil {
		return nil, err
	}
	for more {
		var tree lgbSection
		tree, more = s.section()
		if tree.name == "end of trees" {
			break
		}
		t, err := tree.tree(len(m.Features))
		if err != nil {
			return nil, err
		}
		m.Trees = append(m.Trees, t)
		if !more {
			return nil, unusable(fmt.Sprintf("line %d", s.line), "文件在 end of trees 之前结束", "the file ends before end of trees")
		}
	}
	if err := m.Check(); err != nil {
		return nil, err
	}
	m.floorCovers()
	return m, nil
}

// lgbScanner reads sections of name=value lines; a section begins with Tree=n or ends the trees.
type lgbScanner struct {
	lines  *bufio.Scanner
	line   int
	queued string
}

type lgbSection struct {
	name   string
	values map[string]string
}

func (s *lgbScanner) next() (string, bool) {
	if !s.lines.Scan() {
		return "", false
	}
	s.line++
	return strings.TrimRight(s.lines.Text(), "\r"), true
}

func (s *lgbScanner) section() (lgbSection, bool) {
	out := lgbSection{name: s.queued, values: map[string]string{}}
	if s.queued == "end of trees" {
		return out, false
	}
	for {
		line, ok := s.next()
		if !ok {
			return out, false
		}
		if strings.HasPrefix(line, "Tree=") || line == "end of trees" {
			s.queued = line
			return out, true
		}
		name, value, _ := strings.Cut(line, "=")
		out.values[name] = value
	}
}

func lgbHead(s lgbSection) (*Model, error) {
	v := s.values
	switch version := v["version"]; version {
	case "v2", "v3", "v4":
	default:
		return nil, unsupported(fmt.Sprintf("LightGBM 格式版本 %q（支持 v2 至 v4）", version), fmt.Sprintf("LightGBM format version %q (v2 to v4 are read)", version))
	}
	if v["num_class"] != "1" || v["num_tree_per_iteration"] != "1" {
		return nil, unsupported(fmt.Sprintf("多输出（num_class = %s）", v["num_class"]), fmt.Sprintf("several outputs (num_class = %s)", v["num_class"]))
	}
	if _, average := v["average_output"]; average {
		return nil, unsupported("随机森林（average_output）", "random forests (average_output)")
	}
	m := &Model{Source: "lightgbm " + v["version"], Features: strings.Fields(v["feature_names"])}
	last, err := strconv.Atoi(v["max_feature_idx"])
	if err != nil || last+1 != len(m.Features) {
		return nil, unusable("max_feature_idx", fmt.Sprintf("为 %q，特征名 %d 个", v["max_feature_idx"], len(m.Features)), fmt.Sprintf("it is %q for %d feature names", v["max_feature_idx"], len(m.Features)))
	}
	m.Link, m.Scale, err = lgbLink(v["objective"])
	return m, err
}

func lgbLink(objective string) (Link, float64, error) {
	words := strings.Fields(objective)
	refused := unsupported(fmt.Sprintf("目标函数 %q", objective), fmt.Sprintf("the objective %q", objective))
	if len(words) == 0 {
		return "", 0, refused
	}
	switch words[0] {
	case "binary":
		scale := 1.0
		for _, w := range words[1:] {
			if text, ok := strings.CutPrefix(w, "sigmoid:"); ok {
				var err error
				if scale, err = strconv.ParseFloat(text, 64); err != nil || !(scale > 0) {
					return "", 0, unusable("objective", fmt.Sprintf("sigmoid %q 应为正数", text), fmt.Sprintf("the sigmoid %q must be positive", text))
				}
			}
		}
		return Logistic, scale, nil
	case "cross_entropy":
		return Logistic, 0, nil
	case "regression", "regression_l1", "huber", "fair", "quantile", "mape":
		if len(words) == 1 {
			return Identity, 0, nil
		}
	}
	return "", 0, refused
}

// numbers reads a list of a section; its length must be n.
func numbers[T any](s *lgbSection, name string, n int, parse func(string) (T, error)) ([]T, error) {
	words := strings.Fields(s.values[name])
	if len(words) != n {
		return nil, unusable(s.name+"."+name, fmt.Sprintf("有 %d 项，应为 %d", len(words), n), fmt.Sprintf("%d entries where %d are expected", len(words), n))
	}
	out := make([]T, n)
	for i, w := range words {
		v, err := parse(w)
		if err != nil {
			return nil, unusable(fmt.Sprintf("%s.%s[%d]", s.name, name, i), fmt.Sprintf("%q 不是数", w), fmt.Sprintf("%q is not a number", w))
		}
		out[i] = v
	}
	return out, nil
}

func parseFloat(w string) (float64, error) { return strconv.ParseFloat(w, 64) }

// lgbArrays are the lists of a tree. Splits come first in ours, leaf k is node leaves-1+k.
type lgbArrays struct {
	feature, decision, left, right []int
	threshold, gain, value         []float64
	leafCount, splitCount          []float64
	boundaries                     []int
	bits                           []uint32
}

// tree turns a section into nodes.
func (s *lgbSection) tree(features int) (Tree, error) {
	if linear := s.values["is_linear"]; linear != "" && linear != "0" {
		return Tree{}, unsupported("线性叶（"+s.name+"）", "linear leaves ("+s.name+")")
	}
	leaves, err := strconv.Atoi(s.values["num_leaves"])
	if err != nil || leaves < 1 || leaves > maxNodes/2 {
		return Tree{}, unusable(s.name+".num_leaves", fmt.Sprintf("%q 无效", s.values["num_leaves"]), fmt.Sprintf("%q is not valid", s.values["num_leaves"]))
	}
	if leaves == 1 {
		v, err := numbers(s, "leaf_value", 1, parseFloat)
		if err != nil {
			return Tree{}, err
		}
		return Tree{Nodes: []Node{{Value: v[0], Cover: 1}}}, nil
	}
	a, err := s.arrays(leaves)
	if err != nil {
		return Tree{}, err
	}
	t := Tree{Nodes: make([]Node, 2*leaves-1)}
	for i := range leaves - 1 {
		if t.Nodes[i], err = a.split(s.name, i, features); err != nil {
			return Tree{}, err
		}
	}
	for k := range leaves {
		t.Nodes[leaves-1+k] = Node{Value: a.value[k], Cover: a.leafCount[k]}
	}
	return t, nil
}

func (s *lgbSection) arrays(leaves int) (*lgbArrays, error) {
	a := &lgbArrays{}
	for _, x := range []struct {
		name  string
		n     int
		ints  *[]int
		reals *[]float64
	}{
		{"split_feature", leaves - 1, &a.feature, nil}, {"decision_type", leaves - 1, &a.decision, nil}, {"left_child", leaves - 1, &a.left, nil},
		{"right_child", leaves - 1, &a.right, nil}, {"threshold", leaves - 1, nil, &a.threshold}, {"split_gain", leaves - 1, nil, &a.gain},
		{"internal_count", leaves - 1, nil, &a.splitCount}, {"leaf_count", leaves, nil, &a.leafCount}, {"leaf_value", leaves, nil, &a.value},
	} {
		var err error
		if x.ints != nil {
			*x.ints, err = numbers(s, x.name, x.n, strconv.Atoi)
		} else {
			*x.reals, err = numbers(s, x.name, x.n, parseFloat)
		}
		if err != nil {
			return nil, err
		}
	}
	return a, s.categories(a)
}

// categories reads the sets of categorical splits: set k is the words boundaries[k] to boundaries[k+1].
func (s *lgbSection) categories(a *lgbArrays) error {
	n, err := strconv.Atoi(s.values["num_cat"])
	if err != nil || n < 0 || n > len(a.feature) {
		return unusable(s.name+".num_cat", fmt.Sprintf("%q 无效", s.values["num_cat"]), fmt.Sprintf("%q is not valid", s.values["num_cat"]))
	}
	if n == 0 {
		return nil
	}
	if a.boundaries, err = numbers(s, "cat_boundaries", n+1, strconv.Atoi); err != nil {
		return err
	}
	for i, b := range a.boundaries {
		if i == 0 && b != 0 || i > 0 && b <= a.boundaries[i-1] || b > maxFile {
			return unusable(s.name+".cat_boundaries", "应从 0 递增", "it must rise from 0")
		}
	}
	a.bits, err = numbers(s, "cat_threshold", a.boundaries[n], func(w string) (uint32, error) {
		v, err := strconv.ParseUint(w, 10, 32)
		return uint32(v), err
	})
	return err
}

// Bits of LightGBM's decision_type.
const (
	lgbCategorical = 1
	lgbDefaultLeft = 2
	lgbMissing     = 2 // shift of the way to be absent: 0 none, 1 zero, 2 NaN
)

func (a *lgbArrays) split(tree string, i, features int) (Node, error) {
	where := fmt.Sprintf("%s.split[%d]", tree, i)
	n := Node{Feature: a.feature[i], Gain: a.gain[i], Cover: a.splitCount[i], MissingLeft: a.decision[i]&lgbDefaultLeft != 0}
	if n.Feature < 0 || n.Feature >= features {
		return n, unusable(where, fmt.Sprintf("特征序号 %d 超出范围", n.Feature), fmt.Sprintf("the feature index %d is out of range", n.Feature))
	}
	leaves := len(a.value)
	for _, c := range []struct {
		from int
		to   *int32
	}{{a.left[i], &n.Left}, {a.right[i], &n.Right}} {
		switch {
		case c.from > i && c.from < leaves-1:
			*c.to = int32(c.from)
		case c.from < 0 && c.from >= -leaves:
			*c.to = int32(leaves - 1 + -c.from - 1)
		default:
			return n, unusable(where, fmt.Sprintf("子节点 %d 不存在", c.from), fmt.Sprintf("the child %d does not exist", c.from))
		}
	}
	if a.decision[i]&lgbCategorical != 0 {
		k := int(a.threshold[i])
		if k < 0 || k+1 >= len(a.boundaries) {
			return n, unusable(where, fmt.Sprintf("类别集合 %d 不存在", k), fmt.Sprintf("the set of categories %d does not exist", k))
		}
		n.Set, n.MissingLeft = a.bits[a.boundaries[k]:a.boundaries[k+1]], false
		return n, nil
	}
	switch way := a.decision[i] >> lgbMissing & 3; way {
	case 0:
		n.Absent = NoneAbsent
	case 1:
		n.Absent = ZeroAbsent
	case 2:
		n.Absent = NaNAbsent
	default:
		return n, unusable(where, fmt.Sprintf("缺失方式 %d 未知", way), fmt.Sprintf("the way %d of being absent is unknown", way))
	}
	// LightGBM sends a value left when it is at most the threshold; ours when it is less than the cut.
	n.Cut = min(math.Nextafter(a.threshold[i], math.Inf(1)), math.MaxFloat64)
	return n, nil
}
