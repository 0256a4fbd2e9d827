package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/capillary-finance/capillary/internal/platform/crypto"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/failpoint"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/inbox"
)

// SenderConfig of a Sender; the zero value is ready for production.
type SenderConfig struct {
	Log     *slog.Logger
	Workers int           // deliveries at once (default 16, at most two of them to one webhook)
	Poll    time.Duration // default 1 s
	Tries   int           // of one delivery before it is failed (default 10: about a day and a half)
	// DisableAfter is how many tries in a row may fail before the webhook is disabled (default 50).
	DisableAfter int
	Backoff      func(tries int64) time.Duration
	// Client replaces the guarded client's transport settings (tests with a private certificate).
	Client *http.Client
}

// Sender delivers. Its consumer writes deliveries in the relay; its workers send them.
type Sender struct {
	db     *db.DB
	cfg    SenderConfig
	keys   *crypto.Keyring
	client *http.Client
	woken  chan struct{}

	mu     sync.Mutex
	flying map[string]int // by webhook: one that hangs must not take every worker

	cancel context.CancelFunc
	done   sync.WaitGroup
}

// NewSender makes a sender; every connection goes through g.
func NewSender(d *db.DB, g *Guard, keys *crypto.Keyring, c SenderConfig) *Sender {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Workers <= 0 {
		c.Workers = 16
	}
	if c.Poll <= 0 {
		c.Poll = time.Second
	}
	if c.Tries <= 0 {
		c.Tries = 10
	}
	if c.DisableAfter <= 0 {
		c.DisableAfter = 50
	}
	if c.Backoff == nil {
		c.Backoff = backoff
	}
	client := c.Client
	if client == nil {
		client = g.Client()
	}
	return &Sender{db: d, cfg: c, keys: keys, client: client, woken: make(chan struct{}, 1), flying: map[string]int{}}
}

// Consumer writes one delivery per event and webhook that wants it.
func (s *Sender) Consumer() event.Consumer {
	return event.Consumer{Name: "webhook", FromNow: true, Handle: func(ctx context.Context, tx *db.Tx, e event.Event) error {
		hooks, err := webhooks(ctx, tx, activeOnes, tx.Institution)
		if err != nil {
			return err
		}
		for _, w := range hooks {
			if !w.wants(e.Type) {
				continue
			}
			if _, err := tx.Exec(ctx, insertDelivery, tx.Institution, tx.NewID("whd"), w.ID, e.ID, e.Type, db.Micros(tx.Now)); err != nil {
				return err
			}
			if err := pointQueued.Hit(ctx); err != nil {
				return err
			}
			tx.AfterCommit(s.wake)
		}
		return nil
	}}
}

func (s *Sender) wake() {
	select {
	case s.woken <- struct{}{}:
	default:
	}
}

// Start begins to send until Stop.
func (s *Sender) Start(ctx context.Context) error {
	loop, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.cancel = cancel
	work := make(chan due)
	for range s.cfg.Workers {
		s.done.Go(func() {
			for w := range work {
				if err := s.send(loop, w); err != nil && loop.Err() == nil {
					s.cfg.Log.Warn("webhook delivery", "delivery", w.id, "error", err)
				}
				s.land(w.webhook)
			}
		})
	}
	s.done.Go(func() {
		defer close(work)
		pruned := time.Now()
		for {
			if time.Since(pruned) > time.Hour {
				pruned = time.Now()
				if err := s.Prune(loop, s.db.Now().Add(-keepDeliveries)); err != nil && loop.Err() == nil {
					s.cfg.Log.Warn("webhook prune", "error", err)
				}
			}
			if err := s.dispatch(loop, work); err != nil && loop.Err() == nil {
				s.cfg.Log.Warn("webhook dispatch", "error", err)
			}
			t := time.NewTimer(s.cfg.Poll)
			select {
			case <-loop.Done():
				t.Stop()
				return
			case <-s.woken:
				t.Stop()
			case <-t.C:
			}
		}
	})
	return nil
}

// Stop breaks requests off (they are repeated after the next start) and waits.
func (s *Sender) Stop(ctx context.Context) error {
	if s.cancel == nil {
		return nil
	}
	s.cancel()
	finished := make(chan struct{})
	go func() { s.done.Wait(); close(finished) }()
	select {
	case <-finished:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("stop webhooks: %w", ctx.Err())
	}
}

// keepDeliveries is how long the log of finished deliveries is kept.
const keepDeliveries = 30 * 24 * time.Hour

// Prune removes deliveries of all institutions that finished before an instant; the sender does it every hour.
func (s *Sender) Prune(ctx context.Context, finishedBefore time.Time) error {
	return s.db.Update(ctx, db.System("webhook"), func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, pruneDeliveries, db.Micros(finishedBefore))
		return err
	})
}

type due struct{ institution, id, webhook string }

const flyingMax = 2

func (s *Sender) board(webhook string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flying[webhook] >= flyingMax {
		return false
	}
	s.flying[webhook]++
	return true
}

func (s *Sender) land(webhook string) {
	s.mu.Lock()
	if s.flying[webhook]--; s.flying[webhook] <= 0 {
		delete(s.flying, webhook)
	}
	s.mu.Unlock()
	s.wake()
}

// leaseFor is longer than a request can take, so that no second server sends the same meanwhile.
const leaseFor = 2 * requestTimeout

func (s *Sender) dispatch(ctx context.Context, work chan<- due) error {
	var found []due
	err := s.db.View(ctx, db.System("webhook"), func(tx *db.Tx) error {
		rows, err := tx.Query(ctx, dueDeliveries, db.Micros(tx.Now), 500)
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // read to its end below
		for rows.Next() {
			var d due
			if err := rows.Scan(&d.institution, &d.id, &d.webhook); err != nil {
				return err
			}
			found = append(found, d)
		}
		return rows.Err()
	})
	for _, d := range found {
		if !s.board(d.webhook) {
			continue
		}
		select {
		case work <- d:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return err
}

// prepared is all that a request needs.
type prepared struct {
	webhook  Webhook
	delivery Delivery
	lease    string
	body     []byte
	secrets  []string
}

func (s *Sender) send(ctx context.Context, d due) error {
	p, err := s.prepare(ctx, d)
	if err != nil || p == nil {
		return err
	}
	if err := pointPrepared.Hit(ctx); err != nil {
		return err
	}
	began := time.Now()
	code, err := s.post(ctx, p)
	if ctx.Err() != nil {
		return nil //nolint:nilerr // stopping: the lease runs out and somebody sends it again
	}
	if err := pointAnswered.Hit(ctx); err != nil {
		return err
	}
	return s.settle(ctx, d, p, Attempt{At: s.db.Now(), ResponseCode: code, Millis: time.Since(began).Milliseconds(), Error: explain(err)}, err)
}

// prepare takes the lease of a delivery; nil when somebody else has it.
func (s *Sender) prepare(ctx context.Context, d due) (out *prepared, err error) {
	err = s.db.Update(ctx, db.Scope{Institution: d.institution, Actor: "system:webhook"}, func(tx *db.Tx) error {
		out = nil
		p := &prepared{lease: crypto.NewToken()}
		ours, err := tx.ExecOne(ctx, leaseDelivery, d.institution, d.id, p.lease, db.Micros(tx.Now.Add(leaseFor)), db.Micros(tx.Now))
		if err != nil || !ours {
			return err
		}
		if p.delivery, err = deliveryByID(ctx, tx, d.id); err != nil {
			return err
		}
		if p.webhook, err = webhookByID(ctx, tx, selectWebhook, p.delivery.WebhookID); err != nil {
			return err
		}
		var e event.Event
		var at int64
		var payload string
		if err := tx.QueryRow(ctx, eventOf, d.institution, p.delivery.EventID).Scan(&e.Institution, &e.ID, &e.Position, &at, &e.Actor, &e.Type, &e.Aggregate, &e.AggregateID, &payload); err != nil {
			return err
		}
		e.At, e.Payload = db.Time(at), json.RawMessage(payload)
		if p.body, err = bodyOf(e); err != nil {
			return err
		}
		if p.secrets, err = s.secrets(d.institution, p.webhook, tx.Now); err != nil {
			return err
		}
		out = p
		return nil
	})
	return out, err
}

func (s *Sender) secrets(institution string, w Webhook, now time.Time) ([]string, error) {
	sealed := []string{w.secret}
	if w.oldSecret != "" && now.Before(w.oldSecretUntil) {
		sealed = append(sealed, w.oldSecret)
	}
	var out []string
	for _, x := range sealed {
		plain, err := s.keys.Decrypt(sealContext(institution, w.ID), x)
		if err != nil {
			return nil, fmt.Errorf("webhook %s: secret: %w", w.ID, err)
		}
		out = append(out, string(plain))
	}
	return out, nil
}

var errStatus = errors.New("the target did not answer with 2xx")

func (s *Sender) post(ctx context.Context, p *prepared) (code int, err error) {
	if len(p.body) > bodyBytesMax {
		return 0, fault.New(fault.ReasonTooLarge, "what", "event", "limit", bodyBytesMax)
	}
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.webhook.URL, bytes.NewReader(p.body))
	if err != nil {
		return 0, err
	}
	now := time.Now()
	signatures := ""
	for i, secret := range p.secrets {
		if i > 0 {
			signatures += " "
		}
		signatures += Sign(secret, p.delivery.EventID, now, p.body)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", "Capillary-Webhook/1")
	req.Header.Set("Webhook-Id", p.delivery.EventID)
	req.Header.Set("Webhook-Timestamp", strconv.FormatInt(now.Unix(), 10))
	req.Header.Set("Webhook-Signature", signatures)
	res, err := s.client.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()                                                 //nolint:errcheck // read below as far as we care
	_, _ = io.Copy(io.Discard, io.LimitReader(res.Body, responseBytesMax)) // what it says is never kept
	if res.StatusCode < 200 || res.StatusCode > 299 {
		return res.StatusCode, errStatus
	}
	return res.StatusCode, nil
}

// explain is what the log says of a failure: never more of what is inside than the reason.
func explain(err error) string {
	if err == nil {
		return ""
	}
	if f, ok := fault.As(err); ok {
		return f.Reason.Code + ": " + f.Text("en")
	}
	return db.Text(err.Error(), 300)
}

func (s *Sender) settle(ctx context.Context, d due, p *prepared, a Attempt, cause error) error {
	attempts := append(p.delivery.Attempts, a)
	if len(attempts) > attemptsKept {
		attempts = attempts[len(attempts)-attemptsKept:]
	}
	text, err := json.Marshal(attempts)
	if err != nil {
		return err
	}
	return s.db.Update(ctx, db.Scope{Institution: d.institution, Actor: "system:webhook"}, func(tx *db.Tx) error {
		state, next, finished := Delivered, int64(0), db.Micros(tx.Now)
		if cause != nil {
			state = Failed
			if p.delivery.Tries < int64(s.cfg.Tries) && !fault.Is(cause, fault.ReasonTooLarge) {
				state, finished = Pending, 0
				next = db.Micros(tx.Now.Add(s.cfg.Backoff(p.delivery.Tries)))
			}
		}
		ours, err := tx.ExecOne(ctx, settleDelivery, d.institution, d.id, p.lease, state, next, a.ResponseCode, a.Error, string(text), finished)
		if err != nil || !ours {
			return err
		}
		if err := pointSettling.Hit(ctx); err != nil {
			return err
		}
		if cause == nil {
			_, err := tx.Exec(ctx, noteSuccess, d.institution, p.webhook.ID)
			return err
		}
		return s.countFailure(ctx, tx, p.webhook, a)
	})
}

// countFailure disables a webhook that fails for long, and tells who made it.
func (s *Sender) countFailure(ctx context.Context, tx *db.Tx, w Webhook, a Attempt) error {
	if _, err := tx.Exec(ctx, noteFailure, tx.Institution, w.ID); err != nil {
		return err
	}
	now, err := webhookByID(ctx, tx, selectWebhook, w.ID)
	if err != nil || now.Failures < int64(s.cfg.DisableAfter) {
		return err
	}
	reason := fmt.Sprintf("%d tries in a row failed; last: %d %s", now.Failures, a.ResponseCode, a.Error)
	disabled, err := tx.ExecOne(ctx, disableWebhook, tx.Institution, w.ID, reason, db.Micros(tx.Now))
	if err != nil || !disabled {
		return err
	}
	if err := inbox.Notify(ctx, tx, w.CreatedBy, "Webhook 连续投递失败，已停用："+w.URL, "A webhook failed for long and was disabled: "+w.URL, "/webhooks/"+w.ID); err != nil {
		return err
	}
	return note(ctx, tx, "webhook.disabled", w.ID, nil, map[string]any{"reason": reason})
}

// Instants at which a test may break off.
var (
	pointSettling = failpoint.Declare("webhook.settling")
	pointAnswered = failpoint.Declare("webhook.answered")
	pointPrepared = failpoint.Declare("webhook.prepared")
	pointQueued   = failpoint.Declare("webhook.queued")
)
