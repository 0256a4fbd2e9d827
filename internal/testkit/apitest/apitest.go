// Package apitest judges a whole API from outside: who is let in where, and whether anything of one
// institution can be reached from another. It reads the list of registered operations, so that a new
// route is judged without being named here.
package apitest

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/crypto"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// Caller is somebody who calls: Sign puts his credentials on a request.
type Caller struct {
	Name      string
	Principal auth.Principal
	Sign      func(*http.Request)
}

const password = "a password for tests only"

// SignIn gives a user of a fixture a password, signs him in through the service, and gives the caller.
func SignIn(t testing.TB, s *auth.Service, cookieName string, staff dbtest.Staff, p auth.Principal) Caller {
	t.Helper()
	require.NoError(t, s.ResetPassword(t.Context(), staff.System, p.UserID, password+" 1"))
	require.NoError(t, s.ChangePassword(t.Context(), p, password+" 1", password, ""))
	in, err := s.SignIn(t.Context(), auth.SignInInput{Institution: staff.Code, Login: p.Login, Password: password})
	require.NoError(t, err)
	return Caller{Name: p.Login, Principal: in.Principal, Sign: func(r *http.Request) { r.AddCookie(&http.Cookie{Name: cookieName, Value: in.Token}) }}
}

// Staff signs in every person of a fixture (service accounts have no password and are left out).
func Staff(t testing.TB, s *auth.Service, cookieName string, staff dbtest.Staff) []Caller {
	t.Helper()
	var out []Caller
	for role, p := range staff.All() {
		if role != auth.RoleIntegrator {
			out = append(out, SignIn(t, s, cookieName, staff, p))
		}
	}
	return out
}

// Answer is what came back.
type Answer struct {
	Status int
	Code   string // of a problem
	Body   string
}

// Call sends one request through the whole handler, as a browser of the same site would.
func Call(t testing.TB, h http.Handler, c Caller, method, path string, body any, headers ...string) Answer {
	t.Helper()
	var rd bytes.Buffer
	if body != nil {
		require.NoError(t, json.NewEncoder(&rd).Encode(body))
	}
	r := httptest.NewRequestWithContext(t.Context(), method, path, &rd)
	if body != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	if c.Sign != nil {
		c.Sign(r)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	a := Answer{Status: w.Code, Body: w.Body.String()}
	if strings.Contains(w.Header().Get("Content-Type"), "problem+json") {
		var p api.Problem
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &p), a.Body)
		a.Code = p.Code
	}
	return a
}

var parameter = regexp.MustCompile(`\{[^}]+\}`)

// Matrix calls every operation as nobody and as every caller and requires what its policy says: 401 for
// nobody, FORBIDDEN for a caller without the permission, anything but 401, a policy's refusal or a
// failure of ours for one with it. It changes nothing: a change that would be let in is sent without
// its Idempotency-Key, which is asked for only after the policy. It gives the number of calls judged.
func Matrix(t *testing.T, a *api.API, callers []Caller) int {
	t.Helper()
	h := a.Handler()
	n := 0
	for _, op := range a.Operations() {
		if op.Policy.IsPublic() {
			continue
		}
		path := parameter.ReplaceAllString(op.Path, strings.Repeat("0", 26))
		n++
		if got := Call(t, h, Caller{}, op.Method, path, nil); got.Status != http.StatusUnauthorized {
			t.Errorf("%s %s as nobody: %d %s, want 401", op.Method, op.Path, got.Status, got.Code)
		}
		for _, c := range callers {
			allowed := op.Policy.Permission() == "" || c.Principal.Can(op.Policy.Permission())
			if allowed && op.Mutates() && !op.Idempotent() {
				continue // it would run
			}
			if allowed && op.Raw() {
				continue // a stream might not end
			}
			n++
			got := Call(t, h, c, op.Method, path, nil)
			switch {
			case !allowed && (got.Status != http.StatusForbidden || got.Code != "FORBIDDEN"):
				t.Errorf("%s %s as %s, who lacks %s: %d %s, want 403", op.Method, op.Path, c.Name, op.Policy, got.Status, got.Code)
			case allowed && op.Idempotent() && got.Code != "IDEMPOTENCY_KEY_REQUIRED":
				t.Errorf("%s %s as %s without a key: %d %s, want IDEMPOTENCY_KEY_REQUIRED", op.Method, op.Path, c.Name, got.Status, got.Code)
			case allowed && (got.Status == http.StatusUnauthorized || got.Status >= http.StatusInternalServerError):
				t.Errorf("%s %s as %s: %d %s %s", op.Method, op.Path, c.Name, got.Status, got.Code, got.Body)
			}
		}
	}
	return n
}

// Objects names existing objects of one institution: the value of each path parameter, by operation id
// or, for all operations below a path, by its prefix ("/api/v1/firms/": id). Bodies gives valid bodies
// of changes by operation id, without which a change is refused for its body before the object is sought.
type Objects struct {
	IDs    map[string]string
	Bodies map[string]any
}

func (o Objects) find(op api.Op) (string, bool) {
	if id, ok := o.IDs[op.ID]; ok {
		return id, true
	}
	best, found := "", ""
	for prefix, id := range o.IDs {
		if strings.HasPrefix(prefix, "/") && strings.HasPrefix(op.Path, prefix) && len(prefix) > len(best) {
			best, found = prefix, id
		}
	}
	return found, best != ""
}

// Foreign asks, as callers of another institution, for every object named: reads must answer 404 (or 403),
// changes anything but success, and no answer may show the object's id as a find. Lists must not name any
// of the ids. It gives the number of calls judged.
func Foreign(t *testing.T, a *api.API, callers []Caller, o Objects) int {
	t.Helper()
	h := a.Handler()
	n := 0
	for _, op := range a.Operations() {
		id, has := o.find(op)
		withID := strings.Contains(op.Path, "{")
		if op.Policy.IsPublic() || (withID && !has) || (op.Raw() && op.Mutates()) || (!withID && op.Mutates()) || (op.Raw() && !withID) {
			continue
		}
		for _, c := range callers {
			n++
			path := parameter.ReplaceAllString(op.Path, id)
			got := Call(t, h, c, op.Method, path, o.Bodies[op.ID], "Idempotency-Key", crypto.NewToken())
			refused := got.Status == http.StatusNotFound || got.Status == http.StatusForbidden
			switch {
			case got.Status >= http.StatusInternalServerError:
				t.Errorf("%s %s as a foreign %s: %d %s", op.Method, path, c.Name, got.Status, got.Body)
			case withID && !op.Mutates() && !refused && !empty(got.Body):
				t.Errorf("%s %s as a foreign %s: %d %s, want 404", op.Method, path, c.Name, got.Status, got.Body)
			case withID && op.Mutates() && got.Status < http.StatusBadRequest:
				t.Errorf("%s %s as a foreign %s: %d, want a refusal", op.Method, path, c.Name, got.Status)
			case withID && op.Mutates() && o.Bodies[op.ID] != nil && !refused:
				t.Errorf("%s %s as a foreign %s with a valid body: %d %s, want 404", op.Method, path, c.Name, got.Status, got.Code)
			}
			if !withID {
				for _, foreign := range o.IDs {
					if strings.Contains(got.Body, foreign) {
						t.Errorf("%s %s as a foreign %s shows %s", op.Method, path, c.Name, foreign)
					}
				}
			}
		}
	}
	return n
}

// empty is a list below an unseen object that says nothing of it.
func empty(body string) bool {
	var v struct {
		Items *[]json.RawMessage `json:"items"`
		Total int64              `json:"total"`
	}
	return json.Unmarshal([]byte(body), &v) == nil && v.Items != nil && len(*v.Items) == 0 && v.Total == 0
}
