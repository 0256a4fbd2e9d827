package receipt_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/lending/receipt"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/proposal"
)

var tryReceipt = db.QQ(`select id from receipt where institution_id = $1 and id = $2 for update nowait`, `select id from receipt where institution_id = $1 and id = $2`)

// A repayment posts to the journal and then books its receipt. Whatever else books a receipt must wait for the journal before it holds the
// receipt, or the two could wait for each other: while each of them waits, the receipt is free to be taken.
func TestWhoeverWaitsForTheJournalHoldsNoReceipt(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle) {
		if b.db.Dialect() != db.Postgres {
			t.Skip("SQLite has one writer: nothing waits for two things")
		}
		b.lend(t, "firm_1", "6222-1", "DR-1001")
		b.to(t, "2026-02-05")
		b.takeFrom(t, receipt.OriginBank, "a.csv", head+",,7777,路人,30.00,2026-02-05,X1,,,\n,,8888,王某,20.00,2026-02-05,X2,,,\n")
		got := b.all(t)
		ignore, err := b.receipts.Ignore(t.Context(), b.staff.Operations, receipt.IgnoreBody{ReceiptID: got["X1"].ID, Reason: "不属于贷款"})
		require.NoError(t, err)
		made, err := b.proposals.Get(t.Context(), b.staff.Risk, ignore)
		require.NoError(t, err)
		_, _, err = b.receipts.Return(t.Context(), b.staff.Operations, receipt.ReturnBody{ReceiptID: got["X2"].ID, Reason: "多付"})
		require.NoError(t, err)

		for name, act := range map[string]func(ctx context.Context) error{
			got["X1"].ID: func(ctx context.Context) error {
				_, err := b.proposals.Approve(ctx, b.staff.Risk, proposal.Decision{ID: ignore, BodyHash: made.BodyHash})
				return err
			},
			got["X2"].ID: func(ctx context.Context) error { _, err := b.dispatcher.Drain(ctx); return err },
		} {
			done := make(chan error, 1)
			b.update(t, func(tx *db.Tx) error {
				if err := journal.LockHead(t.Context(), tx); err != nil {
					return err
				}
				go func() { done <- act(t.Context()) }()
				require.Eventually(t, func() bool {
					var n int
					require.NoError(t, b.db.Owner().QueryRowContext(t.Context(), `select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`).Scan(&n))
					return n > 0
				}, 10*time.Second, 5*time.Millisecond, "it must come to wait for the journal")
				require.NoError(t, b.db.Update(t.Context(), b.staff.System.Scope(), func(tx *db.Tx) error {
					var id string
					return tx.QueryRow(t.Context(), tryReceipt, tx.Institution, name).Scan(&id)
				}), "it holds the receipt while it waits for the journal")
				return nil
			})
			require.NoError(t, <-done)
		}
		b.sound(t)
		require.Equal(t, receipt.Closed, b.all(t)["X1"].Status)
		require.Equal(t, receipt.Closed, b.all(t)["X2"].Status)
	})
}
