package approval

import "github.com/capillary-finance/capillary/internal/platform/fault"

// Reasons of this package.
var (
	ReasonSamePerson = fault.Declare("APPROVAL_SAME_PERSON", fault.Forbidden,
		"经办人不能审批自己提交的申请", "Who submitted an application cannot approve it",
		"请另一位有权人审批", "Ask another authorised person")
	ReasonAuthority = fault.Declare("APPROVAL_AUTHORITY", fault.Forbidden,
		"金额 {amount} 须由下列角色之一审批：{roles}", "{amount} needs one of these roles: {roles}",
		"转交有相应权限的人员", "Hand it to somebody with that authority")
	ReasonCeiling = fault.Declare("APPROVAL_ABOVE_AUTHORITY", fault.Forbidden,
		"批准金额 {amount} 超过您的授权额度 {limit}", "{amount} is above your delegated authority of {limit}",
		"降低批准金额，或转交授权额度足够的人员", "Approve less, or hand it to somebody whose authority covers it")
	ReasonDecided = fault.Declare("APPROVAL_DECIDED", fault.Conflict,
		"该审批已处理（{state}）", "This case is already {state}",
		"刷新列表", "Reload the list")
	ReasonAboveLimit = fault.Declare("APPROVAL_ABOVE_LIMIT", fault.Invalid,
		"批准金额须在 {min} 与 {max} 之间", "The approved amount must lie between {min} and {max}",
		"调整金额", "Change the amount")
	ReasonRate = fault.Declare("APPROVAL_RATE", fault.Invalid,
		"利率须在 {min} 与 {max} 之间", "The rate must lie between {min} and {max}",
		"调整利率", "Change the rate")
)
