// Package natssink copies the outbox to a NATS JetStream stream. The stream is kept so that sequence
// n holds position n: a lost tail, a wiped stream or a gap is seen from the numbers alone and filled
// again from the outbox, which stays the truth. JetStream acknowledges before it has synced; what a
// power cut takes from it comes back this way.
//
// Production wants nats-server >= 2.12.6; nothing here needs more than 2.9.
package natssink

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/capillary-finance/capillary/internal/platform/event"
)

// HeaderPosition carries the event's position in each message.
const HeaderPosition = "Capillary-Position"

// ErrGap says that the stream holds something else than the outbox at some place.
var ErrGap = errors.New("nats stream has a gap or foreign messages")

// Config of a Sink.
type Config struct {
	URL             string // nats://host:4222, several separated by commas
	Stream          string // default CAPILLARY
	Subject         string // prefix of the subjects, default capillary.event
	CredentialsFile string // user credentials, when the server wants them
	Replicas        int    // default 1
	// KeepOnGap makes a damaged stream an error that waits for a person; by default the stream is
	// deleted and filled again from the outbox.
	KeepOnGap bool
	Log       *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Stream == "" {
		c.Stream = "CAPILLARY"
	}
	if c.Subject == "" {
		c.Subject = "capillary.event"
	}
	if c.Replicas <= 0 {
		c.Replicas = 1
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	return c
}

// Sink is an event.Sink on JetStream. The stream belongs to it alone.
type Sink struct {
	cfg  Config
	conn *nats.Conn
	js   jetstream.JetStream
}

// Message is the JSON body of a message.
type Message struct {
	ID          string          `json:"id"`
	Position    int64           `json:"position"`
	At          time.Time       `json:"at"`
	Institution string          `json:"institution_id"`
	Type        string          `json:"type"`
	Aggregate   string          `json:"aggregate"`
	AggregateID string          `json:"aggregate_id"`
	Payload     json.RawMessage `json:"payload"`
}

const (
	requestTimeout  = 5 * time.Second
	duplicateWindow = 10 * time.Minute
	pendingMax      = 256
)

// New connects in the background: a server that is away now is not an error, the relay retries.
func New(c Config) (*Sink, error) {
	c = c.withDefaults()
	if strings.ContainsAny(c.Stream, " .*>/\\") || c.URL == "" {
		return nil, fmt.Errorf("nats sink: stream %q or url %q is not valid", c.Stream, c.URL)
	}
	opts := []nats.Option{
		nats.Name("capillary outbox"), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.ReconnectWait(500 * time.Millisecond),
		nats.Timeout(requestTimeout),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) {
			if err != nil {
				c.Log.Warn("nats sink disconnected", "error", err)
			}
		}),
	}
	if c.CredentialsFile != "" {
		opts = append(opts, nats.UserCredentials(c.CredentialsFile))
	}
	conn, err := nats.Connect(c.URL, opts...)
	if err != nil {
		return nil, fmt.Errorf("nats sink: %w", err)
	}
	js, err := jetstream.New(conn, jetstream.WithPublishAsyncMaxPending(pendingMax))
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("nats sink: %w", err)
	}
	return &Sink{cfg: c, conn: conn, js: js}, nil
}

// Close ends the connection.
func (s *Sink) Close() { s.conn.Close() }

// Name is the name of the sink's cursor.
func (s *Sink) Name() string { return "sink:nats:" + s.cfg.Stream }

func (s *Sink) stream(ctx context.Context) (jetstream.Stream, error) {
	st, err := s.js.Stream(ctx, s.cfg.Stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		st, err = s.js.CreateStream(ctx, jetstream.StreamConfig{
			Name: s.cfg.Stream, Description: "copy of the Capillary outbox; sequence = position",
			Subjects: []string{s.cfg.Subject + ".>"}, Storage: jetstream.FileStorage, Replicas: s.cfg.Replicas, Duplicates: duplicateWindow,
		})
	}
	if err != nil {
		return nil, fmt.Errorf("stream %s: %w", s.cfg.Stream, err)
	}
	return st, nil
}

// Position is the last sequence of the stream when it holds the outbox up to there without a gap.
func (s *Sink) Position(ctx context.Context) (int64, error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	st, err := s.stream(ctx)
	if err != nil {
		return 0, err
	}
	last, err := s.intact(ctx, st)
	if err == nil || !errors.Is(err, ErrGap) || s.cfg.KeepOnGap {
		return last, err
	}
	s.cfg.Log.Warn("nats sink: stream is damaged, making it anew from the outbox", "stream", s.cfg.Stream, "problem", err)
	return 0, s.Rebuild(ctx)
}

// intact compares the stream's numbers: it must begin at 1, miss nothing, and its last message must be
// the event of that position.
func (s *Sink) intact(ctx context.Context, st jetstream.Stream) (int64, error) {
	info, err := st.Info(ctx)
	if err != nil {
		return 0, fmt.Errorf("stream %s: %w", s.cfg.Stream, err)
	}
	x := info.State
	if x.LastSeq == 0 {
		return 0, nil
	}
	if x.FirstSeq != 1 || x.Msgs != x.LastSeq {
		return 0, fmt.Errorf("%w: sequences %d to %d hold %d messages", ErrGap, x.FirstSeq, x.LastSeq, x.Msgs)
	}
	m, err := st.GetMsg(ctx, x.LastSeq)
	if err != nil {
		return 0, fmt.Errorf("%w: message %d: %w", ErrGap, x.LastSeq, err)
	}
	if got := m.Header.Get(HeaderPosition); got != strconv.FormatUint(x.LastSeq, 10) {
		return 0, fmt.Errorf("%w: message %d has position %q", ErrGap, x.LastSeq, got)
	}
	return int64(x.LastSeq), nil //nolint:gosec // a count of events
}

// Rebuild deletes the stream and makes it anew; the relay then fills it from the outbox.
func (s *Sink) Rebuild(ctx context.Context) error {
	if err := s.js.DeleteStream(ctx, s.cfg.Stream); err != nil && !errors.Is(err, jetstream.ErrStreamNotFound) {
		return fmt.Errorf("rebuild stream %s: %w", s.cfg.Stream, err)
	}
	_, err := s.stream(ctx)
	return err
}

// Publish sends events and waits until the stream has acknowledged each at its own position.
func (s *Sink) Publish(ctx context.Context, events []event.Event) error {
	ctx, cancel := context.WithTimeout(ctx, 2*requestTimeout)
	defer cancel()
	for len(events) > 0 {
		n := min(len(events), pendingMax)
		if err := s.publish(ctx, events[:n]); err != nil {
			return err
		}
		events = events[n:]
	}
	return nil
}

func (s *Sink) publish(ctx context.Context, events []event.Event) error {
	acks := make([]jetstream.PubAckFuture, 0, len(events))
	for _, e := range events {
		m, err := s.message(e)
		if err != nil {
			return err
		}
		// The message id drops a repeat; the expected sequence keeps a second publisher and a stream
		// that lost its tail from being written at the wrong place.
		ack, err := s.js.PublishMsgAsync(m, jetstream.WithMsgID(e.ID), jetstream.WithExpectLastSequence(uint64(e.Position-1)), //nolint:gosec // positions begin at 1
			jetstream.WithExpectStream(s.cfg.Stream))
		if err != nil {
			return fmt.Errorf("event %s: %w", e.ID, err)
		}
		acks = append(acks, ack)
	}
	for i, ack := range acks {
		select {
		case got := <-ack.Ok():
			if int64(got.Sequence) != events[i].Position { //nolint:gosec // a count of events
				return fmt.Errorf("%w: event %d was stored at %d", ErrGap, events[i].Position, got.Sequence)
			}
		case err := <-ack.Err():
			return fmt.Errorf("event %s at %d: %w", events[i].ID, events[i].Position, err)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (s *Sink) message(e event.Event) (*nats.Msg, error) {
	body, err := json.Marshal(Message{e.ID, e.Position, e.At, e.Institution, e.Type, e.Aggregate, e.AggregateID, e.Payload})
	if err != nil {
		return nil, fmt.Errorf("event %s: %w", e.ID, err)
	}
	m := nats.NewMsg(s.cfg.Subject + "." + e.Institution + "." + e.Type)
	m.Data = body
	m.Header.Set(HeaderPosition, strconv.FormatInt(e.Position, 10))
	return m, nil
}
