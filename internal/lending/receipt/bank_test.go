package receipt_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/credit/facility"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/lending/receipt"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/job"
	"github.com/capillary-finance/capillary/internal/simulator/bank"
)

// iso makes the bundle's channel speak ISO 20022 with the same bank.
func (b *bundle) iso(t *testing.T) *payment.ISOClient {
	t.Helper()
	h := httptest.NewServer(b.bank)
	t.Cleanup(h.Close)
	client, err := payment.NewISOClient(payment.ClientConfig{URL: h.URL, Secret: secret, Timeout: 2 * time.Second})
	require.NoError(t, err)
	b.dispatcher = payment.NewDispatcher(b.db, client, payment.DispatcherConfig{})
	b.loans = loan.NewService(b.db, b.dispatcher, func(context.Context, *db.Tx, facility.Facility) (loan.Conditions, error) { return conditions, nil })
	require.NoError(t, b.jobs.Stop(context.Background()))
	b.jobs, err = job.NewRunner(b.db, job.Config{Poll: 10 * time.Millisecond, Watch: 10 * time.Millisecond})
	require.NoError(t, err)
	b.receipts = receipt.NewService(receipt.Config{DB: b.db, Blobs: b.blobs, Jobs: b.jobs, Book: receipt.LoanBook{Loans: b.loans}, Dispatcher: b.dispatcher, BankFiles: client})
	require.NoError(t, b.jobs.Start(t.Context()))
	return client
}

// A customer pays at his bank; the bank's file is fetched; the loan is repaid.
// A collection whose outcome nobody knows yet is waited for, and never booked twice.
func TestFilesFetchedFromTheBank(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle) {
		client := b.iso(t)
		one := b.lend(t, "firm_1", "6222-1", "DR-3001")
		two := b.lend(t, "firm_2", "6222-2", "DR-3002")
		b.to(t, "2026-02-05")
		require.NoError(t, b.bank.Open(bank.Account{Number: "6222-1", Name: "望海水产", BalanceMinor: 5000_00}))
		require.NoError(t, b.bank.Open(bank.Account{Number: "6222-2", Name: "南海水产", BalanceMinor: 5000_00}))
		pays := payment.Order{FromAccount: "6222-1", ToAccount: payment.SettlementAccount(b.staff.InstitutionID, money.CNY), AmountMinor: 1037_20, Currency: "CNY", Memo: "还款 DR-3001", ValueDate: calendar.MustParse("2026-02-05"), CreatedAt: time.Unix(0, 0)}
		_, err := client.Submit(t.Context(), "customer:1", pays)
		require.NoError(t, err)

		// We collect the other loan; the bank executes and our side never hears of it.
		_, err = b.loans.Repay(t.Context(), b.staff.Operations, loan.RepayInput{LoanID: two.ID, AmountMinor: 1037_20, Reference: "c1", Collect: true})
		require.NoError(t, err)
		b.bank.SetFaults(bank.Faults{FailAfterPermille: 1000})
		lost, err := payment.NewISOClient(payment.ClientConfig{URL: "http://127.0.0.1:1", Secret: secret, Timeout: 100 * time.Millisecond})
		require.NoError(t, err)
		_, err = payment.NewDispatcher(b.db, half{client, lost}, payment.DispatcherConfig{}).Drain(t.Context())
		require.NoError(t, err)
		b.bank.SetFaults(bank.Faults{})

		f, err := b.receipts.Pull(t.Context(), b.staff.Operations, "", calendar.MustParse("2026-02-05"), calendar.Date{})
		require.NoError(t, err)
		require.Equal(t, job.Completed, b.wait(t, f.JobID).State)
		require.Zero(t, b.loan(t, one.ID).DueMinor, "the customer's money has repaid his loan")
		require.Equal(t, int64(1037_20), b.loan(t, two.ID).DueMinor, "the collection is not booked by its receipt")
		var waiting receipt.Detail
		for _, r := range b.all(t) {
			if r.PayerAccount == "6222-2" {
				waiting = r
			}
		}
		require.Equal(t, []any{receipt.Received, "collection"}, []any{waiting.Status, waiting.Rule})
		b.sound(t)

		// The dispatcher asks, learns, and books; the receipt is then confirmed.
		b.clock.Advance(time.Hour)
		_, err = b.dispatcher.Drain(t.Context())
		require.NoError(t, err)
		require.Zero(t, b.loan(t, two.ID).DueMinor)
		j, err := b.receipts.Rematch(t.Context(), b.staff.Operations)
		require.NoError(t, err)
		require.Equal(t, job.Completed, b.wait(t, j.ID).State)
		d, err := b.receipts.Get(t.Context(), b.staff.Operations, waiting.ID)
		require.NoError(t, err)
		require.Equal(t, []any{receipt.Closed, int64(1037_20)}, []any{d.Status, d.ConfirmedMinor})
		b.sound(t)

		again, err := b.receipts.Pull(t.Context(), b.staff.Operations, "", calendar.MustParse("2026-02-05"), calendar.Date{})
		require.NoError(t, err)
		require.Equal(t, f.ID, again.ID, "the same file is the same file")
		_, err = b.receipts.Pull(t.Context(), b.staff.Operations, "", calendar.MustParse("2026-02-05"), calendar.MustParse("2026-02-01"))
		require.Error(t, err)
	})
}

// half submits to the bank and hears no answer.
type half struct {
	*payment.ISOClient

	deaf payment.Bank
}

func (h half) Submit(ctx context.Context, key string, o payment.Order) (payment.Outcome, error) {
	_, _ = h.ISOClient.Submit(ctx, key, o)
	return h.deaf.Submit(ctx, key, o)
}

func (h half) Query(ctx context.Context, key string) (payment.Outcome, error) {
	return h.deaf.Query(ctx, key)
}

// The same through the API, as the console does it.
func TestOverTheAPI(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle) {
		l := b.lend(t, "firm_1", "6222-1", "DR-1")
		b.to(t, "2026-02-05")
		a := api.New(b.db, "test", func(hc huma.Context) (auth.Principal, error) {
			switch hc.Header("X-As") {
			case "manager":
				return b.staff.Manager, nil
			case "operations":
				return b.staff.Operations, nil
			}
			return auth.Principal{}, fault.New(fault.ReasonUnauthenticated)
		})
		receipt.Routes(a, b.receipts)
		h := a.Handler()
		call := func(as, method, path, body string) *httptest.ResponseRecorder {
			r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
			r.Header.Set("X-As", as)
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Idempotency-Key", method+path+as)
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			return w
		}
		require.Equal(t, http.StatusForbidden, call("manager", http.MethodGet, "/api/v1/receipts", "").Code)
		w := call("operations", http.MethodGet, "/api/v1/receipt-template.xlsx", "")
		require.Equal(t, http.StatusOK, w.Code)
		f := b.take(t, "template.xlsx", w.Body.String())
		require.Equal(t, []any{receipt.FileDone, int64(1)}, []any{f.Status, f.Bad}, "the example's date lies ahead; its columns are all known")

		f = b.take(t, "x.csv", head+",,7,路人,100.00,2026-02-05,Q1,,,\nDR-1,,,,x,2026-02-05,Q2,,,\n")
		w = call("operations", http.MethodGet, "/api/v1/receipt-files/"+f.ID+"/bad-rows.xlsx", "")
		book, err := excelize.OpenReader(w.Body)
		require.NoError(t, err)
		rows, err := book.GetRows("Sheet1")
		require.NoError(t, err)
		require.Len(t, rows, 2)
		require.Equal(t, "3", rows[1][0])

		id := b.all(t)["Q1"].ID
		w = call("operations", http.MethodPost, "/api/v1/receipts/"+id+"/assign", `{"parts":[{"loan_id":"`+l.ID+`","amount_minor":100000}]}`)
		require.Equal(t, http.StatusUnprocessableEntity, w.Code, w.Body)
		require.Contains(t, w.Body.String(), "parts[0].amount_minor")
		w = call("operations", http.MethodPost, "/api/v1/receipts/"+id+"/notes", `{"note":"电话已联系"}`)
		require.Equal(t, http.StatusOK, w.Code, w.Body)
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/api/v1/receipts/"+id+"/assign", strings.NewReader(`{"parts":[{"loan_id":"`+l.ID+`","amount_minor":10000}]}`))
		r.Header.Set("X-As", "operations")
		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("Idempotency-Key", "once")
		for range 2 { // pressed twice
			w = httptest.NewRecorder()
			again := r.Clone(t.Context())
			again.Body = io.NopCloser(strings.NewReader(`{"parts":[{"loan_id":"` + l.ID + `","amount_minor":10000}]}`))
			h.ServeHTTP(w, again)
			require.Equal(t, http.StatusOK, w.Code, w.Body)
			require.Contains(t, w.Body.String(), `"posted_minor":10000`)
		}
		require.Equal(t, int64(937_20), b.loan(t, l.ID).DueMinor, "posted once")
		b.sound(t)
	})
}
