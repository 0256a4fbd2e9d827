package product

import (
	"context"
	"errors"
	"math"
	"strings"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Hit is a rule that applied, with the firm's own figures.
type Hit struct {
	Code      string     `json:"code"`
	Kind      RuleKind   `json:"kind"`
	Reason    fault.Text `json:"reason"`
	Remedy    fault.Text `json:"remedy"`
	RetryDays int        `json:"retry_days"`
	Facts     Facts      `json:"facts" doc:"what the rule read"`
}

// Codes of the rules that every recipe has.
const (
	CodeAudience = "AUDIENCE_MISMATCH"
	CodeStale    = "EVIDENCE_STALE"
	CodeShort    = "EVIDENCE_SHORT"
	CodeAbsent   = "DATA_INCOMPLETE"
	CodeLimitLow = "LIMIT_BELOW_MINIMUM"
)

// Screen runs audience, evidence and eligibility in order and returns what was hit. A rule that
// cannot be decided for want of data refers the case, saying which figure is missing.
func (c *Compiled) Screen(ctx context.Context, f Facts) ([]Hit, error) {
	hits := append(c.audienceHits(f), c.evidenceHits(f)...)
	all := c.activation(f)
	for i, rule := range c.Eligibility {
		e := c.rules[i]
		got, err := e.run(ctx, all)
		var absent errAbsent
		switch {
		case errors.As(err, &absent):
			hits = append(hits, c.absentHit(rule.Code, absent.names))
		case err != nil:
			return nil, fault.New(ReasonRule, "rule", rule.Code, "problem", err.Error()).Wrap(err)
		case got == true:
			hits = append(hits, Hit{Code: rule.Code, Kind: rule.Kind, Reason: c.Fill(rule.Reason, f), Remedy: c.Fill(rule.Remedy, f),
				RetryDays: rule.RetryDays, Facts: read(all, e.reads)})
		}
	}
	return hits, nil
}

func read(all map[string]any, names []string) Facts {
	out := Facts{}
	for _, n := range names {
		out[n] = all[n]
	}
	return out
}

func (c *Compiled) absentHit(rule string, names []string) Hit {
	zh, en := make([]string, 0, len(names)), make([]string, 0, len(names))
	for _, v := range Variables() {
		for _, n := range names {
			if v.Name == n {
				zh, en = append(zh, v.Zh), append(en, v.En)
			}
		}
	}
	facts := Facts{}
	for _, n := range names {
		facts[n] = nil
	}
	return Hit{Code: CodeAbsent, Kind: Refer, RetryDays: 30, Facts: facts,
		Reason: fault.Text{Zh: "规则 " + rule + " 缺少数据：" + strings.Join(zh, "、"), En: "Rule " + rule + " lacks data: " + strings.Join(en, ", ")},
		Remedy: fault.Text{Zh: "补充上传相应期间的发票后重试", En: "Upload the invoices of that period and try again"}}
}

func (c *Compiled) audienceHits(f Facts) []Hit {
	str := func(name string) string { s, _ := f[name].(string); return s }
	var hits []Hit
	miss := func(zh, en, name string) {
		hits = append(hits, Hit{Code: CodeAudience, Kind: KnockOut, Facts: Facts{name: f[name]}, RetryDays: 365,
			Reason: fault.Text{Zh: "本产品不面向" + zh + "“" + str(name) + "”", En: "This product is not for " + en + " " + str(name)},
			Remedy: fault.Text{Zh: "请选择面向贵企业的其他产品，或更正企业登记信息", En: "Choose a product for your kind of firm, or correct the firm's registered data"}})
	}
	a := c.Audience
	if len(a.CustomerTypes) > 0 && !contains(a.CustomerTypes, str("firm.customer_type"), false) {
		miss("客户类型", "customer type", "firm.customer_type")
	}
	if len(a.SizeClasses) > 0 && str("firm.size_class") != "" && !contains(a.SizeClasses, str("firm.size_class"), false) {
		miss("企业规模", "size class", "firm.size_class")
	}
	if !a.Industries.admits(str("firm.industry")) {
		miss("行业", "industry", "firm.industry")
	}
	if !a.Regions.admits(str("firm.region")) {
		miss("地区", "region", "firm.region")
	}
	if !a.Firms.admits(str("firm.code")) {
		miss("企业", "firm", "firm.code")
	}
	return hits
}

// admits applies a white and a black list of prefixes.
func (l Lists) admits(v string) bool {
	if v != "" && contains(l.Deny, v, true) {
		return false
	}
	return len(l.Allow) == 0 || contains(l.Allow, v, true)
}

func contains(list []string, v string, prefix bool) bool {
	for _, x := range list {
		if x == v || prefix && strings.HasPrefix(v, x) {
			return true
		}
	}
	return false
}

func (c *Compiled) evidenceHits(f Facts) []Hit {
	var hits []Hit
	for _, e := range c.Evidence {
		if e.Kind != "invoice" {
			continue // other kinds bring their own facts when their sources exist
		}
		months, _ := f["evidence.months"].(float64)
		age, _ := f["evidence.age_days"].(float64)
		switch {
		case months < float64(e.MonthsMin):
			hits = append(hits, Hit{Code: CodeShort, Kind: KnockOut, Facts: Facts{"evidence.months": months}, RetryDays: 30 * max(1, e.MonthsMin-int(months)),
				Reason: fault.Text{Zh: "有发票的月份仅 " + Show(months, "months", "zh") + "，至少需要 " + Show(float64(e.MonthsMin), "months", "zh"),
					En: "Invoices cover " + Show(months, "months", "en") + "; at least " + Show(float64(e.MonthsMin), "months", "en") + " are needed"},
				Remedy: fault.Text{Zh: "补充更早期间的发票，或待开票历史足够后再申请", En: "Upload invoices of earlier periods, or apply once the history is long enough"}})
		case age > float64(e.FreshDaysMax):
			hits = append(hits, Hit{Code: CodeStale, Kind: Refer, Facts: Facts{"evidence.age_days": age}, RetryDays: 1,
				Reason: fault.Text{Zh: "最近一张发票距今 " + Show(age, "days", "zh") + "，超过 " + Show(float64(e.FreshDaysMax), "days", "zh"),
					En: "The newest invoice is " + Show(age, "days", "en") + " old; at most " + Show(float64(e.FreshDaysMax), "days", "en") + " is accepted"},
				Remedy: fault.Text{Zh: "上传最近的发票后重新测算", En: "Upload recent invoices and ask again"}})
		}
	}
	return hits
}

// Bound is one evaluated limit component.
type Bound struct {
	ID          string     `json:"id"`
	Name        fault.Text `json:"name"`
	AmountMinor int64      `json:"amount_minor"`
	Binding     bool       `json:"binding"`
	Remedy      fault.Text `json:"remedy"`
	Facts       Facts      `json:"facts"`
}

// Limits evaluates every component; the smallest binds, the limit is it rounded down and never
// negative. A component that lacks data is returned as the error's hit, so that the case refers.
func (c *Compiled) Limits(ctx context.Context, f Facts) (bounds []Bound, limitMinor int64, missing *Hit, err error) {
	all := c.activation(f)
	smallest := -1
	for i, k := range c.Limit.Components {
		e := c.parts[i]
		got, err := e.run(ctx, all)
		var absent errAbsent
		if errors.As(err, &absent) {
			h := c.absentHit(k.ID, absent.names)
			missing = &h
			continue
		}
		if err != nil {
			return nil, 0, nil, fault.New(ReasonRule, "rule", k.ID, "problem", err.Error()).Wrap(err)
		}
		b := Bound{ID: k.ID, Name: k.Name, AmountMinor: fen(got), Remedy: c.Fill(k.Remedy, f), Facts: read(all, e.reads)}
		bounds = append(bounds, b)
		if smallest < 0 || b.AmountMinor < bounds[smallest].AmountMinor {
			smallest = len(bounds) - 1
		}
	}
	if smallest < 0 {
		return bounds, 0, missing, nil
	}
	bounds[smallest].Binding = true
	low := max(0, bounds[smallest].AmountMinor)
	return bounds, low - low%c.Limit.RoundToMinor, missing, nil
}

// fen is the one place where a rule's number becomes money: downwards, inside the exact range of a
// float and of the product's largest amount.
func fen(v any) int64 {
	x, _ := v.(float64)
	const top = 1e15
	return int64(math.Floor(min(max(x, -top), top)))
}

// Adjusted lists the price adjustments whose condition holds; one that lacks data does not hold.
func (c *Compiled) Adjusted(ctx context.Context, f Facts) ([]Adjustment, error) {
	all := c.activation(f)
	var out []Adjustment
	for i, a := range c.Pricing.Adjustments {
		got, err := c.adjust[i].run(ctx, all)
		var absent errAbsent
		if err != nil && !errors.As(err, &absent) {
			return nil, fault.New(ReasonRule, "rule", a.ID, "problem", err.Error()).Wrap(err)
		}
		if got == true {
			out = append(out, a)
		}
	}
	return out, nil
}

// StraightThrough says whether the machine may decide alone; without the data it may not.
func (c *Compiled) StraightThrough(ctx context.Context, f Facts) (bool, error) {
	got, err := c.straight.run(ctx, c.activation(f))
	var absent errAbsent
	if errors.As(err, &absent) {
		return false, nil
	}
	if err != nil {
		return false, fault.New(ReasonRule, "rule", "decision.straight_through", "problem", err.Error()).Wrap(err)
	}
	return got == true, nil
}

// Alarm is a watch signal that fired.
type Alarm struct {
	Watch
	Reason        fault.Text `json:"reason"`
	Advice        fault.Text `json:"advice"`
	ReduceToMinor int64      `json:"reduce_to_minor"`
	Before        any        `json:"before"`
	After         any        `json:"after"`
	Unit          string     `json:"unit"`
	Facts         Facts      `json:"facts"`
}

// Alarms evaluates the watch signals over facts of now, before and the facility. A signal that lacks
// data is silent: absence itself is watched by the silence signal.
func (c *Compiled) Alarms(ctx context.Context, f Facts) ([]Alarm, error) {
	all := c.activation(f)
	var out []Alarm
	for i, w := range c.Watch {
		got, err := c.watch[i].run(ctx, all)
		var absent errAbsent
		if err != nil && !errors.As(err, &absent) {
			return nil, fault.New(ReasonRule, "rule", w.Code, "problem", err.Error()).Wrap(err)
		}
		if got != true {
			continue
		}
		a := Alarm{Watch: w, Reason: c.Fill(w.Reason, f), Advice: c.Fill(w.Advice, f), Before: f["before."+w.Metric], After: f[w.Metric],
			Unit: c.units[w.Metric], Facts: read(all, c.watch[i].reads)}
		if w.ReduceTo != "" {
			to, err := c.reduce[i].run(ctx, all)
			if err != nil {
				return nil, fault.New(ReasonRule, "rule", w.Code, "problem", err.Error()).Wrap(err)
			}
			low := max(0, fen(to))
			a.ReduceToMinor = low - low%c.Limit.RoundToMinor
		}
		out = append(out, a)
	}
	return out, nil
}

// OnSale says whether applications are taken on a date.
func (c *Compiled) OnSale(day calendar.Date) bool {
	return (c.Status == Live || c.Status == Pilot) && !day.Before(c.Effective.From) && (c.Effective.To.IsZero() || !day.After(c.Effective.To))
}

// AuthorityFor gives the roles that may approve an amount.
func (c *Compiled) AuthorityFor(amountMinor int64) []string {
	for _, a := range c.Decision.Authority {
		if amountMinor <= a.UpToMinor {
			return a.Roles
		}
	}
	return nil
}
