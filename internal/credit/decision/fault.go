package decision

import "github.com/capillary-finance/capillary/internal/platform/fault"

// Reasons of this package.
var (
	ReasonRequest = fault.Declare("DECISION_REQUEST", fault.Invalid,
		"申请要素 {field} 不符合产品 {product}：{problem}", "The requested {field} does not fit product {product}: {problem}",
		"按产品条件修改后重试", "Change it to the product's terms and retry")
	ReasonReplay = fault.Declare("DECISION_REPLAY_DIFFERS", fault.Internal,
		"决策 {id} 重算结果不一致：{problem}", "Replaying decision {id} gave another answer: {problem}",
		"立即通知风险与合规人员", "Tell risk and compliance at once")
)
