package ageing

import (
	"context"
	"slices"
	"strings"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/ledger/recipe"
	"github.com/capillary-finance/capillary/internal/lending/eod"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// StepReport is the step of the close of business that makes the report.
const StepReport eod.Step = "report"

// Service makes the reports and reads them.
type Service struct{ db *db.DB }

// NewService makes the service.
func NewService(d *db.DB) *Service { return &Service{db: d} }

// Work is the step, after the night's sums are in the books. Repeating it writes the same report again.
func (s *Service) Work() eod.Work {
	return eod.Work{Name: StepReport, Text: fault.Text{Zh: "账龄报表", En: "ageing report"}, After: eod.StepPost, Run: func(ctx context.Context, d *eod.Day) error {
		return s.Take(ctx, d.Principal, d.Run.NextDate)
	}}
}

// Take counts the book in one snapshot and keeps the report of a date.
func (s *Service) Take(ctx context.Context, p auth.Principal, asOf calendar.Date) error {
	var cells []cell
	var ties []Tie
	err := s.db.View(ctx, p.Scope(), func(tx *db.Tx) (err error) {
		if cells, err = count(ctx, tx, asOf); err != nil {
			return err
		}
		ties, err = tie(ctx, tx, asOf, cells)
		return err
	})
	if err != nil {
		return err
	}
	return s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error { return put(ctx, tx, asOf, cells, ties) })
}

// tie sums the loans' principal and the accounts that stand for it. The balance is that of everything posted: what the
// day brings already is in the loans as well.
func tie(ctx context.Context, tx *db.Tx, asOf calendar.Date, cells []cell) ([]Tie, error) {
	sums := map[string]*Tie{}
	of := func(currency string) *Tie {
		if sums[currency] == nil {
			sums[currency] = &Tie{Currency: currency}
		}
		return sums[currency]
	}
	for _, c := range cells {
		of(c.currency).LoansMinor += c.sums.OutstandingMinor
	}
	positions, err := journal.PositionsUntil(ctx, tx, calendar.Date{})
	if err != nil {
		return nil, err
	}
	for _, at := range positions {
		roles, err := recipe.For(ctx, tx, at.Product, asOf)
		if err != nil {
			return nil, err
		}
		if at.Account == roles.Code(recipe.LoanPrincipal) {
			of(string(at.Currency)).LedgerMinor += at.NetMinor()
		}
	}
	out := make([]Tie, 0, len(sums))
	for _, t := range sums {
		out = append(out, *t)
	}
	slices.SortFunc(out, func(a, b Tie) int { return strings.Compare(a.Currency, b.Currency) })
	return out, nil
}

// Get reads the report of a date (zero: the latest) for the caller's branches. Without any report yet it is empty.
func (s *Service) Get(ctx context.Context, p auth.Principal, asOf calendar.Date) (r Report, err error) {
	if err := p.Require(loan.PermissionRead); err != nil {
		return r, err
	}
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		text := ""
		if !asOf.IsZero() {
			text = asOf.String()
		}
		var found bool
		if r, found, err = header(ctx, tx, text); err != nil {
			return err
		}
		if !found && text != "" {
			return fault.New(ReasonNone, "date", text).WithField("as_of")
		}
		r.Buckets, r.Totals, r.Branches, r.Products, r.Ties = Buckets(), []Row{}, []Row{}, []Row{}, []Tie{}
		if !found {
			return nil
		}
		return r.fill(ctx, tx, p)
	})
	return r, err
}

func (r *Report) fill(ctx context.Context, tx *db.Tx, p auth.Principal) error {
	all, err := readCells(ctx, tx, r.AsOf)
	if err != nil {
		return err
	}
	cells := slices.DeleteFunc(slices.Clone(all), func(c cell) bool { return !p.Sees(c.branchPath) })
	for _, c := range cells {
		r.Behind += c.behind
	}
	r.Branches = fold(cells, func(c cell) (string, string) { return c.branchID, c.branchName })
	r.Totals = fold(cells, func(cell) (string, string) { return "", "" })
	slices.SortStableFunc(cells, func(a, b cell) int { return strings.Compare(a.productID, b.productID) })
	r.Products = fold(cells, func(c cell) (string, string) { return c.productID, c.productID })
	if len(cells) == len(all) && p.Can(journal.PermissionRead) {
		r.Ties, err = readTies(ctx, tx, r.AsOf)
	}
	return err
}

// Course gives the days that have a report between two dates; no first date: three months before the last, no last: the business date.
func (s *Service) Course(ctx context.Context, p auth.Principal, from, until calendar.Date) (out []Point, err error) {
	if err := p.Require(loan.PermissionRead); err != nil {
		return nil, err
	}
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		if until.IsZero() {
			if until, err = tx.BusinessDate(ctx); err != nil {
				return err
			}
		}
		if from.IsZero() {
			from = until.AddMonths(-3, calendar.Clamp)
		}
		switch {
		case from.After(until):
			return fault.Field("from", "晚于截止日期", "is after the last date")
		case until.Sub(from) > courseDaysMax:
			return fault.Field("from", "期间过长：至多两年", "the period is too long: two years at most")
		}
		out, err = readCourse(ctx, tx, p.BranchPattern(), from, until)
		return err
	})
	return out, err
}
