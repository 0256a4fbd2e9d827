package assess

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"runtime/debug"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// flags are the texts of the command line before they are understood.
type flags struct {
	budget, minimum, maximum, lot                 string
	lgd, funding, minRate, maxRate, step, badRate string
	asOf                                          string
	out, json, html                               string
	firms, churn, model, saveModel                string
	purchases, sales                              []string
	quiet                                         bool
}

// Command is `capillary assess`, with its help in the given language ("zh" or "en").
func Command(lang string) *cobra.Command {
	tr := func(zh, en string) string {
		if lang == "zh" {
			return zh
		}
		return en
	}
	var f flags
	cmd := &cobra.Command{
		Use:   "assess DIR",
		Short: tr("对一个文件夹的企业与发票做评估：画像、评分、决策、定价、分配额度", "assess a folder of firms and invoices: profile, score, decide, price, divide a budget"),
		Long: tr(`读取文件夹中的企业信息、进项与销项发票（CSV、CSV.gz 或 XLSX，UTF-8 或 GB18030）以及利率与流失率表（CSV），
训练并交叉验证评分卡，逐户给出决策、额度与利率，在预算内求期望收益最大的分配，
并写出工作簿、JSON 与一页 HTML。不需要服务器和数据库。金额以元为单位。`,
			`Reads firms, purchase and sale invoices (CSV, CSV.gz or XLSX, UTF-8 or GB18030) and the table of rates and
churn (CSV) from a folder, trains and cross-validates a scorecard, gives each firm a decision, a limit and a
rate, divides the budget for the highest expected profit, and writes a workbook, JSON and one HTML page.
Needs no server and no database. Amounts are in yuan.`),
		Example: `  capillary assess ./data --budget 100000000 --out report.xlsx
  capillary assess ./data --budget 5000万 --min 10万 --max 100万 --funding 2% --lgd 45% --out report.xlsx
  capillary assess ./unlabelled --model card.json --budget 30000000 --html none --json -`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return f.run(cmd, args[0], lang)
		},
	}
	p := cmd.Flags()
	p.StringVar(&f.budget, "budget", "100000000", tr("总预算（元；可写 5000万、1亿）", "total budget in yuan"))
	p.StringVar(&f.minimum, "min", "100000", tr("每户最低金额（元）", "smallest amount of a firm in yuan"))
	p.StringVar(&f.maximum, "max", "1000000", tr("每户最高金额（元）", "largest amount of a firm in yuan"))
	p.StringVar(&f.lot, "lot", "10000", tr("金额单位（元）", "unit of an amount in yuan"))
	p.StringVar(&f.minRate, "min-rate", "4%", tr("最低年利率", "lowest yearly rate"))
	p.StringVar(&f.maxRate, "max-rate", "15%", tr("最高年利率", "highest yearly rate"))
	p.StringVar(&f.step, "rate-step", "0", tr("在流失率表的点之间按此步长插值（0 为只用表中的点）", "interpolate between the points of the churn table at this step (0: points only)"))
	p.StringVar(&f.lgd, "lgd", "45%", tr("违约损失率", "loss given default"))
	p.StringVar(&f.funding, "funding", "2%", tr("资金成本（优惠后）", "funding cost after discount"))
	p.StringVar(&f.badRate, "bad-rate", "0", tr("全体客群的违约率，用于校正样本（0 为样本自身）", "default rate of the whole book, to correct the sample (0: the sample's own)"))
	p.StringVar(&f.asOf, "as-of", "", tr("评估日，如 2020-02-21（默认为最新发票日期）", "date of the assessment (default: that of the newest invoice)"))
	p.StringVarP(&f.out, "out", "o", "assessment.xlsx", tr("工作簿文件", "workbook to write"))
	p.StringVar(&f.json, "json", "", tr("JSON 文件（默认与工作簿同名；none 不写，- 为标准输出）", "JSON to write (default: beside the workbook; none: not, -: standard output)"))
	p.StringVar(&f.html, "html", "", tr("HTML 文件（默认与工作簿同名；none 不写）", "HTML to write (default: beside the workbook; none: not)"))
	p.StringVar(&f.firms, "firms", "", tr("企业信息文件（默认按名称查找）", "firm file (default: found by its name)"))
	p.StringArrayVar(&f.purchases, "purchases", nil, tr("进项发票文件，可重复", "purchase invoice file, may repeat"))
	p.StringArrayVar(&f.sales, "sales", nil, tr("销项发票文件，可重复", "sale invoice file, may repeat"))
	p.StringVar(&f.churn, "churn", "", tr("利率与流失率表", "table of rates and churn"))
	p.StringVar(&f.model, "model", "", tr("使用已存的评分卡而不训练", "use a stored scorecard instead of training one"))
	p.StringVar(&f.saveModel, "save-model", "", tr("保存评分卡", "store the scorecard"))
	p.BoolVarP(&f.quiet, "quiet", "q", false, tr("不显示进度", "show no progress"))
	return cmd
}

func (f *flags) run(cmd *cobra.Command, dir, lang string) error {
	o, err := f.options(dir)
	if err != nil {
		return err
	}
	defer quietCollector()()
	progress := newProgress(cmd.ErrOrStderr(), lang)
	if !f.quiet {
		o.Progress = progress.show
	}
	started := time.Now()
	r, err := Run(cmd.Context(), o)
	progress.clear()
	if err != nil {
		return err
	}
	out := Outputs{XLSX: f.out, JSON: f.beside(f.json, ".json"), HTML: f.beside(f.html, ".html"), Lang: lang}
	if f.json == "-" {
		out.JSON = ""
		if err := writeJSON(cmd.OutOrStdout(), r); err != nil {
			return err
		}
	}
	o.tell("write", "写出报告", "Writing the reports", 0)
	if err := Write(cmd.Context(), r, out); err != nil {
		return err
	}
	if f.saveModel != "" {
		if err := SaveModel(f.saveModel, r.Model); err != nil {
			return err
		}
	}
	progress.clear()
	if !f.quiet {
		printSummary(cmd.ErrOrStderr(), r, out, lang, time.Since(started))
	}
	return nil
}

// beside derives the name of a further report from that of the workbook.
func (f *flags) beside(name, extension string) string {
	switch name {
	case "none":
		return ""
	case "":
		return strings.TrimSuffix(f.out, ".xlsx") + extension
	}
	return name
}

// Memory of a run on files: the collector rests until the heap reaches this, since the process ends
// soon and a run on hundreds of thousands of invoices stays far below.
const restingHeap = 320 << 20

// quietCollector rests the garbage collector and returns what restores it.
func quietCollector() func() {
	percent := debug.SetGCPercent(-1)
	limit := debug.SetMemoryLimit(restingHeap)
	return func() {
		debug.SetMemoryLimit(limit)
		debug.SetGCPercent(percent)
		runtime.GC()
	}
}

// options reads the texts; every wrong one is named.
func (f *flags) options(dir string) (Options, error) {
	o := DefaultOptions(dir)
	o.FirmFile, o.CurveFile, o.Purchases, o.Sales, o.ModelFile = f.firms, f.churn, f.purchases, f.sales, f.model
	var bad []error
	amount := func(flag, text string, out *int64) {
		v, err := parseYuan(text)
		if err != nil {
			bad = append(bad, fault.New(ReasonOption, "flag", flag, "value", text, "problem", "write yuan such as 1000000", "problem_zh", "写成 1000000、100万 或 1亿"))
		}
		*out = v
	}
	fraction := func(flag, text string) rate.Rate {
		v, err := rate.Parse(text)
		if err != nil || v < 0 || v > rate.Scale {
			bad = append(bad, fault.New(ReasonOption, "flag", flag, "value", text, "problem", "write 4.35% or 0.0435", "problem_zh", "写成 4.35% 或 0.0435"))
		}
		return v
	}
	amount("--budget", f.budget, &o.Terms.BudgetMinor)
	amount("--min", f.minimum, &o.Terms.MinMinor)
	amount("--max", f.maximum, &o.Terms.MaxMinor)
	amount("--lot", f.lot, &o.Terms.LotMinor)
	o.Terms.MinRate, o.Terms.MaxRate = fraction("--min-rate", f.minRate), fraction("--max-rate", f.maxRate)
	o.Terms.LGD, o.Terms.Funding, o.Terms.RateStep = fraction("--lgd", f.lgd), fraction("--funding", f.funding), fraction("--rate-step", f.step)
	o.Model.PriorBadRate = float64(fraction("--bad-rate", f.badRate)) / rate.Scale
	if f.asOf != "" {
		day, err := calendar.Parse(f.asOf)
		if err != nil {
			bad = append(bad, fault.New(ReasonOption, "flag", "--as-of", "value", f.asOf, "problem", "write 2020-02-21", "problem_zh", "写成 2020-02-21"))
		}
		o.AsOf = day
	}
	return o, fault.Join(bad...)
}

// parseYuan reads an amount with the units people write: 万 and 亿.
func parseYuan(text string) (int64, error) {
	plain := strings.ReplaceAll(strings.TrimSuffix(strings.TrimSpace(text), "元"), ",", "")
	factor := int64(1)
	for unit, n := range map[string]int64{"万": 10_000, "亿": 100_000_000} {
		if number, found := strings.CutSuffix(plain, unit); found {
			plain, factor = number, n
		}
	}
	minor, err := money.ParseMinor(plain, 2)
	if err != nil {
		return 0, err
	}
	return money.MulDiv(minor, factor, 1, money.HalfUp)
}

// progress draws one line on a terminal and, elsewhere, one line per stage.
type progress struct {
	w        io.Writer
	lang     string
	terminal bool
	stage    string
	drawn    time.Time
	mu       sync.Mutex // events come from several files at once
}

func newProgress(w io.Writer, lang string) *progress {
	p := &progress{w: w, lang: lang}
	if f, ok := w.(*os.File); ok {
		info, err := f.Stat()
		p.terminal = err == nil && info.Mode()&os.ModeCharDevice != 0
	}
	return p
}

// redrawEvery keeps the terminal from being the slowest part.
const redrawEvery = 60 * time.Millisecond

func (p *progress) show(e Event) {
	p.mu.Lock()
	defer p.mu.Unlock()
	name := e.En
	if p.lang == "zh" {
		name = e.Zh
	}
	now := time.Now()
	fresh := e.Stage != p.stage
	if !fresh && (!p.terminal || now.Sub(p.drawn) < redrawEvery && e.Done < e.Total) {
		return
	}
	p.stage, p.drawn = e.Stage, now
	if !p.terminal {
		fmt.Fprintf(p.w, "%s…\n", name)
		return
	}
	text := name + "…"
	if e.Unit == "B" && e.Total > 0 {
		const cells = 30
		full := int(min(e.Done, e.Total) * cells / e.Total)
		text = fmt.Sprintf("%s [%s%s] %3d%%  %.1f / %.1f MB", name, strings.Repeat("█", full), strings.Repeat("·", cells-full),
			min(e.Done, e.Total)*100/e.Total, float64(e.Done)/1e6, float64(e.Total)/1e6)
	} else if e.Total > 0 {
		text = fmt.Sprintf("%s… (%d)", name, e.Total)
	}
	fmt.Fprintf(p.w, "\r\033[K%s", text)
}

// clear removes the line from the terminal.
func (p *progress) clear() {
	if p.terminal && p.stage != "" {
		fmt.Fprint(p.w, "\r\033[K")
	}
	p.stage = ""
}

func printSummary(w io.Writer, r *Result, out Outputs, lang string, took time.Duration) {
	for _, l := range summary(r) {
		name, note := l.en, l.noteEn
		if lang == "zh" {
			name, note = l.zh, l.noteZh
		}
		fmt.Fprintf(w, "%s%s%s  %s\n", name, strings.Repeat(" ", max(1, 34-cellsOf(name))), shown(l.value), note)
	}
	written := "written"
	if lang == "zh" {
		written = "已写出"
	}
	for _, path := range []string{out.XLSX, out.JSON, out.HTML} {
		if path != "" {
			fmt.Fprintf(w, "%s %s\n", written, path)
		}
	}
	fmt.Fprintf(w, "%.2f s\n", took.Seconds())
}

// cellsOf is the width of a text on a terminal.
func cellsOf(s string) int {
	n := 0
	for _, r := range s {
		if n++; r >= 0x2E80 {
			n++
		}
	}
	return n
}
