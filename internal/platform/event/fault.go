package event

import "github.com/capillary-finance/capillary/internal/platform/fault"

// Reasons of this package.
var (
	ReasonNotReplayable = fault.Declare("CONSUMER_NOT_REPLAYABLE", fault.Conflict, "消费者 {consumer} 的效果不可重复，不能重放", "The effects of consumer {consumer} must not happen twice: it cannot be replayed",
		"只重放投影类消费者；个别失败事件请在死信列表中重新投递", "Replay projections only; requeue single failed events from the dead-letter list")
	ReasonReplayTooLong = fault.Declare("REPLAY_TOO_LONG", fault.TooLarge, "一次最多重放 {limit} 个事件，请求了 {count} 个", "At most {limit} events can be replayed at once, {count} were asked for",
		"从更靠后的位置开始，分段重放", "Start from a later position and replay in parts")
)
