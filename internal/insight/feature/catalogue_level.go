package feature

func levelFeatures() []Definition {
	return []Definition{
		Definition{ID: "sales_net_12m", Zh: "近12月销售净额", En: "Net sales, last 12 months", Theme: ThemeLevel, Unit: UnitMoney, Window: Window12M,
			Sources: sales, Direction: Safer, Chart: ChartMonthlySales,
			FormulaZh: "近12月有效销项发票金额之和（红字冲减）", FormulaEn: "sum of net of valid sale invoices of the last 12 months, red-letter ones subtracting",
			value: func(a *Analysis) float64 { return float64(sum(&a.side[sale].net, 0, 12)) }}.empty(neverEmpty),
		Definition{ID: "sales_net_6m", Zh: "近6月销售净额", En: "Net sales, last 6 months", Theme: ThemeLevel, Unit: UnitMoney, Window: Window6M,
			Sources: sales, Direction: Safer, Chart: ChartMonthlySales,
			FormulaZh: "近6月有效销项发票金额之和", FormulaEn: "sum of net of valid sale invoices of the last 6 months",
			value: func(a *Analysis) float64 { return float64(sum(&a.side[sale].net, 0, 6)) }}.empty(neverEmpty),
		Definition{ID: "sales_net_3m", Zh: "近3月销售净额", En: "Net sales, last 3 months", Theme: ThemeLevel, Unit: UnitMoney, Window: Window3M,
			Sources: sales, Direction: Safer, Chart: ChartMonthlySales,
			FormulaZh: "近3月有效销项发票金额之和", FormulaEn: "sum of net of valid sale invoices of the last 3 months",
			value: func(a *Analysis) float64 { return float64(sum(&a.side[sale].net, 0, 3)) }}.empty(neverEmpty),
		Definition{ID: "sales_monthly_mean", Zh: "月均销售净额", En: "Mean monthly net sales", Theme: ThemeLevel, Unit: UnitMoney, Window: WindowAll,
			Sources: sales, Direction: Safer, Chart: ChartMonthlySales,
			FormulaZh: "全部有效销项金额 ÷ 首张销项发票至今月数", FormulaEn: "net of all valid sale invoices / months since the first one",
			value: func(a *Analysis) float64 {
				return share(sum(&a.side[sale].net, 0, HistoryMonths), int64(a.tenure(sale)))
			}}.empty(noSales),
		Definition{ID: "purchases_net_12m", Zh: "近12月采购净额", En: "Net purchases, last 12 months", Theme: ThemeLevel, Unit: UnitMoney, Window: Window12M,
			Sources: purchases, Direction: Safer, Chart: ChartMonthlyPurchases,
			FormulaZh: "近12月有效进项发票金额之和（红字冲减）", FormulaEn: "sum of net of valid purchase invoices of the last 12 months, red-letter ones subtracting",
			value: func(a *Analysis) float64 { return float64(sum(&a.side[purchase].net, 0, 12)) }}.empty(neverEmpty),
		Definition{ID: "purchases_net_3m", Zh: "近3月采购净额", En: "Net purchases, last 3 months", Theme: ThemeLevel, Unit: UnitMoney, Window: Window3M,
			Sources: purchases, Direction: Safer, Chart: ChartMonthlyPurchases,
			FormulaZh: "近3月有效进项发票金额之和", FormulaEn: "sum of net of valid purchase invoices of the last 3 months",
			value: func(a *Analysis) float64 { return float64(sum(&a.side[purchase].net, 0, 3)) }}.empty(neverEmpty),
		Definition{ID: "purchases_monthly_mean", Zh: "月均采购净额", En: "Mean monthly net purchases", Theme: ThemeLevel, Unit: UnitMoney, Window: WindowAll,
			Sources: purchases, Direction: Safer, Chart: ChartMonthlyPurchases,
			FormulaZh: "全部有效进项金额 ÷ 首张进项发票至今月数", FormulaEn: "net of all valid purchase invoices / months since the first one",
			value: func(a *Analysis) float64 {
				return share(sum(&a.side[purchase].net, 0, HistoryMonths), int64(a.tenure(purchase)))
			}}.empty(noPurchases),
		Definition{ID: "sales_count_12m", Zh: "近12月有效销项张数", En: "Valid sale invoices, last 12 months", Theme: ThemeLevel, Unit: UnitCount, Window: Window12M,
			Sources: sales, Direction: Safer, Chart: ChartMonthlySales,
			FormulaZh: "近12月有效销项发票张数", FormulaEn: "number of valid sale invoices of the last 12 months",
			value: func(a *Analysis) float64 { return float64(sum(&a.side[sale].count, 0, 12)) }}.empty(neverEmpty),
		Definition{ID: "purchases_count_12m", Zh: "近12月有效进项张数", En: "Valid purchase invoices, last 12 months", Theme: ThemeLevel, Unit: UnitCount, Window: Window12M,
			Sources: purchases, Direction: Safer, Chart: ChartMonthlyPurchases,
			FormulaZh: "近12月有效进项发票张数", FormulaEn: "number of valid purchase invoices of the last 12 months",
			value: func(a *Analysis) float64 { return float64(sum(&a.side[purchase].count, 0, 12)) }}.empty(neverEmpty),
		Definition{ID: "sales_ticket_mean_12m", Zh: "近12月销项单张均额", En: "Mean sale invoice, last 12 months", Theme: ThemeLevel, Unit: UnitMoney, Window: Window12M,
			Sources: sales, Direction: Unknown, Chart: ChartMonthlySales,
			FormulaZh: "近12月销售净额 ÷ 有效销项张数", FormulaEn: "net sales / valid sale invoices, last 12 months",
			value: func(a *Analysis) float64 {
				return share(sum(&a.side[sale].net, 0, 12), sum(&a.side[sale].count, 0, 12))
			}}.empty(noSales),
		Definition{ID: "sales_largest_share_12m", Zh: "近12月最大单张占比", En: "Largest sale invoice's share, last 12 months", Theme: ThemeLevel, Unit: UnitRatio, Window: Window12M,
			Sources: sales, Direction: Riskier, Chart: ChartMonthlySales,
			FormulaZh: "近12月最大一张销项金额 ÷ 近12月销售净额", FormulaEn: "largest net of one sale invoice / net sales, last 12 months",
			value: func(a *Analysis) float64 {
				return share(a.side[sale].largest12, sum(&a.side[sale].net, 0, 12))
			}}.empty(noSales),
	}
}

func activityFeatures() []Definition {
	return []Definition{
		Definition{ID: "tenure_months", Zh: "开票历史月数", En: "Months since first invoice", Theme: ThemeActivity, Unit: UnitMonths, Window: WindowAll,
			Sources: both, Direction: Safer, Chart: ChartMonthlyBoth,
			FormulaZh: "首张有效发票至今的月数（最多60）", FormulaEn: "months since the first valid invoice, at most 60",
			value: func(a *Analysis) float64 { return float64(a.tenureMonths()) }}.empty(neverEmpty),
		Definition{ID: "sales_active_months_12m", Zh: "近12月有销售月数", En: "Months with sales, last 12", Theme: ThemeActivity, Unit: UnitMonths, Window: Window12M,
			Sources: sales, Direction: Safer, Chart: ChartMonthlySales,
			FormulaZh: "近12月中有有效销项发票的月数", FormulaEn: "months of the last 12 with a valid sale invoice",
			value: func(a *Analysis) float64 { return float64(a.side[sale].active(0, 12)) }}.empty(neverEmpty),
		Definition{ID: "purchases_active_months_12m", Zh: "近12月有采购月数", En: "Months with purchases, last 12", Theme: ThemeActivity, Unit: UnitMonths, Window: Window12M,
			Sources: purchases, Direction: Safer, Chart: ChartMonthlyPurchases,
			FormulaZh: "近12月中有有效进项发票的月数", FormulaEn: "months of the last 12 with a valid purchase invoice",
			value: func(a *Analysis) float64 { return float64(a.side[purchase].active(0, 12)) }}.empty(neverEmpty),
		Definition{ID: "sales_active_months", Zh: "有销售总月数", En: "Months with sales, whole history", Theme: ThemeActivity, Unit: UnitMonths, Window: WindowAll,
			Sources: sales, Direction: Safer, Chart: ChartMonthlySales,
			FormulaZh: "近60月中有有效销项发票的月数", FormulaEn: "months of the last 60 with a valid sale invoice",
			value: func(a *Analysis) float64 { return float64(a.side[sale].active(0, HistoryMonths)) }}.empty(neverEmpty),
		Definition{ID: "purchases_active_months", Zh: "有采购总月数", En: "Months with purchases, whole history", Theme: ThemeActivity, Unit: UnitMonths, Window: WindowAll,
			Sources: purchases, Direction: Safer, Chart: ChartMonthlyPurchases,
			FormulaZh: "近60月中有有效进项发票的月数", FormulaEn: "months of the last 60 with a valid purchase invoice",
			value: func(a *Analysis) float64 { return float64(a.side[purchase].active(0, HistoryMonths)) }}.empty(neverEmpty),
		Definition{ID: "sales_active_share", Zh: "销售月份占比", En: "Share of months with sales", Theme: ThemeActivity, Unit: UnitRatio, Window: WindowAll,
			Sources: sales, Direction: Safer, Chart: ChartMonthlySales,
			FormulaZh: "有销售总月数 ÷ 首张销项发票至今月数", FormulaEn: "months with sales / months since the first sale invoice",
			value: func(a *Analysis) float64 {
				return share(int64(a.side[sale].active(0, HistoryMonths)), int64(a.tenure(sale)))
			}}.empty(noSales),
		Definition{ID: "sales_active_days_12m", Zh: "近12月销售天数", En: "Days with sales, last 12 months", Theme: ThemeActivity, Unit: UnitDays, Window: Window12M,
			Sources: sales, Direction: Safer, Chart: ChartMonthlySales,
			FormulaZh: "近365天中有有效销项发票的天数", FormulaEn: "days of the last 365 with a valid sale invoice",
			value: func(a *Analysis) float64 { return float64(a.side[sale].activeDays(365)) }}.empty(neverEmpty),
		Definition{ID: "purchases_active_days_12m", Zh: "近12月采购天数", En: "Days with purchases, last 12 months", Theme: ThemeActivity, Unit: UnitDays, Window: Window12M,
			Sources: purchases, Direction: Safer, Chart: ChartMonthlyPurchases,
			FormulaZh: "近365天中有有效进项发票的天数", FormulaEn: "days of the last 365 with a valid purchase invoice",
			value: func(a *Analysis) float64 { return float64(a.side[purchase].activeDays(365)) }}.empty(neverEmpty),
	}
}

func silenceFeatures() []Definition {
	silence := func(t *tally) float64 {
		if n := t.newest(); n >= 0 {
			return float64(n)
		}
		return null
	}
	return []Definition{
		Definition{ID: "sales_silence_days", Zh: "销售静默天数", En: "Days since last sale", Theme: ThemeSilence, Unit: UnitDays, Window: WindowAll,
			Sources: sales, Direction: Riskier, Chart: ChartMonthlySales,
			FormulaZh: "时点日期 − 最近一张有效销项发票日期", FormulaEn: "as-of date - date of the latest valid sale invoice",
			value: func(a *Analysis) float64 { return silence(&a.side[sale]) }}.empty(noSales),
		Definition{ID: "purchases_silence_days", Zh: "采购静默天数", En: "Days since last purchase", Theme: ThemeSilence, Unit: UnitDays, Window: WindowAll,
			Sources: purchases, Direction: Riskier, Chart: ChartMonthlyPurchases,
			FormulaZh: "时点日期 − 最近一张有效进项发票日期", FormulaEn: "as-of date - date of the latest valid purchase invoice",
			value: func(a *Analysis) float64 { return silence(&a.side[purchase]) }}.empty(noPurchases),
		Definition{ID: "silence_days", Zh: "全部静默天数", En: "Days since last invoice", Theme: ThemeSilence, Unit: UnitDays, Window: WindowAll,
			Sources: both, Direction: Riskier, Chart: ChartMonthlyBoth,
			FormulaZh: "时点日期 − 最近一张有效发票日期", FormulaEn: "as-of date - date of the latest valid invoice of either direction",
			value: func(a *Analysis) float64 {
				s, p := silence(&a.side[sale]), silence(&a.side[purchase])
				if Null(s) || p < s {
					return p
				}
				return s
			}}.empty(noInvoices),
		Definition{ID: "sales_longest_gap_24m", Zh: "近24月最长断票天数", En: "Longest gap in sales, last 24 months", Theme: ThemeSilence, Unit: UnitDays, Window: Window24M,
			Sources: sales, Direction: Riskier, Chart: ChartMonthlySales,
			FormulaZh: "近730天内首张销项至时点之间，连续无有效销项发票的最长天数", FormulaEn: "most consecutive days without a valid sale invoice, from the first within 730 days to the as-of date",
			value: func(a *Analysis) float64 { return a.side[sale].longestGap(730) }}.empty(noSales),
		Definition{ID: "sales_silent_months_streak", Zh: "连续无销售月数", En: "Current run of months without sales", Theme: ThemeSilence, Unit: UnitMonths, Window: WindowAll,
			Sources: sales, Direction: Riskier, Chart: ChartMonthlySales,
			FormulaZh: "自时点向前，连续没有有效销项发票的月数（最多60）", FormulaEn: "consecutive months before the as-of date without a valid sale invoice, at most 60",
			value: func(a *Analysis) float64 {
				n := 0
				for n < HistoryMonths && a.side[sale].count[n] == 0 {
					n++
				}
				return float64(n)
			}}.empty(neverEmpty),
	}
}
