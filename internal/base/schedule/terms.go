// Package schedule lays out what a borrower pays and when. Methods, calendars,
// rate changes and grace are data in Terms, never a type per combination: every
// payment plan is a level times a weight per instalment, and the level is the
// one number that makes the last balance what it should be. It is pure: no
// clock, no I/O, integer money, exact fractions of a year.
package schedule

import (
	"errors"
	"fmt"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/daycount"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
)

// Method is how principal comes back.
type Method string

// Repayment methods.
const (
	EqualInstalment Method = "equal_instalment" // 等额本息
	EqualPrincipal  Method = "equal_principal"  // 等额本金
	InterestOnly    Method = "interest_only"    // 先息后本
	Bullet          Method = "bullet"           // 一次还本付息
	Flat            Method = "flat"             // 等本等息
	Custom          Method = "custom"           // 自定义：每期本金
)

// Unit is the unit of the distance between due dates.
type Unit string

// Units. Quarter20 is the 20th of the last month of each quarter, Whole the
// whole term in one period of Every months.
const (
	Day       Unit = "day"
	Week      Unit = "week"
	Month     Unit = "month"
	Year      Unit = "year"
	Quarter20 Unit = "quarter_20"
	Whole     Unit = "whole"
)

// Accrual says how the interest of a period is measured.
type Accrual string

// Accruals. ByDays takes the basis' fraction of a year between the dates.
// ByPeriod takes a month as a twelfth of a year whatever its length; a part of
// a period takes its share of the period's days.
const (
	ByDays   Accrual = "by_days"
	ByPeriod Accrual = "by_period"
)

// LevelRule says how the level payment is rounded to money.
type LevelRule string

// Level rules. Nearest looks for the payment whose last instalment differs
// least from it. Rounded takes the exact payment, rounds it once and leaves the
// rest in the last instalment. RoundedOnce is Rounded with one correction, where
// the rest exceeds half a unit per instalment (Apache Fineract, progressive
// loans). FirstPeriod computes the annuity as if every period were as long as
// the first one (Apache Fineract, cumulative loans with daily interest).
const (
	Nearest     LevelRule = "nearest"
	Rounded     LevelRule = "rounded"
	RoundedOnce LevelRule = "rounded_once"
	FirstPeriod LevelRule = "first_period"
)

// GraceRule says what becomes of the interest of instalments in grace.
type GraceRule string

// Grace rules: due with the first instalment after grace, added to principal,
// or not charged.
const (
	Defer      GraceRule = "defer"
	Capitalise GraceRule = "capitalise"
	Waive      GraceRule = "waive"
)

// Tranche is money paid out on a date.
type Tranche struct {
	Date        calendar.Date `json:"date"`
	AmountMinor int64         `json:"amount_minor"`
}

// RateChange is a yearly rate from a date on.
type RateChange struct {
	From calendar.Date `json:"from"`
	Rate rate.Rate     `json:"rate"`
}

// Limits of terms: every loop of this package is bounded by them.
const (
	countMax     = 1200
	tranchesMax  = 200
	changesMax   = 600
	principalMax = 10_000_000_000_000 // 100 billion yuan in fen
)

// Terms is everything a schedule depends on. Zero values are the plainest
// choice: one tranche, no grace, no multiple, dates not moved.
type Terms struct {
	Tranches []Tranche    `json:"tranches"`
	Rate     rate.Rate    `json:"rate"`
	Changes  []RateChange `json:"changes,omitempty"`

	// Start is where interest and the count of due dates begin; FirstDue, when
	// set, is the first due date, and the others are counted from it.
	Start    calendar.Date       `json:"start"`
	FirstDue calendar.Date       `json:"first_due,omitzero"`
	Count    int                 `json:"count"`
	Every    int                 `json:"every"`
	Unit     Unit                `json:"unit"`
	MonthEnd calendar.MonthEnd   `json:"month_end"`
	DueRule  calendar.Adjustment `json:"due_rule"`
	// Dates, when given, are the due dates as they stand; Count, Every, Unit,
	// FirstDue, MonthEnd and DueRule are then not read.
	Dates []calendar.Date `json:"dates,omitempty"`

	Method  Method              `json:"method"`
	Accrual Accrual             `json:"accrual"`
	Basis   daycount.Convention `json:"basis"`
	// Weights scale the level payment per instalment: a season of zeros, steps
	// of 1.1 (in hundredths: 100 is the level). Empty means all 100.
	Weights []int64 `json:"weights,omitempty"`
	// Principal is the plan of Custom, one amount per instalment.
	Principal []int64 `json:"principal,omitempty"`
	// BalloonMinor is principal left for the last instalment (a lease's residual).
	BalloonMinor int64 `json:"balloon_minor,omitempty"`
	// InAdvance makes instalments due at the start of their period (a lease).
	InAdvance bool `json:"in_advance,omitempty"`
	// DownPayment is the share of each tranche due on the day it is paid out.
	DownPayment rate.Rate `json:"down_payment,omitempty"`

	GracePrincipal int `json:"grace_principal,omitempty"` // instalments without principal
	// Skip marks further instalments without principal, where a holiday lies in
	// the middle of a loan that is planned again.
	Skip          []bool    `json:"-"`
	GraceInterest int       `json:"grace_interest,omitempty"` // instalments without interest
	GraceRule     GraceRule `json:"grace_rule,omitempty"`

	Rounding money.Mode `json:"rounding"`
	// RoundEachPart rounds the interest of every part of a split period; else
	// the sum is rounded once.
	RoundEachPart bool      `json:"round_each_part,omitempty"`
	Level         LevelRule `json:"level"`
	// MultipleMinor rounds the level to a multiple (100 is whole yuan) by MultipleMode.
	MultipleMinor int64      `json:"multiple_minor,omitempty"`
	MultipleMode  money.Mode `json:"multiple_mode"`
	// InterestUnitMinor rounds interest to a coarser unit than the minor one.
	InterestUnitMinor int64 `json:"interest_unit_minor,omitempty"`
	// Opening is what the first period has gathered when a loan under way is
	// planned again from Start.
	Opening Opening `json:"opening,omitzero"`
	// LevelFrom and LevelTo are the loan's first period, where a loan under way
	// is planned again and FirstPeriod is the level rule.
	LevelFrom calendar.Date `json:"-"`
	LevelTo   calendar.Date `json:"-"`
}

// Opening is a first period under way. It needs a basis with one denominator.
type Opening struct {
	// From is when the period began, if that was before Start.
	From calendar.Date `json:"from,omitzero"`
	// Earned is what it has earned before Start.
	Earned []Earned `json:"earned,omitempty"`
	// PaidMinor is the part of the period's interest that is paid already.
	PaidMinor int64 `json:"paid_minor,omitempty"`
}

// Earned is a stretch of a period under way: balance times days, in the
// numerator that Fraction gives for the period, at a yearly rate.
type Earned struct {
	Product int64     `json:"product"`
	Rate    rate.Rate `json:"rate"`
	// Times multiplies the product where it would not fit; zero is one.
	Times int64 `json:"times,omitempty"`
}

func (e Earned) times() int64 { return max(e.Times, 1) }

func (o Opening) isZero() bool { return o.From.IsZero() && len(o.Earned) == 0 && o.PaidMinor == 0 }

// ErrTerms is the kind of every refusal of terms.
var ErrTerms = errors.New("schedule: terms")

// TermError tells which term is refused and why, in both languages.
type TermError struct{ Field, Zh, En string }

// Error says it in English.
func (e *TermError) Error() string { return fmt.Sprintf("%v: %s: %s", ErrTerms, e.Field, e.En) }

// Is makes every refusal an ErrTerms.
func (e *TermError) Is(target error) bool { return target == ErrTerms }

func refuse(field, zh, en string) error { return &TermError{Field: field, Zh: zh, En: en} }

// Validate tells every fault of the terms.
func (t Terms) Validate() error {
	if len(t.Dates) > 0 {
		t.Count, t.Every, t.Unit = len(t.Dates), 1, Month
	}
	var errs []error
	check := func(bad bool, field, zh, en string) {
		if bad {
			errs = append(errs, refuse(field, zh, en))
		}
	}
	check(t.Start.IsZero(), "start", "必填", "is required")
	check(!t.FirstDue.IsZero() && !t.FirstDue.After(t.Start), "first_due", "须晚于起息日", "must be after the start")
	check(t.Count < 1 || t.Count > countMax, "count", "须在1至1200之间", "must be 1 to 1200")
	check(t.Every < 1 || t.Every > 1200, "every", "须在1至1200之间", "must be 1 to 1200")
	check(t.Rate < 0 || t.Rate > 10*rate.Scale, "rate", "须在0与10之间", "must lie between 0 and 10")
	check(len(t.Changes) > changesMax, "changes", "最多600次", "must be at most 600")
	check(t.BalloonMinor < 0 || t.BalloonMinor > t.total(), "balloon_minor", "须在零与本金之间", "must lie between 0 and the principal")
	check(t.DownPayment < 0 || t.DownPayment >= rate.Scale, "down_payment", "须在0与1之间", "must lie between 0 and 1")
	check(t.GracePrincipal < 0 || t.GracePrincipal >= max(t.Count, 1), "grace_principal", "须至少留一期归还本金", "must leave an instalment with principal")
	check(t.GraceInterest < 0 || t.GraceInterest >= max(t.Count, 1), "grace_interest", "须至少留一期支付利息", "must leave an instalment with interest")
	check(len(t.Skip) != 0 && len(t.Skip) != t.Count, "skip", "须每期一项", "needs one mark per instalment")
	check(len(t.Weights) != 0 && len(t.Weights) != t.Count, "weights", "须每期一个权重", "needs one weight per instalment")
	check(t.Method == Custom && len(t.Principal) != t.Count, "principal", "须每期一个金额", "needs one amount per instalment")
	check(t.MultipleMinor < 0 || t.InterestUnitMinor < 0, "multiple_minor", "不得为负", "must not be negative")
	check(!t.Opening.isZero() && t.Basis == daycount.ActActAFB, "opening", "该计息基础没有固定分母", "needs a basis with one denominator")
	for i, d := range t.Dates {
		check(!d.After(t.Start) || i > 0 && !d.After(t.Dates[i-1]), "dates", "须按先后且晚于起息日", "must be in order, after the start")
	}
	errs = append(errs, t.checkNames(), t.checkTranches())
	return errors.Join(errs...)
}

func (t Terms) checkNames() error {
	switch t.Method {
	case EqualInstalment, EqualPrincipal, InterestOnly, Bullet, Flat, Custom:
	default:
		return refuse("method", "未知的还款方式", "is not a known method")
	}
	switch t.Unit {
	case Day, Week, Month, Year, Quarter20, Whole:
	default:
		return refuse("unit", "未知的周期单位", "is not a known unit")
	}
	if t.Accrual == ByPeriod && (t.Unit == Quarter20) {
		return refuse("accrual", "按季20日结息须按天计息", "the 20th of a quarter needs interest by days")
	}
	if t.InAdvance && t.Method != EqualInstalment {
		return refuse("in_advance", "须为等额本息", "needs equal instalments")
	}
	for _, w := range t.Weights {
		if w < 0 || w > 1_000_000 {
			return refuse("weights", "须在0与1000000之间（百分之一）", "must lie between 0 and 1,000,000 hundredths")
		}
	}
	return nil
}

func (t Terms) checkTranches() error {
	if len(t.Tranches) == 0 || len(t.Tranches) > tranchesMax {
		return refuse("tranches", "须有1至200笔放款", "needs 1 to 200 tranches")
	}
	var sum int64
	for i, x := range t.Tranches {
		if x.AmountMinor < 0 || x.AmountMinor > principalMax {
			return refuse("tranches", "金额须在零与一千亿元之间", "an amount must lie between zero and 100 billion yuan")
		}
		if x.Date.Before(t.Start) || (i > 0 && x.Date.Before(t.Tranches[i-1].Date)) {
			return refuse("tranches", "须按日期先后，且不早于起息日", "must be in order of date, from the start on")
		}
		if sum += x.AmountMinor; sum > principalMax {
			return refuse("tranches", "合计不得超过一千亿元", "the sum must be at most 100 billion yuan")
		}
	}
	return nil
}

func (t Terms) total() int64 {
	var sum int64
	for _, x := range t.Tranches {
		sum += x.AmountMinor
	}
	return sum
}
