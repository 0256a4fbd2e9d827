package assess

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strconv"

	"github.com/capillary-finance/capillary/internal/credit/pricing"
	"github.com/capillary-finance/capillary/internal/insight/scorecard"
)

// figure is one chart of the page with its caption.
type figure struct {
	Title both
	Note  both
	SVG   template.HTML
}

// Zh and En serve the template.
func (b both) Zh() string { return b.zh }

// En is the English text.
func (b both) En() string { return b.en }

func figures(r *Result) []figure {
	out := []figure{budgetFigure(r), lossFigure(r), baselineFigure(r), rateFigure(r), groundFigure(r)}
	if r.Validation != nil {
		out = append(out, rocFigure(r.Validation), calibrationFigure(r.Validation), foldFigure(r.Validation))
	}
	return append(out, scoreFigure(r))
}

func budgetFigure(r *Result) figure {
	s := frontierSeries(r.Frontier.ByBudget, func(p pricing.Point) float64 { return float64(p.BudgetMinor) })
	here := series{class: "c2", name: both{"本次预算", "this budget"}, dots: true, x: []float64{float64(r.Book.BudgetMinor)}, y: []float64{float64(r.Book.ProfitMinor)}, radius: []float64{6}}
	title := both{"有效前沿：期望收益与预算", "Efficient frontier: expected profit by budget"}
	return figure{title, both{
		fmt.Sprintf("影子价格 %.4f：再多一元预算带来的期望收益", r.Book.ShadowPrice),
		fmt.Sprintf("Shadow price %.4f: the expected profit of one more yuan of budget", r.Book.ShadowPrice),
	}, plot(title, axis{both{"预算（万元）", "budget (10,000 yuan)"}, 0, spanOf(s.x, here.x), asWan}, profitAxis(s.y, here.y), s, here)}
}

func lossFigure(r *Result) figure {
	s := frontierSeries(r.Frontier.ByLoss, func(p pricing.Point) float64 { return float64(p.LossMinor) })
	here := series{class: "c2", name: both{"本次分配", "this book"}, dots: true, x: []float64{float64(r.Book.LossMinor)}, y: []float64{float64(r.Book.ProfitMinor)}, radius: []float64{6}}
	title := both{"有效前沿：期望收益与预期损失", "Efficient frontier: expected profit by expected loss"}
	return figure{title, both{"预算不变，逐步提高对损失的厌恶", "at the same budget, with a rising aversion to loss"},
		plot(title, axis{both{"预期损失（万元）", "expected loss (10,000 yuan)"}, 0, spanOf(s.x, here.x), asWan}, profitAxis(s.y, here.y), s, here)}
}

func frontierSeries(points []pricing.Point, x func(pricing.Point) float64) series {
	s := series{class: "c1", line: true, dots: true}
	for _, p := range points {
		s.x, s.y = append(s.x, x(p)), append(s.y, float64(p.ProfitMinor))
		text := fmt.Sprintf("%s · %s", yuan(int64(x(p))), yuan(p.ProfitMinor))
		s.tips = append(s.tips, both{text, strconv.Itoa(p.Firms) + " firms"})
	}
	return s
}

func profitAxis(values ...[]float64) axis {
	return axis{both{"期望收益（万元）", "expected profit (10,000 yuan)"}, 0, spanOf(values...), asWan}
}

// spanOf is a little above the largest value, and never zero.
func spanOf(values ...[]float64) float64 {
	top := 0.0
	for _, v := range values {
		for _, x := range v {
			top = math.Max(top, x)
		}
	}
	if top == 0 {
		return 1
	}
	return top * 1.06
}

func baselineFigure(r *Result) figure {
	title := both{"与基准相比的期望收益（元）", "Expected profit against the baselines (yuan)"}
	var all []bar
	for i, b := range append([]pricing.Book{r.Book}, r.Baselines...) {
		zh, en := methodName(b.Method)
		all = append(all, bar{both{zh, en}, float64(b.ProfitMinor), yuan(b.ProfitMinor), []string{"c1", "c4", "c3"}[min(i, 2)]})
	}
	return figure{title, both{"同一预算、同一上下限、同一利率表", "same budget, bounds and table of rates"}, bars(title, all)}
}

func rateFigure(r *Result) figure {
	title := both{"利率与违约概率，圆的面积为金额", "Rate by probability of default; the area is the amount"}
	byGrade := map[string]*series{}
	var order []string
	top := 0.0
	for i := range r.Firms {
		l := r.Firms[i].Line
		if l == nil || l.AmountMinor == 0 {
			continue
		}
		s := byGrade[l.Grade]
		if s == nil {
			s = &series{name: both{l.Grade + " 级", "grade " + l.Grade}, dots: true}
			byGrade[l.Grade] = s
			order = append(order, l.Grade)
		}
		top = math.Max(top, l.PD)
		s.x, s.y = append(s.x, l.PD), append(s.y, float64(l.Rate)/1e8)
		s.radius = append(s.radius, 2+6*math.Sqrt(float64(l.AmountMinor)/float64(max(1, r.Terms.MaxMinor))))
		text := l.ID + " · " + yuan(l.AmountMinor) + " · " + l.Rate.Percent()
		s.tips = append(s.tips, both{text, "PD " + percent(l.PD)})
	}
	slices.Sort(order)
	all := make([]series, len(order))
	for i, g := range order {
		all[i] = *byGrade[g]
		all[i].class = []string{"c3", "c1", "c4", "c2"}[i%4]
	}
	return figure{title, both{"利率由优化器按流失率表为每户选择", "the optimiser picks each firm's rate from the churn table"}, plot(title,
		axis{both{"违约概率", "probability of default"}, 0, math.Max(0.01, top*1.06), asPercent}, axis{both{"年利率", "yearly rate"}, 0, float64(r.Terms.MaxRate) / 1e8 * 1.06, asPercent}, all...)}
}

func groundFigure(r *Result) figure {
	title := both{"未通过的理由（一户可有多条）", "Grounds of refusal and referral (a firm may have several)"}
	names := map[string]both{
		"known_default": {"已知违约", "known default"}, "grade": {"等级不可贷", "grade not lent to"}, "sales_silence": {"断票", "silence of sales"}, "void_rate": {"作废率高", "void rate"},
		"circular_trade": {"循环交易", "circular trade"}, "limit_too_small": {"额度过小", "limit too small"}, scorecard.ThinFileCode: {"资料不足", "thin file"},
	}
	counts := map[string]int{}
	var order []string
	for i := range r.Firms {
		for _, g := range r.Firms[i].Decision.Grounds {
			if counts[g.Code] == 0 {
				order = append(order, g.Code)
			}
			counts[g.Code]++
		}
	}
	approved, declined, referred := outcomes(r)
	all := []bar{{both{"通过", "approved"}, float64(approved), strconv.FormatInt(approved, 10), "c3"}}
	for _, code := range order {
		all = append(all, bar{names[code], float64(counts[code]), strconv.Itoa(counts[code]), "c4"})
	}
	return figure{title, both{
		fmt.Sprintf("通过 %d，拒绝 %d，转人工 %d", approved, declined, referred), fmt.Sprintf("%d approved, %d declined, %d referred", approved, declined, referred),
	}, bars(title, all)}
}

func rocFigure(v *scorecard.Validation) figure {
	title := both{"ROC（持出预测）", "ROC of held-out predictions"}
	s := series{class: "c1", line: true}
	for _, p := range scorecard.ROC(v.Predictions()) {
		s.x, s.y = append(s.x, p.GoodShare), append(s.y, p.BadShare)
	}
	even := series{class: "c5", line: true, x: []float64{0, 1}, y: []float64{0, 1}}
	return figure{title, both{
		fmt.Sprintf("AUC 均值 %.3f（标准差 %.3f），KS %.3f，%d×%d 折", v.AUC.Mean, v.AUC.Std, v.KS.Mean, v.Repeats, v.FoldCount),
		fmt.Sprintf("mean AUC %.3f (std %.3f), KS %.3f, %dx%d folds", v.AUC.Mean, v.AUC.Std, v.KS.Mean, v.Repeats, v.FoldCount),
	}, plot(title, axis{both{"好企业被判为坏的比例", "share of good firms"}, 0, 1, asPercent}, axis{both{"坏企业被识别的比例", "share of bad firms found"}, 0, 1, asPercent}, even, s)}
}

func calibrationFigure(v *scorecard.Validation) figure {
	title := both{"校准（持出预测）", "Calibration of held-out predictions"}
	s := series{class: "c1", line: true, dots: true}
	for _, b := range scorecard.Calibration(v.Predictions(), calibrationGroups) {
		s.x, s.y = append(s.x, b.Predicted), append(s.y, b.Observed)
		s.tips = append(s.tips, both{strconv.Itoa(b.Count) + " 家", strconv.Itoa(b.Count) + " firms"})
	}
	even := series{class: "c5", line: true, x: []float64{0, 1}, y: []float64{0, 1}}
	return figure{title, both{fmt.Sprintf("斜率 %.2f（已并入模型）", v.Slope), fmt.Sprintf("slope %.2f, already inside the model", v.Slope)},
		plot(title, axis{both{"预测违约概率", "predicted"}, 0, 1, asPercent}, axis{both{"实际违约率", "observed"}, 0, 1, asPercent}, even, s)}
}

func foldFigure(v *scorecard.Validation) figure {
	title := both{"各折 AUC 的分布", "Distribution of the AUC over the folds"}
	low := min(0.9, math.Floor(v.AUC.Min*20)/20)
	bins, counts := []float64{}, []float64{}
	for b := low; b < 1-1e-9; b += 0.05 {
		bins, counts = append(bins, b), append(counts, 0)
	}
	for _, f := range v.Folds {
		if k := int((f.AUC-low)/0.05 + 1e-9); k >= 0 {
			counts[min(k, len(counts)-1)]++
		}
	}
	return figure{title, both{fmt.Sprintf("5%%–95%%：%.3f–%.3f", v.AUC.P05, v.AUC.P95), fmt.Sprintf("5%%-95%%: %.3f-%.3f", v.AUC.P05, v.AUC.P95)},
		columnsOf(title, axis{both{"AUC", "AUC"}, low, 1, asNumber}, both{"折数", "folds"}, bins, 0.05, series{class: "c1", y: counts})}
}

func scoreFigure(r *Result) figure {
	title := both{"评分分布", "Distribution of the scores"}
	low, high := math.Inf(1), math.Inf(-1)
	for i := range r.Firms {
		p := float64(r.Firms[i].Score.Points)
		low, high = math.Min(low, p), math.Max(high, p)
	}
	const width = 25.0
	low, high = math.Floor(low/width)*width, math.Floor(high/width+1)*width
	n := int((high - low) / width)
	bins, good, bad := make([]float64, n), make([]float64, n), make([]float64, n)
	for k := range bins {
		bins[k] = low + width*float64(k)
	}
	for i := range r.Firms {
		k := min(n-1, int((float64(r.Firms[i].Score.Points)-low)/width))
		if r.Firms[i].Defaulted {
			bad[k]++
		} else {
			good[k]++
		}
	}
	return figure{title, both{"分高者险低", "a higher score is a lower risk"}, columnsOf(title, axis{both{"评分", "score"}, low, high, asNumber}, both{"企业数", "firms"}, bins, width,
		series{class: "c1", name: both{"未违约", "no default"}, y: good}, series{class: "c4", name: both{"违约", "default"}, y: bad})}
}

// columnsOf sets the height of the axis by the tallest stack.
func columnsOf(title both, x axis, yTitle both, bins []float64, width float64, stacks ...series) template.HTML {
	sums := make([]float64, len(bins))
	for _, s := range stacks {
		for i, v := range s.y {
			sums[i] += v
		}
	}
	return columns(title, x, axis{yTitle, 0, spanOf(sums), asNumber}, bins, width, stacks...)
}
