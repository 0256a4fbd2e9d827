package payment

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Protocols a bank is spoken to in.
const (
	ProtocolHTTP     = "http"
	ProtocolISO20022 = "iso20022"
)

// ClientConfig points at the bank.
type ClientConfig struct {
	URL    string
	Secret string
	// Timeout bounds one request (default 5 s).
	Timeout time.Duration
	// Clock stamps requests (default time.Now).
	Clock func() time.Time
	// Transport carries the requests (default http.DefaultTransport).
	Transport http.RoundTripper
}

// wire carries signed requests to the bank, whatever is in them.
type wire struct {
	cfg  ClientConfig
	http *http.Client
}

func newWire(cfg ClientConfig) (*wire, error) {
	u, err := url.Parse(cfg.URL)
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, fault.Field("payment.url", "须为 http(s) 地址", "must be an http(s) URL")
	}
	if cfg.Secret == "" {
		return nil, fault.Required("payment.secret")
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = 5 * time.Second
	}
	if cfg.Clock == nil {
		cfg.Clock = time.Now
	}
	cfg.URL = strings.TrimSuffix(cfg.URL, "/")
	return &wire{cfg: cfg, http: &http.Client{Timeout: cfg.Timeout, Transport: cfg.Transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // a redirected payment would be signed for another path
	}}}, nil
}

// send asks and reads the whole answer; no answer, or one longer than most, is an unknown outcome.
func (w *wire) send(ctx context.Context, method, path, mediaType string, body []byte, most int64) (int, []byte, error) {
	req, err := http.NewRequestWithContext(ctx, method, w.cfg.URL+path, bytes.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	stamp := strconv.FormatInt(w.cfg.Clock().Unix(), 10)
	req.Header.Set("Content-Type", mediaType)
	req.Header.Set("X-Bank-Timestamp", stamp)
	req.Header.Set("X-Bank-Signature", sign(w.cfg.Secret, stamp, method, req.URL.EscapedPath(), body))
	res, err := w.http.Do(req)
	if err != nil {
		return 0, nil, fault.New(ReasonBankUnknown).Wrap(err)
	}
	defer res.Body.Close() //nolint:errcheck // read to its end or abandoned
	text, err := io.ReadAll(io.LimitReader(res.Body, most+1))
	if err == nil && int64(len(text)) > most {
		err = io.ErrShortBuffer
	}
	if err != nil {
		return 0, nil, fault.New(ReasonBankUnknown).Wrap(err)
	}
	return res.StatusCode, text, nil
}

// sign is the bank's signature: HMAC-SHA256 over time, method, path and body.
func sign(secret, stamp, method, path string, body []byte) string {
	m := hmac.New(sha256.New, []byte(secret))
	_, _ = m.Write([]byte(stamp + "\n" + method + "\n" + path + "\n"))
	_, _ = m.Write(body)
	return hex.EncodeToString(m.Sum(nil))
}
