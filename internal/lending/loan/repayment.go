package loan

import (
	"context"
	"strings"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/credit/facility"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// RepayInput records money that has arrived, or asks to collect it.
type RepayInput struct {
	LoanID      string
	AmountMinor int64
	Currency    money.Currency // empty: the loan's, which it must be
	// Prepay lets the payment go beyond what is due.
	Prepay bool
	// Reference names the payment for ever; sending it again changes nothing.
	Reference string
	// Collect takes the money from the payee account through the bank instead
	// of recording money already received.
	Collect bool
	// ValueDate is when the money arrived; zero is the business date. It may lie in the past: the loan is then replayed.
	ValueDate calendar.Date
	// Strategy says what a prepayment does to the instalments ahead; empty is the loan's usual one.
	Strategy Strategy
	// Channel is the way the money came, e.g. counter, transfer, file.
	Channel string
	// Keep holds money beyond what settles the loan as the customer's credit.
	Keep bool
}

func (in RepayInput) validate() error {
	var errs []error
	if ref := strings.TrimSpace(in.Reference); ref == "" || len(ref) > textMax || ref != in.Reference || strings.HasSuffix(ref, prepayMark) {
		errs = append(errs, fault.Field("reference", "须为1至64个字符且首尾无空白", "must have 1 to 64 characters without blanks around it"))
	}
	if !in.Strategy.known() {
		errs = append(errs, fault.Field("strategy", "未知的提前还款方式", "is not a known prepayment strategy"))
	}
	if len(in.Channel) > textMax || strings.ContainsAny(in.Channel, "\n\r\t") {
		errs = append(errs, fault.Field("channel", "不得超过64个字节，不含换行", "must have at most 64 bytes and no line breaks"))
	}
	if in.Collect && (in.Keep || !in.ValueDate.IsZero() || in.Strategy != UsualStrategy) {
		errs = append(errs, fault.Field("collect", "扣收不接受起息日、提前还款方式与溢缴留存", "takes neither a value date, nor a strategy, nor keeps a surplus"))
	}
	return fault.Join(errs...)
}

// event is the repayment that the input describes.
func (in RepayInput) event(today calendar.Date) (Event, error) {
	on := today
	if !in.ValueDate.IsZero() {
		on = in.ValueDate
	}
	if on.After(today) {
		return Event{}, fault.Field("value_date", "不得晚于营业日", "must not be after the business date")
	}
	return Event{
		Kind: Repaid, Date: on, AmountMinor: in.AmountMinor, Prepay: in.Prepay, Key: repayKey(in.Reference),
		Detail: Particulars{Strategy: in.Strategy, Channel: in.Channel, Keep: in.Keep},
	}, nil
}

// RepayResult is the answer to a repayment.
type RepayResult struct {
	Loan       Loan           `json:"loan"`
	Allocation Allocation     `json:"allocation"`
	Order      *payment.Order `json:"payment_order,omitempty" doc:"present when the money is being collected"`
}

func repayKey(reference string) string { return "repay:" + reference }

// Repay records a repayment on its value date, once per reference, or starts
// its collection. It may return LOAN_OVERPAID, LOAN_WRONG_STATUS and
// REPAYMENT_REFERENCE_REUSED.
func (s *Service) Repay(ctx context.Context, p auth.Principal, in RepayInput) (r RepayResult, err error) {
	if err := p.Require(PermissionRepay); err != nil {
		return r, err
	}
	if err := in.validate(); err != nil {
		return r, err
	}
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		l, err := read(ctx, tx, selectLocked, in.LoanID)
		if err != nil {
			return err
		}
		if !p.Sees(l.BranchPath) {
			return fault.NotFoundError("loan", in.LoanID)
		}
		if err := sameCurrency(in.Currency, l.Currency); err != nil {
			return err
		}
		if in.Collect {
			o, err := s.collect(ctx, tx, l, in)
			r = RepayResult{Loan: l, Order: &o}
			return err
		}
		r, err = repayOnce(ctx, tx, l, in)
		return err
	})
	return r, err
}

// collected finds the collection order of a reference, whichever way it asked to be used.
func collected(ctx context.Context, tx *db.Tx, loanID, reference string) (o payment.Order, prepay, known bool, err error) {
	for _, prepay := range []bool{false, true} {
		o, known, err = payment.ByKey(ctx, tx, collectKey(loanID, reference, prepay))
		if err != nil || known {
			return o, prepay, known, err
		}
	}
	return o, false, false, nil
}

// repayOnce finds the event of the reference or records it.
func repayOnce(ctx context.Context, tx *db.Tx, l Loan, in RepayInput) (RepayResult, error) {
	events, err := Events(ctx, tx, l.ID)
	if err != nil {
		return RepayResult{}, err
	}
	for _, e := range events {
		if e.Key != repayKey(in.Reference) {
			continue
		}
		if e.AmountMinor != in.AmountMinor || e.Prepay != in.Prepay || e.Detail.Strategy != in.Strategy || (!in.ValueDate.IsZero() && e.Date != in.ValueDate) {
			return RepayResult{}, fault.New(ReasonRepaymentReused, "reference", in.Reference).WithField("reference")
		}
		_, split, err := replay(l.Terms, plain(events), l.ProcessedTo)
		return RepayResult{Loan: l, Allocation: split[e.Seq]}, err
	}
	if _, _, known, err := collected(ctx, tx, l.ID, in.Reference); err != nil || known {
		if err == nil {
			err = fault.New(ReasonRepaymentReused, "reference", in.Reference).WithField("reference")
		}
		return RepayResult{}, err
	}
	today, err := tx.BusinessDate(ctx)
	if err != nil {
		return RepayResult{}, err
	}
	e, err := in.event(today)
	if err != nil {
		return RepayResult{}, err
	}
	_, a, err := act(ctx, tx, &l, e, kindNames[Repaid])
	return RepayResult{Loan: l, Allocation: a}, err
}

// collect records the order that takes the money from the customer's account.
func (s *Service) collect(ctx context.Context, tx *db.Tx, l Loan, in RepayInput) (payment.Order, error) {
	if o, prepay, known, err := collected(ctx, tx, l.ID, in.Reference); err != nil || known {
		if err == nil && (o.AmountMinor != in.AmountMinor || prepay != in.Prepay) {
			err = fault.New(ReasonRepaymentReused, "reference", in.Reference).WithField("reference")
		}
		return o, err
	}
	events, err := Events(ctx, tx, l.ID)
	if err != nil {
		return payment.Order{}, err
	}
	for _, e := range events {
		if e.Key == repayKey(in.Reference) { // recorded as received: it must not be taken as well
			return payment.Order{}, fault.New(ReasonRepaymentReused, "reference", in.Reference).WithField("reference")
		}
	}
	busy, err := collecting(ctx, tx, l.ID)
	if err != nil {
		return payment.Order{}, err
	}
	if busy {
		return payment.Order{}, fault.New(ReasonCollectionOpen)
	}
	// A repayment that the loan would refuse must not take the money first.
	if err := s.wouldTake(ctx, tx, l, in); err != nil {
		return payment.Order{}, err
	}
	return s.debit(ctx, tx, l, in)
}

func (s *Service) wouldTake(ctx context.Context, tx *db.Tx, l Loan, in RepayInput) error {
	today, err := tx.BusinessDate(ctx)
	if err != nil {
		return err
	}
	st, err := stateAt(ctx, tx, l, today)
	if err != nil {
		return err
	}
	_, err = st.Apply(Event{Kind: Repaid, Date: today, AmountMinor: in.AmountMinor, Prepay: in.Prepay})
	return err
}

func collecting(ctx context.Context, tx *db.Tx, loanID string) (bool, error) {
	orders, err := payment.Of(ctx, tx, "loan", loanID)
	for _, o := range orders {
		if o.Purpose == PurposeCollection && !o.Status.Final() {
			return true, err
		}
	}
	return false, err
}

// A collection's key carries what its outcome needs to know.
const prepayMark = ":prepay"

func collectKey(loanID, reference string, prepay bool) string {
	key := "collect:" + loanID + ":" + reference
	if prepay {
		key += prepayMark
	}
	return key
}

// disbursementOutcome makes the loan active when its money has left, or gives
// the facility back when it never will.
func disbursementOutcome(ctx context.Context, tx *db.Tx, o payment.Order) error {
	l, err := read(ctx, tx, selectLocked, o.ObjectID)
	if err != nil {
		return err
	}
	today, err := tx.BusinessDate(ctx)
	if err != nil {
		return err
	}
	if o.Status == payment.Succeeded {
		e := Event{Kind: Disbursed, Date: today, AmountMinor: o.AmountMinor, Key: "disbursed", Note: o.BankReference}
		if o.Key != drawKey(l) {
			e.Key = o.Key // a later tranche
		}
		if kept := l.Terms.kept(); kept > 0 {
			e.AmountMinor, e.Detail.DepositMinor = o.AmountMinor+kept, kept
		}
		if l.Terms.Method == Discount { // the bank paid the face less the interest withheld
			e.AmountMinor, e.Detail.WithheldMinor = l.PrincipalMinor, l.PrincipalMinor-o.AmountMinor
		}
		if ok, err := takesMoney(ctx, tx, l, e); err != nil || !ok {
			if err != nil {
				return err
			}
			return stray(ctx, tx, l, o, today)
		}
		_, _, err = act(ctx, tx, &l, e, fault.Text{Zh: "放款", En: "loan disbursed"})
		return err
	}
	if l.Status != Pending {
		return nil // a tranche that failed may be asked for again
	}
	if err := facility.ReleaseFailed(ctx, tx, l.FacilityID, l.PrincipalMinor, drawKey(l)); err != nil {
		return err
	}
	_, _, err = act(ctx, tx, &l, Event{Kind: Cancelled, Date: today, Key: "cancelled", Note: o.Reason}, fault.Text{Zh: "放款失败", En: "disbursement failed"})
	return err
}

// takesMoney reports whether a loan can still take a disbursement: a tranche may
// have been on its way while the loan was settled.
func takesMoney(ctx context.Context, tx *db.Tx, l Loan, e Event) (bool, error) {
	recorded, err := Events(ctx, tx, l.ID)
	if err != nil {
		return false, err
	}
	e.Seq = l.eventSeq + 1
	_, err = Replay(l.Terms, append(plain(recorded), e), later(l.ProcessedTo, e.Date))
	return err == nil, nil
}

// stray books money that left for a loan which could not take it any more to
// suspense: it must be claimed back from the payee.
func stray(ctx context.Context, tx *db.Tx, l Loan, o payment.Order, today calendar.Date) error {
	sum := money.Of(o.AmountMinor, o.Currency)
	_, err := journal.Post(ctx, tx, journal.Draft{
		Key: "payment:" + o.ID + ":stray", Date: today, Memo: fault.Text{Zh: "放款时贷款已结清，待追回", En: "paid out after the loan had ended, to be claimed back"}, Object: "loan",
		ObjectID: l.ID, Branch: l.BranchID, Product: l.ProductID, Lines: []journal.Line{journal.Debit(journal.Suspense, sum), journal.Credit(journal.Nostro, sum)},
	})
	return err
}

// collectionOutcome turns collected money into a repayment with the value date
// of the order, however late the bank's answer was. Money that the loan cannot
// take any more, because it was paid otherwise meanwhile, is booked to suspense.
func collectionOutcome(ctx context.Context, tx *db.Tx, o payment.Order) error {
	if o.Status != payment.Succeeded {
		return nil
	}
	l, err := read(ctx, tx, selectLocked, o.ObjectID)
	if err != nil {
		return err
	}
	e := Event{
		Kind: Repaid, Date: o.ValueDate, AmountMinor: o.AmountMinor, Prepay: strings.HasSuffix(o.Key, prepayMark), Key: o.Key, Note: o.BankReference,
	}
	e.AmountMinor, err = takes(ctx, tx, l, e)
	if err != nil {
		return err
	}
	if rest := o.AmountMinor - e.AmountMinor; rest > 0 {
		today, err := tx.BusinessDate(ctx)
		if err != nil {
			return err
		}
		sum := money.Of(rest, o.Currency)
		if _, err := journal.Post(ctx, tx, journal.Draft{
			Key: "payment:" + o.ID + ":surplus", Date: today, Memo: fault.Text{Zh: "扣收溢缴待处理", En: "collected beyond what was owed"}, Object: "loan", ObjectID: l.ID,
			Lines: []journal.Line{journal.Debit(journal.Nostro, sum), journal.Credit(journal.Suspense, sum)},
		}); err != nil {
			return err
		}
	}
	if e.AmountMinor == 0 {
		return nil
	}
	_, _, err = act(ctx, tx, &l, e, fault.Text{Zh: "扣收还款", En: "repayment collected"})
	return err
}

// takes finds how much of a collected payment the loan can still use: all of
// it, or what was due on its value date, or nothing.
func takes(ctx context.Context, tx *db.Tx, l Loan, e Event) (int64, error) {
	events, err := Events(ctx, tx, l.ID)
	if err != nil {
		return 0, err
	}
	e.Seq = l.eventSeq + 1
	st, err := Replay(l.Terms, plain(events), e.Date)
	if err != nil {
		return 0, err
	}
	limit := st.Due().TotalMinor()
	if e.Prepay {
		limit = st.Payoff().TotalMinor()
	}
	if !st.open() {
		limit = 0
	}
	for _, amount := range []int64{e.AmountMinor, min(e.AmountMinor, limit)} {
		if amount <= 0 {
			continue
		}
		e.AmountMinor = amount
		if _, err := Replay(l.Terms, append(plain(events), e), later(l.ProcessedTo, e.Date)); err == nil {
			return amount, nil
		}
	}
	return 0, nil
}

// stateAt replays a loan to a date.
func stateAt(ctx context.Context, tx *db.Tx, l Loan, on calendar.Date) (State, error) {
	events, err := Events(ctx, tx, l.ID)
	if err != nil {
		return State{}, err
	}
	return Replay(l.Terms, plain(events), on)
}
