package receipt_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/credit/facility"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/lending/receipt"
	"github.com/capillary-finance/capillary/internal/platform/blob"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/job"
	"github.com/capillary-finance/capillary/internal/testkit/crash"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
	"github.com/capillary-finance/capillary/internal/testkit/race"
)

func TestMain(m *testing.M) {
	if !crash.Child(crash.Children{"server": serverChild}) {
		os.Exit(m.Run())
	}
}

// quick finds a killed process's job soon.
var quick = job.Config{Poll: 20 * time.Millisecond, Beat: 50 * time.Millisecond, StaleAfter: 700 * time.Millisecond, Watch: 50 * time.Millisecond, Log: slog.New(slog.DiscardHandler)}

type silent struct{}

func (silent) Submit(context.Context, string, payment.Order) (payment.Outcome, error) {
	return payment.Outcome{}, errors.New("no bank")
}

func (silent) Query(context.Context, string) (payment.Outcome, error) {
	return payment.Outcome{}, errors.New("no bank")
}

// serverChild is the process that gets killed: a server that runs jobs and says
// each time it has done a step.
func serverChild(ctx context.Context, l crash.Life) error {
	d, err := l.Open(ctx)
	if err != nil {
		return err
	}
	blobs, err := blob.NewStore(l.Get("blobs"))
	if err != nil {
		return err
	}
	jobs, err := job.NewRunner(d, quick)
	if err != nil {
		return err
	}
	loans := loan.NewService(d, payment.NewDispatcher(d, silent{}, payment.DispatcherConfig{}), func(context.Context, *db.Tx, facility.Facility) (loan.Conditions, error) { return conditions, nil })
	s := receipt.NewService(receipt.Config{DB: d, Blobs: blobs, Jobs: jobs, Book: receipt.LoanBook{Loans: loans}})
	s.SetFailpoint(func(where string) error { l.Ack(where); return nil })
	if err := jobs.Start(ctx); err != nil {
		return err
	}
	time.Sleep(time.Minute) //nolint:forbidigo // until it is killed
	return nil
}

// kill -9 while payments are stored, matched and posted, over and over: in the
// end every payment of the file is one receipt and every loan is repaid once.
func TestKillMinusNinePostsOnce(t *testing.T) {
	t.Parallel()
	race.Leave(t)
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := build(t, d)
		require.NoError(t, b.jobs.Stop(context.Background()))
		const n = 12
		text := head
		var loans []loan.Loan
		for i := range n {
			reference := fmt.Sprintf("DR-88%02d", i)
			loans = append(loans, b.lend(t, fmt.Sprint("firm_", i), fmt.Sprint("acct-", i), reference))
			text += reference + fmt.Sprintf(",,,,1037.20,2026-02-05,K%d,,,\n", i)
		}
		for i := n; i < 450; i++ { // more than two chunks
			text += fmt.Sprintf(",,,,1.00,2026-02-05,K%d,,,\n", i)
		}
		b.to(t, "2026-02-05")
		f, err := b.receipts.Take(t.Context(), b.staff.Operations, "k.csv", []byte(text), "upload")
		require.NoError(t, err)
		children := crash.New(t, b.db, "server", map[string]string{"blobs": b.blobs.Dir()})
		for _, at := range []struct {
			word string
			n    int
		}{{"stored", 1}, {"stored", 1}, {"matched", 40}, {"matched", 200}, {"posted", 1}, {"posted", 5}} {
			children.KillAt(at.word, at.n)
			b.sound(t)
		}
		jobs, err := job.NewRunner(b.db, quick)
		require.NoError(t, err)
		b.jobs = jobs
		b.receipts = receipt.NewService(receipt.Config{DB: b.db, Blobs: b.blobs, Jobs: jobs, Book: receipt.LoanBook{Loans: b.loans}})
		require.NoError(t, jobs.Start(t.Context()))
		require.Equal(t, job.Completed, b.wait(t, f.JobID).State)
		file, err := b.receipts.File(t.Context(), b.staff.Operations, f.ID)
		require.NoError(t, err)
		require.Equal(t, []int64{450, 450, 0, 0}, []int64{file.Rows, file.Receipts, file.Repeats, file.Bad})
		for _, l := range loans {
			events, err := b.loans.Events(t.Context(), b.staff.Operations, l.ID)
			require.NoError(t, err)
			require.Len(t, events, 2, "disbursed, and repaid once")
		}
		b.sound(t)
	})
}
