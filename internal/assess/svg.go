package assess

import (
	"fmt"
	"html/template"
	"math"
	"strconv"
	"strings"
)

// The charts are plain SVG with colours from the page's style sheet, so that they follow light and
// dark and need no script. Texts stand in both languages; the page shows one.

// both is a text in two languages.
type both struct{ zh, en string }

func same(s string) both { return both{s, s} }

// axis is one side of a chart.
type axis struct {
	title    both
	min, max float64
	format   func(float64) string
}

// series is one line or cloud of points.
type series struct {
	class  string
	name   both
	x, y   []float64
	radius []float64 // nil: 3
	line   bool
	dots   bool
	tips   []both // one per point
}

const (
	chartWidth  = 520.0
	chartHeight = 300.0
	padLeft     = 62.0
	padRight    = 16.0
	padTop      = 26.0
	padBottom   = 44.0
)

// canvas builds one SVG.
type canvas struct {
	b    strings.Builder
	x, y axis
}

func newCanvas(title both, x, y axis) *canvas {
	c := &canvas{x: x, y: y}
	fmt.Fprintf(&c.b, `<svg viewBox="0 0 %g %g" role="img" aria-label="%s">`, chartWidth, chartHeight, template.HTMLEscapeString(title.zh+" / "+title.en))
	return c
}

func (c *canvas) px(v float64) float64 {
	return padLeft + (v-c.x.min)/(c.x.max-c.x.min)*(chartWidth-padLeft-padRight)
}

func (c *canvas) py(v float64) float64 {
	return chartHeight - padBottom - (v-c.y.min)/(c.y.max-c.y.min)*(chartHeight-padTop-padBottom)
}

// text writes one text, or two when the languages differ.
func (c *canvas) text(x, y float64, class, anchor string, t both) {
	put := func(lang, s string) {
		fmt.Fprintf(&c.b, `<text x="%.1f" y="%.1f" class="%s" text-anchor="%s">%s</text>`, x, y, strings.TrimSpace(class+" "+lang), anchor, template.HTMLEscapeString(s))
	}
	if t.zh == t.en {
		put("", t.zh)
		return
	}
	put("zh", t.zh)
	put("en", t.en)
}

func (c *canvas) frame() {
	for _, v := range ticks(c.y.min, c.y.max) {
		y := c.py(v)
		fmt.Fprintf(&c.b, `<line x1="%g" x2="%g" y1="%.1f" y2="%.1f" class="grid"/>`, padLeft, chartWidth-padRight, y, y)
		c.text(padLeft-6, y+4, "tick", "end", same(c.y.format(v)))
	}
	if c.x.format != nil {
		for _, v := range ticks(c.x.min, c.x.max) {
			c.text(c.px(v), chartHeight-padBottom+16, "tick", "middle", same(c.x.format(v)))
		}
	}
	fmt.Fprintf(&c.b, `<line x1="%g" x2="%g" y1="%g" y2="%g" class="axis"/>`, padLeft, chartWidth-padRight, chartHeight-padBottom, chartHeight-padBottom)
	c.text(padLeft+(chartWidth-padLeft-padRight)/2, chartHeight-8, "title", "middle", c.x.title)
	c.text(6, 14, "title", "start", c.y.title)
}

// ticks are four to nine round values that cover the span.
func ticks(low, high float64) []float64 {
	if !(high > low) {
		return []float64{low}
	}
	step := math.Pow(10, math.Floor(math.Log10((high-low)/4)))
	for _, m := range []float64{1, 2, 2.5, 5, 10} {
		if (high-low)/(step*m) <= 6+1e-9 {
			step *= m
			break
		}
	}
	var out []float64
	for k := math.Ceil(low/step - 1e-9); k*step <= high+step*1e-9; k++ {
		out = append(out, k*step+0) // adding zero turns -0 into 0
	}
	return out
}

func (c *canvas) draw(s series) {
	if s.line && len(s.x) > 1 {
		var points []string
		for i := range s.x {
			points = append(points, fmt.Sprintf("%.1f,%.1f", c.px(s.x[i]), c.py(s.y[i])))
		}
		fmt.Fprintf(&c.b, `<polyline points="%s" class="line %s"/>`, strings.Join(points, " "), s.class)
	}
	for i := range s.x {
		if !s.dots {
			break
		}
		radius := 3.0
		if s.radius != nil {
			radius = s.radius[i]
		}
		fmt.Fprintf(&c.b, `<circle cx="%.1f" cy="%.1f" r="%.1f" class="dot %s">`, c.px(s.x[i]), c.py(s.y[i]), radius, s.class)
		if s.tips != nil {
			fmt.Fprintf(&c.b, `<title>%s</title>`, template.HTMLEscapeString(s.tips[i].zh+" / "+s.tips[i].en))
		}
		c.b.WriteString(`</circle>`)
	}
}

// legend names the series in a row at the top right, each dot behind its name.
func (c *canvas) legend(all []series) {
	x := chartWidth - padRight
	for i := len(all) - 1; i >= 0; i-- {
		s := all[i]
		if s.name == (both{}) {
			continue
		}
		fmt.Fprintf(&c.b, `<circle cx="%.1f" cy="10" r="4" class="dot %s"/>`, x-4, s.class)
		c.text(x-12, 14, "tick", "end", s.name)
		x -= 26 + max(textWidth(s.name.zh), textWidth(s.name.en))
	}
}

// textWidth guesses the width of a small text: a Chinese character is about twice a Latin one.
func textWidth(s string) float64 {
	w := 0.0
	for _, r := range s {
		if r < 0x2E80 {
			w += 6
		} else {
			w += 11.5
		}
	}
	return w
}

func (c *canvas) html() template.HTML {
	c.b.WriteString("</svg>")
	return template.HTML(c.b.String()) //nolint:gosec // every text went through HTMLEscapeString
}

// plot draws lines and points on two axes.
func plot(title both, x, y axis, all ...series) template.HTML {
	c := newCanvas(title, x, y)
	c.frame()
	for _, s := range all {
		c.draw(s)
	}
	c.legend(all)
	return c.html()
}

// bar is one bar of a bar chart.
type bar struct {
	name  both
	value float64
	shown string
	class string
}

// bars draws horizontal bars with their names to the left.
func bars(title both, all []bar) template.HTML {
	const left, row = 190.0, 30.0
	var b strings.Builder
	height := row*float64(len(all)) + 10
	fmt.Fprintf(&b, `<svg viewBox="0 0 %g %g" role="img" aria-label="%s">`, chartWidth, height, template.HTMLEscapeString(title.zh+" / "+title.en))
	c := &canvas{}
	top := 0.0
	for _, x := range all {
		top = math.Max(top, x.value)
	}
	for i, x := range all {
		y := row*float64(i) + 8
		width := 0.0
		if top > 0 {
			width = math.Max(0, x.value/top) * (chartWidth - left - 100)
		}
		c.text(left-8, y+15, "tick", "end", x.name)
		fmt.Fprintf(&c.b, `<rect x="%g" y="%.1f" width="%.1f" height="20" rx="3" class="bar %s"/>`, left, y, width, x.class)
		c.text(left+width+6, y+15, "tick", "start", same(x.shown))
	}
	b.WriteString(c.b.String())
	b.WriteString("</svg>")
	return template.HTML(b.String()) //nolint:gosec // every text went through HTMLEscapeString
}

// columns draws stacked vertical bars over bins.
func columns(title both, x, y axis, bins []float64, width float64, stacks ...series) template.HTML {
	c := newCanvas(title, x, y)
	c.frame()
	base := make([]float64, len(bins))
	for _, s := range stacks {
		for i, v := range s.y {
			if v == 0 {
				continue
			}
			x0, x1 := c.px(bins[i]), c.px(bins[i]+width)
			y0, y1 := c.py(base[i]), c.py(base[i]+v)
			fmt.Fprintf(&c.b, `<rect x="%.1f" y="%.1f" width="%.1f" height="%.1f" class="bar %s"/>`, x0+1, y1, x1-x0-2, y0-y1, s.class)
			base[i] += v
		}
	}
	c.legend(stacks)
	return c.html()
}

// short writes a number of a scale without the dust of binary fractions.
func short(v float64) string {
	return strconv.FormatFloat(math.Round(v*1e6)/1e6+0, 'f', -1, 64)
}

func asPercent(v float64) string { return short(v*100) + "%" }

// asWan writes fen as units of ten thousand yuan.
func asWan(v float64) string { return short(v / 1_000_000) }

func asNumber(v float64) string { return short(v) }
