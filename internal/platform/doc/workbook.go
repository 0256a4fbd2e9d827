package doc

import (
	"bytes"
	"strings"

	"github.com/xuri/excelize/v2"

	"github.com/capillary-finance/capillary/internal/base/money"
)

// Workbook writes small spreadsheets row by row and keeps the first error until Bytes. An amount is written as its exact
// decimal text, typed as a number, with the decimals of its currency; no floating point is in between.
type Workbook struct {
	file   *excelize.File
	sheet  string
	line   int
	styles map[money.Currency]int
	err    error
}

// NewWorkbook makes a workbook without sheets.
func NewWorkbook() *Workbook {
	return &Workbook{file: excelize.NewFile(), styles: map[money.Currency]int{}}
}

// Sheet begins a sheet; the rows that follow stand in it.
func (w *Workbook) Sheet(name string, columns int) {
	if w.sheet == "" {
		w.keep(w.file.SetSheetName("Sheet1", name))
	} else {
		_, err := w.file.NewSheet(name)
		w.keep(err)
	}
	w.sheet, w.line = name, 0
	last, err := excelize.ColumnNumberToName(columns)
	w.keep(err)
	w.keep(w.file.SetColWidth(name, "A", last, 18))
}

// Row writes a row. A nil leaves its cell empty.
func (w *Workbook) Row(cells ...any) {
	w.line++
	for i, c := range cells {
		if w.err != nil || c == nil {
			continue
		}
		at, err := excelize.CoordinatesToCellName(i+1, w.line)
		w.keep(err)
		amount, isAmount := c.(money.Amount)
		if !isAmount {
			w.keep(w.file.SetCellValue(w.sheet, at, c))
			continue
		}
		w.keep(w.file.SetCellDefault(w.sheet, at, amount.String()))
		w.keep(w.file.SetCellStyle(w.sheet, at, at, w.style(amount.Currency)))
	}
}

func (w *Workbook) style(c money.Currency) int {
	id, known := w.styles[c]
	if !known {
		format := "#,##0"
		if decimals, _ := c.Decimals(); decimals > 0 {
			format += "." + strings.Repeat("0", decimals)
		}
		var err error
		id, err = w.file.NewStyle(&excelize.Style{CustomNumFmt: &format})
		w.keep(err)
		w.styles[c] = id
	}
	return id
}

func (w *Workbook) keep(err error) {
	if w.err == nil {
		w.err = err
	}
}

// Bytes ends the workbook, or gives the first error.
func (w *Workbook) Bytes() ([]byte, error) {
	defer w.file.Close() //nolint:errcheck // in memory
	if w.err != nil {
		return nil, w.err
	}
	var buf bytes.Buffer
	err := w.file.Write(&buf)
	return buf.Bytes(), err
}
