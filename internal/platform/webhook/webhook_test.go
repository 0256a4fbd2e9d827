package webhook_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/crypto"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/inbox"
	"github.com/capillary-finance/capillary/internal/platform/webhook"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// target is a system outside: it records what it gets and answers with the next of its codes.
type target struct {
	*httptest.Server
	mu    sync.Mutex
	codes []int // then 200
	got   []received
}

type received struct {
	header http.Header
	body   []byte
}

func newTarget(t *testing.T, codes ...int) *target {
	t.Helper()
	x := &target{codes: codes}
	x.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		x.mu.Lock()
		defer x.mu.Unlock()
		x.got = append(x.got, received{r.Header.Clone(), body})
		code := http.StatusOK
		if len(x.codes) > 0 {
			code, x.codes = x.codes[0], x.codes[1:]
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, strings.Repeat("x", 200<<10)) // more than anybody reads
	}))
	t.Cleanup(x.Close)
	return x
}

func (x *target) received() []received {
	x.mu.Lock()
	defer x.mu.Unlock()
	return append([]received(nil), x.got...)
}

type rig struct {
	d   *db.DB
	s   dbtest.Staff
	svc *webhook.Service

	sender *webhook.Sender
}

// newRig starts a relay and a sender that may reach the loopback.
func newRig(t *testing.T, d *db.DB, c webhook.SenderConfig) rig {
	t.Helper()
	keys := crypto.NewKeyring()
	g := guard(t, webhook.GuardConfig{Allow: []string{"127.0.0.1"}})
	c.Poll = 10 * time.Millisecond
	c.Backoff = func(int64) time.Duration { return 10 * time.Millisecond }
	sender := webhook.NewSender(d, g, keys, c)
	relay := event.NewRelay(d, event.Config{Poll: 10 * time.Millisecond, Lease: time.Second})
	relay.Register(sender.Consumer())
	require.NoError(t, relay.Start(t.Context()))
	require.NoError(t, sender.Start(t.Context()))
	t.Cleanup(func() {
		require.NoError(t, relay.Stop(context.Background()))
		require.NoError(t, sender.Stop(context.Background()))
	})
	return rig{d, dbtest.Institution(t, d), webhook.NewService(d, g, keys), sender}
}

func (r rig) emit(t *testing.T, sc db.Scope, types ...string) {
	t.Helper()
	require.NoError(t, r.d.Update(t.Context(), sc, func(tx *db.Tx) error {
		for _, typ := range types {
			if err := event.Append(t.Context(), tx, event.Draft{Type: typ, Aggregate: "loan", AggregateID: "loan_1", Payload: map[string]any{"amount_minor": 100}}); err != nil {
				return err
			}
		}
		return nil
	}))
}

func (r rig) deliveries(t *testing.T, id, state string) []webhook.Delivery {
	t.Helper()
	out, _, err := r.svc.Deliveries(t.Context(), r.s.Admin, id, state, "", 100)
	require.NoError(t, err)
	return out
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	require.Eventually(t, ok, 20*time.Second, 10*time.Millisecond, what)
}

func TestEventsAreDeliveredSignedToWhoWantsThem(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		r := newRig(t, d, webhook.SenderConfig{})
		x := newTarget(t)
		w, err := r.svc.Create(t.Context(), r.s.Admin, webhook.Input{URL: x.URL + "/in", EventTypes: []string{"loan.*"}})
		require.NoError(t, err)
		other := dbtest.Institution(t, d)
		r.emit(t, other.System.Scope(), "loan.disbursed")
		r.emit(t, r.s.System.Scope(), "loan.disbursed", "firm.created")
		eventually(t, "delivered", func() bool { return len(r.deliveries(t, w.ID, webhook.Delivered)) == 1 })
		got := x.received()
		require.Len(t, got, 1, "neither another institution's nor another type")
		var body webhook.Body
		require.NoError(t, json.Unmarshal(got[0].body, &body))
		require.Equal(t, "loan.disbursed", body.Type)
		require.JSONEq(t, `{"amount_minor":100}`, string(body.Data))
		require.Equal(t, body.ID, got[0].header.Get("Webhook-Id"))
		at, err := strconv.ParseInt(got[0].header.Get("Webhook-Timestamp"), 10, 64)
		require.NoError(t, err)
		secret, err := r.svc.Secret(t.Context(), r.s.Admin, w.ID)
		require.NoError(t, err)
		require.Equal(t, webhook.Sign(secret, body.ID, time.Unix(at, 0), got[0].body), got[0].header.Get("Webhook-Signature"))

		require.NoError(t, r.svc.RotateSecret(t.Context(), r.s.Admin, w.ID))
		again, err := r.svc.Redeliver(t.Context(), r.s.Admin, w.ID, r.deliveries(t, w.ID, "")[0].ID)
		require.NoError(t, err)
		require.Equal(t, webhook.Pending, again.State)
		eventually(t, "delivered again", func() bool { return len(x.received()) == 2 })
		both := strings.Fields(x.received()[1].header.Get("Webhook-Signature"))
		require.Len(t, both, 2, "signed with the new and the old secret")
		eventually(t, "logged", func() bool {
			l := r.deliveries(t, w.ID, webhook.Delivered)
			return len(l) == 1 && len(l[0].Attempts) == 2
		})
		require.NoError(t, r.sender.Prune(t.Context(), d.Now().Add(-time.Hour)))
		require.Len(t, r.deliveries(t, w.ID, ""), 1)
		require.NoError(t, r.sender.Prune(t.Context(), d.Now().Add(time.Hour)))
		require.Empty(t, r.deliveries(t, w.ID, ""))
	})
}

func TestSignatureIsThatOfTheStandard(t *testing.T) {
	t.Parallel()
	// The example of the Standard Webhooks specification.
	got := webhook.Sign("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`))
	require.Equal(t, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=", got)
}

func TestFailuresAreRetriedThenGivenUp(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		r := newRig(t, d, webhook.SenderConfig{Tries: 3})
		flaky, redirecting := newTarget(t, 503, 500), newTarget(t, 302, 302, 302, 302)
		a, err := r.svc.Create(t.Context(), r.s.Admin, webhook.Input{URL: flaky.URL, EventTypes: []string{"loan.disbursed"}})
		require.NoError(t, err)
		b, err := r.svc.Create(t.Context(), r.s.Admin, webhook.Input{URL: redirecting.URL, EventTypes: []string{"*"}})
		require.NoError(t, err)
		r.emit(t, r.s.System.Scope(), "loan.disbursed")
		eventually(t, "delivered at last", func() bool { return len(r.deliveries(t, a.ID, webhook.Delivered)) == 1 })
		l := r.deliveries(t, a.ID, "")[0]
		require.EqualValues(t, 3, l.Tries)
		require.Equal(t, []int{503, 500, 200}, []int{l.Attempts[0].ResponseCode, l.Attempts[1].ResponseCode, l.Attempts[2].ResponseCode})
		eventually(t, "given up", func() bool { return len(r.deliveries(t, b.ID, webhook.Failed)) == 1 })
		require.EqualValues(t, 302, r.deliveries(t, b.ID, webhook.Failed)[0].ResponseCode)
		w, err := r.svc.Get(t.Context(), r.s.Admin, a.ID)
		require.NoError(t, err)
		require.Zero(t, w.Failures, "a success clears the count")
	})
}

func TestAWebhookThatFailsForLongIsDisabledAndItsMakerTold(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		r := newRig(t, d, webhook.SenderConfig{Tries: 2, DisableAfter: 3})
		x := newTarget(t, 500, 500, 500, 500, 500)
		w, err := r.svc.Create(t.Context(), r.s.Admin, webhook.Input{URL: x.URL, EventTypes: []string{"loan.disbursed"}})
		require.NoError(t, err)
		r.emit(t, r.s.System.Scope(), "loan.disbursed", "loan.disbursed")
		eventually(t, "disabled", func() bool {
			got, err := r.svc.Get(t.Context(), r.s.Admin, w.ID)
			require.NoError(t, err)
			return got.State == webhook.Disabled && got.DisabledReason != ""
		})
		n, err := inbox.NewService(d, nil).Notifications(t.Context(), r.s.Admin, true, "", 20)
		require.NoError(t, err)
		require.EqualValues(t, 1, n.Unread)
		got, err := r.svc.Update(t.Context(), r.s.Admin, w.ID, webhook.Input{URL: newTarget(t).URL, EventTypes: []string{"loan.disbursed"}}, 0)
		require.NoError(t, err)
		require.Equal(t, webhook.Active, got.State)
		r.emit(t, r.s.System.Scope(), "loan.disbursed")
		eventually(t, "works again", func() bool { return len(r.deliveries(t, w.ID, webhook.Delivered)) >= 1 })
	})
}

func TestInputAndRightsAreChecked(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		r := newRig(t, d, webhook.SenderConfig{})
		_, err := r.svc.Create(t.Context(), r.s.Admin, webhook.Input{URL: "https://10.0.0.1/", EventTypes: []string{"Loan Disbursed"}})
		require.True(t, fault.Is(err, webhook.ReasonTarget), "%v", err)
		require.Len(t, fault.All(err), 2, "every bad field is named")
		in := webhook.Input{URL: "https://example.com/x", EventTypes: []string{"loan.*"}}
		for _, p := range []auth.Principal{r.s.Manager, r.s.Approver, r.s.Operations} {
			_, err = r.svc.Create(t.Context(), p, in)
			require.True(t, fault.Is(err, fault.ReasonForbidden))
		}
		w, err := r.svc.Create(t.Context(), r.s.Admin, in)
		require.NoError(t, err)
		_, err = r.svc.Update(t.Context(), r.s.Admin, w.ID, in, w.Version+1)
		require.True(t, fault.Is(err, fault.ReasonStale))
		other := dbtest.Institution(t, d)
		_, err = r.svc.Secret(t.Context(), other.Admin, w.ID)
		require.True(t, fault.Is(err, fault.ReasonNotFound))
		_, err = r.svc.Secret(t.Context(), r.s.Operations, w.ID)
		require.True(t, fault.Is(err, fault.ReasonForbidden))
		require.NoError(t, r.svc.Delete(t.Context(), r.s.Admin, w.ID))
		_, err = r.svc.Get(t.Context(), r.s.Admin, w.ID)
		require.True(t, fault.Is(err, fault.ReasonNotFound))
		for range 50 {
			_, err = r.svc.Create(t.Context(), r.s.Admin, in)
			require.NoError(t, err)
		}
		_, err = r.svc.Create(t.Context(), r.s.Admin, in)
		require.True(t, fault.Is(err, webhook.ReasonTooManyWebhooks))
	})
}
