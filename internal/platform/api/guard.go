package api

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// guard authenticates, checks the policy and the rate, and claims the idempotency key before
// anything is decoded.
func (a *API) guard(op Op) func(huma.Context, func(huma.Context)) {
	return func(hc huma.Context, next func(huma.Context)) {
		r, _ := humago.Unwrap(hc)
		hc = huma.WithValue(hc, clientKey{}, Client{Address: a.ClientIP(r), Agent: r.UserAgent(), Cookies: func(name string) string {
			c, err := r.Cookie(name)
			if err != nil {
				return ""
			}
			return c.Value
		}})
		p, err := a.admit(hc, op)
		hc = huma.WithValue(hc, languageKey{}, languageOf(hc.Header("Accept-Language"), p.Lang))
		if err != nil {
			a.writeProblem(hc, op, err)
			return
		}
		if err := knownQuery(hc, op); err != nil {
			a.writeProblem(hc, op, err)
			return
		}
		hc = huma.WithValue(hc, principalKey{}, p)
		if !op.Idempotent() {
			next(hc)
			return
		}
		if err := a.once(hc, op, p, next); err != nil {
			a.writeProblem(hc, op, err)
		}
	}
}

// knownQuery refuses query parameters that the operation does not have, and doubled ones: a filter or date left out in silence
// gives an answer that is taken for another. Those of pages may stand on every list, also on one that is short enough for one page.
// Changes have their input in the body, and a raw operation that lists no parameters reads them itself.
func knownQuery(hc huma.Context, op Op) error {
	if op.Mutates() || op.raw && op.Query == nil {
		return nil
	}
	u := hc.URL()
	query := u.Query()
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(query)) {
		known := name == "limit" || name == "cursor"
		for _, p := range hc.Operation().Parameters {
			known = known || p.In == "query" && p.Name == name
		}
		switch {
		case !known:
			errs = append(errs, fault.Field(name, "未知的查询参数", "is not a parameter of this call"))
		case len(query[name]) > 1:
			errs = append(errs, fault.Field(name, "只能给一次", "is given twice"))
		}
	}
	return fault.Join(errs...)
}

// admit decides by the policy; an operation without one admits nobody.
func (a *API) admit(hc huma.Context, op Op) (auth.Principal, error) {
	now := a.DB.Now()
	switch op.Policy.kind {
	case "public":
		if op.Mutates() {
			return auth.Principal{}, a.perSignIn.Allow(network(a.clientAddress(hc)), now)
		}
		return auth.Principal{}, nil
	case "session", "permission":
	default:
		return auth.Principal{}, fault.New(fault.ReasonForbidden, "permission", "(no policy)")
	}
	p, err := a.authenticate(hc)
	if err != nil {
		return auth.Principal{}, err
	}
	if p.UserID == "" || p.InstitutionID == "" {
		return auth.Principal{}, fault.New(fault.ReasonUnauthenticated)
	}
	if err := a.perPrincipal.Allow(p.InstitutionID+"\x00"+p.UserID, now); err != nil {
		return p, err
	}
	if op.Policy.kind == "permission" {
		return p, p.Require(op.Policy.permission)
	}
	return p, nil
}

func (a *API) clientAddress(hc huma.Context) string {
	r, _ := humago.Unwrap(hc)
	return a.ClientIP(r)
}

// Raw registers an operation that reads the request and writes the response itself: uploads,
// downloads, event streams. It stands under the same policies and in the same OpenAPI document; it
// takes no idempotency key, so a raw change must be idempotent by nature. An error returned before
// anything was written becomes a problem.
func (a *API) Raw(op Op, fn func(w http.ResponseWriter, r *http.Request, p auth.Principal) error) {
	op.raw = true
	a.ops = append(a.ops, op)
	hop := a.describe(op)
	hop.Responses = map[string]*huma.Response{"200": {Description: "see the description"}}
	for _, name := range pathParameters(op.Path) {
		hop.Parameters = append(hop.Parameters, &huma.Param{Name: name, In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}})
	}
	for _, q := range op.Query {
		hop.Parameters = append(hop.Parameters, q.param())
	}
	a.Huma.OpenAPI().AddOperation(&hop)
	guard := a.guard(op)
	a.Huma.Adapter().Handle(&hop, func(hc huma.Context) {
		guard(hc, func(hc huma.Context) {
			p, _ := hc.Context().Value(principalKey{}).(auth.Principal)
			r, w := humago.Unwrap(hc)
			if op.MaxBodyBytes > 0 {
				r.Body = http.MaxBytesReader(w, r.Body, op.MaxBodyBytes)
			}
			out := &watched{ResponseWriter: w}
			if err := fn(out, r.WithContext(hc.Context()), p); err != nil {
				if out.wrote {
					a.log.WarnContext(hc.Context(), "response cut short", "operation", op.ID, "request_id", RequestID(hc.Context()), "error", err)
					panic(http.ErrAbortHandler) // the only way to tell the client that it is incomplete
				}
				a.writeProblem(hc, op, err)
			}
		})
	})
}

func pathParameters(path string) (out []string) {
	for i := 0; i < len(path); i++ {
		if path[i] != '{' {
			continue
		}
		end := i
		for end < len(path) && path[end] != '}' {
			end++
		}
		out = append(out, path[i+1:end])
		i = end
	}
	return out
}

// watched knows whether anything was written.
type watched struct {
	http.ResponseWriter

	wrote bool
}

func (w *watched) WriteHeader(code int)        { w.wrote = true; w.ResponseWriter.WriteHeader(code) }
func (w *watched) Write(b []byte) (int, error) { w.wrote = true; return w.ResponseWriter.Write(b) }

// Unwrap lets http.ResponseController reach flush and deadlines.
func (w *watched) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// Flush sends what was written so far, for event streams.
func (w *watched) Flush() {
	w.wrote = true
	_ = http.NewResponseController(w.ResponseWriter).Flush() // a writer that cannot flush sends at the end
}

// PrincipalOf gives the caller of a request being served, if it is signed in.
func PrincipalOf(ctx context.Context) (auth.Principal, bool) {
	p, ok := ctx.Value(principalKey{}).(auth.Principal)
	return p, ok && p.UserID != ""
}

// Audit lists what is wrong with the registered routes: no policy, a public or raw change that claims
// to take an idempotency key, missing names, an identifier used twice, a permission nobody declared, a
// path parameter that the input does not read.
func Audit(a *API) []string {
	var out []string
	declared := map[string]bool{}
	for _, c := range auth.PermissionCodes() {
		declared[c] = true
	}
	ids := map[string]bool{}
	for _, op := range a.Operations() {
		name := op.Method + " " + op.Path
		complain := func(problem string) { out = append(out, name+": "+problem) }
		if op.Policy.kind == "" {
			complain("has no policy")
		}
		if op.Policy.kind == "permission" && !declared[op.Policy.permission] {
			complain(fmt.Sprintf("needs %q, which no auth.DeclarePermission declares", op.Policy.permission))
		}
		if op.Idempotent() && op.Policy.IsPublic() {
			complain("is a public change: it must set NoIdempotency, for there is no actor to keep keys for")
		}
		if op.Zh == "" || op.En == "" || op.Tag == "" {
			complain("lacks a name in Chinese or English, or a tag")
		}
		if op.ID == "" || ids[op.ID] {
			complain(fmt.Sprintf("its identifier %q is empty or used twice", op.ID))
		}
		ids[op.ID] = true
		for _, name := range pathParameters(op.Path) {
			if !a.reads(op, name) {
				complain("does not read {" + name + "}: huma passes over unexported embedded structs")
			}
		}
	}
	return out
}

// reads reports whether the operation's input has the path parameter.
func (a *API) reads(op Op, name string) bool {
	h := a.operation(op)
	if h == nil {
		return false
	}
	for _, p := range h.Parameters {
		if p.In == "path" && p.Name == name {
			return true
		}
	}
	return false
}
