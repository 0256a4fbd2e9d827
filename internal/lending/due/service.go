package due

import (
	"context"
	"net/http"
	"strconv"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Service answers questions about what falls due.
type Service struct{ db *db.DB }

// NewService makes the service.
func NewService(d *db.DB) *Service { return &Service{db: d} }

// Query narrows the calendar; empty fields do not.
type Query struct {
	Unit      Unit
	From      calendar.Date // empty: the month of the business date
	Until     calendar.Date
	ProductID string
	BranchID  string
}

// Calendar is what falls due in a period.
type Calendar struct {
	BusinessDate calendar.Date `json:"business_date"`
	Unit         Unit          `json:"unit" enum:"day,week,month"`
	From         calendar.Date `json:"from"`
	Until        calendar.Date `json:"until"`
	Cells        []Cell        `json:"cells" nullable:"false"`
	Totals       []Amount      `json:"totals" nullable:"false"`
	Branches     []Group       `json:"branches" nullable:"false"`
	Products     []Group       `json:"products" nullable:"false"`
}

// Calendar counts what falls due under the caller's branches.
func (s *Service) Calendar(ctx context.Context, p auth.Principal, q Query) (out Calendar, err error) {
	if err := p.Require(loan.PermissionRead); err != nil {
		return out, err
	}
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		today, err := tx.BusinessDate(ctx)
		if err != nil {
			return err
		}
		if q.From.IsZero() {
			q.From = Month.Start(today)
		}
		if q.Until.IsZero() {
			q.Until = Month.End(q.From)
		}
		if err := checkSpan(q.Unit, q.From, q.Until); err != nil {
			return err
		}
		args := []any{tx.Institution, p.BranchPattern(), q.From.String(), q.Until.String(), q.ProductID, q.BranchID, today.String()}
		days, err := readDaily(ctx, tx, args)
		if err != nil {
			return err
		}
		out = Calendar{BusinessDate: today, Unit: q.Unit, From: q.From, Until: q.Until, Cells: cells(q.Unit, q.From, q.Until, days), Totals: totals(days)}
		if out.Branches, err = readGroups(ctx, tx, sumByBranch, args); err != nil {
			return err
		}
		out.Products, err = readGroups(ctx, tx, sumByProduct, args)
		return err
	})
	return out, err
}

// ItemQuery pages through instalments.
type ItemQuery struct {
	Query

	State  string // open, cleared, overdue
	Limit  int
	Cursor string
}

// Items pages through the instalments of a period, in the order of their due dates.
func (s *Service) Items(ctx context.Context, p auth.Principal, q ItemQuery) (page api.Page[Item], err error) {
	if err := p.Require(loan.PermissionRead); err != nil {
		return page, err
	}
	key, err := api.DecodeCursor(q.Cursor, 3)
	if err != nil {
		return page, err
	}
	no, err := strconv.Atoi("0" + key[2])
	if err != nil {
		return page, fault.Field("cursor", "不是本列表给出的游标", "is not a cursor given by this list").Wrap(err)
	}
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		today, err := tx.BusinessDate(ctx)
		if err != nil {
			return err
		}
		if err := checkSpan(Month, q.From, q.Until); err != nil {
			return err
		}
		args := []any{tx.Institution, p.BranchPattern(), q.From.String(), q.Until.String(), q.ProductID, q.BranchID, today.String(), q.State}
		var total int64
		if err := tx.QueryRow(ctx, countItems, args...).Scan(&total); err != nil {
			return err
		}
		all, err := readItems(ctx, tx, today, append(args, key[0], key[1], no, q.Limit+1))
		page = api.Cut(all, q.Limit, total, func(x Item) []string { return []string{x.DueDate.String(), x.LoanID, strconv.Itoa(x.No)} })
		return err
	})
	return page, err
}

type dueCalendarInput struct {
	Unit      string `query:"unit" enum:"day,week,month" default:"day"`
	From      string `query:"from" format:"date" doc:"empty: the month of the business date"`
	Until     string `query:"until" format:"date" doc:"empty: the end of that month"`
	ProductID string `query:"product_id" maxLength:"80"`
	BranchID  string `query:"branch_id" maxLength:"80"`
}

type dueCalendarOutput struct{ Body Calendar }

type dueItemsInput struct {
	api.PageQuery
	From      string `query:"from" format:"date" required:"true"`
	Until     string `query:"until" format:"date" required:"true"`
	ProductID string `query:"product_id" maxLength:"80"`
	BranchID  string `query:"branch_id" maxLength:"80"`
	State     string `query:"state" enum:"open,cleared,overdue"`
}

type dueItemsOutput struct{ Body api.Page[Item] }

func period(from, until string) (a, b calendar.Date, err error) {
	for _, x := range []struct {
		field, text string
		to          *calendar.Date
	}{{"from", from, &a}, {"until", until, &b}} {
		if *x.to, err = api.Date(x.field, x.text); err != nil {
			return a, b, err
		}
	}
	return a, b, nil
}

// Routes registers the operations of the calendar.
func Routes(a *api.API, s *Service) {
	api.Handle(a, api.Op{ID: "get-due-calendar", Method: http.MethodGet, Path: "/api/v1/due-calendar", Tag: "lending", Zh: "还款日历", En: "Repayment calendar", Policy: api.Need(loan.PermissionRead)},
		func(ctx context.Context, p auth.Principal, in *dueCalendarInput) (*dueCalendarOutput, error) {
			from, until, err := period(in.From, in.Until)
			if err != nil {
				return nil, err
			}
			out, err := s.Calendar(ctx, p, Query{Unit: Unit(in.Unit), From: from, Until: until, ProductID: in.ProductID, BranchID: in.BranchID})
			return &dueCalendarOutput{Body: out}, err
		})
	api.Handle(a, api.Op{ID: "list-due-items", Method: http.MethodGet, Path: "/api/v1/due-items", Tag: "lending", Zh: "到期明细", En: "Instalments that fall due", Policy: api.Need(loan.PermissionRead)},
		func(ctx context.Context, p auth.Principal, in *dueItemsInput) (*dueItemsOutput, error) {
			from, until, err := period(in.From, in.Until)
			if err != nil {
				return nil, err
			}
			page, err := s.Items(ctx, p, ItemQuery{Query: Query{From: from, Until: until, ProductID: in.ProductID, BranchID: in.BranchID}, State: in.State, Limit: in.Limit, Cursor: in.Cursor})
			return &dueItemsOutput{Body: page}, err
		})
}
