package api

import (
	"context"
	"strings"
)

type (
	principalKey struct{}
	languageKey  struct{}
	requestIDKey struct{}
	clientKey    struct{}
)

// Client is where a request came from.
type Client struct {
	Address string
	Agent   string
	Cookies func(name string) string
}

// ClientOf gives the client of a request being served.
func ClientOf(ctx context.Context) Client {
	c, ok := ctx.Value(clientKey{}).(Client)
	if !ok {
		return Client{Cookies: func(string) string { return "" }}
	}
	return c
}

// Lang picks "zh" or "en" from an Accept-Language header: the first of the two that it names.
func Lang(acceptLanguage string) (string, bool) {
	for part := range strings.SplitSeq(acceptLanguage, ",") {
		tag := strings.ToLower(strings.TrimSpace(part))
		switch {
		case strings.HasPrefix(tag, "zh"):
			return "zh", true
		case strings.HasPrefix(tag, "en"):
			return "en", true
		}
	}
	return "", false
}

// Language is the language in which this request is answered: what the request asks for, else the
// signed-in user's own, else English.
func Language(ctx context.Context) string {
	if l, ok := ctx.Value(languageKey{}).(string); ok && l != "" {
		return l
	}
	return "en"
}

// RequestID is the identifier of the request, as sent back in X-Request-Id.
func RequestID(ctx context.Context) string {
	s, _ := ctx.Value(requestIDKey{}).(string)
	return s
}

func languageOf(acceptLanguage, userLang string) string {
	if l, ok := Lang(acceptLanguage); ok {
		return l
	}
	if l, ok := Lang(userLang); ok {
		return l
	}
	return "en"
}
