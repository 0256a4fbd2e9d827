package loan_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/ledger/recipe"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// 10,000.00 at 6 % for three months, paid at maturity, is 100 days overdue when it is restructured and its interest of 150.00
// becomes principal. What was not income does not become it by being lent: it is held until the observation is passed.
func TestCapitalisedInterestIsHeldUntilTheLoanIsCured(t *testing.T) {
	t.Parallel()
	tt := terms(fen("10000"), 600, 3, loan.Bullet) // due on 15 April
	events := append(disbursed(tt), loan.Event{
		Seq: 2, Kind: loan.Restructured, Date: date("2026-07-24"), Detail: loan.Particulars{Count: 14, Method: loan.EqualPrincipal, Capitalise: true},
	})
	s, err := loan.Replay(tt, events, date("2026-07-24"))
	require.NoError(t, err)
	require.Equal(t, fen("10150"), s.Principal())
	require.True(t, s.NonAccrual)
	require.Equal(t, fen("150"), s.Totals.HeldMinor)
	require.Zero(t, s.Totals.SuspendedInterestMinor)
	// Paid on every due date; the observation runs from the first, 24 August 2026, for a year.
	pay := func(s *loan.State, until string) {
		for {
			next, ok := s.NextDue()
			if !ok || next.DueDate.After(date(until)) {
				break
			}
			require.NoError(t, s.Advance(next.DueDate))
			_, err := s.Apply(loan.Event{Kind: loan.Repaid, Date: s.AsOf, AmountMinor: s.Due().TotalMinor()})
			require.NoError(t, err)
		}
	}
	pay(&s, "2027-07-24")
	require.NoError(t, s.Advance(date("2027-08-23")))
	require.Equal(t, fen("150"), s.Totals.HeldMinor, "on the eve")
	pay(&s, "2027-08-24") // the thirteenth instalment, on the day of the year's end
	require.Zero(t, s.Totals.HeldMinor, "on its day")
	require.False(t, s.NonAccrual)
}

// An observation ends between two due dates: one leap over the day says what single nights say.
func TestALeapOverTheEndOfAnObservation(t *testing.T) {
	t.Parallel()
	tt := terms(fen("10000"), 600, 3, loan.Bullet)
	life := func() loan.State { // due on 24 December 2026, 24 May and 24 October 2027; observed for a year from the first
		s, err := loan.Replay(tt, append(disbursed(tt), loan.Event{
			Seq: 2, Kind: loan.Restructured, Date: date("2026-07-24"), Detail: loan.Particulars{Count: 8, Every: 5, Method: loan.InterestOnly, Capitalise: true},
		}), date("2026-07-24"))
		require.NoError(t, err)
		for _, on := range []string{"2026-12-24", "2027-05-24", "2027-10-24"} {
			require.NoError(t, s.Advance(date(on)))
			_, err := s.Apply(loan.Event{Kind: loan.Repaid, Date: s.AsOf, AmountMinor: s.Due().TotalMinor()})
			require.NoError(t, err)
		}
		require.NoError(t, s.Advance(date("2027-12-23")))
		require.Equal(t, fen("150"), s.Totals.HeldMinor, "on the eve")
		require.Positive(t, s.Totals.SuspendedInterestMinor)
		return s
	}
	leap, walk := life(), life()
	require.NoError(t, leap.Advance(date("2027-12-24")))
	require.Equal(t, "2027-12-24", leap.Observation.PassedOn.String())
	require.False(t, leap.NonAccrual, "the same day")
	require.Zero(t, leap.Totals.HeldMinor)
	require.Zero(t, leap.Totals.SuspendedInterestMinor)
	require.NoError(t, leap.Advance(date("2027-12-30")))
	for d := range 7 {
		require.NoError(t, walk.Advance(date("2027-12-24").AddDays(d)))
	}
	require.Equal(t, walk, leap)
}

// The books of it: nothing is income on the day of the restructuring, and everything that is written off later leaves whole.
func TestHeldInterestInTheBooks(t *testing.T) {
	t.Parallel()
	desks(t, func(t *testing.T, d desk) {
		l := d.active(t, "h", fen("120000"), nil)
		d.roll(t, "2026-06-01")
		require.NoError(t, d.agree(t, loan.Change{LoanID: l.ID, Kind: loan.Restructured, Reason: "重组方案", Reference: "h1", Detail: loan.Particulars{Count: 6, Method: loan.EqualInstalment, Capitalise: true}}))
		require.Zero(t, d.account(t, recipe.InterestIncome), "nothing was paid")
		capitalised := d.get(t, l.ID).OutstandingMinor - fen("120000")
		require.Positive(t, capitalised)
		require.Equal(t, -capitalised, d.account(t, recipe.UnearnedDiscount))
		d.roll(t, "2026-12-01")
		require.NoError(t, d.agree(t, loan.Change{LoanID: l.ID, Kind: loan.WrittenOff, Reason: "呆账核销", Reference: "h2"}))
		for _, role := range []recipe.Role{recipe.LoanPrincipal, recipe.InterestReceivable, recipe.PenaltyReceivable, recipe.CompoundReceivable, recipe.UnearnedDiscount, recipe.InterestIncome, recipe.SuspendedInterestReceivable} {
			require.Zero(t, d.account(t, role), string(role))
		}
		require.Equal(t, fen("120000"), d.account(t, recipe.LoanLossAllowance), "what was lent, not what it had earned")
		require.Equal(t, d.get(t, l.ID).Payoff.RecoveredMinor, d.account(t, recipe.WrittenOffClaim))
		d.whole(t, fen("120000"))
	})
}

// Two refunds are asked for before the bank has paid the first: together they may not give back more than is held.
func TestTwoRefundsDoNotGiveTheMoneyBackTwice(t *testing.T) {
	t.Parallel()
	desks(t, func(t *testing.T, d desk) {
		l := d.active(t, "c", fen("120000"), nil)
		d.repay(t, l.ID, d.get(t, l.ID).Payoff.TotalMinor()+fen("100"), "too much", func(in *loan.RepayInput) { in.Prepay, in.Keep = true, true })
		c := loan.Change{LoanID: l.ID, Kind: loan.Refunded, AmountMinor: fen("100"), Reason: "退还溢缴", Reference: "c1"}
		require.NoError(t, d.agree(t, c))
		c.Reference = "c2"
		err := d.agree(t, c)
		require.True(t, fault.Is(err, loan.ReasonRefund), "the bank has not paid yet, the money is spoken for: %v", err)
		before := len(d.bank.Payments())
		d.drain(t)
		require.Len(t, d.bank.Payments(), before+1)
		require.Zero(t, d.account(t, recipe.CustomerCredit))
		c.Reference = "c1"
		require.True(t, fault.Is(d.agree(t, c), loan.ReasonChangeReused), "a reference is one change for ever")
	})
}

func TestAReferenceNamesOneChange(t *testing.T) {
	t.Parallel()
	desks(t, func(t *testing.T, d desk) {
		l := d.active(t, "u", fen("1000"), nil)
		c := loan.Change{LoanID: l.ID, Kind: loan.FeeCharged, AmountMinor: 100, Reason: "公证费", Reference: "u1"}
		require.NoError(t, d.agree(t, c))
		require.True(t, fault.Is(d.agree(t, c), loan.ReasonChangeReused))
		require.Equal(t, int64(100), d.get(t, l.ID).Due.FeeMinor)
	})
}

// A tranche is on its way while the customer settles the loan: the bank pays it, the loan cannot take it, and the money
// is not lost: it stands in suspense until it is claimed back.
func TestATrancheThatComesTooLate(t *testing.T) {
	t.Parallel()
	desks(t, func(t *testing.T, d desk) {
		l := d.active(t, "t", fen("120000"), func(in *loan.DrawInput) { in.FirstMinor = fen("60000") })
		_, err := d.loans.PayTranche(t.Context(), d.staff.Operations, l.ID, fen("40000"), "t2")
		require.NoError(t, err)
		d.repay(t, l.ID, d.get(t, l.ID).Payoff.TotalMinor(), "all", func(in *loan.RepayInput) { in.Prepay = true })
		require.Equal(t, loan.Settled, d.get(t, l.ID).Status)
		d.drain(t)
		require.Equal(t, loan.Settled, d.get(t, l.ID).Status)
		suspense := int64(0)
		d.view(t, func(tx *db.Tx) error {
			trial, err := journal.Trial(t.Context(), tx, calendar.Date{})
			for _, line := range trial.Lines {
				if line.Code == journal.Suspense {
					suspense += line.DebitMinor - line.CreditMinor
				}
			}
			return err
		})
		require.Equal(t, fen("40000"), suspense)
		d.whole(t, 0)
	})
}

// A portfolio taken over keeps what its events say beside their amounts.
func TestATakenLoanKeepsItsParticulars(t *testing.T) {
	t.Parallel()
	desks(t, func(t *testing.T, d desk) {
		tt := terms(fen("120000"), 435, 12, loan.EqualInstalment)
		tt.Start = date("2025-11-05")
		lower := rate.FromBP(400)
		taken := loan.Taken{
			FacilityID: "fac_old", Reference: "old-1", ContractID: "con_old", FirmID: "firm_9", ProductID: "invoice-credit", BranchID: "br_east", BranchPath: "/hq/east/",
			PayeeName: "旧系统客户", PayeeAccount: "6222-9", Terms: tt,
			Events: []loan.Event{
				{Seq: 1, Kind: loan.Disbursed, Date: tt.Start, AmountMinor: tt.PrincipalMinor, Key: "disbursed"},
				{Seq: 2, Kind: loan.RateChanged, Date: date("2025-12-01"), Key: "reprice", Detail: loan.Particulars{Rate: &lower}},
			},
		}
		var ids []string
		d.update(t, func(tx *db.Tx) (err error) {
			ids, err = loan.Take(t.Context(), tx, []loan.Taken{taken}, date("2026-01-05"))
			if err == nil {
				_, err = loan.PostSums(t.Context(), tx, 100)
			}
			return err
		})
		events, err := d.loans.Events(t.Context(), d.staff.Manager, ids[0])
		require.NoError(t, err)
		require.Equal(t, &lower, events[1].Detail.Rate)
		require.Equal(t, lower, d.get(t, ids[0]).Rate)
		d.view(t, func(tx *db.Tx) error {
			_, err := loan.Verify(t.Context(), tx)
			return err
		})
	})
}

// A statement shows what is let go on the side of what is paid.
func TestAStatementKnowsItsSides(t *testing.T) {
	t.Parallel()
	desks(t, func(t *testing.T, d desk) {
		l := d.active(t, "st", fen("120000"), nil)
		require.NoError(t, d.agree(t, loan.Change{LoanID: l.ID, Kind: loan.FeeCharged, AmountMinor: fen("20"), Reason: "公证费", Reference: "s1"}))
		require.NoError(t, d.agree(t, loan.Change{LoanID: l.ID, Kind: loan.Waived, AmountMinor: fen("5"), Reason: "优惠减免", Reference: "s2", Detail: loan.Particulars{Component: loan.Fee}}))
		st, err := d.loans.Statement(t.Context(), d.staff.Manager, l.ID, calendar.Date{}, calendar.Date{})
		require.NoError(t, err)
		sides := map[string]int64{}
		for _, line := range st.Lines {
			sides[line.Kind] = line.Amount
		}
		require.Equal(t, fen("20"), sides["fee_charged"])
		require.Equal(t, -fen("5"), sides["waived"])
	})
}

// A bit of an event has rotted: nothing is made of it. A payment, a statement, a what-if refuse.
func TestARottenEventIsNotUsed(t *testing.T) {
	t.Parallel()
	desks(t, func(t *testing.T, d desk) {
		if d.db.Dialect() != db.SQLite {
			t.Skip("the attack is written for SQLite; the check is the same code")
		}
		l := d.active(t, "rot", fen("120000"), nil)
		_, err := d.db.Owner().ExecContext(t.Context(), `drop trigger loan_event_no_update; update loan_event set value_date = '2026-01-04'`)
		require.NoError(t, err)
		_, err = d.loans.Repay(t.Context(), d.staff.Operations, loan.RepayInput{LoanID: l.ID, AmountMinor: 100, Reference: "x", Prepay: true})
		require.True(t, fault.Is(err, loan.ReasonBroken), "%v", err)
		_, err = d.loans.Statement(t.Context(), d.staff.Manager, l.ID, calendar.Date{}, calendar.Date{})
		require.True(t, fault.Is(err, loan.ReasonBroken), "%v", err)
		_, err = d.loans.Quote(t.Context(), d.staff.Manager, l.ID, calendar.Date{})
		require.True(t, fault.Is(err, loan.ReasonBroken), "%v", err)
	})
}

// The certificate says when the debt ended: the later of two payments however they were recorded, not the day of a
// cheque that bounced, and the day of the waiver where a waiver ended it.
func TestTheDayALoanWasSettled(t *testing.T) {
	t.Parallel()
	desks(t, func(t *testing.T, d desk) {
		settledOn := func(id string) string {
			require.Equal(t, loan.Settled, d.get(t, id).Status)
			events, err := d.loans.Events(t.Context(), d.staff.Operations, id)
			require.NoError(t, err)
			on, err := loan.SettledOn(events)
			require.NoError(t, err)
			return on.String()
		}
		valued := func(on string) func(*loan.RepayInput) {
			return func(in *loan.RepayInput) { in.ValueDate, in.Prepay, in.Keep = date(on), true, true }
		}
		late, bounced, waived := d.active(t, "late", fen("120000"), nil), d.active(t, "bounced", fen("120000"), nil), d.active(t, "waived", fen("120000"), nil)
		d.roll(t, "2026-02-10")

		d.repay(t, late.ID, fen("70000"), "today", valued("2026-02-10"))
		d.repay(t, late.ID, fen("60000"), "found later", valued("2026-02-05"))
		require.Equal(t, "2026-02-10", settledOn(late.ID))

		d.repay(t, bounced.ID, fen("130000"), "cheque", valued("2026-02-10"))
		require.NoError(t, d.agree(t, loan.Change{LoanID: bounced.ID, Kind: loan.Reversed, Reason: "支票退票", Reference: "bounced", Detail: loan.Particulars{Of: 2}}))
		d.repay(t, bounced.ID, fen("130000"), "transfer", valued("2026-02-08"))
		require.Equal(t, "2026-02-08", settledOn(bounced.ID))

		owed := d.get(t, waived.ID).Payoff
		d.repay(t, waived.ID, owed.TotalMinor()-fen("5"), "all but five", valued("2026-02-10"))
		d.roll(t, "2026-02-12")
		left := d.get(t, waived.ID).Payoff
		require.Equal(t, fen("5"), left.PrincipalMinor)
		require.Equal(t, left.PrincipalMinor, left.TotalMinor(), "two days of five yuan are worth nothing")
		require.NoError(t, d.agree(t, loan.Change{LoanID: waived.ID, Kind: loan.Waived, Reason: "尾款", Reference: "waived", AmountMinor: left.PrincipalMinor, Detail: loan.Particulars{Component: loan.Principal}}))
		require.Equal(t, "2026-02-12", settledOn(waived.ID))
	})
}
