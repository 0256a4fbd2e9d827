package workbench

import "github.com/capillary-finance/capillary/internal/platform/fault"

// Reasons of this package.
var (
	ReasonCell = fault.Declare("TABLE_CELL", fault.Invalid, "第 {row} 行「{column}」列的值 {value} 不可用：{problem}", "Row {row}, column {column}: the value {value} cannot be used: {problem}",
		"修正该单元格；若为缺失值请留空或用 --missing 指明写法；若该列本为类别，请用 --categorical 指明；不需要的列用 --exclude 排除", "Correct the cell; leave it empty (or name its text with --missing) if it is absent; name the column with --categorical if it holds categories; leave it out with --exclude if it is not needed")
	ReasonColumn = fault.Declare("TABLE_COLUMN", fault.Invalid, "「{column}」列不可用：{problem}", "Column {column} cannot be used: {problem}",
		"检查文件首行的列名；不需要的列用 --exclude 排除", "Check the column names in the file's first line; leave a column out with --exclude if it is not needed")
	ReasonTable = fault.Declare("TABLE_FILE", fault.Invalid, "表格文件不可用（第 {row} 行）：{problem}", "The table cannot be used (row {row}): {problem}",
		"使用首行为列名、逗号分隔、UTF-8 或 GB18030 编码的 CSV", "Use a CSV with the column names in its first line, commas between cells, in UTF-8 or GB18030")
	ReasonExpression = fault.Declare("TABLE_EXPRESSION", fault.Invalid, "表达式 {expression} 无效（第 {position} 个字符）：{problem}", "The expression {expression} is invalid (character {position}): {problem}",
		"写成如 id%10<7 的条件；可用列名、数字、'文本'、+ - * / %、< <= > >= == !=、and or not 与括号", "Write a condition such as id%10<7, of column names, numbers, 'texts', + - * / %, < <= > >= == !=, and, or, not and parentheses")
	ReasonOption = fault.Declare("WORKBENCH_OPTION", fault.Invalid, "选项 {option} 无效：{problem}", "Option {option} is invalid: {problem}",
		"按提示修改后重试", "Change it as described and retry")
	ReasonUntrainable = fault.Declare("WORKBENCH_UNTRAINABLE", fault.Invalid, "无法训练：{problem}", "Cannot train: {problem}",
		"补充带标签的样本，或调整划分、列与选项后重试", "Add labelled rows, or change the split, the columns or the options, and retry")
	// ReasonFile is for whoever opens the files, which this package does not.
	ReasonFile = fault.Declare("WORKBENCH_FILE", fault.NotFound, "文件 {file} 无法打开或写入：{problem}", "The file {file} cannot be opened or written: {problem}",
		"检查文件名、文件夹与权限", "Check the name, the folder and the permissions")
	ReasonModelFile = fault.Declare("WORKBENCH_MODEL_FILE", fault.Invalid, "模型文件不可用：{problem}", "The model file cannot be used: {problem}",
		"使用 capillary model train 保存的文件，或 XGBoost 的 JSON、LightGBM 的文本模型", "Use a file that capillary model train saved, or an XGBoost JSON or LightGBM text model")
)

func cell(row int, column, value, zh, en string) error {
	const longest = 40
	if r := []rune(value); len(r) > longest {
		value = string(r[:longest]) + "…"
	}
	return fault.New(ReasonCell, "row", row, "column", column, "value", "“"+value+"”", "problem", en, "problem_zh", zh).WithField(column).WithRow(row)
}

func column(name, zh, en string) error {
	return fault.New(ReasonColumn, "column", name, "problem", en, "problem_zh", zh).WithField(name)
}

func option(name, zh, en string) error {
	return fault.New(ReasonOption, "option", name, "problem", en, "problem_zh", zh).WithField(name)
}
