package statement

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"

	"github.com/xuri/excelize/v2"

	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
)

// amount is a cell that holds money; everything else is text.
type amount struct {
	minor    int64
	currency money.Currency
}

func (a amount) String() string { return money.Of(a.minor, a.currency).String() }

// sheet is a report as rows, for a file.
type sheet struct {
	title string
	head  []string
	rows  [][]any
}

func tr(lang, zh, en string) string {
	if strings.HasPrefix(lang, "zh") {
		return zh
	}
	return en
}

func trialSheet(t Trial, lang string) sheet {
	s := sheet{title: tr(lang, "试算平衡表", "Trial balance") + " " + t.From.String() + " " + t.Until.String(), head: []string{
		tr(lang, "科目", "Account"), tr(lang, "名称", "Name"), tr(lang, "币种", "Currency"), tr(lang, "期初", "Opening"), tr(lang, "借方", "Debit"), tr(lang, "贷方", "Credit"), tr(lang, "期末", "Closing"),
	}}
	for _, l := range t.Lines {
		m := func(v int64) amount { return amount{v, l.Currency} }
		s.rows = append(s.rows, []any{l.Code, tr(lang, l.NameZh, l.NameEn), string(l.Currency), m(l.OpeningMinor), m(l.DebitMinor), m(l.CreditMinor), m(l.ClosingMinor)})
	}
	return s
}

func accountSheet(a journal.Statement, lang string) sheet {
	m := func(v int64) amount { return amount{v, a.Currency} }
	s := sheet{title: tr(lang, "明细账", "Account statement") + " " + a.Account.Code + " " + tr(lang, a.Account.NameZh, a.Account.NameEn) + " " + a.Sub, head: []string{
		tr(lang, "日期", "Date"), tr(lang, "序号", "Number"), tr(lang, "摘要", "Memo"), tr(lang, "业务对象", "Business object"), tr(lang, "子户", "Sub-account"), tr(lang, "借方", "Debit"), tr(lang, "贷方", "Credit"), tr(lang, "余额", "Balance"),
	}}
	s.rows = append(s.rows, []any{a.From.String(), "", tr(lang, "期初余额", "Opening balance"), "", "", "", "", m(a.OpeningMinor)})
	for _, l := range a.Items {
		s.rows = append(s.rows, []any{l.Date.String(), int(l.Seq), l.Memo.In(lang), strings.TrimSpace(l.Object + " " + l.ObjectID), l.Sub, m(l.DebitMinor), m(l.CreditMinor), m(l.BalanceMinor)})
	}
	return s
}

func sections(title, lang string, c money.Currency, parts ...struct {
	name string
	of   Section
},
) sheet {
	s := sheet{title: title, head: []string{tr(lang, "项目", "Part"), tr(lang, "科目", "Account"), tr(lang, "名称", "Name"), tr(lang, "金额", "Amount") + " " + string(c)}}
	for _, p := range parts {
		for _, i := range p.of.Items {
			s.rows = append(s.rows, []any{p.name, i.Code, tr(lang, i.NameZh, i.NameEn), amount{i.AmountMinor, c}})
		}
		s.rows = append(s.rows, []any{p.name, "", tr(lang, "合计", "Total"), amount{p.of.TotalMinor, c}})
	}
	return s
}

type part = struct {
	name string
	of   Section
}

func balanceSheetRows(b BalanceSheet, lang string) sheet {
	s := sections(tr(lang, "资产负债表", "Balance sheet")+" "+b.AsOf.String(), lang, b.Currency, part{tr(lang, "资产", "Assets"), b.Assets}, part{tr(lang, "负债", "Liabilities"), b.Liabilities},
		part{tr(lang, "权益", "Equity"), b.Equity})
	s.rows = append(s.rows, []any{tr(lang, "权益", "Equity"), "", tr(lang, "未结转损益", "Result not carried over"), amount{b.ResultMinor, b.Currency}})
	return s
}

func incomeRows(i IncomeStatement, lang string) sheet {
	s := sections(tr(lang, "利润表", "Statement of income")+" "+i.From.String()+" "+i.Until.String(), lang, i.Currency, part{tr(lang, "收入", "Income"), i.Income}, part{tr(lang, "支出", "Expense"), i.Expense})
	s.rows = append(s.rows, []any{tr(lang, "利润", "Result"), "", "", amount{i.ResultMinor, i.Currency}})
	return s
}

// writeCSV writes a file that a spreadsheet opens in Chinese and never takes for a formula.
func (s sheet) writeCSV(w io.Writer) error {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return err
	}
	out := csv.NewWriter(w)
	if err := out.Write(s.head); err != nil {
		return err
	}
	for _, row := range s.rows {
		cells := make([]string, len(row))
		for i, c := range row {
			switch v := c.(type) {
			case amount:
				cells[i] = v.String()
			case int:
				cells[i] = strconv.Itoa(v)
			case string:
				cells[i] = harmless(v)
			}
		}
		if err := out.Write(cells); err != nil {
			return err
		}
	}
	out.Flush()
	return out.Error()
}

// harmless keeps a text from being run as a formula by whoever opens the file.
func harmless(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

// writeXLSX writes a workbook with amounts as numbers.
func (s sheet) writeXLSX(w io.Writer) error {
	f := excelize.NewFile()
	defer f.Close() //nolint:errcheck // nothing is kept on disk
	format := "#,##0.00;[Red]-#,##0.00"
	moneyStyle, err := f.NewStyle(&excelize.Style{CustomNumFmt: &format})
	if err != nil {
		return err
	}
	bold, err := f.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}})
	if err != nil {
		return err
	}
	out, err := f.NewStreamWriter("Sheet1")
	if err != nil {
		return err
	}
	if err := out.SetColWidth(1, len(s.head), 18); err != nil {
		return err
	}
	if err := out.SetRow("A1", []any{excelize.Cell{Value: s.title, StyleID: bold}}); err != nil {
		return err
	}
	head := make([]any, len(s.head))
	for i, h := range s.head {
		head[i] = excelize.Cell{Value: h, StyleID: bold}
	}
	if err := out.SetRow("A2", head); err != nil {
		return err
	}
	for n, row := range s.rows {
		cells := make([]any, len(row))
		for i, c := range row {
			cells[i] = c
			if a, isMoney := c.(amount); isMoney {
				unit, _ := a.currency.Unit()
				// A spreadsheet keeps numbers as doubles: the nearest one shows every digit of 15. The CSV has them all.
				cells[i] = excelize.Cell{Value: float64(a.minor) / float64(unit), StyleID: moneyStyle}
			}
		}
		at, err := excelize.CoordinatesToCellName(1, n+3)
		if err != nil {
			return err
		}
		if err := out.SetRow(at, cells); err != nil {
			return err
		}
	}
	if err := out.Flush(); err != nil {
		return err
	}
	return f.Write(w)
}
