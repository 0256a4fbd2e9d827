package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/platform/db"
)

// Opening a book takes one round trip on PostgreSQL: the lock of the head and everything that the requests say they
// touch are asked together, and the server answers in that order, so that what is read is read under the lock.

// openBook locks the head and reads everything the batch touches that m does not remember.
func openBook(ctx context.Context, tx *db.Tx, w wanted, m *Memory) (*book, error) {
	var today calendar.Date
	if m != nil {
		today = m.today
	}
	for {
		b, err := readBook(ctx, tx, w, m, today)
		if err != nil || b != nil {
			return b, err
		}
		// What was assumed of the head does not hold. It is locked now, so this comes at most once.
		m.Forget()
		head, err := openHead(ctx, tx)
		if err != nil {
			return nil, err
		}
		today = head.today
	}
}

func newBook(tx *db.Tx) *book {
	return &book{
		projection: newProjection(), institution: tx.Institution, actor: tx.Actor, now: tx.Now, newID: tx.NewID,
		funds: map[fundKey]int64{}, limits: map[fundKey]int64{}, holds: map[string]*Hold{}, movedHold: map[string]*Hold{},
		days: map[calendar.Date]string{}, complete: map[fundKey]bool{}, posted: map[string]Entry{},
	}
}

// readBook is openBook on the assumption that the business date is today and that m fits the head; nil when not.
func readBook(ctx context.Context, tx *db.Tx, w wanted, m *Memory, today calendar.Date) (*book, error) {
	b := newBook(tx)
	w.today, b.today = today, today
	if w.requests != nil {
		if err := w.want(w.requests); err != nil {
			return nil, err
		}
	}
	x := &asked{tx: tx, book: b, memory: m}
	defer x.close()
	headRows := x.query(ctx, lockHead, tx.Institution)
	holdRows := x.named(ctx, holdsByReference, w.holds)
	x.posted(ctx, &w)
	x.rows(ctx, &w)
	if x.err != nil {
		return nil, x.err
	}

	head, found, err := scanHead(headRows)
	if err != nil {
		return nil, fmt.Errorf("journal head: %w", err)
	}
	if !found || head.projection != projectionNow || w.requests != nil && head.today != today || m != nil && m.funds != nil && m.head != head.headState {
		return nil, nil
	}
	if b.rules, err = rulesOf(ctx, tx, head.rules); err != nil {
		return nil, err
	}
	b.head = head.headState
	w.due = w.requests != nil && head.nextExpiry > 0 && head.nextExpiry <= db.Micros(tx.Now)
	if err := b.takeHolds(ctx, tx, &w, holdRows); err != nil {
		return nil, err
	}
	if len(b.holds) > 0 || len(w.captures) > 0 { // what only the holds told of
		x.posted(ctx, &w)
		x.rows(ctx, &w)
	}
	if x.err != nil {
		return nil, x.err
	}
	return b, x.take(ctx)
}

// asked are queries on their way and the keys they were asked for.
type asked struct {
	tx     *db.Tx
	book   *book
	memory *Memory
	err    error
	open   []*sql.Rows

	keys      map[string]bool
	funds     map[fundKey]bool
	turns     map[turnoverKey]bool
	entries   []*sql.Rows
	balances  []*sql.Rows
	turnovers []*sql.Rows
	missing   map[fundKey]bool // asked for and not found so far
}

func (x *asked) query(ctx context.Context, q *db.Query, args ...any) *sql.Rows {
	if x.err != nil {
		return nil
	}
	rows, err := x.tx.Query(db.Later(ctx), q, args...) //nolint:rowserrcheck,sqlclosecheck // close and whoever reads them
	if err != nil {
		x.err = err
		return nil
	}
	x.open = append(x.open, rows)
	return rows
}

func (x *asked) close() {
	for _, rows := range x.open {
		_ = rows.Close()
	}
}

// named asks for rows by a list of keys, when there are any.
func (x *asked) named(ctx context.Context, q *db.Query, keys any) *sql.Rows {
	text, err := json.Marshal(keys)
	if err != nil {
		x.err = errors.Join(x.err, err)
	}
	if len(text) <= len("null") && (string(text) == "null" || string(text) == "[]") {
		return nil
	}
	return x.query(ctx, q, x.tx.Institution, string(text))
}

// posted asks for the entries that were posted under the drafts' keys before.
func (x *asked) posted(ctx context.Context, w *wanted) {
	if x.keys == nil {
		x.keys = make(map[string]bool, len(w.drafts))
	}
	list := make([]string, 0, len(w.drafts))
	for i := range w.drafts {
		if k := w.drafts[i].Key; !x.keys[k] {
			x.keys[k] = true
			list = append(list, k)
		}
	}
	if rows := x.named(ctx, entriesByKey, list); rows != nil {
		x.entries = append(x.entries, rows)
	}
}

// rows asks for the balances and turnovers that drafts and holds touch.
func (x *asked) rows(ctx context.Context, w *wanted) {
	funds, turns := map[fundKey]bool{}, map[turnoverKey]bool{}
	for i := range w.drafts {
		d := &w.drafts[i]
		day := x.book.dayText(d.Date)
		for n := range d.Lines {
			l := &d.Lines[n]
			funds[fundKey{l.Account, l.Sub, l.Currency}] = true
			turns[turnoverKey{day[:7], l.Account, d.Branch, d.Product, l.Currency}] = true
			turns[turnoverKey{day, l.Account, d.Branch, d.Product, l.Currency}] = true
			turns[control(day[:7], l.Currency)] = true
			turns[control(day, l.Currency)] = true
		}
	}
	for _, k := range w.reserve {
		funds[k] = true
	}
	if x.funds == nil {
		x.funds, x.turns, x.missing = map[fundKey]bool{}, map[turnoverKey]bool{}, map[fundKey]bool{}
	}
	subs := make([][3]string, 0, len(funds))
	for k := range funds {
		if x.funds[k] {
			continue
		}
		x.funds[k] = true
		if x.memory == nil || x.memory.funds[k] == nil {
			x.missing[k] = true
			subs = append(subs, [3]string{k.Account, k.Sub, string(k.Currency)})
		}
	}
	if rows := x.named(ctx, balancesByKey, subs); rows != nil {
		x.balances = append(x.balances, rows)
	}
	periods := make([][5]string, 0, len(turns))
	for k := range turns {
		if x.turns[k] {
			continue
		}
		x.turns[k] = true
		if x.memory == nil || x.memory.turnovers[k] == nil {
			periods = append(periods, [5]string{k.Period, k.Account, k.Branch, k.Product, string(k.Currency)})
		}
	}
	if rows := x.named(ctx, turnoversByKey, periods); rows != nil {
		x.turnovers = append(x.turnovers, rows)
	}
}

// take reads the answers into the book.
func (x *asked) take(ctx context.Context) error {
	b := x.book
	if b.rules.limits {
		if err := b.loadLimits(ctx, x.tx, x.funds); err != nil {
			return err
		}
	}
	for _, rows := range x.entries {
		found, err := collectEntries(rows)
		if err != nil {
			return err
		}
		if err := b.known(ctx, x.tx, found); err != nil {
			return err
		}
	}
	b.recall(x.memory, x.funds, x.turns)
	for _, rows := range x.balances {
		err := eachBalance(x.tx.Institution, rows, func(r *balance) error {
			delete(x.missing, r.fund())
			b.addBalance(r)
			return nil
		})
		if err != nil {
			return err
		}
	}
	for _, rows := range x.turnovers {
		err := eachTurnover(x.tx.Institution, rows, func(t *turnover) error {
			b.turnovers[t.turnoverKey] = t
			return nil
		})
		if err != nil {
			return err
		}
	}
	for k := range x.missing {
		b.complete[k] = true // nothing is complete as well
	}
	if len(x.missing) == 0 {
		return nil
	}
	return unheard(ctx, x.tx, x.missing)
}

// known takes entries that were posted before into the book.
func (b *book) known(ctx context.Context, tx *db.Tx, found []Entry) error {
	if len(found) == 0 {
		return nil
	}
	if err := attachLines(ctx, tx, found); err != nil {
		return err
	}
	if err := checkEntries(tx.Institution, found); err != nil {
		return err
	}
	for _, e := range found {
		b.posted[e.Key] = e
	}
	return nil
}

func scanHead(rows *sql.Rows) (h headRow, found bool, err error) {
	if found = rows.Next(); found {
		err = rows.Scan(&h.seq, &h.hash, &h.projection, &h.rules, &h.today, &h.nextExpiry)
	}
	return h, found, errors.Join(err, rows.Err(), rows.Close())
}
