package statement

import (
	"context"
	"net/http"
	"net/url"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// SpanQuery is embedded in inputs; embedded fields are read only when exported.
type SpanQuery struct {
	From     string `query:"from" format:"date" doc:"first day; empty: the first of January of the last day's year"`
	Until    string `query:"until" format:"date" doc:"last day; empty: the business date"`
	Branch   string `query:"branch" maxLength:"80" doc:"empty: the whole institution"`
	Currency string `query:"currency" maxLength:"3" doc:"empty: the base currency"`
}

func (q SpanQuery) span() Span {
	return Span{From: date(q.From), Until: date(q.Until), Branch: q.Branch, Currency: money.Currency(q.Currency)}
}

func date(s string) (d calendar.Date) {
	d, _ = calendar.Parse(s) //nolint:errcheck // the API has checked the form; empty is the zero date
	return d
}

type spanInput struct{ SpanQuery }

type statementTrialOutput struct{ Body Trial }

type balanceSheetOutput struct{ Body BalanceSheet }

type incomeStatementOutput struct{ Body IncomeStatement }

type segmentsInput struct {
	SpanQuery
	By      string `query:"by" enum:"branch,product" default:"branch"`
	Account string `query:"account" maxLength:"20" doc:"empty: every account"`
}

type segmentsOutput struct {
	Body struct {
		Items []Segment `json:"items"`
	}
}

type accountStatementInput struct {
	SpanQuery
	api.PageQuery
	Account string `query:"account" required:"true" maxLength:"20"`
	Sub     string `query:"sub" maxLength:"80" doc:"empty: the whole account"`
}

type accountStatementOutput struct{ Body journal.Statement }

type subAccountsInput struct {
	api.PageQuery
	Account string `query:"account" required:"true" maxLength:"20"`
}

type subAccountsOutput struct{ Body api.Page[journal.Balance] }

// Routes registers the operations.
func Routes(a *api.API, s *Service) {
	op := func(id, path, zh, en string) api.Op {
		return api.Op{ID: id, Method: http.MethodGet, Path: "/api/v1/ledger/" + path, Tag: "ledger", Zh: zh, En: en, Policy: api.Need(journal.PermissionRead)}
	}
	api.Handle(a, op("get-period-trial-balance", "trial", "试算平衡表（期初、发生、期末）", "Trial balance with opening, movement and closing"),
		func(ctx context.Context, p auth.Principal, in *spanInput) (*statementTrialOutput, error) {
			t, err := s.Trial(ctx, p, in.span())
			return &statementTrialOutput{Body: t}, err
		})
	api.Handle(a, op("get-balance-sheet", "balance-sheet", "资产负债表", "Balance sheet"),
		func(ctx context.Context, p auth.Principal, in *spanInput) (*balanceSheetOutput, error) {
			b, err := s.BalanceSheet(ctx, p, in.span())
			return &balanceSheetOutput{Body: b}, err
		})
	api.Handle(a, op("get-income-statement", "income-statement", "利润表", "Statement of income"),
		func(ctx context.Context, p auth.Principal, in *spanInput) (*incomeStatementOutput, error) {
			i, err := s.IncomeStatement(ctx, p, in.span())
			return &incomeStatementOutput{Body: i}, err
		})
	api.Handle(a, op("list-segments", "segments", "按机构或产品汇总", "Accounts by branch or product"),
		func(ctx context.Context, p auth.Principal, in *segmentsInput) (*segmentsOutput, error) {
			out := &segmentsOutput{}
			var err error
			out.Body.Items, err = s.Segments(ctx, p, in.span(), in.By, in.Account)
			return out, err
		})
	api.Handle(a, op("get-account-statement", "account-statement", "明细账", "General ledger of an account with running balance"),
		func(ctx context.Context, p auth.Principal, in *accountStatementInput) (*accountStatementOutput, error) {
			t, err := s.Account(ctx, p, in.filter())
			return &accountStatementOutput{Body: t}, err
		})
	api.Handle(a, op("list-sub-accounts", "sub-accounts", "子户余额", "Sub-accounts with their balances"),
		func(ctx context.Context, p auth.Principal, in *subAccountsInput) (*subAccountsOutput, error) {
			page, err := s.SubAccounts(ctx, p, in.Account, in.Cursor, in.Limit)
			return &subAccountsOutput{Body: page}, err
		})
	export := op("export-ledger-report", "export", "导出报表", "Export a report as CSV or XLSX")
	export.Query = []api.QueryParam{
		{Name: "report", Values: []string{"trial", "balance_sheet", "income_statement", "account"}}, {Name: "format", Values: []string{"csv", "xlsx"}},
		{Name: "from", Date: true, Doc: "first day; empty: the first of January of the last day's year"}, {Name: "until", Date: true, Doc: "last day; empty: the business date"},
		{Name: "branch", Doc: "empty: the whole institution"}, {Name: "currency", Doc: "empty: the base currency"},
		{Name: "account", Doc: "with report=account"}, {Name: "sub", Doc: "with report=account; empty: the whole account"},
	}
	a.Raw(export, s.export)
}

func (in accountStatementInput) filter() journal.StatementFilter {
	f := in.span()
	return journal.StatementFilter{
		Account: in.Account, Sub: in.Sub, Branch: f.Branch, Currency: f.Currency, From: f.From, Until: f.Until, Limit: in.Limit, Cursor: in.Cursor,
	}
}

// exportMax bounds the movements in one exported statement.
const exportMax = 50_000

func (s *Service) export(w http.ResponseWriter, r *http.Request, p auth.Principal) error {
	q := r.URL.Query()
	lang := api.Language(r.Context())
	for _, name := range []string{"from", "until"} {
		if _, err := api.Date(name, q.Get(name)); err != nil {
			return err
		}
	}
	out, err := s.sheetOf(r.Context(), p, q, lang)
	if err != nil {
		return err
	}
	name := q.Get("report") + "-" + q.Get("until")
	switch q.Get("format") {
	case "csv":
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		w.Header().Set("Content-Disposition", "attachment; filename="+name+".csv")
		return out.writeCSV(w)
	case "xlsx":
		w.Header().Set("Content-Type", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
		w.Header().Set("Content-Disposition", "attachment; filename="+name+".xlsx")
		return out.writeXLSX(w)
	}
	return fault.Field("format", "须为 csv 或 xlsx", "must be csv or xlsx")
}

func (s *Service) sheetOf(ctx context.Context, p auth.Principal, q url.Values, lang string) (sheet, error) {
	in := SpanQuery{From: q.Get("from"), Until: q.Get("until"), Branch: q.Get("branch"), Currency: q.Get("currency")}.span()
	switch q.Get("report") {
	case "trial":
		t, err := s.Trial(ctx, p, in)
		return trialSheet(t, lang), err
	case "balance_sheet":
		b, err := s.BalanceSheet(ctx, p, in)
		return balanceSheetRows(b, lang), err
	case "income_statement":
		i, err := s.IncomeStatement(ctx, p, in)
		return incomeRows(i, lang), err
	case "account":
		a, err := s.Whole(ctx, p, journal.StatementFilter{
			Account: q.Get("account"), Sub: q.Get("sub"), Branch: in.Branch, Currency: in.Currency, From: in.From, Until: in.Until,
		})
		return accountSheet(a, lang), err
	}
	return sheet{}, fault.Field("report", "未知报表", "is not a report")
}
