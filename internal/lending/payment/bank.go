package payment

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

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

// spoken is the protocol of a bank that says so, else the plain one. An order sent
// over one is asked for over it only.
func spoken(b Bank) string {
	if p, ok := b.(interface{ Protocol() string }); ok {
		return p.Protocol()
	}
	return ProtocolHTTP
}

// Client speaks the bank's signed HTTP interface.
type Client struct{ wire *wire }

// NewClient makes a client.
func NewClient(cfg ClientConfig) (*Client, error) {
	w, err := newWire(cfg)
	if err != nil {
		return nil, err
	}
	return &Client{wire: w}, nil
}

// Protocol is what the client speaks.
func (c *Client) Protocol() string { return ProtocolHTTP }

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
	status, text, err := c.wire.send(ctx, method, path, "application/json", body, answerMax)
	if err != nil {
		return 0, bankAnswer{}, err
	}
	var answer bankAnswer
	if err := json.Unmarshal(text, &answer); err != nil {
		return 0, bankAnswer{}, fault.New(ReasonBankUnknown).Wrap(err)
	}
	return status, answer, nil
}
