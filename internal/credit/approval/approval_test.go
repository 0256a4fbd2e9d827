package approval_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/credit/application"
	"github.com/capillary-finance/capillary/internal/credit/approval"
	"github.com/capillary-finance/capillary/internal/credit/decision"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/inbox"
	"github.com/capillary-finance/capillary/internal/testkit/creditkit"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

type desk struct {
	apps  *application.Service
	cases *approval.Service
	tasks *inbox.Service
	staff dbtest.Staff
	book  *creditkit.Book
}

func setup(t *testing.T, d *db.DB) desk {
	t.Helper()
	x := desk{staff: dbtest.Institution(t, d), book: creditkit.Healthy()}
	x.apps = application.NewService(d, decision.NewEngine(x.book.Sources(t)), nil)
	x.cases = approval.NewService(d, x.apps)
	x.tasks = inbox.NewService(d, func(context.Context, *db.Tx, string) (string, bool, error) { return "x", true, nil })
	creditkit.Consent(t, d, x.staff.System.Scope(), "firm_1")
	return x
}

// referred submits an application above the machine's amount and gives its case.
func (x desk) referred(t *testing.T) (application.Application, approval.Case) {
	t.Helper()
	a, err := x.apps.Create(t.Context(), x.staff.Manager, input(80_000_000))
	require.NoError(t, err)
	a, err = x.apps.Submit(t.Context(), x.staff.Manager, a.ID, a.Version)
	require.NoError(t, err)
	require.Equal(t, application.Referred, a.State)
	cases, _, err := x.cases.List(t.Context(), x.staff.Approver, approval.Filter{State: "open"}, "", 10)
	require.NoError(t, err)
	require.Len(t, cases, 1)
	return a, cases[0]
}

func input(amountMinor int64) application.Input {
	return application.Input{FirmID: "firm_1", ProductID: "invoice-credit", AmountMinor: amountMinor, Currency: "CNY", TenorMonths: 12, Method: "interest_only", Purpose: "stock"}
}

func TestReferralReachesAnApproverWhoLendsWithinTheRules(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		x := setup(t, d)
		a, k := x.referred(t)
		require.Equal(t, "2026-01-08", k.DueOn.String(), "three business days after Monday 5 January")
		require.EqualValues(t, 80_000_000, k.AmountMinor)

		tasks, err := x.tasks.Tasks(t.Context(), x.staff.Approver, inbox.Filter{View: "queue", Limit: 10})
		require.NoError(t, err)
		require.Len(t, tasks.Items, 1)
		require.Contains(t, tasks.Items[0].ReasonZh, "超出自动审批范围")
		require.Equal(t, k.DueOn.In(time.UTC).Day(), tasks.Items[0].DueAt.Day())

		_, err = x.cases.Approve(t.Context(), x.staff.Manager, k.ID, approval.Ruling{Note: "ok"})
		require.True(t, fault.Is(err, fault.ReasonForbidden), err)
		_, err = x.cases.Approve(t.Context(), x.staff.Approver, k.ID, approval.Ruling{AmountMinor: 90_000_000, Rate: rate.FromBP(9900), Note: "ok"})
		require.True(t, fault.Is(err, approval.ReasonAboveLimit) && fault.Is(err, approval.ReasonRate), err)
		_, err = x.cases.Approve(t.Context(), x.staff.Approver, k.ID, approval.Ruling{})
		require.True(t, fault.Is(err, fault.ReasonRequired), err)

		k, err = x.cases.Approve(t.Context(), x.staff.Approver, k.ID, approval.Ruling{AmountMinor: 60_000_000, Rate: rate.FromBP(450), Note: "现场核实，额度下调"})
		require.NoError(t, err)
		require.Equal(t, approval.Approved, k.State)
		got, err := x.apps.Get(t.Context(), x.staff.Manager, a.ID)
		require.NoError(t, err)
		require.Equal(t, application.Approved, got.State)
		require.EqualValues(t, 60_000_000, got.ApprovedMinor)
		require.Equal(t, "0.045", got.Rate.String())
		tasks, err = x.tasks.Tasks(t.Context(), x.staff.Approver, inbox.Filter{View: "queue", Limit: 10})
		require.NoError(t, err)
		require.Empty(t, tasks.Items)

		_, err = x.cases.Decline(t.Context(), x.staff.Approver, k.ID, "late")
		require.True(t, fault.Is(err, approval.ReasonDecided), err)
	})
}

func TestSubmitterNeverApprovesEvenWithTheRole(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		x := setup(t, d)
		both := auth.NewPrincipal(auth.Principal{InstitutionID: x.staff.InstitutionID, UserID: x.staff.Manager.UserID, BranchPath: "/hq/", Lang: "en",
			Roles: []string{auth.RoleRelationshipManager, auth.RoleApprover}, Via: "session"}, auth.BuiltinPermissions(auth.RoleRelationshipManager, auth.RoleApprover))
		_, k := x.referred(t)
		_, err := x.cases.Approve(t.Context(), both, k.ID, approval.Ruling{Note: "mine"})
		require.True(t, fault.Is(err, approval.ReasonSamePerson), err)

		outsider := x.staff.Approver
		outsider.BranchPath = "/hq/west/"
		_, err = x.cases.Approve(t.Context(), outsider, k.ID, approval.Ruling{Note: "x"})
		require.True(t, fault.Is(err, fault.ReasonNotFound), err)
	})
}

func TestDeclineReturnAndWithdrawCloseTheCase(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		x := setup(t, d)
		a, k := x.referred(t)
		_, err := x.cases.Return(t.Context(), x.staff.Approver, k.ID, "补充订单合同")
		require.NoError(t, err)
		got, err := x.apps.Get(t.Context(), x.staff.Manager, a.ID)
		require.NoError(t, err)
		require.Equal(t, application.Draft, got.State)

		a, err = x.apps.Submit(t.Context(), x.staff.Manager, a.ID, 0)
		require.NoError(t, err)
		cases, _, err := x.cases.List(t.Context(), x.staff.Approver, approval.Filter{State: "open"}, "", 10)
		require.NoError(t, err)
		require.Len(t, cases, 1)
		_, err = x.cases.Decline(t.Context(), x.staff.Approver, cases[0].ID, "订单不足")
		require.NoError(t, err)
		got, err = x.apps.Get(t.Context(), x.staff.Manager, a.ID)
		require.NoError(t, err)
		require.Equal(t, application.Declined, got.State)
		require.Equal(t, "DECLINED_BY_PERSON", got.Reasons[0].Code)
		require.Contains(t, got.Reasons[0].Text.Zh, "订单不足")

		b, _ := x.referred(t)
		_, err = x.apps.Withdraw(t.Context(), x.staff.Manager, b.ID, 0, "客户改期")
		require.NoError(t, err)
		_, total, err := x.cases.List(t.Context(), x.staff.Approver, approval.Filter{State: "open"}, "", 10)
		require.NoError(t, err)
		require.Zero(t, total)
	})
}

// An authority that the institution has granted bounds what a person approves; without one for him he approves
// nothing, and a delegated one never exceeds its giver's.
func TestApproversAreHeldToTheirDelegatedAuthority(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		x := setup(t, d)
		_, k := x.referred(t)
		grant := func(subject string, limitMinor int64) {
			require.NoError(t, d.Update(t.Context(), x.staff.System.Scope(), func(tx *db.Tx) error {
				_, err := auth.GrantAuthority(t.Context(), tx, auth.AuthorityDraft{Kind: auth.KindCreditApprove, Subject: subject, Currency: "CNY", LimitMinor: limitMinor})
				return err
			}))
		}
		approve := func(amountMinor int64) error {
			_, err := x.cases.Approve(t.Context(), x.staff.Approver, k.ID, approval.Ruling{AmountMinor: amountMinor, Rate: rate.FromBP(450), Note: "ok"})
			return err
		}
		grant("role:"+auth.RoleRisk, 100_000_000)
		require.True(t, fault.Is(approve(60_000_000), approval.ReasonCeiling), "only the risk department was given authority")
		grant("role:"+auth.RoleApprover, 50_000_000)
		require.True(t, fault.Is(approve(60_000_000), approval.ReasonCeiling))
		require.NoError(t, approve(50_000_000))
	})
}
