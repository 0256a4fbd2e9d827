package schedule

import (
	"math/big"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
)

// Row is one line of a schedule. Amounts are in minor units.
type Row struct {
	No             int           `json:"no"`
	From           calendar.Date `json:"from"`
	DueDate        calendar.Date `json:"due_date"`
	Days           int           `json:"days"`
	PrincipalMinor int64         `json:"principal_minor"`
	InterestMinor  int64         `json:"interest_minor"`
	DueMinor       int64         `json:"due_minor"`
	BalanceMinor   int64         `json:"balance_minor" doc:"principal left at the end of the due date, with what is paid out on it"`
}

// Make lays a schedule out. Principal sums to what was paid out, the last
// balance is zero, and the number of instalments is the one asked for: an
// instalment rounded up never closes the loan early.
func Make(t Terms) ([]Row, error) {
	rows, _, err := Plan(t)
	return rows, err
}

// Plan is Make that also tells the level payment of equal instalments, the last
// one where it changes on the way; zero for other methods.
func Plan(t Terms) ([]Row, int64, error) {
	if err := t.Validate(); err != nil {
		return nil, 0, err
	}
	if len(t.Dates) > 0 {
		t.Count = len(t.Dates)
	}
	periods, err := t.periods()
	if err != nil {
		return nil, 0, err
	}
	w := newWalk(t, periods)
	rows, err := w.make()
	if err != nil {
		return nil, 0, err
	}
	for i := range rows[:len(rows)-1] {
		if next := periods[i+1]; next.parts[0].in > 0 && next.from == rows[i].DueDate {
			rows[i].BalanceMinor += next.parts[0].in
		}
	}
	return t.withDownPayments(rows), *w.levelled, nil
}

// Totals adds a schedule up.
func Totals(rows []Row) (principal, interest int64) {
	for _, r := range rows {
		principal += r.PrincipalMinor
		interest += r.InterestMinor
	}
	return principal, interest
}

func (t Terms) weights() []int64 {
	if len(t.Weights) > 0 {
		return t.Weights
	}
	w := make([]int64, t.Count, t.Count+1)
	for i := range w {
		w[i] = 100
	}
	if t.InAdvance && t.BalloonMinor > 0 {
		w = append(w, 0)
	}
	return w
}

func (t Terms) down(x Tranche) int64 {
	v, _ := rate.Share(x.AmountMinor, t.DownPayment, t.Rounding) //nolint:errcheck // a share below one cannot overflow
	return v
}

// withDownPayments puts a row before the instalments for each tranche's own part.
func (t Terms) withDownPayments(rows []Row) []Row {
	if t.DownPayment == 0 {
		return rows
	}
	var out []Row
	next := 0
	for _, x := range t.Tranches {
		for next < len(rows) && rows[next].DueDate.Before(x.Date) {
			out = append(out, rows[next])
			next++
		}
		d := t.down(x)
		balance := x.AmountMinor - d
		if len(out) > 0 && out[len(out)-1].DueDate != x.Date {
			balance += out[len(out)-1].BalanceMinor
		} else if len(out) > 0 {
			balance = out[len(out)-1].BalanceMinor
		}
		out = append(out, Row{From: x.Date, DueDate: x.Date, PrincipalMinor: d, DueMinor: d, BalanceMinor: balance})
	}
	out = append(out, rows[next:]...)
	for i := range out {
		out[i].No = i + 1
	}
	return out
}

// walk is a schedule in the making.
type walk struct {
	t       Terms
	periods []period
	weights []int64
	whole   []part // each period as one part, without its rate
	scratch []part
	// levelled is where level leaves the payment it found.
	levelled *int64
}

func newWalk(t Terms, periods []period) walk {
	w := walk{t: t, periods: periods, weights: t.weights(), whole: make([]part, len(periods)), scratch: make([]part, 1), levelled: new(int64)}
	for i, p := range periods {
		if w.whole[i] = p.parts[0]; len(p.parts) > 1 {
			w.whole[i].num, w.whole[i].den = t.fraction(p, p.from, p.to)
		}
		w.whole[i].in = 0
	}
	return w
}

func (w walk) make() ([]Row, error) {
	switch w.t.Method {
	case EqualInstalment:
		return w.level()
	case Flat:
		return w.flat()
	case EqualPrincipal:
		each, err := w.each(w.financed(0) - w.t.BalloonMinor)
		if err != nil {
			return nil, err
		}
		return w.lay(func(int, int64, int64) (int64, error) { return each, nil })
	case InterestOnly, Bullet:
		return w.lay(func(int, int64, int64) (int64, error) { return 0, nil })
	case Custom:
		return w.lay(func(i int, _, _ int64) (int64, error) { return w.t.Principal[i], nil })
	case Payments:
		// A payment covers the period's interest whole, also what of it was paid before its date.
		return w.lay(func(i int, _, owed int64) (int64, error) { return w.t.Payments[i] - owed - w.paid(i), nil })
	default:
		return nil, refuse("method", "未知的还款方式", "is not a known method")
	}
}

// financed is the principal known by the period's end, less down payments.
func (w walk) financed(through int) int64 {
	var sum int64
	for _, p := range w.periods[:through+1] {
		for _, x := range p.parts {
			sum += x.in
		}
	}
	return sum
}

func (w walk) each(principal int64) (int64, error) {
	n := int64(w.t.Count - w.t.GracePrincipal)
	for i := w.t.GracePrincipal; i < w.t.Count-1; i++ {
		if w.skip(i) {
			n--
		}
	}
	v, err := money.MulDiv(principal, 1, n, w.t.Rounding)
	if err != nil {
		return 0, err
	}
	return w.multiple(v)
}

func (w walk) multiple(v int64) (int64, error) {
	if w.t.MultipleMinor <= 1 {
		return v, nil
	}
	n, err := money.MulDiv(v, 1, w.t.MultipleMinor, w.t.MultipleMode)
	return n * w.t.MultipleMinor, err
}

// lay walks the periods; principal says how much instalment i carries, given
// the balance brought into its period and the period's interest. Grace, the last
// instalment and the bounds are held here.
func (w walk) lay(principal func(i int, brought, interest int64) (int64, error)) ([]Row, error) {
	rows := make([]Row, len(w.periods))
	var balance, deferred int64
	last := len(rows) - 1
	for i, p := range w.periods {
		interest, after, err := w.interest(i, p, balance)
		if err != nil {
			return nil, err
		}
		brought := balance
		balance = after
		due := interest
		if i < w.t.GraceInterest {
			due = 0
			switch w.t.GraceRule {
			case Capitalise:
				balance += interest
			case Waive:
			case Defer:
				deferred += interest
			default:
				deferred += interest
			}
		} else if i == w.t.GraceInterest {
			due += deferred
		}
		part := balance
		if i < last {
			part = 0
			if i >= w.t.GracePrincipal && !w.skip(i) {
				owed := interest - w.paid(i)
				if i < w.t.GraceInterest {
					owed = 0 // the whole payment is principal
				}
				if part, err = principal(i, brought, owed); err != nil {
					return nil, err
				}
				part = min(max(part, 0), balance)
			}
		}
		balance -= part
		rows[i] = Row{
			No: i + 1, From: p.from, DueDate: p.due, Days: p.to.Sub(p.from), PrincipalMinor: part, InterestMinor: due,
			DueMinor: part + due, BalanceMinor: balance,
		}
	}
	return rows, nil
}

// skip reports an instalment without principal after the grace at the start: a
// holiday, or a season in which only interest is paid.
func (w walk) skip(i int) bool {
	if i >= len(w.periods)-1 {
		return false // the last one clears the loan, or carries a residual
	}
	return (i < len(w.t.Skip) && w.t.Skip[i]) || (w.t.Method == EqualInstalment && w.weights[i] == 0)
}

// paid is the part of a period's interest that is paid before it falls due.
func (w walk) paid(i int) int64 {
	if i == 0 {
		return w.t.Opening.PaidMinor
	}
	return 0
}

// interest is what a period's parts earn on the balance brought forward, and
// the balance with the money paid out inside the period.
func (w walk) interest(i int, p period, balance int64) (interest, after int64, err error) {
	if i == 0 && len(w.t.Opening.Earned) > 0 && len(p.parts) == 1 {
		x := p.parts[0]
		balance += x.in
		var sum money.Wide
		sum.AddMul(balance, x.num, x.rate)
		for _, e := range w.t.Opening.Earned {
			sum.AddMul(e.Product, int64(e.Rate), e.times())
		}
		interest, err = sum.Div(rate.Scale*x.den, w.t.Rounding)
	} else if len(p.parts) == 1 || w.t.RoundEachPart {
		for _, x := range p.parts {
			balance += x.in
			v, err := rate.Interest(balance, rate.Rate(x.rate), x.num, x.den, w.t.Rounding)
			if err != nil {
				return 0, 0, err
			}
			interest += v
		}
	} else {
		sum := new(big.Rat)
		if i == 0 {
			for _, e := range w.t.Opening.Earned {
				above := new(big.Int).Mul(big.NewInt(e.Product), big.NewInt(int64(e.Rate)))
				above.Mul(above, big.NewInt(e.times()))
				sum.Add(sum, new(big.Rat).SetFrac(above, new(big.Int).Mul(big.NewInt(rate.Scale), big.NewInt(p.parts[0].den))))
			}
		}
		for _, x := range p.parts {
			balance += x.in
			v := new(big.Int).Mul(big.NewInt(balance), big.NewInt(x.rate))
			v.Mul(v, big.NewInt(x.num))
			sum.Add(sum, new(big.Rat).SetFrac(v, new(big.Int).Mul(big.NewInt(rate.Scale), big.NewInt(x.den))))
		}
		interest, err = roundRat(sum, w.t.Rounding)
	}
	if err != nil {
		return 0, 0, err
	}
	interest, err = w.toUnit(interest)
	return interest, balance, err
}

// plain is the interest of one part on a balance.
func (w walk) plain(x part, balance int64) (int64, error) {
	v, err := rate.Interest(balance, rate.Rate(x.rate), x.num, x.den, w.t.Rounding)
	if err != nil {
		return 0, err
	}
	return w.toUnit(v)
}

func (w walk) toUnit(interest int64) (int64, error) {
	u := w.t.InterestUnitMinor
	if u <= 1 {
		return interest, nil
	}
	n, err := money.MulDiv(interest, 1, u, w.t.Rounding)
	return n * u, err
}

// flat charges every instalment the interest of the whole principal over a
// period as long as the first.
func (w walk) flat() ([]Row, error) {
	principal := w.financed(len(w.periods) - 1)
	p := w.periods[0]
	interest, _, err := w.interest(1, period{from: p.from, to: p.to, parts: []part{{in: principal, rate: p.parts[0].rate, num: p.parts[0].num, den: p.parts[0].den}}}, 0)
	if err != nil {
		return nil, err
	}
	level, err := money.MulDiv(principal+interest*int64(w.t.Count), 1, int64(w.t.Count), w.t.Rounding)
	if err != nil {
		return nil, err
	}
	if level, err = w.multiple(level); err != nil {
		return nil, err
	}
	rows := make([]Row, len(w.periods))
	balance := principal
	for i, p := range w.periods {
		part := min(level-interest, balance)
		if i == len(rows)-1 {
			part = balance
		}
		balance -= part
		rows[i] = Row{No: i + 1, From: p.from, DueDate: p.due, Days: p.to.Sub(p.from), PrincipalMinor: part, InterestMinor: interest, DueMinor: part + interest, BalanceMinor: balance}
	}
	return rows, nil
}

func roundRat(v *big.Rat, m money.Mode) (int64, error) {
	whole, rest := new(big.Int).QuoRem(v.Num(), v.Denom(), new(big.Int))
	if !whole.IsInt64() {
		return 0, money.ErrOverflow
	}
	twice := new(big.Int).Lsh(rest, 1)
	twice.Abs(twice)
	up := false
	switch c := twice.Cmp(v.Denom()); m {
	case money.HalfUp:
		up = c >= 0
	case money.HalfEven:
		up = c > 0 || (c == 0 && whole.Bit(0) == 1)
	case money.Up:
		up = rest.Sign() != 0
	case money.Floor:
		up = rest.Sign() < 0
	case money.Ceiling:
		up = rest.Sign() > 0
	case money.Down:
	}
	n := whole.Int64()
	if up && v.Sign() < 0 {
		return n - 1, nil
	} else if up {
		return n + 1, nil
	}
	return n, nil
}
