package scorecard

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/capillary-finance/capillary/internal/insight/feature"
)

// Bin is one row of the points table: values above the cut of the bin before and at most Max (nil: no upper end).
type Bin struct {
	Max    *float64 `json:"max"`
	Good   int      `json:"good"`
	Bad    int      `json:"bad"`
	WOE    float64  `json:"woe"`
	Points int      `json:"points"`
}

// Characteristic is one feature of the scorecard with its bins and points.
type Characteristic struct {
	Feature   string            `json:"feature"`
	Direction feature.Direction `json:"direction"`
	IV        float64           `json:"iv"`
	Beta      float64           `json:"beta"`
	Bins      []Bin             `json:"bins"`
	Missing   Bin               `json:"missing"`
}

// Model is a trained scorecard. It is plain data: what is stored is what scores.
type Model struct {
	FeatureVersion  string           `json:"feature_version"`
	Options         Options          `json:"options"`
	Samples         int              `json:"samples"`
	Bads            int              `json:"bads"`
	ThinFiles       int              `json:"thin_files"`
	Intercept       float64          `json:"intercept"`
	BasePoints      int              `json:"base_points"`
	PriorPD         float64          `json:"prior_pd" doc:"what a thin file gets"`
	Slope           float64          `json:"slope" doc:"calibration that is already inside intercept and betas"`
	Shift           float64          `json:"shift" doc:"log-odds from the sample's default rate to the book's, inside the intercept"`
	Characteristics []Characteristic `json:"characteristics"`
	ScoreBins       []float64        `json:"score_bins" doc:"tenths of the training scores, for the stability index"`
	ScoreCounts     []float64        `json:"score_counts"`
}

// Train fits one scorecard on all samples.
func Train(samples []Sample, opt Options) (*Model, error) {
	if err := opt.Validate(); err != nil {
		return nil, err
	}
	m, err := newMatrix(samples, &opt)
	if err != nil {
		return nil, err
	}
	ft, err := newFitter(m, &opt).fit(func(int) bool { return true })
	if err != nil {
		return nil, err
	}
	if len(ft.columns) == 0 {
		return nil, fmt.Errorf("scorecard: no candidate feature separates the labels: add candidates or labelled firms")
	}
	model := &Model{FeatureVersion: feature.Version, Options: opt, Samples: len(samples), Intercept: ft.beta[0], Slope: 1}
	for i := range samples {
		if m.bad[i] {
			model.Bads++
		}
		if m.thin[i] {
			model.ThinFiles++
		}
	}
	for k := range ft.columns {
		model.Characteristics = append(model.Characteristics, ft.columns[k].characteristic(m.defs, ft.beta[k+1]))
	}
	model.PriorPD = float64(model.Bads) / float64(model.Samples)
	model.shiftPrior()
	model.scale()
	model.keepScores(samples)
	return model, nil
}

func (c *column) characteristic(defs []feature.Definition, beta float64) Characteristic {
	out := Characteristic{Feature: defs[c.feature].ID, Direction: feature.Direction(c.direction), IV: c.iv, Beta: beta,
		Missing: Bin{Good: c.missingGood, Bad: c.missingBad, WOE: c.missingWOE}}
	for i := range c.woe {
		b := Bin{Good: c.good[i], Bad: c.bad[i], WOE: c.woe[i]}
		if i < len(c.cuts) {
			cut := c.cuts[i]
			b.Max = &cut
		}
		out.Bins = append(out.Bins, b)
	}
	return out
}

// shiftPrior moves the intercept from the sample's default rate to the book's, when one was given.
func (m *Model) shiftPrior() {
	if rate := m.Options.PriorBadRate; rate > 0 {
		m.Shift = math.Log(rate/(1-rate)) - math.Log(m.PriorPD/(1-m.PriorPD))
		m.Intercept += m.Shift
		m.PriorPD = rate
	}
}

// Calibrated returns a copy whose log-odds are pulled by the slope and intercept that the held-out predictions asked
// for, so that its PDs are those a new firm deserves and not those the training sample flatters itself with.
func (m *Model) Calibrated(v Validation, samples []Sample) *Model {
	c := *m
	if v.Slope <= 0 {
		return &c
	}
	c.Characteristics = slices.Clone(m.Characteristics)
	c.Slope = m.Slope * v.Slope
	c.Intercept = v.Intercept + v.Slope*(m.Intercept-m.Shift) + m.Shift
	for i := range c.Characteristics {
		c.Characteristics[i].Beta *= v.Slope
		c.Characteristics[i].Bins = slices.Clone(m.Characteristics[i].Bins)
	}
	c.scale()
	c.keepScores(samples)
	return &c
}

// scale writes the points table; a feature's points are rounded bin by bin, as they are printed and added up.
func (m *Model) scale() {
	offset, factor := m.Options.Scaling.constants()
	m.BasePoints = int(math.Round(offset - factor*m.Intercept))
	for k := range m.Characteristics {
		c := &m.Characteristics[k]
		points := func(b *Bin) { b.Points = int(math.Round(-factor * c.Beta * b.WOE)) }
		for i := range c.Bins {
			points(&c.Bins[i])
		}
		points(&c.Missing)
	}
}

// keepScores remembers the distribution of the training scores.
func (m *Model) keepScores(samples []Sample) {
	var scores []float64
	for _, s := range samples {
		if r := m.Score(s.Vector); !r.ThinFile {
			scores = append(scores, float64(r.Points))
		}
	}
	slices.Sort(scores)
	m.ScoreBins = []float64{}
	for i := 1; i < 10; i++ {
		q := quantile(scores, float64(i)/10)
		if len(m.ScoreBins) == 0 || q > m.ScoreBins[len(m.ScoreBins)-1] {
			m.ScoreBins = append(m.ScoreBins, q)
		}
	}
	m.ScoreCounts = m.distribute(scores)
}

func (m *Model) distribute(scores []float64) []float64 {
	counts := make([]float64, len(m.ScoreBins)+1)
	for _, s := range scores {
		counts[sort.SearchFloat64s(m.ScoreBins, s)]++
	}
	return counts
}

// Stability is the population stability index of new scores against those of the training.
func (m *Model) Stability(points []int) float64 {
	scores := make([]float64, len(points))
	for i, p := range points {
		scores[i] = float64(p)
	}
	return PSI(m.ScoreCounts, m.distribute(scores))
}

// Contribution is what one feature added to a score.
type Contribution struct {
	Feature   string   `json:"feature"`
	Value     *float64 `json:"value"`
	Bin       int      `json:"bin" doc:"-1: the value is absent"`
	WOE       float64  `json:"woe"`
	LogOdds   float64  `json:"log_odds"`
	Points    int      `json:"points"`
	MaxPoints int      `json:"max_points"`
}

// Result is a scored firm.
type Result struct {
	PD            float64        `json:"pd"`
	Points        int            `json:"points"`
	Grade         string         `json:"grade"`
	ThinFile      bool           `json:"thin_file"`
	Contributions []Contribution `json:"contributions"`
	Reasons       []Reason       `json:"reasons"`
}

// Score scores a vector. A thin file gets the prior PD, the points of that PD, and a reason that says so.
func (m *Model) Score(v feature.Vector) Result {
	if m.Options.thin(v) {
		return m.thinResult(v)
	}
	r := Result{Points: m.BasePoints, Contributions: []Contribution{}}
	z := m.Intercept
	for k := range m.Characteristics {
		c := m.Characteristics[k].contribute(v)
		z += c.LogOdds
		r.Points += c.Points
		r.Contributions = append(r.Contributions, c)
	}
	r.PD = sigmoid(z)
	r.Grade = m.Grade(r.PD)
	r.Reasons = m.reasons(r.Contributions)
	return r
}

func (m *Model) thinResult(v feature.Vector) Result {
	return Result{PD: m.PriorPD, Points: int(math.Round(m.Options.Scaling.Score(m.PriorPD))), Grade: m.Grade(m.PriorPD), ThinFile: true,
		Contributions: []Contribution{}, Reasons: []Reason{thinReason(v, &m.Options)}}
}

// Grade is the band of a PD.
func (m *Model) Grade(pd float64) string {
	for _, b := range m.Options.Grades {
		if pd <= b.MaxPD {
			return b.Grade
		}
	}
	return m.Options.Grades[len(m.Options.Grades)-1].Grade
}

func (c *Characteristic) contribute(v feature.Vector) Contribution {
	out := Contribution{Feature: c.Feature, Bin: -1, MaxPoints: c.best()}
	b := &c.Missing
	if value, ok := v.Value(c.Feature); ok {
		out.Value = &value
		out.Bin = len(c.Bins) - 1
		for i := range c.Bins[:len(c.Bins)-1] {
			if value <= *c.Bins[i].Max {
				out.Bin = i
				break
			}
		}
		b = &c.Bins[out.Bin]
	}
	out.WOE, out.LogOdds, out.Points = b.WOE, c.Beta*b.WOE, b.Points
	return out
}

// best is the most points that the feature can give.
func (c *Characteristic) best() int {
	return slices.MaxFunc(c.Bins, func(a, b Bin) int { return cmp.Compare(a.Points, b.Points) }).Points
}
