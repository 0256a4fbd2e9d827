package model

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"

	"github.com/capillary-finance/capillary/internal/insight/scorecard"
)

// The plots are drawn as SVG text: a report is one file that needs no network and prints well.

const (
	plotWidth  = 420
	plotHeight = 318
	plotLeft   = 52
	plotRight  = 14
	plotTop    = 32
	plotBottom = 46
)

// plot draws onto a unit square scaled to [0, maxX] x [0, maxY].
type plot struct {
	b          strings.Builder
	maxX, maxY float64
}

func newPlot(title, xLabel, yLabel string, maxX, maxY float64, xTick, yTick func(float64) string) *plot {
	p := &plot{maxX: maxX, maxY: maxY}
	fmt.Fprintf(&p.b, `<svg role="img" aria-label="%s" viewBox="0 0 %d %d" width="%d" height="%d" font-size="11" font-family="system-ui,sans-serif">`,
		template.HTMLEscapeString(title), plotWidth, plotHeight, plotWidth, plotHeight)
	fmt.Fprintf(&p.b, `<title>%s</title><text x="%d" y="16" class="title">%s</text>`, template.HTMLEscapeString(title), plotLeft, template.HTMLEscapeString(title))
	for i := range 6 {
		share := float64(i) / 5
		x, y := p.x(share*maxX), p.y(share*maxY)
		fmt.Fprintf(&p.b, `<line x1="%.1f" y1="%d" x2="%.1f" y2="%d" class="grid"/><text x="%.1f" y="%d" text-anchor="middle">%s</text>`,
			x, plotTop, x, plotHeight-plotBottom, x, plotHeight-plotBottom+15, xTick(share*maxX))
		fmt.Fprintf(&p.b, `<line x1="%d" y1="%.1f" x2="%d" y2="%.1f" class="grid"/><text x="%d" y="%.1f" text-anchor="end">%s</text>`,
			plotLeft, y, plotWidth-plotRight, y, plotLeft-5, y+4, yTick(share*maxY))
	}
	fmt.Fprintf(&p.b, `<text x="%d" y="%d" text-anchor="middle">%s</text>`, (plotLeft+plotWidth-plotRight)/2, plotHeight-10, template.HTMLEscapeString(xLabel))
	fmt.Fprintf(&p.b, `<text x="13" y="%d" text-anchor="middle" transform="rotate(-90 13 %d)">%s</text>`, (plotHeight-plotBottom+plotTop)/2, (plotHeight-plotBottom+plotTop)/2,
		template.HTMLEscapeString(yLabel))
	return p
}

func (p *plot) x(v float64) float64 {
	return plotLeft + v/p.maxX*(plotWidth-plotLeft-plotRight)
}

func (p *plot) y(v float64) float64 {
	return plotHeight - plotBottom - v/p.maxY*(plotHeight-plotTop-plotBottom)
}

func (p *plot) line(class string, points [][2]float64) {
	p.b.WriteString(`<polyline fill="none" class="` + class + `" points="`)
	for _, q := range points {
		fmt.Fprintf(&p.b, "%.1f,%.1f ", p.x(q[0]), p.y(q[1]))
	}
	p.b.WriteString(`"/>`)
}

func (p *plot) dot(class string, x, y, radius float64, title string) {
	fmt.Fprintf(&p.b, `<circle class="%s" cx="%.1f" cy="%.1f" r="%.1f"><title>%s</title></circle>`, class, p.x(x), p.y(y), radius, template.HTMLEscapeString(title))
}

func (p *plot) bar(class string, x0, x1, y float64, title string) {
	fmt.Fprintf(&p.b, `<rect class="%s" x="%.1f" y="%.1f" width="%.1f" height="%.1f"><title>%s</title></rect>`, class, p.x(x0), p.y(y), p.x(x1)-p.x(x0), p.y(0)-p.y(y),
		template.HTMLEscapeString(title))
}

func (p *plot) note(x, y float64, text string) {
	fmt.Fprintf(&p.b, `<text x="%.1f" y="%.1f" class="note">%s</text>`, p.x(x), p.y(y), template.HTMLEscapeString(text))
}

func (p *plot) done() template.HTML {
	p.b.WriteString(`</svg>`)
	return template.HTML(p.b.String()) //nolint:gosec // every text in it was escaped above
}

func percent(v float64) string { return fmt.Sprintf("%.0f%%", v*100) }
func whole(v float64) string   { return fmt.Sprintf("%.0f", v) }

func rocPlot(w words, roc []scorecard.ROCPoint, auc float64) template.HTML {
	p := newPlot(w("ROC 曲线", "ROC curve"), w("好企业被判为高风险的比例", "share of good firms flagged"), w("违约企业被识别的比例", "share of bad firms caught"), 1, 1, percent, percent)
	p.line("chance", [][2]float64{{0, 0}, {1, 1}})
	var line [][2]float64
	for _, q := range roc {
		line = append(line, [2]float64{q.GoodShare, q.BadShare})
	}
	p.line("main", line)
	p.note(0.55, 0.1, fmt.Sprintf("AUC = %.3f", auc))
	return p.done()
}

// ksPlot places each step at the share of firms at or above its threshold.
func ksPlot(w words, roc []scorecard.ROCPoint, badRate float64) template.HTML {
	p := newPlot(w("KS 曲线", "KS plot"), w("按违约概率从高到低的企业比例", "share of firms, riskiest first"), w("累计比例", "cumulative share"), 1, 1, percent, percent)
	var bad, good [][2]float64
	var best scorecard.ROCPoint
	var at float64
	for _, q := range roc {
		x := badRate*q.BadShare + (1-badRate)*q.GoodShare
		bad, good = append(bad, [2]float64{x, q.BadShare}), append(good, [2]float64{x, q.GoodShare})
		if math.Abs(q.BadShare-q.GoodShare) > math.Abs(best.BadShare-best.GoodShare) {
			best, at = q, x
		}
	}
	p.line("bad", bad)
	p.line("good", good)
	p.line("gap", [][2]float64{{at, best.GoodShare}, {at, best.BadShare}})
	p.note(min(at+0.02, 0.55), (best.GoodShare+best.BadShare)/2, fmt.Sprintf("KS = %.3f · PD %.1f%%", math.Abs(best.BadShare-best.GoodShare), best.Threshold*100))
	return p.done()
}

func calibrationPlot(w words, bins []scorecard.CalibrationBin) template.HTML {
	top := 0.1
	for _, b := range bins {
		top = max(top, b.Predicted, b.Observed)
	}
	top = min(1, math.Ceil(top*10)/10)
	p := newPlot(w("校准", "Calibration"), w("预测违约率（留出）", "predicted default rate (held out)"), w("实际违约率", "observed default rate"), top, top, percent, percent)
	p.line("chance", [][2]float64{{0, 0}, {top, top}})
	for _, b := range bins {
		p.dot("point", min(b.Predicted, top), min(b.Observed, top), 3+math.Sqrt(float64(b.Count)), fmt.Sprintf("%d / %d", b.Bads, b.Count))
	}
	return p.done()
}

func decilePlot(w words, bins []scorecard.CalibrationBin) template.HTML {
	p := newPlot(w("十分位违约率", "Default rate by tenth"), w("按预测违约率升序的十分位", "tenths by rising predicted default rate"), w("实际违约率", "observed default rate"),
		float64(max(len(bins), 1)), 1, whole, percent)
	for i, b := range bins {
		p.bar("bars", float64(i)+0.12, float64(i)+0.88, b.Observed, fmt.Sprintf("%d / %d, PD %.1f%%-%.1f%%", b.Bads, b.Count, b.MinPD*100, b.MaxPD*100))
		p.dot("bad-dot", float64(i)+0.5, b.Predicted, 3, fmt.Sprintf("%.1f%%", b.Predicted*100))
	}
	return p.done()
}

func foldPlot(w words, folds []scorecard.Fold) template.HTML {
	const width = 0.05
	counts := make([]int, int(1/width)+1)
	for _, f := range folds {
		counts[min(int(f.AUC/width), len(counts)-2)]++
	}
	top := float64((slices.Max(counts) + 4) / 5 * 5)
	p := newPlot(w("各折 AUC 分布", "AUC of the folds"), "AUC", w("折数", "folds"), 1, top, func(v float64) string { return fmt.Sprintf("%.1f", v) }, whole)
	for i, c := range counts {
		if c > 0 {
			p.bar("bars", float64(i)*width+0.004, float64(i+1)*width-0.004, float64(c), fmt.Sprintf("%.2f-%.2f: %d", float64(i)*width, float64(i+1)*width, c))
		}
	}
	return p.done()
}
