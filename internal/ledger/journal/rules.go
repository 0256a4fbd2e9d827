package journal

import (
	"context"
	"sync"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// rules are what a posting is judged by: the chart and the closed months. They change rarely, so a process
// keeps them by the version that the head's row bears; whoever changes them raises it under the head's lock.
type rules struct {
	version  int64
	accounts map[string]Account
	closed   map[string]bool
	limits   bool // single sub-accounts have overdrafts of their own
}

var (
	bumpRules   = db.Q(`update journal_head set rules = rules + 1 where institution_id = $1`)
	listClosed  = db.Q(`select month from ledger_period where institution_id = $1 and state = 'closed' order by month`)
	rulesMemory sync.Map // institution -> *rules, of committed versions only
)

// rulesOf gives the rules at a version that the caller read under the head's lock.
func rulesOf(ctx context.Context, tx *db.Tx, version int64) (*rules, error) {
	if v, ok := rulesMemory.Load(tx.Institution); ok {
		if r := v.(*rules); r.version == version { //nolint:errcheck // only *rules is stored
			return r, nil
		}
	}
	chart, err := Accounts(ctx, tx)
	if err != nil {
		return nil, err
	}
	r := &rules{version: version, accounts: make(map[string]Account, len(chart)), closed: map[string]bool{}}
	for _, a := range chart {
		r.accounts[a.Code] = a
	}
	var own int64
	if err := tx.QueryRow(ctx, countLimits, tx.Institution).Scan(&own); err != nil {
		return nil, err
	}
	r.limits = own > 0
	rows, err := tx.Query(ctx, listClosed, tx.Institution)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	for rows.Next() {
		var month string
		if err := rows.Scan(&month); err != nil {
			return nil, err
		}
		r.closed[month] = true
	}
	institution := tx.Institution
	// Only what is committed may be remembered: a version that is rolled back will be given out again.
	tx.AfterCommit(func() { rulesMemory.Store(institution, r) })
	return r, rows.Err()
}

// LockHead takes the institution's journal for this transaction: no entry is posted, and no rule changes,
// until it ends. Whoever changes the chart or closes a month calls it first.
func LockHead(ctx context.Context, tx *db.Tx) error {
	_, err := openHead(ctx, tx)
	return err
}

// RulesChanged tells every server that the chart or the closed months have changed; the caller holds the
// head (LockHead).
func RulesChanged(ctx context.Context, tx *db.Tx) error {
	_, err := tx.Exec(ctx, bumpRules, tx.Institution)
	return err
}

// judge refuses an entry that the chart or a closed month forbids.
func (r *rules) judge(d Draft) error {
	if len(r.closed) > 0 && r.closed[Month(d.Date)] {
		return fault.New(ReasonPeriodClosed, "key", d.Key, "period", Month(d.Date), "date", d.Date.String())
	}
	var memo map[money.Currency]int64
	for _, l := range d.Lines {
		a, known := r.accounts[l.Account]
		if !known {
			return fault.New(ReasonUnknownAccount, "account", l.Account)
		}
		if !a.Active {
			return fault.New(ReasonInactiveAccount, "account", l.Account)
		}
		if a.Kind == Memo {
			if memo == nil {
				memo = map[money.Currency]int64{}
			}
			memo[l.Currency] += l.AmountMinor
		}
	}
	for c, sum := range memo {
		if sum != 0 {
			return fault.New(ReasonUnbalanced, "key", d.Key, "problem", "off the balance sheet, debits minus credits is "+money.Of(sum, c).String()+" "+string(c))
		}
	}
	return nil
}

// PeriodOpen reports whether entries may be dated d.
func PeriodOpen(ctx context.Context, tx *db.Tx, d calendar.Date) (bool, error) {
	rows, err := tx.Query(ctx, listClosed, tx.Institution)
	if err != nil {
		return false, err
	}
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	open := true
	for rows.Next() {
		var month string
		if err := rows.Scan(&month); err != nil {
			return false, err
		}
		open = open && month != Month(d)
	}
	return open, rows.Err()
}
