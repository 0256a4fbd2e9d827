package chart

import "github.com/capillary-finance/capillary/internal/platform/fault"

// Reasons why a change of the chart is refused.
var (
	ReasonExists = fault.Declare("CHART_ACCOUNT_EXISTS", fault.Conflict, "科目 {account} 已存在", "Account {account} exists already",
		"改用其他编号，或提出变更该科目", "Use another code, or propose a change of the account")
	ReasonUnsettled = fault.Declare("CHART_ACCOUNT_NOT_ZERO", fault.Conflict, "科目 {account} 尚有余额或占用，不能停用", "Account {account} still holds a balance or a hold and cannot be deactivated",
		"先将各子户、各机构、各币种的余额结清", "Settle every sub-account, branch and currency first")
	ReasonPlaysRole = fault.Declare("CHART_ACCOUNT_PLAYS_ROLE", fault.Conflict, "科目 {account} 担任记账角色“{role_zh}”，不能停用", "Account {account} plays the posting role \"{role}\" and cannot be deactivated",
		"先经记账规则把该角色改由其他科目担任，生效后再停用", "Give the role to another account by a change of the accounting recipe first, and deactivate this one when that is in force")
	ReasonChildren = fault.Declare("CHART_ACCOUNT_HAS_CHILDREN", fault.Conflict, "科目 {account} 下有启用的下级科目", "Account {account} has active accounts beneath it",
		"先停用或移走下级科目", "Deactivate or move those first")
	ReasonParent = fault.Declare("CHART_PARENT_UNFIT", fault.Invalid, "上级科目 {parent} 不可用：{problem}", "Parent account {parent} does not fit: {problem}",
		"选择同类别、已存在的上级科目，层级不超过六级", "Choose an existing parent of the same kind, at most six levels deep")
	ReasonControlled = fault.Declare("CHART_ACCOUNT_CONTROLLED", fault.Conflict, "科目 {account} 由贷款业务控制，不能对外部系统开放", "Account {account} is moved by loans only and cannot be opened to other systems",
		"为外部系统另设科目；确需开放的，先允许手工凭证", "Use another account for other systems; if it must be opened, allow manual vouchers first")
)
