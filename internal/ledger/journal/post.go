package journal

import (
	"context"
	"fmt"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/failpoint"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// EnsureChart gives the institution of tx its chart and an empty journal; it
// may be called again and adds only what is missing.
func EnsureChart(ctx context.Context, tx *db.Tx, accounts []Account) error {
	rows := make([][]any, 0, len(accounts))
	for _, a := range accounts {
		rows = append(rows, []any{tx.Institution, a.Code, a.NameZh, a.NameEn, string(a.Kind), db.Micros(tx.Now), a.Parent, a.Active, a.OpenAPI, a.Manual,
			a.OverdraftMinor, a.Monetary, int64(1)})
	}
	if _, err := tx.BulkInsert(ctx, insertAccounts, rows); err != nil {
		return fmt.Errorf("chart of accounts: %w", err)
	}
	_, err := tx.Exec(ctx, insertHead, tx.Institution)
	return err
}

// Post books one entry in tx. The same key with the same content returns the
// entry posted before; with other content it fails (ReasonKeyReused). It may
// also return ReasonUnbalanced, ReasonUnknownAccount, ReasonInactiveAccount,
// ReasonPeriodClosed and ReasonFunds.
func Post(ctx context.Context, tx *db.Tx, d Draft) (Entry, error) {
	entries, err := PostAll(ctx, tx, []Draft{d})
	if err != nil {
		return Entry{}, err
	}
	return entries[0], nil
}

// PostAll books many entries in one pass: one lock of the journal's head, one
// read of everything they touch, then array writes. An end of day posts
// thousands of accruals this way. Either all are booked or none.
func PostAll(ctx context.Context, tx *db.Tx, drafts []Draft) ([]Entry, error) {
	if len(drafts) == 0 {
		return nil, nil
	}
	if len(drafts) > draftsMax {
		return nil, fault.New(fault.ReasonTooLarge, "what", "journal batch", "limit", draftsMax)
	}
	for _, d := range drafts {
		if err := d.validate(); err != nil {
			return nil, err
		}
	}
	b, err := openBook(ctx, tx, wanted{drafts: drafts})
	if err != nil {
		return nil, err
	}
	b.begin()
	all := make([]Entry, 0, len(drafts))
	for _, d := range drafts {
		e, err := b.post(d)
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, b.store(ctx, tx)
}

// headRow is the stored head of an institution's chain.
type headRow struct {
	headState

	projection int64
	rules      int64
	today      calendar.Date // the business date
	nextExpiry int64         // of the first hold that runs out, or 0
}

// projectionNow is the form of the stored balances that this program keeps.
const projectionNow = 2 // 2: holds are sealed

// openHead locks the head row; whoever holds it is the only writer of the chain.
func openHead(ctx context.Context, tx *db.Tx) (headRow, error) {
	h, err := readHead(ctx, tx, lockHead)
	if db.IsNoRows(err) {
		if err := EnsureChart(ctx, tx, StandardChart()); err != nil {
			return h, err
		}
		h, err = readHead(ctx, tx, lockHead)
	}
	if err != nil {
		return h, fmt.Errorf("journal head: %w", err)
	}
	if h.projection != projectionNow {
		if err := rebuild(ctx, tx, h); err != nil {
			return h, err
		}
		h.projection = projectionNow
	}
	return h, nil
}

func readHead(ctx context.Context, tx *db.Tx, q *db.Query) (h headRow, err error) {
	err = tx.QueryRow(ctx, q, tx.Institution).Scan(&h.seq, &h.hash, &h.projection, &h.rules, &h.today, &h.nextExpiry)
	return h, err
}

// wanted is what a batch will touch.
type wanted struct {
	requests []Request // of other systems; what they touch is worked out under the lock
	drafts   []Draft
	due      bool     // some hold has run out
	holds    []string // references of holds
	captures []Capture
	placed   map[string][]HoldDraft // holds that the batch itself asks for
	reserve  []fundKey              // sub-accounts that holds touch
	today    calendar.Date
}

// openBook locks the head and reads everything the batch touches.
func openBook(ctx context.Context, tx *db.Tx, w wanted) (*book, error) {
	head, err := openHead(ctx, tx)
	if err != nil {
		return nil, err
	}
	r, err := rulesOf(ctx, tx, head.rules)
	if err != nil {
		return nil, err
	}
	b := &book{
		projection: newProjection(), institution: tx.Institution, actor: tx.Actor, now: tx.Now, newID: tx.NewID, rules: r, head: head.headState,
		funds: map[fundKey]int64{}, limits: map[fundKey]int64{}, holds: map[string]*Hold{},
		movedBal: map[balanceKey]*balance{}, movedTurn: map[turnoverKey]*turnover{}, movedHold: map[string]*Hold{},
	}
	if w.requests != nil {
		w.today, b.today = head.today, head.today
		w.due = head.nextExpiry > 0 && head.nextExpiry <= db.Micros(tx.Now)
		if err := w.want(w.requests); err != nil {
			return nil, err
		}
	}
	if err := b.loadHolds(ctx, tx, &w); err != nil {
		return nil, err
	}
	keys := make([]string, len(w.drafts))
	for i, d := range w.drafts {
		keys[i] = d.Key
	}
	if b.posted, err = FindByKeys(ctx, tx, keys); err != nil {
		return nil, err
	}
	if err := b.load(ctx, tx, w); err != nil {
		return nil, err
	}
	return b, nil
}

// store writes what the batch has changed.
func (b *book) store(ctx context.Context, tx *db.Tx) error {
	if err := pointLocked.Hit(ctx); err != nil {
		return err
	}
	heads, legs := entryRows(tx, b.fresh)
	if err := tx.BulkInsertMany(ctx, heads, legs, balanceRows(tx, b.movedBal), turnoverRows(tx, b.movedTurn), holdRows(tx, b.movedHold)); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if len(b.fresh) == 0 {
		return nil
	}
	if err := pointWritten.Hit(ctx); err != nil { // the entries are there, the head does not know of them
		return err
	}
	_, err := tx.Exec(ctx, moveHead, tx.Institution, b.head.seq, b.head.hash)
	return err
}

// Instants at which a test may break off.
var (
	pointLocked  = failpoint.Declare("journal.locked")
	pointWritten = failpoint.Declare("journal.written")
)

func entryRows(tx *db.Tx, entries []Entry) (heads, legs db.Rows) {
	heads, legs = db.Rows{Bulk: insertEntries}, db.Rows{Bulk: insertLines}
	for _, e := range entries {
		heads.Rows = append(heads.Rows, []any{tx.Institution, e.Seq, e.ID, e.Key, e.Date.String(), e.Memo.Zh, e.Memo.En, e.Object, e.ObjectID,
			db.Micros(e.BookedAt), e.Actor, e.PrevHash, e.Hash, e.Branch, e.Product})
		for i, l := range e.Lines {
			legs.Rows = append(legs.Rows, []any{tx.Institution, e.Seq, int64(i + 1), l.Account, string(l.Currency), l.AmountMinor, l.Sub})
		}
	}
	return heads, legs
}

// Check says whether a draft could be posted now, apart from the funds it needs: what a second person is
// asked to approve should not fail afterwards for its form.
func Check(ctx context.Context, tx *db.Tx, d Draft) error {
	if err := d.validate(); err != nil {
		return err
	}
	head, err := readHead(ctx, tx, selectHead)
	if err != nil && !db.IsNoRows(err) {
		return err
	}
	r, err := rulesOf(ctx, tx, head.rules)
	if err != nil {
		return err
	}
	return r.judge(d)
}
