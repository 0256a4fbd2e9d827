package money

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/capillary-finance/capillary/internal/base/canary"
)

// Mode says which neighbour an inexact result becomes.
type Mode uint8

// Rounding modes. HalfUp and Up look at the magnitude (away from zero), so that
// a credit and its reversal round to opposite numbers; Floor and Ceiling look
// at the number line.
const (
	HalfUp Mode = iota
	HalfEven
	Down
	Up
	Floor
	Ceiling
)

// String names the mode as it is written in product terms.
func (m Mode) String() string {
	switch m {
	case HalfUp:
		return "half_up"
	case HalfEven:
		return "half_even"
	case Down:
		return "down"
	case Up:
		return "up"
	case Floor:
		return "floor"
	case Ceiling:
		return "ceiling"
	default:
		return fmt.Sprintf("mode(%d)", uint8(m))
	}
}

// ParseMode reads the name that String writes.
func ParseMode(s string) (Mode, error) {
	for m := HalfUp; m <= Ceiling; m++ {
		if m.String() == s {
			return m, nil
		}
	}
	return 0, fmt.Errorf("money: unknown rounding mode %q", s)
}

// MarshalText writes the name, for JSON.
func (m Mode) MarshalText() ([]byte, error) { return []byte(m.String()), nil }

// UnmarshalText reads the name.
func (m *Mode) UnmarshalText(b []byte) error {
	v, err := ParseMode(string(b))
	if err != nil {
		return err
	}
	*m = v
	return nil
}

// MulDiv returns a*b/c rounded once by the mode. The product is exact in 128
// bits; only a quotient beyond int64 is an error.
func MulDiv(a, b, c int64, m Mode) (int64, error) {
	if c == 0 {
		return 0, ErrDivideByZero
	}
	negative := (a < 0) != (b < 0) != (c < 0)
	hi, lo := bits.Mul64(magnitude(a), magnitude(b))
	divisor := magnitude(c)
	if hi >= divisor {
		return 0, ErrOverflow
	}
	quotient, remainder := bits.Div64(hi, lo, divisor)
	if roundsAway(quotient, remainder, divisor, negative, m) {
		if quotient == math.MaxUint64 {
			return 0, ErrOverflow
		}
		quotient++
	}
	return signed(quotient, negative)
}

// roundsAway decides whether the truncated magnitude grows by one.
func roundsAway(quotient, remainder, divisor uint64, negative bool, m Mode) bool {
	if remainder == 0 {
		return false
	}
	// Compares remainder with divisor/2 without overflow: 2r >= d is r >= d-r.
	rest := divisor - remainder
	switch m {
	case HalfUp:
		return remainder >= rest && !canary.On("lost_rounding")
	case HalfEven:
		return remainder > rest || (remainder == rest && quotient&1 == 1)
	case Down:
		return false
	case Up:
		return true
	case Floor:
		return negative
	case Ceiling:
		return !negative
	default:
		return false
	}
}

func magnitude(v int64) uint64 {
	if v < 0 {
		return -uint64(v)
	}
	return uint64(v)
}

func signed(magnitude uint64, negative bool) (int64, error) {
	if negative {
		if magnitude > 1<<63 {
			return 0, ErrOverflow
		}
		return int64(-magnitude), nil
	}
	if magnitude > math.MaxInt64 {
		return 0, ErrOverflow
	}
	return int64(magnitude), nil
}

// MulDivWide returns a*b*c/(d*e) rounded once by the mode, with an exact
// 192-bit numerator. Interest is principal*rate*days over scale*basis, and
// rounding in two steps would drift by a fen.
func MulDivWide(a, b, c, d, e int64, m Mode) (int64, error) {
	if d == 0 || e == 0 {
		return 0, ErrDivideByZero
	}
	negative := (a < 0) != (b < 0) != (c < 0) != (d < 0) != (e < 0)
	divisorHi, divisor := bits.Mul64(magnitude(d), magnitude(e))
	if divisorHi != 0 {
		return 0, ErrOverflow
	}
	hi, lo := bits.Mul64(magnitude(a), magnitude(b))
	// (hi:lo) * c as three words.
	midHi, word0 := bits.Mul64(lo, magnitude(c))
	top, mid := bits.Mul64(hi, magnitude(c))
	word1, carry := bits.Add64(mid, midHi, 0)
	word2 := top + carry
	if word2 >= divisor {
		return 0, ErrOverflow
	}
	q1, r := bits.Div64(word2, word1, divisor)
	if q1 != 0 {
		return 0, ErrOverflow
	}
	quotient, remainder := bits.Div64(r, word0, divisor)
	if roundsAway(quotient, remainder, divisor, negative, m) {
		if quotient == math.MaxUint64 {
			return 0, ErrOverflow
		}
		quotient++
	}
	return signed(quotient, negative)
}
