package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"regexp"
	"strings"
	"sync"

	"github.com/danielgtaylor/huma/v2"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Problem is an RFC 9457 problem document with our stable code and remedy.
type Problem struct {
	Type      string         `json:"type"`
	Title     string         `json:"title"`
	Status    int            `json:"status"`
	Detail    string         `json:"detail,omitempty"`
	Code      string         `json:"code" doc:"stable reason code"`
	Remedy    string         `json:"remedy,omitempty" doc:"what to do next"`
	RequestID string         `json:"request_id,omitempty" doc:"give this to support"`
	Errors    []ProblemField `json:"errors,omitempty"`

	headers http.Header
}

// ProblemField is one bad field or row.
type ProblemField struct {
	Field   string `json:"field,omitempty"`
	Row     int    `json:"row,omitempty"`
	Code    string `json:"code"`
	Message string `json:"message"`
	Remedy  string `json:"remedy,omitempty"`
}

// Error makes Problem an error.
func (p *Problem) Error() string { return p.Code + ": " + p.Title }

// GetStatus makes Problem a huma.StatusError.
func (p *Problem) GetStatus() int { return p.Status }

// GetHeaders gives headers that go with the problem (Retry-After).
func (p *Problem) GetHeaders() http.Header { return p.headers }

// ContentType is the media type of problems.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

func (a *API) problem(ctx context.Context, op Op, err error) *Problem {
	p := ProblemOf(err, Language(ctx))
	p.RequestID = RequestID(ctx)
	if p.Status >= http.StatusInternalServerError {
		a.log.ErrorContext(ctx, "request failed", "operation", op.ID, "request_id", p.RequestID, "error", err)
	}
	return p
}

// ProblemOf turns any error into a problem in lang; what is not a fault is internal and unexplained.
func ProblemOf(err error, lang string) *Problem {
	var done *Problem
	if errors.As(err, &done) {
		return done
	}
	faults := fault.All(err)
	if len(faults) == 0 {
		faults = []*fault.Error{unexplained(err)}
	}
	first := faults[0]
	p := &Problem{
		Type: "urn:capillary:problem:" + first.Reason.Code, Title: first.Text(lang), Status: first.Reason.Kind.Status(),
		Code: first.Reason.Code, Remedy: first.RemedyText(lang),
	}
	if s := first.Meta["seconds"]; s != "" && p.Status == http.StatusTooManyRequests {
		p.headers = http.Header{"Retry-After": {s}}
	}
	for _, f := range faults {
		if f.Field != "" || f.Row != 0 {
			p.Errors = append(p.Errors, ProblemField{Field: f.Field, Row: f.Row, Code: f.Reason.Code, Message: f.Text(lang), Remedy: f.RemedyText(lang)})
		}
	}
	return p
}

func unexplained(err error) *fault.Error {
	var tooBig *http.MaxBytesError
	switch {
	case errors.As(err, &tooBig):
		return fault.New(fault.ReasonTooLarge, "what", "request body", "what_zh", "请求体", "limit", tooBig.Limit)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return fault.New(fault.ReasonUnavailable, "what", "the operation within its time limit", "what_zh", "在时限内完成该操作")
	case db.IsUnavailable(err):
		return fault.New(fault.ReasonUnavailable, "what", "the database", "what_zh", "数据库")
	}
	return fault.New(fault.ReasonInternal)
}

func (a *API) writeProblem(hc huma.Context, op Op, err error) {
	ctx := hc.Context()
	if _, ok := ctx.Value(languageKey{}).(string); !ok {
		ctx = context.WithValue(ctx, languageKey{}, languageOf(hc.Header("Accept-Language"), ""))
	}
	p := a.problem(ctx, op, err)
	for k := range p.headers {
		hc.SetHeader(k, p.headers.Get(k))
	}
	hc.SetHeader("Content-Type", p.ContentType(""))
	hc.SetStatus(p.Status)
	_ = json.NewEncoder(hc.BodyWriter()).Encode(p) // the caller has gone if this fails
}

// WriteProblem answers a plain handler's request with the problem of err.
func (a *API) WriteProblem(w http.ResponseWriter, r *http.Request, err error) {
	ctx := r.Context()
	if _, ok := ctx.Value(languageKey{}).(string); !ok {
		ctx = context.WithValue(ctx, languageKey{}, languageOf(r.Header.Get("Accept-Language"), ""))
	}
	p := a.problem(ctx, Op{ID: r.Method + " " + r.URL.Path}, err)
	for k := range p.headers {
		w.Header().Set(k, p.headers.Get(k))
	}
	w.Header().Set("Content-Type", p.ContentType(""))
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the caller has gone if this fails
}

var installOnce sync.Once

// installProblems makes huma's own errors (validation, media types, body size) problems like ours.
func installProblems() {
	installOnce.Do(func() {
		huma.DefaultArrayNullable = false
		huma.ValidateStrictCasing = true
		huma.NewError = func(status int, msg string, errs ...error) huma.StatusError {
			return fromHuma("en", status, msg, errs)
		}
		huma.NewErrorWithContext = func(hc huma.Context, status int, msg string, errs ...error) huma.StatusError {
			lang := languageOf(hc.Header("Accept-Language"), "")
			if l, ok := hc.Context().Value(languageKey{}).(string); ok {
				lang = l
			}
			p := fromHuma(lang, status, msg, errs)
			p.RequestID = RequestID(hc.Context())
			return p
		}
	})
}

func fromHuma(lang string, status int, msg string, errs []error) *Problem {
	var faults []error
	for _, err := range errs {
		if err != nil && strings.HasPrefix(err.Error(), "unknown content type") {
			return ProblemOf(fault.New(ReasonMediaType), lang)
		}
		var detail *huma.ErrorDetail
		if !errors.As(err, &detail) {
			if err != nil {
				faults = append(faults, fault.New(fault.ReasonInternal).Wrap(err))
			}
			continue
		}
		if status == http.StatusBadRequest {
			zh, en := translate(detail.Message)
			faults = append(faults, fault.New(ReasonMalformed, "problem", en, "problem_zh", zh))
			continue
		}
		faults = append(faults, fieldFault(detail))
	}
	if len(faults) == 0 {
		faults = append(faults, statusFault(status, msg))
	}
	return ProblemOf(fault.Join(faults...), lang)
}

func fieldFault(d *huma.ErrorDetail) *fault.Error {
	field := strings.TrimPrefix(d.Location, "body.")
	for _, prefix := range []string{"query.", "path.", "header."} {
		field = strings.TrimPrefix(field, prefix)
	}
	if name, ok := requiredProperty(d.Message); ok {
		if field == "body" || field == "" {
			return fault.Required(name)
		}
		return fault.Required(field + "." + name)
	}
	message := d.Message
	if m := placed.FindStringSubmatch(message); m != nil && field == "body" {
		field, message = m[1], m[2]
	}
	zh, en := translate(message)
	return fault.Field(field, zh, en)
}

// placed is the form of misplaced.
var placed = regexp.MustCompile(`^at ([\w.\[\]]+): (.*)$`)

func statusFault(status int, msg string) *fault.Error {
	zh, en := translate(msg)
	switch status {
	case http.StatusRequestEntityTooLarge:
		return fault.New(fault.ReasonTooLarge, "what", "request body", "what_zh", "请求体", "limit", strings.TrimPrefix(msg, "request body is too large limit="))
	case http.StatusUnsupportedMediaType, http.StatusNotAcceptable:
		return fault.New(ReasonMediaType)
	case http.StatusRequestTimeout:
		return fault.New(fault.ReasonUnavailable, "what", "reading the request", "what_zh", "读取请求")
	case http.StatusInternalServerError:
		return fault.New(fault.ReasonInternal)
	}
	return fault.New(ReasonMalformed, "problem", en, "problem_zh", zh)
}
