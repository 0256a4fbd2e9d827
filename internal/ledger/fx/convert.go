package fx

import (
	"context"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Table holds the rates in force on a date, the base currency's own among them.
type Table struct {
	Date  calendar.Date
	Base  money.Currency
	rates map[money.Currency]rate.Rate
}

// TableOn reads the rates that hold on a date.
func TableOn(ctx context.Context, tx *db.Tx, date calendar.Date) (t Table, err error) {
	t.Date = date
	if t.Base, err = baseCurrency(ctx, tx); err != nil {
		return t, err
	}
	if t.rates, err = rateMap(ctx, tx, date); err != nil {
		return t, err
	}
	t.rates[t.Base] = rate.Scale
	return t, nil
}

// Convert is what an amount is worth in another currency, rounded once, half away from zero. An amount in
// that currency already, or of nothing, needs no rate; else FX_RATE_MISSING says which one is.
func (t Table) Convert(a money.Amount, to money.Currency) (money.Amount, error) {
	if a.Currency == to || a.Minor == 0 {
		return money.Of(a.Minor, to), nil
	}
	unit, ok1 := a.Currency.Unit()
	toUnit, ok2 := to.Unit()
	if !ok1 || !ok2 {
		return money.Amount{}, fault.Field("currency", "未知币种", "is not a known currency")
	}
	for _, c := range []money.Currency{a.Currency, to} {
		if t.rates[c] <= 0 {
			return money.Amount{}, fault.New(ReasonRateMissing, "currency", string(c), "date", t.Date)
		}
	}
	minor, err := money.MulDivWide(a.Minor, int64(t.rates[a.Currency]), toUnit, int64(t.rates[to]), unit, money.HalfUp)
	return money.Of(minor, to), err
}

// Convert converts one amount at the rates of a date.
func Convert(ctx context.Context, tx *db.Tx, a money.Amount, to money.Currency, date calendar.Date) (money.Amount, error) {
	if a.Currency == to || a.Minor == 0 {
		return money.Of(a.Minor, to), nil
	}
	t, err := TableOn(ctx, tx, date)
	if err != nil {
		return money.Amount{}, err
	}
	return t.Convert(a, to)
}

// BaseCurrency is the currency of the institution's books.
func BaseCurrency(ctx context.Context, tx *db.Tx) (money.Currency, error) {
	return baseCurrency(ctx, tx)
}
