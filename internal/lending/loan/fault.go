package loan

import "github.com/capillary-finance/capillary/internal/platform/fault"

// Reasons of loans.
var (
	ReasonWrongStatus = fault.Declare("LOAN_WRONG_STATUS", fault.Conflict,
		"贷款状态为“{status}”，不允许“{event}”", "A loan that is {status} does not allow: {event}",
		"查看贷款当前状态后再操作", "Look at the loan's present state first")
	ReasonEventOrder = fault.Declare("LOAN_EVENT_ORDER", fault.Conflict,
		"日期 {date} 早于贷款已处理到的日期 {as_of}", "The date {date} is before {as_of}, up to which the loan is processed",
		"使用当前营业日", "Use the current business date")
	ReasonOverpaid = fault.Declare("LOAN_OVERPAID", fault.Invalid,
		"还款 {amount} 超过应还：当前应还 {due}，结清需 {payoff}", "The payment {amount} exceeds what can be paid: {due} is due, {payoff} settles the loan",
		"减少金额；提前还款请选择“提前还款”", "Reduce the amount, or choose prepayment to pay ahead")
)

// Reasons of servicing.
var (
	ReasonNotReversible = fault.Declare("LOAN_EVENT_NOT_REVERSIBLE", fault.Conflict,
		"事件 {seq} 不能冲正：不存在、已冲正，或属于放款、取消与转让", "Event {seq} cannot be reversed: it does not exist, is reversed already, or is a disbursement, cancellation or transfer",
		"在贷款的事件列表中选择可冲正的事件", "Choose an event that can be reversed in the loan's list of events")
	ReasonWaiver = fault.Declare("LOAN_WAIVER_TOO_LARGE", fault.Invalid,
		"减免金额 {amount} 超过所欠 {owed}", "The waiver of {amount} exceeds the {owed} that is owed",
		"减少减免金额", "Waive less")
	ReasonRenewal = fault.Declare("LOAN_NOT_RENEWABLE", fault.Conflict,
		"不能续贷：{problem}", "The loan cannot be renewed: {problem}",
		"满足条件后再办理，或按期还款", "Meet the condition first, or repay on the due date")
	ReasonRenewalCheck = fault.Declare("LOAN_RENEWAL_CHECK", fault.Conflict,
		"续贷条件未满足：{check}", "A condition of renewal is not met: {check}",
		"五项条件全部满足才可无还本续贷；否则走重组或还款", "Renewal needs all five; otherwise restructure or repay")
	ReasonTranche = fault.Declare("LOAN_TRANCHE_TOO_LARGE", fault.Invalid,
		"本次放款 {amount} 超过尚未放款的 {left}", "The tranche of {amount} exceeds the {left} that is not paid out or on its way",
		"减少金额", "Pay out less")
	ReasonExtension = fault.Declare("LOAN_EXTENSION_TOO_LONG", fault.Invalid,
		"展期累计 {months} 个月，超过该期限贷款允许的 {limit} 个月", "Extensions would sum to {months} months; a loan of this tenor may be extended by {limit} in all",
		"缩短展期，或办理重组、续贷", "Extend by less, or restructure or renew the loan")
	ReasonChangeReused = fault.Declare("LOAN_CHANGE_REFERENCE_REUSED", fault.Conflict,
		"变更编号 {reference} 已用于该贷款的一次变更", "The reference {reference} names a change of this loan already",
		"新的变更请使用新的编号", "Use a new reference for a new change")
	ReasonRefund = fault.Declare("LOAN_REFUND_TOO_LARGE", fault.Invalid,
		"退款 {amount} 超过溢缴款 {held}", "The refund of {amount} exceeds the {held} that is held",
		"减少退款金额", "Refund less")
)

// Reasons of drawing and repaying.
var (
	ReasonReferenceReused = fault.Declare("LOAN_REFERENCE_REUSED", fault.Conflict,
		"业务编号 {reference} 已用于另一笔提款 {loan}", "The reference {reference} belongs to another drawdown, {loan}",
		"新的提款请使用新的业务编号", "Use a new reference for a new drawdown")
	ReasonTenor = fault.Declare("LOAN_TENOR_NOT_ALLOWED", fault.Invalid,
		"期限须在 {min} 至 {max} 个月之间", "The tenor must be {min} to {max} months",
		"选择合同允许的期限", "Choose a tenor the contract allows")
	ReasonEntrusted = fault.Declare("LOAN_ENTRUSTED_REQUIRED", fault.Invalid,
		"超过 {limit} 元的贷款须受托支付给交易对手", "A loan above {limit} yuan must be paid to the supplier directly (entrusted payment)",
		"勾选受托支付，填写用途、收款供应商与借款人扣款账户", "Choose entrusted payment with its purpose, the supplier's account and the borrower's own account")
	ReasonMethod = fault.Declare("LOAN_METHOD_NOT_ALLOWED", fault.Invalid,
		"合同不允许还款方式 {method}", "The contract does not allow repayment by {method}",
		"选择合同允许的还款方式", "Choose a repayment method the contract allows")
	ReasonRepaymentReused = fault.Declare("REPAYMENT_REFERENCE_REUSED", fault.Conflict,
		"还款编号 {reference} 已用于内容不同的还款", "The repayment reference {reference} was used for a different repayment",
		"新的还款请使用新的编号", "Use a new reference for a new repayment")
	ReasonCollectionOpen = fault.Declare("COLLECTION_IN_PROGRESS", fault.Conflict,
		"该贷款有一笔扣款尚无结果", "A collection of this loan has no outcome yet",
		"等待扣款结果后再发起", "Wait for its outcome first")
)

// Reasons of sales reports.
var (
	ReasonSalesReused = fault.Declare("SALES_REFERENCE_REUSED", fault.Conflict,
		"报送编号 {reference} 已用于内容不同的销售额报送", "The reference {reference} was used for a different report of sales",
		"新的报送请使用新的编号；更正时先冲正原报送", "Use a new reference; to correct a report, reverse it first")
	ReasonSalesTwice = fault.Declare("SALES_REPORTED_TWICE", fault.Conflict,
		"来源“{source}”已报送 {from} 至 {to} 的销售额（事件 {seq}）", "The source {source} has reported the sales from {from} to {to} already (event {seq})",
		"检查日期区间；更正时先冲正原报送", "Check the dates; to correct a report, reverse it first")
)

// Reasons of deposits.
var (
	ReasonDeposit = fault.Declare("LEASE_DEPOSIT_TOO_SMALL", fault.Invalid,
		"金额 {amount} 超过可用保证金 {held}", "{amount} exceeds the deposit of {held} that is held and free",
		"减少金额", "Use less")
	ReasonDepositTaken = fault.Declare("LEASE_DEPOSIT_COMPLETE", fault.Invalid,
		"保证金 {amount} 超过尚缺的 {missing}", "The deposit of {amount} exceeds the {missing} that is missing",
		"按合同约定的保证金收取", "Take what was agreed, no more")
	ReasonTranchePlan = fault.Declare("LOAN_TRANCHE_NOT_PLANNED", fault.Conflict,
		"按计划下一笔放款为 {date} 的 {amount}", "The next disbursement planned is {amount} on {date}",
		"按放款计划的金额与日期放款", "Pay out as planned, not before the date")
)

// ReasonBroken is found by Verify.
var ReasonBroken = fault.Declare("LOAN_BROKEN", fault.Internal,
	"贷款 {loan} 校验失败：{problem}", "Loan {loan} does not verify: {problem}",
	"停止对该贷款的操作并从备份核对", "Stop work on this loan and compare with a backup")
