package assess

import (
	"context"
	"encoding/json"
	"math"
	"os"

	"golang.org/x/sync/errgroup"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/credit/pricing"
	"github.com/capillary-finance/capillary/internal/evidence/source"
	"github.com/capillary-finance/capillary/internal/insight/feature"
	"github.com/capillary-finance/capillary/internal/insight/scorecard"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Firm is one firm with everything the run found out about it.
type Firm struct {
	source.FirmRow
	Vector   feature.Vector   `json:"-"` // written by the report writers, with names
	Score    scorecard.Result `json:"score"`
	Decision Decision         `json:"decision"`
	Line     *pricing.Line    `json:"allocation"` // nil: not a candidate for the budget
}

// Result is the outcome of a run.
type Result struct {
	AsOf       calendar.Date         `json:"as_of"`
	Terms      Terms                 `json:"terms"`
	Rules      Rules                 `json:"rules"`
	FirmFile   source.FirmReport     `json:"firm_file"`
	Files      []source.Report       `json:"files"`
	Orphans    []Orphan              `json:"orphans"`
	Firms      []Firm                `json:"firms"`
	Model      *scorecard.Model      `json:"model"`
	Validation *scorecard.Validation `json:"validation"` // nil when a stored model was used
	Book       pricing.Book          `json:"-"`          // its lines stand with the firms
	Baselines  []pricing.Book        `json:"-"`
	Frontier   pricing.Frontier      `json:"frontier"`
	Curve      pricing.Curve         `json:"curve"`
}

// Run makes the assessment.
func Run(ctx context.Context, o Options) (*Result, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	in, err := findInputs(&o)
	if err != nil {
		return nil, err
	}
	e, err := read(ctx, &o, in)
	if err != nil {
		return nil, err
	}
	r := &Result{AsOf: o.AsOf, Terms: o.Terms, Rules: o.Rules, FirmFile: e.firmFile, Orphans: e.orphans(), Curve: e.curve}
	for _, f := range e.files {
		r.Files = append(r.Files, f.report)
	}
	if r.AsOf.IsZero() {
		r.AsOf = e.lastDate()
	}
	o.tell("profile", "画像", "Profiling firms", int64(len(e.firms)))
	analyses, vectors, err := profiles(ctx, r.AsOf, e)
	if err != nil {
		return nil, err
	}
	e.files = nil // the invoices have served; what follows works on the vectors
	if err := r.score(ctx, &o, e.firms, analyses, vectors); err != nil {
		return nil, err
	}
	return r, r.allocate(ctx, &o)
}

func (o *Options) tell(stage, zh, en string, total int64) {
	if o.Progress != nil {
		o.Progress(Event{Stage: stage, Zh: zh, En: en, Total: total})
	}
}

// score trains or loads the model and applies it to every firm. The features that need the whole
// book are no input of the score, so they are computed beside the training.
func (r *Result) score(ctx context.Context, o *Options, firms []source.FirmRow, analyses []*feature.Analysis, vectors []feature.Vector) error {
	o.tell("validate", "训练评分卡并交叉验证", "Training and cross-validating the scorecard", int64(o.Model.Folds*o.Model.Repeats))
	var full []feature.Vector
	g, _ := errgroup.WithContext(ctx)
	g.Go(func() error {
		full = withGraph(firms, analyses)
		return nil
	})
	g.Go(func() error { return r.model(o, firms, vectors) })
	if err := g.Wait(); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	o.tell("score", "评分与决策", "Scoring and deciding", int64(len(firms)))
	lendable := map[string]bool{}
	for _, grade := range r.Curve.Grades() {
		lendable[grade] = true
	}
	r.Firms = make([]Firm, len(firms))
	for i, f := range firms {
		s := r.Model.Score(full[i])
		r.Firms[i] = Firm{FirmRow: f, Vector: full[i], Score: s, Decision: decide(o, lendable, f, full[i], s)}
	}
	return nil
}

// model trains on the labelled firms, with the label alone as target and the bank's own rating
// never an input, or loads a stored model.
func (r *Result) model(o *Options, firms []source.FirmRow, vectors []feature.Vector) error {
	if o.ModelFile != "" {
		m, err := LoadModel(o.ModelFile)
		r.Model = m
		return err
	}
	var samples []scorecard.Sample
	for i, f := range firms {
		if f.Labelled {
			samples = append(samples, scorecard.Sample{ID: f.Code, Vector: vectors[i], Bad: f.Defaulted})
		}
	}
	var m *scorecard.Model
	var v scorecard.Validation
	var g errgroup.Group
	g.Go(func() (err error) {
		m, err = scorecard.Train(samples, o.Model)
		return err
	})
	g.Go(func() (err error) {
		v, err = scorecard.CrossValidate(samples, o.Model)
		return err
	})
	if err := g.Wait(); err != nil {
		return fault.New(ReasonTraining, "problem", err.Error()).Wrap(err)
	}
	r.Validation = &v
	r.Model = m.Calibrated(v, samples)
	return nil
}

// maxModelFile bounds a stored model.
const maxModelFile = 16 << 20

// LoadModel reads a model that SaveModel wrote.
func LoadModel(path string) (*scorecard.Model, error) {
	info, err := os.Stat(path)
	if err != nil || info.Size() > maxModelFile {
		problem := "too large"
		if err != nil {
			problem = plainError(err)
		}
		return nil, fault.New(ReasonModelFile, "file", path, "problem", problem)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, fault.New(ReasonModelFile, "file", path, "problem", plainError(err)).Wrap(err)
	}
	m := &scorecard.Model{}
	if err := json.Unmarshal(b, m); err != nil {
		return nil, fault.New(ReasonModelFile, "file", path, "problem", err.Error()).Wrap(err)
	}
	switch {
	case m.FeatureVersion != feature.Version:
		return nil, fault.New(ReasonModelFile, "file", path, "problem", "feature version "+m.FeatureVersion+", "+feature.Version+" is needed")
	case len(m.Characteristics) == 0 || len(m.Options.Grades) == 0 || math.IsNaN(m.Intercept):
		return nil, fault.New(ReasonModelFile, "file", path, "problem", "it is not a scorecard")
	}
	return m, nil
}

// SaveModel stores the model of a run for later runs on firms without labels.
func SaveModel(path string, m *scorecard.Model) error {
	b, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return err
	}
	return writeWhole(path, func(f *os.File) error {
		_, err := f.Write(append(b, '\n'))
		return err
	})
}

// allocate divides the budget among the approved firms, and computes what simpler ways would give.
func (r *Result) allocate(ctx context.Context, o *Options) error {
	t := o.Terms
	p := pricing.Problem{
		Curve: r.Curve, Currency: money.Currency(t.Currency), BudgetMinor: t.BudgetMinor, LotMinor: t.LotMinor, MinRate: t.MinRate, MaxRate: t.MaxRate,
		LGD: t.LGD, Funding: t.Funding, RateStep: t.RateStep,
	}
	var at []int
	for i := range r.Firms {
		if f := &r.Firms[i]; f.Decision.Outcome == Approve {
			p.Firms = append(p.Firms, pricing.Firm{ID: f.Code, Grade: f.Score.Grade, PD: f.Score.PD, MinMinor: t.MinMinor, MaxMinor: f.Decision.LimitMinor})
			at = append(at, i)
		}
	}
	o.tell("allocate", "定价与分配额度", "Pricing and dividing the budget", int64(len(p.Firms)))
	var err error
	if r.Book, err = pricing.Optimise(ctx, p); err != nil {
		return err
	}
	for k, i := range at {
		r.Firms[i].Line = &r.Book.Lines[k]
	}
	split, err := pricing.EqualSplit(p)
	if err != nil {
		return err
	}
	listed, err := pricing.RatePerGrade(ctx, p)
	if err != nil {
		return err
	}
	r.Baselines = []pricing.Book{split, listed}
	r.Frontier, err = pricing.Efficient(ctx, p, o.FrontierPoints)
	return err
}
