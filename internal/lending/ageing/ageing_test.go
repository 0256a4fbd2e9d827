package ageing_test

import (
	"bytes"
	"context"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/daycount"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/credit/facility"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/ledger/recipe"
	"github.com/capillary-finance/capillary/internal/lending/ageing"
	"github.com/capillary-finance/capillary/internal/lending/eod"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/simulator/bank"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

func day(s string) calendar.Date { return calendar.MustParse(s) }

var moveDate = db.Q(`update institution set business_date = $2 where institution_id = $1`)

// desk is a bank with an east and a west branch.
type desk struct {
	db         *db.DB
	bank       *bank.Server
	staff      dbtest.Staff
	dispatcher *payment.Dispatcher
	loans      *loan.Service
	reports    *ageing.Service
}

func open(t *testing.T, d *db.DB) desk {
	t.Helper()
	s, err := bank.New(bank.Config{Secret: "s", SettlementMinor: 1_000_000_000_00})
	require.NoError(t, err)
	h := httptest.NewServer(s)
	t.Cleanup(func() { _ = s.Close(); h.Close() })
	client, err := payment.NewClient(payment.ClientConfig{URL: h.URL, Secret: "s", Timeout: 2 * time.Second})
	require.NoError(t, err)
	dispatcher := payment.NewDispatcher(d, client, payment.DispatcherConfig{})
	loans := loan.NewService(d, dispatcher, func(context.Context, *db.Tx, facility.Facility) (loan.Conditions, error) {
		return loan.Conditions{Methods: []loan.Method{loan.InterestOnly}, TenorMonthsMin: 1, TenorMonthsMax: 24, Basis: daycount.Act360, Rounding: money.HalfUp, PenaltySpread: rate.FromBP(5000)}, nil
	})
	return desk{d, s, dbtest.Institution(t, d), dispatcher, loans, ageing.NewService(d)}
}

// lend pays out interest-only loans of 24 months on 5 January 2026: the first interest is due on 5 February.
func (d desk) lend(t *testing.T, branch, product string, yuan ...int64) (ids []string) {
	t.Helper()
	for i, amount := range yuan {
		var f facility.Facility
		require.NoError(t, d.db.Update(t.Context(), d.staff.System.Scope(), func(tx *db.Tx) (err error) {
			f, err = facility.Open(t.Context(), tx, facility.Draft{FirmID: fmt.Sprint("firm_", branch, i), ApplicationID: "a", ContractID: tx.NewID("con"), ProductID: product, ProductVersion: 1,
				BranchID: "br_" + branch, BranchPath: "/hq/" + branch + "/", LimitMinor: 1_000_000_00, Currency: "CNY", Rate: rate.FromBP(360), Revolving: true, ExpiresOn: day("2029-01-05")})
			return err
		}))
		l, err := d.loans.Draw(t.Context(), d.staff.System, loan.DrawInput{FacilityID: f.ID, AmountMinor: amount * 100, TenorMonths: 24, Method: loan.InterestOnly, PayeeName: "甲", PayeeAccount: fmt.Sprint("acct-", branch, i), Reference: fmt.Sprint(branch, i)})
		require.NoError(t, err)
		ids = append(ids, l.ID)
	}
	_, err := d.dispatcher.Drain(t.Context())
	require.NoError(t, err)
	for i := range yuan { // the money is spent: nothing can be collected
		require.NoError(t, d.bank.Open(bank.Account{Number: fmt.Sprint("acct-", branch, i), Name: "spent"}))
	}
	return ids
}

func (d desk) to(t *testing.T, on string) {
	t.Helper()
	require.NoError(t, d.db.Update(t.Context(), d.staff.System.Scope(), func(tx *db.Tx) error {
		if _, err := tx.Exec(t.Context(), moveDate, tx.Institution, on); err != nil {
			return err
		}
		_, _, err := loan.Roll(t.Context(), tx, "", day(on), 100)
		return err
	}))
}

// Interest due on 5 February 2026 and never paid: on the day itself the loan is not late, the next day by one, and each line of the report is crossed on its own day.
func TestALoanAgesThroughTheBuckets(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := open(t, d)
		b.lend(t, "east", "invoice-credit", 10_000)
		for _, row := range []struct {
			on     string
			bucket int
		}{
			{"2026-02-05", 0},
			{"2026-02-06", 1}, {"2026-03-07", 1}, // 30 days
			{"2026-03-08", 2}, {"2026-04-06", 2}, // 60
			{"2026-04-07", 3}, {"2026-05-06", 3}, // 90
			{"2026-05-07", 4}, {"2026-08-04", 4}, // 180
			{"2026-08-05", 5}, {"2026-11-02", 5}, // 270
			{"2026-11-03", 6}, {"2027-01-31", 6}, // 360
			{"2027-02-01", 7},
		} {
			b.to(t, row.on)
			require.NoError(t, b.reports.Take(t.Context(), b.staff.System, day(row.on)))
			r, err := b.reports.Get(t.Context(), b.staff.System, day(row.on))
			require.NoError(t, err)
			require.Len(t, r.Totals, 1)
			for no, sums := range r.Totals[0].Buckets {
				want := int64(0)
				if no == row.bucket {
					want = 10_000_00
				}
				require.Equal(t, want, sums.OutstandingMinor, "%s: bucket %d", row.on, no)
			}
		}
		course, err := b.reports.Course(t.Context(), b.staff.System, day("2026-02-01"), day("2026-05-31"))
		require.NoError(t, err)
		require.Len(t, course, 8)
		require.Equal(t, ageing.Point{AsOf: day("2026-05-06"), Currency: "CNY", Loans: 1, OutstandingMinor: 10_000_00, OverdueMinor: 10_000_00}, course[6])
		require.Equal(t, int64(10_000_00), course[7].Over90Minor)
	})
}

// Three loans in the east, one of them late, and one late in the west. The bank sees all with the books beside them, the west its own; a second close writes the same report.
func TestTheReportOfADayOfTheBank(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := open(t, d)
		east := b.lend(t, "east", "invoice-credit", 10_000, 20_000, 40_000)
		b.lend(t, "west", "tax-credit", 80_000)
		days := eod.NewService(d, b.loans, b.dispatcher, nil)
		days.Register(b.reports.Work())
		none, err := b.reports.Get(t.Context(), b.staff.System, calendar.Date{})
		require.NoError(t, err)
		require.True(t, none.AsOf.IsZero(), "before the first close there is none")

		b.to(t, "2026-02-05")
		for _, id := range east[1:] { // 31 days of 20,000 and 40,000 at 3.6% over 360: 62.00 and 124.00
			_, err := b.loans.Repay(t.Context(), b.staff.System, loan.RepayInput{LoanID: id, AmountMinor: map[string]int64{east[1]: 62_00, east[2]: 124_00}[id], Reference: "interest"})
			require.NoError(t, err)
		}
		_, err = days.Until(t.Context(), b.staff.Operations, day("2026-02-08"), nil)
		require.NoError(t, err)
		require.NoError(t, b.reports.Take(t.Context(), b.staff.System, day("2026-02-08")), "again")

		r, err := b.reports.Get(t.Context(), b.staff.System, calendar.Date{})
		require.NoError(t, err)
		require.Equal(t, "2026-02-08", r.AsOf.String(), "the latest")
		require.Zero(t, r.Behind)
		whole := r.Totals[0]
		require.Equal(t, []int64{4, 150_000_00, 90_000_00, 0}, []int64{whole.Loans, whole.OutstandingMinor, whole.OverdueMinor, whole.Over90Minor}, "10,000 in the east and 80,000 in the west are late")
		require.Equal(t, []int64{2, 60_000_00, 2, 90_000_00}, []int64{whole.Buckets[0].Loans, whole.Buckets[0].OutstandingMinor, whole.Buckets[1].Loans, whole.Buckets[1].OutstandingMinor})
		require.GreaterOrEqual(t, whole.DueMinor, int64(31_00+248_00), "31 days of 10,000 and of 80,000, and what runs on them since")
		require.Len(t, r.Branches, 2)
		require.Equal(t, []any{"br_west", int64(80_000_00)}, []any{r.Branches[1].ID, r.Branches[1].OverdueMinor})
		require.Equal(t, []any{"tax-credit", int64(80_000_00)}, []any{r.Products[1].ID, r.Products[1].OutstandingMinor})
		require.Equal(t, []ageing.Tie{{Currency: "CNY", LoansMinor: 150_000_00, LedgerMinor: 150_000_00}}, r.Ties)

		late, err := b.loans.List(t.Context(), b.staff.System, loan.Filter{LateFrom: 1, LateUntil: 30})
		require.NoError(t, err)
		require.Equal(t, whole.Buckets[1].Loans, late.Total, "the loans behind a figure are found")
		later, err := b.loans.List(t.Context(), b.staff.System, loan.Filter{LateFrom: 4})
		require.NoError(t, err)
		require.Zero(t, later.Total)

		west := b.staff.Risk
		west.BranchPath = "/hq/west/"
		r, err = b.reports.Get(t.Context(), west, day("2026-02-08"))
		require.NoError(t, err)
		require.Equal(t, []any{1, int64(80_000_00), 0}, []any{len(r.Branches), r.Totals[0].OutstandingMinor, len(r.Ties)}, "the books are the bank's, not a branch's")

		course, err := b.reports.Course(t.Context(), b.staff.System, calendar.Date{}, calendar.Date{})
		require.NoError(t, err)
		require.Len(t, course, 3, "6, 7 and 8 February")
		require.Equal(t, int64(90_000_00), course[0].OverdueMinor)

		_, err = b.reports.Get(t.Context(), b.staff.System, day("2026-02-01"))
		require.True(t, fault.Is(err, ageing.ReasonNone), "%v", err)
		_, err = b.reports.Course(t.Context(), b.staff.System, day("2026-02-09"), day("2026-02-01"))
		require.ErrorContains(t, err, "from")
		_, err = b.reports.Course(t.Context(), b.staff.System, day("2020-02-09"), day("2026-02-01"))
		require.ErrorContains(t, err, "two years")
	})
}

// What the books and the loans do not agree on shows as a difference: here somebody has booked 500.00 on the principal account by hand.
func TestADifferenceToTheBooksShows(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := open(t, d)
		b.lend(t, "east", "invoice-credit", 10_000)
		require.NoError(t, d.Update(t.Context(), b.staff.System.Scope(), func(tx *db.Tx) error {
			roles := recipe.Default()
			_, err := journal.Post(t.Context(), tx, journal.Draft{Key: "by hand", Date: day("2026-01-05"), Object: "test", ObjectID: "t1", Memo: fault.Text{Zh: "手工", En: "by hand"}, Branch: "br_east", Product: "invoice-credit", Lines: []journal.Line{
				{Account: roles.Code(recipe.LoanPrincipal), AmountMinor: 500_00, Currency: "CNY"},
				{Account: roles.Code(recipe.Settlement), AmountMinor: -500_00, Currency: "CNY"},
			}})
			return err
		}))
		require.NoError(t, b.reports.Take(t.Context(), b.staff.System, day("2026-01-05")))
		r, err := b.reports.Get(t.Context(), b.staff.System, day("2026-01-05"))
		require.NoError(t, err)
		require.Equal(t, []ageing.Tie{{Currency: "CNY", LoansMinor: 10_000_00, LedgerMinor: 10_500_00, DifferenceMinor: -500_00}}, r.Ties)
	})
}

func TestTheWorkbook(t *testing.T) {
	t.Parallel()
	row := ageing.Row{ID: "b1", Name: "东城支行", Currency: "CNY", Sums: ageing.Sums{Loans: 3, OutstandingMinor: 123_456_78}, Buckets: make([]ageing.Sums, 8)}
	row.Buckets[0] = ageing.Sums{Loans: 2, OutstandingMinor: 100_000_01}
	row.Buckets[7] = ageing.Sums{Loans: 1, OutstandingMinor: 23_456_77}
	yen := row
	yen.Currency = "JPY"
	for lang, want := range map[string][]string{"zh": {"机构", "逾期360天以上本金", "账龄报表"}, "en": {"Branches", "More than 360 days: principal", "Ageing report"}} {
		text, err := ageing.Sheet(lang, ageing.Report{AsOf: day("2026-02-08"), Buckets: ageing.Buckets(), Totals: []ageing.Row{row}, Branches: []ageing.Row{row, yen}})
		require.NoError(t, err)
		f, err := excelize.OpenReader(bytes.NewReader(text))
		require.NoError(t, err)
		rows, err := f.GetRows(want[0])
		require.NoError(t, err)
		require.Equal(t, []string{want[2], "2026-02-08"}, rows[0])
		require.Equal(t, want[1], rows[1][19])
		require.Equal(t, []string{"东城支行", "CNY", "3", "123,456.78", "2", "100,000.01"}, rows[2][:6])
		require.Equal(t, []string{"1", "23,456.77"}, rows[2][18:])
		require.Equal(t, "12,345,678", rows[3][3], "the yen has no fractions")
	}
}
