package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"github.com/capillary-finance/capillary/internal/platform/db"
)

const (
	balanceRow  = `b.account_code, b.sub, b.branch, b.currency, b.debit_minor, b.credit_minor, b.held_minor, b.last_seq, b.seal, b.last_hash`
	turnoverRow = `b.period, b.account_code, b.branch, b.product, b.currency, b.debit_minor, b.credit_minor, b.last_seq, b.seal, b.last_hash`
	// Whoever shows a figure also looks at the entry that moved it last; the posting path trusts the row's seal.
	chained   = `, coalesce(substr(e.hash, 1, 32), '')`
	unchained = `, b.last_hash`
	lastEntry = ` left join journal_entry e on e.institution_id = b.institution_id and e.seq = b.last_seq`
	// On PostgreSQL the keys are taken out of the JSON first, for row-level security lets an index be used with
	// plain columns only, and each is looked up by itself ("offset 0" keeps the planner from merging the
	// two): on a table that has not been analysed yet it would read the institution whole.
	keysOf3 = `with k as materialized (select x->>0 as k0, x->>1 as k1, x->>2 as k2 from jsonb_array_elements(cast($2 as jsonb)) x) `
	keysOf5 = `with k as materialized (select x->>0 as k0, x->>1 as k1, x->>2 as k2, x->>3 as k3, x->>4 as k4 from jsonb_array_elements(cast($2 as jsonb)) x) `
)

var (
	balancesByKey = db.QQ(keysOf3+`select `+balanceRow+unchained+` from k cross join lateral (select * from ledger_balance l
		where l.institution_id = $1 and l.account_code = k.k0 and l.sub = k.k1 and l.currency = k.k2 offset 0) b`,
		`select `+balanceRow+unchained+` from json_each($2) k
		cross join ledger_balance b on b.institution_id = $1 and b.account_code = k.value->>0 and b.sub = k.value->>1 and b.currency = k.value->>2`)
	turnoversByKey = db.QQ(keysOf5+`select `+turnoverRow+unchained+` from k cross join lateral (select * from ledger_turnover l
		where l.institution_id = $1 and l.period = k.k0 and l.account_code = k.k1 and l.branch = k.k2 and l.product = k.k3 and l.currency = k.k4 offset 0) b`,
		`select `+turnoverRow+unchained+` from json_each($2) k
		cross join ledger_turnover b on b.institution_id = $1 and b.period = k.value->>0 and b.account_code = k.value->>1 and b.branch = k.value->>2
			and b.product = k.value->>3 and b.currency = k.value->>4`)
	postedTo = db.QQ(keysOf3+`select k.k0, k.k1 from k cross join lateral (select 1 from journal_line l
		where l.institution_id = $1 and l.account_code = k.k0 and l.sub = k.k1 and l.currency = k.k2 limit 1) b limit 1`,
		`select k.value->>0, k.value->>1 from json_each($2) k
		where exists (select 1 from journal_line l where l.institution_id = $1 and l.account_code = k.value->>0 and l.sub = k.value->>1 and l.currency = k.value->>2) limit 1`)
	// Whole months before the date's own, then its days: the history is never walked.
	turnoversUntil = db.Q(`select ` + turnoverRow + chained + ` from ledger_turnover b` + lastEntry + `
		where b.institution_id = $1 and ((length(b.period) = 7 and b.period < $2) or (length(b.period) = 10 and b.period > $2 and b.period <= $3))`)
	subBalances = db.Q(`select ` + balanceRow + chained + ` from ledger_balance b` + lastEntry + `
		where b.institution_id = $1 and b.account_code = $2 and b.sub = $3 and b.currency = $4`)
	allBalances  = db.Q(`select ` + balanceRow + chained + ` from ledger_balance b` + lastEntry + ` where b.institution_id = $1`)
	allTurnovers = db.Q(`select ` + turnoverRow + chained + ` from ledger_turnover b` + lastEntry + ` where b.institution_id = $1`)

	putBalances = db.NewBulk("ledger_balance", []string{"institution_id", "account_code", "sub", "branch", "currency", "debit_minor", "credit_minor", "held_minor", "last_seq", "last_hash", "seal"},
		`on conflict (institution_id, account_code, sub, branch, currency) do update set debit_minor = excluded.debit_minor, credit_minor = excluded.credit_minor,
		held_minor = excluded.held_minor, last_seq = excluded.last_seq, last_hash = excluded.last_hash, seal = substr(excluded.seal, 1, 32)
		where ledger_balance.seal || '/' || ledger_balance.debit_minor || '/' || ledger_balance.credit_minor || '/' || ledger_balance.last_seq || '/' || ledger_balance.held_minor
			|| '/' || ledger_balance.last_hash = substr(excluded.seal, 33)`)
	putTurnovers = db.NewBulk("ledger_turnover", []string{"institution_id", "period", "account_code", "branch", "product", "currency", "debit_minor", "credit_minor", "last_seq", "last_hash", "seal"},
		`on conflict (institution_id, period, account_code, branch, product, currency) do update set debit_minor = excluded.debit_minor, credit_minor = excluded.credit_minor,
		last_seq = excluded.last_seq, last_hash = excluded.last_hash, seal = substr(excluded.seal, 1, 32)
		where ledger_turnover.seal || '/' || ledger_turnover.debit_minor || '/' || ledger_turnover.credit_minor || '/' || ledger_turnover.last_seq || '/0/' || ledger_turnover.last_hash
			= substr(excluded.seal, 33)`)
	clearBalances  = db.Q(`delete from ledger_balance where institution_id = $1`)
	clearTurnovers = db.Q(`delete from ledger_turnover where institution_id = $1`)
	setProjection  = db.Q(`update journal_head set projection = $2 where institution_id = $1`)
	staleHeads     = db.Q(`select institution_id from journal_head where projection <> $1 order by institution_id`)
)

// unheard refuses a sub-account that has no balance although it was posted to: to begin it anew at zero would
// bury what happened to its row.
func unheard(ctx context.Context, tx *db.Tx, keys map[fundKey]bool) error {
	list := make([][3]string, 0, len(keys))
	for k := range keys {
		list = append(list, [3]string{k.Account, k.Sub, string(k.Currency)})
	}
	text, err := json.Marshal(list)
	if err != nil {
		return err
	}
	var account, sub string
	err = tx.QueryRow(ctx, postedTo, tx.Institution, string(text)).Scan(&account, &sub)
	if db.IsNoRows(err) {
		return nil
	}
	if err != nil {
		return err
	}
	return sealFault(account + " " + sub)
}

// eachBalance reads balances and refuses the first one that does not bear its seal.
func eachBalance(institution string, rows *sql.Rows, visit func(*balance) error) error {
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	for rows.Next() {
		b := &balance{}
		var seal, entry string
		if err := rows.Scan(&b.Account, &b.Sub, &b.Branch, &b.Currency, &b.DebitMinor, &b.CreditMinor, &b.HeldMinor, &b.LastSeq, &seal, &b.lastHash, &entry); err != nil {
			return err
		}
		if b.seal(institution) != seal || b.lastHash != entry {
			return sealFault(b.what())
		}
		b.stored = b.content(seal, b.HeldMinor)
		if err := visit(b); err != nil {
			return err
		}
	}
	return rows.Err()
}

func eachTurnover(institution string, rows *sql.Rows, visit func(*turnover) error) error {
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	for rows.Next() {
		t := &turnover{}
		var seal, entry string
		if err := rows.Scan(&t.Period, &t.Account, &t.Branch, &t.Product, &t.Currency, &t.DebitMinor, &t.CreditMinor, &t.LastSeq, &seal, &t.lastHash, &entry); err != nil {
			return err
		}
		if t.seal(institution) != seal || t.lastHash != entry {
			return sealFault(t.what())
		}
		t.stored = t.content(seal, 0)
		if err := visit(t); err != nil {
			return err
		}
	}
	return rows.Err()
}

// balanceRows are the moved balances in the order of their keys. The content of the row they replace goes behind the new
// seal: a row that is no longer so is passed over, and the write fails.
func balanceRows(tx *db.Tx, moved []*balance) db.Rows {
	var c struct{ institution, account, sub, branch, currency, last, seal []string }
	var debit, credit, held, seq []int64
	for _, b := range sortBalances(moved) {
		if b.stored == "" && b.LastSeq == 0 && b.HeldMinor == 0 {
			continue // made for a request that was refused
		}
		c.institution, c.account, c.sub, c.branch, c.currency = append(c.institution, tx.Institution), append(c.account, b.Account), append(c.sub, b.Sub), append(c.branch, b.Branch),
			append(c.currency, string(b.Currency))
		debit, credit, held, seq, c.last = append(debit, b.DebitMinor), append(credit, b.CreditMinor), append(held, b.HeldMinor), append(seq, b.LastSeq), append(c.last, b.lastHash)
		seal := b.seal(tx.Institution)
		c.seal, b.stored = append(c.seal, seal+b.stored), b.content(seal, b.HeldMinor)
	}
	return db.Rows{Bulk: putBalances, All: true, Columns: []any{c.institution, c.account, c.sub, c.branch, c.currency, debit, credit, held, seq, c.last, c.seal}}
}

func turnoverRows(tx *db.Tx, moved []*turnover) db.Rows {
	var c struct{ institution, period, account, branch, product, currency, last, seal []string }
	var debit, credit, seq []int64
	for _, t := range sortTurnovers(moved) {
		if t.LastSeq == 0 {
			continue
		}
		c.institution, c.period, c.account, c.branch, c.product = append(c.institution, tx.Institution), append(c.period, t.Period), append(c.account, t.Account), append(c.branch, t.Branch),
			append(c.product, t.Product)
		c.currency, debit, credit, seq, c.last = append(c.currency, string(t.Currency)), append(debit, t.DebitMinor), append(credit, t.CreditMinor), append(seq, t.LastSeq), append(c.last, t.lastHash)
		seal := t.seal(tx.Institution)
		c.seal, t.stored = append(c.seal, seal+t.stored), t.content(seal, 0)
	}
	return db.Rows{Bulk: putTurnovers, All: true, Columns: []any{c.institution, c.period, c.account, c.branch, c.product, c.currency, debit, credit, seq, c.last, c.seal}}
}

// Upgrade derives the stored balances of every institution whose balances an older program wrote, and gives
// its chart the accounts that have been added to the standard one since. It runs when the program starts.
func Upgrade(ctx context.Context, d *db.DB) error {
	var institutions []string
	err := d.View(ctx, db.System("ledger"), func(tx *db.Tx) error {
		rows, err := tx.Query(ctx, staleHeads, projectionNow)
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // its error is in rows.Err
		for rows.Next() {
			var id string
			if err := rows.Scan(&id); err != nil {
				return err
			}
			institutions = append(institutions, id)
		}
		return rows.Err()
	})
	if err != nil {
		return err
	}
	for _, id := range institutions {
		err := d.Update(ctx, db.Scope{Institution: id, Actor: "system:ledger"}, func(tx *db.Tx) error { return LockHead(ctx, tx) })
		if err != nil {
			return fmt.Errorf("balances of %s: %w", id, err)
		}
	}
	return nil
}

// rebuild derives the projection from the chain, which it verifies on the way; the caller holds the head.
func rebuild(ctx context.Context, tx *db.Tx, head headRow) error {
	if err := EnsureChart(ctx, tx, StandardChart()); err != nil {
		return err
	}
	p, at, _, err := replay(ctx, tx)
	if err != nil {
		return err
	}
	if at != head.headState {
		return broken("the chain ends at entry %d, its head says %d", at.seq, head.seq)
	}
	for _, q := range []*db.Query{clearBalances, clearTurnovers} {
		if _, err := tx.Exec(ctx, q, tx.Institution); err != nil {
			return err
		}
	}
	unsealed := map[string]*Hold{} // of a program that did not seal them
	if err := p.addHolds(ctx, tx, func(h *Hold, seal string) error {
		if seal == "" {
			unsealed[h.Reference] = h
		} else if h.seal(tx.Institution) != seal {
			return broken("hold %s was changed", h.Reference)
		}
		return nil
	}); err != nil {
		return err
	}
	if err := tx.BulkInsertMany(ctx, balanceRows(tx, slices.Collect(maps.Values(p.balances))), turnoverRows(tx, slices.Collect(maps.Values(p.turnovers))), holdRows(tx, unsealed)); err != nil {
		return fmt.Errorf("balances: %w", err)
	}
	if _, err := tx.Exec(ctx, setProjection, tx.Institution, projectionNow); err != nil {
		return err
	}
	return RulesChanged(ctx, tx)
}
