// Package voucher posts by hand, where a business event cannot: adjustments, and reversals of entries under a
// key of their own. One person proposes a voucher with its reason, another approves it, and it is posted in
// the transaction of the approval. Accounts that only loans move refuse vouchers.
package voucher

import (
	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Reasons why a voucher is refused.
var (
	ReasonControlled = fault.Declare("VOUCHER_ACCOUNT_CONTROLLED", fault.Conflict, "科目 {account} 由业务控制，不接受手工凭证", "Account {account} is moved by business events only and takes no manual voucher",
		"通过对应业务更正；确需手工调整的，先经复核将该科目设为允许手工凭证", "Correct it through its business; if it must be adjusted by hand, have the account marked for vouchers first")
	ReasonReversed = fault.Declare("VOUCHER_ENTRY_REVERSED", fault.Conflict, "分录 {entry} 已被冲销", "Entry {entry} has been reversed already",
		"查看冲销分录；如需再次更正请另制凭证", "See the entry that reversed it; make a new voucher for a further correction")
	ReasonReference = fault.Declare("VOUCHER_REFERENCE_USED", fault.Conflict, "凭证号 {reference} 已入账", "Voucher {reference} has been posted already",
		"使用新的凭证号", "Use a new voucher number")
)

// Voucher is an adjustment by hand.
type Voucher struct {
	Reference string         `json:"reference" minLength:"1" maxLength:"80" doc:"voucher number, unique forever"`
	Date      calendar.Date  `json:"date"`
	Reason    string         `json:"reason" minLength:"1" maxLength:"200" doc:"why; it becomes the entry's memo"`
	Branch    string         `json:"branch,omitempty" maxLength:"80"`
	Product   string         `json:"product,omitempty" maxLength:"80"`
	Lines     []journal.Line `json:"lines" minItems:"2" maxItems:"100"`
}

// Reversal takes an entry back by its mirror image (a red entry).
type Reversal struct {
	EntryID string        `json:"entry_id" maxLength:"80"`
	Date    calendar.Date `json:"date"`
	Reason  string        `json:"reason" minLength:"1" maxLength:"200"`
}

func (v Voucher) draft() journal.Draft {
	return journal.Draft{
		Key: Key(v.Reference), Date: v.Date, Memo: fault.Text{Zh: v.Reason, En: v.Reason}, Object: "voucher", ObjectID: v.Reference, Branch: v.Branch, Product: v.Product, Lines: v.Lines,
	}
}

// Key is the business key of a voucher's entry.
func Key(reference string) string { return "voucher/" + reference }

// ReversalKey is the business key of the entry that reverses another: an entry is reversed once.
func ReversalKey(entryID string) string { return "reversal/" + entryID }

func (r Reversal) draft(e journal.Entry) journal.Draft {
	d := journal.Draft{
		Key: ReversalKey(e.ID), Date: r.Date, Memo: fault.Text{Zh: "冲销 " + r.Reason, En: "Reversal: " + r.Reason}, Object: e.Object, ObjectID: e.ObjectID, Branch: e.Branch, Product: e.Product,
	}
	for _, l := range e.Lines {
		l.AmountMinor = -l.AmountMinor
		d.Lines = append(d.Lines, l)
	}
	return d
}

// check judges what a person may post by hand; the books judge the rest when it is posted.
func check(d journal.Draft, reason string, chart []journal.Account, today calendar.Date) error {
	switch {
	case reason == "":
		return fault.Required("reason")
	case d.Date.IsZero():
		return fault.Required("date")
	case d.Date.After(today):
		return fault.Field("date", "晚于营业日 "+today.String(), "is after the business date "+today.String())
	}
	by := make(map[string]journal.Account, len(chart))
	for _, a := range chart {
		by[a.Code] = a
	}
	for i, l := range d.Lines {
		a, known := by[l.Account]
		if !known {
			return fault.New(journal.ReasonUnknownAccount, "account", l.Account).WithRow(i + 1)
		}
		if !a.Manual {
			return fault.New(ReasonControlled, "account", l.Account).WithRow(i + 1)
		}
	}
	return nil
}
