package receipt

import "github.com/capillary-finance/capillary/internal/platform/fault"

// Reasons of receipts.
var (
	ReasonAmount = fault.Declare("RECEIPT_AMOUNT", fault.Invalid,
		"金额 {amount} 超过该笔来款的待处理余额 {open}", "The amount {amount} exceeds what is open of this receipt, {open}",
		"按待处理余额分配", "Spread no more than what is open")
	ReasonStatus = fault.Declare("RECEIPT_STATUS", fault.Conflict,
		"来款状态为“{status}”，不能这样处理", "A receipt that is {status} cannot be handled this way",
		"刷新后查看当前状态", "Refresh and look at its present state")
	ReasonNoPayer = fault.Declare("RECEIPT_NO_PAYER", fault.Invalid,
		"银行未给出付款人账号，无法原路退回", "The bank did not name the payer's account, so the money cannot go back where it came from",
		"填写退回账号，经第二人复核后退回", "Name an account to return it to; a second person reviews it")
	ReasonReference = fault.Declare("RECEIPT_REFERENCE_REUSED", fault.Invalid,
		"银行流水号 {reference} 已用于另一笔金额不同的来款（{known}）", "The bank reference {reference} belongs to another receipt of a different amount ({known})",
		"核对流水号与金额；同一流水号只能对应一笔来款", "Check reference and amount; one bank reference is one receipt")
	ReasonColumns = fault.Declare("RECEIPT_COLUMNS", fault.Invalid,
		"还款文件 {file} 缺少列：{columns}", "The repayment file {file} lacks these columns: {columns}",
		"下载模板，按模板的表头填写", "Download the template and use its header")
	ReasonColumnTwice = fault.Declare("RECEIPT_COLUMN_TWICE", fault.Invalid,
		"还款文件 {file} 有两列都可作为“{column}”：{columns}", "The repayment file {file} has two columns that may be its {column}: {columns}",
		"只保留一列后重新上传", "Keep one of them and upload again")
	ReasonFormat = fault.Declare("RECEIPT_FILE_FORMAT", fault.Invalid,
		"来款文件 {file} 的格式无法识别：{problem}", "The format of the file of payments {file} is not known: {problem}",
		"另存为 XLSX 或 CSV（UTF-8 或 GB18030），或取银行的 camt.053、camt.054 文件", "Save it as XLSX or CSV (UTF-8 or GB18030), or take the bank's camt.053 or camt.054")
	ReasonReferenceTwice = fault.Declare("RECEIPT_REFERENCE_TWICE", fault.Invalid,
		"银行流水号 {reference} 在本文件第 {line} 行已用于另一笔来款（贷款、企业、付款账号或起息日不同）", "The bank reference {reference} stands in line {line} of this file for another payment (its loan, firm, payer or value date differs)",
		"核对流水号；两笔来款须各有自己的流水号", "Check it; each payment needs a reference of its own")
	ReasonValue = fault.Declare("RECEIPT_VALUE", fault.Invalid,
		"“{column}”的值“{value}”不正确：{problem}", "{column} holds {value}: {problem}",
		"改正该值后重新上传；已入账的行会被识别，不会重复", "Correct it and upload again; rows taken before are recognised")
	ReasonEntry = fault.Declare("RECEIPT_ENTRY", fault.Invalid,
		"{path}：{problem}", "{path}: {problem}",
		"请银行重新出具该文件；已入账的分录会被识别，不会重复", "Ask the bank for the file again; entries taken before are recognised")
	ReasonFutureDate = fault.Declare("RECEIPT_FUTURE_DATE", fault.Invalid,
		"起息日 {date} 晚于营业日 {today}", "The value date {date} is after the business date {today}",
		"在该日之后再上传", "Upload it on or after that day")
	ReasonTooMany = fault.Declare("RECEIPT_TOO_MANY_ROWS", fault.TooLarge,
		"文件超过 {limit} 行", "The file has more than {limit} rows", "拆分后分别上传", "Split it and upload the parts")
	ReasonPolicy = fault.Declare("RECEIPT_POLICY", fault.Invalid,
		"匹配规则 {problem}", "Matching rules: {problem}", "改正后再提交", "Correct them and submit again")
	ReasonNoBankFiles = fault.Declare("RECEIPT_NO_BANK_FILES", fault.Unavailable,
		"没有配置可取对账文件的支付渠道", "No payment channel is configured that gives statements",
		"设置 payment.protocol 为 iso20022，或上传文件", "Set payment.protocol to iso20022, or upload the file")
	ReasonBroken = fault.Declare("RECEIPT_BROKEN", fault.Internal,
		"来款 {receipt} 校验失败：{problem}", "Receipt {receipt} does not verify: {problem}",
		"停止对该来款的操作并从备份核对", "Stop work on this receipt and compare with a backup")
)
