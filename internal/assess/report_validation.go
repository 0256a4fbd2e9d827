package assess

import (
	"cmp"
	"slices"

	"github.com/capillary-finance/capillary/internal/insight/feature"
	"github.com/capillary-finance/capillary/internal/insight/scorecard"
)

// sheetValidation shows what the score is worth: the spread over the folds, every fold, the
// calibration, and the card itself.
func sheetValidation(s *sheet, r *Result) {
	s.layout(0, 0, 34, 14, 14, 14, 14, 14, 14, 14)
	v := r.Validation
	if v == nil {
		s.add(s.tr("使用已存模型，未做交叉验证", "A stored model was used; no cross-validation was made"))
	} else {
		s.spreads(v)
	}
	s.card(r.Model)
	if v == nil {
		return
	}
	s.head("校准：持出预测分组", "Calibration of held-out predictions", "企业数", "Firms", "平均预测", "Mean PD", "实际违约率", "Observed")
	for i, b := range scorecard.Calibration(v.Predictions(), calibrationGroups) {
		s.add(int64(i+1), int64(b.Count), percentCell(b.Predicted), percentCell(b.Observed))
	}
	s.add()
	s.head("特征被选次数", "Times a feature was chosen", "折数", "Folds")
	for _, c := range chosen(v) {
		def, _, _ := feature.Lookup(c.id)
		s.add(s.tr(def.Zh, def.En), int64(c.n))
	}
	s.add()
	s.head("轮次", "Repeat", "折", "Fold", "AUC", "AUC", "KS", "KS", "Brier", "Brier")
	for _, f := range v.Folds {
		s.add(int64(f.Repeat+1), int64(f.Fold+1), figureCell(f.AUC), figureCell(f.KS), figureCell(f.Brier))
	}
}

const calibrationGroups = 8

func (s *sheet) spreads(v *scorecard.Validation) {
	s.head("指标（持出样本）", "Figure (held out)", "均值", "Mean", "标准差", "Std", "最小", "Min", "5%", "5%", "中位", "Median", "95%", "95%", "最大", "Max")
	for _, x := range []struct {
		zh, en string
		s      scorecard.Spread
	}{
		{"AUC（各折）", "AUC over the folds", v.AUC}, {"AUC（各轮全体）", "AUC over the repeats", v.RepeatAUC}, {"KS", "KS", v.KS}, {"Brier", "Brier", v.Brier},
	} {
		s.add(s.tr(x.zh, x.en), figureCell(x.s.Mean), figureCell(x.s.Std), figureCell(x.s.Min), figureCell(x.s.P05), figureCell(x.s.P50), figureCell(x.s.P95), figureCell(x.s.Max))
	}
	s.add(s.tr("企业 / 违约 / 折 × 轮", "Firms / bad / folds × repeats"), int64(v.Samples), int64(v.Bads), int64(v.FoldCount), int64(v.Repeats))
	s.add()
}

// card is the points table.
func (s *sheet) card(m *scorecard.Model) {
	s.head("评分卡（基础分在首行）", "Scorecard (base points first)", "上限", "Up to", "好", "Good", "坏", "Bad", "WOE", "WOE", "分值", "Points", "IV", "IV")
	s.add(s.tr("基础分", "Base points"), nil, nil, nil, nil, int64(m.BasePoints))
	for _, c := range m.Characteristics {
		def, _, _ := feature.Lookup(c.Feature)
		for _, b := range append(slices.Clone(c.Bins), c.Missing) {
			bound := s.tr("以上", "above")
			switch {
			case b.Max != nil:
				bound = scorecard.Figure(*b.Max, def.Unit, s.book.lang)
			case b == c.Missing:
				bound = s.tr("无数值", "no value")
			}
			s.add(s.tr(def.Zh, def.En), bound, int64(b.Good), int64(b.Bad), figureCell(b.WOE), int64(b.Points), figureCell(c.IV))
		}
	}
	s.add()
}

type choice struct {
	id string
	n  int
}

// chosen lists features by how often the folds selected them.
func chosen(v *scorecard.Validation) []choice {
	var out []choice
	for id, n := range v.Chosen {
		out = append(out, choice{id, n})
	}
	slices.SortFunc(out, func(a, b choice) int { return cmp.Or(cmp.Compare(b.n, a.n), cmp.Compare(a.id, b.id)) })
	return out
}
