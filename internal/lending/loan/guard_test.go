package loan_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/simulator/bank"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

func TestWhoSeesWhat(t *testing.T) {
	t.Parallel()
	each(t, bank.Faults{}, func(t *testing.T, b *bundle) {
		l, err := b.loans.Draw(t.Context(), b.staff.Manager, b.input("o", fen("120000")))
		require.NoError(t, err)
		west := auth.NewPrincipal(auth.Principal{InstitutionID: b.staff.InstitutionID, UserID: "usr_w", BranchPath: "/hq/west/"},
			[]string{loan.PermissionRead, loan.PermissionDraw, loan.PermissionRepay})
		_, err = b.loans.Get(t.Context(), west, l.ID)
		require.True(t, fault.Is(err, fault.ReasonNotFound))
		_, err = b.loans.Draw(t.Context(), west, b.input("w", 100))
		require.True(t, fault.Is(err, fault.ReasonNotFound))
		_, err = b.loans.Repay(t.Context(), west, loan.RepayInput{LoanID: l.ID, AmountMinor: 1, Reference: "w"})
		require.True(t, fault.Is(err, fault.ReasonNotFound))
		page, err := b.loans.List(t.Context(), west, loan.Filter{})
		require.NoError(t, err)
		require.Zero(t, page.Total)
		other := dbtest.Institution(t, b.db)
		_, err = b.loans.Get(t.Context(), other.Manager, l.ID)
		require.True(t, fault.Is(err, fault.ReasonNotFound))
		_, err = b.loans.Repay(t.Context(), b.staff.Manager, loan.RepayInput{LoanID: l.ID, AmountMinor: 1, Reference: "w"})
		require.True(t, fault.Is(err, fault.ReasonForbidden))
		page, err = b.loans.List(t.Context(), b.staff.Manager, loan.Filter{FirmID: "firm_1", Status: string(loan.Pending)})
		require.NoError(t, err)
		require.Equal(t, int64(1), page.Total)

		in := b.input("bad", fen("1000"))
		in.TenorMonths, in.Method, in.Reference, in.PayeeAccount = 99, "balloon", "r", "a"
		_, err = b.loans.Draw(t.Context(), b.staff.Manager, in)
		require.True(t, fault.Is(err, loan.ReasonTenor) && fault.Is(err, loan.ReasonMethod), "%v", err)
		o, err := b.loans.Preview(t.Context(), b.staff.Manager, b.input("p", fen("120000")))
		require.NoError(t, err)
		require.Len(t, o.Schedule, 3)
		require.Equal(t, fen("120000"), o.Cost.PrincipalMinor)
	})
}

func TestTamperedLoanIsFound(t *testing.T) {
	t.Parallel()
	for name, q := range map[string]string{
		"projection": `update loan_day set outstanding_minor = 1`,
		"books":      `update loan_day set posted_json = replace(posted_json, '"disbursed_minor":', '"disbursed_minor":1')`,
		"snapshot":   `update loan_snapshot set state = x'00'`,
		"ledger":     `update ledger_turnover set debit_minor = debit_minor + 1 where account_code = '1303'; update ledger_balance set debit_minor = debit_minor + 1 where account_code = '1303'`,
		"event":      `drop trigger loan_event_no_update; update loan_event set amount_minor = amount_minor + 1`,
		"cut":        `drop trigger loan_event_no_delete; delete from loan_event`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, bank.Faults{}, func(t *testing.T, b *bundle) {
				if b.db.Dialect() != db.SQLite {
					t.Skip("the attack is written for SQLite; the check is the same code")
				}
				_, err := b.loans.Draw(t.Context(), b.staff.Manager, b.input("o", fen("120000")))
				require.NoError(t, err)
				b.drain(t)
				_, err = b.db.Owner().ExecContext(t.Context(), q)
				require.NoError(t, err)
				err = b.db.View(t.Context(), b.staff.System.Scope(), func(tx *db.Tx) error {
					_, err := loan.Verify(t.Context(), tx)
					return err
				})
				require.True(t, fault.Is(err, loan.ReasonBroken) || fault.Is(err, journal.ReasonBroken) || fault.Is(err, journal.ReasonSeal), "%v", err)
			})
		})
	}
}
