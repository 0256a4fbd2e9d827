package loan_test

import (
	"slices"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/credit/facility"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/ledger/recipe"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/proposal"
	"github.com/capillary-finance/capillary/internal/simulator/bank"
)

// desk is a bundle with maker-checker.
type desk struct {
	*bundle
	proposals *proposal.Service
}

func desks(t *testing.T, fn func(t *testing.T, d desk)) {
	t.Helper()
	each(t, bank.Faults{}, func(t *testing.T, b *bundle) {
		d := desk{bundle: b, proposals: proposal.NewService(b.db)}
		b.loans.Servicing(d.proposals)
		fn(t, d)
	})
}

// dispatcher2 is a dispatcher on the same bank that no service has registered with yet.
func (d desk) dispatcher2(t *testing.T) *payment.Dispatcher {
	t.Helper()
	client, err := payment.NewClient(payment.ClientConfig{URL: d.url, Secret: secret})
	require.NoError(t, err)
	d.bundle.dispatcher = payment.NewDispatcher(d.db, client, payment.DispatcherConfig{})
	return d.bundle.dispatcher
}

// active draws a loan of three months' equal principal and lets the bank pay.
func (d desk) active(t *testing.T, reference string, amount int64, shape func(*loan.DrawInput)) loan.Loan {
	t.Helper()
	in := d.input(reference, amount)
	if shape != nil {
		shape(&in)
	}
	l, err := d.loans.Draw(t.Context(), d.staff.Manager, in)
	require.NoError(t, err)
	d.drain(t)
	return d.get(t, l.ID).Loan
}

// agree proposes a change by operations and has risk approve it.
func (d desk) agree(t *testing.T, c loan.Change) error {
	t.Helper()
	made, err := d.loans.ProposeChange(t.Context(), d.staff.Operations, c)
	if err != nil {
		return err
	}
	_, err = d.proposals.Approve(t.Context(), d.staff.Risk, proposal.Decision{ID: made.ID, BodyHash: made.BodyHash})
	return err
}

func (d desk) repay(t *testing.T, id string, amount int64, reference string, shape func(*loan.RepayInput)) loan.RepayResult {
	t.Helper()
	in := loan.RepayInput{LoanID: id, AmountMinor: amount, Reference: reference}
	if shape != nil {
		shape(&in)
	}
	r, err := d.loans.Repay(t.Context(), d.staff.Operations, in)
	require.NoError(t, err)
	return r
}

// whole verifies loans, books and facility.
func (d desk) whole(t *testing.T, used int64) {
	t.Helper()
	d.view(t, func(tx *db.Tx) error {
		_, err := loan.Verify(t.Context(), tx)
		require.NoError(t, err)
		_, err = journal.Verify(t.Context(), tx)
		require.NoError(t, err)
		_, drift, err := facility.Verify(t.Context(), tx)
		require.NoError(t, err)
		require.Empty(t, drift)
		f, err := facility.ByID(t.Context(), tx, d.facility.ID)
		require.NoError(t, err)
		require.Equal(t, used, f.UtilisedMinor, "what is in use of the facility")
		return nil
	})
}

// account is the balance of the account that plays a role, debits minus credits.
func (d desk) account(t *testing.T, role recipe.Role) (net int64) {
	t.Helper()
	d.view(t, func(tx *db.Tx) error {
		trial, err := journal.Trial(t.Context(), tx, calendar.Date{})
		for _, l := range trial.Lines {
			if l.Code == recipe.Default().Code(role) {
				net += l.DebitMinor - l.CreditMinor
			}
		}
		return err
	})
	return net
}

// The customer was in hospital; the bank lets the penalty go. One person asks, another decides, and who asked
// cannot decide.
func TestAWaiverNeedsASecondPerson(t *testing.T) {
	t.Parallel()
	desks(t, func(t *testing.T, d desk) {
		l := d.active(t, "w", fen("120000"), nil)
		d.roll(t, "2026-02-15") // ten days overdue: 40,000 x 10 x 6.525% / 360 = 72.50, and 0.81 on the interest of 449.50
		require.Equal(t, fen("72.50"), d.get(t, l.ID).Due.PenaltyMinor)
		require.Equal(t, fen("0.81"), d.get(t, l.ID).Due.CompoundMinor)
		c := loan.Change{LoanID: l.ID, Kind: loan.Waived, AmountMinor: fen("72.50"), Reason: "客户住院，首次逾期", Reference: "w1", Detail: loan.Particulars{Component: loan.Penalty}}
		made, err := d.loans.ProposeChange(t.Context(), d.staff.Operations, c)
		require.NoError(t, err)
		_, err = d.proposals.Approve(t.Context(), d.staff.Operations, proposal.Decision{ID: made.ID, BodyHash: made.BodyHash})
		require.Error(t, err)
		require.Equal(t, fen("72.50"), d.get(t, l.ID).Due.PenaltyMinor, "asked for is not decided")
		_, err = d.proposals.Approve(t.Context(), d.staff.Risk, proposal.Decision{ID: made.ID, BodyHash: made.BodyHash})
		require.NoError(t, err)
		require.Zero(t, d.get(t, l.ID).Due.PenaltyMinor)
		require.Equal(t, fen("72.50"), d.account(t, recipe.WaiverExpense))
		require.Zero(t, d.account(t, recipe.PenaltyReceivable))
		d.whole(t, fen("120000"))

		c.AmountMinor, c.Reference = fen("72.50"), "w2"
		require.True(t, fault.Is(d.agree(t, c), loan.ReasonWaiver), "nothing is left to let go")
		c.Detail.Component, c.AmountMinor, c.Reason = loan.Compound, fen("0.81"), ""
		require.Error(t, d.agree(t, c), "without a reason")
	})
}

// A cheque bounced: the repayment is taken back, and everything stands as if it had never come.
func TestAReversedRepaymentLeavesNoTrace(t *testing.T) {
	t.Parallel()
	desks(t, func(t *testing.T, d desk) {
		l := d.active(t, "r", fen("120000"), nil)
		d.roll(t, "2026-02-05")
		d.repay(t, l.ID, fen("40449.50"), "cheque", nil)
		require.Equal(t, fen("80000"), d.get(t, l.ID).OutstandingMinor)
		d.whole(t, fen("80000"))
		d.roll(t, "2026-02-10")
		require.NoError(t, d.agree(t, loan.Change{LoanID: l.ID, Kind: loan.Reversed, Reason: "支票退票", Reference: "rev", Detail: loan.Particulars{Of: 2}}))
		got := d.get(t, l.ID)
		require.Equal(t, fen("120000"), got.OutstandingMinor)
		require.Equal(t, loan.Overdue, got.Status)
		require.Equal(t, 5, got.DaysPastDue)
		require.Equal(t, fen("36.25"), got.Due.PenaltyMinor, "40,000 x 5 x 6.525% / 360")
		require.Equal(t, -fen("120000"), d.account(t, recipe.Settlement))
		d.whole(t, fen("120000"))
		require.True(t, fault.Is(d.agree(t, loan.Change{LoanID: l.ID, Kind: loan.Reversed, Reason: "again", Reference: "rev2", Detail: loan.Particulars{Of: 2}}), loan.ReasonNotReversible))
		require.True(t, fault.Is(d.agree(t, loan.Change{LoanID: l.ID, Kind: loan.Reversed, Reason: "the money", Reference: "rev3", Detail: loan.Particulars{Of: 1}}), loan.ReasonNotReversible))
	})
}

// The money came on the due date, the file a week later: no penalty is left.
func TestALateFileIsValuedOnItsDay(t *testing.T) {
	t.Parallel()
	desks(t, func(t *testing.T, d desk) {
		l := d.active(t, "v", fen("120000"), nil)
		d.roll(t, "2026-02-12")
		require.Positive(t, d.get(t, l.ID).Due.PenaltyMinor)
		_, err := d.loans.Repay(t.Context(), d.staff.Operations, loan.RepayInput{LoanID: l.ID, AmountMinor: 1, Reference: "tomorrow", ValueDate: date("2026-02-13")})
		require.Error(t, err)
		r := d.repay(t, l.ID, fen("40449.50"), "late", func(in *loan.RepayInput) { in.ValueDate, in.Channel = date("2026-02-05"), "file" })
		require.Equal(t, loan.Allocation{InterestMinor: fen("449.50"), PrincipalMinor: fen("40000")}, r.Allocation)
		got := d.get(t, l.ID)
		require.Zero(t, got.Due.TotalMinor())
		require.Equal(t, loan.Active, got.Status)
		require.Zero(t, d.account(t, recipe.PenaltyIncome), "booked night by night and taken back in one entry")
		d.whole(t, fen("80000"))
	})
}

// 展期 of three months on a loan of three months is the most; one more is refused.
func TestAnExtension(t *testing.T) {
	t.Parallel()
	desks(t, func(t *testing.T, d desk) {
		l := d.active(t, "x", fen("120000"), func(in *loan.DrawInput) { in.Method = loan.Bullet })
		c := loan.Change{LoanID: l.ID, Kind: loan.Extended, Reason: "回款推迟", Reference: "x1", Detail: loan.Particulars{Count: 4}}
		require.True(t, fault.Is(d.agree(t, c), loan.ReasonExtension))
		c.Detail.Count = 3
		higher := rate.FromBP(500)
		c.Detail.Rate = &higher
		d.roll(t, "2026-03-01")
		require.NoError(t, d.agree(t, c))
		got := d.get(t, l.ID)
		require.Equal(t, "2026-07-05", got.MaturityOn.String())
		d.roll(t, "2026-04-10")
		require.Equal(t, loan.Active, d.get(t, l.ID).Status, "the old maturity is no due date any more")
		d.roll(t, "2026-07-05")
		// 55 days at 4.35% and 126 at 5%: 120,000 x (55 x 4.35% + 126 x 5%) / 360 = 797.50 + 2,100.00.
		require.Equal(t, loan.Allocation{InterestMinor: fen("2897.50"), PrincipalMinor: fen("120000")}, d.get(t, l.ID).Due)
		c.Reference, c.Detail.Count = "x2", 1
		require.True(t, fault.Is(d.agree(t, c), loan.ReasonExtension), "three months are used up")
		d.whole(t, fen("120000"))
	})
}

// Default, restructuring with the arrears of interest made principal, and repayment to the end: the facility
// takes back what was drawn, not the interest that became principal.
func TestARestructuredLoanIsRepaid(t *testing.T) {
	t.Parallel()
	desks(t, func(t *testing.T, d desk) {
		l := d.active(t, "s", fen("120000"), nil)
		d.roll(t, "2026-06-01")
		got := d.get(t, l.ID)
		require.Equal(t, 116, got.DaysPastDue)
		require.Positive(t, d.account(t, recipe.SuspendedInterestReceivable), "past 90 days nothing is recognised")
		require.Zero(t, d.account(t, recipe.InterestReceivable))
		require.Zero(t, d.account(t, recipe.InterestIncome), "nothing was ever paid")
		require.NoError(t, d.agree(t, loan.Change{LoanID: l.ID, Kind: loan.Restructured, Reason: "重组方案第3号", Reference: "s1", Detail: loan.Particulars{Count: 6, Method: loan.EqualInstalment, Capitalise: true}}))
		got = d.get(t, l.ID)
		require.Equal(t, loan.Active, got.Status)
		require.Greater(t, got.OutstandingMinor, fen("120000"))
		require.Equal(t, "2026-07-01", got.Observation.Since.String())
		require.Positive(t, got.Due.PenaltyMinor, "penalty does not become principal")
		d.whole(t, fen("120000"))
		d.repay(t, l.ID, got.Payoff.TotalMinor(), "all", func(in *loan.RepayInput) { in.Prepay = true })
		require.Equal(t, loan.Settled, d.get(t, l.ID).Status)
		require.Zero(t, d.account(t, recipe.LoanPrincipal))
		require.Zero(t, d.account(t, recipe.SuspendedInterestReceivable))
		d.whole(t, 0)
	})
}

// 核销: the loan leaves the books, the claim stays, and what comes later is a recovery.
func TestWriteOffAndRecovery(t *testing.T) {
	t.Parallel()
	desks(t, func(t *testing.T, d desk) {
		l := d.active(t, "o", fen("120000"), nil)
		d.roll(t, "2026-12-01")
		claim := d.get(t, l.ID).Payoff.TotalMinor()
		require.NoError(t, d.agree(t, loan.Change{LoanID: l.ID, Kind: loan.WrittenOff, Reason: "呆账核销批复", Reference: "o1"}))
		got := d.get(t, l.ID)
		require.Equal(t, loan.WrittenOffOut, got.Status)
		require.Zero(t, d.account(t, recipe.LoanPrincipal))
		require.Equal(t, fen("120000"), d.account(t, recipe.LoanLossAllowance))
		require.Equal(t, claim, d.account(t, recipe.WrittenOffClaim))
		d.roll(t, "2026-12-31")
		require.Equal(t, claim, d.get(t, l.ID).Payoff.TotalMinor(), "nothing accrues on a claim that is written off")
		r := d.repay(t, l.ID, fen("30000"), "auction", nil)
		require.Equal(t, loan.Allocation{RecoveredMinor: fen("30000")}, r.Allocation)
		require.Equal(t, -fen("30000"), d.account(t, recipe.RecoveryIncome))
		require.Equal(t, claim-fen("30000"), d.account(t, recipe.WrittenOffClaim))
		d.whole(t, fen("120000"))
	})
}

// 无还本续贷: before maturity, interest paid, five checks with evidence; no money leaves the bank.
func TestRenewalWithoutRepayingPrincipal(t *testing.T) {
	t.Parallel()
	desks(t, func(t *testing.T, d desk) {
		l := d.active(t, "n", fen("500000"), func(in *loan.DrawInput) { in.Method = loan.InterestOnly }) // the whole facility
		d.roll(t, "2026-04-05")
		due := d.get(t, l.ID).Due
		in := loan.RenewInput{LoanID: l.ID, TenorMonths: 6, Method: loan.InterestOnly, Reference: "n2", Origin: loan.OriginRenewal}
		_, err := d.loans.Renew(t.Context(), d.staff.Manager, in)
		require.Len(t, fault.All(err), 5, "each missing check is named: %v", err)
		for _, name := range loan.CheckNames() {
			in.Checks = append(in.Checks, loan.Check{Name: name, Passed: true, Evidence: "现场核查记录 2026-04-02"})
		}
		// One answer is no: the loan is not renewed, and the answers are kept.
		no := in
		no.Checks = slices.Clone(in.Checks)
		no.Checks[2].Passed, no.Checks[2].Evidence = false, "征信有两次逾期"
		_, err = d.loans.Renew(t.Context(), d.staff.Manager, no)
		require.True(t, fault.Is(err, loan.ReasonRenewalCheck), "%v", err)
		require.Len(t, fault.All(err), 1)
		require.Empty(t, d.get(t, l.ID).Facts.SuccessorID)
		records, _, err := audit.NewService(d.db, nil, "").List(t.Context(), d.staff.Compliance.Scope(), audit.Filter{Object: "loan", ObjectID: l.ID, Action: "loan.renewal_refused", Limit: 10})
		require.NoError(t, err)
		require.Len(t, records, 1)
		kept := string(records[0].After)
		require.Contains(t, kept, "征信有两次逾期")
		require.Contains(t, kept, `"passed":false`)

		_, err = d.loans.Renew(t.Context(), d.staff.Manager, in)
		require.True(t, fault.Is(err, loan.ReasonRenewal), "overdue: %v", err)
		// February and March are overdue with their penalty; April is due today. All interest is paid, the principal is not.
		d.repay(t, l.ID, due.TotalMinor()-due.PrincipalMinor, "interest", nil)
		payments := len(d.bank.Payments())
		renewed, err := d.loans.Renew(t.Context(), d.staff.Manager, in)
		require.NoError(t, err)
		require.Equal(t, loan.Active, renewed.Status)
		require.Equal(t, loan.OriginRenewal, renewed.Facts.Origin)
		require.Equal(t, fen("500000"), renewed.OutstandingMinor)
		old := d.get(t, l.ID)
		require.Equal(t, loan.Settled, old.Status)
		require.Equal(t, renewed.ID, old.Facts.SuccessorID)
		require.Len(t, d.bank.Payments(), payments, "no money moved")
		again, err := d.loans.Renew(t.Context(), d.staff.Manager, in)
		require.NoError(t, err)
		require.Equal(t, renewed.ID, again.ID, "a double click renews once")
		in.Reference = "n3"
		_, err = d.loans.Renew(t.Context(), d.staff.Manager, in)
		require.True(t, fault.Is(err, loan.ReasonRenewal))
		require.Equal(t, fen("500000"), d.account(t, recipe.LoanPrincipal))
		d.whole(t, fen("500000"))
	})
}

// A building loan paid out in three parts: each once, never more than was promised, and the instalments follow.
func TestTranches(t *testing.T) {
	t.Parallel()
	desks(t, func(t *testing.T, d desk) {
		l := d.active(t, "t", fen("120000"), func(in *loan.DrawInput) { in.FirstMinor = fen("60000") })
		require.Equal(t, fen("60000"), l.OutstandingMinor)
		d.whole(t, fen("120000"))
		d.roll(t, "2026-02-05")
		require.Equal(t, fen("20000"), d.get(t, l.ID).Due.PrincipalMinor)
		pay := func(amount int64, reference string) (payment.Order, error) {
			return d.loans.PayTranche(t.Context(), d.staff.Operations, l.ID, amount, reference)
		}
		_, err := pay(fen("40000"), "t2")
		require.NoError(t, err)
		_, err = pay(fen("40000"), "t2")
		require.NoError(t, err, "a double click")
		_, err = pay(fen("30000"), "t3")
		require.True(t, fault.Is(err, loan.ReasonTranche), "40,000 are on their way, 20,000 are left: %v", err)
		d.drain(t)
		require.Equal(t, fen("100000"), d.get(t, l.ID).OutstandingMinor)
		require.Len(t, d.bank.Payments(), 2)
		d.repay(t, l.ID, d.get(t, l.ID).DueMinor, "p1", nil)
		d.roll(t, "2026-03-05")
		require.Equal(t, fen("40000"), d.get(t, l.ID).Due.PrincipalMinor, "80,000 over the two instalments that are left")
		d.whole(t, fen("100000"))
		d.roll(t, "2026-04-05")
		d.repay(t, l.ID, d.get(t, l.ID).Payoff.TotalMinor(), "p2", nil)
		require.Equal(t, loan.Settled, d.get(t, l.ID).Status)
		d.whole(t, 0)
	})
}

// Paid too much: the surplus is the customer's, stands as a liability, and goes back through the bank once.
func TestOverpaidMoneyGoesBack(t *testing.T) {
	t.Parallel()
	desks(t, func(t *testing.T, d desk) {
		l := d.active(t, "c", fen("120000"), nil)
		payoff := d.get(t, l.ID).Payoff.TotalMinor()
		r := d.repay(t, l.ID, payoff+fen("100"), "too much", func(in *loan.RepayInput) { in.Prepay, in.Keep = true, true })
		require.Equal(t, fen("100"), r.Allocation.CreditMinor)
		require.Equal(t, -fen("100"), d.account(t, recipe.CustomerCredit))
		c := loan.Change{LoanID: l.ID, Kind: loan.Refunded, AmountMinor: fen("100.01"), Reason: "退还溢缴", Reference: "c1"}
		require.True(t, fault.Is(d.agree(t, c), loan.ReasonRefund))
		c.AmountMinor = fen("100")
		require.NoError(t, d.agree(t, c))
		require.Equal(t, -fen("100"), d.account(t, recipe.CustomerCredit), "ordered is not paid")
		d.drain(t)
		require.Zero(t, d.account(t, recipe.CustomerCredit))
		require.True(t, fault.Is(d.agree(t, loan.Change{LoanID: l.ID, Kind: loan.Refunded, AmountMinor: fen("1"), Reason: "再退一次", Reference: "c2"}), loan.ReasonWrongStatus))
		d.whole(t, 0)
	})
}

// Money for a supplier: above ten million yuan it must be, and it is collected from the borrower.
func TestEntrustedPayment(t *testing.T) {
	t.Parallel()
	desks(t, func(t *testing.T, d desk) {
		d.facility = d.open(t, fen("20000000"))
		in := d.input("e", fen("10000000.01"))
		_, err := d.loans.Draw(t.Context(), d.staff.Manager, in)
		require.True(t, fault.Is(err, loan.ReasonEntrusted), "%v", err)
		in.Entrusted = true
		_, err = d.loans.Draw(t.Context(), d.staff.Manager, in)
		require.Error(t, err, "no purpose, no account of the borrower")
		in.Purpose, in.PayeeName, in.PayeeAccount, in.RepayAccount = "采购注塑机 合同 2026-017", "宁波机械有限公司", "6222-supplier", "6222-borrower"
		l, err := d.loans.Draw(t.Context(), d.staff.Manager, in)
		require.NoError(t, err)
		d.drain(t)
		r := d.repay(t, l.ID, fen("100"), "e1", func(in *loan.RepayInput) { in.Collect, in.Prepay = true, true })
		require.Equal(t, "6222-borrower", r.Order.FromAccount)
	})
}

// What is supposed is what happens: the saving told in advance is the saving made.
func TestWhatIfTellsTheTruth(t *testing.T) {
	t.Parallel()
	desks(t, func(t *testing.T, d desk) {
		l := d.active(t, "i", fen("120000"), func(in *loan.DrawInput) { in.Method, in.TenorMonths = loan.EqualInstalment, 12 })
		d.roll(t, "2026-01-25")
		for _, strategy := range []loan.Strategy{loan.ReduceInstalment, loan.ReduceTerm, loan.NextInstalments} {
			w, err := d.loans.Suppose(t.Context(), d.staff.Manager, l.ID, []loan.Supposition{
				{Kind: loan.Repaid, Date: date("2026-01-25"), AmountMinor: fen("60000"), Prepay: true, Detail: loan.Particulars{Strategy: strategy}},
			})
			require.NoError(t, err)
			require.Positive(t, w.InterestSavedMinor, string(strategy))
			require.Equal(t, "2027-01-05", w.EndedOn.String())
			if strategy == loan.ReduceTerm {
				require.True(t, w.EndsOn.Before(w.EndedOn))
				require.Less(t, w.After.Instalments, w.Before.Instalments)
			}
			if strategy == loan.ReduceInstalment {
				require.Less(t, w.After.NextDueMinor, w.Before.NextDueMinor)
			}
		}
		w, err := d.loans.Suppose(t.Context(), d.staff.Manager, l.ID, []loan.Supposition{
			{Kind: loan.Repaid, Date: date("2026-01-25"), AmountMinor: fen("60000"), Prepay: true, Detail: loan.Particulars{Strategy: loan.ReduceTerm}},
		})
		require.NoError(t, err)
		require.Equal(t, fen("120000"), d.get(t, l.ID).OutstandingMinor, "nothing was stored")
		d.repay(t, l.ID, fen("60000"), "real", func(in *loan.RepayInput) { in.Prepay, in.Strategy = true, loan.ReduceTerm })
		require.Equal(t, w.Rows, d.get(t, l.ID).Rows)
		_, err = d.loans.Suppose(t.Context(), d.staff.Manager, l.ID, nil)
		require.Error(t, err)
	})
}

// Who may not propose cannot, and another branch's loan does not exist.
func TestChangesAreGuarded(t *testing.T) {
	t.Parallel()
	desks(t, func(t *testing.T, d desk) {
		l := d.active(t, "g", fen("1000"), nil)
		c := loan.Change{LoanID: l.ID, Kind: loan.FeeCharged, AmountMinor: 100, Reason: "公证费", Reference: "g1"}
		_, err := d.loans.ProposeChange(t.Context(), d.staff.Compliance, c)
		require.True(t, fault.Is(err, fault.ReasonForbidden))
		west := auth.NewPrincipal(auth.Principal{InstitutionID: d.staff.InstitutionID, UserID: "usr_w", BranchPath: "/hq/west/"}, []string{loan.PermissionService})
		_, err = d.loans.ProposeChange(t.Context(), west, c)
		require.True(t, fault.Is(err, fault.ReasonNotFound))
		c.Kind = loan.Disbursed
		_, err = d.loans.ProposeChange(t.Context(), d.staff.Operations, c)
		require.Error(t, err, "money is not proposed")
		c.Kind, c.Date = loan.FeeCharged, date("2026-01-06")
		_, err = d.loans.ProposeChange(t.Context(), d.staff.Operations, c)
		require.Error(t, err, "not in the future")
		c.Date = calendar.Date{}
		require.NoError(t, d.agree(t, c))
		require.Equal(t, int64(100), d.get(t, l.ID).Due.FeeMinor)
		require.NoError(t, d.agree(t, loan.Change{LoanID: l.ID, Kind: loan.FeeCharged, AmountMinor: 50, Reason: "另一笔", Reference: "g2"}))
		require.Equal(t, int64(150), d.get(t, l.ID).Due.FeeMinor)
	})
}
