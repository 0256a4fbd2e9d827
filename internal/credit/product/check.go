package product

import (
	"fmt"

	"github.com/capillary-finance/capillary/internal/base/benchmark"
	"github.com/capillary-finance/capillary/internal/base/industry"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
)

// recipe checks everything except the expressions, which compile checks.
func (c *checker) recipe(r *Recipe) {
	if r.Schema != SchemaVersion {
		c.bad("schema", fmt.Sprintf("不支持的配方语言版本 %d", r.Schema), fmt.Sprintf("recipe language %d is not known", r.Schema), "写 schema: 1", "write schema: 1")
	}
	c.matches("id", r.ID, idPattern)
	c.text("name", r.Name)
	c.text("summary", r.Summary)
	c.between("version", r.Version, 1, 1_000_000)
	c.oneOf("status", string(r.Status), statuses)
	if r.Effective.From.IsZero() || !r.Effective.To.IsZero() && r.Effective.To.Before(r.Effective.From) {
		c.bad("effective", "生效日缺失或晚于失效日", "the start is missing or after the end", "填写 from，to 不早于 from", "give from, and to not before it")
	}
	c.audience(r)
	c.rules(r)
	c.limit(r)
	c.pricing(r)
	c.terms(r)
	c.decision(r)
	c.after(r)
}

func (c *checker) audience(r *Recipe) {
	for i, s := range r.Audience.SizeClasses {
		c.oneOf(fmt.Sprintf("audience.size_classes[%d]", i), s, sizes)
	}
	for name, list := range map[string][]string{"allow": r.Audience.Industries.Allow, "deny": r.Audience.Industries.Deny} {
		for i, code := range list {
			if _, err := industry.Lookup(code); err != nil {
				c.bad(fmt.Sprintf("audience.industries.%s[%d]", name, i), "不是 GB/T 4754 的门类或大类："+code, code+" is not a section or division of GB/T 4754", "写如 C 或 C26", "write C or C26")
			}
		}
	}
	if len(r.Evidence) == 0 {
		c.bad("evidence", "至少需要一种证据", "at least one kind of evidence is needed", "加入 kind: invoice", "add kind: invoice")
	}
	seen := map[string]bool{}
	for i, e := range r.Evidence {
		at := fmt.Sprintf("evidence[%d]", i)
		c.oneOf(at+".kind", e.Kind, evidenceKind)
		c.unique(at+".kind", "证据", seen, e.Kind)
		c.between(at+".months_min", int64(e.MonthsMin), 0, 60)
		c.between(at+".fresh_days_max", int64(e.FreshDaysMax), 1, 3660)
		if e.Purpose == "" {
			c.bad(at+".purpose", "缺少授权用途", "the purpose of the consent is missing", "写 purpose: credit", "write purpose: credit")
		}
	}
	seen = map[string]bool{}
	for i, p := range r.Parameters {
		at := fmt.Sprintf("parameters[%d]", i)
		c.matches(at+".name", p.Name, namePattern)
		c.unique(at+".name", "参数", seen, p.Name)
		c.oneOf(at+".unit", p.Unit, unitNames)
		if p.Zh == "" || p.En == "" || p.Source == "" {
			c.bad(at, "参数须有中英文名与来源", "a parameter needs both names and its source", "补充 zh、en、source", "add zh, en and source")
		}
	}
}

func (c *checker) rules(r *Recipe) {
	c.between("eligibility", int64(len(r.Eligibility)), 0, rulesMax)
	seen := map[string]bool{}
	for i, rule := range r.Eligibility {
		at := fmt.Sprintf("eligibility[%d]", i)
		c.matches(at+".code", rule.Code, codePattern)
		c.unique(at+".code", "原因码", seen, rule.Code)
		c.oneOf(at+".kind", string(rule.Kind), ruleKinds)
		c.text(at+".reason", rule.Reason)
		c.between(at+".retry_days", int64(rule.RetryDays), 0, 3660)
		if rule.Kind != Note {
			c.text(at+".remedy", rule.Remedy)
		}
	}
}

func (c *checker) limit(r *Recipe) {
	c.between("limit.round_to_minor", r.Limit.RoundToMinor, 1, 100_000_000)
	c.between("limit.min_minor", r.Limit.MinMinor, 0, r.Terms.AmountMaxMinor)
	c.between("limit.components", int64(len(r.Limit.Components)), 1, 20)
	seen := map[string]bool{}
	for i, k := range r.Limit.Components {
		at := fmt.Sprintf("limit.components[%d]", i)
		c.matches(at+".id", k.ID, namePattern)
		c.unique(at+".id", "组成项", seen, k.ID)
		c.text(at+".name", k.Name)
		c.text(at+".remedy", k.Remedy)
	}
}

func (c *checker) pricing(r *Recipe) {
	p := r.Pricing
	c.oneOf("pricing.benchmark", p.Benchmark, benchmarks)
	for _, f := range []struct {
		name string
		v    rate.Rate
		max  int64
	}{
		{"funding", p.Funding, rate.Scale}, {"operating", p.Operating, rate.Scale}, {"lgd", p.LGD, rate.Scale}, {"risk_weight", p.RiskWeight, 15 * rate.Scale},
		{"capital_rate", p.CapitalRate, rate.Scale}, {"hurdle_rate", p.HurdleRate, rate.Scale}, {"ceiling", p.Ceiling, rate.Scale},
	} {
		c.between("pricing."+f.name, int64(f.v), 0, f.max)
	}
	c.between("pricing.floor_spread", int64(p.FloorSpread), -rate.Scale/10, rate.Scale/10)
	if p.Repricing != "" && benchmark.Rule(p.Repricing).Check() != nil {
		c.bad("pricing.repricing", "未知的重定价规则", "is not a known rule of repricing", "例如 \"anniversary\"", "for instance \"anniversary\"")
	}
	if p.Ceiling <= 0 {
		c.bad("pricing.ceiling", "须有利率上限", "a ceiling is needed", "例如 \"0.12\"", "for instance \"0.12\"")
	}
	seen := map[string]bool{}
	for i, m := range p.Margins {
		c.unique(fmt.Sprintf("pricing.margins[%d].grade", i), "等级", seen, m.Grade)
	}
	if len(p.Margins) == 0 {
		c.bad("pricing.margins", "须按等级给出利差", "a margin per grade is needed", "为每个等级写一行", "write one row per grade")
	}
	for i, a := range p.Adjustments {
		c.text(fmt.Sprintf("pricing.adjustments[%d].name", i), a.Name)
	}
}

func (c *checker) terms(r *Recipe) {
	t := r.Terms
	c.oneOf("terms.kind", t.Kind, termKinds)
	if _, ok := money.Currency(t.Currency).Decimals(); !ok {
		c.bad("terms.currency", "未知币种 "+t.Currency, "unknown currency "+t.Currency, "例如 CNY", "for instance CNY")
	}
	if t.Currency != string(money.CNY) && r.Pricing.Repricing != "" && benchmark.Rule(r.Pricing.Repricing) != benchmark.Fixed {
		c.bad("pricing.repricing", "LPR 只用于人民币，"+t.Currency+" 产品须为固定利率", "the LPR is a rate of yuan loans: a product in "+t.Currency+" needs a fixed rate", "改为 \"fixed\"", "write \"fixed\"")
	}
	c.between("terms.amount_min_minor", t.AmountMinMinor, 1, 1_000_000_000_000)
	c.between("terms.amount_max_minor", t.AmountMaxMinor, t.AmountMinMinor, 1_000_000_000_000)
	c.between("terms.tenor_months_min", int64(t.TenorMonthsMin), 1, 360)
	c.between("terms.tenor_months_max", int64(t.TenorMonthsMax), int64(t.TenorMonthsMin), 360)
	c.between("terms.facility_months", int64(t.FacilityMonths), int64(t.TenorMonthsMin), 360)
	c.between("terms.grace_days", int64(t.GraceDays), 0, 90)
	c.oneOf("terms.day_count", t.DayCount, dayCounts)
	for i, m := range t.Methods {
		c.oneOf(fmt.Sprintf("terms.methods[%d]", i), m, methods)
	}
	if len(t.Methods) == 0 {
		c.bad("terms.methods", "至少一种还款方式", "at least one repayment method", "例如 interest_only", "for instance interest_only")
	}
	for i, a := range t.Allocation {
		c.oneOf(fmt.Sprintf("terms.allocation[%d]", i), a, allocations)
	}
	if len(t.Purposes) == 0 {
		c.bad("terms.purposes", "至少一种用途", "at least one purpose", "例如 id: stock", "for instance id: stock")
	}
	for i, p := range t.Purposes {
		c.text(fmt.Sprintf("terms.purposes[%d].name", i), p.Name)
	}
	c.kind(t)
}

func (c *checker) decision(r *Recipe) {
	d := r.Decision
	c.between("decision.refer_days", int64(d.ReferDays), 1, 60)
	c.between("decision.valid_days", int64(d.ValidDays), 1, 365)
	c.between("decision.offer_days", int64(d.OfferDays), 1, int64(max(1, d.ValidDays)))
	if len(d.Authority) == 0 {
		c.bad("decision.authority", "须有审批权限表", "an authority matrix is needed", "写 up_to_minor 与 roles", "give up_to_minor and roles")
		return
	}
	var last int64
	for i, a := range d.Authority {
		at := fmt.Sprintf("decision.authority[%d]", i)
		if a.UpToMinor <= last || len(a.Roles) == 0 {
			c.bad(at, "金额须逐行递增且每行有角色", "amounts must rise and every row needs a role", "按金额从小到大排列", "sort the rows by amount")
		}
		last = a.UpToMinor
	}
	if last < r.Terms.AmountMaxMinor {
		c.bad("decision.authority", "权限表未覆盖最高金额", "the matrix does not cover the highest amount", "把最后一行提高到 terms.amount_max_minor", "raise the last row to terms.amount_max_minor")
	}
}

func (c *checker) after(r *Recipe) {
	for i, d := range r.Documents {
		c.text(fmt.Sprintf("documents[%d].name", i), d.Name)
	}
	c.oneOf("disbursement.mode", r.Disbursement.Mode, payModes)
	c.oneOf("disbursement.payee", r.Disbursement.Payee, payees)
	c.between("watch", int64(len(r.Watch)), 0, rulesMax)
	seen := map[string]bool{}
	for i, w := range r.Watch {
		at := fmt.Sprintf("watch[%d]", i)
		c.matches(at+".code", w.Code, codePattern)
		c.unique(at+".code", "信号", seen, w.Code)
		c.oneOf(at+".level", w.Level, levels)
		c.oneOf(at+".action", string(w.Action), actions)
		c.text(at+".name", w.Name)
		c.text(at+".reason", w.Reason)
		c.text(at+".advice", w.Advice)
		if (w.Action == ActionReduce) != (w.ReduceTo != "") {
			c.bad(at+".reduce_to", "reduce_limit 动作且仅该动作须给出 reduce_to", "reduce_to belongs to the action reduce_limit, and only to it", "补充或删除 reduce_to", "add or remove reduce_to")
		}
	}
}
