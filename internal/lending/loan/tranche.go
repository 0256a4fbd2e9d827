package loan

import (
	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/schedule"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// TrancheConditions let a contract's loans be paid out in several disbursements by plan; zero does not.
type TrancheConditions struct {
	Max       int `json:"max" doc:"disbursements, the first one included"`
	MonthsMax int `json:"months_max" doc:"the last one at most so many months after the first"`
}

const tranchesMax = 24

// validateTranches checks planned disbursements: after the start, in order, before maturity, and something for the first day.
func (t Terms) validateTranches() error {
	if len(t.Tranches) == 0 {
		return nil
	}
	if !t.Tranched || len(t.Tranches) >= tranchesMax {
		return fault.Field("tranches", "分次放款不超过24笔", "a plan has at most 24 disbursements")
	}
	if t.Start.IsZero() || t.TenorMonths < 1 || t.TenorMonths > tenorMax {
		return nil // said already
	}
	var sum int64
	before, end := t.Start, t.Start.AddMonths(t.TenorMonths, calendar.Clamp)
	for i, x := range t.Tranches {
		if x.AmountMinor <= 0 || x.AmountMinor > t.PrincipalMinor {
			return fault.Field("tranches", "金额须大于零", "an amount must be above zero").WithRow(i + 1)
		}
		if !x.Date.After(before) || !x.Date.Before(end) {
			return fault.Field("tranches", "日期须逐笔递增，晚于放款日且早于到期日", "dates must rise, after the start and before maturity").WithRow(i + 1)
		}
		before, sum = x.Date, sum+x.AmountMinor
	}
	if sum >= t.PrincipalMinor {
		return fault.Field("tranches", "后续放款合计须低于贷款金额，余额为首笔放款", "must sum to less than the loan: the rest is paid out first")
	}
	return nil
}

// allows checks a plan against the contract.
func (c TrancheConditions) allows(plan []schedule.Tranche, start calendar.Date) error {
	if len(plan) == 0 {
		return nil
	}
	if len(plan)+1 > c.Max {
		return fault.Field("tranches", "合同允许的放款次数为 "+itoa(max(c.Max, 1)), "the contract allows "+itoa(max(c.Max, 1))+" disbursements")
	}
	if last := plan[len(plan)-1].Date; last.After(start.AddMonths(c.MonthsMax, calendar.Clamp)) {
		return fault.Field("tranches", "最后一笔须在放款后 "+itoa(c.MonthsMax)+" 个月内", "the last one must lie within "+itoa(c.MonthsMax)+" months")
	}
	return nil
}

// planned holds a further disbursement to the plan, if there is one: the next one's amount, on its date or later.
func (l *Loan) planned(orders []payment.Order, amountMinor int64, today calendar.Date) error {
	done := -1 // the first one is not in the plan
	for _, o := range orders {
		if o.Purpose == PurposeDisbursement && o.Status != payment.Failed {
			done++
		}
	}
	if done < 0 || done >= len(l.Terms.Tranches) {
		return nil
	}
	next := l.Terms.Tranches[done]
	if amountMinor != next.AmountMinor || today.Before(next.Date) {
		return fault.New(ReasonTranchePlan, "amount", money.FormatMinor(next.AmountMinor), "date", next.Date).WithField("amount_minor")
	}
	return nil
}
