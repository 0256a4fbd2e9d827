package source

import (
	"bytes"
	"io"
	"strconv"

	"github.com/xuri/excelize/v2"

	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// A workbook is a zip directory at its end, so it cannot be read as a stream from the start: the
// packed file is held in memory up to maxWorkbook, and larger sheets unpack to a temporary file.
const (
	maxWorkbook = 64 << 20
	maxSheetRAM = 16 << 20
)

// sheetReader gives the rows of one sheet as records.
type sheetReader struct {
	file     *excelize.File
	rows     *excelize.Rows
	line     int64
	cells    [][]byte
	text     []byte
	max      int
	date1904 bool
}

func openSheet(r io.Reader, o Options) (*sheetReader, error) {
	limited := &io.LimitedReader{R: r, N: maxWorkbook + 1}
	packed, err := io.ReadAll(limited)
	if err != nil {
		return nil, wrapRead(o.Name, 1, err)
	}
	if limited.N == 0 {
		return nil, fault.New(ReasonFileTooLarge, "file", o.Name, "limit", maxWorkbook)
	}
	f, err := excelize.OpenReader(bytes.NewReader(packed), excelize.Options{
		RawCellValue: true, UnzipSizeLimit: o.MaxBytes, UnzipXMLSizeLimit: min(maxSheetRAM, o.MaxBytes),
	})
	if err != nil {
		return nil, damaged(o.Name, 1, err)
	}
	s := &sheetReader{file: f, max: o.MaxRecord}
	name := o.Sheet
	if name == "" {
		name = f.GetSheetName(0)
	}
	if s.rows, err = f.Rows(name); err != nil {
		s.close()
		return nil, formatError(o.Name, "没有工作表 "+name, "no sheet "+name)
	}
	if p, err := f.GetWorkbookProps(); err == nil && p.Date1904 != nil {
		s.date1904 = *p.Date1904
	}
	return s, nil
}

func (s *sheetReader) next() ([][]byte, int64, error) {
	s.line++
	if !s.rows.Next() {
		if err := s.rows.Error(); err != nil {
			return nil, s.line, err
		}
		return nil, s.line, io.EOF
	}
	values, err := s.rows.Columns(excelize.Options{RawCellValue: true})
	if err != nil {
		return nil, s.line, err
	}
	length := 0
	for _, v := range values {
		length += len(v) + 1
	}
	if length > s.max {
		return nil, s.line, errRecordTooLong
	}
	if cap(s.text) < length {
		s.text = make([]byte, 0, length)
	}
	s.cells, s.text = s.cells[:0], s.text[:0]
	for _, v := range values {
		from := len(s.text)
		s.text = append(s.text, v...)
		s.cells = append(s.cells, s.text[from:len(s.text):len(s.text)])
	}
	return s.cells, s.line, nil
}

func (s *sheetReader) close() {
	if s.rows != nil {
		_ = s.rows.Close()
	}
	_ = s.file.Close()
}

// sheetDigits is how many significant digits a spreadsheet shows and lets a person enter. Its
// files hold binary doubles, so 9401.71 may be stored as 9401.7099999999991.
const sheetDigits = 15

// sheetDecimal gives the decimal a person sees in the cell, by decimal arithmetic on the stored
// text: exponents are written out, and what stands beyond the fifteenth digit is rounded away.
// Text that is not a plain number comes back unchanged.
func sheetDecimal(cell []byte) []byte {
	b := trimBlank(cell)
	negative := len(b) > 0 && b[0] == '-'
	if negative {
		b = b[1:]
	}
	mantissa, exponent := b, 0
	if i := bytes.IndexAny(b, "eE"); i >= 0 {
		e, err := strconv.Atoi(string(b[i+1:]))
		if err != nil || e < -40 || e > 40 {
			return cell
		}
		mantissa, exponent = b[:i], e
	}
	whole, fraction, _ := bytes.Cut(mantissa, []byte{'.'})
	digits := append(append([]byte{}, whole...), fraction...)
	if len(digits) == 0 || len(digits) > 64 || !allDigits(digits) {
		return cell
	}
	point := len(whole) + exponent
	for len(digits) > 1 && digits[0] == '0' {
		digits, point = digits[1:], point-1
	}
	if len(digits) <= sheetDigits && exponent == 0 && len(b) == len(mantissa) {
		return cell
	}
	digits, point = roundDigits(digits, point)
	return placePoint(digits, point, negative)
}

// roundDigits keeps sheetDigits digits, half up, and drops zeros at the end.
func roundDigits(digits []byte, point int) ([]byte, int) {
	if len(digits) > sheetDigits {
		up := digits[sheetDigits] >= '5'
		digits = digits[:sheetDigits]
		for i := sheetDigits - 1; up && i >= 0; i-- {
			if digits[i]++; digits[i] <= '9' {
				up = false
			} else {
				digits[i] = '0'
			}
		}
		if up {
			digits, point = append([]byte{'1'}, digits...), point+1
		}
	}
	for len(digits) > 1 && digits[len(digits)-1] == '0' {
		digits = digits[:len(digits)-1]
	}
	return digits, point
}

func placePoint(digits []byte, point int, negative bool) []byte {
	var out []byte
	if negative {
		out = append(out, '-')
	}
	switch {
	case point <= 0:
		out = append(append(out, "0."...), bytes.Repeat([]byte{'0'}, -point)...)
		return append(out, digits...)
	case point >= len(digits):
		return append(append(out, digits...), bytes.Repeat([]byte{'0'}, point-len(digits))...)
	}
	out = append(append(out, digits[:point]...), '.')
	return append(out, digits[point:]...)
}

// wholeNumber writes out an invoice number that the spreadsheet holds as 1.1459356E7. Without a
// point the text is a code and stays.
func wholeNumber(b []byte) []byte {
	if bytes.IndexByte(b, '.') < 0 {
		return b
	}
	if plain := sheetDecimal(b); allDigits(plain) {
		return plain
	}
	return bytes.TrimSuffix(b, []byte(".0"))
}
