package reliability_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/credit/application"
	"github.com/capillary-finance/capillary/internal/credit/decision"
	"github.com/capillary-finance/capillary/internal/credit/facility"
	"github.com/capillary-finance/capillary/internal/evidence/consent"
	"github.com/capillary-finance/capillary/internal/evidence/intake"
	"github.com/capillary-finance/capillary/internal/evidence/party"
	"github.com/capillary-finance/capillary/internal/lending/contract"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/blob"
	"github.com/capillary-finance/capillary/internal/platform/crypto"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/testkit/creditkit"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
	"github.com/capillary-finance/capillary/internal/testkit/faultdb"
	"github.com/capillary-finance/capillary/internal/testkit/sim"
)

// house is an institution from the first firm to the last repayment, with its API, on a database whose calls
// can be made to fail. Nothing works in the background: what a worker would do, a test does.
type house struct {
	*sim.World
	clock     *sim.Clock
	faults    *faultdb.Injector
	api       *api.API
	firms     *party.Service
	intake    *intake.Service
	apps      *application.Service
	contracts *contract.Service
	audit     *audit.Service
	people    map[string]auth.Principal
	serial    atomic.Int64

	mu     sync.Mutex
	panics []string
}

// plain is a field cipher that does not hide.
type plain struct{}

func (plain) Seal(_, text string) (string, error) { return text, nil }
func (plain) Open(_, text string) (string, error) { return text, nil }

func newHouse(t *testing.T, open func(testing.TB, ...dbtest.Option) *db.DB) *house {
	t.Helper()
	h := &house{clock: sim.NewClock(), faults: &faultdb.Injector{}}
	d := open(t, h.faults.Option(), dbtest.WithClock(h.clock.Now))
	staff := dbtest.Institution(t, d)
	h.World = sim.NewWorld(d, staff, sim.NewBank(1, sim.BankFaults{}))
	h.ConditionsOf = func(ctx context.Context, tx *db.Tx, f facility.Facility) (loan.Conditions, error) {
		c, err := contract.Conditions(ctx, tx, f)
		if fault.Is(err, fault.ReasonNotFound) {
			return sim.Conditions, nil
		}
		return c, err
	}
	h.Restart(payment.DispatcherConfig{Workers: 1})
	h.people = map[string]auth.Principal{"manager": staff.Manager, "operations": staff.Operations, "risk": staff.Risk}
	blobs, err := blob.NewStore(t.TempDir())
	require.NoError(t, err)
	keys, err := crypto.OpenKeyring(t.TempDir() + "/keys.json")
	require.NoError(t, err)
	h.audit = audit.NewService(d, keys, "")
	h.firms = party.NewService(d, plain{})
	h.intake = intake.NewService(d, blobs, h.firms, nil, 1<<20)
	h.newFirm(t, "HOUSE")
	sources, firm := creditkit.Healthy().Sources(t), creditkit.Healthy().Firm
	sources.Firm = func(_ context.Context, _ *db.Tx, id string) (decision.Firm, error) { // every firm is a good one
		f := firm
		f.ID = id
		return f, nil
	}
	h.apps = application.NewService(d, decision.NewEngine(sources), contract.OfferSchedule)
	h.contracts = contract.NewService(d, blobs)
	h.api = api.New(d, "test", func(hc huma.Context) (auth.Principal, error) {
		if p, ok := h.people[hc.Header("X-As")]; ok {
			return p, nil
		}
		return auth.Principal{}, fault.New(fault.ReasonUnauthenticated)
	}, api.WithLogger(slog.New(panicLog{slog.DiscardHandler, h})), api.WithLimits(api.Limits{PerPrincipal: -1, PerAddress: -1, PerSignIn: -1}))
	party.Routes(h.api, h.firms)
	consent.Routes(h.api)
	intake.Routes(h.api, h.intake)
	application.Routes(h.api, h.apps)
	contract.Routes(h.api, h.contracts)
	loan.Routes(h.api, h.Loans)
	facility.Routes(h.api, facility.NewService(d))
	return h
}

func (h *house) newFirm(t *testing.T, code string) (f party.Firm) {
	t.Helper()
	require.NoError(t, h.DB.Update(t.Context(), h.Staff.System.Scope(), func(tx *db.Tx) (err error) {
		f, err = h.firms.CreateTx(t.Context(), tx, party.Draft{Code: code, Name: "杭州小微科技有限公司", BranchID: h.Staff.Manager.BranchID, BranchPath: "/hq/east/"})
		return err
	}))
	return f
}

// panicLog keeps what the API says about panics.
type panicLog struct {
	slog.Handler
	h *house
}

func (panicLog) Enabled(context.Context, slog.Level) bool { return true }

func (l panicLog) Handle(_ context.Context, r slog.Record) error {
	if strings.Contains(r.Message, "panic") {
		l.h.mu.Lock()
		defer l.h.mu.Unlock()
		text := r.Message
		r.Attrs(func(a slog.Attr) bool { text += " " + a.String(); return true })
		l.h.panics = append(l.h.panics, text)
	}
	return nil
}

func (l panicLog) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l panicLog) WithGroup(string) slog.Handler      { return l }

// answer is what a caller gets.
type answer struct {
	status int
	code   string
	body   map[string]any
	header http.Header
}

// call sends one request as somebody under an idempotency key.
func (h *house) call(ctx context.Context, t testing.TB, as, key, method, path string, body any, headers ...string) answer {
	t.Helper()
	text, err := json.Marshal(body)
	require.NoError(t, err)
	r := httptest.NewRequestWithContext(ctx, method, "/api/v1"+path, bytes.NewReader(text))
	r.Header.Set("X-As", as)
	r.Header.Set("Content-Type", "application/json")
	if key != "" {
		r.Header.Set("Idempotency-Key", key)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.api.Handler().ServeHTTP(w, r)
	a := answer{status: w.Code, header: w.Header()}
	if w.Body.Len() > 0 {
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &a.body), w.Body.String())
	}
	a.code, _ = a.body["code"].(string)
	return a
}

// count counts rows.
func (h *house) count(t testing.TB, q *db.Query, args ...any) (n int) {
	t.Helper()
	require.NoError(t, h.DB.View(t.Context(), h.Staff.System.Scope(), func(tx *db.Tx) error {
		return tx.QueryRow(t.Context(), q, append([]any{tx.Institution}, args...)...).Scan(&n)
	}))
	return n
}
