package statement

import (
	"context"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Span is what a report covers; an empty branch is the whole institution, an empty currency the base one.
type Span struct {
	From     calendar.Date
	Until    calendar.Date
	Branch   string
	Currency money.Currency
}

// Service makes the reports.
type Service struct{ db *db.DB }

// NewService makes the service.
func NewService(d *db.DB) *Service { return &Service{db: d} }

var selectBase = db.Q(`select currency from institution where institution_id = $1`)

// with opens a snapshot, fills in what the span leaves out and gives the chart.
func (s *Service) with(ctx context.Context, p auth.Principal, in Span, fn func(tx *db.Tx, in Span, chart []journal.Account) error) error {
	if err := p.Require(journal.PermissionRead); err != nil {
		return err
	}
	return s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		today, err := tx.BusinessDate(ctx)
		if err != nil {
			return err
		}
		if in.Until.IsZero() {
			in.Until = today
		}
		if in.From.IsZero() {
			in.From = calendar.Of(in.Until.Year(), 1, 1)
		}
		if in.From.After(in.Until) {
			return fault.Field("from", "晚于截止日", "is after the last day")
		}
		if in.Currency == "" {
			if err := tx.QueryRow(ctx, selectBase, tx.Institution).Scan(&in.Currency); err != nil {
				return err
			}
		}
		if _, known := in.Currency.Decimals(); !known {
			return fault.Field("currency", "未知币种", "is not a known currency")
		}
		chart, err := journal.Accounts(ctx, tx)
		if err != nil {
			return err
		}
		return fn(tx, in, chart)
	})
}

func both(ctx context.Context, tx *db.Tx, in Span) (before, after []journal.Position, err error) {
	if before, err = journal.PositionsUntil(ctx, tx, in.From.AddDays(-1)); err != nil {
		return nil, nil, err
	}
	after, err = journal.PositionsUntil(ctx, tx, in.Until)
	return inBranch(before, in.Branch), inBranch(after, in.Branch), err
}

// Trial is the trial balance of a span, in every currency.
func (s *Service) Trial(ctx context.Context, p auth.Principal, in Span) (out Trial, err error) {
	err = s.with(ctx, p, in, func(tx *db.Tx, in Span, chart []journal.Account) error {
		before, after, err := both(ctx, tx, in)
		out = Trial{From: in.From, Until: in.Until}
		out.Lines, out.Sums = trial(before, after, chart)
		return err
	})
	return out, err
}

// BalanceSheet is what stands at the end of the span's last day.
func (s *Service) BalanceSheet(ctx context.Context, p auth.Principal, in Span) (out BalanceSheet, err error) {
	err = s.with(ctx, p, in, func(tx *db.Tx, in Span, chart []journal.Account) error {
		positions, err := journal.PositionsUntil(ctx, tx, in.Until)
		out = balanceSheet(inBranch(positions, in.Branch), chart, in.Currency)
		out.AsOf = in.Until
		return err
	})
	return out, err
}

// IncomeStatement is income and expense of the span.
func (s *Service) IncomeStatement(ctx context.Context, p auth.Principal, in Span) (out IncomeStatement, err error) {
	err = s.with(ctx, p, in, func(tx *db.Tx, in Span, chart []journal.Account) error {
		before, after, err := both(ctx, tx, in)
		if err != nil {
			return err
		}
		carried, err := journal.PositionsOfObject(ctx, tx, journal.ObjectYearClose, in.From, in.Until)
		out = incomeStatement(before, after, inBranch(carried, in.Branch), chart, in.Currency)
		out.From, out.Until = in.From, in.Until
		return err
	})
	return out, err
}

// Segments sums accounts by branch or by product at the end of the span's last day.
func (s *Service) Segments(ctx context.Context, p auth.Principal, in Span, by, account string) (out []Segment, err error) {
	err = s.with(ctx, p, in, func(tx *db.Tx, in Span, chart []journal.Account) error {
		positions, err := journal.PositionsUntil(ctx, tx, in.Until)
		of := func(p journal.Position) string { return p.Branch }
		if by == "product" {
			of = func(p journal.Position) string { return p.Product }
		}
		out = segments(inBranch(positions, in.Branch), chart, of, account)
		return err
	})
	return out, err
}

// Account is the general ledger of one account or sub-account.
func (s *Service) Account(ctx context.Context, p auth.Principal, f journal.StatementFilter) (journal.Statement, error) {
	return s.account(ctx, p, f, journal.AccountStatement)
}

// Whole is Account with all movements at once, for a file.
func (s *Service) Whole(ctx context.Context, p auth.Principal, f journal.StatementFilter) (journal.Statement, error) {
	return s.account(ctx, p, f, func(ctx context.Context, tx *db.Tx, f journal.StatementFilter) (journal.Statement, error) {
		return journal.WholeStatement(ctx, tx, f, exportMax)
	})
}

func (s *Service) account(ctx context.Context, p auth.Principal, f journal.StatementFilter,
	read func(context.Context, *db.Tx, journal.StatementFilter) (journal.Statement, error),
) (out journal.Statement, err error) {
	in := Span{From: f.From, Until: f.Until, Branch: f.Branch, Currency: f.Currency}
	err = s.with(ctx, p, in, func(tx *db.Tx, in Span, _ []journal.Account) error {
		f.From, f.Until, f.Currency = in.From, in.Until, in.Currency
		out, err = read(ctx, tx, f)
		return err
	})
	return out, err
}

// SubAccounts lists the sub-accounts of an account with what they hold.
func (s *Service) SubAccounts(ctx context.Context, p auth.Principal, account, cursor string, limit int) (page api.Page[journal.Balance], err error) {
	parts, err := api.DecodeCursor(cursor, 3)
	if err != nil {
		return page, err
	}
	err = s.with(ctx, p, Span{}, func(tx *db.Tx, _ Span, _ []journal.Account) error {
		rows, total, err := journal.SubBalances(ctx, tx, account, [3]string(parts), limit+1)
		page = api.Cut(rows, limit, total, func(b journal.Balance) []string { return []string{b.Sub, b.Branch, string(b.Currency)} })
		return err
	})
	return page, err
}
