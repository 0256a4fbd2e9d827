// Package api is the HTTP boundary: huma operations with a policy each, RFC 9457 problems in the
// reader's language, idempotency keys on every mutation, cursor pages and entity tags. Domain
// packages register typed handlers here and never see net/http.
package api

import (
	"context"
	"net/http"
	"sort"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
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
	MaxBodyBytes  int64
}

// Authenticator finds the principal of a request, or nil with an error.
type Authenticator func(ctx huma.Context) (auth.Principal, error)

// API collects operations on one mux.
type API struct {
	Huma huma.API
	Mux  *http.ServeMux
	DB   *db.DB

	authenticate Authenticator
	ops          []Op
}

// New makes an API on a new mux.
func New(d *db.DB, version string, authenticate Authenticator) *API {
	mux := http.NewServeMux()
	cfg := huma.DefaultConfig("Capillary 微脉", version)
	cfg.OpenAPIPath = "/openapi"
	cfg.DocsPath = "" // a vendored page; the default loads from a CDN
	cfg.SchemasPath = ""
	cfg.CreateHooks = nil // no $schema property in bodies
	return &API{Huma: humago.New(mux, cfg), Mux: mux, DB: d, authenticate: authenticate}
}

// Operations lists what was registered, by path and method.
func (a *API) Operations() []Op {
	out := append([]Op(nil), a.ops...)
	sort.Slice(out, func(i, j int) bool { return out[i].Path+out[i].Method < out[j].Path+out[j].Method })
	return out
}

// Handle registers a typed operation: authenticate, check the policy, run.
func Handle[I, O any](a *API, op Op, fn func(ctx context.Context, p auth.Principal, in *I) (*O, error)) {
	a.ops = append(a.ops, op)
	huma.Register(a.Huma, huma.Operation{
		OperationID: op.ID, Method: op.Method, Path: op.Path, Summary: op.En, Description: op.Zh,
		Tags: []string{op.Tag}, DefaultStatus: op.Status, MaxBodyBytes: op.MaxBodyBytes,
		Middlewares: huma.Middlewares{a.guard(op)},
		Metadata:    map[string]any{"policy": op.Policy.String()},
	}, func(ctx context.Context, in *I) (*O, error) {
		p, _ := ctx.Value(principalKey{}).(auth.Principal)
		out, err := fn(ctx, p, in)
		if err != nil {
			return nil, problem(ctx, err)
		}
		return out, nil
	})
}

type principalKey struct{}

// guard authenticates and checks the policy before anything is decoded.
func (a *API) guard(op Op) func(huma.Context, func(huma.Context)) {
	return func(hc huma.Context, next func(huma.Context)) {
		if op.Policy.kind == "public" {
			next(hc)
			return
		}
		p, err := a.authenticate(hc)
		if err == nil && op.Policy.kind == "permission" {
			err = p.Require(op.Policy.permission)
		}
		if err == nil && op.Policy.kind == "" {
			err = fault.New(fault.ReasonForbidden, "permission", "(no policy)")
		}
		if err != nil {
			writeProblem(a.Huma, hc, err)
			return
		}
		next(huma.WithValue(hc, principalKey{}, p))
	}
}
