package loan

import (
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// DepositUse says what becomes of a deposit at the end of a lease.
type DepositUse string

// Uses: it pays the last rents and the residual, or goes back when the lease is settled.
const (
	DepositLastRents DepositUse = "last_rents"
	DepositReturn    DepositUse = "return"
)

// Deposit is the security deposit of a lease (保证金). It is the lessee's money in the lessor's hands: a liability, no income, and
// it lowers nothing that is owed until it is applied. It bears no interest, which is why the yearly cost counts it.
type Deposit struct {
	AmountMinor int64 `json:"amount_minor" doc:"minor units"`
	// PaidIn deposits come from the lessee; the others are kept back when the money leaves.
	PaidIn bool       `json:"paid_in,omitempty"`
	Use    DepositUse `json:"use" enum:"last_rents,return"`
}

// validateDeposit checks the terms of a deposit.
func (t Terms) validateDeposit() error {
	d := t.Deposit
	if d == (Deposit{}) {
		return nil
	}
	var errs []error
	if d.AmountMinor <= 0 || d.AmountMinor >= t.PrincipalMinor {
		errs = append(errs, fault.Field("deposit.amount_minor", "须大于零且低于融资金额", "must be above zero and below the amount financed"))
	}
	if d.Use != DepositLastRents && d.Use != DepositReturn {
		errs = append(errs, fault.Field("deposit.use", "须为 last_rents 或 return", "must be last_rents or return"))
	}
	if (t.Method != EqualInstalment && t.Method != EqualPrincipal) || t.Tranched || t.Arrears != ArrearsPenalty {
		errs = append(errs, fault.Field("deposit", "保证金用于等额租金或等额本金、一次放款且计收罚息的租赁", "belongs to a lease with level rents or equal principal, paid out at once, with penalty interest on arrears"))
	}
	return fault.Join(errs...)
}

// DepositHeld is what the lessor holds of the lessee's deposit.
func (t *Totals) DepositHeld() int64 {
	return t.DepositTakenMinor - t.DepositAppliedMinor - t.DepositReturnedMinor
}

// keepDeposit takes what is kept back of the money that leaves.
func (s *State) keepDeposit(e Event) error {
	v := e.Detail.DepositMinor
	if v < 0 || v >= e.AmountMinor || v > s.Terms.Deposit.AmountMinor {
		return fault.Field("detail.deposit_minor", "不得超过约定的保证金", "must be at most the deposit agreed")
	}
	s.Totals.DepositTakenMinor += v
	return nil
}

// takeDeposit receives a deposit, or what is missing of it.
func (s *State) takeDeposit(e Event) error {
	if e.AmountMinor <= 0 {
		return positive()
	}
	if missing := s.Terms.Deposit.AmountMinor - s.Totals.DepositHeld(); e.AmountMinor > missing {
		return fault.New(ReasonDepositTaken, "amount", money.FormatMinor(e.AmountMinor), "missing", money.FormatMinor(max(missing, 0))).WithField("amount_minor")
	}
	s.Totals.DepositTakenMinor += e.AmountMinor
	return nil
}

// applyDeposit pays with the deposit what is due, by the loan's own order; of a lease that is written off it is a recovery.
func (s *State) applyDeposit(e Event) (Allocation, error) {
	if err := s.heldAtLeast(e.AmountMinor); err != nil {
		return Allocation{}, err
	}
	s.Totals.DepositAppliedMinor += e.AmountMinor
	return s.repay(Event{Kind: Repaid, Date: e.Date, AmountMinor: e.AmountMinor})
}

// returnDeposit gives it back when nothing is owed any more.
func (s *State) returnDeposit(e Event) error {
	if err := s.heldAtLeast(e.AmountMinor); err != nil {
		return err
	}
	s.Totals.DepositReturnedMinor += e.AmountMinor
	return nil
}

func (s *State) heldAtLeast(amount int64) error {
	if amount <= 0 {
		return positive()
	}
	if held := s.Totals.DepositHeld(); amount > held {
		return fault.New(ReasonDeposit, "amount", money.FormatMinor(amount), "held", money.FormatMinor(held)).WithField("amount_minor")
	}
	return nil
}

// returnsDeposit reports whether a deposit may go back: the lease is settled or sold, or nothing is left of a claim written off.
func (s *State) returnsDeposit() bool {
	return s.Totals.DepositHeld() > 0 && (s.Status == Settled || s.Status == TransferredTo || (s.Status == WrittenOffOut && s.Totals.WrittenOffClaimMinor == 0))
}

// DepositDue is what of the deposit pays what is due today under the rule of the last rents: as much as the rents that lie
// ahead do not need.
func (s *State) DepositDue() int64 {
	if s.Terms.Deposit.Use != DepositLastRents || !s.open() {
		return 0
	}
	left := s.Totals.DepositHeld()
	for i := s.Next; i < len(s.Rows); i++ {
		left -= s.Rows[i].TotalMinor - s.Rows[i].PaidPrincipalMinor
	}
	if s.Next < len(s.Rows) {
		left += s.Settled
	}
	return max(min(left, s.Due().TotalMinor()), 0)
}
