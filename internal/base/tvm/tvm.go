// Package tvm is the time value of money: annuities, present values, internal
// rates of return of even and dated flows, and the yearly rate a borrower is
// shown. Signs follow the borrower's spreadsheet: money received is positive,
// money paid negative. Sources: the definitions of PMT, IPMT, PPMT, PV, NPV, IRR,
// XNPV and XIRR in OpenDocument 1.2 part 2 (OpenFormula), section 6.12; the
// yearly rate by the People's Bank of China, announcement 2021 no. 3, and its
// technical note (inner rate of return of the period times periods per year).
package tvm

import (
	"errors"
	"math"

	"github.com/capillary-finance/capillary/internal/base/calendar"
)

// ErrNoRate says that no rate makes the flows worth nothing: they never change
// sign, or the search found none between -99.99% and 1,000,000%.
var ErrNoRate = errors.New("tvm: the flows have no internal rate of return")

// flowsMax bounds a search.
const flowsMax = 100_000

// Pmt is the level payment of n periods at a rate per period for a present value
// and a future value; begin moves payments to the start of periods.
func Pmt(rate float64, n int, pv, fv float64, begin bool) float64 {
	if rate == 0 {
		return -(pv + fv) / float64(n)
	}
	// expm1 and log1p keep the digits that 1+rate loses when the rate is small.
	growth := math.Expm1(float64(n) * math.Log1p(rate))
	v := -(fv + pv*(growth+1)) * rate / growth
	if begin {
		v /= 1 + rate
	}
	return v
}

// FV is what a present value and level payments have become after n periods.
func FV(rate float64, n int, pmt, pv float64, begin bool) float64 {
	if rate == 0 {
		return -(pv + pmt*float64(n))
	}
	growth := math.Expm1(float64(n) * math.Log1p(rate))
	due := 1.0
	if begin {
		due = 1 + rate
	}
	return -(pv*(growth+1) + pmt*due*growth/rate)
}

// PV is what n level payments and a future value are worth today.
func PV(rate float64, n int, pmt, fv float64, begin bool) float64 {
	if rate == 0 {
		return -(fv + pmt*float64(n))
	}
	growth := math.Expm1(float64(n) * math.Log1p(rate))
	due := 1.0
	if begin {
		due = 1 + rate
	}
	return -(fv + pmt*due*growth/rate) / (growth + 1)
}

// Ipmt is the interest in payment k (from 1) of a level plan.
func Ipmt(rate float64, k, n int, pv, fv float64, begin bool) float64 {
	if begin && k == 1 {
		return 0
	}
	v := FV(rate, k-1, Pmt(rate, n, pv, fv, begin), pv, begin) * rate
	if begin {
		v /= 1 + rate
	}
	return v
}

// Ppmt is the principal in payment k (from 1) of a level plan.
func Ppmt(rate float64, k, n int, pv, fv float64, begin bool) float64 {
	return Pmt(rate, n, pv, fv, begin) - Ipmt(rate, k, n, pv, fv, begin)
}

// DiscountFactor is what one unit after n periods is worth today.
func DiscountFactor(rate float64, n int) float64 {
	return math.Exp(-float64(n) * math.Log1p(rate))
}

// Annualise compounds a rate per period over the periods of a year.
func Annualise(rate float64, periods int) float64 {
	return math.Expm1(float64(periods) * math.Log1p(rate))
}

// NPV is what flows are worth today, the first one today.
func NPV(rate float64, flows []float64) float64 {
	v, factor := 0.0, 1.0
	for _, f := range flows {
		v += f * factor
		factor /= 1 + rate
	}
	return v
}

// IRR is the rate per period at which flows are worth nothing, the one nearest
// to zero when there are several.
func IRR(flows []float64) (float64, error) {
	return root(flows, func(r float64) float64 { return NPV(r, flows) })
}

// Flow is money on a date, positive when received.
type Flow struct {
	Date   calendar.Date
	Amount float64
}

// XNPV is what dated flows are worth on the first one's date, at a yearly rate
// compounded by days over 365.
func XNPV(rate float64, flows []Flow) float64 {
	v := 0.0
	for _, f := range flows {
		v += f.Amount * math.Exp(-float64(f.Date.Sub(flows[0].Date))/365*math.Log1p(rate))
	}
	return v
}

// XIRR is the yearly rate at which dated flows are worth nothing.
func XIRR(flows []Flow) (float64, error) {
	amounts := make([]float64, len(flows))
	for i, f := range flows {
		amounts[i] = f.Amount
	}
	return root(amounts, func(r float64) float64 { return XNPV(r, flows) })
}

// root looks for a change of sign on a widening grid around zero, nearest
// first, and closes in on it by bisection and the secant (Illinois), which
// cannot run away as Newton's method does on flows that are nearly flat.
func root(flows []float64, value func(float64) float64) (float64, error) {
	if len(flows) < 2 || len(flows) > flowsMax || !changesSign(flows) {
		return 0, ErrNoRate
	}
	if value(0) == 0 {
		return 0, nil
	}
	up, down := 0.0, 0.0
	for step := 0.001; step < 1e4; step *= 1.25 {
		nextUp, nextDown := up+step, 1/(1/(1+down)+step)-1
		if value(up)*value(nextUp) <= 0 {
			return closeIn(value, up, nextUp), nil
		}
		if nextDown > -0.9999 && value(down)*value(nextDown) <= 0 {
			return closeIn(value, nextDown, down), nil
		}
		up, down = nextUp, max(nextDown, -0.9999)
	}
	return 0, ErrNoRate
}

func changesSign(flows []float64) bool {
	var plus, minus bool
	for _, f := range flows {
		plus, minus = plus || f > 0, minus || f < 0
	}
	return plus && minus
}

func closeIn(value func(float64) float64, low, high float64) float64 {
	vLow, vHigh := value(low), value(high)
	for range 200 {
		if vLow == 0 {
			return low
		}
		if vHigh == 0 || math.Abs(high-low) <= 1e-15*max(1e-3, math.Abs(low)) {
			return high
		}
		mid := high - vHigh*(high-low)/(vHigh-vLow)
		if v := value(mid); v*vHigh < 0 {
			low, vLow, high, vHigh = high, vHigh, mid, v
		} else {
			vLow, high, vHigh = vLow/2, mid, v
		}
	}
	return high
}
