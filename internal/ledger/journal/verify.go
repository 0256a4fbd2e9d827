package journal

import (
	"context"
	"fmt"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

const verifyChunk = 500

// Report is what Verify walked over.
type Report struct {
	Entries int64  `json:"entries"`
	Lines   int64  `json:"lines"`
	Hash    string `json:"hash"`
}

// Verify re-derives the chain and every balance of the institution of tx from
// the entries and compares them with what is stored. It returns ReasonBroken
// with the first difference: an edit, a removal, a reordering, a cut end, an
// unbalanced entry, or a balance, turnover or hold that is not what the entries
// and holds give.
func Verify(ctx context.Context, tx *db.Tx) (Report, error) {
	var r Report
	head, err := readHead(ctx, tx, selectHead)
	if err != nil && !db.IsNoRows(err) {
		return r, fmt.Errorf("journal head: %w", err)
	}
	derived, at, r, err := replay(ctx, tx)
	if err != nil {
		return r, err
	}
	if at != head.headState {
		return r, broken("the chain ends at entry %d, its head says %d", at.seq, head.seq)
	}
	if at.seq > 0 && head.projection != projectionNow {
		return r, broken("the stored balances are of an older form: start the server once")
	}
	if err := derived.addHolds(ctx, tx, func(h *Hold, seal string) error {
		if h.seal(tx.Institution) != seal {
			return broken("hold %s was changed", h.Reference)
		}
		return nil
	}); err != nil {
		return r, err
	}
	if err = derived.compare(ctx, tx); fault.Is(err, ReasonSeal) {
		err = broken("%v", err)
	}
	return r, err
}

// replay walks the whole chain, checks each entry, and gives the balances that follow from it.
func replay(ctx context.Context, tx *db.Tx) (p projection, at headState, r Report, err error) {
	p = newProjection()
	chart, err := Accounts(ctx, tx)
	if err != nil {
		return p, at, r, err
	}
	judge := &rules{accounts: make(map[string]Account, len(chart))}
	for _, a := range chart {
		a.Active = true // it was when the entry was posted
		judge.accounts[a.Code] = a
	}
	for {
		rows, err := tx.Query(ctx, entriesAfter, tx.Institution, at.seq, verifyChunk)
		if err != nil {
			return p, at, r, err
		}
		entries, err := collectEntries(rows)
		if err != nil {
			return p, at, r, err
		}
		if len(entries) == 0 {
			r.Hash = at.hash
			return p, at, r, nil
		}
		if err := attachLines(ctx, tx, entries); err != nil {
			return p, at, r, err
		}
		for _, e := range entries {
			if err := at.follow(tx.Institution, e, judge); err != nil {
				return p, at, r, err
			}
			if err := p.fold(&e, e.Date.String(), func(*balance, *turnover) {}); err != nil {
				return p, at, r, broken("entry %d: %v", e.Seq, err)
			}
			r.Entries++
			r.Lines += int64(len(e.Lines))
		}
	}
}

func (h *headState) follow(institution string, e Entry, judge *rules) error {
	if e.Seq != h.seq+1 {
		return broken("entry %d is missing", h.seq+1)
	}
	if e.PrevHash != h.hash {
		return broken("entry %d does not follow entry %d", e.Seq, h.seq)
	}
	if !e.intact(institution) {
		return broken("entry %d was changed after posting", e.Seq)
	}
	d := Draft{Key: e.Key, Date: e.Date, Memo: e.Memo, Lines: e.Lines}
	err := d.validate()
	if err == nil {
		err = judge.judge(d)
	}
	if err != nil {
		return broken("entry %d: %v", e.Seq, err)
	}
	h.seq, h.hash = e.Seq, e.Hash
	return nil
}

// compare finds the first stored balance or turnover that is not the derived one, and any that is missing.
func (p projection) compare(ctx context.Context, tx *db.Tx) error {
	rows, err := tx.Query(ctx, allBalances, tx.Institution)
	if err != nil {
		return err
	}
	err = eachBalance(tx.Institution, rows, func(b *balance) error {
		want := p.balances[b.balanceKey]
		if want == nil && b.sums == (sums{}) && b.HeldMinor == 0 {
			return nil // held once, never posted to
		}
		if want == nil || want.sums != b.sums || want.HeldMinor != b.HeldMinor {
			return broken("the balance %s is not the sum of its entries", b.what())
		}
		delete(p.balances, b.balanceKey)
		return nil
	})
	if err != nil {
		return err
	}
	for _, b := range p.balances {
		return broken("the balance %s is not stored", b.what())
	}
	if rows, err = tx.Query(ctx, allTurnovers, tx.Institution); err != nil {
		return err
	}
	err = eachTurnover(tx.Institution, rows, func(t *turnover) error {
		if want := p.turnovers[t.turnoverKey]; want == nil || want.sums != t.sums {
			return broken("the turnover %s is not the sum of its entries", t.what())
		}
		delete(p.turnovers, t.turnoverKey)
		return nil
	})
	if err != nil {
		return err
	}
	for _, t := range p.turnovers {
		return broken("the turnover %s is not stored", t.what())
	}
	return nil
}

func broken(format string, args ...any) error {
	return fault.New(ReasonBroken, "problem", fmt.Sprintf(format, args...))
}
