package model

import (
	"context"
	"strings"
	"time"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/insight/profile"
	"github.com/capillary-finance/capillary/internal/insight/scorecard"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/job"
)

// Permissions of this package.
var (
	CanRead = auth.DeclarePermission("model.read", "查看评分模型", "See scoring models",
		auth.RoleApprover, auth.RoleRisk, auth.RoleCompliance, auth.RoleRelationshipManager)
	CanTrain   = auth.DeclarePermission("model.train", "训练评分模型", "Train scoring models", auth.RoleRisk)
	CanApprove = auth.DeclarePermission("model.approve", "批准与启用评分模型", "Approve and activate scoring models",
		auth.RoleApprover, auth.RoleRisk)
	CanScore = auth.DeclarePermission("score.run", "对企业评分", "Score firms", auth.RoleRelationshipManager, auth.RoleRisk, auth.RoleIntegrator)
	CanSee   = auth.DeclarePermission("score.read", "查看企业评分", "See firms' scores",
		auth.RoleRelationshipManager, auth.RoleApprover, auth.RoleOperations, auth.RoleRisk, auth.RoleCompliance, auth.RoleIntegrator)
)

// Service is the registry's use cases.
type Service struct {
	db     *db.DB
	runner *job.Runner
}

// NewService makes the service and registers its job kind; without a runner training is only available in process.
func NewService(d *db.DB, runner *job.Runner) *Service {
	s := &Service{db: d, runner: runner}
	if runner != nil {
		runner.Register(job.Kind{Name: TrainJob, Zh: "训练评分模型", En: "Train a scoring model", Run: s.runTraining})
	}
	return s
}

// Get returns one model.
func (s *Service) Get(ctx context.Context, p auth.Principal, id string) (Detail, error) {
	if err := p.Require(CanRead); err != nil {
		return Detail{}, err
	}
	var d Detail
	err := s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		m, err := ByID(ctx, tx, id)
		if err != nil {
			return err
		}
		points, err := currentPoints(ctx, tx, id)
		d = detail(m, points)
		return err
	})
	return d, err
}

// List returns models, the newest first.
func (s *Service) List(ctx context.Context, p auth.Principal, after time.Time, afterID string, limit int) (models []Model, total int64, err error) {
	if err := p.Require(CanRead); err != nil {
		return nil, 0, err
	}
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		models, total, err = list(ctx, tx, after, afterID, limit)
		return err
	})
	return models, total, err
}

// noteMax bounds the approval note.
const noteMax = 2000

// Approve is the second person's word on a validated model.
func (s *Service) Approve(ctx context.Context, p auth.Principal, id, note string) (Model, error) {
	note = strings.TrimSpace(note)
	if note == "" {
		return Model{}, fault.Required("note")
	}
	if len(note) > noteMax {
		return Model{}, fault.New(fault.ReasonTooLarge, "what", "note", "limit", noteMax).WithField("note")
	}
	return s.change(ctx, p, CanApprove, id, "model.approve", func(_ context.Context, tx *db.Tx, m *Model) error {
		return m.approve(tx.Actor, note, tx.Now)
	})
}

// Activate puts an approved model into use and retires the one before it.
func (s *Service) Activate(ctx context.Context, p auth.Principal, id string) (Model, error) {
	return s.change(ctx, p, CanApprove, id, "model.activate", func(ctx context.Context, tx *db.Tx, m *Model) error {
		if err := m.advance(Active); err != nil {
			return err
		}
		at := tx.Now
		m.ActivatedAt = &at
		old, err := ActiveModel(ctx, tx)
		if fault.Is(err, ReasonNoActive) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := old.advance(Retired); err != nil {
			return err
		}
		old.RetiredAt = &at
		return write(ctx, tx, &old, "model.retire", Active)
	})
}

// Retire takes a model out of use; without an active model no firm is scored.
func (s *Service) Retire(ctx context.Context, p auth.Principal, id string) (Model, error) {
	return s.change(ctx, p, CanApprove, id, "model.retire", func(_ context.Context, tx *db.Tx, m *Model) error {
		at := tx.Now
		m.RetiredAt = &at
		return m.advance(Retired)
	})
}

// change applies one transition with its audit record and event.
func (s *Service) change(ctx context.Context, p auth.Principal, permission, id, action string, fn func(context.Context, *db.Tx, *Model) error) (Model, error) {
	if err := p.Require(permission); err != nil {
		return Model{}, err
	}
	var m Model
	err := s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		if err := tx.Lock(ctx, "model"); err != nil {
			return err
		}
		var err error
		if m, err = held(ctx, tx, id); err != nil {
			return err
		}
		from := m.State
		if err := fn(ctx, tx, &m); err != nil {
			return err
		}
		return write(ctx, tx, &m, action, from)
	})
	return m, err
}

// Changed is the payload of the model events, which bear the name of their action.
type Changed struct {
	ModelID string `json:"model_id"`
	Name    string `json:"name"`
	From    State  `json:"from"`
	To      State  `json:"to"`
	Hash    string `json:"hash"`
	Note    string `json:"note,omitempty"`
}

func write(ctx context.Context, tx *db.Tx, m *Model, action string, from State) error {
	if err := save(ctx, tx, m); err != nil {
		return err
	}
	return announce(ctx, tx, m, action, from)
}

func announce(ctx context.Context, tx *db.Tx, m *Model, action string, from State) error {
	note := Changed{ModelID: m.ID, Name: m.Name, From: from, To: m.State, Hash: m.Hash, Note: m.ApprovalNote}
	if err := audit.Record(ctx, tx, audit.Entry{Action: action, Object: "model", ObjectID: m.ID, Before: map[string]State{"state": from}, After: note}); err != nil {
		return err
	}
	return event.Append(ctx, tx, event.Draft{Type: action, Aggregate: "model", AggregateID: m.ID, Payload: note})
}

// FirmScore is a firm's newest score with what a reader needs beside it.
type FirmScore struct {
	Score   Score        `json:"score"`
	History []ScorePoint `json:"history" doc:"newest first, at most 100"`
}

const historyMax = 100

// OfFirm returns the firm's newest score and its history.
func (s *Service) OfFirm(ctx context.Context, p auth.Principal, firmID string) (FirmScore, error) {
	if err := p.Require(CanSee); err != nil {
		return FirmScore{}, err
	}
	var out FirmScore
	err := s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		if err := profile.Visible(ctx, tx, p, firmID); err != nil {
			return err
		}
		var err error
		if out.Score, err = LatestScore(ctx, tx, firmID); err != nil {
			return err
		}
		out.History, err = scoreHistory(ctx, tx, firmID, historyMax)
		return err
	})
	return out, err
}

// ScoreNow refreshes the firm's profile as of the date (the business date when zero) and scores it.
func (s *Service) ScoreNow(ctx context.Context, p auth.Principal, firmID string, asOf calendar.Date) (FirmScore, error) {
	if err := p.Require(CanScore); err != nil {
		return FirmScore{}, err
	}
	var out FirmScore
	err := s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		if err := profile.Visible(ctx, tx, p, firmID); err != nil {
			return err
		}
		day := asOf
		if day.IsZero() {
			var err error
			if day, err = tx.BusinessDate(ctx); err != nil {
				return err
			}
		}
		snapshot, err := profile.Refresh(ctx, tx, firmID, day)
		if err != nil {
			return err
		}
		if out.Score, err = ScoreFirm(ctx, tx, firmID, snapshot); err != nil {
			return err
		}
		out.History, err = scoreHistory(ctx, tx, firmID, historyMax)
		return err
	})
	return out, err
}

// Detail is a model with the plots of its validation and the stability of the scores it gives today.
type Detail struct {
	Model
	ROC            []scorecard.ROCPoint       `json:"roc"`
	Calibration    []scorecard.CalibrationBin `json:"calibration"`
	HeldOut        *scorecard.Performance     `json:"held_out_performance,omitempty" doc:"of the mean held-out PDs"`
	Scored         int                        `json:"scored" doc:"firms whose newest score is of this model"`
	Stability      float64                    `json:"stability" doc:"population stability index of those scores against training"`
	StabilityZh    string                     `json:"stability_zh"`
	StabilityEn    string                     `json:"stability_en"`
	HosmerLemeshow float64                    `json:"hosmer_lemeshow"`
}

// calibrationGroups is how many groups the calibration plot has.
const calibrationGroups = 10

func detail(m Model, points []int) Detail {
	d := Detail{Model: m, ROC: []scorecard.ROCPoint{}, Calibration: []scorecard.CalibrationBin{}, Scored: len(points)}
	if m.Validation != nil {
		held := m.Validation.Predictions()
		perf := scorecard.Measure(held)
		d.HeldOut = &perf
		d.ROC = scorecard.ROC(held)
		d.Calibration = scorecard.Calibration(held, calibrationGroups)
		d.HosmerLemeshow = scorecard.HosmerLemeshow(d.Calibration)
	}
	if len(points) > 0 {
		d.Stability = m.Scorecard.Stability(points)
	}
	switch {
	case d.Scored == 0:
		d.StabilityZh, d.StabilityEn = "尚无评分", "nothing scored yet"
	case d.Stability < 0.10:
		d.StabilityZh, d.StabilityEn = "稳定", "stable"
	case d.Stability < 0.25:
		d.StabilityZh, d.StabilityEn = "需关注", "watch"
	default:
		d.StabilityZh, d.StabilityEn = "显著漂移，应重建模型", "shifted: rebuild the model"
	}
	return d
}
