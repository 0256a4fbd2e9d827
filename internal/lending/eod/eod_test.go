package eod_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/daycount"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/credit/facility"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/lending/eod"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/job"
	"github.com/capillary-finance/capillary/internal/simulator/bank"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
	"github.com/capillary-finance/capillary/internal/testkit/race"
)

const secret = "s3cret"

func date(s string) calendar.Date { return calendar.MustParse(s) }

type bundle struct {
	db    *db.DB
	staff dbtest.Staff
	bank  *bank.Server
	loans *loan.Service
	days  *eod.Service

	dispatcher *payment.Dispatcher
}

func now() time.Time { return time.Date(2026, 1, 5, 1, 0, 0, 0, time.UTC) }

func build(t *testing.T, d *db.DB, q eod.Enqueuer) *bundle {
	t.Helper()
	b := &bundle{db: d, staff: dbtest.Institution(t, d)}
	s, err := bank.New(bank.Config{Secret: secret, SettlementMinor: 1_000_000_000_00, Clock: time.Now})
	require.NoError(t, err)
	h := httptest.NewServer(s)
	t.Cleanup(func() { _ = s.Close(); h.Close() })
	b.bank = s
	client, err := payment.NewClient(payment.ClientConfig{URL: h.URL, Secret: secret, Timeout: 2 * time.Second})
	require.NoError(t, err)
	dispatcher := payment.NewDispatcher(d, client, payment.DispatcherConfig{})
	b.loans = loan.NewService(d, dispatcher, func(context.Context, *db.Tx, facility.Facility) (loan.Conditions, error) {
		return loan.Conditions{
			Methods: []loan.Method{loan.EqualInstalment, loan.EqualPrincipal, loan.InterestOnly, loan.Bullet}, TenorMonthsMin: 1, TenorMonthsMax: 24,
			Basis: daycount.Act360, Rounding: money.HalfUp, PenaltySpread: rate.FromBP(5000), GraceDays: 2,
		}, nil
	})
	b.dispatcher = dispatcher
	b.days = eod.NewService(d, b.loans, dispatcher, q)
	b.seed(t, dispatcher)
	return b
}

// seed draws loans of every method; payees of odd loans spend the money, so
// that their collections fail.
func (b *bundle) seed(t *testing.T, dispatcher *payment.Dispatcher) {
	t.Helper()
	scope := b.staff.System.Scope()
	methods := []loan.Method{loan.EqualInstalment, loan.EqualPrincipal, loan.InterestOnly, loan.Bullet}
	var f facility.Facility
	require.NoError(t, b.db.Update(t.Context(), scope, func(tx *db.Tx) (err error) {
		f, err = facility.Open(t.Context(), tx, facility.Draft{
			FirmID: "firm_1", ApplicationID: "app_1", ContractID: "con_1", ProductID: "invoice-credit", ProductVersion: 1, BranchID: "br_east",
			BranchPath: "/hq/east/", LimitMinor: 10_000_000_00, Currency: "CNY", Rate: rate.FromBP(435), Revolving: true, ExpiresOn: date("2027-01-05"),
		})
		return err
	}))
	for i := range 12 {
		_, err := b.loans.Draw(t.Context(), b.staff.Manager, loan.DrawInput{
			FacilityID: f.ID, AmountMinor: int64(100_000_00 + i*1_000_00), TenorMonths: 1 + i%4, Method: methods[i%4],
			PayeeName: "小微企业", PayeeAccount: fmt.Sprint("acct-", i), Reference: fmt.Sprintf("ref-%02d", i),
		})
		require.NoError(t, err)
	}
	_, err := dispatcher.Drain(t.Context())
	require.NoError(t, err)
	for i := 1; i < 12; i += 2 {
		require.NoError(t, b.bank.Open(bank.Account{Number: fmt.Sprint("acct-", i), Name: "spent", BalanceMinor: 5_000_00}))
	}
	for i := 0; i < 12; i += 2 {
		require.NoError(t, b.bank.Open(bank.Account{Number: fmt.Sprint("acct-", i), Name: "rich", BalanceMinor: 1_000_000_00}))
	}
}

type outcome struct {
	Reference string
	Status    loan.Status
	Rows      []loan.Row
	Totals    loan.Totals
	Due       loan.Allocation
	Past      int
}

func (b *bundle) outcomes(t *testing.T) map[string]outcome {
	t.Helper()
	page, err := b.loans.List(t.Context(), b.staff.Manager, loan.Filter{Limit: 200})
	require.NoError(t, err)
	out := map[string]outcome{}
	for _, l := range page.Items {
		d, err := b.loans.Get(t.Context(), b.staff.Manager, l.ID)
		require.NoError(t, err)
		out[l.Reference] = outcome{l.Reference, d.Status, d.Rows, d.Totals, d.Due, d.DaysPastDue}
	}
	return out
}

func (b *bundle) verify(t *testing.T) (trial journal.TrialBalance) {
	t.Helper()
	require.NoError(t, b.db.View(t.Context(), b.staff.System.Scope(), func(tx *db.Tx) error {
		if _, err := loan.Verify(t.Context(), tx); err != nil {
			return err
		}
		if _, err := journal.Verify(t.Context(), tx); err != nil {
			return err
		}
		var err error
		trial, err = journal.Trial(t.Context(), tx, calendar.Date{})
		return err
	}))
	return trial
}

func TestDaysEndAndBooksBalance(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := build(t, d, nil)
		runs, err := b.days.Until(t.Context(), b.staff.Operations, date("2026-02-05"), nil)
		require.NoError(t, err)
		require.Len(t, runs, 31)
		require.Equal(t, int64(12), runs[30].Loans)
		b.verify(t)
		for _, o := range b.outcomes(t) {
			require.Equal(t, loan.Active, o.Status, "due today is not late")
		}
		_, err = b.days.Until(t.Context(), b.staff.Operations, date("2026-02-09"), nil)
		require.NoError(t, err)
		b.verify(t)
		late := 0
		for _, o := range b.outcomes(t) {
			if o.Status == loan.Overdue {
				late++
				require.Positive(t, o.Past)
			}
		}
		require.Positive(t, late, "accounts without money are overdue after grace")
		st, err := b.days.Status(t.Context(), b.staff.Operations)
		require.NoError(t, err)
		require.Equal(t, "2026-02-09", st.BusinessDate.String())
		require.Zero(t, st.LoansBehind)
		require.Len(t, st.Runs, 30)
		require.Equal(t, eod.StepDone, st.Runs[0].Step)
	}, dbtest.WithClock(now))
}

var errCrash = errors.New("crash")

// A run that dies at every seventh point, each night, ends like a clean one.
func TestCrashesChangeNothing(t *testing.T) {
	t.Parallel()
	race.Leave(t)
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		clean, crashing := build(t, d, nil), build(t, d, nil)
		to := date("2026-02-20")
		_, err := clean.days.Until(t.Context(), clean.staff.Operations, to, nil)
		require.NoError(t, err)
		points, crashes := 0, 0
		crashing.days.Failpoint = func(string) error {
			if points++; points%7 == 0 {
				crashes++
				return errCrash
			}
			return nil
		}
		for {
			_, err := crashing.days.Until(t.Context(), crashing.staff.Operations, to, nil)
			if err == nil {
				break
			}
			require.ErrorIs(t, err, errCrash)
			require.Less(t, crashes, 1000)
		}
		require.Greater(t, crashes, 15)
		require.Equal(t, clean.outcomes(t), crashing.outcomes(t))
		require.Equal(t, clean.verify(t), crashing.verify(t))
	}, dbtest.WithClock(now))
}

// Two processes end the same day: the slower one is told, and nothing goes back.
func TestSlowerRunIsTold(t *testing.T) {
	t.Parallel()
	for _, at := range []string{eod.PointCollected, eod.PointRolled} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			dbtest.Each(t, func(t *testing.T, d *db.DB) {
				b := build(t, d, nil)
				fast := eod.NewService(d, b.loans, b.dispatcher, nil)
				overtaken := false
				b.days.Failpoint = func(point string) error {
					if point != at || overtaken {
						return nil
					}
					overtaken = true
					_, err := fast.Until(t.Context(), b.staff.Operations, date("2026-01-08"), nil)
					return err
				}
				_, err := b.days.Until(t.Context(), b.staff.Operations, date("2026-01-06"), nil)
				require.True(t, fault.Is(err, eod.ReasonRunning), "%v", err)
				st, err := b.days.Status(t.Context(), b.staff.Operations)
				require.NoError(t, err)
				require.Equal(t, "2026-01-08", st.BusinessDate.String())
				for _, r := range st.Runs {
					require.Equal(t, eod.StepDone, r.Step)
				}
				b.verify(t)
			}, dbtest.WithClock(now))
		})
	}
}

func TestTargetsAndRights(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t, dbtest.WithClock(now))
	b := build(t, d, nil)
	_, err := b.days.Until(t.Context(), b.staff.Manager, date("2026-01-06"), nil)
	require.True(t, fault.Is(err, fault.ReasonForbidden))
	_, err = b.days.Until(t.Context(), b.staff.Operations, date("2036-01-06"), nil)
	require.True(t, fault.Is(err, eod.ReasonTarget))
	_, err = b.days.Day(t.Context(), b.staff.Operations, date("2026-01-09"), nil)
	require.True(t, fault.Is(err, eod.ReasonRunning), "only the current date can be ended")
	runs, err := b.days.Until(t.Context(), b.staff.Operations, date("2026-01-01"), nil)
	require.NoError(t, err)
	require.Empty(t, runs)
}

func TestRunsAsAJob(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		runner, err := job.NewRunner(d, job.Config{Poll: 20 * time.Millisecond})
		require.NoError(t, err)
		b := build(t, d, runner)
		done := make(chan error, 1)
		kind := b.days.Kind()
		run := kind.Run
		kind.Run = func(ctx context.Context, r *job.Run) error {
			err := run(ctx, r)
			done <- err
			return err
		}
		runner.Register(kind)
		require.NoError(t, runner.Start(t.Context()))
		t.Cleanup(func() { require.NoError(t, runner.Stop(context.Background())) })
		j, err := b.days.Start(t.Context(), b.staff.Operations, date("2026-01-08"))
		require.NoError(t, err)
		require.Equal(t, eod.JobKind, j.Kind)
		require.NoError(t, <-done)
		st, err := b.days.Status(t.Context(), b.staff.Operations)
		require.NoError(t, err)
		require.Equal(t, "2026-01-08", st.BusinessDate.String())
		_, err = b.days.Start(t.Context(), b.staff.Operations, date("2026-01-08"))
		require.True(t, fault.Is(err, eod.ReasonTarget))
	})
}
