package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/capillary-finance/capillary/internal/base/canary"
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
		held_minor = excluded.held_minor, last_seq = excluded.last_seq, last_hash = excluded.last_hash, seal = excluded.seal`)
	putTurnovers = db.NewBulk("ledger_turnover", []string{"institution_id", "period", "account_code", "branch", "product", "currency", "debit_minor", "credit_minor", "last_seq", "last_hash", "seal"},
		`on conflict (institution_id, period, account_code, branch, product, currency) do update set debit_minor = excluded.debit_minor, credit_minor = excluded.credit_minor,
		last_seq = excluded.last_seq, last_hash = excluded.last_hash, seal = excluded.seal`)
	clearBalances  = db.Q(`delete from ledger_balance where institution_id = $1`)
	clearTurnovers = db.Q(`delete from ledger_turnover where institution_id = $1`)
	setProjection  = db.Q(`update journal_head set projection = $2 where institution_id = $1`)
	staleHeads     = db.Q(`select institution_id from journal_head where projection <> $1 order by institution_id`)
)

// load reads the balances, turnovers and holds of a batch.
func (b *book) load(ctx context.Context, tx *db.Tx, w wanted) error {
	keys := map[fundKey]bool{}
	turns := map[turnoverKey]bool{}
	for _, d := range w.drafts {
		day := d.Date.String()
		for _, l := range d.Lines {
			keys[fundKey{l.Account, l.Sub, l.Currency}] = true
			turns[turnoverKey{day[:7], l.Account, d.Branch, d.Product, l.Currency}] = true
			turns[turnoverKey{day, l.Account, d.Branch, d.Product, l.Currency}] = true
			turns[control(day[:7], l.Currency)] = true
			turns[control(day, l.Currency)] = true
		}
	}
	for _, k := range w.reserve {
		keys[k] = true
	}
	if err := b.loadBalances(ctx, tx, keys); err != nil {
		return err
	}
	return b.loadTurnovers(ctx, tx, turns)
}

func (b *book) loadBalances(ctx context.Context, tx *db.Tx, keys map[fundKey]bool) error {
	list := make([][3]string, 0, len(keys))
	for k := range keys {
		list = append(list, [3]string{k.Account, k.Sub, string(k.Currency)})
	}
	text, err := json.Marshal(list)
	if err != nil {
		return err
	}
	if err := b.loadLimits(ctx, tx, string(text)); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, balancesByKey, tx.Institution, string(text))
	if err != nil {
		return err
	}
	err = eachBalance(tx.Institution, rows, func(r *balance) error {
		b.balances[r.balanceKey] = r
		delete(keys, fundKey{r.Account, r.Sub, r.Currency})
		if a := b.rules.accounts[r.Account]; b.checked(a, fundKey{r.Account, r.Sub, r.Currency}) {
			net := r.DebitMinor - r.CreditMinor
			if !a.Kind.DebitNormal() {
				net = -net
			}
			b.funds[fundKey{r.Account, r.Sub, r.Currency}] += net
			if !canary.On("held_is_free") {
				b.funds[fundKey{r.Account, r.Sub, r.Currency}] -= r.HeldMinor
			}
		}
		return nil
	})
	if err != nil || len(keys) == 0 {
		return err
	}
	return unheard(ctx, tx, keys)
}

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

func (b *book) loadTurnovers(ctx context.Context, tx *db.Tx, keys map[turnoverKey]bool) error {
	list := make([][5]string, 0, len(keys))
	for k := range keys {
		list = append(list, [5]string{k.Period, k.Account, k.Branch, k.Product, string(k.Currency)})
	}
	text, err := json.Marshal(list)
	if err != nil {
		return err
	}
	rows, err := tx.Query(ctx, turnoversByKey, tx.Institution, string(text))
	if err != nil {
		return err
	}
	return eachTurnover(tx.Institution, rows, func(t *turnover) error {
		b.turnovers[t.turnoverKey] = t
		return nil
	})
}

// eachBalance reads balances and refuses the first one that does not bear its seal.
func eachBalance(institution string, rows *sql.Rows, visit func(*balance) error) error {
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	for rows.Next() {
		b := &balance{stored: true}
		var seal, entry string
		if err := rows.Scan(&b.Account, &b.Sub, &b.Branch, &b.Currency, &b.DebitMinor, &b.CreditMinor, &b.HeldMinor, &b.LastSeq, &seal, &b.lastHash, &entry); err != nil {
			return err
		}
		if b.seal(institution) != seal || b.lastHash != entry {
			return sealFault(b.what())
		}
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
		if err := visit(t); err != nil {
			return err
		}
	}
	return rows.Err()
}

func balanceRows(tx *db.Tx, moved map[balanceKey]*balance) db.Rows {
	rows := make([][]any, 0, len(moved))
	for _, b := range sortedBalances(moved) {
		if !b.stored && b.LastSeq == 0 && b.HeldMinor == 0 {
			continue // made for a request that was refused
		}
		rows = append(rows, []any{tx.Institution, b.Account, b.Sub, b.Branch, string(b.Currency), b.DebitMinor, b.CreditMinor, b.HeldMinor, b.LastSeq, b.lastHash, b.seal(tx.Institution)})
	}
	return db.Rows{Bulk: putBalances, Rows: rows}
}

func turnoverRows(tx *db.Tx, moved map[turnoverKey]*turnover) db.Rows {
	rows := make([][]any, 0, len(moved))
	for _, t := range sortedTurnovers(moved) {
		if t.LastSeq == 0 {
			continue
		}
		rows = append(rows, []any{tx.Institution, t.Period, t.Account, t.Branch, t.Product, string(t.Currency), t.DebitMinor, t.CreditMinor, t.LastSeq, t.lastHash, t.seal(tx.Institution)})
	}
	return db.Rows{Bulk: putTurnovers, Rows: rows}
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
	if err := tx.BulkInsertMany(ctx, balanceRows(tx, p.balances), turnoverRows(tx, p.turnovers), holdRows(tx, unsealed)); err != nil {
		return fmt.Errorf("balances: %w", err)
	}
	if _, err := tx.Exec(ctx, setProjection, tx.Institution, projectionNow); err != nil {
		return err
	}
	return RulesChanged(ctx, tx)
}
