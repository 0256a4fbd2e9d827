package journal

import (
	"time"
	"unicode/utf8"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// HoldState is where a hold stands.
type HoldState string

// A hold is open, or it was posted, given up or ran out; the last three are final.
const (
	HoldOpen    HoldState = "held"
	HoldPosted  HoldState = "posted"
	HoldVoided  HoldState = "voided"
	HoldExpired HoldState = "expired"
)

// holdLongest bounds how long money may be reserved.
const holdLongest = 400 * 24 * time.Hour

// HoldDraft asks to reserve money of a sub-account for a later posting to a counter account.
type HoldDraft struct {
	Reference      string
	Account        string
	Sub            string
	Branch         string
	Product        string
	Currency       money.Currency
	AmountMinor    int64
	CounterAccount string
	CounterSub     string
	Memo           fault.Text
	Object         string
	ObjectID       string
	ExpiresAt      time.Time // zero: never
}

// Hold is money reserved. What is held counts against what is available until it is posted or released.
type Hold struct {
	Reference      string         `json:"reference"`
	ID             string         `json:"id"`
	Account        string         `json:"account"`
	Sub            string         `json:"sub"`
	Branch         string         `json:"branch"`
	Product        string         `json:"product"`
	Currency       money.Currency `json:"currency"`
	AmountMinor    int64          `json:"amount_minor"`
	CounterAccount string         `json:"counter_account"`
	CounterSub     string         `json:"counter_sub"`
	Memo           fault.Text     `json:"memo"`
	Object         string         `json:"object"`
	ObjectID       string         `json:"object_id"`
	State          HoldState      `json:"state" enum:"held,posted,voided,expired"`
	PostedMinor    int64          `json:"posted_minor"`
	EntryID        string         `json:"entry_id" doc:"the entry that posted it"`
	ExpiresAt      time.Time      `json:"expires_at,omitzero"`
	CreatedAt      time.Time      `json:"created_at"`
	CreatedBy      string         `json:"created_by"`
	ClosedAt       time.Time      `json:"closed_at,omitzero"`
	ClosedBy       string         `json:"closed_by"`
}

func (h Hold) key() balanceKey { return balanceKey{h.Account, h.Sub, h.Branch, h.Currency} }
func (h Hold) fund() fundKey   { return fundKey{h.Account, h.Sub, h.Currency} }

func (h Hold) sameAs(d HoldDraft) bool {
	return h.Account == d.Account && h.Sub == d.Sub && h.Branch == d.Branch && h.Product == d.Product && h.Currency == d.Currency && h.AmountMinor == d.AmountMinor &&
		h.CounterAccount == d.CounterAccount && h.CounterSub == d.CounterSub && h.Object == d.Object && h.ObjectID == d.ObjectID && h.ExpiresAt.Equal(d.ExpiresAt)
}

// seal is a hash over everything that is stored of a hold.
func (h *Hold) seal(institution string) string {
	e := make(encoding, 0, 512)
	return short(e.text("capillary hold 1").text(institution).text(h.Reference).text(h.ID).text(h.Account).text(h.Sub).text(h.Branch).text(h.Product).text(string(h.Currency)).
		int(h.AmountMinor).text(h.CounterAccount).text(h.CounterSub).text(h.Memo.Zh).text(h.Memo.En).text(h.Object).text(h.ObjectID).text(string(h.State)).int(h.PostedMinor).
		text(h.EntryID).int(db.Micros(h.ExpiresAt)).int(db.Micros(h.CreatedAt)).text(h.CreatedBy).int(db.Micros(h.ClosedAt)).text(h.ClosedBy))
}

// CaptureKey is the business key of the entry that posts a hold.
func CaptureKey(reference string) string { return "hold/" + reference }

func (d HoldDraft) hold() Hold {
	return Hold{
		Reference: d.Reference, Account: d.Account, Sub: d.Sub, Branch: d.Branch, Product: d.Product, Currency: d.Currency, AmountMinor: d.AmountMinor,
		CounterAccount: d.CounterAccount, CounterSub: d.CounterSub, Memo: d.Memo, Object: d.Object, ObjectID: d.ObjectID, State: HoldOpen, ExpiresAt: d.ExpiresAt,
	}
}

func (d HoldDraft) validate(now time.Time) error {
	switch {
	case d.Reference == "" || len(d.Reference) > referenceMax:
		return fault.Field("reference", "须为1至160个字符", "must have 1 to 160 characters")
	case !plain(d.Reference, d.Sub, d.Branch, d.Product, d.CounterSub, d.Object, d.ObjectID, d.Memo.Zh, d.Memo.En):
		return textFault("reference")
	case len(d.Sub) > tagMax || len(d.CounterSub) > tagMax || len(d.Branch) > tagMax || len(d.Product) > tagMax || len(d.Object) > tagMax || len(d.ObjectID) > keyMax:
		return fault.Field("sub", "过长", "is too long")
	case utf8.RuneCountInString(d.Memo.Zh) > memoMax || utf8.RuneCountInString(d.Memo.En) > memoMax:
		return fault.Field("memo", "过长", "is too long")
	case d.AmountMinor <= 0:
		return fault.Field("amount_minor", "须为正数", "must be positive")
	case d.Account == d.CounterAccount && d.Sub == d.CounterSub:
		return fault.Field("counter_account", "与被占用账户相同", "is the account that is held")
	case !d.ExpiresAt.IsZero() && !d.ExpiresAt.After(now):
		return fault.Field("expires_at", "已经过去", "is past")
	case d.ExpiresAt.Sub(now) > holdLongest:
		return fault.Field("expires_at", "超过400天", "is more than 400 days ahead")
	}
	if _, known := d.Currency.Decimals(); !known {
		return fault.Field("currency", "未知币种", "is not a known currency")
	}
	return nil
}

// hold reserves money; the same reference with the same content returns the hold as it now stands.
func (b *book) hold(d HoldDraft) (Hold, bool, error) {
	if known, found := b.holds[d.Reference]; found {
		if !known.sameAs(d) {
			return Hold{}, false, fault.New(ReasonKeyReused, "key", d.Reference)
		}
		return *known, true, nil
	}
	if err := d.validate(b.now); err != nil {
		return Hold{}, false, err
	}
	if err := b.open(d.Account, d.CounterAccount); err != nil {
		return Hold{}, false, err
	}
	h := d.hold()
	h.ID, h.CreatedAt, h.CreatedBy = b.newID("hld"), b.now, b.actor
	if err := b.reserve(h, h.AmountMinor); err != nil {
		return Hold{}, false, err
	}
	a, k := b.rules.accounts[h.Account], h.fund()
	if b.checked(a, k) && b.funds[k] < -b.overdraft(a, k) {
		return Hold{}, false, b.short(k, h.AmountMinor)
	}
	b.undo.newHolds = append(b.undo.newHolds, h.Reference)
	b.holds[h.Reference], b.movedHold[h.Reference] = &h, &h
	return h, false, nil
}

// reserve adds to (or takes from) what is held of a balance.
func (b *book) reserve(h Hold, minor int64) error {
	k := h.key()
	bal := b.balances[k]
	if bal == nil {
		bal = &balance{balanceKey: k}
		b.balances[k] = bal
	}
	b.moved(bal, nil)
	held, err := money.AddMinor(bal.HeldMinor, minor)
	if err != nil {
		return fault.Field("amount_minor", "过大", "is too large")
	}
	bal.HeldMinor = held
	if b.checked(b.rules.accounts[h.Account], h.fund()) {
		b.moveFunds(h.fund(), -minor)
	}
	return nil
}

// closeHold releases what a hold reserves and ends it.
func (b *book) closeHold(h *Hold, state HoldState) error {
	b.undo.holds = append(b.undo.holds, *h)
	b.movedHold[h.Reference] = h
	h.State, h.ClosedAt, h.ClosedBy = state, b.now, b.actor
	return b.reserve(*h, -h.AmountMinor)
}

// stands finds a hold that may still be posted or given up.
func (b *book) stands(reference string) (*Hold, error) {
	h := b.holds[reference]
	if h == nil {
		return nil, fault.NotFoundError("hold", reference)
	}
	state := h.State
	if state == HoldOpen && h.due(b.now) {
		state = HoldExpired
	}
	if state != HoldOpen {
		return h, fault.New(ReasonHoldState, "reference", reference, "state", string(state))
	}
	return h, nil
}

func (h Hold) due(now time.Time) bool { return !h.ExpiresAt.IsZero() && !now.Before(h.ExpiresAt) }

// capture posts a hold, in full (amount 0) or in part; what is left of it is released. Posting it again with
// the same amount returns the entry; with another, or when the hold has ended otherwise, it is refused.
func (b *book) capture(c Capture) (Hold, Entry, bool, error) {
	h, err := b.stands(c.Reference)
	if err != nil {
		if h != nil && h.State == HoldPosted && (c.AmountMinor == 0 && h.PostedMinor == h.AmountMinor || c.AmountMinor == h.PostedMinor) {
			return *h, b.posted[CaptureKey(c.Reference)], true, nil
		}
		return Hold{}, Entry{}, false, err
	}
	amount := c.AmountMinor
	if amount == 0 {
		amount = h.AmountMinor
	}
	if amount < 0 || amount > h.AmountMinor {
		return Hold{}, Entry{}, false, fault.Field("amount_minor", "须为正数且不超过占用金额", "must be positive and at most what is held")
	}
	if err := b.open(h.Account, h.CounterAccount); err != nil {
		return Hold{}, Entry{}, false, err
	}
	if err := b.reached(c.Date); err != nil {
		return Hold{}, Entry{}, false, err
	}
	// First released, then taken: the money that was held for this posting is available to it.
	if err := b.closeHold(h, HoldPosted); err != nil {
		return Hold{}, Entry{}, false, err
	}
	e, err := b.post(b.entryOf(h, amount, c.Date))
	if err != nil {
		return Hold{}, Entry{}, false, err
	}
	h.PostedMinor, h.EntryID = amount, e.ID
	return *h, e, false, nil
}

// draftSides takes from the held account, on the side that lessens it, and gives to the counter account.
func (h Hold) draftSides(amount int64, debitNormal bool) []Line {
	if debitNormal {
		amount = -amount
	}
	return []Line{
		{Account: h.Account, Sub: h.Sub, Currency: h.Currency, AmountMinor: amount},
		{Account: h.CounterAccount, Sub: h.CounterSub, Currency: h.Currency, AmountMinor: -amount},
	}
}

func (b *book) entryOf(h *Hold, amount int64, date calendar.Date) Draft {
	return Draft{
		Key: CaptureKey(h.Reference), Date: date, Memo: h.Memo, Object: h.Object, ObjectID: h.ObjectID, Branch: h.Branch, Product: h.Product,
		Lines: h.draftSides(amount, b.rules.accounts[h.Account].Kind.DebitNormal()),
	}
}

// void gives a hold up. Doing so again changes nothing.
func (b *book) void(reference string) (Hold, bool, error) {
	h, err := b.stands(reference)
	if err != nil {
		if h != nil && h.State == HoldVoided {
			return *h, true, nil
		}
		return Hold{}, false, err
	}
	if err := b.closeHold(h, HoldVoided); err != nil {
		return Hold{}, false, err
	}
	return *h, false, nil
}

// expire releases the holds whose time has run out.
func (b *book) expire() error {
	for _, h := range b.holds {
		if h.State == HoldOpen && h.due(b.now) {
			if err := b.closeHold(h, HoldExpired); err != nil {
				return err
			}
		}
	}
	return nil
}
