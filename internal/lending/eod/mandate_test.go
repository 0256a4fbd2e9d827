package eod_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/lending/eod"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/lending/mandate"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/proposal"
	"github.com/capillary-finance/capillary/internal/simulator/bank"
)

// approve decides a proposal as another person.
func (b *abroad) approve(t *testing.T, made proposal.Proposal, by auth.Principal) error {
	t.Helper()
	_, err := b.proposals.Approve(t.Context(), by, proposal.Decision{ID: made.ID, BodyHash: made.BodyHash})
	return err
}

func (b *abroad) night(t *testing.T) eod.Run {
	t.Helper()
	st, err := b.days.Status(t.Context(), b.staff.Operations)
	require.NoError(t, err)
	r, err := b.days.Day(t.Context(), b.staff.Operations, st.BusinessDate, nil)
	require.NoError(t, err)
	return r
}

func (b *abroad) collections(t *testing.T, id string) loan.Collections {
	t.Helper()
	c, err := b.loans.Collections(t.Context(), b.staff.Manager, id)
	require.NoError(t, err)
	return c
}

func (b *abroad) policy(t *testing.T, svc *mandate.Service, p mandate.Policy) {
	t.Helper()
	made, err := svc.ProposePolicy(t.Context(), b.staff.Operations, p)
	require.NoError(t, err)
	require.True(t, fault.Is(b.approve(t, made, b.staff.Operations), proposal.ReasonOwn))
	require.NoError(t, b.approve(t, made, b.staff.Risk))
}

// A loan of 100,000.00 at 4.32 % owes 372.00 on 5 February, 336.00 on 5 March. Drawn without a mandate it has the implied
// one of the payee's account. The customer signs another account with a bound of 350.00: two persons register it, and
// the night keeps to it. He revokes it: nothing is debited any more, and the day's report and the loan say why.
func TestNobodyIsDebitedWithoutHisMandate(t *testing.T) {
	t.Parallel()
	eachProtocol(t, func(t *testing.T, b *abroad) {
		svc := mandate.NewService(b.db, b.proposals)
		f := b.facility(t, money.CNY, 150_000_00)
		l := b.draw(t, f, 100_000_00, "old-account")
		c := b.collections(t, l.ID)
		require.True(t, c.Mandate.Implied)
		require.Equal(t, []string{"old-account", "出口企业"}, []string{c.Mandate.DebtorAccount, c.Mandate.DebtorName})

		terms := mandate.Terms{DebtorAccount: "new-account", DebtorName: "出口企业", MaxMinor: 350_00, ValidFrom: date("2026-01-05"), SignedOn: date("2026-01-05"), Document: "DS-2026-1"}
		made, err := svc.Propose(t.Context(), b.staff.Operations, mandate.Proposed{MandateID: c.Mandate.ID, Terms: terms}, "换卡")
		require.NoError(t, err)
		require.Equal(t, "old-account", b.collections(t, l.ID).Mandate.DebtorAccount, "nothing changes before the second person")
		require.Error(t, b.approve(t, made, b.staff.Operations))
		require.NoError(t, b.approve(t, made, b.staff.Risk))
		c = b.collections(t, l.ID)
		require.Equal(t, []any{"new-account", false, date("2026-01-05")}, []any{c.Mandate.DebtorAccount, c.Mandate.Implied, c.Mandate.SignedOn})
		require.NoError(t, b.bank.Open(bank.Account{Number: "new-account", Name: "出口企业", BalanceMinor: 10_000_00}))

		// 372.00 are due, the bound is 350.00, and parts are not allowed.
		b.until(t, "2026-02-05")
		r := b.night(t)
		require.Equal(t, []int64{0, 1}, []int64{r.Collections, r.Uncollected})
		require.Equal(t, "MANDATE_ABOVE_MAX", b.collections(t, l.ID).Attempts[0].Code)
		require.Zero(t, b.books(t, money.CNY)[bankAccount]+100_000_00)
		_, err = b.loans.Repay(t.Context(), b.staff.Operations, loan.RepayInput{LoanID: l.ID, AmountMinor: 372_00, Reference: "by-hand", Collect: true})
		require.True(t, fault.Is(err, mandate.ReasonAboveMax), err)

		// With parts allowed 350.00 come that night, and what is left, with its penalty, the next.
		b.policy(t, svc, mandate.Policy{AttemptsPerDay: 1, Partial: true})
		r = b.night(t)
		require.Equal(t, []int64{1, 0}, []int64{r.Collections, r.Uncollected})
		a := b.collections(t, l.ID).Attempts[0]
		require.Equal(t, []any{int64(350_00), payment.Succeeded, int64(1)}, []any{a.AmountMinor, a.Status, a.No})
		b.night(t)
		d, err := b.loans.Get(t.Context(), b.staff.Manager, l.ID)
		require.NoError(t, err)
		require.Zero(t, d.DueMinor)

		// A debit is recorded and not sent yet when the customer revokes: it never goes.
		b.until(t, "2026-03-05")
		o, err := b.loans.Repay(t.Context(), b.staff.Operations, loan.RepayInput{LoanID: l.ID, AmountMinor: 300_00, Reference: "c1", Collect: true})
		require.NoError(t, err)
		m, err := svc.Stop(t.Context(), b.staff.Manager, c.Mandate.ID, mandate.Revoked, mandate.ByCustomer, "客户来函撤销")
		require.NoError(t, err)
		require.Equal(t, mandate.Revoked, m.State)
		before := len(b.bank.Payments())
		r = b.night(t)
		require.Equal(t, []int64{0, 1}, []int64{r.Collections, r.Uncollected})
		require.Len(t, b.bank.Payments(), before)
		c = b.collections(t, l.ID)
		require.Nil(t, c.Mandate)
		require.NotNil(t, c.Why)
		require.Equal(t, "MANDATE_REVOKED", c.Attempts[1].Code)
		require.Equal(t, []any{o.Order.ID, payment.Failed}, []any{c.Attempts[0].OrderID, c.Attempts[0].Status})
		none, total, err := b.loans.AttemptsOn(t.Context(), b.staff.Operations, date("2026-03-05"), "none", "", 0, 10)
		require.NoError(t, err)
		require.Len(t, none, 1)
		require.Equal(t, int64(1), total)
		_, err = svc.Propose(t.Context(), b.staff.Operations, mandate.Proposed{MandateID: m.ID, Terms: terms}, "")
		require.True(t, fault.Is(err, mandate.ReasonState), err)

		// Signed anew, for the whole facility.
		again := terms
		again.Reference, again.Scope, again.ScopeID, again.Currency, again.MaxMinor = "SQ-1", mandate.OfFacility, f.ID, money.USD, 0
		_, err = svc.Propose(t.Context(), b.staff.Operations, mandate.Proposed{Terms: again}, "")
		require.True(t, fault.Is(err, mandate.ReasonScope), err)
		again.Currency = money.CNY
		made, err = svc.Propose(t.Context(), b.staff.Operations, mandate.Proposed{Terms: again}, "")
		require.NoError(t, err)
		require.NoError(t, b.approve(t, made, b.staff.Risk))
		require.Equal(t, "SQ-1", b.collections(t, l.ID).Mandate.Reference)
		_, err = svc.Propose(t.Context(), b.staff.Operations, mandate.Proposed{Terms: again}, "")
		require.True(t, fault.Is(err, mandate.ReasonReference), err)
		again.Reference = "SQ-2"
		_, err = svc.Propose(t.Context(), b.staff.Operations, mandate.Proposed{Terms: again}, "")
		require.True(t, fault.Is(err, mandate.ReasonExists), err)

		// A dispute pauses it; new terms, decided by two, take it up again.
		id := b.collections(t, l.ID).Mandate.ID
		_, err = svc.Stop(t.Context(), b.staff.Manager, id, mandate.Suspended, mandate.InDispute, "客户对罚息有异议")
		require.NoError(t, err)
		require.Equal(t, int64(1), b.night(t).Uncollected)
		require.Equal(t, "MANDATE_SUSPENDED", b.collections(t, l.ID).Attempts[0].Code)
		made, err = svc.Propose(t.Context(), b.staff.Operations, mandate.Proposed{MandateID: id, Terms: again}, "异议已解决")
		require.NoError(t, err)
		require.NoError(t, b.approve(t, made, b.staff.Risk))
		require.Equal(t, int64(1), b.night(t).Collections)
		d, err = b.loans.Get(t.Context(), b.staff.Manager, l.ID)
		require.NoError(t, err)
		require.Zero(t, d.DueMinor)
		b.books(t, money.CNY)
	})
}

// The account holds 100.00 while 372.00 are due. Three attempts a day, parts allowed down to 50.00: 372.00 and 186.00
// are refused, 93.00 come. The next night 7.00 are left and no attempt is below 50.00: none comes.
func TestANightTriesAgainAsThePolicySays(t *testing.T) {
	t.Parallel()
	eachProtocol(t, func(t *testing.T, b *abroad) {
		svc := mandate.NewService(b.db, b.proposals)
		l := b.draw(t, b.facility(t, money.CNY, 150_000_00), 100_000_00, "poor")
		b.policy(t, svc, mandate.Policy{AttemptsPerDay: 3, Partial: true, MinimumMinor: 50_00, GiveUpAfterDays: 1, Implied: true})
		require.NoError(t, b.bank.Open(bank.Account{Number: "poor", Name: "出口企业", BalanceMinor: 100_00}))
		b.until(t, "2026-02-05")
		require.Equal(t, int64(3), b.night(t).Collections)
		var asked []int64
		for _, a := range b.collections(t, l.ID).Attempts {
			asked = append(asked, a.AmountMinor)
		}
		require.Equal(t, []int64{93_00, 186_00, 372_00}, asked)
		d, err := b.loans.Get(t.Context(), b.staff.Manager, l.ID)
		require.NoError(t, err)
		require.Equal(t, int64(372_00-93_00), d.Due.InterestMinor)

		require.Equal(t, int64(3), b.night(t).Collections, "279.00 with its penalty, half of it, half of that")
		require.Equal(t, payment.Failed, b.collections(t, l.ID).Attempts[0].Status)
		r := b.night(t)
		require.Equal(t, []int64{0, 1}, []int64{r.Collections, r.Uncollected})
		require.Equal(t, "COLLECTION_GIVEN_UP", b.collections(t, l.ID).Attempts[0].Code)
		b.books(t, money.CNY)
	})
}

// An institution may want a signed mandate for every debit.
func TestWithoutImpliedMandatesALoanIsNotDebited(t *testing.T) {
	t.Parallel()
	eachProtocol(t, func(t *testing.T, b *abroad) {
		svc := mandate.NewService(b.db, b.proposals)
		b.policy(t, svc, mandate.Policy{AttemptsPerDay: 1})
		l := b.draw(t, b.facility(t, money.CNY, 150_000_00), 100_000_00, "acct")
		require.Empty(t, b.collections(t, l.ID).Mandates)
		b.until(t, "2026-02-05")
		require.Equal(t, int64(1), b.night(t).Uncollected)
		require.Equal(t, "MANDATE_NONE", b.collections(t, l.ID).Attempts[0].Code)
	})
}
