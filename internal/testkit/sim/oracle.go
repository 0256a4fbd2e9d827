package sim

import (
	"errors"
	"math/big"

	"github.com/capillary-finance/capillary/internal/base/calendar"
)

// Terms are what the oracle must know of a loan.
type Terms struct {
	Start       calendar.Date
	TenorMonths int
	Bullet      bool  // one due date at the end
	RateE8      int64 // yearly, 1e-8
	PenaltyE8   int64
	GraceDays   int
	Principal   int64
}

// Payment is money that arrived on a value date.
type Payment struct {
	Date   calendar.Date
	Amount int64
	Prepay bool
}

// Split is how a payment was used.
type Split struct{ Compound, Penalty, Interest, Principal int64 }

// Expect is what the oracle says about a loan at the end of a day.
type Expect struct {
	Principal, InterestAccrued, InterestPaid, PenaltyAccrued, PenaltyPaid int64
	CompoundAccrued, CompoundPaid                                         int64 // interest on unpaid interest
	Due, Payoff                                                           int64
	DaysPastDue                                                           int
	Settled                                                               bool
	Splits                                                                []Split
}

// ErrOver says that a payment is more than the loan can take.
var ErrOver = errors.New("oracle: more than is owed")

type due struct {
	on                  calendar.Date
	principal, interest int64 // open
}

// oracle walks a loan night by night: a second arithmetic, written without a look at the first. It counts
// principal-days in big integers and rounds half up where money is named: a period's interest when it falls
// due, the running interest and the penalty when they are asked for.
type oracle struct {
	t           Terms
	plan        map[calendar.Date]int64 // principal that falls due on a date
	dates       []calendar.Date
	today       calendar.Date
	owed        int64
	bills       []due
	days        *big.Int // principal-days of the running period
	late        *big.Int // days of overdue principal since the beginning
	unpaid      *big.Int // days of overdue interest since the beginning
	billed      int64    // interest billed
	ahead       int64    // running interest paid before its due date
	e           Expect
	billedDates int
}

// Walk replays a loan. plan gives the principal of each instalment that has fallen due by then.
func Walk(t Terms, plan map[calendar.Date]int64, payments []Payment, until calendar.Date) (Expect, error) {
	o := &oracle{t: t, plan: plan, today: t.Start, owed: t.Principal, days: new(big.Int), late: new(big.Int), unpaid: new(big.Int)}
	first := 1
	if t.Bullet {
		first = t.TenorMonths
	}
	for m := first; m <= t.TenorMonths; m++ {
		o.dates = append(o.dates, t.Start.AddMonths(m, calendar.Clamp))
	}
	for {
		for len(payments) > 0 && payments[0].Date == o.today {
			if err := o.pay(payments[0]); err != nil {
				return o.e, err
			}
			payments = payments[1:]
		}
		if !o.today.Before(until) || o.e.Settled {
			break
		}
		o.night()
	}
	if len(payments) > 0 && !payments[0].Date.After(until) {
		return o.e, ErrOver // paid after it was settled
	}
	o.tell(until)
	return o.e, nil
}

func (o *oracle) night() {
	overdue, base := int64(0), int64(0)
	for _, b := range o.bills {
		if o.today.Sub(b.on) >= o.t.GraceDays {
			overdue += b.principal
			base += b.interest
		}
	}
	o.days.Add(o.days, big.NewInt(o.owed-overdue))
	o.late.Add(o.late, big.NewInt(overdue))
	o.unpaid.Add(o.unpaid, big.NewInt(base))
	o.today = o.today.AddDays(1)
	if o.billedDates < len(o.dates) && o.dates[o.billedDates] == o.today {
		interest := fen(o.days, o.t.RateE8)
		o.bills = append(o.bills, due{on: o.today, principal: o.plan[o.today], interest: interest - o.ahead})
		o.billed += interest
		o.ahead = 0
		o.days.SetInt64(0)
		o.billedDates++
	}
}

// fen turns amount-days at a yearly rate into fen: actual over 360, half up.
func fen(amountDays *big.Int, rateE8 int64) int64 {
	den := big.NewInt(360 * 100_000_000)
	n := new(big.Int).Mul(amountDays, big.NewInt(rateE8))
	n.Lsh(n, 1).Add(n, den)
	return n.Quo(n, den.Lsh(den, 1)).Int64()
}

func (o *oracle) running() int64 { return fen(o.days, o.t.RateE8) - o.ahead }

func (o *oracle) over() bool { return o.billedDates == len(o.dates) }

func (o *oracle) penaltyOwed() int64 { return fen(o.late, o.t.PenaltyE8) - o.e.PenaltyPaid }

func (o *oracle) compoundOwed() int64 { return fen(o.unpaid, o.t.PenaltyE8) - o.e.CompoundPaid }

func (o *oracle) dueNow() (sum int64) {
	sum = o.penaltyOwed() + o.compoundOwed()
	for _, b := range o.bills {
		sum += b.principal + b.interest
	}
	if o.over() {
		sum += o.running()
	}
	return sum
}

func (o *oracle) payoff() int64 {
	sum := o.penaltyOwed() + o.compoundOwed() + o.running() + o.owed
	for _, b := range o.bills {
		sum += b.interest
	}
	return sum
}

func (o *oracle) pay(p Payment) error {
	limit := o.dueNow()
	if p.Prepay {
		limit = o.payoff()
	}
	if o.e.Settled || p.Amount > limit {
		return ErrOver
	}
	left := p.Amount
	take := func(most int64) int64 {
		x := min(left, most)
		left -= x
		return x
	}
	var s Split
	s.Compound = take(o.compoundOwed())
	s.Penalty = take(o.penaltyOwed())
	for i := range o.bills {
		x := take(o.bills[i].interest)
		o.bills[i].interest -= x
		s.Interest += x
	}
	for i := range o.bills {
		x := take(o.bills[i].principal)
		o.bills[i].principal -= x
		s.Principal += x
	}
	if p.Prepay || o.over() {
		x := take(o.running())
		o.ahead += x
		s.Interest += x
	}
	s.Principal += left
	o.owed -= s.Principal
	o.e.CompoundPaid += s.Compound
	o.e.PenaltyPaid += s.Penalty
	o.e.InterestPaid += s.Interest
	o.e.Splits = append(o.e.Splits, s)
	o.e.Settled = o.owed == 0 && o.payoff() == 0
	return nil
}

func (o *oracle) tell(until calendar.Date) {
	o.e.Principal = o.owed
	o.e.InterestAccrued = o.billed + fen(o.days, o.t.RateE8)
	o.e.PenaltyAccrued = fen(o.late, o.t.PenaltyE8)
	o.e.CompoundAccrued = fen(o.unpaid, o.t.PenaltyE8)
	o.e.Due, o.e.Payoff = o.dueNow(), o.payoff()
	for _, b := range o.bills {
		if b.principal+b.interest > 0 {
			o.e.DaysPastDue = until.Sub(b.on)
			break
		}
	}
}
