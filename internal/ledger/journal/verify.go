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
// unbalanced entry or a balance that is not the sum of its legs.
func Verify(ctx context.Context, tx *db.Tx) (Report, error) {
	var r Report
	var head headState
	err := tx.QueryRow(ctx, lockHeadless, tx.Institution).Scan(&head.seq, &head.hash)
	if err != nil && !db.IsNoRows(err) {
		return r, fmt.Errorf("journal head: %w", err)
	}
	derived := map[balanceKey]*Balance{}
	var at headState
	for {
		rows, err := tx.Query(ctx, entriesAfter, tx.Institution, at.seq, verifyChunk)
		if err != nil {
			return r, err
		}
		entries, err := collectEntries(rows)
		if err != nil {
			return r, err
		}
		if len(entries) == 0 {
			break
		}
		if err := attachLines(ctx, tx, entries); err != nil {
			return r, err
		}
		for _, e := range entries {
			if err := at.follow(tx.Institution, e, derived); err != nil {
				return r, err
			}
			r.Entries++
			r.Lines += int64(len(e.Lines))
		}
	}
	if at != head {
		return r, broken("the chain ends at entry %d, its head says %d", at.seq, head.seq)
	}
	r.Hash = at.hash
	return r, compareBalances(ctx, tx, derived)
}

var lockHeadless = db.Q(`select seq, hash from journal_head where institution_id = $1`)

func (h *headState) follow(institution string, e Entry, derived map[balanceKey]*Balance) error {
	if e.Seq != h.seq+1 {
		return broken("entry %d is missing", h.seq+1)
	}
	if e.PrevHash != h.hash {
		return broken("entry %d does not follow entry %d", e.Seq, h.seq)
	}
	if e.seal(institution) != e.Hash {
		return broken("entry %d was changed after posting", e.Seq)
	}
	if err := (Draft{Key: e.Key, Date: e.Date, Memo: e.Memo, Lines: e.Lines}).validate(); err != nil {
		return broken("entry %d: %v", e.Seq, err)
	}
	for _, l := range e.Lines {
		k := balanceKey{l.Account, l.Currency}
		if derived[k] == nil {
			derived[k] = &Balance{Account: l.Account, Currency: l.Currency}
		}
		if err := derived[k].apply(l, e.Seq); err != nil {
			return broken("entry %d: %v", e.Seq, err)
		}
	}
	h.seq, h.hash = e.Seq, e.Hash
	return nil
}

func compareBalances(ctx context.Context, tx *db.Tx, derived map[balanceKey]*Balance) error {
	rows, err := tx.Query(ctx, listBalances, tx.Institution)
	if err != nil {
		return err
	}
	stored, err := readBalances(rows)
	if err != nil {
		return err
	}
	if len(stored) != len(derived) {
		return broken("%d balances are stored, the entries give %d", len(stored), len(derived))
	}
	for _, b := range stored {
		want := derived[balanceKey{b.Account, b.Currency}]
		if want == nil || *want != b {
			return broken("the balance of account %s %s is not the sum of its entries", b.Account, b.Currency)
		}
	}
	return nil
}

func broken(format string, args ...any) error {
	return fault.New(ReasonBroken, "problem", fmt.Sprintf(format, args...))
}
