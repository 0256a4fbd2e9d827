package source

import (
	"bytes"
	"context"
	"io"

	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// FirmRow is one line of a firm file. Only code and name are required; the rest is empty where
// the file has no such column.
type FirmRow struct {
	Line      int64  `json:"line"`
	Code      string `json:"code"`
	Name      string `json:"name"`
	Rating    string `json:"rating"`    // the bank's own rating, never an input of our score
	Labelled  bool   `json:"labelled"`  // the file says whether the firm defaulted
	Defaulted bool   `json:"defaulted"` // meaningful when Labelled
	USCC      string `json:"uscc"`
	Industry  string `json:"industry"`
	Region    string `json:"region"`
	Employees int64  `json:"employees"` // 0: not said
}

// FirmReport counts what a firm file held.
type FirmReport struct {
	Report
	Labelled  int64 `json:"labelled"`
	Defaulted int64 `json:"defaulted"`
}

// maxName is the longest name of a firm, in bytes.
const maxName = 300

// DecodeFirms reads a firm file (企业代号, 企业名称, 信誉评级, 是否违约 and more) as Decode reads
// invoices: any order of columns, any of the formats, every bad row reported.
func DecodeFirms(ctx context.Context, r io.Reader, o Options, sink func(FirmRow) error) (FirmReport, error) {
	o = o.withDefaults()
	d := &firmDecoder{options: o, sink: sink, lines: map[string]int64{}, report: FirmReport{Report: newReport(o)}}
	err := decodeRecords(ctx, r, o, &d.report.Report, d)
	d.report.Firms = int64(len(d.lines))
	return d.report, err
}

type firmDecoder struct {
	options Options
	sink    func(FirmRow) error
	report  FirmReport
	cols    columns
	lines   map[string]int64 // where each code first stood
	sheet   bool
	failed  bool
}

func (d *firmDecoder) spreadsheet(bool) { d.sheet = true }

func (d *firmDecoder) header(record [][]byte) ([]field, error) {
	c := mapHeader(record, withColumns(firmFields, d.options.Columns))
	if missing := c.missing(fieldFirm, fieldName); len(missing) > 0 {
		return missing, nil
	}
	d.cols = c
	d.report.Headings = append(d.report.Headings, c.headings...)
	d.report.Unknown = append(d.report.Unknown, c.unknown...)
	return nil, nil
}

func (d *firmDecoder) bad(line int64, reason *fault.Reason) error {
	d.report.Rejected++
	return d.report.addError(d.options, line, fieldNone, "", nil, reason, "limit", d.options.MaxRecord)
}

func (d *firmDecoder) row(record [][]byte, line int64) error {
	if want := len(d.cols.headings); len(record) != want {
		found := len(record)
		for d.sheet && len(record) < want {
			record = append(record, nil)
		}
		if len(record) < want || !blankRecord(record[want:]) {
			d.report.Rejected++
			return d.report.addError(d.options, line, fieldNone, "", nil, ReasonRowColumns, "found", found, "expected", want)
		}
	}
	d.failed = false
	row, err := d.read(record, line)
	if err != nil {
		return err
	}
	if d.failed {
		d.report.Rejected++
		return nil
	}
	d.lines[row.Code] = line
	d.report.Accepted++
	d.report.Valid++
	count(&d.report.Labelled, row.Labelled)
	count(&d.report.Defaulted, row.Defaulted)
	return d.sink(row)
}

func (d *firmDecoder) read(record [][]byte, line int64) (FirmRow, error) {
	row := FirmRow{Line: line}
	for _, t := range [...]struct {
		f        field
		out      *string
		limit    int
		required bool
	}{
		{fieldFirm, &row.Code, maxCode, true}, {fieldName, &row.Name, maxName, true},
		{fieldRating, &row.Rating, maxCode, false}, {fieldUSCC, &row.USCC, maxCode, false},
		{fieldIndustry, &row.Industry, maxCode, false}, {fieldRegion, &row.Region, maxCode, false},
	} {
		value := d.cell(record, t.f)
		if len(value) == 0 && !t.required {
			continue
		}
		if reason := checkText(value, t.limit, nil); reason != nil {
			if err := d.fail(line, t.f, value, reason, "limit", t.limit); err != nil {
				return row, err
			}
		}
		*t.out = string(value)
	}
	if first, repeated := d.lines[row.Code]; repeated {
		if err := d.fail(line, fieldFirm, []byte(row.Code), ReasonRepeated, "first", first); err != nil {
			return row, err
		}
	}
	return row, d.figures(record, line, &row)
}

// figures reads the label and the head count.
func (d *firmDecoder) figures(record [][]byte, line int64, row *FirmRow) error {
	if value := d.cell(record, fieldDefault); len(value) > 0 {
		defaulted, known := yesNo[string(bytes.ToLower(value))]
		if !known {
			if err := d.fail(line, fieldDefault, value, ReasonYesNo); err != nil {
				return err
			}
		}
		row.Labelled, row.Defaulted = known, defaulted
	}
	value := d.cell(record, fieldEmployees)
	if len(value) == 0 {
		return nil
	}
	fen, reason := parseFen(value)
	if reason != nil || fen < 0 || fen%100 != 0 {
		return d.fail(line, fieldEmployees, value, ReasonWholeNumber)
	}
	row.Employees = fen / 100
	return nil
}

var yesNo = map[string]bool{
	"是": true, "yes": true, "y": true, "true": true, "1": true,
	"否": false, "no": false, "n": false, "false": false, "0": false,
}

func (d *firmDecoder) cell(record [][]byte, f field) []byte {
	if i := d.cols.at[f]; i >= 0 {
		return trimBlank(record[i])
	}
	return nil
}

func (d *firmDecoder) fail(line int64, f field, value []byte, reason *fault.Reason, kv ...any) error {
	d.failed = true
	return d.report.addError(d.options, line, f, d.cols.heading(f), value, reason, kv...)
}
