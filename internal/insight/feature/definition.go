package feature

import "math"

// Version names the set of formulas; it is stored with every snapshot and raised whenever a formula changes.
const Version = "invoice-1"

// Theme groups features the way a credit analyst reads a firm.
type Theme string

// The themes, in reading order.
const (
	ThemeLevel       Theme = "level"
	ThemeActivity    Theme = "activity"
	ThemeSilence     Theme = "silence"
	ThemeTrend       Theme = "trend"
	ThemeVolatility  Theme = "volatility"
	ThemeSeasonality Theme = "seasonality"
	ThemeQuality     Theme = "quality"
	ThemeBuyers      Theme = "buyers"
	ThemeSuppliers   Theme = "suppliers"
	ThemeGraph       Theme = "graph"
	ThemeVAT         Theme = "vat"
	ThemeMargin      Theme = "margin"
	ThemeCash        Theme = "cash"
)

// Unit tells how a value is shown.
type Unit string

// The units. UnitMoney values are whole fen held in a float64, exact up to 2^53 (90 trillion yuan).
const (
	UnitMoney  Unit = "fen"
	UnitRatio  Unit = "ratio"
	UnitCount  Unit = "count"
	UnitDays   Unit = "days"
	UnitMonths Unit = "months"
)

// Window is the stretch of time before the as-of date that a feature looks at.
type Window string

// The windows. A month is anchored at the as-of date: month 1 ends on it, month 2 ends one month before, and so on.
const (
	Window3M  Window = "3m"
	Window6M  Window = "6m"
	Window12M Window = "12m"
	Window24M Window = "24m"
	WindowAll Window = "60m"
)

// Direction is what an analyst expects of the risk when the value rises. The scorecard may only bend a feature that
// way, which keeps a small sample from inventing a story.
type Direction int

// The directions.
const (
	Safer   Direction = -1
	Unknown Direction = 0
	Riskier Direction = 1
)

// Source says which side of the books a feature reads.
type Source string

// The source kinds.
const (
	SourceSales     Source = "invoice.sale"
	SourcePurchases Source = "invoice.purchase"
	SourceBook      Source = "book.counterparty"
)

// Chart is the picture that explains a feature best; each kind is served by Series or by the value alone.
type Chart string

// The chart kinds.
const (
	ChartMonthlySales     Chart = "monthly_sales"
	ChartMonthlyPurchases Chart = "monthly_purchases"
	ChartMonthlyBoth      Chart = "monthly_sales_and_purchases"
	ChartMonthlyVoid      Chart = "monthly_void_share"
	ChartMonthlyTax       Chart = "monthly_tax"
	ChartTopBuyers        Chart = "top_buyers"
	ChartTopSuppliers     Chart = "top_suppliers"
	ChartSeason           Chart = "month_of_year"
	ChartCumulativeCash   Chart = "cumulative_cash"
	ChartGraph            Chart = "shared_counterparties"
)

// Definition documents one feature. Everything a person needs to read or dispute the number stands here.
type Definition struct {
	ID        string    `json:"id"`
	Zh        string    `json:"name_zh"`
	En        string    `json:"name_en"`
	Theme     Theme     `json:"theme"`
	Unit      Unit      `json:"unit"`
	Window    Window    `json:"window"`
	Sources   []Source  `json:"sources"`
	Direction Direction `json:"direction" doc:"1: a higher value is riskier, -1: safer, 0: learnt from data"`
	FormulaZh string    `json:"formula_zh"`
	FormulaEn string    `json:"formula_en"`
	NullZh    string    `json:"null_zh" doc:"what an empty value means"`
	NullEn    string    `json:"null_en"`
	Chart     Chart     `json:"chart"`

	value func(*Analysis) float64
}

// null says that a feature has no value for this firm and date.
var null = math.NaN()

// Null reports whether a feature value is absent.
func Null(v float64) bool { return math.IsNaN(v) }

type emptyMeaning struct{ zh, en string }

var (
	neverEmpty      = emptyMeaning{"不会为空", "never empty"}
	noSales         = emptyMeaning{"窗口内没有有效销项发票", "no valid sale invoice in the window"}
	noPurchases     = emptyMeaning{"窗口内没有有效进项发票", "no valid purchase invoice in the window"}
	noInvoices      = emptyMeaning{"没有任何有效发票", "no valid invoice at all"}
	noPrior         = emptyMeaning{"对比期净额不为正，无法比较", "the earlier period's net amount is not positive, so nothing to compare with"}
	shortHistory    = emptyMeaning{"首张发票距今不足所需月数", "the first invoice is younger than the months needed"}
	noBook          = emptyMeaning{"未提供跨企业对手方索引", "no cross-firm counterparty index was given"}
	noneOfDirection = emptyMeaning{"该方向没有任何发票", "no invoice of this direction"}
)

var (
	sales     = []Source{SourceSales}
	purchases = []Source{SourcePurchases}
	both      = []Source{SourceSales, SourcePurchases}
	book      = []Source{SourceBook, SourceSales, SourcePurchases}
)

func (d Definition) empty(m emptyMeaning) Definition {
	d.NullZh, d.NullEn = m.zh, m.en
	return d
}

var (
	definitions = assemble()
	position    = index(definitions)
)

func assemble() []Definition {
	var all []Definition
	for _, part := range [][]Definition{
		levelFeatures(), activityFeatures(), silenceFeatures(), trendFeatures(), volatilityFeatures(),
		seasonalityFeatures(), qualityFeatures(), buyerFeatures(), supplierFeatures(), graphFeatures(),
		vatFeatures(), marginFeatures(), cashFeatures(),
	} {
		all = append(all, part...)
	}
	return all
}

func index(defs []Definition) map[string]int {
	at := make(map[string]int, len(defs))
	for i, d := range defs {
		at[d.ID] = i
	}
	return at
}

// Definitions lists every feature in the order of Vector.Values.
func Definitions() []Definition { return append([]Definition(nil), definitions...) }

// Lookup finds a definition and its position in Vector.Values.
func Lookup(id string) (Definition, int, bool) {
	i, ok := position[id]
	if !ok {
		return Definition{}, -1, false
	}
	return definitions[i], i, true
}
