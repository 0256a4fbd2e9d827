package identity_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/pquerna/otp/totp"
	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/identity"
)

func TestEveryRouteHasAPolicy(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle) { require.Empty(t, api.Audit(b.api)) })
}

func TestEveryStatementPreparesOnBothEngines(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle) {
		for _, q := range db.Declared() {
			st, err := b.d.Owner().PrepareContext(t.Context(), q.Text(b.d.Dialect()))
			require.NoError(t, err, "%s\n%s", q.Where(), q.Text(b.d.Dialect()))
			require.NoError(t, st.Close())
		}
	})
}

// A browser's name is whatever bytes it sends; a database of text must not refuse the sign-in for it.
func TestSignInFromABrowserWithAnUnreadableName(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle) {
		b.setPassword(t, b.staff, b.staff.Manager)
		_, err := b.auth.SignIn(t.Context(), auth.SignInInput{Institution: b.staff.Code, Login: b.staff.Manager.Login, Password: password, Agent: "Mozilla \xff\xfe"})
		require.NoError(t, err)
	})
}

func TestSignInSessionAndSignOut(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle) {
		w := b.as(t, b.staff.Manager)
		me := w.call(t, "GET", "/api/v1/session", nil)
		require.Equal(t, 200, me.status)
		require.Equal(t, b.staff.Code, me.str("institution_code"))
		require.Equal(t, "城东支行", me.str("branch_name"))
		require.Equal(t, "2026-01-05", me.str("business_date"))
		require.Equal(t, []any{auth.RoleRelationshipManager}, me.json["roles"])

		require.Len(t, w.call(t, "GET", "/api/v1/sessions", nil).json["items"], 1)
		require.Equal(t, 204, w.call(t, "DELETE", "/api/v1/session", nil).status)
		require.Equal(t, 401, w.call(t, "GET", "/api/v1/session", nil).status)

		// Without the institution, a login that exists once is enough; a second institution makes it ambiguous.
		body := map[string]string{"login": b.staff.Manager.Login, "password": password}
		require.Equal(t, 200, w.call(t, "POST", "/api/v1/session", body).status)
	})
}

func TestTheCookieIsHeldTight(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle) {
		b.setPassword(t, b.staff, b.staff.Risk)
		r := b.browser(t).call(t, "POST", "/api/v1/session", map[string]string{"institution": b.staff.Code, "login": "risk", "password": password})
		cookie := r.header.Get("Set-Cookie")
		require.Contains(t, cookie, "HttpOnly")
		require.Contains(t, cookie, "SameSite=Lax")
		require.NotContains(t, r.text, cookie[18:60], "the token is in the cookie only")
		require.Equal(t, "__Host-capillary_session", identity.CookieName(true))
		var n int
		require.NoError(t, b.d.View(t.Context(), b.staff.System.Scope(), func(tx *db.Tx) error {
			return tx.SQL().QueryRowContext(t.Context(), "select count(*) from session where token_hash like '%.%' or length(token_hash) <> 64").Scan(&n)
		}))
		require.Zero(t, n, "only hashes are stored")
	})
}

func TestSessionsEndByIdlenessAndByAge(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle) {
		w := b.as(t, b.staff.Risk)
		for range 24 { // used every 29 minutes it lives on, up to its age
			b.clock.Advance(29 * time.Minute)
			require.Equal(t, 200, w.call(t, "GET", "/api/v1/session", nil).status)
		}
		b.clock.Advance(29 * time.Minute)
		require.Equal(t, 401, w.call(t, "GET", "/api/v1/session", nil).status, "twelve hours at most")
		w = b.as(t, b.staff.Compliance)
		b.clock.Advance(30 * time.Minute)
		require.Equal(t, 401, w.call(t, "GET", "/api/v1/session", nil).status, "half an hour unused")
		require.NoError(t, b.auth.Purge(t.Context()))
	})
}

func TestWrongSignInsLookAlikeAndAreSlowedDown(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle) {
		b.setPassword(t, b.staff, b.staff.Risk)
		w := b.browser(t)
		try := func(login, pass string) reply {
			return w.call(t, "POST", "/api/v1/session", map[string]string{"institution": b.staff.Code, "login": login, "password": pass})
		}
		wrong, unknown, service := try("risk", "wrong"), try("nobody", "wrong"), try("integrator", "wrong")
		for _, r := range []reply{wrong, unknown, service} {
			require.Equal(t, "BAD_CREDENTIALS", r.code())
			require.Equal(t, wrong.str("title"), r.str("title"))
		}
		for _, login := range []string{"risk", "nobody"} {
			for range 4 {
				require.Equal(t, 401, try(login, "wrong").status)
			}
			blocked := try(login, password)
			require.Equal(t, 429, blocked.status, "%s: the sixth try waits, right or wrong, known or unknown", login)
			require.NotEmpty(t, blocked.header.Get("Retry-After"))
		}
		b.clock.Advance(16 * time.Second)
		require.Equal(t, 200, try("risk", password).status)
		require.Equal(t, 401, try("risk", "wrong").status, "success starts the count anew")
	})
}

func TestParallelGuessesAreCounted(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle) {
		b.setPassword(t, b.staff, b.staff.Risk)
		var mu sync.Mutex
		judged := 0
		var wg sync.WaitGroup
		for i := range 20 {
			w := b.browser(t)
			wg.Go(func() {
				r := w.call(t, "POST", "/api/v1/session", map[string]string{"institution": b.staff.Code, "login": "risk", "password": fmt.Sprint("guess", i)})
				mu.Lock()
				defer mu.Unlock()
				if r.status == 401 {
					judged++
				}
			})
		}
		wg.Wait()
		require.LessOrEqual(t, judged, 5)
	})
}

func TestOneTimeCodes(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle) {
		w := b.as(t, b.staff.Approver)
		enrolled := w.call(t, "POST", "/api/v1/session/totp", nil)
		secret := enrolled.str("secret")
		require.Contains(t, enrolled.str("uri"), "otpauth://totp/")
		code := func() string {
			c, err := totp.GenerateCode(secret, b.clock.Now())
			require.NoError(t, err)
			return c
		}
		require.Equal(t, 422, w.call(t, "POST", "/api/v1/session/totp/confirm", map[string]string{"code": "000000"}).status)
		confirmed := w.call(t, "POST", "/api/v1/session/totp/confirm", map[string]string{"code": code()})
		require.Equal(t, 200, confirmed.status, confirmed.text)
		recovery, _ := confirmed.json["recovery_codes"].([]any)
		require.Len(t, recovery, 10)

		in := func(totp string) reply {
			return b.browser(t).call(t, "POST", "/api/v1/session", map[string]string{"institution": b.staff.Code, "login": "approver", "password": password, "totp": totp})
		}
		require.Equal(t, "TOTP_REQUIRED", in("").code())
		require.Equal(t, "BAD_CREDENTIALS", in(code()).code(), "the code that confirmed does not work again")
		b.clock.Advance(30 * time.Second)
		used := code()
		require.Equal(t, 200, in(used).status)
		require.Equal(t, "BAD_CREDENTIALS", in(used).code(), "a code works once")
		first, _ := recovery[0].(string)
		require.Equal(t, 200, in(first).status)
		require.Equal(t, "BAD_CREDENTIALS", in(first).code(), "a recovery code works once")

		var stored string
		require.NoError(t, b.d.View(t.Context(), b.staff.System.Scope(), func(tx *db.Tx) error {
			return tx.SQL().QueryRowContext(t.Context(), "select totp_secret from user_account where institution_id = $1 and id = $2", b.staff.InstitutionID, b.staff.Approver.UserID).Scan(&stored)
		}))
		require.NotContains(t, stored, secret)
		b.clock.Advance(5 * time.Minute)
		require.Equal(t, 204, w.call(t, "POST", "/api/v1/session/totp/disable", map[string]string{"code": code()}).status)
		require.Equal(t, 200, in("").status)
	})
}

// Asking for the code must not buy fresh guesses at it.
func TestGuessingTheCodeIsSlowedDown(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle) {
		w := b.as(t, b.staff.Approver)
		secret := w.call(t, "POST", "/api/v1/session/totp", nil).str("secret")
		code, err := totp.GenerateCode(secret, b.clock.Now())
		require.NoError(t, err)
		require.Equal(t, 200, w.call(t, "POST", "/api/v1/session/totp/confirm", map[string]string{"code": code}).status)
		guesses := 0
		for i := range 40 {
			guess := ""
			if i%2 == 1 {
				guess = "000000"
			}
			r := b.browser(t).call(t, "POST", "/api/v1/session", map[string]string{"institution": b.staff.Code, "login": "approver", "password": password, "totp": guess})
			if r.code() == "BAD_CREDENTIALS" {
				guesses++
			}
		}
		require.LessOrEqual(t, guesses, 5)
	})
}

func TestPasswords(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle) {
		admin := b.as(t, b.staff.Admin)
		reset := "/api/v1/users/" + b.staff.Risk.UserID + "/password"
		for _, weak := range []string{"short", "aaaaaaaaaaaaaaaa", "my risk password", "password1234"} {
			r := admin.call(t, "POST", reset, map[string]string{"password": weak})
			require.Equal(t, "WEAK_PASSWORD", r.code(), weak)
		}
		risk := b.as(t, b.staff.Risk)
		require.Equal(t, 204, admin.call(t, "POST", reset, map[string]string{"password": "temporary words 1"}).status)
		require.Equal(t, 401, risk.call(t, "GET", "/api/v1/session", nil).status, "a reset ends every session")

		w := b.browser(t)
		in := w.call(t, "POST", "/api/v1/session", map[string]string{"institution": b.staff.Code, "login": "risk", "password": "temporary words 1"})
		require.Equal(t, true, in.json["must_change"])
		require.Empty(t, in.json["permissions"], "nothing is allowed before the change")
		change := func(present, next string) reply {
			return w.call(t, "POST", "/api/v1/session/password", map[string]string{"password": present, "new_password": next})
		}
		require.Equal(t, "BAD_CREDENTIALS", change("wrong", "another set of words").code())
		require.Equal(t, 422, change("temporary words 1", "temporary words 1").status)
		require.Equal(t, 204, change("temporary words 1", "another set of words").status)
		me := w.call(t, "GET", "/api/v1/session", nil)
		require.Equal(t, 200, me.status, "the session that changed it stays")
		require.NotEmpty(t, me.json["permissions"])
		require.Equal(t, 422, admin.call(t, "POST", "/api/v1/users/"+b.staff.Admin.UserID+"/password", map[string]string{"password": "x another password"}).status)
	})
}
