package sim

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/credit/facility"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// credit is what the model knows of a facility.
type credit struct {
	id          string
	limit, used int64
	frozen      bool
}

// debt is what the model knows of a loan.
type debt struct {
	id       string
	of       *credit
	in       loan.DrawInput
	pending  bool
	gone     bool // cancelled or settled
	terms    Terms
	payments []Payment // by value date, then in the order they were learnt of
	keys     map[string]Payment
	orders   map[string]bool // collections whose outcome is known to the model
	counted  int64           // what of the facility the model counts for it
	e        Expect
}

// Simulation is one run.
type Simulation struct {
	World *World
	Clock *Clock
	Seed  uint64
	Steps int

	t       testing.TB
	rnd     *rand.Rand
	bank    *Bank
	today   calendar.Date
	credits []*credit
	debts   map[string]*debt
	open    []*debt // those that owe something
	noticed int64   // outcomes recorded before this instant are known to the model
	cash    int64   // recorded as received outside the bank
	surplus int64   // collected beyond what was owed
	trace   []string
	Counts  map[string]int
}

// Faults of the bank in a simulation: about one request in seven has no answer.
var Faults = BankFaults{LostBefore: 70, LostAfter: 70, LostQuery: 150, Reject: 40}

// Start makes a simulation on a fresh fixture that was opened with Seeded(seed, clock).
func Start(t testing.TB, d *db.DB, clock *Clock, seed uint64) *Simulation {
	t.Helper()
	s := &Simulation{Clock: clock, Seed: seed, t: t, rnd: rand.New(rand.NewPCG(seed, 0x5eed)), bank: NewBank(seed, Faults), debts: map[string]*debt{}, Counts: map[string]int{}}
	s.World = NewWorld(d, dbtest.Institution(t, d), s.bank)
	for i := range 5 {
		limit := int64(1+i) * 100_000_00
		f, err := s.World.OpenFacility(t.Context(), fmt.Sprint("firm_", i), limit)
		s.must(err)
		s.credits = append(s.credits, &credit{id: f.ID, limit: limit})
	}
	var err error
	s.today, err = s.World.BusinessDate(t.Context())
	s.must(err)
	return s
}

func (s *Simulation) ctx() context.Context { return s.t.Context() }

func (s *Simulation) must(err error) {
	s.t.Helper()
	if err != nil {
		s.failf("%v", err)
	}
}

func (s *Simulation) failf(format string, args ...any) {
	s.t.Helper()
	s.t.Fatalf("seed %d, step %d: %s\nthe last steps:\n  %s\nrun it again with CAPILLARY_SIM_SEED=%d", s.Seed, s.Steps, fmt.Sprintf(format, args...), strings.Join(s.trace, "\n  "), s.Seed)
}

func (s *Simulation) sayf(format string, args ...any) {
	s.trace = append(s.trace, fmt.Sprintf("%d ", s.Steps)+fmt.Sprintf(format, args...))
	if len(s.trace) > 40 {
		s.trace = s.trace[1:]
	}
}

// action is something that may happen, with its share of all that happens.
type action struct {
	name  string
	share int
	do    func(*Simulation)
}

var actions = []action{
	{"draw", 24, (*Simulation).draw},
	{"draw again", 6, (*Simulation).drawAgain},
	{"bank", 20, (*Simulation).answers},
	{"pay what is due", 12, func(s *Simulation) { s.repay(false, false) }},
	{"prepay", 10, func(s *Simulation) { s.repay(true, false) }},
	{"collect", 5, func(s *Simulation) { s.repay(s.rnd.IntN(2) == 0, true) }},
	{"pay again", 4, (*Simulation).repayAgain},
	{"pay too much", 3, (*Simulation).overpay},
	{"limit", 3, (*Simulation).limit},
	{"freeze", 3, (*Simulation).freeze},
	{"crash", 3, (*Simulation).crash},
	{"wait", 4, func(s *Simulation) { s.Clock.Advance(time.Duration(1+s.rnd.IntN(900)) * time.Second) }},
	{"night", 3, (*Simulation).Night},
}

// Run does n steps, checks what each touched, and everything every now and then and at the end.
func (s *Simulation) Run(n, checkEvery int) {
	s.t.Helper()
	total := 0
	for _, a := range actions {
		total += a.share
	}
	for range n {
		s.Steps++
		pick := s.rnd.IntN(total)
		for _, a := range actions {
			if pick -= a.share; pick < 0 {
				s.Counts[a.name]++
				a.do(s)
				break
			}
		}
		if s.Steps%checkEvery == 0 {
			s.Check()
		}
	}
	s.Settle()
}

// Settle lets the bank answer everything and checks everything.
func (s *Simulation) Settle() {
	s.t.Helper()
	s.bank.SetFaults(BankFaults{Reject: Faults.Reject})
	for range 20 {
		s.Clock.Advance(time.Hour)
		s.answers()
	}
	s.bank.SetFaults(Faults)
	s.must(s.World.DB.View(s.ctx(), s.World.Staff.System.Scope(), func(tx *db.Tx) error {
		open, err := payment.Open(s.ctx(), tx, "")
		if err == nil && open > 0 {
			err = fmt.Errorf("%d payments are without an outcome although the bank answers", open)
		}
		return err
	}))
	s.Check()
}

func (s *Simulation) someOpen() *debt {
	if len(s.open) == 0 {
		return nil
	}
	return s.open[s.rnd.IntN(len(s.open))]
}

var methods = []loan.Method{loan.EqualPrincipal, loan.InterestOnly, loan.Bullet, loan.EqualInstalment}

func (s *Simulation) draw() {
	c := s.credits[s.rnd.IntN(len(s.credits))]
	in := Draw(c.id, fmt.Sprint("ref-", s.Steps), 1+s.rnd.Int64N(c.limit/8))
	in.TenorMonths, in.Method = 1+s.rnd.IntN(6), methods[s.rnd.IntN(len(methods))]
	l, err := s.World.Loans.Draw(s.ctx(), s.World.Staff.Manager, in)
	s.sayf("draw %d of %s %s: %s %v", in.AmountMinor, c.id, in.Method, l.ID, err)
	switch {
	case c.frozen:
		s.refused(err, facility.ReasonFrozen)
	case c.used+in.AmountMinor > c.limit:
		s.refused(err, facility.ReasonLimitExceeded)
	default:
		s.must(err)
		c.used += in.AmountMinor
		d := &debt{id: l.ID, of: c, in: in, pending: true, counted: in.AmountMinor, keys: map[string]Payment{}, orders: map[string]bool{}}
		s.debts[l.ID] = d
		s.open = append(s.open, d)
	}
	s.checkCredit(c)
}

func (s *Simulation) refused(err error, why *fault.Reason) {
	s.t.Helper()
	if !fault.Is(err, why) {
		s.failf("want %s, got %v", why.Code, err)
	}
}

// drawAgain sends a drawdown that exists once more, as it was or changed.
func (s *Simulation) drawAgain() {
	d := s.someOpen()
	if d == nil {
		return
	}
	in := d.in
	changed := s.rnd.IntN(3) == 0
	if changed {
		in.AmountMinor++
	}
	l, err := s.World.Loans.Draw(s.ctx(), s.World.Staff.Manager, in)
	s.sayf("draw again %s changed %v: %v", d.id, changed, err)
	if changed {
		s.refused(err, loan.ReasonReferenceReused)
		return
	}
	s.must(err)
	if l.ID != d.id {
		s.failf("the reference %s gave a second loan", in.Reference)
	}
	s.checkCredit(d.of)
}

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

func (s *Simulation) repay(prepay, collect bool) {
	d := s.someOpen()
	if d == nil || d.pending {
		return
	}
	most := d.e.Due
	if prepay {
		most = d.e.Payoff
	}
	if most <= 0 {
		return
	}
	amount := most
	if s.rnd.IntN(2) == 0 {
		amount = 1 + s.rnd.Int64N(most)
	}
	in := loan.RepayInput{LoanID: d.id, AmountMinor: amount, Prepay: prepay, Collect: collect, Reference: fmt.Sprint("slip-", s.Steps)}
	r, err := s.World.Loans.Repay(s.ctx(), s.World.Staff.Operations, in)
	s.sayf("repay %d of %s prepay %v collect %v: %v", amount, d.id, prepay, collect, err)
	if collect && fault.Is(err, loan.ReasonCollectionOpen) {
		return // one at a time
	}
	s.must(err)
	if collect {
		return // the outcome comes with the bank's answer
	}
	p := Payment{Date: s.today, Amount: amount, Prepay: prepay}
	d.payments = insertByDate(d.payments, p)
	d.keys[in.Reference] = p
	s.cash += amount
	s.compare(d)
	last := d.e.Splits[len(d.e.Splits)-1]
	if got := (Split{r.Allocation.CompoundMinor, r.Allocation.PenaltyMinor, r.Allocation.InterestMinor, r.Allocation.PrincipalMinor}); got != last {
		s.failf("loan %s: the payment was split %+v, the oracle says %+v", d.id, got, last)
	}
	s.checkCredit(d.of)
}

// repayAgain sends a repayment that exists once more, as it was or changed.
func (s *Simulation) repayAgain() {
	d := s.someOpen()
	if d == nil || len(d.keys) == 0 {
		return
	}
	refs := make([]string, 0, len(d.keys))
	for r := range d.keys {
		refs = append(refs, r)
	}
	slices.Sort(refs)
	ref := refs[s.rnd.IntN(len(refs))]
	p := d.keys[ref]
	changed := s.rnd.IntN(3) == 0
	if changed {
		p.Amount++
	}
	_, err := s.World.Loans.Repay(s.ctx(), s.World.Staff.Operations, loan.RepayInput{LoanID: d.id, AmountMinor: p.Amount, Prepay: p.Prepay, Reference: ref})
	s.sayf("repay again %s of %s changed %v: %v", ref, d.id, changed, err)
	if changed {
		s.refused(err, loan.ReasonRepaymentReused)
	} else {
		s.must(err)
	}
	s.compare(d)
}

func (s *Simulation) overpay() {
	d := s.someOpen()
	if d == nil || d.pending {
		return
	}
	prepay := s.rnd.IntN(2) == 0
	amount := d.e.Due + 1
	if prepay {
		amount = d.e.Payoff + 1
	}
	_, err := s.World.Loans.Repay(s.ctx(), s.World.Staff.Operations, loan.RepayInput{LoanID: d.id, AmountMinor: amount, Prepay: prepay, Reference: fmt.Sprint("over-", s.Steps)})
	s.sayf("overpay %s: %v", d.id, err)
	s.refused(err, loan.ReasonOverpaid)
}

func (s *Simulation) limit() {
	c := s.credits[s.rnd.IntN(len(s.credits))]
	c.limit = c.limit/2 + s.rnd.Int64N(c.limit) + 1000_00
	s.sayf("limit of %s to %d", c.id, c.limit)
	s.must(s.World.DB.Update(s.ctx(), s.World.Staff.System.Scope(), func(tx *db.Tx) error {
		return facility.SetLimit(s.ctx(), tx, c.id, c.limit, fault.Text{Zh: "调整", En: "changed"})
	}))
	s.checkCredit(c)
}

func (s *Simulation) freeze() {
	c := s.credits[s.rnd.IntN(len(s.credits))]
	c.frozen = !c.frozen && s.rnd.IntN(2) == 0
	s.sayf("freeze %s %v", c.id, c.frozen)
	s.must(s.World.DB.Update(s.ctx(), s.World.Staff.System.Scope(), func(tx *db.Tx) error {
		if c.frozen {
			return facility.Freeze(s.ctx(), tx, c.id, fault.Text{Zh: "冻结", En: "frozen"})
		}
		return facility.Unfreeze(s.ctx(), tx, c.id, fault.Text{Zh: "解冻", En: "thawed"})
	}))
	s.checkCredit(c)
}

var errCrash = errors.New("sim: the process died")

// crash breaks the dispatcher off at one of its points and starts everything anew.
func (s *Simulation) crash() {
	at := []string{payment.PointClaimed, payment.PointAnswered}[s.rnd.IntN(2)]
	left := s.rnd.IntN(3)
	s.World.Restart(payment.DispatcherConfig{Workers: 1, Failpoint: func(point string, _ payment.Order) error {
		if point == at {
			if left--; left < 0 {
				return errCrash
			}
		}
		return nil
	}})
	_, err := s.World.Dispatcher.Drain(s.ctx())
	s.sayf("crash at %s: %v", at, err)
	if err != nil && !errors.Is(err, errCrash) {
		s.must(err)
	}
	s.World.Restart(payment.DispatcherConfig{Workers: 1})
	s.notice(s.today)
}

// Night ends the business day, sometimes with a crash on the way.
func (s *Simulation) Night() {
	s.t.Helper()
	to := s.today.AddDays(1)
	if s.rnd.IntN(4) == 0 {
		left := s.rnd.IntN(6)
		s.World.Days.Failpoint = func(string) error {
			if left--; left < 0 {
				return errCrash
			}
			return nil
		}
		_, err := s.World.Days.Until(s.ctx(), s.World.Staff.Operations, to, nil)
		if err != nil && !errors.Is(err, errCrash) {
			s.must(err)
		}
		s.World.Restart(payment.DispatcherConfig{Workers: 1})
	}
	_, err := s.World.Days.Until(s.ctx(), s.World.Staff.Operations, to, nil)
	s.sayf("night to %s: %v", to, err)
	s.must(err)
	s.Clock.Advance(24 * time.Hour)
	yesterday := s.today
	if s.today, err = s.World.BusinessDate(s.ctx()); err != nil || s.today != to {
		s.failf("the business date is %s: %v", s.today, err)
	}
	s.notice(yesterday)
	for _, d := range slices.Clone(s.open) {
		if !d.pending {
			s.compare(d)
		}
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
