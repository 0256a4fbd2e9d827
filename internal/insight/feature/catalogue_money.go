package feature

func vatFeatures() []Definition {
	return []Definition{
		Definition{ID: "vat_output_12m", Zh: "近12月销项税额", En: "Output VAT, last 12 months", Theme: ThemeVAT, Unit: UnitMoney, Window: Window12M,
			Sources: sales, Direction: Safer, Chart: ChartMonthlyTax,
			FormulaZh: "近12月有效销项发票税额之和", FormulaEn: "sum of tax of valid sale invoices, last 12 months",
			value: func(a *Analysis) float64 { return float64(sum(&a.side[sale].tax, 0, 12)) }}.empty(neverEmpty),
		Definition{ID: "vat_payable_12m", Zh: "近12月估算应纳增值税", En: "Estimated VAT payable, last 12 months", Theme: ThemeVAT, Unit: UnitMoney, Window: Window12M,
			Sources: both, Direction: Safer, Chart: ChartMonthlyTax,
			FormulaZh: "近12月销项税额 − 进项税额", FormulaEn: "output VAT - input VAT, last 12 months",
			value: func(a *Analysis) float64 {
				return float64(sum(&a.side[sale].tax, 0, 12) - sum(&a.side[purchase].tax, 0, 12))
			}}.empty(neverEmpty),
		Definition{ID: "vat_burden_12m", Zh: "近12月增值税税负率", En: "VAT burden, last 12 months", Theme: ThemeVAT, Unit: UnitRatio, Window: Window12M,
			Sources: both, Direction: Safer, Chart: ChartMonthlyTax,
			FormulaZh: "（销项税额 − 进项税额）÷ 销售净额，近12月", FormulaEn: "(output VAT - input VAT) / net sales, last 12 months",
			value: func(a *Analysis) float64 {
				return share(sum(&a.side[sale].tax, 0, 12)-sum(&a.side[purchase].tax, 0, 12), sum(&a.side[sale].net, 0, 12))
			}}.empty(noSales),
		Definition{ID: "vat_output_rate_12m", Zh: "近12月平均销项税率", En: "Mean output VAT rate, last 12 months", Theme: ThemeVAT, Unit: UnitRatio, Window: Window12M,
			Sources: sales, Direction: Unknown, Chart: ChartMonthlyTax,
			FormulaZh: "销项税额 ÷ 销售净额，近12月", FormulaEn: "output VAT / net sales, last 12 months",
			value: func(a *Analysis) float64 {
				return share(sum(&a.side[sale].tax, 0, 12), sum(&a.side[sale].net, 0, 12))
			}}.empty(noSales),
		Definition{ID: "vat_input_rate_12m", Zh: "近12月平均进项税率", En: "Mean input VAT rate, last 12 months", Theme: ThemeVAT, Unit: UnitRatio, Window: Window12M,
			Sources: purchases, Direction: Unknown, Chart: ChartMonthlyTax,
			FormulaZh: "进项税额 ÷ 采购净额，近12月", FormulaEn: "input VAT / net purchases, last 12 months",
			value: func(a *Analysis) float64 {
				return share(sum(&a.side[purchase].tax, 0, 12), sum(&a.side[purchase].net, 0, 12))
			}}.empty(noPurchases),
		Definition{ID: "sales_untaxed_share_12m", Zh: "近12月零税额销售占比", En: "Share of untaxed sales, last 12 months", Theme: ThemeVAT, Unit: UnitRatio, Window: Window12M,
			Sources: sales, Direction: Unknown, Chart: ChartMonthlyTax,
			FormulaZh: "税额为零的蓝字销项金额 ÷ 近12月销售净额", FormulaEn: "net of positive sale invoices without tax / net sales, last 12 months",
			value: func(a *Analysis) float64 {
				return share(a.side[sale].untaxed12, sum(&a.side[sale].net, 0, 12))
			}}.empty(noSales),
	}
}

func marginFeatures() []Definition {
	margin := func(a *Analysis, from, to int) float64 {
		s := sum(&a.side[sale].net, from, to)
		return share(s-sum(&a.side[purchase].net, from, to), s)
	}
	return []Definition{
		Definition{ID: "margin_12m", Zh: "近12月购销毛利率", En: "Sales over purchases margin, last 12 months", Theme: ThemeMargin, Unit: UnitRatio, Window: Window12M,
			Sources: both, Direction: Unknown, Chart: ChartMonthlyBoth,
			FormulaZh: "（销售净额 − 采购净额）÷ 销售净额，近12月（未计人工与存货）", FormulaEn: "(net sales - net purchases) / net sales, last 12 months; wages and stock are not in it",
			value: func(a *Analysis) float64 { return margin(a, 0, 12) }}.empty(noSales),
		Definition{ID: "margin", Zh: "历史购销毛利率", En: "Sales over purchases margin, whole history", Theme: ThemeMargin, Unit: UnitRatio, Window: WindowAll,
			Sources: both, Direction: Unknown, Chart: ChartMonthlyBoth,
			FormulaZh: "（销售净额 − 采购净额）÷ 销售净额，近60月", FormulaEn: "(net sales - net purchases) / net sales, last 60 months",
			value: func(a *Analysis) float64 { return margin(a, 0, HistoryMonths) }}.empty(noSales),
		Definition{ID: "gross_profit_12m", Zh: "近12月购销差额", En: "Net sales less purchases, last 12 months", Theme: ThemeMargin, Unit: UnitMoney, Window: Window12M,
			Sources: both, Direction: Safer, Chart: ChartMonthlyBoth,
			FormulaZh: "近12月销售净额 − 采购净额", FormulaEn: "net sales - net purchases, last 12 months",
			value: func(a *Analysis) float64 {
				return float64(sum(&a.side[sale].net, 0, 12) - sum(&a.side[purchase].net, 0, 12))
			}}.empty(neverEmpty),
		Definition{ID: "margin_change_yoy", Zh: "购销毛利率同比变化", En: "Change of the margin, year on year", Theme: ThemeMargin, Unit: UnitRatio, Window: Window24M,
			Sources: both, Direction: Safer, Chart: ChartMonthlyBoth,
			FormulaZh: "近12月毛利率 − 前12月毛利率", FormulaEn: "margin of the last 12 months - of the 12 before",
			value: func(a *Analysis) float64 { return margin(a, 0, 12) - margin(a, 12, 24) }}.empty(noPrior),
		Definition{ID: "deficit_months_12m", Zh: "近12月入不敷出月数", En: "Months with purchases above sales, last 12", Theme: ThemeMargin, Unit: UnitMonths, Window: Window12M,
			Sources: both, Direction: Riskier, Chart: ChartMonthlyBoth,
			FormulaZh: "近12月中采购净额大于销售净额的月数", FormulaEn: "months of the last 12 with net purchases above net sales",
			value: func(a *Analysis) float64 {
				n := 0
				for i := range 12 {
					if a.side[purchase].net[i] > a.side[sale].net[i] {
						n++
					}
				}
				return float64(n)
			}}.empty(neverEmpty),
		Definition{ID: "purchases_to_sales", Zh: "购销比", En: "Purchases to sales, whole history", Theme: ThemeMargin, Unit: UnitRatio, Window: WindowAll,
			Sources: both, Direction: Unknown, Chart: ChartMonthlyBoth,
			FormulaZh: "采购净额 ÷（采购净额 + 销售净额），近60月", FormulaEn: "net purchases / (net purchases + net sales), last 60 months",
			value: func(a *Analysis) float64 {
				p := sum(&a.side[purchase].net, 0, HistoryMonths)
				return share(p, p+sum(&a.side[sale].net, 0, HistoryMonths))
			}}.empty(noInvoices),
	}
}

func cashFeatures() []Definition {
	return []Definition{
		Definition{ID: "cash_trough_12m", Zh: "近12月最大资金占用", En: "Deepest cumulative cash need, last 12 months", Theme: ThemeCash, Unit: UnitRatio, Window: Window12M,
			Sources: both, Direction: Riskier, Chart: ChartCumulativeCash,
			FormulaZh: "自12月前起累计（采购价税合计 − 销售价税合计）的最大值 ÷ 近12月销售价税合计，最小为0", FormulaEn: "largest cumulative (gross purchases - gross sales) since 12 months ago / gross sales of the 12 months, at least 0",
			value: func(a *Analysis) float64 {
				var run, worst int64
				for i := 11; i >= 0; i-- {
					run += a.side[purchase].gross[i] - a.side[sale].gross[i]
					worst = max(worst, run)
				}
				return share(worst, sum(&a.side[sale].gross, 0, 12))
			}}.empty(noSales),
		Definition{ID: "cash_surplus_months_12m", Zh: "近12月净流入月数", En: "Months with a cash surplus, last 12", Theme: ThemeCash, Unit: UnitMonths, Window: Window12M,
			Sources: both, Direction: Safer, Chart: ChartCumulativeCash,
			FormulaZh: "近12月中销售价税合计大于采购价税合计的月数", FormulaEn: "months of the last 12 with gross sales above gross purchases",
			value: func(a *Analysis) float64 {
				n := 0
				for i := range 12 {
					if a.side[sale].gross[i] > a.side[purchase].gross[i] {
						n++
					}
				}
				return float64(n)
			}}.empty(neverEmpty),
		Definition{ID: "purchase_lead_12m", Zh: "采购领先销售月数", En: "Lead of purchases over sales", Theme: ThemeCash, Unit: UnitMonths, Window: Window12M,
			Sources: both, Direction: Unknown, Chart: ChartMonthlyBoth,
			FormulaZh: "近12月采购额加权平均月龄 − 销售额加权平均月龄；正数表示先买后卖", FormulaEn: "amount-weighted mean age in months of purchases - of sales, last 12 months; positive: bought before sold",
			value: func(a *Analysis) float64 {
				return a.side[purchase].meanAge() - a.side[sale].meanAge()
			}}.empty(noSales),
		Definition{ID: "stock_build_3m", Zh: "近3月备货强度", En: "Stock build, last 3 months", Theme: ThemeCash, Unit: UnitRatio, Window: Window12M,
			Sources: both, Direction: Riskier, Chart: ChartMonthlyBoth,
			FormulaZh: "近3月采购占近12月采购的比例 − 近3月销售占近12月销售的比例", FormulaEn: "last 3 months' share of the year's purchases - of the year's sales",
			value: func(a *Analysis) float64 {
				p, s := &a.side[purchase], &a.side[sale]
				return share(sum(&p.net, 0, 3), sum(&p.net, 0, 12)) - share(sum(&s.net, 0, 3), sum(&s.net, 0, 12))
			}}.empty(noSales),
		Definition{ID: "purchase_sales_corr_12m", Zh: "购销逐月相关", En: "Correlation of purchases and sales, last 12 months", Theme: ThemeCash, Unit: UnitRatio, Window: Window12M,
			Sources: both, Direction: Unknown, Chart: ChartMonthlyBoth,
			FormulaZh: "近12个月采购净额与销售净额的相关系数", FormulaEn: "correlation of 12 monthly net purchases with net sales",
			value: func(a *Analysis) float64 {
				var m [24]int64
				copy(m[:12], a.side[purchase].net[:12])
				copy(m[12:], a.side[sale].net[:12])
				return lagCorrelation(m[:], 12)
			}}.empty(noSales),
	}
}

// meanAge is the net-weighted mean anchored month of the last 12, null when their net is not positive.
func (t *tally) meanAge() float64 {
	var weighted float64
	for i, v := range t.net[:12] {
		weighted += float64(i) * float64(v)
	}
	total := sum(&t.net, 0, 12)
	if total <= 0 {
		return null
	}
	return weighted / float64(total)
}
