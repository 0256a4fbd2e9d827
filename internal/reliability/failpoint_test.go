package reliability_test

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/credit/facility"
	"github.com/capillary-finance/capillary/internal/insight/profile"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/platform/crypto"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/failpoint"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/inbox"
	"github.com/capillary-finance/capillary/internal/platform/job"
	"github.com/capillary-finance/capillary/internal/platform/proposal"
	"github.com/capillary-finance/capillary/internal/platform/webhook"
	"github.com/capillary-finance/capillary/internal/testkit/creditkit"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
	"github.com/capillary-finance/capillary/internal/testkit/sim"
)

var (
	countApplications = db.Q(`select count(*) from application where institution_id = $1 and firm_id = $2`)
	countProfiles     = db.Q(`select count(*) from profile_snapshot where institution_id = $1 and firm_id = $2`)
	countNotes        = db.Q(`select count(*) from notification where institution_id = $1 and link = $2`)
	countTasks        = db.Q(`select count(*) from task where institution_id = $1 and object_id = $2`)
	countDelivered    = db.Q(`select count(*) from webhook_delivery where institution_id = $1 and webhook_id = $2 and state = 'delivered'`)
	countCompleted    = db.Q(`select count(*) from job where institution_id = $1 and object_id = $2 and state = 'completed'`)
	countJobs         = db.Q(`select count(*) from job where institution_id = $1 and object_id = $2`)
	setToday          = db.Q(`update institution set business_date = $2 where institution_id = $1`)
	countAnnounced    = db.Q(`select count(*) from event where institution_id = $1 and type = $2 and aggregate_id = $3`)
	limitOf           = db.Q(`select limit_minor from facility where institution_id = $1 and id = $2`)
)

// backFlows are what works in the background, and what bar 7 leaves out.
var backFlows = []flow{
	{"apply", func(t *testing.T, h *house, n string) (func(context.Context) error, func()) {
		f := h.newFirm(t, "AP"+n)
		creditkit.Consent(t, h.DB, h.Staff.System.Scope(), f.ID)
		return func(ctx context.Context) error {
				return outcomeOf(h.call(ctx, t, "manager", "apply-"+n, "POST", "/applications", map[string]any{"firm_id": f.ID, "product_id": "invoice-credit",
					"amount_minor": 10_000_000, "tenor_months": 12, "method": "interest_only", "purpose": "stock"}))
			}, func() {
				require.Equal(t, 1, h.count(t, countApplications, f.ID))
			}
	}},
	{"raise with a second person", func(t *testing.T, h *house, n string) (func(context.Context) error, func()) {
		f, err := h.OpenFacility(t.Context(), "firm_"+n, 1_000_000_00)
		require.NoError(t, err)
		proposals := proposal.NewService(h.DB)
		facilities := facility.NewService(h.DB)
		facilities.UseProposals(proposals)
		return func(ctx context.Context) error {
				_, id, err := facilities.ChangeLimit(ctx, h.Staff.Approver, f.ID, 2_000_000_00, fault.Text{Zh: "提额", En: "raise"})
				if fault.Is(err, proposal.ReasonPending) { // made before, its answer was lost
					open, _, lerr := proposals.List(ctx, h.Staff.Risk, proposal.Filter{ObjectID: f.ID, Limit: 5})
					if lerr != nil {
						return lerr
					}
					id, err = open[0].ID, nil
				}
				if err != nil || id == "" {
					return err
				}
				made, err := proposals.Get(ctx, h.Staff.Risk, id)
				if err != nil {
					return err
				}
				_, err = proposals.Approve(ctx, h.Staff.Risk, proposal.Decision{ID: id, BodyHash: made.BodyHash})
				return err
			}, func() {
				require.Equal(t, 2_000_000_00, h.count(t, limitOf, f.ID))
				require.Equal(t, 1, h.count(t, countRecords, "facility.limit", f.ID))
			}
	}},
	{"task and notice", func(t *testing.T, h *house, n string) (func(context.Context) error, func()) {
		return func(ctx context.Context) error {
				return h.DB.Update(ctx, h.Staff.System.Scope(), func(tx *db.Tx) error {
					_, err := inbox.OpenTask(ctx, tx, inbox.TaskDraft{Kind: "test.review", TitleZh: "复核", TitleEn: "Review", ReasonZh: "测试", ReasonEn: "test", Object: "test", ObjectID: n,
						AssigneeID: h.Staff.Risk.UserID, Key: "task-" + n})
					return err
				})
			}, func() {
				require.Equal(t, 1, h.count(t, countTasks, n))
			}
	}},
	{"profile", func(t *testing.T, h *house, n string) (func(context.Context) error, func()) {
		f := h.newFirm(t, "PR"+n)
		creditkit.Consent(t, h.DB, h.Staff.System.Scope(), f.ID)
		return func(ctx context.Context) error {
				return h.DB.Update(ctx, h.Staff.System.Scope(), func(tx *db.Tx) error {
					_, err := profile.Refresh(ctx, tx, f.ID, calendar.Of(2026, 1, 5))
					return err
				})
			}, func() {
				require.Equal(t, 1, h.count(t, countProfiles, f.ID))
			}
	}},
	{"no answer from the bank", func(t *testing.T, h *house, n string) (func(context.Context) error, func()) {
		bank := h.Bank.(*sim.Bank)
		bank.SetFaults(sim.BankFaults{LostAfter: 1000, LostQuery: 1000})
		l := h.drawn(t, n, false)
		return func(ctx context.Context) error {
				_, err := h.Dispatcher.Drain(ctx)
				return err
			}, func() {
				bank.SetFaults(sim.BankFaults{})
				h.clock.Advance(time.Hour)
				_, err := h.Dispatcher.Drain(t.Context())
				require.NoError(t, err)
				require.Equal(t, 1, h.count(t, countEvents, l.ID, "disbursed"))
			}
	}},
	{"night of a due date", func(t *testing.T, h *house, n string) (func(context.Context) error, func()) {
		l := h.drawn(t, n, true)
		x, err := h.Loans.Get(t.Context(), h.Staff.Manager, l.ID)
		require.NoError(t, err)
		eve := x.NextDueOn.AddDays(-1)
		require.NoError(t, h.DB.Update(t.Context(), h.Staff.System.Scope(), func(tx *db.Tx) error {
			if _, err := tx.Exec(t.Context(), setToday, tx.Institution, eve.String()); err != nil {
				return err
			}
			_, _, err := loan.Roll(t.Context(), tx, "", eve, 1000)
			return err
		}))
		return func(ctx context.Context) error {
				_, err := h.Days.Until(ctx, h.Staff.Operations, eve.AddDays(1), nil)
				return err
			}, func() {
				x, err := h.Loans.Get(t.Context(), h.Staff.Manager, l.ID)
				require.NoError(t, err)
				require.Equal(t, eve.AddDays(1), x.ProcessedTo)
				require.Positive(t, x.DueMinor)
				require.Equal(t, 1, h.count(t, countRecords, "loan.instalment_due", l.ID))
				require.Equal(t, 1, h.count(t, countAnnounced, "loan.instalment_due", l.ID))
			}
	}},
	{"job", func(t *testing.T, h *house, n string) (func(context.Context) error, func()) {
		return func(ctx context.Context) error { return runJob(ctx, t, h, n) }, func() {
			require.Equal(t, 1, h.count(t, countCompleted, n))
			require.Equal(t, 1, h.count(t, countNotes, "/step/"+n), "the step was done once")
		}
	}},
	{"events", func(t *testing.T, h *house, n string) (func(context.Context) error, func()) {
		require.NoError(t, h.DB.Update(t.Context(), h.Staff.System.Scope(), func(tx *db.Tx) error {
			return event.Append(t.Context(), tx, event.Draft{Type: "test.counted", Aggregate: "test", AggregateID: n})
		}))
		return func(ctx context.Context) error { return relayOnce(ctx, t, h, n) }, func() {
			require.Equal(t, 1, h.count(t, countNotes, "/event/"+n))
		}
	}},
	{"webhook", func(t *testing.T, h *house, n string) (func(context.Context) error, func()) {
		x := &deliverer{h: h, keys: crypto.NewKeyring(), got: map[string]int{}}
		x.open(t, n)
		return func(ctx context.Context) error { return x.deliver(ctx, t) }, func() {
			require.Equal(t, 1, h.count(t, countDelivered, x.id))
			require.Len(t, x.got, 1, "one event, however often it was sent: %v", x.got)
		}
	}},
}

// until waits for something in the background while the clock goes on.
func (h *house) until(ctx context.Context, what string, ok func() bool) error {
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return nil
		}
		h.clock.Advance(20 * time.Millisecond)
	}
	return errors.Join(errors.New("never: "+what), ctx.Err())
}

var quiet = slog.New(slog.DiscardHandler)

// runJob enqueues a job of one step, unless it exists, and works until it is done.
func runJob(ctx context.Context, t *testing.T, h *house, n string) (err error) {
	t.Helper()
	x, err := job.NewRunner(h.DB, job.Config{Poll: 10 * time.Millisecond, Beat: 20 * time.Millisecond, StaleAfter: 300 * time.Millisecond, Watch: 20 * time.Millisecond, Log: quiet})
	require.NoError(t, err)
	x.Register(job.Kind{Name: "test.step", Zh: "步", En: "step", Tries: 20, Backoff: func(int) time.Duration { return 10 * time.Millisecond }, Run: func(ctx context.Context, r *job.Run) error {
		var at struct{ Done bool }
		if r.Restore(&at); at.Done {
			return nil
		}
		return r.Update(ctx, func(tx *db.Tx) error {
			if err := inbox.Notify(ctx, tx, "job", "步", "step", "/step/"+n); err != nil {
				return err
			}
			return r.CheckpointTx(ctx, tx, struct{ Done bool }{true})
		})
	}})
	if h.count(t, countJobs, n) == 0 {
		err := h.DB.Update(ctx, h.Staff.System.Scope(), func(tx *db.Tx) error {
			_, err := x.Enqueue(ctx, tx, job.Request{Kind: "test.step", Object: "test", ObjectID: n, Principal: h.Staff.System, Key: n})
			return err
		})
		if err != nil {
			return err
		}
	}
	if err := x.Start(ctx); err != nil {
		return err
	}
	err = h.until(ctx, "the job", func() bool { return h.count(t, countCompleted, n) == 1 })
	return errors.Join(err, x.Stop(context.WithoutCancel(t.Context())))
}

// relayOnce relays until the event has had its effect; the handler fails the first time, so that the event is
// put aside and tried again.
func relayOnce(ctx context.Context, t *testing.T, h *house, n string) error {
	t.Helper()
	r := event.NewRelay(h.DB, event.Config{Poll: 5 * time.Millisecond, Lease: 300 * time.Millisecond, Tries: 50, Log: quiet, Backoff: func(int) time.Duration { return 10 * time.Millisecond }})
	failed := atomic.Bool{}
	r.Register(event.Consumer{Name: "failpoint", Types: []string{"test.counted"}, Timeout: 5 * time.Second, Handle: func(ctx context.Context, tx *db.Tx, e event.Event) error {
		if err := inbox.Notify(ctx, tx, "event", "事", "event", "/event/"+e.AggregateID); err != nil {
			return err
		}
		if e.AggregateID == n && !failed.Swap(true) {
			return errors.New("not the first time")
		}
		return nil
	}})
	if err := r.Start(ctx); err != nil {
		return err
	}
	err := h.until(ctx, "the effect", func() bool { return h.count(t, countNotes, "/event/"+n) == 1 })
	return errors.Join(err, r.Stop(context.WithoutCancel(t.Context())))
}

// deliverer is a webhook with a target that counts.
type deliverer struct {
	h    *house
	keys *crypto.Keyring
	id   string

	mu  sync.Mutex
	got map[string]int
}

func (x *deliverer) guard(t *testing.T) *webhook.Guard {
	t.Helper()
	g, err := webhook.NewGuard(webhook.GuardConfig{Allow: []string{"127.0.0.1"}})
	require.NoError(t, err)
	return g
}

func (x *deliverer) open(t *testing.T, n string) {
	t.Helper()
	target := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.got[r.Header.Get("Webhook-Id")]++
	}))
	t.Cleanup(target.Close)
	w, err := webhook.NewService(x.h.DB, x.guard(t), x.keys).Create(t.Context(), x.h.Staff.Admin, webhook.Input{URL: target.URL, EventTypes: []string{"hook" + n + ".*"}})
	require.NoError(t, err)
	x.id = w.ID
	require.NoError(t, x.h.DB.Update(t.Context(), x.h.Staff.System.Scope(), func(tx *db.Tx) error {
		return event.Append(t.Context(), tx, event.Draft{Type: "hook" + n + ".happened", Aggregate: "test", AggregateID: n})
	}))
}

func (x *deliverer) deliver(ctx context.Context, t *testing.T) error {
	t.Helper()
	s := webhook.NewSender(x.h.DB, x.guard(t), x.keys, webhook.SenderConfig{Poll: 10 * time.Millisecond, Log: quiet, Backoff: func(int64) time.Duration { return 10 * time.Millisecond }})
	r := event.NewRelay(x.h.DB, event.Config{Poll: 5 * time.Millisecond, Lease: 300 * time.Millisecond, Log: quiet, Backoff: func(int) time.Duration { return 10 * time.Millisecond }})
	c := s.Consumer()
	c.FromNow = false
	r.Register(c)
	if err := errors.Join(r.Start(ctx), s.Start(ctx)); err != nil {
		return err
	}
	err := x.h.until(ctx, "the delivery", func() bool {
		x.h.clock.Advance(time.Second) // leases of broken-off deliveries run out
		return x.h.count(t, countDelivered, x.id) == 1
	})
	after := context.WithoutCancel(t.Context())
	return errors.Join(err, r.Stop(after), s.Stop(after))
}

// visit is a handler that notes every point it is called at and fails the first call at one of them.
type visit struct {
	mu    sync.Mutex
	seen  []string
	fail  string
	fired bool
}

func (v *visit) hit(_ context.Context, name string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if !slices.Contains(v.seen, name) {
		v.seen = append(v.seen, name)
	}
	if name == v.fail && !v.fired {
		v.fired = true
		return &net.OpError{Op: "failpoint", Net: name, Err: errors.New("fired")} // the program takes it for an outage
	}
	return nil
}

// Bar 6: every flow is broken off at every failpoint it passes; done again it ends well and its effect is there
// once. Every failpoint of the program is fired by one flow or another.
func TestEveryFailpointIsFiredAndSurvived(t *testing.T) {
	t.Parallel()
	heavy(t)
	var mu sync.Mutex
	fired := map[string][]string{}
	t.Run("flows", func(t *testing.T) {
		for _, f := range append(slices.Clone(coreFlows), backFlows...) {
			t.Run(f.name, func(t *testing.T) {
				t.Parallel()
				h := newHouse(t, dbtest.SQLite)
				act, check := f.prepare(t, h, "0")
				clean := &visit{}
				require.NoError(t, act(failpoint.With(t.Context(), clean.hit)))
				check()
				for i, name := range clean.seen {
					act, check := f.prepare(t, h, "p"+string(rune('a'+i)))
					v := &visit{fail: name}
					err := act(failpoint.With(t.Context(), v.hit))
					require.True(t, v.fired, name)
					for try := 1; err != nil; try++ {
						require.NotErrorIs(t, err, errRefused, name)
						require.Less(t, try, 5, "%s: it never ends well: %v", name, err)
						h.clock.Advance(5 * time.Minute)
						err = act(t.Context())
					}
					check()
					mu.Lock()
					fired[name] = append(fired[name], f.name)
					mu.Unlock()
				}
				h.Must(t)
				require.Empty(t, h.panics)
			})
		}
	})
	names := slices.DeleteFunc(failpoint.Names(), func(n string) bool { return strings.HasPrefix(n, "failpoint.") })
	require.GreaterOrEqual(t, len(names), 40)
	for _, n := range names {
		if len(fired[n]) == 0 {
			t.Errorf("%s was never fired", n)
		}
		t.Logf("%-22s %s", n, strings.Join(fired[n], ", "))
	}
}
