package money

import "math/bits"

// Wide is an exact sum of products that are not negative, 128 bits wide. It
// keeps what a period earns on changing balances and rates until it is rounded
// once. The zero value is zero.
type Wide struct {
	hi, lo uint64
	over   bool
}

// AddMul adds a*b*c. A factor below zero, or a sum beyond 128 bits, makes the
// whole sum an overflow, which Div reports.
func (w *Wide) AddMul(a, b, c int64) {
	if a < 0 || b < 0 || c < 0 {
		w.over = true
		return
	}
	abHi, abLo := bits.Mul64(uint64(a), uint64(b))
	beyond, top := bits.Mul64(abHi, uint64(c))
	mid, low := bits.Mul64(abLo, uint64(c))
	top, c1 := bits.Add64(top, mid, 0)
	var c2, c3 uint64
	w.lo, c2 = bits.Add64(w.lo, low, 0)
	w.hi, c3 = bits.Add64(w.hi, top, c2)
	w.over = w.over || beyond != 0 || c1 != 0 || c3 != 0
}

// Div returns the sum divided by a positive d, rounded once by the mode.
func (w *Wide) Div(d int64, m Mode) (int64, error) {
	if d <= 0 {
		return 0, ErrDivideByZero
	}
	if w.over || w.hi >= uint64(d) {
		return 0, ErrOverflow
	}
	quotient, remainder := bits.Div64(w.hi, w.lo, uint64(d))
	if roundsAway(quotient, remainder, uint64(d), false, m) {
		quotient++
	}
	return signed(quotient, false)
}

// IsZero reports an empty sum.
func (w *Wide) IsZero() bool { return w.hi == 0 && w.lo == 0 && !w.over }
