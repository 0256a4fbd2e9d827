package loan_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/credit/facility"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// A loan at LPR + 135 bp drawn on 5 March 2025, when the one-year LPR stood at 3.10%. On 20 May it fell to 3.00%
// (the published history): the loan follows on the day its rule says, with the spread it was drawn with.
func TestALoanFollowsItsBenchmark(t *testing.T) {
	t.Parallel()
	for rule, day := range map[string]string{"quarterly": "2025-06-05", "quarter_start": "2025-07-01", "january_1": "2026-01-01", "anniversary": "2026-03-05", "fixed": ""} {
		t.Run(rule, func(t *testing.T) {
			t.Parallel()
			desks(t, func(t *testing.T, d desk) {
				d.update(t, func(tx *db.Tx) error {
					_, err := tx.Exec(t.Context(), setDate, tx.Institution, "2025-03-05")
					return err
				})
				floating := conditions
				floating.Repricing = loan.Repricing{Benchmark: "lpr_1y", Rule: rule}
				d.update(t, func(tx *db.Tx) (err error) {
					d.facility, err = facility.Open(t.Context(), tx, facility.Draft{
						FirmID: "firm_1", ApplicationID: "app_2", ContractID: tx.NewID("con"), ProductID: "invoice-credit", ProductVersion: 1, BranchID: "br_east",
						BranchPath: "/hq/east/", LimitMinor: fen("500000"), Currency: "CNY", Rate: rate.FromBP(445), Revolving: true, ExpiresOn: date("2027-01-05"),
					})
					return err
				})
				d.loans = loan.NewService(d.db, d.dispatcher2(t), func(context.Context, *db.Tx, facility.Facility) (loan.Conditions, error) { return floating, nil })
				l := d.active(t, "f", fen("120000"), func(in *loan.DrawInput) { in.Method, in.TenorMonths = loan.InterestOnly, 18 })
				reset := func(on string) {
					d.update(t, func(tx *db.Tx) error {
						_, _, err := loan.Reprice(t.Context(), tx, "", date(on), 100)
						return err
					})
				}
				if day == "" {
					d.roll(t, "2026-03-06")
					reset("2026-03-06")
					require.Equal(t, rate.FromBP(445), d.get(t, l.ID).Rate)
					return
				}
				eve := date(day).AddDays(-1).String()
				d.roll(t, eve)
				reset(eve)
				require.Equal(t, rate.FromBP(445), d.get(t, l.ID).Rate, "until its day the old rate")
				d.roll(t, date(day).AddDays(2).String())
				reset(date(day).AddDays(2).String()) // the day was missed: it takes effect on its own date all the same
				reset(date(day).AddDays(2).String())
				got := d.get(t, l.ID)
				require.Equal(t, rate.FromBP(435), got.Rate)
				events, err := d.loans.Events(t.Context(), d.staff.Manager, l.ID)
				require.NoError(t, err)
				require.Len(t, events, 2, "one reset, once")
				require.Equal(t, day, events[1].Date.String())
				d.whole(t, fen("120000"))
			})
		})
	}
}

func TestAnUnknownBenchmarkIsRefusedWhenDrawing(t *testing.T) {
	t.Parallel()
	desks(t, func(t *testing.T, d desk) {
		odd := conditions
		odd.Repricing = loan.Repricing{Benchmark: "libor", Rule: "monthly"}
		d.loans = loan.NewService(d.db, d.dispatcher2(t), func(context.Context, *db.Tx, facility.Facility) (loan.Conditions, error) { return odd, nil })
		_, err := d.loans.Draw(t.Context(), d.staff.Manager, d.input("u", fen("1000")))
		require.Error(t, err)
		require.False(t, fault.Is(err, fault.ReasonInternal), "%v", err)
	})
}
