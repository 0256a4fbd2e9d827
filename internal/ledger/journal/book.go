package journal

import (
	"time"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/canary"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// book is everything that a batch of postings is judged against, read under the head's lock. Its methods
// are pure: they change the book and nothing else, so the same batch on the same book gives the same
// entries, which is what a test, a replay and two servers rely on.
type book struct {
	projection

	institution string
	actor       string
	now         time.Time
	today       calendar.Date // the business date
	newID       func(prefix string) string
	rules       *rules
	head        headState
	posted      map[string]Entry
	funds       map[fundKey]int64 // of accounts that check funds: normal-side balance minus holds
	limits      map[fundKey]int64 // overdrafts of single sub-accounts
	holds       map[string]*Hold

	fresh     []Entry
	movedBal  []*balance
	movedTurn []*turnover
	movedHold map[string]*Hold
	undo      savepoint
	request   int // the present one, counted from 1
	days      map[calendar.Date]string

	complete map[fundKey]bool // sub-accounts whose balances are all known
	recalled bool             // some of them from memory
}

// dayText is a date as text; a batch has few of them.
func (b *book) dayText(d calendar.Date) string {
	s, known := b.days[d]
	if !known {
		s = d.String()
		b.days[d] = s
	}
	return s
}

// addBalance takes a stored balance into the book.
func (b *book) addBalance(r *balance) {
	b.balances[r.balanceKey] = r
	k := r.fund()
	b.complete[k] = true
	if a := b.rules.accounts[r.Account]; b.checked(a, k) {
		net := r.DebitMinor - r.CreditMinor
		if !a.Kind.DebitNormal() {
			net = -net
		}
		b.funds[k] += net
		if !canary.On("held_is_free") {
			b.funds[k] -= r.HeldMinor
		}
	}
}

type headState struct {
	seq  int64
	hash string
}

// savepoint remembers what the present request has changed, so that a refused one leaves no trace and its
// neighbours in the batch go on.
type savepoint struct {
	head     headState
	fresh    int
	balances []balance
	turns    []turnover
	funds    map[fundKey]int64
	holds    []Hold
	newHolds []string
	keys     []string
}

func (b *book) begin() {
	b.request++
	b.undo = savepoint{head: b.head, fresh: len(b.fresh), balances: b.undo.balances[:0], turns: b.undo.turns[:0], holds: b.undo.holds[:0], newHolds: b.undo.newHolds[:0], keys: b.undo.keys[:0]}
}

// rollback takes the present request back. Rows it touched first stay in the book with their old content
// and are not written unless another request moved them.
func (b *book) rollback() {
	u := &b.undo
	for i := len(u.balances) - 1; i >= 0; i-- {
		*b.balances[u.balances[i].balanceKey] = u.balances[i]
	}
	for i := len(u.turns) - 1; i >= 0; i-- {
		*b.turnovers[u.turns[i].turnoverKey] = u.turns[i]
	}
	for i := len(u.holds) - 1; i >= 0; i-- {
		*b.holds[u.holds[i].Reference] = u.holds[i]
	}
	for _, reference := range u.newHolds {
		delete(b.holds, reference)
		delete(b.movedHold, reference)
	}
	for k, v := range u.funds {
		b.funds[k] = v
	}
	for _, k := range u.keys {
		delete(b.posted, k)
	}
	b.head, b.fresh = u.head, b.fresh[:u.fresh]
}

// moved keeps the content that a row had before the present request and marks it for writing.
func (b *book) moved(bal *balance, t *turnover) {
	if bal != nil && bal.mark != b.request {
		if !bal.moved {
			bal.moved = true
			b.movedBal = append(b.movedBal, bal)
		}
		b.undo.balances = append(b.undo.balances, *bal)
		bal.mark = b.request
	}
	if t != nil && t.mark != b.request {
		if !t.moved {
			t.moved = true
			b.movedTurn = append(b.movedTurn, t)
		}
		b.undo.turns = append(b.undo.turns, *t)
		t.mark = b.request
	}
}

func (b *book) moveFunds(k fundKey, by int64) {
	if b.undo.funds == nil {
		b.undo.funds = map[fundKey]int64{}
	}
	if _, kept := b.undo.funds[k]; !kept {
		b.undo.funds[k] = b.funds[k]
	}
	b.funds[k] += by
}

// post books one draft. A key posted before returns its entry, or ReasonKeyReused when the content differs.
func (b *book) post(d Draft) (Entry, error) {
	if err := d.validate(); err != nil {
		return Entry{}, err
	}
	if known, found := b.posted[d.Key]; found {
		if !known.sameAs(d) {
			return Entry{}, fault.New(ReasonKeyReused, "key", d.Key)
		}
		return known, nil
	}
	if err := b.rules.judge(d); err != nil {
		return Entry{}, err
	}
	e := Entry{
		Seq: b.head.seq + 1, ID: b.newID("jen"), Key: d.Key, Date: d.Date, Memo: d.Memo, Object: d.Object, ObjectID: d.ObjectID,
		Branch: d.Branch, Product: d.Product, BookedAt: b.now, Actor: b.actor, PrevHash: b.head.hash, Lines: append([]Line(nil), d.Lines...),
	}
	day := b.dayText(e.Date)
	e.Hash = e.sealOn(b.institution, day)
	if err := b.fold(&e, day, b.moved); err != nil {
		return Entry{}, fault.New(ReasonUnbalanced, "key", e.Key, "problem", "a balance overflows").Wrap(err)
	}
	if err := b.spend(e.Lines); err != nil {
		return Entry{}, err
	}
	b.head = headState{e.Seq, e.Hash}
	b.posted[e.Key] = e
	b.undo.keys = append(b.undo.keys, e.Key)
	b.fresh = append(b.fresh, e)
	return e, nil
}

// spend moves the funds of accounts that check them and refuses what would go below the overdraft.
func (b *book) spend(lines []Line) error {
	for _, l := range lines {
		a := b.rules.accounts[l.Account]
		k := fundKey{l.Account, l.Sub, l.Currency}
		if !b.checked(a, k) {
			continue
		}
		by := l.AmountMinor
		if !a.Kind.DebitNormal() {
			by = -by
		}
		b.moveFunds(k, by)
	}
	// Judged when all legs are in: an entry may take and give back in the same sub-account.
	for _, l := range lines {
		a := b.rules.accounts[l.Account]
		k := fundKey{l.Account, l.Sub, l.Currency}
		if !b.checked(a, k) {
			continue
		}
		if now, before := b.funds[k], b.undo.funds[k]; now < before && now < -b.overdraft(a, k) {
			return b.short(k, before-now)
		}
	}
	return nil
}

// short says that a sub-account has too little for what was asked, as it stood before the request.
func (b *book) short(k fundKey, needed int64) error {
	before, moved := b.undo.funds[k]
	if !moved {
		before = b.funds[k]
	}
	return fault.New(ReasonFunds, "account", k.Account, "sub", k.Sub, "currency", string(k.Currency),
		"available_minor", before+b.overdraft(b.rules.accounts[k.Account], k), "needed_minor", needed).WithField("amount_minor")
}

func (b *book) checked(a Account, k fundKey) bool {
	if a.OverdraftMinor != OverdraftUnlimited {
		return true
	}
	_, own := b.limits[k]
	return own
}

func (b *book) overdraft(a Account, k fundKey) int64 {
	if own, found := b.limits[k]; found {
		return own
	}
	return a.OverdraftMinor
}
