// Package loan keeps loans: an append-only list of events per loan and a state
// derived from it by replay. The arithmetic (terms, schedule, state) is pure;
// the service around it books, pays and answers.
package loan

import (
	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/daycount"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Method is how a loan is repaid.
type Method string

// Repayment methods.
const (
	EqualInstalment Method = "equal_instalment" // 等额本息
	EqualPrincipal  Method = "equal_principal"  // 等额本金
	InterestOnly    Method = "interest_only"    // 按月付息，到期还本
	Bullet          Method = "bullet"           // 到期一次还本付息
)

// Name is the method as people call it.
func (m Method) Name() fault.Text {
	switch m {
	case EqualInstalment:
		return fault.Text{Zh: "等额本息", En: "equal instalments"}
	case EqualPrincipal:
		return fault.Text{Zh: "等额本金", En: "equal principal"}
	case InterestOnly:
		return fault.Text{Zh: "按月付息、到期还本", En: "monthly interest, principal at maturity"}
	case Bullet:
		return fault.Text{Zh: "到期一次还本付息", En: "principal and interest at maturity"}
	default:
		return fault.Text{Zh: string(m), En: string(m)}
	}
}

// Limits of terms. The principal's bound keeps principal-days inside 64 bits
// with a wide margin.
const (
	principalMax = 10_000_000_000_000 // 100 billion yuan in fen
	tenorMax     = 360
	graceMax     = 15
)

// Terms is everything a schedule and an accrual depend on.
type Terms struct {
	PrincipalMinor int64          `json:"principal_minor"`
	Currency       money.Currency `json:"currency"`
	AnnualRate     rate.Rate      `json:"annual_rate"`
	// PenaltyRate replaces the annual rate on overdue amounts.
	PenaltyRate rate.Rate           `json:"penalty_rate"`
	Start       calendar.Date       `json:"start"`
	TenorMonths int                 `json:"tenor_months"`
	Method      Method              `json:"method" enum:"equal_instalment,equal_principal,interest_only,bullet"`
	Basis       daycount.Convention `json:"basis"`
	Rounding    money.Mode          `json:"rounding"`
	// GraceDays after a due date without penalty; the contract rate runs on.
	GraceDays int `json:"grace_days"`
	// DueRule moves due dates off rest days; interest follows the moved date.
	DueRule calendar.Adjustment `json:"due_rule"`
}

// Validate collects every fault of the terms.
func (t Terms) Validate() error {
	var errs []error
	if t.PrincipalMinor <= 0 || t.PrincipalMinor > principalMax {
		errs = append(errs, fault.Field("amount_minor", "须大于零且不超过一千亿元", "must be above zero and at most 100 billion yuan"))
	}
	if _, known := t.Currency.Decimals(); !known {
		errs = append(errs, fault.Field("currency", "未知币种", "is not a known currency"))
	}
	if t.AnnualRate < 0 || t.AnnualRate > rate.Scale {
		errs = append(errs, fault.Field("annual_rate", "须在0与1之间", "must lie between 0 and 1"))
	}
	if t.PenaltyRate < t.AnnualRate || t.PenaltyRate > 2*rate.Scale {
		errs = append(errs, fault.Field("penalty_rate", "不得低于年利率", "must not be below the annual rate"))
	}
	if t.Start.IsZero() {
		errs = append(errs, fault.Required("start"))
	}
	if t.TenorMonths < 1 || t.TenorMonths > tenorMax {
		errs = append(errs, fault.Field("tenor_months", "须在1至360之间", "must be 1 to 360"))
	}
	if t.GraceDays < 0 || t.GraceDays > graceMax {
		errs = append(errs, fault.Field("grace_days", "须在0至15之间", "must be 0 to 15"))
	}
	switch t.Method {
	case EqualInstalment, EqualPrincipal, InterestOnly, Bullet:
	default:
		errs = append(errs, fault.Field("method", "未知的还款方式", "is not a known repayment method"))
	}
	// Replay adds up principal-days, so the denominator must not depend on the year.
	if !t.Basis.Fixed() {
		errs = append(errs, fault.Field("basis", "贷款不支持该计息基础", "is not a day-count basis for loans"))
	}
	return fault.Join(errs...)
}

// Maturity is the last due date.
func (t Terms) Maturity() calendar.Date { return t.dueDate(t.TenorMonths) }

// dueDate is month n after the start: always counted from the start, so that
// the 31st comes back after February.
func (t Terms) dueDate(n int) calendar.Date {
	return calendar.China().Adjust(t.Start.AddMonths(n, calendar.Clamp), t.DueRule)
}

// dueDates lists the dates on which something falls due.
func (t Terms) dueDates() []calendar.Date {
	if t.Method == Bullet {
		return []calendar.Date{t.Maturity()}
	}
	dates := make([]calendar.Date, t.TenorMonths)
	for i := range dates {
		dates[i] = t.dueDate(i + 1)
	}
	return dates
}

// days counts [from, to) in the numerator of the basis.
func (t Terms) days(from, to calendar.Date) int64 {
	num, _ := t.Basis.Fraction(from, to)
	return num
}

// interest turns principal-days at a yearly rate into money.
func (t Terms) interest(principalDays int64, r rate.Rate) (int64, error) {
	_, den := t.Basis.Fraction(t.Start, t.Start)
	return money.MulDivWide(principalDays, int64(r), 1, rate.Scale, den, t.Rounding)
}
