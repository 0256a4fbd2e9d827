package journal

import (
	"context"
	"fmt"
	"strconv"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// The legs of an account in order of date, then of posting. An empty sub-account or branch means all of them. On
// PostgreSQL each leg's entry is looked up by itself (see keysOf3): joined, a table that has not been analysed
// yet is read whole for every leg.
const (
	legFrom   = ` from journal_line l cross join lateral (select * from journal_entry x where x.institution_id = $1 and x.seq = l.seq offset 0) e`
	legJoin   = ` from journal_line l join journal_entry e on e.institution_id = l.institution_id and e.seq = l.seq`
	legFilter = ` where l.institution_id = $1 and l.account_code = $2 and l.currency = $3 and ($4 = '' or l.sub = $4) and ($5 = '' or e.branch = $5)`
)

func legQuery(columns, more string) *db.Query {
	return db.QQ(columns+legFrom+legFilter+more, columns+legJoin+legFilter+more)
}

var (
	legPage = legQuery(`select e.entry_date, l.seq, l.line_no`, ` and e.entry_date >= $6 and e.entry_date <= $7
		and (e.entry_date > $8 or (e.entry_date = $8 and (l.seq > cast($9 as bigint) or (l.seq = cast($9 as bigint) and l.line_no > cast($10 as bigint)))))
		order by e.entry_date, l.seq, l.line_no limit $11`)
	legSums = legQuery(`select count(*), coalesce(cast(sum(case when l.amount_minor > 0 then l.amount_minor else 0 end) as bigint), 0),
		coalesce(cast(sum(case when l.amount_minor < 0 then -l.amount_minor else 0 end) as bigint), 0)`, ` and e.entry_date >= $6 and e.entry_date <= $7`)
	legUntil = legQuery(`select coalesce(cast(sum(l.amount_minor) as bigint), 0)`, ` and e.entry_date >= $6
		and (e.entry_date < $7 or (e.entry_date = $7 and (l.seq < cast($8 as bigint) or (l.seq = cast($8 as bigint) and l.line_no <= cast($9 as bigint)))))`)
	entriesBySeq = db.QQ(`select `+entryColumns+` from jsonb_array_elements_text(cast($2 as jsonb)) k(k0)
		cross join lateral (select * from journal_entry x where x.institution_id = $1 and x.seq = cast(k.k0 as bigint) offset 0) e`,
		`select `+entryColumns+` from json_each($2) k cross join journal_entry e on e.institution_id = $1 and e.seq = k.value`)
	subPage = db.Q(`select ` + balanceRow + chained + ` from ledger_balance b` + lastEntry + `
		where b.institution_id = $1 and b.account_code = $2 and (b.sub > $3 or (b.sub = $3 and (b.branch > $4 or (b.branch = $4 and b.currency > $5))))
		order by b.sub, b.branch, b.currency limit $6`)
)

// StatementFilter says whose movements are listed: an account, or one of its sub-accounts, in a currency.
type StatementFilter struct {
	Account  string
	Sub      string
	Branch   string
	Currency money.Currency
	From     calendar.Date
	Until    calendar.Date
	Limit    int
	Cursor   string
}

func (f StatementFilter) args(tx *db.Tx, more ...any) []any {
	return append([]any{tx.Institution, f.Account, string(f.Currency), f.Sub, f.Branch}, more...)
}

// StatementLine is one movement with the balance after it.
type StatementLine struct {
	Date         calendar.Date `json:"date"`
	Seq          int64         `json:"seq"`
	Line         int           `json:"line"`
	EntryID      string        `json:"entry_id"`
	Memo         fault.Text    `json:"memo"`
	Object       string        `json:"object"`
	ObjectID     string        `json:"object_id"`
	Branch       string        `json:"branch"`
	Product      string        `json:"product"`
	Sub          string        `json:"sub"`
	DebitMinor   int64         `json:"debit_minor"`
	CreditMinor  int64         `json:"credit_minor"`
	BalanceMinor int64         `json:"balance_minor" doc:"after this movement, on the account's normal side"`
}

// Statement is the general ledger of one account or sub-account.
type Statement struct {
	Account      Account         `json:"account"`
	Sub          string          `json:"sub"`
	Branch       string          `json:"branch"`
	Currency     money.Currency  `json:"currency"`
	From         calendar.Date   `json:"from"`
	Until        calendar.Date   `json:"until"`
	OpeningMinor int64           `json:"opening_minor"`
	DebitMinor   int64           `json:"debit_minor"`
	CreditMinor  int64           `json:"credit_minor"`
	ClosingMinor int64           `json:"closing_minor"`
	Total        int64           `json:"total"`
	Items        []StatementLine `json:"items"`
	NextCursor   string          `json:"next_cursor,omitempty"`
}

const farAway = "9999-12-31"

// AccountStatement lists the movements of an account with a running balance. Every entry shown is checked
// against its hash, and the closing balance against the stored one: a statement that does not add up is
// refused, not shown.
func AccountStatement(ctx context.Context, tx *db.Tx, f StatementFilter) (s Statement, err error) {
	s = Statement{Sub: f.Sub, Branch: f.Branch, Currency: f.Currency, From: f.From, Until: f.Until, Items: []StatementLine{}}
	if s.Account, err = FindAccount(ctx, tx, f.Account); err != nil {
		return s, err
	}
	sign := s.sign()
	from, until := f.span()
	opening, err := f.opening(ctx, tx)
	if err != nil {
		return s, err
	}
	if err := tx.QueryRow(ctx, legSums, f.args(tx, from, until)...).Scan(&s.Total, &s.DebitMinor, &s.CreditMinor); err != nil {
		return s, err
	}
	closing := opening + s.DebitMinor - s.CreditMinor
	if err := f.proveClosing(ctx, tx, closing); err != nil {
		return s, err
	}
	s.OpeningMinor, s.ClosingMinor = sign*opening, sign*closing
	return s, s.page(ctx, tx, f)
}

// WholeStatement is AccountStatement with all movements, proved once and of one snapshot; more than most are
// refused.
func WholeStatement(ctx context.Context, tx *db.Tx, f StatementFilter, most int64) (s Statement, err error) {
	f.Limit, f.Cursor = legsMax, ""
	s, err = AccountStatement(ctx, tx, f)
	if err == nil && s.Total > most {
		err = fault.New(fault.ReasonTooLarge, "what", "statement", "what_zh", "明细", "limit", most)
	}
	for err == nil && s.NextCursor != "" {
		f.Cursor, s.NextCursor = s.NextCursor, ""
		err = s.page(ctx, tx, f)
	}
	return s, err
}

// sign turns debits minus credits to the account's normal side.
func (s *Statement) sign() int64 {
	if s.Account.Kind.DebitNormal() {
		return 1
	}
	return -1
}

// span is the first and the last day as the statements compare them.
func (f StatementFilter) span() (from, until string) {
	if f.Until.IsZero() {
		return f.From.String(), farAway
	}
	return f.From.String(), f.Until.String()
}

// opening is what stood before the first day, debits positive.
func (f StatementFilter) opening(ctx context.Context, tx *db.Tx) (int64, error) {
	if f.From.IsZero() {
		return 0, nil
	}
	if f.Sub == "" {
		return f.position(ctx, tx, f.From.AddDays(-1))
	}
	var n, debit, credit int64
	err := tx.QueryRow(ctx, legSums, f.args(tx, "", f.From.AddDays(-1).String())...).Scan(&n, &debit, &credit)
	return debit - credit, err
}

func (f StatementFilter) position(ctx context.Context, tx *db.Tx, asOf calendar.Date) (net int64, err error) {
	positions, err := PositionsUntil(ctx, tx, asOf)
	for _, p := range positions {
		if p.Account == f.Account && p.Currency == f.Currency && (f.Branch == "" || f.Branch == p.Branch) {
			net += p.NetMinor()
		}
	}
	return net, err
}

// proveClosing compares what the legs add up to with what is stored and sealed.
func (f StatementFilter) proveClosing(ctx context.Context, tx *db.Tx, closing int64) error {
	if f.Sub == "" {
		stored, err := f.position(ctx, tx, f.Until)
		if err == nil && stored != closing {
			err = broken("the entries of account %s %s do not add up to its balance", f.Account, f.Currency)
		}
		return err
	}
	var n, debit, credit, stored int64
	if err := tx.QueryRow(ctx, legSums, f.args(tx, "", farAway)...).Scan(&n, &debit, &credit); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, subBalances, tx.Institution, f.Account, f.Sub, string(f.Currency))
	if err != nil {
		return err
	}
	err = eachBalance(tx.Institution, rows, func(b *balance) error {
		if f.Branch == "" || f.Branch == b.Branch {
			stored += b.DebitMinor - b.CreditMinor
		}
		return nil
	})
	if err == nil && stored != debit-credit {
		err = broken("the entries of account %s %s %s do not add up to its balance", f.Account, f.Sub, f.Currency)
	}
	if err != nil || n > provenMax {
		return err
	}
	return f.proveDates(ctx, tx)
}

// provenMax is up to how many legs of a sub-account are checked each, and not only those on the page: no
// sealed row says on which day a sub-account moved. Beyond it only their sum and the page's own are.
const provenMax = 20_000

// proveDates reads every entry that touches the sub-account and checks it against its hash: one whose date
// was changed would stand on the wrong side of the opening balance.
func (f StatementFilter) proveDates(ctx context.Context, tx *db.Tx) error {
	f.Limit = legsMax
	at := legAt{}
	for {
		legs, err := f.legs(ctx, tx, "", "~", at)
		if err != nil || len(legs) == 0 {
			return err
		}
		if _, err := entriesOf(ctx, tx, legs); err != nil {
			return err
		}
		at = legs[len(legs)-1]
	}
}

type legAt struct {
	date calendar.Date
	seq  int64
	line int
}

// legsMax bounds how many movements are read at once.
const legsMax = 1000

// page adds the movements after the cursor and works the running balance out.
func (s *Statement) page(ctx context.Context, tx *db.Tx, f StatementFilter) error {
	at, err := parseLegCursor(f.Cursor)
	if err != nil {
		return err
	}
	if f.Limit <= 0 || f.Limit > legsMax {
		f.Limit = 50
	}
	sign := s.sign()
	from, until := f.span()
	running := sign * s.OpeningMinor
	if n := len(s.Items); n > 0 {
		running = sign * s.Items[n-1].BalanceMinor
	} else if f.Cursor != "" {
		var before int64
		if err := tx.QueryRow(ctx, legUntil, f.args(tx, from, at.date.String(), at.seq, at.line)...).Scan(&before); err != nil {
			return err
		}
		running += before
	}
	legs, err := f.legs(ctx, tx, from, until, at)
	if err != nil {
		return err
	}
	more := len(legs) > f.Limit
	if more {
		legs = legs[:f.Limit]
	}
	entries, err := entriesOf(ctx, tx, legs)
	if err != nil {
		return err
	}
	for _, leg := range legs {
		e, found := entries[leg.seq]
		if !found || leg.line < 1 || leg.line > len(e.Lines) || e.Date != leg.date || e.Lines[leg.line-1].Account != f.Account {
			return broken("a line of entry %d does not belong to it", leg.seq)
		}
		l := e.Lines[leg.line-1]
		running += l.AmountMinor
		s.Items = append(s.Items, StatementLine{
			Date: e.Date, Seq: e.Seq, Line: leg.line, EntryID: e.ID, Memo: e.Memo, Object: e.Object, ObjectID: e.ObjectID, Branch: e.Branch, Product: e.Product, Sub: l.Sub,
			DebitMinor: max(l.AmountMinor, 0), CreditMinor: max(-l.AmountMinor, 0), BalanceMinor: sign * running,
		})
	}
	if more {
		last := legs[len(legs)-1]
		s.NextCursor = api.EncodeCursor(last.date.String(), strconv.FormatInt(last.seq, 10), strconv.Itoa(last.line))
	} else if sign*running != s.ClosingMinor {
		return broken("the movements of account %s do not lead to its balance", f.Account)
	}
	return nil
}

func parseLegCursor(cursor string) (at legAt, err error) {
	parts, err := api.DecodeCursor(cursor, 3)
	if err != nil || cursor == "" {
		return at, err
	}
	at.date, err = calendar.Parse(parts[0])
	if err == nil {
		at.seq, err = strconv.ParseInt(parts[1], 10, 64)
	}
	if err == nil {
		at.line, err = strconv.Atoi(parts[2])
	}
	if err != nil {
		err = fault.Field("cursor", "不是本列表给出的游标", "is not a cursor given by this list").Wrap(err)
	}
	return at, err
}

func (f StatementFilter) legs(ctx context.Context, tx *db.Tx, from, until string, at legAt) ([]legAt, error) {
	rows, err := tx.Query(ctx, legPage, f.args(tx, from, until, at.date.String(), at.seq, at.line, f.Limit+1)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	var legs []legAt
	for rows.Next() {
		var l legAt
		if err := rows.Scan(&l.date, &l.seq, &l.line); err != nil {
			return nil, err
		}
		legs = append(legs, l)
	}
	return legs, rows.Err()
}

// entriesOf reads the whole entries behind legs and checks them.
func entriesOf(ctx context.Context, tx *db.Tx, legs []legAt) (map[int64]Entry, error) {
	out := map[int64]Entry{}
	if len(legs) == 0 {
		return out, nil
	}
	text := "["
	seen := map[int64]bool{}
	for _, l := range legs {
		if seen[l.seq] {
			continue
		}
		seen[l.seq] = true
		if len(seen) > 1 {
			text += ","
		}
		text += strconv.FormatInt(l.seq, 10)
	}
	rows, err := tx.Query(ctx, entriesBySeq, tx.Institution, text+"]")
	if err != nil {
		return nil, err
	}
	entries, err := collectEntries(rows)
	if err != nil {
		return nil, err
	}
	if err := attachLines(ctx, tx, entries); err != nil {
		return nil, err
	}
	for _, e := range entries {
		out[e.Seq] = e
	}
	return out, checkEntries(tx.Institution, entries)
}

var subSums = db.Q(`select currency, count(*), cast(sum(debit_minor) as bigint), cast(sum(credit_minor) as bigint) from ledger_balance
	where institution_id = $1 and account_code = $2 group by currency`)

// SubBalances lists the sub-accounts of an account with what they hold, at most limit, after a cursor, and
// counts all of them. Their sum is compared with the account's own first, so that none can be missing.
func SubBalances(ctx context.Context, tx *db.Tx, account string, after [3]string, limit int) (out []Balance, total int64, err error) {
	if total, err = proveSubs(ctx, tx, account); err != nil {
		return nil, 0, err
	}
	rows, err := tx.Query(ctx, subPage, tx.Institution, account, after[0], after[1], after[2], limit)
	if err != nil {
		return nil, 0, err
	}
	err = eachBalance(tx.Institution, rows, func(b *balance) error {
		out = append(out, b.public())
		return nil
	})
	return out, total, err
}

func proveSubs(ctx context.Context, tx *db.Tx, account string) (total int64, err error) {
	positions, err := PositionsUntil(ctx, tx, calendar.Date{})
	if err != nil {
		return 0, err
	}
	sums := map[money.Currency][2]int64{}
	for _, p := range positions {
		if p.Account == account {
			s := sums[p.Currency]
			sums[p.Currency] = [2]int64{s[0] + p.DebitMinor, s[1] + p.CreditMinor}
		}
	}
	rows, err := tx.Query(ctx, subSums, tx.Institution, account)
	if err != nil {
		return 0, err
	}
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	for rows.Next() {
		var c money.Currency
		var n, debit, credit int64
		if err := rows.Scan(&c, &n, &debit, &credit); err != nil {
			return 0, err
		}
		total += n
		s := sums[c]
		sums[c] = [2]int64{s[0] - debit, s[1] - credit}
	}
	for c, s := range sums {
		if s != [2]int64{} {
			return 0, sealFault("the sub-accounts of " + account + " " + string(c))
		}
	}
	return total, rows.Err()
}

var sumsOfObject = db.Q(`select l.account_code, e.branch, e.product, l.currency, cast(sum(case when l.amount_minor > 0 then l.amount_minor else 0 end) as bigint),
	cast(sum(case when l.amount_minor < 0 then -l.amount_minor else 0 end) as bigint) from journal_entry e join journal_line l on l.institution_id = e.institution_id and l.seq = e.seq
	where e.institution_id = $1 and e.object = $2 and e.entry_date >= $3 and e.entry_date <= $4 group by l.account_code, e.branch, e.product, l.currency`)

// PositionsOfObject sums the entries of one kind of business object in a span of dates.
func PositionsOfObject(ctx context.Context, tx *db.Tx, object string, from, until calendar.Date) ([]Position, error) {
	rows, err := tx.Query(ctx, sumsOfObject, tx.Institution, object, from.String(), until.String())
	if err != nil {
		return nil, fmt.Errorf("positions of %s: %w", object, err)
	}
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	var out []Position
	for rows.Next() {
		var p Position
		if err := rows.Scan(&p.Account, &p.Branch, &p.Product, &p.Currency, &p.DebitMinor, &p.CreditMinor); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, rows.Err()
}
