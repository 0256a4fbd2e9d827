package feature

import (
	"slices"

	"github.com/capillary-finance/capillary/internal/base/calendar"
)

// MonthPoint is one calendar month of a firm's trade. The newest month may be incomplete.
type MonthPoint struct {
	Month             string `json:"month" doc:"YYYY-MM"`
	SalesNetMinor     int64  `json:"sales_net_minor"`
	PurchasesNetMinor int64  `json:"purchases_net_minor"`
	SalesTaxMinor     int64  `json:"sales_tax_minor"`
	PurchasesTaxMinor int64  `json:"purchases_tax_minor"`
	SalesCount        int    `json:"sales_count"`
	PurchasesCount    int    `json:"purchases_count"`
	SalesVoid         int    `json:"sales_void"`
	PurchasesVoid     int    `json:"purchases_void"`
	Complete          bool   `json:"complete"`
}

// PartyPoint is one counterparty's weight in the last 12 months.
type PartyPoint struct {
	Counterparty string  `json:"counterparty"`
	NetMinor     int64   `json:"net_minor"`
	Share        float64 `json:"share"`
	Months       int     `json:"months" doc:"months of the last 12 with an invoice"`
	Circular     bool    `json:"circular" doc:"is buyer and supplier at once"`
}

// Series is what the charts draw: months from the oldest to the newest and the largest counterparties.
type Series struct {
	AsOf         calendar.Date `json:"as_of"`
	Months       []MonthPoint  `json:"months"`
	TopBuyers    []PartyPoint  `json:"top_buyers"`
	TopSuppliers []PartyPoint  `json:"top_suppliers"`
}

// SeriesTop is how many counterparties a series names on each side.
const SeriesTop = 10

// Series returns the chart data from the first month with an invoice to the month of the as-of date.
func (a *Analysis) Series() Series {
	s := Series{AsOf: a.asOf, Months: []MonthPoint{}, TopBuyers: a.top(sale), TopSuppliers: a.top(purchase)}
	oldest := -1
	for m := range calendarMonths {
		for d := range a.side {
			if a.side[d].calCount[m] > 0 || a.side[d].calVoid[m] > 0 {
				oldest = m
			}
		}
	}
	for m := oldest; m >= 0; m-- {
		s.Months = append(s.Months, a.month(m))
	}
	return s
}

func (a *Analysis) month(m int) MonthPoint {
	out, in := &a.side[sale], &a.side[purchase]
	return MonthPoint{
		Month:         a.asOf.MonthStart().AddMonths(-m, calendar.Clamp).String()[:7],
		SalesNetMinor: out.calNet[m], PurchasesNetMinor: in.calNet[m],
		SalesTaxMinor: out.calTax[m], PurchasesTaxMinor: in.calTax[m],
		SalesCount: int(out.calCount[m]), PurchasesCount: int(in.calCount[m]),
		SalesVoid: int(out.calVoid[m]), PurchasesVoid: int(in.calVoid[m]),
		Complete: m > 0 || a.asOf.IsMonthEnd(),
	}
}

func (a *Analysis) top(dir int) []PartyPoint {
	points := []PartyPoint{}
	var total int64
	for i := range a.parties {
		p := &a.parties[i]
		if p.net12[dir] <= 0 {
			continue
		}
		total += p.net12[dir]
		months := 0
		for m := range 12 {
			months += int(p.months12[dir]>>m) & 1
		}
		points = append(points, PartyPoint{Counterparty: p.name, NetMinor: p.net12[dir], Months: months,
			Circular: p.oldest[sale] >= 0 && p.oldest[purchase] >= 0})
	}
	slices.SortFunc(points, func(x, y PartyPoint) int {
		switch {
		case x.NetMinor != y.NetMinor && x.NetMinor > y.NetMinor:
			return -1
		case x.NetMinor != y.NetMinor:
			return 1
		case x.Counterparty < y.Counterparty:
			return -1
		}
		return 1
	})
	points = points[:min(len(points), SeriesTop)]
	for i := range points {
		points[i].Share = float64(points[i].NetMinor) / float64(total)
	}
	return points
}
