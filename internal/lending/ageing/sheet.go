package ageing

import (
	"bytes"
	"fmt"

	"github.com/xuri/excelize/v2"

	"github.com/capillary-finance/capillary/internal/base/money"
)

func pick(lang, zh, en string) string {
	if lang == "en" {
		return en
	}
	return zh
}

// label names a bucket.
func (b Bucket) label(lang string) string {
	switch {
	case b.No == 0:
		return pick(lang, "未逾期", "Not past due")
	case b.Until == 0:
		return fmt.Sprintf(pick(lang, "逾期%d天以上", "More than %d days"), b.From-1)
	default:
		return fmt.Sprintf(pick(lang, "逾期%d–%d天", "%d–%d days"), b.From, b.Until)
	}
}

// Sheet writes a report as a workbook: totals, branches and products, each with loans and principal per bucket.
func Sheet(lang string, r Report) ([]byte, error) {
	f := excelize.NewFile()
	defer f.Close() //nolint:errcheck // in memory
	w := writer{file: f, lang: lang}
	for i, part := range []struct {
		zh, en string
		rows   []Row
	}{{"合计", "Total", r.Totals}, {"机构", "Branches", r.Branches}, {"产品", "Products", r.Products}} {
		w.begin(i, pick(lang, part.zh, part.en))
		w.line(pick(lang, "账龄报表", "Ageing report"), r.AsOf.String())
		head := []any{pick(lang, part.zh, part.en), pick(lang, "币种", "Currency"), pick(lang, "笔数", "Loans"), pick(lang, "本金余额", "Principal outstanding")}
		for _, b := range r.Buckets {
			head = append(head, b.label(lang)+pick(lang, "笔数", ": loans"), b.label(lang)+pick(lang, "本金", ": principal"))
		}
		w.line(head...)
		for _, row := range part.rows {
			w.row(part.zh == "合计", row)
		}
	}
	if w.err != nil {
		return nil, w.err
	}
	var buf bytes.Buffer
	err := f.Write(&buf)
	return buf.Bytes(), err
}

// writer keeps the first error.
type writer struct {
	file  *excelize.File
	lang  string
	sheet string
	n     int
	err   error
}

func (w *writer) try(err error) {
	if w.err == nil {
		w.err = err
	}
}

func (w *writer) begin(i int, name string) {
	w.sheet, w.n = name, 0
	if i == 0 {
		w.try(w.file.SetSheetName("Sheet1", name))
	} else {
		_, err := w.file.NewSheet(name)
		w.try(err)
	}
	w.try(w.file.SetColWidth(name, "A", "T", 18))
}

func (w *writer) line(cells ...any) {
	w.n++
	w.try(w.file.SetSheetRow(w.sheet, fmt.Sprintf("A%d", w.n), &cells))
}

func (w *writer) row(total bool, r Row) {
	name := r.Name
	if total {
		name = pick(w.lang, "合计", "Total")
	}
	cells := []any{name, r.Currency, r.Loans, nil}
	amounts := map[int]int64{4: r.OutstandingMinor}
	for _, b := range r.Buckets {
		cells = append(cells, b.Loans, nil)
		amounts[len(cells)] = b.OutstandingMinor
	}
	w.line(cells...)
	for column, minor := range amounts {
		w.amount(column, minor, money.Currency(r.Currency))
	}
}

// amount writes money as its exact decimal text, typed as a number, with the decimals of its currency.
func (w *writer) amount(column int, minor int64, c money.Currency) {
	at, err := excelize.CoordinatesToCellName(column, w.n)
	w.try(err)
	decimals, _ := c.Decimals()
	unit, _ := c.Unit()
	format := "#,##0"
	if decimals > 0 {
		format += "." + "000"[:decimals]
	}
	style, err := w.file.NewStyle(&excelize.Style{CustomNumFmt: &format})
	w.try(err)
	// A spreadsheet keeps numbers as doubles: the nearest one shows every digit of 15.
	w.try(w.file.SetCellFloat(w.sheet, at, float64(minor)/float64(unit), decimals, 64))
	w.try(w.file.SetCellStyle(w.sheet, at, at, style))
}
