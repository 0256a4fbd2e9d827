package loan

import (
	"context"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Filter narrows a list of loans; empty fields do not.
type Filter struct {
	Status     string
	FirmID     string
	FacilityID string
	// LateFrom and LateUntil bound the days past due, ends included; zero does not.
	LateFrom  int64
	LateUntil int64
	Limit     int
	Cursor    string
}

// List pages through the loans of the caller's branches, newest first.
func (s *Service) List(ctx context.Context, p auth.Principal, f Filter) (page api.Page[Loan], err error) {
	if err := p.Require(PermissionRead); err != nil {
		return page, err
	}
	parts, err := api.DecodeCursor(f.Cursor, 1)
	if err != nil {
		return page, err
	}
	if f.Limit <= 0 || f.Limit > 200 {
		f.Limit = 20
	}
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		args := []any{tx.Institution, p.BranchPattern(), f.Status, f.FirmID, f.FacilityID, f.LateFrom, f.LateUntil}
		if err := tx.QueryRow(ctx, countPage, args...).Scan(&page.Total); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, selectPage, append(args, parts[0], f.Limit+1)...)
		if err != nil {
			return err
		}
		page.Items, err = collect(rows)
		if len(page.Items) > f.Limit {
			page.Items = page.Items[:f.Limit]
			page.NextCursor = api.EncodeCursor(page.Items[f.Limit-1].ID)
		}
		return err
	})
	return page, err
}

// Detail is a loan with its derived state.
type Detail struct {
	Loan
	Rows   []Row      `json:"schedule"`
	Due    Allocation `json:"due"`
	Payoff Allocation `json:"payoff" doc:"settles the loan on processed_to"`
	Totals Totals     `json:"totals"`

	Rate        rate.Rate   `json:"rate" doc:"yearly, in force now"`
	PenaltyRate rate.Rate   `json:"penalty_rate"`
	NonAccrual  bool        `json:"non_accrual" doc:"interest is not recognised as income"`
	Stopped     bool        `json:"stopped" doc:"nothing accrues any more"`
	Accelerated bool        `json:"accelerated"`
	Extensions  int         `json:"extensions"`
	Observation Observation `json:"observation,omitzero" doc:"after a restructuring"`
}

// Get reads a loan with its state as of the date it is processed to.
func (s *Service) Get(ctx context.Context, p auth.Principal, id string) (d Detail, err error) {
	err = s.see(ctx, p, id, func(tx *db.Tx, l Loan) error {
		st, err := Current(ctx, tx, l)
		d = detail(l, &st)
		return err
	})
	return d, err
}

func detail(l Loan, st *State) Detail {
	d := Detail{Loan: l, Rows: st.Rows, Due: st.Due(), Payoff: st.Payoff(), Totals: st.Totals, Rate: st.Rate, PenaltyRate: st.PenaltyRate, NonAccrual: st.NonAccrual,
		Stopped: st.Stopped, Accelerated: st.Accelerated, Extensions: st.Extensions, Observation: st.Observation}
	if d.Rows == nil {
		d.Rows = []Row{}
	}
	return d
}

// Events reads a loan's chain of events.
func (s *Service) Events(ctx context.Context, p auth.Principal, id string) (events []RecordedEvent, err error) {
	err = s.see(ctx, p, id, func(tx *db.Tx, l Loan) error {
		events, err = Events(ctx, tx, l.ID)
		return err
	})
	return events, err
}

// Quote says what settles a loan on a day.
type Quote struct {
	LoanID      string        `json:"loan_id"`
	On          calendar.Date `json:"on"`
	Due         Allocation    `json:"due"`
	Payoff      Allocation    `json:"payoff"`
	PayoffMinor int64         `json:"payoff_minor"`
}

const quoteDaysMax = 92

// Quote computes the settlement amount on a day from the business date on, at
// most 92 days ahead, if nothing else happens until then.
func (s *Service) Quote(ctx context.Context, p auth.Principal, id string, on calendar.Date) (q Quote, err error) {
	err = s.see(ctx, p, id, func(tx *db.Tx, l Loan) error {
		today, err := tx.BusinessDate(ctx)
		if err != nil {
			return err
		}
		if on.IsZero() {
			on = today
		}
		if on.Before(today) || on.Sub(today) > quoteDaysMax {
			return fault.Field("on", "须在营业日至其后92天之间", "must lie between the business date and 92 days after it")
		}
		st, err := stateAt(ctx, tx, l, on)
		q = Quote{LoanID: id, On: on, Due: st.Due(), Payoff: st.Payoff(), PayoffMinor: st.Payoff().TotalMinor()}
		return err
	})
	return q, err
}

// see runs fn on a loan of the caller's branches.
func (s *Service) see(ctx context.Context, p auth.Principal, id string, fn func(tx *db.Tx, l Loan) error) error {
	if err := p.Require(PermissionRead); err != nil {
		return err
	}
	return s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		l, err := ByID(ctx, tx, id)
		if err != nil {
			return err
		}
		if !p.Sees(l.BranchPath) {
			return fault.NotFoundError("loan", id)
		}
		return fn(tx, l)
	})
}

// StatementLine is one line of a statement.
type StatementLine struct {
	Date       calendar.Date `json:"date"`
	Kind       string        `json:"kind" doc:"instalment_due, or the kind of the event"`
	Memo       fault.Text    `json:"memo"`
	Amount     int64         `json:"amount_minor" doc:"disbursed and billed amounts are positive, repayments negative"`
	Allocation *Allocation   `json:"allocation,omitempty"`
	Principal  int64         `json:"principal_minor" doc:"principal owed after this line"`
}

// Statement is everything that happened to a loan in a period.
type Statement struct {
	Loan         Loan            `json:"loan"`
	From         calendar.Date   `json:"from"`
	Until        calendar.Date   `json:"until"`
	OpeningMinor int64           `json:"opening_principal_minor"`
	ClosingMinor int64           `json:"closing_principal_minor"`
	Lines        []StatementLine `json:"lines"`
	Totals       Totals          `json:"totals" doc:"running sums at the end of the period"`
}

// Statement lists a loan's life between two dates; empty dates mean its whole life.
func (s *Service) Statement(ctx context.Context, p auth.Principal, id string, from, until calendar.Date) (out Statement, err error) {
	err = s.see(ctx, p, id, func(tx *db.Tx, l Loan) error {
		if from.IsZero() {
			from = l.Terms.Start
		}
		if until.IsZero() || until.After(l.ProcessedTo) {
			until = l.ProcessedTo
		}
		if until.Before(from) {
			return fault.Field("until", "不得早于起始日期", "must not be before the first date")
		}
		events, err := Events(ctx, tx, l.ID)
		if err != nil {
			return err
		}
		out, err = statement(l, plain(events), from, until)
		return err
	})
	return out, err
}

// statement walks the loan from event to event and keeps what lies in the period.
func statement(l Loan, events []Event, from, until calendar.Date) (Statement, error) {
	out := Statement{Loan: l, From: from, Until: until, Lines: []StatementLine{}}
	st := newState(l.Terms)
	keep := func(line StatementLine) {
		if line.Date.Before(from) {
			out.OpeningMinor = line.Principal
			return
		}
		out.Lines = append(out.Lines, line)
	}
	billed := 0
	pass := func(to calendar.Date) error {
		if err := st.Advance(to); err != nil {
			return err
		}
		for ; billed < st.Next; billed++ {
			r := st.Rows[billed]
			keep(StatementLine{
				Date: r.DueDate, Kind: "instalment_due", Amount: r.TotalMinor, Principal: st.Principal(),
				Memo: fault.Text{Zh: "第 " + itoa(r.No) + " 期到期", En: "instalment " + itoa(r.No) + " due"},
			})
		}
		return nil
	}
	ordered, err := standing(events)
	if err != nil {
		return out, err
	}
	for _, e := range ordered {
		if e.Date.After(until) {
			break
		}
		if err := pass(e.Date); err != nil {
			return out, err
		}
		a, err := st.Apply(e)
		if err != nil {
			return out, err
		}
		line := StatementLine{Date: e.Date, Kind: string(e.Kind), Memo: kindNames[e.Kind], Amount: e.AmountMinor, Principal: st.Principal()}
		switch e.Kind { //nolint:exhaustive // the others charge their amount, or have none
		case Waived:
			line.Amount = -e.AmountMinor
		case Transferred:
			line.Amount = 0 // the price is between the holders
		case Repaid:
			line.Amount, line.Allocation = -e.AmountMinor, &a
			billed = min(billed+closing(&st, billed), st.Next)
		}
		keep(line)
	}
	if err := pass(until); err != nil {
		return out, err
	}
	out.ClosingMinor, out.Totals = st.Principal(), st.Totals
	return out, nil
}

// closing skips the row that a settlement makes of the running period: its
// interest is in the repayment's own line.
func closing(st *State, billed int) int {
	if st.Status == Settled {
		return st.Next - billed
	}
	return 0
}
