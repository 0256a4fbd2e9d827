package facility

import "github.com/capillary-finance/capillary/internal/platform/fault"

// Reasons of this package.
var (
	ReasonLimitExceeded = fault.Declare("LIMIT_EXCEEDED", fault.Conflict,
		"额度不足：可用 {available} {currency}", "Limit exceeded: {available} {currency} is available",
		"减少金额，或先归还部分借款，或申请提额", "Reduce the amount, repay first, or ask for a higher limit")
	ReasonFrozen = fault.Declare("FACILITY_FROZEN", fault.Conflict,
		"额度已冻结：{cause}", "The facility is frozen: {cause}",
		"处理冻结原因后由有权人解冻", "Clear the cause; an authorised person may then unfreeze it")
	ReasonClosed = fault.Declare("FACILITY_CLOSED", fault.Conflict,
		"额度已关闭", "The facility is closed",
		"请重新申请", "Apply again")
	ReasonExpired = fault.Declare("FACILITY_EXPIRED", fault.Conflict,
		"额度已于 {expires_on} 到期", "The facility expired on {expires_on}",
		"办理续期或重新申请", "Renew it or apply again")
	ReasonOverRelease = fault.Declare("FACILITY_OVER_RELEASE", fault.Conflict,
		"恢复金额超过已用额度 {utilised} {currency}", "The release exceeds the {utilised} {currency} in use",
		"核对还款金额；若确认无误请联系运营人员对账", "Check the repayment; if it is right ask operations to reconcile")
	ReasonKeyReused = fault.Declare("FACILITY_KEY_REUSED", fault.Conflict,
		"业务键 {key} 已用于另一笔金额", "The key {key} was used for another amount",
		"每笔业务使用自己的键", "Use a key of its own for each act")
	ReasonInUse = fault.Declare("FACILITY_IN_USE", fault.Conflict,
		"额度仍有未还 {utilised} {currency}，不能关闭", "{utilised} {currency} is still in use, so it cannot be closed",
		"结清后再关闭", "Close it once everything is repaid")
	ReasonIncreaseNeedsProposal = fault.Declare("LIMIT_INCREASE_NEEDS_PROPOSAL", fault.Forbidden,
		"提高额度须经复核", "Raising a limit needs a second person",
		"提交提额复核单，由另一人批准", "Submit a proposal for another person to approve")
)

// ReasonSamePerson says that who froze a facility may not unfreeze it.
var ReasonSamePerson = fault.Declare("FACILITY_SAME_PERSON", fault.Forbidden,
	"冻结人不能自行解冻", "Who froze the facility may not unfreeze it",
	"请另一位有权人解冻", "Ask another authorised person")
