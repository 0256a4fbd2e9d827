package loan

import (
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
)

// lines books the difference between two sets of totals. Because every amount
// of a loan is in the totals, the books follow the state whatever moved it: a
// payment, a night's interest, or a late event that changed the past.
func (t Totals) lines(c money.Currency) []journal.Line {
	paid := t.PaidPrincipalMinor + t.PaidInterestMinor + t.PaidPenaltyMinor + t.PaidCompoundMinor + t.PaidFeeMinor
	legs := []struct {
		account string
		minor   int64
	}{
		{journal.Nostro, paid - t.DisbursedMinor},
		{journal.LoanPrincipal, t.DisbursedMinor - t.PaidPrincipalMinor},
		{journal.InterestReceivable, t.InterestAccruedMinor - t.PaidInterestMinor},
		{journal.InterestIncome, -t.InterestAccruedMinor},
		{journal.PenaltyReceivable, t.PenaltyAccruedMinor - t.PaidPenaltyMinor + t.CompoundAccruedMinor - t.PaidCompoundMinor},
		{journal.PenaltyIncome, -t.PenaltyAccruedMinor - t.CompoundAccruedMinor},
		{journal.FeeReceivable, t.FeesChargedMinor - t.PaidFeeMinor},
		{journal.FeeIncome, -t.FeesChargedMinor},
	}
	var out []journal.Line
	for _, l := range legs {
		if l.minor != 0 {
			out = append(out, journal.Line{Account: l.account, Currency: c, AmountMinor: l.minor})
		}
	}
	return out
}
