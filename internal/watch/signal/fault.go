package signal

import "github.com/capillary-finance/capillary/internal/platform/fault"

// Reasons of this package.
var (
	ReasonState = fault.Declare("SIGNAL_STATE", fault.Conflict,
		"预警已是“{state}”", "The signal is already {state}",
		"刷新列表", "Reload the list")
	ReasonOutcome = fault.Declare("SIGNAL_OUTCOME", fault.Invalid,
		"处置结论须为 handled、false_alarm、no_action 之一", "The outcome must be handled, false_alarm or no_action",
		"选择一个结论并填写说明", "Choose one and say why")
)
