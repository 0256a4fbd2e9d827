package app_test

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/app"
	"github.com/capillary-finance/capillary/internal/platform/config"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

func opened(t *testing.T, dir string, set ...func(*config.Config)) (*app.App, error) {
	t.Helper()
	c := config.Default()
	c.DataDir = dir
	for _, f := range set {
		f(c)
	}
	return app.Open(t.Context(), c, slog.New(slog.DiscardHandler))
}

// A key file that was lost or mistyped must not be replaced by new keys: what they seal is lost later.
func TestNoNewKeysAreMadeForExistingData(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, err := opened(t, dir)
	require.NoError(t, err)
	_, err = a.Verify(t.Context())
	require.ErrorContains(t, err, app.ReasonNothingToVerify.Code, "nothing must not be called whole")
	dbtest.Institution(t, a.DB)
	require.NoError(t, a.Close())
	keys, err := os.ReadFile(a.Config.Keys())
	require.NoError(t, err)
	require.NoError(t, os.Remove(a.Config.Keys()))
	_, err = opened(t, dir)
	require.ErrorContains(t, err, app.ReasonKeysMissing.Code)
	require.NoFileExists(t, a.Config.Keys())
	require.NoError(t, os.WriteFile(a.Config.Keys(), keys, 0o600))
	a, err = opened(t, dir)
	require.NoError(t, err)
	st, err := os.Stat(a.Config.Database())
	require.NoError(t, err)
	require.Zero(t, st.Mode().Perm()&0o077, "the database is its owner's only")
	require.NoError(t, a.Close())
}

// A second server on the same port must not have begun to work before it finds out.
func TestAServerWhosePortIsTakenDoesNothing(t *testing.T) {
	t.Parallel()
	ln, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a test
	require.NoError(t, err)
	defer ln.Close() //nolint:errcheck // a test
	a, err := opened(t, t.TempDir(), func(c *config.Config) { c.Listen = ln.Addr().String() })
	require.NoError(t, err)
	defer a.Close() //nolint:errcheck // a test
	require.ErrorContains(t, a.Serve(t.Context(), func(string) { t.Error("ready") }), "listen")
	require.NoError(t, a.Jobs.Start(t.Context()), "the workers had not been started")
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	require.NoError(t, a.Jobs.Stop(ctx))
}

// A caller that never ends its request must not keep the server from stopping, nor make the stop a failure.
func TestShutdownCutsOffWhoNeverEnds(t *testing.T) {
	t.Parallel()
	a, err := opened(t, t.TempDir(), func(c *config.Config) { c.Listen, c.ShutdownGrace = "127.0.0.1:0", 500*time.Millisecond })
	require.NoError(t, err)
	defer a.Close() //nolint:errcheck // a test
	ctx, stop := context.WithCancel(t.Context())
	addr, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- a.Serve(ctx, func(s string) { addr <- s }) }()
	conn, err := net.Dial("tcp", <-addr) //nolint:noctx // a test
	require.NoError(t, err)
	defer conn.Close() //nolint:errcheck // a test
	_, err = conn.Write([]byte("POST /api/v1/session HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"))
	require.NoError(t, err)
	time.Sleep(200 * time.Millisecond) // the server has begun to read
	stop()
	select {
	case err := <-ended:
		require.NoError(t, err)
	case <-time.After(20 * time.Second):
		t.Fatal("the server did not stop")
	}
}

// A load balancer hears that the server is going before the port closes.
func TestReadinessFailsBeforeThePortCloses(t *testing.T) {
	t.Parallel()
	a, err := opened(t, t.TempDir(), func(c *config.Config) { c.Listen, c.ShutdownDrain = "127.0.0.1:0", 3*time.Second })
	require.NoError(t, err)
	defer a.Close() //nolint:errcheck // a test
	ctx, stop := context.WithCancel(t.Context())
	addr, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- a.Serve(ctx, func(s string) { addr <- s }) }()
	url := "http://" + <-addr + "/readyz"
	stop()
	require.Eventually(t, func() bool {
		r, err := http.Get(url) //nolint:gosec,noctx // a test
		if err != nil {
			return false
		}
		defer r.Body.Close() //nolint:errcheck // a test
		return r.StatusCode == http.StatusServiceUnavailable
	}, 3*time.Second, 20*time.Millisecond)
	require.NoError(t, <-ended)
}

func TestAddressesOfProxiesAreConfigured(t *testing.T) {
	t.Parallel()
	a, err := opened(t, t.TempDir(), func(c *config.Config) { c.TrustedProxies = "10.1.0.0/16" })
	require.NoError(t, err)
	defer a.Close() //nolint:errcheck // a test
	r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
	r.Header.Set("X-Forwarded-For", "203.0.113.9, 198.51.100.4")
	r.RemoteAddr = "10.1.2.3:999"
	require.Equal(t, "198.51.100.4", a.API.ClientIP(r))
	r.RemoteAddr = "10.2.2.3:999"
	require.Equal(t, "10.2.2.3", a.API.ClientIP(r), "anybody may write the header")
}
