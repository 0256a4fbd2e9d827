package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"
	"golang.org/x/text/encoding/simplifiedchinese"
	"golang.org/x/text/encoding/unicode"
	"pgregory.net/rapid"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

const head = "企业代号,发票号码,开票日期,销方单位代号,金额,税额,价税合计,发票状态\n"

func decodeText(t *testing.T, text string, o Options) ([]Row, Report, error) {
	t.Helper()
	var rows []Row
	report, err := Decode(context.Background(), strings.NewReader(text), o, func(r Row) error {
		rows = append(rows, r)
		return nil
	})
	require.Equal(t, report.Rows, report.Accepted+report.Rejected)
	require.Equal(t, report.Accepted, report.Valid+report.Void)
	return rows, report, err
}

func TestRowsAreReadAndClassified(t *testing.T) {
	t.Parallel()
	rows, report, err := decodeText(t, "\xef\xbb\xbf"+head+
		"E1,1,2017/7/18,A1,100.5,9.5,110,有效发票\r\n"+
		"\n"+
		"E1,1,2017-07-18,A1,100.50,9.50,110.00,有效发票\n"+ // the same said otherwise: a duplicate
		"E1,2,2017-07-19,A1,-100,-9,-109.0,有效发票\n"+
		"E1,3,20170720,A1,0,0,0, 作废发票\n"+
		"E2,4,2017年7月21日,A2,\"1,000.00\",(10.00),¥990,作废发票\n"+
		"E2,5,42938,A2,1,1,3,valid\n", Options{})
	require.NoError(t, err)
	require.Len(t, rows, 6)
	require.Equal(t, Row{Line: 2, Firm: "E1", Invoice: Invoice{
		Direction: Purchase, Number: "1", Date: calendar.MustParse("2017-07-18"), Counterparty: "A1",
		NetMinor: 10050, TaxMinor: 950, GrossMinor: 11000,
	}}, rows[0])
	require.True(t, rows[1].Duplicate)
	require.EqualValues(t, 4, rows[1].Line)
	require.True(t, rows[2].Red)
	require.True(t, rows[3].Void)
	require.EqualValues(t, []int64{100000, -1000, 99000}, []int64{rows[4].NetMinor, rows[4].TaxMinor, rows[4].GrossMinor})
	require.True(t, rows[5].Mismatch)
	require.Equal(t, "2017-07-22", rows[5].Date.String())
	require.Equal(t, EncUTF8BOM, report.Encoding)
	require.EqualValues(t, 1, report.Blank)
	require.EqualValues(t, 2, report.Void)
	require.EqualValues(t, 1, report.VoidPadded)
	require.EqualValues(t, 1, report.Duplicate)
	require.EqualValues(t, 1, report.Red)
	require.EqualValues(t, 1, report.Zero)
	require.EqualValues(t, 1, report.Mismatch)
	require.EqualValues(t, 2, report.Firms)
	require.Equal(t, "2017-07-18 2017-07-22", report.First.String()+" "+report.Last.String())
}

func TestOnlyWhollyEqualRowsAreDuplicates(t *testing.T) {
	t.Parallel()
	row := []string{"E1", "1", "2017/7/18", "A1", "1", "2", "3", "有效发票"}
	text := head + strings.Join(row, ",") + "\n"
	for i, other := range []string{"E2", "2", "2017/7/19", "A2", "7", "7", "7", "作废发票"} {
		changed := append([]string{}, row...)
		changed[i] = other
		text += strings.Join(changed, ",") + "\n"
	}
	rows, report, err := decodeText(t, text+strings.Join(row, ",")+"\n", Options{})
	require.NoError(t, err)
	require.EqualValues(t, 1, report.Duplicate)
	require.True(t, rows[9].Duplicate)
}

func TestManyRowsOfAFirmAreToldApart(t *testing.T) {
	t.Parallel()
	var b strings.Builder
	b.WriteString(head)
	for round := range 2 {
		for firm := range 3 { // sets grow into tables that other firms left behind
			for i := range 5000 {
				fmt.Fprintf(&b, "E%d,%d,2019-01-01,A,%d,0,%d,有效发票\n", firm, i, i, i+round)
			}
		}
	}
	_, report, err := decodeText(t, b.String(), Options{})
	require.NoError(t, err)
	require.Zero(t, report.Duplicate)
	_, report, err = decodeText(t, b.String()+strings.TrimPrefix(b.String(), head), Options{})
	require.NoError(t, err)
	require.EqualValues(t, 30_000, report.Duplicate)
}

func TestHeaderIsFoundInAnyOrderAndLanguage(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"english":     "status, Invoice Number ,buyer,date,gross,tax,net,firm_code\nvalid,7,B1,2020-01-02,3,1,2,E1\n",
		"title above": "销项明细\n\n 发票状态 ,发票号码,购方单位代号,开票日期,价税合计（元）,税额(元),金额,备注,企业代号\n有效,7,B1,2020-01-02,3,1,2,x,E1\n",
		"tabs":        "status\tnumber\tbuyer\tdate\tgross\ttax\tnet\tfirm\nvalid\t7\tB1\t2020-01-02\t3\t1\t2\tE1\n",
		"quoted":      "\"status\",\"number\",\"buyer\",\"date\",\"gross\",\"tax\",\"net\",\"firm\"\r\nvalid,7,B1,2020-01-02,3,1,2,E1\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows, report, err := decodeText(t, text, Options{})
			require.NoError(t, err)
			require.Empty(t, report.Errors)
			require.Len(t, rows, 1)
			require.Equal(t, Sale, rows[0].Direction)
			require.Equal(t, []int64{200, 100, 300}, []int64{rows[0].NetMinor, rows[0].TaxMinor, rows[0].GrossMinor})
			require.Equal(t, "E1 7 B1 2020-01-02", strings.Join([]string{rows[0].Firm, rows[0].Number, rows[0].Counterparty, rows[0].Date.String()}, " "))
		})
	}
}

func TestBadCellsAreNamedWithARemedy(t *testing.T) {
	t.Parallel()
	good := []string{"E1", "1", "2017/7/18", "A1", "1", "1", "2", "有效发票"}
	for _, c := range []struct {
		column int
		value  string
		field  string
		reason *fault.Reason
	}{
		{0, "", "firm", ReasonCellEmpty},
		{0, strings.Repeat("x", 200), "firm", ReasonCellLength},
		{1, " ", "number", ReasonCellEmpty},
		{1, "a\x01", "number", ReasonCellText},
		{2, "2017/13/1", "date", ReasonDateSyntax},
		{2, "2017/2-1", "date", ReasonDateSyntax},
		{2, "17/2/1", "date", ReasonDateSyntax},
		{2, "2017-02-29", "date", ReasonDateSyntax},
		{2, "1817-02-01", "date", ReasonDateRange},
		{3, "", "seller", ReasonCellEmpty},
		{4, "", "net", ReasonCellEmpty},
		{4, "1.005", "net", ReasonAmountDecimals},
		{4, "1.", "net", ReasonAmountSyntax},
		{4, "1e3", "net", ReasonAmountSyntax},
		{4, "--1", "net", ReasonAmountSyntax},
		{4, "NaN", "net", ReasonAmountSyntax},
		{5, "\"1,00\"", "tax", ReasonAmountSyntax},
		{6, "99999999999999999999", "gross", ReasonAmountRange},
		{6, "10000000000000.01", "gross", ReasonAmountRange},
		{7, "unknown", "status", ReasonStatus},
		{7, "", "status", ReasonCellEmpty},
	} {
		t.Run(fmt.Sprintf("%s %s", c.field, c.value), func(t *testing.T) {
			t.Parallel()
			cells := append([]string{}, good...)
			cells[c.column] = c.value
			rows, report, err := decodeText(t, head+strings.Join(good, ",")+"\n"+strings.Join(cells, ",")+"\n", Options{})
			require.NoError(t, err)
			require.Len(t, rows, 1)
			require.EqualValues(t, 1, report.Rejected)
			require.Len(t, report.Errors, 1)
			e := report.Errors[0]
			require.Equal(t, []any{int64(3), c.field, c.reason.Code}, []any{e.Line, e.Field, e.Code})
			require.NotContains(t, e.Message.Zh+e.Message.En+e.Remedy.Zh+e.Remedy.En, "{")
			require.NotEmpty(t, e.Remedy.Zh)
			require.Contains(t, head, e.Column)
		})
	}
}

func TestEveryBadCellOfARowIsReportedAndCountsGoBeyondTheCap(t *testing.T) {
	t.Parallel()
	all := 0
	text := head + strings.Repeat("E1,1,never,A1,x,1.234,2,?\n", 10)
	_, report, err := decodeText(t, text, Options{MaxErrors: 3, OnError: func(RowError) error { all++; return nil }})
	require.NoError(t, err)
	require.EqualValues(t, 10, report.Rejected)
	require.Len(t, report.Errors, 3)
	require.EqualValues(t, 40, report.ErrorCount)
	require.EqualValues(t, 10, report.ErrorsByCode["AMOUNT_DECIMALS"])
	require.Equal(t, 40, all)
}

func TestBrokenRecordsCostOnlyThemselves(t *testing.T) {
	t.Parallel()
	good := "E1,1,2017/7/18,A1,1,1,2,有效发票\n"
	for name, c := range map[string]struct {
		text   string
		line   int64
		reason *fault.Reason
	}{
		"too few":          {"E1,1\n", 3, ReasonRowColumns},
		"bare thousands":   {"E1,1,2017/7/18,A1,1,000.00,1,2,有效发票\n", 3, ReasonRowColumns},
		"stray quote":      {"E1,1,2017/7/18,A\"1,1,1,2,有效发票\n", 3, ReasonRowQuotes},
		"open quote":       {"\"E1,1,2017/7/18,A1,1,1,2,有效发票\n", 3, ReasonRowQuotes},
		"text after quote": {"\"E1\"x,1,2017/7/18,A1,1,1,2,有效发票\n", 3, ReasonRowQuotes},
		"too long":         {strings.Repeat("x", 3000) + "\n", 3, ReasonRowLength},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rows, report, err := decodeText(t, head+good+c.text+good+good, Options{MaxRecord: 1000})
			require.NoError(t, err)
			require.Len(t, rows, 3)
			require.Len(t, report.Errors, 1)
			require.Equal(t, []any{c.line, c.reason.Code}, []any{report.Errors[0].Line, report.Errors[0].Code})
			require.EqualValues(t, 4, rows[1].Line)
		})
	}
}

func TestQuotedRecordMaySpanLines(t *testing.T) {
	t.Parallel()
	rows, report, err := decodeText(t, "备注,"+head+"\"two\nlines, \"\"quoted\"\"\",E1,1,2017/7/18,A1,1,1,2,有效发票\nx,E1,2,2017/7/18,A1,1,1,2,有效发票", Options{})
	require.NoError(t, err)
	require.Empty(t, report.Errors)
	require.Len(t, rows, 2)
	require.Equal(t, []int64{2, 4}, []int64{rows[0].Line, rows[1].Line})
	require.Equal(t, []string{"备注"}, report.Unknown)
}

func TestFileIsRefusedWithAReason(t *testing.T) {
	t.Parallel()
	sale := strings.Replace(head, "销方", "购方", 1)
	bomb := gzipped(t, []byte(head+strings.Repeat(strings.Repeat("0", 1000)+"\n", 80_000)))
	for name, c := range map[string]struct {
		text    string
		options Options
		reason  *fault.Reason
	}{
		"empty":              {"", Options{}, ReasonFileEmpty},
		"only blank lines":   {"\n\n", Options{}, ReasonFileEmpty},
		"missing column":     {"企业代号,发票号码\nE1,2\n", Options{}, ReasonFileHeader},
		"other unit":         {strings.Replace(head, "金额", "金额（万元）", 1), Options{}, ReasonFileHeader},
		"contradiction":      {sale, Options{Direction: Purchase}, ReasonFileDirection},
		"both sides":         {"购方," + head, Options{}, ReasonFileDirection},
		"old excel":          {"\xD0\xCF\x11\xE0 old", Options{}, ReasonFileFormat},
		"binary":             {"\x7fELF\x00\x00", Options{}, ReasonFileFormat},
		"not a workbook":     {"PK\x03\x04nothing", Options{}, ReasonFileDamaged},
		"truncated gzip":     {gzipped(t, []byte(head+strings.Repeat("E1,1,2017/7/18,A1,1,1,2,有效发票\n", 100)))[:100], Options{}, ReasonFileDamaged},
		"packed twice":       {gzipped(t, []byte(gzipped(t, []byte(head)))), Options{}, ReasonFileFormat},
		"too many rows":      {head + strings.Repeat("E1,1,2017/7/18,A1,1,1,2,有效发票\n", 3), Options{MaxRows: 2}, ReasonFileTooManyRows},
		"too large":          {head + strings.Repeat("E1,1,2017/7/18,A1,1,1,2,有效发票\n", 30), Options{MaxBytes: 300}, ReasonFileTooLarge},
		"bomb":               {bomb, Options{}, ReasonFileBomb},
		"no firm, no column": {strings.Replace(head, "企业代号", "x", 1), Options{}, ReasonFileHeader},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, _, err := decodeText(t, c.text, c.options)
			require.True(t, fault.Is(err, c.reason), "%v", err)
			e, _ := fault.As(err)
			require.NotContains(t, e.Text("zh")+e.Text("en")+e.RemedyText("zh")+e.RemedyText("en"), "{")
		})
	}
}

func gzipped(t testing.TB, b []byte) string {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, err := z.Write(b)
	require.NoError(t, err)
	require.NoError(t, z.Close())
	return out.String()
}

// sample makes a file whose rows are easy to compare across formats.
func sample(rows int) string {
	var b strings.Builder
	b.WriteString(head)
	for i := range rows {
		fmt.Fprintf(&b, "E%d,%d,2019-%02d-%02d,供应商%d,%d.%02d,0.5,%d.%02d,有效发票\n", i/50, 1000+i, i%12+1, i%28+1, i%7, i, i%100, i, i%100)
	}
	return b.String()
}

func TestFormatsAndEncodingsSayTheSame(t *testing.T) {
	t.Parallel()
	text := sample(2000)
	want, _, err := decodeText(t, text, Options{})
	require.NoError(t, err)
	require.Len(t, want, 2000)
	gb, err := simplifiedchinese.GB18030.NewEncoder().String(text)
	require.NoError(t, err)
	wide, err := unicode.UTF16(unicode.LittleEndian, unicode.UseBOM).NewEncoder().String(text)
	require.NoError(t, err)
	for name, c := range map[string]struct{ text, format, encoding string }{
		"gb18030":   {gb, FormatCSV, EncGB18030},
		"gb18030gz": {gzipped(t, []byte(gb)), FormatGzip, EncGB18030},
		"utf8gz":    {gzipped(t, []byte(text)), FormatGzip, EncUTF8},
		"utf16":     {wide, FormatCSV, EncUTF16},
		"xlsx":      {workbook(t, text), FormatXLSX, EncUTF8},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, report, err := decodeText(t, c.text, Options{})
			require.NoError(t, err)
			require.Equal(t, []string{c.format, c.encoding}, []string{report.Format, report.Encoding})
			require.Empty(t, report.Errors)
			require.Equal(t, want, got)
			require.EqualValues(t, len(c.text), report.Bytes)
		})
	}
}

// workbook writes CSV text as a spreadsheet a person might send: numbers as numbers, dates as
// day numbers.
func workbook(t testing.TB, text string) string {
	t.Helper()
	f := excelize.NewFile()
	w, err := f.NewStreamWriter("Sheet1")
	require.NoError(t, err)
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		var cells []any
		for j, v := range strings.Split(line, ",") {
			if day, err := calendar.Parse(v); err == nil && j == 2 {
				cells = append(cells, day.Sub(calendar.MustParse("1899-12-30")))
				continue
			}
			var number float64
			if n, err := fmt.Sscanf(v, "%f", &number); n == 1 && err == nil && i > 0 {
				cells = append(cells, number)
				continue
			}
			cells = append(cells, v)
		}
		require.NoError(t, w.SetRow(fmt.Sprintf("A%d", i+1), cells))
	}
	require.NoError(t, w.Flush())
	var out bytes.Buffer
	require.NoError(t, f.Write(&out))
	return out.String()
}

func TestSinkAndContextStopTheRun(t *testing.T) {
	t.Parallel()
	stop := errors.New("enough")
	packed := gzipped(t, []byte(sample(50_000)))
	_, err := Decode(context.Background(), strings.NewReader(packed), Options{}, func(Row) error { return stop })
	require.ErrorIs(t, err, stop)
	ctx, cancel := context.WithCancel(context.Background())
	rows := 0
	_, err = Decode(ctx, strings.NewReader(packed), Options{}, func(Row) error {
		if rows++; rows == 10 {
			cancel()
		}
		return nil
	})
	require.ErrorIs(t, err, context.Canceled)
	require.Less(t, rows, 50_000)
}

func TestProgressReachesTheSizeOfTheFile(t *testing.T) {
	t.Parallel()
	text := sample(20_000)
	var bytesSeen, rowsSeen []int64
	_, _, err := decodeText(t, text, Options{Progress: func(b, r int64) { bytesSeen, rowsSeen = append(bytesSeen, b), append(rowsSeen, r) }})
	require.NoError(t, err)
	require.Greater(t, len(bytesSeen), 3)
	require.EqualValues(t, len(text), bytesSeen[len(bytesSeen)-1])
	require.EqualValues(t, 20_000, rowsSeen[len(rowsSeen)-1])
	require.IsIncreasing(t, rowsSeen)
}

// slowReader hands out a few bytes at a time, so that every boundary falls everywhere.
type slowReader struct {
	r io.Reader
	n int
}

func (s slowReader) Read(p []byte) (int, error) { return s.r.Read(p[:min(len(p), s.n)]) }

func TestBoundariesOfReadsDoNotMatter(t *testing.T) {
	t.Parallel()
	text := "x," + head + "\"a\n\"\"b\"\",\",E1,1,2017/7/18,A1,1,1,2,有效发票\r\n" + "x,E1,2,bad,A1,1,1,2,有效发票\nx,E1,3,2017/7/18,A1,1,1,2,作废发票"
	want, report, err := decodeText(t, text, Options{})
	require.NoError(t, err)
	require.Len(t, want, 2)
	for n := 1; n < 40; n++ {
		var got []Row
		r, err := Decode(context.Background(), slowReader{strings.NewReader(text), n}, Options{}, func(r Row) error { got = append(got, r); return nil })
		require.NoError(t, err)
		require.Equal(t, want, got)
		require.Equal(t, report, r)
	}
}

func TestAmountsRoundTrip(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		fen := rapid.Int64Range(-maxFen, maxFen).Draw(t, "fen")
		whole, part, sign := fen/100, fen%100, ""
		if fen < 0 {
			whole, part, sign = -whole, -part, "-"
		}
		plain := fmt.Sprintf("%s%d.%02d", sign, whole, part)
		grouped := fmt.Sprintf("%d", whole)
		for i := len(grouped) - 3; i > 0; i -= 3 {
			grouped = grouped[:i] + "," + grouped[i:]
		}
		forms := []string{plain, sign + "¥" + grouped + fmt.Sprintf(".%02d", part), "￥" + plain, plain + "元", "\u3000" + plain + " "}
		if sign == "-" {
			forms = append(forms, "("+plain[1:]+")", "（"+plain[1:]+"）")
		}
		for _, s := range forms {
			got, reason := parseFen([]byte(s))
			require.Nil(t, reason, s)
			require.Equal(t, fen, got, s)
		}
	})
}

func TestSheetDecimalShowsWhatAPersonSees(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		"9401.7099999999991": "9401.71", "-9401.7099999999991": "-9401.71", "1.1E3": "1100", "1.5E-2": "0.015",
		"0.10000000000000001": "0.1", "99999999999999.999": "100000000000000", "12.345": "12.345", "abc": "abc", "": "",
		"1E99": "1E99", "-0.29999999999999999": "-0.3", "100": "100",
	} {
		require.Equal(t, want, string(sheetDecimal([]byte(in))), in)
	}
	require.Equal(t, "11459356", string(wholeNumber([]byte("1.1459356E7"))))
	require.Equal(t, "3E5", string(wholeNumber([]byte("3E5"))))
	require.Equal(t, "77", string(wholeNumber([]byte("77.0"))))
}

func TestFirmsAreRead(t *testing.T) {
	t.Parallel()
	var rows []FirmRow
	report, err := DecodeFirms(context.Background(), strings.NewReader(
		"企业名称,企业代号,信誉评级,是否违约,从业人数\n甲公司,E1,A,否,12\n乙公司,E2,,是,\n丙公司,E1,B,否,1\n丁公司,E4,B,maybe,1.5\n,E5,,,\n戊公司,E6,,,\n"),
		Options{}, func(f FirmRow) error { rows = append(rows, f); return nil })
	require.NoError(t, err)
	require.Equal(t, []FirmRow{
		{Line: 2, Code: "E1", Name: "甲公司", Rating: "A", Labelled: true, Employees: 12},
		{Line: 3, Code: "E2", Name: "乙公司", Labelled: true, Defaulted: true},
		{Line: 7, Code: "E6", Name: "戊公司"},
	}, rows)
	require.EqualValues(t, []int64{6, 3, 3, 2, 1}, []int64{report.Rows, report.Accepted, report.Rejected, report.Labelled, report.Defaulted})
	require.Equal(t, map[string]int64{"FIRM_REPEATED": 1, "CELL_YES_NO": 1, "CELL_WHOLE_NUMBER": 1, "CELL_EMPTY": 1}, report.ErrorsByCode)
}
