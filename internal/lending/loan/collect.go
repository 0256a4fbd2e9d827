package loan

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/lending/mandate"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Attempt is a debit of a loan, or the reason why none was made (No is 0 then).
type Attempt struct {
	LoanID      string         `json:"loan_id"`
	On          calendar.Date  `json:"on"`
	No          int64          `json:"no" doc:"0: nothing was asked for"`
	MandateID   string         `json:"mandate_id"`
	AmountMinor int64          `json:"amount_minor" doc:"asked for"`
	DueMinor    int64          `json:"due_minor" doc:"due at that moment"`
	Currency    money.Currency `json:"currency"`
	OrderID     string         `json:"order_id"`
	Status      payment.Status `json:"status" enum:"recorded,sent,succeeded,failed" doc:"of the order; empty without one"`
	BankReason  string         `json:"bank_reason"`
	Code        string         `json:"code" doc:"why nothing was asked for"`
	Reason      fault.Text     `json:"reason"`
	At          time.Time      `json:"at"`
	Actor       string         `json:"actor"`
	branchPath  string
	key         string
}

const attemptColumns = `a.loan_id, a.on_date, a.no, a.mandate_id, a.amount_minor, a.due_minor, a.currency, a.order_id, coalesce(p.status, ''), coalesce(p.reason, ''), coalesce(p.business_key, ''),
	a.code, a.reason_zh, a.reason_en, a.at, a.actor from collection_attempt a left join payment_order p on p.institution_id = a.institution_id and p.id = a.order_id where a.institution_id = $1`

const dayFilter = ` and a.on_date = $2 and a.branch_path like $3 and ($4 = '' or $4 = 'none' and a.no = 0 or $4 = 'ordered' and a.no > 0)`

var (
	insertAttempt = db.Q(`insert into collection_attempt (institution_id, loan_id, on_date, no, mandate_id, amount_minor, due_minor, currency, branch_path, order_id, code, reason_zh, reason_en, at, actor)
		values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15) on conflict do nothing`)
	attemptsOfDay  = db.Q(`select ` + attemptColumns + ` and a.loan_id = $2 and a.on_date = $3 order by a.no`)
	attemptsOfLoan = db.Q(`select ` + attemptColumns + ` and a.loan_id = $2 order by a.on_date desc, a.no desc limit $3`)
	attemptsOn     = db.Q(`select ` + attemptColumns + dayFilter + `
		and (a.loan_id > $5 or a.loan_id = $5 and a.no > $6) order by a.loan_id, a.no limit $7`)
	countOn      = db.Q(`select count(*) from collection_attempt a where a.institution_id = $1` + dayFilter)
	countSkipped = db.Q(`select count(*) from collection_attempt where institution_id = $1 and on_date = $2 and no = 0`)
)

func attempts(ctx context.Context, tx *db.Tx, q *db.Query, args ...any) ([]Attempt, error) {
	rows, err := tx.Query(ctx, q, append([]any{tx.Institution}, args...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	out := []Attempt{}
	for rows.Next() {
		var a Attempt
		var at int64
		if err := rows.Scan(&a.LoanID, &a.On, &a.No, &a.MandateID, &a.AmountMinor, &a.DueMinor, &a.Currency, &a.OrderID, &a.Status, &a.BankReason, &a.key,
			&a.Code, &a.Reason.Zh, &a.Reason.En, &at, &a.Actor); err != nil {
			return nil, err
		}
		a.At = db.Time(at)
		out = append(out, a)
	}
	return out, rows.Err()
}

func (a Attempt) save(ctx context.Context, tx *db.Tx) error {
	_, err := tx.Exec(ctx, insertAttempt, tx.Institution, a.LoanID, a.On.String(), a.No, a.MandateID, a.AmountMinor, a.DueMinor, string(a.Currency), a.branchPath, a.OrderID,
		a.Code, a.Reason.Zh, a.Reason.En, db.Micros(tx.Now), tx.Actor)
	return err
}

// debt is the loan as a mandate sees it.
func (l *Loan) debt() mandate.Debt {
	return mandate.Debt{LoanID: l.ID, FacilityID: l.FacilityID, FirmID: l.FirmID, BranchPath: l.BranchPath, Currency: l.Currency}
}

// implied is the mandate that the drawing of a loan stands for: the account named then.
func (l *Loan) implied() mandate.Terms {
	t := mandate.Terms{DebtorAccount: l.collectAccount(), DebtorName: l.PayeeName}
	if l.Facts.Entrusted { // the payee is the supplier
		t.DebtorName = ""
	}
	return t
}

// debit records the order that takes the money under the mandate in force, and remembers it. MANDATE_* says why it
// may not be taken.
func (s *Service) debit(ctx context.Context, tx *db.Tx, l Loan, in RepayInput) (o payment.Order, err error) {
	today, err := tx.BusinessDate(ctx)
	if err != nil {
		return o, err
	}
	policy, err := mandate.PolicyOf(ctx, tx)
	if err != nil {
		return o, err
	}
	m, err := mandate.InForce(ctx, tx, l.debt(), policy, l.implied(), today)
	if err != nil {
		return o, err
	}
	if m.MaxMinor > 0 && in.AmountMinor > m.MaxMinor {
		return o, fault.New(mandate.ReasonAboveMax).WithField("amount_minor")
	}
	o, _, err = payment.Record(ctx, tx, payment.Draft{
		Key: collectKey(l.ID, in.Reference, in.Prepay), Purpose: PurposeCollection, Object: "loan", ObjectID: l.ID, FromAccount: m.DebtorAccount, FromName: m.DebtorName,
		ToAccount: payment.SettlementAccount(tx.Institution, l.Currency), ToName: "", Amount: money.Of(in.AmountMinor, l.Currency), Memo: "还款扣收 loan repayment",
		Mandate: payment.Mandate{ID: m.ID, Reference: m.Reference, SignedOn: m.SignedOn},
	})
	if err != nil {
		return o, err
	}
	tx.AfterCommit(s.dispatcher.Wake)
	known, err := attempts(ctx, tx, attemptsOfDay, l.ID, today.String())
	if err != nil {
		return o, err
	}
	no := int64(1)
	for _, a := range known {
		no = max(no, a.No+1)
	}
	return o, Attempt{LoanID: l.ID, On: today, No: no, MandateID: m.ID, AmountMinor: in.AmountMinor, DueMinor: l.DueMinor, Currency: l.Currency, OrderID: o.ID, branchPath: l.BranchPath}.save(ctx, tx)
}

// Collected says what became of a loan in the night's collection.
type Collected int

// Outcomes of a night's collection.
const (
	NothingToDo Collected = iota // nothing is due, or the day's debits are made
	Waiting                      // an earlier debit has no outcome yet
	Ordered                      // a debit was recorded
	Refrained                    // something is due and may not be debited: the attempt says why
)

// CollectDue starts the collection of what is due on a loan, under the mandate in force and within the policy; a debit still
// without an outcome is left alone. What may not be debited is remembered with its reason, and stops nobody.
func (s *Service) CollectDue(ctx context.Context, tx *db.Tx, loanID string, on calendar.Date) (Collected, error) {
	l, err := read(ctx, tx, selectLocked, loanID)
	if err != nil || l.DueMinor <= 0 || (l.Status != Active && l.Status != Overdue) {
		return NothingToDo, err
	}
	busy, err := collecting(ctx, tx, loanID)
	if err != nil {
		return NothingToDo, err
	}
	if busy {
		return Waiting, nil
	}
	if err := useDeposit(ctx, tx, &l, on); err != nil || l.DueMinor <= 0 {
		return NothingToDo, err
	}
	amount, n, err := s.tonight(ctx, tx, l, on)
	if why, refused := refrains(err); refused {
		return Refrained, Attempt{LoanID: l.ID, On: on, DueMinor: l.DueMinor, Currency: l.Currency, Code: why.Reason.Code, branchPath: l.BranchPath,
			Reason: fault.Text{Zh: why.Text("zh"), En: why.Text("en")}}.save(ctx, tx)
	}
	if err != nil || amount == 0 {
		return NothingToDo, err
	}
	in := RepayInput{LoanID: loanID, AmountMinor: amount, Reference: nightReference(on, n), Collect: true}
	if _, known, err := payment.ByKey(ctx, tx, collectKey(loanID, in.Reference, false)); err != nil || known {
		return NothingToDo, err
	}
	if _, err = s.collect(ctx, tx, l, in); err != nil {
		return NothingToDo, err
	}
	return Ordered, nil
}

// nightReference names the nth debit of a night.
func nightReference(on calendar.Date, n int) string {
	if n == 1 {
		return "due-" + on.String()
	}
	return "due-" + on.String() + "." + strconv.Itoa(n)
}

// tonight is how much the next debit of this night asks for, and which one of the night it is.
func (s *Service) tonight(ctx context.Context, tx *db.Tx, l Loan, on calendar.Date) (amount int64, n int, err error) {
	policy, err := mandate.PolicyOf(ctx, tx)
	if err != nil {
		return 0, 0, err
	}
	m, err := mandate.InForce(ctx, tx, l.debt(), policy, l.implied(), on)
	if err != nil {
		return 0, 0, err
	}
	today, err := attempts(ctx, tx, attemptsOfDay, l.ID, on.String())
	if err != nil {
		return 0, 0, err
	}
	var tries []mandate.Try
	for _, a := range today {
		if a.No > 0 && strings.HasPrefix(a.key, collectKey(l.ID, nightReference(on, 1), false)) {
			tries = append(tries, mandate.Try{AmountMinor: a.AmountMinor, Final: a.Status.Final(), Succeeded: a.Status == payment.Succeeded})
		}
	}
	amount, err = policy.Next(l.DueMinor, m.MaxMinor, l.DaysPastDue, tries)
	return amount, len(tries) + 1, err
}

// refrains tells the reasons for which a loan is not debited from failures.
func refrains(err error) (*fault.Error, bool) {
	for _, r := range []*fault.Reason{mandate.ReasonNone, mandate.ReasonSuspended, mandate.ReasonRevoked, mandate.ReasonNotInForce, mandate.ReasonAboveMax, mandate.ReasonBelowMinimum, mandate.ReasonGivenUp} {
		if fault.Is(err, r) {
			return fault.As(err)
		}
	}
	return nil, false
}

// CountRefrained counts the loans that were due on a night and not debited.
func CountRefrained(ctx context.Context, tx *db.Tx, on calendar.Date) (n int64, err error) {
	err = tx.QueryRow(ctx, countSkipped, tx.Institution, on.String()).Scan(&n)
	return n, err
}

// Collections is how a loan is debited: the mandate in force or why there is none, all that cover it, and the debits.
type Collections struct {
	Mandate  *mandate.Mandate  `json:"mandate,omitempty" doc:"in force on the business date"`
	Why      *fault.Text       `json:"why,omitempty" doc:"why none is in force"`
	Remedy   *fault.Text       `json:"remedy,omitempty"`
	Mandates []mandate.Mandate `json:"mandates" nullable:"false" doc:"all that were ever signed for it, of the loan, its facility or its firm"`
	Attempts []Attempt         `json:"attempts" nullable:"false" doc:"newest first, at most 200"`
	Policy   mandate.Policy    `json:"policy"`
}

const attemptsShown = 200

// Collections reads how a loan is debited.
func (s *Service) Collections(ctx context.Context, p auth.Principal, id string) (out Collections, err error) {
	if err := p.Require(PermissionRead); err != nil {
		return out, err
	}
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		l, err := visibleLoan(ctx, tx, p, id)
		if err != nil {
			return err
		}
		today, err := tx.BusinessDate(ctx)
		if err != nil {
			return err
		}
		if out.Policy, err = mandate.PolicyOf(ctx, tx); err != nil {
			return err
		}
		out.Mandate, out.Mandates, err = mandate.Look(ctx, tx, l.debt(), today)
		if why, refused := refrains(err); refused {
			out.Why = &fault.Text{Zh: why.Text("zh"), En: why.Text("en")}
			out.Remedy = &fault.Text{Zh: why.RemedyText("zh"), En: why.RemedyText("en")}
		} else if err != nil {
			return err
		}
		out.Attempts, err = attempts(ctx, tx, attemptsOfLoan, id, attemptsShown)
		return err
	})
	return out, err
}

// AttemptsOn lists the debits of a day, and the loans that were not debited, after a loan and number.
func (s *Service) AttemptsOn(ctx context.Context, p auth.Principal, on calendar.Date, outcome string, afterLoan string, afterNo int64, limit int) (out []Attempt, total int64, err error) {
	if err := p.Require(PermissionRead); err != nil {
		return nil, 0, err
	}
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		if on.IsZero() {
			if on, err = tx.BusinessDate(ctx); err != nil {
				return err
			}
		}
		if err := tx.QueryRow(ctx, countOn, tx.Institution, on.String(), p.BranchPattern(), outcome).Scan(&total); err != nil {
			return err
		}
		out, err = attempts(ctx, tx, attemptsOn, on.String(), p.BranchPattern(), outcome, afterLoan, afterNo, limit)
		return err
	})
	return out, total, err
}

func visibleLoan(ctx context.Context, tx *db.Tx, p auth.Principal, id string) (Loan, error) {
	l, err := ByID(ctx, tx, id)
	if err == nil && !p.Sees(l.BranchPath) {
		err = fault.NotFoundError("loan", id)
	}
	return l, err
}
