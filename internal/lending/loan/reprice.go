package loan

import (
	"context"

	"github.com/capillary-finance/capillary/internal/base/benchmark"
	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/credit/pricing"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// A floating loan takes its benchmark anew on the days of its rule: benchmark in
// force plus the spread of the contract. Each reset that changes the rate is an
// event, so that replay needs no table; the end of day makes them.

var (
	insertReprice = db.Q(`insert into loan_reprice (institution_id, loan_id, next_on) values ($1, $2, $3) on conflict (institution_id, loan_id) do update set next_on = excluded.next_on`)
	deleteReprice = db.Q(`delete from loan_reprice where institution_id = $1 and loan_id = $2`)
	selectReprice = db.Q(`select loan_id, next_on from loan_reprice where institution_id = $1 and loan_id > $2 and next_on <= $3 order by loan_id limit $4`)
	countReprice  = db.Q(`select count(*) from loan_reprice where institution_id = $1 and next_on <= $2`)
)

func (r Repricing) floating() bool {
	return r.Benchmark != "" && benchmark.Rule(r.Rule) != benchmark.Fixed && r.Rule != ""
}

// fixSpread says how far the contract's rate stands from the benchmark on the day of drawing.
func (t *Terms) fixSpread(ctx context.Context, tx *db.Tx, on calendar.Date) error {
	if !t.Repricing.floating() {
		t.Repricing = Repricing{}
		return nil
	}
	if err := benchmark.Rule(t.Repricing.Rule).Check(); err != nil {
		return fault.Field("repricing", "未知的重定价规则", "is not a known rule of repricing").Wrap(err)
	}
	b, err := pricing.BenchmarkAt(ctx, tx, t.Repricing.Benchmark, on)
	if err != nil {
		return err
	}
	t.Repricing.Spread = t.AnnualRate - b.Rate
	return nil
}

// scheduleReset keeps the day of the next reset.
func scheduleReset(ctx context.Context, tx *db.Tx, id string, t Terms, after calendar.Date) error {
	if !t.Repricing.floating() {
		return nil
	}
	next, ok := t.nextReset(after)
	if !ok {
		_, err := tx.Exec(ctx, deleteReprice, tx.Institution, id)
		return err
	}
	_, err := tx.Exec(ctx, insertReprice, tx.Institution, id, next.String())
	return err
}

// nextReset is the first reset of a floating loan after a day; false when none is left.
func (t Terms) nextReset(after calendar.Date) (calendar.Date, bool) {
	if !t.Repricing.floating() {
		return calendar.Date{}, false
	}
	next, ok := benchmark.NextReset(benchmark.Rule(t.Repricing.Rule), t.Start, after)
	return next, ok && !next.After(t.Maturity())
}

// CountReprice counts the loans whose reset has come.
func CountReprice(ctx context.Context, tx *db.Tx, on calendar.Date) (n int64, err error) {
	err = tx.QueryRow(ctx, countReprice, tx.Institution, on.String()).Scan(&n)
	return n, err
}

// Reprice gives up to limit loans after an id the rate of their resets up to a
// date. A reset that was missed takes effect on its own day. It answers with the
// last id and how many loans there were.
func Reprice(ctx context.Context, tx *db.Tx, after string, on calendar.Date, limit int) (last string, n int, err error) {
	type due struct {
		id   string
		next calendar.Date
	}
	rows, err := tx.Query(ctx, selectReprice, tx.Institution, after, on.String(), limit)
	if err != nil {
		return after, 0, err
	}
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	var list []due
	for rows.Next() {
		var d due
		if err := rows.Scan(&d.id, &d.next); err != nil {
			return after, 0, err
		}
		list = append(list, d)
	}
	if err := rows.Err(); err != nil || len(list) == 0 {
		return after, 0, err
	}
	table, err := pricing.LPR(ctx, tx)
	if err != nil {
		return after, 0, err
	}
	for _, d := range list {
		if err := reprice(ctx, tx, table, d.id, d.next, on); err != nil {
			return after, 0, err
		}
		last = d.id
	}
	return last, len(list), nil
}

// NextReprice names the next loan that Reprice would take after an id.
func NextReprice(ctx context.Context, tx *db.Tx, after string, on calendar.Date) (id string, n int, err error) {
	var next calendar.Date
	err = tx.QueryRow(ctx, selectReprice, tx.Institution, after, on.String(), 1).Scan(&id, &next)
	if db.IsNoRows(err) {
		return after, 0, nil
	}
	return id, 1, err
}

func reprice(ctx context.Context, tx *db.Tx, table benchmark.Table, id string, from, on calendar.Date) error {
	l, err := read(ctx, tx, selectLocked, id)
	if err != nil {
		return err
	}
	if l.Status != Active && l.Status != Overdue && l.Status != Pending {
		_, err := tx.Exec(ctx, deleteReprice, tx.Institution, id)
		return err
	}
	terms := l.Terms
	if l.Status != Pending {
		s, err := Current(ctx, tx, l)
		if err != nil {
			return err
		}
		terms.Start = s.Terms.Start // the money may have left a day late
		for _, day := range benchmark.ResetsBetween(benchmark.Rule(terms.Repricing.Rule), terms.Start, from, on.AddDays(1)) {
			if err := resetOn(ctx, tx, table, &l, s.Rate, day); err != nil {
				return err
			}
			if s, err = Current(ctx, tx, l); err != nil {
				return err
			}
		}
	}
	return scheduleReset(ctx, tx, id, terms, on)
}

// resetOn records the new rate of a day, if it is another one.
func resetOn(ctx context.Context, tx *db.Tx, table benchmark.Table, l *Loan, present rate.Rate, day calendar.Date) error {
	base, err := benchmark.RateAt(table, benchmark.Tenor(l.Terms.Repricing.Benchmark), day)
	if err != nil {
		return fault.New(pricing.ReasonNoBenchmark, "benchmark", l.Terms.Repricing.Benchmark, "date", day).Wrap(err)
	}
	r := max(base+l.Terms.Repricing.Spread, 0)
	if r == present {
		return nil
	}
	_, _, err = act(ctx, tx, l, Event{
		Kind: RateChanged, Date: day, Key: "reprice:" + day.String(), Note: "重定价 " + l.Terms.Repricing.Benchmark, Detail: Particulars{Rate: &r},
	}, fault.Text{Zh: "利率重定价", En: "rate reset"})
	return err
}
