// Package identity serves people and programs at the door: sign-in, one-time codes, single sign-on,
// users, roles, branches, authority, API keys and the audit log over HTTP. The rules live in auth,
// audit and proposal; here they get their routes, and the sensitive changes their maker-checker kinds.
package identity

import (
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/proposal"
)

// Config is what the door needs.
type Config struct {
	DB        *db.DB
	Auth      *auth.Service
	Proposals *proposal.Service
	Audit     *audit.Service
	SignOn    *auth.SignOn // nil: off
	HTTPS     bool         // cookies are Secure and bound to the host
}

// CookieName is the session cookie's name; browsers hold a __Host- cookie to https and this host.
func CookieName(https bool) string {
	if https {
		return "__Host-capillary_session"
	}
	return "capillary_session"
}

const signOnCookie = "capillary_sign_on"

// Authenticator knows callers by their API key or, without one, their session cookie.
func Authenticator(s *auth.Service, https bool) api.Authenticator {
	name := CookieName(https)
	return func(hc huma.Context) (auth.Principal, error) {
		if header := hc.Header("Authorization"); header != "" {
			scheme, token, _ := strings.Cut(header, " ")
			if !strings.EqualFold(scheme, "Bearer") {
				return auth.Principal{}, fault.New(fault.ReasonUnauthenticated)
			}
			return s.AuthenticateKey(hc.Context(), strings.TrimSpace(token))
		}
		cookie, err := huma.ReadCookie(hc, name)
		if err != nil {
			return auth.Principal{}, fault.New(fault.ReasonUnauthenticated).Wrap(err)
		}
		return s.Authenticate(hc.Context(), cookie.Value)
	}
}

func (c Config) cookie(value string, life time.Duration) http.Cookie {
	return http.Cookie{
		Name: CookieName(c.HTTPS), Value: value, Path: "/", MaxAge: maxAge(life), HttpOnly: true, Secure: c.HTTPS, SameSite: http.SameSiteLaxMode,
	}
}

func maxAge(life time.Duration) int {
	if life <= 0 {
		return -1
	}
	return int(life / time.Second)
}

// Routes registers every operation of the door, and the kinds of sensitive change.
func Routes(a *api.API, c Config) {
	registerKinds(c.Proposals)
	proposal.Routes(a, c.Proposals)
	c.sessionRoutes(a)
	c.totpRoutes(a)
	c.signOnRoutes(a)
	c.userRoutes(a)
	c.roleRoutes(a)
	c.branchRoutes(a)
	c.authorityRoutes(a)
	c.keyRoutes(a)
	c.auditRoutes(a)
}

// list is the usual answer of a list without pages.
type list[T any] struct {
	Body struct {
		Items []T `json:"items"`
	}
}

func items[T any](rows []T, err error) (*list[T], error) {
	if err != nil {
		return nil, err
	}
	out := &list[T]{}
	out.Body.Items = rows
	return out, nil
}

type page[T any] struct{ Body api.Page[T] }

// IDInput is embedded in inputs; embedded fields are read only when exported.
type IDInput struct {
	ID string `path:"id" maxLength:"80"`
}

// nothing is the answer of an operation that only does.
type nothing struct{}
