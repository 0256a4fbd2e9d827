// Package payment moves money through a bank, once per business key. An order
// is recorded before it is tried; its outcome is asked for when it is unknown
// and never guessed.
package payment

import (
	"crypto/sha256"
	"encoding/base32"
	"strings"
	"time"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Status of an order.
type Status string

// Recorded orders were never sent. Sent ones may have been executed: their
// outcome is unknown until the bank says. The other two are final.
const (
	Recorded  Status = "recorded"
	Sent      Status = "sent"
	Succeeded Status = "succeeded"
	Failed    Status = "failed"
)

// Final reports that the order will never change again.
func (s Status) Final() bool { return s == Succeeded || s == Failed }

// Order is one payment.
type Order struct {
	ID            string         `json:"id"`
	Key           string         `json:"business_key"`
	Purpose       string         `json:"purpose"`
	Object        string         `json:"object"`
	ObjectID      string         `json:"object_id"`
	FromAccount   string         `json:"from_account"`
	ToAccount     string         `json:"to_account"`
	ToName        string         `json:"to_name"`
	AmountMinor   int64          `json:"amount_minor"`
	Currency      money.Currency `json:"currency"`
	Memo          string         `json:"memo"`
	ValueDate     calendar.Date  `json:"value_date"`
	Status        Status         `json:"status" enum:"recorded,sent,succeeded,failed"`
	Attempts      int            `json:"attempts"`
	BankReference string         `json:"bank_reference"`
	Reason        string         `json:"reason"`
	NextTryAt     time.Time      `json:"next_try_at"`
	CreatedAt     time.Time      `json:"created_at"`
	UpdatedAt     time.Time      `json:"updated_at"`

	FromName         string        `json:"from_name" doc:"whose account is debited, for a debit"`
	MandateID        string        `json:"mandate_id" doc:"under which a customer's account is debited"`
	MandateReference string        `json:"mandate_reference"`
	MandateSignedOn  calendar.Date `json:"mandate_signed_on,omitzero"`
}

// Mandate names the authority of a debit.
type Mandate struct {
	ID        string
	Reference string
	SignedOn  calendar.Date // empty for an implied one
}

// Draft is an order about to be recorded. Key is unique forever: recording it
// again with the same content gives the order recorded before.
type Draft struct {
	Key         string
	Purpose     string
	Object      string
	ObjectID    string
	FromAccount string
	ToAccount   string
	ToName      string
	Amount      money.Amount
	Memo        string
	FromName    string  // whose account is debited
	Mandate     Mandate // of a debit; empty for a payment out
}

const (
	textMax = 200
	keyMax  = 150
)

func (d Draft) validate() error {
	var errs []error
	if d.Key == "" || len(d.Key) > keyMax {
		errs = append(errs, fault.Field("business_key", "须为1至150个字符", "must have 1 to 150 characters"))
	}
	if d.Amount.Minor <= 0 {
		errs = append(errs, fault.Field("amount_minor", "须大于零", "must be above zero"))
	}
	for field, v := range map[string]string{"from_account": d.FromAccount, "to_account": d.ToAccount, "purpose": d.Purpose} {
		if v == "" || len(v) > 64 || strings.ContainsAny(v, "\n\r\t") {
			errs = append(errs, fault.Field(field, "须为1至64个字符", "must have 1 to 64 characters"))
		}
	}
	if len(d.ToName) > textMax || len(d.Memo) > textMax {
		errs = append(errs, fault.Field("to_name", "过长", "is too long"))
	}
	return fault.Join(errs...)
}

func (o Order) sameAs(d Draft) bool {
	return o.Purpose == d.Purpose && o.Object == d.Object && o.FromAccount == d.FromAccount && o.ToAccount == d.ToAccount &&
		o.AmountMinor == d.Amount.Minor && o.Currency == d.Amount.Currency
}

// Backoff is how long to wait before asking again after n tries: from a second
// to ten minutes, without end, because an unknown outcome stays a question
// until the bank answers.
func backoff(attempts int) time.Duration {
	return min(time.Second<<min(attempts, 10), 10*time.Minute)
}

// SettlementAccount is the account an institution pays from and collects into in a currency: each currency
// has its own at the bank. The one in yuan bears the plain name, as it did when it was the only one.
func SettlementAccount(institutionID string, c money.Currency) string {
	if c == money.CNY {
		return settlementPrefix + institutionID
	}
	return settlementPrefix + institutionID + currencyMark + string(c)
}

// currencyMark parts the institution from the currency in the name of a settlement account.
const currencyMark = ":"

const settlementPrefix = "nostro:"

// bankKey names an order at the bank. It holds the business key, not the id,
// so that an order recorded again after a restore still is the same payment.
func bankKey(institutionID, key string) string { return institutionID + ":" + key }

// endToEndPrefix starts our end-to-end numbers.
const endToEndPrefix = "CP"

// EndToEndID is the number of an order in ISO 20022 messages, at most 35
// characters: a digest of the key, so that the order recorded again after a
// restore has the same one. It comes back in the bank's statements.
func EndToEndID(institutionID, key string) string { return endToEnd(bankKey(institutionID, key)) }

func endToEnd(bankKey string) string {
	sum := sha256.Sum256([]byte(bankKey))
	return endToEndPrefix + base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:20])
}
