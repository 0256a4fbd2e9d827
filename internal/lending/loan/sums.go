package loan

import (
	"context"
	"encoding/json"
	"sort"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/ledger/recipe"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// A night's interest is booked in sums, not loan by loan: per business date, branch, product and currency. Every chunk of
// loans leaves its part in loan_sum in the transaction that moves its loans; PostSums makes one journal entry of the parts.

type sumKey struct {
	date     calendar.Date
	branch   string
	product  string
	currency money.Currency
}

// place is a key without its date.
type place struct {
	branch, product string
	currency        money.Currency
}

// part is what a chunk adds to one sum.
type part struct {
	first   string // the first loan in it, which no other part of the same sum can begin with
	loans   int64
	amounts []leg
}

// sums gathers the parts of a chunk by place and by date, counted back from the date the chunk is worked up to.
type sums struct {
	to   calendar.Date
	by   map[place][]part
	days int64
}

// dated is what one loan earned on one date.
type dated struct {
	date  calendar.Date
	delta Totals
}

// merge takes over what one loan has earned, now that none of its days has failed.
func (s *sums) merge(l *Loan, own []dated) {
	if len(own) == 0 {
		return
	}
	at := place{l.BranchID, l.ProductID, l.Currency}
	parts := s.by[at]
	if far := s.to.Sub(own[0].date) + 1; far > len(parts) {
		parts = append(parts, make([]part, far-len(parts))...)
		if s.by == nil {
			s.by = map[place][]part{}
		}
		s.by[at] = parts
	}
	for _, d := range own {
		p := &parts[s.to.Sub(d.date)]
		if p.loans == 0 {
			p.first = l.ID
		}
		p.loans++
		for _, l := range d.delta.legs() {
			if l.minor != 0 {
				p.add(l)
			}
		}
	}
}

func (p *part) add(l leg) {
	for i := range p.amounts {
		if p.amounts[i].role == l.role {
			p.amounts[i].minor += l.minor
			return
		}
	}
	p.amounts = append(p.amounts, l)
}

var insertSums = db.NewBulk("loan_sum", []string{"institution_id", "business_date", "branch_id", "product_id", "currency", "origin", "last_id", "loans", "lines_json", "entry_id", "created_at", "kind", "members", "skipped"}, "")

// save writes the parts of a chunk that ends with a loan. Which loans are in them is told by the range, less the skipped, or,
// where the chunk is not every open loan of its range, by their list.
func (s *sums) save(ctx context.Context, tx *db.Tx, last, kind string, listed, skipped []string) error {
	rows := make([][]any, 0, len(s.by))
	in, out := idList(listed), idList(skipped)
	for at, parts := range s.by {
		for back := range parts {
			p := &parts[back]
			if p.loans == 0 {
				continue
			}
			amounts := make(map[recipe.Role]int64, len(p.amounts))
			for _, a := range p.amounts {
				amounts[a.role] = a.minor
			}
			text, err := json.Marshal(amounts)
			if err != nil {
				return err
			}
			rows = append(rows, []any{tx.Institution, s.to.AddDays(-back).String(), at.branch, at.product, string(at.currency), p.first, last, p.loans, string(text), "", db.Micros(tx.Now), kind, in, out})
		}
	}
	if len(rows) == 0 {
		return nil
	}
	_, err := tx.BulkInsert(ctx, insertSums, rows)
	return err
}

func idList(ids []string) string {
	if len(ids) == 0 {
		return ""
	}
	text, _ := json.Marshal(ids) // strings always can
	return string(text)
}

var (
	selectOpenGroups = db.Q(`select distinct business_date, branch_id, product_id, currency from loan_sum
		where institution_id = $1 and entry_id = '' order by business_date, branch_id, product_id, currency limit $2`)
	// What is marked is what is summed: a part that another transaction adds meanwhile waits for the next posting.
	takeSums = db.Q(`update loan_sum set entry_id = $6 where institution_id = $1 and business_date = $2 and branch_id = $3 and product_id = $4 and currency = $5 and entry_id = '' returning lines_json`)
)

// SumObject names the object of the journal entries that PostSums makes; their object id is the sum's.
const SumObject = "loan_sum"

// PostSums books what is not in the general ledger yet: one entry per business date, branch, product and currency, at most
// limit of them. It reports how many it made; zero when nothing is left. Parts that come later, of a loan caught up late, make
// another entry of the same date.
func PostSums(ctx context.Context, tx *db.Tx, limit int) (entries int, err error) {
	groups, err := openGroups(ctx, tx, limit)
	if err != nil {
		return 0, err
	}
	open, err := journal.OpenFrom(ctx, tx) // what comes late for a closed month is booked on the first day that is open
	if err != nil {
		return 0, err
	}
	drafts := make([]journal.Draft, 0, len(groups))
	for _, k := range groups {
		id := tx.NewID("sum")
		amounts, err := takeParts(ctx, tx, k, id)
		if err != nil {
			return 0, err
		}
		m, err := recipe.For(ctx, tx, k.product, k.date)
		if err != nil {
			return 0, err
		}
		lines := bookLines(m, amounts, k.currency)
		if len(lines) == 0 { // amounts that cancel out make no entry
			continue
		}
		drafts = append(drafts, journal.Draft{
			Key: SumObject + ":" + id, Date: later(k.date, open), Memo: fault.Text{Zh: "计提利息（汇总）", En: "interest accrued, summed"},
			Object: SumObject, ObjectID: id, Branch: k.branch, Product: k.product, Lines: lines,
		})
	}
	if err := pointTaken.Hit(ctx); err != nil { // the parts are marked as booked, the entries are not
		return 0, err
	}
	_, err = journal.PostAll(ctx, tx, drafts)
	return len(groups), err
}

func openGroups(ctx context.Context, tx *db.Tx, limit int) (out []sumKey, err error) {
	rows, err := tx.Query(ctx, selectOpenGroups, tx.Institution, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	for rows.Next() {
		var k sumKey
		if err := rows.Scan(&k.date, &k.branch, &k.product, &k.currency); err != nil {
			return nil, err
		}
		out = append(out, k)
	}
	return out, rows.Err()
}

// takeParts marks the open parts of a sum and adds them up.
func takeParts(ctx context.Context, tx *db.Tx, k sumKey, id string) (map[recipe.Role]int64, error) {
	rows, err := tx.Query(ctx, takeSums, tx.Institution, k.date.String(), k.branch, k.product, string(k.currency), id)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	amounts := map[recipe.Role]int64{}
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		if err := addAmounts(amounts, text); err != nil {
			return nil, err
		}
	}
	return amounts, rows.Err()
}

func addAmounts(into map[recipe.Role]int64, text string) error {
	var amounts map[recipe.Role]int64
	if err := json.Unmarshal([]byte(text), &amounts); err != nil {
		return err
	}
	for role, minor := range amounts {
		into[role] += minor
	}
	return nil
}

// bookLines puts amounts of roles on the accounts of a mapping.
func bookLines(m recipe.Map, amounts map[recipe.Role]int64, c money.Currency) []journal.Line {
	byAccount := map[string]int64{}
	for role, minor := range amounts {
		byAccount[m.Code(role)] += minor
	}
	out := make([]journal.Line, 0, len(byAccount))
	for account, minor := range byAccount {
		if minor != 0 {
			out = append(out, journal.Line{Account: account, Currency: c, AmountMinor: minor})
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Account < out[j].Account })
	return out
}
