package feature

func trendFeatures() []Definition {
	return []Definition{
		Definition{ID: "sales_growth_yoy", Zh: "销售同比", En: "Sales growth, year on year", Theme: ThemeTrend, Unit: UnitRatio, Window: Window24M,
			Sources: sales, Direction: Safer, Chart: ChartMonthlySales,
			FormulaZh: "近12月销售净额 ÷ 前12月销售净额 − 1", FormulaEn: "net sales of the last 12 months / of the 12 before - 1",
			value: func(a *Analysis) float64 {
				t := &a.side[sale]
				return growth(sum(&t.net, 0, 12), sum(&t.net, 12, 24))
			}}.empty(noPrior),
		Definition{ID: "sales_growth_half", Zh: "销售半年环比", En: "Sales growth, half on half", Theme: ThemeTrend, Unit: UnitRatio, Window: Window12M,
			Sources: sales, Direction: Safer, Chart: ChartMonthlySales,
			FormulaZh: "近6月销售净额 ÷ 前6月销售净额 − 1", FormulaEn: "net sales of the last 6 months / of the 6 before - 1",
			value: func(a *Analysis) float64 {
				t := &a.side[sale]
				return growth(sum(&t.net, 0, 6), sum(&t.net, 6, 12))
			}}.empty(noPrior),
		Definition{ID: "sales_growth_quarter_yoy", Zh: "近3月销售同比", En: "Last quarter's sales, year on year", Theme: ThemeTrend, Unit: UnitRatio, Window: Window24M,
			Sources: sales, Direction: Safer, Chart: ChartMonthlySales,
			FormulaZh: "近3月销售净额 ÷ 上年同期3月销售净额 − 1", FormulaEn: "net sales of the last 3 months / of the same 3 a year before - 1",
			value: func(a *Analysis) float64 {
				t := &a.side[sale]
				return growth(sum(&t.net, 0, 3), sum(&t.net, 12, 15))
			}}.empty(noPrior),
		Definition{ID: "sales_count_growth_yoy", Zh: "销项张数同比", En: "Sale invoice count growth, year on year", Theme: ThemeTrend, Unit: UnitRatio, Window: Window24M,
			Sources: sales, Direction: Safer, Chart: ChartMonthlySales,
			FormulaZh: "近12月有效销项张数 ÷ 前12月张数 − 1", FormulaEn: "valid sale invoices of the last 12 months / of the 12 before - 1",
			value: func(a *Analysis) float64 {
				t := &a.side[sale]
				return growth(sum(&t.count, 0, 12), sum(&t.count, 12, 24))
			}}.empty(noPrior),
		Definition{ID: "sales_slope_12m", Zh: "近12月销售斜率", En: "Slope of monthly sales, last 12 months", Theme: ThemeTrend, Unit: UnitRatio, Window: Window12M,
			Sources: sales, Direction: Safer, Chart: ChartMonthlySales,
			FormulaZh: "近12个月销售净额的最小二乘斜率 ÷ 月均", FormulaEn: "least-squares slope of 12 monthly net sales / their mean",
			value: func(a *Analysis) float64 { return slope(a.side[sale].net[:12]) }}.empty(noSales),
		Definition{ID: "sales_tau_24m", Zh: "近24月销售趋势秩相关", En: "Kendall trend of sales, last 24 months", Theme: ThemeTrend, Unit: UnitRatio, Window: Window24M,
			Sources: sales, Direction: Safer, Chart: ChartMonthlySales,
			FormulaZh: "近24个月销售净额与时间的肯德尔秩相关", FormulaEn: "Kendall rank correlation of 24 monthly net sales with time",
			value: func(a *Analysis) float64 {
				if a.tenure(sale) < 24 {
					return null
				}
				return tau(a.side[sale].net[:24])
			}}.empty(shortHistory),
		Definition{ID: "sales_recent_to_peak", Zh: "近3月销售占峰值比", En: "Last quarter's sales to the peak quarter", Theme: ThemeTrend, Unit: UnitRatio, Window: Window24M,
			Sources: sales, Direction: Safer, Chart: ChartMonthlySales,
			FormulaZh: "近3月销售净额 ÷ 近24月中最高连续3月销售净额", FormulaEn: "net sales of the last 3 months / the best 3 consecutive months of 24",
			value: func(a *Analysis) float64 {
				m := a.side[sale].net[:24]
				var peak int64
				for i := 0; i+2 < len(m); i++ {
					peak = max(peak, m[i]+m[i+1]+m[i+2])
				}
				return share(m[0]+m[1]+m[2], peak)
			}}.empty(noSales),
		Definition{ID: "purchases_growth_yoy", Zh: "采购同比", En: "Purchase growth, year on year", Theme: ThemeTrend, Unit: UnitRatio, Window: Window24M,
			Sources: purchases, Direction: Safer, Chart: ChartMonthlyPurchases,
			FormulaZh: "近12月采购净额 ÷ 前12月采购净额 − 1", FormulaEn: "net purchases of the last 12 months / of the 12 before - 1",
			value: func(a *Analysis) float64 {
				t := &a.side[purchase]
				return growth(sum(&t.net, 0, 12), sum(&t.net, 12, 24))
			}}.empty(noPrior),
		Definition{ID: "purchases_slope_12m", Zh: "近12月采购斜率", En: "Slope of monthly purchases, last 12 months", Theme: ThemeTrend, Unit: UnitRatio, Window: Window12M,
			Sources: purchases, Direction: Safer, Chart: ChartMonthlyPurchases,
			FormulaZh: "近12个月采购净额的最小二乘斜率 ÷ 月均", FormulaEn: "least-squares slope of 12 monthly net purchases / their mean",
			value: func(a *Analysis) float64 { return slope(a.side[purchase].net[:12]) }}.empty(noPurchases),
	}
}

func volatilityFeatures() []Definition {
	return []Definition{
		Definition{ID: "sales_cv_12m", Zh: "近12月销售变异系数", En: "Variation of monthly sales, last 12 months", Theme: ThemeVolatility, Unit: UnitRatio, Window: Window12M,
			Sources: sales, Direction: Riskier, Chart: ChartMonthlySales,
			FormulaZh: "近12个月销售净额的标准差 ÷ 均值", FormulaEn: "standard deviation / mean of 12 monthly net sales",
			value: func(a *Analysis) float64 { return variation(a.side[sale].net[:12]) }}.empty(noSales),
		Definition{ID: "sales_cv_24m", Zh: "近24月销售变异系数", En: "Variation of monthly sales, last 24 months", Theme: ThemeVolatility, Unit: UnitRatio, Window: Window24M,
			Sources: sales, Direction: Riskier, Chart: ChartMonthlySales,
			FormulaZh: "近24个月销售净额的标准差 ÷ 均值", FormulaEn: "standard deviation / mean of 24 monthly net sales",
			value: func(a *Analysis) float64 { return variation(a.side[sale].net[:24]) }}.empty(noSales),
		Definition{ID: "purchases_cv_12m", Zh: "近12月采购变异系数", En: "Variation of monthly purchases, last 12 months", Theme: ThemeVolatility, Unit: UnitRatio, Window: Window12M,
			Sources: purchases, Direction: Riskier, Chart: ChartMonthlyPurchases,
			FormulaZh: "近12个月采购净额的标准差 ÷ 均值", FormulaEn: "standard deviation / mean of 12 monthly net purchases",
			value: func(a *Analysis) float64 { return variation(a.side[purchase].net[:12]) }}.empty(noPurchases),
		Definition{ID: "sales_halved_months_12m", Zh: "近12月销售腰斩月数", En: "Months in which sales halved, last 12", Theme: ThemeVolatility, Unit: UnitMonths, Window: Window12M,
			Sources: sales, Direction: Riskier, Chart: ChartMonthlySales,
			FormulaZh: "近12月中，当月销售净额低于上月一半的月数", FormulaEn: "months of the last 12 with net sales under half of the month before",
			value: func(a *Analysis) float64 {
				m, n := &a.side[sale].net, 0
				for i := range 12 {
					if m[i+1] > 0 && m[i] < m[i+1]-m[i+1]/2 {
						n++
					}
				}
				return float64(n)
			}}.empty(neverEmpty),
		Definition{ID: "sales_drawdown_24m", Zh: "近24月销售最大回撤", En: "Largest fall of quarterly sales, last 24 months", Theme: ThemeVolatility, Unit: UnitRatio, Window: Window24M,
			Sources: sales, Direction: Riskier, Chart: ChartMonthlySales,
			FormulaZh: "近24月滚动3月销售额自前期高点的最大跌幅", FormulaEn: "largest fall of the rolling three-month net sales from an earlier peak, 24 months",
			value: func(a *Analysis) float64 { return drawdown(a.side[sale].net[:24]) }}.empty(noSales),
		Definition{ID: "sales_top_month_share_12m", Zh: "近12月最高月占比", En: "Best month's share, last 12 months", Theme: ThemeVolatility, Unit: UnitRatio, Window: Window12M,
			Sources: sales, Direction: Riskier, Chart: ChartMonthlySales,
			FormulaZh: "近12月中最高月销售净额 ÷ 近12月销售净额", FormulaEn: "best monthly net sales / net sales, last 12 months",
			value: func(a *Analysis) float64 {
				var best int64
				for _, v := range a.side[sale].net[:12] {
					best = max(best, v)
				}
				return share(best, sum(&a.side[sale].net, 0, 12))
			}}.empty(noSales),
	}
}

func seasonalityFeatures() []Definition {
	return []Definition{
		Definition{ID: "sales_season_strength", Zh: "销售季节性强度", En: "Strength of the yearly season", Theme: ThemeSeasonality, Unit: UnitRatio, Window: Window24M,
			Sources: sales, Direction: Unknown, Chart: ChartSeason,
			FormulaZh: "近24个完整自然月销售净额中，由月份均值解释的方差比例", FormulaEn: "share of the variance of 24 full calendar months explained by the month of the year",
			value: func(a *Analysis) float64 { return a.seasonStrength() }}.empty(shortHistory),
		Definition{ID: "sales_season_lag12", Zh: "销售12月自相关", En: "Correlation of sales with a year before", Theme: ThemeSeasonality, Unit: UnitRatio, Window: Window24M,
			Sources: sales, Direction: Unknown, Chart: ChartSeason,
			FormulaZh: "近12月与前12月逐月销售净额的相关系数", FormulaEn: "correlation of 12 monthly net sales with the 12 before, month by month",
			value: func(a *Analysis) float64 {
				if a.tenure(sale) < 24 {
					return null
				}
				return lagCorrelation(a.side[sale].net[:24], 12)
			}}.empty(shortHistory),
		Definition{ID: "sales_quarter_end_share_12m", Zh: "近12月季末月占比", En: "Quarter-end months' share, last 12 months", Theme: ThemeSeasonality, Unit: UnitRatio, Window: Window12M,
			Sources: sales, Direction: Unknown, Chart: ChartSeason,
			FormulaZh: "3、6、9、12月销售净额 ÷ 近12月销售净额", FormulaEn: "net sales in March, June, September, December / net sales, last 12 months",
			value: func(a *Analysis) float64 {
				return share(a.side[sale].quarterEnd12, sum(&a.side[sale].net, 0, 12))
			}}.empty(noSales),
		Definition{ID: "sales_month_end_share_12m", Zh: "近12月月末占比", En: "Month-end share, last 12 months", Theme: ThemeSeasonality, Unit: UnitRatio, Window: Window12M,
			Sources: sales, Direction: Unknown, Chart: ChartSeason,
			FormulaZh: "每月最后5天销售净额 ÷ 近12月销售净额", FormulaEn: "net sales in the last five days of a month / net sales, last 12 months",
			value: func(a *Analysis) float64 {
				return share(a.side[sale].monthEnd12, sum(&a.side[sale].net, 0, 12))
			}}.empty(noSales),
	}
}

// seasonStrength compares two years of full calendar months: the variance between months of the year over all of it.
func (a *Analysis) seasonStrength() float64 {
	if a.tenure(sale) < 25 {
		return null
	}
	m := a.side[sale].calNet[1:25]
	mean := meanOf(m)
	var between, total float64
	for i := range 12 {
		pair := (float64(m[i])+float64(m[i+12]))/2 - mean
		between += 2 * pair * pair
	}
	for _, v := range m {
		d := float64(v) - mean
		total += d * d
	}
	if total == 0 {
		return null
	}
	return between / total
}
