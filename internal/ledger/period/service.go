package period

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/proposal"
)

var (
	permissionClose  = auth.DeclarePermission("period.close", "结账、提出反结账与年终结转", "Close periods, propose reopening and the end of a year", auth.RoleOperations)
	permissionReview = auth.DeclarePermission("period.review", "复核反结账与年终结转", "Review the reopening of periods and the end of a year", auth.RoleOperations, auth.RoleCompliance)
)

// Kinds of changes that need a second person.
const (
	KindReopen = "ledger.period_reopen"
	KindYear   = "ledger.year_close"
)

var (
	listPeriods   = db.Q(`select month, state, changed_at, changed_by, note, version from ledger_period where institution_id = $1 order by month desc limit 240`)
	selectPeriod  = db.Q(`select month, state, changed_at, changed_by, note, version from ledger_period where institution_id = $1 and month = $2`)
	firstTurnover = db.Q(`select coalesce(min(period), '') from ledger_turnover where institution_id = $1 and length(period) = 7`)
	putPeriod     = db.Q(`insert into ledger_period (institution_id, month, state, changed_at, changed_by, note, version) values ($1,$2,$3,$4,$5,$6,1)
		on conflict (institution_id, month) do update set state = excluded.state, changed_at = excluded.changed_at, changed_by = excluded.changed_by, note = excluded.note,
		version = ledger_period.version + 1`)
	countRounds = db.Q(`select count(*) from journal_entry where institution_id = $1 and object = $2 and object_id = $3`)
)

// Reopen is the body of a proposal to open the last closed month again.
type Reopen struct {
	Month  string `json:"month" maxLength:"7"`
	Reason string `json:"reason" minLength:"1" maxLength:"200"`
}

// YearClose is the body of a proposal to carry a year's result over and close it.
type YearClose struct {
	Year int `json:"year" minimum:"2000" maximum:"2100"`
}

// Service closes periods.
type Service struct {
	db        *db.DB
	proposals *proposal.Service
}

// NewService makes the service and registers its kinds of proposals.
func NewService(d *db.DB, p *proposal.Service) *Service {
	p.Register(proposal.Kind{Name: KindReopen, Zh: "反结账", En: "Reopen a period", Propose: permissionClose, Review: permissionReview, Describe: describeReopen, Apply: applyReopen})
	p.Register(proposal.Kind{Name: KindYear, Zh: "年终结转", En: "End of a year", Propose: permissionClose, Review: permissionReview, Describe: describeYear, Apply: applyYear})
	return &Service{db: d, proposals: p}
}

// List gives the months from the first that was posted to until the business date's, newest first.
func (s *Service) List(ctx context.Context, p auth.Principal) (out []Period, err error) {
	if err := p.Require(journal.PermissionRead); err != nil {
		return nil, err
	}
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		known := map[string]Period{}
		rows, err := tx.Query(ctx, listPeriods, tx.Institution)
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // its error is in rows.Err
		first := ""
		for rows.Next() {
			one, err := scan(rows)
			if err != nil {
				return err
			}
			known[one.Month], first = one, one.Month
		}
		if err := rows.Err(); err != nil {
			return err
		}
		var posted string
		if err := tx.QueryRow(ctx, firstTurnover, tx.Institution).Scan(&posted); err != nil {
			return err
		}
		if first == "" || posted != "" && posted < first {
			first = posted
		}
		today, err := tx.BusinessDate(ctx)
		if err != nil {
			return err
		}
		if first == "" {
			first = journal.Month(today)
		}
		all := months(first, journal.Month(today))
		out = []Period{}
		for i := len(all) - 1; i >= 0; i-- {
			one, found := known[all[i]]
			if !found {
				one = Period{Month: all[i], State: Open}
			}
			out = append(out, one)
		}
		return nil
	})
	return out, err
}

func scan(row interface{ Scan(dest ...any) error }) (p Period, err error) {
	var at int64
	err = row.Scan(&p.Month, &p.State, &at, &p.ChangedBy, &p.Note, &p.Version)
	p.ChangedAt = db.Time(at)
	return p, err
}

// Close closes a month that is over, and with it every month before.
func (s *Service) Close(ctx context.Context, p auth.Principal, month string) error {
	if err := p.Require(permissionClose); err != nil {
		return err
	}
	return s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error { return closeMonth(ctx, tx, month) })
}

func closeMonth(ctx context.Context, tx *db.Tx, month string) error {
	_, last, err := parseMonth(month)
	if err != nil {
		return err
	}
	// Under the head's lock no entry can slip into the month while it closes.
	if err := journal.LockHead(ctx, tx); err != nil {
		return err
	}
	today, err := tx.BusinessDate(ctx)
	if err != nil {
		return err
	}
	if !last.Before(today) || journal.Month(today) <= month {
		return fault.New(ReasonRunning, "period", month, "business_date", today)
	}
	closed, err := journal.ClosedUntil(ctx, tx)
	if err != nil {
		return err
	}
	if closed >= month {
		return fault.New(ReasonClosed, "period", month)
	}
	trial, err := journal.Trial(ctx, tx, last)
	if err != nil {
		return err
	}
	if !trial.Balanced {
		return fault.New(ReasonUneven, "period", month)
	}
	first := month
	if closed != "" {
		after, _, err := parseMonth(closed)
		if err != nil {
			return err
		}
		first = journal.Month(after.AddMonths(1, calendar.Clamp))
	} else {
		var posted string
		if err := tx.QueryRow(ctx, firstTurnover, tx.Institution).Scan(&posted); err != nil {
			return err
		}
		if posted != "" && posted < first {
			first = posted
		}
	}
	for _, m := range months(first, month) {
		if err := set(ctx, tx, m, Closed, ""); err != nil {
			return err
		}
	}
	return journal.RulesChanged(ctx, tx)
}

func set(ctx context.Context, tx *db.Tx, month, state, note string) error {
	if _, err := tx.Exec(ctx, putPeriod, tx.Institution, month, state, db.Micros(tx.Now), tx.Actor, note); err != nil {
		return err
	}
	after := map[string]string{"month": month, "state": state}
	if err := audit.Record(ctx, tx, audit.Entry{Action: "period." + state, Object: "period", ObjectID: month, After: after, Note: note}); err != nil {
		return err
	}
	return event.Append(ctx, tx, event.Draft{Type: "period." + state, Aggregate: "period", AggregateID: month, Payload: after})
}

func describeReopen(ctx context.Context, tx *db.Tx, _ auth.Principal, body json.RawMessage) (d proposal.Description, err error) {
	var r Reopen
	if err := proposal.Decode(body, &r); err != nil {
		return d, err
	}
	if r.Reason == "" {
		return d, fault.Required("reason")
	}
	closed, err := journal.ClosedUntil(ctx, tx)
	if err != nil {
		return d, err
	}
	if r.Month != closed || closed == "" {
		return d, fault.New(ReasonNotLast, "last", closed)
	}
	now, err := scan(tx.QueryRow(ctx, selectPeriod, tx.Institution, r.Month))
	if err != nil {
		return d, err
	}
	after := now
	after.State, after.Note = Open, r.Reason
	return proposal.Description{Object: "period", ObjectID: r.Month, BaseVersion: now.Version, Before: now, After: after}, nil
}

func applyReopen(ctx context.Context, tx *db.Tx, _ auth.Principal, _ proposal.Description, body json.RawMessage) error {
	var r Reopen
	if err := proposal.Decode(body, &r); err != nil {
		return err
	}
	if err := journal.LockHead(ctx, tx); err != nil {
		return err
	}
	if err := set(ctx, tx, r.Month, Open, r.Reason); err != nil {
		return err
	}
	return journal.RulesChanged(ctx, tx)
}

// drafts are the entries that carry a year's result over, on the books as they stand.
func drafts(ctx context.Context, tx *db.Tx, year int) ([]journal.Draft, error) {
	today, err := tx.BusinessDate(ctx)
	if err != nil {
		return nil, err
	}
	if today.Year() <= year {
		return nil, fault.New(ReasonRunning, "period", year, "business_date", today)
	}
	positions, err := journal.PositionsUntil(ctx, tx, calendar.Of(year, time.December, 31))
	if err != nil {
		return nil, err
	}
	chart, err := journal.Accounts(ctx, tx)
	if err != nil {
		return nil, err
	}
	kinds := make(map[string]journal.Kind, len(chart))
	for _, a := range chart {
		kinds[a.Code] = a.Kind
	}
	var rounds int
	if err := tx.QueryRow(ctx, countRounds, tx.Institution, ObjectYearClose, strconv.Itoa(year)).Scan(&rounds); err != nil {
		return nil, err
	}
	out := closing(year, rounds, positions, kinds)
	if len(out) == 0 {
		return nil, fault.New(ReasonNothing, "year", year)
	}
	return out, nil
}

func describeYear(ctx context.Context, tx *db.Tx, _ auth.Principal, body json.RawMessage) (d proposal.Description, err error) {
	var y YearClose
	if err := proposal.Decode(body, &y); err != nil {
		return d, err
	}
	closed, err := journal.ClosedUntil(ctx, tx)
	if err != nil {
		return d, err
	}
	if december := strconv.Itoa(y.Year) + "-12"; closed >= december {
		return d, fault.New(ReasonClosed, "period", december)
	}
	entries, err := drafts(ctx, tx, y.Year)
	if err != nil {
		return d, err
	}
	return proposal.Description{Object: "year", ObjectID: strconv.Itoa(y.Year), After: map[string]any{"year": y.Year, "entries": entries}}, nil
}

func applyYear(ctx context.Context, tx *db.Tx, _ auth.Principal, _ proposal.Description, body json.RawMessage) error {
	var y YearClose
	if err := proposal.Decode(body, &y); err != nil {
		return err
	}
	if err := journal.LockHead(ctx, tx); err != nil {
		return err
	}
	// Anew: what was posted between proposal and approval belongs to the year as well.
	entries, err := drafts(ctx, tx, y.Year)
	if err != nil {
		return err
	}
	for len(entries) > 0 {
		part := entries[:min(len(entries), 1000)]
		if _, err := journal.PostAll(ctx, tx, part); err != nil {
			return err
		}
		entries = entries[len(part):]
	}
	return closeMonth(ctx, tx, strconv.Itoa(y.Year)+"-12")
}

// ProposeReopen asks a second person to open the last closed month again.
func (s *Service) ProposeReopen(ctx context.Context, p auth.Principal, r Reopen) (proposal.Proposal, error) {
	return s.propose(ctx, p, KindReopen, r, r.Reason)
}

// ProposeYear asks a second person to end a year.
func (s *Service) ProposeYear(ctx context.Context, p auth.Principal, y YearClose) (proposal.Proposal, error) {
	return s.propose(ctx, p, KindYear, y, "")
}

func (s *Service) propose(ctx context.Context, p auth.Principal, kind string, body any, note string) (made proposal.Proposal, err error) {
	err = s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		made, err = s.proposals.Propose(ctx, tx, p, kind, body, note)
		return err
	})
	return made, err
}
