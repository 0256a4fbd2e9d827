package contract_test

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/base/schedule"
	"github.com/capillary-finance/capillary/internal/credit/application"
	"github.com/capillary-finance/capillary/internal/credit/decision"
	"github.com/capillary-finance/capillary/internal/evidence/party"
	"github.com/capillary-finance/capillary/internal/lending/contract"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/lending/mandate"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/simulator/bank"
	"github.com/capillary-finance/capillary/internal/testkit/creditkit"
)

// shop is everything between a firm's wish and its money.
type shop struct {
	*bundle
	t          *testing.T
	apps       *application.Service
	loans      *loan.Service
	dispatcher *payment.Dispatcher
	firm       string
}

func shops(t *testing.T, fn func(t *testing.T, s shop)) {
	t.Helper()
	each(t, func(t *testing.T, b *bundle) {
		sim, err := bank.New(bank.Config{Secret: "s", SettlementMinor: 100_000_000_000})
		require.NoError(t, err)
		h := httptest.NewServer(sim)
		t.Cleanup(func() { _ = sim.Close(); h.Close() })
		client, err := payment.NewClient(payment.ClientConfig{URL: h.URL, Secret: "s", Timeout: 2 * time.Second})
		require.NoError(t, err)
		s := shop{bundle: b, t: t, dispatcher: payment.NewDispatcher(b.db, client, payment.DispatcherConfig{})}
		s.loans = loan.NewService(b.db, s.dispatcher, contract.Conditions)
		require.NoError(t, b.db.Update(t.Context(), b.staff.System.Scope(), func(tx *db.Tx) error {
			firm, err := party.NewService(b.db, nil).CreateTx(t.Context(), tx, party.Draft{Code: "E1", Name: "测试精密机械有限公司", BranchID: "br_east", BranchPath: "/hq/east/"})
			s.firm = firm.ID
			return err
		}))
		book := creditkit.Healthy()
		book.Firm.ID = s.firm
		book.Features["sales_net_3m"] = 150_000_000
		creditkit.Consent(t, b.db, b.staff.System.Scope(), s.firm)
		s.apps = application.NewService(b.db, decision.NewEngine(book.Sources(t)), contract.OfferSchedule)
		fn(t, s)
	})
}

// sign asks for a product and goes all the way to its contract.
func (s shop) sign(product, method, purpose string, months int, amount int64) (application.Offer, contract.Contract) {
	s.t.Helper()
	ctx, staff := s.t.Context(), s.staff
	a, err := s.apps.Create(ctx, staff.Manager, application.Input{FirmID: s.firm, ProductID: product, AmountMinor: amount, Currency: "CNY", TenorMonths: months, Method: method, Purpose: purpose})
	require.NoError(s.t, err)
	a, err = s.apps.Submit(ctx, staff.Manager, a.ID, a.Version)
	require.NoError(s.t, err)
	require.Equal(s.t, application.Approved, a.State, "%v", a.Reasons)
	a, err = s.apps.Offer(ctx, staff.Manager, a.ID, a.Version)
	require.NoError(s.t, err)
	a, err = s.apps.Accept(ctx, staff.Manager, a.ID, a.Version, application.Acceptance{Channel: "branch", Signer: "王某", Reference: "F-1"})
	require.NoError(s.t, err)
	c, err := s.service.Sign(ctx, staff.Manager, a.ID)
	require.NoError(s.t, err)
	require.Equal(s.t, len(a.Offer.Instalments), len(c.Terms.Schedule))
	require.Equal(s.t, a.Offer.AnnualisedRate, c.Terms.AnnualisedRate, "what was offered is what is signed")
	return *a.Offer, c
}

func (s shop) draw(c contract.Contract, shape func(*loan.DrawInput)) loan.Detail {
	s.t.Helper()
	in := loan.DrawInput{FacilityID: c.FacilityID, AmountMinor: c.Terms.LimitMinor, TenorMonths: c.Terms.TenorMonths, Method: c.Terms.Method, PayeeName: "供货商", PayeeAccount: "6222-9", Reference: "r1"}
	shape(&in)
	l, err := s.loans.Draw(s.t.Context(), s.staff.Manager, in)
	require.NoError(s.t, err)
	_, err = s.dispatcher.Drain(s.t.Context())
	require.NoError(s.t, err)
	d, err := s.loans.Get(s.t.Context(), s.staff.Manager, l.ID)
	require.NoError(s.t, err)
	require.Equal(s.t, loan.Active, d.Status)
	return d
}

// paidOut is what the bank was told to pay.
func (s shop) paidOut(id string) (sum int64) {
	s.t.Helper()
	require.NoError(s.t, s.db.View(s.t.Context(), s.staff.System.Scope(), func(tx *db.Tx) error {
		orders, err := payment.Of(s.t.Context(), tx, "loan", id)
		for _, o := range orders {
			sum += o.AmountMinor
		}
		return err
	}))
	return sum
}

func TestALeaseFromOfferToMoney(t *testing.T) {
	t.Parallel()
	shops(t, func(t *testing.T, s shop) {
		o, c := s.sign("invoice-lease", "equal_instalment", "machine", 12, 40_000_000)
		// A tenth as deposit and a hundredth as price, by the recipe.
		require.Equal(t, application.Extras{Kind: "lease", ProceedsMinor: 36_000_000, DepositMinor: 4_000_000, DepositUse: "last_rents", ResidualMinor: 400_000}, o.Extras)
		require.Greater(t, o.AnnualisedRate, o.Rate*365/360, "the deposit makes it dearer")
		require.False(t, o.Revolving)
		d := s.draw(c, func(in *loan.DrawInput) {
			in.Lease = loan.LeaseInput{DepositMinor: o.Extras.DepositMinor, ResidualMinor: o.Extras.ResidualMinor}
			in.Entrusted, in.Purpose, in.RepayAccount = true, "数控机床一台", "6222-1"
		})
		require.EqualValues(t, 36_000_000, s.paidOut(d.ID))
		require.EqualValues(t, 4_000_000, d.Totals.DepositTakenMinor)
		for i, r := range d.Rows {
			require.Equal(t, c.Terms.Schedule[i], r.Instalment)
		}
		// The supplier got the money; the rents come from the firm, and the mandate is in its name.
		require.NoError(t, s.db.View(t.Context(), s.staff.System.Scope(), func(tx *db.Tx) error {
			firm, err := party.ByID(t.Context(), tx, s.firm)
			require.NoError(t, err)
			m, _, err := mandate.Look(t.Context(), tx, mandate.Debt{LoanID: d.ID, FacilityID: d.FacilityID, FirmID: s.firm, BranchPath: d.BranchPath, Currency: "CNY"}, d.Terms.Start)
			require.NoError(t, err)
			require.Equal(t, []string{firm.Name, "6222-1"}, []string{m.DebtorName, m.DebtorAccount})
			return nil
		}))
	})
}

func TestADiscountFromOfferToMoney(t *testing.T) {
	t.Parallel()
	shops(t, func(t *testing.T, s shop) {
		o, c := s.sign("invoice-discount", "discount", "receivable", 3, 30_000_000)
		require.True(t, o.Revolving, "a paid receivable makes room for the next")
		// Face x rate x 90 days of January to April / 360.
		want, err := rate.Interest(30_000_000, o.Rate, 90, 360, money.HalfUp)
		require.NoError(t, err)
		require.Equal(t, want, o.Extras.WithheldMinor)
		require.Equal(t, want, o.TotalCostMinor)
		require.Equal(t, 30_000_000-want, o.Extras.ProceedsMinor)
		// The buyer pays on 20 March: 74 days.
		d := s.draw(c, func(in *loan.DrawInput) { in.Plan.FirstDue = calendar.MustParse("2026-03-20") })
		want, err = rate.Interest(30_000_000, o.Rate, 74, 360, money.HalfUp)
		require.NoError(t, err)
		require.Equal(t, 30_000_000-want, s.paidOut(d.ID))
		require.EqualValues(t, 30_000_000, d.OutstandingMinor)
		_, err = s.loans.Preview(t.Context(), s.staff.Manager, loan.DrawInput{FacilityID: c.FacilityID, AmountMinor: 1_000_000, TenorMonths: 3, Method: loan.Discount, Plan: loan.Plan{FirstDue: calendar.MustParse("2026-05-20")}})
		require.Error(t, err, "beyond the tenor")
	})
}

func TestStagesFromOfferToMoney(t *testing.T) {
	t.Parallel()
	shops(t, func(t *testing.T, s shop) {
		o, c := s.sign("invoice-staged", "interest_only", "stock", 12, 40_000_000)
		require.Equal(t, 4, o.Extras.TranchesMax)
		d := s.draw(c, func(in *loan.DrawInput) {
			in.Tranches = []schedule.Tranche{{Date: calendar.MustParse("2026-02-05"), AmountMinor: 15_000_000}, {Date: calendar.MustParse("2026-03-05"), AmountMinor: 5_000_000}}
		})
		require.EqualValues(t, 20_000_000, s.paidOut(d.ID))
		require.EqualValues(t, 20_000_000, d.OutstandingMinor)
		require.Len(t, d.Terms.Tranches, 2)
	})
}

func TestAShareOfSalesFromOfferToMoney(t *testing.T) {
	t.Parallel()
	shops(t, func(t *testing.T, s shop) {
		o, c := s.sign("invoice-sales-share", "sales_share", "stock", 12, 30_000_000)
		// Sales of 6,000,000.00 a year: 500,000.00 a month, of which a twentieth is due; at least a fiftieth of the loan.
		require.Equal(t, []int64{50_000_000, 600_000, 7_500_000}, []int64{o.Extras.SalesExpectedMinor, o.Extras.SalesMinimumMinor, o.Extras.SalesCapMinor})
		require.EqualValues(t, 2_500_000, o.Instalments[0].TotalMinor)
		d := s.draw(c, func(in *loan.DrawInput) {
			in.Sales = loan.SalesInput{Share: rate.FromBP(1000), ExpectedMinor: o.Extras.SalesExpectedMinor}
		})
		require.EqualValues(t, 5_000_000, d.Rows[0].TotalMinor)
		_, err := s.loans.Preview(t.Context(), s.staff.Manager, loan.DrawInput{FacilityID: c.FacilityID, AmountMinor: 1_000_000, TenorMonths: 12, Method: loan.Bullet})
		require.True(t, fault.Is(err, loan.ReasonMethod), "%v", err)
		_, err = s.loans.Preview(t.Context(), s.staff.Manager, loan.DrawInput{FacilityID: c.FacilityID, AmountMinor: 1_000_000, TenorMonths: 12, Method: loan.SalesShare, Lease: loan.LeaseInput{DepositMinor: 1}})
		require.Error(t, err, "it is no lease")
	})
}
