package due

import (
	"context"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// filter leaves what the caller's branches may see, in a period.
const filter = ` from due_item d where d.institution_id = $1 and d.branch_path like $2 and d.due_date >= $3 and d.due_date <= $4 and ($5 = '' or d.product_id = $5)
	and ($6 = '' or d.branch_id = $6)`

const sums = `count(*), sum(d.total_minor), sum(d.paid_minor), sum(case when d.cleared_on = '' and d.due_date < $7 then d.total_minor - d.paid_minor else 0 end)`

var (
	deleteItems  = db.Q(`delete from due_item where institution_id = $1 and loan_id = $2`)
	insertItems  = db.NewBulk("due_item", []string{"institution_id", "loan_id", "no", "due_date", "principal_minor", "interest_minor", "total_minor", "paid_minor", "cleared_on", "billed", "currency", "firm_id", "product_id", "branch_id", "branch_path"}, "")
	sumByDay     = db.Q(`select d.due_date, d.currency, ` + sums + filter + ` group by d.due_date, d.currency order by d.due_date, d.currency`)
	sumByProduct = db.Q(`select d.product_id, d.product_id, d.currency, ` + sums + filter + ` group by d.product_id, d.currency order by d.product_id, d.currency`)
	sumByBranch  = db.Q(`select d.branch_id, coalesce(max(b.name), ''), d.currency, ` + sums + branchFilter + ` group by d.branch_id, d.currency order by d.branch_id, d.currency`)
	selectItems  = db.Q(`select d.loan_id, d.no, d.due_date, d.principal_minor, d.interest_minor, d.total_minor, d.paid_minor, d.cleared_on, d.billed, d.currency, d.firm_id,
		coalesce(f.name, l.payee_name, ''), coalesce(l.reference, ''), d.product_id, d.branch_id` + itemFrom + ` and ($9 = '' or d.due_date > $9 or (d.due_date = $9 and (d.loan_id > $10 or (d.loan_id = $10 and d.no > $11))))
		order by d.due_date, d.loan_id, d.no limit $12`)
	countItems = db.Q(`select count(*)` + itemFrom)
)

const branchFilter = ` from due_item d left join branch b on b.institution_id = d.institution_id and b.id = d.branch_id
	where d.institution_id = $1 and d.branch_path like $2 and d.due_date >= $3 and d.due_date <= $4 and ($5 = '' or d.product_id = $5) and ($6 = '' or d.branch_id = $6)`

// itemFrom joins what a person wants to read beside an instalment. $8 is the state.
const itemFrom = ` from due_item d left join loan l on l.institution_id = d.institution_id and l.id = d.loan_id left join firm f on f.institution_id = d.institution_id and f.id = d.firm_id
	where d.institution_id = $1 and d.branch_path like $2 and d.due_date >= $3 and d.due_date <= $4 and ($5 = '' or d.product_id = $5) and ($6 = '' or d.branch_id = $6)
	and ($8 = '' or ($8 = 'cleared' and d.cleared_on <> '') or ($8 = 'open' and d.cleared_on = '') or ($8 = 'overdue' and d.cleared_on = '' and d.due_date < $7))`

// Consumer keeps the projection: whatever happens to a loan, its instalments are
// written anew. Replaying it changes nothing, so a lost projection is rebuilt.
func Consumer() event.Consumer {
	return event.Consumer{Name: "lending.due_calendar", Replayable: true, Handle: func(ctx context.Context, tx *db.Tx, e event.Event) error {
		if e.Aggregate != "loan" {
			return nil
		}
		return Project(ctx, tx, e.AggregateID)
	}}
}

// Project writes the instalments of one loan as they stand.
func Project(ctx context.Context, tx *db.Tx, loanID string) error {
	l, err := loan.ByID(ctx, tx, loanID)
	if fault.Is(err, fault.ReasonNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	recorded, err := loan.Events(ctx, tx, loanID)
	if err != nil {
		return err
	}
	events := make([]loan.Event, len(recorded))
	for i, e := range recorded {
		events[i] = e.Event
	}
	st, err := loan.Replay(l.Terms, events, l.ProcessedTo)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, deleteItems, tx.Institution, loanID); err != nil {
		return err
	}
	if l.Status == loan.CancelledOut || len(st.Rows) == 0 {
		return nil
	}
	rows := make([][]any, 0, len(st.Rows))
	for _, r := range st.Rows {
		if !r.Billed && r.TotalMinor == 0 { // dates up to the latest maturity that a share of sales does not expect to need
			continue
		}
		rows = append(rows, []any{tx.Institution, l.ID, int64(r.No), r.DueDate.String(), r.PrincipalMinor, r.InterestMinor, r.TotalMinor, r.PaidPrincipalMinor + r.PaidInterestMinor,
			r.ClearedOn.String(), r.Billed, string(l.Currency), l.FirmID, l.ProductID, l.BranchID, l.BranchPath})
	}
	_, err = tx.BulkInsert(ctx, insertItems, rows)
	return err
}

func readDaily(ctx context.Context, tx *db.Tx, args []any) ([]daily, error) {
	rows, err := tx.Query(ctx, sumByDay, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	var out []daily
	for rows.Next() {
		var d daily
		if err := rows.Scan(&d.on, &d.currency, &d.sums.Instalments, &d.sums.ExpectedMinor, &d.sums.ReceivedMinor, &d.sums.OverdueMinor); err != nil {
			return nil, err
		}
		out = append(out, d)
	}
	return out, rows.Err()
}

func readGroups(ctx context.Context, tx *db.Tx, q *db.Query, args []any) ([]Group, error) {
	rows, err := tx.Query(ctx, q, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	out := []Group{}
	for rows.Next() {
		var g Group
		if err := rows.Scan(&g.ID, &g.Name, &g.Currency, &g.Instalments, &g.ExpectedMinor, &g.ReceivedMinor, &g.OverdueMinor); err != nil {
			return nil, err
		}
		out = append(out, g)
	}
	return out, rows.Err()
}

func readItems(ctx context.Context, tx *db.Tx, today calendar.Date, args []any) ([]Item, error) {
	rows, err := tx.Query(ctx, selectItems, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	out := []Item{}
	for rows.Next() {
		var x Item
		if err := rows.Scan(&x.LoanID, &x.No, &x.DueDate, &x.PrincipalMinor, &x.InterestMinor, &x.TotalMinor, &x.PaidMinor, &x.ClearedOn, &x.Billed, &x.Currency, &x.FirmID,
			&x.FirmName, &x.Reference, &x.ProductID, &x.BranchID); err != nil {
			return nil, err
		}
		x.Overdue = x.ClearedOn.IsZero() && x.DueDate.Before(today)
		out = append(out, x)
	}
	return out, rows.Err()
}
