package receipt_test

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/lending/receipt"
	"github.com/capillary-finance/capillary/internal/simulator/bank"
)

func (b *bundle) fetch(t *testing.T, through string) []receipt.BankStatement {
	t.Helper()
	out, err := b.receipts.FetchStatements(t.Context(), b.staff.Operations, calendar.MustParse(through))
	require.NoError(t, err)
	for _, s := range out {
		if s.FileID != "" {
			f, err := b.receipts.File(t.Context(), b.staff.Operations, s.FileID)
			require.NoError(t, err)
			b.wait(t, f.JobID)
		}
	}
	return out
}

func numbers(all []receipt.BankStatement) (out []int64) {
	for _, s := range all {
		out = append(out, s.Sequence)
	}
	return out
}

// The bank gives a statement for each day, numbered without a break. The one of 6 January does not come: the next one
// tells of the gap. Once it comes the gap is gone, and its payment repays the loan, once.
func TestTheBanksStatementsAreFetchedOnceAndGapsAreSeen(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle) {
		client := b.iso(t)
		one := b.lend(t, "firm_1", "6222-1", "DR-5001")
		require.NoError(t, b.bank.Open(bank.Account{Number: "6222-1", Name: "望海水产", BalanceMinor: 50_000_00}))
		own := payment.SettlementAccount(b.staff.InstitutionID, money.CNY)
		pay := func(key, day string, minor int64) {
			_, err := client.Submit(t.Context(), key, payment.Order{FromAccount: "6222-1", ToAccount: own, AmountMinor: minor, Currency: "CNY", Memo: "还款 DR-5001", ValueDate: calendar.MustParse(day), CreatedAt: time.Unix(0, 0)})
			require.NoError(t, err)
		}
		first := b.fetch(t, "2026-01-05")
		require.Len(t, first, 1)
		require.Equal(t, []any{receipt.StatementTaken, int64(1), int64(1), int64(-12_000_00)},
			[]any{first[0].State, first[0].Sequence, first[0].Entries, first[0].ClosingMinor - first[0].OpeningMinor})
		again := b.fetch(t, "2026-01-05")
		require.Equal(t, first[0].FileID, again[0].FileID)

		b.to(t, "2026-02-07")
		pay("p1", "2026-02-05", 1037_20)
		b.bank.SetFaults(bank.Faults{MissingStatement: "2026-02-05"})
		_, err := b.receipts.FetchStatements(t.Context(), b.staff.Operations, calendar.MustParse("2026-02-08"))
		require.Error(t, err, "a day to come")
		got := b.fetch(t, "2026-02-04") // 31 days back at most
		require.Equal(t, int64(31), got[len(got)-1].Sequence)
		got = b.fetch(t, "2026-02-06")
		require.Equal(t, []int64{0, 33}, numbers(got))
		require.Equal(t, []any{receipt.StatementMissing, "BANK_NO_STATEMENT"}, []any{got[0].State, got[0].Code})
		require.Contains(t, got[1].Gap.En, "statement 32 did not come")
		require.Empty(t, b.all(t), "its payment is not known")

		b.bank.SetFaults(bank.Faults{Down: true})
		got = b.fetch(t, "2026-02-06")
		require.Len(t, got, 1, "a silent bank is asked again another time")
		require.Equal(t, receipt.StatementMissing, got[0].State)
		b.bank.SetFaults(bank.Faults{})
		got = b.fetch(t, "2026-02-06")
		require.Equal(t, []int64{32, 33}, numbers(got))
		require.Zero(t, b.loan(t, one.ID).DueMinor)
		list, err := b.receipts.Statements(t.Context(), b.staff.Operations, 100)
		require.NoError(t, err)
		for _, s := range list {
			require.Nil(t, s.Gap, s.Day)
			require.Equal(t, receipt.StatementTaken, s.State)
		}

		// The day grows: the same statement says more, and what was taken before is recognised.
		pay("p2", "2026-02-06", 100_00)
		got = b.fetch(t, "2026-02-06")
		require.Equal(t, []int64{32, 33}, numbers(got))
		require.Equal(t, int64(1), got[1].Entries)
		require.Len(t, b.all(t), 2*2)
		_, err = b.receipts.Pull(t.Context(), b.staff.Operations, "", calendar.MustParse("2026-02-05"), calendar.MustParse("2026-02-06"))
		require.NoError(t, err)
		b.sound(t)
	})
}

// Nothing is lost when the program dies between taking a statement and remembering it.
func TestAStatementTakenBeforeACrashIsRecognised(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle) {
		b.iso(t)
		b.lend(t, "firm_1", "6222-1", "DR-5002")
		dies := errors.New("dies")
		b.receipts.SetFailpoint(func(where string) error {
			if where == "statement" {
				return dies
			}
			return nil
		})
		_, err := b.receipts.FetchStatements(t.Context(), b.staff.Operations, calendar.MustParse("2026-01-05"))
		require.ErrorIs(t, err, dies)
		b.receipts.SetFailpoint(nil)
		got := b.fetch(t, "2026-01-05")
		require.Equal(t, receipt.StatementTaken, got[0].State)
		page, err := b.receipts.Files(t.Context(), b.staff.Operations, 10, "")
		require.NoError(t, err)
		require.Len(t, page.Items, 1)
	})
}
