package loan_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// shop borrows 60,000.00 on 10 January at 7.2 % (0.02 % a day) for six months and repays 10 % of its sales: at least 3,000.00 a
// month, at most 15,000.00; sales of 100,000.00 a month are expected.
func shop() loan.Terms {
	tt := terms(fen("60000"), 720, 6, loan.SalesShare)
	tt.Start = date("2026-01-10")
	tt.Sales = loan.Sales{Share: rate.FromBP(1000), MinimumMinor: fen("3000"), CapMinor: fen("15000"), ExpectedMinor: fen("100000")}
	return tt
}

func (st *story) sold(on, from, to, amount string) {
	st.t.Helper()
	st.do(on, loan.Event{Kind: loan.SalesReported, AmountMinor: fen(amount), Detail: loan.Particulars{From: date(from), To: date(to), Source: "till"}})
}

func TestPlanOfARepaymentByShareOfSales(t *testing.T) {
	t.Parallel()
	rows, err := loan.Schedule(shop())
	require.NoError(t, err)
	// 10,000.00 a month, interest first: 60,000 x 31 x 0.02 % = 372.00, 50,372 x 28 x 0.02 % = 282.08, 252.06, 185.44, 130.77;
	// 11,222.35 are left for the latest maturity, with 67.33.
	want := [][2]string{{"9628.00", "372.00"}, {"9717.92", "282.08"}, {"9747.94", "252.06"}, {"9814.56", "185.44"}, {"9869.23", "130.77"}, {"11222.35", "67.33"}}
	require.Len(t, rows, len(want))
	for i, w := range want {
		require.Equal(t, []int64{fen(w[0]), fen(w[1])}, []int64{rows[i].PrincipalMinor, rows[i].InterestMinor}, "instalment %d", i+1)
	}
	brisk := shop()
	brisk.Sales.ExpectedMinor = fen("150000") // 15,000.00 a month pay it off in five
	rows, err = loan.Schedule(brisk)
	require.NoError(t, err)
	require.Len(t, rows, 5)
	require.Zero(t, rows[4].BalanceMinor)
}

func TestStoryOfARepaymentByShareOfSales(t *testing.T) {
	t.Parallel()
	st := tell(t, shop(), fen("60000"))
	require.Equal(t, fen("10000"), st.s.Rows[0].TotalMinor, "as expected")

	// January sells 120,000.00, told in two reports, the second on the due date itself: 12,000.00 fall due.
	st.sold("2026-02-01", "2026-01-10", "2026-01-31", "80000")
	require.Equal(t, fen("8000"), st.s.Rows[0].TotalMinor, "as far as is reported")
	require.Equal(t, fen("8000"), st.at("2026-02-10").Due().TotalMinor())
	st.sold("2026-02-10", "2026-02-01", "2026-02-09", "40000")
	require.Equal(t, loan.Allocation{PrincipalMinor: fen("11628"), InterestMinor: fen("372")}, st.s.Due())
	st.pay("2026-02-10", "12000")

	// February: nobody reports. The minimum: 48,372 x 28 x 0.02 % = 270.88 interest.
	require.Equal(t, loan.Allocation{PrincipalMinor: fen("2729.12"), InterestMinor: fen("270.88")}, st.at("2026-03-10").Due())
	require.True(t, st.s.Rows[1].Sales.Missing)
	require.Equal(t, fen("45642.88"), st.s.Rows[1].BalanceMinor, "what is really left")
	st.pay("2026-03-10", "3000")
	// It comes late: 9,000.00 should have been due, so 6,000.00 more fall due with March.
	st.sold("2026-03-15", "2026-02-10", "2026-03-09", "90000")
	require.Equal(t, fen("6000"), st.s.Rows[1].Sales.LateMinor)
	require.Zero(t, st.s.DaysPastDue(), "late news is no arrears")
	require.Equal(t, fen("16000"), st.s.Rows[2].TotalMinor, "10,000.00 expected of March and 6,000.00 of February")

	// March sells 200,000.00: capped at 15,000.00. 45,642.88 x 31 x 0.02 % = 282.99.
	st.sold("2026-04-08", "2026-03-10", "2026-04-07", "200000")
	require.Equal(t, loan.Allocation{PrincipalMinor: fen("20717.01"), InterestMinor: fen("282.99")}, st.at("2026-04-10").Due())

	// Was the late report of another shop? Taken back, only March's own 15,000.00 are due.
	taken := append(append([]loan.Event{}, st.events...), loan.Event{Seq: int64(len(st.events) + 1), Kind: loan.Reversed, Date: date("2026-04-10"), Detail: loan.Particulars{Of: 6}})
	without, err := loan.Replay(st.terms, taken, date("2026-04-10"))
	require.NoError(t, err)
	require.Equal(t, loan.Allocation{PrincipalMinor: fen("14717.01"), InterestMinor: fen("282.99")}, without.Due())
	require.True(t, without.Rows[1].Sales.Missing)
	st.pay("2026-04-10", "21000")

	// April's 3,000.00 by the share, May's by the minimum; the rest on 10 July: 24,925.87 - 2,850.44 - 2,863.13 = 19,212.30.
	st.sold("2026-05-09", "2026-04-10", "2026-05-09", "30000")
	require.Equal(t, loan.Allocation{PrincipalMinor: fen("2850.44"), InterestMinor: fen("149.56")}, st.at("2026-05-10").Due())
	st.pay("2026-05-10", "3000")
	st.sold("2026-06-09", "2026-05-10", "2026-06-09", "20000")
	require.Equal(t, loan.Allocation{PrincipalMinor: fen("2863.13"), InterestMinor: fen("136.87")}, st.at("2026-06-10").Due())
	require.False(t, st.s.Rows[4].Sales.Missing, "little was sold, but it was reported")
	st.pay("2026-06-10", "3000")
	require.Equal(t, loan.Allocation{PrincipalMinor: fen("19212.30"), InterestMinor: fen("115.27")}, st.at("2026-07-10").Due(), "latest maturity")
	st.pay("2026-07-10", "19327.57")
	require.Equal(t, loan.Settled, st.s.Status)
}

// The till's bank splits the takings: 500.00 a day reach the lender and count to the running instalment.
func TestStoryOfDailySplitTakings(t *testing.T) {
	t.Parallel()
	tt := shop()
	tt.Prepayment = loan.ReduceNext
	st := tell(t, tt, fen("60000"))
	// Ten days: interest 60,000 x 10 x 0.02 % = 120.00 is paid by the first payment, then principal.
	require.Equal(t, loan.Allocation{InterestMinor: fen("120"), PrincipalMinor: fen("380")}, st.prepay("2026-01-20", "500", ""))
	st.prepay("2026-01-21", "500", "") // one day on 59,620: 11.92, principal 488.08
	st.sold("2026-02-05", "2026-01-10", "2026-02-04", "50000")
	// Of 5,000.00 due for January 1,000.00 are paid. Interest: 120 + 11.924 + 59,131.92 x 20 x 0.02 % = 368.45.
	require.Equal(t, fen("368.45"), st.at("2026-02-10").Rows[0].InterestMinor)
	require.Equal(t, fen("5000"), st.s.Rows[0].TotalMinor)
	require.Equal(t, fen("4000"), st.s.Due().TotalMinor())
}

func TestSalesReportsThatAreRefused(t *testing.T) {
	t.Parallel()
	report := func(from, to string, amount int64) loan.Event {
		return loan.Event{Seq: 2, Kind: loan.SalesReported, Date: date("2026-02-01"), AmountMinor: amount, Detail: loan.Particulars{From: date(from), To: date(to)}}
	}
	for name, e := range map[string]loan.Event{
		"negative": report("2026-01-10", "2026-01-31", -1), "backwards": report("2026-01-31", "2026-01-10", 1), "of tomorrow": report("2026-01-10", "2026-02-02", 1),
		"before the loan": report("2025-12-01", "2026-01-09", 1), "absurdly long ago": report("1900-01-01", "2026-01-20", 1),
	} {
		st := tell(t, shop(), fen("60000"))
		_, err := st.s.Apply(e)
		require.Len(t, fault.All(err), 1, name)
		require.NotEmpty(t, fault.All(err)[0].Field, name)
	}
	plain := tell(t, terms(fen("60000"), 720, 6, loan.EqualPrincipal), fen("60000"))
	_, err := plain.s.Apply(report("2026-01-16", "2026-01-31", 1))
	require.Error(t, err, "of a loan that sales say nothing about")

	bad := shop()
	bad.Sales, bad.Plan.BalloonMinor, bad.Arrears = loan.Sales{Share: 2 * rate.Scale, CapMinor: -1}, 5, loan.ArrearsCarry
	fields := map[string]bool{}
	for _, f := range fault.All(bad.Validate()) {
		fields[f.Field] = true
	}
	for _, f := range []string{"sales.share", "sales.minimum_minor", "sales.cap_minor", "sales.expected_minor", "plan", "arrears"} {
		require.True(t, fields[f], f)
	}
	odd := terms(fen("60000"), 720, 6, loan.Bullet)
	odd.Sales.Share = 1
	require.Error(t, odd.Validate())
}

// Whatever is sold and whenever it is told: a leap leaves what a night at a time does, each instalment that was reported in time
// is what a plain formula says, and all principal comes back by the latest maturity.
func TestSalesShareProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		tt := shop()
		tt.TenorMonths = rapid.IntRange(1, 12).Draw(t, "months")
		tt.GraceDays = rapid.SampledFrom([]int{0, 3}).Draw(t, "grace")
		dates := tt.Maturity()
		events := []loan.Event{{Seq: 1, Kind: loan.Disbursed, Date: tt.Start, AmountMinor: tt.PrincipalMinor}}
		sold := map[int]int64{}
		from := tt.Start
		for k := 1; k <= tt.TenorMonths; k++ {
			due := tt.Start.AddMonths(k, calendar.Clamp)
			if rapid.Bool().Draw(t, "reported") {
				sold[k] = rapid.Int64Range(0, fen("400000")).Draw(t, "sales")
				e := loan.Event{Seq: int64(len(events) + 1), Kind: loan.SalesReported, Date: due.AddDays(-rapid.IntRange(0, 1).Draw(t, "early")), AmountMinor: sold[k]}
				e.Detail = loan.Particulars{From: from, To: due.AddDays(-1)}
				events = append(events, e)
			}
			from = due
		}
		leap, err := loan.Replay(tt, events, dates)
		require.NoError(t, err)
		nights, err := loan.Replay(tt, nil, tt.Start)
		require.NoError(t, err)
		next := 0
		for day := tt.Start; !day.After(dates); day = day.AddDays(1) {
			for ; next < len(events) && events[next].Date == day; next++ {
				_, err := nights.Apply(events[next])
				require.NoError(t, err)
			}
			require.NoError(t, nights.Advance(day))
		}
		require.Equal(t, leap, nights)

		left := tt.PrincipalMinor // by hand; nothing is paid, overdue principal leaves the contract's interest
		for i, r := range leap.Rows {
			share := max(min(sold[i+1]/10, tt.Sales.CapMinor), tt.Sales.MinimumMinor)
			if half := sold[i+1] % 10; half >= 5 {
				share = max(min(sold[i+1]/10+1, tt.Sales.CapMinor), tt.Sales.MinimumMinor)
			}
			want := min(max(share-r.InterestMinor, 0), left)
			if i == len(leap.Rows)-1 {
				want = left
			}
			require.Equal(t, want, r.PrincipalMinor, "instalment %d", i+1)
			_, reported := sold[i+1]
			require.Equal(t, !reported, r.Sales.Missing)
			left -= want
		}
		require.Zero(t, left)
	})
}
