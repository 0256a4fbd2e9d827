package webhook

import "github.com/capillary-finance/capillary/internal/platform/fault"

// Reasons of this package.
var (
	ReasonTarget = fault.Declare("WEBHOOK_TARGET_REFUSED", fault.Invalid, "目标 {host} 不是公网地址，或不允许访问", "Target {host} is not a public address, or may not be reached",
		"使用公网 https 地址；内网目标须由运维加入允许清单", "Use a public https address; targets on premise must be put on the allow list by an operator")
	ReasonTooManyWebhooks = fault.Declare("WEBHOOK_LIMIT", fault.Conflict, "每个机构最多 {limit} 个 Webhook", "An institution may have at most {limit} webhooks",
		"删除不用的 Webhook 后重试", "Remove one that is not used and retry")
)
