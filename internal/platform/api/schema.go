package api

import (
	"reflect"
	"strings"

	"github.com/danielgtaylor/huma/v2"
)

// schemaName names a schema after its package and type, so that two domains may both have an Event:
// loan.Event is LoanEvent, facility.Facility stays Facility, api.Page[loan.Event] is PageLoanEvent.
func schemaName(t reflect.Type, hint string) string {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if t.Name() == "" {
		return huma.DefaultSchemaNamer(t, hint)
	}
	pkg := t.PkgPath()
	return qualified(pkg[strings.LastIndex(pkg, "/")+1:], t.Name())
}

func qualified(pkg, name string) string {
	base, args, generic := strings.Cut(name, "[")
	out := upperFirst(base)
	if pkg != "" && pkg != "api" && !strings.HasPrefix(strings.ToLower(base), strings.ToLower(pkg)) {
		out = upperFirst(pkg) + out
	}
	if !generic {
		return out
	}
	for arg := range strings.SplitSeq(strings.TrimSuffix(args, "]"), ",") {
		stars := strings.Trim(arg, "*[]")
		p, n, ok := strings.Cut(stars[strings.LastIndex(stars, "/")+1:], ".")
		if !ok {
			p, n = "", p
		}
		out += qualified(p, n)
	}
	return out
}

func upperFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}
