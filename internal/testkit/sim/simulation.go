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
