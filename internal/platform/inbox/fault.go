package inbox

import "github.com/capillary-finance/capillary/internal/platform/fault"

// Reasons of this package.
var (
	ReasonTaken = fault.Declare("TASK_TAKEN", fault.Conflict, "任务已由 {assignee} 领取", "The task is held by {assignee}",
		"请选择其他任务，或请主管改派", "Choose another task, or ask a supervisor to reassign it")
	ReasonDone = fault.Declare("TASK_DONE", fault.Conflict, "任务已办结", "The task is done already",
		"刷新工作队列", "Reload the work queue")
	ReasonNotHeld = fault.Declare("TASK_NOT_HELD", fault.Conflict, "您未领取该任务", "You do not hold this task",
		"先领取任务", "Claim the task first")
)
