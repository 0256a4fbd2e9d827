package journal

import (
	"context"
	"database/sql"
	"encoding/json"

	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

const holdColumns = `h.reference, h.id, h.account_code, h.sub, h.branch, h.product, h.currency, h.amount_minor, h.counter_account, h.counter_sub, h.memo_zh, h.memo_en,
	h.object, h.object_id, h.state, h.posted_minor, h.entry_id, h.expires_at, h.created_at, h.created_by, h.closed_at, h.closed_by, h.seal`

var (
	putHolds = db.NewBulk("ledger_hold", []string{"institution_id", "reference", "id", "account_code", "sub", "branch", "product", "currency", "amount_minor", "counter_account", "counter_sub",
		"memo_zh", "memo_en", "object", "object_id", "state", "posted_minor", "entry_id", "expires_at", "created_at", "created_by", "closed_at", "closed_by", "seal"},
		`on conflict (institution_id, reference) do update set state = excluded.state, posted_minor = excluded.posted_minor, entry_id = excluded.entry_id,
		closed_at = excluded.closed_at, closed_by = excluded.closed_by, seal = excluded.seal`)
	holdsByReference = db.QQ(`select `+holdColumns+` from jsonb_array_elements_text(cast($2 as jsonb)) k(k0)
		cross join lateral (select * from ledger_hold x where x.institution_id = $1 and x.reference = k.k0 offset 0) h`,
		`select `+holdColumns+` from json_each($2) k cross join ledger_hold h on h.institution_id = $1 and h.reference = k.value`)
	holdsDue    = db.Q(`select ` + holdColumns + ` from ledger_hold h where institution_id = $1 and state = 'held' and expires_at > 0 and expires_at <= $2 order by expires_at limit 500`)
	allHolds    = db.Q(`select ` + holdColumns + ` from ledger_hold h where institution_id = $1`)
	limitsByKey = db.QQ(keysOf3+`select l.account_code, l.sub, l.currency, l.overdraft_minor from k cross join lateral (select * from ledger_limit x
		where x.institution_id = $1 and x.account_code = k.k0 and x.sub = k.k1 and x.currency = k.k2 offset 0) l`,
		`select l.account_code, l.sub, l.currency, l.overdraft_minor from json_each($2) k
		cross join ledger_limit l on l.institution_id = $1 and l.account_code = k.value->>0 and l.sub = k.value->>1 and l.currency = k.value->>2`)
	heldPastDue = db.Q(`select ` + holdColumns + ` from ledger_hold h
		where institution_id = $1 and account_code = $2 and sub = $3 and currency = $4 and state = 'held' and expires_at > 0 and expires_at <= $5`)
	countLimits = db.Q(`select count(*) from ledger_limit where institution_id = $1`)
	putLimit    = db.Q(`insert into ledger_limit (institution_id, account_code, sub, currency, overdraft_minor, changed_by, changed_at, version) values ($1,$2,$3,$4,$5,$6,$7,1)
		on conflict (institution_id, account_code, sub, currency) do update set overdraft_minor = excluded.overdraft_minor, changed_by = excluded.changed_by,
		changed_at = excluded.changed_at, version = ledger_limit.version + 1`)
	dropLimit   = db.Q(`delete from ledger_limit where institution_id = $1 and account_code = $2 and sub = $3 and currency = $4`)
	selectLimit = db.Q(`select overdraft_minor, version from ledger_limit where institution_id = $1 and account_code = $2 and sub = $3 and currency = $4`)
)

// scanHolds reads holds and refuses the first one that does not bear its seal.
func scanHolds(institution string, rows *sql.Rows) (out []Hold, err error) {
	err = eachHold(rows, func(h *Hold, seal string) error {
		if h.seal(institution) != seal {
			return sealFault("hold " + h.Reference)
		}
		out = append(out, *h)
		return nil
	})
	return out, err
}

func eachHold(rows *sql.Rows, visit func(h *Hold, seal string) error) error {
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	for rows.Next() {
		var h Hold
		var expires, created, closed int64
		var seal string
		err := rows.Scan(&h.Reference, &h.ID, &h.Account, &h.Sub, &h.Branch, &h.Product, &h.Currency, &h.AmountMinor, &h.CounterAccount, &h.CounterSub, &h.Memo.Zh, &h.Memo.En,
			&h.Object, &h.ObjectID, &h.State, &h.PostedMinor, &h.EntryID, &expires, &created, &h.CreatedBy, &closed, &h.ClosedBy, &seal)
		if err != nil {
			return err
		}
		h.ExpiresAt, h.CreatedAt, h.ClosedAt = db.Time(expires), db.Time(created), db.Time(closed)
		if err := visit(&h, seal); err != nil {
			return err
		}
	}
	return rows.Err()
}

// takeHolds takes the holds that requests name and those whose time has run out, and adds what they touch.
func (b *book) takeHolds(ctx context.Context, tx *db.Tx, w *wanted, byName *sql.Rows) error {
	var found []Hold
	if w.due {
		rows, err := tx.Query(ctx, holdsDue, tx.Institution, db.Micros(tx.Now))
		if err != nil {
			return err
		}
		// One that does not bear its seal is not released: its money stays reserved until somebody looks, and nobody else waits for that.
		if err := eachHold(rows, func(h *Hold, seal string) error {
			if h.seal(tx.Institution) == seal {
				found = append(found, *h)
			}
			return nil
		}); err != nil {
			return err
		}
	}
	if byName != nil {
		named, err := scanHolds(tx.Institution, byName)
		if err != nil {
			return err
		}
		found = append(found, named...)
	}
	for i := range found {
		h := &found[i]
		if b.holds[h.Reference] != nil {
			continue
		}
		b.holds[h.Reference] = h
		w.reserve = append(w.reserve, h.fund())
	}
	for _, c := range w.captures {
		date := dated(c.Date, w.today)
		if h := b.holds[c.Reference]; h != nil {
			w.drafts = append(w.drafts, b.entryOf(h, h.AmountMinor, date))
			continue
		}
		// Placed by a request before it in this batch.
		for _, p := range w.placed[c.Reference] {
			h := p.hold()
			if d := b.entryOf(&h, h.AmountMinor, date); d.plain() {
				w.drafts = append(w.drafts, d)
			}
		}
	}
	return nil
}

// loadLimits reads the overdrafts of single sub-accounts, where an institution has any.
func (b *book) loadLimits(ctx context.Context, tx *db.Tx, keys map[fundKey]bool) error {
	list := make([][3]string, 0, len(keys))
	for k := range keys {
		list = append(list, [3]string{k.Account, k.Sub, string(k.Currency)})
	}
	text, err := json.Marshal(list)
	if err != nil {
		return err
	}
	rows, err := tx.Query(ctx, limitsByKey, tx.Institution, string(text))
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	for rows.Next() {
		var k fundKey
		var minor int64
		if err := rows.Scan(&k.Account, &k.Sub, &k.Currency, &minor); err != nil {
			return err
		}
		b.limits[k] = minor
	}
	return rows.Err()
}

func holdRows(tx *db.Tx, moved map[string]*Hold) db.Rows {
	rows := make([][]any, 0, len(moved))
	for _, h := range moved {
		rows = append(rows, []any{tx.Institution, h.Reference, h.ID, h.Account, h.Sub, h.Branch, h.Product, string(h.Currency), h.AmountMinor, h.CounterAccount, h.CounterSub,
			h.Memo.Zh, h.Memo.En, h.Object, h.ObjectID, string(h.State), h.PostedMinor, h.EntryID, db.Micros(h.ExpiresAt), db.Micros(h.CreatedAt), h.CreatedBy, db.Micros(h.ClosedAt), h.ClosedBy, h.seal(tx.Institution)})
	}
	return db.Rows{Bulk: putHolds, Rows: rows}
}

// addHolds adds what is reserved to balances derived from entries.
func (p projection) addHolds(ctx context.Context, tx *db.Tx, check func(h *Hold, seal string) error) error {
	rows, err := tx.Query(ctx, allHolds, tx.Institution)
	if err != nil {
		return err
	}
	return eachHold(rows, func(h *Hold, seal string) error {
		if err := check(h, seal); err != nil {
			return err
		}
		if h.State != HoldOpen {
			return nil
		}
		k := h.key()
		if p.balances[k] == nil {
			p.balances[k] = &balance{balanceKey: k}
		}
		p.balances[k].HeldMinor += h.AmountMinor
		return nil
	})
}

var strayHolds = db.Q(`select h.reference from ledger_hold h where not exists (select 1 from institution i where i.institution_id = h.institution_id) order by h.reference limit 100`)

// StrayHolds names holds that belong to no institution: no institution's own verification meets them. It wants a scope over all of them.
func StrayHolds(ctx context.Context, tx *db.Tx) (out []string, err error) {
	rows, err := tx.Query(ctx, strayHolds)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	for rows.Next() {
		var reference string
		if err := rows.Scan(&reference); err != nil {
			return nil, err
		}
		out = append(out, reference)
	}
	return out, rows.Err()
}

// FindHold reads a hold.
func FindHold(ctx context.Context, tx *db.Tx, reference string) (Hold, error) {
	text, err := json.Marshal([]string{reference})
	if err != nil {
		return Hold{}, err
	}
	rows, err := tx.Query(ctx, holdsByReference, tx.Institution, string(text))
	if err != nil {
		return Hold{}, err
	}
	found, err := scanHolds(tx.Institution, rows)
	if err == nil && len(found) == 0 {
		err = fault.NotFoundError("hold", reference)
	}
	if err != nil {
		return Hold{}, err
	}
	return found[0], nil
}

// Available is what a sub-account holds, reserves and may still spend in one currency, over all branches.
type Available struct {
	Account        string `json:"account"`
	Sub            string `json:"sub"`
	Currency       string `json:"currency"`
	BalanceMinor   int64  `json:"balance_minor" doc:"on the account's normal side"`
	HeldMinor      int64  `json:"held_minor"`
	AvailableMinor int64  `json:"available_minor" doc:"balance minus holds"`
	OverdraftMinor int64  `json:"overdraft_minor" doc:"how far below zero it may go; -1 is unlimited"`
}

// AvailableOf reads a sub-account, refusing a balance that does not bear its seal.
func AvailableOf(ctx context.Context, tx *db.Tx, a Account, sub, currency string) (Available, error) {
	out := Available{Account: a.Code, Sub: sub, Currency: currency, OverdraftMinor: a.OverdraftMinor}
	rows, err := tx.Query(ctx, subBalances, tx.Institution, a.Code, sub, currency)
	if err != nil {
		return out, err
	}
	var stored int64
	err = eachBalance(tx.Institution, rows, func(b *balance) error {
		net := b.DebitMinor - b.CreditMinor
		stored += net
		if !a.Kind.DebitNormal() {
			net = -net
		}
		out.BalanceMinor += net
		out.HeldMinor += b.HeldMinor
		return nil
	})
	if err != nil {
		return out, err
	}
	// What has run out is free, although it is only released with the next request of the institution.
	if rows, err = tx.Query(ctx, heldPastDue, tx.Institution, a.Code, sub, currency, db.Micros(tx.Now)); err != nil {
		return out, err
	}
	past, err := scanHolds(tx.Institution, rows)
	if err != nil {
		return out, err
	}
	for _, h := range past {
		out.HeldMinor -= h.AmountMinor
	}
	out.AvailableMinor = out.BalanceMinor - out.HeldMinor
	// Against its entries: a balance of one branch that is not found would not be missed otherwise.
	var n, debit, credit int64
	f := StatementFilter{Account: a.Code, Sub: sub, Currency: money.Currency(currency)}
	if sub != "" {
		if err := tx.QueryRow(ctx, legSums, f.args(tx, "", farAway)...).Scan(&n, &debit, &credit); err != nil {
			return out, err
		}
		if stored != debit-credit {
			return out, sealFault(a.Code + " " + sub)
		}
	}
	var version int64
	err = tx.QueryRow(ctx, selectLimit, tx.Institution, a.Code, sub, currency).Scan(&out.OverdraftMinor, &version)
	if db.IsNoRows(err) {
		err = nil
	}
	return out, err
}

// Limit is the overdraft that one sub-account has of its own; Version 0 says it has none.
func Limit(ctx context.Context, tx *db.Tx, account, sub, currency string) (minor, version int64, err error) {
	err = tx.QueryRow(ctx, selectLimit, tx.Institution, account, sub, currency).Scan(&minor, &version)
	if db.IsNoRows(err) {
		return 0, 0, nil
	}
	return minor, version, err
}

// SetLimit gives one sub-account an overdraft of its own, or takes it away (OverdraftUnlimited).
func SetLimit(ctx context.Context, tx *db.Tx, account, sub, currency string, minor int64) error {
	if err := LockHead(ctx, tx); err != nil {
		return err
	}
	var err error
	if minor == OverdraftUnlimited {
		_, err = tx.Exec(ctx, dropLimit, tx.Institution, account, sub, currency)
	} else {
		_, err = tx.Exec(ctx, putLimit, tx.Institution, account, sub, currency, minor, tx.Actor, db.Micros(tx.Now))
	}
	if err != nil {
		return err
	}
	return RulesChanged(ctx, tx)
}
