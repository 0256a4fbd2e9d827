package model

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"slices"
	"strings"
	"time"

	"github.com/capillary-finance/capillary/internal/insight/feature"
	"github.com/capillary-finance/capillary/internal/insight/scorecard"
)

//go:embed report.html
var reportText string

// reportPolicy lets the page use its own style sheet and nothing else: no script, no network.
var reportPolicy = stylePolicy(reportText)

func stylePolicy(page string) string {
	_, rest, _ := strings.Cut(page, "<style>")
	style, _, _ := strings.Cut(rest, "</style>")
	sum := sha256.Sum256([]byte(style))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'; frame-ancestors 'none'; sandbox allow-modals"
}

// words picks the reader's language.
type words func(zh, en string) string

func wordsOf(lang string) words {
	if strings.HasPrefix(strings.ToLower(lang), "zh") {
		return func(zh, _ string) string { return zh }
	}
	return func(_, en string) string { return en }
}

// reportTemplate is parsed with English words; Report clones it with the reader's.
var reportTemplate = template.Must(template.New("report").Funcs(reportFuncs(wordsOf("en"))).Parse(reportText))

func reportFuncs(w words) template.FuncMap {
	return template.FuncMap{
		"w": w, "pct": func(v float64) string { return fmt.Sprintf("%.1f%%", v*100) }, "f3": func(v float64) string { return fmt.Sprintf("%.3f", v) },
		"f2":   func(v float64) string { return fmt.Sprintf("%.2f", v) },
		"when": func(t *time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") },
	}
}

// binRow is one row of the points table as it is printed.
type binRow struct {
	Bound          string
	Good, Bad      int
	Rate, WOE      float64
	Points         int
	HasObservation bool
}

type characteristicView struct {
	Name, Formula, Direction string
	IV, Beta                 float64
	Rows                     []binRow
}

type chosenView struct {
	Name  string
	Folds int
	Share float64
}

type reportView struct {
	Detail
	Lang, StateText                  string
	ROCPlot, KSPlot, CalibrationPlot template.HTML
	DecilePlot, FoldPlot             template.HTML
	Characteristics                  []characteristicView
	Chosen                           []chosenView
	BadRate                          float64
	Trained                          *time.Time
	StabilityText                    string
	Grades                           []gradeView
}

type gradeView struct {
	Grade string
	MaxPD float64
	Score int
}

// Report writes the validation report of a validated model as one HTML page in the language.
func Report(d Detail, lang string) ([]byte, error) {
	w := wordsOf(lang)
	t, err := reportTemplate.Clone()
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if err := t.Funcs(reportFuncs(w)).Execute(&out, viewOf(d, w, lang)); err != nil {
		return nil, fmt.Errorf("model %s: report: %w", d.ID, err)
	}
	return out.Bytes(), nil
}

var stateTexts = map[State][2]string{Draft: {"草稿", "draft"}, Validated: {"已验证，待批准", "validated, awaiting approval"}, Approved: {"已批准", "approved"},
	Active: {"启用中", "active"}, Retired: {"已退役", "retired"}}

func viewOf(d Detail, w words, lang string) reportView {
	v := reportView{Detail: d, Lang: w("zh-CN", "en"), Trained: &d.TrainedAt, StateText: w(stateTexts[d.State][0], stateTexts[d.State][1]), StabilityText: w(d.StabilityZh, d.StabilityEn)}
	v.BadRate = float64(d.Scorecard.Bads) / float64(d.Scorecard.Samples)
	for _, c := range d.Scorecard.Characteristics {
		v.Characteristics = append(v.Characteristics, characteristicOf(c, w, lang))
	}
	for _, g := range d.Scorecard.Options.Grades {
		grade := gradeView{Grade: g.Grade, MaxPD: g.MaxPD}
		if g.MaxPD < 1 {
			grade.Score = int(d.Scorecard.Options.Scaling.Score(g.MaxPD))
		}
		v.Grades = append(v.Grades, grade)
	}
	if d.Validation == nil {
		return v
	}
	v.ROCPlot, v.KSPlot = rocPlot(w, d.ROC, d.HeldOut.AUC), ksPlot(w, d.ROC, v.BadRate)
	v.CalibrationPlot, v.DecilePlot = calibrationPlot(w, d.Calibration), decilePlot(w, d.Calibration)
	v.FoldPlot = foldPlot(w, d.Validation.Folds)
	for id, n := range d.Validation.Chosen {
		v.Chosen = append(v.Chosen, chosenView{Name: featureName(id, w), Folds: n, Share: float64(n) / float64(len(d.Validation.Folds))})
	}
	slices.SortFunc(v.Chosen, func(a, b chosenView) int {
		return cmp.Or(cmp.Compare(b.Folds, a.Folds), strings.Compare(a.Name, b.Name))
	})
	return v
}

func featureName(id string, w words) string {
	def, _, ok := feature.Lookup(id)
	if !ok {
		return id
	}
	return w(def.Zh, def.En)
}

func characteristicOf(c scorecard.Characteristic, w words, lang string) characteristicView {
	def, _, _ := feature.Lookup(c.Feature)
	out := characteristicView{Name: w(def.Zh, def.En), Formula: w(def.FormulaZh, def.FormulaEn), IV: c.IV, Beta: c.Beta, Direction: w("越高越安全", "higher is safer")}
	if c.Direction == feature.Riskier {
		out.Direction = w("越高越有风险", "higher is riskier")
	}
	figure := func(v float64) string { return scorecard.Figure(v, def.Unit, shortLang(lang)) }
	for i, b := range c.Bins {
		row := rowOf(b)
		switch {
		case b.Max == nil && i > 0:
			row.Bound = "> " + figure(*c.Bins[i-1].Max)
		case i == 0:
			row.Bound = "≤ " + figure(*b.Max)
		default:
			row.Bound = figure(*c.Bins[i-1].Max) + " – " + figure(*b.Max)
		}
		out.Rows = append(out.Rows, row)
	}
	missing := rowOf(c.Missing)
	missing.Bound = w("无数值", "no value")
	out.Rows = append(out.Rows, missing)
	return out
}

func rowOf(b scorecard.Bin) binRow {
	row := binRow{Good: b.Good, Bad: b.Bad, WOE: b.WOE, Points: b.Points, HasObservation: b.Good+b.Bad > 0}
	if row.HasObservation {
		row.Rate = float64(b.Bad) / float64(b.Good+b.Bad)
	}
	return row
}

func shortLang(lang string) string { return wordsOf(lang)("zh", "en") }
