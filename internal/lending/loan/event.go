package loan

import (
	"sort"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/canary"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// EventKind names what happened to a loan.
type EventKind string

// Event kinds. Accrual, billing, penalty and non-accrual are not events: they
// follow from the terms, the events and the date, and replay derives them.
const (
	Disbursed    EventKind = "disbursed"    // 放款
	Repaid       EventKind = "repaid"       // 还款
	FeeCharged   EventKind = "fee_charged"  // 收费
	Cancelled    EventKind = "cancelled"    // the money never left
	Reversed     EventKind = "reversed"     // 冲正: an earlier event is taken back
	Refunded     EventKind = "refunded"     // 退款: overpaid money goes back
	Waived       EventKind = "waived"       // 减免
	RateChanged  EventKind = "rate_changed" // 利率调整
	DueMoved     EventKind = "due_moved"    // 还款日调整
	Extended     EventKind = "extended"     // 展期
	Restructured EventKind = "restructured" // 重组
	Accelerated  EventKind = "accelerated"  // 宣布提前到期
	Misused      EventKind = "misused"      // 挪用
	ChargedOff   EventKind = "charged_off"  // 停止计息: accrual ends, the claim stays in the books
	WrittenOff   EventKind = "written_off"  // 核销: out of the books, the claim is kept
	Transferred  EventKind = "transferred"  // 转让

	SalesReported   EventKind = "sales_reported"   // 销售额报送
	DepositPaid     EventKind = "deposit_paid"     // 收到保证金
	DepositApplied  EventKind = "deposit_applied"  // 保证金抵租
	DepositReturned EventKind = "deposit_returned" // 退还保证金
)

// kindNames name events for people.
var kindNames = map[EventKind]fault.Text{
	Disbursed:    {Zh: "放款", En: "disbursed"},
	Repaid:       {Zh: "还款", En: "repayment"},
	FeeCharged:   {Zh: "收费", En: "fee charged"},
	Cancelled:    {Zh: "放款失败，已取消", En: "cancelled, the disbursement failed"},
	Reversed:     {Zh: "冲正", En: "reversal"},
	Refunded:     {Zh: "退还溢缴款", En: "refund of overpaid money"},
	Waived:       {Zh: "减免", En: "waiver"},
	RateChanged:  {Zh: "利率调整", En: "rate change"},
	DueMoved:     {Zh: "还款日调整", En: "due date moved"},
	Extended:     {Zh: "展期", En: "extension"},
	Restructured: {Zh: "重组", En: "restructuring"},
	Accelerated:  {Zh: "宣布提前到期", En: "acceleration"},
	Misused:      {Zh: "认定挪用", En: "misuse of the loan"},
	ChargedOff:   {Zh: "停止计息", En: "charge-off"},
	WrittenOff:   {Zh: "核销", En: "write-off"},
	Transferred:  {Zh: "转让", En: "transfer"},

	SalesReported:   {Zh: "销售额报送", En: "sales reported"},
	DepositPaid:     {Zh: "收到保证金", En: "deposit paid in"},
	DepositApplied:  {Zh: "保证金抵扣", En: "deposit applied"},
	DepositReturned: {Zh: "退还保证金", En: "deposit returned"},
}

// Event is one business fact about a loan. Date is its value date: an event
// that is learnt late is inserted at its date and the loan is replayed.
type Event struct {
	Seq         int64         `json:"seq"`
	Kind        EventKind     `json:"kind"`
	Date        calendar.Date `json:"date"`
	AmountMinor int64         `json:"amount_minor"`
	// Prepay lets a repayment go beyond what is due, into future principal.
	Prepay bool        `json:"prepay,omitempty"`
	Key    string      `json:"key"`
	Note   string      `json:"note,omitempty"`
	Detail Particulars `json:"detail,omitzero"`
}

// Particulars carry what only some kinds of event need.
type Particulars struct {
	// Repaid: the strategy of a prepayment, and the channel the money came by.
	Strategy Strategy `json:"strategy,omitempty"`
	Channel  string   `json:"channel,omitempty"`
	// Keep holds money beyond what the loan can take as the customer's credit instead of refusing it.
	Keep bool `json:"keep,omitempty"`
	// Disbursed: the interest kept back from a discounted loan.
	WithheldMinor int64 `json:"withheld_minor,omitempty"`
	// Disbursed: the deposit kept back from a lease.
	DepositMinor int64 `json:"deposit_minor,omitempty"`
	// Reversed: the sequence of the event taken back.
	Of int64 `json:"of,omitempty"`
	// Waived: what is let go. FeeCharged: the code of the fee.
	Component Component `json:"component,omitempty"`
	FeeCode   string    `json:"fee_code,omitempty"`
	// RateChanged, Restructured, Extended: the new rates; nil keeps the old one.
	Rate        *rate.Rate `json:"rate,omitempty"`
	PenaltyRate *rate.Rate `json:"penalty_rate,omitempty"`
	// DueMoved: an unbilled due date and where it goes; Shift takes the later ones along. SalesReported: the first and the last day.
	From  calendar.Date `json:"from,omitzero"`
	To    calendar.Date `json:"to,omitzero"`
	Shift bool          `json:"shift,omitempty"`
	// Extended, Restructured: instalments ahead and the distance in months; the maturity follows.
	Count int `json:"count,omitempty"`
	Every int `json:"every,omitempty"`
	// DueMoved, Extended, Restructured: instalments ahead without principal.
	GracePrincipal int `json:"grace_principal,omitempty"`
	// Restructured: the new method, and whether arrears of interest become principal.
	Method     Method `json:"method,omitempty"`
	Capitalise bool   `json:"capitalise,omitempty"`
	// Transferred: who holds the claim now.
	Holder string `json:"holder,omitempty"`
	// SalesReported: where the figure comes from, such as a till or a platform.
	Source string `json:"source,omitempty"`
	Reason string `json:"reason,omitempty"`
}

func (d Particulars) isZero() bool { return d == Particulars{} }

// reversible reports which events may be taken back. Money that left, and the
// end of a loan's life, are undone by other events.
func (k EventKind) reversible() bool {
	switch k {
	case Repaid, FeeCharged, Refunded, Waived, RateChanged, DueMoved, Extended, Restructured, Accelerated, Misused, ChargedOff, WrittenOff, SalesReported, DepositPaid, DepositApplied:
		return true
	case Disbursed, Cancelled, Reversed, Transferred, DepositReturned:
		return false
	default:
		return false
	}
}

// SettledOn is the value date of what paid or waived the last of a settled loan's debt,
// zero when nothing did. Once settled a loan takes neither a payment nor a waiver, so it
// is the last of those that stand.
func SettledOn(events []RecordedEvent) (on calendar.Date, err error) {
	ordered, err := standing(plain(events))
	for _, e := range ordered {
		if e.Kind == Repaid || e.Kind == Waived || e.Kind == DepositApplied {
			on = e.Date
		}
	}
	return on, err
}

// standing are the events in order of value date, then of recording, without
// those that were taken back and their reversals.
func standing(events []Event) ([]Event, error) {
	gone := map[int64]bool{}
	kinds := make(map[int64]EventKind, len(events))
	for _, e := range events {
		kinds[e.Seq] = e.Kind
	}
	for _, e := range events {
		if e.Kind != Reversed {
			continue
		}
		if kind, known := kinds[e.Detail.Of]; !known || !kind.reversible() || gone[e.Detail.Of] || e.Detail.Of >= e.Seq {
			return nil, fault.New(ReasonNotReversible, "seq", e.Detail.Of).WithField("of")
		}
		gone[e.Detail.Of] = !canary.On("kept_reversal")
	}
	ordered := make([]Event, 0, len(events))
	for _, e := range events {
		if e.Kind != Reversed && !gone[e.Seq] {
			ordered = append(ordered, e)
		}
	}
	sort.SliceStable(ordered, func(i, j int) bool {
		if ordered[i].Date != ordered[j].Date {
			return ordered[i].Date.Before(ordered[j].Date)
		}
		return ordered[i].Seq < ordered[j].Seq
	})
	return ordered, nil
}
