// Package observe makes the program visible to those who run it: structured logs without personal data,
// Prometheus metrics, OpenTelemetry traces, and the health and readiness pages.
package observe

import (
	"context"
	"encoding"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"reflect"
	"strings"
)

// secretKeys are attribute names whose values never reach a log (JR/T 0171 classes C2 and C3).
var secretKeys = []string{
	"password", "passwd", "secret", "token", "authorization", "cookie", "totp", "otp", "recovery", "dsn", "private_key",
	"id_no", "resident_id", "identity", "phone", "mobile", "account_no", "card", "bank_account", "address", "email",
}

const redacted = "[redacted]"

// NewLogger writes text or JSON at a level, masking secrets wherever they stand.
func NewLogger(w io.Writer, level, format string) *slog.Logger {
	var lv slog.Level
	if err := lv.UnmarshalText([]byte(level)); err != nil {
		lv = slog.LevelInfo
	}
	opts := &slog.HandlerOptions{Level: lv, ReplaceAttr: redact}
	if format == "json" {
		return slog.New(withRequest{slog.NewJSONHandler(w, opts)})
	}
	return slog.New(withRequest{slog.NewTextHandler(w, opts)})
}

func redact(_ []string, a slog.Attr) slog.Attr {
	if secretKey(a.Key) {
		return slog.String(a.Key, redacted)
	}
	if a.Value.Kind() == slog.KindAny {
		a.Value = redactValue(a.Value.Any())
	}
	return a
}

func secretKey(key string) bool {
	k := strings.ToLower(key)
	for _, s := range secretKeys {
		if strings.Contains(k, s) {
			return true
		}
	}
	return false
}

// redactValue looks into maps, structs and lists that somebody logs whole: they are shown as JSON with
// the secrets masked, and not at all when they cannot be.
func redactValue(v any) slog.Value {
	switch x := v.(type) {
	case error, fmt.Stringer, []byte, nil:
		return slog.AnyValue(v)
	case encoding.TextMarshaler:
		return slog.AnyValue(x)
	}
	switch reflect.Indirect(reflect.ValueOf(v)).Kind() {
	case reflect.Map, reflect.Struct, reflect.Slice, reflect.Array:
	default:
		return slog.AnyValue(v)
	}
	text, err := json.Marshal(v)
	if err != nil {
		return slog.StringValue(redacted)
	}
	var tree any
	if err := json.Unmarshal(text, &tree); err != nil {
		return slog.StringValue(redacted)
	}
	text, err = json.Marshal(mask(tree))
	if err != nil {
		return slog.StringValue(redacted)
	}
	return slog.StringValue(string(text))
}

func mask(tree any) any {
	switch x := tree.(type) {
	case map[string]any:
		for k, v := range x {
			if secretKey(k) {
				x[k] = redacted
			} else {
				x[k] = mask(v)
			}
		}
	case []any:
		for i := range x {
			x[i] = mask(x[i])
		}
	}
	return tree
}

type requestKey struct{}

// WithRequestID remembers the request's id for the log lines written under ctx.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestKey{}, id)
}

// RequestID is the id of the request under ctx, or "".
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}

// withRequest adds the request id to every line.
type withRequest struct{ slog.Handler }

func (h withRequest) Handle(ctx context.Context, r slog.Record) error {
	if id := RequestID(ctx); id != "" {
		r.AddAttrs(slog.String("request_id", id))
	}
	return h.Handler.Handle(ctx, r)
}

func (h withRequest) WithAttrs(a []slog.Attr) slog.Handler {
	return withRequest{h.Handler.WithAttrs(a)}
}
func (h withRequest) WithGroup(n string) slog.Handler { return withRequest{h.Handler.WithGroup(n)} }
