package feature_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/evidence/source"
	"github.com/capillary-finance/capillary/internal/insight/feature"
	"github.com/capillary-finance/capillary/internal/testkit/cumcm"
)

func invoice(dir source.Direction, date, party string, net, tax int64) source.Invoice {
	return source.Invoice{Direction: dir, Date: calendar.MustParse(date), Counterparty: party, NetMinor: net, TaxMinor: tax, GrossMinor: net + tax, Red: net < 0}
}

// workshop is a firm small enough to check by hand, as of 2024-05-31.
func workshop() []source.Invoice {
	void := invoice(source.Sale, "2024-05-02", "north", 9900, 100)
	void.Void = true
	return []source.Invoice{
		invoice(source.Sale, "2023-04-10", "north", 40000, 5200),
		invoice(source.Sale, "2024-02-10", "north", 60000, 7800),
		invoice(source.Sale, "2024-05-21", "south", 30000, 3900),
		invoice(source.Sale, "2024-05-22", "south", -10000, -1300),
		void,
		invoice(source.Purchase, "2024-01-05", "steel", 20000, 2600),
		invoice(source.Purchase, "2024-05-05", "south", 10000, 0),
	}
}

func TestGoldenWorkshop(t *testing.T) {
	t.Parallel()
	v := feature.Compute(asOf, workshop())
	require.Equal(t, 6, v.Invoices)
	require.Equal(t, 4, v.Months)
	for id, want := range map[string]float64{
		"sales_net_12m":                80000,
		"sales_growth_yoy":             1, // 80000 against 40000
		"sales_void_rate_12m":          0.25,
		"sales_red_rate_12m":           1.0 / 3,
		"sales_red_amount_rate":        10000.0 / 130000,
		"buyer_count_12m":              2,
		"buyer_top1_share_12m":         0.75,
		"buyer_hhi_12m":                0.625,
		"buyer_retention_12m":          1,
		"buyer_new_share_12m":          0.25,
		"vat_burden_12m":               (10400.0 - 2600) / 80000,
		"margin_12m":                   50000.0 / 80000,
		"sales_silence_days":           9,
		"sales_silent_months_streak":   0,
		"tenure_months":                14,
		"circular_parties":             1, // south
		"circular_sales_share_12m":     0.25,
		"circular_purchases_share_12m": 1.0 / 3,
		"supplier_count_12m":           2,
		"cash_trough_12m":              22600.0 / 90400, // the steel of January, before any sale
	} {
		got, ok := v.Value(id)
		require.True(t, ok, id)
		require.InDelta(t, want, got, 1e-12, id)
	}
	for _, id := range []string{"sales_tau_24m", "sales_season_strength", "shared_firms"} {
		_, ok := v.Value(id)
		require.False(t, ok, id)
	}
}

func TestSeriesOfTheWorkshop(t *testing.T) {
	t.Parallel()
	s := feature.Analyse(asOf, workshop()).Series()
	require.Len(t, s.Months, 14)
	require.Equal(t, "2023-04", s.Months[0].Month)
	last := s.Months[13]
	require.Equal(t, feature.MonthPoint{Month: "2024-05", SalesNetMinor: 20000, PurchasesNetMinor: 10000, SalesTaxMinor: 2600,
		SalesCount: 2, PurchasesCount: 1, SalesVoid: 1, Complete: true}, last)
	require.Equal(t, []feature.PartyPoint{{Counterparty: "north", NetMinor: 60000, Share: 0.75, Months: 1},
		{Counterparty: "south", NetMinor: 20000, Share: 0.25, Months: 1, Circular: true}}, s.TopBuyers)
}

func TestGraphFindsSharedCounterparties(t *testing.T) {
	t.Parallel()
	mine, other, third := feature.Analyse(asOf, workshop()),
		feature.Analyse(asOf, []source.Invoice{invoice(source.Purchase, "2024-05-01", "steel", 100, 0)}),
		feature.Analyse(asOf, []source.Invoice{invoice(source.Sale, "2024-05-01", "nobody else", 100, 0)})
	g := feature.NewGraph()
	for name, a := range map[string]*feature.Analysis{"mine": mine, "other": other, "third": third} {
		g.Add(name, a)
	}
	v := mine.In(g, "mine").Vector()
	for id, want := range map[string]float64{"shared_firms": 1, "shared_sales_share_12m": 0, "shared_purchases_share_12m": 2.0 / 3} {
		got, ok := v.Value(id)
		require.True(t, ok, id)
		require.InDelta(t, want, got, 1e-12, id)
	}
	lonely := third.In(g, "third").Vector()
	got, _ := lonely.Value("shared_firms")
	require.Zero(t, got)
}

func BenchmarkComputeContestBook(b *testing.B) {
	firms := cumcm.Load(b)
	day := cumcm.LastDate(firms)
	n := 0
	for i := range firms {
		n += len(firms[i].Invoices)
	}
	b.ReportAllocs()
	for b.Loop() {
		for i := range firms {
			feature.Compute(day, firms[i].Invoices)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "invoices/s")
}
