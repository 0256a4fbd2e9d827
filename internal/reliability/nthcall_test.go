package reliability_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/credit/application"
	"github.com/capillary-finance/capillary/internal/evidence/intake"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/testkit/creditkit"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
	"github.com/capillary-finance/capillary/internal/testkit/faultdb"
	"github.com/capillary-finance/capillary/internal/testkit/sim"
)

// flow is something a user or a worker does. prepare makes what it needs, under faultless skies, and gives the
// act, which is repeated until it ends well, and the check of its one effect.
type flow struct {
	name    string
	prepare func(t *testing.T, h *house, n string) (act func(ctx context.Context) error, check func())
}

// errRefused is an answer that blames the caller for what the database did.
var errRefused = errors.New("refused")

// outcomeOf turns an answer into an error that may be repeated, or into one that must not be.
func outcomeOf(a answer) error {
	switch {
	case a.status < 300, a.code == api.ReasonAnswerLost.Code:
		return nil
	case a.status == http.StatusServiceUnavailable, a.code == api.ReasonInFlight.Code:
		return fmt.Errorf("%d %s", a.status, a.code)
	}
	return fmt.Errorf("%w: %d %s %v", errRefused, a.status, a.code, a.body)
}

func (h *house) application(t *testing.T, upTo application.State) application.Application {
	t.Helper()
	f := h.newFirm(t, fmt.Sprint("A", h.serial.Add(1)))
	creditkit.Consent(t, h.DB, h.Staff.System.Scope(), f.ID)
	a, err := h.apps.Create(t.Context(), h.Staff.Manager, application.Input{FirmID: f.ID, ProductID: "invoice-credit", AmountMinor: 10_000_000, Currency: "CNY",
		TenorMonths: 12, Method: "interest_only", Purpose: "stock"})
	require.NoError(t, err)
	if upTo == application.Draft {
		return a
	}
	a, err = h.apps.Submit(t.Context(), h.Staff.Manager, a.ID, a.Version)
	require.NoError(t, err)
	require.Equal(t, application.Approved, a.State, "%v", a)
	a, err = h.apps.Offer(t.Context(), h.Staff.Manager, a.ID, a.Version)
	require.NoError(t, err)
	if upTo == application.Offered {
		return a
	}
	a, err = h.apps.Accept(t.Context(), h.Staff.Manager, a.ID, a.Version, application.Acceptance{Channel: "branch", Signer: "王某", Reference: "FORM-" + a.ID})
	require.NoError(t, err)
	return a
}

// drawn is a facility with one loan, paid out or not.
func (h *house) drawn(t *testing.T, n string, paid bool) loan.Loan {
	t.Helper()
	f, err := h.OpenFacility(t.Context(), "firm_"+n, 1_000_000_00)
	require.NoError(t, err)
	l, err := h.Loans.Draw(t.Context(), h.Staff.Manager, sim.Draw(f.ID, "r-"+n, 120_000_00))
	require.NoError(t, err)
	if paid {
		_, err = h.Dispatcher.Drain(t.Context())
		require.NoError(t, err)
	}
	return l
}

var (
	countFirms     = db.Q(`select count(*) from firm where institution_id = $1 and code = $2`)
	countConsents  = db.Q(`select count(*) from consent where institution_id = $1 and firm_id = $2`)
	countDecisions = db.Q(`select count(*) from decision where institution_id = $1 and application_id = $2`)
	countContracts = db.Q(`select count(*) from contract where institution_id = $1 and application_id = $2`)
	countInvoices  = db.Q(`select count(*) from invoice where institution_id = $1 and number = $2`)
	countLoans     = db.Q(`select count(*) from loan where institution_id = $1 and facility_id = $2`)
	countEvents    = db.Q(`select count(*) from loan_event where institution_id = $1 and loan_id = $2 and kind = $3`)
	countEntries   = db.Q(`select count(*) from journal_entry where institution_id = $1 and business_key = $2`)
	countRecords   = db.Q(`select count(*) from audit_record where institution_id = $1 and action = $2 and object_id = $3`)
	countUnsealed  = db.Q(`select count(*) from audit_pending where institution_id = $1`)
)

var coreFlows = []flow{
	{"create firm", func(t *testing.T, h *house, n string) (func(context.Context) error, func()) {
		return func(ctx context.Context) error {
				return outcomeOf(h.call(ctx, t, "operations", "firm-"+n, "POST", "/firms", map[string]any{"code": "C" + n, "name": "衢州某某有限公司", "branch_id": h.Staff.Manager.BranchID}))
			}, func() {
				require.Equal(t, 1, h.count(t, countFirms, "C"+n))
			}
	}},
	{"import", func(t *testing.T, h *house, n string) (func(context.Context) error, func()) {
		text := "企业代号,发票号码,开票日期,购方单位代号,金额,税额,价税合计,发票状态\nHOUSE,INV" + n + ",2025-11-03,B1,100.00,13.00,113.00,有效发票\n"
		return func(ctx context.Context) error {
				_, err := h.intake.ImportFile(ctx, h.Staff.Operations, "sale_"+n+".csv", strings.NewReader(text), intake.Options{}, nil)
				return err
			}, func() {
				require.Equal(t, 1, h.count(t, countInvoices, "INV"+n))
			}
	}},
	{"consent", func(t *testing.T, h *house, n string) (func(context.Context) error, func()) {
		f := h.newFirm(t, "K"+n)
		return func(ctx context.Context) error {
				return outcomeOf(h.call(ctx, t, "operations", "consent-"+n, "POST", "/firms/"+f.ID+"/consents", map[string]any{"purpose": "credit", "kinds": []string{"invoice"}, "ends_on": "2026-12-31"}))
			}, func() {
				require.Equal(t, 1, h.count(t, countConsents, f.ID))
			}
	}},
	{"decide", func(t *testing.T, h *house, n string) (func(context.Context) error, func()) {
		a := h.application(t, application.Draft)
		return func(ctx context.Context) error {
				return outcomeOf(h.call(ctx, t, "manager", "decide-"+n, "POST", "/applications/"+a.ID+"/submit", map[string]any{}))
			}, func() {
				require.Equal(t, 1, h.count(t, countDecisions, a.ID))
			}
	}},
	{"accept offer", func(t *testing.T, h *house, n string) (func(context.Context) error, func()) {
		a := h.application(t, application.Offered)
		return func(ctx context.Context) error {
				return outcomeOf(h.call(ctx, t, "manager", "accept-"+n, "POST", "/applications/"+a.ID+"/accept", map[string]any{"channel": "branch", "signer": "王某", "reference": "F-" + n}))
			}, func() {
				require.Equal(t, 1, h.count(t, countRecords, "application.accept", a.ID))
			}
	}},
	{"sign contract", func(t *testing.T, h *house, n string) (func(context.Context) error, func()) {
		a := h.application(t, application.Accepted)
		return func(ctx context.Context) error {
				return outcomeOf(h.call(ctx, t, "operations", "sign-"+n, "POST", "/contracts", map[string]any{"application_id": a.ID}))
			}, func() {
				require.Equal(t, 1, h.count(t, countContracts, a.ID))
			}
	}},
	{"draw", func(t *testing.T, h *house, n string) (func(context.Context) error, func()) {
		f, err := h.OpenFacility(t.Context(), "firm_"+n, 1_000_000_00)
		require.NoError(t, err)
		return func(ctx context.Context) error {
				return outcomeOf(h.call(ctx, t, "operations", "draw-"+n, "POST", "/facilities/"+f.ID+"/drawdowns", map[string]any{"amount_minor": 100_00, "tenor_months": 3,
					"method": "equal_principal", "payee_name": "杭州小微", "payee_account": "6222-1", "client_reference": "r-" + n}))
			}, func() {
				require.Equal(t, 1, h.count(t, countLoans, f.ID))
			}
	}},
	{"bank answer", func(t *testing.T, h *house, n string) (func(context.Context) error, func()) {
		l := h.drawn(t, n, false)
		return func(ctx context.Context) error {
				if _, err := h.Dispatcher.Drain(ctx); err != nil {
					return err
				}
				var open int64
				err := h.DB.View(ctx, h.Staff.System.Scope(), func(tx *db.Tx) (err error) {
					open, err = payment.Open(ctx, tx, "")
					return err
				})
				if err == nil && open > 0 {
					err = errors.New("an order waits")
				}
				return err
			}, func() {
				require.Equal(t, 1, h.count(t, countEvents, l.ID, "disbursed"))
			}
	}},
	{"repay", func(t *testing.T, h *house, n string) (func(context.Context) error, func()) {
		return repayment(t, h, n, false)
	}},
	{"prepay", func(t *testing.T, h *house, n string) (func(context.Context) error, func()) {
		return repayment(t, h, n, true)
	}},
	{"end of day", func(t *testing.T, h *house, n string) (func(context.Context) error, func()) {
		l := h.drawn(t, n, true)
		today, err := h.BusinessDate(t.Context())
		require.NoError(t, err)
		return func(ctx context.Context) error {
				_, err := h.Days.Until(ctx, h.Staff.Operations, today.AddDays(1), nil)
				return err
			}, func() {
				at, err := h.BusinessDate(t.Context())
				require.NoError(t, err)
				require.Equal(t, today.AddDays(1), at)
				x, err := h.Loans.Get(t.Context(), h.Staff.Manager, l.ID)
				require.NoError(t, err)
				require.Equal(t, at, x.ProcessedTo)
				_, err = h.Loans.Repay(t.Context(), h.Staff.Operations, loan.RepayInput{LoanID: l.ID, AmountMinor: x.Payoff.TotalMinor(), Prepay: true, Reference: "off-" + n})
				require.NoError(t, err)
			}
	}},
	{"journal post", func(t *testing.T, h *house, n string) (func(context.Context) error, func()) {
		one := money.Of(1, "CNY")
		return func(ctx context.Context) error {
				return h.DB.Update(ctx, h.Staff.System.Scope(), func(tx *db.Tx) error {
					_, err := journal.Post(ctx, tx, journal.Draft{Key: "manual-" + n, Date: calendar.Of(2026, 1, 5), Memo: fault.Text{Zh: "测试", En: "test"}, Object: "test", ObjectID: n,
						Lines: []journal.Line{journal.Debit(journal.InterestExpense, one), journal.Credit(journal.CustomerDeposit, one)}})
					return err
				})
			}, func() {
				require.Equal(t, 1, h.count(t, countEntries, "manual-"+n))
			}
	}},
	{"limit", func(t *testing.T, h *house, n string) (func(context.Context) error, func()) {
		f, err := h.OpenFacility(t.Context(), "firm_"+n, 1_000_000_00)
		require.NoError(t, err)
		return func(ctx context.Context) error {
				return outcomeOf(h.call(ctx, t, "risk", "limit-"+n, "POST", "/facilities/"+f.ID+"/limit", map[string]any{"limit_minor": 900_000_00, "reason": "降额"}))
			}, func() {
				require.Equal(t, 1, h.count(t, countRecords, "facility.limit", f.ID))
			}
	}},
	{"audit seal", func(t *testing.T, h *house, n string) (func(context.Context) error, func()) {
		_, err := h.audit.SealAll(t.Context())
		require.NoError(t, err)
		require.NoError(t, h.DB.Update(t.Context(), h.Staff.System.Scope(), func(tx *db.Tx) error {
			return audit.Record(t.Context(), tx, audit.Entry{Action: "test.note", Object: "test", ObjectID: n})
		}))
		return func(ctx context.Context) error { _, err := h.audit.SealAll(ctx); return err }, func() {
			require.Zero(t, h.count(t, countUnsealed))
			r, err := h.audit.Verify(t.Context(), h.Staff.System.Scope(), h.Staff.InstitutionID)
			require.NoError(t, err)
			require.Empty(t, r.Findings)
		}
	}},
}

func repayment(t *testing.T, h *house, n string, prepay bool) (func(context.Context) error, func()) {
	t.Helper()
	l := h.drawn(t, n, true)
	if !prepay { // something must be due
		x, err := h.Loans.Get(t.Context(), h.Staff.Manager, l.ID)
		require.NoError(t, err)
		_, err = h.Days.Until(t.Context(), h.Staff.Operations, x.ProcessedTo.AddDays(1), nil)
		require.NoError(t, err)
		prepay = true // interest of one night is payable only early
	}
	body := map[string]any{"amount_minor": 14_50, "prepay": prepay, "reference": "slip-" + n}
	return func(ctx context.Context) error {
			return outcomeOf(h.call(ctx, t, "operations", "repay-"+n, "POST", "/loans/"+l.ID+"/repayments", body))
		}, func() {
			require.Equal(t, 1, h.count(t, countEvents, l.ID, "repaid"))
		}
}

// Bar 7: every call to the database in every core flow fails, before and after it took effect, with and without
// its connection. Nobody is blamed for it, nothing panics, the same request sent again ends well, and its effect
// is there once.
func TestFailEveryCallOfTheCoreFlows(t *testing.T) {
	t.Parallel()
	heavy(t)
	engines := map[string]func(testing.TB, ...dbtest.Option) *db.DB{"sqlite": dbtest.SQLite}
	if long() {
		engines["postgres"] = dbtest.Postgres
	}
	kinds := []faultdb.Kind{faultdb.ErrorBefore, faultdb.ErrorAfter}
	if long() {
		kinds = faultdb.Kinds
	}
	for engine, open := range engines {
		t.Run(engine, func(t *testing.T) {
			t.Parallel()
			for _, f := range coreFlows {
				t.Run(f.name, func(t *testing.T) {
					t.Parallel()
					h := newHouse(t, open)
					calls, tried := 0, 0
					for _, k := range kinds {
						for n := 1; ; n++ {
							made, fired := failCall(t, h, f, n, k)
							if !fired {
								calls = made
								break
							}
							tried++
						}
					}
					h.Must(t)
					require.Empty(t, h.panics)
					t.Logf("%d calls, %d failures", calls, tried)
				})
			}
		})
	}
}

// failCall runs a flow with its nth call failing, repeats it until it ends well, and checks its effect.
func failCall(t *testing.T, h *house, f flow, n int, k faultdb.Kind) (calls int, fired bool) {
	t.Helper()
	act, check := f.prepare(t, h, fmt.Sprintf("%s%d", strings.ReplaceAll(string(k), " ", ""), n))
	h.faults.Nth(n, k)
	err := act(t.Context())
	calls, hits := h.faults.Disarm()
	for try := 1; err != nil; try++ {
		require.NotErrorIs(t, err, errRefused, "call %d, %s", n, k)
		require.Less(t, try, 5, "call %d, %s: it never ends well: %v", n, k, err)
		h.clock.Advance(5 * time.Minute) // claims of the dead expire
		err = act(t.Context())
	}
	check()
	return calls, hits > 0
}
