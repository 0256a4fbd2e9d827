package payment

import "github.com/capillary-finance/capillary/internal/platform/fault"

// Reasons of payments.
var (
	ReasonKeyReused = fault.Declare("PAYMENT_KEY_REUSED", fault.Conflict,
		"业务键 {key} 已用于内容不同的付款", "Business key {key} was used for a different payment",
		"核对原付款；新的付款须使用新的业务编号", "Look at the earlier payment; a new one needs a new reference")
	ReasonBankUnknown = fault.Declare("BANK_OUTCOME_UNKNOWN", fault.Unavailable,
		"银行未答复，付款结果未知", "The bank did not answer; the payment's outcome is unknown",
		"系统会自动查询，请勿重复发起", "The system keeps asking; do not start it again")
	ReasonNoStatement = fault.Declare("BANK_NO_STATEMENT", fault.Unavailable,
		"银行没有给出对账文件（{status}）", "The bank gave no statement ({status})",
		"稍后重试，或从网银下载后上传", "Try later, or download it from the bank and upload it")
)
