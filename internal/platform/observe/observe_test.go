package observe_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/observe"
)

func TestLogsNeverShowSecrets(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"text", "json"} {
		var b bytes.Buffer
		log := observe.NewLogger(&b, "debug", format)
		log.With("api_token", "canary-1").InfoContext(observe.WithRequestID(t.Context(), "req-9"), "x", "password", "canary-2", "owner_phone", "canary-3", "amount_minor", 12)
		log.Info("whole", "user", struct {
			Name  string
			Phone *string
			Keys  []map[string]string
		}{"li", ptr("canary-4"), []map[string]string{{"secret": "canary-5", "kind": "hook"}}})
		require.NotContains(t, b.String(), "canary")
		require.Contains(t, b.String(), "hook")
		require.Contains(t, b.String(), "req-9")
		require.Contains(t, b.String(), "amount_minor")
	}
}

func serve(t *testing.T, o *observe.Observe) *httptest.Server {
	t.Helper()
	mux := http.NewServeMux()
	o.Routes(mux)
	mux.HandleFunc("GET /firms/{id}", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, observe.RequestID(r.Context())) })
	s := httptest.NewServer(o.Middleware(mux))
	t.Cleanup(s.Close)
	return s
}

func get(t *testing.T, url string, header ...string) (int, string, http.Header) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	for i := 0; i+1 < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	require.NoError(t, err)
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	require.NoError(t, err)
	return res.StatusCode, string(b), res.Header
}

func TestRequestsAreMeasuredByRouteAndCarryAnID(t *testing.T) {
	t.Parallel()
	o, err := observe.New(t.Context(), observe.Config{Version: "v9"})
	require.NoError(t, err)
	s := serve(t, o)
	code, body, h := get(t, s.URL+"/firms/firm_secret", "X-Request-Id", "abc-1")
	require.Equal(t, 200, code)
	require.Equal(t, "abc-1", body)
	require.Equal(t, "abc-1", h.Get("X-Request-Id"))
	_, body, _ = get(t, s.URL+"/firms/2", "X-Request-Id", "bad id\t<script>")
	require.NotContains(t, body, "script")
	_, metrics, _ := get(t, s.URL+"/metrics")
	require.Contains(t, metrics, `route="GET /firms/{id}"`)
	require.NotContains(t, metrics, "firm_secret")
	require.Contains(t, metrics, `capillary_build_info{version="v9"} 1`)
}

func TestReadinessNamesWhatFailsWithoutTellingWhy(t *testing.T) {
	t.Parallel()
	o, err := observe.New(t.Context(), observe.Config{})
	require.NoError(t, err)
	broken := false
	o.AddCheck(observe.Check{Name: "database", Fn: func(context.Context) error {
		if broken {
			return errors.New("password=hunter2")
		}
		return nil
	}})
	s := serve(t, o)
	code, body, _ := get(t, s.URL+"/readyz")
	require.Equal(t, 200, code, body)
	broken = true
	code, body, _ = get(t, s.URL+"/readyz")
	require.Equal(t, 503, code)
	require.Contains(t, body, "failing")
	require.NotContains(t, body, "hunter2")
	broken = false
	o.Drain()
	code, _, _ = get(t, s.URL+"/readyz")
	require.Equal(t, 503, code)
	code, _, _ = get(t, s.URL+"/healthz")
	require.Equal(t, 200, code)
}

func TestMetricsNeedTheTokenWhenOneIsSet(t *testing.T) {
	t.Parallel()
	o, err := observe.New(t.Context(), observe.Config{MetricsToken: "tok"})
	require.NoError(t, err)
	s := serve(t, o)
	code, _, _ := get(t, s.URL+"/metrics")
	require.Equal(t, 403, code)
	code, body, _ := get(t, s.URL+"/metrics", "Authorization", "Bearer tok")
	require.Equal(t, 200, code)
	require.True(t, strings.Contains(body, "go_goroutines"))
}

func TestTheRouteIsKnownThoughAHandlerBetweenCopiesTheRequest(t *testing.T) {
	t.Parallel()
	o, err := observe.New(t.Context(), observe.Config{})
	require.NoError(t, err)
	mux := http.NewServeMux()
	o.Routes(mux)
	mux.HandleFunc("GET /firms/{id}", func(_ http.ResponseWriter, r *http.Request) { require.Equal(t, "abc", r.Header.Get("X-Request-Id")) })
	copying := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { mux.ServeHTTP(w, r.WithContext(r.Context())) })
	s := httptest.NewServer(o.Middleware(copying))
	t.Cleanup(s.Close)
	get(t, s.URL+"/firms/1", "X-Request-Id", "abc")
	get(t, s.URL+"/nothing/here")
	_, metrics, _ := get(t, s.URL+"/metrics")
	require.Contains(t, metrics, `route="GET /firms/{id}"`)
	require.Contains(t, metrics, `route="other"`)
}

func TestTracesGoToTheCollector(t *testing.T) {
	t.Parallel()
	got := make(chan int, 10)
	collector := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got <- len(b)
	}))
	t.Cleanup(collector.Close)
	o, err := observe.New(t.Context(), observe.Config{OTLPEndpoint: collector.URL + "/v1/traces"})
	require.NoError(t, err)
	s := serve(t, o)
	get(t, s.URL+"/firms/1")
	_, end := o.Span(t.Context(), "job test", "job_1")
	end(errors.New("no"))
	require.NoError(t, o.Shutdown(t.Context()))
	require.Positive(t, <-got)
}

func ptr(s string) *string { return &s }
