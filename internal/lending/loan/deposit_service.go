package loan

import (
	"context"
	"net/http"
	"strings"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// PurposeDepositReturn is the purpose of payment orders that give a deposit back.
const PurposeDepositReturn = "loan.deposit_return"

// LeaseConditions are what a contract fixes about a lease; shares are of the amount financed.
type LeaseConditions struct {
	DepositMin  rate.Rate  `json:"deposit_min"`
	DepositMax  rate.Rate  `json:"deposit_max"`
	DepositUse  DepositUse `json:"deposit_use,omitempty" enum:"last_rents,return"`
	ResidualMax rate.Rate  `json:"residual_max"`
}

// LeaseInput is what a drawdown says about a lease.
type LeaseInput struct {
	InAdvance     bool  // rents fall due at the start of their period
	ResidualMinor int64 // purchase price at the end (留购价款)
	DepositMinor  int64
	DepositPaidIn bool // paid in by the lessee instead of kept back
}

// lease puts a drawdown's lease into its terms, within the contract.
func (c LeaseConditions) lease(in LeaseInput, t *Terms) error {
	share := func(field string, minor int64, low, high rate.Rate) error {
		from, err := rate.Share(t.PrincipalMinor, low, money.Floor)
		if err != nil {
			return err
		}
		to, err := rate.Share(t.PrincipalMinor, high, money.Ceiling)
		if err != nil {
			return err
		}
		if minor < from || minor > to {
			return fault.Field(field, "须在 "+money.FormatMinor(from)+" 与 "+money.FormatMinor(to)+" 之间（合同约定）", "must lie between "+money.FormatMinor(from)+" and "+money.FormatMinor(to)+" under the contract")
		}
		return nil
	}
	t.Plan.InAdvance, t.Plan.BalloonMinor = in.InAdvance, in.ResidualMinor
	if in.DepositMinor > 0 {
		t.Deposit = Deposit{AmountMinor: in.DepositMinor, PaidIn: in.DepositPaidIn, Use: c.DepositUse}
	}
	return fault.Join(share("lease.deposit_minor", in.DepositMinor, c.DepositMin, c.DepositMax), share("lease.residual_minor", in.ResidualMinor, 0, c.ResidualMax))
}

// kept is what of a deposit is kept back when the money leaves.
func (t Terms) kept() int64 {
	if t.Deposit.PaidIn {
		return 0
	}
	return t.Deposit.AmountMinor
}

// DepositInput is a deposit that has arrived.
type DepositInput struct {
	LoanID      string
	AmountMinor int64
	// Reference names it for ever; sending it again changes nothing.
	Reference string
	ValueDate calendar.Date // zero is the business date
}

// TakeDeposit records a deposit that the lessee has paid in, once per reference. It may return LEASE_DEPOSIT_COMPLETE.
func (s *Service) TakeDeposit(ctx context.Context, p auth.Principal, in DepositInput) (d Detail, err error) {
	if err := p.Require(PermissionRepay); err != nil {
		return d, err
	}
	if ref := strings.TrimSpace(in.Reference); ref == "" || ref != in.Reference || len(ref) > textMax {
		return d, fault.Field("reference", "须为1至64个字符且首尾无空白", "must have 1 to 64 characters without blanks around it")
	}
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		l, err := read(ctx, tx, selectLocked, in.LoanID)
		if err != nil {
			return err
		}
		if !p.Sees(l.BranchPath) {
			return fault.NotFoundError("loan", in.LoanID)
		}
		st, err := takeOnce(ctx, tx, &l, in)
		d = detail(l, &st)
		return err
	})
	return d, err
}

func takeOnce(ctx context.Context, tx *db.Tx, l *Loan, in DepositInput) (State, error) {
	today, err := tx.BusinessDate(ctx)
	if err != nil {
		return State{}, err
	}
	e := Event{Kind: DepositPaid, Date: today, AmountMinor: in.AmountMinor, Key: "deposit:" + in.Reference}
	if !in.ValueDate.IsZero() {
		e.Date = in.ValueDate
	}
	if e.Date.After(today) {
		return State{}, fault.Field("value_date", "不得晚于营业日", "must not be after the business date")
	}
	recorded, err := Events(ctx, tx, l.ID)
	if err != nil {
		return State{}, err
	}
	for _, known := range recorded {
		if known.Key != e.Key {
			continue
		}
		if known.AmountMinor != e.AmountMinor || (!in.ValueDate.IsZero() && known.Date != e.Date) {
			return State{}, fault.New(ReasonRepaymentReused, "reference", in.Reference).WithField("reference")
		}
		return Current(ctx, tx, *l)
	}
	st, _, err := act(ctx, tx, l, e, kindNames[DepositPaid])
	return st, err
}

// useDeposit pays with the deposit what the rule of the last rents says, once per business date.
func useDeposit(ctx context.Context, tx *db.Tx, l *Loan, on calendar.Date) error {
	if l.Terms.Deposit.Use != DepositLastRents || l.Posted.DepositHeld() == 0 {
		return nil
	}
	st, err := stateAt(ctx, tx, *l, later(l.ProcessedTo, on))
	if err != nil {
		return err
	}
	amount := st.DepositDue()
	if amount == 0 {
		return nil
	}
	_, _, err = act(ctx, tx, l, Event{Kind: DepositApplied, Date: on, AmountMinor: amount, Key: "deposit-applied:" + on.String(), Detail: Particulars{Channel: string(DepositLastRents)}}, kindNames[DepositApplied])
	return err
}

func (c Change) depositKey() string { return "deposit-return:" + c.LoanID + ":" + c.Reference }

// depositReturnable wants the deposit to be free and not on its way back already.
func (c Change) depositReturnable(ctx context.Context, tx *db.Tx, l *Loan) error {
	orders, err := payment.Of(ctx, tx, "loan", l.ID)
	if err != nil {
		return err
	}
	free := l.Posted.DepositHeld()
	for _, o := range orders {
		if o.Purpose == PurposeDepositReturn && !o.Status.Final() {
			free -= o.AmountMinor
		}
	}
	if c.AmountMinor > free {
		return fault.New(ReasonDeposit, "amount", money.FormatMinor(c.AmountMinor), "held", money.FormatMinor(free)).WithField("amount_minor")
	}
	return nil
}

// orderDepositReturn pays a deposit back; the loan records it when the bank has.
func (s *Service) orderDepositReturn(ctx context.Context, tx *db.Tx, l Loan, c Change) error {
	if err := c.depositReturnable(ctx, tx, &l); err != nil {
		return err
	}
	name := l.PayeeName
	if l.Facts.RepayAccount != "" {
		name = "" // the payee is the supplier; the lessee's account is known by its number
	}
	_, fresh, err := payment.Record(ctx, tx, payment.Draft{
		Key: c.depositKey(), Purpose: PurposeDepositReturn, Object: "loan", ObjectID: l.ID,
		FromAccount: payment.SettlementAccount(tx.Institution, l.Currency), ToAccount: l.collectAccount(), ToName: name,
		Amount: money.Of(c.AmountMinor, l.Currency), Memo: "退还保证金 deposit returned",
	})
	if err == nil && fresh {
		tx.AfterCommit(s.dispatcher.Wake)
	}
	return err
}

func depositOutcome(ctx context.Context, tx *db.Tx, o payment.Order) error {
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
	_, _, err = act(ctx, tx, &l, Event{Kind: DepositReturned, Date: today, AmountMinor: o.AmountMinor, Key: o.Key, Note: o.BankReference}, kindNames[DepositReturned])
	return err
}

type depositInput struct {
	ID   string `path:"id" maxLength:"80"`
	Body struct {
		AmountMinor int64  `json:"amount_minor" minimum:"1" doc:"minor units; at most what is missing of the deposit agreed"`
		Reference   string `json:"reference" minLength:"1" maxLength:"64" doc:"your own number of this payment; sending it again changes nothing"`
		ValueDate   string `json:"value_date,omitempty" format:"date" doc:"day on which the money arrived; empty: the business date"`
	}
}

func depositRoute(a *api.API, s *Service) {
	api.Handle(a, op("take-lease-deposit", http.MethodPost, "/api/v1/loans/{id}/deposit", "登记保证金", "Record a lease deposit that was paid in", PermissionRepay),
		func(ctx context.Context, p auth.Principal, in *depositInput) (*detailOutput, error) {
			on, err := api.Date("value_date", in.Body.ValueDate)
			if err != nil {
				return nil, err
			}
			d, err := s.TakeDeposit(ctx, p, DepositInput{LoanID: in.ID, AmountMinor: in.Body.AmountMinor, Reference: in.Body.Reference, ValueDate: on})
			return &detailOutput{Body: d}, err
		})
}
