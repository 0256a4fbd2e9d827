// Package assess does the main job on files alone: it reads a folder of firms and invoices,
// profiles and scores the firms, decides, prices, divides a budget, and writes what it found as a
// workbook, JSON and one HTML page. It needs no server and no database.
package assess

import (
	"strconv"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/insight/scorecard"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Reasons an assessment cannot be made.
var (
	ReasonFolder = fault.Declare("ASSESS_FOLDER", fault.Invalid,
		"文件夹 {dir} 无法读取：{problem}", "The folder {dir} cannot be read: {problem}",
		"检查路径与权限", "Check the path and that you may read it")
	ReasonFileMissing = fault.Declare("ASSESS_FILE_MISSING", fault.Invalid,
		"文件夹 {dir} 中没有{what_zh}", "{dir} holds no {what}",
		"文件名须包含 {pattern}（csv、csv.gz 或 xlsx），或用 {flag} 指明", "Its name must contain {pattern} (csv, csv.gz or xlsx), or name it with {flag}")
	ReasonFileAmbiguous = fault.Declare("ASSESS_FILE_AMBIGUOUS", fault.Invalid,
		"有多个文件可作{what_zh}：{files}", "Several files could be the {what}: {files}",
		"用 {flag} 指明其中一个", "Name one with {flag}")
	ReasonFileRead = fault.Declare("ASSESS_FILE_READ", fault.Invalid,
		"文件 {file} 无法打开：{problem}", "{file} cannot be opened: {problem}",
		"检查路径与权限", "Check the path and that you may read it")
	ReasonNoFirms = fault.Declare("ASSESS_NO_FIRMS", fault.Invalid,
		"企业文件 {file} 没有可用的行（{rejected} 行有误）", "The firm file {file} has no usable row ({rejected} rejected)",
		"按导入报告更正后重试", "Correct it by the import report and try again")
	ReasonTraining = fault.Declare("ASSESS_TRAINING", fault.Invalid,
		"评分卡无法训练：{problem}", "The scorecard cannot be trained: {problem}",
		"补充有标签的企业（是否违约），或用 --model 指定已训练的模型", "Label more firms (column 是否违约), or name a trained model with --model")
	ReasonModelFile = fault.Declare("ASSESS_MODEL_FILE", fault.Invalid,
		"模型文件 {file} 无效：{problem}", "The model file {file} is not valid: {problem}",
		"用 --save-model 重新生成", "Make it again with --save-model")
	ReasonOption = fault.Declare("ASSESS_OPTION", fault.Invalid,
		"参数 {flag} 的值 {value} 无效：{problem}", "The value {value} of {flag} is not valid: {problem}",
		"修改该参数", "Change it")
	ReasonWrite = fault.Declare("ASSESS_WRITE", fault.Invalid,
		"无法写入 {file}：{problem}", "{file} cannot be written: {problem}",
		"检查路径、权限与磁盘空间", "Check the path, the permission and the free space")
)

// Options say what to assess and under which terms. Start from DefaultOptions.
type Options struct {
	Dir       string
	FirmFile  string   // empty: found in Dir by name
	CurveFile string   // empty: found in Dir by name
	Purchases []string // empty: found in Dir by name
	Sales     []string // empty: found in Dir by name
	ModelFile string   // a stored model instead of training one

	AsOf  calendar.Date // zero: the date of the newest invoice
	Terms Terms
	Rules Rules
	Model scorecard.Options

	FrontierPoints int
	MaxErrors      int // row errors kept per file; counts stay exact
	Progress       func(Event)
}

// Terms are the money side of a run.
type Terms struct {
	Currency    string    `json:"currency"`
	BudgetMinor int64     `json:"budget_minor"`
	MinMinor    int64     `json:"min_minor"`
	MaxMinor    int64     `json:"max_minor"`
	LotMinor    int64     `json:"lot_minor"`
	MinRate     rate.Rate `json:"min_rate"`
	MaxRate     rate.Rate `json:"max_rate"`
	LGD         rate.Rate `json:"lgd"`
	Funding     rate.Rate `json:"funding_rate"`
	RateStep    rate.Rate `json:"rate_step"` // 0: points of the churn table only
}

// Event tells how far a stage has come.
type Event struct {
	Stage string // stable code
	Zh    string
	En    string
	Done  int64
	Total int64 // 0: not known
	Unit  string
}

// DefaultOptions are the terms of the contest: 100,000 to 1,000,000 yuan a firm at 4% to 15%.
func DefaultOptions(dir string) Options {
	return Options{
		Dir: dir,
		Terms: Terms{
			Currency: "CNY", BudgetMinor: 100_000_000_00, MinMinor: 100_000_00, MaxMinor: 1_000_000_00, LotMinor: 10_000_00,
			MinRate: rate.FromBP(400), MaxRate: rate.FromBP(1500), LGD: rate.FromBP(4500), Funding: rate.FromBP(200),
		},
		Rules:          DefaultRules(),
		Model:          scorecard.DefaultOptions(),
		FrontierPoints: 20,
		MaxErrors:      10_000,
	}
}

// validate names the flag that is wrong; the optimiser checks the rest.
func (o *Options) validate() error {
	t := o.Terms
	var bad []error
	check := func(ok bool, flag, value, zh, en string) {
		if !ok {
			bad = append(bad, fault.New(ReasonOption, "flag", flag, "value", value, "problem", en, "problem_zh", zh))
		}
	}
	yuan := func(minor int64) string { return strconv.FormatInt(minor/100, 10) }
	check(t.BudgetMinor > 0, "--budget", yuan(t.BudgetMinor), "须大于 0", "it must be above 0")
	check(t.LotMinor > 0, "--lot", yuan(t.LotMinor), "须大于 0", "it must be above 0")
	check(t.MinMinor >= 0 && t.MinMinor <= t.MaxMinor, "--min", yuan(t.MinMinor), "不得大于 --max", "it must not exceed --max")
	check(t.LotMinor <= t.MaxMinor, "--lot", yuan(t.LotMinor), "不得大于 --max", "it must not exceed --max")
	check(t.MinRate <= t.MaxRate, "--min-rate", t.MinRate.String(), "不得大于 --max-rate", "it must not exceed --max-rate")
	return fault.Join(bad...)
}
