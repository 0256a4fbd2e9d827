package loan

import "github.com/capillary-finance/capillary/internal/platform/fault"

// Reasons of loans.
var (
	ReasonWrongStatus = fault.Declare("LOAN_WRONG_STATUS", fault.Conflict,
		"贷款状态 {status} 不允许 {event}", "A loan that is {status} does not allow {event}",
		"查看贷款当前状态后再操作", "Look at the loan's present state first")
	ReasonEventOrder = fault.Declare("LOAN_EVENT_ORDER", fault.Conflict,
		"日期 {date} 早于贷款已处理到的日期 {as_of}", "The date {date} is before {as_of}, up to which the loan is processed",
		"使用当前营业日", "Use the current business date")
	ReasonOverpaid = fault.Declare("LOAN_OVERPAID", fault.Invalid,
		"还款 {amount} 超过应还：当前应还 {due}，结清需 {payoff}", "The payment {amount} exceeds what can be paid: {due} is due, {payoff} settles the loan",
		"减少金额；提前还款请选择“提前还款”", "Reduce the amount, or choose prepayment to pay ahead")
)
