package loan_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/lending/loan"
)

func (d desk) told(t *testing.T, id, from, until string) (out []string, st loan.Statement) {
	t.Helper()
	var a, b calendar.Date
	if from != "" {
		a = date(from)
	}
	if until != "" {
		b = date(until)
	}
	st, err := d.loans.Statement(t.Context(), d.staff.Manager, id, a, b)
	require.NoError(t, err)
	for _, l := range st.Lines {
		row := fmt.Sprintf("%s %s %d -> %d", l.Date, l.Kind, l.Amount, l.Principal)
		if l.Allocation != nil {
			row += fmt.Sprintf(" (%d + %d)", l.Allocation.PrincipalMinor, l.Allocation.InterestMinor)
		}
		out = append(out, row)
	}
	return out, st
}

// A cheque is credited on 5 February and comes back on the 10th. The customer's statement shows both, and the statements of the two
// periods join: the first ends where the second begins. 120,000 in three parts: 40,000 and 31 days of interest, 449.50.
func TestAStatementShowsAPaymentAndItsReversal(t *testing.T) {
	t.Parallel()
	desks(t, func(t *testing.T, d desk) {
		l := d.active(t, "r", fen("120000"), nil)
		d.roll(t, "2026-02-05")
		d.repay(t, l.ID, fen("40449.50"), "cheque", nil)
		d.roll(t, "2026-02-10")
		before, _ := d.told(t, l.ID, "", "")
		require.NoError(t, d.agree(t, loan.Change{LoanID: l.ID, Kind: loan.Reversed, Reason: "支票退票", Reference: "rev", Detail: loan.Particulars{Of: 2}}))
		all, st := d.told(t, l.ID, "", "")
		require.Equal(t, append(before, "2026-02-10 reversed 4044950 -> 12000000 (-4000000 + -44950)"), all)
		require.Equal(t, []string{
			"2026-01-05 disbursed 12000000 -> 12000000", "2026-02-05 instalment_due 4044950 -> 12000000", "2026-02-05 repaid -4044950 -> 8000000 (4000000 + 44950)",
		}, before)
		require.Equal(t, "冲正：还款（2026-02-05）", st.Lines[3].Memo.Zh)
		require.Equal(t, "reversal of repayment of 2026-02-05", st.Lines[3].Memo.En)
		require.Equal(t, fen("120000"), st.ClosingMinor)
		require.Zero(t, st.Totals.PaidPrincipalMinor)
		_, first := d.told(t, l.ID, "", "2026-02-09")
		require.Equal(t, fen("80000"), first.ClosingMinor, "what the customer was told on the 9th stays")
		lines, second := d.told(t, l.ID, "2026-02-10", "")
		require.Equal(t, []any{fen("80000"), fen("120000"), 1}, []any{second.OpeningMinor, second.ClosingMinor, len(lines)})
	})
}

// Somebody's 120,449.50 settled the wrong loan on 5 February; it is found out in March, when the second instalment would have been due.
func TestAStatementShowsASettlementTakenBack(t *testing.T) {
	t.Parallel()
	desks(t, func(t *testing.T, d desk) {
		l := d.active(t, "r", fen("120000"), nil)
		d.roll(t, "2026-02-05")
		d.repay(t, l.ID, fen("120449.50"), "wrong", func(in *loan.RepayInput) { in.Prepay = true })
		d.roll(t, "2026-03-06")
		settled, _ := d.told(t, l.ID, "", "")
		require.Equal(t, []string{
			"2026-01-05 disbursed 12000000 -> 12000000", "2026-02-05 instalment_due 4044950 -> 12000000", "2026-02-05 repaid -12044950 -> 0 (12000000 + 44950)",
		}, settled)
		require.NoError(t, d.agree(t, loan.Change{LoanID: l.ID, Kind: loan.Reversed, Reason: "入错账户", Reference: "rev", Detail: loan.Particulars{Of: 2}}))
		all, st := d.told(t, l.ID, "", "")
		require.Len(t, all, 5)
		require.Equal(t, "2026-03-06 reversed 12044950 -> 12000000 (-12000000 + -44950)", all[3])
		// 80,000 for 28 days at 4.35%: 270.67, which fell due on the day before while the loan counted as settled.
		require.Equal(t, "2026-03-06 instalment_due 4027067 -> 12000000", all[4])
		require.Equal(t, "instalment 2 was due on 2026-03-05", st.Lines[4].Memo.En)

		// The customer's own payment of 5 February is entered: it never met the wrong one, so the wrong one is told to be gone before it.
		d.repay(t, l.ID, fen("40449.50"), "right", func(in *loan.RepayInput) { in.ValueDate, in.Channel = date("2026-02-05"), "file" })
		all, st = d.told(t, l.ID, "", "")
		require.Equal(t, []string{
			"2026-01-05 disbursed 12000000 -> 12000000", "2026-02-05 instalment_due 4044950 -> 12000000", "2026-02-05 repaid -12044950 -> 0 (12000000 + 44950)",
			"2026-02-05 reversed 12044950 -> 12000000 (-12000000 + -44950)", "2026-02-05 repaid -4044950 -> 8000000 (4000000 + 44950)",
			"2026-03-05 instalment_due 4027067 -> 8000000",
		}, all)
		require.Equal(t, d.get(t, l.ID).OutstandingMinor, st.ClosingMinor)
	})
}
