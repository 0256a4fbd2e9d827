// Package approval is the desk of authorised people: a referred application becomes a case, and a
// person with the authority for its amount, never the one who submitted it, approves, declines or
// returns it with a note.
package approval

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/credit/product"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// State of a case.
type State string

// The states.
const (
	Open      State = "open"
	Approved  State = "approved"
	Declined  State = "declined"
	Returned  State = "returned"
	Withdrawn State = "withdrawn"
)

// Case is a referred application on an approver's desk.
type Case struct {
	ID            string        `json:"id"`
	ApplicationID string        `json:"application_id"`
	DecisionID    string        `json:"decision_id"`
	FirmID        string        `json:"firm_id"`
	FirmName      string        `json:"firm_name"`
	ProductID     string        `json:"product_id"`
	BranchPath    string        `json:"branch_path"`
	AmountMinor   int64         `json:"amount_minor" doc:"what the rules would allow of what was asked"`
	LimitMinor    int64         `json:"limit_minor" doc:"highest amount the rules allow"`
	Currency      string        `json:"currency"`
	Rate          rate.Rate     `json:"rate"`
	Grade         string        `json:"grade"`
	Roles         []string      `json:"roles" doc:"who may decide"`
	SubmitterID   string        `json:"submitter_id"`
	CreatorID     string        `json:"creator_id"`
	State         State         `json:"state"`
	OpenedAt      time.Time     `json:"opened_at"`
	DueOn         calendar.Date `json:"due_on"`
	DecidedBy     string        `json:"decided_by,omitempty"`
	DecidedAt     time.Time     `json:"decided_at,omitzero"`
	ApprovedMinor int64         `json:"approved_minor"`
	ApprovedRate  rate.Rate     `json:"approved_rate"`
	Note          string        `json:"note,omitempty"`
	Version       int64         `json:"version"`
}

// Ruling is what the person says.
type Ruling struct {
	AmountMinor int64     // 0: the case's amount
	Rate        rate.Rate // 0: the case's rate
	Note        string
}

const noteMax = 1000

// may says whether a person may decide the case.
func (c Case) may(p auth.Principal) error {
	if p.UserID == c.SubmitterID || p.UserID == c.CreatorID {
		return fault.New(ReasonSamePerson)
	}
	if p.Via == "system" || slices.ContainsFunc(c.Roles, p.HasRole) {
		return nil
	}
	return fault.New(ReasonAuthority, "amount", money.Of(c.AmountMinor, money.Currency(c.Currency)).Format(p.Lang), "roles", strings.Join(c.Roles, ", "))
}

func (c Case) open() error {
	if c.State != Open {
		return fault.New(ReasonDecided, "state", c.State)
	}
	return nil
}

// bounds completes a ruling and checks it against what the rules and the product allow. An approver
// may lend less or dearer than the machine proposed, never more than the rules allow.
func (c Case) bounds(r Ruling, p *product.Compiled, floor rate.Rate) (Ruling, error) {
	if r.AmountMinor == 0 {
		r.AmountMinor = c.AmountMinor
	}
	if r.Rate == 0 {
		r.Rate = c.Rate
	}
	var errs []error
	low, high := p.Terms.AmountMinMinor, min(c.LimitMinor, c.AmountMinor)
	if r.AmountMinor < low || r.AmountMinor > high {
		errs = append(errs, fault.New(ReasonAboveLimit, "min", money.Of(low, money.Currency(c.Currency)), "max", money.Of(high, money.Currency(c.Currency))).WithField("amount_minor"))
	}
	if r.Rate < floor || r.Rate > p.Pricing.Ceiling {
		errs = append(errs, fault.New(ReasonRate, "min", floor.Percent(), "max", p.Pricing.Ceiling.Percent()).WithField("rate"))
	}
	return r, fault.Join(append(errs, noted(r.Note))...)
}

func noted(note string) error {
	if strings.TrimSpace(note) == "" {
		return fault.Required("note")
	}
	if utf8.RuneCountInString(note) > noteMax {
		return fault.Field("note", "最多 1000 字", "at most 1000 characters")
	}
	return nil
}

// dueOn is n business days after a day.
func dueOn(from calendar.Date, n int) calendar.Date {
	for range n {
		from = calendar.China().Next(from)
	}
	return from
}
