package loan

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/credit/facility"
	"github.com/capillary-finance/capillary/internal/lending/mandate"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// CheckNames are the five questions of a renewal without repayment of principal
// (无还本续贷, 金规〔2024〕13号): only when all are answered yes may the loan keep
// its class.
func CheckNames() []string {
	return []string{"lawful_operation", "stable_operation", "good_credit", "lending_standard", "bank_terms"}
}

// RenewInput asks for a new loan that repays the principal of one that is about
// to mature.
type RenewInput struct {
	LoanID      string
	FacilityID  string // the new contract's; empty: the old loan's
	AmountMinor int64  // the principal that is left; zero is that
	TenorMonths int
	Method      Method
	Reference   string
	Origin      Origin // renewal or refinancing
	Checks      []Check
}

func (in RenewInput) validate() error {
	var errs []error
	if in.Origin != OriginRenewal && in.Origin != OriginRefinancing {
		errs = append(errs, fault.Field("origin", "须为 renewal 或 refinancing", "must be renewal or refinancing"))
	}
	if ref := strings.TrimSpace(in.Reference); ref == "" || ref != in.Reference || len(ref) > textMax {
		errs = append(errs, fault.Field("client_reference", "须为1至64个字符且首尾无空白", "must have 1 to 64 characters without blanks around it"))
	}
	if in.Origin == OriginRenewal {
		byName := in.byName()
		for _, name := range CheckNames() {
			c, known := byName[name]
			if n := utf8.RuneCountInString(strings.TrimSpace(c.Evidence)); !known || n < 2 || n > 300 {
				errs = append(errs, fault.Field("checks."+name, "须说明依据，2至300个字", "must say what it rests on, in 2 to 300 characters"))
			}
		}
	}
	return fault.Join(errs...)
}

func (in RenewInput) byName() map[string]Check {
	out := map[string]Check{}
	for _, c := range in.Checks {
		out[c.Name] = c
	}
	return out
}

// unmet names the questions that were answered no.
func (in RenewInput) unmet() error {
	if in.Origin != OriginRenewal {
		return nil
	}
	var errs []error
	byName := in.byName()
	for _, name := range CheckNames() {
		if !byName[name].Passed {
			errs = append(errs, fault.New(ReasonRenewalCheck, "check", name).WithField("checks."+name))
		}
	}
	return fault.Join(errs...)
}

// Renew makes the new loan and repays the old one with it, in one transaction
// and without money leaving the bank. Interest that is due must be paid first.
// It is asked for before maturity; sent again it answers with the loan that exists.
func (s *Service) Renew(ctx context.Context, p auth.Principal, in RenewInput) (l Loan, err error) {
	if err := p.Require(PermissionDraw); err != nil {
		return l, err
	}
	if err := in.validate(); err != nil {
		return l, err
	}
	unmet := in.unmet()
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		old, err := read(ctx, tx, selectLocked, in.LoanID)
		if err != nil {
			return err
		}
		if !p.Sees(old.BranchPath) {
			return fault.NotFoundError("loan", in.LoanID)
		}
		if unmet != nil {
			return refused(ctx, tx, old, in)
		}
		if in.FacilityID == "" {
			in.FacilityID = old.FacilityID
		}
		f, err := visibleFacility(ctx, tx, p, in.FacilityID)
		if err != nil {
			return err
		}
		if f.FirmID != old.FirmID {
			return fault.New(ReasonRenewal, "problem", "the facility belongs to another firm", "problem_zh", "额度属于另一家企业")
		}
		l, err = s.renew(ctx, tx, old, f, in)
		return err
	})
	if err == nil {
		err = unmet
	}
	return l, err
}

// refused keeps the answers of an assessment that ended in no: who looked, what was found, and what it rests on.
func refused(ctx context.Context, tx *db.Tx, l Loan, in RenewInput) error {
	said := map[string]any{"reference": in.Reference, "tenor_months": in.TenorMonths, "checks": in.Checks}
	if err := audit.Record(ctx, tx, audit.Entry{Action: "loan.renewal_refused", Object: "loan", ObjectID: l.ID, After: said}); err != nil {
		return err
	}
	return event.Append(ctx, tx, event.Draft{Type: "loan.renewal_refused", Aggregate: "loan", AggregateID: l.ID, Payload: said})
}

func (s *Service) renew(ctx context.Context, tx *db.Tx, old Loan, f facility.Facility, in RenewInput) (Loan, error) {
	if old.Facts.SuccessorID != "" {
		known, err := ByID(ctx, tx, old.Facts.SuccessorID)
		if err == nil && known.Reference != in.Reference {
			err = fault.New(ReasonRenewal, "problem", "it was renewed already by "+known.ID, "problem_zh", "已由 "+known.ID+" 续贷")
		}
		return known, err
	}
	today, err := tx.BusinessDate(ctx)
	if err != nil {
		return old, err
	}
	state, err := stateAt(ctx, tx, old, later(old.ProcessedTo, today))
	if err != nil {
		return old, err
	}
	if err := renewable(&state, in, today); err != nil {
		return old, err
	}
	if in.AmountMinor == 0 {
		in.AmountMinor = state.Principal()
	}
	l, err := s.prepare(ctx, tx, f, DrawInput{
		FacilityID: f.ID, AmountMinor: in.AmountMinor, TenorMonths: in.TenorMonths, Method: in.Method, PayeeName: old.PayeeName,
		PayeeAccount: old.collectAccount(), Reference: in.Reference, RepayAccount: old.collectAccount(),
		Entrusted: true, // no money leaves: the rule about who is paid has nothing to ask
	})
	if err != nil {
		return l, err
	}
	l.Facts = Facts{Origin: in.Origin, PredecessorID: old.ID, RepayAccount: old.collectAccount(), Checks: in.Checks, Purpose: "偿还 " + old.ID}
	return l, s.replace(ctx, tx, &old, &l)
}

// renewable wants an open loan, not past its maturity, that owes nothing but principal.
func renewable(s *State, in RenewInput, today calendar.Date) error {
	refuse := func(en, zh string) error { return fault.New(ReasonRenewal, "problem", en, "problem_zh", zh) }
	interest := s.Payoff().TotalMinor() - s.Principal()
	switch {
	case !s.open():
		return refuse("the loan is not open", "贷款不是存续状态")
	case s.DaysPastDue() > 0:
		return refuse("it is overdue", "贷款已逾期")
	case interest > 0:
		return refuse("interest and fees of "+s.amount(interest)+" up to today are paid first", "截至当日的息费 "+s.amount(interest)+" 须先还清")
	case len(s.Rows) > 0 && s.Rows[len(s.Rows)-1].DueDate.Before(today):
		return refuse("it has matured", "贷款已到期")
	case in.AmountMinor != 0 && in.AmountMinor != s.Principal():
		return refuse("the new loan must be the principal of "+s.amount(s.Principal())+"; a difference is repaid first", "新贷款须等于剩余本金 "+s.amount(s.Principal())+"，差额先行偿还")
	default:
		return nil
	}
}

// replace repays the old loan from the new one.
func (s *Service) replace(ctx context.Context, tx *db.Tx, old, l *Loan) error {
	fresh, err := insert(ctx, tx, *l)
	if err != nil {
		return err
	}
	if !fresh { // the reference belongs to another drawdown of the facility
		return fault.New(ReasonReferenceReused, "reference", l.Reference, "loan", l.FacilityID).WithField("client_reference")
	}
	today, err := tx.BusinessDate(ctx)
	if err != nil {
		return err
	}
	// The old principal gives its room back before the new loan takes it.
	repaid := Event{Kind: Repaid, Date: today, AmountMinor: l.PrincipalMinor, Prepay: true, Key: "renewed:" + l.ID, Detail: Particulars{Channel: string(l.Facts.Origin)}}
	if _, _, err := act(ctx, tx, old, repaid, fault.Text{Zh: "续贷偿还本金", En: "principal repaid by renewal"}); err != nil {
		return err
	}
	if err := facility.Reserve(ctx, tx, l.FacilityID, l.PrincipalMinor, drawKey(*l)); err != nil {
		return err
	}
	drawn := Event{Kind: Disbursed, Date: today, AmountMinor: l.PrincipalMinor, Key: "disbursed", Detail: Particulars{Channel: string(l.Facts.Origin)}}
	if _, _, err := act(ctx, tx, l, drawn, fault.Text{Zh: "续贷发放", En: "disbursed to renew"}); err != nil {
		return err
	}
	if err := mandate.Imply(ctx, tx, l.debt(), l.implied(), l.Terms.Start); err != nil {
		return err
	}
	if err := scheduleReset(ctx, tx, l.ID, l.Terms, l.Terms.Start); err != nil {
		return err
	}
	old.Facts.SuccessorID = l.ID
	if err := updateFacts(ctx, tx, *old); err != nil {
		return err
	}
	return audit.Record(ctx, tx, audit.Entry{Action: "loan.renew", Object: "loan", ObjectID: l.ID, Before: brief(*old), After: l})
}

// PayTranche pays out a further part of a loan that is disbursed in several,
// once per reference.
func (s *Service) PayTranche(ctx context.Context, p auth.Principal, loanID string, amountMinor int64, reference string) (o payment.Order, err error) {
	if err := p.Require(PermissionDraw); err != nil {
		return o, err
	}
	if ref := strings.TrimSpace(reference); ref == "" || ref != reference || len(ref) > textMax {
		return o, fault.Field("reference", "须为1至64个字符且首尾无空白", "must have 1 to 64 characters without blanks around it")
	}
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		l, err := read(ctx, tx, selectLocked, loanID)
		if err != nil {
			return err
		}
		if !p.Sees(l.BranchPath) {
			return fault.NotFoundError("loan", loanID)
		}
		o, err = s.tranche(ctx, tx, l, amountMinor, reference)
		return err
	})
	return o, err
}

func (s *Service) tranche(ctx context.Context, tx *db.Tx, l Loan, amountMinor int64, reference string) (payment.Order, error) {
	key := trancheKey(l.ID, reference)
	known, found, err := payment.ByKey(ctx, tx, key)
	if err != nil || found {
		if err == nil && known.AmountMinor != amountMinor {
			err = fault.New(ReasonReferenceReused, "reference", reference, "loan", l.ID).WithField("reference")
		}
		return known, err
	}
	orders, err := payment.Of(ctx, tx, "loan", l.ID)
	if err != nil {
		return payment.Order{}, err
	}
	taken := int64(0)
	for _, o := range orders { // what is on its way counts: two orders must not pass the loan together
		if o.Purpose == PurposeDisbursement && o.Status != payment.Failed {
			taken += o.AmountMinor
		}
	}
	if !l.Terms.Tranched || (l.Status != Active && l.Status != Overdue) {
		return payment.Order{}, wrongStatus(l.Status, Disbursed)
	}
	if left := l.PrincipalMinor - taken; amountMinor <= 0 || amountMinor > left {
		return payment.Order{}, fault.New(ReasonTranche, "amount", money.Of(amountMinor, l.Currency), "left", money.Of(left, l.Currency)).WithField("amount_minor")
	}
	today, err := tx.BusinessDate(ctx)
	if err != nil {
		return payment.Order{}, err
	}
	if err := l.planned(orders, amountMinor, today); err != nil {
		return payment.Order{}, err
	}
	o, _, err := payment.Record(ctx, tx, payment.Draft{
		Key: key, Purpose: PurposeDisbursement, Object: "loan", ObjectID: l.ID, FromAccount: payment.SettlementAccount(tx.Institution, l.Currency),
		ToAccount: l.PayeeAccount, ToName: l.PayeeName, Amount: money.Of(amountMinor, l.Currency), Memo: "分次放款 tranche " + reference,
	})
	if err != nil {
		return o, err
	}
	tx.AfterCommit(s.dispatcher.Wake)
	return o, audit.Record(ctx, tx, audit.Entry{Action: "loan.tranche", Object: "loan", ObjectID: l.ID, After: o})
}

func trancheKey(loanID, reference string) string { return "tranche:" + loanID + ":" + reference }
