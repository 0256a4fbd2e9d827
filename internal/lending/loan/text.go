package loan

import (
	"strconv"

	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// memos name events for people.
var memos = map[EventKind]fault.Text{
	Disbursed:  {Zh: "放款", En: "disbursed"},
	Repaid:     {Zh: "还款", En: "repayment"},
	FeeCharged: {Zh: "收费", En: "fee charged"},
	Cancelled:  {Zh: "放款失败，已取消", En: "cancelled, the disbursement failed"},
}

// statusNames name statuses for people.
var statusNames = map[Status]string{Pending: "待放款", Active: "正常", Overdue: "逾期", Settled: "已结清", CancelledOut: "已取消"}

// wrongStatus refuses an event that the loan's status does not allow.
func wrongStatus(s Status, kind EventKind) error {
	return fault.New(ReasonWrongStatus, "status", s, "status_zh", statusNames[s], "event", memos[kind].En, "event_zh", memos[kind].Zh)
}

func itoa(n int) string { return strconv.Itoa(n) }
