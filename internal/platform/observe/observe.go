package observe

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.26.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/capillary-finance/capillary/internal/platform/db"
)

// Config says what to expose.
type Config struct {
	Version      string
	MetricsToken string // empty: /metrics answers loopback only
	OTLPEndpoint string // empty: no traces leave
	Log          *slog.Logger
}

// Check is one condition of readiness.
type Check struct {
	Name string
	Fn   func(ctx context.Context) error
}

// Observe holds the registry, the tracer and the readiness checks.
type Observe struct {
	Registry *prometheus.Registry

	cfg      Config
	provider *sdktrace.TracerProvider
	requests *prometheus.HistogramVec
	inflight prometheus.Gauge
	draining atomic.Bool

	mu     sync.Mutex
	checks []Check
	mux    *http.ServeMux // asked for the route when handlers in between copied the request
}

// New sets up metrics and, when an endpoint is configured, traces.
func New(ctx context.Context, cfg Config) (*Observe, error) {
	o := &Observe{cfg: cfg, Registry: prometheus.NewRegistry()}
	if o.cfg.Log == nil {
		o.cfg.Log = slog.Default()
	}
	o.requests = prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "capillary_http_request_seconds", Help: "Duration of HTTP requests by route and status.",
		Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10},
	}, []string{"method", "route", "status"})
	o.inflight = prometheus.NewGauge(prometheus.GaugeOpts{Name: "capillary_http_inflight_requests", Help: "HTTP requests being served."})
	info := prometheus.NewGauge(prometheus.GaugeOpts{Name: "capillary_build_info", Help: "Always 1; the version is the label.", ConstLabels: prometheus.Labels{"version": cfg.Version}})
	info.Set(1)
	o.Registry.MustRegister(o.requests, o.inflight, info, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	if cfg.OTLPEndpoint != "" {
		exp, err := otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(cfg.OTLPEndpoint))
		if err != nil {
			return nil, err
		}
		o.provider = sdktrace.NewTracerProvider(sdktrace.WithBatcher(exp), sdktrace.WithResource(resource.NewSchemaless(
			semconv.ServiceName("capillary"), semconv.ServiceVersion(cfg.Version))))
		otel.SetTracerProvider(o.provider)
		otel.SetTextMapPropagator(propagation.TraceContext{})
	}
	return o, nil
}

// WatchDB exports the connection pools.
func (o *Observe) WatchDB(d *db.DB) {
	o.Registry.MustRegister(collectors.NewDBStatsCollector(d.Writer(), string(d.Dialect())))
}

// Gauge exports a number read at each scrape (event lag, job counts).
func (o *Observe) Gauge(name, help string, read func() float64) {
	o.Registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, read))
}

// AddCheck adds a condition of readiness.
func (o *Observe) AddCheck(c Check) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.checks = append(o.checks, c)
}

// Drain makes readiness fail, so that a load balancer sends no more work before the server stops.
func (o *Observe) Drain() { o.draining.Store(true) }

// Shutdown sends the last traces.
func (o *Observe) Shutdown(ctx context.Context) error {
	if o.provider == nil {
		return nil
	}
	return o.provider.Shutdown(ctx)
}

// Middleware gives every request an id, a span, a log line and a measurement.
func (o *Observe) Middleware(next http.Handler) http.Handler {
	inner := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		id := requestID(r)
		w.Header().Set("X-Request-ID", id)
		ctx := WithRequestID(r.Context(), id)
		rec := &recorder{ResponseWriter: w, status: http.StatusOK}
		o.inflight.Inc()
		defer o.inflight.Dec()
		r = r.WithContext(ctx)
		r.Header.Set("X-Request-ID", id) // handlers further in use the same
		next.ServeHTTP(rec, r)
		route := o.route(r)
		took := time.Since(start)
		trace.SpanFromContext(ctx).SetName(route)
		o.requests.WithLabelValues(r.Method, route, strconv.Itoa(rec.status)).Observe(took.Seconds())
		level := slog.LevelDebug
		if rec.status >= http.StatusInternalServerError {
			level = slog.LevelError
		}
		o.cfg.Log.Log(ctx, level, "request", "method", r.Method, "route", route, "status", rec.status, "ms", took.Milliseconds(), "bytes", rec.bytes)
	})
	if o.provider == nil {
		return inner
	}
	return otelhttp.NewHandler(inner, "http")
}

// route is the pattern that served the request, never the address with its ids.
func (o *Observe) route(r *http.Request) string {
	if r.Pattern != "" {
		return r.Pattern
	}
	o.mu.Lock()
	mux := o.mux
	o.mu.Unlock()
	if mux != nil {
		if _, pattern := mux.Handler(r); pattern != "" {
			return pattern
		}
	}
	return "other"
}

// Span begins a span and gives the function that ends it; it fits job.Config.Trace. Without a tracer
// it costs next to nothing.
func (o *Observe) Span(ctx context.Context, name, id string) (context.Context, func(error)) {
	ctx, span := otel.Tracer("capillary").Start(ctx, name, trace.WithAttributes(attribute.String("id", id)))
	return ctx, func(err error) {
		if err != nil {
			span.SetStatus(codes.Error, "failed") // the text may hold business data; the log has it
		}
		span.End()
	}
}

// requestID keeps a caller's id when it is harmless and makes one otherwise.
func requestID(r *http.Request) string {
	id := r.Header.Get("X-Request-ID")
	ok := len(id) > 0 && len(id) <= 64
	for _, c := range id {
		ok = ok && (c == '-' || c == '_' || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z')
	}
	if ok {
		return id
	}
	b := make([]byte, 8)
	_, _ = rand.Read(b)
	return hex.EncodeToString(b)
}

type recorder struct {
	http.ResponseWriter
	status int
	bytes  int64
	wrote  bool
}

func (r *recorder) WriteHeader(code int) {
	if !r.wrote {
		r.status, r.wrote = code, true
	}
	r.ResponseWriter.WriteHeader(code)
}

func (r *recorder) Write(b []byte) (int, error) {
	r.wrote = true
	n, err := r.ResponseWriter.Write(b)
	r.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController reach flushing and deadlines.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// Flush passes streaming through.
func (r *recorder) Flush() { _ = http.NewResponseController(r.ResponseWriter).Flush() }

// Routes adds /healthz (the process lives), /readyz (it can do its work) and /metrics.
func (o *Observe) Routes(mux *http.ServeMux) {
	o.mu.Lock()
	o.mux = mux
	o.mu.Unlock()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		reply(w, http.StatusOK, map[string]string{"status": "ok", "version": o.cfg.Version})
	})
	mux.HandleFunc("GET /readyz", o.ready)
	metrics := promhttp.HandlerFor(o.Registry, promhttp.HandlerOpts{})
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, r *http.Request) {
		if !o.mayScrape(r) {
			http.Error(w, "metrics: loopback or a bearer token only", http.StatusForbidden)
			return
		}
		metrics.ServeHTTP(w, r)
	})
}

func (o *Observe) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
	defer cancel()
	o.mu.Lock()
	checks := append([]Check(nil), o.checks...)
	o.mu.Unlock()
	out, status := map[string]string{}, http.StatusOK
	if o.draining.Load() {
		out["server"], status = "stopping", http.StatusServiceUnavailable
	}
	for _, c := range checks {
		out[c.Name] = "ok"
		if err := c.Fn(ctx); err != nil {
			// The cause goes to the log: this page is public.
			o.cfg.Log.WarnContext(ctx, "not ready", "check", c.Name, "error", err)
			out[c.Name], status = "failing", http.StatusServiceUnavailable
		}
	}
	reply(w, status, out)
}

func (o *Observe) mayScrape(r *http.Request) bool {
	if t := o.cfg.MetricsToken; t != "" {
		return subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte("Bearer "+t)) == 1
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	ip := net.ParseIP(host)
	return err == nil && ip != nil && ip.IsLoopback()
}

func reply(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) //nolint:errchkjson // maps of strings
}
