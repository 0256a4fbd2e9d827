package contract_test

import (
	"encoding/json"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/credit/application"
	"github.com/capillary-finance/capillary/internal/credit/facility"
	"github.com/capillary-finance/capillary/internal/evidence/party"
	"github.com/capillary-finance/capillary/internal/lending/contract"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/blob"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/simulator/bank"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

var insertApplication = db.Q(`insert into application (institution_id, id, firm_id, firm_name, product_id, product_version, branch_id, branch_path, manager_id, state,
	amount_minor, currency, tenor_months, method, purpose, purpose_note, other_debt_minor, decision_id, approved_minor, annual_rate, reasons_json, offer_json, expires_on,
	contract_id, loan_id, created_by, submitted_by, created_at, updated_at, version)
	values ($1,$2,$3,$4,'invoice-credit',1,'br_east','/hq/east/','',$5,$6,'CNY',6,'equal_instalment','stock','',0,'dec_1',$6,$7,'[]',$8,$9,'','','u','u',$10,$10,1)`)

type bundle struct {
	db      *db.DB
	staff   dbtest.Staff
	blobs   *blob.Store
	dir     string
	service *contract.Service
}

func each(t *testing.T, fn func(t *testing.T, b *bundle)) {
	t.Helper()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := &bundle{db: d, staff: dbtest.Institution(t, d), dir: t.TempDir()}
		var err error
		b.blobs, err = blob.NewStore(b.dir)
		require.NoError(t, err)
		b.service = contract.NewService(d, b.blobs)
		fn(t, b)
	})
}

// accepted stores an application as it stands after its offer was accepted.
func (b *bundle) accepted(t *testing.T, state application.State, change func(*application.Offer)) string {
	t.Helper()
	offer := application.Offer{
		AmountMinor: 30_000_000, Currency: "CNY", Rate: rate.FromBP(520), TenorMonths: 6, Method: "equal_instalment", GraceDays: 3,
		PenaltySpread: rate.FromBP(5000), FacilityMonths: 12, Revolving: true,
	}
	if change != nil {
		change(&offer)
	}
	text, err := json.Marshal(offer)
	require.NoError(t, err)
	var id string
	require.NoError(t, b.db.Update(t.Context(), b.staff.System.Scope(), func(tx *db.Tx) error {
		firm, err := party.NewService(b.db, nil).CreateTx(t.Context(), tx, party.Draft{
			Code: tx.NewID("E"), Name: "杭州小微科技有限公司", USCC: "91330106673959654P", BranchID: "br_east", BranchPath: "/hq/east/",
		})
		if err != nil {
			return err
		}
		id = tx.NewID("app")
		_, err = tx.Exec(t.Context(), insertApplication, tx.Institution, id, firm.ID, firm.Name, string(state), offer.AmountMinor, int64(offer.Rate), string(text),
			"2026-02-05", db.Micros(tx.Now))
		return err
	}))
	return id
}

func TestSign(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle) {
		id := b.accepted(t, application.Accepted, nil)
		c, err := b.service.Sign(t.Context(), b.staff.Manager, id)
		require.NoError(t, err)
		require.Equal(t, "2027-01-05", c.Terms.ExpiresOn.String())
		require.Equal(t, "0.078", c.Terms.PenaltyRate.String())
		require.Equal(t, "采购原料或商品", c.Terms.Purpose.Zh)
		require.Len(t, c.Terms.Schedule, 6)

		again, err := b.service.Sign(t.Context(), b.staff.Manager, id)
		require.NoError(t, err)
		require.Equal(t, c.ID, again.ID)
		require.Equal(t, c.TermsHash, again.TermsHash)
		digest, err := again.Terms.Digest()
		require.NoError(t, err)
		require.Equal(t, c.TermsHash, digest, "the digest survives storage")

		_, f, err := b.service.PDF(t.Context(), b.staff.Compliance, c.ID)
		require.NoError(t, err)
		pdf, err := io.ReadAll(f)
		require.NoError(t, err)
		require.NoError(t, f.Close())
		require.Equal(t, c.PDFHash, contract.HashOf(pdf))
		rendered, err := contract.Render(again.Terms)
		require.NoError(t, err)
		require.Equal(t, c.PDFHash, contract.HashOf(rendered), "the document can be written again from the terms")

		require.NoError(t, b.db.View(t.Context(), b.staff.System.Scope(), func(tx *db.Tx) error {
			line, err := facility.ByContract(t.Context(), tx, c.ID)
			require.Equal(t, int64(30_000_000), line.AvailableMinor)
			require.NoError(t, err)
			a, err := application.ByID(t.Context(), tx, id)
			require.Equal(t, application.Contracted, a.State)
			require.NoError(t, err)
			terms, err := contract.Conditions(t.Context(), tx, line)
			require.Equal(t, 3, terms.GraceDays)
			require.NoError(t, err)
			n, err := b.service.Verify(t.Context(), tx)
			require.Equal(t, int64(1), n)
			return err
		}))
		page, err := b.service.List(t.Context(), b.staff.Operations, contract.Filter{FirmID: c.FirmID})
		require.NoError(t, err)
		require.Equal(t, int64(1), page.Total)

		v, err := b.service.VerifyFile(t.Context(), c.PDFHash)
		require.NoError(t, err)
		require.True(t, v.Known)
		require.Equal(t, "杭州******公司", v.Borrower)
		v, err = b.service.VerifyFile(t.Context(), contract.HashOf(append(pdf, 0)))
		require.NoError(t, err)
		require.False(t, v.Known)
		v, err = b.service.VerifyFile(t.Context(), "../../etc/passwd")
		require.NoError(t, err)
		require.True(t, v.Malformed)
	})
}

func TestSignOnceAtATime(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle) {
		id := b.accepted(t, application.Accepted, nil)
		var wg sync.WaitGroup
		ids := make(chan string, 8)
		for range 8 {
			wg.Go(func() {
				c, err := b.service.Sign(t.Context(), b.staff.Manager, id)
				if err != nil {
					t.Errorf("sign: %v", err)
				}
				ids <- c.ID
			})
		}
		wg.Wait()
		close(ids)
		first := <-ids
		for other := range ids {
			require.Equal(t, first, other)
		}
	})
}

func TestSignRefuses(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle) {
		_, err := b.service.Sign(t.Context(), b.staff.Manager, b.accepted(t, application.Offered, nil))
		require.True(t, fault.Is(err, contract.ReasonNotAccepted))
		_, err = b.service.Sign(t.Context(), b.staff.Manager, b.accepted(t, application.Accepted, func(o *application.Offer) { o.PrepaymentFee = rate.FromBP(100) }))
		require.True(t, fault.Is(err, contract.ReasonUnsupported))
		_, err = b.service.Sign(t.Context(), b.staff.Compliance, "app_x")
		require.True(t, fault.Is(err, fault.ReasonForbidden))
		_, err = b.service.Sign(t.Context(), b.staff.Manager, "app_x")
		require.True(t, fault.Is(err, fault.ReasonNotFound))
		id := b.accepted(t, application.Accepted, nil)
		west := auth.NewPrincipal(auth.Principal{InstitutionID: b.staff.InstitutionID, UserID: "w", BranchPath: "/hq/west/"}, []string{contract.PermissionSign, contract.PermissionRead})
		_, err = b.service.Sign(t.Context(), west, id)
		require.True(t, fault.Is(err, fault.ReasonNotFound))
		c, err := b.service.Sign(t.Context(), b.staff.Manager, id)
		require.NoError(t, err)
		_, err = b.service.Get(t.Context(), west, c.ID)
		require.True(t, fault.Is(err, fault.ReasonNotFound))
		_, err = b.service.Get(t.Context(), dbtest.Institution(t, b.db).Manager, c.ID)
		require.True(t, fault.Is(err, fault.ReasonNotFound))
	})
}

func TestDamagedDocumentIsNotServed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle) {
		c, err := b.service.Sign(t.Context(), b.staff.Manager, b.accepted(t, application.Accepted, nil))
		require.NoError(t, err)
		path := filepath.Join(b.dir, b.staff.InstitutionID, c.PDFHash[:2], c.PDFHash)
		require.NoError(t, os.Chmod(path, 0o600))
		require.NoError(t, os.WriteFile(path, []byte("%PDF-1.3 other"), 0o600))
		_, _, err = b.service.PDF(t.Context(), b.staff.Manager, c.ID)
		require.True(t, fault.Is(err, blob.ReasonDamaged), "%v", err)
		err = b.db.View(t.Context(), b.staff.System.Scope(), func(tx *db.Tx) error {
			_, err := b.service.Verify(t.Context(), tx)
			return err
		})
		require.True(t, fault.Is(err, contract.ReasonBroken))
	})
}

// From the accepted offer to money at the bank, and the application says so.
func TestContractToDrawnStory(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle) {
		sim, err := bank.New(bank.Config{Secret: "s", SettlementMinor: 1_000_000_000})
		require.NoError(t, err)
		h := httptest.NewServer(sim)
		t.Cleanup(func() { _ = sim.Close(); h.Close() })
		client, err := payment.NewClient(payment.ClientConfig{URL: h.URL, Secret: "s", Timeout: 2 * time.Second})
		require.NoError(t, err)
		dispatcher := payment.NewDispatcher(b.db, client, payment.DispatcherConfig{})
		loans := loan.NewService(b.db, dispatcher, contract.Conditions)
		id := b.accepted(t, application.Accepted, nil)
		c, err := b.service.Sign(t.Context(), b.staff.Manager, id)
		require.NoError(t, err)
		l, err := loans.Draw(t.Context(), b.staff.Manager, loan.DrawInput{
			FacilityID: c.FacilityID, AmountMinor: 30_000_000, TenorMonths: 6, Method: loan.EqualInstalment, PayeeName: c.Terms.Borrower, PayeeAccount: "6222-1", Reference: "r1",
		})
		require.NoError(t, err)
		_, err = dispatcher.Drain(t.Context())
		require.NoError(t, err)
		d, err := loans.Get(t.Context(), b.staff.Manager, l.ID)
		require.NoError(t, err)
		require.Equal(t, loan.Active, d.Status)
		for i, r := range d.Rows {
			require.Equal(t, c.Terms.Schedule[i], r.Instalment, "the loan has the schedule that was signed")
		}
		payload, err := json.Marshal(loan.Happened{LoanID: l.ID, FacilityID: c.FacilityID, Event: loan.Event{Date: calendar.MustParse("2026-01-05")}})
		require.NoError(t, err)
		require.NoError(t, b.db.Update(t.Context(), b.staff.System.Scope(), func(tx *db.Tx) error {
			if err := contract.DrawnConsumer().Handle(t.Context(), tx, event.Event{Type: "loan.disbursed", Payload: payload}); err != nil {
				return err
			}
			a, err := application.ByID(t.Context(), tx, id)
			require.Equal(t, application.Drawn, a.State)
			require.Equal(t, l.ID, a.LoanID)
			return err
		}))
	})
}
