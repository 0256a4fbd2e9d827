package feature_test

import (
	"math"
	"sort"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/evidence/source"
	"github.com/capillary-finance/capillary/internal/insight/feature"
)

// The oracle reads every feature straight from its definition, with loops over dates and no monthly sums.

type oracle struct{ valid, void []source.Invoice }

func newOracle(all []source.Invoice, day calendar.Date) oracle {
	var o oracle
	for _, inv := range all {
		if inv.Date.After(day) || !inv.Date.After(day.AddMonths(-60, calendar.Clamp)) {
			continue
		}
		if inv.Void {
			o.void = append(o.void, inv)
		} else {
			o.valid = append(o.valid, inv)
		}
	}
	return o
}

// between keeps a direction's invoices dated in (day - from months, day - to months].
func between(all []source.Invoice, dir source.Direction, day calendar.Date, from, to int) []source.Invoice {
	var out []source.Invoice
	for _, inv := range all {
		if inv.Direction == dir && inv.Date.After(day.AddMonths(-from, calendar.Clamp)) && !inv.Date.After(day.AddMonths(-to, calendar.Clamp)) {
			out = append(out, inv)
		}
	}
	return out
}

func net(all []source.Invoice) (s float64) {
	for _, inv := range all {
		s += float64(inv.NetMinor)
	}
	return s
}

func ratio(a, b float64) float64 {
	if b <= 0 {
		return math.NaN()
	}
	return a / b
}

func byParty(all []source.Invoice) map[string]float64 {
	m := map[string]float64{}
	for _, inv := range all {
		m[inv.Counterparty] += float64(inv.NetMinor)
	}
	return m
}

func positiveShares(m map[string]float64) []float64 {
	var s []float64
	var total float64
	for _, v := range m {
		if v > 0 {
			s, total = append(s, v), total+v
		}
	}
	for i := range s {
		s[i] /= total
	}
	sort.Sort(sort.Reverse(sort.Float64Slice(s)))
	return s
}

func top(shares []float64, n int) (s float64) {
	if len(shares) == 0 {
		return math.NaN()
	}
	for _, v := range shares[:min(n, len(shares))] {
		s += v
	}
	return s
}

func monthly(all []source.Invoice, dir source.Direction, day calendar.Date, months int) []float64 {
	out := make([]float64, months)
	for i := range out {
		out[i] = net(between(all, dir, day, i+1, i))
	}
	return out
}

func cv(v []float64) float64 {
	var mean, ss float64
	for _, x := range v {
		mean += x / float64(len(v))
	}
	for _, x := range v {
		ss += (x - mean) * (x - mean) / float64(len(v))
	}
	if mean <= 0 {
		return math.NaN()
	}
	return math.Sqrt(ss) / mean
}

func distinctDays(all []source.Invoice, day calendar.Date, within int) float64 {
	days := map[calendar.Date]bool{}
	for _, inv := range all {
		if day.Sub(inv.Date) < within {
			days[inv.Date] = true
		}
	}
	return float64(len(days))
}

func (o oracle) values(day calendar.Date) map[string]float64 {
	sales12, sales24 := between(o.valid, source.Sale, day, 12, 0), between(o.valid, source.Sale, day, 24, 12)
	all := between(o.valid, source.Sale, day, 60, 0)
	buys12 := between(o.valid, source.Purchase, day, 12, 0)
	shares := positiveShares(byParty(sales12))
	var tax, hhi, red, redAbs, activeMonths float64
	for _, inv := range sales12 {
		tax += float64(inv.TaxMinor)
	}
	for _, inv := range buys12 {
		tax -= float64(inv.TaxMinor)
	}
	for _, s := range shares {
		hhi += s * s
	}
	if len(shares) == 0 {
		hhi = math.NaN()
	}
	for _, inv := range all {
		if inv.GrossMinor < 0 {
			red++
			redAbs += math.Abs(float64(inv.NetMinor))
		}
	}
	for i := range 12 {
		if len(between(o.valid, source.Sale, day, i+1, i)) > 0 {
			activeMonths++
		}
	}
	voids := float64(len(between(o.void, source.Sale, day, 12, 0)))
	return map[string]float64{
		"sales_net_12m":               net(sales12),
		"sales_growth_yoy":            ratio(net(sales12), net(sales24)) - 1,
		"sales_cv_24m":                cv(monthly(o.valid, source.Sale, day, 24)),
		"sales_active_months_12m":     activeMonths,
		"sales_active_days_12m":       distinctDays(all, day, 365),
		"sales_void_rate_12m":         ratio(voids, voids+float64(len(sales12))),
		"sales_red_rate":              ratio(red, float64(len(all))),
		"sales_red_amount_rate":       ratio(redAbs, redAbs+net(all)),
		"buyer_hhi_12m":               hhi,
		"buyer_top1_share_12m":        top(shares, 1),
		"buyer_top3_share_12m":        top(shares, 3),
		"buyer_count_12m":             float64(len(byParty(sales12))),
		"buyer_count":                 float64(len(byParty(all))),
		"buyer_retention_12m":         retention(sales12, sales24),
		"supplier_new_share_12m":      newShare(buys12, o.valid, day),
		"vat_burden_12m":              ratio(tax, net(sales12)),
		"margin_12m":                  ratio(net(sales12)-net(buys12), net(sales12)),
		"sales_silence_days":          silence(all, day),
		"sales_longest_gap_24m":       longestGap(all, day),
		"sales_slope_12m":             trend(monthly(o.valid, source.Sale, day, 12)),
		"sales_drawdown_24m":          fall(monthly(o.valid, source.Sale, day, 24)),
		"sales_tau_24m":               kendall(o.valid, day),
		"buyer_regular_share_12m":     regular(sales12, day),
		"sales_month_end_share_12m":   ratio(net(only(sales12, func(i source.Invoice) bool { return i.Date.AddDays(5).Month() != i.Date.Month() })), net(sales12)),
		"sales_quarter_end_share_12m": ratio(net(only(sales12, func(i source.Invoice) bool { return i.Date.Month()%3 == 0 })), net(sales12)),
		"sales_untaxed_share_12m":     ratio(net(only(sales12, func(i source.Invoice) bool { return i.TaxMinor == 0 && i.NetMinor > 0 })), net(sales12)),
		"circular_sales_share_12m":    circular(sales12, o.valid),
		"cash_trough_12m":             trough(o.valid, day),
		"sales_halved_months_12m":     halved(monthly(o.valid, source.Sale, day, 13)),
		"sales_monthly_mean":          ratio(net(all), tenure(all, day)),
		"purchases_net_3m":            net(between(o.valid, source.Purchase, day, 3, 0)),
	}
}

func retention(now, before []source.Invoice) float64 {
	again, kept, total := byParty(now), 0.0, 0.0
	for party, v := range byParty(before) {
		if v <= 0 {
			continue
		}
		total += v
		if _, ok := again[party]; ok {
			kept += v
		}
	}
	return ratio(kept, total)
}

func newShare(year, ever []source.Invoice, day calendar.Date) float64 {
	fresh, total := 0.0, 0.0
	for party, v := range byParty(year) {
		if v <= 0 {
			continue
		}
		total += v
		known := false
		for _, inv := range ever {
			known = known || inv.Direction == source.Purchase && inv.Counterparty == party && !inv.Date.After(day.AddMonths(-12, calendar.Clamp))
		}
		if !known {
			fresh += v
		}
	}
	return ratio(fresh, total)
}

func silence(all []source.Invoice, day calendar.Date) float64 {
	best := math.NaN()
	for _, inv := range all {
		if age := float64(day.Sub(inv.Date)); math.IsNaN(best) || age < best {
			best = age
		}
	}
	return best
}

func longestGap(all []source.Invoice, day calendar.Date) float64 {
	var ages []int
	for _, inv := range all {
		if age := day.Sub(inv.Date); age < 730 {
			ages = append(ages, age)
		}
	}
	if len(ages) == 0 {
		return math.NaN()
	}
	sort.Ints(ages)
	longest, last := 0, -1
	for _, age := range ages {
		longest, last = max(longest, age-last-1), age
	}
	return float64(longest)
}

func TestAgainstTheOracle(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		all := drawInvoices(t)
		day := asOf.AddDays(-rapid.IntRange(0, 400).Draw(t, "day"))
		v := feature.Compute(day, all)
		for id, want := range newOracle(all, day).values(day) {
			_, at, ok := feature.Lookup(id)
			require.True(t, ok, id)
			got := v.Values[at]
			if math.IsNaN(want) {
				require.True(t, math.IsNaN(got), "%s: want none, got %v", id, got)
				continue
			}
			require.InDelta(t, want, got, 1e-9*max(1, math.Abs(want)), id)
		}
	})
}

func only(all []source.Invoice, keep func(source.Invoice) bool) []source.Invoice {
	var out []source.Invoice
	for _, inv := range all {
		if keep(inv) {
			out = append(out, inv)
		}
	}
	return out
}

// trend regresses the months on time, the newest first in v.
func trend(v []float64) float64 {
	var mean, covariance, variance float64
	for _, x := range v {
		mean += x / float64(len(v))
	}
	middle := float64(len(v)-1) / 2
	for i, x := range v {
		time := float64(len(v)-1-i) - middle
		covariance += time * x
		variance += time * time
	}
	if mean <= 0 {
		return math.NaN()
	}
	return covariance / variance / mean
}

func fall(v []float64) float64 {
	worst := math.NaN()
	for now := 0; now+3 <= len(v); now++ {
		peak := 0.0
		for before := now; before+3 <= len(v); before++ {
			peak = max(peak, v[before]+v[before+1]+v[before+2])
		}
		if quarter := v[now] + v[now+1] + v[now+2]; peak > 0 && (math.IsNaN(worst) || 1-quarter/peak > worst) {
			worst = 1 - quarter/peak
		}
	}
	return worst
}

func tenure(all []source.Invoice, day calendar.Date) float64 {
	for months := 60; months > 0; months-- {
		if len(between(all, source.Sale, day, months, months-1)) > 0 {
			return float64(months)
		}
	}
	return 0
}

func kendall(valid []source.Invoice, day calendar.Date) float64 {
	if tenure(valid, day) < 24 {
		return math.NaN()
	}
	v := monthly(valid, source.Sale, day, 24)
	agree := 0.0
	for i := range v {
		for j := range i {
			if v[j] > v[i] {
				agree++
			} else if v[j] < v[i] {
				agree--
			}
		}
	}
	return agree / (24 * 23 / 2)
}

func regular(year []source.Invoice, day calendar.Date) float64 {
	part, total := 0.0, 0.0
	for party, v := range byParty(year) {
		if v <= 0 {
			continue
		}
		total += v
		months := 0
		for m := range 12 {
			if len(only(between(year, source.Sale, day, m+1, m), func(i source.Invoice) bool { return i.Counterparty == party })) > 0 {
				months++
			}
		}
		if months >= 6 {
			part += v
		}
	}
	return ratio(part, total)
}

func circular(year, ever []source.Invoice) float64 {
	part, total := 0.0, 0.0
	for party, v := range byParty(year) {
		if v <= 0 {
			continue
		}
		total += v
		if len(only(ever, func(i source.Invoice) bool { return i.Counterparty == party && i.Direction == source.Purchase })) > 0 {
			part += v
		}
	}
	return ratio(part, total)
}

func trough(valid []source.Invoice, day calendar.Date) float64 {
	gross := func(dir source.Direction, from, to int) (s float64) {
		for _, inv := range between(valid, dir, day, from, to) {
			s += float64(inv.GrossMinor)
		}
		return s
	}
	worst := 0.0
	for end := 11; end >= 0; end-- {
		worst = max(worst, gross(source.Purchase, 12, end)-gross(source.Sale, 12, end))
	}
	return ratio(worst, gross(source.Sale, 12, 0))
}

func halved(v []float64) (n float64) {
	for i := range 12 {
		if v[i+1] > 0 && v[i] < v[i+1]/2 {
			n++
		}
	}
	return n
}
