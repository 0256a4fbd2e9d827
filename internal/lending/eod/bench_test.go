package eod_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/daycount"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/credit/facility"
	"github.com/capillary-finance/capillary/internal/lending/eod"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// paysAll is a bank without a wire: the benchmark measures the end of day.
type paysAll struct{}

func (paysAll) Submit(context.Context, string, payment.Order) (payment.Outcome, error) {
	return payment.Outcome{Executed: true, Found: true, Reference: "r"}, nil
}

func (paysAll) Query(context.Context, string) (payment.Outcome, error) {
	return payment.Outcome{}, nil
}

// BenchmarkDay ends days of an institution with 1,000 open loans and reports
// loans per second.
func BenchmarkDay(b *testing.B) {
	for name, open := range map[string]func(testing.TB, ...dbtest.Option) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		b.Run(name, func(b *testing.B) {
			const loans = 1000
			d := open(b)
			staff := dbtest.Institution(b, d)
			dispatcher := payment.NewDispatcher(d, paysAll{}, payment.DispatcherConfig{})
			service := loan.NewService(d, dispatcher, func(context.Context, *db.Tx, facility.Facility) (loan.Conditions, error) {
				return loan.Conditions{Methods: []loan.Method{loan.Bullet}, TenorMonthsMin: 1, TenorMonthsMax: 24, Basis: daycount.Act360, Rounding: money.HalfUp}, nil
			})
			var f facility.Facility
			require.NoError(b, d.Update(b.Context(), staff.System.Scope(), func(tx *db.Tx) (err error) {
				f, err = facility.Open(b.Context(), tx, facility.Draft{
					FirmID: "firm_1", ContractID: "con_1", ProductID: "p", ProductVersion: 1, BranchID: "br_east", BranchPath: "/hq/east/",
					LimitMinor: 1_000_000_000_000, Currency: "CNY", Rate: rate.FromBP(435), Revolving: true, ExpiresOn: calendar.MustParse("2028-01-05"),
				})
				return err
			}))
			for i := range loans {
				_, err := service.Draw(b.Context(), staff.Manager, loan.DrawInput{
					FacilityID: f.ID, AmountMinor: 100_000_00, TenorMonths: 24, Method: loan.Bullet, PayeeName: "x", PayeeAccount: fmt.Sprint("a", i), Reference: fmt.Sprint(i),
				})
				require.NoError(b, err)
			}
			_, err := dispatcher.Drain(b.Context())
			require.NoError(b, err)
			days := eod.NewService(d, service, dispatcher, nil)
			today := calendar.MustParse("2026-01-05")
			start, rolled := time.Now(), 0
			for b.Loop() {
				today = today.AddDays(1)
				_, err := days.Until(b.Context(), staff.Operations, today, nil)
				require.NoError(b, err)
				rolled += loans
			}
			b.ReportMetric(float64(rolled)/time.Since(start).Seconds(), "loans/s")
		})
	}
}
