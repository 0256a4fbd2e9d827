// Package period closes the books month by month. A closed month takes no entry any more; opening the last
// one again needs two people. The end of a year moves income and expense into the profit of the year and
// that into the profit distribution, before its December closes.
package period

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Reasons of periods.
var (
	ReasonRunning = fault.Declare("PERIOD_NOT_OVER", fault.Conflict, "期间 {period} 尚未结束（营业日 {business_date}）", "The period {period} is not over (business date {business_date})",
		"待营业日进入下一期间后再结账", "Close it when the business date has left it")
	ReasonClosed = fault.Declare("PERIOD_CLOSED_ALREADY", fault.Conflict, "期间 {period} 已结账", "The period {period} is closed already",
		"无需重复结账", "Nothing is left to do")
	ReasonNotLast = fault.Declare("PERIOD_NOT_LAST", fault.Conflict, "只能重新打开最近结账的期间（{last}）", "Only the last closed period ({last}) can be reopened",
		"按从近到远的顺序逐期打开", "Reopen the later ones first")
	ReasonUneven = fault.Declare("PERIOD_UNEVEN", fault.Internal, "期间 {period} 借贷不平，不能结账", "Debits and credits of {period} differ; it cannot be closed",
		"运行 capillary verify 查找原因", "Run capillary verify to find the cause")
	ReasonNothing = fault.Declare("PERIOD_NOTHING_TO_CLOSE", fault.Conflict, "{year} 年没有可结转的损益", "There is no profit or loss of {year} to carry over",
		"核对年度，或确认是否已结转", "Check the year, or whether it was carried over before")
)

// Period is a month with its state.
type Period struct {
	Month     string    `json:"month"`
	State     string    `json:"state" enum:"open,closed"`
	ChangedAt time.Time `json:"changed_at,omitzero"`
	ChangedBy string    `json:"changed_by"`
	Note      string    `json:"note"`
	Version   int64     `json:"version"`
}

// States of a month.
const (
	Open   = "open"
	Closed = "closed"
)

// parseMonth reads "2026-01" and gives its first and last day.
func parseMonth(s string) (first, last calendar.Date, err error) {
	first, err = calendar.Parse(s + "-01")
	if err != nil {
		return first, last, fault.Field("month", "须为 YYYY-MM", "must be YYYY-MM")
	}
	return first, first.AddMonths(1, calendar.Clamp).AddDays(-1), nil
}

// months lists from first to last, both included.
func months(first, last string) []string {
	a, _, err := parseMonth(first)
	if err != nil {
		return nil
	}
	var out []string
	for m := a; m.String()[:7] <= last; m = m.AddMonths(1, calendar.Clamp) {
		out = append(out, m.String()[:7])
	}
	return out
}

// group is a set of books that balances by itself.
type group struct {
	branch, product string
	currency        money.Currency
}

const linesMax = 99 // an entry takes 100, one of which is the profit account

// closing makes the entries that empty income and expense into the profit of the year, per branch, product and
// currency, and that into the profit distribution. Run again after a late posting, it moves what has come since.
func closing(year, round int, positions []journal.Position, kinds map[string]journal.Kind) []journal.Draft {
	lines := map[group][]journal.Line{}
	for _, p := range positions {
		net := p.NetMinor()
		if !kinds[p.Account].ProfitAndLoss() || net == 0 {
			continue
		}
		g := group{p.Branch, p.Product, p.Currency}
		lines[g] = append(lines[g], journal.Line{Account: p.Account, Currency: p.Currency, AmountMinor: -net})
	}
	groups := make([]group, 0, len(lines))
	for g := range lines {
		groups = append(groups, g)
	}
	slices.SortFunc(groups, func(a, b group) int {
		return cmp.Or(cmp.Compare(a.branch, b.branch), cmp.Compare(a.product, b.product), cmp.Compare(a.currency, b.currency))
	})
	var out []journal.Draft
	date := calendar.Of(year, time.December, 31)
	add := func(g group, zh, en string, l []journal.Line) {
		out = append(out, journal.Draft{
			Key: fmt.Sprintf("year-close/%d/%d/%d", year, round, len(out)+1), Date: date, Memo: fault.Text{Zh: zh, En: en}, Object: ObjectYearClose,
			ObjectID: fmt.Sprint(year), Branch: g.branch, Product: g.product, Lines: l,
		})
	}
	for _, g := range groups {
		var profit int64
		for rest := lines[g]; len(rest) > 0; {
			part := rest[:min(len(rest), linesMax)]
			rest = rest[len(part):]
			var sum int64
			for _, l := range part {
				sum -= l.AmountMinor
			}
			all := append([]journal.Line(nil), part...)
			if sum != 0 {
				all = append(all, journal.Line{Account: journal.ProfitOfTheYear, Currency: g.currency, AmountMinor: sum})
			}
			add(g, fmt.Sprintf("%d年损益结转", year), fmt.Sprintf("Income and expense of %d carried to profit", year), all)
			profit += sum
		}
		if profit != 0 {
			add(g, fmt.Sprintf("%d年利润结转", year), fmt.Sprintf("Profit of %d carried to distribution", year), []journal.Line{
				{Account: journal.ProfitOfTheYear, Currency: g.currency, AmountMinor: -profit},
				{Account: journal.RetainedEarnings, Currency: g.currency, AmountMinor: profit},
			})
		}
	}
	return out
}

// ObjectYearClose marks the entries of a year's end, which statements of income leave out.
const ObjectYearClose = journal.ObjectYearClose
