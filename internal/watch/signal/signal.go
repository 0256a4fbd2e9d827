// Package signal watches firms after the money is out. When fresh evidence arrives, or a day passes,
// the firm is profiled and scored again, the watch rules of its facilities' recipes are evaluated on
// the figures before and after, and what they say is done at once: a task that says why, a lower
// limit, a freeze.
package signal

import (
	"time"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/credit/product"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// State of a signal.
type State string

// The states.
const (
	Open         State = "open"
	Acknowledged State = "acknowledged"
	Resolved     State = "resolved"
)

// Codes of signals that the engine itself raises.
const (
	CodeConsent = "CONSENT_LAPSED"
	CodeReview  = "ORANGE_TWICE"
)

// Figures are the numbers behind a signal, for a person to check.
type Figures struct {
	Before       any           `json:"before" doc:"the metric at the previous profile"`
	After        any           `json:"after" doc:"the metric now"`
	BeforeText   fault.Text    `json:"before_text"`
	AfterText    fault.Text    `json:"after_text"`
	PointsBefore *float64      `json:"points_before,omitempty"`
	PointsAfter  *float64      `json:"points_after,omitempty"`
	PDBefore     *float64      `json:"pd_before,omitempty"`
	PDAfter      *float64      `json:"pd_after,omitempty"`
	GradeBefore  string        `json:"grade_before,omitempty"`
	GradeAfter   string        `json:"grade_after,omitempty"`
	Read         product.Facts `json:"read" doc:"every figure the rule read"`
}

// Signal is a raised warning.
type Signal struct {
	ID               string         `json:"id"`
	FirmID           string         `json:"firm_id"`
	FirmName         string         `json:"firm_name"`
	FacilityID       string         `json:"facility_id"`
	ProductID        string         `json:"product_id"`
	RecipeHash       string         `json:"recipe_hash"`
	BranchPath       string         `json:"branch_path"`
	ManagerID        string         `json:"manager_id"`
	Code             string         `json:"code"`
	Catalogue        string         `json:"catalogue" doc:"id in the early-warning catalogue"`
	Level            string         `json:"level" enum:"yellow,orange,red"`
	Name             fault.Text     `json:"name"`
	Reason           fault.Text     `json:"reason"`
	Advice           fault.Text     `json:"advice"`
	Metric           string         `json:"metric"`
	Unit             string         `json:"unit"`
	Figures          Figures        `json:"figures"`
	ScoreBeforeID    string         `json:"score_before_id"`
	ScoreAfterID     string         `json:"score_after_id"`
	Action           product.Action `json:"action" doc:"what was done at once"`
	LimitBeforeMinor int64          `json:"limit_before_minor"`
	LimitAfterMinor  int64          `json:"limit_after_minor"`
	State            State          `json:"state"`
	AsOf             calendar.Date  `json:"as_of"`
	RaisedAt         time.Time      `json:"raised_at"`
	AcknowledgedBy   string         `json:"acknowledged_by,omitempty"`
	AcknowledgedAt   time.Time      `json:"acknowledged_at,omitzero"`
	ResolvedBy       string         `json:"resolved_by,omitempty"`
	ResolvedAt       time.Time      `json:"resolved_at,omitzero"`
	Outcome          string         `json:"outcome,omitempty" enum:"handled,false_alarm,no_action,"`
	Note             string         `json:"note,omitempty"`
	SnoozeUntil      calendar.Date  `json:"snooze_until,omitzero" doc:"the same signal stays quiet until then"`
	Version          int64          `json:"version"`
}

// Outcomes of a resolved signal.
var outcomes = []string{"handled", "false_alarm", "no_action"}

const (
	noteMax       = 1000
	snoozeDaysMax = 180
	orangeDays    = 30
	orangeMany    = 2
)

// dueDays are the days a person has, by level (early_warning.json: levels).
var dueDays = map[string]int{"yellow": 10, "orange": 5, "red": 2}

func due(level string, day calendar.Date) calendar.Date {
	for range dueDays[level] {
		day = calendar.China().Next(day)
	}
	return day
}
