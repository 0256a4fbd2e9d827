package identity_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/crypto"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/identity"
	"github.com/capillary-finance/capillary/internal/platform/proposal"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// clock is moved by the tests.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now }

func (c *clock) Advance(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.now = c.now.Add(d) }

type bundle struct {
	d         *db.DB
	clock     *clock
	staff     dbtest.Staff
	auth      *auth.Service
	audit     *audit.Service
	proposals *proposal.Service
	api       *api.API
	url       string
}

const password = "correct horse battery"

// each runs a test against a real server on both databases; people sign in with the one password.
func each(t *testing.T, fn func(t *testing.T, b *bundle)) {
	t.Helper()
	for name, open := range map[string]func(testing.TB, ...dbtest.Option) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &clock{now: time.Date(2026, 1, 5, 1, 0, 0, 0, time.UTC)}
			fn(t, setup(t, open(t, dbtest.WithClock(c.Now)), c, nil))
		})
	}
}

func setup(t *testing.T, d *db.DB, c *clock, signOn func(url string, keys *crypto.Keyring) *auth.SignOn) *bundle {
	t.Helper()
	keys := crypto.NewKeyring()
	b := &bundle{d: d, clock: c, staff: dbtest.Institution(t, d)}
	b.auth = auth.NewService(d, keys, auth.WithCost(auth.Cost{Time: 1, MemoryKiB: 64, Threads: 1}))
	b.audit = audit.NewService(d, keys, "")
	b.proposals = proposal.NewService(d)
	b.api = api.New(d, "test", identity.Authenticator(b.auth, false), api.WithLogger(slog.New(slog.DiscardHandler)), api.WithLimits(api.Limits{PerSignIn: -1, PerAddress: -1, PerPrincipal: -1}))
	server := httptest.NewUnstartedServer(nil)
	b.url = "http://" + server.Listener.Addr().String()
	cfg := identity.Config{DB: d, Auth: b.auth, Proposals: b.proposals, Audit: b.audit}
	if signOn != nil {
		cfg.SignOn = signOn(b.url, keys)
	}
	identity.Routes(b.api, cfg)
	server.Config = b.api.Server("")
	server.Start()
	t.Cleanup(server.Close)
	return b
}

// setPassword gives a stored user the password without asking for a change at sign-in.
func (b *bundle) setPassword(t *testing.T, s dbtest.Staff, p auth.Principal) {
	t.Helper()
	require.NoError(t, b.auth.ResetPassword(t.Context(), s.System, p.UserID, password+"!"))
	require.NoError(t, b.auth.ChangePassword(t.Context(), p, password+"!", password, ""))
}

// browser keeps cookies, as a person's browser does.
type browser struct {
	b      *bundle
	client *http.Client
	bearer string
}

func (b *bundle) browser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	require.NoError(t, err)
	return &browser{b: b, client: &http.Client{Jar: jar, Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// as signs somebody of the institution in.
func (b *bundle) as(t *testing.T, p auth.Principal) *browser { return b.signedIn(t, b.staff, p) }

func (b *bundle) signedIn(t *testing.T, s dbtest.Staff, p auth.Principal) *browser {
	t.Helper()
	b.setPassword(t, s, p)
	w := b.browser(t)
	r := w.call(t, "POST", "/api/v1/session", map[string]string{"institution": s.Code, "login": p.Login, "password": password})
	require.Equal(t, 200, r.status, r.text)
	return w
}

type reply struct {
	status int
	header http.Header
	text   string
	json   map[string]any
}

func (r reply) code() string { s, _ := r.json["code"].(string); return s }
func (r reply) str(k string) string {
	s, _ := r.json[k].(string)
	return s
}

func (w *browser) call(t *testing.T, method, path string, body any, headers ...string) reply {
	t.Helper()
	var rd io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		require.NoError(t, err)
		rd = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, w.b.url+path, rd)
	require.NoError(t, err)
	if method != "GET" {
		req.Header.Set("Idempotency-Key", crypto.NewToken())
		req.Header.Set("Content-Type", "application/json")
	}
	if w.bearer != "" {
		req.Header.Set("Authorization", "Bearer "+w.bearer)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := w.client.Do(req)
	require.NoError(t, err)
	text, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	r := reply{status: res.StatusCode, header: res.Header, text: string(text)}
	if len(text) > 0 && text[0] == '{' {
		require.NoError(t, json.Unmarshal(text, &r.json))
	}
	return r
}
