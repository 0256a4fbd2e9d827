// Package api is the HTTP boundary: huma operations with a policy each, RFC 9457 problems in the
// reader's language, idempotency keys on every mutation, cursor pages and entity tags. Domain
// packages register typed handlers here and never see net/http.
package api

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"reflect"
	"sort"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
)

// Policy says who may call an operation. The zero Policy refuses everybody, so that a route cannot
// be opened by forgetting it; a test lists every route with its policy.
type Policy struct {
	kind       string // "public", "session", "permission"
	permission string
}

// Public lets anybody call (sign-in, health).
func Public() Policy { return Policy{kind: "public"} }

// Session lets any signed-in caller call.
func Session() Policy { return Policy{kind: "session"} }

// Need lets callers with the permission call.
func Need(permission string) Policy { return Policy{kind: "permission", permission: permission} }

// Permission is the permission a Need policy asks for, or empty.
func (p Policy) Permission() string { return p.permission }

// IsPublic reports that anybody may call.
func (p Policy) IsPublic() bool { return p.kind == "public" }

// String names the policy for listings.
func (p Policy) String() string {
	if p.kind == "permission" {
		return p.permission
	}
	return p.kind
}

// Op describes an operation.
type Op struct {
	ID            string
	Method        string
	Path          string
	Tag           string
	Zh, En        string // summary in both languages
	Policy        Policy
	Status        int  // success status, default 200 (or 204 without a body)
	NoIdempotency bool // for mutations that are idempotent by nature (sign-in, preview)
	Secret        bool // the answer shows a secret once: it is never stored for a replay
	MaxBodyBytes  int64
	Timeout       time.Duration // default 60 s; raw operations have none of their own
	// Query lists the query parameters of a raw operation, which has no input type that could tell them. Others are then refused.
	Query []QueryParam

	raw bool
}

// QueryParam is a query parameter of a raw operation. With values it takes one of them; a date is written YYYY-MM-DD.
type QueryParam struct {
	Name, Doc string
	Values    []string
	Date      bool
}

func (q QueryParam) param() *huma.Param {
	s := &huma.Schema{Type: huma.TypeString}
	for _, v := range q.Values {
		s.Enum = append(s.Enum, v)
	}
	if q.Date {
		s.Format = "date"
	}
	return &huma.Param{Name: q.Name, In: "query", Description: q.Doc, Schema: s}
}

// Mutates reports whether the operation changes something by its method.
func (o Op) Mutates() bool {
	return o.Method != http.MethodGet && o.Method != http.MethodHead && o.Method != http.MethodOptions
}

// Idempotent reports whether the operation requires an Idempotency-Key.
func (o Op) Idempotent() bool { return o.Mutates() && !o.NoIdempotency && !o.raw }

// Raw reports an operation that reads or writes the connection itself.
func (o Op) Raw() bool { return o.raw }

// Authenticator finds the principal of a request, or nil with an error.
type Authenticator func(ctx huma.Context) (auth.Principal, error)

// API collects operations on one mux.
type API struct {
	Huma huma.API
	Mux  *http.ServeMux
	DB   *db.DB

	authenticate Authenticator
	ops          []Op
	log          *slog.Logger
	https        bool
	proxies      []netip.Prefix
	perPrincipal *Limiter
	perAddress   *Limiter
	perSignIn    *Limiter
}

// Option changes an API.
type Option func(*API)

// WithLogger sets where failures are logged.
func WithLogger(l *slog.Logger) Option { return func(a *API) { a.log = l } }

// WithHTTPS says that callers come by https, here or at a proxy: strict transport security is sent.
func WithHTTPS(on bool) Option { return func(a *API) { a.https = on } }

// WithTrustedProxies lists the networks whose X-Forwarded-For is believed.
func WithTrustedProxies(p ...netip.Prefix) Option { return func(a *API) { a.proxies = p } }

// Limits are the request rates; zero means the default, a negative rate none.
type Limits struct {
	PerPrincipal float64 // requests per second of one caller (default 200)
	PerAddress   float64 // of one address (default 500)
	PerSignIn    float64 // changes by callers who are not signed in, per address (default 1)
}

// WithLimits sets the request rates.
func WithLimits(l Limits) Option {
	return func(a *API) {
		a.perPrincipal = NewLimiter(orDefault(l.PerPrincipal, 200), 5)
		a.perAddress = NewLimiter(orDefault(l.PerAddress, 500), 4)
		a.perSignIn = NewLimiter(orDefault(l.PerSignIn, 1), 30)
	}
}

func orDefault(v, d float64) float64 {
	if v == 0 {
		return d
	}
	return v
}

// New makes an API on a new mux.
func New(d *db.DB, version string, authenticate Authenticator, opts ...Option) *API {
	installProblems()
	mux := http.NewServeMux()
	cfg := huma.DefaultConfig("Capillary 微脉", version)
	cfg.Info.Description = "Finance for small firms in one closed loop: evidence, profile, credit, loan, watch. " + describeConventions
	cfg.OpenAPIPath = "/openapi"
	cfg.DocsPath = "" // a vendored page; the default loads from a CDN
	cfg.SchemasPath = ""
	cfg.CreateHooks = nil // no $schema property in bodies
	cfg.Components.Schemas = huma.NewMapRegistry("#/components/schemas/", schemaName)
	cfg.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		"session": {Type: "apiKey", In: "cookie", Name: "capillary_session", Description: "set by POST /api/v1/session; named __Host-capillary_session over https"},
		"key":     {Type: "http", Scheme: "bearer", Description: "an API key: Authorization: Bearer cpk_..."},
	}
	cfg.Formats = strictFormats()
	a := &API{Huma: humago.New(mux, cfg), Mux: mux, DB: d, authenticate: authenticate, log: slog.Default()}
	WithLimits(Limits{})(a)
	for _, o := range opts {
		o(a)
	}
	a.registerDocs()
	a.Mux.HandleFunc("/api/", a.unknownRoute)
	return a
}

const describeConventions = "Every change needs an Idempotency-Key header; money is in minor units; errors are RFC 9457 problems with a stable code."

// Operations lists what was registered, by path and method.
func (a *API) Operations() []Op {
	out := append([]Op(nil), a.ops...)
	sort.Slice(out, func(i, j int) bool { return out[i].Path+out[i].Method < out[j].Path+out[j].Method })
	return out
}

const (
	timeoutDefault = 60 * time.Second
	bodyMaxDefault = 1 << 20
)

// Handle registers a typed operation: authenticate, check the policy, claim the idempotency key, run.
func Handle[I, O any](a *API, op Op, fn func(ctx context.Context, p auth.Principal, in *I) (*O, error)) {
	if op.Timeout == 0 {
		op.Timeout = timeoutDefault
	}
	if op.MaxBodyBytes == 0 {
		op.MaxBodyBytes = bodyMaxDefault
	}
	a.ops = append(a.ops, op)
	hop := a.describe(op)
	hop.Middlewares = huma.Middlewares{a.guard(op)}
	huma.Register(a.Huma, hop, func(ctx context.Context, in *I) (*O, error) {
		p, _ := ctx.Value(principalKey{}).(auth.Principal)
		ctx, cancel := context.WithTimeout(ctx, op.Timeout)
		defer cancel()
		out, err := fn(ctx, p, in)
		if err != nil {
			return nil, a.problem(ctx, op, err)
		}
		if out != nil {
			fillSlices(reflect.ValueOf(out))
		}
		return out, nil
	})
}

// describe is the operation as OpenAPI lists it.
func (a *API) describe(op Op) huma.Operation {
	h := huma.Operation{
		OperationID: op.ID, Method: op.Method, Path: op.Path, Summary: op.En, Description: op.Zh,
		Tags: []string{op.Tag}, DefaultStatus: op.Status, MaxBodyBytes: op.MaxBodyBytes,
		Metadata:   map[string]any{"policy": op.Policy.String()},
		Extensions: map[string]any{"x-policy": op.Policy.String(), "x-summary-zh": op.Zh},
	}
	if !op.Policy.IsPublic() {
		h.Security = []map[string][]string{{"session": {}}, {"key": {}}}
	}
	if op.Idempotent() {
		lo, hi := 1, idempotencyKeyMax
		h.Parameters = append(h.Parameters, &huma.Param{
			Name: idempotencyHeader, In: "header", Required: true,
			Description: "one key per intention; the same key gives the same answer for 24 hours",
			Schema:      &huma.Schema{Type: huma.TypeString, MinLength: &lo, MaxLength: &hi},
		})
	}
	return h
}

// fillSlices makes nil lists empty ones: clients are promised arrays, never null.
func fillSlices(v reflect.Value) {
	switch v.Kind() { //nolint:exhaustive // the others hold no lists
	case reflect.Pointer:
		if !v.IsNil() {
			fillSlices(v.Elem())
		}
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Field(i); f.CanSet() {
				fillSlices(f)
			}
		}
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return
		}
		if v.IsNil() && v.CanSet() {
			v.Set(reflect.MakeSlice(v.Type(), 0, 0))
		}
		switch v.Type().Elem().Kind() { //nolint:exhaustive // the others hold no lists
		case reflect.Struct, reflect.Pointer, reflect.Slice:
			for i := range v.Len() {
				fillSlices(v.Index(i))
			}
		}
	}
}
