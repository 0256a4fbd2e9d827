package journal

import (
	"context"
	"sync"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/canary"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// rules are what a posting is judged by: the chart and the closed months. They change rarely, so a process
// keeps them by the version that the head's row bears; whoever changes them raises it under the head's lock.
type rules struct {
	version  int64
	accounts map[string]Account
	closed   string // the latest closed month; everything up to it is closed
	limits   bool   // single sub-accounts have overdrafts of their own
}

var (
	bumpRules   = db.Q(`update journal_head set rules = rules + 1 where institution_id = $1`)
	lastClosed  = db.Q(`select coalesce(max(month), '') from ledger_period where institution_id = $1 and state = 'closed'`)
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
	r := &rules{version: version, accounts: make(map[string]Account, len(chart))}
	for _, a := range chart {
		r.accounts[a.Code] = a
	}
	var own int64
	if err := tx.QueryRow(ctx, countLimits, tx.Institution).Scan(&own); err != nil {
		return nil, err
	}
	r.limits = own > 0
	if r.closed, err = ClosedUntil(ctx, tx); err != nil {
		return nil, err
	}
	institution := tx.Institution
	// Only what is committed may be remembered: a version that is rolled back will be given out again.
	tx.AfterCommit(func() { rulesMemory.Store(institution, r) })
	return r, nil
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
	if r.closed != "" && !canary.On("open_books") && Month(d.Date) <= r.closed {
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

// ClosedUntil is the latest closed month ("2026-01"), or empty: no entry may be dated in it or before.
func ClosedUntil(ctx context.Context, tx *db.Tx) (month string, err error) {
	err = tx.QueryRow(ctx, lastClosed, tx.Institution).Scan(&month)
	return month, err
}

// OpenFrom is the first date that may be posted to: the day after the last closed month; the zero date when none is closed.
func OpenFrom(ctx context.Context, tx *db.Tx) (calendar.Date, error) {
	var month string
	if err := tx.QueryRow(ctx, lastClosed, tx.Institution).Scan(&month); err != nil || month == "" {
		return calendar.Date{}, err
	}
	first, err := calendar.Parse(month + "-01")
	return first.AddMonths(1, calendar.Clamp), err
}
