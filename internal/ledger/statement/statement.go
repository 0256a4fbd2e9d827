// Package statement makes the reports of the books: trial balance with opening, movement and closing, balance
// sheet, statement of income, aggregates by branch and product, and their export. It reads the sealed months
// and days, never the whole history, and refuses a row that does not bear its seal.
package statement

import (
	"cmp"
	"slices"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
)

// Line is an account in a currency over a span of days.
type Line struct {
	journal.Account

	Currency     money.Currency `json:"currency"`
	OpeningMinor int64          `json:"opening_minor" doc:"on the account's normal side"`
	DebitMinor   int64          `json:"debit_minor"`
	CreditMinor  int64          `json:"credit_minor"`
	ClosingMinor int64          `json:"closing_minor" doc:"on the account's normal side"`
}

// Sum is one currency's totals: both sides must agree, on and off the balance sheet.
type Sum struct {
	Currency        money.Currency `json:"currency"`
	DebitMinor      int64          `json:"debit_minor"`
	CreditMinor     int64          `json:"credit_minor"`
	MemoDebitMinor  int64          `json:"memo_debit_minor"`
	MemoCreditMinor int64          `json:"memo_credit_minor"`
	Balanced        bool           `json:"balanced"`
}

// Trial is a trial balance.
type Trial struct {
	From  calendar.Date `json:"from"`
	Until calendar.Date `json:"until"`
	Lines []Line        `json:"lines"`
	Sums  []Sum         `json:"sums"`
}

type key struct {
	account  string
	currency money.Currency
}

func byCode(chart []journal.Account) map[string]journal.Account {
	out := make(map[string]journal.Account, len(chart))
	for _, a := range chart {
		out[a.Code] = a
	}
	return out
}

func normal(a journal.Account, net int64) int64 {
	if a.Kind.DebitNormal() {
		return net
	}
	return -net
}

// trial makes the trial balance of what stood before a span and what stands at its end.
func trial(before, after []journal.Position, chart []journal.Account) ([]Line, []Sum) {
	accounts := byCode(chart)
	lines := map[key]*Line{}
	at := func(p journal.Position) *Line {
		k := key{p.Account, p.Currency}
		if lines[k] == nil {
			lines[k] = &Line{Account: accounts[p.Account], Currency: p.Currency}
		}
		return lines[k]
	}
	for _, p := range after {
		l := at(p)
		l.DebitMinor += p.DebitMinor
		l.CreditMinor += p.CreditMinor
		l.ClosingMinor += normal(l.Account, p.NetMinor())
	}
	for _, p := range before {
		l := at(p)
		l.DebitMinor -= p.DebitMinor
		l.CreditMinor -= p.CreditMinor
		l.OpeningMinor += normal(l.Account, p.NetMinor())
	}
	out := make([]Line, 0, len(lines))
	sums := map[money.Currency]*Sum{}
	for _, l := range lines {
		out = append(out, *l)
		s := sums[l.Currency]
		if s == nil {
			s = &Sum{Currency: l.Currency}
			sums[l.Currency] = s
		}
		if l.Kind == journal.Memo {
			s.MemoDebitMinor += l.DebitMinor
			s.MemoCreditMinor += l.CreditMinor
		} else {
			s.DebitMinor += l.DebitMinor
			s.CreditMinor += l.CreditMinor
		}
	}
	slices.SortFunc(out, func(a, b Line) int { return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.Currency, b.Currency)) })
	totals := make([]Sum, 0, len(sums))
	for _, s := range sums {
		s.Balanced = s.DebitMinor == s.CreditMinor && s.MemoDebitMinor == s.MemoCreditMinor
		totals = append(totals, *s)
	}
	slices.SortFunc(totals, func(a, b Sum) int { return cmp.Compare(a.Currency, b.Currency) })
	return out, totals
}

// Item is one account of a financial statement.
type Item struct {
	Code        string `json:"code"`
	NameZh      string `json:"name_zh"`
	NameEn      string `json:"name_en"`
	AmountMinor int64  `json:"amount_minor"`
}

// Section is a part of a financial statement with its total.
type Section struct {
	Kind       journal.Kind `json:"kind"`
	Items      []Item       `json:"items"`
	TotalMinor int64        `json:"total_minor"`
}

// BalanceSheet is what stands at the end of a day, in one currency. The result of income and expense that is
// not carried over yet stands with equity.
type BalanceSheet struct {
	AsOf        calendar.Date  `json:"as_of"`
	Currency    money.Currency `json:"currency"`
	Assets      Section        `json:"assets"`
	Liabilities Section        `json:"liabilities"`
	Equity      Section        `json:"equity"`
	ResultMinor int64          `json:"result_minor" doc:"income minus expense not carried over yet"`
	Memo        Section        `json:"memo" doc:"off the balance sheet"`
	Balanced    bool           `json:"balanced"`
}

// IncomeStatement is income and expense over a span of days in one currency, without the carrying over at the
// end of a year.
type IncomeStatement struct {
	From        calendar.Date  `json:"from"`
	Until       calendar.Date  `json:"until"`
	Currency    money.Currency `json:"currency"`
	Income      Section        `json:"income"`
	Expense     Section        `json:"expense"`
	ResultMinor int64          `json:"result_minor"`
}

// section adds the accounts of a kind up, on their normal side.
func section(kind journal.Kind, nets map[string]int64, chart []journal.Account) Section {
	s := Section{Kind: kind, Items: []Item{}}
	for _, a := range chart { // in order of code
		net, found := nets[a.Code]
		if a.Kind != kind || !found || net == 0 {
			continue
		}
		amount := normal(a, net)
		s.Items = append(s.Items, Item{a.Code, a.NameZh, a.NameEn, amount})
		s.TotalMinor += amount
	}
	return s
}

func nets(positions []journal.Position, c money.Currency, sign int64, into map[string]int64) {
	for _, p := range positions {
		if p.Currency == c {
			into[p.Account] += sign * p.NetMinor()
		}
	}
}

func balanceSheet(positions []journal.Position, chart []journal.Account, c money.Currency) BalanceSheet {
	n := map[string]int64{}
	nets(positions, c, 1, n)
	b := BalanceSheet{Currency: c, Assets: section(journal.Asset, n, chart), Liabilities: section(journal.Liability, n, chart), Equity: section(journal.Equity, n, chart), Memo: section(journal.Memo, n, chart)}
	b.ResultMinor = section(journal.Income, n, chart).TotalMinor - section(journal.Expense, n, chart).TotalMinor
	b.Balanced = b.Assets.TotalMinor == b.Liabilities.TotalMinor+b.Equity.TotalMinor+b.ResultMinor
	return b
}

func incomeStatement(before, after, carried []journal.Position, chart []journal.Account, c money.Currency) IncomeStatement {
	n := map[string]int64{}
	nets(after, c, 1, n)
	nets(before, c, -1, n)
	nets(carried, c, -1, n)
	s := IncomeStatement{Currency: c, Income: section(journal.Income, n, chart), Expense: section(journal.Expense, n, chart)}
	s.ResultMinor = s.Income.TotalMinor - s.Expense.TotalMinor
	return s
}

// Segment is what one branch or product holds of an account.
type Segment struct {
	Segment  string         `json:"segment" doc:"branch or product id; empty: none was given"`
	Code     string         `json:"code"`
	NameZh   string         `json:"name_zh"`
	NameEn   string         `json:"name_en"`
	Kind     journal.Kind   `json:"kind"`
	Currency money.Currency `json:"currency"`
	NetMinor int64          `json:"net_minor" doc:"on the account's normal side"`
}

func segments(positions []journal.Position, chart []journal.Account, by func(journal.Position) string, account string) []Segment {
	accounts := byCode(chart)
	type at struct {
		segment string
		key
	}
	sums := map[at]int64{}
	for _, p := range positions {
		if account == "" || account == p.Account {
			sums[at{by(p), key{p.Account, p.Currency}}] += p.NetMinor()
		}
	}
	out := make([]Segment, 0, len(sums))
	for k, net := range sums {
		a := accounts[k.account]
		out = append(out, Segment{k.segment, a.Code, a.NameZh, a.NameEn, a.Kind, k.currency, normal(a, net)})
	}
	slices.SortFunc(out, func(a, b Segment) int {
		return cmp.Or(cmp.Compare(a.Segment, b.Segment), cmp.Compare(a.Code, b.Code), cmp.Compare(a.Currency, b.Currency))
	})
	return out
}

// inBranch keeps the positions of one branch; an empty branch keeps all.
func inBranch(positions []journal.Position, branch string) []journal.Position {
	if branch == "" {
		return positions
	}
	return slices.DeleteFunc(slices.Clone(positions), func(p journal.Position) bool { return p.Branch != branch })
}
