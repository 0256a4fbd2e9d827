package assess

import (
	_ "embed"
	"html/template"
	"io"
	"strconv"
	"sync"

	"github.com/capillary-finance/capillary/internal/insight/feature"
	"github.com/capillary-finance/capillary/internal/insight/scorecard"
)

//go:embed report.html
var pageText string

// page is parsed when it is first needed, so that other commands do not pay for it.
var page = sync.OnceValue(func() *template.Template {
	return template.Must(template.New("report").Parse(pageText))
})

// The types below are what the template sees: texts only, no rules.
type (
	pageData struct {
		Lang    string
		AsOf    string
		Tiles   []tile
		Files   []fileLine
		Figures []figure
		Card    []cardLine
		Firms   []firmLine
		Summary []tile
	}
	tile struct {
		Name  both
		Value string
		Note  both
	}
	fileLine struct {
		Name      string
		Direction both
		Counts    []string
		Errors    []errorLine
		More      int64
	}
	errorLine struct {
		Line   int64
		Text   both
		Remedy both
	}
	cardLine struct {
		Name, Bound            both
		Good, Bad, Points, WOE string
		First                  bool
		Span                   int
	}
	firmLine struct {
		Code, Name, Points, PD, Grade string
		Outcome                       string
		OutcomeName                   both
		Why                           []both
		Limit, Amount, Rate, Profit   string
	}
)

func writeHTML(w io.Writer, r *Result, lang string) error {
	d := pageData{Lang: "zh", AsOf: r.AsOf.String(), Tiles: tiles(r), Files: fileLines(r), Figures: figures(r), Card: cardLines(r.Model), Firms: firmLines(r)}
	if lang == "en" {
		d.Lang = "en"
	}
	for _, l := range summary(r) {
		d.Summary = append(d.Summary, tile{both{l.zh, l.en}, shown(l.value), both{l.noteZh, l.noteEn}})
	}
	return page().Execute(w, d)
}

// shown writes a summary value as text.
func shown(v any) string {
	switch x := v.(type) {
	case yuanCell:
		return yuan(int64(x))
	case figureCell:
		return strconv.FormatFloat(float64(x), 'f', 4, 64)
	case int64:
		return group(x)
	case interface{ Percent() string }:
		return x.Percent()
	case string:
		return x
	}
	return ""
}

func group(n int64) string { return yuan(n * 100) }

func tiles(r *Result) []tile {
	approved, _, _ := outcomes(r)
	t := totals(r)
	out := []tile{
		{both{"企业", "Firms"}, group(int64(len(r.Firms))), both{group(approved) + " 家通过", group(approved) + " approved"}},
		{both{"发票", "Invoices"}, group(t.Rows), both{group(t.Void) + " 作废，" + group(t.Rejected) + " 有误", group(t.Void) + " void, " + group(t.Rejected) + " rejected"}},
	}
	if v := r.Validation; v != nil {
		value := strconv.FormatFloat(v.AUC.Mean, 'f', 3, 64)
		spread := strconv.FormatFloat(v.AUC.Std, 'f', 3, 64)
		out = append(out, tile{both{"AUC（持出）", "AUC, held out"}, value, both{"标准差 " + spread, "std " + spread}})
	}
	b := &r.Book
	return append(out,
		tile{both{"已分配（元）", "Allocated (yuan)"}, yuan(b.AmountMinor), both{"预算 " + yuan(b.BudgetMinor), "of " + yuan(b.BudgetMinor)}},
		tile{both{"期望年收益（元）", "Expected yearly profit (yuan)"}, yuan(b.ProfitMinor), both{"预期损失 " + yuan(b.LossMinor), "expected loss " + yuan(b.LossMinor)}},
		tile{both{"预算影子价格", "Shadow price of the budget"}, strconv.FormatFloat(b.ShadowPrice, 'f', 4, 64), both{"每多一元", "per further yuan"}})
}

// shownErrors is how many bad rows of a file the page lists; the workbook has them all.
const shownErrors = 20

func fileLines(r *Result) []fileLine {
	var out []fileLine
	for i := range r.Files {
		f := &r.Files[i]
		l := fileLine{Name: f.File, Direction: both{directionName(f.Direction, "zh"), directionName(f.Direction, "en")}}
		for _, n := range []int64{f.Rows, f.Accepted, f.Rejected, f.Valid, f.Void, f.VoidPadded, f.Red, f.Zero, f.Duplicate, f.Mismatch} {
			l.Counts = append(l.Counts, group(n))
		}
		for _, e := range f.Errors[:min(shownErrors, len(f.Errors))] {
			l.Errors = append(l.Errors, errorLine{e.Line, both{e.Message.Zh, e.Message.En}, both{e.Remedy.Zh, e.Remedy.En}})
		}
		l.More = f.ErrorCount - int64(len(l.Errors))
		out = append(out, l)
	}
	return out
}

func cardLines(m *scorecard.Model) []cardLine {
	var out []cardLine
	for _, c := range m.Characteristics {
		def, _, _ := feature.Lookup(c.Feature)
		for i, b := range c.Bins {
			bound := both{"以上", "above"}
			if b.Max != nil {
				bound = both{"≤ " + scorecard.Figure(*b.Max, def.Unit, "zh"), "≤ " + scorecard.Figure(*b.Max, def.Unit, "en")}
			}
			out = append(out, cardLine{Name: both{def.Zh, def.En}, Bound: bound, Good: strconv.Itoa(b.Good), Bad: strconv.Itoa(b.Bad), Points: strconv.Itoa(b.Points),
				WOE: strconv.FormatFloat(b.WOE, 'f', 2, 64), First: i == 0, Span: len(c.Bins)})
		}
	}
	return out
}

func firmLines(r *Result) []firmLine {
	out := make([]firmLine, len(r.Firms))
	for i := range r.Firms {
		f := &r.Firms[i]
		zh, en := outcomeName(f.Decision.Outcome)
		l := firmLine{Code: f.Code, Name: f.Name, Points: strconv.Itoa(f.Score.Points), PD: percent(f.Score.PD), Grade: f.Score.Grade,
			Outcome: f.Decision.Outcome, OutcomeName: both{zh, en}, Limit: yuan(f.Decision.LimitMinor)}
		for _, g := range f.Decision.Grounds {
			l.Why = append(l.Why, both{g.Zh, g.En})
		}
		if len(l.Why) == 0 && len(f.Score.Reasons) > 0 {
			l.Why = append(l.Why, both{f.Score.Reasons[0].Zh, f.Score.Reasons[0].En})
		}
		if a := f.Line; a != nil {
			l.Amount, l.Profit = yuan(a.AmountMinor), yuan(a.ProfitMinor)
			if a.AmountMinor > 0 {
				l.Rate = a.Rate.Percent()
			} else {
				zh, en := lineName(a.Outcome)
				l.Why = append(l.Why, both{zh, en})
			}
		}
		out[i] = l
	}
	return out
}
