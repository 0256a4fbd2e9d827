package schedule_test

import (
	"math"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/daycount"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/base/schedule"
	"github.com/capillary-finance/capillary/internal/base/tvm"
)

func day(s string) calendar.Date { return calendar.MustParse(s) }

// monthly is 120,000.00 at 6% over 12 months, a twelfth of the rate a month.
func monthly() schedule.Terms {
	return schedule.Terms{
		Tranches: []schedule.Tranche{{Date: day("2026-01-31"), AmountMinor: 12_000_000}}, Rate: rate.FromBP(600), Start: day("2026-01-31"),
		Count: 12, Every: 1, Unit: schedule.Month, Method: schedule.EqualInstalment, Accrual: schedule.ByPeriod, Level: schedule.Nearest, Rounding: money.HalfUp,
	}
}

// irr is the yearly rate of a plan's flows, the check that knows nothing of how it was made.
func irr(t *testing.T, terms schedule.Terms, rows []schedule.Row) float64 {
	t.Helper()
	flows := make([]float64, len(rows)+1)
	flows[0] = float64(terms.Tranches[0].AmountMinor)
	for i, r := range rows {
		flows[i+1] = -float64(r.DueMinor)
	}
	if rows[0].DueDate == terms.Start {
		flows[1] += flows[0]
		flows = flows[1:]
	}
	v, err := tvm.IRR(flows)
	require.NoError(t, err)
	return 12 * v
}

func TestMethods(t *testing.T) {
	t.Parallel()
	rows := []struct {
		name   string
		change func(*schedule.Terms)
		check  func(*testing.T, []schedule.Row)
	}{
		{"equal instalments, due dates come back to the 31st", func(*schedule.Terms) {}, func(t *testing.T, r []schedule.Row) {
			require.Equal(t, int64(1_032_797), r[0].DueMinor, "the annuity of 120,000 at 0.5% over 12 is 10,327.97")
			require.Equal(t, []string{"2026-02-28", "2026-03-31"}, []string{r[0].DueDate.String(), r[1].DueDate.String()})
		}},
		{"equal principal", func(x *schedule.Terms) { x.Method = schedule.EqualPrincipal }, func(t *testing.T, r []schedule.Row) {
			require.Equal(t, []int64{1_000_000, 60_000}, []int64{r[0].PrincipalMinor, r[0].InterestMinor})
			require.Equal(t, int64(5_000), r[11].InterestMinor)
		}},
		{"interest only, then all", func(x *schedule.Terms) { x.Method = schedule.InterestOnly }, func(t *testing.T, r []schedule.Row) {
			require.Equal(t, []int64{60_000, 12_060_000}, []int64{r[0].DueMinor, r[11].DueMinor})
		}},
		{"all at the end", func(x *schedule.Terms) {
			x.Method, x.Unit, x.Every, x.Count = schedule.Bullet, schedule.Whole, 12, 1
		}, func(t *testing.T, r []schedule.Row) {
			require.Len(t, r, 1)
			require.Equal(t, int64(12_720_000), r[0].DueMinor)
		}},
		{"flat: interest on the whole principal every month, so the borrower pays nearly twice the rate", func(x *schedule.Terms) { x.Method = schedule.Flat }, func(t *testing.T, r []schedule.Row) {
			require.Equal(t, []int64{1_000_000, 60_000}, []int64{r[11].PrincipalMinor, r[11].InterestMinor})
		}},
		{"balloon", func(x *schedule.Terms) { x.BalloonMinor = 6_000_000 }, func(t *testing.T, r []schedule.Row) {
			require.InDelta(t, r[0].DueMinor+6_000_000, r[11].DueMinor, 12)
		}},
		{"a season without payments", func(x *schedule.Terms) {
			x.Weights = []int64{0, 0, 0, 0, 0, 0, 100, 100, 100, 100, 100, 100}
			x.GraceInterest, x.GraceRule = 6, schedule.Capitalise
			x.GracePrincipal = 6
		}, func(t *testing.T, r []schedule.Row) {
			require.Zero(t, r[5].DueMinor)
			require.InDelta(t, 12_000_000*math.Pow(1.005, 6), r[5].BalanceMinor, 6)
		}},
		{"steps", func(x *schedule.Terms) {
			x.Weights = []int64{100, 100, 100, 100, 100, 100, 150, 150, 150, 150, 150, 150}
		}, func(t *testing.T, r []schedule.Row) {
			require.InDelta(t, float64(r[0].DueMinor)*1.5, r[6].DueMinor, 1)
		}},
		{"a plan of its own", func(x *schedule.Terms) {
			x.Method = schedule.Custom
			x.Principal = []int64{0, 0, 3_000_000, 0, 0, 3_000_000, 0, 0, 3_000_000, 0, 0, 3_000_000}
		}, func(t *testing.T, r []schedule.Row) {
			require.Equal(t, []int64{0, 3_000_000}, []int64{r[0].PrincipalMinor, r[2].PrincipalMinor})
		}},
		{"principal grace", func(x *schedule.Terms) { x.GracePrincipal = 3 }, func(t *testing.T, r []schedule.Row) {
			require.Equal(t, int64(60_000), r[2].DueMinor)
		}},
		{"interest put off", func(x *schedule.Terms) {
			x.GracePrincipal, x.GraceInterest, x.GraceRule = 3, 3, schedule.Defer
		}, func(t *testing.T, r []schedule.Row) {
			require.Zero(t, r[2].DueMinor)
			require.Equal(t, int64(240_000), r[3].InterestMinor, "three months put off and the fourth")
		}},
		{"a lease in advance with a residual", func(x *schedule.Terms) { x.InAdvance, x.BalloonMinor = true, 1_200_000 }, func(t *testing.T, r []schedule.Row) {
			require.Len(t, r, 13)
			require.Equal(t, day("2026-01-31"), r[0].DueDate)
			require.Zero(t, r[0].InterestMinor)
			require.InDelta(t, 1_200_000, r[12].DueMinor, 6_100)
		}},
		{"whole yuan, rounded up, never closes early", func(x *schedule.Terms) { x.MultipleMinor, x.MultipleMode = 100, money.Up }, func(t *testing.T, r []schedule.Row) {
			require.Equal(t, int64(1_032_800), r[0].DueMinor)
			require.Less(t, r[11].DueMinor, int64(1_032_800))
		}},
	}
	for _, r := range rows {
		t.Run(r.name, func(t *testing.T) {
			t.Parallel()
			terms := monthly()
			r.change(&terms)
			out, err := schedule.Make(terms)
			require.NoError(t, err)
			principal, _ := schedule.Totals(out)
			if terms.GraceRule != schedule.Capitalise {
				require.Equal(t, int64(12_000_000), principal)
			}
			require.Zero(t, out[len(out)-1].BalanceMinor)
			r.check(t, out)
			switch {
			case terms.Unit == schedule.Whole || terms.GraceRule == schedule.Defer: // the flows are not monthly, or the interest put off bears none
			case terms.Method == schedule.Flat:
				require.InDelta(t, 0.109, irr(t, terms, out), 0.002)
			default:
				require.InDelta(t, 0.06, irr(t, terms, out), 1e-6, "whatever the shape, the flows yield the rate")
			}
		})
	}
}

// A random plan keeps its promises; the walk in the test adds interest up by hand.
func TestProperties(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		start := calendar.FromDays(rapid.Int32Range(15_000, 25_000).Draw(t, "start"))
		terms := schedule.Terms{
			Start: start, Rate: rate.Rate(rapid.Int64Range(0, 36_000_000).Draw(t, "rate")), Count: rapid.IntRange(1, 60).Draw(t, "n"), Every: rapid.IntRange(1, 3).Draw(t, "every"),
			Unit:    rapid.SampledFrom([]schedule.Unit{schedule.Day, schedule.Week, schedule.Month, schedule.Quarter20, schedule.Year}).Draw(t, "unit"),
			Method:  rapid.SampledFrom([]schedule.Method{schedule.EqualInstalment, schedule.EqualPrincipal, schedule.InterestOnly}).Draw(t, "method"),
			Level:   rapid.SampledFrom([]schedule.LevelRule{schedule.Nearest, schedule.Rounded, schedule.RoundedOnce}).Draw(t, "level"),
			Basis:   rapid.SampledFrom([]daycount.Convention{daycount.Act360, daycount.Act365, daycount.Thirty360, daycount.ActActISDA, daycount.ActActDecember}).Draw(t, "basis"),
			Accrual: schedule.ByDays, Rounding: money.HalfEven,
			MonthEnd: calendar.MonthEnd(rapid.IntRange(0, 3).Draw(t, "month end")), DueRule: calendar.Adjustment(rapid.IntRange(0, 3).Draw(t, "due rule")),
		}
		if terms.Unit == schedule.Day || terms.Unit == schedule.Week {
			terms.Every, terms.DueRule = 7, calendar.Unadjusted
		}
		terms.Tranches = []schedule.Tranche{{Date: start, AmountMinor: rapid.Int64Range(10_000, 5_000_000_000).Draw(t, "principal")}}
		if rapid.Bool().Draw(t, "second tranche") {
			at := start.AddDays(rapid.IntRange(0, 6).Draw(t, "at"))
			terms.Tranches = append(terms.Tranches, schedule.Tranche{Date: at, AmountMinor: rapid.Int64Range(1, 1_000_000).Draw(t, "more")})
		}
		rows, err := schedule.Make(terms)
		require.NoError(t, err)
		require.Len(t, rows, terms.Count, "the number of instalments is kept")
		var principal, balance int64
		for i, r := range rows {
			principal += r.PrincipalMinor
			require.GreaterOrEqual(t, r.PrincipalMinor, int64(0))
			require.Equal(t, r.DueMinor, r.PrincipalMinor+r.InterestMinor)
			if i > 0 && len(terms.Tranches) == 1 {
				num, den := terms.Basis.Fraction(r.From, r.DueDate)
				want := float64(balance) * float64(terms.Rate) / rate.Scale * float64(num) / float64(den)
				require.InDelta(t, want, r.InterestMinor, 0.51+want*1e-12)
			}
			balance = r.BalanceMinor
		}
		var paidOut int64
		for _, x := range terms.Tranches {
			paidOut += x.AmountMinor
		}
		require.Equal(t, paidOut, principal, "principal sums to what was paid out")
		require.Zero(t, balance, "the last balance is zero")
		if terms.Method == schedule.EqualInstalment && terms.Level == schedule.Nearest && len(terms.Tranches) == 1 && rows[terms.Count-1].PrincipalMinor > 0 {
			// Half a minor unit per instalment, and what it has grown to by the end.
			years := float64(rows[terms.Count-1].DueDate.Sub(start)) / 360
			bound := float64(terms.Count) * math.Exp(float64(terms.Rate)/rate.Scale*years)
			require.InDelta(t, rows[0].DueMinor, rows[terms.Count-1].DueMinor, bound, "the last instalment differs by the rounding only")
		}
	})
}

// A rate that changes inside a period charges each stretch its own rate, and the level is set again.
func TestRateChanges(t *testing.T) {
	t.Parallel()
	terms := monthly()
	terms.Accrual, terms.Basis, terms.Start = schedule.ByDays, daycount.Act360, day("2026-01-01")
	terms.Tranches[0].Date = terms.Start
	terms.Changes = []schedule.RateChange{{From: day("2026-03-11"), Rate: rate.FromBP(360)}}
	rows, err := schedule.Make(terms)
	require.NoError(t, err)
	want := math.Round(float64(rows[1].BalanceMinor) * (0.06*10 + 0.036*21) / 360)
	require.Equal(t, int64(want), rows[2].InterestMinor, "ten days at 6%, twenty-one at 3.6%")
	require.Less(t, rows[3].DueMinor, rows[1].DueMinor)
	require.InDelta(t, rows[2].DueMinor, rows[10].DueMinor, 1)
	split := terms
	split.RoundEachPart = true
	again, err := schedule.Make(split)
	require.NoError(t, err)
	require.InDelta(t, rows[2].InterestMinor, again[2].InterestMinor, 1, "a split period equals the whole within the rounding")
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*schedule.Terms){
		"count": func(x *schedule.Terms) { x.Count = 0 }, "rate": func(x *schedule.Terms) { x.Rate = -1 }, "method": func(x *schedule.Terms) { x.Method = "?" },
		"unit": func(x *schedule.Terms) { x.Unit = "fortnight" }, "weights": func(x *schedule.Terms) { x.Weights = []int64{1} },
		"principal": func(x *schedule.Terms) { x.Method = schedule.Custom }, "grace_principal": func(x *schedule.Terms) { x.GracePrincipal = 12 },
		"balloon_minor": func(x *schedule.Terms) { x.BalloonMinor = 12_000_001 }, "start": func(x *schedule.Terms) { x.Start = calendar.Date{} },
		"tranches": func(x *schedule.Terms) {
			x.Tranches = append(x.Tranches, schedule.Tranche{Date: day("2030-01-01"), AmountMinor: 1})
		},
		"first_due": func(x *schedule.Terms) { x.FirstDue = x.Start }, // else the first period would have no days, or fewer
		"dates":     func(x *schedule.Terms) { x.Dates = []calendar.Date{day("2026-03-01"), day("2026-02-01")} },
	} {
		terms := monthly()
		change(&terms)
		_, err := schedule.Make(terms)
		require.ErrorIs(t, err, schedule.ErrTerms, name)
		require.ErrorContains(t, err, name)
	}
}

func TestQuarterDays(t *testing.T) {
	t.Parallel()
	got := schedule.Terms{Start: day("2026-02-10"), Count: 3, Every: 1, Unit: schedule.Quarter20}.DueDates()
	require.Equal(t, []calendar.Date{day("2026-03-20"), day("2026-06-20"), day("2026-09-20")}, got)
	got = schedule.Terms{Start: day("2026-03-20"), Count: 1, Every: 1, Unit: schedule.Quarter20}.DueDates()
	require.Equal(t, day("2026-06-20"), got[0])
}

func TestDaysPastDue(t *testing.T) {
	t.Parallel()
	due := []calendar.Date{day("2026-01-31"), day("2026-02-28")}
	require.Equal(t, 2, schedule.DaysPastDue(due, 0, day("2026-02-02")))
	require.Equal(t, 0, schedule.DaysPastDue(due, 1, day("2026-02-28")), "not overdue on the day itself")
	require.Equal(t, 0, schedule.DaysPastDue(due, 2, day("2027-01-01")))
}
