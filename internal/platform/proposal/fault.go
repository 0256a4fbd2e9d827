package proposal

import "github.com/capillary-finance/capillary/internal/platform/fault"

// Reasons why a proposal is not decided.
var (
	ReasonOwn = fault.Declare("OWN_PROPOSAL", fault.Forbidden, "不能复核自己提出的变更", "You cannot decide a change that you proposed",
		"请另一位有复核权限的同事处理", "Ask a colleague who may review it")
	ReasonDecided = fault.Declare("PROPOSAL_DECIDED", fault.Conflict, "该变更已处理（{state}）", "The proposal is already {state}",
		"刷新列表；如仍需变更请重新提出", "Reload the list; propose again if the change is still needed")
	ReasonExpired = fault.Declare("PROPOSAL_EXPIRED", fault.Conflict, "该变更已过复核期限", "The proposal's time has run out",
		"请重新提出", "Propose it again")
	ReasonBody = fault.Declare("PROPOSAL_BODY_DIFFERS", fault.Conflict, "您所见的内容与待复核的内容不一致", "What you saw is not what was proposed",
		"刷新后核对内容再决定", "Reload, check the content, and decide again")
	ReasonMoved = fault.Declare("PROPOSAL_OUTDATED", fault.Conflict, "{object} {id} 在提出之后已被更改", "{object} {id} has changed since this was proposed",
		"请按当前内容重新提出", "Propose it again on the present content")
	ReasonHeld = fault.Declare("PROPOSAL_MAKER_HELD_KEYS", fault.Forbidden, "提出人近七日内重置过您的登录方式，您不能复核其提出的变更",
		"Who proposed this has reset your way of signing in within the last seven days", "请另一位有复核权限的同事处理", "Ask a colleague who may review it")
	ReasonMaker = fault.Declare("PROPOSAL_MAKER_GONE", fault.Conflict, "提出人已被停用，或已不再有提出该变更的权限", "Who proposed this is disabled, or may no longer propose it",
		"请由现有权限的人员重新提出", "Have somebody who may propose it do so again")
	ReasonPending = fault.Declare("PROPOSAL_PENDING", fault.Conflict, "{object} {id} 已有待复核的变更", "{object} {id} already has a change awaiting review",
		"先处理或撤回已有的变更", "Have the present one decided or withdrawn first")
)
