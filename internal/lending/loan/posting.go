package loan

import (
	"context"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/ledger/recipe"
	"github.com/capillary-finance/capillary/internal/platform/db"
)

// leg is a signed amount of a role: positive debits.
type leg struct {
	role  recipe.Role
	minor int64
}

// legs books the difference between two sets of totals in roles. Because every
// amount of a loan is in the totals, the books follow the state whatever moved
// it: a payment, a night's interest, or a late event that changed the past.
// Debits equal credits for any totals, on and off the balance sheet apart.
func (t Totals) legs() []leg {
	cash := t.PaidPrincipalMinor + t.PaidInterestMinor + t.PaidPenaltyMinor + t.PaidCompoundMinor + t.PaidFeeMinor +
		t.CreditHeldMinor + t.RecoveredMinor + t.SoldPriceMinor - t.DisbursedMinor + t.WithheldMinor + t.DepositHeld()
	interest := t.InterestAccruedMinor - t.PaidInterestMinor - t.WaivedInterestMinor - t.CapitalisedMinor - t.SuspendedInterestMinor -
		t.WrittenOffInterestMinor - t.SoldInterestMinor
	penalty := t.PenaltyAccruedMinor - t.PaidPenaltyMinor - t.WaivedPenaltyMinor - t.SuspendedPenaltyMinor - t.WrittenOffPenaltyMinor - t.SoldPenaltyMinor
	compound := t.CompoundAccruedMinor - t.PaidCompoundMinor - t.WaivedCompoundMinor - t.SuspendedCompoundMinor - t.WrittenOffCompoundMinor - t.SoldCompoundMinor
	fee := t.FeesChargedMinor - t.PaidFeeMinor - t.WaivedFeeMinor - t.WrittenOffFeeMinor - t.SoldFeeMinor
	lost := t.WrittenOffPrincipalMinor + t.WrittenOffInterestMinor + t.WrittenOffPenaltyMinor + t.WrittenOffCompoundMinor + t.WrittenOffFeeMinor
	sold := t.SoldPrincipalMinor + t.SoldInterestMinor + t.SoldPenaltyMinor + t.SoldCompoundMinor + t.SoldFeeMinor
	suspended := t.suspended() - t.LeftSuspendedMinor
	held := t.HeldMinor - t.WrittenOffHeldMinor - t.SoldHeldMinor
	claim := t.WrittenOffClaimMinor
	return []leg{
		{recipe.Settlement, cash},
		{recipe.LoanPrincipal, t.DisbursedMinor + t.CapitalisedMinor - t.PaidPrincipalMinor - t.WaivedPrincipalMinor - t.WrittenOffPrincipalMinor - t.SoldPrincipalMinor},
		{recipe.InterestReceivable, interest},
		{recipe.InterestIncome, -(t.InterestAccruedMinor - t.SuspendedInterestMinor - t.HeldMinor) - t.EarnedMinor},
		{recipe.PenaltyReceivable, penalty},
		{recipe.PenaltyIncome, -(t.PenaltyAccruedMinor - t.SuspendedPenaltyMinor)},
		{recipe.CompoundReceivable, compound},
		{recipe.CompoundIncome, -(t.CompoundAccruedMinor - t.SuspendedCompoundMinor)},
		{recipe.FeeReceivable, fee},
		{recipe.FeeIncome, -t.FeesChargedMinor},
		{recipe.WaiverExpense, t.WaivedInterestMinor + t.WaivedPenaltyMinor + t.WaivedCompoundMinor + t.WaivedFeeMinor + t.WaivedPrincipalMinor},
		{recipe.UnearnedDiscount, t.EarnedMinor - t.WithheldMinor - held},
		{recipe.CustomerCredit, -t.CreditHeldMinor},
		{recipe.LeaseDeposit, -t.DepositHeld()},
		{recipe.LoanLossAllowance, lost - t.WrittenOffHeldMinor},
		{recipe.RecoveryIncome, -t.RecoveredMinor},
		{recipe.TransferResult, sold - t.SoldHeldMinor - t.SoldPriceMinor},
		{recipe.SuspendedInterestReceivable, suspended},
		{recipe.SuspendedInterestContra, -suspended},
		{recipe.WrittenOffClaim, claim},
		{recipe.WrittenOffContra, -claim},
	}
}

// lines are the legs on the accounts of a mapping; two roles on one account make one line.
func (t Totals) lines(m recipe.Map, c money.Currency) []journal.Line {
	var out []journal.Line
	for _, l := range t.legs() {
		if l.minor == 0 {
			continue
		}
		account := m.Code(l.role)
		at := -1
		for i := range out {
			if out[i].Account == account {
				at = i
			}
		}
		if at < 0 {
			out = append(out, journal.Line{Account: account, Currency: c, AmountMinor: l.minor})
		} else {
			out[at].AmountMinor += l.minor
		}
	}
	kept := out[:0]
	for _, l := range out {
		if l.AmountMinor != 0 {
			kept = append(kept, l)
		}
	}
	return kept
}

// linesOf are the lines of a loan's totals under the mapping in force.
func linesOf(ctx context.Context, tx *db.Tx, l *Loan, t Totals, on calendar.Date) ([]journal.Line, error) {
	m, err := recipe.For(ctx, tx, l.ProductID, on)
	if err != nil {
		return nil, err
	}
	return t.lines(m, l.Currency), nil
}
