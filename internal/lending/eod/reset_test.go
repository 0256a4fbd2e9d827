package eod_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/daycount"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/lending/eod"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

var brokenReset = db.Q(`insert into loan_reprice (institution_id, loan_id, next_on) values ($1, $2, $3)`)

// A floating loan taken over takes its benchmark anew in the night of its day; one that cannot be reset is listed, and the
// others do not wait for it.
func TestRatesAreResetInTheNight(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBook(t, d)
		terms := loan.Terms{
			PrincipalMinor: 100_000_00, Currency: "CNY", AnnualRate: rate.FromBP(435), PenaltyRate: rate.FromBP(652), TenorMonths: 24, Start: date("2025-01-06"),
			Method: loan.InterestOnly, Basis: daycount.Act360, Repricing: loan.Repricing{Benchmark: "lpr_1y", Rule: "anniversary", Spread: rate.FromBP(125)},
		}
		var id string
		b.update(t, func(tx *db.Tx) error {
			ids, err := loan.Take(t.Context(), tx, []loan.Taken{{
				FacilityID: "fac", Reference: "floating", FirmID: "firm_2", ProductID: "invoice-credit", BranchID: "br_1", BranchPath: "/hq/east/", PayeeName: "浮动利率客户", PayeeAccount: "acct-f",
				Terms: terms, Events: []loan.Event{{Seq: 1, Kind: loan.Disbursed, Date: terms.Start, AmountMinor: terms.PrincipalMinor, Key: "disbursed"}},
			}}, date("2026-01-05"))
			if err != nil {
				return err
			}
			id = ids[0]
			_, err = tx.Exec(t.Context(), brokenReset, tx.Institution, "loan_00_nobody", "2026-01-01")
			return err
		})
		_, err := b.days.Day(t.Context(), b.staff.Operations, date("2026-01-05"), nil)
		require.NoError(t, err, "listed, as a collection that fails is: the day ends")
		page, err := b.days.Failures(t.Context(), b.staff.Operations, eod.FailureFilter{ClosingDate: date("2026-01-05"), Open: true})
		require.NoError(t, err)
		require.Len(t, page.Items, 1)
		require.Equal(t, "loan_00_nobody", page.Items[0].LoanID)
		require.Equal(t, eod.StepReset, page.Items[0].Step)
		require.NoError(t, d.View(t.Context(), b.staff.System.Scope(), func(tx *db.Tx) error {
			events, err := loan.Events(t.Context(), tx, id)
			require.Len(t, events, 2)
			require.Equal(t, loan.RateChanged, events[1].Kind)
			require.Equal(t, "2026-01-06", events[1].Date.String())
			require.Equal(t, rate.FromBP(425), *events[1].Detail.Rate, "3.00% and 125 bp; it was drawn at 3.10%")
			return err
		}))
	})
}
