package schedule_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/capillary-finance/capillary/internal/base/daycount"
	"github.com/capillary-finance/capillary/internal/base/schedule"
)

// floatRow is a row of the floor.
type floatRow struct {
	due                           time.Time
	principal, interest, remained float64
}

// floatPlan is the floor: the textbook's annuity in floating point, dates by the standard library, no rounding, no choice.
func floatPlan(principal, yearly float64, start time.Time, n int) []floatRow {
	monthly := yearly / 12
	level := principal * monthly / (1 - math.Pow(1+monthly, -float64(n)))
	rows := make([]floatRow, n)
	for i := range rows {
		interest := principal * monthly
		principal -= level - interest
		rows[i] = floatRow{due: start.AddDate(0, i+1, 0), principal: level - interest, interest: interest, remained: principal}
	}
	return rows
}

// BenchmarkPlans makes plans on one core, beside the floor in turns of the same run: plans/s and how many times the floor's time one takes.
func BenchmarkPlans(b *testing.B) {
	shapes := map[string]func(*schedule.Terms){
		"equal instalments":                  func(*schedule.Terms) {},
		"equal instalments, nearest level":   func(t *schedule.Terms) { t.Level = schedule.Nearest },
		"equal principal":                    func(t *schedule.Terms) { t.Method = schedule.EqualPrincipal },
		"interest only":                      func(t *schedule.Terms) { t.Method = schedule.InterestOnly },
		"equal instalments, ACT 360 by days": func(t *schedule.Terms) { t.Accrual, t.Basis = schedule.ByDays, daycount.Act360 },
		"lease in advance with residual":     func(t *schedule.Terms) { t.InAdvance, t.BalloonMinor = true, 1_200_000 },
	}
	for name, change := range shapes {
		for _, n := range []int{24, 360} {
			b.Run(strings.ReplaceAll(name, " ", "_")+"/"+map[int]string{24: "24", 360: "360"}[n], func(b *testing.B) {
				terms := monthly()
				terms.Count, terms.Level = n, schedule.Rounded
				change(&terms)
				start := time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)
				var ours, floor time.Duration
				b.ReportAllocs()
				for b.Loop() {
					t0 := time.Now()
					if _, err := schedule.Make(terms); err != nil {
						b.Fatal(err)
					}
					t1 := time.Now()
					if rows := floatPlan(12_000_000, 0.06, start, n); rows[n-1].remained > 1 {
						b.Fatal("the floor does not end at zero")
					}
					ours, floor = ours+t1.Sub(t0), floor+time.Since(t1)
				}
				b.ReportMetric(float64(b.N)/ours.Seconds(), "plans/s")
				b.ReportMetric(ours.Seconds()/floor.Seconds(), "x-float")
			})
		}
	}
}
