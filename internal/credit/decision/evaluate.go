package decision

import (
	"context"
	"fmt"
	"slices"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/credit/pricing"
	"github.com/capillary-finance/capillary/internal/credit/product"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Evaluate makes the answer. It reads nothing but its arguments: the same inputs and recipe give the
// same outcome, today and in ten years.
func Evaluate(ctx context.Context, c *product.Compiled, in Inputs) (Outcome, error) {
	out := Outcome{ValidUntil: in.Date.AddDays(c.Decision.ValidDays), Reasons: []Reason{}, Authority: []string{}}
	hits, err := c.Screen(ctx, in.Facts)
	if err != nil {
		return out, err
	}
	bounds, limit, missing, err := c.Limits(ctx, in.Facts)
	if err != nil {
		return out, err
	}
	if missing != nil {
		hits = append(hits, *missing)
	}
	out.Rules, out.Bounds, out.LimitMinor = hits, bounds, limit
	for _, h := range hits {
		out.Reasons = append(out.Reasons, Reason{Code: h.Code, Kind: h.Kind, Text: h.Reason, Remedy: h.Remedy, RetryOn: retry(in.Date, h.RetryDays)})
	}
	binding := bindingOf(bounds)
	if binding != nil {
		out.Binding = binding.ID
	}
	if err := priceInto(ctx, c, in, &out); err != nil {
		return out, err
	}
	out.AmountMinor = min(limit, in.Ask.AmountMinor)
	limitReasons(c, in, binding, &out)
	return conclude(ctx, c, in, out)
}

func bindingOf(bounds []product.Bound) *product.Bound {
	for i := range bounds {
		if bounds[i].Binding {
			return &bounds[i]
		}
	}
	return nil
}

func retry(from calendar.Date, days int) calendar.Date {
	if days == 0 {
		return calendar.Date{}
	}
	return from.AddDays(days)
}

// limitReasons says why nothing, or less than asked, is offered.
func limitReasons(c *product.Compiled, in Inputs, binding *product.Bound, out *Outcome) {
	least := max(c.Limit.MinMinor, c.Terms.AmountMinMinor)
	switch {
	case binding == nil: // every component lacked data: that reason is already there
	case out.AmountMinor < least:
		out.Reasons = append(out.Reasons, Reason{Code: CodeLimitLow, Kind: product.KnockOut, RetryOn: retry(in.Date, 90), Remedy: binding.Remedy,
			Text: fault.Text{
				Zh: fmt.Sprintf("测算额度 %s，低于起点 %s；限制因素：%s", amount(c.Terms.Currency, out.LimitMinor, "zh"), amount(c.Terms.Currency, least, "zh"), binding.Name.Zh),
				En: fmt.Sprintf("The limit comes to %s, below the minimum of %s; what binds: %s", amount(c.Terms.Currency, out.LimitMinor, "en"), amount(c.Terms.Currency, least, "en"), binding.Name.En),
			}})
	case out.AmountMinor < in.Ask.AmountMinor:
		out.Reasons = append(out.Reasons, Reason{Code: CodeReduced, Kind: product.Note, RetryOn: retry(in.Date, 30), Remedy: binding.Remedy,
			Text: fault.Text{
				Zh: fmt.Sprintf("申请 %s，可给 %s；限制因素：%s", amount(c.Terms.Currency, in.Ask.AmountMinor, "zh"), amount(c.Terms.Currency, out.AmountMinor, "zh"), binding.Name.Zh),
				En: fmt.Sprintf("%s was asked, %s can be given; what binds: %s", amount(c.Terms.Currency, in.Ask.AmountMinor, "en"), amount(c.Terms.Currency, out.AmountMinor, "en"), binding.Name.En),
			}})
	}
}

func amount(currency string, minor int64, lang string) string {
	return money.Of(minor, money.Currency(currency)).Format(lang)
}

// priceInto builds the rate; a cost above the ceiling declines, because lending below cost to a risky
// firm is not inclusive but unsound.
func priceInto(ctx context.Context, c *product.Compiled, in Inputs, out *Outcome) error {
	p := c.Pricing
	margin, ok := rate.Rate(0), false
	for _, m := range p.Margins {
		if m.Grade == in.Grade {
			margin, ok = m.Rate, true
		}
	}
	if !ok {
		out.Reasons = append(out.Reasons, Reason{Code: CodeMargin, Kind: product.Refer,
			Text:   fault.Text{Zh: "产品未给等级 " + in.Grade + " 定价", En: "The product has no price for grade " + in.Grade},
			Remedy: fault.Text{Zh: "由审批人定价", En: "An approver sets the price"}})
	}
	held, err := rate.Share(int64(p.RiskWeight), p.CapitalRate, money.Up)
	if err != nil {
		return err
	}
	capital, err := rate.Share(held, p.HurdleRate, money.Up)
	if err != nil {
		return err
	}
	adjusted, err := c.Adjusted(ctx, in.Facts)
	if err != nil {
		return err
	}
	cost := pricing.Cost{Funding: p.Funding, Operating: p.Operating, PD: in.PD, LGD: p.LGD, Capital: rate.Rate(capital), Margin: margin,
		Floor: max(0, in.Benchmark.Rate+p.FloorSpread), Ceiling: p.Ceiling}
	for _, a := range adjusted {
		cost.Adjustments = append(cost.Adjustments, pricing.Component{Code: a.ID, Zh: a.Name.Zh, En: a.Name.En, Rate: a.Rate})
	}
	price, err := pricing.Of(cost)
	if err != nil {
		return err
	}
	out.Price, out.Rate = &price, price.Rate
	if price.Shortfall > 0 {
		out.Reasons = append(out.Reasons, Reason{Code: CodePriceHigh, Kind: product.KnockOut, RetryOn: retry(in.Date, 90),
			Text: fault.Text{
				Zh: fmt.Sprintf("按风险测算的利率 %s 高于产品上限 %s（违约概率 %s）", price.Cost.Percent(), p.Ceiling.Percent(), percent(in.PD)),
				En: fmt.Sprintf("The rate that covers the risk, %s, lies above the product's ceiling of %s (probability of default %s)", price.Cost.Percent(), p.Ceiling.Percent(), percent(in.PD)),
			},
			Remedy: fault.Text{Zh: "改善失分项以降低风险，或选择有抵押、有担保的产品", En: "Improve the items that lost points, or choose a secured or guaranteed product"}})
	}
	return nil
}

// percent shows a probability with one decimal, as the score's reasons do.
func percent(r rate.Rate) string {
	tenths, err := money.MulDiv(int64(r), 1000, rate.Scale, money.HalfUp)
	if err != nil {
		return r.Percent()
	}
	return fmt.Sprintf("%d.%d%%", tenths/10, tenths%10)
}

// conclude weighs the reasons: any knock-out declines, any referral or a case outside straight-through
// goes to a person, the rest is approved.
func conclude(ctx context.Context, c *product.Compiled, in Inputs, out Outcome) (Outcome, error) {
	kinds := func(k product.RuleKind) bool {
		return slices.ContainsFunc(out.Reasons, func(r Reason) bool { return r.Kind == k })
	}
	auto, err := c.StraightThrough(ctx, in.Facts)
	if err != nil {
		return out, err
	}
	switch {
	case kinds(product.KnockOut):
		out.Result, out.AmountMinor = Declined, 0
	case kinds(product.Refer) || !auto:
		out.Result = Referred
		out.Authority = c.AuthorityFor(max(out.AmountMinor, c.Terms.AmountMinMinor))
		if !kinds(product.Refer) {
			out.Reasons = append(out.Reasons, Reason{Code: CodeByPerson, Kind: product.Refer,
				Text: fault.Text{
					Zh: fmt.Sprintf("等级 %s、金额 %s 超出自动审批范围，由有权人审批", in.Grade, amount(c.Terms.Currency, in.Ask.AmountMinor, "zh")),
					En: fmt.Sprintf("Grade %s and %s lie outside what is decided automatically: an authorised person decides", in.Grade, amount(c.Terms.Currency, in.Ask.AmountMinor, "en")),
				},
				Remedy: fault.Text{Zh: fmt.Sprintf("请等待审批，%d 个工作日内答复", c.Decision.ReferDays), En: fmt.Sprintf("Please wait: the answer comes within %d working days", c.Decision.ReferDays)}})
		}
	default:
		out.Result, out.StraightThrough = Approved, true
	}
	if out.Result == Declined && !in.ThinFile {
		out.Reasons = append(out.Reasons, scoreReasons(in)...)
	}
	slices.SortStableFunc(out.Reasons, func(a, b Reason) int { return weight(a.Kind) - weight(b.Kind) })
	return out, nil
}

func weight(k product.RuleKind) int {
	switch k {
	case product.KnockOut:
		return 0
	case product.Refer:
		return 1
	case product.Note:
		return 2
	}
	return 3
}

// scoreReasons adds the features that lost most points, so that a refusal names what would help.
func scoreReasons(in Inputs) []Reason {
	var out []Reason
	for _, r := range in.ScoreReasons[:min(len(in.ScoreReasons), reasonsOfScore)] {
		out = append(out, Reason{Code: CodeScore + "." + r.Code, Kind: product.Note, Text: fault.Text{Zh: r.Zh, En: r.En}, RetryOn: retry(in.Date, 90),
			Remedy: fault.Text{Zh: "改善该项后评分随最新发票自动更新", En: "The score follows the newest invoices once this improves"}})
	}
	return out
}
