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

func itoa(n int) string { return strconv.Itoa(n) }
