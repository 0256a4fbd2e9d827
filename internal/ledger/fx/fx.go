// Package fx keeps exchange rates and revalues foreign-currency balances into the base currency. The books
// keep each currency apart (分账制): what a currency's accounts do not balance among themselves stands on the
// exchange position, whose worth in base currency stands on the position's equivalent, by currency. A
// revaluation carries income, expense and other non-monetary balances over at the day's rate, then brings
// the equivalent to the position's present worth; the difference is the exchange result.
package fx

import (
	"cmp"
	"maps"
	"slices"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/canary"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/ledger/recipe"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Reasons of exchange.
var (
	ReasonRateMissing = fault.Declare("FX_RATE_MISSING", fault.Conflict, "缺少 {date} 或之前十日内 {currency} 的汇率", "No rate of {currency} is kept for {date} or the ten days before",
		"先录入并复核汇率", "Enter the rate and have it reviewed first")
	ReasonFuture = fault.Declare("FX_DATE_AHEAD", fault.Conflict, "重估日 {date} 晚于营业日 {business_date}", "The date {date} is after the business date {business_date}",
		"选择营业日或更早的日期", "Choose the business date or an earlier one")
	ReasonNotLast = fault.Declare("FX_NOT_LAST", fault.Conflict, "只能冲销最近一次重估（{last}）", "Only the last revaluation ({last}) can be reversed",
		"从最近一次开始依次冲销", "Reverse the later ones first")
)

// rateDaysMax is how old a rate may be: longer than any run of holidays.
const rateDaysMax = 10

// Value is what minor units of a currency are worth in base currency at a rate (base units for one unit),
// rounded half away from zero, so that a balance and its mirror are worth opposite amounts.
func Value(minor int64, c, base money.Currency, r rate.Rate) (int64, error) {
	unit, ok1 := c.Unit()
	baseUnit, ok2 := base.Unit()
	if !ok1 || !ok2 {
		return 0, fault.Field("currency", "未知币种", "is not a known currency")
	}
	return money.MulDivWide(minor, int64(r), baseUnit, rate.Scale, unit, money.HalfUp)
}

// books is what a revaluation looks at, as of its date.
type books struct {
	date       calendar.Date
	run        int
	base       money.Currency
	accounts   map[string]journal.Account
	positions  []journal.Position
	equivalent map[place]int64 // what stands on the equivalent's sub-account of a currency, debit positive
	rates      map[money.Currency]rate.Rate
	roles      recipe.Map
}

// place is a currency's position in a branch.
type place struct {
	branch   string
	currency money.Currency
}

const perEntry = 20 // accounts carried over in one entry; each makes four lines

// revalue makes the entries of a revaluation and its result; the same books revalued give none.
func (b books) revalue() (drafts []journal.Draft, result int64, err error) {
	position := map[place]int64{}
	equivalent := maps.Clone(b.equivalent)
	if equivalent == nil || canary.On("fx_forgets") {
		equivalent = map[place]int64{}
	}
	type bucket struct {
		place
		product string
	}
	carried := map[bucket][]journal.Line{}
	for _, p := range b.positions {
		a := b.accounts[p.Account]
		net := p.NetMinor()
		if p.Currency == b.base || a.Kind == journal.Memo || p.Account == b.roles.Code(recipe.FXEquivalent) {
			continue
		}
		at := place{p.Branch, p.Currency}
		if p.Account == b.roles.Code(recipe.FXPosition) {
			position[at] += net
			continue
		}
		if a.Monetary || net == 0 {
			continue
		}
		v, err := b.value(net, p.Currency)
		if err != nil {
			return nil, 0, err
		}
		k := bucket{at, p.Product}
		carried[k] = append(carried[k], b.carry(p.Account, p.Currency, net, v)...)
		position[at] += net
		equivalent[at] -= v
	}
	buckets := slices.SortedFunc(maps.Keys(carried), func(x, y bucket) int {
		return cmp.Or(comparePlaces(x.place, y.place), cmp.Compare(x.product, y.product))
	})
	for _, k := range buckets {
		for lines := carried[k]; len(lines) > 0; {
			part := lines[:min(len(lines), 4*perEntry)]
			lines = lines[len(part):]
			drafts = append(drafts, b.draft(len(drafts), k.place, k.product, "外币损益折算", "Non-monetary balances carried into base currency", part))
		}
	}
	for at := range equivalent { // a position that has gone to zero may leave an equivalent behind
		position[at] += 0
	}
	for _, at := range slices.SortedFunc(maps.Keys(position), comparePlaces) {
		worth, err := b.value(-position[at], at.currency)
		if err != nil {
			return nil, 0, err
		}
		gain := worth - equivalent[at]
		if gain == 0 {
			continue
		}
		drafts = append(drafts, b.draft(len(drafts), at, "", "外币重估", "Revaluation of foreign currency", []journal.Line{
			{Account: b.roles.Code(recipe.FXEquivalent), Sub: string(at.currency), Currency: b.base, AmountMinor: gain},
			{Account: b.roles.Code(recipe.FXResult), Currency: b.base, AmountMinor: -gain},
		}))
		result += gain
	}
	return drafts, result, nil
}

func comparePlaces(x, y place) int {
	return cmp.Or(cmp.Compare(x.branch, y.branch), cmp.Compare(x.currency, y.currency))
}

func (b books) value(minor int64, c money.Currency) (int64, error) {
	if minor == 0 {
		return 0, nil
	}
	r, known := b.rates[c]
	if !known {
		return 0, fault.New(ReasonRateMissing, "currency", string(c), "date", b.date)
	}
	return Value(minor, c, b.base, r)
}

// carry empties an account's foreign balance into the position and books its worth in base currency instead.
func (b books) carry(account string, c money.Currency, net, worth int64) []journal.Line {
	lines := []journal.Line{
		{Account: account, Currency: c, AmountMinor: -net},
		{Account: b.roles.Code(recipe.FXPosition), Currency: c, AmountMinor: net},
	}
	if worth == 0 { // less than half a unit: nothing to book
		return lines
	}
	return append(lines,
		journal.Line{Account: b.roles.Code(recipe.FXEquivalent), Sub: string(c), Currency: b.base, AmountMinor: -worth},
		journal.Line{Account: account, Currency: b.base, AmountMinor: worth})
}

func (b books) draft(n int, at place, product, zh, en string, lines []journal.Line) journal.Draft {
	return journal.Draft{
		Key: entryKey(b.date, b.run, n+1), Date: b.date, Memo: fault.Text{Zh: zh + " " + string(at.currency), En: en + " " + string(at.currency)},
		Object: "revaluation", ObjectID: b.date.String(), Branch: at.branch, Product: product, Lines: lines,
	}
}
