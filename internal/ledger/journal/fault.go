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
	ReasonInactiveAccount = fault.Declare("JOURNAL_ACCOUNT_INACTIVE", fault.Conflict,
		"科目 {account} 已停用", "Account {account} is not active",
		"改用其他科目，或经复核重新启用该科目", "Use another account, or have it activated again by a reviewed change")
	ReasonPeriodClosed = fault.Declare("JOURNAL_PERIOD_CLOSED", fault.Conflict,
		"会计期间 {period} 已结账，{date} 的分录 {key} 不能入账", "The period {period} is closed: entry {key} of {date} cannot be posted",
		"以开放期间的日期入账，或由两人复核重新打开该期间", "Date it in an open period, or have two people reopen the period")
	ReasonFunds = fault.Declare("LEDGER_INSUFFICIENT_FUNDS", fault.Conflict,
		"科目 {account} {sub} 的可用余额不足（{currency}，最小货币单位）：可用 {available_minor}，需要 {needed_minor}",
		"Account {account} {sub} has too little available ({currency} minor units): {available_minor} available, {needed_minor} needed",
		"减少金额、先入账收款，或释放占用", "Lower the amount, post incoming money first, or release a hold")
	ReasonHoldState = fault.Declare("LEDGER_HOLD_ENDED", fault.Conflict,
		"占用 {reference} 已结束（{state}）", "Hold {reference} has ended ({state})",
		"查询该占用的状态；如仍需要请重新占用", "Look the hold up; place a new one if the money is still needed")
	ReasonNotOpen = fault.Declare("LEDGER_ACCOUNT_NOT_OPEN", fault.Forbidden,
		"科目 {account} 未对外部系统开放", "Account {account} is not open to other systems",
		"请会计人员经复核将该科目设为对接口开放；贷款科目不应开放", "Have the accountants open it by a reviewed change; loan accounts should stay closed")
	ReasonSeal = fault.Declare("LEDGER_SEAL_BROKEN", fault.Internal,
		"账户余额 {what} 与其校验码不符，拒绝使用", "The stored balance {what} does not bear its seal and is not used",
		"运行 capillary verify，并与备份核对", "Run capillary verify and compare with a backup")
	ReasonBroken = fault.Declare("JOURNAL_BROKEN", fault.Internal,
		"账簿校验失败：{problem}", "The books do not verify: {problem}",
		"立即停止记账并从备份核对", "Stop posting and compare with a backup")
)
