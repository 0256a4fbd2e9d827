package boost

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// What an XGBoost JSON file says, as far as a prediction needs it. XGBoost writes parameters as text.
type (
	xgbFile struct {
		Learner struct {
			FeatureNames []string `json:"feature_names"`
			FeatureTypes []string `json:"feature_types"`
			Booster      struct {
				Name  string   `json:"name"`
				Model xgbTrees `json:"model"`
			} `json:"gradient_booster"`
			Param struct {
				BaseScore  string `json:"base_score"`
				NumClass   string `json:"num_class"`
				NumFeature string `json:"num_feature"`
				NumTarget  string `json:"num_target"`
			} `json:"learner_model_param"`
			Objective struct {
				Name string `json:"name"`
			} `json:"objective"`
		} `json:"learner"`
		Version []int `json:"version"`
	}
	xgbTrees struct {
		TreeInfo []int     `json:"tree_info"`
		Trees    []xgbTree `json:"trees"`
	}
	xgbTree struct {
		Categories  []int     `json:"categories"`
		DefaultLeft []flag    `json:"default_left"`
		Left        []int32   `json:"left_children"`
		Right       []int32   `json:"right_children"`
		LossChanges []float32 `json:"loss_changes"`
		Conditions  []float32 `json:"split_conditions"`
		Indices     []int     `json:"split_indices"`
		SplitType   []int     `json:"split_type"`
		Hessians    []float32 `json:"sum_hessian"`
		Param       struct {
			SizeLeafVector string `json:"size_leaf_vector"`
		} `json:"tree_param"`
	}
)

// flag is a boolean that some versions write as 0 and 1.
type flag bool

// UnmarshalJSON reads true, false, 0 and 1.
func (f *flag) UnmarshalJSON(text []byte) error {
	switch string(text) {
	case "true", "1":
		*f = true
	case "false", "0":
		*f = false
	default:
		return fmt.Errorf("%s is no yes or no", text)
	}
	return nil
}

// ReadXGBoost reads a model that XGBoost 1 to 3 saved as JSON: gbtree, one output, numeric splits, logistic or squared
// error. A broken file is BOOST_MODEL, another kind of model BOOST_MODEL_UNSUPPORTED. Margins are XGBoost's bit for bit.
// All trees are kept; best_iteration is left to the caller (Truncated).
func ReadXGBoost(r io.Reader) (*Model, error) {
	text, err := readAll(r)
	if err != nil {
		return nil, err
	}
	if len(text) > 1 && text[0] == '{' && !bytes.ContainsAny(text[1:2], "\" \t\r\n}") {
		return nil, unsupported("二进制（UBJSON）模型文件；请用 save_model(\"model.json\") 保存", "a binary (UBJSON) file; save it with save_model(\"model.json\")")
	}
	var f xgbFile
	d := json.NewDecoder(bytes.NewReader(text))
	if err := decoded(d, d.Decode(&f)); err != nil {
		return nil, err
	}
	m, err := f.head()
	if err != nil {
		return nil, err
	}
	for i := range f.Learner.Booster.Model.Trees {
		t, err := f.Learner.Booster.Model.Trees[i].tree(i)
		if err != nil {
			return nil, err
		}
		m.Trees = append(m.Trees, t)
	}
	if err := m.Check(); err != nil {
		return nil, err
	}
	m.floorCovers()
	return m, nil
}

// head reads everything but the trees.
func (f *xgbFile) head() (*Model, error) {
	l := &f.Learner
	if len(f.Version) != 3 || f.Version[0] < 1 || f.Version[0] > 3 {
		return nil, unsupported(fmt.Sprintf("XGBoost 版本 %v（支持 1 至 3）", f.Version), fmt.Sprintf("XGBoost version %v (1 to 3 are read)", f.Version))
	}
	if l.Booster.Name != "gbtree" {
		return nil, unsupported(fmt.Sprintf("提升器 %q", l.Booster.Name), fmt.Sprintf("the booster %q", l.Booster.Name))
	}
	for _, p := range []struct{ name, value string }{{"num_class", l.Param.NumClass}, {"num_target", l.Param.NumTarget}} {
		if p.value != "" && p.value != "0" && p.value != "1" {
			return nil, unsupported(fmt.Sprintf("多输出（%s = %s）", p.name, p.value), fmt.Sprintf("several outputs (%s = %s)", p.name, p.value))
		}
	}
	for i, group := range l.Booster.Model.TreeInfo {
		if group != 0 {
			return nil, unsupported(fmt.Sprintf("多输出（tree_info[%d] = %d）", i, group), fmt.Sprintf("several outputs (tree_info[%d] = %d)", i, group))
		}
	}
	for i, kind := range l.FeatureTypes {
		if kind == "c" {
			return nil, unsupported(fmt.Sprintf("类别特征（feature_types[%d]）；请先编码为数值", i), fmt.Sprintf("categorical features (feature_types[%d]); code them as numbers first", i))
		}
	}
	m := &Model{Source: fmt.Sprintf("xgboost %d.%d.%d", f.Version[0], f.Version[1], f.Version[2]), SingleInputs: true, SingleSums: true}
	var err error
	if m.Link, m.Base, err = f.link(); err != nil {
		return nil, err
	}
	m.Features, err = f.features()
	return m, err
}

func (f *xgbFile) link() (Link, float64, error) {
	text := strings.TrimSuffix(strings.TrimPrefix(f.Learner.Param.BaseScore, "["), "]")
	score, err := strconv.ParseFloat(text, 32)
	if err != nil || !finite(score) {
		return "", 0, unusable("learner_model_param.base_score", fmt.Sprintf("%q 不是数", text), fmt.Sprintf("%q is not a number", text))
	}
	var link Link
	switch name := f.Learner.Objective.Name; name {
	case "binary:logistic", "reg:logistic":
		link = Logistic
	case "binary:logitraw":
		link = Identity
	case "reg:squarederror", "reg:linear":
		return Identity, score, nil
	default:
		return "", 0, unsupported(fmt.Sprintf("目标函数 %q", name), fmt.Sprintf("the objective %q", name))
	}
	if score <= 0 || score >= 1 {
		return "", 0, unusable("learner_model_param.base_score", fmt.Sprintf("%g 应在 (0, 1) 内", score), fmt.Sprintf("%g must lie in (0, 1)", score))
	}
	return link, float64(float32(-math.Log(float64(float32(1)/float32(score) - 1)))), nil
}

func (f *xgbFile) features() ([]string, error) {
	n, err := strconv.Atoi(f.Learner.Param.NumFeature)
	if err != nil || n < 1 || n > MaxColumns {
		return nil, unusable("learner_model_param.num_feature", fmt.Sprintf("%q 应为 1 至 %d", f.Learner.Param.NumFeature, MaxColumns), fmt.Sprintf("%q must lie in 1..%d", f.Learner.Param.NumFeature, MaxColumns))
	}
	switch names := f.Learner.FeatureNames; len(names) {
	case n:
		return names, nil
	case 0:
		out := make([]string, n)
		for i := range out {
			out[i] = "f" + strconv.Itoa(i)
		}
		return out, nil
	default:
		return nil, unusable("feature_names", fmt.Sprintf("有 %d 个名称，特征 %d 个", len(names), n), fmt.Sprintf("%d names for %d features", len(names), n))
	}
}

// tree turns the arrays of a tree into nodes.
func (x *xgbTree) tree(at int) (Tree, error) {
	where := fmt.Sprintf("trees[%d]", at)
	n := len(x.Left)
	for name, size := range map[string]int{"right_children": len(x.Right), "split_conditions": len(x.Conditions), "split_indices": len(x.Indices),
		"default_left": len(x.DefaultLeft), "sum_hessian": len(x.Hessians), "loss_changes": len(x.LossChanges)} {
		if size != n {
			return Tree{}, unusable(where+"."+name, fmt.Sprintf("有 %d 项，应为 %d", size, n), fmt.Sprintf("%d entries where %d are expected", size, n))
		}
	}
	if s := x.Param.SizeLeafVector; s != "" && s != "0" && s != "1" {
		return Tree{}, unsupported("向量叶（"+where+"）", "vector leaves ("+where+")")
	}
	for _, kind := range x.SplitType {
		if kind != 0 || len(x.Categories) > 0 {
			return Tree{}, unsupported("类别分裂（"+where+"）；请先编码为数值", "categorical splits ("+where+"); code them as numbers first")
		}
	}
	t := Tree{Nodes: make([]Node, n)}
	for i := range t.Nodes {
		node := &t.Nodes[i]
		node.Cover = float64(x.Hessians[i])
		if x.Left[i] == -1 {
			node.Value = float64(x.Conditions[i])
			continue
		}
		if x.Left[i] <= 0 {
			return Tree{}, unusable(fmt.Sprintf("%s.left_children[%d]", where, i), fmt.Sprintf("%d 不是子节点", x.Left[i]), fmt.Sprintf("%d is no child", x.Left[i]))
		}
		node.Left, node.Right, node.Feature, node.Cut = x.Left[i], x.Right[i], x.Indices[i], float64(x.Conditions[i])
		node.MissingLeft, node.Gain = bool(x.DefaultLeft[i]), float64(x.LossChanges[i])
	}
	return t, nil
}
