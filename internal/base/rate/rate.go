// Package rate holds interest rates, probabilities and shares as integers of
// 1e-8, so that 4.35% is exactly 4350000 and never a binary fraction.
package rate

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/capillary-finance/capillary/internal/base/money"
)

// Scale is the number of units in 1 (100%).
const Scale = 100_000_000

// ErrSyntax says that a text is not a rate.
var ErrSyntax = errors.New("rate: not a decimal rate such as 0.0435")

// Rate is a yearly rate or a share in units of 1e-8.
type Rate int64

// Parse reads a decimal fraction ("0.0435") or a percentage ("4.35%").
func Parse(s string) (Rate, error) {
	plain, percent := strings.CutSuffix(s, "%")
	decimals := 8
	if percent {
		decimals = 6
	}
	v, err := money.ParseMinor(plain, decimals)
	if err != nil {
		return 0, fmt.Errorf("%w: %q: %w", ErrSyntax, s, err)
	}
	return Rate(v), nil
}

// FromBP makes a rate from basis points: 435 is 4.35%.
func FromBP(bp int64) Rate { return Rate(bp * 10_000) }

// BP returns the rate in whole basis points, rounded half up.
func (r Rate) BP() int64 {
	v, err := money.MulDiv(int64(r), 1, 10_000, money.HalfUp)
	if err != nil {
		return 0
	}
	return v
}

// String writes the shortest decimal fraction: "0.0435".
func (r Rate) String() string {
	return shortest(int64(r), Scale, 8)
}

// Percent writes the rate for people with at least two decimals: "4.35%".
func (r Rate) Percent() string {
	s := shortest(int64(r), Scale/100, 6)
	whole, fraction, _ := strings.Cut(s, ".")
	for len(fraction) < 2 {
		fraction += "0"
	}
	return whole + "." + fraction + "%"
}

func shortest(v, scale int64, decimals int) string {
	sign := ""
	magnitude := uint64(v)
	if v < 0 {
		sign, magnitude = "-", -magnitude
	}
	whole := magnitude / uint64(scale)
	fraction := magnitude % uint64(scale)
	if fraction == 0 {
		return sign + strconv.FormatUint(whole, 10)
	}
	digits := strconv.FormatUint(fraction, 10)
	digits = strings.Repeat("0", decimals-len(digits)) + digits
	return sign + strconv.FormatUint(whole, 10) + "." + strings.TrimRight(digits, "0")
}

// MarshalText writes the decimal fraction, so JSON carries "0.0435".
func (r Rate) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads what MarshalText writes.
func (r *Rate) UnmarshalText(b []byte) error {
	v, err := Parse(string(b))
	if err != nil {
		return err
	}
	*r = v
	return nil
}

// Interest returns principal * r * num / den in minor units, rounded once by
// the mode. num/den is the fraction of a year, for instance 31/360.
func Interest(principalMinor int64, r Rate, num, den int64, m money.Mode) (int64, error) {
	return money.MulDivWide(principalMinor, int64(r), num, Scale, den, m)
}

// Share returns amount * r, rounded once by the mode.
func Share(amountMinor int64, r Rate, m money.Mode) (int64, error) {
	return money.MulDiv(amountMinor, int64(r), Scale, m)
}
