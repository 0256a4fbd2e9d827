package loan

import (
	"context"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/proposal"
)

// Permissions of servicing: one person proposes a change, another decides.
var (
	PermissionService = auth.DeclarePermission("loan.service", "提出贷款变更", "Propose changes of a loan",
		auth.RoleOperations, auth.RoleRelationshipManager, auth.RoleRisk)
	PermissionServiceReview = auth.DeclarePermission("loan.service_review", "复核贷款变更", "Review changes of a loan",
		auth.RoleApprover, auth.RoleRisk, auth.RoleCompliance)
)

// KindChange is the proposal that changes a loan.
const KindChange = "loan.change"

// PurposeRefund is the purpose of payment orders that give overpaid money back.
const PurposeRefund = "loan.refund"

// Change asks for an event on a loan.
type Change struct {
	LoanID string    `json:"loan_id"`
	Kind   EventKind `json:"kind" enum:"fee_charged,reversed,refunded,waived,rate_changed,due_moved,extended,restructured,accelerated,misused,charged_off,written_off,transferred,deposit_applied,deposit_returned"`
	// Date is the value date; zero is the business date on which it is approved.
	Date        calendar.Date `json:"value_date,omitzero"`
	AmountMinor int64         `json:"amount_minor,omitempty"`
	Detail      Particulars   `json:"detail,omitzero"`
	Reason      string        `json:"reason" doc:"why; it is kept with the loan"`
	// Reference names the change for ever: approved twice it happens once.
	Reference string `json:"reference"`
}

const reasonMax = 500

func (c Change) validate() error {
	var errs []error
	if name := kindNames[c.Kind]; name.En == "" || !c.Kind.proposable() {
		errs = append(errs, fault.Field("kind", "不是可提出的变更", "is not a change that can be proposed"))
	}
	if n := utf8.RuneCountInString(strings.TrimSpace(c.Reason)); n < 2 || n > reasonMax {
		errs = append(errs, fault.Field("reason", "须说明原因，2至500个字", "must say why, in 2 to 500 characters"))
	}
	if ref := strings.TrimSpace(c.Reference); ref == "" || ref != c.Reference || len(ref) > textMax {
		errs = append(errs, fault.Field("reference", "须为1至64个字符且首尾无空白", "must have 1 to 64 characters without blanks around it"))
	}
	if c.AmountMinor < 0 || c.AmountMinor > principalMax {
		errs = append(errs, fault.Field("amount_minor", "须在零与一千亿元之间", "must lie between zero and 100 billion yuan"))
	}
	return fault.Join(errs...)
}

// proposable lists what people may ask for; the rest follows from money and time.
func (k EventKind) proposable() bool {
	switch k {
	case FeeCharged, Reversed, Refunded, Waived, RateChanged, DueMoved, Extended, Restructured, Accelerated, Misused, ChargedOff, WrittenOff, Transferred, DepositApplied, DepositReturned:
		return true
	case Disbursed, Repaid, Cancelled, SalesReported, DepositPaid:
		return false
	default:
		return false
	}
}

func (c Change) key() string { return "change:" + c.Reference }

func (c Change) event(seq int64, on calendar.Date) Event {
	if !c.Date.IsZero() {
		on = c.Date
	}
	return Event{Seq: seq, Kind: c.Kind, Date: on, AmountMinor: c.AmountMinor, Key: c.key(), Note: c.Reason, Detail: c.Detail}
}

// Outlook is what people look at when they decide about a change.
type Outlook struct {
	Status           Status        `json:"status"`
	OutstandingMinor int64         `json:"outstanding_minor"`
	DueMinor         int64         `json:"due_minor"`
	PayoffMinor      int64         `json:"payoff_minor"`
	NextDueOn        calendar.Date `json:"next_due_on,omitzero"`
	NextDueMinor     int64         `json:"next_due_minor"`
	MaturityOn       calendar.Date `json:"maturity_on,omitzero"`
	DaysPastDue      int           `json:"days_past_due"`
	Instalments      int           `json:"instalments_ahead"`
	InterestMinor    int64         `json:"interest_ahead_minor" doc:"interest of the instalments ahead"`
	AnnualRate       string        `json:"annual_rate"`
}

func outlook(s *State) Outlook {
	o := Outlook{
		Status: s.Status, OutstandingMinor: s.Principal(), DueMinor: s.Due().TotalMinor(), PayoffMinor: s.Payoff().TotalMinor(),
		DaysPastDue: s.DaysPastDue(), Instalments: len(s.Rows) - s.Next, AnnualRate: s.Rate.String(),
	}
	if len(s.Rows) > 0 {
		o.MaturityOn = s.Rows[len(s.Rows)-1].DueDate
	}
	if next, ok := s.NextDue(); ok && s.open() {
		o.NextDueOn, o.NextDueMinor = next.DueDate, s.nextOwed(next)
	}
	for i := s.Next; i < len(s.Rows); i++ {
		o.InterestMinor += s.Rows[i].InterestMinor
	}
	return o
}

// Servicing registers changes of loans with maker-checker. It is called once,
// when the program is wired.
func (s *Service) Servicing(p *proposal.Service) {
	s.proposals = p
	p.Register(proposal.Kind{
		Name: KindChange, Zh: "贷款变更", En: "Change of a loan", Propose: PermissionService, Review: PermissionServiceReview,
		Describe: s.describe, Apply: s.applyChange,
	})
	s.dispatcher.Handle(PurposeRefund, refundOutcome)
	s.dispatcher.Handle(PurposeDepositReturn, depositOutcome)
}

// ProposeChange asks a second person for a change of a loan; it says at once
// what is wrong with it.
func (s *Service) ProposeChange(ctx context.Context, p auth.Principal, c Change) (made proposal.Proposal, err error) {
	if err := p.Require(PermissionService); err != nil {
		return made, err
	}
	if s.proposals == nil {
		return made, fault.New(fault.ReasonUnavailable, "what", "maker-checker")
	}
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		made, err = s.proposals.Propose(ctx, tx, p, KindChange, c, c.Reason)
		return err
	})
	return made, err
}

func (s *Service) describe(ctx context.Context, tx *db.Tx, p auth.Principal, body json.RawMessage) (d proposal.Description, err error) {
	var c Change
	if err := proposal.Decode(body, &c); err != nil {
		return d, err
	}
	if err := c.validate(); err != nil {
		return d, err
	}
	l, err := ByID(ctx, tx, c.LoanID)
	if err != nil {
		return d, err
	}
	if !p.Sees(l.BranchPath) {
		return d, fault.NotFoundError("loan", c.LoanID)
	}
	before, after, err := tryChange(ctx, tx, &l, c)
	if err != nil {
		return d, err
	}
	return proposal.Description{Object: "loan", ObjectID: l.ID, BaseVersion: l.eventSeq, Before: outlook(&before), After: outlook(&after)}, nil
}

// tryChange replays a loan with and without a change.
func tryChange(ctx context.Context, tx *db.Tx, l *Loan, c Change) (before, after State, err error) {
	today, err := tx.BusinessDate(ctx)
	if err != nil {
		return before, after, err
	}
	e := c.event(l.eventSeq+1, today)
	if e.Date.After(today) || e.Date.Before(l.Terms.Start) {
		return before, after, fault.Field("value_date", "须在起息日与营业日之间", "must lie between the loan's start and the business date")
	}
	recorded, err := Events(ctx, tx, l.ID)
	if err != nil {
		return before, after, err
	}
	if err := c.unused(ctx, tx, recorded); err != nil {
		return before, after, err
	}
	if err := c.lawful(l, plain(recorded), e.Date); err != nil {
		return before, after, err
	}
	if c.Kind == Refunded && l.Posted.CreditHeldMinor > 0 {
		if err := c.refundable(ctx, tx, l); err != nil {
			return before, after, err
		}
	}
	if c.Kind == DepositReturned && l.Posted.DepositHeld() > 0 {
		if err := c.depositReturnable(ctx, tx, l); err != nil {
			return before, after, err
		}
	}
	on := later(l.ProcessedTo, today)
	if before, err = Replay(l.Terms, plain(recorded), on); err != nil {
		return before, after, err
	}
	after, err = Replay(l.Terms, append(plain(recorded), e), on)
	return before, after, err
}

// unused refuses a reference that a change of this loan bears already: it stays
// the name of one change for ever.
func (c Change) unused(ctx context.Context, tx *db.Tx, recorded []RecordedEvent) error {
	for _, e := range recorded {
		if e.Key == c.key() {
			return fault.New(ReasonChangeReused, "reference", c.Reference).WithField("reference")
		}
	}
	for _, key := range []string{c.refundKey(), c.depositKey()} {
		_, ordered, err := payment.ByKey(ctx, tx, key)
		if err == nil && ordered {
			err = fault.New(ReasonChangeReused, "reference", c.Reference).WithField("reference")
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (c Change) refundKey() string { return "refund:" + c.LoanID + ":" + c.Reference }

// lawful checks what regulation says beside arithmetic.
func (c Change) lawful(l *Loan, events []Event, on calendar.Date) error {
	if c.Kind != Extended {
		return nil
	}
	total := c.Detail.Count * max(c.Detail.Every, 1)
	for _, e := range events {
		if e.Kind == Extended {
			total += e.Detail.Count * max(e.Detail.Every, 1)
		}
	}
	if limit := extensionLimit(l.Terms.TenorMonths, on); total > limit {
		return fault.New(ReasonExtension, "months", total, "limit", limit).WithField("detail.count")
	}
	return nil
}

// applyChange records the event when the second person has agreed.
func (s *Service) applyChange(ctx context.Context, tx *db.Tx, _ auth.Principal, _ proposal.Description, body json.RawMessage) error {
	var c Change
	if err := proposal.Decode(body, &c); err != nil {
		return err
	}
	l, err := read(ctx, tx, selectLocked, c.LoanID)
	if err != nil {
		return err
	}
	if c.Kind == Refunded {
		return s.orderRefund(ctx, tx, l, c)
	}
	if c.Kind == DepositReturned {
		return s.orderDepositReturn(ctx, tx, l, c)
	}
	today, err := tx.BusinessDate(ctx)
	if err != nil {
		return err
	}
	_, _, err = act(ctx, tx, &l, c.event(0, today), kindNames[c.Kind])
	return err
}

// refundable wants the money to be held and not on its way back already.
func (c Change) refundable(ctx context.Context, tx *db.Tx, l *Loan) error {
	orders, err := payment.Of(ctx, tx, "loan", l.ID)
	if err != nil {
		return err
	}
	free := l.Posted.CreditHeldMinor
	for _, o := range orders {
		if o.Purpose == PurposeRefund && !o.Status.Final() {
			free -= o.AmountMinor
		}
	}
	if c.AmountMinor > free {
		return fault.New(ReasonRefund, "amount", money.Of(c.AmountMinor, l.Currency), "held", money.Of(free, l.Currency)).WithField("amount_minor")
	}
	return nil
}

// orderRefund pays overpaid money back; the loan records it when the bank has.
func (s *Service) orderRefund(ctx context.Context, tx *db.Tx, l Loan, c Change) error {
	if err := c.refundable(ctx, tx, &l); err != nil {
		return err
	}
	name := l.PayeeName
	if l.Facts.RepayAccount != "" {
		name = "" // the payee is the supplier; the borrower's account is known by its number
	}
	_, fresh, err := payment.Record(ctx, tx, payment.Draft{
		Key: c.refundKey(), Purpose: PurposeRefund, Object: "loan", ObjectID: l.ID,
		FromAccount: payment.SettlementAccount(tx.Institution, l.Currency), ToAccount: l.collectAccount(), ToName: name,
		Amount: money.Of(c.AmountMinor, l.Currency), Memo: "退还溢缴款 refund",
	})
	if err == nil && fresh {
		tx.AfterCommit(s.dispatcher.Wake)
	}
	return err
}

// collectAccount is the customer's account that money is taken from and given back to.
func (l *Loan) collectAccount() string {
	if l.Facts.RepayAccount != "" {
		return l.Facts.RepayAccount
	}
	return l.PayeeAccount
}

func refundOutcome(ctx context.Context, tx *db.Tx, o payment.Order) error {
	if o.Status != payment.Succeeded {
		return nil
	}
	l, err := read(ctx, tx, selectLocked, o.ObjectID)
	if err != nil {
		return err
	}
	today, err := tx.BusinessDate(ctx)
	if err != nil {
		return err
	}
	_, _, err = act(ctx, tx, &l, Event{Kind: Refunded, Date: today, AmountMinor: o.AmountMinor, Key: o.Key, Note: o.BankReference}, kindNames[Refunded])
	return err
}
