package fx

import (
	"context"
	"fmt"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/ledger/recipe"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

const (
	statePosted   = "posted"
	stateReversed = "reversed"
)

var (
	selectBase = db.Q(`select currency from institution where institution_id = $1`)
	newestRate = db.Q(`select coalesce(max(version), 0) from ledger_rate where institution_id = $1 and rate_date = $2`)
	insertRate = db.Q(`insert into ledger_rate (institution_id, currency, rate_date, version, rate, source, approved_by, created_at) values ($1,$2,$3,$4,$5,$6,$7,$8)`)
	ratesUntil = db.Q(`select currency, rate_date, version, rate, source, approved_by, created_at from ledger_rate
		where institution_id = $1 and rate_date <= $2 and rate_date >= $3 order by currency, rate_date desc, version desc`)
	insertReval = db.Q(`insert into ledger_revaluation (institution_id, id, reval_date, run, state, entries, result_minor, created_at, created_by, reversed_at, reversed_by)
		values ($1,$2,$3,$4,$5,$6,$7,$8,$9,0,'')`)
	listRuns   = db.Q(`select id, reval_date, run, state, entries, result_minor, created_at, created_by, reversed_at, reversed_by from ledger_revaluation where institution_id = $1 order by id desc limit 400`)
	reverseRun = db.Q(`update ledger_revaluation set state = 'reversed', reversed_at = $3, reversed_by = $4 where institution_id = $1 and id = $2`)
	// The turnovers know no sub-accounts; the equivalent has one per currency.
	equivalentLines = db.Q(`select e.branch, l.sub, cast(sum(l.amount_minor) as bigint) from journal_line l join journal_entry e on e.institution_id = l.institution_id and e.seq = l.seq
		where l.institution_id = $1 and l.account_code = $2 and l.currency = $3 and e.entry_date <= $4 group by e.branch, l.sub`)
)

func entryKey(date calendar.Date, run, n int) string { return fmt.Sprintf("fx/%s/%d/%d", date, run, n) }

func baseCurrency(ctx context.Context, tx *db.Tx) (c money.Currency, err error) {
	err = tx.QueryRow(ctx, selectBase, tx.Institution).Scan(&c)
	return c, err
}

// ratesOf lists the newest rate of each currency that still holds on a date.
func ratesOf(ctx context.Context, tx *db.Tx, date calendar.Date) ([]Kept, error) {
	rows, err := tx.Query(ctx, ratesUntil, tx.Institution, date.String(), date.AddDays(-rateDaysMax).String())
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	out := []Kept{}
	for rows.Next() {
		var k Kept
		var r, at int64
		if err := rows.Scan(&k.Currency, &k.Date, &k.Version, &r, &k.Source, &k.ApprovedBy, &at); err != nil {
			return nil, err
		}
		k.Rate, k.CreatedAt = rate.Rate(r), db.Time(at)
		if len(out) == 0 || out[len(out)-1].Currency != k.Currency {
			out = append(out, k)
		}
	}
	return out, rows.Err()
}

func rateMap(ctx context.Context, tx *db.Tx, date calendar.Date) (map[money.Currency]rate.Rate, error) {
	kept, err := ratesOf(ctx, tx, date)
	out := map[money.Currency]rate.Rate{}
	for _, k := range kept {
		out[k.Currency] = k.Rate
	}
	return out, err
}

func insertRun(ctx context.Context, tx *db.Tx, r Revaluation) error {
	_, err := tx.Exec(ctx, insertReval, tx.Institution, r.ID, r.Date.String(), r.Run, r.State, r.Entries, r.ResultMinor, db.Micros(r.CreatedAt), r.CreatedBy)
	return err
}

func runs(ctx context.Context, tx *db.Tx) ([]Revaluation, error) {
	rows, err := tx.Query(ctx, listRuns, tx.Institution)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	out := []Revaluation{}
	for rows.Next() {
		var r Revaluation
		var created, reversed int64
		if err := rows.Scan(&r.ID, &r.Date, &r.Run, &r.State, &r.Entries, &r.ResultMinor, &created, &r.CreatedBy, &reversed, &r.ReversedBy); err != nil {
			return nil, err
		}
		r.CreatedAt, r.ReversedAt = db.Time(created), db.Time(reversed)
		out = append(out, r)
	}
	return out, rows.Err()
}

// equivalents sums the equivalent's lines by currency and compares them with its sealed turnovers: a line
// that was changed behind the journal's back is not revalued.
func equivalents(ctx context.Context, tx *db.Tx, b books) (map[place]int64, error) {
	code := b.roles.Code(recipe.FXEquivalent)
	rows, err := tx.Query(ctx, equivalentLines, tx.Institution, code, string(b.base), b.date.String())
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	out := map[place]int64{}
	sums := map[string]int64{}
	for rows.Next() {
		var at place
		var minor int64
		if err := rows.Scan(&at.branch, &at.currency, &minor); err != nil {
			return nil, err
		}
		out[at] = minor
		sums[at.branch] += minor
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for _, p := range b.positions {
		if p.Account == code && p.Currency == b.base {
			sums[p.Branch] -= p.NetMinor()
		}
	}
	for branch, rest := range sums {
		if rest != 0 {
			return nil, fault.New(journal.ReasonBroken, "problem", "the lines of account "+code+" in branch "+branch+" are not its turnover")
		}
	}
	return out, nil
}
