// Package model keeps scoring models from training to retirement and the scores they gave. A model is trained on the
// institution's own labelled firms, validated, approved by a second person, and only then used; every score is stored
// with what is needed to compute it again.
package model

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/insight/scorecard"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// State of a model.
type State string

// The states, in the order a model walks through them.
const (
	Draft     State = "draft"
	Validated State = "validated"
	Approved  State = "approved"
	Active    State = "active"
	Retired   State = "retired"
)

// Labels of a firm in the training sample.
const (
	LabelGood = "good"
	LabelBad  = "bad"
)

// Skipped is a labelled firm that could not be used, and why.
type Skipped struct {
	FirmID string `json:"firm_id"`
	Zh     string `json:"zh"`
	En     string `json:"en"`
}

// SampleDefinition says from which firms a model learnt.
type SampleDefinition struct {
	AsOf    calendar.Date `json:"as_of"`
	RuleZh  string        `json:"rule_zh"`
	RuleEn  string        `json:"rule_en"`
	Firms   int           `json:"firms"`
	Bads    int           `json:"bads"`
	Skipped []Skipped     `json:"skipped"`
}

// Model is a scoring model in the registry.
type Model struct {
	ID             string                `json:"id"`
	Name           string                `json:"name"`
	State          State                 `json:"state" enum:"draft,validated,approved,active,retired"`
	AsOf           calendar.Date         `json:"as_of"`
	FeatureVersion string                `json:"feature_version"`
	Sample         SampleDefinition      `json:"sample"`
	Scorecard      *scorecard.Model      `json:"scorecard"`
	Hash           string                `json:"hash" doc:"of the scorecard; a score names the hash it was made with"`
	Validation     *scorecard.Validation `json:"validation,omitempty"`
	TrainedAt      time.Time             `json:"trained_at"`
	TrainedBy      string                `json:"trained_by"`
	ValidatedAt    *time.Time            `json:"validated_at,omitempty"`
	ApprovedAt     *time.Time            `json:"approved_at,omitempty"`
	ApprovedBy     string                `json:"approved_by,omitempty"`
	ApprovalNote   string                `json:"approval_note,omitempty"`
	ActivatedAt    *time.Time            `json:"activated_at,omitempty"`
	RetiredAt      *time.Time            `json:"retired_at,omitempty"`
	Version        int64                 `json:"version"`
}

// verbs names the transitions in both languages for people.
var verbs = map[State][2]string{
	Validated: {"验证", "validated"}, Approved: {"批准", "approved"}, Active: {"启用", "activated"}, Retired: {"退役", "retired"},
}

// before lists the states from which a state may be reached.
var before = map[State][]State{
	Validated: {Draft}, Approved: {Validated}, Active: {Approved}, Retired: {Draft, Validated, Approved, Active},
}

// advance checks a transition; it changes nothing but the state.
func (m *Model) advance(to State) error {
	for _, from := range before[to] {
		if m.State == from {
			m.State = to
			return nil
		}
	}
	return fault.New(ReasonState, "id", m.ID, "state", m.State, "action", verbs[to][1], "action_zh", verbs[to][0])
}

// approve records the second person.
func (m *Model) approve(by, note string, at time.Time) error {
	if by == m.TrainedBy {
		return fault.New(ReasonSamePerson, "id", m.ID)
	}
	if err := m.advance(Approved); err != nil {
		return err
	}
	m.ApprovedBy, m.ApprovalNote, m.ApprovedAt = by, note, &at
	return nil
}

// seal fixes the scorecard's hash.
func (m *Model) seal() (artifact string, err error) {
	b, err := json.Marshal(m.Scorecard)
	if err != nil {
		return "", fmt.Errorf("model %s: %w", m.ID, err)
	}
	sum := sha256.Sum256(b)
	m.Hash = hex.EncodeToString(sum[:])
	return string(b), nil
}

// Score is a firm's stored score.
type Score struct {
	ID         string           `json:"id"`
	FirmID     string           `json:"firm_id"`
	ModelID    string           `json:"model_id"`
	ModelHash  string           `json:"model_hash"`
	SnapshotID string           `json:"snapshot_id"`
	AsOf       calendar.Date    `json:"as_of"`
	Result     scorecard.Result `json:"result"`
	CreatedAt  time.Time        `json:"created_at"`
	CreatedBy  string           `json:"created_by"`
}
