package app_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/app"
	"github.com/capillary-finance/capillary/internal/app/demo"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/config"
	"github.com/capillary-finance/capillary/internal/platform/crypto"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/identity"
	"github.com/capillary-finance/capillary/internal/simulator/bank"
	"github.com/capillary-finance/capillary/internal/testkit/apitest"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// oneOf finds an object of an institution for each group of routes that takes an id.
var oneOf = map[string]*db.Query{
	"/api/v1/applications/":            db.Q(`select max(id) from application where institution_id = $1`),
	"/api/v1/audit-records/":           db.Q(`select max(id) from audit_record where institution_id = $1`),
	"/api/v1/blobs/":                   db.Q(`select max(pdf_hash) from contract where institution_id = $1`),
	"/api/v1/branches/":                db.Q(`select max(id) from branch where institution_id = $1`),
	"/api/v1/contracts/":               db.Q(`select max(id) from contract where institution_id = $1`),
	"/api/v1/decisions/":               db.Q(`select max(id) from decision where institution_id = $1`),
	"/api/v1/facilities/":              db.Q(`select max(l.facility_id) from loan l join loan_day d on d.institution_id = l.institution_id and d.loan_id = l.id where l.institution_id = $1 and d.status = 'active'`),
	"/api/v1/firms/":                   db.Q(`select max(firm_id) from loan where institution_id = $1`),
	"/api/v1/imports/":                 db.Q(`select max(id) from import_batch where institution_id = $1`),
	"/api/v1/jobs/":                    db.Q(`select max(id) from job where institution_id = $1`),
	"/api/v1/journal-entries/":         db.Q(`select max(id) from journal_entry where institution_id = $1`),
	"/api/v1/loans/":                   db.Q(`select max(loan_id) from loan_day where institution_id = $1 and status = 'active'`),
	"/api/v1/mandates/":                db.Q(`select max(id) from mandate where institution_id = $1`),
	"/api/v1/models/":                  db.Q(`select max(id) from model where institution_id = $1`),
	"/api/v1/portfolio/optimisations/": db.Q(`select max(id) from optimise_run where institution_id = $1`),
	"/api/v1/proposals/":               db.Q(`select max(id) from proposal where institution_id = $1`),
	"/api/v1/receipt-files/":           db.Q(`select max(id) from receipt_file where institution_id = $1`),
	"/api/v1/receipts/":                db.Q(`select max(id) from receipt where institution_id = $1`),
	"/api/v1/signals/":                 db.Q(`select max(id) from signal where institution_id = $1`),
	"/api/v1/tasks/":                   db.Q(`select max(id) from task where institution_id = $1`),
	"/api/v1/users/":                   db.Q(`select max(id) from user_account where institution_id = $1`),
	"/api/v1/webhooks/":                db.Q(`select max(id) from webhook where institution_id = $1`),
	"/api/v1/approvals/":               db.Q(`select max(id) from approval_case where institution_id = $1`),
}

// elsewhere are the routes whose ids the identity and platform packages judge, or which name no object of
// an institution.
var elsewhere = []string{
	"/api/v1/api-keys/", "/api/v1/authorities/", "/api/v1/consumers/", "/api/v1/dead-letters/", "/api/v1/delegations/", "/api/v1/features/", "/api/v1/holds/", "/api/v1/import-templates/",
	"/api/v1/notifications/", "/api/v1/products/", "/api/v1/sessions/",
}

// bodies are valid, so that a change is refused for the object and not for its body.
var bodies = map[string]any{
	"accept-offer":    map[string]any{"channel": "portal", "signer": "李某"},
	"decline-offer":   map[string]any{"note": "x"},
	"approve-model":   map[string]any{"note": "x"},
	"complete-task":   map[string]any{"outcome": "x"},
	"draw-loan":       drawBody,
	"preview-loan":    drawBody,
	"freeze-facility": map[string]any{"reason": "x"}, "unfreeze-facility": map[string]any{"reason": "x"},
	"change-facility-limit": map[string]any{"limit_minor": 1, "reason": "x"},
	"grant-consent":         map[string]any{"purpose": "credit", "kinds": []string{"invoice"}, "ends_on": "2026-12-31"},
	"offer-application":     map[string]any{}, "submit-application": map[string]any{},
	"refresh-profile": map[string]any{}, "score-firm": map[string]any{},
	"assign-receipt": map[string]any{"parts": []map[string]any{{"loan_id": "x", "amount_minor": 1}}},
	"return-receipt": map[string]any{"reason": "x"}, "ignore-receipt": map[string]any{"reason": "x"}, "note-receipt": map[string]any{"note": "x"},
	"suspend-mandate": map[string]any{"cause": "customer", "reason": "xx"}, "revoke-mandate": map[string]any{"cause": "customer", "reason": "xx"},
	"propose-mandate-change": map[string]any{"debtor_account": "1", "debtor_name": "x", "valid_from": "2026-01-05", "signed_on": "2026-01-05", "document": "x"},
	"repay-loan":             map[string]any{"amount_minor": 1, "reference": "r-1"},
	"resolve-signal":         map[string]any{"outcome": "handled", "note": "x"},
	"withdraw-application":   map[string]any{"note": "x"},
	"withdraw-consent":       map[string]any{"reason": "x"},
	"decline-application":    map[string]any{"note": "x"}, "return-application": map[string]any{"note": "x"},
}

var drawBody = map[string]any{
	"amount_minor": 100, "tenor_months": 12, "method": "interest_only", "payee_name": "x", "payee_account": "1", "client_reference": "r-1",
}

type untold struct{}

func (untold) Begin(string, string) {}
func (untold) Set(int64, int64)     {}
func (untold) Note(string, string)  {}

// walked opens the whole program and walks the main job on it, so that every kind of object exists.
func walked(t *testing.T, dsn string) *app.App {
	t.Helper()
	s, err := bank.New(bank.Config{Secret: "s3cret", SettlementMinor: 1_000_000_000_00})
	require.NoError(t, err)
	h := httptest.NewServer(s)
	t.Cleanup(func() { _ = s.Close(); h.Close() })
	c := config.Default()
	c.DataDir, c.PostgresDSN, c.BankURL, c.BankSecret = t.TempDir(), dsn, h.URL, "s3cret"
	a, err := app.Open(t.Context(), c, slog.New(slog.DiscardHandler))
	require.NoError(t, err)
	t.Cleanup(func() { _ = a.DB.Close() })
	api.WithLimits(api.Limits{PerPrincipal: -1, PerAddress: -1, PerSignIn: -1})(a.API)
	stop, err := a.Workers(t.Context())
	require.NoError(t, err)
	_, err = demo.Run(t.Context(), a, demo.DefaultOptions(), untold{})
	if err == nil {
		receive(t, a)
	}
	stop()
	require.NoError(t, err)
	return a
}

// receive takes a payment in that no rule recognises, so that there is a receipt to ask for.
func receive(t *testing.T, a *app.App) {
	t.Helper()
	all, err := a.Auth.Institutions(t.Context(), "")
	require.NoError(t, err)
	p := auth.SystemPrincipal(all[0].ID, "test")
	f, err := a.Receipts.Take(t.Context(), p, "r.csv", []byte("amount,value_date,bank_reference\n1.00,2020-01-02,R1\n"), "upload")
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		j, err := a.Jobs.Get(t.Context(), p, f.JobID)
		return err == nil && !j.State.Live()
	}, time.Minute, 20*time.Millisecond)
}

// owners signs the demonstration's people in.
func owners(t *testing.T, a *app.App) (staff []apitest.Caller, institution string) {
	t.Helper()
	for _, p := range demo.People {
		in, err := a.Auth.SignIn(t.Context(), auth.SignInInput{Institution: demo.Institution, Login: p.Login, Password: demo.Password})
		require.NoError(t, err)
		staff = append(staff, apitest.Caller{Name: p.Login, Principal: in.Principal, Sign: func(r *http.Request) {
			r.AddCookie(&http.Cookie{Name: identity.CookieName(false), Value: in.Token})
		}})
		institution = in.Principal.InstitutionID
	}
	return staff, institution
}

// complete makes what the demonstration leaves out, through the API.
func complete(t *testing.T, h http.Handler, staff []apitest.Caller, facility string) {
	t.Helper()
	for path, body := range map[string]any{
		"/api/v1/portfolio/optimise": map[string]any{
			"budget_minor": 500_000_000, "min_minor": 10_000_000, "max_minor": 100_000_000, "min_rate": "0.04", "max_rate": "0.15", "lgd": "0.45", "funding_rate": "0.018",
		},
		"/api/v1/webhooks":                          map[string]any{"url": "https://example.com/hook", "event_types": []string{"loan.disbursed"}},
		"/api/v1/facilities/" + facility + "/limit": map[string]any{"limit_minor": 99_000_000_000, "reason": "提额"},
	} {
		done := false
		var last apitest.Answer
		for _, c := range staff {
			if last = apitest.Call(t, h, c, http.MethodPost, path, body, "Idempotency-Key", crypto.NewToken()); last.Status < 300 {
				done = true
				break
			}
		}
		require.True(t, done, "%s: %d %s", path, last.Status, last.Body)
	}
}

// Every object of one institution is out of reach of every person of another: each route that takes an id
// is asked for one that exists and that its owners can read.
func TestInstitutionsNeverMix(t *testing.T) {
	if testing.Short() {
		t.Skip("walks the main job twice")
	}
	if raceDetector && os.Getenv("CAPILLARY_LONG") == "" {
		t.Skip("walking the main job under the race detector takes a quarter of an hour; scripts/test.sh runs it without")
	}
	t.Parallel()
	for name, dsn := range map[string]func(testing.TB) string{"sqlite": func(testing.TB) string { return "" }, "postgres": dbtest.DSN} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := walked(t, dsn(t))
			staff, institution := owners(t, a)
			h := a.API.Handler()
			ids := map[string]string{}
			scope := auth.SystemPrincipal(institution, "test").Scope()
			read := func(prefix string) {
				require.NoError(t, a.DB.View(t.Context(), scope, func(tx *db.Tx) error {
					var id string
					err := tx.QueryRow(t.Context(), oneOf[prefix], institution).Scan(&id)
					ids[prefix] = id
					return err
				}), prefix)
			}
			read("/api/v1/facilities/")
			complete(t, h, staff, ids["/api/v1/facilities/"])
			for prefix := range oneOf {
				read(prefix)
			}
			for _, op := range a.API.Operations() {
				if problem := reach(t, h, staff, op, ids); problem != "" {
					t.Error(problem)
				}
			}
			theirs := dbtest.Institution(t, a.DB)
			n := apitest.Foreign(t, a.API, apitest.Staff(t, a.Auth, identity.CookieName(false), theirs), apitest.Objects{IDs: ids, Bodies: bodies})
			require.Greater(t, n, 500)
		})
	}
}

// reach says what is wrong with the ids: a route that none covers, or an object that its owners cannot read.
func reach(t *testing.T, h http.Handler, staff []apitest.Caller, op api.Op, ids map[string]string) string {
	t.Helper()
	at := strings.Index(op.Path, "{")
	if at < 0 || op.Policy.IsPublic() {
		return ""
	}
	for _, prefix := range elsewhere {
		if strings.HasPrefix(op.Path, prefix) {
			return ""
		}
	}
	id, covered := ids[op.Path[:at]]
	if !covered {
		return fmt.Sprintf("%s %s: no object is named for this route", op.Method, op.Path)
	}
	if op.Mutates() || strings.Count(op.Path, "{") > 1 {
		return ""
	}
	path := op.Path[:at] + id + op.Path[strings.Index(op.Path, "}")+1:]
	var last apitest.Answer
	for _, c := range staff {
		if last = apitest.Call(t, h, c, op.Method, path, nil); last.Status == http.StatusOK {
			return ""
		}
	}
	return fmt.Sprintf("%s %s: its own people cannot read it: %d %s", op.Method, path, last.Status, last.Body)
}
