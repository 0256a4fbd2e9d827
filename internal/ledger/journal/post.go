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
	b, err := openBook(ctx, tx, wanted{drafts: drafts}, nil)
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

// store writes what the batch has changed. Nobody waits for it: it goes with the commit.
func (b *book) store(ctx context.Context, tx *db.Tx) error {
	if err := pointLocked.Hit(ctx); err != nil {
		return err
	}
	heads, legs := b.entryRows(tx)
	ctx = db.Later(ctx)
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

func (b *book) entryRows(tx *db.Tx) (heads, legs db.Rows) {
	var h struct{ institution, id, key, date, zh, en, object, objectID, actor, prev, hash, branch, product []string }
	var l struct{ institution, account, currency, sub []string }
	var seq, booked, lineSeq, no, amount []int64
	for i := range b.fresh {
		e := &b.fresh[i]
		h.institution, seq, h.id, h.key, h.date = append(h.institution, tx.Institution), append(seq, e.Seq), append(h.id, e.ID), append(h.key, e.Key), append(h.date, b.dayText(e.Date))
		h.zh, h.en, h.object, h.objectID = append(h.zh, e.Memo.Zh), append(h.en, e.Memo.En), append(h.object, e.Object), append(h.objectID, e.ObjectID)
		booked, h.actor, h.prev, h.hash = append(booked, db.Micros(e.BookedAt)), append(h.actor, e.Actor), append(h.prev, e.PrevHash), append(h.hash, e.Hash)
		h.branch, h.product = append(h.branch, e.Branch), append(h.product, e.Product)
		for n := range e.Lines {
			x := &e.Lines[n]
			l.institution, lineSeq, no = append(l.institution, tx.Institution), append(lineSeq, e.Seq), append(no, int64(n+1))
			l.account, l.currency, amount, l.sub = append(l.account, x.Account), append(l.currency, string(x.Currency)), append(amount, x.AmountMinor), append(l.sub, x.Sub)
		}
	}
	return db.Rows{Bulk: insertEntries, Columns: []any{h.institution, seq, h.id, h.key, h.date, h.zh, h.en, h.object, h.objectID, booked, h.actor, h.prev, h.hash, h.branch, h.product}},
		db.Rows{Bulk: insertLines, Columns: []any{l.institution, lineSeq, no, l.account, l.currency, amount, l.sub}}
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
