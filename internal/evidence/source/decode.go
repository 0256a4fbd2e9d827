package source

import (
	"context"
	"errors"
	"io"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Options say what the decoder cannot learn from the file, and its limits. The zero value is
// usable; zero limits become the defaults.
type Options struct {
	Name      string    // file name for messages
	Direction Direction // zero: the header decides (销方 = purchase, 购方 = sale)
	Firm      string    // firm that owns every row, for files without a firm column
	Sheet     string    // XLSX sheet; empty: the first
	// Columns maps field names (firm, number, date, seller, ...) to the headings of this file that stand
	// for them, where the known names do not.
	Columns map[string]string

	MaxRows   int64 // data rows; default 5,000,000
	MaxBytes  int64 // bytes once unpacked; default 4 GiB
	MaxRecord int   // bytes of one record; default 64 KiB
	MaxErrors int   // row errors kept in the report; counts stay exact; default 1,000

	// Progress is told now and then how many bytes of the file have been read and rows seen.
	Progress func(bytes, rows int64)
	// OnError receives every row error, also beyond MaxErrors. An error it returns stops the run.
	OnError func(RowError) error
}

func (o Options) withDefaults() Options {
	if o.Name == "" {
		o.Name = "-"
	}
	if o.MaxRows <= 0 {
		o.MaxRows = 5_000_000
	}
	if o.MaxBytes <= 0 {
		o.MaxBytes = 4 << 30
	}
	if o.MaxRecord <= 0 {
		o.MaxRecord = 64 << 10
	}
	if o.MaxErrors <= 0 {
		o.MaxErrors = 1_000
	}
	return o
}

// Report counts what a file held. Rows = Accepted + Rejected; Accepted = Valid + Void. The other
// classes overlap these and each other.
type Report struct {
	File      string    `json:"file"`
	Format    string    `json:"format"`
	Encoding  string    `json:"encoding"`
	Direction Direction `json:"direction"`
	Headings  []string  `json:"headings"`
	Unknown   []string  `json:"unknown_headings"`
	Missing   []string  `json:"missing,omitempty" doc:"required fields that no heading stands for; then nothing was read"`

	Bytes    int64 `json:"bytes"`
	Rows     int64 `json:"rows"`
	Accepted int64 `json:"accepted"`
	Rejected int64 `json:"rejected"`
	Blank    int64 `json:"blank"`

	Valid      int64 `json:"valid"`
	Void       int64 `json:"void"`        // with the padded ones
	VoidPadded int64 `json:"void_padded"` // void only once stray blanks are trimmed
	Red        int64 `json:"red"`         // negative gross
	Zero       int64 `json:"zero"`        // gross of zero
	Duplicate  int64 `json:"duplicate"`   // an identical row came before
	Mismatch   int64 `json:"mismatch"`    // net + tax differs from gross

	Firms          int64         `json:"firms"`
	Counterparties int64         `json:"counterparties"`
	First          calendar.Date `json:"first_date"`
	Last           calendar.Date `json:"last_date"`

	Errors       []RowError       `json:"errors"`         // the first MaxErrors of them
	ErrorCount   int64            `json:"error_count"`    // all of them; a row may hold several
	ErrorsByCode map[string]int64 `json:"errors_by_code"` // all of them
}

// Decode reads one invoice file as a stream and hands every readable row to sink in file order,
// flagged but never dropped. Rows that cannot be read go to the report. The returned error is
// about the file as a whole, the context, or the sink; the report is good up to that point.
// Strings of a Row may be kept; counterparties and firms are shared between rows.
func Decode(ctx context.Context, r io.Reader, o Options, sink func(Row) error) (Report, error) {
	o = o.withDefaults()
	d := &decoder{options: o, sink: sink, seen: newRowSets(), parties: newInterner(), firms: newInterner()}
	d.report = newReport(o)
	err := decodeRecords(ctx, r, o, &d.report, d)
	d.report.Firms, d.report.Counterparties = int64(d.firms.len()), int64(d.parties.len())
	return d.report, err
}

func newReport(o Options) Report {
	return Report{File: o.Name, ErrorsByCode: map[string]int64{}, Headings: []string{}, Unknown: []string{}, Errors: []RowError{}}
}

// records is what both kinds of file look like to the loop: fields with a line number.
type records interface {
	next() (fields [][]byte, line int64, err error)
}

// rowDecoder turns records into rows of one kind.
type rowDecoder interface {
	// header takes a record as the header, or says which fields it lacks.
	header(record [][]byte) (missing []field, err error)
	// row takes a record behind the header.
	row(record [][]byte, line int64) error
	// bad takes a record that could not be cut into fields.
	bad(line int64, reason *fault.Reason) error
}

// How far a header may stand below the top, since exports put titles above it.
const headerDepth = 10

// decodeRecords opens the input and drives d over its records.
func decodeRecords(ctx context.Context, r io.Reader, o Options, report *Report, d rowDecoder) error {
	in, err := openInput(ctx, r, o)
	if err != nil {
		return err
	}
	defer in.close()
	defer func() { report.Bytes = in.read.Load() }()
	report.Format, report.Encoding = in.format, in.encoding
	var recs records
	if in.format == FormatXLSX {
		sheet, err := openSheet(in.raw, o)
		if err != nil {
			return err
		}
		defer sheet.close()
		if s, ok := d.(interface{ spreadsheet(date1904 bool) }); ok {
			s.spreadsheet(sheet.date1904)
		}
		recs = sheet
	} else {
		recs = newCSVReader(in.text, o.MaxRecord)
	}
	if err := readHeader(recs, o, report, d); err != nil {
		return err
	}
	return readRows(ctx, recs, in, o, report, d)
}

// readHeader looks for the header. When none will do, the report keeps the headings that come nearest,
// so that a person can say what they stand for.
func readHeader(recs records, o Options, report *Report, d rowDecoder) error {
	var fewest []field
	var nearest columns
	for depth := 0; depth < headerDepth; {
		record, line, err := recs.next()
		if errors.Is(err, io.EOF) {
			break
		}
		if errors.Is(err, errRecordTooLong) || errors.Is(err, errQuotes) {
			depth++
			continue
		}
		if err != nil {
			return wrapRead(o.Name, line, err)
		}
		if blankRecord(record) {
			continue
		}
		missing, err := d.header(record)
		if err != nil || len(missing) == 0 {
			return err
		}
		first := depth == 0
		if wider := len(missing) == len(fewest) && len(record) > len(nearest.headings); first || wider || len(missing) < len(fewest) {
			fewest, nearest = missing, mapHeader(record, nil)
		}
		depth++
	}
	if fewest == nil {
		return fault.New(ReasonFileEmpty, "file", o.Name)
	}
	report.Headings = nearest.headings
	for _, f := range fewest {
		report.Missing = append(report.Missing, f.String())
	}
	return headerError(o.Name, fewest)
}

// ticks is how many rows pass between looks at the context and reports of progress.
const ticks = 4096

func readRows(ctx context.Context, recs records, in *input, o Options, report *Report, d rowDecoder) error {
	for n := int64(0); ; n++ {
		if n%ticks == ticks-1 {
			if err := ctx.Err(); err != nil {
				return err
			}
			if o.Progress != nil {
				o.Progress(in.read.Load(), report.Rows)
			}
		}
		record, line, err := recs.next()
		switch {
		case err == nil:
			if blankRecord(record) {
				report.Blank++
				continue
			}
			if report.Rows >= o.MaxRows {
				return fault.New(ReasonFileTooManyRows, "file", o.Name, "limit", o.MaxRows)
			}
			report.Rows++
			err = d.row(record, line)
		case errors.Is(err, errRecordTooLong):
			report.Rows++
			err = d.bad(line, ReasonRowLength)
		case errors.Is(err, errQuotes):
			report.Rows++
			err = d.bad(line, ReasonRowQuotes)
		case errors.Is(err, io.EOF):
			if o.Progress != nil {
				o.Progress(in.read.Load(), report.Rows)
			}
			return ctx.Err()
		default:
			return wrapRead(o.Name, line, err)
		}
		if err != nil {
			return err
		}
	}
}

func blankRecord(record [][]byte) bool {
	for _, f := range record {
		if len(f) > 0 && len(trimBlank(f)) > 0 {
			return false
		}
	}
	return true
}

// addError counts a row error and keeps it while there is room. The texts are only built when
// somebody will read them.
func (r *Report) addError(o Options, line int64, f field, heading string, value []byte, reason *fault.Reason, kv ...any) error {
	r.ErrorCount++
	r.ErrorsByCode[reason.Code]++
	keep := len(r.Errors) < o.MaxErrors
	if !keep && o.OnError == nil {
		return nil
	}
	e := newRowError(line, f.String(), heading, value, reason, kv...)
	if keep {
		r.Errors = append(r.Errors, e)
	}
	if o.OnError != nil {
		return o.OnError(e)
	}
	return nil
}
