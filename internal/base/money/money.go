// Package money holds amounts of money as integer minor units with a currency,
// and the one rounding multiplication every interest, fee and share in the
// product goes through. Nothing here uses floating point.
package money

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Errors of this package. Callers turn them into faults that name the field.
var (
	ErrCurrencyMismatch = errors.New("money: currencies differ")
	ErrOverflow         = errors.New("money: amount out of range")
	ErrSyntax           = errors.New("money: not a decimal amount")
	ErrTooManyDecimals  = errors.New("money: more decimals than the currency has")
	ErrUnknownCurrency  = errors.New("money: unknown currency")
	ErrDivideByZero     = errors.New("money: division by zero")
)

// Currency is an ISO 4217 code.
type Currency string

// The currencies the product quotes, with their minor units in decimals.
const (
	CNY Currency = "CNY"
	USD Currency = "USD"
	EUR Currency = "EUR"
	GBP Currency = "GBP"
	HKD Currency = "HKD"
	JPY Currency = "JPY"
)

// Decimals returns the number of minor-unit decimals of the currency and
// whether the currency is known.
func (c Currency) Decimals() (int, bool) {
	switch c {
	case CNY, USD, EUR, GBP, HKD:
		return 2, true
	case JPY:
		return 0, true
	default:
		return 0, false
	}
}

// Unit is how many minor units make one of the currency, and whether it is supported.
func (c Currency) Unit() (int64, bool) {
	decimals, known := c.Decimals()
	unit := int64(1)
	for range decimals {
		unit *= 10
	}
	return unit, known
}

// Symbol returns the sign printed before an amount, or the code itself.
func (c Currency) Symbol() string {
	switch c {
	case CNY:
		return "¥"
	case USD:
		return "$"
	case EUR:
		return "€"
	case GBP:
		return "£"
	case HKD:
		return "HK$"
	case JPY:
		return "JP¥"
	default:
		return string(c) + " "
	}
}

// Amount is a number of minor units (fen for CNY) of one currency.
type Amount struct {
	Minor    int64
	Currency Currency
}

// Of makes an amount from minor units.
func Of(minor int64, c Currency) Amount { return Amount{Minor: minor, Currency: c} }

// Parse reads a decimal such as "1234.56" or "-0.5" strictly: no exponent, no
// blanks, no thousands separators, no more decimals than the currency has.
func Parse(s string, c Currency) (Amount, error) {
	decimals, ok := c.Decimals()
	if !ok {
		return Amount{}, fmt.Errorf("%w: %q", ErrUnknownCurrency, string(c))
	}
	minor, err := ParseMinor(s, decimals)
	if err != nil {
		return Amount{}, err
	}
	return Amount{Minor: minor, Currency: c}, nil
}

// Add returns a + b; the currencies must agree and the sum must fit.
func (a Amount) Add(b Amount) (Amount, error) {
	if a.Currency != b.Currency {
		return Amount{}, fmt.Errorf("%w: %s and %s", ErrCurrencyMismatch, a.Currency, b.Currency)
	}
	sum, err := AddMinor(a.Minor, b.Minor)
	return Amount{Minor: sum, Currency: a.Currency}, err
}

// Sub returns a - b; the currencies must agree and the difference must fit.
func (a Amount) Sub(b Amount) (Amount, error) {
	if b.Minor == math.MinInt64 {
		return Amount{}, ErrOverflow
	}
	return a.Add(Amount{Minor: -b.Minor, Currency: b.Currency})
}

// Neg returns -a.
func (a Amount) Neg() (Amount, error) {
	if a.Minor == math.MinInt64 {
		return Amount{}, ErrOverflow
	}
	return Amount{Minor: -a.Minor, Currency: a.Currency}, nil
}

// Cmp returns -1, 0 or 1 as a is less than, equal to or greater than b.
func (a Amount) Cmp(b Amount) (int, error) {
	if a.Currency != b.Currency {
		return 0, fmt.Errorf("%w: %s and %s", ErrCurrencyMismatch, a.Currency, b.Currency)
	}
	switch {
	case a.Minor < b.Minor:
		return -1, nil
	case a.Minor > b.Minor:
		return 1, nil
	default:
		return 0, nil
	}
}

// IsZero reports whether the amount is nothing.
func (a Amount) IsZero() bool { return a.Minor == 0 }

// String returns the plain decimal, as Parse reads it, without the currency.
func (a Amount) String() string {
	decimals, ok := a.Currency.Decimals()
	if !ok {
		decimals = 2
	}
	return formatMinor(a.Minor, decimals)
}

// Format returns the amount for people: a symbol and grouped thousands in
// English ("¥1,234.56"), and the same with a trailing unit in Chinese for CNY
// ("1,234.56元").
func (a Amount) Format(lang string) string {
	grouped := Group(a.String())
	if strings.HasPrefix(lang, "zh") && a.Currency == CNY {
		return grouped + "元"
	}
	if rest, negative := strings.CutPrefix(grouped, "-"); negative {
		return "-" + a.Currency.Symbol() + rest
	}
	return a.Currency.Symbol() + grouped
}

// AddMinor adds two minor-unit numbers and reports overflow.
func AddMinor(a, b int64) (int64, error) {
	sum := a + b
	if (a > 0 && b > 0 && sum < 0) || (a < 0 && b < 0 && sum >= 0) {
		return 0, ErrOverflow
	}
	return sum, nil
}

// SumMinor adds any number of minor-unit numbers and reports overflow.
func SumMinor(values ...int64) (int64, error) {
	var sum int64
	for _, v := range values {
		var err error
		if sum, err = AddMinor(sum, v); err != nil {
			return 0, err
		}
	}
	return sum, nil
}

// ParseMinor reads a decimal with at most the given number of decimals into
// minor units. It allocates nothing on success, because file intake calls it
// three times per invoice. Trailing zeros beyond the decimals are accepted
// ("1.500" with two decimals is 150), other extra digits are an error.
func ParseMinor(s string, decimals int) (int64, error) {
	if len(s) == 0 || len(s) > 40 || decimals < 0 || decimals > 18 {
		return 0, ErrSyntax
	}
	i, negative := 0, false
	if s[0] == '-' || s[0] == '+' {
		negative = s[0] == '-'
		i++
	}
	var n uint64
	digits, fraction, inFraction := 0, 0, false
	for ; i < len(s); i++ {
		c := s[i]
		if c == '.' {
			if inFraction || digits == 0 {
				return 0, ErrSyntax
			}
			inFraction = true
			continue
		}
		d := c - '0'
		if d > 9 {
			return 0, ErrSyntax
		}
		digits++
		if inFraction {
			fraction++
			if fraction > decimals {
				if d != 0 {
					return 0, ErrTooManyDecimals
				}
				continue
			}
		}
		if n > (math.MaxInt64-uint64(d))/10 {
			return 0, ErrOverflow
		}
		n = n*10 + uint64(d)
	}
	if digits == 0 || (inFraction && fraction == 0) {
		return 0, ErrSyntax
	}
	for ; fraction < decimals; fraction++ {
		if n > math.MaxInt64/10 {
			return 0, ErrOverflow
		}
		n *= 10
	}
	if negative {
		return -int64(n), nil
	}
	return int64(n), nil
}

// FormatMinor writes minor units of a two-decimal currency: 123456 -> "1234.56".
func FormatMinor(minor int64) string { return formatMinor(minor, 2) }

func formatMinor(minor int64, decimals int) string {
	negative := minor < 0
	magnitude := uint64(minor)
	if negative {
		magnitude = -magnitude
	}
	digits := strconv.FormatUint(magnitude, 10)
	if decimals > 0 {
		if pad := decimals + 1 - len(digits); pad > 0 {
			digits = strings.Repeat("0", pad) + digits
		}
		cut := len(digits) - decimals
		digits = digits[:cut] + "." + digits[cut:]
	}
	if negative {
		return "-" + digits
	}
	return digits
}

// Group inserts thousands separators into the whole part of a plain decimal.
func Group(plain string) string {
	sign := ""
	if rest, negative := strings.CutPrefix(plain, "-"); negative {
		sign, plain = "-", rest
	}
	whole, fraction, hasFraction := strings.Cut(plain, ".")
	var b strings.Builder
	b.WriteString(sign)
	for i := range len(whole) {
		if i > 0 && (len(whole)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteByte(whole[i])
	}
	if hasFraction {
		b.WriteByte('.')
		b.WriteString(fraction)
	}
	return b.String()
}
