package source

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Reasons a file as a whole is refused.
var (
	ReasonFileHeader = fault.Declare("FILE_HEADER", fault.Invalid,
		"文件 {file} 的表头缺少列：{columns}", "The header of {file} lacks these columns: {columns}",
		"在首行补上这些列；认得的写法：{accepted}", "Add them to the first line; accepted names: {accepted}")
	ReasonFileDirection = fault.Declare("FILE_DIRECTION", fault.Invalid,
		"文件 {file} 无法判断是进项还是销项：{problem}", "{file} does not say whether it holds purchase or sale invoices: {problem}",
		"使用“销方单位代号”（进项）或“购方单位代号”（销项）列，或在导入时指明方向", "Use the column 销方单位代号/seller (purchase) or 购方单位代号/buyer (sale), or name the direction on import")
	ReasonFileEmpty = fault.Declare("FILE_EMPTY", fault.Invalid,
		"文件 {file} 没有内容", "{file} is empty",
		"请选择含表头与数据的文件", "Choose a file with a header and data")
	ReasonFileFormat = fault.Declare("FILE_FORMAT", fault.Invalid,
		"文件 {file} 的格式无法识别：{problem}", "The format of {file} is not known: {problem}",
		"请另存为 CSV、CSV.gz 或 XLSX 后重试", "Save it as CSV, CSV.gz or XLSX and try again")
	ReasonFileDamaged = fault.Declare("FILE_DAMAGED", fault.Invalid,
		"文件 {file} 在第 {line} 行附近损坏：{problem}", "{file} is damaged near line {line}: {problem}",
		"请重新导出或重新传输该文件", "Export or transfer the file again")
	ReasonFileTooLarge = fault.Declare("FILE_TOO_LARGE", fault.TooLarge,
		"文件 {file} 解压后超过上限 {limit} 字节", "{file} exceeds the limit of {limit} bytes once unpacked",
		"请把文件拆成较小的几个", "Split the file into smaller ones")
	ReasonFileTooManyRows = fault.Declare("FILE_TOO_MANY_ROWS", fault.TooLarge,
		"文件 {file} 超过 {limit} 行", "{file} has more than {limit} rows",
		"请按年份或企业拆分文件", "Split the file by year or by firm")
	ReasonFileBomb = fault.Declare("FILE_COMPRESSION_RATIO", fault.TooLarge,
		"文件 {file} 的压缩比超过 {limit} 倍，不予解压", "{file} unpacks to more than {limit} times its size and was stopped",
		"请上传未压缩的文件", "Upload the file without compression")
)

// Reasons a single row is refused.
var (
	ReasonRowColumns = fault.Declare("ROW_COLUMNS", fault.Invalid,
		"该行有 {found} 列，表头有 {expected} 列", "The row has {found} columns where the header has {expected}",
		"补齐缺少的列；含逗号的值请加双引号", "Fill in the missing columns; put values that hold a comma in double quotes")
	ReasonRowQuotes = fault.Declare("ROW_QUOTES", fault.Invalid,
		"该行的双引号不成对", "The double quotes of the row do not match",
		"值内的双引号写成两个双引号，并在值的两端加双引号", "Write a quote inside a value twice and quote the whole value")
	ReasonRowLength = fault.Declare("ROW_TOO_LONG", fault.Invalid,
		"该行超过 {limit} 字节", "The row is longer than {limit} bytes",
		"检查是否缺少换行或引号未闭合", "Look for a missing line break or an open quote")
	ReasonCellEmpty = fault.Declare("CELL_EMPTY", fault.Invalid,
		"“{column}”为空", "{column} is empty",
		"填写该值", "Fill in the value")
	ReasonCellLength = fault.Declare("CELL_TOO_LONG", fault.Invalid,
		"“{column}”超过 {limit} 字节", "{column} is longer than {limit} bytes",
		"核对该值是否错列", "Check that the value stands in the right column")
	ReasonCellText = fault.Declare("CELL_TEXT", fault.Invalid,
		"“{column}”含有无法识别的字符", "{column} holds characters that cannot be read",
		"以 UTF-8 或 GB18030 编码重新保存文件", "Save the file again as UTF-8 or GB18030")
	ReasonAmountSyntax = fault.Declare("AMOUNT_SYNTAX", fault.Invalid,
		"“{column}”的值“{value}”不是金额", "{column} holds {value}, which is not an amount",
		"写成 1234.56、-1234.56 或 \"1,234.56\"", "Write 1234.56, -1234.56 or \"1,234.56\"")
	ReasonAmountDecimals = fault.Declare("AMOUNT_DECIMALS", fault.Invalid,
		"“{column}”的值“{value}”超过两位小数", "{column} holds {value}, which has more than two decimals",
		"按分四舍五入后重新导出；系统不会替您舍入", "Round to fen in the exporting system; nothing is rounded silently here")
	ReasonAmountRange = fault.Declare("AMOUNT_RANGE", fault.Invalid,
		"“{column}”的值“{value}”超出范围", "{column} holds {value}, which is out of range",
		"单张发票金额须在 ±10 万亿元以内；核对单位", "One invoice must stay within ±10 trillion yuan; check the unit")
	ReasonDateSyntax = fault.Declare("DATE_SYNTAX", fault.Invalid,
		"“{column}”的值“{value}”不是日期", "{column} holds {value}, which is not a date",
		"写成 2017-07-18、2017/7/18 或 Excel 日期", "Write 2017-07-18, 2017/7/18 or an Excel date")
	ReasonDateRange = fault.Declare("DATE_RANGE", fault.Invalid,
		"“{column}”的值“{value}”不在 1990 至 2099 年之间", "{column} holds {value}, which is outside 1990 to 2099",
		"核对年份", "Check the year")
	ReasonStatus = fault.Declare("INVOICE_STATUS", fault.Invalid,
		"“{column}”的值“{value}”不是已知的发票状态", "{column} holds {value}, which is not a known invoice status",
		"使用“有效发票”或“作废发票”（valid 或 void）", "Use 有效发票 or 作废发票 (valid or void)")
	ReasonOtherFirm = fault.Declare("INVOICE_OTHER_FIRM", fault.Invalid,
		"该行属于企业 {value}，而导入的是企业 {firm}", "The row belongs to firm {value}, but firm {firm} is being imported",
		"从文件中去掉该行，或不限定企业后重新导入", "Remove the row, or import without naming a firm")
	ReasonYesNo = fault.Declare("CELL_YES_NO", fault.Invalid,
		"“{column}”的值“{value}”不是“是”或“否”", "{column} holds {value}, which is neither yes nor no",
		"写“是”或“否”（yes 或 no）", "Write 是 or 否 (yes or no)")
	ReasonWholeNumber = fault.Declare("CELL_WHOLE_NUMBER", fault.Invalid,
		"“{column}”的值“{value}”不是非负整数", "{column} holds {value}, which is not a whole number",
		"写成不带小数的数字", "Write a number without decimals")
	ReasonRepeated = fault.Declare("FIRM_REPEATED", fault.Invalid,
		"企业 {value} 在第 {first} 行已经出现", "Firm {value} already stands on line {first}",
		"保留一行，删去其余", "Keep one row and remove the others")
)

// maxShownValue is how much of a bad value an error shows.
const maxShownValue = 60

// RowError says what is wrong with one cell, or with the row as a whole when Field is empty.
type RowError struct {
	Line    int64      `json:"line"`   // as a person counts lines, the header being line 1
	Field   string     `json:"field"`  // stable name, such as gross
	Column  string     `json:"column"` // header text as it stands in the file
	Value   string     `json:"value"`  // as found, shortened
	Code    string     `json:"code"`   // stable reason code
	Message fault.Text `json:"message"`
	Remedy  fault.Text `json:"remedy"`
}

// newRowError fills the texts of the reason in both languages.
func newRowError(line int64, field, column string, value []byte, reason *fault.Reason, kv ...any) RowError {
	shown := shorten(value)
	column = strings.TrimSpace(column)
	e := fault.New(reason, append([]any{"column", column, "value", shown}, kv...)...)
	return RowError{
		Line: line, Field: field, Column: column, Value: shown, Code: reason.Code,
		Message: fault.Text{Zh: e.Text("zh"), En: e.Text("en")},
		Remedy:  fault.Text{Zh: e.RemedyText("zh"), En: e.RemedyText("en")},
	}
}

// shorten makes any bytes safe and short enough to show.
func shorten(value []byte) string {
	cut := len(value) > maxShownValue
	if cut {
		value = value[:maxShownValue]
	}
	s := strings.ToValidUTF8(string(value), "�")
	if !utf8.ValidString(s) || strings.ContainsAny(s, "\n\r\t\x00") {
		q := strconv.Quote(s)
		s = q[1 : len(q)-1]
	}
	if cut {
		s += "…"
	}
	return s
}
