package loan_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/lending/loan"
)

func BenchmarkSchedule(b *testing.B) {
	for name, m := range map[string]loan.Method{"equal_instalment": loan.EqualInstalment, "equal_principal": loan.EqualPrincipal} {
		b.Run(name, func(b *testing.B) {
			tt := terms(fen("1000000"), 435, 36, m)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := loan.Schedule(tt); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// A night of a running loan, of one in arrears and of one that carries its
// arrears; nothing falls due.
func BenchmarkNight(b *testing.B) {
	for name, set := range map[string]func(*loan.Terms){
		"running": func(*loan.Terms) {},
		"overdue": func(t *loan.Terms) { t.NonAccrualDays = 3650 },
		"carried": func(t *loan.Terms) { t.Arrears = loan.ArrearsCarry },
	} {
		b.Run(name, func(b *testing.B) {
			tt := terms(fen("1000000"), 435, 36, loan.EqualInstalment)
			set(&tt)
			start := tt.Start
			if name != "running" {
				start = date("2027-08-15")
			}
			s, err := loan.Replay(tt, disbursed(tt), start)
			require.NoError(b, err)
			b.ReportAllocs()
			kept := clone(s)
			night := 0
			for b.Loop() {
				night++
				if night == 28 { // before anything falls due it is the first night again
					rows := append(kept.Rows[:0], s.Rows...)
					segments, penalty, compound := append(kept.Segments[:0], s.Segments...), append(kept.PenaltyEarned[:0], s.PenaltyEarned...), append(kept.CompoundEarned[:0], s.CompoundEarned...)
					kept = s
					kept.Rows, kept.Segments, kept.PenaltyEarned, kept.CompoundEarned = rows, segments, penalty, compound
					night = 1
				}
				if err := kept.Advance(start.AddDays(night)); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "loan-days/s")
		})
	}
}

// Ten years with a payment every day, replayed from the first: of what runs
// interest only, and of instalments that every payment lowers.
func BenchmarkReplay3650(b *testing.B) {
	for name, m := range map[string]loan.Method{"interest_only": loan.InterestOnly, "equal_instalment": loan.EqualInstalment} {
		b.Run(name, func(b *testing.B) {
			tt := terms(fen("1000000"), 435, 120, m)
			s, err := loan.Replay(tt, disbursed(tt), tt.Start)
			require.NoError(b, err)
			events := disbursed(tt)
			for d := range 3650 {
				on := tt.Start.AddDays(d + 1)
				require.NoError(b, s.Advance(on))
				e := loan.Event{Seq: int64(d + 2), Kind: loan.Repaid, Date: on, AmountMinor: s.Due().TotalMinor() + 20_000, Prepay: true}
				if payoff := s.Payoff().TotalMinor(); e.AmountMinor >= payoff {
					e.AmountMinor = 1
				}
				_, err := s.Apply(e)
				require.NoError(b, err)
				events = append(events, e)
			}
			until := tt.Start.AddDays(3651)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := loan.Replay(tt, events, until); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
