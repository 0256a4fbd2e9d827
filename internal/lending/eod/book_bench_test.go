package eod_test

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/daycount"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/lending/eod"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// The scenario is the one that Apache Fineract's own, switched-off performance test of its close of business describes:
// loans of 24 instalments, 1 to 1,000,000 of them, 1 to 700 days behind. CAPILLARY_BENCH_LOANS and CAPILLARY_BENCH_DAYS
// ("1000,100000" and "1,30") choose; CAPILLARY_BENCH_POSTGRES is a server that syncs its commits.
func benchList(name, fallback string) (out []int) {
	text := os.Getenv(name)
	if text == "" {
		text = fallback
	}
	for part := range strings.SplitSeq(text, ",") {
		n, err := strconv.Atoi(part)
		if err != nil {
			panic(name + ": " + part)
		}
		out = append(out, n)
	}
	return out
}

var (
	setBusinessDate = db.Q(`update institution set business_date = $2 where institution_id = $1`)
)

// portfolio takes over a book whose instalments fall due on every day of the month, a tenth of it overdue.
func portfolio(b testing.TB, d *db.DB, staff dbtest.Staff, loans int, today calendar.Date) {
	b.Helper()
	const batch = 1000
	for from := 0; from < loans; from += batch {
		taken := make([]loan.Taken, 0, batch)
		for i := from; i < min(loans, from+batch); i++ {
			t := loan.Terms{
				PrincipalMinor: 100_000_00 + int64(i%977)*1000, Currency: "CNY", AnnualRate: rate.FromBP(435), PenaltyRate: rate.FromBP(652), TenorMonths: 24,
				Start: today.AddDays(-40 - i%28), Method: loan.EqualInstalment, Basis: daycount.Act360, Rounding: money.HalfUp,
			}
			events := []loan.Event{{Seq: 1, Kind: loan.Disbursed, Date: t.Start, AmountMinor: t.PrincipalMinor, Key: "disbursed"}}
			if i%10 != 0 { // the first instalment is paid
				rows, err := loan.Schedule(t)
				require.NoError(b, err)
				if !rows[0].DueDate.After(today) {
					events = append(events, loan.Event{Seq: 2, Kind: loan.Repaid, Date: rows[0].DueDate, AmountMinor: rows[0].TotalMinor, Key: "repay:1"})
				}
			}
			taken = append(taken, loan.Taken{
				FacilityID: "fac", Reference: strconv.Itoa(i), ContractID: "con", FirmID: "firm_" + strconv.Itoa(i/3), ProductID: "invoice-credit", BranchID: "br_" + strconv.Itoa(i%5),
				BranchPath: "/hq/east/", PayeeName: "x", PayeeAccount: "a", Terms: t, Events: events,
			})
		}
		require.NoError(b, d.Update(b.Context(), staff.System.Scope(), func(tx *db.Tx) error {
			_, err := loan.Take(b.Context(), tx, taken, today)
			return err
		}))
	}
	for {
		n := 0
		require.NoError(b, d.Update(b.Context(), staff.System.Scope(), func(tx *db.Tx) (err error) {
			n, err = loan.PostSums(b.Context(), tx, 500)
			return err
		}))
		if n == 0 {
			break
		}
	}
	if d.Dialect() == db.Postgres {
		_, err := d.Owner().ExecContext(b.Context(), "vacuum analyze")
		require.NoError(b, err)
	}
}

func openBench(b *testing.B, engine string) *db.DB {
	b.Helper()
	if engine == "sqlite" {
		return dbtest.SQLite(b)
	}
	if server := os.Getenv("CAPILLARY_BENCH_POSTGRES"); server != "" {
		b.Setenv(dbtest.PostgresVariable, server)
	}
	return dbtest.Postgres(b)
}

// BenchmarkClose ends days over a portfolio; every figure stands beside a bare rewrite of the same rows in the same run.
func BenchmarkClose(b *testing.B) {
	for _, engine := range []string{"sqlite", "postgres"} {
		for _, loans := range benchList("CAPILLARY_BENCH_LOANS", "1000,100000") {
			b.Run(fmt.Sprintf("%s/loans=%d", engine, loans), func(b *testing.B) {
				d := openBench(b, engine)
				staff := dbtest.Institution(b, d)
				start := calendar.MustParse("2026-01-05")
				portfolio(b, d, staff, loans, start)
				for _, days := range benchList("CAPILLARY_BENCH_DAYS", "1,30") {
					b.Run(fmt.Sprintf("days=%d", days), func(b *testing.B) {
						for b.Loop() {
							b.StopTimer()
							start = start.AddDays(days)
							set(b, d, staff, start)
							bare := rewrite(b, d, staff)
							service := eod.NewService(d, nil, payment.NewDispatcher(d, paysAll{}, payment.DispatcherConfig{}), nil)
							service.Workers = benchList("CAPILLARY_BENCH_WORKERS", "0")[0]
							peak, own, server := watchMemory(), dbtest.OwnCPU(), dbtest.ServerCPU(b, d)
							b.StartTimer()
							began := time.Now()
							worked, err := service.WorkUpTo(b.Context(), staff.Operations, start)
							took := time.Since(began)
							b.StopTimer()
							own, server = dbtest.OwnCPU()-own, dbtest.ServerCPU(b, d)-server
							require.NoError(b, err)
							require.Equal(b, int64(loans), worked.Done)
							b.ReportMetric(float64(loans)/took.Seconds(), "loans/s")
							b.ReportMetric(float64(worked.LoanDays)/took.Seconds(), "loan-days/s")
							b.ReportMetric(took.Seconds()/bare.Seconds(), "x-bare-rewrite")
							b.ReportMetric(float64(peak())/(1<<20), "peak-MiB")
							b.ReportMetric((own+server).Seconds()*1e6/float64(loans), "cpu-us/loan")
							b.ReportMetric(own.Seconds()*1e6/float64(loans), "own-cpu-us/loan")
							if d.Dialect() == db.Postgres {
								b.ReportMetric(heapOnly(b, d), "hot-%")
							}
							b.StartTimer()
						}
					})
				}
			})
		}
	}
}

// heapOnly is how many in a hundred updates of the narrow rows touched no index.
func heapOnly(b *testing.B, d *db.DB) (percent float64) {
	b.Helper()
	require.NoError(b, d.Owner().QueryRowContext(b.Context(), "select 100.0 * n_tup_hot_upd / greatest(n_tup_upd, 1) from pg_stat_user_tables where relname = 'loan_day'").Scan(&percent))
	return percent
}

func set(b *testing.B, d *db.DB, staff dbtest.Staff, today calendar.Date) {
	b.Helper()
	require.NoError(b, d.Update(b.Context(), staff.System.Scope(), func(tx *db.Tx) error {
		_, err := tx.Exec(b.Context(), setBusinessDate, tx.Institution, today.String())
		return err
	}))
}

// rewrite is the floor: the same narrow rows rewritten in one statement, by the engine alone.
func rewrite(b *testing.B, d *db.DB, staff dbtest.Staff) time.Duration {
	b.Helper()
	began := time.Now()
	require.NoError(b, d.Update(b.Context(), staff.System.Scope(), func(tx *db.Tx) error {
		_, err := tx.Exec(b.Context(), bareRewrite, tx.Institution)
		return err
	}))
	took := time.Since(began)
	if d.Dialect() == db.Postgres {
		_, err := d.Owner().ExecContext(b.Context(), "vacuum loan_day")
		require.NoError(b, err)
	}
	return took
}

var bareRewrite = db.Q(`update loan_day set days_past_due = days_past_due + 0, version = version + 0, updated_at = updated_at + 1 where institution_id = $1`)

// watchMemory follows the process's resident set and tells its peak; the database server is not in it.
func watchMemory() (peak func() int64) {
	runtime.GC()
	stop, done := make(chan struct{}), make(chan int64)
	go func() {
		top := int64(0)
		t := time.NewTicker(20 * time.Millisecond)
		defer t.Stop()
		for {
			top = max(top, resident())
			select {
			case <-stop:
				done <- top
				return
			case <-t.C:
			}
		}
	}()
	return func() int64 { close(stop); return <-done }
}

func resident() int64 {
	f, err := os.Open("/proc/self/status")
	if err != nil {
		return 0
	}
	defer f.Close() //nolint:errcheck // read only
	for s := bufio.NewScanner(f); s.Scan(); {
		if text, ok := strings.CutPrefix(s.Text(), "VmRSS:"); ok {
			n, _ := strconv.ParseInt(strings.TrimSpace(strings.TrimSuffix(text, "kB")), 10, 64)
			return n << 10
		}
	}
	return 0
}
