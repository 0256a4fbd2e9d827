package api

import (
	"bytes"
	_ "embed" // the page's parts
	"html/template"
	"net/http"
	"sort"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// The documentation page is made on the server from the OpenAPI object: no script or style of another
// host, and readable without scripts.
var (
	//go:embed page/docs.html
	docsHTML string
	//go:embed page/docs.css
	docsCSS []byte
	//go:embed page/docs.js
	docsJS []byte

	docsPage = template.Must(template.New("docs").Parse(docsHTML))
)

const docsPolicy = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; object-src 'none'"

func (a *API) registerDocs() {
	asset := func(kind string, data []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", kind)
			w.Header().Set("Cache-Control", "public, max-age=3600")
			_, _ = w.Write(data) // the reader has gone if this fails
		}
	}
	a.Mux.HandleFunc("GET /docs", a.serveDocs)
	a.Mux.HandleFunc("GET /docs/docs.css", asset("text/css; charset=utf-8", docsCSS))
	a.Mux.HandleFunc("GET /docs/docs.js", asset("text/javascript; charset=utf-8", docsJS))
}

// docs is what the page shows.
type docs struct {
	Lang, Other, Version string
	Zh                   bool
	Groups               []docsGroup
	Reasons              []docsReason
	Count                int
}

type docsGroup struct {
	Name string
	Ops  []docsOp
}

type docsOp struct {
	ID, Method, Path, Summary, Policy string
	Public, Keyed                     bool
	Params                            []docsRow
	Request, Response                 []docsRow
	Status                            string
}

type docsRow struct {
	Name, In, Type, Note string
	Required             bool
	Depth                int
}

type docsReason struct {
	Code, Message, Remedy string
	Status                int
}

func (a *API) serveDocs(w http.ResponseWriter, r *http.Request) {
	lang := r.URL.Query().Get("lang")
	if lang != "zh" && lang != "en" {
		lang = languageOf(r.Header.Get("Accept-Language"), "")
	}
	var out bytes.Buffer
	if err := docsPage.Execute(&out, a.docs(lang)); err != nil {
		a.WriteProblem(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", docsPolicy)
	w.Header().Set("Vary", "Accept-Language")
	_, _ = w.Write(out.Bytes()) // the reader has gone if this fails
}

func (a *API) docs(lang string) docs {
	spec := a.Huma.OpenAPI()
	d := docs{Lang: lang, Other: "en", Version: spec.Info.Version, Zh: lang == "zh"}
	if lang == "en" {
		d.Other = "zh"
	}
	groups := map[string][]docsOp{}
	for _, op := range a.Operations() {
		groups[op.Tag] = append(groups[op.Tag], a.docsOp(op, lang))
		d.Count++
	}
	for name, ops := range groups {
		d.Groups = append(d.Groups, docsGroup{Name: name, Ops: ops})
	}
	sort.Slice(d.Groups, func(i, j int) bool { return d.Groups[i].Name < d.Groups[j].Name })
	for _, r := range fault.Reasons() {
		d.Reasons = append(d.Reasons, docsReason{r.Code, r.Message.In(lang), r.Remedy.In(lang), r.Kind.Status()})
	}
	return d
}

func (a *API) docsOp(op Op, lang string) docsOp {
	out := docsOp{ID: op.ID, Method: op.Method, Path: op.Path, Summary: fault.Text{Zh: op.Zh, En: op.En}.In(lang), Policy: op.Policy.String(), Public: op.Policy.IsPublic(), Keyed: op.Idempotent()}
	h := a.operation(op)
	if h == nil {
		return out
	}
	for _, p := range h.Parameters {
		out.Params = append(out.Params, docsRow{Name: p.Name, In: p.In, Type: typeName(p.Schema), Note: note(p.Description, p.Schema), Required: p.Required})
	}
	if h.RequestBody != nil {
		out.Request = a.docsBody(h.RequestBody.Content)
	}
	for _, code := range []string{"200", "201", "202", "204"} {
		if res := h.Responses[code]; res != nil {
			out.Status, out.Response = code, a.docsBody(res.Content)
			break
		}
	}
	return out
}

func (a *API) operation(op Op) *huma.Operation {
	item := a.Huma.OpenAPI().Paths[op.Path]
	if item == nil {
		return nil
	}
	for _, h := range []*huma.Operation{item.Get, item.Post, item.Put, item.Patch, item.Delete, item.Head} {
		if h != nil && h.OperationID == op.ID {
			return h
		}
	}
	return nil
}

func (a *API) docsBody(content map[string]*huma.MediaType) []docsRow {
	var rows []docsRow
	if m := content["application/json"]; m != nil && m.Schema != nil {
		a.flatten(&rows, m.Schema, 0)
	}
	return rows
}

// docsDepthMax keeps recursive schemas finite.
const docsDepthMax = 4

func (a *API) flatten(rows *[]docsRow, s *huma.Schema, depth int) {
	s = a.resolve(s)
	if s != nil && s.Type == huma.TypeArray {
		s = a.resolve(s.Items)
	}
	if s == nil || depth > docsDepthMax {
		return
	}
	required := map[string]bool{}
	for _, n := range s.Required {
		required[n] = true
	}
	names := make([]string, 0, len(s.Properties))
	for n := range s.Properties {
		names = append(names, n)
	}
	sort.Strings(names)
	for _, n := range names {
		p := s.Properties[n]
		*rows = append(*rows, docsRow{Name: n, Type: typeName(p), Note: note(p.Description, p), Required: required[n], Depth: depth})
		a.flatten(rows, p, depth+1)
	}
}

func (a *API) resolve(s *huma.Schema) *huma.Schema {
	for s != nil && s.Ref != "" {
		s = a.Huma.OpenAPI().Components.Schemas.SchemaFromRef(s.Ref)
	}
	return s
}

func typeName(s *huma.Schema) string {
	switch {
	case s == nil:
		return ""
	case s.Ref != "":
		return s.Ref[strings.LastIndex(s.Ref, "/")+1:]
	case s.Type == huma.TypeArray:
		return typeName(s.Items) + "[]"
	case s.Format != "":
		return s.Type + " " + s.Format
	case s.Type == "":
		return "any"
	}
	return s.Type
}

func note(description string, s *huma.Schema) string {
	if s == nil || len(s.Enum) == 0 {
		return description
	}
	var values []string
	for _, v := range s.Enum {
		if text, ok := v.(string); ok {
			values = append(values, text)
		}
	}
	return strings.TrimSpace(description + " (" + strings.Join(values, " | ") + ")")
}
