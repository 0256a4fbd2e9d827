package feature

import "math/bits"

// partyTexts names one side of the trade in both languages.
type partyTexts struct {
	dir                           int
	id, zh, en, flowZh, flowEn    string
	sources                       []Source
	chart                         Chart
	empty                         emptyMeaning
	countDirection, spreadMeaning Direction
}

var buyers = partyTexts{dir: sale, id: "buyer", zh: "购方", en: "buyer", flowZh: "销售", flowEn: "sales", sources: sales, chart: ChartTopBuyers,
	empty: noSales, countDirection: Safer, spreadMeaning: Riskier}

var suppliers = partyTexts{dir: purchase, id: "supplier", zh: "供方", en: "supplier", flowZh: "采购", flowEn: "purchases", sources: purchases,
	chart: ChartTopSuppliers, empty: noPurchases, countDirection: Safer, spreadMeaning: Unknown}

func buyerFeatures() []Definition    { return partyFeatures(ThemeBuyers, buyers) }
func supplierFeatures() []Definition { return partyFeatures(ThemeSuppliers, suppliers) }

func partyFeatures(theme Theme, t partyTexts) []Definition {
	defs := append(concentrationFeatures(t), stabilityFeatures(t)...)
	for i := range defs {
		defs[i].Theme, defs[i].Sources, defs[i].Chart = theme, t.sources, t.chart
	}
	return defs
}

func concentrationFeatures(t partyTexts) []Definition {
	top := func(id, zh, en string, n int) Definition {
		return Definition{ID: t.id + "_" + id + "_12m", Zh: "近12月" + zh + t.zh + "占比", En: "Share of the " + en + " " + t.en + "s, last 12 months",
			Unit: UnitRatio, Window: Window12M, Direction: t.spreadMeaning,
			FormulaZh: zh + t.zh + "的" + t.flowZh + "净额 ÷ 全部正净额" + t.zh + "合计，近12月",
			FormulaEn: "net " + t.flowEn + " of the " + en + " / of all with a positive net, last 12 months",
			value:     func(a *Analysis) float64 { return a.topShare(t.dir, n) }}.empty(t.empty)
	}
	return []Definition{
		Definition{ID: t.id + "_count_12m", Zh: "近12月" + t.zh + "数", En: "Number of " + t.en + "s, last 12 months", Unit: UnitCount, Window: Window12M,
			Direction: t.countDirection, FormulaZh: "近12月有有效发票的" + t.zh + "数", FormulaEn: "distinct " + t.en + "s with a valid invoice in the last 12 months",
			value: func(a *Analysis) float64 {
				return float64(a.countParties(func(p *party) bool { return p.months12[t.dir] != 0 }))
			}}.empty(neverEmpty),
		Definition{ID: t.id + "_count", Zh: "历史" + t.zh + "数", En: "Number of " + t.en + "s, whole history", Unit: UnitCount, Window: WindowAll,
			Direction: t.countDirection, FormulaZh: "近60月有有效发票的" + t.zh + "数", FormulaEn: "distinct " + t.en + "s with a valid invoice in the last 60 months",
			value: func(a *Analysis) float64 {
				return float64(a.countParties(func(p *party) bool { return p.oldest[t.dir] >= 0 }))
			}}.empty(neverEmpty),
		Definition{ID: t.id + "_hhi_12m", Zh: "近12月" + t.zh + "集中度HHI", En: "Concentration (HHI) of " + t.en + "s, last 12 months", Unit: UnitRatio, Window: Window12M,
			Direction: t.spreadMeaning, FormulaZh: "各" + t.zh + t.flowZh + "占比的平方和，近12月正净额",
			FormulaEn: "sum of squared shares of " + t.en + "s in positive net " + t.flowEn + ", last 12 months",
			value:     func(a *Analysis) float64 { return a.herfindahl(t.dir) }}.empty(t.empty),
		top("top1_share", "第一大", "largest", 1),
		top("top3_share", "前三大", "three largest", 3),
		top("top5_share", "前五大", "five largest", 5),
	}
}

func stabilityFeatures(t partyTexts) []Definition {
	return []Definition{
		Definition{ID: t.id + "_retention_12m", Zh: t.zh + "留存率", En: "Retention of " + t.en + "s", Unit: UnitRatio, Window: Window24M, Direction: Safer,
			FormulaZh: "前12月正净额中，近12月仍有往来的" + t.zh + "所占比例", FormulaEn: "share of the prior 12 months' positive net from " + t.en + "s active again in the last 12",
			value: func(a *Analysis) float64 { return a.retention(t.dir) }}.empty(noPrior),
		Definition{ID: t.id + "_new_share_12m", Zh: "新" + t.zh + "占比", En: "Share of new " + t.en + "s", Unit: UnitRatio, Window: Window12M, Direction: Unknown,
			FormulaZh: "近12月正净额中，首次往来在近12月内的" + t.zh + "所占比例", FormulaEn: "share of the last 12 months' positive net with " + t.en + "s first met within them",
			value: func(a *Analysis) float64 {
				return a.partyShare(t.dir, func(p *party) bool { return a.frame.place[p.oldest[t.dir]].month < 12 })
			}}.empty(t.empty),
		Definition{ID: t.id + "_regular_share_12m", Zh: "常客" + t.zh + "占比", En: "Share of regular " + t.en + "s", Unit: UnitRatio, Window: Window12M, Direction: Safer,
			FormulaZh: "近12月正净额中，至少6个月有往来的" + t.zh + "所占比例", FormulaEn: "share of the last 12 months' positive net with " + t.en + "s active in at least 6 of them",
			value: func(a *Analysis) float64 {
				return a.partyShare(t.dir, func(p *party) bool { return bits.OnesCount16(p.months12[t.dir]) >= 6 })
			}}.empty(t.empty),
		Definition{ID: t.id + "_repeat_rate_12m", Zh: "回头" + t.zh + "比例", En: "Rate of returning " + t.en + "s", Unit: UnitRatio, Window: Window12M, Direction: Safer,
			FormulaZh: "近12月至少2个月有往来的" + t.zh + "数 ÷ 近12月" + t.zh + "数", FormulaEn: t.en + "s active in at least 2 months / all active " + t.en + "s, last 12 months",
			value: func(a *Analysis) float64 {
				active := a.countParties(func(p *party) bool { return p.months12[t.dir] != 0 })
				again := a.countParties(func(p *party) bool { return bits.OnesCount16(p.months12[t.dir]) >= 2 })
				return share(int64(again), int64(active))
			}}.empty(t.empty),
	}
}

func graphFeatures() []Definition {
	circular := func(p *party) bool { return p.oldest[sale] >= 0 && p.oldest[purchase] >= 0 }
	shared := func(pick func(*sharedSums) float64) func(*Analysis) float64 {
		return func(a *Analysis) float64 {
			if a.shared == nil {
				return null
			}
			return pick(a.shared)
		}
	}
	return []Definition{
		Definition{ID: "circular_parties", Zh: "既买又卖的对手方数", En: "Counterparties that both buy and sell", Theme: ThemeGraph, Unit: UnitCount, Window: WindowAll,
			Sources: both, Direction: Riskier, Chart: ChartGraph,
			FormulaZh: "近60月既是购方又是供方的对手方数", FormulaEn: "counterparties that are buyer and supplier within 60 months",
			value: func(a *Analysis) float64 { return float64(a.countParties(circular)) }}.empty(neverEmpty),
		Definition{ID: "circular_sales_share_12m", Zh: "循环销售占比", En: "Share of circular sales", Theme: ThemeGraph, Unit: UnitRatio, Window: Window12M,
			Sources: both, Direction: Riskier, Chart: ChartGraph,
			FormulaZh: "近12月正销售净额中，同时也是供方的购方所占比例", FormulaEn: "share of the last 12 months' positive net sales with buyers that also supply",
			value: func(a *Analysis) float64 { return a.partyShare(sale, circular) }}.empty(noSales),
		Definition{ID: "circular_purchases_share_12m", Zh: "循环采购占比", En: "Share of circular purchases", Theme: ThemeGraph, Unit: UnitRatio, Window: Window12M,
			Sources: both, Direction: Riskier, Chart: ChartGraph,
			FormulaZh: "近12月正采购净额中，同时也是购方的供方所占比例", FormulaEn: "share of the last 12 months' positive net purchases with suppliers that also buy",
			value: func(a *Analysis) float64 { return a.partyShare(purchase, circular) }}.empty(noPurchases),
		Definition{ID: "shared_firms", Zh: "有共同对手方的企业数", En: "Firms with a shared counterparty", Theme: ThemeGraph, Unit: UnitCount, Window: WindowAll,
			Sources: book, Direction: Unknown, Chart: ChartGraph,
			FormulaZh: "本机构内与该企业至少有一个共同对手方的其他企业数", FormulaEn: "other firms of the institution that share at least one counterparty",
			value: shared(func(s *sharedSums) float64 { return float64(s.firms) })}.empty(noBook),
		Definition{ID: "shared_sales_share_12m", Zh: "共同购方销售占比", En: "Share of sales to shared counterparties", Theme: ThemeGraph, Unit: UnitRatio, Window: Window12M,
			Sources: book, Direction: Unknown, Chart: ChartGraph,
			FormulaZh: "近12月正销售净额中，与其他企业共有的对手方所占比例", FormulaEn: "share of the last 12 months' positive net sales with counterparties that other firms also have",
			value: shared(func(s *sharedSums) float64 { return s.salesShare })}.empty(noBook),
		Definition{ID: "shared_purchases_share_12m", Zh: "共同供方采购占比", En: "Share of purchases from shared counterparties", Theme: ThemeGraph, Unit: UnitRatio, Window: Window12M,
			Sources: book, Direction: Unknown, Chart: ChartGraph,
			FormulaZh: "近12月正采购净额中，与其他企业共有的对手方所占比例", FormulaEn: "share of the last 12 months' positive net purchases with counterparties that other firms also have",
			value: shared(func(s *sharedSums) float64 { return s.purchasesShare })}.empty(noBook),
	}
}
