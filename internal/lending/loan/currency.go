package loan

import (
	"context"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/ledger/fx"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Reasons of currencies.
var (
	ReasonCurrency = fault.Declare("LOAN_CURRENCY", fault.Invalid,
		"币种须为 {currency}，不能用 {given}", "The currency must be {currency}, not {given}",
		"按合同约定的币种办理；本系统不代客兑换", "Use the currency of the contract; money is not exchanged here")
	ReasonFloatingCurrency = fault.Declare("LOAN_FLOATING_CURRENCY", fault.Invalid,
		"LPR 只用于人民币贷款，{currency} 贷款不能按 LPR 浮动", "The LPR is a rate of yuan loans: a loan in {currency} cannot follow it",
		"产品改为固定利率", "Give the product a fixed rate")
)

// amount is a number of the loan's minor units as text, with the currency's own decimals.
func (s *State) amount(minor int64) string { return money.Of(minor, s.Terms.Currency).String() }

// sameCurrency refuses an amount said to be in another currency than the one in force; who says none means that one.
func sameCurrency(given, want money.Currency) error {
	if given == "" || given == want {
		return nil
	}
	return fault.New(ReasonCurrency, "currency", string(want), "given", string(given)).WithField("currency")
}

// lawful checks what regulation says about the way the money leaves. Its threshold is in yuan; a loan in another
// currency is measured at the rate of the day (FX_RATE_MISSING when there is none).
func (in DrawInput) lawful(ctx context.Context, tx *db.Tx, c money.Currency, today calendar.Date) error {
	limit := entrustedFrom(today)
	if in.Entrusted || limit <= 0 {
		return nil
	}
	worth, err := fx.Convert(ctx, tx, money.Of(in.AmountMinor, c), money.CNY, today)
	if err == nil && worth.Minor > limit {
		err = fault.New(ReasonEntrusted, "limit", money.FormatMinor(limit)).WithField("entrusted")
	}
	return err
}
