package sim

// What the bank answered, and whether program and model agree.

import (
	"fmt"
	"slices"
	"strings"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/credit/facility"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/platform/db"
)

// answers lets the dispatcher talk to the bank and takes notice of what came out.
func (s *Simulation) answers() {
	_, err := s.World.Dispatcher.Drain(s.ctx())
	s.must(err)
	s.notice(s.today)
}

var freshOutcomes = db.Q(`select id from payment_order where institution_id = $1 and status in ('succeeded', 'failed') and updated_at >= $2 order by id`)

// outcomes lists the orders that became final since the model looked last.
func (s *Simulation) outcomes() (orders []payment.Order) {
	s.t.Helper()
	s.must(s.World.DB.View(s.ctx(), s.World.Staff.System.Scope(), func(tx *db.Tx) error {
		rows, err := tx.Query(s.ctx(), freshOutcomes, tx.Institution, s.noticed)
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // read to its end
		var ids []string
		for rows.Next() {
			var id string
			if err := rows.Scan(&id); err != nil {
				return err
			}
			ids = append(ids, id)
		}
		for _, id := range ids {
			o, err := payment.ByID(s.ctx(), tx, id)
			if err != nil {
				return err
			}
			orders = append(orders, o)
		}
		s.noticed = db.Micros(tx.Now)
		return rows.Err()
	}))
	return orders
}

// notice brings the model up to the outcomes the program has recorded on the day since or today, each of which
// the bank must confirm.
func (s *Simulation) notice(since calendar.Date) {
	s.t.Helper()
	for _, o := range s.outcomes() {
		d := s.debts[o.ObjectID]
		if d.orders[o.ID] {
			continue
		}
		d.orders[o.ID] = true
		m, executed := s.bank.Executed(s.World.Staff.InstitutionID + ":" + o.Key)
		if executed != (o.Status == payment.Succeeded) || executed && m.AmountMinor != o.AmountMinor {
			s.failf("order %s is %s, the bank says executed %v for %d", o.Key, o.Status, executed, m.AmountMinor)
		}
		s.outcome(d, o, since)
	}
}

func (s *Simulation) outcome(d *debt, o payment.Order, since calendar.Date) {
	s.t.Helper()
	s.sayf("outcome %s %s of %s", o.Purpose, o.Status, d.id)
	switch {
	case o.Purpose == loan.PurposeDisbursement && o.Status == payment.Failed:
		d.pending, d.gone = false, true
		d.of.used -= d.counted
		s.close(d)
	case o.Purpose == loan.PurposeDisbursement:
		start := s.detail(d).DisbursedOn
		if start != since && start != s.today {
			s.failf("loan %s was disbursed on %s, it is %s", d.id, start, s.today)
		}
		d.pending = false
		d.terms = Terms{Start: start, TenorMonths: d.in.TenorMonths, Bullet: d.in.Method == loan.Bullet, RateE8: int64(Rate),
			PenaltyE8: (int64(Rate)*3 + 1) / 2, GraceDays: Conditions.GraceDays, Principal: d.in.AmountMinor}
		s.compare(d)
	case o.Status == payment.Succeeded:
		s.collected(d, o)
	}
}

// collected gives a collection to the model on its value date: whole, or as much as was owed then, or not at all.
func (s *Simulation) collected(d *debt, o payment.Order) {
	s.t.Helper()
	p := Payment{Date: o.ValueDate, Amount: o.AmountMinor, Prepay: strings.HasSuffix(o.Key, ":prepay")}
	rest := p.Amount
	limit := s.owedOn(d, p)
	for _, amount := range []int64{p.Amount, min(p.Amount, limit)} {
		p.Amount = amount
		if amount <= 0 {
			continue
		}
		if _, err := Walk(d.terms, s.plan(d), insertByDate(d.payments, p), s.today); err == nil {
			d.payments = insertByDate(d.payments, p)
			rest -= amount
			break
		}
	}
	s.surplus += rest
	s.compare(d)
}

// owedOn is what a payment could have paid on its date.
func (s *Simulation) owedOn(d *debt, p Payment) int64 {
	before := []Payment{}
	for _, x := range d.payments {
		if !x.Date.After(p.Date) {
			before = append(before, x)
		}
	}
	e, err := Walk(d.terms, s.plan(d), before, p.Date)
	if err != nil || e.Settled {
		return 0
	}
	if p.Prepay {
		return e.Payoff
	}
	return e.Due
}

func insertByDate(all []Payment, p Payment) []Payment {
	out := slices.Clone(all)
	at := len(out)
	for at > 0 && out[at-1].Date.After(p.Date) {
		at--
	}
	return slices.Insert(out, at, p)
}

func (s *Simulation) detail(d *debt) loan.Detail {
	s.t.Helper()
	x, err := s.World.Loans.Get(s.ctx(), s.World.Staff.Manager, d.id)
	s.must(err)
	return x
}

// plan reads the principal of each instalment that has fallen due; that it adds up is checked in compare.
func (s *Simulation) plan(d *debt) map[calendar.Date]int64 {
	s.t.Helper()
	out := map[calendar.Date]int64{}
	for _, r := range s.detail(d).Rows {
		if r.Billed {
			out[r.DueDate] += r.PrincipalMinor
		}
	}
	return out
}

// compare holds the program's loan against the oracle's.
func (s *Simulation) compare(d *debt) {
	s.t.Helper()
	x := s.detail(d)
	plan, planned := map[calendar.Date]int64{}, int64(0)
	for _, r := range x.Rows {
		if r.Billed {
			plan[r.DueDate] += r.PrincipalMinor
			planned += r.PrincipalMinor - r.PaidPrincipalMinor
		} else {
			planned += r.PrincipalMinor
		}
		if r.PrincipalMinor < 0 || r.InterestMinor < 0 {
			s.failf("loan %s: a negative instalment %+v", d.id, r)
		}
	}
	e, err := Walk(d.terms, plan, d.payments, s.today)
	if err != nil {
		s.failf("loan %s: the oracle refuses what the program took: %v %+v", d.id, err, d.payments)
	}
	t := x.Totals
	got := Expect{Principal: t.DisbursedMinor - t.PaidPrincipalMinor, InterestAccrued: t.InterestAccruedMinor, InterestPaid: t.PaidInterestMinor,
		PenaltyAccrued: t.PenaltyAccruedMinor, PenaltyPaid: t.PaidPenaltyMinor, CompoundAccrued: t.CompoundAccruedMinor, CompoundPaid: t.PaidCompoundMinor, Due: x.Due.TotalMinor(), Payoff: x.Payoff.TotalMinor(),
		DaysPastDue: x.DaysPastDue, Settled: x.Status == loan.Settled, Splits: e.Splits}
	if fmt.Sprint(got) != fmt.Sprint(e) {
		s.failf("loan %s of %s (%s from %s, %d months):\n  program %+v\n  oracle  %+v\n  payments %+v", d.id, x.Status, d.in.Method, d.terms.Start, d.terms.TenorMonths, got, e, d.payments)
	}
	if planned != e.Principal {
		s.failf("loan %s: instalments plan %d of principal, %d is owed", d.id, planned, e.Principal)
	}
	if x.OutstandingMinor != e.Principal || x.DueMinor != e.Due {
		s.failf("loan %s: the list says %d owed and %d due, the oracle %d and %d", d.id, x.OutstandingMinor, x.DueMinor, e.Principal, e.Due)
	}
	d.of.used += e.Principal - d.counted
	d.e, d.counted = e, e.Principal
	if e.Settled {
		d.gone = true
		s.close(d)
	}
}

func (s *Simulation) close(d *debt) {
	if at := slices.Index(s.open, d); at >= 0 {
		s.open = slices.Delete(s.open, at, at+1)
	}
}

func (s *Simulation) checkCredit(c *credit) {
	s.t.Helper()
	var f facility.Facility
	s.must(s.World.DB.View(s.ctx(), s.World.Staff.System.Scope(), func(tx *db.Tx) (err error) {
		f, err = facility.ByID(s.ctx(), tx, c.id)
		return err
	}))
	if f.UtilisedMinor != c.used || f.LimitMinor != c.limit {
		s.failf("facility %s: %d of %d in use, the model says %d of %d", c.id, f.UtilisedMinor, f.LimitMinor, c.used, c.limit)
	}
}

// Check verifies everything: the program's own recomputation, and every balance of the books against the model.
func (s *Simulation) Check() {
	s.t.Helper()
	s.must(s.World.Invariants(s.ctx()))
	for _, c := range s.credits {
		s.checkCredit(c)
	}
	want := map[string]int64{journal.Nostro: s.cash + s.surplus, journal.Suspense: -s.surplus}
	for _, d := range s.debts {
		if d.pending || d.terms.Principal == 0 {
			continue
		}
		for _, p := range d.payments {
			want[journal.Nostro] += p.Amount
		}
		for _, p := range d.keys {
			want[journal.Nostro] -= p.Amount // in s.cash already
		}
		want[journal.Nostro] -= d.terms.Principal
		want[journal.LoanPrincipal] += d.e.Principal
		want[journal.InterestReceivable] += d.e.InterestAccrued - d.e.InterestPaid
		want[journal.InterestIncome] -= d.e.InterestAccrued
		want[journal.PenaltyReceivable] += d.e.PenaltyAccrued - d.e.PenaltyPaid
		want[journal.PenaltyIncome] -= d.e.PenaltyAccrued
		want[journal.CompoundReceivable] += d.e.CompoundAccrued - d.e.CompoundPaid
		want[journal.CompoundIncome] -= d.e.CompoundAccrued
	}
	s.must(s.World.DB.View(s.ctx(), s.World.Staff.System.Scope(), func(tx *db.Tx) error {
		for account, minor := range want {
			got, err := Net(s.ctx(), tx, account)
			if err != nil {
				return err
			}
			if got != minor {
				return fmt.Errorf("account %s stands at %d, the model says %d", account, got, minor)
			}
		}
		return nil
	}))
}

// Digest is the hash of everything stored.
func (s *Simulation) Digest() string {
	s.t.Helper()
	h, err := Digest(s.ctx(), s.World.DB)
	s.must(err)
	return h
}
