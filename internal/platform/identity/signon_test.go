package identity_test

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/auth"
	ring "github.com/capillary-finance/capillary/internal/platform/crypto"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// provider is a small OpenID provider that speaks the real protocol: discovery, keys, codes bound to a
// PKCE challenge, signed identity tokens.
type provider struct {
	*httptest.Server

	key   *rsa.PrivateKey
	clock *clock

	mu     sync.Mutex
	codes  map[string]url.Values
	claims map[string]any // what the next identity token says, over the defaults
}

func newProvider(t *testing.T, c *clock) *provider {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	require.NoError(t, err)
	p := &provider{key: key, clock: c, codes: map[string]url.Values{}, claims: map[string]any{}}
	mux := http.NewServeMux()
	mux.HandleFunc("/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{
			"issuer": p.URL, "authorization_endpoint": p.URL + "/authorize", "token_endpoint": p.URL + "/token", "jwks_uri": p.URL + "/keys",
			"id_token_signing_alg_values_supported": []string{"RS256"},
		})
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(map[string]any{"keys": []any{map[string]string{
			"kty": "RSA", "alg": "RS256", "use": "sig", "kid": "1", "n": encode(key.N.Bytes()), "e": encode(big.NewInt(int64(key.E)).Bytes()),
		}}})
	})
	mux.HandleFunc("/authorize", func(w http.ResponseWriter, r *http.Request) {
		q := r.URL.Query()
		code := ring.NewToken()
		p.mu.Lock()
		p.codes[code] = q
		p.mu.Unlock()
		http.Redirect(w, r, q.Get("redirect_uri")+"?code="+code+"&state="+url.QueryEscape(q.Get("state")), http.StatusFound)
	})
	mux.HandleFunc("/token", p.token)
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

func encode(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

func (p *provider) token(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm()
	p.mu.Lock()
	defer p.mu.Unlock()
	asked, ok := p.codes[r.Form.Get("code")]
	delete(p.codes, r.Form.Get("code"))
	sum := sha256.Sum256([]byte(r.Form.Get("code_verifier")))
	if !ok || asked.Get("code_challenge_method") != "S256" || asked.Get("code_challenge") != encode(sum[:]) {
		http.Error(w, `{"error":"invalid_grant"}`, http.StatusBadRequest)
		return
	}
	claims := map[string]any{
		"iss": p.URL, "sub": "subject-1", "aud": asked.Get("client_id"), "nonce": asked.Get("nonce"), "iat": p.clock.Now().Unix(), "exp": p.clock.Now().Add(time.Minute).Unix(),
		"email": "risk@bank.example", "email_verified": true,
	}
	for k, v := range p.claims {
		claims[k] = v
	}
	header, _ := json.Marshal(map[string]string{"alg": "RS256", "kid": "1", "typ": "JWT"})
	body, _ := json.Marshal(claims)
	text := encode(header) + "." + encode(body)
	digest := sha256.Sum256([]byte(text))
	sig, _ := rsa.SignPKCS1v15(rand.Reader, p.key, crypto.SHA256, digest[:])
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": "x", "token_type": "Bearer", "id_token": text + "." + encode(sig)})
}

func (p *provider) say(claims map[string]any) { p.mu.Lock(); defer p.mu.Unlock(); p.claims = claims }

func signOnSetup(t *testing.T, d *db.DB, c *clock) (*bundle, *provider) {
	t.Helper()
	p := newProvider(t, c)
	b := setup(t, d, c, func(base string, keys *ring.Keyring) *auth.SignOn {
		return auth.NewSignOn(auth.SignOnConfig{Issuer: p.URL, ClientID: "capillary", ClientSecret: "s", RedirectURL: base + "/api/v1/session/sign-on/callback"}, keys, c.Now)
	})
	b.exec(t, `update user_account set email = 'risk@bank.example' where id = $1`, b.staff.Risk.UserID)
	return b, p
}

// walk goes to the provider and comes back, as a browser follows redirects; it gives the answer of the callback.
func (w *browser) walk(t *testing.T, next string, change func(callback *url.URL)) reply {
	t.Helper()
	start := w.call(t, "GET", "/api/v1/session/sign-on?next="+url.QueryEscape(next), nil)
	require.Equal(t, 303, start.status, start.text)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, start.header.Get("Location"), nil)
	require.NoError(t, err)
	res, err := w.client.Do(req)
	require.NoError(t, err)
	require.NoError(t, res.Body.Close())
	back, err := url.Parse(res.Header.Get("Location"))
	require.NoError(t, err)
	if change != nil {
		change(back)
	}
	return w.call(t, "GET", back.RequestURI(), nil)
}

func TestSingleSignOn(t *testing.T) {
	t.Parallel()
	for name, open := range map[string]func(testing.TB, ...dbtest.Option) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := &clock{now: time.Date(2026, 1, 5, 1, 0, 0, 0, time.UTC)}
			b, p := signOnSetup(t, open(t, dbtest.WithClock(c.Now)), c)
			require.Equal(t, true, b.browser(t).call(t, "GET", "/api/v1/session/options", nil).json["sign_on"])

			w := b.browser(t)
			r := w.walk(t, "/firms?x=1", nil)
			require.Equal(t, 303, r.status, r.text)
			require.Equal(t, "/firms?x=1", r.header.Get("Location"))
			require.Equal(t, "risk", w.call(t, "GET", "/api/v1/session", nil).str("login"))

			// Bound by subject now: the address may change, and nobody else may take it over by address.
			p.say(map[string]any{"email": "new@bank.example"})
			require.Equal(t, 303, b.browser(t).walk(t, "/", nil).status)
			p.say(map[string]any{"sub": "subject-2"})
			require.Equal(t, "SIGN_ON_FAILED", b.browser(t).walk(t, "/", nil).code(), "another subject with the same address")
			p.say(map[string]any{"sub": "subject-3", "email": "approver@bank.example", "email_verified": false})
			b.exec(t, `update user_account set email = 'approver@bank.example' where id = $1`, b.staff.Approver.UserID)
			require.Equal(t, "SIGN_ON_FAILED", b.browser(t).walk(t, "/", nil).code(), "an unverified address binds nobody")

			for name, claims := range map[string]map[string]any{
				"nonce": {"nonce": "x"}, "audience": {"aud": "other"}, "issuer": {"iss": "https://evil.example"}, "expired": {"exp": c.Now().Add(-time.Hour).Unix()},
			} {
				p.say(claims)
				require.Equal(t, "SIGN_ON_FAILED", b.browser(t).walk(t, "/", nil).code(), name)
			}
			p.say(nil)
			require.Equal(t, "SIGN_ON_FAILED", b.browser(t).walk(t, "/", func(u *url.URL) { q := u.Query(); q.Set("state", "x"); u.RawQuery = q.Encode() }).code())
			require.Equal(t, "SIGN_ON_FAILED", b.browser(t).walk(t, "/", func(u *url.URL) { q := u.Query(); q.Set("code", "x"); u.RawQuery = q.Encode() }).code())

			// A callback begun in another browser is refused: its cookie is not here.
			var stolen string
			b.browser(t).walk(t, "/", func(u *url.URL) { stolen = u.RequestURI(); u.RawQuery = "" })
			require.Equal(t, "SIGN_ON_FAILED", b.browser(t).call(t, "GET", stolen, nil).code())

			for _, evil := range []string{"https://evil.example", "//evil.example", "/\\evil.example", "evil"} {
				require.Equal(t, "/", b.browser(t).walk(t, evil, nil).header.Get("Location"), evil)
			}
			b.exec(t, `update user_account set status = 'disabled' where id = $1`, b.staff.Risk.UserID)
			require.Equal(t, "SIGN_ON_FAILED", b.browser(t).walk(t, "/", nil).code())
		})
	}
}
