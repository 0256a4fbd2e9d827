// Package receipt takes in money that arrives otherwise than by our own
// collection: files of the bank (camt.053, camt.054) and batch repayment files
// (XLSX, CSV). Every payment in them becomes one receipt, once; rules match it to
// loans; what they are sure of is posted as repayments with its value date, and
// what they are not waits for a person. At every moment the whole amount of a
// receipt is accounted for.
package receipt

import (
	"time"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Status is what a receipt waits for.
type Status string

// Statuses. Received receipts have not met the rules yet; matched ones have a
// plan that is being posted; exceptions wait for a person; returning ones wait
// for the bank; closed ones have nothing open.
const (
	Received  Status = "received"
	Matched   Status = "matched"
	Exception Status = "exception"
	Returning Status = "returning"
	Closed    Status = "closed"
)

// statusNames name statuses for people.
var statusNames = map[Status]string{Received: "待匹配", Matched: "入账中", Exception: "待处理", Returning: "退回中", Closed: "已处理完"}

// wrongStatus refuses what a receipt's status does not allow.
func wrongStatus(s Status) *fault.Error {
	return fault.New(ReasonStatus, "status", s, "status_zh", statusNames[s])
}

// Sums say where the money of a receipt is. Together they are its amount.
type Sums struct {
	OpenMinor      int64 `json:"open_minor" doc:"in suspense, waiting"`
	PostedMinor    int64 `json:"posted_minor" doc:"repaid loans"`
	ConfirmedMinor int64 `json:"confirmed_minor" doc:"is the money of a collection that books itself"`
	ReturningMinor int64 `json:"returning_minor" doc:"a payment back to the payer has no outcome yet"`
	ReturnedMinor  int64 `json:"returned_minor"`
	IgnoredMinor   int64 `json:"ignored_minor" doc:"found not to be ours by two persons"`
}

// Total is the amount.
func (s Sums) Total() int64 {
	return s.OpenMinor + s.PostedMinor + s.ConfirmedMinor + s.ReturningMinor + s.ReturnedMinor + s.IgnoredMinor
}

// Receipt is one payment that arrived.
type Receipt struct {
	ID            string         `json:"id"`
	FileID        string         `json:"file_id"`
	Line          int64          `json:"line" doc:"of the file"`
	Account       string         `json:"account" doc:"ours, on which the money arrived"`
	AmountMinor   int64          `json:"amount_minor"`
	Currency      money.Currency `json:"currency"`
	ValueDate     calendar.Date  `json:"value_date"`
	PayerName     string         `json:"payer_name"`
	PayerAccount  string         `json:"payer_account"`
	BankReference string         `json:"bank_reference"`
	EndToEndID    string         `json:"end_to_end_id"`
	Remittance    string         `json:"remittance"`
	Channel       string         `json:"channel"`
	Note          string         `json:"note"`
	LoanHint      string         `json:"loan_hint" doc:"loan named in the file"`
	FirmHint      string         `json:"firm_hint" doc:"firm named in the file"`
	Prepay        bool           `json:"prepay" doc:"the payer asked to pay ahead"`
	Status        Status         `json:"status" enum:"received,matched,exception,returning,closed"`
	Sums
	Rule       string     `json:"rule" doc:"that decided"`
	Score      int64      `json:"score" doc:"0 to 100"`
	Why        fault.Text `json:"why"`
	Plan       []Share    `json:"plan" nullable:"false" doc:"what is being posted, or what the rules suggest to a person"`
	BranchPath string     `json:"branch_path"`
	CreatedAt  time.Time  `json:"created_at"`
	UpdatedAt  time.Time  `json:"updated_at"`
	Version    int64      `json:"version"`

	uses    int64
	bankKey string
}

// Share is a share of a receipt for one loan.
type Share struct {
	LoanID      string `json:"loan_id"`
	AmountMinor int64  `json:"amount_minor"`
	Prepay      bool   `json:"prepay,omitempty" doc:"may go beyond what is due"`
	// No numbers the repayment of this receipt; its reference holds it.
	No int64 `json:"no,omitempty"`
}

// UseKind says what became of some of the money.
type UseKind string

// Kinds of uses. Notes have no amount; a failed return gives its money back.
const (
	UsePosted       UseKind = "posted"
	UseConfirmed    UseKind = "confirmed"
	UseReturning    UseKind = "returning"
	UseReturned     UseKind = "returned"
	UseReturnFailed UseKind = "return_failed"
	UseIgnored      UseKind = "ignored"
	UseNote         UseKind = "note"
)

// Use is one thing that happened to a receipt's money. The list is append-only.
type Use struct {
	No          int64     `json:"no"`
	Kind        UseKind   `json:"kind" enum:"posted,confirmed,returning,returned,return_failed,ignored,note"`
	AmountMinor int64     `json:"amount_minor"`
	LoanID      string    `json:"loan_id,omitempty"`
	OrderID     string    `json:"order_id,omitempty"`
	Reference   string    `json:"reference,omitempty" doc:"of the repayment"`
	Note        string    `json:"note,omitempty"`
	Actor       string    `json:"actor"`
	At          time.Time `json:"at"`
}

// move books a use on the sums.
func (s *Sums) move(kind UseKind, minor int64) error {
	from, to := &s.OpenMinor, (*int64)(nil)
	switch kind {
	case UsePosted:
		to = &s.PostedMinor
	case UseConfirmed:
		to = &s.ConfirmedMinor
	case UseReturning:
		to = &s.ReturningMinor
	case UseIgnored:
		to = &s.IgnoredMinor
	case UseReturned:
		from, to = &s.ReturningMinor, &s.ReturnedMinor
	case UseReturnFailed:
		from, to = &s.ReturningMinor, &s.OpenMinor
	case UseNote:
		return nil
	}
	if to == nil || minor <= 0 || minor > *from {
		return fault.New(ReasonAmount, "amount", money.FormatMinor(minor), "open", money.FormatMinor(*from)).WithField("amount_minor")
	}
	*from -= minor
	*to += minor
	return nil
}

// settle gives the status that follows from the money; a receipt with open
// money and no plan is an exception.
func (r *Receipt) settle() {
	switch {
	case r.OpenMinor > 0 && r.Status == Matched && len(r.Plan) > 0:
	case r.OpenMinor > 0:
		r.Status = Exception
	case r.ReturningMinor > 0:
		r.Status = Returning
	default:
		r.Status = Closed
	}
}

// Line is a payment as a file tells of it.
type Line struct {
	Line          int64
	Key           string // names the payment for ever
	Account       string
	AmountMinor   int64
	Currency      money.Currency
	ValueDate     calendar.Date
	PayerName     string
	PayerAccount  string
	BankReference string
	EndToEndID    string
	Remittance    string
	Channel       string
	Note          string
	LoanHint      string
	FirmHint      string
	Prepay        bool
}

// same reports whether two rows of one file under one bank reference tell of one payment.
func (l Line) same(o Line) bool {
	return l.LoanHint == o.LoanHint && l.FirmHint == o.FirmHint && l.PayerAccount == o.PayerAccount && l.ValueDate == o.ValueDate && l.EndToEndID == o.EndToEndID
}
