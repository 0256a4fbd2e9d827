package eod_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/daycount"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/lending/eod"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/job"
	"github.com/capillary-finance/capillary/internal/testkit/crash"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
	"github.com/capillary-finance/capillary/internal/testkit/race"
)

// book is an institution with a portfolio taken over: every method, several day counts and grace periods, some paid, most not.
type book struct {
	db    *db.DB
	staff dbtest.Staff
	days  *eod.Service
}

// silent is a bank that answers nothing: collections wait.
type silent struct{}

func (silent) Submit(context.Context, string, payment.Order) (payment.Outcome, error) {
	return payment.Outcome{}, errCrash
}

func (silent) Query(context.Context, string) (payment.Outcome, error) {
	return payment.Outcome{}, errCrash
}

const (
	bookLoans = 60
	openLoans = 58 // two are paid off
)

func newBook(t *testing.T, d *db.DB) *book {
	t.Helper()
	b := &book{db: d, staff: dbtest.Institution(t, d)}
	b.days = b.server()
	taken := make([]loan.Taken, bookLoans)
	for i := range taken {
		terms := loan.Terms{
			PrincipalMinor: int64(1_000_00 + i*777_77), Currency: []money.Currency{"CNY", "CNY", "USD"}[i%3], AnnualRate: rate.FromBP(int64(300 + i)), PenaltyRate: rate.FromBP(int64(450 + 2*i)),
			TenorMonths: 1 + i%24, Start: date("2026-01-05").AddDays(-(i * 7) % 200), Method: []loan.Method{loan.EqualInstalment, loan.EqualPrincipal, loan.InterestOnly, loan.Bullet}[i%4],
			Basis:    []daycount.Convention{daycount.Act360, daycount.Act365, daycount.Thirty360, daycount.Thirty360US, daycount.Thirty360Bond}[i%5],
			Rounding: money.HalfUp, GraceDays: []int{0, 3, 10}[i%3], DueRule: calendar.Adjustment(i % 2),
		}
		taken[i] = loan.Taken{
			FacilityID: "fac", Reference: fmt.Sprintf("%03d", i), FirmID: "firm_1", ProductID: []string{"tax-credit", "invoice-credit"}[i%2], BranchID: "br_" + fmt.Sprint(i%3), BranchPath: "/hq/east/", PayeeName: "小微企业", PayeeAccount: fmt.Sprint("acct-", i),
			Terms: terms, Events: []loan.Event{{Seq: 1, Kind: loan.Disbursed, Date: terms.Start, AmountMinor: terms.PrincipalMinor, Key: "disbursed"}},
		}
		if rows, err := loan.Schedule(terms); i%4 == 0 && err == nil && !rows[0].DueDate.After(date("2026-01-05")) {
			taken[i].Events = append(taken[i].Events, loan.Event{Seq: 2, Kind: loan.Repaid, Date: rows[0].DueDate, AmountMinor: rows[0].TotalMinor, Key: "repay:1"})
		}
	}
	b.update(t, func(tx *db.Tx) error {
		_, err := loan.Take(t.Context(), tx, taken, date("2026-01-05"))
		return err
	})
	return b
}

// server is what another process on the same database would build.
func (b *book) server() *eod.Service {
	bank := payment.NewDispatcher(b.db, silent{}, payment.DispatcherConfig{})
	s := eod.NewService(b.db, loan.NewService(b.db, bank, nil), bank, nil)
	s.PartLoans, s.ChunkLoans, s.Workers, s.Lease = 13, 5, 3, 300*time.Millisecond
	return s
}

func (b *book) update(t *testing.T, fn func(tx *db.Tx) error) {
	t.Helper()
	require.NoError(t, b.db.Update(t.Context(), b.staff.System.Scope(), fn))
}

func (b *book) today(t *testing.T, on calendar.Date) {
	t.Helper()
	b.update(t, func(tx *db.Tx) error {
		_, err := tx.Exec(t.Context(), setBusinessDate, tx.Institution, on.String())
		return err
	})
}

// rows is everything the nights leave behind, without ids and times: each loan's row, what each date brought in each account
// of the sub-ledger, and the general ledger.
func (b *book) rows(t *testing.T) (out []string) {
	t.Helper()
	ask := func(label, q string) {
		rows, err := b.db.Owner().QueryContext(t.Context(), strings.ReplaceAll(q, "$1", "'"+b.staff.InstitutionID+"'"))
		require.NoError(t, err)
		defer rows.Close()
		names, err := rows.Columns()
		require.NoError(t, err)
		for rows.Next() {
			cells, to := make([]any, len(names)), make([]any, len(names))
			for i := range cells {
				to[i] = &cells[i]
			}
			require.NoError(t, rows.Scan(to...))
			line := label
			for _, c := range cells {
				line += fmt.Sprintf("|%v", c)
			}
			out = append(out, line)
		}
		require.NoError(t, rows.Err())
	}
	ask("loan", `select l.reference, d.status, d.processed_to, d.next_due_on, d.next_due_minor, d.outstanding_minor, d.due_minor, d.days_past_due, d.posted_json, d.event_seq
		from loan l join loan_day d on d.institution_id = l.institution_id and d.loan_id = l.id where l.institution_id = $1 order by l.reference`)
	ask("entry", `select e.entry_date, l.account_code, l.currency, sum(l.amount_minor) from journal_entry e join journal_line l on l.institution_id = e.institution_id and l.seq = e.seq
		where e.institution_id = $1 group by e.entry_date, l.account_code, l.currency order by e.entry_date, l.account_code, l.currency`)
	ask("waiting", `select business_date, count(*) from loan_sum where institution_id = $1 and entry_id = '' group by business_date`)
	ask("turn", `select e.type, count(*) from event e where e.institution_id = $1 and e.type in ('loan.overdue', 'loan.cured') group by e.type order by e.type`)
	require.Greater(t, len(out), bookLoans)
	return out
}

func (b *book) verify(t *testing.T) {
	t.Helper()
	require.NoError(t, b.db.View(t.Context(), b.staff.System.Scope(), func(tx *db.Tx) error {
		_, err := loan.Verify(t.Context(), tx)
		if err == nil {
			_, err = journal.Verify(t.Context(), tx)
		}
		return err
	}))
}

func (b *book) work(t *testing.T, to calendar.Date) eod.Tally {
	t.Helper()
	tally, err := b.days.WorkUpTo(t.Context(), b.staff.Operations, to)
	require.NoError(t, err)
	return tally
}

// The loans of an institution that closed its door for 45 days and those of one that worked every night are the same, row for
// row, and so is every date in the books.
func TestManyDaysAtOnceEqualSingleNights(t *testing.T) {
	t.Parallel()
	race.Leave(t)
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		nightly, late := newBook(t, d), newBook(t, d)
		to := date("2026-02-19")
		for day := date("2026-01-06"); !day.After(to); day = day.AddDays(1) {
			nightly.today(t, day)
			nightly.work(t, day)
		}
		late.today(t, to)
		tally := late.work(t, to)
		require.Equal(t, int64(openLoans), tally.Done)
		require.Equal(t, int64(45*openLoans), tally.LoanDays)
		require.Equal(t, withoutTurns(nightly.rows(t)), withoutTurns(late.rows(t)))
		nightly.verify(t)
		late.verify(t)
		require.Zero(t, late.work(t, to).Done-tally.Done, "working the same date again changes nothing")
	}, dbtest.WithClock(now))
}

// withoutTurns leaves out how often a loan turned overdue: who looks once in 45 days sees fewer turns.
func withoutTurns(rows []string) (out []string) {
	for _, r := range rows {
		if !strings.HasPrefix(r, "turn") {
			out = append(out, r)
		}
	}
	return out
}

// A run that dies at any chunk boundary and is begun again leaves what a clean one leaves.
func TestDyingAtEveryChunkChangesNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		to := date("2026-01-09")
		clean := newBook(t, d)
		clean.today(t, to)
		clean.work(t, to)
		want := clean.rows(t)
		for at := 1; at <= 13; at += 3 {
			b := newBook(t, d)
			b.today(t, to)
			var mu sync.Mutex
			points := 0
			b.days.Failpoint = func(string) error {
				mu.Lock()
				defer mu.Unlock()
				if points++; points == at {
					return errCrash
				}
				return nil
			}
			_, err := b.days.WorkUpTo(t.Context(), b.staff.Operations, to)
			require.ErrorIs(t, err, errCrash)
			b.days = b.server()
			b.work(t, to)
			require.Equal(t, want, b.rows(t), "died at %d", at)
			b.verify(t)
		}
	})
}

// When a run has ended, by itself, by an error or by a cancelled context, none of its workers is left. Alone, not parallel: it
// looks at every goroutine of the process.
func TestWorkersStop(t *testing.T) {
	d := dbtest.SQLite(t)
	b := newBook(t, d)
	b.today(t, date("2026-01-08"))
	ctx, cancel := context.WithCancel(t.Context())
	b.days.Failpoint = func(string) error { cancel(); return nil }
	_, err := b.days.WorkUpTo(ctx, b.staff.Operations, date("2026-01-08"))
	require.ErrorIs(t, err, context.Canceled)
	b.days.Failpoint = nil
	b.work(t, date("2026-01-08"))
	stacks := make([]byte, 1<<20)
	require.NotContains(t, string(stacks[:runtime.Stack(stacks, true)]), "eod.(*spreading)")
	b.verify(t)
}

// Two servers with several workers each end the same day at once: every loan is worked once.
func TestTwoServersShareADay(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		to := date("2026-01-12")
		alone, shared := newBook(t, d), newBook(t, d)
		alone.today(t, to)
		alone.work(t, to)
		shared.today(t, to)
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				tally, err := shared.server().WorkUpTo(context.WithoutCancel(t.Context()), shared.staff.Operations, to)
				if err != nil || tally.Done != openLoans || tally.LoanDays != 7*openLoans {
					t.Errorf("%+v %v", tally, err)
				}
			})
		}
		wg.Wait()
		require.Equal(t, alone.rows(t), shared.rows(t))
		shared.verify(t)
	})
}

// A part held by a worker that never speaks again is free once its lease has run out, without anybody's help.
func TestALeaseRunsOut(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		to := date("2026-01-07")
		b := newBook(t, d)
		b.today(t, to)
		b.days.Failpoint = func(string) error { return errCrash }
		_, err := b.days.WorkUpTo(t.Context(), b.staff.Operations, to)
		require.ErrorIs(t, err, errCrash)
		b.update(t, func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), holdParts, tx.Institution, db.Micros(tx.Now.Add(400*time.Millisecond)))
			return err
		})
		b.days = b.server()
		began := time.Now()
		require.Equal(t, int64(openLoans), b.work(t, to).Done)
		require.Greater(t, time.Since(began), 300*time.Millisecond, "until then the part is the other worker's")
		b.verify(t)
	})
}

var (
	holdParts  = db.Q(`update eod_part set worker = 'dead', lease_until = $2 where institution_id = $1 and finished_at = 0`)
	breakTerms = db.Q(`update loan set terms_json = '{' where institution_id = $1 and reference = '007'`)
	noSnapshot = db.Q(`update loan_snapshot set layout = 0 where institution_id = $1`)
	breakSum   = db.Q(`update loan_day set posted_json = '{"disbursed_minor":"x"}' where institution_id = $1 and loan_id in (select id from loan where institution_id = $1 and reference = '021')`)
	breakState = db.Q(`update loan_event set amount_minor = 1 where institution_id = $1 and loan_id in (select id from loan where institution_id = $1 and reference = '042')`)
)

// Three loans that cannot be worked, each for another reason, stop nobody: the others are worked, the three are listed with the
// reason, retried alone, and hold the day back until somebody answers for completing it.
func TestFailedLoansStopNobody(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBook(t, d)
		var good string
		require.NoError(t, d.View(t.Context(), b.staff.System.Scope(), func(tx *db.Tx) error {
			return tx.QueryRow(t.Context(), termsOf, tx.Institution, "007").Scan(&good)
		}))
		if d.Dialect() == db.Postgres {
			_, err := d.Owner().ExecContext(t.Context(), "alter table loan_event disable trigger all")
			require.NoError(t, err)
		} else {
			_, err := d.Owner().ExecContext(t.Context(), "drop trigger loan_event_no_update")
			require.NoError(t, err)
		}
		b.update(t, func(tx *db.Tx) error {
			for _, q := range []*db.Query{breakTerms, noSnapshot, breakSum, breakState} {
				if _, err := tx.Exec(t.Context(), q, tx.Institution); err != nil {
					return err
				}
			}
			return nil
		})
		b.update(t, func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), addFailure, tx.Institution, "loan_of_collection")
			return err
		})
		_, err := b.days.Complete(t.Context(), b.staff.Operations, date("2026-01-05"), "in advance")
		require.Error(t, err, "there is no day yet")
		b.days.Failpoint = func(at string) error {
			if at == eod.PointCollected {
				return errCrash
			}
			return nil
		}
		_, err = b.days.Day(t.Context(), b.staff.Operations, date("2026-01-05"), nil)
		require.ErrorIs(t, err, errCrash)
		b.days.Failpoint = nil
		_, err = b.days.Complete(t.Context(), b.staff.Operations, date("2026-01-05"), "in advance")
		require.True(t, fault.Is(err, eod.ReasonNothingOpen), "what has not failed yet is not accepted: %v", err)
		b.update(t, func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), dropFailure, tx.Institution, "loan_of_collection")
			return err
		})
		_, err = b.days.Day(t.Context(), b.staff.Operations, date("2026-01-05"), nil)
		require.True(t, fault.Is(err, eod.ReasonFailed), "%v", err)
		st, err := b.days.Status(t.Context(), b.staff.Operations)
		require.NoError(t, err)
		require.Equal(t, "2026-01-06", st.BusinessDate.String(), "the bank is open on the next day")
		require.Equal(t, int64(3), st.LoansBehind)
		require.Equal(t, int64(3), st.Runs[0].Failed)
		require.Equal(t, int64(openLoans-3), st.Runs[0].Loans)
		page, err := b.days.Failures(t.Context(), b.staff.Operations, eod.FailureFilter{ClosingDate: date("2026-01-05"), Open: true})
		require.NoError(t, err)
		require.Len(t, page.Items, 3)
		for _, f := range page.Items {
			require.NotEmpty(t, f.Reason.Zh)
			require.NotEmpty(t, f.Reason.En)
			require.Equal(t, "2026-01-06", f.To.String())
		}

		b.update(t, func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), putTerms, tx.Institution, "007", good)
			return err
		})
		again, err := b.days.Retry(t.Context(), b.staff.Operations, date("2026-01-05"), nil)
		require.NoError(t, err)
		require.Equal(t, eod.Retried{Worked: 1, Failed: 2}, again)

		_, err = b.days.Complete(t.Context(), b.staff.Manager, date("2026-01-05"), "x")
		require.True(t, fault.Is(err, fault.ReasonForbidden))
		_, err = b.days.Complete(t.Context(), b.staff.Operations, date("2026-01-05"), " ")
		require.Error(t, err, "completing needs a reason")
		r, err := b.days.Complete(t.Context(), b.staff.Operations, date("2026-01-05"), "数据修复中，次日补处理")
		require.NoError(t, err)
		require.Equal(t, []int64{2, 2}, []int64{r.Failed, r.AcceptedFailed})

		// A third loan fails after that: nobody has answered for it, so the day waits again.
		b.update(t, func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), addFailure, tx.Institution, "loan_of_later")
			return err
		})
		_, err = b.days.Day(t.Context(), b.staff.Operations, date("2026-01-05"), nil)
		require.True(t, fault.Is(err, eod.ReasonFailed), "%v", err)
		// Acceptance and the job that goes on are one commit: without the job it is not accepted either.
		waits := eod.NewService(d, nil, nil, noJobs{})
		_, err = waits.Complete(t.Context(), b.staff.Operations, date("2026-01-05"), "三笔均已登记")
		require.ErrorIs(t, err, errCrash)
		st, err = b.days.Status(t.Context(), b.staff.Operations)
		require.NoError(t, err)
		require.Equal(t, int64(2), st.Runs[0].AcceptedFailed)
		require.Contains(t, st.Runs[0].Accepted, "次日补处理")
		r, err = b.days.Complete(t.Context(), b.staff.Operations, date("2026-01-05"), "三笔均已登记，次日补处理")
		require.NoError(t, err)
		require.Equal(t, int64(3), r.AcceptedFailed)
		r, err = b.days.Day(t.Context(), b.staff.Operations, date("2026-01-05"), nil)
		require.NoError(t, err)
		require.Equal(t, eod.StepDone, r.Step)
		require.Contains(t, r.Accepted, "次日补处理")
		_, err = b.days.Complete(t.Context(), b.staff.Operations, date("2026-01-05"), "again")
		require.True(t, fault.Is(err, eod.ReasonNothingOpen))
		_, err = b.days.Day(t.Context(), b.staff.Operations, date("2026-01-06"), nil)
		require.True(t, fault.Is(err, eod.ReasonFailed), "the next day finds them again: %v", err)
	})
}

var (
	termsOf  = db.Q(`select terms_json from loan where institution_id = $1 and reference = $2`)
	putTerms = db.Q(`update loan set terms_json = $3 where institution_id = $1 and reference = $2`)
)

// noJobs is a queue that takes nothing.
type noJobs struct{}

func (noJobs) Enqueue(context.Context, *db.Tx, job.Request) (job.Job, error) {
	return job.Job{}, errCrash
}

// Before anything is written to a loan that the night has not reached, it is worked up alone, with the same result.
func TestOneLoanIsCaughtUpInline(t *testing.T) {
	t.Parallel()
	race.Leave(t)
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		to := date("2026-01-25")
		night, inline := newBook(t, d), newBook(t, d)
		night.today(t, to)
		night.work(t, to)
		inline.today(t, to)
		inline.update(t, func(tx *db.Tx) error {
			loans, err := loan.ByFirm(t.Context(), tx, "firm_1")
			require.NoError(t, err)
			for i := range loans {
				if i%3 == 0 {
					if err := loan.CatchUp(t.Context(), tx, &loans[i]); err != nil {
						return err
					}
					require.False(t, loans[i].ProcessedTo.Before(to) && loans[i].Status != loan.Settled)
					require.NoError(t, loan.CatchUp(t.Context(), tx, &loans[i]), "a second time costs nothing")
				}
			}
			return nil
		})
		inline.work(t, to)
		require.Equal(t, night.rows(t), inline.rows(t))
		inline.verify(t)
		night.drill(t)
		inline.drill(t)
	})
}

// A payment that was learnt late began before the night's chunk of its loan and had to wait for it, so that it bears the earlier time. What the
// night booked was made without it, and its entry is opened without it.
func TestAnEntryIsOpenedWithoutWhatCameAfterTheNight(t *testing.T) {
	t.Parallel()
	dbtest.EachTimed(t, time.Date(2026, 1, 12, 1, 0, 0, 0, time.UTC), func(t *testing.T, d *db.DB, clock *dbtest.Clock) {
		clock.Tick()
		to := date("2026-01-12")
		b := newBook(t, d)
		b.today(t, to)
		clock.Advance(time.Minute)
		b.work(t, to)
		clock.Advance(-30 * time.Second)
		loans := loan.NewService(d, payment.NewDispatcher(d, silent{}, payment.DispatcherConfig{}), nil)
		late := 0
		var all []loan.Loan
		b.update(t, func(tx *db.Tx) (err error) {
			all, err = loan.ByFirm(t.Context(), tx, "firm_1")
			return err
		})
		for _, l := range all {
			if l.DueMinor > 1 && late < 5 {
				_, err := loans.Repay(t.Context(), b.staff.System, loan.RepayInput{LoanID: l.ID, AmountMinor: 1, Reference: "late", ValueDate: date("2026-01-09"), Channel: "file"})
				if fault.Is(err, loan.ReasonOverpaid) { // on that day nothing was due yet
					continue
				}
				require.NoError(t, err)
				late++
			}
		}
		require.Equal(t, 5, late)
		b.verify(t)
		b.drill(t)
	})
}

// drill opens every summed entry of the ledger down to its loans: their shares add up to it, account by account.
func (b *book) drill(t *testing.T) {
	t.Helper()
	entries, err := journal.NewService(b.db).Entries(t.Context(), b.staff.Operations, journal.EntryFilter{Object: loan.SumObject, Limit: 200})
	require.NoError(t, err)
	require.Greater(t, len(entries.Items), 20)
	for _, e := range entries.Items {
		want, got, seen := map[string]int64{}, map[string]int64{}, map[string]bool{}
		for _, line := range e.Lines {
			want[line.Account] += line.AmountMinor
		}
		for cursor := ""; ; {
			page, err := b.days.Shares(t.Context(), b.staff.Operations, e.ObjectID, 3, cursor)
			require.NoError(t, err)
			for _, x := range page.Items {
				require.False(t, seen[x.LoanID], "a loan stands in an entry once")
				seen[x.LoanID] = true
				for _, line := range x.Lines {
					got[line.Account] += line.AmountMinor
				}
			}
			if cursor = page.NextCursor; cursor == "" {
				break
			}
		}
		shares, err := b.days.Shares(t.Context(), b.staff.Operations, e.ObjectID, 1, "")
		require.NoError(t, err)
		require.Equal(t, int64(len(seen)), shares.Total)
		for account, minor := range got {
			if minor == 0 {
				delete(got, account)
			}
		}
		require.Equal(t, want, got, "%s %s", e.Date, e.ObjectID)
	}
}

// The day ends by itself when its evening has come, a missed evening is made up for, and two servers start one job.
func TestTheClockEndsTheDay(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBook(t, d)
		q := &queue{}
		one, two := eod.NewService(d, nil, payment.NewDispatcher(d, silent{}, payment.DispatcherConfig{}), q), eod.NewService(d, nil, payment.NewDispatcher(d, silent{}, payment.DispatcherConfig{}), q)
		require.NoError(t, one.Tick(t.Context()))
		require.Empty(t, q.asked, "off until an institution says when")
		set, _, err := one.Settings(t.Context(), b.staff.Admin)
		require.NoError(t, err)
		set.RunAt = "22:30"
		_, err = one.Configure(t.Context(), b.staff.Admin, set)
		require.NoError(t, err)
		require.NoError(t, one.Tick(t.Context()))
		require.Empty(t, q.asked, "nine in the morning of 5 January: not yet")
		b.today(t, date("2026-01-03"))
		require.NoError(t, one.Tick(t.Context()))
		require.NoError(t, two.Tick(t.Context()))
		require.Equal(t, []string{"2026-01-05", "2026-01-05"}, q.asked, "two evenings were missed; the runner keeps one job per key")
	}, dbtest.WithClock(now))
}

// queue hears what is enqueued.
type queue struct{ asked []string }

func (q *queue) Enqueue(_ context.Context, _ *db.Tx, in job.Request) (job.Job, error) {
	text, err := json.Marshal(in.Args)
	var args struct{ To string }
	err = errors.Join(err, json.Unmarshal(text, &args))
	if in.Key == eod.JobKind {
		q.asked = append(q.asked, args.To)
	}
	return job.Job{}, err
}

func TestPlans(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t, dbtest.WithClock(now))
	b := newBook(t, d)
	rates := 0
	b.days.Register(eod.Work{Name: "stamp", Text: fault.Text{Zh: "示例步骤", En: "a step of another package"}, After: eod.StepRoll, Run: func(ctx context.Context, d *eod.Day) error {
		rates++
		return errors.Join(d.Progress(1, 1), d.View(ctx, func(tx *db.Tx) error { _, err := tx.BusinessDate(ctx); return err }))
	}})
	for _, bad := range []eod.Plan{
		{}, {eod.StepCatchUp, eod.StepRoll, eod.StepAccrue}, {eod.StepRoll, eod.StepCatchUp, eod.StepAccrue, eod.StepPost},
		{eod.StepCatchUp, eod.StepRoll, eod.StepCollect, eod.StepAccrue, eod.StepPost}, {eod.StepCatchUp, eod.StepRoll, eod.StepRoll, eod.StepAccrue, eod.StepPost},
		{eod.StepCatchUp, "invented", eod.StepRoll, eod.StepAccrue, eod.StepPost},
	} {
		_, err := b.days.Configure(t.Context(), b.staff.Admin, eod.Settings{Steps: bad})
		require.True(t, fault.Is(err, eod.ReasonPlan), "%v: %v", bad, err)
	}
	_, err := b.days.Configure(t.Context(), b.staff.Manager, eod.Settings{})
	require.True(t, fault.Is(err, fault.ReasonForbidden))
	set, known, err := b.days.Settings(t.Context(), b.staff.Operations)
	require.NoError(t, err)
	require.Len(t, known, 7)
	require.Equal(t, eod.Plan{eod.StepCatchUp, eod.StepCollect, eod.StepRoll, "stamp", eod.StepAccrue, eod.StepReset, eod.StepPost}, set.Steps)
	r, err := b.days.Day(t.Context(), b.staff.Operations, date("2026-01-05"), nil)
	require.NoError(t, err)
	require.Equal(t, 1, rates)
	require.Equal(t, set.Steps, r.Plan)
	set.Steps = eod.Plan{eod.StepCatchUp, eod.StepRoll, eod.StepAccrue, eod.StepReset, eod.StepPost}
	stored, err := b.days.Configure(t.Context(), b.staff.Admin, set)
	require.NoError(t, err)
	require.Equal(t, int64(1), stored.Version)
	_, err = b.days.Configure(t.Context(), b.staff.Admin, eod.Settings{Steps: set.Steps, Version: 7})
	require.True(t, fault.Is(err, fault.ReasonStale))
	_, err = b.days.Day(t.Context(), b.staff.Operations, date("2026-01-06"), nil)
	require.NoError(t, err)
	require.Equal(t, 1, rates, "left out of the plan, left out of the night")
	for _, at := range []string{"24:00", "7:30", "noon"} {
		_, err = b.days.Configure(t.Context(), b.staff.Admin, eod.Settings{Steps: set.Steps, RunAt: at, Version: 1})
		require.Error(t, err, at)
	}
}

func TestMain(m *testing.M) {
	if !crash.Child(crash.Children{"night": nightChild}) {
		os.Exit(m.Run())
	}
}

// nightChild is the process that gets killed: it works the book up and says when a chunk is written.
func nightChild(ctx context.Context, l crash.Life) error {
	d, err := l.Open(ctx)
	if err != nil {
		return err
	}
	s := (&book{db: d}).server()
	s.Failpoint = func(at string) error {
		l.Ack(at)
		return nil
	}
	_, err = s.WorkUpTo(ctx, auth.SystemPrincipal(l.Get("institution"), "kill"), calendar.MustParse(l.Get("to")))
	return errors.Join(err, d.Close())
}

// kill -9 of a real process in the middle of a night, five times: the next one waits for the dead one's lease, goes on, and
// the books are those of a night that nobody disturbed.
func TestKillMinusNineInTheNight(t *testing.T) {
	t.Parallel()
	race.Leave(t)
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		to := date("2026-01-20")
		clean, killed := newBook(t, d), newBook(t, d)
		clean.today(t, to)
		clean.work(t, to)
		killed.today(t, to)
		children := crash.New(t, d, "night", map[string]string{"institution": killed.staff.InstitutionID, "to": to.String()})
		for _, after := range []int{1, 1, 2, 1, 2} {
			children.KillAt(eod.PointChunk, after)
		}
		children.Finish()
		require.Equal(t, clean.rows(t), killed.rows(t))
		killed.verify(t)
	})
}

// A loan that is changed between the reading of its chunk and the writing wins: the whole chunk is read again.
func TestWhoeverChangesALoanMeanwhileWins(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		to := date("2026-01-11")
		b := newBook(t, d)
		b.today(t, to)
		var chunk *loan.Behind
		require.NoError(t, d.View(t.Context(), b.staff.System.Scope(), func(tx *db.Tx) (err error) {
			chunk, err = loan.ReadBehind(t.Context(), tx, "", "", to, 20)
			return err
		}))
		require.Empty(t, chunk.Work())
		b.update(t, func(tx *db.Tx) error { return loan.CatchUpByID(t.Context(), tx, chunk.IDs()[7]) })
		before := b.rows(t)
		err := d.Update(t.Context(), b.staff.System.Scope(), func(tx *db.Tx) error { return chunk.Write(t.Context(), tx) })
		require.True(t, loan.Moved(err), "%v", err)
		require.Equal(t, before, b.rows(t), "nothing of the chunk was kept")
		b.work(t, to)
		b.verify(t)
	})
}

// A part that another worker has taken is that worker's at once, before it has written anything: the one whose lease ran out
// writes no further chunk of it.
func TestATakenPartIsLeftAlone(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		to := date("2026-01-10")
		b := newBook(t, d)
		b.today(t, to)
		b.days.Workers = 1
		ctx, cancel := context.WithCancel(t.Context())
		chunks := 0
		b.days.Failpoint = func(string) error {
			if chunks++; chunks == 1 { // the first of the three chunks of a part is written
				b.update(t, func(tx *db.Tx) error {
					_, err := tx.Exec(t.Context(), holdParts, tx.Institution, db.Micros(tx.Now.Add(time.Hour)))
					return err
				})
				time.AfterFunc(300*time.Millisecond, cancel)
			}
			return nil
		}
		_, err := b.days.WorkUpTo(ctx, b.staff.Operations, to)
		require.ErrorIs(t, err, context.Canceled, "it waits for the other worker")
		require.Equal(t, 1, chunks)
		b.verify(t)
	})
}

// How many loans are behind is counted once a minute however many pages ask, and again as soon as a day has moved on.
func TestLoansBehindAreNotCountedForEveryPage(t *testing.T) {
	t.Parallel()
	var seconds atomic.Int64
	d := dbtest.SQLite(t, dbtest.WithClock(func() time.Time { return now().Add(time.Duration(seconds.Load()) * time.Second) }))
	b := newBook(t, d)
	behind := func() int64 {
		st, err := b.days.Status(t.Context(), b.staff.Operations)
		require.NoError(t, err)
		return st.LoansBehind
	}
	require.Zero(t, behind())
	b.today(t, date("2026-01-06"))
	require.Equal(t, int64(openLoans), behind(), "another date is another count")
	b.work(t, date("2026-01-06"))
	seconds.Store(59)
	require.Equal(t, int64(openLoans), behind())
	seconds.Store(60)
	require.Zero(t, behind())
}

var dropFailure = db.Q(`delete from eod_failure where institution_id = $1 and loan_id = $2`)

var addFailure = db.Q(`insert into eod_failure (institution_id, closing_date, loan_id, step, to_date, code, reason_zh, reason_en, tries, first_at, last_at, resolved_at)
	values ($1, '2026-01-05', $2, 'accrue', '2026-01-06', 'x', 'x', 'x', 1, 0, 0, 0)`)

// A loan that is named is retried, however many others wait before it.
func TestANamedFailureIsRetriedAmongMany(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := newBook(t, d)
		b.today(t, date("2026-01-06"))
		var named string
		b.update(t, func(tx *db.Tx) error {
			loans, err := loan.ByFirm(t.Context(), tx, "firm_1")
			if err != nil {
				return err
			}
			named = loans[0].ID
			for i := range 401 {
				if _, err := tx.Exec(t.Context(), addFailure, tx.Institution, fmt.Sprintf("a_%03d", i)); err != nil {
					return err
				}
			}
			_, err = tx.Exec(t.Context(), addFailure, tx.Institution, named)
			return err
		})
		got, err := b.days.Retry(t.Context(), b.staff.Operations, date("2026-01-05"), []string{named, "no failure"})
		require.NoError(t, err)
		require.Equal(t, eod.Retried{Worked: 1}, got)
	})
}

// A worker that sleeps through its lease wakes up to find its part taken over and finished, and counts nothing twice.
func TestASleeperIsOvertaken(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		to := date("2026-01-10")
		b := newBook(t, d)
		b.today(t, to)
		sleeper, asleep, wake := b.server(), make(chan struct{}), make(chan struct{})
		sleeper.Workers, sleeper.Lease = 1, 50*time.Millisecond
		var once sync.Once
		sleeper.Failpoint = func(string) error {
			once.Do(func() { close(asleep); <-wake })
			return nil
		}
		done := make(chan error, 1)
		go func() {
			tally, err := sleeper.WorkUpTo(context.WithoutCancel(t.Context()), b.staff.Operations, to)
			if err == nil && (tally.Done != openLoans || tally.LoanDays != 5*openLoans) {
				err = fmt.Errorf("%+v", tally)
			}
			done <- err
		}()
		<-asleep
		tally := b.work(t, to)
		close(wake)
		require.NoError(t, <-done)
		require.Equal(t, int64(openLoans), tally.Done)
		b.verify(t)
	})
}

// With helpers configured a large step puts jobs into the queue that any server may take; they work parts beside the run.
func TestOtherServersHelp(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		runner, err := job.NewRunner(d, job.Config{Poll: 20 * time.Millisecond})
		require.NoError(t, err)
		b := newBook(t, d)
		bank := payment.NewDispatcher(d, silent{}, payment.DispatcherConfig{})
		s := eod.NewService(d, loan.NewService(d, bank, nil), bank, runner)
		s.PartLoans, s.ChunkLoans, s.Workers = 5, 2, 1
		ended := make(chan error, 8)
		for _, kind := range []job.Kind{s.Kind(), s.Help()} {
			run := kind.Run
			kind.Run = func(ctx context.Context, r *job.Run) error {
				err := run(ctx, r)
				ended <- err
				return err
			}
			runner.Register(kind)
		}
		set, _, err := s.Settings(t.Context(), b.staff.Admin)
		require.NoError(t, err)
		set.Helpers = 2
		_, err = s.Configure(t.Context(), b.staff.Admin, set)
		require.NoError(t, err)
		require.NoError(t, runner.Start(t.Context()))
		t.Cleanup(func() { require.NoError(t, runner.Stop(context.Background())) })
		_, err = s.Start(t.Context(), b.staff.Operations, date("2026-01-06"))
		require.NoError(t, err)
		for range 3 { // the run and the two helpers of its accrual
			require.NoError(t, <-ended)
		}
		st, err := s.Status(t.Context(), b.staff.Operations)
		require.NoError(t, err)
		require.Equal(t, eod.StepDone, st.Runs[0].Step)
		require.Equal(t, int64(openLoans), st.Runs[0].Loans)
		parts, err := s.Parts(t.Context(), b.staff.Operations, date("2026-01-05"))
		require.NoError(t, err)
		require.Len(t, parts, 12)
		for _, p := range parts {
			require.Equal(t, "finished", p.State)
		}
		b.verify(t)
	}, dbtest.WithClock(now))
}
