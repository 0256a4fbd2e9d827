package loan

// Totals are running sums over the life of a loan. The books hold exactly
// these: posting is the difference between totals now and totals posted. Some
// are levels that may fall again (suspended, credit held); the difference is
// then negative.
type Totals struct {
	DisbursedMinor       int64 `json:"disbursed_minor"`
	InterestAccruedMinor int64 `json:"interest_accrued_minor"`
	PenaltyAccruedMinor  int64 `json:"penalty_accrued_minor"`
	FeesChargedMinor     int64 `json:"fees_charged_minor"`
	PaidPrincipalMinor   int64 `json:"paid_principal_minor"`
	PaidInterestMinor    int64 `json:"paid_interest_minor"`
	PaidPenaltyMinor     int64 `json:"paid_penalty_minor"`
	PaidFeeMinor         int64 `json:"paid_fee_minor"`

	CompoundAccruedMinor int64 `json:"compound_accrued_minor,omitempty" doc:"interest on unpaid interest"`
	PaidCompoundMinor    int64 `json:"paid_compound_minor,omitempty"`
	CapitalisedMinor     int64 `json:"capitalised_minor,omitempty" doc:"interest that became principal"`
	WaivedPrincipalMinor int64 `json:"waived_principal_minor,omitempty"`
	WaivedInterestMinor  int64 `json:"waived_interest_minor,omitempty"`
	WaivedPenaltyMinor   int64 `json:"waived_penalty_minor,omitempty"`
	WaivedCompoundMinor  int64 `json:"waived_compound_minor,omitempty"`
	WaivedFeeMinor       int64 `json:"waived_fee_minor,omitempty"`

	SuspendedInterestMinor int64 `json:"suspended_interest_minor,omitempty" doc:"accrued and unpaid, not recognised as income while the loan is non-accrual"`
	SuspendedPenaltyMinor  int64 `json:"suspended_penalty_minor,omitempty"`
	SuspendedCompoundMinor int64 `json:"suspended_compound_minor,omitempty"`

	HeldMinor int64 `json:"held_minor,omitempty" doc:"interest that became principal while the loan was non-accrual: no income until it is cured"`

	WithheldMinor   int64 `json:"withheld_minor,omitempty" doc:"interest kept back when a discounted loan was paid out"`
	EarnedMinor     int64 `json:"earned_minor,omitempty" doc:"part of the withheld interest that time has earned"`
	CreditHeldMinor int64 `json:"credit_held_minor,omitempty" doc:"money of the customer beyond what the loan could take"`

	WrittenOffPrincipalMinor int64 `json:"written_off_principal_minor,omitempty"`
	WrittenOffInterestMinor  int64 `json:"written_off_interest_minor,omitempty" doc:"recognised interest that left the books"`
	WrittenOffPenaltyMinor   int64 `json:"written_off_penalty_minor,omitempty"`
	WrittenOffCompoundMinor  int64 `json:"written_off_compound_minor,omitempty"`
	WrittenOffFeeMinor       int64 `json:"written_off_fee_minor,omitempty"`
	WrittenOffClaimMinor     int64 `json:"written_off_claim_minor,omitempty" doc:"what the customer still owes off the books"`
	RecoveredMinor           int64 `json:"recovered_minor,omitempty" doc:"received after write-off"`

	WrittenOffHeldMinor int64 `json:"written_off_held_minor,omitempty" doc:"held interest that was written off with the principal it had become"`
	LeftSuspendedMinor  int64 `json:"left_suspended_minor,omitempty" doc:"suspended interest that is part of the claim written off or sold"`

	SoldHeldMinor      int64 `json:"sold_held_minor,omitempty"`
	SoldPrincipalMinor int64 `json:"sold_principal_minor,omitempty"`
	SoldInterestMinor  int64 `json:"sold_interest_minor,omitempty"`
	SoldPenaltyMinor   int64 `json:"sold_penalty_minor,omitempty"`
	SoldCompoundMinor  int64 `json:"sold_compound_minor,omitempty"`
	SoldFeeMinor       int64 `json:"sold_fee_minor,omitempty"`
	SoldPriceMinor     int64 `json:"sold_price_minor,omitempty"`

	DepositTakenMinor    int64 `json:"deposit_taken_minor,omitempty" doc:"a lease's deposit, kept back or paid in"`
	DepositAppliedMinor  int64 `json:"deposit_applied_minor,omitempty" doc:"of it, what paid rents or other dues"`
	DepositReturnedMinor int64 `json:"deposit_returned_minor,omitempty"`
}

// suspended is what is accrued and not recognised.
func (t *Totals) suspended() int64 {
	return t.SuspendedInterestMinor + t.SuspendedPenaltyMinor + t.SuspendedCompoundMinor
}

// Sub is t - o, field by field.
func (t Totals) Sub(o Totals) Totals {
	return Totals{
		DisbursedMinor:           t.DisbursedMinor - o.DisbursedMinor,
		InterestAccruedMinor:     t.InterestAccruedMinor - o.InterestAccruedMinor,
		PenaltyAccruedMinor:      t.PenaltyAccruedMinor - o.PenaltyAccruedMinor,
		FeesChargedMinor:         t.FeesChargedMinor - o.FeesChargedMinor,
		PaidPrincipalMinor:       t.PaidPrincipalMinor - o.PaidPrincipalMinor,
		PaidInterestMinor:        t.PaidInterestMinor - o.PaidInterestMinor,
		PaidPenaltyMinor:         t.PaidPenaltyMinor - o.PaidPenaltyMinor,
		PaidFeeMinor:             t.PaidFeeMinor - o.PaidFeeMinor,
		CompoundAccruedMinor:     t.CompoundAccruedMinor - o.CompoundAccruedMinor,
		PaidCompoundMinor:        t.PaidCompoundMinor - o.PaidCompoundMinor,
		CapitalisedMinor:         t.CapitalisedMinor - o.CapitalisedMinor,
		WaivedPrincipalMinor:     t.WaivedPrincipalMinor - o.WaivedPrincipalMinor,
		WaivedInterestMinor:      t.WaivedInterestMinor - o.WaivedInterestMinor,
		WaivedPenaltyMinor:       t.WaivedPenaltyMinor - o.WaivedPenaltyMinor,
		WaivedCompoundMinor:      t.WaivedCompoundMinor - o.WaivedCompoundMinor,
		WaivedFeeMinor:           t.WaivedFeeMinor - o.WaivedFeeMinor,
		SuspendedInterestMinor:   t.SuspendedInterestMinor - o.SuspendedInterestMinor,
		SuspendedPenaltyMinor:    t.SuspendedPenaltyMinor - o.SuspendedPenaltyMinor,
		SuspendedCompoundMinor:   t.SuspendedCompoundMinor - o.SuspendedCompoundMinor,
		HeldMinor:                t.HeldMinor - o.HeldMinor,
		WithheldMinor:            t.WithheldMinor - o.WithheldMinor,
		EarnedMinor:              t.EarnedMinor - o.EarnedMinor,
		CreditHeldMinor:          t.CreditHeldMinor - o.CreditHeldMinor,
		WrittenOffPrincipalMinor: t.WrittenOffPrincipalMinor - o.WrittenOffPrincipalMinor,
		WrittenOffInterestMinor:  t.WrittenOffInterestMinor - o.WrittenOffInterestMinor,
		WrittenOffPenaltyMinor:   t.WrittenOffPenaltyMinor - o.WrittenOffPenaltyMinor,
		WrittenOffCompoundMinor:  t.WrittenOffCompoundMinor - o.WrittenOffCompoundMinor,
		WrittenOffFeeMinor:       t.WrittenOffFeeMinor - o.WrittenOffFeeMinor,
		WrittenOffClaimMinor:     t.WrittenOffClaimMinor - o.WrittenOffClaimMinor,
		RecoveredMinor:           t.RecoveredMinor - o.RecoveredMinor,
		WrittenOffHeldMinor:      t.WrittenOffHeldMinor - o.WrittenOffHeldMinor,
		LeftSuspendedMinor:       t.LeftSuspendedMinor - o.LeftSuspendedMinor,
		SoldHeldMinor:            t.SoldHeldMinor - o.SoldHeldMinor,
		SoldPrincipalMinor:       t.SoldPrincipalMinor - o.SoldPrincipalMinor,
		SoldInterestMinor:        t.SoldInterestMinor - o.SoldInterestMinor,
		SoldPenaltyMinor:         t.SoldPenaltyMinor - o.SoldPenaltyMinor,
		SoldCompoundMinor:        t.SoldCompoundMinor - o.SoldCompoundMinor,
		SoldFeeMinor:             t.SoldFeeMinor - o.SoldFeeMinor,
		SoldPriceMinor:           t.SoldPriceMinor - o.SoldPriceMinor,
		DepositTakenMinor:        t.DepositTakenMinor - o.DepositTakenMinor,
		DepositAppliedMinor:      t.DepositAppliedMinor - o.DepositAppliedMinor,
		DepositReturnedMinor:     t.DepositReturnedMinor - o.DepositReturnedMinor,
	}
}
