package feature

// voidRate is the share of void invoices among all of the direction in the anchored months [from, to).
func (t *tally) voidRate(from, to int) float64 {
	void := sum(&t.void, from, to)
	return share(void, void+sum(&t.count, from, to))
}

func qualityFeatures() []Definition {
	return append(voidFeatures(), redFeatures()...)
}

func voidFeatures() []Definition {
	return []Definition{
		Definition{ID: "sales_void_rate_12m", Zh: "近12月销项作废率", En: "Void rate of sales, last 12 months", Theme: ThemeQuality, Unit: UnitRatio, Window: Window12M,
			Sources: sales, Direction: Riskier, Chart: ChartMonthlyVoid,
			FormulaZh: "作废张数 ÷ 全部张数，近12月销项", FormulaEn: "void / all sale invoices, last 12 months",
			value: func(a *Analysis) float64 { return a.side[sale].voidRate(0, 12) }}.empty(noneOfDirection),
		Definition{ID: "sales_void_rate", Zh: "销项作废率", En: "Void rate of sales, whole history", Theme: ThemeQuality, Unit: UnitRatio, Window: WindowAll,
			Sources: sales, Direction: Riskier, Chart: ChartMonthlyVoid,
			FormulaZh: "作废张数 ÷ 全部张数，近60月销项", FormulaEn: "void / all sale invoices, last 60 months",
			value: func(a *Analysis) float64 { return a.side[sale].voidRate(0, HistoryMonths) }}.empty(noneOfDirection),
		Definition{ID: "sales_void_amount_rate", Zh: "销项作废金额率", En: "Void amount rate of sales", Theme: ThemeQuality, Unit: UnitRatio, Window: WindowAll,
			Sources: sales, Direction: Riskier, Chart: ChartMonthlyVoid,
			FormulaZh: "作废价税合计绝对值 ÷（作废绝对值 + 有效价税合计）", FormulaEn: "absolute gross of void / (that + gross of valid) sale invoices, last 60 months",
			value: func(a *Analysis) float64 {
				t := &a.side[sale]
				void := sum(&t.voidAbs, 0, HistoryMonths)
				return share(void, void+sum(&t.gross, 0, HistoryMonths))
			}}.empty(noneOfDirection),
		Definition{ID: "sales_void_change", Zh: "销项作废率变化", En: "Change of the void rate of sales", Theme: ThemeQuality, Unit: UnitRatio, Window: Window12M,
			Sources: sales, Direction: Riskier, Chart: ChartMonthlyVoid,
			FormulaZh: "近6月作废率 − 前6月作废率", FormulaEn: "void rate of the last 6 months - of the 6 before",
			value: func(a *Analysis) float64 {
				return a.side[sale].voidRate(0, 6) - a.side[sale].voidRate(6, 12)
			}}.empty(noneOfDirection),
		Definition{ID: "purchases_void_rate_12m", Zh: "近12月进项作废率", En: "Void rate of purchases, last 12 months", Theme: ThemeQuality, Unit: UnitRatio, Window: Window12M,
			Sources: purchases, Direction: Riskier, Chart: ChartMonthlyVoid,
			FormulaZh: "作废张数 ÷ 全部张数，近12月进项", FormulaEn: "void / all purchase invoices, last 12 months",
			value: func(a *Analysis) float64 { return a.side[purchase].voidRate(0, 12) }}.empty(noneOfDirection),
		Definition{ID: "purchases_void_rate", Zh: "进项作废率", En: "Void rate of purchases, whole history", Theme: ThemeQuality, Unit: UnitRatio, Window: WindowAll,
			Sources: purchases, Direction: Riskier, Chart: ChartMonthlyVoid,
			FormulaZh: "作废张数 ÷ 全部张数，近60月进项", FormulaEn: "void / all purchase invoices, last 60 months",
			value: func(a *Analysis) float64 { return a.side[purchase].voidRate(0, HistoryMonths) }}.empty(noneOfDirection),
	}
}

func redFeatures() []Definition {
	redAmount := func(t *tally, from, to int) float64 {
		red := sum(&t.redAbs, from, to)
		return share(red, red+sum(&t.net, from, to))
	}
	return []Definition{
		Definition{ID: "sales_red_rate_12m", Zh: "近12月销项红字率", En: "Red-letter rate of sales, last 12 months", Theme: ThemeQuality, Unit: UnitRatio, Window: Window12M,
			Sources: sales, Direction: Riskier, Chart: ChartMonthlyVoid,
			FormulaZh: "红字张数 ÷ 有效张数，近12月销项", FormulaEn: "red-letter / valid sale invoices, last 12 months",
			value: func(a *Analysis) float64 {
				return share(sum(&a.side[sale].red, 0, 12), sum(&a.side[sale].count, 0, 12))
			}}.empty(noSales),
		Definition{ID: "sales_red_rate", Zh: "销项红字率", En: "Red-letter rate of sales, whole history", Theme: ThemeQuality, Unit: UnitRatio, Window: WindowAll,
			Sources: sales, Direction: Riskier, Chart: ChartMonthlyVoid,
			FormulaZh: "红字张数 ÷ 有效张数，近60月销项", FormulaEn: "red-letter / valid sale invoices, last 60 months",
			value: func(a *Analysis) float64 {
				return share(sum(&a.side[sale].red, 0, HistoryMonths), sum(&a.side[sale].count, 0, HistoryMonths))
			}}.empty(noSales),
		Definition{ID: "sales_red_amount_rate", Zh: "销项红字金额率", En: "Red-letter amount rate of sales", Theme: ThemeQuality, Unit: UnitRatio, Window: WindowAll,
			Sources: sales, Direction: Riskier, Chart: ChartMonthlyVoid,
			FormulaZh: "红字金额绝对值 ÷ 蓝字金额，近60月销项", FormulaEn: "absolute net of red-letter / net of positive sale invoices, last 60 months",
			value: func(a *Analysis) float64 { return redAmount(&a.side[sale], 0, HistoryMonths) }}.empty(noSales),
		Definition{ID: "purchases_red_rate", Zh: "进项红字率", En: "Red-letter rate of purchases", Theme: ThemeQuality, Unit: UnitRatio, Window: WindowAll,
			Sources: purchases, Direction: Riskier, Chart: ChartMonthlyVoid,
			FormulaZh: "红字张数 ÷ 有效张数，近60月进项", FormulaEn: "red-letter / valid purchase invoices, last 60 months",
			value: func(a *Analysis) float64 {
				return share(sum(&a.side[purchase].red, 0, HistoryMonths), sum(&a.side[purchase].count, 0, HistoryMonths))
			}}.empty(noPurchases),
		Definition{ID: "purchases_red_amount_rate", Zh: "进项红字金额率", En: "Red-letter amount rate of purchases", Theme: ThemeQuality, Unit: UnitRatio, Window: WindowAll,
			Sources: purchases, Direction: Riskier, Chart: ChartMonthlyVoid,
			FormulaZh: "红字金额绝对值 ÷ 蓝字金额，近60月进项", FormulaEn: "absolute net of red-letter / net of positive purchase invoices, last 60 months",
			value: func(a *Analysis) float64 { return redAmount(&a.side[purchase], 0, HistoryMonths) }}.empty(noPurchases),
		Definition{ID: "irregular_rows", Zh: "异常行数", En: "Irregular rows", Theme: ThemeQuality, Unit: UnitCount, Window: WindowAll,
			Sources: both, Direction: Unknown, Chart: ChartMonthlyVoid,
			FormulaZh: "重复行、零金额行与价税不平行的行数之和", FormulaEn: "duplicate rows + rows of zero total + rows where net and tax do not make the gross",
			value: func(a *Analysis) float64 {
				var n int32
				for i := range a.side {
					t := &a.side[i]
					n += t.zero + t.duplicate + t.mismatch
				}
				return float64(n)
			}}.empty(neverEmpty),
	}
}
