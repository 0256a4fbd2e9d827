// Package mandate keeps the standing authorities by which customers let their
// accounts be debited (代扣授权), and how an institution uses them. A debit is made
// under a mandate in force or not at all; a mandate is stopped by one person at
// once and signed, changed or taken up again by two.
package mandate

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Scope says whose debts a mandate is for.
type Scope string

// Scopes, from the narrowest to the widest.
const (
	OfLoan     Scope = "loan"
	OfFacility Scope = "facility"
	OfFirm     Scope = "firm"
)

// State of a mandate. A revoked one never comes back: the customer signs anew.
type State string

// States.
const (
	Signed    State = "signed"
	Suspended State = "suspended"
	Revoked   State = "revoked"
)

// Cause is why a mandate was stopped.
type Cause string

// Causes. In a dispute the customer is not debited until it is settled.
const (
	ByCustomer    Cause = "customer"
	InDispute     Cause = "dispute"
	AccountClosed Cause = "account_closed"
	OtherCause    Cause = "other"
)

// Terms are what the customer signs.
type Terms struct {
	Reference     string         `json:"reference" doc:"the number of the mandate, for ever; it goes to the bank with every debit"`
	Scope         Scope          `json:"scope" enum:"loan,facility,firm"`
	ScopeID       string         `json:"scope_id" doc:"the loan, facility or firm"`
	Currency      money.Currency `json:"currency"`
	DebtorAccount string         `json:"debtor_account"`
	DebtorName    string         `json:"debtor_name"`
	MaxMinor      int64          `json:"max_minor" doc:"most a single debit may take; 0: no bound"`
	ValidFrom     calendar.Date  `json:"valid_from"`
	ValidTo       calendar.Date  `json:"valid_to,omitzero" doc:"last day; empty: until it is revoked"`
	SignedOn      calendar.Date  `json:"signed_on,omitzero" doc:"empty for an implied one"`
	Document      string         `json:"document" doc:"where the signed paper is: the hash of an upload, or its number in the archive"`
}

// Mandate is the stored authority.
type Mandate struct {
	ID         string `json:"id"`
	FirmID     string `json:"firm_id"`
	BranchPath string `json:"branch_path"`
	Terms
	// Implied says that nobody signed it: it stands for the account that the money went to.
	Implied   bool      `json:"implied" doc:"not signed: it stands for the account named when the loan was drawn"`
	State     State     `json:"state" enum:"signed,suspended,revoked"`
	Cause     Cause     `json:"cause" enum:"customer,dispute,account_closed,other" doc:"why it was stopped; empty while it is signed"`
	Reason    string    `json:"reason"`
	StoppedAt time.Time `json:"stopped_at,omitzero"`
	CreatedAt time.Time `json:"created_at"`
	CreatedBy string    `json:"created_by"`
	UpdatedAt time.Time `json:"updated_at"`
	UpdatedBy string    `json:"updated_by"`
	Version   int64     `json:"version"`
}

const (
	textMax   = 64
	docMax    = 128
	reasonMax = 500
	// amountMax is a sanity bound, as of loans.
	amountMax = 10_000_000_000_000
	// referenceMax is what a direct debit may say of its mandate (MndtId).
	referenceMax = 35
)

// Validate collects every fault of signed terms.
func (t Terms) Validate() error {
	var errs []error
	for _, f := range []struct {
		field, value string
		most         int
	}{{"reference", t.Reference, referenceMax}, {"scope_id", t.ScopeID, textMax}, {"debtor_account", t.DebtorAccount, textMax}, {"debtor_name", t.DebtorName, textMax}, {"document", t.Document, docMax}} {
		switch n := utf8.RuneCountInString(f.value); {
		case n == 0:
			errs = append(errs, fault.Required(f.field))
		case n > f.most || strings.TrimSpace(f.value) != f.value || strings.ContainsAny(f.value, "\n\r\t"):
			errs = append(errs, fault.Field(f.field, "过长，或含换行与首尾空白", "is too long, or has line breaks or blanks around it"))
		}
	}
	if t.Scope != OfLoan && t.Scope != OfFacility && t.Scope != OfFirm {
		errs = append(errs, fault.Field("scope", "须为 loan、facility 或 firm", "must be loan, facility or firm"))
	}
	if _, known := t.Currency.Decimals(); !known {
		errs = append(errs, fault.Field("currency", "未知币种", "is not a known currency"))
	}
	if t.MaxMinor < 0 || t.MaxMinor > amountMax {
		errs = append(errs, fault.Field("max_minor", "须在零与一千亿之间", "must lie between zero and 100 billion"))
	}
	if t.ValidFrom.IsZero() || t.SignedOn.IsZero() {
		errs = append(errs, fault.Required("valid_from"), fault.Required("signed_on"))
	} else if t.ValidFrom.Before(t.SignedOn) || !t.ValidTo.IsZero() && t.ValidTo.Before(t.ValidFrom) {
		errs = append(errs, fault.Field("valid_to", "有效期须不早于签署日，且止日不早于起日", "the validity must not begin before the day of signing, nor end before it begins"))
	}
	return fault.Join(errs...)
}

// Debt is a loan as a debit sees it.
type Debt struct {
	LoanID     string
	FacilityID string
	FirmID     string
	BranchPath string
	Currency   money.Currency
}

// rank orders scopes: the narrowest decides.
func (s Scope) rank() int {
	switch s {
	case OfLoan:
		return 0
	case OfFacility:
		return 1
	case OfFirm:
		return 2
	}
	return 3
}

// Choose finds the mandate under which a debt may be debited on a day, among all that cover it; else it says why
// there is none. The narrowest scope decides, so that a stopped mandate of a loan is not got round by a wider one.
// A revoked one stands in the way of wider ones that are older than its revocation: who revokes for one loan means it.
func Choose(all []Mandate, c money.Currency, on calendar.Date) (*Mandate, error) {
	var best *Mandate
	revoked := false
	for i := range all {
		m := &all[i]
		switch {
		case m.Currency != c:
		case m.State == Revoked:
			revoked = true
		case best == nil || m.Scope.rank() < best.Scope.rank():
			best = m
		}
	}
	switch {
	case best == nil && !revoked:
		return nil, fault.New(ReasonNone, "currency", string(c))
	case best == nil || best.barred(all):
		return nil, fault.New(ReasonRevoked)
	case best.State == Suspended:
		return nil, fault.New(ReasonSuspended, "reference", best.Reference, "cause", best.Cause, "cause_zh", causeNames[best.Cause], "why", best.Reason)
	case on.Before(best.ValidFrom) || !best.ValidTo.IsZero() && on.After(best.ValidTo):
		return nil, fault.New(ReasonNotInForce, "reference", best.Reference, "from", best.ValidFrom, "to", dash(best.ValidTo.String()))
	}
	return best, nil
}

// barred tells whether a narrower mandate was revoked since this one came about.
func (m *Mandate) barred(all []Mandate) bool {
	for _, x := range all {
		if x.State == Revoked && x.Currency == m.Currency && x.Scope.rank() < m.Scope.rank() && !m.CreatedAt.After(x.StoppedAt) {
			return true
		}
	}
	return false
}

func dash(s string) string {
	if s == "" {
		return "—"
	}
	return s
}

var causeNames = map[Cause]string{ByCustomer: "客户要求", InDispute: "争议处理中", AccountClosed: "账户已销", OtherCause: "其他"}

// Known reports a cause that may be given.
func (c Cause) Known() bool { return causeNames[c] != "" }
