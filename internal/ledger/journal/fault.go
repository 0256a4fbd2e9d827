package journal

import "github.com/capillary-finance/capillary/internal/platform/fault"

// Reasons of the journal.
var (
	ReasonUnbalanced = fault.Declare("JOURNAL_UNBALANCED", fault.Invalid,
		"分录 {key} 不平衡：{problem}", "Entry {key} does not balance: {problem}",
		"使每个币种的借方合计等于贷方合计", "Make debits equal credits in every currency")
	ReasonKeyReused = fault.Declare("JOURNAL_KEY_REUSED", fault.Conflict,
		"业务键 {key} 已入账且内容不同", "Business key {key} was posted before with other content",
		"核对原分录；更正须用新的业务键冲销", "Compare with the posted entry; correct it by a reversal under a new key")
	ReasonUnknownAccount = fault.Declare("JOURNAL_ACCOUNT_UNKNOWN", fault.Invalid,
		"科目 {account} 不在本机构的科目表中", "Account {account} is not in the institution's chart",
		"先在科目表中增加该科目", "Add the account to the chart first")
	ReasonBroken = fault.Declare("JOURNAL_BROKEN", fault.Internal,
		"账簿校验失败：{problem}", "The books do not verify: {problem}",
		"立即停止记账并从备份核对", "Stop posting and compare with a backup")
)

func dateFault(field string) error {
	return fault.Field(field, "不是 YYYY-MM-DD 形式的日期", "is not a date of the form YYYY-MM-DD")
}
