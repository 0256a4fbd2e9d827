package api

import "github.com/capillary-finance/capillary/internal/platform/fault"

// Reasons of the HTTP boundary itself.
var (
	ReasonMalformed = fault.Declare("MALFORMED_REQUEST", fault.BadRequest, "请求无法解析：{problem}", "The request cannot be read: {problem}",
		"按接口文档修改请求", "Correct the request as the API documentation says")
	ReasonUnknownRoute = fault.Declare("UNKNOWN_ROUTE", fault.NotFound, "没有该接口：{route}", "There is no such route: {route}",
		"见 /docs 的接口列表", "See the list at /docs")
	ReasonMethod = fault.Declare("METHOD_NOT_ALLOWED", fault.BadRequest, "{route} 只接受 {allow}", "{route} accepts only {allow}",
		"改用列出的方法", "Use one of the methods listed")
	ReasonMediaType = fault.Declare("UNSUPPORTED_MEDIA_TYPE", fault.BadRequest, "不支持该内容类型", "The content type is not supported",
		"以 application/json 发送", "Send application/json")
	ReasonKeyRequired = fault.Declare("IDEMPOTENCY_KEY_REQUIRED", fault.BadRequest, "缺少 Idempotency-Key 请求头（1 至 128 个可见 ASCII 字符）",
		"The Idempotency-Key header is missing or not 1 to 128 visible ASCII characters",
		"为每个操作意图生成一个新键（如 UUID），重试时沿用", "Make a new key (a UUID) for each intention and send the same one when retrying")
	ReasonKeyReused = fault.Declare("IDEMPOTENCY_KEY_REUSED", fault.Invalid, "该 Idempotency-Key 已用于另一个请求", "This Idempotency-Key was used for a different request",
		"为新的请求生成新的键", "Make a new key for the new request")
	ReasonInFlight = fault.Declare("REQUEST_IN_FLIGHT", fault.Conflict, "同一请求正在处理中", "The same request is being processed",
		"稍候以同一个键重试即可得到结果", "Retry with the same key in a moment to get its answer")
	ReasonAnswerLost = fault.Declare("REQUEST_EXECUTED", fault.Conflict, "该请求已经执行，但回答未能保存", "The request was executed, but its answer was not kept",
		"请查询对象的当前状态，不要重复提交", "Look at the object's present state; do not submit it again")
	ReasonCrossOrigin = fault.Declare("CROSS_ORIGIN", fault.Forbidden, "已拒绝来自其他网站的请求", "A request from another site was refused",
		"请在本系统的页面内操作", "Act from this system's own pages")
)
