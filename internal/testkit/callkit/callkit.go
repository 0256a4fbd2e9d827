// Package callkit calls registered operations over HTTP as a person of a dbtest institution: the role
// rides in a header, so that a test says who asks without signing in.
package callkit

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// Server is an API with some packages' routes.
type Server struct {
	API   *api.API
	Staff dbtest.Staff

	t    testing.TB
	http *httptest.Server
	keys atomic.Int64
}

const header = "X-Test-Role"

// New serves what register registers; callers are named by their role.
func New(t testing.TB, d *db.DB, s dbtest.Staff, register func(a *api.API)) *Server {
	t.Helper()
	people := map[string]auth.Principal{}
	for _, p := range []auth.Principal{s.Manager, s.Approver, s.Operations, s.Risk, s.Compliance, s.Admin, s.Integrator} {
		people[p.Roles[0]] = p
	}
	a := api.New(d, "test", func(hc huma.Context) (auth.Principal, error) {
		if p, ok := people[hc.Header(header)]; ok {
			return p, nil
		}
		return auth.Principal{}, fault.New(fault.ReasonUnauthenticated)
	}, api.WithLogger(slog.New(slog.DiscardHandler)))
	register(a)
	x := &Server{API: a, Staff: s, t: t, http: httptest.NewServer(a.Handler())}
	t.Cleanup(x.http.Close)
	return x
}

// Do calls an operation as a role ("" for nobody) with a fresh idempotency key, and decodes the answer.
func (x *Server) Do(role, method, path string, body any) (status int, answer map[string]any) {
	x.t.Helper()
	var in io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		require.NoError(x.t, err)
		in = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(x.t.Context(), method, x.http.URL+path, in)
	require.NoError(x.t, err)
	req.Header.Set(header, role)
	req.Header.Set("Content-Type", "application/json")
	if method != http.MethodGet {
		req.Header.Set("Idempotency-Key", "test-key-"+strconv.FormatInt(x.keys.Add(1), 10))
	}
	res, err := x.http.Client().Do(req)
	require.NoError(x.t, err)
	defer res.Body.Close() //nolint:errcheck // read to its end
	text, err := io.ReadAll(res.Body)
	require.NoError(x.t, err)
	if len(text) > 0 && strings.Contains(res.Header.Get("Content-Type"), "json") {
		require.NoError(x.t, json.Unmarshal(text, &answer), "%s", text)
	}
	return res.StatusCode, answer
}

// Need is Do that must answer with the status given.
func (x *Server) Need(status int, role, method, path string, body any) map[string]any {
	x.t.Helper()
	got, answer := x.Do(role, method, path, body)
	require.Equal(x.t, status, got, "%s %s as %s: %v", method, path, role, answer)
	return answer
}
