package mandate

import "github.com/capillary-finance/capillary/internal/platform/fault"

// Reasons why a debit is not made.
var (
	ReasonNone = fault.Declare("MANDATE_NONE", fault.Conflict,
		"没有 {currency} 的代扣授权", "There is no mandate to debit in {currency}",
		"请客户签署授权后登记，或由客户自行付款", "Have the customer sign one and register it, or pay by himself")
	ReasonSuspended = fault.Declare("MANDATE_SUSPENDED", fault.Conflict,
		"代扣授权 {reference} 已暂停（{cause}）：{why}", "Mandate {reference} is suspended ({cause}): {why}",
		"事由解除后由两人恢复", "Once the cause is gone two persons take it up again")
	ReasonRevoked = fault.Declare("MANDATE_REVOKED", fault.Conflict,
		"代扣授权已撤销", "The mandate was revoked",
		"请客户重新签署，或由客户自行付款", "Have the customer sign anew, or pay by himself")
	ReasonNotInForce = fault.Declare("MANDATE_NOT_IN_FORCE", fault.Conflict,
		"代扣授权 {reference} 的有效期为 {from} 至 {to}", "Mandate {reference} is valid from {from} to {to}",
		"变更有效期或重新签署", "Change its validity or have a new one signed")
	ReasonAboveMax = fault.Declare("MANDATE_ABOVE_MAX", fault.Conflict,
		"应扣金额超过代扣授权的单笔上限，且不允许部分扣款", "More is due than the mandate lets one debit take, and partial debits are not allowed",
		"提高授权上限，或在扣款规则中允许部分扣款", "Raise the bound of the mandate, or allow partial debits in the policy")
	ReasonBelowMinimum = fault.Declare("MANDATE_BELOW_MINIMUM", fault.Conflict,
		"可扣金额低于部分扣款的最低金额", "What may be taken is below the least amount of a partial debit",
		"提高授权上限或降低最低金额", "Raise the bound of the mandate or lower the least amount")
	ReasonGivenUp = fault.Declare("COLLECTION_GIVEN_UP", fault.Conflict,
		"逾期 {days} 天，超过自动扣款的 {limit} 天", "{days} days past due, beyond the {limit} days of automatic debits",
		"改由人工催收，或调整扣款规则", "Recover it by hand, or change the policy")
)

// Reasons of keeping mandates.
var (
	ReasonExists = fault.Declare("MANDATE_EXISTS", fault.Conflict,
		"已有同一范围与币种的代扣授权 {reference}", "There is mandate {reference} of the same scope and currency",
		"变更或撤销原授权", "Change that one or revoke it")
	ReasonReference = fault.Declare("MANDATE_REFERENCE_USED", fault.Conflict,
		"授权编号 {reference} 已使用", "The reference {reference} is used",
		"使用新的编号", "Use a new one")
	ReasonState = fault.Declare("MANDATE_STATE", fault.Conflict,
		"代扣授权的状态为 {state}，不能这样处理", "A mandate that is {state} cannot be handled this way",
		"刷新后查看当前状态", "Refresh and look at its present state")
	ReasonScope = fault.Declare("MANDATE_SCOPE", fault.Invalid,
		"{scope} {id} 的币种为 {currency}，与授权不同", "{scope} {id} is in {currency}, which is not the mandate's",
		"授权的币种须与贷款相同", "The mandate must be in the currency of the debt")
)
