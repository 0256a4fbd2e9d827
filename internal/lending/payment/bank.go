package payment

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Outcome is a definite answer of the bank.
type Outcome struct {
	Executed  bool
	Found     bool // false: the bank does not know the key
	Reference string
	Reason    string // why it was refused
}

// Bank is what the dispatcher needs of a bank. Submit must be idempotent by
// key. An error means that the outcome is unknown.
type Bank interface {
	Submit(ctx context.Context, key string, o Order) (Outcome, error)
	Query(ctx context.Context, key string) (Outcome, error)
}

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

// Client speaks the bank's signed HTTP interface.
type Client struct {
	cfg  ClientConfig
	http *http.Client
}

// NewClient makes a client.
func NewClient(cfg ClientConfig) (*Client, error) {
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
	return &Client{cfg: cfg, http: &http.Client{Timeout: cfg.Timeout, Transport: cfg.Transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // a redirected payment would be signed for another path
	}}}, nil
}

type bankPayment struct {
	Reference   string `json:"reference"`
	Status      string `json:"status"`
	Reason      string `json:"reason"`
	AmountMinor int64  `json:"amount_minor"`
	ToAccount   string `json:"to_account"`
}

type bankAnswer struct {
	Error   string       `json:"error"`
	Payment *bankPayment `json:"payment"`
}

// Submit asks the bank to pay.
func (c *Client) Submit(ctx context.Context, key string, o Order) (Outcome, error) {
	body, err := json.Marshal(map[string]any{
		"key": key, "from_account": o.FromAccount, "to_account": o.ToAccount, "to_name": o.ToName,
		"amount_minor": o.AmountMinor, "currency": string(o.Currency), "memo": o.Memo,
	})
	if err != nil {
		return Outcome{}, err
	}
	status, answer, err := c.do(ctx, http.MethodPost, "/payments", body)
	if err != nil {
		return Outcome{}, err
	}
	if status == http.StatusBadRequest && answer.Error == "BAD_ORDER" {
		return Outcome{Found: true, Reason: answer.Error}, nil // refused before it could be executed
	}
	return outcome(status, answer)
}

// Query asks what became of a key.
func (c *Client) Query(ctx context.Context, key string) (Outcome, error) {
	status, answer, err := c.do(ctx, http.MethodGet, "/payments/"+url.PathEscape(key), nil)
	if err != nil {
		return Outcome{}, err
	}
	if status == http.StatusNotFound && answer.Error == "PAYMENT_UNKNOWN" {
		return Outcome{}, nil
	}
	return outcome(status, answer)
}

// outcome reads a definite answer; everything else is unknown.
func outcome(status int, answer bankAnswer) (Outcome, error) {
	if status != http.StatusOK || answer.Payment == nil {
		return Outcome{}, fault.New(ReasonBankUnknown).Wrap(fmt.Errorf("bank answered %d %s", status, answer.Error))
	}
	switch answer.Payment.Status {
	case "executed":
		return Outcome{Executed: true, Found: true, Reference: answer.Payment.Reference}, nil
	case "rejected":
		return Outcome{Found: true, Reference: answer.Payment.Reference, Reason: answer.Payment.Reason}, nil
	default:
		return Outcome{}, fault.New(ReasonBankUnknown).Wrap(fmt.Errorf("bank status %q", answer.Payment.Status))
	}
}

const answerMax = 1 << 20

func (c *Client) do(ctx context.Context, method, path string, body []byte) (int, bankAnswer, error) {
	req, err := http.NewRequestWithContext(ctx, method, c.cfg.URL+path, bytes.NewReader(body))
	if err != nil {
		return 0, bankAnswer{}, err
	}
	stamp := strconv.FormatInt(c.cfg.Clock().Unix(), 10)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-Bank-Timestamp", stamp)
	req.Header.Set("X-Bank-Signature", sign(c.cfg.Secret, stamp, method, req.URL.EscapedPath(), body))
	res, err := c.http.Do(req)
	if err != nil {
		return 0, bankAnswer{}, fault.New(ReasonBankUnknown).Wrap(err)
	}
	defer res.Body.Close() //nolint:errcheck // read to its end or abandoned
	text, err := io.ReadAll(io.LimitReader(res.Body, answerMax))
	if err != nil {
		return 0, bankAnswer{}, fault.New(ReasonBankUnknown).Wrap(err)
	}
	var answer bankAnswer
	if err := json.Unmarshal(text, &answer); err != nil {
		return 0, bankAnswer{}, fault.New(ReasonBankUnknown).Wrap(err)
	}
	return res.StatusCode, answer, nil
}

// sign is the bank's signature: HMAC-SHA256 over time, method, path and body.
func sign(secret, stamp, method, path string, body []byte) string {
	m := hmac.New(sha256.New, []byte(secret))
	_, _ = m.Write([]byte(stamp + "\n" + method + "\n" + path + "\n"))
	_, _ = m.Write(body)
	return hex.EncodeToString(m.Sum(nil))
}
