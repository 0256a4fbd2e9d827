package scorecard

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/insight/feature"
)

// ReasonLimit is how many reasons a score gives at most.
const ReasonLimit = 4

// ThinFileCode is the reason of a firm with too little history.
const ThinFileCode = "thin_file"

// Reason says in both languages, with the firm's own figure, why points were lost.
type Reason struct {
	Code       string `json:"code" doc:"the feature's id, or thin_file"`
	PointsLost int    `json:"points_lost"`
	Zh         string `json:"zh"`
	En         string `json:"en"`
}

// reasons lists the features that lost most points against their best bin, ties by feature id.
func (m *Model) reasons(contributions []Contribution) []Reason {
	lost := slices.DeleteFunc(slices.Clone(contributions), func(c Contribution) bool { return c.MaxPoints <= c.Points })
	slices.SortFunc(lost, func(a, b Contribution) int {
		return cmp.Or(cmp.Compare(b.MaxPoints-b.Points, a.MaxPoints-a.Points), strings.Compare(a.Feature, b.Feature))
	})
	reasons := []Reason{}
	for _, c := range lost[:min(len(lost), ReasonLimit)] {
		reasons = append(reasons, m.reason(c))
	}
	return reasons
}

func (m *Model) reason(c Contribution) Reason {
	def, _, _ := feature.Lookup(c.Feature)
	r := Reason{Code: c.Feature, PointsLost: c.MaxPoints - c.Points}
	if c.Value == nil {
		r.Zh = fmt.Sprintf("%s无数值（%s），本项失%d分", def.Zh, def.NullZh, r.PointsLost)
		r.En = fmt.Sprintf("%s has no value (%s): %d points lost", def.En, def.NullEn, r.PointsLost)
		return r
	}
	target, riskier := m.target(c)
	aimZh, aimEn := "高于", "above"
	if riskier {
		aimZh, aimEn = "不高于", "at most"
	}
	r.Zh = fmt.Sprintf("%s为%s，得满分需%s%s，本项失%d分", def.Zh, Figure(*c.Value, def.Unit, "zh"), aimZh, Figure(target, def.Unit, "zh"), r.PointsLost)
	r.En = fmt.Sprintf("%s is %s; full points need %s %s: %d points lost", def.En, Figure(*c.Value, def.Unit, "en"), aimEn, Figure(target, def.Unit, "en"), r.PointsLost)
	return r
}

// target is the bound of the best bin on the side of the firm.
func (m *Model) target(c Contribution) (bound float64, riskier bool) {
	for i := range m.Characteristics {
		ch := &m.Characteristics[i]
		if ch.Feature != c.Feature {
			continue
		}
		if ch.Direction == feature.Riskier {
			return *ch.Bins[0].Max, true
		}
		return *ch.Bins[len(ch.Bins)-2].Max, false
	}
	return 0, false
}

func thinReason(v feature.Vector, o *Options) Reason {
	return Reason{Code: ThinFileCode,
		Zh: fmt.Sprintf("发票历史不足：仅%d个月、%d张有效发票，至少需要%d个月和%d张；按组合平均水平计分并转人工", v.Months, v.Invoices, o.ThinMonths, o.ThinInvoices),
		En: fmt.Sprintf("Too little invoice history: %d months and %d valid invoices, at least %d months and %d are needed; scored at the book's average and for a person to review",
			v.Months, v.Invoices, o.ThinMonths, o.ThinInvoices)}
}

// Figure writes a feature value for a reader.
func Figure(v float64, unit feature.Unit, lang string) string {
	switch unit {
	case feature.UnitMoney:
		yuan := money.Group(strconv.FormatFloat(v/100, 'f', 0, 64))
		if lang == "zh" {
			return yuan + "元"
		}
		return "CNY " + yuan
	case feature.UnitRatio:
		return strconv.FormatFloat(v*100, 'f', 1, 64) + "%"
	case feature.UnitDays:
		return counted(v, "天", "days", lang)
	case feature.UnitMonths:
		return counted(v, "个月", "months", lang)
	default:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
}

func counted(v float64, zh, en, lang string) string {
	n := strconv.FormatFloat(v, 'f', -1, 64)
	if lang == "zh" {
		return n + zh
	}
	return n + " " + en
}
