package schedule

import (
	"math"
	"math/big"

	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
)

// precision in bits of the exact level: enough for 1,200 periods of 100 billion.
const precision = 192

// level lays out equal instalments. The level is set again in a period in which
// money is paid out or the rate changes, over what is left, knowing nothing of
// later tranches and changes.
func (w walk) level() ([]Row, error) {
	var level int64
	set := false
	return w.lay(func(i int, brought, interest int64) (int64, error) {
		if !set || w.changed(i) {
			v, err := w.solve(i, brought)
			if err != nil {
				return 0, err
			}
			level, set = v, true
			*w.levelled = v
		}
		return w.payment(i, level) - interest, nil
	})
}

// changed reports whether a period brings money or another rate.
func (w walk) changed(i int) bool {
	if i == 0 || len(w.periods[i].parts) > 1 || w.periods[i].parts[0].in > 0 {
		return true
	}
	before := w.periods[i-1].parts
	return w.periods[i].parts[0].rate != before[len(before)-1].rate
}

func (w walk) payment(i int, level int64) int64 {
	if w.weights[i] == 100 {
		return level
	}
	v, _ := money.MulDiv(level, w.weights[i], 100, w.t.Rounding) //nolint:errcheck // both factors are bounded by Validate
	return v
}

// ahead is the one part of period k as it is expected before it comes: whole, at
// the last known rate.
func (w walk) ahead(i, k int) part {
	known := w.periods[i].parts
	x := w.whole[k]
	x.rate = known[len(known)-1].rate
	return x
}

// solve finds the level from instalment i on.
func (w walk) solve(i int, brought int64) (int64, error) {
	unit, mode := int64(1), w.t.Rounding
	if w.t.MultipleMinor > 1 {
		unit, mode = w.t.MultipleMinor, w.t.MultipleMode
	}
	level, sure := w.approximate(i, brought, unit)
	if !sure {
		n, err := roundRat(new(big.Rat).Quo(w.exact(i, brought), new(big.Rat).SetInt64(unit)), mode)
		if err != nil {
			return 0, err
		}
		level = n * unit
	}
	if unit > 1 {
		return level, nil
	}
	switch w.t.Level {
	case RoundedOnce:
		return w.correctOnce(i, brought, level)
	case Nearest:
		return w.nearest(i, brought, level)
	case Rounded, FirstPeriod:
		return level, nil
	default:
		return w.nearest(i, brought, level)
	}
}

// approximate is exact in floating point, rounded half up to the unit. It is
// sure of itself when the figure is further from a tie than its error can be
// and the rounding asked for agrees; else the caller takes the exact way.
func (w walk) approximate(i int, brought, unit int64) (level int64, sure bool) {
	mode := w.t.Rounding
	if unit > 1 {
		mode = w.t.MultipleMode
	}
	if mode != money.HalfUp && mode != money.HalfEven {
		return 0, false
	}
	free, taken := float64(brought), 0.0
	for k := i; k < len(w.periods); k++ {
		grownFree, grownTaken := free, taken
		for _, x := range w.partsFrom(i, k) {
			free += float64(x.in)
			grownFree += float64(x.in)
			if w.flows(k) {
				continue
			}
			f := float64(x.rate) / rate.Scale * float64(x.num) / float64(x.den)
			grownFree += free * f
			grownTaken += taken * f
		}
		if k == 0 && !w.flows(0) {
			x := w.periods[0].parts[0]
			grownFree -= float64(w.t.Opening.PaidMinor)
			for _, e := range w.t.Opening.Earned {
				grownFree += float64(e.Product) * float64(e.times()) * float64(e.Rate) / rate.Scale / float64(x.den)
			}
		}
		free, taken = grownFree, grownTaken
		if !w.skip(k) {
			taken += float64(w.weights[k]) / 100
		}
	}
	if taken == 0 {
		return 0, false
	}
	v := (free - float64(w.t.BalloonMinor)) / taken / float64(unit)
	slack := math.Abs(v)*float64(len(w.periods))*1e-14 + 1e-9
	n := math.Floor(v + 0.5)
	return int64(n) * unit, math.Abs(v-n) < 0.5-slack
}

// flows reports a period whose interest does not touch the principal: in grace
// it waits or is not charged, without principal it is paid on its own.
func (w walk) flows(k int) bool {
	return (k < w.t.GraceInterest && w.t.GraceRule != Capitalise) || w.skip(k)
}

// partsFrom are the parts of period k as they are known in period i.
func (w walk) partsFrom(i, k int) []part {
	if w.t.Level == FirstPeriod {
		first := w.whole[i]
		if w.t.LevelFrom.Before(w.t.LevelTo) {
			first.num, first.den = w.t.fraction(period{began: w.t.LevelFrom, to: w.t.LevelTo}, w.t.LevelFrom, w.t.LevelTo)
		}
		w.scratch[0] = w.ahead(i, k)
		w.scratch[0].num, w.scratch[0].den = first.num, first.den
		if k == i {
			w.scratch[0].in = w.periods[i].parts[0].in
		}
		return w.scratch
	}
	if k == i {
		return w.periods[i].parts
	}
	w.scratch[0] = w.ahead(i, k)
	return w.scratch
}

// exact is the level without rounding. The balance after the last instalment is
// linear in it, free - taken*level, and must be the balloon.
func (w walk) exact(i int, brought int64) *big.Rat {
	free, taken := number(brought), number(0)
	for k := i; k < len(w.periods); k++ {
		parts := w.partsFrom(i, k)
		grownFree, grownTaken := new(big.Float).Copy(free), new(big.Float).Copy(taken)
		for _, x := range parts {
			free.Add(free, number(x.in))
			grownFree.Add(grownFree, number(x.in))
			f := new(big.Float).Quo(number(x.rate), number(rate.Scale))
			f.Mul(f, number(x.num)).Quo(f, number(x.den))
			if w.flows(k) {
				continue
			}
			grownFree.Add(grownFree, new(big.Float).Mul(free, f))
			grownTaken.Add(grownTaken, new(big.Float).Mul(taken, f))
		}
		if k == 0 && !w.flows(0) {
			grownFree.Add(grownFree, w.opening(w.periods[0].parts[0]))
		}
		free, taken = grownFree, grownTaken
		if !w.skip(k) {
			taken.Add(taken, new(big.Float).Quo(number(w.weights[k]), number(100)))
		}
	}
	free.Sub(free, number(w.t.BalloonMinor))
	if taken.Sign() == 0 {
		return new(big.Rat)
	}
	v, _ := new(big.Float).SetPrec(precision).Quo(free, taken).Rat(nil)
	return v
}

// opening is what the first period has earned before the start, less what is
// paid of it.
func (w walk) opening(x part) *big.Float {
	earned := number(0)
	for _, e := range w.t.Opening.Earned {
		x := new(big.Float).Mul(number(e.Product), number(int64(e.Rate)))
		earned.Add(earned, x.Mul(x, number(e.times())))
	}
	earned.Quo(earned, number(rate.Scale)).Quo(earned, number(x.den))
	return earned.Sub(earned, number(w.t.Opening.PaidMinor))
}

func number(v int64) *big.Float { return new(big.Float).SetPrec(precision).SetInt64(v) }

// gap is how far the last instalment lies from the one planned, and whether the
// loan still has principal to pay in it.
func (w walk) gap(i int, brought, level int64) (signed int64, open bool, err error) {
	balance, last := brought, len(w.periods)-1
	for k := i; k <= last; k++ {
		interest, after, err := int64(0), balance, error(nil)
		if k == i {
			interest, after, err = w.interest(k, w.periods[k], balance)
		} else {
			interest, err = w.plain(w.ahead(i, k), balance)
		}
		if err != nil {
			return 0, false, err
		}
		interest -= w.paid(k)
		switch {
		case k >= w.t.GraceInterest:
		case w.t.GraceRule == Capitalise:
			after += interest
			interest = 0
		default:
			interest = 0
		}
		if k == last {
			return after + interest - w.t.BalloonMinor - w.payment(k, level), after > 0 || brought == 0, nil
		}
		if balance = after; !w.skip(k) {
			balance -= min(max(w.payment(k, level)-interest, 0), after)
		}
	}
	return 0, true, nil
}

func (w walk) correctOnce(i int, brought, level int64) (int64, error) {
	n := int64(len(w.periods) - i)
	diff, _, err := w.gap(i, brought, level)
	if err != nil || magnitude(diff) <= n/2 {
		return level, err
	}
	step, err := money.MulDiv(diff, 1, n, w.t.Rounding)
	if err != nil {
		return level, err
	}
	again, _, err := w.gap(i, brought, level+step)
	if err == nil && magnitude(again) < magnitude(diff) {
		return level + step, nil
	}
	return level, err
}

// nearest goes downhill from the rounded level, one minor unit at a time.
func (w walk) nearest(i int, brought, level int64) (int64, error) {
	best, open, err := w.gap(i, brought, level)
	if err != nil {
		return 0, err
	}
	for range len(w.periods) {
		step := int64(1)
		if best < 0 || !open {
			step = -1
		}
		next, nextOpen, err := w.gap(i, brought, level+step)
		if err != nil {
			return 0, err
		}
		if level+step <= 0 || (open && (!nextOpen || magnitude(next) >= magnitude(best))) {
			break
		}
		level, best, open = level+step, next, nextOpen
	}
	return level, nil
}

func magnitude(v int64) int64 { return max(v, -v) }
