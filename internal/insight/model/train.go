package model

import (
	"context"
	"strings"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/insight/feature"
	"github.com/capillary-finance/capillary/internal/insight/profile"
	"github.com/capillary-finance/capillary/internal/insight/scorecard"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/job"
)

// TrainJob names the job kind.
const TrainJob = "model.train"

// TrainInput says what to train. Empty fields take the defaults.
type TrainInput struct {
	Name         string   `json:"name" maxLength:"100"`
	AsOf         string   `json:"as_of,omitempty" maxLength:"10" doc:"YYYY-MM-DD; the business date when empty"`
	Candidates   []string `json:"candidates,omitempty" maxItems:"200" doc:"feature ids; the defaults when empty"`
	MaxFeatures  int      `json:"max_features,omitempty" minimum:"0" maximum:"20"`
	PriorBadRate float64  `json:"prior_bad_rate,omitempty" minimum:"0" maximum:"0.99" doc:"default rate of the book; that of the sample when 0"`
	Folds        int      `json:"folds,omitempty" minimum:"0" maximum:"20"`
	Repeats      int      `json:"repeats,omitempty" minimum:"0" maximum:"100"`
	Seed         uint64   `json:"seed,omitempty"`
}

// firmsMax bounds a training sample.
const firmsMax = 100_000

func (in *TrainInput) options() scorecard.Options {
	o := scorecard.DefaultOptions()
	if len(in.Candidates) > 0 {
		o.Candidates = in.Candidates
	}
	if in.MaxFeatures > 0 {
		o.MaxFeatures = in.MaxFeatures
	}
	if in.Folds > 0 {
		o.Folds = in.Folds
	}
	if in.Repeats > 0 {
		o.Repeats = in.Repeats
	}
	if in.Seed != 0 {
		o.Seed = in.Seed
	}
	o.PriorBadRate = in.PriorBadRate
	return o
}

func (in *TrainInput) check() error {
	in.Name = strings.TrimSpace(in.Name)
	if in.Name == "" {
		return fault.Required("name")
	}
	o := in.options()
	if err := o.Validate(); err != nil {
		return fault.New(ReasonUntrainable, "problem", err)
	}
	if in.AsOf != "" {
		if _, err := calendar.Parse(in.AsOf); err != nil {
			return fault.Field("as_of", "应为 YYYY-MM-DD 的有效日期", "must be a valid date YYYY-MM-DD").Wrap(err)
		}
	}
	return nil
}

// Enqueue starts a training as a job.
func (s *Service) Enqueue(ctx context.Context, p auth.Principal, in TrainInput) (job.Job, error) {
	if err := p.Require(CanTrain); err != nil {
		return job.Job{}, err
	}
	if err := in.check(); err != nil {
		return job.Job{}, err
	}
	if s.runner == nil {
		return job.Job{}, fault.New(fault.ReasonUnavailable, "what", "job runner")
	}
	var out job.Job
	err := s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		var err error
		out, err = s.runner.Enqueue(ctx, tx, job.Request{Kind: TrainJob, Args: in, Object: "model", Principal: p})
		return err
	})
	return out, err
}

// runTraining is the job: a model that a former run of the job already stored is not trained again.
func (s *Service) runTraining(ctx context.Context, r *job.Run) error {
	var in TrainInput
	if err := r.Args(&in); err != nil {
		return err
	}
	var done struct {
		ModelID string `json:"model_id"`
	}
	if !r.Restore(&done) {
		m, err := s.train(ctx, r.Principal, in, r.Progress, func(ctx context.Context, tx *db.Tx, id string) error {
			done.ModelID = id
			return r.CheckpointTx(ctx, tx, done)
		})
		if err != nil {
			return err
		}
		done.ModelID = m.ID
	}
	r.Message("交叉验证", "cross-validating")
	if _, err := s.validate(ctx, r.Principal, done.ModelID, r.Progress); err != nil && !fault.Is(err, ReasonState) {
		return err
	}
	return r.Result(ctx, done)
}

// Train trains a model on the labelled firms in this process and returns it as a draft.
func (s *Service) Train(ctx context.Context, p auth.Principal, in TrainInput) (Model, error) {
	return s.train(ctx, p, in, unwatched, nil)
}

// train refreshes the profile of every labelled firm, fits the scorecard and stores the draft. Also, when given, runs
// in the transaction that stores it.
func (s *Service) train(ctx context.Context, p auth.Principal, in TrainInput, progress func(ctx context.Context, done, total int64) error,
	also func(context.Context, *db.Tx, string) error,
) (Model, error) {
	if err := p.Require(CanTrain); err != nil {
		return Model{}, err
	}
	if err := in.check(); err != nil {
		return Model{}, err
	}
	asOf, firms, err := s.labelled(ctx, p, in.AsOf)
	if err != nil {
		return Model{}, err
	}
	sample := SampleDefinition{AsOf: asOf, Skipped: []Skipped{},
		RuleZh: "本机构全部带违约标签（good/bad）的企业；画像取时点日，标签日更早的取标签日",
		RuleEn: "every firm of the institution with a default label (good/bad), profiled as of the date, or of the label's date when that is earlier"}
	var rows []sampleRow
	var samples []scorecard.Sample
	for start := 0; start < len(firms); start += firmsPerTx {
		batch := firms[start:min(start+firmsPerTx, len(firms))]
		snapshots, skipped, err := s.profiled(ctx, p, batch, asOf)
		if err != nil {
			return Model{}, err
		}
		sample.Skipped = append(sample.Skipped, skipped...)
		for i, f := range batch {
			if snapshots[i].ID == "" {
				continue
			}
			rows = append(rows, sampleRow{firmID: f.ID, label: f.Label, snapshotID: snapshots[i].ID})
			samples = append(samples, scorecard.Sample{ID: f.ID, Vector: snapshots[i].Vector, Bad: f.Label == LabelBad})
			if f.Label == LabelBad {
				sample.Bads++
			}
		}
		if err := progress(ctx, int64(start+len(batch)), int64(len(firms))); err != nil {
			return Model{}, err
		}
	}
	sample.Firms = len(samples)
	card, err := scorecard.Train(samples, in.options())
	if err != nil {
		return Model{}, fault.New(ReasonUntrainable, "problem", err)
	}
	return s.storeDraft(ctx, p, Model{Name: in.Name, State: Draft, AsOf: asOf, FeatureVersion: feature.Version, Sample: sample, Scorecard: card, Version: 1}, rows, also)
}

func (s *Service) storeDraft(ctx context.Context, p auth.Principal, m Model, rows []sampleRow, also func(context.Context, *db.Tx, string) error) (Model, error) {
	err := s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		m.ID, m.TrainedAt, m.TrainedBy = tx.NewID("mdl"), tx.Now, tx.Actor
		if err := insert(ctx, tx, &m); err != nil {
			return err
		}
		values := make([][]any, len(rows))
		for i, r := range rows {
			values[i] = []any{tx.Institution, m.ID, r.firmID, r.label, r.snapshotID}
		}
		if _, err := tx.BulkInsert(ctx, insertSamples, values); err != nil {
			return err
		}
		if also != nil {
			if err := also(ctx, tx, m.ID); err != nil {
				return err
			}
		}
		return announce(ctx, tx, &m, "model.train", "")
	})
	return m, err
}

// firmsPerTx is how many firms are profiled in one transaction: few commits, and no lock held for long.
const firmsPerTx = 32

// profiled gives the firms' profiles as of the date. A firm that may not be read is skipped with the reason; its
// snapshot stays empty.
func (s *Service) profiled(ctx context.Context, p auth.Principal, firms []labelledFirm, asOf calendar.Date) ([]profile.Snapshot, []Skipped, error) {
	snapshots := make([]profile.Snapshot, len(firms))
	var skipped []Skipped
	err := s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		skipped = nil
		for i, f := range firms {
			snapshot, err := profile.Refresh(ctx, tx, f.ID, f.day(asOf))
			if known, ok := fault.As(err); ok && known.Reason.Kind == fault.Forbidden {
				skipped = append(skipped, Skipped{FirmID: f.ID, Zh: known.Text("zh"), En: known.Text("en")})
				continue
			}
			if err != nil {
				return err
			}
			snapshots[i] = snapshot
		}
		return nil
	})
	return snapshots, skipped, err
}

// labelled lists the firms with a default label and settles the as-of date.
func (s *Service) labelled(ctx context.Context, p auth.Principal, asOf string) (calendar.Date, []labelledFirm, error) {
	var day calendar.Date
	var firms []labelledFirm
	err := s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		var err error
		if day, err = tx.BusinessDate(ctx); err != nil {
			return err
		}
		if asOf != "" {
			if day, err = calendar.Parse(asOf); err != nil {
				return err
			}
		}
		firms, err = labelledFirms(ctx, tx, firmsMax)
		return err
	})
	return day, firms, err
}

// Validate cross-validates a draft on its own training sample, calibrates it by the held-out predictions and marks it
// validated. From then on its scorecard does not change.
func (s *Service) Validate(ctx context.Context, p auth.Principal, id string) (Model, error) {
	return s.validate(ctx, p, id, unwatched)
}

func unwatched(context.Context, int64, int64) error { return nil }

func (s *Service) validate(ctx context.Context, p auth.Principal, id string, progress func(ctx context.Context, done, total int64) error) (Model, error) {
	if err := p.Require(CanTrain); err != nil {
		return Model{}, err
	}
	var m Model
	var samples []scorecard.Sample
	err := s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		var err error
		if m, err = ByID(ctx, tx, id); err != nil {
			return err
		}
		if err := m.advance(Validated); err != nil {
			return err
		}
		samples, err = reload(ctx, tx, id)
		return err
	})
	if err != nil {
		return Model{}, err
	}
	options := m.Scorecard.Options
	options.Watch = func(done, total int) error { return progress(ctx, int64(done), int64(total)) }
	v, err := scorecard.CrossValidate(samples, options)
	if err != nil {
		if ctx.Err() != nil {
			return Model{}, ctx.Err()
		}
		return Model{}, fault.New(ReasonUntrainable, "problem", err)
	}
	card := m.Scorecard.Calibrated(v, samples)
	return s.change(ctx, p, CanTrain, id, "model.validate", func(_ context.Context, tx *db.Tx, m *Model) error {
		if err := m.advance(Validated); err != nil {
			return err
		}
		at := tx.Now
		m.Scorecard, m.Validation, m.ValidatedAt = card, &v, &at
		return nil
	})
}

// reload reads the training sample back from the stored profiles.
func reload(ctx context.Context, tx *db.Tx, id string) ([]scorecard.Sample, error) {
	rows, err := samplesOf(ctx, tx, id)
	if err != nil {
		return nil, err
	}
	samples := make([]scorecard.Sample, len(rows))
	for i, r := range rows {
		snapshot, err := profile.ByID(ctx, tx, r.snapshotID)
		if err != nil {
			return nil, err
		}
		samples[i] = scorecard.Sample{ID: r.firmID, Vector: snapshot.Vector, Bad: r.label == LabelBad}
	}
	return samples, nil
}
