package loan_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/daycount"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// BenchmarkReadTenYears reads a loan on which something was paid every day for ten years, beside a loan with one event: by its
// snapshot, and by replay of the 3,651 events.
func BenchmarkReadTenYears(b *testing.B) {
	for name, open := range map[string]func(testing.TB, ...dbtest.Option) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		b.Run(name, func(b *testing.B) {
			d := open(b)
			staff := dbtest.Institution(b, d)
			terms := loan.Terms{
				PrincipalMinor: 10_000_000_00, Currency: "CNY", AnnualRate: rate.FromBP(435), PenaltyRate: rate.FromBP(652), Start: date("2016-01-04"), TenorMonths: 132,
				Method: loan.Bullet, Basis: daycount.Act360, Rounding: money.HalfUp,
			}
			old := loan.Taken{FacilityID: "f", Reference: "old", FirmID: "firm_1", ProductID: "p", BranchID: "b", BranchPath: "/hq/east/", PayeeName: "x", PayeeAccount: "a", Terms: terms,
				Events: []loan.Event{{Seq: 1, Kind: loan.Disbursed, Date: terms.Start, AmountMinor: terms.PrincipalMinor, Key: "disbursed"}}}
			for i := range 3650 {
				old.Events = append(old.Events, loan.Event{Seq: int64(i + 2), Kind: loan.Repaid, Prepay: true, Date: terms.Start.AddDays(i + 1), AmountMinor: 2000_00, Key: fmt.Sprint("repay:", i)})
			}
			young := old
			young.Reference, young.Events = "young", old.Events[:1]
			var ids []string
			require.NoError(b, d.Update(b.Context(), staff.System.Scope(), func(tx *db.Tx) (err error) {
				ids, err = loan.Take(b.Context(), tx, []loan.Taken{old, young}, terms.Start.AddDays(3650))
				return err
			}))
			s := loan.NewService(d, payment.NewDispatcher(d, nil, payment.DispatcherConfig{}), nil)
			ask := func(id string) {
				require.NoError(b, d.View(b.Context(), staff.System.Scope(), func(tx *db.Tx) error {
					l, err := loan.ByID(b.Context(), tx, id)
					if err != nil {
						return err
					}
					_, err = loan.Current(b.Context(), tx, l)
					return err
				}))
			}
			b.Run("snapshot", func(b *testing.B) {
				for b.Loop() {
					ask(ids[0])
				}
				read := b.Elapsed() / time.Duration(b.N)
				began := time.Now()
				for range 20 {
					ask(ids[1])
				}
				b.ReportMetric(float64(read)/float64(time.Since(began)/20), "x-young-loan")
			})
			b.Run("replay", func(b *testing.B) {
				for b.Loop() {
					_, err := s.Get(b.Context(), staff.Manager, ids[0])
					require.NoError(b, err)
				}
			})
		})
	}
}
