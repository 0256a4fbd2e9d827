package loan

import (
	"context"
	"encoding/json"
	"slices"
	"sort"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// An entry of summed interest is opened down to its loans by computing, not by storing: a loan's share is what the passing of
// that date made of its state, with the events that were known when the part was written.

// Share is one loan's part of a summed entry.
type Share struct {
	LoanID    string         `json:"loan_id"`
	Reference string         `json:"reference"`
	FirmID    string         `json:"firm_id"`
	Lines     []journal.Line `json:"lines"`
}

// Kinds of parts.
const (
	partNight = "night"
	partTaken = "taken"
)

// membership is a stored part as Shares reads it.
type membership struct {
	origin, last, kind, entry string
	skipped                   []string
	writtenAt                 int64
}

var (
	selectSumGroup = db.Q(`select business_date, branch_id, product_id, currency from loan_sum where institution_id = $1 and entry_id = $2 order by business_date, branch_id, product_id, currency limit 1`)
	countShares    = db.Q(`select coalesce(sum(loans), 0) from loan_sum where institution_id = $1 and entry_id = $2`)
	selectMembers  = db.Q(`select origin, last_id, kind, entry_id, members, skipped, created_at from loan_sum
		where institution_id = $1 and business_date = $2 and branch_id = $3 and product_id = $4 and currency = $5 order by origin`)
	selectCandidates = db.Q(`select ` + columns + both + `and l.branch_id = $2 and l.product_id = $3 and l.currency = $4 and l.branch_path like $5 and l.id > $6 and l.id >= $7 and l.id <= $8 order by l.id limit $9`)
)

// Shares lists up to limit loans after an id with what each contributed to a sum (the object id of its journal entry), as far as
// they lie under a branch pattern.
func Shares(ctx context.Context, tx *db.Tx, sumID, branchPattern, after string, limit int) (out []Share, err error) {
	var k sumKey
	err = tx.QueryRow(ctx, selectSumGroup, tx.Institution, sumID).Scan(&k.date, &k.branch, &k.product, &k.currency)
	if db.IsNoRows(err) {
		return nil, fault.NotFoundError("sum", sumID)
	}
	if err != nil {
		return nil, err
	}
	g, err := readMembers(ctx, tx, k)
	if err != nil {
		return nil, err
	}
	first, last := g.bounds(sumID)
	for len(out) < limit {
		rows, err := tx.Query(ctx, selectCandidates, tx.Institution, k.branch, k.product, string(k.currency), branchPattern, after, first, last, 200)
		if err != nil {
			return nil, err
		}
		loans, err := collect(rows)
		if err != nil || len(loans) == 0 {
			return out, err
		}
		after = loans[len(loans)-1].ID
		for _, l := range loans {
			m, explicit := g.of(l.ID)
			if m == nil || m.entry != sumID || len(out) == limit {
				continue
			}
			lines, err := share(ctx, tx, l, k.date, m, explicit)
			if err != nil {
				return nil, err
			}
			if len(lines) > 0 {
				out = append(out, Share{LoanID: l.ID, Reference: l.Reference, FirmID: l.FirmID, Lines: lines})
			}
		}
	}
	return out, nil
}

// CountShares tells how many loans are in a sum, whatever the branch.
func CountShares(ctx context.Context, tx *db.Tx, sumID string) (n int64, err error) {
	err = tx.QueryRow(ctx, countShares, tx.Institution, sumID).Scan(&n)
	return n, err
}

// members are the parts of one sum key, those of other entries included: a loan is in exactly one.
type members struct {
	explicit map[string]*membership
	ranges   []*membership // by origin, without overlap
	all      []*membership
	list     map[*membership][]string
}

func readMembers(ctx context.Context, tx *db.Tx, k sumKey) (*members, error) {
	rows, err := tx.Query(ctx, selectMembers, tx.Institution, k.date.String(), k.branch, k.product, string(k.currency))
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	g := &members{explicit: map[string]*membership{}, list: map[*membership][]string{}}
	for rows.Next() {
		m := &membership{}
		var ids, skipped string
		if err := rows.Scan(&m.origin, &m.last, &m.kind, &m.entry, &ids, &skipped, &m.writtenAt); err != nil {
			return nil, err
		}
		if skipped != "" {
			if err := json.Unmarshal([]byte(skipped), &m.skipped); err != nil {
				return nil, err
			}
		}
		g.all = append(g.all, m)
		if ids == "" {
			g.ranges = append(g.ranges, m)
			continue
		}
		var list []string
		if err := json.Unmarshal([]byte(ids), &list); err != nil {
			return nil, err
		}
		g.list[m] = list
		for _, id := range list {
			g.explicit[id] = m
		}
	}
	return g, rows.Err()
}

// bounds are the least and greatest loan that may be in a sum.
func (g *members) bounds(sumID string) (first, last string) {
	for _, m := range g.all {
		if m.entry != sumID {
			continue
		}
		if first == "" || m.origin < first {
			first = m.origin
		}
		last = max(last, m.last)
	}
	return first, last
}

// of finds the part a loan is in.
func (g *members) of(id string) (m *membership, explicit bool) {
	if m := g.explicit[id]; m != nil {
		return m, true
	}
	at := sort.Search(len(g.ranges), func(i int) bool { return g.ranges[i].origin > id }) - 1
	if at < 0 || g.ranges[at].last < id || slices.Contains(g.ranges[at].skipped, id) {
		return nil, false
	}
	return g.ranges[at], false
}

// share replays a loan as it was known when its part was written.
func share(ctx context.Context, tx *db.Tx, l Loan, on calendar.Date, m *membership, explicit bool) ([]journal.Line, error) {
	recorded, err := Events(ctx, tx, l.ID)
	if err != nil {
		return nil, err
	}
	var known []Event
	for _, e := range recorded {
		if learntLater(e, m, explicit, on) {
			continue
		}
		if m.kind == partNight && !e.Date.Before(on) {
			return nil, nil // this date came with the event's own entry
		}
		known = append(known, e.Event)
	}
	if m.kind == partTaken {
		s, err := Replay(l.Terms, known, on)
		if err != nil {
			return nil, err
		}
		return linesOf(ctx, tx, &l, s.Totals, on)
	}
	s, err := Replay(l.Terms, known, on)
	if err != nil {
		return nil, err
	}
	before, err := Replay(l.Terms, known, on.AddDays(-1))
	if err != nil {
		return nil, err
	}
	return linesOf(ctx, tx, &l, s.Totals.Sub(before.Totals), on)
}

// learntLater reports an event that a part did not know of. A night works a loan past its date once and an event tells up to where the
// loan was worked when it was recorded, both under the loan's lock. Clocks say it only of events that do not tell: a transaction that began
// before the night's may have waited for it.
func learntLater(e RecordedEvent, m *membership, explicit bool, on calendar.Date) bool {
	if !e.workedTo.IsZero() {
		return m.kind == partTaken || !e.workedTo.Before(on)
	}
	at := db.Micros(e.BookedAt)
	return at > m.writtenAt || explicit && m.kind == partNight && at == m.writtenAt // or in the transaction that worked the loan up for it
}
