package receipt

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/transform"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/evidence/source"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// BadRow is something of a file that was not taken, with what to do about it.
type BadRow = source.RowError

// column is one column of a repayment file: its names, the first is the template's.
type column struct {
	field string
	names []string
	must  bool
	most  int
}

var columns = []column{
	{"loan", []string{"贷款编号", "借据号", "贷款业务编号", "loan", "loan_id", "loan_reference"}, false, 64},
	{"firm", []string{"企业代码", "统一社会信用代码", "企业代号", "firm", "firm_code", "uscc"}, false, 64},
	{"payer_account", []string{"付款账号", "付款人账号", "payer_account", "account"}, false, 64},
	{"payer", []string{"付款人", "付款户名", "payer", "payer_name"}, false, 200},
	{"amount", []string{"金额", "还款金额", "amount"}, true, 32},
	{"value_date", []string{"起息日", "入账日期", "还款日期", "value_date", "date"}, true, 32},
	{"bank_reference", []string{"银行流水号", "流水号", "bank_reference", "reference"}, true, 64},
	{"channel", []string{"渠道", "channel"}, false, 32},
	{"prepay", []string{"提前还款", "prepay"}, false, 10},
	{"note", []string{"附言", "备注", "note", "remittance"}, false, 500},
}

// template is what a person downloads: the header and one line as an example.
var template = [][]any{
	{"贷款编号", "企业代码", "付款账号", "付款人", "金额", "起息日", "银行流水号", "渠道", "提前还款", "附言"},
	{"DR-2026-0007", "914403001922038216", "6222000012345678", "示例企业有限公司", "5050.00", "2026-03-02", "B2026030200001", "柜面", "否", "归还贷款"},
}

const (
	rowsMax   = 50_000
	tableMax  = 64 << 20
	unzipMax  = 256 << 20
	recordMax = 64 << 10
	// amountMax bounds one payment to a trillion yuan, so that neither a file's sum nor an account overflows.
	amountMax = 100_000_000_000_000
)

// records is a table being read: its rows with their line numbers, or errors of rows.
type records interface {
	next() (cells []string, line int64, err error)
	close()
}

// sink is told what a file holds, in the order of the file.
type sink struct {
	line func(Line) error
	bad  func(BadRow) error
}

// readTable reads a repayment file; today bounds value dates.
func readTable(name string, r io.Reader, today calendar.Date, to sink) error {
	rec, epoch, err := openTable(name, r)
	if err != nil {
		return err
	}
	defer rec.close()
	head, _, err := rec.next()
	if errors.Is(err, io.EOF) {
		return fault.New(source.ReasonFileEmpty, "file", name)
	}
	if err != nil {
		return damaged(name, err)
	}
	head = slices.Clone(head) // the reader uses its record again
	at, err := header(name, head)
	if err != nil {
		return err
	}
	for n := 0; ; n++ {
		cells, line, err := rec.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if n >= rowsMax {
			return fault.New(ReasonTooMany, "limit", rowsMax)
		}
		var quotes *csv.ParseError
		switch {
		case errors.As(err, &quotes):
			err = to.bad(BadRow{Line: int64(quotes.Line), Field: "row", Code: source.ReasonRowQuotes.Code, Message: source.ReasonRowQuotes.Message, Remedy: source.ReasonRowQuotes.Remedy})
		case err != nil:
			return damaged(name, err)
		case blank(cells):
		default:
			err = readRow(row{cells: cells, at: at, head: head, line: line, epoch: epoch}, today, to)
		}
		if err != nil {
			return err
		}
	}
}

func damaged(name string, err error) error {
	if _, own := fault.As(err); own {
		return err
	}
	return fault.New(source.ReasonFileDamaged, "file", name, "line", "?", "problem", err.Error()).Wrap(err)
}

func blank(cells []string) bool {
	for _, c := range cells {
		if strings.TrimSpace(c) != "" {
			return false
		}
	}
	return true
}

// header finds the columns and names those that are missing or there twice.
func header(name string, head []string) (map[string]int, error) {
	at := map[string]int{}
	var missing []string
	for _, c := range columns {
		for i, h := range head {
			if !slices.Contains(c.names, strings.ToLower(strings.TrimSpace(h))) {
				continue
			}
			if first, twice := at[c.field]; twice { // a loan's amount and what is repaid, say: which one is meant?
				return nil, fault.New(ReasonColumnTwice, "file", name, "columns", strings.TrimSpace(head[first])+", "+strings.TrimSpace(h), "column", c.names[0])
			}
			at[c.field] = i
		}
		if _, ok := at[c.field]; !ok && c.must {
			missing = append(missing, c.names[0]+"/"+c.names[len(c.names)-1])
		}
	}
	if len(missing) > 0 {
		return nil, fault.New(ReasonColumns, "file", name, "columns", strings.Join(missing, ", "))
	}
	return at, nil
}

// row is one line of a table.
type row struct {
	cells []string
	at    map[string]int
	head  []string
	line  int64
	epoch calendar.Date // of a workbook's dates; zero: the file is text
	bad   []BadRow
}

func (r *row) text(field string) string {
	i, ok := r.at[field]
	if !ok || i >= len(r.cells) {
		return ""
	}
	return strings.TrimSpace(r.cells[i])
}

func (r *row) fail(field string, reason *fault.Reason, kv ...any) {
	name := field
	if i, ok := r.at[field]; ok {
		name = strings.TrimSpace(r.head[i])
	}
	value := short(r.text(field), 80)
	f := fault.New(reason, append([]any{"column", name, "value", value}, kv...)...)
	r.bad = append(r.bad, BadRow{
		Line: r.line, Field: field, Column: name, Value: value, Code: reason.Code,
		Message: fault.Text{Zh: f.Text("zh"), En: f.Text("en")}, Remedy: fault.Text{Zh: f.RemedyText("zh"), En: f.RemedyText("en")},
	})
}

func short(s string, runes int) string {
	r := []rune(s)
	if len(r) > runes {
		return string(r[:runes]) + "…"
	}
	return s
}

func readRow(r row, today calendar.Date, to sink) error {
	for _, c := range columns {
		v := r.text(c.field)
		switch {
		case v == "" && c.must:
			r.fail(c.field, source.ReasonCellEmpty)
		case len(v) > c.most*utf8.UTFMax || utf8.RuneCountInString(v) > c.most:
			r.fail(c.field, source.ReasonCellLength, "limit", c.most)
		case !utf8.ValidString(v) || strings.ContainsFunc(v, func(x rune) bool { return x < ' ' || x == utf8.RuneError }):
			r.fail(c.field, source.ReasonCellText)
		}
	}
	l := Line{
		Line: r.line, Currency: money.CNY, PayerName: r.text("payer"), PayerAccount: r.text("payer_account"), BankReference: r.text("bank_reference"),
		Channel: r.text("channel"), Note: "", Remittance: r.text("note"), LoanHint: r.text("loan"), FirmHint: r.text("firm"),
	}
	l.AmountMinor = r.amount()
	l.ValueDate = r.date(today)
	switch strings.ToLower(r.text("prepay")) {
	case "", "否", "no", "n", "0", "false":
	case "是", "yes", "y", "1", "true":
		l.Prepay = true
	default:
		r.fail("prepay", ReasonValue, "problem", "must be yes or no", "problem_zh", "须为是或否")
	}
	l.Key = bankKey(l.BankReference, 0)
	for _, b := range r.bad {
		if err := to.bad(b); err != nil {
			return err
		}
	}
	if len(r.bad) > 0 {
		return nil
	}
	return to.line(l)
}

// bankKey names a payment for ever: the bank's own reference, and which of the
// payments behind a batch entry. It is the same in a table, a notification and a
// statement, so that one payment told three times is one receipt.
func bankKey(reference string, no int) string {
	if no == 0 {
		return reference
	}
	return reference + "#" + strconv.Itoa(no)
}

func (r *row) amount() int64 {
	text := r.text("amount")
	if text == "" {
		return 0 // reported as empty
	}
	if !r.epoch.IsZero() {
		text = shown(text)
	}
	text, ok := ungrouped(text)
	v, err := money.ParseMinor(text, 2)
	switch {
	case err != nil || !ok:
		r.fail("amount", source.ReasonAmountSyntax)
	case v > amountMax:
		r.fail("amount", ReasonValue, "problem", "is more than a trillion", "problem_zh", "超过一万亿元")
	case v <= 0:
		r.fail("amount", ReasonValue, "problem", "must be above zero", "problem_zh", "须大于零")
	}
	return v
}

// ungrouped takes currency marks and thousands separators off an amount; false when a comma stands where no separator
// belongs: 1,50 may be meant as one and a half, and must not become one hundred and fifty.
func ungrouped(text string) (string, bool) {
	text = strings.NewReplacer("，", ",", "¥", "", "￥", "", " ", "").Replace(text)
	whole, fraction, pointed := strings.Cut(text, ".")
	groups := strings.Split(whole, ",")
	for i, g := range groups {
		if i > 0 && len(g) != 3 || i == 0 && len(groups) > 1 && (len(g) == 0 || len(g) > 3) {
			return text, false
		}
	}
	if whole = strings.Join(groups, ""); pointed {
		whole += "." + fraction
	}
	return whole, true
}

// sheetDigits is how many significant digits a spreadsheet shows and takes.
const sheetDigits = 15

// shown is a cell's number as a person sees it: workbooks keep binary doubles,
// so 9401.71 may be stored as 9401.7099999999991.
func shown(cell string) string {
	v, err := strconv.ParseFloat(cell, 64)
	if err != nil {
		return cell
	}
	text := strconv.FormatFloat(v, 'e', sheetDigits-1, 64)
	if v, err = strconv.ParseFloat(text, 64); err != nil {
		return cell
	}
	return strconv.FormatFloat(v, 'f', -1, 64)
}

// Day zero of a spreadsheet's dates: usual, and of workbooks that began on a Macintosh.
var (
	epoch1900 = calendar.Of(1899, 12, 30)
	epoch1904 = calendar.Of(1904, 1, 1)
)

func (r *row) date(today calendar.Date) calendar.Date {
	text := r.text("value_date")
	if text == "" {
		return calendar.Date{}
	}
	d, ok := parseDate(text, r.epoch)
	switch {
	case !ok || d.Year() < 2000:
		r.fail("value_date", ReasonValue, "problem", "is not a date of the form YYYY-MM-DD", "problem_zh", "不是 YYYY-MM-DD 形式的日期")
	case d.After(today):
		r.fail("value_date", ReasonFutureDate, "date", d, "today", today)
	}
	return d
}

// parseDate reads a day as text or, in a workbook (whose epoch is set), as days since the epoch with the time of day as a fraction.
func parseDate(text string, epoch calendar.Date) (calendar.Date, bool) {
	if n, err := strconv.ParseFloat(text, 64); err == nil && !epoch.IsZero() && n > 30_000 && n < 80_000 {
		return epoch.AddDays(int(n)), true
	}
	text, _, _ = strings.Cut(text, " ") // a time of day follows
	if len(text) == len("20260302") && !strings.ContainsAny(text, "-/.") {
		text = text[:4] + "-" + text[4:6] + "-" + text[6:]
	}
	parts := strings.FieldsFunc(text, func(r rune) bool { return strings.ContainsRune("-/.年月日", r) })
	if len(parts) != 3 || len(parts[0]) != 4 || len(parts[1]) > 2 || len(parts[2]) > 2 {
		return calendar.Date{}, false
	}
	d, err := calendar.Parse(parts[0] + "-" + fmt.Sprintf("%02s", parts[1]) + "-" + fmt.Sprintf("%02s", parts[2]))
	return d, err == nil
}

// bounded fails beyond a limit, where io.LimitReader would pretend an end: a row cut in two must not be read as a smaller amount.
type bounded struct {
	r    io.Reader
	left int64
	fail error
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, b.fail
	}
	n, err := b.r.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// openTable looks at the content, not the name. The epoch is that of a workbook's dates, zero for text.
func openTable(name string, r io.Reader) (rec records, epoch calendar.Date, err error) {
	buf := bufio.NewReaderSize(&bounded{r: r, left: tableMax + 1, fail: fault.New(source.ReasonFileTooLarge, "file", name, "limit", tableMax)}, recordMax)
	head, err := buf.Peek(recordMax)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, epoch, err
	}
	format := func(zh, en string) error {
		return fault.New(ReasonFormat, "file", name, "problem", en, "problem_zh", zh)
	}
	switch {
	case len(head) == 0:
		return nil, epoch, fault.New(source.ReasonFileEmpty, "file", name)
	case bytes.HasPrefix(head, []byte("PK\x03\x04")):
		return openSheet(name, buf)
	case bytes.HasPrefix(head, []byte{0xD0, 0xCF, 0x11, 0xE0}):
		return nil, epoch, format("Excel 97-2003 (.xls)，请另存为 .xlsx", "Excel 97-2003 (.xls); save it as .xlsx")
	case bytes.IndexByte(head, 0) >= 0:
		return nil, epoch, format("不是文本文件", "not a text file")
	}
	var text io.Reader = buf
	if bytes.HasPrefix(head, []byte{0xEF, 0xBB, 0xBF}) {
		_, _ = buf.Discard(3)
	} else if !validPrefix(head) {
		text = transform.NewReader(buf, simplifiedchinese.GB18030.NewDecoder())
	}
	c := csv.NewReader(text)
	c.FieldsPerRecord, c.ReuseRecord = -1, true
	if first, _, _ := bytes.Cut(head, []byte("\n")); bytes.Count(first, []byte("\t")) > bytes.Count(first, []byte(",")) {
		c.Comma = '\t'
	}
	return &csvRecords{c}, epoch, nil
}

// validPrefix reports whether b is UTF-8, leaving a rune cut off at the end aside.
func validPrefix(b []byte) bool {
	for i := 0; i < utf8.UTFMax && len(b) > 0; i++ {
		if r, n := utf8.DecodeLastRune(b); r != utf8.RuneError || n != 1 {
			break
		}
		b = b[:len(b)-1]
	}
	return utf8.Valid(b)
}

type csvRecords struct{ r *csv.Reader }

func (c *csvRecords) next() ([]string, int64, error) {
	cells, err := c.r.Read()
	if err != nil {
		return nil, 0, err
	}
	line, _ := c.r.FieldPos(0)
	return cells, int64(line), nil
}

func (c *csvRecords) close() {}

type sheetRecords struct {
	file *excelize.File
	rows *excelize.Rows
	line int64
}

func openSheet(name string, r io.Reader) (records, calendar.Date, error) {
	packed, err := io.ReadAll(r)
	if err != nil {
		return nil, calendar.Date{}, err
	}
	damage := func(err error) error {
		return fault.New(source.ReasonFileDamaged, "file", name, "line", 1, "problem", err.Error()).Wrap(err)
	}
	f, err := excelize.OpenReader(bytes.NewReader(packed), excelize.Options{RawCellValue: true, UnzipSizeLimit: unzipMax, UnzipXMLSizeLimit: 16 << 20})
	if err != nil {
		return nil, calendar.Date{}, damage(err)
	}
	props, err := f.GetWorkbookProps()
	if err != nil {
		_ = f.Close()
		return nil, calendar.Date{}, damage(err)
	}
	rows, err := f.Rows(f.GetSheetName(0))
	if err != nil {
		_ = f.Close()
		return nil, calendar.Date{}, damage(err)
	}
	epoch := epoch1900
	if props.Date1904 != nil && *props.Date1904 {
		epoch = epoch1904
	}
	return &sheetRecords{file: f, rows: rows}, epoch, nil
}

func (s *sheetRecords) next() ([]string, int64, error) {
	s.line++
	if !s.rows.Next() {
		if err := s.rows.Error(); err != nil {
			return nil, s.line, err
		}
		return nil, s.line, io.EOF
	}
	cells, err := s.rows.Columns(excelize.Options{RawCellValue: true})
	return cells, s.line, err
}

func (s *sheetRecords) close() {
	_ = s.rows.Close()
	_ = s.file.Close()
}
