package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/capillary-finance/capillary/internal/insight/boost"
	"github.com/capillary-finance/capillary/internal/insight/workbench"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

func (c *cli) modelCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "model", Short: c.tr("在任意表格上训练、使用与解释评分模型", "train, use and explain scoring models on any table")}
	cmd.AddCommand(c.modelTrainCommand(), c.modelScoreCommand(), c.modelExplainCommand())
	return cmd
}

// modelFlags are the texts of `model train` before they are understood.
type modelFlags struct {
	data, label, method, posWeight, breaks, out string
	missing, monotone                           []string
	read                                        workbench.ReadOptions
	o                                           workbench.Options
	all                                         bool
}

func (c *cli) modelTrainCommand() *cobra.Command {
	f := modelFlags{o: workbench.DefaultOptions()}
	cmd := &cobra.Command{
		Use: "train", Args: cobra.NoArgs, Short: c.tr("用一个 CSV 训练提升树或评分卡，输出 AUC、KS 与用时", "train boosted trees or a scorecard on a CSV, print AUC, KS and time"),
		Long: c.tr(`读取首行为列名的 CSV（UTF-8 或 GB18030），数字列与文本列自动识别，空单元格为缺失。--split 是训练样本的条件，
其余为测试样本；条件里可用列名（特殊列名用双引号）、数字、'文本'、+ - * / %、比较、and or not 与括号，例如
id%10<7 或 region=='east' and year<2020。条件用到的列与标签列不作特征。不需要服务器和数据库。输出一个 JSON 对象。`,
			`Reads a CSV with column names in its first line (UTF-8 or GB18030); columns of numbers and of texts are told apart,
empty cells are absent values. --split is the condition on training rows, the others test; it may use column names (odd
ones in double quotes), numbers, 'texts', + - * / %, comparisons, and, or, not and parentheses, such as
id%10<7 or region=='east' and year<2020. Columns that the condition reads, and the label, are no features. Needs no
server and no database. Prints one JSON object.`),
		Example: `  capillary model train --data clients.csv --label y --split 'id%10<7' --trees 20 --depth 5 --out model.json
  capillary model train --data clients.csv --label outcome --bad late --method scorecard --out card.json
  capillary model train --data clients.csv --label y --split 'year<2023' --valid 'year==2022' --trees 500 --early-stop 20 --monotone turnover:-,arrears:+`,
		RunE: func(cmd *cobra.Command, _ []string) error { return f.run(cmd, c) },
	}
	p := cmd.Flags()
	p.StringVar(&f.data, "data", "", c.tr("CSV 文件（必填）", "CSV file (required)"))
	p.StringVar(&f.label, "label", "", c.tr("标签列（必填）", "column with the outcome (required)"))
	p.StringVar(&f.o.Bad, "bad", "", c.tr("标签列中表示坏的值（0/1 标签默认为 1）", "the label's value that is bad (1 of 0 and 1)"))
	p.StringVar(&f.o.Split, "split", "", c.tr("训练样本的条件（省略则全部训练，并在训练样本上评估）", "condition on training rows (left out: all rows train, and are what is evaluated)"))
	p.StringVar(&f.o.Valid, "valid", "", c.tr("训练样本中留作提前停止的条件", "condition on training rows kept for early stopping"))
	p.StringVar(&f.method, "method", "boost", c.tr("boost（提升树）或 scorecard（评分卡）", "boost (trees) or scorecard"))
	p.StringVarP(&f.out, "out", "o", "", c.tr("保存模型的文件", "file to store the model in"))
	p.StringSliceVar(&f.o.Features, "features", nil, c.tr("特征列，逗号分隔（默认除标签与条件用列外全部）", "columns to learn from, comma separated (default: all but the label and those the conditions read)"))
	p.StringSliceVar(&f.read.Exclude, "exclude", nil, c.tr("不读取的列", "columns to leave out"))
	p.StringSliceVar(&f.read.Categorical, "categorical", nil, c.tr("写成数字但实为类别的列", "columns of categories that look like numbers"))
	p.StringSliceVar(&f.missing, "missing", workbench.DefaultMissing(), c.tr("空单元格之外表示缺失的写法", "texts of an absent value beside the empty cell"))
	p.StringSliceVar(&f.monotone, "monotone", nil, c.tr("方向：列:+（越大越险）或 列:-（越大越安全）", "directions: column:+ (riskier as it rises) or column:- (safer)"))
	f.boostFlags(cmd, c)
	f.cardFlags(cmd, c)
	return cmd
}

func (f *modelFlags) boostFlags(cmd *cobra.Command, c *cli) {
	p, b := cmd.Flags(), &f.o.Boost
	p.IntVar(&b.Trees, "trees", b.Trees, c.tr("树的棵数", "number of trees"))
	p.IntVar(&b.Depth, "depth", b.Depth, c.tr("树的最大深度", "largest depth of a tree"))
	p.Float64Var(&b.Eta, "eta", b.Eta, c.tr("学习率", "learning rate"))
	p.Float64Var(&b.Lambda, "lambda", b.Lambda, c.tr("L2 惩罚", "L2 penalty on leaves"))
	p.Float64Var(&b.Alpha, "alpha", b.Alpha, c.tr("L1 惩罚", "L1 penalty on leaves"))
	p.Float64Var(&b.Gamma, "gamma", b.Gamma, c.tr("分裂所需的最小增益", "gain that a split must bring"))
	p.Float64Var(&b.MinChildWeight, "min-child-weight", b.MinChildWeight, c.tr("子节点二阶导数之和的下限", "least sum of second derivatives in a child"))
	p.Float64Var(&b.Subsample, "subsample", b.Subsample, c.tr("每棵树抽取的行比例", "share of rows drawn for each tree"))
	p.Float64Var(&b.ColsampleTree, "colsample", b.ColsampleTree, c.tr("每棵树抽取的列比例", "share of columns drawn for each tree"))
	p.Float64Var(&b.ColsampleLevel, "colsample-level", b.ColsampleLevel, c.tr("每层抽取的列比例", "share of columns drawn for each level"))
	p.IntVar(&f.o.Bins, "bins", f.o.Bins, c.tr("每列的分箱数（2 至 256）", "bins of a column (2 to 256)"))
	p.StringVar(&f.posWeight, "pos-weight", "1", c.tr("坏样本的权重，或 balanced", "weight of a bad row, or balanced"))
	p.IntVar(&b.EarlyStop, "early-stop", 0, c.tr("验证指标多少轮无改善即停止（配合 --valid）", "rounds without a better figure that end the training (with --valid)"))
	p.StringVar((*string)(&b.Metric), "metric", string(b.Metric), c.tr("提前停止看的指标 logloss|auc", "figure that early stopping watches: logloss|auc"))
	p.Uint64Var(&b.Seed, "seed", b.Seed, c.tr("随机种子", "seed"))
	p.IntVar(&b.Workers, "threads", 0, c.tr("线程数（0 为全部核心；不影响结果）", "goroutines (0: all cores; never changes the model)"))
}

func (f *modelFlags) cardFlags(cmd *cobra.Command, c *cli) {
	p, s := cmd.Flags(), &f.o.Card
	p.StringVar(&f.breaks, "breaks", "", c.tr("评分卡的人工分箱（JSON：列名到切点或类别组）", "bins of a scorecard by hand (JSON: column to cuts or groups of categories)"))
	p.BoolVar(&f.all, "all", false, c.tr("评分卡使用全部列而不逐步筛选", "a scorecard uses every column instead of choosing step by step"))
	p.IntVar(&s.MaxBins, "max-bins", s.MaxBins, c.tr("评分卡每列最多箱数", "most bins of a scorecard's column"))
	p.IntVar(&s.MaxFeatures, "max-features", s.MaxFeatures, c.tr("评分卡最多特征数", "most columns of a scorecard"))
	p.Float64Var(&s.L2, "l2", s.L2, c.tr("评分卡回归的 L2 惩罚", "L2 penalty of a scorecard's regression"))
	p.Float64Var(&s.Shrink, "shrink", s.Shrink, c.tr("计算 WOE 前给每箱加入的平均样本数", "average rows added to a bin before its weight of evidence"))
	p.Float64Var(&s.Scaling.Points, "points", s.Scaling.Points, c.tr("基准分", "points at the base odds"))
	p.Float64Var(&s.Scaling.Odds, "odds", s.Scaling.Odds, c.tr("基准坏好比", "base odds of bad to good"))
	p.Float64Var(&s.Scaling.PDO, "pdo", s.Scaling.PDO, c.tr("坏好比减半所加的分", "points that halving the odds adds"))
}

// understand turns texts into options.
func (f *modelFlags) understand(c *cli) error {
	if f.data == "" || f.label == "" {
		return &usageError{errors.New(c.tr("--data 与 --label 必填", "--data and --label are required"))}
	}
	f.o.Label, f.o.Method, f.o.Card.Select, f.read.Missing = f.label, workbench.Method(f.method), !f.all, f.missing
	f.o.Monotone = map[string]int{}
	for _, text := range f.monotone {
		at := strings.LastIndexByte(text, ':')
		direction, ok := map[string]int{"+": 1, "-": -1}[text[at+1:]]
		if at < 1 || !ok {
			return &usageError{fmt.Errorf("--monotone %q: %s", text, c.tr("应为 列:+ 或 列:-", "expected column:+ or column:-"))}
		}
		f.o.Monotone[text[:at]] = direction
	}
	if f.o.Balanced = f.posWeight == "balanced"; !f.o.Balanced {
		w, err := strconv.ParseFloat(f.posWeight, 64)
		if err != nil {
			return &usageError{fmt.Errorf("--pos-weight %q: %s", f.posWeight, c.tr("应为数字或 balanced", "expected a number or balanced"))}
		}
		f.o.Boost.PosWeight = w
	}
	if f.breaks == "" {
		return nil
	}
	file, err := opened(f.breaks)
	if err != nil {
		return err
	}
	defer file.Close()
	f.o.Breaks, err = workbench.ReadBreaks(file)
	return err
}

// trained is what `model train` prints.
type trained struct {
	Method workbench.Method `json:"method"`
	workbench.Figures
	*workbench.Report
	Params  *boost.Params `json:"params,omitempty"`
	Seconds struct {
		Read  float64 `json:"read"`
		Train float64 `json:"train" doc:"binning, fitting and judging"`
	} `json:"seconds"`
	Model string `json:"model,omitempty"`
	Hash  string `json:"hash,omitempty"`
}

func (f *modelFlags) run(cmd *cobra.Command, c *cli) error {
	if err := f.understand(c); err != nil {
		return err
	}
	start := time.Now()
	table, err := workbench.ReadTable(openFile(f.data), f.read)
	if err != nil {
		return err
	}
	read := time.Now()
	m, err := workbench.Train(cmd.Context(), table, f.o)
	if err != nil {
		return err
	}
	out := trained{Method: m.Method, Figures: m.Report.Main(), Report: m.Report, Model: f.out}
	out.Seconds.Read, out.Seconds.Train = read.Sub(start).Seconds(), time.Since(read).Seconds()
	if m.Boost != nil {
		out.Params = m.Boost.Params
	}
	if f.out != "" {
		if err := writeWhole(f.out, func(w io.Writer) error {
			out.Hash, err = workbench.Save(w, m)
			return err
		}); err != nil {
			return err
		}
	}
	return printJSON(cmd.OutOrStdout(), out)
}

func openFile(name string) func() (io.ReadCloser, error) {
	return func() (io.ReadCloser, error) { return opened(name) }
}

// opened is os.Open with an error for people.
func opened(name string) (*os.File, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, unreachable(name, err)
	}
	return f, nil
}

func unreachable(name string, err error) error {
	problem, zh := err.Error(), err.Error()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		problem, zh = "there is no such file or folder", "文件或文件夹不存在"
	case errors.Is(err, fs.ErrPermission):
		problem, zh = "permission denied", "没有权限"
	}
	return fault.New(workbench.ReasonFile, "file", name, "problem", problem, "problem_zh", zh).Wrap(err)
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// writeWhole lets a file appear under its name only when it is complete.
func writeWhole(name string, write func(w io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*")
	if err != nil {
		return unreachable(name, err)
	}
	if err := errors.Join(write(f), f.Close()); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return os.Rename(f.Name(), name)
}
