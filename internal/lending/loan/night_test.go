package loan

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/daycount"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/ledger/recipe"
)

// aLife draws terms of every method and basis and the events of a loan that may be paid late, early or in part.
func aLife(t *rapid.T) (Terms, []Event) {
	tt := Terms{
		PrincipalMinor: rapid.Int64Range(100, 1e11).Draw(t, "principal"), Currency: "CNY", AnnualRate: rate.FromBP(rapid.Int64Range(0, 3600).Draw(t, "bp")),
		TenorMonths: rapid.IntRange(1, 36).Draw(t, "months"), Start: calendar.MustParse("2024-01-01").AddDays(rapid.IntRange(0, 900).Draw(t, "start")),
		Method: rapid.SampledFrom([]Method{EqualInstalment, EqualPrincipal, InterestOnly, Bullet}).Draw(t, "method"), Rounding: money.HalfUp,
		Basis:     rapid.SampledFrom([]daycount.Convention{daycount.Act360, daycount.Act365, daycount.Act364, daycount.Thirty360, daycount.Thirty360Bond, daycount.Thirty360US}).Draw(t, "basis"),
		GraceDays: rapid.SampledFrom([]int{0, 0, 3, 15}).Draw(t, "grace"),
	}
	tt.PenaltyRate = tt.AnnualRate * 3 / 2
	events := []Event{{Seq: 1, Kind: Disbursed, Date: tt.Start, AmountMinor: tt.PrincipalMinor, Key: "disbursed"}}
	s, err := Replay(tt, events, tt.Start)
	require.NoError(t, err)
	for range rapid.IntRange(0, 6).Draw(t, "payments") {
		at := s.AsOf.AddDays(rapid.IntRange(0, 70).Draw(t, "days"))
		require.NoError(t, s.Advance(at))
		e := Event{Seq: int64(len(events) + 1), Kind: Repaid, Date: at, Prepay: rapid.Bool().Draw(t, "prepay"), Key: "p"}
		limit := s.Due().TotalMinor()
		if e.Prepay {
			limit = s.Payoff().TotalMinor() - 1
		}
		if limit < 1 || !s.open() {
			continue
		}
		e.AmountMinor = rapid.Int64Range(1, limit).Draw(t, "amount")
		// Days that add up to the span only in some bases: the life must be what a replay says.
		if s, err = Replay(tt, append(events, e), at); err != nil {
			t.Skip("a walk in steps and a replay differ in what may still be paid")
		}
		events = append(events, e)
	}
	return tt, events
}

// The nights of a loan, taken in leaps of any length and through its snapshot, book on every date what a replay of that date
// and of the date before says, to the fen.
func TestNightsBookWhatTheReplaySays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		tt, events := aLife(t)
		at := events[len(events)-1].Date
		posted, err := Replay(tt, events, at)
		require.NoError(t, err)
		if !posted.open() {
			return
		}
		n := night{Loan: Loan{ID: "loan_1", BranchID: "b", ProductID: "p", Currency: "CNY", Terms: tt, ProcessedTo: at, Posted: posted.Totals, Status: posted.Status}}
		n.eventSeq = int64(len(events))
		require.NoError(t, n.replay(events))
		for range rapid.IntRange(1, 6).Draw(t, "leaps") {
			to := at.AddDays(rapid.IntRange(1, 50).Draw(t, "leap"))
			into := sums{to: to}
			require.NoError(t, n.work(&into))
			require.Equal(t, int64(to.Sub(at)), into.days)
			before, err := Replay(tt, events, at)
			require.NoError(t, err)
			for day := at.AddDays(1); !day.After(to); day = day.AddDays(1) {
				s, err := Replay(tt, events, day)
				require.NoError(t, err)
				want := map[recipe.Role]int64{}
				for _, l := range s.Totals.Sub(before.Totals).legs() {
					if l.minor != 0 {
						want[l.role] = l.minor
					}
				}
				got := map[recipe.Role]int64{}
				if parts, back := into.by[place{"b", "p", "CNY"}], to.Sub(day); back < len(parts) {
					for _, a := range parts[back].amounts {
						got[a.role] = a.minor
					}
				}
				require.Equal(t, want, got, "%s", day)
				before = s
			}
			want := n.Loan
			want.project(&before)
			require.Equal(t, projection(want), projection(n.Loan))
			require.Equal(t, before.Totals, n.Posted)
			// What the next night reads back is the state that was kept.
			var read State
			require.NoError(t, decodeState(encodeState(&n.anchor), &read))
			require.Equal(t, encodeState(&n.anchor), encodeState(&read))
			n.anchor, at = read, to
		}
	})
}

func TestSnapshotsKeepEveryField(t *testing.T) {
	t.Parallel()
	require.NotNil(t, stateCodec, "State holds something that cannot be kept: every night would replay")
	rapid.Check(t, func(t *rapid.T) {
		tt, events := aLife(t)
		s, err := Replay(tt, events, events[len(events)-1].Date.AddDays(rapid.IntRange(0, 90).Draw(t, "on")))
		require.NoError(t, err)
		var read State
		require.NoError(t, decodeState(encodeState(&s), &read))
		if len(s.Rows) == 0 {
			s.Rows = nil
		}
		require.Equal(t, s, read)
		copied := clone(&s)
		require.NoError(t, copied.Advance(s.AsOf.AddDays(400)))
		require.Equal(t, s, read, "advancing a copy leaves the original alone")
	})
}

// Bytes that are no snapshot are refused, whatever they are.
func FuzzDecodeState(f *testing.F) {
	s := State{Rows: make([]Row, 3)}
	f.Add(encodeState(&s))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, 0x7f})
	f.Fuzz(func(t *testing.T, b []byte) {
		var s State
		if decodeState(b, &s) == nil {
			_ = encodeState(&s)
		}
	})
}

func TestTotalsAsText(t *testing.T) {
	t.Parallel()
	require.NotEmpty(t, totalsFields, "Totals hold more than integers: each night writes them the slow way")
	rapid.Check(t, func(t *rapid.T) {
		var want Totals
		want.DisbursedMinor = rapid.Int64().Draw(t, "disbursed")
		want.PaidFeeMinor = rapid.Int64().Draw(t, "fees")
		text, err := formatTotals(&want)
		require.NoError(t, err)
		got, err := parseTotals(text)
		require.NoError(t, err)
		require.Equal(t, want, got)
	})
	got, err := parseTotals(`{"penalty_accrued_minor": 7, "disbursed_minor": 5}`)
	require.NoError(t, err)
	require.Equal(t, Totals{DisbursedMinor: 5, PenaltyAccruedMinor: 7}, got)
	for _, text := range []string{"", "{", `{"disbursed_minor":}`, `{"disbursed_minor":1,}`, `{"disbursed_minor":"x"}`, `[1]`} {
		_, err := parseTotals(text)
		require.Error(t, err, text)
	}
}

// A portfolio with a loan whose schedule is full: the cost of one night of one loan, in memory.
func BenchmarkNight(b *testing.B) {
	tt := Terms{PrincipalMinor: 100_000_00, Currency: "CNY", AnnualRate: rate.FromBP(435), PenaltyRate: rate.FromBP(652), Start: calendar.MustParse("2026-01-05"), TenorMonths: 24, Method: EqualInstalment, Basis: daycount.Act360, Rounding: money.HalfUp}
	anchor, err := Replay(tt, []Event{{Seq: 1, Kind: Disbursed, Date: tt.Start, AmountMinor: tt.PrincipalMinor}}, tt.Start.AddDays(200))
	require.NoError(b, err)
	text := encodeState(&anchor)
	b.Run("decode", func(b *testing.B) {
		b.ReportMetric(float64(len(text)), "bytes")
		for b.Loop() {
			var s State
			require.NoError(b, decodeState(text, &s))
		}
	})
	b.Run("decode json", func(b *testing.B) { // what a mirror of State for encoding/json would cost; hidden fields are not even in it
		text, err := json.Marshal(anchor)
		require.NoError(b, err)
		b.ReportMetric(float64(len(text)), "bytes")
		for b.Loop() {
			var s State
			require.NoError(b, json.Unmarshal(text, &s))
		}
	})
	b.Run("clone", func(b *testing.B) {
		for b.Loop() {
			_ = clone(&anchor)
		}
	})
	b.Run("replay", func(b *testing.B) {
		for b.Loop() {
			_, _ = Replay(tt, []Event{{Seq: 1, Kind: Disbursed, Date: tt.Start, AmountMinor: tt.PrincipalMinor}}, tt.Start.AddDays(201))
		}
	})
	for _, days := range []int{1, 30, 300} {
		b.Run("work/"+itoa(days), func(b *testing.B) {
			for b.Loop() {
				n := night{Loan: Loan{ID: "l", ProcessedTo: anchor.AsOf, Posted: anchor.Totals, Terms: tt, Currency: "CNY"}, anchor: clone(&anchor)}
				into := sums{to: anchor.AsOf.AddDays(days)}
				require.NoError(b, n.work(&into))
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*days), "ns/loan-day")
		})
	}
}
