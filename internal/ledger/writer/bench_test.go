package writer_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/ledger/writer"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// The floor: the rows of a posting inserted into tables of the same shape and indexes, in batches as large as
// those the writer committed, with nothing read, checked, hashed or kept in balance.
var (
	floorEntry = db.NewBulk("journal_entry", []string{"institution_id", "seq", "id", "business_key", "entry_date", "memo_zh", "memo_en",
		"object", "object_id", "booked_at", "actor", "prev_hash", "hash", "branch", "product"}, "")
	floorLine = db.NewBulk("journal_line", []string{"institution_id", "seq", "line_no", "account_code", "currency", "amount_minor", "sub"}, "")
)

const (
	floorHash = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	wallets   = 1000
)

type cell struct {
	rate     float64
	took     []time.Duration
	p50, p99 time.Duration
}

func seconds() int {
	n, err := strconv.Atoi(os.Getenv("CAPILLARY_BENCH_SECONDS"))
	if err != nil || n < 1 {
		n = 3
	}
	return n
}

// mean joins turns: the mean rate, and percentiles over all calls.
func mean(turns []cell) (out cell) {
	var took []time.Duration
	for _, t := range turns {
		out.rate += t.rate / float64(len(turns))
		took = append(took, t.took...)
	}
	slices.Sort(took)
	out.p50, out.p99 = took[len(took)/2], took[len(took)*99/100]
	return out
}

// drive runs clients for a while; each call posts size entries.
func drive(b *testing.B, clients, size int, post func(client, n int) error) cell {
	b.Helper()
	var mu sync.Mutex
	var took []time.Duration
	var wg sync.WaitGroup
	start := time.Now()
	until := start.Add(time.Second)
	for c := range clients {
		wg.Add(1)
		go func() {
			defer wg.Done()
			var mine []time.Duration
			for n := 0; time.Now().Before(until); n++ {
				t := time.Now()
				if err := post(c, n); err != nil {
					b.Error(err)
					return
				}
				mine = append(mine, time.Since(t))
			}
			mu.Lock()
			took = append(took, mine...)
			mu.Unlock()
		}()
	}
	wg.Wait()
	elapsed := time.Since(start).Seconds()
	return cell{rate: float64(len(took)*size) / elapsed, took: took}
}

func random() writer.Posting {
	from, to := rand.IntN(wallets), rand.IntN(wallets)
	if from == to {
		to = (to + 1) % wallets
	}
	return pay("", "w"+strconv.Itoa(from), "w"+strconv.Itoa(to), 1)
}

var runs int

func (h house) posting(size int) func(client, n int) error {
	runs++
	run := runs
	return func(client, n int) error {
		items := make([]writer.Posting, size)
		for i := range items {
			items[i] = random()
			items[i].Reference = fmt.Sprintf("%d-%d-%d-%d", run, client, n, i)
		}
		if size == 1 {
			_, _, err := h.svc.Post(context.Background(), h.staff.Integrator, items[0])
			return err
		}
		_, err := h.svc.PostAtomic(context.Background(), h.staff.Integrator, items)
		return err
	}
}

// floor inserts the rows of batch postings per commit from one connection and gives postings per second.
func floor(b *testing.B, d *db.DB, batch int) (rate float64, n int) {
	b.Helper()
	staff := dbtest.Institution(b, d)
	seq := 0
	start := time.Now()
	for until := start.Add(time.Second); time.Now().Before(until); {
		heads, legs := make([][]any, 0, batch), make([][]any, 0, 2*batch)
		err := d.Update(context.Background(), staff.System.Scope(), func(tx *db.Tx) error {
			for range batch {
				seq++
				p := random()
				heads = append(heads, []any{tx.Institution, int64(seq), tx.NewID("jen"), fmt.Sprintf("api/%d-%d-%d-%d", runs, 0, seq, 0), "2026-01-05", "", "", "", "",
					db.Micros(tx.Now), staff.Integrator.UserID, floorHash, floorHash, "", ""})
				for i, l := range p.Lines {
					legs = append(legs, []any{tx.Institution, int64(seq), int64(i + 1), l.Account, string(l.Currency), l.AmountMinor, l.Sub})
				}
			}
			if _, err := tx.BulkInsert(context.Background(), floorEntry, heads); err != nil {
				return err
			}
			_, err := tx.BulkInsert(context.Background(), floorLine, legs)
			return err
		})
		require.NoError(b, err)
	}
	return float64(seq) / time.Since(start).Seconds(), seq
}

// BenchmarkPosting prints Markdown rows: CAPILLARY_TEST_POSTGRES must name a server that syncs its commits
// (scripts/bench.sh starts one), and the temporary folder a disk. CAPILLARY_BENCH_SECONDS is the length of a cell.
func BenchmarkPosting(b *testing.B) {
	for _, engine := range []string{"SQLite", "PostgreSQL"} {
		b.Run(engine, func(b *testing.B) {
			for range b.N {
				var d *db.DB
				if engine == "SQLite" {
					d = dbtest.SQLite(b)
				} else {
					d = dbtest.Postgres(b)
					durable(b, d)
				}
				measure(b, engine, open(b, d, writer.Config{}))
			}
		})
	}
}

func measure(b *testing.B, engine string, h house) {
	b.Helper()
	var seed []writer.Posting
	for i := range wallets {
		seed = append(seed, payIn("seed"+strconv.Itoa(i), "w"+strconv.Itoa(i), 1_000_000_000))
	}
	_, err := h.svc.PostAtomic(context.Background(), h.staff.Integrator, seed)
	require.NoError(b, err)
	for _, s := range []struct{ clients, size int }{{1, 1}, {8, 1}, {32, 1}, {1, 100}, {8, 100}} {
		what := "single"
		if s.size > 1 {
			what = fmt.Sprintf("bulk of %d", s.size)
		}
		b.Run(fmt.Sprintf("%d clients %s", s.clients, what), func(b *testing.B) {
			for range b.N {
				h.measure(b, engine, s.clients, s.size, what)
			}
		})
	}
	h.verify(b)
}

// measure fills one cell, in turns of a second, so that whatever else the machine does falls on both alike.
func (h house) measure(b *testing.B, engine string, clients, size int, what string) {
	b.Helper()
	var turns []cell
	var bares []float64
	var cpu, bareCPU time.Duration
	batch, posted, bared := 1, 0, 0
	for range seconds() {
		batches, postings := h.w.Stats()
		before := dbtest.CPU(b, h.db)
		turns = append(turns, drive(b, clients, size, h.posting(size)))
		between := dbtest.CPU(b, h.db)
		batches2, postings2 := h.w.Stats()
		batch = max(1, int(postings2-postings)/max(1, int(batches2-batches)))
		rate, n := floor(b, h.db, batch)
		after := dbtest.CPU(b, h.db)
		bares = append(bares, rate)
		cpu, bareCPU = cpu+between-before, bareCPU+after-between
		posted, bared = posted+int(postings2-postings), bared+n
	}
	got, bare := mean(turns), 0.0
	for _, x := range bares {
		bare += x / float64(len(bares))
	}
	each, bareEach := cpu.Seconds()*1e6/float64(max(posted, 1)), bareCPU.Seconds()*1e6/float64(max(bared, 1))
	fmt.Fprintf(os.Stderr, "| %s | %d | %s | %.0f | %.1f | %.1f | %d | %.0f | %.2f | %.0f | %.0f |\n", engine, clients, what, got.rate, //nolint:forbidigo // the benchmark's report
		got.p50.Seconds()*1000, got.p99.Seconds()*1000, batch, bare, got.rate/bare, each, bareEach)
	b.ReportMetric(got.rate/bare, "ratio")
	b.ReportMetric(each, "cpu-us/posting")
	b.ReportMetric(bareEach, "floor-cpu-us/posting")
}

// durable refuses to measure a server that does not sync: its figures would mean nothing.
func durable(b *testing.B, d *db.DB) {
	b.Helper()
	var fsync, commit string
	require.NoError(b, d.Owner().QueryRowContext(b.Context(), "select current_setting('fsync'), current_setting('synchronous_commit')").Scan(&fsync, &commit))
	if fsync != "on" || commit == "off" {
		b.Skip("CAPILLARY_TEST_POSTGRES does not sync its commits: scripts/bench.sh starts one that does")
	}
}
