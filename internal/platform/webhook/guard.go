package webhook

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Guard keeps requests that others can aim (server-side request forgery) away from everything that is
// not public: it resolves the name itself, refuses when any address is not public, connects to the
// address it has checked (so that a name cannot be rebound in between), and looks once more at the
// socket's address when connecting.
type Guard struct {
	hosts    []string
	networks []netip.Prefix
	ports    []int
	resolve  Resolver
}

// Resolver finds the addresses of a host.
type Resolver func(ctx context.Context, host string) ([]netip.Addr, error)

// GuardConfig opens the guard for targets on premise.
type GuardConfig struct {
	// Allow lists host names ("erp.bank.example"), addresses and networks ("10.8.0.0/16") that may be
	// reached although they are not public. Cloud metadata addresses never may.
	Allow []string
	// Ports that may be reached (default 443 and 8443; an allowed host may use any).
	Ports []int
	// Resolve is the resolver (default the system's).
	Resolve Resolver
}

// NewGuard checks the configuration.
func NewGuard(c GuardConfig) (*Guard, error) {
	g := &Guard{ports: c.Ports, resolve: c.Resolve}
	if len(g.ports) == 0 {
		g.ports = []int{443, 8443}
	}
	if g.resolve == nil {
		g.resolve = func(ctx context.Context, host string) ([]netip.Addr, error) {
			return net.DefaultResolver.LookupNetIP(ctx, "ip", host)
		}
	}
	for _, a := range c.Allow {
		a = strings.TrimSpace(a)
		switch {
		case a == "":
		case strings.Contains(a, "/"):
			p, err := netip.ParsePrefix(a)
			if err != nil {
				return nil, fmt.Errorf("webhook allow list: %q is not a network: %w", a, err)
			}
			g.networks = append(g.networks, p.Masked())
		default:
			if ip, err := netip.ParseAddr(a); err == nil {
				g.networks = append(g.networks, netip.PrefixFrom(ip, ip.BitLen()))
			} else {
				g.hosts = append(g.hosts, strings.ToLower(strings.TrimSuffix(a, ".")))
			}
		}
	}
	return g, nil
}

// never lists addresses that hand out credentials to whoever asks from inside; no allow list opens them.
var never = []netip.Addr{
	netip.MustParseAddr("169.254.169.254"), // AWS, GCP, Azure, Huawei, Tencent
	netip.MustParseAddr("169.254.170.2"),   // ECS tasks
	netip.MustParseAddr("100.100.100.200"), // Alibaba Cloud
	netip.MustParseAddr("168.63.129.16"),   // Azure wire server
	netip.MustParseAddr("fd00:ec2::254"),   // AWS
}

// special are the networks that are not the public internet (IANA special-purpose registries).
var special = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
	"192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
	"224.0.0.0/4", "240.0.0.0/4",
	"2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20", "2620:4f:8000::/48",
)

var globalUnicast6 = netip.MustParsePrefix("2000::/3")

func prefixes(texts ...string) []netip.Prefix {
	out := make([]netip.Prefix, 0, len(texts))
	for _, t := range texts {
		out = append(out, netip.MustParsePrefix(t))
	}
	return out
}

// Public reports that an address is on the public internet. IPv4 in IPv6 clothing is judged as IPv4;
// other IPv6 outside 2000::/3 (loopback, unique local, link local, NAT64, multicast) never is public.
func Public(a netip.Addr) bool {
	if !a.IsValid() || a.Zone() != "" {
		return false
	}
	a = a.Unmap()
	if slices.Contains(never, a) {
		return false
	}
	if a.Is6() && !globalUnicast6.Contains(a) {
		return false
	}
	for _, p := range special {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// mayReach is Public or allowed by configuration.
func (g *Guard) mayReach(host string, a netip.Addr) bool {
	a = a.WithZone("").Unmap()
	if slices.Contains(never, a) {
		return false
	}
	if Public(a) || g.allowsHost(host) {
		return true
	}
	return slices.ContainsFunc(g.networks, func(p netip.Prefix) bool { return p.Contains(a) })
}

func (g *Guard) allowsHost(host string) bool {
	return slices.Contains(g.hosts, strings.ToLower(strings.TrimSuffix(host, ".")))
}

// allowsNetwork reports that a literal address is on the allow list.
func (g *Guard) allowsNetwork(host string) bool {
	a, err := netip.ParseAddr(host)
	return err == nil && slices.ContainsFunc(g.networks, func(p netip.Prefix) bool { return p.Contains(a.Unmap()) })
}

const urlBytesMax = 2000

// CheckURL checks the form of a target, before anything is resolved: https (plain http only to allowed
// targets), no credentials, an allowed port.
func (g *Guard) CheckURL(text string) error {
	bad := func(zh, en string) error { return fault.Field("url", zh, en) }
	if len(text) > urlBytesMax {
		return fault.New(fault.ReasonTooLarge, "what", "url", "limit", urlBytesMax).WithField("url")
	}
	u, err := url.Parse(text)
	if err != nil || u.Host == "" || u.Opaque != "" || u.Hostname() == "" {
		return bad("不是完整的网址", "is not an absolute URL")
	}
	known := g.allowsHost(u.Hostname()) || g.allowsNetwork(u.Hostname())
	switch {
	case u.Scheme != "https" && (u.Scheme != "http" || !known):
		return bad("必须使用 https", "must use https")
	case u.User != nil:
		return bad("不得含用户名或密码", "must not contain credentials")
	case u.Fragment != "":
		return bad("不得含 # 片段", "must not contain a fragment")
	case !known && !g.allowsPort(u.Scheme, u.Port()):
		return bad("端口不在允许范围", "uses a port that is not allowed")
	}
	if a, err := netip.ParseAddr(u.Hostname()); err == nil && !g.mayReach(u.Hostname(), a) {
		return refused(u.Hostname())
	}
	return nil
}

func (g *Guard) allowsPort(scheme, port string) bool {
	if port == "" {
		port = map[string]string{"https": "443", "http": "80"}[scheme]
	}
	n, err := strconv.Atoi(port)
	return err == nil && slices.Contains(g.ports, n)
}

func refused(host string) *fault.Error { return fault.New(ReasonTarget, "host", host).WithField("url") }

// dial resolves, checks every address and connects to one that was checked.
func (g *Guard) dial(ctx context.Context, network, target string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(target)
	if err != nil {
		return nil, refused(target).Wrap(err)
	}
	if !g.allowsHost(host) && !g.allowsNetwork(host) && !g.allowsPort("", port) {
		return nil, refused(target)
	}
	addrs, err := g.lookup(ctx, host)
	if err != nil {
		return nil, err
	}
	// One address that is not public spoils the name: it is not a public service.
	for _, a := range addrs {
		if !g.mayReach(host, a) {
			return nil, refused(host)
		}
	}
	d := net.Dialer{Timeout: dialTimeout, KeepAlive: -1, ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
		ap, err := netip.ParseAddrPort(address)
		if err != nil || !g.mayReach(host, ap.Addr()) {
			return refused(host)
		}
		return nil
	}}
	var errs []error
	for _, a := range addrs[:min(len(addrs), 4)] {
		conn, err := d.DialContext(ctx, network, net.JoinHostPort(a.String(), port))
		if err == nil {
			return conn, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

func (g *Guard) lookup(ctx context.Context, host string) ([]netip.Addr, error) {
	if a, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{a}, nil
	}
	addrs, err := g.resolve(ctx, host)
	if err != nil {
		return nil, fmt.Errorf("resolve %s: %w", host, err)
	}
	if len(addrs) == 0 {
		return nil, fmt.Errorf("resolve %s: no address", host)
	}
	return addrs, nil
}

// Limits of one request.
const (
	dialTimeout        = 5 * time.Second
	requestTimeout     = 10 * time.Second
	responseBytesMax   = 64 << 10
	responseHeaderMax  = 16 << 10
	tlsHandshakeWithin = 5 * time.Second
)

// Client is an HTTP client whose every connection goes through the guard: no proxy, no redirects, no
// kept connections, bounded headers and time.
func (g *Guard) Client() *http.Client {
	return &http.Client{
		Timeout: requestTimeout,
		Transport: &http.Transport{
			Proxy: nil, DialContext: g.dial, DisableKeepAlives: true, TLSHandshakeTimeout: tlsHandshakeWithin,
			MaxResponseHeaderBytes: responseHeaderMax, ResponseHeaderTimeout: requestTimeout,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
