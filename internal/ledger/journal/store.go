package journal

import (
	"context"
	"database/sql"
	"encoding/json"
	"maps"
	"slices"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

const entryColumns = `e.seq, e.id, e.business_key, e.entry_date, e.memo_zh, e.memo_en, e.object, e.object_id, e.booked_at, e.actor, e.prev_hash, e.hash, e.branch, e.product`

var (
	insertHead = db.Q(`insert into journal_head (institution_id, seq, hash, projection, rules) values ($1, 0, '', 1, 1) on conflict do nothing`)
	// The date and the holds that wait for their end are read along; a hold that comes in between is seen next time.
	lockHead   = db.QQ(headRowText+` for update of h`, headRowText)
	selectHead = db.Q(headRowText)
	moveHead   = db.Q(`update journal_head set seq = $2, hash = $3 where institution_id = $1`)

	insertAccounts = db.NewBulk("account", []string{"institution_id", "code", "name_zh", "name_en", "kind", "created_at", "parent_code", "active", "open_api", "manual",
		"overdraft_minor", "monetary", "version"}, "on conflict do nothing")
	listAccounts = db.Q(`select code, name_zh, name_en, kind, parent_code, active, open_api, manual, overdraft_minor, monetary, version from account where institution_id = $1 order by code`)

	putAccount = db.Q(`insert into account (institution_id, code, name_zh, name_en, kind, created_at, parent_code, active, open_api, manual, overdraft_minor, monetary, version)
		values ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,1)
		on conflict (institution_id, code) do update set name_zh = excluded.name_zh, name_en = excluded.name_en, parent_code = excluded.parent_code, active = excluded.active,
		open_api = excluded.open_api, manual = excluded.manual, overdraft_minor = excluded.overdraft_minor, monetary = excluded.monetary, version = account.version + 1`)
	countUnsettled = db.Q(`select count(*) from ledger_balance where institution_id = $1 and account_code = $2 and (debit_minor <> credit_minor or held_minor <> 0)`)

	insertEntries = db.NewBulk("journal_entry", []string{"institution_id", "seq", "id", "business_key", "entry_date", "memo_zh", "memo_en",
		"object", "object_id", "booked_at", "actor", "prev_hash", "hash", "branch", "product"}, "")
	insertLines = db.NewBulk("journal_line", []string{"institution_id", "seq", "line_no", "account_code", "currency", "amount_minor", "sub"}, "")

	entriesByKey = db.QQ(`select `+entryColumns+` from jsonb_array_elements_text(cast($2 as jsonb)) k(k0)
		cross join lateral (select * from journal_entry x where x.institution_id = $1 and x.business_key = k.k0 offset 0) e`,
		`select `+entryColumns+` from json_each($2) k cross join journal_entry e indexed by journal_entry_key on e.institution_id = $1 and e.business_key = k.value`)
	entryByID    = db.Q(`select ` + entryColumns + ` from journal_entry e where institution_id = $1 and id = $2`)
	entriesAfter = db.Q(`select ` + entryColumns + ` from journal_entry e where institution_id = $1 and seq > $2 order by seq limit $3`)
	entryPage    = db.Q(`select ` + entryColumns + ` from journal_entry e where institution_id = $1
		and ($2 = '' or object = $2) and ($3 = '' or object_id = $3) and ($4 = '' or entry_date >= $4) and ($5 = '' or entry_date <= $5)
		and ($6 = '' or exists (select 1 from journal_line l where l.institution_id = e.institution_id and l.seq = e.seq and l.account_code = $6 and ($7 = '' or l.sub = $7)))
		and ($8 = '' or branch = $8) and ($9 = '' or product = $9)
		and (cast($10 as bigint) = 0 or seq < cast($10 as bigint)) order by seq desc limit $11`)
	entryCount = db.Q(`select count(*) from journal_entry e where institution_id = $1
		and ($2 = '' or object = $2) and ($3 = '' or object_id = $3) and ($4 = '' or entry_date >= $4) and ($5 = '' or entry_date <= $5)
		and ($6 = '' or exists (select 1 from journal_line l where l.institution_id = e.institution_id and l.seq = e.seq and l.account_code = $6 and ($7 = '' or l.sub = $7)))
		and ($8 = '' or branch = $8) and ($9 = '' or product = $9)`)
	linesBetween = db.Q(`select seq, line_no, account_code, currency, amount_minor, sub from journal_line
		where institution_id = $1 and seq >= $2 and seq <= $3 order by seq, line_no`)
	linesOf = db.QQ(`select l.seq, l.line_no, l.account_code, l.currency, l.amount_minor, l.sub from jsonb_array_elements_text(cast($2 as jsonb)) k(k0)
		cross join lateral (select * from journal_line x where x.institution_id = $1 and x.seq = cast(k.k0 as bigint) offset 0) l order by l.seq, l.line_no`,
		`select l.seq, l.line_no, l.account_code, l.currency, l.amount_minor, l.sub from json_each($2) k
		cross join journal_line l on l.institution_id = $1 and l.seq = k.value order by l.seq, l.line_no`)
)

const headRowText = `select h.seq, h.hash, h.projection, h.rules, i.business_date,
	coalesce((select min(x.expires_at) from ledger_hold x where x.institution_id = h.institution_id and x.state = 'held' and x.expires_at > 0), 0)
	from journal_head h join institution i on i.institution_id = h.institution_id where h.institution_id = $1`

type scanner interface{ Scan(dest ...any) error }

func scanEntry(row scanner) (Entry, error) {
	var e Entry
	var booked int64
	err := row.Scan(&e.Seq, &e.ID, &e.Key, &e.Date, &e.Memo.Zh, &e.Memo.En, &e.Object, &e.ObjectID, &booked, &e.Actor, &e.PrevHash, &e.Hash, &e.Branch, &e.Product)
	e.BookedAt = db.Time(booked)
	return e, err
}

func collectEntries(rows *sql.Rows) ([]Entry, error) {
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	var out []Entry
	for rows.Next() {
		e, err := scanEntry(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, rows.Err()
}

// attachLines reads the legs of entries in one statement.
func attachLines(ctx context.Context, tx *db.Tx, entries []Entry) error {
	if len(entries) == 0 {
		return nil
	}
	at := make(map[int64]*Entry, len(entries))
	low, high := entries[0].Seq, entries[0].Seq
	for i := range entries {
		at[entries[i].Seq] = &entries[i]
		low, high = min(low, entries[i].Seq), max(high, entries[i].Seq)
	}
	// A filtered page may span the whole journal; then its entries are named.
	query, which := linesBetween, []any{tx.Institution, low, high}
	if high-low > 20*int64(len(entries)) {
		named, err := json.Marshal(slices.Sorted(maps.Keys(at)))
		if err != nil {
			return err
		}
		query, which = linesOf, []any{tx.Institution, string(named)}
	}
	rows, err := tx.Query(ctx, query, which...)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	for rows.Next() {
		var seq, no int64
		var l Line
		if err := rows.Scan(&seq, &no, &l.Account, &l.Currency, &l.AmountMinor, &l.Sub); err != nil {
			return err
		}
		if e := at[seq]; e != nil {
			if no != int64(len(e.Lines)+1) {
				return broken("a line of entry %d is missing", seq)
			}
			e.Lines = append(e.Lines, l)
		}
	}
	return rows.Err()
}

// checkEntries refuses entries that are no longer what was posted, before anybody sees or uses them.
func checkEntries(institution string, entries []Entry) error {
	for _, e := range entries {
		if !e.intact(institution) {
			return broken("entry %d was changed after posting", e.Seq)
		}
	}
	return nil
}

// FindByKeys reads the entries that were posted under business keys, in one statement.
func FindByKeys(ctx context.Context, tx *db.Tx, keys []string) (map[string]Entry, error) {
	text, err := json.Marshal(keys)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, entriesByKey, tx.Institution, string(text))
	if err != nil {
		return nil, err
	}
	found, err := collectEntries(rows)
	if err != nil {
		return nil, err
	}
	if len(found) == 0 {
		return map[string]Entry{}, nil
	}
	if err := attachLines(ctx, tx, found); err != nil {
		return nil, err
	}
	if err := checkEntries(tx.Institution, found); err != nil {
		return nil, err
	}
	byKey := make(map[string]Entry, len(found))
	for _, e := range found {
		byKey[e.Key] = e
	}
	return byKey, nil
}

// Accounts lists the institution's chart.
func Accounts(ctx context.Context, tx *db.Tx) ([]Account, error) {
	rows, err := tx.Query(ctx, listAccounts, tx.Institution)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	var out []Account
	for rows.Next() {
		var a Account
		if err := rows.Scan(&a.Code, &a.NameZh, &a.NameEn, &a.Kind, &a.Parent, &a.Active, &a.OpenAPI, &a.Manual, &a.OverdraftMinor, &a.Monetary, &a.Version); err != nil {
			return nil, err
		}
		out = append(out, a)
	}
	levels(out)
	return out, rows.Err()
}

// FindAccount reads one account of the chart.
func FindAccount(ctx context.Context, tx *db.Tx, code string) (Account, error) {
	chart, err := Accounts(ctx, tx)
	if err != nil {
		return Account{}, err
	}
	for _, a := range chart {
		if a.Code == code {
			return a, nil
		}
	}
	return Account{}, fault.New(ReasonUnknownAccount, "account", code)
}

// PutAccount adds an account to the chart or changes one; its kind never changes.
func PutAccount(ctx context.Context, tx *db.Tx, a Account) error {
	if err := LockHead(ctx, tx); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, putAccount, tx.Institution, a.Code, a.NameZh, a.NameEn, string(a.Kind), db.Micros(tx.Now), a.Parent, a.Active, a.OpenAPI, a.Manual, a.OverdraftMinor, a.Monetary)
	if err != nil {
		return err
	}
	return RulesChanged(ctx, tx)
}

// Settled reports whether nothing stands or is held on an account, in any sub-account, branch or currency.
func Settled(ctx context.Context, tx *db.Tx, code string) (bool, error) {
	var n int64
	err := tx.QueryRow(ctx, countUnsettled, tx.Institution, code).Scan(&n)
	return n == 0, err
}

// FindEntry reads one posted entry by id and refuses it when it is no longer what was posted.
func FindEntry(ctx context.Context, tx *db.Tx, id string) (Entry, error) {
	e, err := scanEntry(tx.QueryRow(ctx, entryByID, tx.Institution, id))
	if db.IsNoRows(err) {
		return e, fault.NotFoundError("journal entry", id)
	}
	if err != nil {
		return e, err
	}
	one := []Entry{e}
	if err := attachLines(ctx, tx, one); err != nil {
		return e, err
	}
	return one[0], checkEntries(tx.Institution, one)
}

// FindByKey reads the entry of a business key, if there is one.
func FindByKey(ctx context.Context, tx *db.Tx, key string) (Entry, bool, error) {
	found, err := FindByKeys(ctx, tx, []string{key})
	if err != nil {
		return Entry{}, false, err
	}
	e, ok := found[key]
	return e, ok, nil
}

// levels counts how deep each account stands under its parents.
func levels(chart []Account) {
	parent := make(map[string]string, len(chart))
	for _, a := range chart {
		parent[a.Code] = a.Parent
	}
	for i := range chart {
		chart[i].Level = 1
		for p := chart[i].Parent; p != "" && chart[i].Level < levelMax; p = parent[p] {
			chart[i].Level++
		}
	}
}

// levelMax bounds how deep a chart may go.
const levelMax = 6
