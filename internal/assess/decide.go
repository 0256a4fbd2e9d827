package assess

import (
	"strconv"

	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/evidence/source"
	"github.com/capillary-finance/capillary/internal/insight/feature"
	"github.com/capillary-finance/capillary/internal/insight/scorecard"
)

// Rules are the recipe of a run on files: what turns a firm away, and how high a limit may be.
type Rules struct {
	MaxSilenceDays   int                  `json:"max_silence_days"`   // since the last sale
	MaxVoidRate      float64              `json:"max_void_rate"`      // of sale invoices, last 12 months
	MaxCircularShare float64              `json:"max_circular_share"` // of sales to firms that also supply, last 12 months
	TurnoverShares   map[string]rate.Rate `json:"turnover_shares"`    // by grade: limit as a share of 12-month net sales
}

// DefaultRules are coarse on purpose: the score does the ranking, rules only turn away what a
// score on invoices cannot see or what the product excludes.
func DefaultRules() Rules {
	return Rules{
		MaxSilenceDays: 90, MaxVoidRate: 0.5, MaxCircularShare: 0.5,
		TurnoverShares: map[string]rate.Rate{"A": rate.FromBP(2000), "B": rate.FromBP(1500), "C": rate.FromBP(1000)},
	}
}

// Outcomes of a decision.
const (
	Approve = "approve"
	Decline = "decline"
	Refer   = "refer" // to a person
)

// Ground is one reason of a decision.
type Ground struct {
	Code string `json:"code"`
	Zh   string `json:"zh"`
	En   string `json:"en"`
}

// LimitPart is one bound of a limit.
type LimitPart struct {
	Code        string `json:"code"`
	Zh          string `json:"name_zh"`
	En          string `json:"name_en"`
	AmountMinor int64  `json:"amount_minor"`
}

// Decision is what the recipe says of one firm.
type Decision struct {
	Outcome    string      `json:"outcome"`
	Grounds    []Ground    `json:"grounds"`
	LimitMinor int64       `json:"limit_minor"`
	Binding    string      `json:"binding"` // code of the part that decided the limit
	Parts      []LimitPart `json:"limit_parts"`
}

// decide applies every rule, so that a firm hears all that stands against it and not only the first.
func decide(o *Options, lendable map[string]bool, firm source.FirmRow, v feature.Vector, s scorecard.Result) Decision {
	d := Decision{Outcome: Approve, Grounds: []Ground{}}
	against := func(code, zh, en string) { d.Grounds = append(d.Grounds, Ground{code, zh, en}) }
	r := o.Rules
	if firm.Defaulted {
		against("known_default", "资料显示该企业已违约", "The file records a default of this firm")
	}
	if !lendable[s.Grade] {
		pd := percent(s.PD)
		against("grade", "评级 "+s.Grade+"（违约概率 "+pd+"）不在可贷等级内", "Grade "+s.Grade+" (probability of default "+pd+") is not lent to")
	}
	if days, ok := v.Value("sales_silence_days"); ok && days > float64(r.MaxSilenceDays) {
		n, limit := strconv.Itoa(int(days)), strconv.Itoa(r.MaxSilenceDays)
		against("sales_silence", "已 "+n+" 天没有销项发票（上限 "+limit+" 天）", "No sale invoice for "+n+" days (limit "+limit+")")
	}
	if share, ok := v.Value("sales_void_rate_12m"); ok && share > r.MaxVoidRate {
		against("void_rate", "近12月销项作废率 "+percent(share)+"（上限 "+percent(r.MaxVoidRate)+"）", "Void rate of sales "+percent(share)+" in 12 months (limit "+percent(r.MaxVoidRate)+")")
	}
	if share, ok := v.Value("circular_sales_share_12m"); ok && share > r.MaxCircularShare {
		against("circular_trade", "既是客户又是供应商的占比 "+percent(share)+"（上限 "+percent(r.MaxCircularShare)+"）", "Share of sales to firms that also supply: "+percent(share)+" (limit "+percent(r.MaxCircularShare)+")")
	}
	d.limit(o, v, s.Grade)
	if d.LimitMinor < max(o.Terms.MinMinor, o.Terms.LotMinor) {
		against("limit_too_small", "额度 "+yuan(d.LimitMinor)+" 元低于最低放款额 "+yuan(o.Terms.MinMinor)+" 元", "Limit "+yuan(d.LimitMinor)+" yuan is under the smallest amount "+yuan(o.Terms.MinMinor))
	}
	switch {
	case len(d.Grounds) > 0:
		d.Outcome, d.LimitMinor = Decline, 0
	case s.ThinFile:
		d.Outcome, d.LimitMinor = Refer, 0
		for _, reason := range s.Reasons {
			against(reason.Code, reason.Zh, reason.En)
		}
	}
	return d
}

// limit is the least of its parts, down to whole lots.
func (d *Decision) limit(o *Options, v feature.Vector, grade string) {
	sales := int64(0)
	if net, ok := v.Value("sales_net_12m"); ok && net > 0 {
		sales = int64(net)
	}
	byTurnover, err := rate.Share(sales, o.Rules.TurnoverShares[grade], money.Down)
	if err != nil {
		byTurnover = o.Terms.MaxMinor // beyond int64: certainly above the cap
	}
	share := o.Rules.TurnoverShares[grade].Percent()
	d.Parts = []LimitPart{
		{"product_cap", "产品上限", "Product cap", o.Terms.MaxMinor},
		{"turnover", "近12月不含税销售额的 " + share, share + " of 12-month net sales", byTurnover},
	}
	least := d.Parts[0]
	for _, p := range d.Parts[1:] {
		if p.AmountMinor < least.AmountMinor {
			least = p
		}
	}
	d.Binding = least.Code
	d.LimitMinor = least.AmountMinor / o.Terms.LotMinor * o.Terms.LotMinor
}

func percent(v float64) string { return strconv.FormatFloat(v*100, 'f', 1, 64) + "%" }

// yuan writes whole yuan with thousands separators.
func yuan(minor int64) string { return money.Group(strconv.FormatInt(minor/100, 10)) }
