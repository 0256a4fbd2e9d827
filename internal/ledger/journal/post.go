package journal

import (
	"context"
	"fmt"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// EnsureChart gives the institution of tx its chart and an empty journal; it
// may be called again and adds only what is missing.
func EnsureChart(ctx context.Context, tx *db.Tx, accounts []Account) error {
	rows := make([][]any, 0, len(accounts))
	for _, a := range accounts {
		rows = append(rows, []any{tx.Institution, a.Code, a.NameZh, a.NameEn, string(a.Kind), db.Micros(tx.Now)})
	}
	if _, err := tx.BulkInsert(ctx, insertAccounts, rows); err != nil {
		return fmt.Errorf("chart of accounts: %w", err)
	}
	_, err := tx.Exec(ctx, insertHead, tx.Institution)
	return err
}

// Post books one entry in tx. The same key with the same content returns the
// entry posted before; with other content it fails (ReasonKeyReused). It may
// also return ReasonUnbalanced and ReasonUnknownAccount.
func Post(ctx context.Context, tx *db.Tx, d Draft) (Entry, error) {
	entries, err := PostAll(ctx, tx, []Draft{d})
	if err != nil {
		return Entry{}, err
	}
	return entries[0], nil
}

// PostAll books many entries in one pass: one lock of the journal's head, the
// balances in sorted order, then array inserts. An end of day posts thousands
// of accruals this way.
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
	head, err := openHead(ctx, tx)
	if err != nil {
		return nil, err
	}
	entries, fresh, err := head.chain(ctx, tx, drafts)
	if err != nil || len(fresh) == 0 {
		return entries, err
	}
	if err := moveBalances(ctx, tx, fresh); err != nil {
		return nil, err
	}
	if err := insert(ctx, tx, fresh); err != nil {
		return nil, err
	}
	_, err = tx.Exec(ctx, moveHead, tx.Institution, head.seq, head.hash)
	return entries, err
}

type headState struct {
	seq  int64
	hash string
}

// openHead locks the head row; whoever holds it is the only writer of the chain.
func openHead(ctx context.Context, tx *db.Tx) (*headState, error) {
	var h headState
	err := tx.QueryRow(ctx, lockHead, tx.Institution).Scan(&h.seq, &h.hash)
	if db.IsNoRows(err) {
		if err := EnsureChart(ctx, tx, StandardChart()); err != nil {
			return nil, err
		}
		err = tx.QueryRow(ctx, lockHead, tx.Institution).Scan(&h.seq, &h.hash)
	}
	if err != nil {
		return nil, fmt.Errorf("journal head: %w", err)
	}
	return &h, nil
}

// chain turns drafts into entries that follow the head. Keys posted before come
// back as they are; the fresh ones are returned apart.
func (h *headState) chain(ctx context.Context, tx *db.Tx, drafts []Draft) (all, fresh []Entry, err error) {
	byKey, err := findByKeys(ctx, tx, drafts)
	if err != nil {
		return nil, nil, err
	}
	for _, d := range drafts {
		if known, found := byKey[d.Key]; found {
			if !known.sameAs(d) {
				return nil, nil, fault.New(ReasonKeyReused, "key", d.Key)
			}
			all = append(all, known)
			continue
		}
		e := Entry{
			Seq: h.seq + 1, ID: tx.NewID("jen"), Key: d.Key, Date: d.Date, Memo: d.Memo, Object: d.Object, ObjectID: d.ObjectID,
			BookedAt: tx.Now, Actor: tx.Actor, PrevHash: h.hash, Lines: append([]Line(nil), d.Lines...),
		}
		e.Hash = e.seal(tx.Institution)
		h.seq, h.hash = e.Seq, e.Hash
		byKey[d.Key] = e
		all, fresh = append(all, e), append(fresh, e)
	}
	return all, fresh, nil
}

func moveBalances(ctx context.Context, tx *db.Tx, entries []Entry) error {
	chart, err := Accounts(ctx, tx)
	if err != nil {
		return err
	}
	known := make(map[string]bool, len(chart))
	for _, a := range chart {
		known[a.Code] = true
	}
	touched := map[balanceKey]*Balance{}
	for _, e := range entries {
		for _, l := range e.Lines {
			if !known[l.Account] {
				return fault.New(ReasonUnknownAccount, "account", l.Account)
			}
			touched[balanceKey{l.Account, l.Currency}] = &Balance{Account: l.Account, Currency: l.Currency}
		}
	}
	keys := sortedKeys(touched)
	for _, k := range keys {
		b := touched[k]
		err := tx.QueryRow(ctx, lockBalance, tx.Institution, k.Account, string(k.Currency)).Scan(&b.DebitMinor, &b.CreditMinor, &b.LastSeq)
		if err != nil && !db.IsNoRows(err) {
			return fmt.Errorf("balance of %s: %w", k.Account, err)
		}
	}
	for _, e := range entries {
		for _, l := range e.Lines {
			if err := touched[balanceKey{l.Account, l.Currency}].apply(l, e.Seq); err != nil {
				return fault.New(ReasonUnbalanced, "key", e.Key, "problem", "the balance of "+l.Account+" overflows").Wrap(err)
			}
		}
	}
	for _, k := range keys {
		b := touched[k]
		if _, err := tx.Exec(ctx, putBalance, tx.Institution, k.Account, string(k.Currency), b.DebitMinor, b.CreditMinor, b.LastSeq); err != nil {
			return fmt.Errorf("balance of %s: %w", k.Account, err)
		}
	}
	return nil
}

func insert(ctx context.Context, tx *db.Tx, entries []Entry) error {
	var heads, legs [][]any
	for _, e := range entries {
		heads = append(heads, []any{tx.Institution, e.Seq, e.ID, e.Key, e.Date.String(), e.Memo.Zh, e.Memo.En, e.Object, e.ObjectID,
			db.Micros(e.BookedAt), e.Actor, e.PrevHash, e.Hash})
		for i, l := range e.Lines {
			legs = append(legs, []any{tx.Institution, e.Seq, i + 1, l.Account, string(l.Currency), l.AmountMinor})
		}
	}
	if _, err := tx.BulkInsert(ctx, insertEntries, heads); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	if _, err := tx.BulkInsert(ctx, insertLines, legs); err != nil {
		return fmt.Errorf("journal: %w", err)
	}
	return nil
}
