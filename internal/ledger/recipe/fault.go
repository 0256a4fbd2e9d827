package recipe

import "github.com/capillary-finance/capillary/internal/platform/fault"

// Reasons why a mapping is refused.
var (
	ReasonRole = fault.Declare("RECIPE_ROLE_UNKNOWN", fault.Invalid, "没有记账角色 {role}", "{role} is not a posting role",
		"使用 GET /api/v1/ledger/roles 所列的角色", "Use a role that GET /api/v1/ledger/roles lists")
	ReasonAccount = fault.Declare("RECIPE_ACCOUNT_UNFIT", fault.Invalid, "科目 {account} 不能担任 {role}：{problem}", "Account {account} cannot play {role}: {problem}",
		"选择存在、启用且类别相符的科目", "Choose an account that exists, is active and is of a fitting kind")
	ReasonDate = fault.Declare("RECIPE_DATE_PAST", fault.Invalid, "生效日 {date} 早于营业日 {business_date}", "The effective date {date} is before the business date {business_date}",
		"从营业日或以后的日期起生效；已入账的分录不受影响", "Let it take effect on the business date or later; posted entries stay")
)
