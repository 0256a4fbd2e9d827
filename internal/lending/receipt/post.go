package receipt

import (
	"context"
	"fmt"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

const batch = 100

// matchAll lets every receipt of a status meet the rules: those that have not yet, or those that wait for a person and that
// nobody has handled.
func (s *Service) matchAll(ctx context.Context, p auth.Principal, status Status, tick func() error) error {
	for after := ""; ; {
		var todo []Receipt
		var policy Policy
		err := s.DB.View(ctx, p.Scope(), func(tx *db.Tx) (err error) {
			if policy, err = policyOf(ctx, tx); err != nil {
				return err
			}
			rows, err := tx.Query(ctx, selectByStatus, tx.Institution, string(status), after, batch)
			if err != nil {
				return err
			}
			todo, err = collect(rows)
			return err
		})
		if err != nil || len(todo) == 0 {
			return err
		}
		for _, r := range todo {
			if err := s.match(ctx, p, policy, r); err != nil {
				return fmt.Errorf("receipt %s: %w", r.ID, err)
			}
			if err := tick(); err != nil {
				return err
			}
		}
		after = todo[len(todo)-1].ID
	}
}

// match finds what the rules say of one receipt and keeps it.
func (s *Service) match(ctx context.Context, p auth.Principal, policy Policy, r Receipt) error {
	var e evidence
	var today calendar.Date
	err := s.DB.View(ctx, p.Scope(), func(tx *db.Tx) (err error) {
		if today, err = tx.BusinessDate(ctx); err != nil {
			return err
		}
		e, err = gather(ctx, tx, p, r.asLine())
		return err
	})
	if err != nil {
		return err
	}
	s.payoffs(ctx, p, &e, today)
	v := policy.decide(e)
	err = s.DB.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		now, err := get(ctx, tx, selectLocked, r.ID)
		if err != nil || now.Status != r.Status {
			return err
		}
		if now.Status == Exception {
			handled, err := uses(ctx, tx, r.ID)
			sure := v.OrderID != "" || v.Wait || len(v.Plan) > 0 && v.Score >= policy.PostFrom
			same := !sure && now.Rule == string(v.Rule) && now.Score == v.Score && now.Why == v.Why
			if err != nil || len(handled) > 0 || same {
				return err
			}
			now.Status = Received
		}
		return keep(ctx, tx, policy, now, v)
	})
	if err != nil {
		return err
	}
	return s.fail("matched")
}

// keep writes a verdict down: a plan to post, a confirmation, or an exception
// with what the rules suggest.
func keep(ctx context.Context, tx *db.Tx, policy Policy, r Receipt, v Verdict) error {
	if v.OrderID != "" && !v.Wait {
		twice, err := arrived(ctx, tx, v)
		if err != nil {
			return err
		}
		if twice {
			v.Why = fault.Text{Zh: "扣款指令 " + v.OrderID + " 的款项已由另一笔来款到账，请核对", En: "the money of collection order " + v.OrderID + " has come as another receipt: check it"}
			v.OrderID, v.Score = "", 0
		}
	}
	r.Rule, r.Score, r.Why, r.BranchPath = string(v.Rule), v.Score, v.Why, v.BranchPath
	switch {
	case v.Wait:
		return save(ctx, tx, &r) // received still: it is looked at again when the order has its outcome
	case v.OrderID != "":
		r.uses++
		if err := book(ctx, tx, &r, Use{No: r.uses, Kind: UseConfirmed, AmountMinor: r.OpenMinor, LoanID: v.LoanID, OrderID: v.OrderID},
			fault.Text{Zh: "扣收款到账，已由扣款入账", En: "money of a collection, which books itself"}); err != nil {
			return err
		}
	case len(v.Plan) > 0 && v.Score >= policy.PostFrom:
		r.plan(v.Plan)
	default:
		r.Plan, r.Status = v.Plan, Exception
	}
	r.settle()
	if err := save(ctx, tx, &r); err != nil {
		return err
	}
	if r.Status != Exception {
		return nil
	}
	return event.Append(ctx, tx, event.Draft{Type: "receipt.exception", Aggregate: "receipt", AggregateID: r.ID, Payload: Happened{ReceiptID: r.ID, AmountMinor: r.OpenMinor, Why: r.Why}})
}

// Happened is the payload of the events receipt.*.
type Happened struct {
	ReceiptID   string     `json:"receipt_id"`
	LoanID      string     `json:"loan_id,omitempty"`
	AmountMinor int64      `json:"amount_minor"`
	Why         fault.Text `json:"why"`
}

// plan gives each part its number, under which it is posted once for ever.
func (r *Receipt) plan(parts []Share) {
	r.Plan = nil
	for _, part := range parts {
		r.uses++
		part.No = r.uses
		r.Plan = append(r.Plan, part)
	}
	r.Status = Matched
}

// book moves money of a receipt in its sums and in the books, and remembers why.
// The money leaves suspense, because the loan or the order books it itself or
// because it is not ours.
func book(ctx context.Context, tx *db.Tx, r *Receipt, u Use, memo fault.Text) error {
	if err := r.move(u.Kind, u.AmountMinor); err != nil {
		return err
	}
	if err := record(ctx, tx, r.ID, u); err != nil {
		return err
	}
	if u.Kind != UseReturning && u.Kind != UseReturnFailed { // suspense holds it until the bank has paid it back
		today, err := tx.BusinessDate(ctx)
		if err != nil {
			return err
		}
		if _, err := journal.Post(ctx, tx, suspense(fmt.Sprintf("receipt:%s:%d", r.ID, u.No), *r, u.AmountMinor, today, false, memo)); err != nil {
			return err
		}
	}
	if err := audit.Record(ctx, tx, audit.Entry{Action: "receipt." + string(u.Kind), Object: "receipt", ObjectID: r.ID, After: map[string]any{"sums": r.Sums, "use": u}, Note: u.Note}); err != nil {
		return err
	}
	return event.Append(ctx, tx, event.Draft{Type: "receipt." + string(u.Kind), Aggregate: "receipt", AggregateID: r.ID,
		Payload: Happened{ReceiptID: r.ID, LoanID: u.LoanID, AmountMinor: u.AmountMinor, Why: r.Why}})
}

// postAll posts every plan there is.
func (s *Service) postAll(ctx context.Context, p auth.Principal, tick func() error) error {
	for after := ""; ; {
		var todo []Receipt
		err := s.DB.View(ctx, p.Scope(), func(tx *db.Tx) error {
			rows, err := tx.Query(ctx, selectByStatus, tx.Institution, string(Matched), after, batch)
			if err != nil {
				return err
			}
			todo, err = collect(rows)
			return err
		})
		if err != nil || len(todo) == 0 {
			return err
		}
		for _, r := range todo {
			if _, err := s.post(ctx, p, r); err != nil {
				return fmt.Errorf("receipt %s: %w", r.ID, err)
			}
			if err := tick(); err != nil {
				return err
			}
		}
		after = todo[len(todo)-1].ID
	}
}

// post carries out a plan part by part. A loan that refuses its part makes the
// rest of the receipt an exception and is told; refused is that refusal.
func (s *Service) post(ctx context.Context, p auth.Principal, r Receipt) (refused *fault.Error, err error) {
	for _, part := range r.Plan {
		reference := fmt.Sprintf("%s.%d", r.ID, part.No)
		hooked := db.WithBeforeCommit(ctx, func(ctx context.Context, tx *db.Tx) error { return s.posted(ctx, tx, r.ID, part, reference) })
		err := s.Book.Repay(hooked, p, Repayment{LoanID: part.LoanID, AmountMinor: part.AmountMinor, Prepay: part.Prepay, Reference: reference, ValueDate: r.ValueDate, Channel: r.Channel})
		if err == nil {
			if err := s.fail("posted"); err != nil {
				return nil, err
			}
			continue
		}
		why, ok := refusedByRule(err)
		if !ok {
			return nil, err
		}
		return why, s.unplan(ctx, p, r.ID, why)
	}
	return nil, nil
}

// posted runs in the transaction of the repayment: the loan's books and the
// receipt's move together, or not at all.
func (s *Service) posted(ctx context.Context, tx *db.Tx, id string, part Share, reference string) error {
	r, err := get(ctx, tx, selectLocked, id)
	if err != nil {
		return err
	}
	rest := []Share{}
	found := false
	for _, x := range r.Plan {
		if x.No == part.No && r.Status == Matched {
			found = true
			continue
		}
		rest = append(rest, x)
	}
	if !found {
		return s.known(ctx, tx, r, part)
	}
	r.Plan = rest
	if err := book(ctx, tx, &r, Use{No: part.No, Kind: UsePosted, AmountMinor: part.AmountMinor, LoanID: part.LoanID, Reference: reference},
		fault.Text{Zh: "来款转入还款", En: "receipt used for a repayment"}); err != nil {
		return err
	}
	r.settle()
	return save(ctx, tx, &r)
}

// known allows a repayment to be sent again, and refuses one whose plan is gone:
// a person has decided otherwise meanwhile.
func (s *Service) known(ctx context.Context, tx *db.Tx, r Receipt, part Share) error {
	all, err := uses(ctx, tx, r.ID)
	if err != nil {
		return err
	}
	for _, u := range all {
		if u.No == part.No && u.Kind == UsePosted {
			return nil
		}
	}
	return wrongStatus(r.Status)
}

// unplan turns a receipt whose loan refused it into an exception.
func (s *Service) unplan(ctx context.Context, p auth.Principal, id string, why *fault.Error) error {
	return s.DB.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		r, err := get(ctx, tx, selectLocked, id)
		if err != nil || r.Status != Matched {
			return err
		}
		r.Status, r.Plan, r.Score = Exception, nil, 0
		r.Why = fault.Text{Zh: "入账被拒：" + why.Text("zh"), En: "the loan refused it: " + why.Text("en")}
		if err := save(ctx, tx, &r); err != nil {
			return err
		}
		return event.Append(ctx, tx, event.Draft{Type: "receipt.exception", Aggregate: "receipt", AggregateID: r.ID, Payload: Happened{ReceiptID: r.ID, AmountMinor: r.OpenMinor, Why: r.Why}})
	})
}

// payoffs asks for settlement amounts where they could decide something.
func (s *Service) payoffs(ctx context.Context, p auth.Principal, e *evidence, today calendar.Date) {
	asked := 0
	for i, c := range e.candidates {
		if !c.Open || e.line.AmountMinor <= c.DueMinor || asked >= payoffsMax {
			continue
		}
		asked++
		on := e.line.ValueDate
		if on.Before(today) {
			on = today
		}
		if v, err := s.Book.Payoff(ctx, p, c.LoanID, on); err == nil {
			e.candidates[i].PayoffMinor = v
		}
	}
}

const payoffsMax = 5

// gather reads what the rules look at.
func gather(ctx context.Context, tx *db.Tx, p auth.Principal, l Line) (e evidence, err error) {
	e.line = l
	if e.order, err = findOrder(ctx, tx, l); err != nil || e.order != nil {
		return e, err
	}
	g := gathering{ctx: ctx, tx: tx, p: p, at: map[string]int{}}
	for _, token := range l.tokens() {
		g.loans(loanByNumber, false, byNumber, token)
	}
	if l.PayerAccount != "" {
		g.loans(loanOfAcct, true, byAccount, l.PayerAccount)
	}
	if l.FirmHint != "" {
		g.firms(firmByHint, byFirm, l.FirmHint)
	}
	if l.PayerName != "" {
		g.loans(loanOfName, false, byName, l.PayerName)
		g.firms(firmByName, byName, l.PayerName)
	}
	e.candidates = g.found
	return e, g.err
}

// gathering collects candidates; the first error ends it.
type gathering struct {
	ctx   context.Context //nolint:containedctx // lives for one receipt
	tx    *db.Tx
	p     auth.Principal
	found []Candidate
	at    map[string]int
	err   error
}

// loans adds the loans of a query, and all loans of their firms when it asks so:
// the account of one loan is the account of the payer.
func (g *gathering) loans(q *db.Query, ofFirm bool, how int, value string) {
	if g.err != nil {
		return
	}
	rows, err := pairs(g.ctx, g.tx, q, q != loanByNumber, g.tx.Institution, value, g.p.BranchPattern())
	g.err = err
	for _, r := range rows {
		if g.err != nil {
			return
		}
		if ofFirm {
			g.firm(r[1], how)
			continue
		}
		l, err := loan.ByID(g.ctx, g.tx, r[0])
		if g.err = err; err == nil {
			g.add(l, how)
		}
	}
}

func (g *gathering) firms(q *db.Query, how int, value string) {
	if g.err != nil {
		return
	}
	rows, err := pairs(g.ctx, g.tx, q, false, g.tx.Institution, value, g.p.BranchPattern())
	g.err = err
	for _, r := range rows {
		g.firm(r[0], how)
	}
}

func (g *gathering) firm(id string, how int) {
	if g.err != nil {
		return
	}
	all, err := loan.ByFirm(g.ctx, g.tx, id)
	g.err = err
	for _, l := range all {
		g.add(l, how)
	}
}

func (g *gathering) add(l loan.Loan, how int) {
	if !g.p.Sees(l.BranchPath) {
		return
	}
	i, known := g.at[l.ID]
	if !known {
		i = len(g.found)
		g.at[l.ID] = i
		g.found = append(g.found, Candidate{
			LoanID: l.ID, Reference: l.Reference, FirmID: l.FirmID, BranchPath: l.BranchPath, Open: l.Status == loan.Active || l.Status == loan.Overdue,
			DueMinor: l.DueMinor, Rate: l.Terms.AnnualRate, DaysPastDue: l.DaysPastDue, NextDueOn: l.NextDueOn, StartedOn: l.DisbursedOn,
		})
	}
	g.found[i].found |= how
}

// findOrder looks for the collection whose money this is.
func findOrder(ctx context.Context, tx *db.Tx, l Line) (*Order, error) {
	known, found, err := payment.AtBank(ctx, tx, loan.PurposeCollection, l.EndToEndID, l.BankReference)
	if err != nil || !found {
		return nil, err
	}
	o := Order{ID: known.ID, LoanID: known.ObjectID, AmountMinor: known.AmountMinor, Currency: known.Currency, Final: known.Status.Final(), Failed: known.Status == payment.Failed}
	err = tx.QueryRow(ctx, branchOfLoan, tx.Institution, o.LoanID).Scan(&o.Branch)
	if db.IsNoRows(err) {
		err = nil
	}
	return &o, err
}

// arrived tells whether the money of an order is another receipt already; until this transaction ends no other finds out the same.
func arrived(ctx context.Context, tx *db.Tx, v Verdict) (yes bool, err error) {
	if err := tx.Lock(ctx, "receipt order "+v.OrderID); err != nil {
		return false, err
	}
	var n int64
	err = tx.QueryRow(ctx, countConfirmed, tx.Institution, v.LoanID, v.OrderID, string(UseConfirmed)).Scan(&n)
	return n > 0, err
}
