package fx_test

import (
	"fmt"
	"math/big"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/ledger/fx"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/proposal"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

var (
	newYearsEve = calendar.MustParse("2025-12-31")
	monday      = calendar.MustParse("2026-01-05")
)

type house struct {
	db        *db.DB
	staff     dbtest.Staff
	svc       *fx.Service
	proposals *proposal.Service
}

func open(t testing.TB, d *db.DB) house {
	t.Helper()
	h := house{db: d, staff: dbtest.Institution(t, d), proposals: proposal.NewService(d)}
	h.svc = fx.NewService(d, h.proposals)
	return h
}

func must(t testing.TB, s string) rate.Rate {
	t.Helper()
	r, err := rate.Parse(s)
	require.NoError(t, err)
	return r
}

func (h house) rates(t testing.TB, date calendar.Date, usd, jpy string) {
	t.Helper()
	made, err := h.svc.Propose(t.Context(), h.staff.Operations, fx.Rates{Date: date, Source: "test", Rates: []fx.Quote{{Currency: money.USD, Rate: must(t, usd)}, {Currency: money.JPY, Rate: must(t, jpy)}}})
	require.NoError(t, err)
	_, err = h.proposals.Approve(t.Context(), h.staff.Compliance, proposal.Decision{ID: made.ID, BodyHash: made.BodyHash})
	require.NoError(t, err)
}

func (h house) post(t testing.TB, key string, date calendar.Date, lines ...journal.Line) {
	t.Helper()
	require.NoError(t, h.db.Update(t.Context(), h.staff.System.Scope(), func(tx *db.Tx) error {
		_, err := journal.Post(t.Context(), tx, journal.Draft{Key: key, Date: date, Lines: lines})
		return err
	}))
}

func line(account string, minor int64, c money.Currency) journal.Line {
	return journal.Line{Account: account, AmountMinor: minor, Currency: c}
}

// net gives each account's balance, debits positive, by currency.
func (h house) net(t testing.TB, asOf calendar.Date) map[string]int64 {
	t.Helper()
	trial, err := journal.NewService(h.db).TrialBalance(t.Context(), h.staff.Operations, asOf)
	require.NoError(t, err)
	out := map[string]int64{}
	for _, l := range trial.Lines {
		if n := l.DebitMinor - l.CreditMinor; n != 0 {
			out[l.Code+string(l.Currency)] = n
		}
	}
	return out
}

// A bank buys 1,000 dollars at 7.00, lends them, and earns 10 dollars of interest. At the year's end a dollar
// is 7.10: the interest is income of 71.00 yuan, and the dollars bought have gained 100.00. On Monday it is
// 7.05 and some of that is lost again. Revaluing twice changes nothing, and what was revalued can be taken back.
func TestAYearEndWithDollars(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		h.post(t, "buy usd", calendar.MustParse("2025-12-01"), line("1002", 1000_00, money.USD), line(journal.FXPosition, -1000_00, money.USD))
		h.post(t, "buy cny", calendar.MustParse("2025-12-01"), line(journal.FXEquivalent, 7000_00, money.CNY).Of("USD"), line("1002", -7000_00, money.CNY))
		h.post(t, "lend", calendar.MustParse("2025-12-02"), line(journal.LoanPrincipal, 900_00, money.USD), line("1002", -900_00, money.USD))
		h.post(t, "interest", newYearsEve, line(journal.InterestReceivable, 10_00, money.USD), line(journal.InterestIncome, -10_00, money.USD))
		_, err := h.svc.Revalue(t.Context(), h.staff.Operations, newYearsEve)
		require.True(t, fault.Is(err, fx.ReasonRateMissing), "%v", err)
		h.rates(t, newYearsEve, "7.10", "0.05")

		run, err := h.svc.Revalue(t.Context(), h.staff.Operations, newYearsEve)
		require.NoError(t, err)
		require.Equal(t, int64(100_00), run.ResultMinor)
		n := h.net(t, newYearsEve)
		require.Zero(t, n[journal.InterestIncome+"USD"])
		require.Equal(t, int64(-71_00), n[journal.InterestIncome+"CNY"])
		require.Equal(t, int64(-100_00), n[journal.FXResult+"CNY"], "a gain")
		require.Equal(t, int64(-1010_00), n[journal.FXPosition+"USD"])
		require.Equal(t, int64(7171_00), n[journal.FXEquivalent+"CNY"], "1,010 dollars at 7.10")
		again, err := h.svc.Revalue(t.Context(), h.staff.Operations, newYearsEve)
		require.NoError(t, err)
		require.Equal(t, run, again)
		require.Equal(t, n, h.net(t, newYearsEve))

		h.rates(t, monday, "7.05", "0.05")
		second, err := h.svc.Revalue(t.Context(), h.staff.Operations, monday)
		require.NoError(t, err)
		require.Equal(t, int64(-50_50), second.ResultMinor)
		require.Equal(t, n, h.net(t, newYearsEve), "the old year stays as it was")
		_, err = h.svc.Reverse(t.Context(), h.staff.Operations, run.ID)
		require.True(t, fault.Is(err, fx.ReasonNotLast))
		_, err = h.svc.Reverse(t.Context(), h.staff.Operations, second.ID)
		require.NoError(t, err)
		require.Equal(t, n, h.net(t, monday))
		third, err := h.svc.Revalue(t.Context(), h.staff.Operations, monday)
		require.NoError(t, err, "taken back, it can be done again")
		require.Equal(t, int64(-50_50), third.ResultMinor)
		_, err = h.svc.Revalue(t.Context(), h.staff.Operations, calendar.Date{})
		require.True(t, fault.Is(err, fault.ReasonRequired), "without a date: %v", err)
		_, err = h.svc.Revalue(t.Context(), h.staff.Operations, monday.AddDays(1))
		require.True(t, fault.Is(err, fx.ReasonFuture))

		trial, err := h.svc.TrialBalance(t.Context(), h.staff.Operations, monday)
		require.NoError(t, err)
		sums := map[money.Currency]int64{}
		for _, l := range trial.Lines {
			sums[l.Currency] += l.BaseMinor
		}
		require.Empty(t, trial.Gaps)
		require.Equal(t, map[money.Currency]int64{money.USD: 0, money.CNY: 0}, sums, "each currency's worth balances")
		require.NoError(t, d.View(t.Context(), h.staff.System.Scope(), func(tx *db.Tx) error {
			_, err := journal.Verify(t.Context(), tx)
			return err
		}))
	})
}

// Against exact fractions: whatever is bought, earned and spent, after a revaluation the equivalent is the
// position's worth to the half fen, no foreign income is left, and a second run posts nothing.
func TestRevaluationAgainstExactFractions(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	rapid.Check(t, func(rt *rapid.T) {
		h := open(t, d)
		usd, jpy := rapid.Int64Range(1, 20_00000000).Draw(rt, "usd"), rapid.Int64Range(1, 1_00000000).Draw(rt, "jpy")
		h.rates(t, monday, rate.Rate(usd).String(), rate.Rate(jpy).String())
		n := 0
		for range rapid.IntRange(1, 5).Draw(rt, "entries") {
			n++
			c := rapid.SampledFrom([]money.Currency{money.USD, money.JPY}).Draw(rt, "currency")
			other := rapid.SampledFrom([]string{"6011", "6601", "4001", "2011", journal.FXPosition}).Draw(rt, "other")
			v := rapid.Int64Range(1, 1e9).Draw(rt, "amount")
			if rapid.Bool().Draw(rt, "sign") {
				v = -v
			}
			h.post(t, fmt.Sprint("k", n), monday, line("1002", v, c), line(other, -v, c))
		}
		_, err := h.svc.Revalue(t.Context(), h.staff.Operations, monday)
		require.NoError(rt, err)
		after := h.net(t, monday)
		worth := new(big.Rat)
		for code, r := range map[money.Currency]int64{money.USD: usd, money.JPY: jpy} {
			for _, a := range []string{"6011", "6601", "4001"} {
				require.Zero(rt, after[a+string(code)], a)
			}
			scale := int64(1)
			if code == money.JPY {
				scale = 100 // a yen is a hundred fen-sized units
			}
			worth.Add(worth, new(big.Rat).Mul(big.NewRat(-after[journal.FXPosition+string(code)]*scale, 1), big.NewRat(r, rate.Scale)))
		}
		off := new(big.Rat).Sub(worth, big.NewRat(after[journal.FXEquivalent+"CNY"], 1))
		require.LessOrEqual(rt, off.Abs(off).Cmp(big.NewRat(1, 1)), 0, "half a fen for each of the two currencies")
		again, err := h.svc.Revalue(t.Context(), h.staff.Operations, monday)
		require.NoError(rt, err)
		require.Equal(rt, 1, again.Run, "nothing was left to post")
		require.Equal(rt, after, h.net(t, monday))
	})
}

func TestRefusedRates(t *testing.T) {
	t.Parallel()
	h := open(t, dbtest.SQLite(t))
	for name, r := range map[string]fx.Rates{
		"none": {Date: monday}, "the base currency": {Date: monday, Rates: []fx.Quote{{Currency: money.CNY, Rate: 1}}}, "no date": {Rates: []fx.Quote{{Currency: money.USD, Rate: 1}}},
		"zero": {Date: monday, Rates: []fx.Quote{{Currency: money.USD}}}, "unknown": {Date: monday, Rates: []fx.Quote{{Currency: "XXX", Rate: 1}}},
		"twice": {Date: monday, Rates: []fx.Quote{{Currency: money.USD, Rate: 1}, {Currency: money.USD, Rate: 2}}},
	} {
		_, err := h.svc.Propose(t.Context(), h.staff.Operations, r)
		_, isFault := fault.As(err)
		require.True(t, isFault, name)
	}
}
