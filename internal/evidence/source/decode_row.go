package source

import (
	"bytes"
	"encoding/binary"
	"unicode"
	"unicode/utf8"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Limits of the text cells, in bytes.
const (
	maxCode   = 128 // firm and counterparty
	maxNumber = 64
)

// decoder turns records into invoices.
type decoder struct {
	options   Options
	sink      func(Row) error
	report    Report
	cols      columns
	party     field // fieldSeller, fieldBuyer or fieldParty
	direction Direction
	date1904  bool
	sheet     bool
	failed    bool // the row at hand has a bad cell

	firms, parties *interner
	numbers        arena
	seen           *rowSets
	key            []byte

	dayText []byte // the last date as text and as a value: neighbours mostly share it
	day     calendar.Date
}

func (d *decoder) spreadsheet(date1904 bool) { d.sheet, d.date1904 = true, date1904 }

func (d *decoder) header(record [][]byte) ([]field, error) {
	c := mapHeader(record, withColumns(invoiceFields, d.options.Columns))
	required := []field{fieldNumber, fieldDate, fieldNet, fieldTax, fieldGross, fieldStatus}
	if d.options.Firm == "" {
		required = append([]field{fieldFirm}, required...)
	}
	missing := c.missing(required...)
	if !c.has(fieldSeller) && !c.has(fieldBuyer) && !c.has(fieldParty) {
		missing = append(missing, fieldParty)
	}
	if len(missing) > 0 {
		return missing, nil
	}
	d.cols = c
	d.report.Headings = append(d.report.Headings, c.headings...)
	d.report.Unknown = append(d.report.Unknown, c.unknown...)
	return nil, d.settleDirection()
}

// settleDirection finds on which side the firm stands: the header names the other side.
func (d *decoder) settleDirection() error {
	seller, buyer := d.cols.has(fieldSeller), d.cols.has(fieldBuyer)
	said := d.options.Direction
	switch {
	case seller && buyer && said == 0:
		return d.directionError("表头同时含销方与购方", "the header has both a seller and a buyer")
	case !seller && !buyer && said == 0:
		return d.directionError("表头只有对方单位", "the header only names a counterparty")
	case seller && !buyer && said == Sale:
		return d.directionError("指明为销项，但表头是销方单位", "it was said to hold sales, but the header names the seller")
	case buyer && !seller && said == Purchase:
		return d.directionError("指明为进项，但表头是购方单位", "it was said to hold purchases, but the header names the buyer")
	case seller && said != Sale:
		d.direction, d.party = Purchase, fieldSeller
	case buyer && said != Purchase:
		d.direction, d.party = Sale, fieldBuyer
	default:
		d.direction, d.party = said, fieldParty
	}
	d.report.Direction = d.direction
	return nil
}

func (d *decoder) directionError(zh, en string) error {
	return fault.New(ReasonFileDirection, "file", d.options.Name, "problem", en, "problem_zh", zh)
}

func (d *decoder) bad(line int64, reason *fault.Reason) error {
	d.report.Rejected++
	return d.report.addError(d.options, line, fieldNone, "", nil, reason, "limit", d.options.MaxRecord)
}

// row reads every cell even after a bad one, so that one pass finds all there is to mend.
func (d *decoder) row(record [][]byte, line int64) error {
	if len(record) != len(d.cols.headings) {
		var ok bool
		if record, ok = d.fit(record); !ok {
			d.report.Rejected++
			return d.report.addError(d.options, line, fieldNone, "", nil, ReasonRowColumns,
				"found", len(record), "expected", len(d.cols.headings))
		}
	}
	d.failed = false
	row := Row{Line: line}
	row.Direction = d.direction
	firmID, err := d.firm(record, line, &row)
	if err != nil {
		return err
	}
	partyID, err := d.texts(record, line, &row)
	if err != nil {
		return err
	}
	if err := d.amounts(record, line, &row); err != nil {
		return err
	}
	padded, err := d.status(record, line, &row)
	if err != nil {
		return err
	}
	if d.failed {
		d.report.Rejected++
		return nil
	}
	d.classify(&row, firmID, partyID, padded)
	return d.sink(row)
}

// fit accepts blank cells beyond the header, and blank cells that a spreadsheet left out at the
// end. Anything else means that values may stand under the wrong heading.
func (d *decoder) fit(record [][]byte) ([][]byte, bool) {
	want := len(d.cols.headings)
	if len(record) > want {
		return record[:want], blankRecord(record[want:])
	}
	if !d.sheet {
		return record, false
	}
	for len(record) < want {
		record = append(record, nil)
	}
	return record, true
}

func (d *decoder) fail(line int64, f field, value []byte, reason *fault.Reason, kv ...any) error {
	d.failed = true
	return d.report.addError(d.options, line, f, d.cols.heading(f), value, reason, kv...)
}

func (d *decoder) firm(record [][]byte, line int64, row *Row) (uint32, error) {
	if !d.cols.has(fieldFirm) {
		row.Firm = d.options.Firm
		_, id := d.firms.intern([]byte(d.options.Firm))
		return id, nil
	}
	value := trimBlank(record[d.cols.at[fieldFirm]])
	if reason := checkText(value, maxCode, d.firms); reason != nil {
		return 0, d.fail(line, fieldFirm, value, reason, "limit", maxCode)
	}
	if d.options.Firm != "" && string(value) != d.options.Firm {
		return 0, d.fail(line, fieldFirm, value, ReasonOtherFirm, "firm", d.options.Firm)
	}
	name, id := d.firms.intern(value)
	row.Firm = name
	return id, nil
}

// texts reads number, date and counterparty.
func (d *decoder) texts(record [][]byte, line int64, row *Row) (uint32, error) {
	number := trimBlank(record[d.cols.at[fieldNumber]])
	if d.sheet {
		number = wholeNumber(number)
	}
	if reason := checkText(number, maxNumber, nil); reason != nil {
		if err := d.fail(line, fieldNumber, number, reason, "limit", maxNumber); err != nil {
			return 0, err
		}
	}
	text := record[d.cols.at[fieldDate]]
	if len(d.dayText) == 0 || !bytes.Equal(text, d.dayText) {
		day, reason := parseDay(text, d.date1904)
		if reason != nil {
			if err := d.fail(line, fieldDate, text, reason); err != nil {
				return 0, err
			}
		} else {
			d.dayText, d.day = append(d.dayText[:0], text...), day
		}
	}
	row.Date = d.day
	value := trimBlank(record[d.cols.at[d.party]])
	if reason := checkText(value, maxCode, d.parties); reason != nil {
		return 0, d.fail(line, d.party, value, reason, "limit", maxCode)
	}
	if d.failed {
		return 0, nil
	}
	row.Number = d.numbers.text(number)
	name, id := d.parties.intern(value)
	row.Counterparty, row.CounterpartyID = name, id
	return id, nil
}

func (d *decoder) amounts(record [][]byte, line int64, row *Row) error {
	for _, a := range [...]struct {
		f   field
		out *int64
	}{{fieldNet, &row.NetMinor}, {fieldTax, &row.TaxMinor}, {fieldGross, &row.GrossMinor}} {
		value := record[d.cols.at[a.f]]
		v, ok := plainFen(value)
		if !ok {
			var reason *fault.Reason
			cell := value
			if d.sheet {
				cell = sheetDecimal(cell)
			}
			if v, reason = parseFen(cell); reason != nil {
				if err := d.fail(line, a.f, value, reason); err != nil {
					return err
				}
			}
		}
		*a.out = v
	}
	return nil
}

// status reads valid or void; padded says that the word only matched once blanks were trimmed.
func (d *decoder) status(record [][]byte, line int64, row *Row) (padded bool, err error) {
	value := record[d.cols.at[fieldStatus]]
	word := trimBlank(value)
	switch string(word) {
	case "有效发票":
	case "作废发票":
		row.Void = true
	default:
		void, known := statusWords[string(bytes.ToLower(word))]
		if !known {
			reason := ReasonStatus
			if len(word) == 0 {
				reason = ReasonCellEmpty
			}
			return false, d.fail(line, fieldStatus, value, reason)
		}
		row.Void = void
	}
	return len(word) != len(value), nil
}

// statusWords gives for each further accepted word whether it voids the invoice. A red-letter
// invoice is valid: its amounts are negative.
var statusWords = map[string]bool{
	"有效": false, "正常": false, "正常发票": false, "valid": false, "normal": false, "红字发票": false, "红冲": false, "red": false,
	"作废": true, "void": true, "voided": true, "cancelled": true, "canceled": true,
}

func (d *decoder) classify(row *Row, firmID, partyID uint32, padded bool) {
	r := &d.report
	row.Red = row.GrossMinor < 0
	row.Mismatch = row.NetMinor+row.TaxMinor != row.GrossMinor
	d.key = rowKey(d.key[:0], row, partyID)
	row.Duplicate = !d.seen.add(firmID, d.key)
	r.Accepted++
	if row.Void {
		r.Void++
		if padded {
			r.VoidPadded++
		}
	} else {
		r.Valid++
	}
	count(&r.Red, row.Red)
	count(&r.Zero, row.GrossMinor == 0)
	count(&r.Duplicate, row.Duplicate)
	count(&r.Mismatch, row.Mismatch)
	if r.Accepted == 1 || row.Date.Before(r.First) {
		r.First = row.Date
	}
	if row.Date.After(r.Last) {
		r.Last = row.Date
	}
}

func count(n *int64, yes bool) {
	if yes {
		*n++
	}
}

// rowKey is a row's whole content beside its firm: two rows of one firm with one key say the same thing, however they were
// written (1000.0 or 1,000.00).
func rowKey(b []byte, row *Row, partyID uint32) []byte {
	b = binary.LittleEndian.AppendUint32(b, partyID)
	b = binary.LittleEndian.AppendUint32(b, uint32(row.Date.Days()))
	b = binary.LittleEndian.AppendUint64(b, uint64(row.NetMinor))
	b = binary.LittleEndian.AppendUint64(b, uint64(row.TaxMinor))
	b = binary.LittleEndian.AppendUint64(b, uint64(row.GrossMinor))
	if row.Void {
		b = append(b, 1)
	} else {
		b = append(b, 0)
	}
	return append(b, row.Number...)
}

// checkText refuses empty, overlong and unreadable cells. A value that the interner knows has
// passed before.
func checkText(b []byte, limit int, known *interner) *fault.Reason {
	switch {
	case len(b) == 0:
		return ReasonCellEmpty
	case known != nil && known.has(b):
		return nil
	case len(b) > limit:
		return ReasonCellLength
	case plainASCII(b):
		return nil
	case !utf8.Valid(b) || bytes.ContainsRune(b, utf8.RuneError) || bytes.ContainsFunc(b, unicode.IsControl):
		return ReasonCellText
	}
	return nil
}

func plainASCII(b []byte) bool {
	for _, c := range b {
		if c < 0x20 || c >= 0x7F {
			return false
		}
	}
	return true
}
