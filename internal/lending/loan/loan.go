package loan

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"time"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
)

// Loan is the stored loan: its terms, and a projection of its state as of
// ProcessedTo that lists and queues read.
type Loan struct {
	ID               string         `json:"id"`
	FacilityID       string         `json:"facility_id"`
	Reference        string         `json:"reference" doc:"the client's own number of the drawdown, unique per facility"`
	ContractID       string         `json:"contract_id"`
	FirmID           string         `json:"firm_id"`
	ProductID        string         `json:"product_id"`
	BranchID         string         `json:"branch_id"`
	BranchPath       string         `json:"branch_path"`
	Terms            Terms          `json:"terms"`
	PayeeName        string         `json:"payee_name"`
	PayeeAccount     string         `json:"payee_account"`
	PaymentOrderID   string         `json:"payment_order_id"`
	Status           Status         `json:"status" enum:"pending_disbursement,active,overdue,settled,cancelled,written_off,transferred"`
	ProcessedTo      calendar.Date  `json:"processed_to" doc:"interest and due dates are worked up to this business date"`
	DisbursedOn      calendar.Date  `json:"disbursed_on,omitzero"`
	MaturityOn       calendar.Date  `json:"maturity_on"`
	NextDueOn        calendar.Date  `json:"next_due_on,omitzero"`
	NextDueMinor     int64          `json:"next_due_minor"`
	Currency         money.Currency `json:"currency"`
	PrincipalMinor   int64          `json:"principal_minor" doc:"amount drawn"`
	OutstandingMinor int64          `json:"outstanding_minor" doc:"principal still owed"`
	DueMinor         int64          `json:"due_minor" doc:"payable now: fees, penalty, interest, principal"`
	DaysPastDue      int            `json:"days_past_due"`
	Posted           Totals         `json:"posted" doc:"running sums that stand in the books"`
	CreatedAt        time.Time      `json:"created_at"`
	UpdatedAt        time.Time      `json:"updated_at"`
	Version          int64          `json:"version"`
	Facts            Facts          `json:"facts"`

	eventSeq  int64
	eventHash string
	// storedStatus is the status in the row, state what project saw last.
	storedStatus Status
	state        *State
}

// Origin says how a loan came to be. Extension (展期) keeps the loan, so it is
// not among them; renewal (无还本续贷) and refinancing (借新还旧) are new loans
// that repay an old one, and are different legal events.
type Origin string

// Origins.
const (
	OriginNew         Origin = ""
	OriginRenewal     Origin = "renewal"
	OriginRefinancing Origin = "refinancing"
)

// Facts are what a loan is beside its terms.
type Facts struct {
	Origin        Origin `json:"origin,omitempty" enum:"renewal,refinancing" doc:"empty: a new loan"`
	PredecessorID string `json:"predecessor_id,omitempty" doc:"the loan that this one repaid"`
	SuccessorID   string `json:"successor_id,omitempty" doc:"the loan that repaid this one"`
	// Entrusted money goes to the customer's supplier (受托支付), not to the customer.
	Entrusted bool   `json:"entrusted,omitempty"`
	Purpose   string `json:"purpose,omitempty" doc:"what the money is for; with entrusted payment the order or invoice behind it"`
	// RepayAccount is where collections are taken from; empty is the payee's account.
	RepayAccount string  `json:"repay_account,omitempty"`
	Checks       []Check `json:"checks,omitempty" doc:"the five checks of a renewal"`
	// FirstMinor is the first tranche of a loan that is paid out in several.
	FirstMinor int64 `json:"first_minor,omitempty"`
}

// Check is one answered question of a renewal, with what it rests on.
type Check struct {
	Name     string `json:"name" enum:"lawful_operation,stable_operation,good_credit,lending_standard,bank_terms"`
	Passed   bool   `json:"passed"`
	Evidence string `json:"evidence" maxLength:"300"`
}

// RecordedEvent is a stored event with its place in the loan's chain.
type RecordedEvent struct {
	Event
	BookedAt time.Time `json:"booked_at"`
	Actor    string    `json:"actor"`
	PrevHash string    `json:"prev_hash"`
	Hash     string    `json:"hash"`

	detail   string        // Detail as it is stored and sealed; empty when there is none
	workedTo calendar.Date // up to where the loan was worked when the event was recorded; zero when it was taken over or not kept then
}

// seal is the event's hash over the one before and every field, each written
// with its length.
func (e RecordedEvent) seal(institution, loanID string) string {
	h := sha256.New()
	fields := []string{
		"capillary loan event 1", institution, loanID, e.PrevHash, strconv.FormatInt(e.Seq, 10), string(e.Kind), e.Date.String(),
		strconv.FormatInt(e.AmountMinor, 10), strconv.FormatBool(e.Prepay), e.Key, e.Note, strconv.FormatInt(e.BookedAt.UnixMicro(), 10), e.Actor,
	}
	if e.detail != "" { // events without one keep the seal they had before there were details
		fields[0] = "capillary loan event 2"
		fields = append(fields, e.detail)
	}
	if !e.workedTo.IsZero() {
		fields[0] = "capillary loan event 3"
		fields = append(fields, "worked to", e.workedTo.String())
	}
	for _, s := range fields {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(s))) //nolint:gosec // short fields
		_, _ = h.Write(n[:])
		_, _ = h.Write([]byte(s))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// project copies what lists need from a state.
func (l *Loan) project(s *State) {
	l.state = s
	l.Status, l.ProcessedTo = s.Status, s.AsOf
	l.OutstandingMinor, l.DueMinor, l.DaysPastDue = s.Principal(), s.Due().TotalMinor(), s.DaysPastDue()
	l.NextDueOn, l.NextDueMinor = calendar.Date{}, 0
	if s.Totals.DisbursedMinor > 0 {
		l.DisbursedOn = s.Terms.Start
	}
	if len(s.Rows) > 0 && s.Status != Settled {
		l.MaturityOn = s.Rows[len(s.Rows)-1].DueDate
	}
	if next, ok := s.NextDue(); ok && s.open() {
		l.NextDueOn, l.NextDueMinor = next.DueDate, s.nextOwed(next)
	}
}

func plain(events []RecordedEvent) []Event {
	out := make([]Event, len(events))
	for i, e := range events {
		out[i] = e.Event
	}
	return out
}
