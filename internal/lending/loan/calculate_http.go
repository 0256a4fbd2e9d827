package loan

import (
	"context"
	"net/http"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/daycount"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/base/schedule"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

type calculateTranche struct {
	Date        string `json:"date" format:"date"`
	AmountMinor int64  `json:"amount_minor" minimum:"1" maximum:"10000000000000" doc:"fen"`
}

type calculateChange struct {
	From string `json:"from" format:"date"`
	Rate string `json:"rate" maxLength:"12" doc:"yearly, such as 0.0435"`
}

type calculateBody struct {
	AmountMinor    int64              `json:"amount_minor" minimum:"1" maximum:"10000000000000" doc:"fen, paid out on the start"`
	More           []calculateTranche `json:"more,omitempty" maxItems:"50" doc:"further money paid out later"`
	Rate           string             `json:"rate" maxLength:"12" doc:"yearly, such as 0.0435"`
	Changes        []calculateChange  `json:"changes,omitempty" maxItems:"120" doc:"another rate from a date on; the level payment is set again"`
	Start          string             `json:"start" format:"date"`
	FirstDue       string             `json:"first_due,omitempty" format:"date" doc:"empty: one period after the start"`
	Count          int                `json:"count" minimum:"1" maximum:"600" doc:"instalments"`
	Every          int                `json:"every,omitempty" minimum:"1" maximum:"366" doc:"units between instalments; empty is 1"`
	Unit           string             `json:"unit,omitempty" enum:"day,week,month,year,quarter_20,whole" doc:"empty is month; whole: one instalment after as many months as every says"`
	Method         string             `json:"method" enum:"equal_instalment,equal_principal,interest_only,bullet,flat"`
	DayCount       string             `json:"day_count,omitempty" enum:"ACT/360,ACT/365,ACT/364,30E/360,30/360,30/360 US,ACT/ACT ISDA,ACT/ACT 31DEC,ACT/ACT AFB" doc:"empty is ACT/360"`
	WholeMonths    bool               `json:"whole_months,omitempty" doc:"a month is a twelfth of a year, whatever its length"`
	MonthEnd       string             `json:"month_end,omitempty" enum:"clamp,roll,stick,first" doc:"where a missing 31st goes; empty is clamp"`
	DueRule        string             `json:"due_rule,omitempty" enum:"unadjusted,following,preceding,modified_following" doc:"due dates on rest days of the statutory calendar"`
	Weights        []int64            `json:"weights,omitempty" maxItems:"600" doc:"the level payment per instalment in hundredths: a season of zeros, steps of 110"`
	BalloonMinor   int64              `json:"balloon_minor,omitempty" minimum:"0" doc:"principal left for the last instalment, fen"`
	InAdvance      bool               `json:"in_advance,omitempty" doc:"instalments at the start of periods, as in a lease"`
	DownPayment    string             `json:"down_payment,omitempty" maxLength:"12" doc:"share due on the day of payment, such as 0.25"`
	GracePrincipal int                `json:"grace_principal,omitempty" minimum:"0" maximum:"599" doc:"instalments without principal"`
	GraceInterest  int                `json:"grace_interest,omitempty" minimum:"0" maximum:"599" doc:"instalments without interest"`
	GraceRule      string             `json:"grace_rule,omitempty" enum:"defer,capitalise,waive" doc:"what becomes of that interest; empty is defer"`
	Rounding       string             `json:"rounding,omitempty" enum:"half_up,half_even,down,up,floor,ceiling" doc:"empty is half_up"`
	MultipleMinor  int64              `json:"multiple_minor,omitempty" minimum:"0" maximum:"100000000" doc:"round the level payment to a multiple, fen"`
	FeeMinor       int64              `json:"fee_minor,omitempty" minimum:"0" doc:"fee kept back when the money is paid out, fen: it raises the yearly cost"`
}

type calculateInput struct{ Body calculateBody }

type calculateOutput struct{ Body Calculation }

// calculateRoute registers the calculator.
func calculateRoute(a *api.API) {
	calculate := op("calculate-schedule", http.MethodPost, "/api/v1/schedules", "还款计划计算器", "Calculate a repayment plan and what it costs a year", PermissionRead)
	calculate.NoIdempotency = true
	api.Handle(a, calculate, func(_ context.Context, _ auth.Principal, in *calculateInput) (*calculateOutput, error) {
		t, err := in.Body.terms()
		if err != nil {
			return nil, err
		}
		out, err := Calculate(t, in.Body.FeeMinor)
		return &calculateOutput{Body: out}, err
	})
}

// terms reads the texts of a request; every one that cannot be read is told.
func (b calculateBody) terms() (schedule.Terms, error) {
	var errs []error
	date := func(field, text string) (d calendar.Date) {
		if text == "" {
			return d
		}
		d, err := calendar.Parse(text)
		if err != nil {
			errs = append(errs, fault.Field(field, "须为日期，如 2026-03-31", "must be a date such as 2026-03-31"))
		}
		return d
	}
	yearly := func(field, text string) (r rate.Rate) {
		if text == "" {
			return r
		}
		r, err := rate.Parse(text)
		if err != nil {
			errs = append(errs, fault.Field(field, "须为小数，如 0.0435", "must be a decimal such as 0.0435"))
		}
		return r
	}
	t := schedule.Terms{
		Rate: yearly("rate", b.Rate), Start: date("start", b.Start), FirstDue: date("first_due", b.FirstDue), Count: b.Count, Every: max(b.Every, 1),
		Unit: schedule.Unit(b.Unit), Method: schedule.Method(b.Method), Accrual: schedule.ByDays, Weights: b.Weights, BalloonMinor: b.BalloonMinor,
		InAdvance: b.InAdvance, DownPayment: yearly("down_payment", b.DownPayment), GracePrincipal: b.GracePrincipal, GraceInterest: b.GraceInterest,
		GraceRule: schedule.GraceRule(b.GraceRule), Level: schedule.Nearest, MultipleMinor: b.MultipleMinor,
	}
	if t.Unit == "" {
		t.Unit = schedule.Month
	}
	if b.WholeMonths {
		t.Accrual = schedule.ByPeriod
	}
	t.Tranches = []schedule.Tranche{{Date: t.Start, AmountMinor: b.AmountMinor}}
	for _, x := range b.More {
		t.Tranches = append(t.Tranches, schedule.Tranche{Date: date("more", x.Date), AmountMinor: x.AmountMinor})
	}
	for _, x := range b.Changes {
		t.Changes = append(t.Changes, schedule.RateChange{From: date("changes", x.From), Rate: yearly("changes", x.Rate)})
	}
	errs = append(errs, b.names(&t))
	return t, fault.Join(errs...)
}

// names reads the conventions; the API has checked them against their lists.
func (b calculateBody) names(t *schedule.Terms) (err error) {
	if b.DayCount != "" {
		if t.Basis, err = daycount.Parse(b.DayCount); err != nil {
			return fault.Field("day_count", "未知的计息基础", "is not a known day count")
		}
	}
	if b.Rounding != "" {
		if t.Rounding, err = money.ParseMode(b.Rounding); err != nil {
			return fault.Field("rounding", "未知的舍入方式", "is not a known rounding")
		}
	}
	t.MultipleMode = t.Rounding
	if b.DueRule != "" {
		if err = t.DueRule.UnmarshalText([]byte(b.DueRule)); err != nil {
			return fault.Field("due_rule", "未知的顺延规则", "is not a known rule")
		}
	}
	for i, name := range []string{"clamp", "roll", "stick", "first"} {
		if b.MonthEnd == name {
			t.MonthEnd = calendar.MonthEnd(i)
		}
	}
	return nil
}
