package payment_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/simulator/bank"
)

func (b *bundle) debit(key, mandate string) payment.Draft {
	return payment.Draft{
		Key: key, Purpose: "test", Object: "loan", ObjectID: "loan_1", FromAccount: "customer", FromName: "小微\n企业", ToAccount: payment.SettlementAccount(b.staff.InstitutionID, money.CNY),
		Amount: money.Of(100, money.CNY), Mandate: payment.Mandate{ID: "mdt_" + mandate, Reference: mandate, SignedOn: calendar.Of(2026, 1, 5)},
	}
}

// A debit goes to the bank under its mandate, as pain.008 where the channel speaks ISO 20022, once whatever the answers
// do; what the debtor stopped at his own bank is refused (MD01).
func TestADebitGoesOnceUnderItsMandate(t *testing.T) {
	t.Parallel()
	each(t, bank.Faults{FailAfterPermille: 1000}, func(t *testing.T, b *bundle) {
		require.NoError(t, b.bank.Open(bank.Account{Number: "customer", Name: "小微企业", BalanceMinor: 150}))
		_, err := b.record(t.Context(), b.debit("k", "SQ-1"))
		require.NoError(t, err)
		_, err = b.dispatcher(t, nil).Drain(t.Context())
		require.NoError(t, err)
		o := b.read(t, "k")
		require.Equal(t, []any{payment.Succeeded, "SQ-1", calendar.Of(2026, 1, 5)}, []any{o.Status, o.MandateReference, o.MandateSignedOn})
		require.Len(t, b.bank.Payments(), 1)
		paid := b.bank.Payments()[0]
		require.Equal(t, []any{"customer", int64(100)}, []any{paid.FromAccount, paid.AmountMinor})

		b.bank.SetFaults(bank.Faults{})
		_, err = b.record(t.Context(), b.debit("poor", "SQ-1"))
		require.NoError(t, err)
		if b.iso {
			require.Equal(t, "SQ-1", paid.Mandate)
			require.NoError(t, b.bank.StopMandate("SQ-2"))
			_, err = b.record(t.Context(), b.debit("stopped", "SQ-2"))
			require.NoError(t, err)
		}
		_, err = b.dispatcher(t, nil).Drain(t.Context())
		require.NoError(t, err)
		require.Equal(t, payment.Failed, b.read(t, "poor").Status)
		if b.iso {
			require.Contains(t, b.read(t, "poor").Reason, "AM04")
			require.Contains(t, b.read(t, "stopped").Reason, "MD01")
		}
	})
}

// A debit that was not sent is taken back with its mandate; one that may have reached the bank waits for its outcome.
func TestWithdrawingSparesWhatWasSent(t *testing.T) {
	t.Parallel()
	each(t, bank.Faults{Down: true}, func(t *testing.T, b *bundle) {
		require.NoError(t, b.bank.Open(bank.Account{Number: "customer", Name: "小微企业", BalanceMinor: 1000}))
		_, err := b.record(t.Context(), b.debit("sent", "SQ-1"))
		require.NoError(t, err)
		_, err = b.dispatcher(t, nil).Drain(t.Context())
		require.NoError(t, err)
		for _, key := range []string{"kept", "other"} {
			_, err = b.record(t.Context(), b.debit(key, map[string]string{"kept": "SQ-1", "other": "SQ-2"}[key]))
			require.NoError(t, err)
		}
		require.NoError(t, b.db.Update(t.Context(), b.staff.System.Scope(), func(tx *db.Tx) error {
			n, err := payment.WithdrawUnder(t.Context(), tx, "mdt_SQ-1", "stopped")
			require.Equal(t, int64(1), n)
			return err
		}))
		require.Equal(t, []payment.Status{payment.Sent, payment.Failed, payment.Recorded}, []payment.Status{b.read(t, "sent").Status, b.read(t, "kept").Status, b.read(t, "other").Status})
	})
}
