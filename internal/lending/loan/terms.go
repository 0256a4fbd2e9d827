// Package loan keeps loans: an append-only list of events per loan and a state
// derived from it by replay. The arithmetic (terms, schedule, state) is pure;
// the service around it books, pays and answers.
package loan

import (
	"errors"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/daycount"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/base/schedule"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Method is how a loan is repaid.
type Method string

// Repayment methods.
const (
	EqualInstalment Method = "equal_instalment" // 等额本息
	EqualPrincipal  Method = "equal_principal"  // 等额本金
	InterestOnly    Method = "interest_only"    // 按期付息，到期还本
	Bullet          Method = "bullet"           // 到期一次还本付息
	Flat            Method = "flat"             // 等本等息
	Custom          Method = "custom"           // 按还款计划
	Discount        Method = "discount"         // 贴现：预扣利息，到期还本
	SalesShare      Method = "sales_share"      // 按销售额比例还款
)

var methodNames = map[Method]fault.Text{
	EqualInstalment: {Zh: "等额本息", En: "equal instalments"},
	EqualPrincipal:  {Zh: "等额本金", En: "equal principal"},
	InterestOnly:    {Zh: "按期付息、到期还本", En: "interest each period, principal at maturity"},
	Bullet:          {Zh: "到期一次还本付息", En: "principal and interest at maturity"},
	Flat:            {Zh: "等本等息", En: "flat interest"},
	Custom:          {Zh: "按还款计划", En: "a plan of its own"},
	Discount:        {Zh: "贴现（预扣利息）", En: "discounted: interest withheld, face at maturity"},
	SalesShare:      {Zh: "按销售额比例还款", En: "a share of sales each period"},
}

// Name is the method as people call it.
func (m Method) Name() fault.Text {
	if name, known := methodNames[m]; known {
		return name
	}
	return fault.Text{Zh: string(m), En: string(m)}
}

// Arrears says what overdue principal earns.
type Arrears string

// Rules of arrears. ArrearsPenalty takes overdue principal out of the contract's
// interest and charges the penalty rate on it, and compound interest on overdue
// interest (罚息、复利). ArrearsCarry lets the contract rate run on, billed with
// the instalment that falls due next, as Apache Fineract does with interest
// recalculation. ArrearsAtEvent does the same, but looks only when something is
// recorded and only at the running period (Fineract's cumulative schedules with
// no job between); ArrearsAtEventCompound charges it on overdue interest too, and
// ArrearsAtEventPeriod for the whole of the period.
const (
	ArrearsPenalty         Arrears = ""
	ArrearsCarry           Arrears = "carry"
	ArrearsAtEvent         Arrears = "at_event"
	ArrearsAtEventPeriod   Arrears = "at_event_period"
	ArrearsAtEventCompound Arrears = "at_event_compound"
)

// Compounding says at which rate unpaid interest earns interest.
type Compounding string

// Rules of compounding: at the penalty rate, at the contract rate until maturity
// and the penalty rate after it, or not at all.
const (
	CompoundPenalty  Compounding = ""
	CompoundContract Compounding = "contract_until_maturity"
	CompoundNone     Compounding = "none"
)

// Limits of terms. The principal's bound keeps principal-days inside 64 bits
// with a wide margin.
const (
	principalMax         = 10_000_000_000_000 // 100 billion yuan in fen
	principalMaxByYear   = 1_000_000_000_000  // where the denominator is 365 x 366
	tenorMax             = 360
	graceMax             = 15
	nonAccrualDaysLowest = 30
)

// Plan shapes the instalments beyond method and tenor; its zero value is one
// instalment a month, all alike.
type Plan struct {
	Every    int               `json:"every,omitempty" doc:"distance between due dates in units; zero is one"`
	Unit     schedule.Unit     `json:"unit,omitempty" doc:"day, week, month, year, quarter_20; empty is month"`
	Count    int               `json:"count,omitempty" doc:"number of instalments; zero follows from the tenor"`
	FirstDue calendar.Date     `json:"first_due,omitzero"`
	MonthEnd calendar.MonthEnd `json:"month_end,omitempty"`
	Accrual  schedule.Accrual  `json:"accrual,omitempty" doc:"by_days (empty) or by_period"`
	// Weights, Principal, BalloonMinor, InAdvance, DownPayment and grace are those of schedule.Terms.
	Weights        []int64            `json:"weights,omitempty"`
	Principal      []int64            `json:"principal,omitempty"`
	BalloonMinor   int64              `json:"balloon_minor,omitempty"`
	InAdvance      bool               `json:"in_advance,omitempty"`
	DownPayment    rate.Rate          `json:"down_payment,omitempty"`
	GracePrincipal int                `json:"grace_principal,omitempty"`
	GraceInterest  int                `json:"grace_interest,omitempty"`
	GraceRule      schedule.GraceRule `json:"grace_rule,omitempty"`
	Level          schedule.LevelRule `json:"level,omitempty"`
	MultipleMinor  int64              `json:"multiple_minor,omitempty"`
	MultipleMode   money.Mode         `json:"multiple_mode,omitempty"`
}

// Terms is everything a schedule and an accrual depend on.
type Terms struct {
	PrincipalMinor int64          `json:"principal_minor"`
	Currency       money.Currency `json:"currency"`
	AnnualRate     rate.Rate      `json:"annual_rate"`
	// PenaltyRate replaces the annual rate on overdue amounts.
	PenaltyRate rate.Rate           `json:"penalty_rate"`
	Start       calendar.Date       `json:"start"`
	TenorMonths int                 `json:"tenor_months"`
	Method      Method              `json:"method" enum:"equal_instalment,equal_principal,interest_only,bullet,flat,custom,discount,sales_share"`
	Basis       daycount.Convention `json:"basis"`
	Rounding    money.Mode          `json:"rounding"`
	// GraceDays after a due date without penalty; the contract rate runs on.
	GraceDays int `json:"grace_days"`
	// DueRule moves due dates off rest days; interest follows the moved date.
	DueRule calendar.Adjustment `json:"due_rule"`

	Plan Plan `json:"plan,omitzero"`
	// Tranched lets the money leave in several disbursements up to PrincipalMinor.
	Tranched    bool        `json:"tranched,omitempty"`
	Arrears     Arrears     `json:"arrears,omitempty"`
	Compounding Compounding `json:"compounding,omitempty"`
	// Prepayment is the strategy of a prepayment that names none.
	Prepayment Strategy `json:"prepayment,omitempty"`
	// Order is how a payment is spread; empty lists mean the usual order.
	Order Order `json:"order,omitzero"`
	// NonAccrualDays past due stop the recognition of income; zero is what data/rules.json says (90).
	NonAccrualDays int `json:"non_accrual_days,omitempty"`
	// MisuseRate is charged on a loan used for another purpose; zero is twice the contract rate.
	MisuseRate rate.Rate `json:"misuse_rate,omitempty"`
	// Repricing says when the rate follows its benchmark; empty is a fixed rate.
	Repricing Repricing `json:"repricing,omitzero"`
	// Sales belong to the method sales_share.
	Sales Sales `json:"sales,omitzero"`
	// Deposit secures a lease.
	Deposit Deposit `json:"deposit,omitzero"`
	// Tranches are the further disbursements that were planned, beside the first one on the start.
	Tranches []schedule.Tranche `json:"tranches,omitempty"`
}

// Repricing ties a rate to a benchmark of base/benchmark; its zero value is a
// fixed rate. The spread is what the contract's rate stood above the benchmark
// when the loan was drawn.
type Repricing struct {
	Benchmark string    `json:"benchmark,omitempty" enum:"lpr_1y,lpr_5y"`
	Spread    rate.Rate `json:"spread,omitempty"`
	Rule      string    `json:"rule,omitempty" enum:"fixed,anniversary,january_1,quarterly,monthly,quarter_start,month_start"`
}

// Validate collects every fault of the terms.
func (t Terms) Validate() error {
	var errs []error
	limit := int64(principalMax)
	if !t.Basis.Fixed() {
		limit = principalMaxByYear
	}
	if t.PrincipalMinor <= 0 || t.PrincipalMinor > limit {
		errs = append(errs, fault.Field("amount_minor", "须大于零且不超过一千亿元（实际/实际计息为一百亿元）", "must be above zero and at most 100 billion yuan (10 billion with actual/actual)"))
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
	if _, known := methodNames[t.Method]; !known {
		errs = append(errs, fault.Field("method", "未知的还款方式", "is not a known repayment method"))
	}
	if t.Basis == daycount.ActActAFB || t.Basis > daycount.ActActAFB {
		errs = append(errs, fault.Field("basis", "贷款不支持该计息基础", "is not a day-count basis for loans"))
	}
	return fault.Join(append(errs, t.validateRules()...)...)
}

func (t Terms) validateRules() []error {
	var errs []error
	switch t.Arrears {
	case ArrearsPenalty, ArrearsCarry, ArrearsAtEvent, ArrearsAtEventPeriod, ArrearsAtEventCompound:
	default:
		errs = append(errs, fault.Field("arrears", "未知的逾期计息规则", "is not a known rule of arrears"))
	}
	if t.GraceDays > 0 && (t.Arrears == ArrearsAtEvent || t.Arrears == ArrearsAtEventPeriod || t.Arrears == ArrearsAtEventCompound) {
		errs = append(errs, fault.Field("grace_days", "该逾期计息规则不支持宽限日", "this rule of arrears allows no days of grace"))
	}
	switch t.Compounding {
	case CompoundPenalty, CompoundContract, CompoundNone:
	default:
		errs = append(errs, fault.Field("compounding", "未知的复利规则", "is not a known rule of compounding"))
	}
	if !t.Prepayment.known() {
		errs = append(errs, fault.Field("prepayment", "未知的提前还款方式", "is not a known prepayment strategy"))
	}
	if d := t.NonAccrualDays; d != 0 && (d < nonAccrualDaysLowest || d > 3650) {
		errs = append(errs, fault.Field("non_accrual_days", "须在30至3650之间", "must be 30 to 3650"))
	}
	if t.MisuseRate < 0 || t.MisuseRate > 2*rate.Scale || (t.MisuseRate > 0 && t.MisuseRate < t.AnnualRate) {
		errs = append(errs, fault.Field("misuse_rate", "不得低于年利率", "must not be below the annual rate"))
	}
	if t.Tranched && (t.Method == Discount || t.Method == Flat || t.Plan.InAdvance) {
		errs = append(errs, fault.Field("tranched", "该还款方式不支持分次放款", "this method does not allow several disbursements"))
	}
	if t.Method == Flat && (t.Plan.GracePrincipal > 0 || t.Plan.GraceInterest > 0) {
		errs = append(errs, fault.Field("plan.grace_principal", "等本等息不支持宽限", "flat interest allows no grace"))
	}
	return append(errs, t.Order.validate(), t.validateSales(), t.validateDeposit(), t.validateTranches(), t.validatePlan())
}

// validatePlan asks the schedule engine, and names its refusals in our fields.
func (t Terms) validatePlan() error {
	if t.Start.IsZero() || t.TenorMonths < 1 || t.TenorMonths > tenorMax {
		return nil // said already
	}
	layout := t.layout()
	err := layout.Validate()
	var errs []error
	if err == nil {
		before := t.Start
		for _, d := range layout.DueDates() {
			if !d.After(before) {
				errs = append(errs, fault.Field("plan.due_dates", "还款日重叠（休息日顺延或首期日早于起息日）", "must follow each other after the start: rest days or the first due date make them fall together"))
				break
			}
			before = d
		}
	}
	for _, e := range unjoin(err) {
		var refused *schedule.TermError
		if errors.As(e, &refused) && refused.Field != "tranches" && refused.Field != "rate" && refused.Field != "method" && refused.Field != "payments" {
			errs = append(errs, fault.Field("plan."+refused.Field, refused.Zh, refused.En))
		}
	}
	return fault.Join(errs...)
}

func unjoin(err error) []error {
	if many, ok := err.(interface{ Unwrap() []error }); ok { //nolint:errorlint // errors.Join makes exactly this
		return many.Unwrap()
	}
	if err == nil {
		return nil
	}
	return []error{err}
}

// nonAccrualDays is the term or its usual value.
func (t Terms) nonAccrualDays() int {
	if t.NonAccrualDays > 0 {
		return t.NonAccrualDays
	}
	return wholeOn("non_accrual_days", t.Start)
}

// misuseRate is the term or twice the contract rate.
func (t Terms) misuseRate() rate.Rate {
	if t.MisuseRate > 0 {
		return t.MisuseRate
	}
	return 2 * t.AnnualRate
}

// Maturity is the last due date.
func (t Terms) Maturity() calendar.Date {
	dates := t.dueDates()
	return dates[len(dates)-1]
}

// dueDates lists the dates on which something falls due, always counted from
// the start, so that the 31st comes back after February.
func (t Terms) dueDates() []calendar.Date { return t.layout().DueDates() }
