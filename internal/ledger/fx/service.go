package fx

import (
	"context"
	"encoding/json"
	"time"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/ledger/recipe"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/proposal"
)

var (
	permissionPropose = auth.DeclarePermission("fx.propose", "录入汇率、外币重估", "Enter exchange rates and revalue", auth.RoleOperations)
	permissionReview  = auth.DeclarePermission("fx.review", "复核汇率", "Review exchange rates", auth.RoleOperations, auth.RoleCompliance)
)

// KindRates is a day's exchange rates, which a second person decides.
const KindRates = "ledger.rates"

// Quote is one currency's rate.
type Quote struct {
	Currency money.Currency `json:"currency"`
	Rate     rate.Rate      `json:"rate" doc:"base-currency units for one unit, as a decimal"`
}

// Rates is the body of a proposal.
type Rates struct {
	Date   calendar.Date `json:"date"`
	Source string        `json:"source" maxLength:"80" doc:"where the rates come from, e.g. CFETS central parity"`
	Rates  []Quote       `json:"rates" minItems:"1" maxItems:"40"`
}

// Kept is a rate in force.
type Kept struct {
	Currency   money.Currency `json:"currency"`
	Date       calendar.Date  `json:"date"`
	Version    int64          `json:"version"`
	Rate       rate.Rate      `json:"rate"`
	Source     string         `json:"source"`
	ApprovedBy string         `json:"approved_by"`
	CreatedAt  time.Time      `json:"created_at"`
}

// Revaluation is one run.
type Revaluation struct {
	ID          string        `json:"id"`
	Date        calendar.Date `json:"date"`
	Run         int           `json:"run"`
	State       string        `json:"state" enum:"posted,reversed"`
	Entries     int           `json:"entries"`
	ResultMinor int64         `json:"result_minor" doc:"gain (positive) or loss in base currency"`
	CreatedAt   time.Time     `json:"created_at"`
	CreatedBy   string        `json:"created_by"`
	ReversedAt  time.Time     `json:"reversed_at,omitzero"`
	ReversedBy  string        `json:"reversed_by"`
}

// Service keeps rates and revalues.
type Service struct {
	db        *db.DB
	proposals *proposal.Service
}

// NewService makes the service and registers its kind of proposal.
func NewService(d *db.DB, p *proposal.Service) *Service {
	p.Register(proposal.Kind{Name: KindRates, Zh: "录入汇率", En: "Exchange rates of a day", Propose: permissionPropose, Review: permissionReview, Describe: describe, Apply: apply})
	return &Service{db: d, proposals: p}
}

func describe(ctx context.Context, tx *db.Tx, _ auth.Principal, body json.RawMessage) (d proposal.Description, err error) {
	var r Rates
	if err := proposal.Decode(body, &r); err != nil {
		return d, err
	}
	base, err := baseCurrency(ctx, tx)
	if err != nil {
		return d, err
	}
	if r.Date.IsZero() {
		return d, fault.Required("date")
	}
	if len(r.Rates) == 0 || len(r.Rates) > 40 {
		return d, fault.Required("rates")
	}
	seen := map[money.Currency]bool{}
	for i, q := range r.Rates {
		_, known := q.Currency.Decimals()
		if !known || q.Currency == base || seen[q.Currency] {
			return d, fault.Field("rates", "币种未知、重复或为本位币", "a currency is unknown, doubled or the base currency").WithRow(i + 1)
		}
		if q.Rate <= 0 {
			return d, fault.Field("rates", "汇率须为正数", "a rate must be positive").WithRow(i + 1)
		}
		seen[q.Currency] = true
	}
	var version int64
	if err := tx.QueryRow(ctx, newestRate, tx.Institution, r.Date.String()).Scan(&version); err != nil {
		return d, err
	}
	before, err := ratesOf(ctx, tx, r.Date)
	return proposal.Description{Object: "ledger_rate", ObjectID: r.Date.String(), BaseVersion: version, Before: before, After: r}, err
}

func apply(ctx context.Context, tx *db.Tx, p auth.Principal, d proposal.Description, body json.RawMessage) error {
	var r Rates
	if err := proposal.Decode(body, &r); err != nil {
		return err
	}
	for _, q := range r.Rates {
		if _, err := tx.Exec(ctx, insertRate, tx.Institution, string(q.Currency), r.Date.String(), d.BaseVersion+1, int64(q.Rate), r.Source, p.UserID, db.Micros(tx.Now)); err != nil {
			return err
		}
	}
	return record(ctx, tx, "ledger_rate", d.ObjectID, "changed", d.Before, r)
}

func record(ctx context.Context, tx *db.Tx, object, id, verb string, before, after any) error {
	if err := audit.Record(ctx, tx, audit.Entry{Action: object + "." + verb, Object: object, ObjectID: id, Before: before, After: after}); err != nil {
		return err
	}
	return event.Append(ctx, tx, event.Draft{Type: object + "." + verb, Aggregate: object, AggregateID: id, Payload: after})
}

// Propose hands a day's rates to a second person.
func (s *Service) Propose(ctx context.Context, p auth.Principal, r Rates) (made proposal.Proposal, err error) {
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		made, err = s.proposals.Propose(ctx, tx, p, KindRates, r, r.Source)
		return err
	})
	return made, err
}

// RatesOn lists the rates that hold on a date (none: the business date).
func (s *Service) RatesOn(ctx context.Context, p auth.Principal, date calendar.Date) (out []Kept, err error) {
	if err := p.Require(journal.PermissionRead); err != nil {
		return nil, err
	}
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		if date.IsZero() {
			if date, err = tx.BusinessDate(ctx); err != nil {
				return err
			}
		}
		out, err = ratesOf(ctx, tx, date)
		return err
	})
	return out, err
}

// Runs lists the revaluations, newest first.
func (s *Service) Runs(ctx context.Context, p auth.Principal) (out []Revaluation, err error) {
	if err := p.Require(journal.PermissionRead); err != nil {
		return nil, err
	}
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		out, err = runs(ctx, tx)
		return err
	})
	return out, err
}

// Revalue brings the foreign balances to a date's rates. Done again it posts nothing, or only what entries
// that came later have changed.
func (s *Service) Revalue(ctx context.Context, p auth.Principal, date calendar.Date) (out Revaluation, err error) {
	if err := p.Require(permissionPropose); err != nil {
		return out, err
	}
	if date.IsZero() {
		return out, fault.Required("date")
	}
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		if err := journal.LockHead(ctx, tx); err != nil {
			return err
		}
		today, err := tx.BusinessDate(ctx)
		if err != nil {
			return err
		}
		if date.After(today) {
			return fault.New(ReasonFuture, "date", date, "business_date", today)
		}
		b, last, err := read(ctx, tx, date)
		if err != nil {
			return err
		}
		drafts, result, err := b.revalue()
		if err != nil {
			return err
		}
		if len(drafts) == 0 && last != nil && last.State == statePosted {
			out = *last
			return nil
		}
		for rest := drafts; len(rest) > 0; {
			part := rest[:min(len(rest), 1000)]
			rest = rest[len(part):]
			if _, err := journal.PostAll(ctx, tx, part); err != nil {
				return err
			}
		}
		out = Revaluation{ID: tx.NewID("fxr"), Date: date, Run: b.run, State: statePosted, Entries: len(drafts), ResultMinor: result, CreatedAt: tx.Now, CreatedBy: tx.Actor}
		if err := insertRun(ctx, tx, out); err != nil {
			return err
		}
		return record(ctx, tx, "revaluation", out.ID, "posted", nil, out)
	})
	return out, err
}

// Reverse takes the last revaluation back by red entries of its own date.
func (s *Service) Reverse(ctx context.Context, p auth.Principal, id string) (out Revaluation, err error) {
	if err := p.Require(permissionPropose); err != nil {
		return out, err
	}
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		if err := journal.LockHead(ctx, tx); err != nil {
			return err
		}
		all, err := runs(ctx, tx)
		if err != nil {
			return err
		}
		last := ""
		for _, r := range all {
			if r.State == statePosted {
				last, out = r.ID, r
				break
			}
		}
		if last == "" || last != id {
			return fault.New(ReasonNotLast, "last", last)
		}
		keys := make([]string, out.Entries)
		for i := range keys {
			keys[i] = entryKey(out.Date, out.Run, i+1)
		}
		posted, err := journal.FindByKeys(ctx, tx, keys)
		if err != nil {
			return err
		}
		drafts := make([]journal.Draft, 0, len(keys))
		for _, key := range keys {
			e, found := posted[key]
			if !found {
				return fault.New(journal.ReasonBroken, "problem", "entry "+key+" is missing")
			}
			drafts = append(drafts, mirror(e))
		}
		for rest := drafts; len(rest) > 0; {
			part := rest[:min(len(rest), 1000)]
			rest = rest[len(part):]
			if _, err := journal.PostAll(ctx, tx, part); err != nil {
				return err
			}
		}
		before := out
		out.State, out.ReversedAt, out.ReversedBy = stateReversed, tx.Now, tx.Actor
		if _, err := tx.Exec(ctx, reverseRun, tx.Institution, id, db.Micros(tx.Now), tx.Actor); err != nil {
			return err
		}
		return record(ctx, tx, "revaluation", id, "reversed", before, out)
	})
	return out, err
}

func mirror(e journal.Entry) journal.Draft {
	d := journal.Draft{Key: "fx-reversal/" + e.ID, Date: e.Date, Memo: fault.Text{Zh: "冲销 " + e.Memo.Zh, En: "Reversal: " + e.Memo.En}, Object: e.Object, ObjectID: e.ObjectID, Branch: e.Branch, Product: e.Product}
	for _, l := range e.Lines {
		l.AmountMinor = -l.AmountMinor
		d.Lines = append(d.Lines, l)
	}
	return d
}

// TrialLine is an account's balance in a currency with its worth in base currency.
type TrialLine struct {
	journal.TrialLine

	Rate      rate.Rate `json:"rate"`
	BaseMinor int64     `json:"base_minor" doc:"worth of the net balance in base currency at the date's rate, debit positive"`
}

// Trial is the trial balance per currency with its equivalent in base currency.
type Trial struct {
	AsOf  calendar.Date  `json:"as_of"`
	Base  money.Currency `json:"base_currency"`
	Lines []TrialLine    `json:"lines"`
	Gaps  []string       `json:"missing_rates" doc:"currencies without a rate; their worth is shown as zero"`
}

// TrialBalance lists every account per currency with its worth in base currency.
func (s *Service) TrialBalance(ctx context.Context, p auth.Principal, asOf calendar.Date) (out Trial, err error) {
	if err := p.Require(journal.PermissionRead); err != nil {
		return out, err
	}
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		if asOf.IsZero() {
			if asOf, err = tx.BusinessDate(ctx); err != nil {
				return err
			}
		}
		out = Trial{AsOf: asOf, Lines: []TrialLine{}, Gaps: []string{}}
		if out.Base, err = baseCurrency(ctx, tx); err != nil {
			return err
		}
		t, err := journal.Trial(ctx, tx, asOf)
		if err != nil {
			return err
		}
		kept, err := rateMap(ctx, tx, asOf)
		if err != nil {
			return err
		}
		kept[out.Base] = rate.Scale
		missing := map[money.Currency]bool{}
		for _, l := range t.Lines {
			one := TrialLine{TrialLine: l, Rate: kept[l.Currency]}
			if one.Rate == 0 && !missing[l.Currency] {
				missing[l.Currency] = true
				out.Gaps = append(out.Gaps, string(l.Currency))
			}
			if one.BaseMinor, err = Value(l.DebitMinor-l.CreditMinor, l.Currency, out.Base, one.Rate); err != nil {
				return err
			}
			out.Lines = append(out.Lines, one)
		}
		return nil
	})
	return out, err
}

// read gathers what a revaluation looks at, and the last run of its date.
func read(ctx context.Context, tx *db.Tx, date calendar.Date) (b books, last *Revaluation, err error) {
	b = books{date: date, run: 1, accounts: map[string]journal.Account{}}
	if b.base, err = baseCurrency(ctx, tx); err != nil {
		return b, nil, err
	}
	if b.roles, err = recipe.For(ctx, tx, "", date); err != nil {
		return b, nil, err
	}
	chart, err := journal.Accounts(ctx, tx)
	if err != nil {
		return b, nil, err
	}
	for _, a := range chart {
		b.accounts[a.Code] = a
	}
	if b.positions, err = journal.PositionsUntil(ctx, tx, date); err != nil {
		return b, nil, err
	}
	if b.equivalent, err = equivalents(ctx, tx, b); err != nil {
		return b, nil, err
	}
	if b.rates, err = rateMap(ctx, tx, date); err != nil {
		return b, nil, err
	}
	all, err := runs(ctx, tx)
	for i := range all {
		if all[i].Date == date {
			if last == nil {
				last = &all[i]
			}
			b.run = max(b.run, all[i].Run+1)
		}
	}
	return b, last, err
}
