package loan_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/simulator/bank"
)

// A reference names one payment for ever: recorded as received it is not taken as well, and taken in one way
// it is not taken again in another.
func TestOneReferenceIsOnePayment(t *testing.T) {
	t.Parallel()
	each(t, bank.Faults{}, func(t *testing.T, b *bundle) {
		l, err := b.loans.Draw(t.Context(), b.staff.Manager, b.input("o", fen("120000")))
		require.NoError(t, err)
		b.drain(t)
		repay := func(reference string, collect, prepay bool) error {
			_, err := b.loans.Repay(t.Context(), b.staff.Operations, loan.RepayInput{LoanID: l.ID, AmountMinor: fen("1000"), Reference: reference, Collect: collect, Prepay: prepay})
			return err
		}
		require.NoError(t, repay("taken", true, true))
		b.drain(t)
		require.NoError(t, repay("taken", true, true), "again is the same")
		require.True(t, fault.Is(repay("taken", true, false), loan.ReasonRepaymentReused), "taken, and now without prepaying")
		require.True(t, fault.Is(repay("taken", false, true), loan.ReasonRepaymentReused), "taken, and now recorded as received")
		require.NoError(t, repay("received", false, true))
		require.True(t, fault.Is(repay("received", true, true), loan.ReasonRepaymentReused), "received, and now taken")
		require.Error(t, repay("taken:prepay", true, false), "a reference that reads like another's key")
		b.drain(t)
		require.Len(t, b.bank.Payments(), 2)
		require.Equal(t, fen("118000"), b.get(t, l.ID).OutstandingMinor)
	})
}

func TestDrawInputIsCountedInCharacters(t *testing.T) {
	t.Parallel()
	each(t, bank.Faults{}, func(t *testing.T, b *bundle) {
		in := b.input("long name", fen("1000"))
		in.PayeeName = "苍南县" + strings.Repeat("滨海", 15) + "塑料制品有限责任公司" // 43 characters, 129 bytes
		l, err := b.loans.Draw(t.Context(), b.staff.Manager, in)
		require.NoError(t, err)
		b.drain(t)
		require.Equal(t, loan.Active, b.get(t, l.ID).Status)
		b.view(t, func(tx *db.Tx) error {
			orders, err := payment.Of(t.Context(), tx, "loan", l.ID)
			require.Equal(t, in.PayeeName, orders[0].ToName)
			return err
		})
		in.PayeeName = strings.Repeat("长", 65)
		_, err = b.loans.Draw(t.Context(), b.staff.Manager, in)
		require.Error(t, err)
		in = b.input("blank ", fen("1000"))
		_, err = b.loans.Draw(t.Context(), b.staff.Manager, in)
		require.Error(t, err, "a blank would make another reference of it, and the double click would pay twice")
	})
}

// A payment belongs to the branch of its loan: the people of another branch do not see whom it paid.
func TestPaymentsAreSeenByTheirBranch(t *testing.T) {
	t.Parallel()
	each(t, bank.Faults{}, func(t *testing.T, b *bundle) {
		_, err := b.loans.Draw(t.Context(), b.staff.Manager, b.input("o", fen("1000")))
		require.NoError(t, err)
		b.drain(t)
		seen := func(branch string) int64 {
			who := b.staff.Operations
			who.BranchPath = branch
			page, err := payment.NewService(b.db).List(t.Context(), who, payment.Filter{})
			require.NoError(t, err)
			require.Len(t, page.Items, int(page.Total))
			return page.Total
		}
		require.EqualValues(t, 1, seen("/hq/"))
		require.EqualValues(t, 1, seen("/hq/east/"))
		require.Zero(t, seen("/hq/west/"))
	})
}
