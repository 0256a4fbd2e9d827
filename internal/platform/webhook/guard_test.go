package webhook_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/webhook"
)

func TestOnlyPublicAddressesArePublic(t *testing.T) {
	t.Parallel()
	for _, bad := range []string{
		"127.0.0.1", "127.255.255.254", "0.0.0.0", "0.1.2.3", "10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.0.1", "192.168.255.255",
		"169.254.169.254", "169.254.170.2", "169.254.0.1", "100.64.0.1", "100.127.255.255", "100.100.100.200", "168.63.129.16", "192.0.0.1", "192.0.0.170", "192.0.2.1",
		"192.88.99.1", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.250", "240.0.0.1", "255.255.255.255",
		"::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254", "::ffff:7f00:1", "::127.0.0.1", "::ffff:0:127.0.0.1",
		"64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1", "100::1", "2001::1", "2001:0:7f00:1::", "2001:10::1", "2001:20::1", "2001:db8::1", "2002:7f00:1::", "2002:a00:1::",
		"fc00::1", "fd00::1", "fd00:ec2::254", "fe80::1", "fe80::1%eth0", "fec0::1", "ff02::1", "ff0e::1", "3fff::1", "5f00::1", "4000::1",
	} {
		require.False(t, webhook.Public(netip.MustParseAddr(bad)), bad)
	}
	for _, good := range []string{"1.1.1.1", "8.8.8.8", "114.114.114.114", "223.5.5.5", "172.15.255.255", "172.32.0.1", "100.63.255.255", "100.128.0.1", "::ffff:8.8.8.8", "2400:3200::1", "2606:4700:4700::1111"} {
		require.True(t, webhook.Public(netip.MustParseAddr(good)), good)
	}
	require.False(t, webhook.Public(netip.Addr{}))
}

func guard(t *testing.T, c webhook.GuardConfig) *webhook.Guard {
	t.Helper()
	g, err := webhook.NewGuard(c)
	require.NoError(t, err)
	return g
}

func TestTargetsAreCheckedByTheirForm(t *testing.T) {
	t.Parallel()
	g := guard(t, webhook.GuardConfig{Allow: []string{"erp.bank.example", "10.8.0.0/16"}})
	for _, bad := range []string{
		"", "example.com", "//example.com/x", "http://example.com/hook", "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "javascript:alert(1)",
		"https://user:pass@example.com/", "https://example.com:22/", "https://example.com:6379/", "https://example.com/#frag", "https:///path", "https://:443/",
		"https://127.0.0.1/", "https://[::1]/", "https://[::ffff:169.254.169.254]/latest/meta-data", "https://169.254.169.254/", "https://10.9.0.1/", "http://10.9.0.1/",
		"https://" + strings.Repeat("a", 2100) + ".example/",
	} {
		require.Error(t, g.CheckURL(bad), bad)
	}
	for _, good := range []string{"https://example.com/hook", "https://example.com:8443/h?x=1", "https://1.1.1.1/", "http://erp.bank.example:8080/in", "http://10.8.3.4/in", "https://ERP.bank.example./"} {
		require.NoError(t, g.CheckURL(good), good)
	}
	_, err := webhook.NewGuard(webhook.GuardConfig{Allow: []string{"10.0.0.0/99"}})
	require.Error(t, err)
}

// victim is a service on the loopback that nobody outside may reach.
func victim(t *testing.T) (target *url.URL, hits *atomic.Int64) {
	t.Helper()
	hits = &atomic.Int64{}
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	t.Cleanup(srv.Close)
	u, err := url.Parse(srv.URL)
	require.NoError(t, err)
	return u, hits
}

func get(t *testing.T, g *webhook.Guard, target string) error {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, target, nil)
	require.NoError(t, err)
	res, err := g.Client().Do(req)
	if err == nil {
		require.NoError(t, res.Body.Close())
	}
	return err
}

func TestNamesThatResolveInsideAreNeverConnected(t *testing.T) {
	t.Parallel()
	u, hits := victim(t)
	_, port, err := net.SplitHostPort(u.Host)
	require.NoError(t, err)
	n, err := net.LookupPort("tcp", port)
	require.NoError(t, err)
	for name, answers := range map[string][]string{
		"loopback":            {"127.0.0.1"},
		"loopback v6":         {"::1"},
		"mapped":              {"::ffff:127.0.0.1"},
		"private":             {"10.0.0.1"},
		"metadata":            {"169.254.169.254"},
		"unspecified":         {"0.0.0.0"},
		"public then private": {"1.1.1.1", "127.0.0.1"},
		"nat64":               {"64:ff9b::7f00:1"},
		"nothing":             {},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := guard(t, webhook.GuardConfig{Ports: []int{n}, Resolve: func(context.Context, string) ([]netip.Addr, error) {
				var out []netip.Addr
				for _, a := range answers {
					out = append(out, netip.MustParseAddr(a))
				}
				return out, nil
			}})
			require.Error(t, get(t, g, "http://inside.example:"+port+"/"))
		})
	}
	t.Cleanup(func() { require.Zero(t, hits.Load(), "the victim must never be reached") })
}

func TestARebindingNameReachesOnlyTheAddressThatWasChecked(t *testing.T) {
	t.Parallel()
	u, hits := victim(t) // on 127.0.0.1
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.2:"+u.Port())
	require.NoError(t, err)
	var outside atomic.Int64
	srv := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { outside.Add(1) })}} //nolint:gosec // a test's own
	srv.Start()
	t.Cleanup(srv.Close)
	var asked atomic.Int64
	// The answer is harmless (127.0.0.2 stands for outside) whenever it is asked first, and the victim when
	// asked again: a guard that resolves once to check and once to connect is caught.
	g := guard(t, webhook.GuardConfig{Allow: []string{"127.0.0.2"}, Ports: []int{l.Addr().(*net.TCPAddr).Port}, Resolve: func(context.Context, string) ([]netip.Addr, error) {
		if asked.Add(1)%2 == 1 {
			return []netip.Addr{netip.MustParseAddr("127.0.0.2")}, nil
		}
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}})
	require.NoError(t, get(t, g, "http://rebind.example:"+u.Port()+"/"))
	require.EqualValues(t, 1, asked.Load())
	require.EqualValues(t, 1, outside.Load())
	err = get(t, g, "http://rebind.example:"+u.Port()+"/")
	require.True(t, fault.Is(err, webhook.ReasonTarget), "%v", err)
	require.Zero(t, hits.Load())
}

func TestAllowedTargetsAreReachedButMetadataNever(t *testing.T) {
	t.Parallel()
	u, hits := victim(t)
	require.NoError(t, get(t, guard(t, webhook.GuardConfig{Allow: []string{"127.0.0.0/8"}}), u.String()))
	named := guard(t, webhook.GuardConfig{Allow: []string{"erp.bank.example"}, Resolve: func(context.Context, string) ([]netip.Addr, error) {
		return []netip.Addr{netip.MustParseAddr("127.0.0.1")}, nil
	}})
	require.NoError(t, get(t, named, "http://erp.bank.example:"+u.Port()+"/"))
	require.EqualValues(t, 2, hits.Load())
	err := get(t, guard(t, webhook.GuardConfig{Allow: []string{"0.0.0.0/0", "::/0"}}), "http://169.254.169.254/latest/meta-data/")
	require.True(t, fault.Is(err, webhook.ReasonTarget), "%v", err)
	err = get(t, guard(t, webhook.GuardConfig{}), u.String())
	require.True(t, fault.Is(err, webhook.ReasonTarget), "%v", err)
}

func TestRedirectsAreNotFollowed(t *testing.T) {
	t.Parallel()
	inner, hits := victim(t)
	outer := httptest.NewServer(http.RedirectHandler(inner.String(), http.StatusTemporaryRedirect))
	t.Cleanup(outer.Close)
	require.NoError(t, get(t, guard(t, webhook.GuardConfig{Allow: []string{"127.0.0.1"}}), outer.URL))
	require.Zero(t, hits.Load())
}
