package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Problem is an RFC 9457 problem document with our stable code and remedy.
type Problem struct {
	Type   string         `json:"type"`
	Title  string         `json:"title"`
	Status int            `json:"status"`
	Detail string         `json:"detail,omitempty"`
	Code   string         `json:"code" doc:"stable reason code"`
	Remedy string         `json:"remedy,omitempty" doc:"what to do next"`
	Errors []ProblemField `json:"errors,omitempty"`
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

// ContentType is the media type of problems.
func (p *Problem) ContentType(string) string { return "application/problem+json" }

func problem(ctx context.Context, err error) *Problem {
	lang := "en"
	if p, ok := ctx.Value(principalKey{}).(auth.Principal); ok && p.Lang != "" {
		lang = p.Lang
	}
	return ProblemOf(err, lang)
}

// ProblemOf turns any error into a problem in lang; what is not a fault is internal and unexplained.
func ProblemOf(err error, lang string) *Problem {
	var done *Problem
	if errors.As(err, &done) {
		return done
	}
	faults := fault.All(err)
	if len(faults) == 0 {
		faults = []*fault.Error{fault.New(fault.ReasonInternal)}
	}
	first := faults[0]
	p := &Problem{
		Type: "urn:capillary:problem:" + first.Reason.Code, Title: first.Text(lang), Status: first.Reason.Kind.Status(),
		Code: first.Reason.Code, Remedy: first.RemedyText(lang),
	}
	for _, f := range faults {
		if f.Field != "" || f.Row != 0 {
			p.Errors = append(p.Errors, ProblemField{Field: f.Field, Row: f.Row, Code: f.Reason.Code, Message: f.Text(lang), Remedy: f.RemedyText(lang)})
		}
	}
	return p
}

func writeProblem(_ huma.API, hc huma.Context, err error) {
	p := ProblemOf(err, hc.Header("Accept-Language"))
	hc.SetHeader("Content-Type", p.ContentType(""))
	hc.SetStatus(p.Status)
	b, merr := jsonMarshal(p)
	if merr != nil {
		hc.SetStatus(http.StatusInternalServerError)
		return
	}
	_, _ = hc.BodyWriter().Write(b)
}
