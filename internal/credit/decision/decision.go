// Package decision answers whether, how much and at what rate a firm may borrow, in one call: consent,
// profile, score, ordered rules with reasons, limit components, price. An answer stores everything it
// was made from, so that it can be replayed to the same answer and explained to the firm.
package decision

import (
	"time"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/credit/pricing"
	"github.com/capillary-finance/capillary/internal/credit/product"
	"github.com/capillary-finance/capillary/internal/insight/scorecard"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Result is the answer.
type Result string

// The answers.
const (
	Approved Result = "approved"
	Referred Result = "referred"
	Declined Result = "declined"
)

// Codes of reasons that the engine itself gives, beside those of the recipe.
const (
	CodeLimitLow   = product.CodeLimitLow
	CodePriceHigh  = "PRICE_ABOVE_CEILING"
	CodeReduced    = "AMOUNT_REDUCED"
	CodeByPerson   = "NEEDS_APPROVER"
	CodeScore      = "SCORE_POINTS_LOST"
	CodeMargin     = "GRADE_NOT_PRICED"
	reasonsOfScore = 3
)

// Ask is what the firm wants.
type Ask struct {
	FirmID         string `json:"firm_id"`
	ProductID      string `json:"product_id"`
	AmountMinor    int64  `json:"amount_minor"`
	Currency       string `json:"currency"`
	TenorMonths    int    `json:"tenor_months"`
	Method         string `json:"method"`
	Purpose        string `json:"purpose"`
	OtherDebtMinor int64  `json:"other_debt_minor" doc:"declared debt at other lenders"`
	ApplicationID  string `json:"application_id,omitempty"`
	Soft           bool   `json:"soft" doc:"a pre-check: nothing is asked of any credit bureau and nothing is promised"`
}

// Inputs is everything an answer is made from; it is stored and it is all that a replay reads.
type Inputs struct {
	Ask            Ask                      `json:"ask"`
	Date           calendar.Date            `json:"date" doc:"business date of the decision"`
	AsOf           calendar.Date            `json:"as_of" doc:"date of the profile"`
	Facts          product.Facts            `json:"facts"`
	PD             rate.Rate                `json:"pd"`
	Points         int                      `json:"points"`
	Grade          string                   `json:"grade"`
	ThinFile       bool                     `json:"thin_file"`
	Contributions  []scorecard.Contribution `json:"contributions"`
	ScoreReasons   []scorecard.Reason       `json:"score_reasons"`
	Benchmark      pricing.Benchmark        `json:"benchmark"`
	SnapshotID     string                   `json:"snapshot_id"`
	FeatureVersion string                   `json:"feature_version"`
	ScoreID        string                   `json:"score_id"`
	ModelID        string                   `json:"model_id"`
	ModelHash      string                   `json:"model_hash"`
	RecipeID       string                   `json:"recipe_id"`
	RecipeVersion  int64                    `json:"recipe_version"`
	RecipeHash     string                   `json:"recipe_hash"`
}

// Reason is one sentence of the explanation, with what to do and when to ask again.
type Reason struct {
	Code    string           `json:"code"`
	Kind    product.RuleKind `json:"kind"`
	Text    fault.Text       `json:"text"`
	Remedy  fault.Text       `json:"remedy"`
	RetryOn calendar.Date    `json:"retry_on,omitzero"`
}

// Outcome is the answer and how it came about. It is a pure function of Inputs and the recipe.
type Outcome struct {
	Result          Result          `json:"result"`
	Reasons         []Reason        `json:"reasons" doc:"at least one whenever the answer is not a plain approval of the amount asked"`
	Rules           []product.Hit   `json:"rules"`
	Bounds          []product.Bound `json:"bounds" doc:"limit components; the binding one decides"`
	Binding         string          `json:"binding"`
	LimitMinor      int64           `json:"limit_minor" doc:"what the rules allow"`
	AmountMinor     int64           `json:"amount_minor" doc:"what is offered: the smaller of limit and amount asked; 0 when declined"`
	Price           *pricing.Price  `json:"price,omitempty"`
	Rate            rate.Rate       `json:"rate"`
	StraightThrough bool            `json:"straight_through"`
	Authority       []string        `json:"authority" doc:"roles that may approve the amount"`
	ValidUntil      calendar.Date   `json:"valid_until"`
}

// Decision is a stored answer.
type Decision struct {
	ID         string    `json:"id"`
	FirmID     string    `json:"firm_id"`
	BranchPath string    `json:"branch_path"`
	Currency   string    `json:"currency"`
	Inputs     Inputs    `json:"inputs"`
	Outcome    Outcome   `json:"outcome"`
	DecidedAt  time.Time `json:"decided_at"`
	Actor      string    `json:"actor"`
}

// Summary is a decision in a list.
type Summary struct {
	ID          string        `json:"id"`
	FirmID      string        `json:"firm_id"`
	ProductID   string        `json:"product_id"`
	Result      Result        `json:"result"`
	Soft        bool          `json:"soft"`
	Grade       string        `json:"grade"`
	PD          rate.Rate     `json:"pd"`
	AskedMinor  int64         `json:"asked_minor"`
	LimitMinor  int64         `json:"limit_minor"`
	AmountMinor int64         `json:"amount_minor"`
	Currency    string        `json:"currency"`
	Rate        rate.Rate     `json:"rate"`
	ReasonCodes []string      `json:"reason_codes"`
	AsOf        calendar.Date `json:"as_of"`
	DecidedAt   time.Time     `json:"decided_at"`
	Actor       string        `json:"actor"`
}
