package assess

import (
	"archive/zip"
	"fmt"
	"io"
	"strings"

	"github.com/klauspost/compress/flate"
	"github.com/xuri/excelize/v2"

	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/credit/pricing"
	"github.com/capillary-finance/capillary/internal/evidence/source"
	"github.com/capillary-finance/capillary/internal/insight/feature"
)

// workbook writes sheets one after the other, each as a stream.
type workbook struct {
	file  *excelize.File
	lang  string
	style struct{ head, money, count, percent, figure int }
	first bool
}

// sheet is the sheet being written.
type sheet struct {
	book *workbook
	w    *excelize.StreamWriter
	row  int
	err  error
}

// Cell values with a format of their own.
type (
	yuanCell    int64   // fen, shown as yuan
	percentCell float64 // share
	figureCell  float64 // plain number
)

func writeXLSX(out io.Writer, r *Result, lang string) error {
	b := &workbook{file: excelize.NewFile(), lang: lang, first: true}
	defer func() { _ = b.file.Close() }()
	b.file.SetZipWriter(fastZip)
	if err := b.makeStyles(); err != nil {
		return err
	}
	for _, s := range []struct {
		zh, en string
		fill   func(*sheet, *Result)
	}{
		{"汇总", "Summary", sheetSummary}, {"导入报告", "Import report", sheetImport}, {"错误行", "Bad rows", sheetBadRows},
		{"企业画像", "Features", sheetFeatures}, {"评分", "Scores", sheetScores}, {"决策", "Decisions", sheetDecisions},
		{"额度分配", "Allocation", sheetAllocation}, {"有效前沿", "Frontier", sheetFrontier}, {"模型验证", "Validation", sheetValidation},
		{"特征定义", "Feature definitions", sheetDefinitions},
	} {
		if err := b.sheet(b.tr(s.zh, s.en), func(sh *sheet) { s.fill(sh, r) }); err != nil {
			return err
		}
	}
	return b.file.Write(out)
}

// fastZip packs for speed: the file grows by a tenth and is written in a third of the time.
func fastZip(w io.Writer) excelize.ZipWriter {
	z := zip.NewWriter(w)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.BestSpeed) })
	return z
}

func (b *workbook) tr(zh, en string) string {
	if b.lang == "en" {
		return en
	}
	return zh
}

func (b *workbook) makeStyles() error {
	bold := &excelize.Font{Bold: true}
	custom := func(format string) *excelize.Style { return &excelize.Style{CustomNumFmt: &format} }
	for _, s := range []struct {
		id    *int
		style *excelize.Style
	}{
		{&b.style.head, &excelize.Style{Font: bold, Fill: excelize.Fill{Type: "pattern", Pattern: 1, Color: []string{"E8EEF7"}}, Alignment: &excelize.Alignment{WrapText: true, Vertical: "top"}}},
		{&b.style.money, custom("#,##0.00")}, {&b.style.count, custom("#,##0")}, {&b.style.percent, custom("0.00%")}, {&b.style.figure, custom("#,##0.0000")},
	} {
		id, err := b.file.NewStyle(s.style)
		if err != nil {
			return err
		}
		*s.id = id
	}
	return nil
}

func (b *workbook) sheet(name string, fill func(*sheet)) error {
	if b.first {
		b.first = false
		if err := b.file.SetSheetName(b.file.GetSheetName(0), name); err != nil {
			return err
		}
	} else if _, err := b.file.NewSheet(name); err != nil {
		return err
	}
	w, err := b.file.NewStreamWriter(name)
	if err != nil {
		return err
	}
	s := &sheet{book: b, w: w}
	fill(s)
	if s.err != nil {
		return fmt.Errorf("sheet %s: %w", name, s.err)
	}
	return w.Flush()
}

// widths sets column widths and freezes rows; it must come before the first row.
func (s *sheet) layout(freezeRows, freezeColumns int, widths ...float64) {
	for i, width := range widths {
		if s.err == nil {
			s.err = s.w.SetColWidth(i+1, i+1, width)
		}
	}
	if freezeRows+freezeColumns == 0 || s.err != nil {
		return
	}
	corner, err := excelize.CoordinatesToCellName(freezeColumns+1, freezeRows+1)
	if err == nil {
		err = s.w.SetPanes(&excelize.Panes{Freeze: true, XSplit: freezeColumns, YSplit: freezeRows, TopLeftCell: corner, ActivePane: "bottomRight"})
	}
	s.err = err
}

// head writes a row of headings given as pairs of Chinese and English.
func (s *sheet) head(pairs ...string) {
	cells := make([]any, 0, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		cells = append(cells, excelize.Cell{StyleID: s.book.style.head, Value: s.tr(pairs[i], pairs[i+1])})
	}
	s.put(cells)
}

func (s *sheet) tr(zh, en string) string { return s.book.tr(zh, en) }

// add writes a row, giving each value the format of its type. Streamed texts are inline strings,
// which a spreadsheet never runs as formulas, whatever an uploaded file put into them.
func (s *sheet) add(values ...any) {
	for i, v := range values {
		switch x := v.(type) {
		case yuanCell:
			values[i] = excelize.Cell{StyleID: s.book.style.money, Value: float64(x) / 100}
		case percentCell:
			values[i] = excelize.Cell{StyleID: s.book.style.percent, Value: float64(x)}
		case figureCell:
			values[i] = excelize.Cell{StyleID: s.book.style.figure, Value: float64(x)}
		case rate.Rate:
			values[i] = excelize.Cell{StyleID: s.book.style.percent, Value: float64(x) / rate.Scale}
		case int64:
			values[i] = excelize.Cell{StyleID: s.book.style.count, Value: x}
		}
	}
	s.put(values)
}

func (s *sheet) put(cells []any) {
	s.row++
	if s.err != nil || len(cells) == 0 {
		return
	}
	cell, err := excelize.CoordinatesToCellName(1, s.row)
	if err == nil {
		err = s.w.SetRow(cell, cells)
	}
	s.err = err
}

func sheetSummary(s *sheet, r *Result) {
	s.layout(0, 0, 34, 24, 60)
	for _, line := range summary(r) {
		s.add(s.tr(line.zh, line.en), line.value, s.tr(line.noteZh, line.noteEn))
	}
}

func sheetImport(s *sheet, r *Result) {
	s.layout(1, 1, 34, 10, 10, 10, 12, 12, 10, 12, 10, 10, 10, 10, 10, 10, 10, 12, 12, 12)
	s.head("文件", "File", "格式", "Format", "编码", "Encoding", "方向", "Direction", "行数", "Rows", "接受", "Accepted", "拒绝", "Rejected",
		"有效", "Valid", "作废", "Void", "其中带空格的作废", "Void with blanks", "红字", "Red-letter", "零金额", "Zero", "重复行", "Duplicate rows", "价税不符", "Net + tax off",
		"企业数", "Firms", "对手方", "Counterparties", "最早", "First", "最晚", "Last")
	for i := range r.Files {
		f := &r.Files[i]
		s.add(f.File, f.Format, f.Encoding, directionName(f.Direction, s.book.lang), f.Rows, f.Accepted, f.Rejected, f.Valid, f.Void, f.VoidPadded, f.Red, f.Zero,
			f.Duplicate, f.Mismatch, f.Firms, f.Counterparties, f.First.String(), f.Last.String())
	}
	f := &r.FirmFile
	s.add(f.File, f.Format, f.Encoding, s.tr("企业", "firms"), f.Rows, f.Accepted, f.Rejected)
	s.add()
	s.head("有发票但不在企业文件中", "Invoices but no line in the firm file", "发票数", "Invoices")
	for _, o := range r.Orphans {
		s.add(o.Firm, int64(o.Invoices))
	}
}

func directionName(d source.Direction, lang string) string {
	if lang == "en" {
		return d.String()
	}
	return map[source.Direction]string{source.Purchase: "进项", source.Sale: "销项"}[d]
}

func sheetBadRows(s *sheet, r *Result) {
	s.layout(1, 0, 34, 10, 14, 16, 24, 22, 50, 50)
	s.head("文件", "File", "行", "Line", "字段", "Field", "列", "Column", "值", "Value", "代码", "Code", "问题", "Problem", "处理办法", "Remedy")
	for _, f := range append([]source.Report{r.FirmFile.Report}, r.Files...) {
		for _, e := range f.Errors {
			s.add(f.File, e.Line, e.Field, e.Column, e.Value, e.Code, e.Message.In(s.book.lang), e.Remedy.In(s.book.lang))
		}
		if rest := f.ErrorCount - int64(len(f.Errors)); rest > 0 {
			s.add(f.File, rest, "", "", "", "", s.tr("其余错误未列出，计数准确", "further errors are counted but not listed"))
		}
	}
}

func sheetFeatures(s *sheet, r *Result) {
	s.layout(2, 2, 12, 26)
	names, ids := []any{}, []any{}
	head := func(v string) { names = append(names, excelize.Cell{StyleID: s.book.style.head, Value: v}) }
	head(s.tr("企业代号", "Firm"))
	head(s.tr("企业名称", "Name"))
	ids = append(ids, "", "")
	defs := feature.Definitions()
	for _, d := range defs {
		head(s.tr(d.Zh, d.En))
		ids = append(ids, d.ID)
	}
	s.put(names)
	s.put(ids)
	for i := range r.Firms {
		f := &r.Firms[i]
		row := make([]any, 0, len(ids))
		row = append(row, f.Code, f.Name)
		for k, v := range f.Vector.Values {
			switch {
			case feature.Null(v):
				row = append(row, nil)
			case defs[k].Unit == feature.UnitMoney:
				row = append(row, v/100)
			default:
				row = append(row, v)
			}
		}
		s.put(row)
	}
}

func sheetScores(s *sheet, r *Result) {
	s.layout(1, 2, 12, 26, 10, 10, 8, 12, 10, 44, 44, 44, 44)
	s.head("企业代号", "Firm", "企业名称", "Name", "评分", "Points", "违约概率", "PD", "等级", "Grade", "是否薄档案", "Thin file", "已知违约", "Known default",
		"失分原因1", "Reason 1", "失分原因2", "Reason 2", "失分原因3", "Reason 3", "失分原因4", "Reason 4")
	for i := range r.Firms {
		f := &r.Firms[i]
		row := []any{f.Code, f.Name, int64(f.Score.Points), percentCell(f.Score.PD), f.Score.Grade, s.yesNo(f.Score.ThinFile), s.yesNo(f.Defaulted)}
		for _, reason := range f.Score.Reasons {
			row = append(row, s.tr(reason.Zh, reason.En))
		}
		s.add(row...)
	}
}

func (s *sheet) yesNo(v bool) string {
	if v {
		return s.tr("是", "yes")
	}
	return s.tr("否", "no")
}

func sheetDecisions(s *sheet, r *Result) {
	s.layout(1, 2, 12, 26, 12, 16, 26, 16, 16, 80)
	s.head("企业代号", "Firm", "企业名称", "Name", "决策", "Decision", "额度（元）", "Limit (yuan)", "决定额度的约束", "Binding part",
		"产品上限", "Product cap", "按销售额", "By turnover", "理由", "Grounds")
	for i := range r.Firms {
		f := &r.Firms[i]
		var grounds []string
		for _, g := range f.Decision.Grounds {
			grounds = append(grounds, s.tr(g.Zh, g.En))
		}
		d := &f.Decision
		zh, en := outcomeName(d.Outcome)
		s.add(f.Code, f.Name, s.tr(zh, en), yuanCell(d.LimitMinor), s.tr(d.bindingName()), yuanCell(d.Parts[0].AmountMinor), yuanCell(d.Parts[1].AmountMinor), strings.Join(grounds, "; "))
	}
}

func sheetAllocation(s *sheet, r *Result) {
	s.layout(1, 2, 12, 26, 8, 10, 16, 18, 16, 10, 10, 12, 16, 16, 16)
	s.head("企业代号", "Firm", "企业名称", "Name", "等级", "Grade", "违约概率", "PD", "上限（元）", "Limit (yuan)", "结果", "Outcome", "金额（元）", "Amount (yuan)", "年利率", "Rate",
		"流失率", "Churn", "每元期望收益", "Margin per yuan", "预计用信（元）", "Expected use", "预期损失（元）", "Expected loss", "期望收益（元）", "Expected profit")
	for i := range r.Firms {
		l := r.Firms[i].Line
		if l == nil {
			continue
		}
		zh, en := lineName(l.Outcome)
		s.add(l.ID, r.Firms[i].Name, l.Grade, percentCell(l.PD), yuanCell(l.MaxMinor), s.tr(zh, en), yuanCell(l.AmountMinor), l.Rate, percentCell(l.Churn), figureCell(l.Margin),
			yuanCell(l.UseMinor), yuanCell(l.LossMinor), yuanCell(l.ProfitMinor))
	}
	s.add()
	s.head("方法", "Method", "", "", "企业数", "Firms", "", "", "", "", "", "", "金额（元）", "Amount (yuan)", "", "", "", "", "", "", "预计用信（元）", "Expected use", "预期损失（元）", "Expected loss", "期望收益（元）", "Expected profit")
	for _, b := range append([]pricing.Book{r.Book}, r.Baselines...) {
		zh, en := methodName(b.Method)
		s.add(s.tr(zh, en), nil, int64(b.Firms), nil, nil, nil, yuanCell(b.AmountMinor), nil, nil, nil, yuanCell(b.UseMinor), yuanCell(b.LossMinor), yuanCell(b.ProfitMinor))
	}
}

func sheetFrontier(s *sheet, r *Result) {
	s.layout(0, 0, 20, 20, 20, 20, 20, 10, 16, 14)
	for _, t := range []struct {
		zh, en string
		points []pricing.Point
	}{{"按预算", "By budget", r.Frontier.ByBudget}, {"按预期损失", "By expected loss", r.Frontier.ByLoss}} {
		s.head(t.zh, t.en)
		s.head("预算（元）", "Budget (yuan)", "已分配（元）", "Allocated (yuan)", "预计用信（元）", "Expected use", "预期损失（元）", "Expected loss", "期望收益（元）", "Expected profit",
			"企业数", "Firms", "预算影子价格", "Shadow price", "损失厌恶", "Loss aversion")
		for _, p := range t.points {
			s.add(yuanCell(p.BudgetMinor), yuanCell(p.AmountMinor), yuanCell(p.UseMinor), yuanCell(p.LossMinor), yuanCell(p.ProfitMinor), int64(p.Firms), figureCell(p.ShadowPrice), figureCell(p.Aversion))
		}
		s.add()
	}
}

// unitNames name the units of the features as the sheets of this workbook show them: money in yuan.
var unitNames = map[feature.Unit][2]string{
	feature.UnitMoney: {"元", "yuan"}, feature.UnitRatio: {"比率", "ratio"}, feature.UnitCount: {"个", "count"}, feature.UnitDays: {"天", "days"},
	feature.UnitMonths: {"月", "months"},
}

func (s *sheet) unit(u feature.Unit) string {
	if n, ok := unitNames[u]; ok {
		return s.tr(n[0], n[1])
	}
	return string(u)
}

func sheetDefinitions(s *sheet, _ *Result) {
	s.layout(1, 1, 30, 28, 12, 10, 10, 60, 50)
	s.head("代码", "Id", "名称", "Name", "主题", "Theme", "单位", "Unit", "窗口", "Window", "公式", "Formula", "空值含义", "Empty means")
	for _, d := range feature.Definitions() {
		s.add(d.ID, s.tr(d.Zh, d.En), string(d.Theme), s.unit(d.Unit), string(d.Window), s.tr(d.FormulaZh, d.FormulaEn), s.tr(d.NullZh, d.NullEn))
	}
}
