package loan

import (
	"strconv"

	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// statusNames name statuses for people.
var statusNames = map[Status]string{Pending: "待放款", Active: "正常", Overdue: "逾期", Settled: "已结清", CancelledOut: "已取消", WrittenOffOut: "已核销", TransferredTo: "已转让"}

// wrongStatus refuses an event that the loan's status does not allow.
func wrongStatus(s Status, kind EventKind) error {
	return fault.New(ReasonWrongStatus, "status", s, "status_zh", statusNames[s], "event", kindNames[kind].En, "event_zh", kindNames[kind].Zh)
}

func itoa(n int) string { return strconv.Itoa(n) }
