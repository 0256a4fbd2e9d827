package loan_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/daycount"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/credit/facility"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/simulator/bank"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

const secret = "s3cret"

var conditions = loan.Conditions{
	Methods: []loan.Method{loan.EqualInstalment, loan.EqualPrincipal, loan.InterestOnly, loan.Bullet}, TenorMonthsMin: 1, TenorMonthsMax: 24,
	Basis: daycount.Act360, Rounding: money.HalfUp, PenaltySpread: rate.FromBP(5000),
}

type bundle struct {
	db         *db.DB
	staff      dbtest.Staff
	bank       *bank.Server
	url        string
	clock      *dbtest.Clock
	dispatcher *payment.Dispatcher
	loans      *loan.Service
	facility   facility.Facility
}

func each(t *testing.T, faults bank.Faults, fn func(t *testing.T, b *bundle)) {
	t.Helper()
	dbtest.EachTimed(t, time.Date(2026, 1, 5, 1, 0, 0, 0, time.UTC), func(t *testing.T, d *db.DB, c *dbtest.Clock) {
		b := &bundle{db: d, staff: dbtest.Institution(t, d), clock: c}
		s, err := bank.New(bank.Config{Secret: secret, SettlementMinor: 1_000_000_000_00, Faults: faults})
		require.NoError(t, err)
		h := httptest.NewServer(s)
		t.Cleanup(func() { _ = s.Close(); h.Close() })
		b.bank, b.url = s, h.URL
		b.restart(t, nil)
		b.facility = b.open(t, fen("500000"))
		fn(t, b)
	})
}

// restart is what a new process would build on the same database.
func (b *bundle) restart(t *testing.T, fail func(string, payment.Order) error) {
	t.Helper()
	client, err := payment.NewClient(payment.ClientConfig{URL: b.url, Secret: secret, Timeout: 500 * time.Millisecond})
	require.NoError(t, err)
	b.dispatcher = payment.NewDispatcher(b.db, client, payment.DispatcherConfig{Failpoint: fail})
	b.loans = loan.NewService(b.db, b.dispatcher, func(context.Context, *db.Tx, facility.Facility) (loan.Conditions, error) { return conditions, nil })
}

func (b *bundle) advance(d time.Duration) { b.clock.Advance(d) }

func (b *bundle) open(t *testing.T, limit int64) (f facility.Facility) {
	t.Helper()
	b.update(t, func(tx *db.Tx) (err error) {
		f, err = facility.Open(t.Context(), tx, facility.Draft{
			FirmID: "firm_1", ApplicationID: "app_1", ContractID: tx.NewID("con"), ProductID: "invoice-credit", ProductVersion: 1,
			BranchID: "br_east", BranchPath: "/hq/east/", LimitMinor: limit, Currency: "CNY", Rate: rate.FromBP(435), Revolving: true,
			ExpiresOn: date("2027-01-05"),
		})
		return err
	})
	return f
}

func (b *bundle) update(t *testing.T, fn func(tx *db.Tx) error) {
	t.Helper()
	require.NoError(t, b.db.Update(t.Context(), b.staff.System.Scope(), fn))
}

func (b *bundle) view(t *testing.T, fn func(tx *db.Tx) error) {
	t.Helper()
	require.NoError(t, b.db.View(t.Context(), b.staff.System.Scope(), fn))
}

func (b *bundle) input(reference string, amount int64) loan.DrawInput {
	return loan.DrawInput{
		FacilityID: b.facility.ID, AmountMinor: amount, TenorMonths: 3, Method: loan.EqualPrincipal, PayeeName: "杭州小微有限公司",
		PayeeAccount: "6222-1", Reference: reference,
	}
}

func (b *bundle) drain(t *testing.T) {
	t.Helper()
	_, err := b.dispatcher.Drain(t.Context())
	require.NoError(t, err)
}

func (b *bundle) get(t *testing.T, id string) loan.Detail {
	t.Helper()
	d, err := b.loans.Get(t.Context(), b.staff.Manager, id)
	require.NoError(t, err)
	return d
}

var setDate = db.Q(`update institution set business_date = $2 where institution_id = $1`)

// roll moves the business date and works every loan up to it.
func (b *bundle) roll(t *testing.T, to string) {
	t.Helper()
	b.update(t, func(tx *db.Tx) error {
		_, err := tx.Exec(t.Context(), setDate, tx.Institution, to)
		return err
	})
	b.update(t, func(tx *db.Tx) error {
		if _, _, err := loan.Roll(t.Context(), tx, "", date(to), 1000); err != nil {
			return err
		}
		_, err := loan.PostSums(t.Context(), tx, 1000)
		return err
	})
}

// check verifies everything that must hold after any story.
func (b *bundle) check(t *testing.T) {
	t.Helper()
	b.view(t, func(tx *db.Tx) error {
		if _, err := loan.Verify(t.Context(), tx); err != nil {
			return err
		}
		if _, err := journal.Verify(t.Context(), tx); err != nil {
			return err
		}
		_, drift, err := facility.Verify(t.Context(), tx)
		if err != nil {
			return err
		}
		require.Empty(t, drift)
		loans, err := loan.ByFirm(t.Context(), tx, "firm_1")
		if err != nil {
			return err
		}
		used := int64(0)
		for _, l := range loans {
			used += l.OutstandingMinor
			if l.Status == loan.Pending {
				used += l.PrincipalMinor
			}
		}
		_, utilised, err := facility.Exposure(t.Context(), tx, "firm_1", money.CNY)
		if err != nil {
			return err
		}
		require.Equal(t, used, utilised, "what is in use equals what is owed or on its way")
		trial, err := journal.Trial(t.Context(), tx, calendar.Date{})
		if err != nil {
			return err
		}
		require.True(t, trial.Balanced)
		// Money conserved: the books' settlement account moved as the bank's did.
		booked, real := int64(0), int64(0)
		for _, l := range trial.Lines {
			if l.Code == journal.Nostro {
				booked = l.NetMinor
			}
		}
		own := payment.SettlementAccount(b.staff.InstitutionID, money.CNY)
		for _, p := range b.bank.Payments() {
			if p.Status != bank.Executed {
				continue
			}
			if p.FromAccount == own {
				real -= p.AmountMinor
			}
			if p.ToAccount == own {
				real += p.AmountMinor
			}
		}
		orders := int64(0)
		for _, l := range loans {
			all, err := payment.Of(t.Context(), tx, "loan", l.ID)
			if err != nil {
				return err
			}
			for _, o := range all {
				if !o.Status.Final() {
					orders++
				}
			}
		}
		if orders == 0 {
			require.Equal(t, real, booked)
		}
		return nil
	})
}

func TestDrawdownStory(t *testing.T) {
	t.Parallel()
	each(t, bank.Faults{}, func(t *testing.T, b *bundle) {
		l, err := b.loans.Draw(t.Context(), b.staff.Manager, b.input("order-1", fen("120000")))
		require.NoError(t, err)
		require.Equal(t, loan.Pending, l.Status)
		b.check(t)
		b.drain(t)
		d := b.get(t, l.ID)
		require.Equal(t, loan.Active, d.Status)
		require.Equal(t, "2026-01-05", d.DisbursedOn.String())
		require.Len(t, d.Rows, 3)
		require.Equal(t, "2026-02-05", d.NextDueOn.String())
		b.check(t)

		b.roll(t, "2026-02-05")
		d = b.get(t, l.ID)
		require.Equal(t, fen("40449.50"), d.DueMinor)
		require.Equal(t, loan.Active, d.Status)
		b.check(t)

		pay := loan.RepayInput{LoanID: l.ID, AmountMinor: fen("40449.50"), Reference: "slip-1"}
		r, err := b.loans.Repay(t.Context(), b.staff.Operations, pay)
		require.NoError(t, err)
		require.Equal(t, loan.Allocation{InterestMinor: fen("449.50"), PrincipalMinor: fen("40000")}, r.Allocation)
		again, err := b.loans.Repay(t.Context(), b.staff.Operations, pay)
		require.NoError(t, err)
		require.Equal(t, r.Allocation, again.Allocation)
		pay.AmountMinor++
		_, err = b.loans.Repay(t.Context(), b.staff.Operations, pay)
		require.True(t, fault.Is(err, loan.ReasonRepaymentReused))

		b.roll(t, "2026-03-10")
		d = b.get(t, l.ID)
		require.Equal(t, loan.Overdue, d.Status)
		require.Equal(t, 5, d.DaysPastDue)
		require.Positive(t, d.Due.PenaltyMinor)
		q, err := b.loans.Quote(t.Context(), b.staff.Manager, l.ID, date("2026-03-12"))
		require.NoError(t, err)
		require.Greater(t, q.PayoffMinor, d.Payoff.TotalMinor())
		_, err = b.loans.Quote(t.Context(), b.staff.Manager, l.ID, date("2026-01-01"))
		require.Error(t, err)
		b.roll(t, "2026-03-12")
		r, err = b.loans.Repay(t.Context(), b.staff.Operations, loan.RepayInput{LoanID: l.ID, AmountMinor: q.PayoffMinor, Prepay: true, Reference: "slip-2"})
		require.NoError(t, err)
		require.Equal(t, loan.Settled, r.Loan.Status)
		st, err := b.loans.Statement(t.Context(), b.staff.Manager, l.ID, calendar.Date{}, calendar.Date{})
		require.NoError(t, err)
		kinds := []string{}
		for _, line := range st.Lines {
			kinds = append(kinds, line.Kind)
		}
		require.Equal(t, []string{"disbursed", "instalment_due", "repaid", "instalment_due", "repaid"}, kinds)
		require.Zero(t, st.ClosingMinor)
		part, err := b.loans.Statement(t.Context(), b.staff.Manager, l.ID, date("2026-03-01"), calendar.Date{})
		require.NoError(t, err)
		require.Equal(t, fen("80000"), part.OpeningMinor)
		require.Len(t, part.Lines, 2)
		b.view(t, func(tx *db.Tx) error { _, err := loan.Verify(t.Context(), tx); return err })
		events, err := b.loans.Events(t.Context(), b.staff.Manager, l.ID)
		require.NoError(t, err)
		require.Len(t, events, 3)
	})
}

func TestDoubleClickPaysOnce(t *testing.T) {
	t.Parallel()
	each(t, bank.Faults{HangAfterPermille: 300, FailAfterPermille: 300}, func(t *testing.T, b *bundle) {
		for round := range 3 {
			ref := fmt.Sprint("order-", round)
			var wg sync.WaitGroup
			var mu sync.Mutex
			ids := map[string]bool{}
			for range 50 {
				wg.Go(func() {
					l, err := b.loans.Draw(context.Background(), b.staff.Manager, b.input(ref, fen("1000")))
					mu.Lock()
					defer mu.Unlock()
					if err != nil {
						t.Errorf("draw: %v", err)
					}
					ids[l.ID] = true
				})
			}
			wg.Wait()
			require.Len(t, ids, 1)
			_, err := b.loans.Draw(t.Context(), b.staff.Manager, b.input(ref, fen("2000")))
			require.True(t, fault.Is(err, loan.ReasonReferenceReused))
		}
		for range 5 {
			b.drain(t)
			b.advance(time.Hour)
		}
		require.Len(t, b.bank.Payments(), 3)
		b.check(t)
	})
}

func TestDrawsNeverPassTheLimit(t *testing.T) {
	t.Parallel()
	each(t, bank.Faults{}, func(t *testing.T, b *bundle) {
		var wg sync.WaitGroup
		var ok, refused atomic.Int64
		for i := range 20 {
			wg.Go(func() {
				_, err := b.loans.Draw(context.Background(), b.staff.Manager, b.input(fmt.Sprint("o", i), fen("60000")))
				switch {
				case err == nil:
					ok.Add(1)
				case fault.Is(err, facility.ReasonLimitExceeded):
					refused.Add(1)
				default:
					t.Errorf("draw: %v", err)
				}
			})
		}
		wg.Wait()
		require.Equal(t, []int64{8, 12}, []int64{ok.Load(), refused.Load()})
		b.drain(t)
		require.Len(t, b.bank.Payments(), 8)
		b.check(t)
	})
}

func TestRefusedDisbursementGivesTheLimitBack(t *testing.T) {
	t.Parallel()
	each(t, bank.Faults{RejectPermille: 1000}, func(t *testing.T, b *bundle) {
		l, err := b.loans.Draw(t.Context(), b.staff.Manager, b.input("o", fen("120000")))
		require.NoError(t, err)
		b.drain(t)
		require.Equal(t, loan.CancelledOut, b.get(t, l.ID).Status)
		b.check(t)
		b.view(t, func(tx *db.Tx) error {
			f, err := facility.ByID(t.Context(), tx, b.facility.ID)
			require.Equal(t, fen("500000"), f.AvailableMinor)
			return err
		})
		again, err := b.loans.Draw(t.Context(), b.staff.Manager, b.input("o", fen("120000")))
		require.NoError(t, err)
		require.Equal(t, l.ID, again.ID, "a reference that failed stays used")
	})
}

var errCrash = errors.New("crash")

func TestRestartInTheMiddle(t *testing.T) {
	t.Parallel()
	for _, at := range []string{payment.PointClaimed, payment.PointAnswered} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			each(t, bank.Faults{}, func(t *testing.T, b *bundle) {
				b.restart(t, func(point string, _ payment.Order) error {
					if point == at {
						return errCrash
					}
					return nil
				})
				l, err := b.loans.Draw(t.Context(), b.staff.Manager, b.input("o", fen("120000")))
				require.NoError(t, err)
				_, err = b.dispatcher.Drain(t.Context())
				require.ErrorIs(t, err, errCrash)
				require.Equal(t, loan.Pending, b.get(t, l.ID).Status)
				b.restart(t, nil)
				b.advance(time.Minute)
				again, err := b.loans.Draw(t.Context(), b.staff.Manager, b.input("o", fen("120000")))
				require.NoError(t, err)
				require.Equal(t, l.ID, again.ID)
				b.drain(t)
				require.Equal(t, loan.Active, b.get(t, l.ID).Status)
				require.Len(t, b.bank.Payments(), 1)
				b.check(t)
			})
		})
	}
}

func TestBankDownDelaysOnly(t *testing.T) {
	t.Parallel()
	each(t, bank.Faults{Down: true}, func(t *testing.T, b *bundle) {
		l, err := b.loans.Draw(t.Context(), b.staff.Manager, b.input("o", fen("120000")))
		require.NoError(t, err)
		b.drain(t)
		require.Equal(t, loan.Pending, b.get(t, l.ID).Status)
		b.check(t)
		b.bank.SetFaults(bank.Faults{})
		b.advance(time.Hour)
		b.roll(t, "2026-01-07")
		b.drain(t)
		d := b.get(t, l.ID)
		require.Equal(t, "2026-01-07", d.DisbursedOn.String(), "interest runs from the day the money left")
		require.Equal(t, "2026-02-07", d.NextDueOn.String())
		b.check(t)
	})
}

func TestCollection(t *testing.T) {
	t.Parallel()
	each(t, bank.Faults{}, func(t *testing.T, b *bundle) {
		l, err := b.loans.Draw(t.Context(), b.staff.Manager, b.input("o", fen("120000")))
		require.NoError(t, err)
		b.drain(t)
		b.roll(t, "2026-02-05")
		for range 2 { // once per day, however often it is asked
			b.update(t, func(tx *db.Tx) error {
				_, err := b.loans.CollectDue(t.Context(), tx, l.ID, date("2026-02-05"))
				return err
			})
		}
		_, err = b.loans.Repay(t.Context(), b.staff.Operations, loan.RepayInput{LoanID: l.ID, AmountMinor: 1, Reference: "x", Collect: true})
		require.True(t, fault.Is(err, loan.ReasonCollectionOpen))
		b.drain(t)
		require.Len(t, b.bank.Payments(), 2)
		require.Zero(t, b.get(t, l.ID).DueMinor)
		_, err = b.loans.Repay(t.Context(), b.staff.Operations, loan.RepayInput{LoanID: l.ID, AmountMinor: fen("90000"), Reference: "y", Collect: true, Prepay: true})
		require.True(t, fault.Is(err, loan.ReasonOverpaid), "nothing is taken that the loan would refuse")
		r, err := b.loans.Repay(t.Context(), b.staff.Operations, loan.RepayInput{LoanID: l.ID, AmountMinor: fen("10000"), Reference: "z", Collect: true, Prepay: true})
		require.NoError(t, err)
		require.NotNil(t, r.Order)
		b.drain(t)
		require.Equal(t, fen("70000"), b.get(t, l.ID).OutstandingMinor)
		b.check(t)
	})
}

// The bank's answer about a collection comes days later: the repayment takes
// its value date, the loan is replayed and one entry corrects the books.
func TestLateAnswerIsValuedOnItsDay(t *testing.T) {
	t.Parallel()
	each(t, bank.Faults{}, func(t *testing.T, b *bundle) {
		late, err := b.loans.Draw(t.Context(), b.staff.Manager, b.input("late", fen("120000")))
		require.NoError(t, err)
		prompt, err := b.loans.Draw(t.Context(), b.staff.Manager, b.input("prompt", fen("120000")))
		require.NoError(t, err)
		b.drain(t)
		b.roll(t, "2026-02-05")
		b.update(t, func(tx *db.Tx) error {
			_, err := b.loans.CollectDue(t.Context(), tx, prompt.ID, date("2026-02-05"))
			return err
		})
		b.drain(t)
		b.update(t, func(tx *db.Tx) error {
			_, err := b.loans.CollectDue(t.Context(), tx, late.ID, date("2026-02-05"))
			return err
		})
		b.bank.SetFaults(bank.Faults{Down: true})
		b.drain(t)
		b.roll(t, "2026-02-15")
		require.Equal(t, loan.Overdue, b.get(t, late.ID).Status)
		require.Positive(t, b.get(t, late.ID).Due.PenaltyMinor)
		b.bank.SetFaults(bank.Faults{})
		b.advance(24 * time.Hour)
		b.drain(t)
		x, y := b.get(t, late.ID), b.get(t, prompt.ID)
		require.Equal(t, loan.Active, x.Status)
		require.Equal(t, y.Totals, x.Totals)
		require.Equal(t, y.Rows, x.Rows)
		require.Zero(t, x.Totals.PenaltyAccruedMinor)
		b.check(t)
	})
}

// A loan settled at the counter while a collection was on its way: the money
// that comes too late is parked, not lost and not forced on the loan.
func TestSurplusGoesToSuspense(t *testing.T) {
	t.Parallel()
	each(t, bank.Faults{}, func(t *testing.T, b *bundle) {
		l, err := b.loans.Draw(t.Context(), b.staff.Manager, b.input("o", fen("120000")))
		require.NoError(t, err)
		b.drain(t)
		b.roll(t, "2026-02-05")
		b.update(t, func(tx *db.Tx) error {
			_, err := b.loans.CollectDue(t.Context(), tx, l.ID, date("2026-02-05"))
			return err
		})
		_, err = b.loans.Repay(t.Context(), b.staff.Operations, loan.RepayInput{LoanID: l.ID, AmountMinor: b.get(t, l.ID).Payoff.TotalMinor(), Prepay: true, Reference: "counter"})
		require.NoError(t, err)
		b.drain(t)
		require.Equal(t, loan.Settled, b.get(t, l.ID).Status)
		b.view(t, func(tx *db.Tx) error {
			trial, err := journal.Trial(t.Context(), tx, calendar.Date{})
			for _, line := range trial.Lines {
				if line.Code == journal.Suspense {
					require.Equal(t, fen("40449.50"), line.NetMinor)
					return err
				}
			}
			t.Error("nothing in suspense")
			return err
		})
		b.view(t, func(tx *db.Tx) error { _, err := loan.Verify(t.Context(), tx); return err })
	})
}
