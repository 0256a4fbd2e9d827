package job

import "github.com/capillary-finance/capillary/internal/platform/fault"

// Reasons of this package.
var (
	ReasonUnknownKind = fault.Declare("JOB_KIND_UNKNOWN", fault.Invalid, "未知的任务类型 {kind}", "Unknown job kind {kind}",
		"使用该服务器版本支持的任务类型", "Use a job kind that this server's version knows")
	ReasonNotResumable = fault.Declare("JOB_NOT_RESUMABLE", fault.Conflict, "任务 {id} 处于 {state}，不能继续", "Job {id} is {state} and cannot be resumed",
		"只有已取消或失败的任务可以继续", "Only a cancelled or failed job can be resumed")
	ReasonNotCancellable = fault.Declare("JOB_NOT_CANCELLABLE", fault.Conflict, "任务 {id} 已结束（{state}），不能取消", "Job {id} has ended ({state}) and cannot be cancelled",
		"刷新查看任务结果", "Reload to see its result")
	ReasonLeaseLost = fault.Declare("JOB_LEASE_LOST", fault.Conflict, "任务 {id} 已由另一进程接管", "Job {id} has been taken over by another process",
		"无需处理，任务会在接管的进程中继续", "Nothing to do: it continues in the process that took it over")
	ReasonCrashed = fault.Declare("JOB_CRASHED", fault.Internal, "任务执行异常中断", "The job broke off unexpectedly",
		"可从断点继续；若再次出现，请把任务编号告知管理员", "Resume it from its checkpoint; if it happens again give the job id to your administrator")
	ReasonInterrupted = fault.Declare("JOB_INTERRUPTED", fault.Unavailable, "运行任务的进程已停止，任务将从断点继续", "The process that ran the job stopped; it continues from its checkpoint",
		"无需处理", "Nothing to do")
)
