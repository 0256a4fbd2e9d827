package loan

import (
	"context"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/daycount"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/base/schedule"
	"github.com/capillary-finance/capillary/internal/base/tvm"
	"github.com/capillary-finance/capillary/internal/credit/facility"
	"github.com/capillary-finance/capillary/internal/lending/mandate"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/proposal"
)

// Permissions of loans.
var (
	PermissionRead = auth.DeclarePermission("loan.read", "查看贷款", "View loans",
		auth.RoleRelationshipManager, auth.RoleApprover, auth.RoleOperations, auth.RoleRisk, auth.RoleCompliance, auth.RoleIntegrator)
	PermissionDraw = auth.DeclarePermission("loan.draw", "放款", "Draw down a loan",
		auth.RoleOperations, auth.RoleRelationshipManager, auth.RoleIntegrator)
	PermissionRepay = auth.DeclarePermission("loan.repay", "登记还款", "Record or collect repayments",
		auth.RoleOperations, auth.RoleIntegrator)
)

// Purposes of payment orders.
const (
	PurposeDisbursement = "loan.disbursement"
	PurposeCollection   = "loan.collection"
)

// Conditions are what a contract fixes about every loan drawn under it.
type Conditions struct {
	Methods        []Method            `json:"methods"`
	TenorMonthsMin int                 `json:"tenor_months_min"`
	TenorMonthsMax int                 `json:"tenor_months_max"`
	Basis          daycount.Convention `json:"basis"`
	Rounding       money.Mode          `json:"rounding"`
	GraceDays      int                 `json:"grace_days"`
	// PenaltySpread is the share added to the rate on overdue amounts.
	PenaltySpread rate.Rate           `json:"penalty_spread"`
	DueRule       calendar.Adjustment `json:"due_rule"`
	// Repricing says which benchmark the rate follows and when; zero is a fixed rate.
	Repricing Repricing `json:"repricing,omitzero"`
	// Kind is the recipe's: term, revolving, lease or discount; empty in contracts older than kinds.
	Kind string `json:"kind,omitempty"`
	// Sales are there when the contract offers repayment by a share of sales.
	Sales    SalesConditions   `json:"sales,omitzero"`
	Lease    LeaseConditions   `json:"lease,omitzero"`
	Tranches TrancheConditions `json:"tranches,omitzero"`
}

// KindLease is the kind of contract under which leases are drawn.
const KindLease = "lease"

// ConditionsOf finds the conditions of a facility's contract. The contract
// package provides it; loans do not know contracts.
type ConditionsOf func(ctx context.Context, tx *db.Tx, f facility.Facility) (Conditions, error)

// Service draws, repays and answers.
type Service struct {
	db         *db.DB
	dispatcher *payment.Dispatcher
	conditions ConditionsOf
	proposals  *proposal.Service
}

// NewService makes the service and registers it for the outcomes of its payments.
func NewService(d *db.DB, dispatcher *payment.Dispatcher, conditions ConditionsOf) *Service {
	s := &Service{db: d, dispatcher: dispatcher, conditions: conditions}
	dispatcher.Handle(PurposeDisbursement, disbursementOutcome)
	dispatcher.Handle(PurposeCollection, collectionOutcome)
	return s
}

// DrawInput asks for a loan under a facility.
type DrawInput struct {
	FacilityID   string
	AmountMinor  int64
	Currency     money.Currency // empty: the facility's, which it must be
	TenorMonths  int
	Method       Method
	PayeeName    string
	PayeeAccount string
	// FirstMinor, when set, is paid out now and the rest in later tranches.
	FirstMinor int64
	// Entrusted money goes to the customer's supplier; Purpose says what for.
	Entrusted bool
	Purpose   string
	// RepayAccount is where collections are taken from; with entrusted payment it is needed.
	RepayAccount string
	// Plan shapes the instalments (frequency, grace, balloon, seasons ...); zero is the plain one.
	Plan Plan
	// Prepayment is the usual strategy of prepayments.
	Prepayment Strategy
	// Sales belong to the method sales_share.
	Sales SalesInput
	// Lease belongs to contracts of leases.
	Lease LeaseInput
	// Tranches are the further disbursements planned; what they leave of the amount is paid out now.
	Tranches []schedule.Tranche
	// Reference is the client's own number of this drawdown: whoever sends it
	// again, by whatever route, gets the loan that exists.
	Reference string
}

// textMax bounds references, accounts and names.
const textMax = 64

func (in DrawInput) validate() error {
	var errs []error
	for field, v := range map[string]string{"client_reference": in.Reference, "payee_account": in.PayeeAccount, "payee_name": in.PayeeName} {
		// A name is counted in characters: a Chinese one takes three bytes each. Blanks around a reference or
		// an account would make another one of it.
		length := len(v)
		if field == "payee_name" {
			length = utf8.RuneCountInString(v)
		}
		if strings.TrimSpace(v) == "" {
			errs = append(errs, fault.Required(field))
		} else if length > textMax || strings.ContainsAny(v, "\n\r\t") || strings.TrimSpace(v) != v {
			errs = append(errs, fault.Field(field, "不得超过64个字符，不含换行，首尾无空白", "must have at most 64 characters, no line breaks and no blanks around it"))
		}
	}
	if len(in.RepayAccount) > textMax || strings.ContainsAny(in.RepayAccount, "\n\r\t") || strings.TrimSpace(in.RepayAccount) != in.RepayAccount {
		errs = append(errs, fault.Field("repay_account", "不得超过64个字符，不含换行，首尾无空白", "must have at most 64 characters, no line breaks and no blanks around it"))
	}
	if utf8.RuneCountInString(in.Purpose) > purposeMax {
		errs = append(errs, fault.Field("purpose", "不得超过200个字", "must have at most 200 characters"))
	}
	if in.FirstMinor < 0 || in.FirstMinor > in.AmountMinor {
		errs = append(errs, fault.Field("first_minor", "须在零与贷款金额之间", "must lie between zero and the amount"))
	}
	if in.Entrusted && (strings.TrimSpace(in.Purpose) == "" || in.RepayAccount == "" || in.RepayAccount == in.PayeeAccount) {
		errs = append(errs, fault.Field("entrusted", "受托支付须写明用途，并另填借款人的扣款账户", "needs a purpose and the borrower's own account for collections"))
	}
	return fault.Join(errs...)
}

const purposeMax = 200

// terms combines the request, the facility and the contract's conditions.
func (in DrawInput) terms(f facility.Facility, c Conditions, start calendar.Date) (Terms, error) {
	return in.Under(f.Rate, money.Currency(f.Currency), c, start)
}

// Under are the terms of a drawdown at a rate under a contract's conditions, with every fault named; offers and contracts show
// a loan by it that nobody has drawn.
func (in DrawInput) Under(r rate.Rate, currency money.Currency, c Conditions, start calendar.Date) (Terms, error) {
	penalty, err := money.MulDiv(int64(r), rate.Scale+int64(c.PenaltySpread), rate.Scale, money.HalfUp)
	if err != nil {
		return Terms{}, err
	}
	t := Terms{
		PrincipalMinor: in.AmountMinor, Currency: currency, AnnualRate: r, PenaltyRate: rate.Rate(penalty), Start: start,
		TenorMonths: in.TenorMonths, Method: in.Method, Basis: c.Basis, Rounding: c.Rounding, GraceDays: c.GraceDays, DueRule: c.DueRule,
		Plan: in.Plan, Prepayment: in.Prepayment, Repricing: c.Repricing, Tranched: in.FirstMinor > 0 && in.FirstMinor < in.AmountMinor,
	}
	errs := []error{in.special(c, &t), sameCurrency(in.Currency, t.Currency)}
	if t.Repricing.floating() && t.Currency != money.CNY {
		errs = append(errs, fault.New(ReasonFloatingCurrency, "currency", string(t.Currency)))
	}
	if in.TenorMonths < c.TenorMonthsMin || in.TenorMonths > c.TenorMonthsMax {
		errs = append(errs, fault.New(ReasonTenor, "min", c.TenorMonthsMin, "max", c.TenorMonthsMax).WithField("tenor_months"))
	}
	allowed := false
	for _, m := range c.Methods {
		allowed = allowed || m == in.Method
	}
	if !allowed {
		errs = append(errs, fault.New(ReasonMethod, "method", in.Method).WithField("method"))
	}
	return t, fault.Join(append(errs, t.Validate())...)
}

// special puts into the terms what only some kinds of contract have.
func (in DrawInput) special(c Conditions, t *Terms) error {
	var errs []error
	if in.Method == SalesShare {
		sales, err := c.Sales.of(in.Sales, in.AmountMinor)
		t.Sales = sales
		errs = append(errs, err)
	}
	if due := t.Plan.FirstDue; t.Method == Discount && due.After(t.Start.AddMonths(t.TenorMonths, calendar.Clamp)) {
		errs = append(errs, fault.Field("plan.first_due", "到期日超出所选期限", "lies beyond the tenor"))
	}
	if c.Kind == KindLease {
		errs = append(errs, c.Lease.lease(in.Lease, t))
	} else if in.Lease != (LeaseInput{}) {
		errs = append(errs, fault.Field("lease", "该合同不是融资租赁合同", "the contract is not one of leases"))
	}
	if c.Kind != "" && t.Tranched && len(in.Tranches) == 0 {
		errs = append(errs, fault.Field("tranches", "分次放款须给出后续每笔的日期与金额", "needs the date and amount of each further disbursement"))
	}
	t.Tranches = in.Tranches
	t.Tranched = t.Tranched || len(in.Tranches) > 0
	return fault.Join(append(errs, c.Tranches.allows(in.Tranches, t.Start))...)
}

// first is what leaves at once; zero is all of it.
func (in DrawInput) first() int64 {
	if len(in.Tranches) == 0 {
		return in.FirstMinor
	}
	v := in.AmountMinor
	for _, x := range in.Tranches {
		v -= x.AmountMinor
	}
	return v
}

// Draw reserves the facility, creates the loan and records the payment order in
// one transaction; the dispatcher pays afterwards. It returns
// LOAN_REFERENCE_REUSED when the reference belongs to another drawdown.
func (s *Service) Draw(ctx context.Context, p auth.Principal, in DrawInput) (l Loan, err error) {
	if err := p.Require(PermissionDraw); err != nil {
		return l, err
	}
	if err := in.validate(); err != nil {
		return l, err
	}
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		f, err := visibleFacility(ctx, tx, p, in.FacilityID)
		if err != nil {
			return err
		}
		l, err = s.draw(ctx, tx, f, in)
		return err
	})
	return l, err
}

func visibleFacility(ctx context.Context, tx *db.Tx, p auth.Principal, id string) (facility.Facility, error) {
	f, err := facility.ByID(ctx, tx, id)
	if err == nil && !p.Sees(f.BranchPath) {
		err = fault.NotFoundError("facility", id)
	}
	return f, err
}

func (s *Service) draw(ctx context.Context, tx *db.Tx, f facility.Facility, in DrawInput) (Loan, error) {
	known, err := scan(tx.QueryRow(ctx, selectByReference, tx.Institution, f.ID, in.Reference))
	if err == nil {
		return same(known, in)
	}
	if !db.IsNoRows(err) {
		return known, err
	}
	l, err := s.prepare(ctx, tx, f, in)
	if err != nil {
		return l, err
	}
	fresh, err := insert(ctx, tx, l)
	if err != nil {
		return l, err
	}
	if !fresh { // a twin got here first and has committed meanwhile
		known, err := scan(tx.QueryRow(ctx, selectByReference, tx.Institution, f.ID, in.Reference))
		if err != nil {
			return known, err
		}
		return same(known, in)
	}
	if err := facility.Reserve(ctx, tx, f.ID, in.AmountMinor, drawKey(l)); err != nil {
		return l, err
	}
	if l.PaymentOrderID, err = order(ctx, tx, l); err != nil {
		return l, err
	}
	if err := mandate.Imply(ctx, tx, l.debt(), l.implied(), l.Terms.Start); err != nil {
		return l, err
	}
	if err := scheduleReset(ctx, tx, l.ID, l.Terms, l.Terms.Start); err != nil {
		return l, err
	}
	if err := audit.Record(ctx, tx, audit.Entry{Action: "loan.draw", Object: "loan", ObjectID: l.ID, After: l}); err != nil {
		return l, err
	}
	err = event.Append(ctx, tx, event.Draft{Type: "loan.drawn", Aggregate: "loan", AggregateID: l.ID, Payload: Happened{
		LoanID: l.ID, FirmID: l.FirmID, FacilityID: l.FacilityID, BranchPath: l.BranchPath, Status: l.Status,
		Event: Event{Date: l.Terms.Start, AmountMinor: l.PrincipalMinor, Key: drawKey(l)},
	}})
	tx.AfterCommit(s.dispatcher.Wake)
	return l, err
}

// prepare builds the loan; nothing is stored yet.
func (s *Service) prepare(ctx context.Context, tx *db.Tx, f facility.Facility, in DrawInput) (Loan, error) {
	today, err := tx.BusinessDate(ctx)
	if err != nil {
		return Loan{}, err
	}
	c, err := s.conditions(ctx, tx, f)
	if err != nil {
		return Loan{}, err
	}
	t, err := in.terms(f, c, today)
	if err != nil {
		return Loan{}, err
	}
	if err := errors.Join(in.lawful(ctx, tx, t.Currency, today), t.fixSpread(ctx, tx, today)); err != nil {
		return Loan{}, err
	}
	l := Loan{
		ID: tx.NewID("loan"), FacilityID: f.ID, Reference: in.Reference, ContractID: f.ContractID, FirmID: f.FirmID, ProductID: f.ProductID,
		BranchID: f.BranchID, BranchPath: f.BranchPath, Terms: t, PayeeName: in.PayeeName, PayeeAccount: in.PayeeAccount, Status: Pending,
		ProcessedTo: today, MaturityOn: t.Maturity(), Currency: t.Currency, PrincipalMinor: in.AmountMinor, CreatedAt: tx.Now, UpdatedAt: tx.Now, Version: 1,
		Facts: Facts{Entrusted: in.Entrusted, Purpose: in.Purpose, RepayAccount: in.RepayAccount},
	}
	if t.Tranched {
		l.Facts.FirstMinor = in.first()
	}
	return l, nil
}

// order records the payment that will disburse the loan: all of it, its first
// tranche, or the face less the interest withheld.
func order(ctx context.Context, tx *db.Tx, l Loan) (string, error) {
	amount := l.PrincipalMinor
	if l.Facts.FirstMinor > 0 {
		amount = l.Facts.FirstMinor
	}
	withheld, err := l.Terms.Withheld()
	if err != nil {
		return "", err
	}
	o, _, err := payment.Record(ctx, tx, payment.Draft{
		Key: drawKey(l), Purpose: PurposeDisbursement, Object: "loan", ObjectID: l.ID, FromAccount: payment.SettlementAccount(tx.Institution, l.Currency),
		ToAccount: l.PayeeAccount, ToName: l.PayeeName, Amount: money.Of(amount-withheld-l.Terms.kept(), l.Currency), Memo: "放款 loan disbursement " + l.Reference,
	})
	if err != nil {
		return "", err
	}
	_, err = tx.Exec(ctx, setOrder, tx.Institution, l.ID, o.ID)
	return o.ID, err
}

// drawKey is the business key of a drawdown, forever: facility and the client's
// own reference, not the loan's id, which a second attempt would not share.
func drawKey(l Loan) string { return "draw:" + l.FacilityID + ":" + l.Reference }

// same answers a repeated drawdown with the loan that exists, if it is the same.
func same(l Loan, in DrawInput) (Loan, error) {
	if l.PrincipalMinor != in.AmountMinor || l.Terms.TenorMonths != in.TenorMonths || l.Terms.Method != in.Method ||
		l.PayeeAccount != in.PayeeAccount || l.PayeeName != in.PayeeName || l.Facts.Entrusted != in.Entrusted || l.Facts.RepayAccount != in.RepayAccount ||
		(l.Terms.Tranched && l.Facts.FirstMinor != in.first()) || l.Terms.Sales.ExpectedMinor != in.Sales.ExpectedMinor ||
		l.Terms.Deposit.AmountMinor != in.Lease.DepositMinor || !slices.Equal(l.Terms.Tranches, in.Tranches) {
		return l, fault.New(ReasonReferenceReused, "reference", in.Reference, "loan", l.ID).WithField("client_reference")
	}
	return l, nil
}

// Outline is what a drawdown would be.
type Outline struct {
	Schedule []Instalment `json:"schedule"`
	Cost     Cost         `json:"cost"`
	Yearly
	WithheldMinor int64 `json:"withheld_minor" doc:"interest kept back when the money leaves"`
	DepositMinor  int64 `json:"deposit_minor" doc:"a lease's deposit"`
	ProceedsMinor int64 `json:"proceeds_minor" doc:"what reaches the payee on the first day, minor units"`
}

// Preview computes the schedule a drawdown would have and what it costs a year, and stores nothing.
func (s *Service) Preview(ctx context.Context, p auth.Principal, in DrawInput) (o Outline, err error) {
	if err := p.Require(PermissionRead); err != nil {
		return o, err
	}
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		f, err := visibleFacility(ctx, tx, p, in.FacilityID)
		if err != nil {
			return err
		}
		today, err := tx.BusinessDate(ctx)
		if err != nil {
			return err
		}
		c, err := s.conditions(ctx, tx, f)
		if err != nil {
			return err
		}
		t, err := in.terms(f, c, today)
		if err != nil {
			return err
		}
		o, err = Outlined(t)
		return err
	})
	return o, err
}

// Outlined lays terms out: plan, cost, and what reaches the payee.
func Outlined(t Terms) (o Outline, err error) {
	if o.Schedule, err = Schedule(t); err != nil {
		return o, err
	}
	if o.Cost, err = TotalCost(o.Schedule); err != nil {
		return o, err
	}
	if o.WithheldMinor, err = t.Withheld(); err != nil {
		return o, err
	}
	o.Cost.InterestMinor += o.WithheldMinor // paid in advance, it is the price all the same
	o.DepositMinor = t.Deposit.AmountMinor
	o.ProceedsMinor = t.PrincipalMinor - o.WithheldMinor - t.kept()
	for _, x := range t.Tranches {
		o.ProceedsMinor -= x.AmountMinor
	}
	if o.Yearly, err = YearlyCost(t, o.Schedule); errors.Is(err, tvm.ErrNoRate) {
		err = nil // nothing is lent on balance
	}
	return o, err
}
