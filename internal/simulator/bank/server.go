package bank

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"
)

// Headers of a signed request.
const (
	HeaderTimestamp = "X-Bank-Timestamp"
	HeaderSignature = "X-Bank-Signature"
)

const (
	bodyMax    = 64 << 10
	clockSkew  = 5 * time.Minute
	hangMax    = 2 * time.Minute
	permilleOf = 1000
)

// Faults are the ways in which the bank misbehaves, each in permille of keys.
// Whether a key is hit depends on the key alone, so a run can be repeated.
type Faults struct {
	DelayMillis       int64 `json:"delay_millis" doc:"every answer waits this long"`
	HangAfterPermille int64 `json:"hang_after_permille" doc:"executes, then never answers the first request"`
	FailAfterPermille int64 `json:"fail_after_permille" doc:"executes, then answers 500 to the first request"`
	FailFirstPermille int64 `json:"fail_first_permille" doc:"answers 503 to the first request without executing"`
	RejectPermille    int64 `json:"reject_permille" doc:"refuses the payment for good"`
	Down              bool  `json:"down" doc:"answers 503 to everything"`
	// MissingStatement is a day whose statement the bank does not give.
	MissingStatement string `json:"missing_statement,omitempty" doc:"day (YYYY-MM-DD) without a statement"`
}

// Config says how the simulator runs.
type Config struct {
	Addr   string // listen address, e.g. 127.0.0.1:8099
	Path   string // file that keeps accounts and payments; empty keeps them in memory
	Secret string // shared secret of request signatures; required
	// Accounts are opened when the file does not know them yet.
	Accounts []Account
	// SettlementMinor is the balance with which accounts named nostro:... appear
	// when an institution first pays from them; zero opens none.
	SettlementMinor int64
	Faults          Faults
	// Clock gives the time (default time.Now).
	Clock func() time.Time
}

// Server is the simulator: an http.Handler, and Run for a process of its own.
type Server struct {
	cfg  Config
	book *book
	mux  *http.ServeMux

	mu     sync.Mutex
	faults Faults
	seen   map[string]int // requests per key, for faults that hit the first one
	done   chan struct{}
	once   sync.Once
}

// New opens the simulator's memory.
func New(cfg Config) (*Server, error) {
	if cfg.Secret == "" {
		return nil, errors.New("bank simulator: a secret is required")
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	b := &book{accounts: map[string]*Account{}, payments: map[string]Payment{}, stopped: map[string]bool{}, clock: cfg.Clock, settlement: cfg.SettlementMinor}
	log, err := openLog(cfg.Path, func(r record) {
		if r.Account != nil {
			b.accounts[r.Account.Number] = r.Account
		}
		if r.Payment != nil {
			b.keep(*r.Payment)
		}
		if r.Stopped != "" {
			b.stopped[r.Stopped] = true
		}
	})
	if err != nil {
		return nil, err
	}
	b.log = log
	for _, a := range cfg.Accounts {
		if _, known := b.account(a.Number); !known {
			if err := b.open(a); err != nil {
				return nil, errors.Join(err, log.close())
			}
		}
	}
	s := &Server{cfg: cfg, book: b, mux: http.NewServeMux(), faults: cfg.Faults, seen: map[string]int{}, done: make(chan struct{})}
	s.mux.HandleFunc("GET /health", func(w http.ResponseWriter, _ *http.Request) {
		s.answer(w, http.StatusOK, map[string]any{"status": "ok"})
	})
	s.mux.HandleFunc("POST /payments", s.signed(s.postPayment))
	s.mux.HandleFunc("GET /payments/{key}", s.signed(s.getPayment))
	s.mux.HandleFunc("POST /accounts", s.signed(s.postAccount))
	s.mux.HandleFunc("GET /accounts/{number}", s.signed(s.getAccount))
	s.mux.HandleFunc("PUT /faults", s.signed(s.putFaults))
	s.mux.HandleFunc("POST /mandates/{reference}/stop", s.signed(s.postStop))
	s.mux.HandleFunc("POST /iso20022/messages", s.signed(s.postMessage))
	s.mux.HandleFunc("GET /iso20022/messages/{id}/status", s.signed(s.getStatus))
	s.mux.HandleFunc("GET /iso20022/statements/{account}/{from}/{to}", s.signed(s.getStatement))
	s.mux.HandleFunc("GET /iso20022/notifications/{account}/{from}/{to}", s.signed(s.getNotification))
	return s, nil
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// Close ends requests that hang and closes the file.
func (s *Server) Close() error {
	var err error
	s.once.Do(func() {
		close(s.done)
		err = s.book.log.close()
	})
	return err
}

// Payments lists everything decided so far, for tests and reconciliation.
func (s *Server) Payments() []Payment { return s.book.paid() }

// SetFaults changes how the bank misbehaves from now on.
func (s *Server) SetFaults(f Faults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = f
}

// Run serves until ctx ends. ready, when not nil, gets the address it listens on.
func (s *Server) Run(ctx context.Context, ready func(addr string)) error {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", s.cfg.Addr)
	if err != nil {
		return fmt.Errorf("bank simulator: %w", err)
	}
	srv := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second}
	if ready != nil {
		ready(l.Addr().String())
	}
	stop := context.AfterFunc(ctx, func() {
		_ = s.Close() // frees requests that hang, so that the shutdown ends
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		_ = srv.Shutdown(grace)
	})
	defer stop()
	if err := srv.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("bank simulator: %w", err)
	}
	return nil
}

// Sign computes the signature a client sends.
func Sign(secret, timestamp, method, path string, body []byte) string {
	m := hmac.New(sha256.New, []byte(secret))
	_, _ = m.Write([]byte(timestamp + "\n" + method + "\n" + path + "\n"))
	_, _ = m.Write(body)
	return hex.EncodeToString(m.Sum(nil))
}

// signed checks signature and time before a handler sees the body.
func (s *Server) signed(next func(http.ResponseWriter, *http.Request, []byte)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyMax))
		if err != nil {
			s.refuse(w, http.StatusRequestEntityTooLarge, "BODY_TOO_LARGE")
			return
		}
		stamp := r.Header.Get(HeaderTimestamp)
		want := Sign(s.cfg.Secret, stamp, r.Method, r.URL.EscapedPath(), body)
		if !hmac.Equal([]byte(want), []byte(r.Header.Get(HeaderSignature))) {
			s.refuse(w, http.StatusUnauthorized, "BAD_SIGNATURE")
			return
		}
		seconds, err := strconv.ParseInt(stamp, 10, 64)
		if skew := s.cfg.Clock().Sub(time.Unix(seconds, 0)); err != nil || skew > clockSkew || skew < -clockSkew {
			s.refuse(w, http.StatusUnauthorized, "STALE_TIMESTAMP")
			return
		}
		if r.Method != http.MethodPut && !s.up(r.Context()) {
			s.refuse(w, http.StatusServiceUnavailable, "DOWN")
			return
		}
		next(w, r, body)
	}
}

// up waits out the configured delay and reports whether the bank answers at all.
func (s *Server) up(ctx context.Context) bool {
	s.mu.Lock()
	f := s.faults
	s.mu.Unlock()
	s.wait(ctx, time.Duration(f.DelayMillis)*time.Millisecond)
	return !f.Down
}

func (s *Server) wait(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	case <-s.done:
	}
}

// hit decides by the key alone whether a fault strikes it.
func hit(salt, key string, permille int64) bool {
	if permille <= 0 {
		return false
	}
	h := sha256.Sum256([]byte(salt + "\x00" + key))
	return (int64(h[0])<<16|int64(h[1])<<8|int64(h[2]))%permilleOf < permille
}

func (s *Server) postPayment(w http.ResponseWriter, r *http.Request, body []byte) {
	var o Order
	if err := json.Unmarshal(body, &o); err != nil {
		s.refuse(w, http.StatusBadRequest, "BAD_JSON")
		return
	}
	s.execute(w, r, o, func(p Payment, again bool) {
		s.answer(w, http.StatusOK, map[string]any{"payment": p, "repeated": again})
	})
}

// execute pays an order once, with the faults that hit its key, and says the
// outcome through tell.
func (s *Server) execute(w http.ResponseWriter, r *http.Request, o Order, tell func(p Payment, again bool)) {
	s.mu.Lock()
	f := s.faults
	s.seen[o.Key]++
	first := s.seen[o.Key] == 1
	s.mu.Unlock()
	if first && hit("first", o.Key, f.FailFirstPermille) {
		s.refuse(w, http.StatusServiceUnavailable, "TRY_LATER")
		return
	}
	p, again, err := s.book.pay(o, hit("reject", o.Key, f.RejectPermille))
	switch {
	case errors.Is(err, errConflict):
		s.refuse(w, http.StatusConflict, "KEY_REUSED")
		return
	case errors.Is(err, errSyntax):
		s.answer(w, http.StatusBadRequest, map[string]any{"error": "BAD_ORDER", "detail": err.Error()})
		return
	case err != nil:
		s.refuse(w, http.StatusInternalServerError, "STORAGE")
		return
	}
	if first && hit("hang", o.Key, f.HangAfterPermille) {
		s.wait(r.Context(), hangMax)
		panic(http.ErrAbortHandler) // the connection breaks without an answer
	}
	if first && hit("after", o.Key, f.FailAfterPermille) {
		s.refuse(w, http.StatusInternalServerError, "UNKNOWN_OUTCOME")
		return
	}
	tell(p, again)
}

func (s *Server) getPayment(w http.ResponseWriter, r *http.Request, _ []byte) {
	p, ok := s.book.payment(r.PathValue("key"))
	if !ok {
		s.refuse(w, http.StatusNotFound, "PAYMENT_UNKNOWN")
		return
	}
	s.answer(w, http.StatusOK, map[string]any{"payment": p, "repeated": true})
}

func (s *Server) postAccount(w http.ResponseWriter, _ *http.Request, body []byte) {
	var a Account
	if err := json.Unmarshal(body, &a); err != nil {
		s.refuse(w, http.StatusBadRequest, "BAD_JSON")
		return
	}
	if err := s.book.open(a); err != nil {
		s.answer(w, http.StatusBadRequest, map[string]any{"error": "BAD_ACCOUNT", "detail": err.Error()})
		return
	}
	s.answer(w, http.StatusOK, map[string]any{"account": a})
}

func (s *Server) getAccount(w http.ResponseWriter, r *http.Request, _ []byte) {
	a, ok := s.book.account(r.PathValue("number"))
	if !ok {
		s.refuse(w, http.StatusNotFound, "ACCOUNT_UNKNOWN")
		return
	}
	s.answer(w, http.StatusOK, map[string]any{"account": a})
}

func (s *Server) postStop(w http.ResponseWriter, r *http.Request, _ []byte) {
	if err := s.book.stop(r.PathValue("reference")); err != nil {
		s.answer(w, http.StatusBadRequest, map[string]any{"error": "BAD_MANDATE", "detail": err.Error()})
		return
	}
	s.answer(w, http.StatusOK, map[string]any{"stopped": r.PathValue("reference")})
}

func (s *Server) putFaults(w http.ResponseWriter, _ *http.Request, body []byte) {
	var f Faults
	if err := json.Unmarshal(body, &f); err != nil {
		s.refuse(w, http.StatusBadRequest, "BAD_JSON")
		return
	}
	s.SetFaults(f)
	s.answer(w, http.StatusOK, map[string]any{"faults": f})
}

func (s *Server) refuse(w http.ResponseWriter, status int, code string) {
	s.answer(w, status, map[string]any{"error": code})
}

func (s *Server) answer(w http.ResponseWriter, status int, body map[string]any) {
	body["simulator"] = Notice
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("X-Simulator", "capillary-bank")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) //nolint:errchkjson // JSON types only; when it fails the client has gone
}

// Open makes an account, or sets the name and balance of one that exists.
func (s *Server) Open(a Account) error { return s.book.open(a) }
