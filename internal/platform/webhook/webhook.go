// Package webhook tells systems outside of domain events over HTTP: signed (Standard Webhooks),
// retried with back-off, logged, and guarded so that a target can never be something inside.
package webhook

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// States of a webhook and of a delivery.
const (
	Active   = "active"
	Paused   = "paused"   // by a person
	Disabled = "disabled" // by the system, after too many failures

	Pending   = "pending"
	Delivered = "delivered"
	Failed    = "failed"
)

// Limits.
const (
	webhooksMax         = 50 // of an institution
	typesMax            = 50
	attemptsKept        = 20
	bodyBytesMax        = 256 << 10
	descriptionRunesMax = 200
	oldSecretFor        = 24 * time.Hour
)

// Webhook is one subscription.
type Webhook struct {
	ID             string    `json:"id"`
	URL            string    `json:"url"`
	Description    string    `json:"description"`
	EventTypes     []string  `json:"event_types" nullable:"false" doc:"loan.disbursed, loan.*, or *"`
	State          string    `json:"state" enum:"active,paused,disabled"`
	Failures       int64     `json:"failures" doc:"failed tries since the last success"`
	DisabledReason string    `json:"disabled_reason,omitempty"`
	CreatedBy      string    `json:"created_by"`
	CreatedAt      time.Time `json:"created_at"`
	UpdatedAt      time.Time `json:"updated_at"`
	Version        int64     `json:"version"`

	secret, oldSecret string // sealed
	oldSecretUntil    time.Time
}

// Delivery is one event on its way to one webhook.
type Delivery struct {
	ID           string     `json:"id"`
	WebhookID    string     `json:"webhook_id"`
	EventID      string     `json:"event_id"`
	EventType    string     `json:"event_type"`
	State        string     `json:"state" enum:"pending,delivered,failed"`
	Tries        int64      `json:"tries"`
	NextAt       *time.Time `json:"next_at,omitempty"`
	ResponseCode int64      `json:"response_code" doc:"of the last try; 0: no response"`
	Error        string     `json:"error,omitempty"`
	Attempts     []Attempt  `json:"attempts" nullable:"false" doc:"the last twenty"`
	CreatedAt    time.Time  `json:"created_at"`
	FinishedAt   *time.Time `json:"finished_at,omitempty"`
}

// Attempt is one try of a delivery.
type Attempt struct {
	At           time.Time `json:"at"`
	ResponseCode int       `json:"response_code"`
	Millis       int64     `json:"millis"`
	Error        string    `json:"error,omitempty"`
}

// Body is what a webhook receives.
type Body struct {
	ID          string          `json:"id"`
	Type        string          `json:"type"`
	Timestamp   time.Time       `json:"timestamp"`
	Position    int64           `json:"position"`
	Aggregate   string          `json:"aggregate"`
	AggregateID string          `json:"aggregate_id"`
	Data        json.RawMessage `json:"data"`
}

func bodyOf(e event.Event) ([]byte, error) {
	return json.Marshal(Body{e.ID, e.Type, e.At, e.Position, e.Aggregate, e.AggregateID, e.Payload})
}

// Input of Create and Update.
type Input struct {
	URL         string   `json:"url" minLength:"1" maxLength:"2000"`
	Description string   `json:"description,omitempty" maxLength:"200"`
	EventTypes  []string `json:"event_types" minItems:"1" maxItems:"50"`
	Paused      bool     `json:"paused,omitempty"`
}

var typePattern = regexp.MustCompile(`^(\*|[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*(\.\*)?)$`)

func (in Input) validate(g *Guard) error {
	var errs []error
	if err := g.CheckURL(in.URL); err != nil {
		errs = append(errs, err)
	}
	if len([]rune(in.Description)) > descriptionRunesMax {
		errs = append(errs, fault.New(fault.ReasonTooLarge, "what", "description", "limit", descriptionRunesMax).WithField("description"))
	}
	if n := len(in.EventTypes); n == 0 || n > typesMax {
		errs = append(errs, fault.Field("event_types", "须有 1 至 50 个事件类型", "needs 1 to 50 event types"))
	}
	for i, t := range in.EventTypes {
		if !typePattern.MatchString(t) {
			errs = append(errs, fault.Field("event_types", "事件类型格式应为 loan.disbursed、loan.* 或 *", "has a type that is not like loan.disbursed, loan.* or *").WithRow(i+1))
		}
	}
	return fault.Join(errs...)
}

// wants reports whether an event type is subscribed. The webhooks' own events are sent only when named:
// otherwise a failing webhook on * would tell itself of its failure for ever.
func (w Webhook) wants(eventType string) bool {
	for _, t := range w.EventTypes {
		prefix, wild := strings.CutSuffix(t, "*")
		if t == eventType || (wild && strings.HasPrefix(eventType, prefix) && !strings.HasPrefix(eventType, "webhook.")) {
			return true
		}
	}
	return false
}

const secretPrefix = "whsec_"

// newSecret makes a secret as Standard Webhooks writes it.
func newSecret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return secretPrefix + base64.StdEncoding.EncodeToString(b[:])
}

// Sign gives the value of one signature: HMAC-SHA256 over id.timestamp.body, as Standard Webhooks has it.
func Sign(secret, id string, at time.Time, body []byte) string {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, secretPrefix))
	if err != nil {
		key = []byte(secret)
	}
	m := hmac.New(sha256.New, key)
	m.Write([]byte(id + "." + strconv.FormatInt(at.Unix(), 10) + "."))
	m.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(m.Sum(nil))
}

// backoff is the pause after the nth failed try: seconds first, for a restart; hours later, for an outage.
func backoff(tries int64) time.Duration {
	steps := []time.Duration{
		5 * time.Second, 30 * time.Second, 2 * time.Minute, 10 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 10 * time.Hour,
	}
	return steps[min(max(tries-1, 0), int64(len(steps)-1))]
}
