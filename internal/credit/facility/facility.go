// Package facility keeps the promise: how much a firm may owe under one contract and how much of it
// is in use. The balance is stored beside the limit and both move only by one conditional update, so
// that no number of concurrent draws can pass the limit.
package facility

import (
	"time"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Status of a facility.
type Status string

// The statuses. Expiry is not one of them: it follows from the business date.
const (
	Active Status = "active"
	Frozen Status = "frozen"
	Closed Status = "closed"
)

// Valid reports a known status.
func (s Status) Valid() bool { return s == Active || s == Frozen || s == Closed }

// Facility is the stored promise.
type Facility struct {
	ID             string        `json:"id"`
	FirmID         string        `json:"firm_id"`
	ApplicationID  string        `json:"application_id"`
	ContractID     string        `json:"contract_id"`
	ProductID      string        `json:"product_id"`
	ProductVersion int64         `json:"product_version"`
	BranchID       string        `json:"branch_id"`
	BranchPath     string        `json:"branch_path"`
	Currency       string        `json:"currency" doc:"of the limit, of every loan under it, and of all amounts here"`
	LimitMinor     int64         `json:"limit_minor"`
	UtilisedMinor  int64         `json:"utilised_minor"`
	AvailableMinor int64         `json:"available_minor" doc:"what may be drawn now: 0 when frozen, closed, expired or over the limit"`
	Rate           rate.Rate     `json:"rate"`
	Revolving      bool          `json:"revolving"`
	Status         Status        `json:"status"`
	StatusReason   fault.Text    `json:"status_reason"`
	StartsOn       calendar.Date `json:"starts_on"`
	ExpiresOn      calendar.Date `json:"expires_on"`
	Expired        bool          `json:"expired"`
	CreatedAt      time.Time     `json:"created_at"`
	UpdatedAt      time.Time     `json:"updated_at"`
	Version        int64         `json:"version"`
}

// amount is a number of the facility's minor units as text, with the currency's own decimals.
func (f *Facility) amount(minor int64) string {
	return money.Of(minor, money.Currency(f.Currency)).String()
}

// derive fills what follows from the stored values on a business date.
func (f *Facility) derive(today calendar.Date) {
	f.Expired = today.After(f.ExpiresOn)
	f.AvailableMinor = 0
	if f.Status == Active && !f.Expired && !today.Before(f.StartsOn) {
		f.AvailableMinor = max(0, f.LimitMinor-f.UtilisedMinor)
	}
}

// Draft is what opening a facility needs.
type Draft struct {
	FirmID         string
	ApplicationID  string
	ContractID     string // one facility per contract: opening again gives the same one
	ProductID      string
	ProductVersion int64
	BranchID       string
	BranchPath     string
	LimitMinor     int64
	Currency       string
	Rate           rate.Rate
	Revolving      bool          // a repayment gives the room back
	StartsOn       calendar.Date // empty: the business date
	ExpiresOn      calendar.Date
}

// limitMinorMax is a sanity bound (10 billion of a currency with two decimals), so that sums of limits stay inside int64.
const limitMinorMax = 1_000_000_000_000

func (d Draft) validate() error {
	var errs []error
	for _, f := range []struct{ name, value string }{
		{"firm_id", d.FirmID}, {"contract_id", d.ContractID}, {"product_id", d.ProductID},
		{"currency", d.Currency}, {"branch_path", d.BranchPath},
	} {
		if f.value == "" {
			errs = append(errs, fault.Required(f.name))
		}
	}
	if _, known := money.Currency(d.Currency).Decimals(); !known && d.Currency != "" {
		errs = append(errs, fault.Field("currency", "未知币种 "+d.Currency, "is not a known currency: "+d.Currency))
	}
	if d.LimitMinor <= 0 || d.LimitMinor > limitMinorMax {
		errs = append(errs, fault.Field("limit_minor", "须大于 0 且不超过 100 亿", "must be above 0 and at most 10 billion"))
	}
	if d.Rate < 0 || d.Rate > rate.Scale {
		errs = append(errs, fault.Field("rate", "须在 0 与 100% 之间", "must lie between 0 and 100%"))
	}
	if d.ExpiresOn.IsZero() || !d.StartsOn.IsZero() && d.ExpiresOn.Before(d.StartsOn) {
		errs = append(errs, fault.Field("expires_on", "须晚于起始日", "must be after the start"))
	}
	return fault.Join(errs...)
}

// Movement kinds.
const (
	MoveOpen     = "open"
	MoveReserve  = "reserve"
	MoveRelease  = "release"
	MoveRestore  = "restore" // a repayment was taken back: the money is still out
	MoveLimit    = "limit"
	MoveFreeze   = "freeze"
	MoveUnfreeze = "unfreeze"
	MoveClose    = "close"
)

// Movement is one recorded change.
type Movement struct {
	ID                 string     `json:"id"`
	FacilityID         string     `json:"facility_id"`
	Kind               string     `json:"kind"`
	Key                string     `json:"key"`
	AmountMinor        int64      `json:"amount_minor"`
	LimitAfterMinor    int64      `json:"limit_after_minor"`
	UtilisedAfterMinor int64      `json:"utilised_after_minor"`
	Reason             fault.Text `json:"reason"`
	At                 time.Time  `json:"at"`
	Actor              string     `json:"actor"`
}
