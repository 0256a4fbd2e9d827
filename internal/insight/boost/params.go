package boost

import (
	"math"
	"strconv"

	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Limits that keep a request from occupying the machine.
const (
	MaxTrees   = 10_000
	MaxDepth   = 16
	MaxBins    = 256
	MinBins    = 2
	MaxColumns = 20_000
)

// Metric names the figure that early stopping watches.
type Metric string

// Metrics for early stopping.
const (
	LogLoss Metric = "logloss"
	AUC     Metric = "auc"
)

// Params are the choices of a training. The zero value is not usable: start from DefaultParams. Names and meanings are
// XGBoost's where both have them.
type Params struct {
	Trees          int     `json:"trees" doc:"number of trees, 1 to 10000"`
	Depth          int     `json:"depth" doc:"largest depth of a tree, 1 to 16"`
	Eta            float64 `json:"eta" doc:"share of each tree's step that is taken, (0, 1]"`
	Lambda         float64 `json:"lambda" doc:"L2 penalty on leaf values"`
	Alpha          float64 `json:"alpha" doc:"L1 penalty on leaf values"`
	Gamma          float64 `json:"gamma" doc:"gain that a split must bring"`
	MinChildWeight float64 `json:"min_child_weight" doc:"least sum of second derivatives in a child"`
	PosWeight      float64 `json:"scale_pos_weight" doc:"weight of a bad row against a good one"`
	Subsample      float64 `json:"subsample" doc:"share of rows drawn for each tree, (0, 1]"`
	ColsampleTree  float64 `json:"colsample_bytree" doc:"share of columns drawn for each tree, (0, 1]"`
	ColsampleLevel float64 `json:"colsample_bylevel" doc:"share of the tree's columns drawn for each level, (0, 1]"`
	BaseScore      float64 `json:"base_score" doc:"probability before the first tree, in (0, 1)"`
	Monotone       []int   `json:"monotone,omitempty" doc:"per column: 1 risk never falls as the value rises, -1 never rises, 0 free"`
	EarlyStop      int     `json:"early_stop" doc:"rounds without a better figure on the validation rows that end the training; 0: never"`
	Metric         Metric  `json:"metric" doc:"logloss or auc"`
	Seed           uint64  `json:"seed"`
	Workers        int     `json:"-" doc:"goroutines, 0: one per processor; never changes the model"`
	// Watch, when set, hears after each tree how many there are; an error from it ends the training.
	Watch func(done, total int) error `json:"-"`
}

// DefaultParams are XGBoost's defaults with 100 trees of depth 6.
func DefaultParams() Params {
	return Params{Trees: 100, Depth: 6, Eta: 0.3, Lambda: 1, MinChildWeight: 1, PosWeight: 1, Subsample: 1, ColsampleTree: 1, ColsampleLevel: 1,
		BaseScore: 0.5, Metric: LogLoss, Seed: 1}
}

// Validate names the first parameter that makes no sense for data of the given number of columns (BOOST_PARAMETER).
func (p *Params) Validate(columns int) error {
	share := func(v float64) bool { return v > 0 && v <= 1 }
	penalty := func(v float64) bool { return v >= 0 && !math.IsInf(v, 0) }
	for _, c := range []struct {
		name, zh, en string
		value        float64
		ok           bool
	}{
		{"trees", "应为 1 至 10000", "must lie in 1..10000", float64(p.Trees), p.Trees >= 1 && p.Trees <= MaxTrees},
		{"depth", "应为 1 至 16", "must lie in 1..16", float64(p.Depth), p.Depth >= 1 && p.Depth <= MaxDepth},
		{"eta", "应在 (0, 1] 内", "must lie in (0, 1]", p.Eta, share(p.Eta)},
		{"lambda", "不能为负", "must not be negative", p.Lambda, penalty(p.Lambda)},
		{"alpha", "不能为负", "must not be negative", p.Alpha, penalty(p.Alpha)},
		{"gamma", "不能为负", "must not be negative", p.Gamma, penalty(p.Gamma)},
		{"min_child_weight", "不能为负", "must not be negative", p.MinChildWeight, penalty(p.MinChildWeight)},
		{"scale_pos_weight", "应为正数", "must be positive", p.PosWeight, p.PosWeight > 0 && !math.IsInf(p.PosWeight, 0)},
		{"subsample", "应在 (0, 1] 内", "must lie in (0, 1]", p.Subsample, share(p.Subsample)},
		{"colsample_bytree", "应在 (0, 1] 内", "must lie in (0, 1]", p.ColsampleTree, share(p.ColsampleTree)},
		{"colsample_bylevel", "应在 (0, 1] 内", "must lie in (0, 1]", p.ColsampleLevel, share(p.ColsampleLevel)},
		{"base_score", "应在 (0, 1) 内", "must lie in (0, 1)", p.BaseScore, p.BaseScore > 0 && p.BaseScore < 1},
		{"early_stop", "应为 0 至树的棵数", "must lie in 0..trees", float64(p.EarlyStop), p.EarlyStop >= 0 && p.EarlyStop <= p.Trees},
		{"monotone", "应每列一个值", "must have one value per column", float64(len(p.Monotone)), len(p.Monotone) == 0 || len(p.Monotone) == columns},
	} {
		if !c.ok {
			return parameter(c.name, strconv.FormatFloat(c.value, 'g', -1, 64), c.zh, c.en)
		}
	}
	if p.Metric != LogLoss && p.Metric != AUC {
		return parameter("metric", string(p.Metric), "应为 logloss 或 auc", "must be logloss or auc")
	}
	for _, m := range p.Monotone {
		if m < -1 || m > 1 {
			return parameter("monotone", strconv.Itoa(m), "每个值应为 -1、0 或 1", "each value must be -1, 0 or 1")
		}
	}
	return nil
}

func parameter(name, value, zh, en string) error {
	return fault.New(ReasonParameter, "name", name, "value", value, "problem", en, "problem_zh", zh).WithField(name)
}
