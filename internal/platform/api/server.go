package api

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Handler is the mux behind what every request passes: request id, security headers, the address
// rate, refusal of cross-site changes, recovery from panics.
func (a *API) Handler() http.Handler {
	sites := http.NewCrossOriginProtection()
	sites.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.WriteProblem(w, r, fault.New(ReasonCrossOrigin))
	}))
	inner := sites.Handler(a.Mux)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.Header.Get("X-Request-Id")
		if !validRequestID(id) {
			id = strings.ToLower(rand.Text())
		}
		r = r.WithContext(context.WithValue(r.Context(), requestIDKey{}, id))
		w.Header().Set("X-Request-Id", id)
		a.secure(w.Header(), r)
		out := &watched{ResponseWriter: w}
		defer a.recover(out, r)
		if err := a.perAddress.Allow(network(a.ClientIP(r)), a.DB.Now()); err != nil {
			a.WriteProblem(out, r, err)
			return
		}
		if err := plainText(r.URL); err != nil {
			a.WriteProblem(out, r, err)
			return
		}
		inner.ServeHTTP(out, r)
	})
}

// plainText refuses an address whose path or query is not text: PostgreSQL keeps neither NUL nor bytes that
// are not UTF-8, and such a request is a mistake of the caller, not of the server.
func plainText(u *url.URL) error {
	query, err := url.QueryUnescape(u.RawQuery)
	if err == nil && isText(u.Path) && isText(query) {
		return nil
	}
	return fault.New(ReasonMalformed, "problem", "the address is not plain text", "problem_zh", "地址含有非文本字符").Wrap(err)
}

func isText(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

func (a *API) recover(w *watched, r *http.Request) {
	v := recover()
	if v == nil {
		return
	}
	if err, ok := v.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(v) // deliberate: the server closes the connection
	}
	a.log.ErrorContext(r.Context(), "panic", "request_id", RequestID(r.Context()), "path", r.URL.Path, "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
	if !w.wrote {
		a.WriteProblem(w, r, fault.New(fault.ReasonInternal))
		return
	}
	panic(http.ErrAbortHandler)
}

// secure sets the headers that browsers are told; pages that need another policy set their own.
func (a *API) secure(h http.Header, r *http.Request) {
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Frame-Options", "DENY")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=()")
	if a.https {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	if strings.HasPrefix(r.URL.Path, "/api/") {
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox")
		h.Set("Cache-Control", "no-store")
		h.Add("Vary", "Accept-Language")
	}
}

func validRequestID(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for _, c := range s {
		switch {
		case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c == '-', c == '_':
		default:
			return false
		}
	}
	return true
}

// ClientIP is the address of the caller; X-Forwarded-For counts only from a trusted proxy, and from it
// only the last address that is not a proxy itself, which the caller cannot forge.
func (a *API) ClientIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && a.trusts(host); i-- {
		ip, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		host = ip.Unmap().String()
	}
	return host
}

// network is what is limited as one address: whoever has an IPv6 address has the 2^64 of its network too.
func network(address string) string {
	ip, err := netip.ParseAddr(address)
	if err != nil || !ip.Is6() || ip.Is4In6() {
		return address
	}
	p, err := ip.Prefix(64)
	if err != nil {
		return address
	}
	return p.String()
}

func (a *API) trusts(host string) bool {
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return false
	}
	for _, p := range a.proxies {
		if p.Contains(ip.Unmap()) {
			return true
		}
	}
	return false
}

// unknownRoute answers under /api/ where no operation matches.
func (a *API) unknownRoute(w http.ResponseWriter, r *http.Request) {
	var allow []string
	for _, m := range []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		probe := &http.Request{Method: m, URL: r.URL, Host: r.Host}
		if _, pattern := a.Mux.Handler(probe); pattern != "" && pattern != "/api/" && pattern != "/" {
			allow = append(allow, m)
		}
	}
	if len(allow) > 0 {
		w.Header().Set("Allow", strings.Join(allow, ", "))
		p := ProblemOf(fault.New(ReasonMethod, "route", r.URL.Path, "allow", strings.Join(allow, ", ")), languageOf(r.Header.Get("Accept-Language"), ""))
		p.Status = http.StatusMethodNotAllowed
		a.WriteProblem(w, r, p)
		return
	}
	a.WriteProblem(w, r, fault.New(ReasonUnknownRoute, "route", r.Method+" "+r.URL.Path))
}

// Server is an http.Server with the limits a public server needs; long uploads and event streams
// have no write timeout, operations have their own.
func (a *API) Server(addr string) *http.Server {
	return &http.Server{
		Addr: addr, Handler: a.Handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
	}
}
