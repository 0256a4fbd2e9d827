package application

import "github.com/capillary-finance/capillary/internal/platform/fault"

// Reasons of this package.
var (
	ReasonState = fault.Declare("APPLICATION_STATE", fault.Conflict,
		"申请处于“{state_name}”，不能{action_name}", "The application is {state}: {action} is not possible",
		"刷新页面；可办理：{possible}", "Reload; what is possible now: {possible}")
	ReasonOfferExpired = fault.Declare("OFFER_EXPIRED", fault.Conflict,
		"报价已于 {expires_on} 失效", "The offer expired on {expires_on}",
		"重新提交申请获取新报价", "Submit again for a new offer")
	ReasonDuplicate = fault.Declare("APPLICATION_OPEN", fault.Conflict,
		"该企业已有同一产品的在办申请 {id}", "The firm already has an open application {id} for this product",
		"继续办理该申请，或先撤回", "Carry on with that one, or withdraw it first")
	ReasonDecisionStale = fault.Declare("DECISION_EXPIRED", fault.Conflict,
		"审批结论已于 {valid_until} 失效", "The decision expired on {valid_until}",
		"撤回后重新提交", "Withdraw it and submit again")
	ReasonEvidence = fault.Declare("ACCEPT_EVIDENCE", fault.Invalid,
		"须记录客户接受报价的凭据", "How the customer accepted the offer must be recorded",
		"填写接受方式 channel 与签署人 signer；非线上须附凭据编号 reference", "Give channel and signer; away from the portal also a reference")
)
