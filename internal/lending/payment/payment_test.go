package payment_test

import (
	"context"
	"errors"
	"fmt"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/simulator/bank"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// start is when every story begins.
var start = time.Date(2026, 1, 5, 1, 0, 0, 0, time.UTC)

type bundle struct {
	db    *db.DB
	staff dbtest.Staff
	bank  *bank.Server
	url   string
	clock *dbtest.Clock
	iso   bool
}

// client is the bank as the test's protocol has it.
func (b *bundle) client(t *testing.T) payment.Bank {
	t.Helper()
	cfg := payment.ClientConfig{URL: b.url, Secret: secret, Timeout: 500 * time.Millisecond}
	if b.iso {
		c, err := payment.NewISOClient(cfg)
		require.NoError(t, err)
		return c
	}
	c, err := payment.NewClient(cfg)
	require.NoError(t, err)
	return c
}

// key is an order's key at the bank.
func (b *bundle) key(o payment.Order) string {
	if b.iso {
		return payment.EndToEndID(b.staff.InstitutionID, o.Key)
	}
	return b.staff.InstitutionID + ":" + o.Key
}

const secret = "s3cret"

// each runs a story on both engines, over both protocols.
func each(t *testing.T, faults bank.Faults, fn func(t *testing.T, b *bundle)) {
	t.Helper()
	for name, iso := range map[string]bool{payment.ProtocolHTTP: false, payment.ProtocolISO20022: true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dbtest.EachTimed(t, start, func(t *testing.T, d *db.DB, c *dbtest.Clock) {
				b := &bundle{db: d, staff: dbtest.Institution(t, d), clock: c, iso: iso}
				s, err := bank.New(bank.Config{Secret: secret, SettlementMinor: 1_000_000_000_00, Faults: faults})
				require.NoError(t, err)
				h := httptest.NewServer(s)
				t.Cleanup(func() { _ = s.Close(); h.Close() })
				b.bank, b.url = s, h.URL
				fn(t, b)
			})
		})
	}
}

func (b *bundle) dispatcher(t *testing.T, fail func(string, payment.Order) error) *payment.Dispatcher {
	t.Helper()
	return payment.NewDispatcher(b.db, b.client(t), payment.DispatcherConfig{Failpoint: fail})
}

// counting counts what is submitted, to show that nothing is sent blindly twice.
type counting struct {
	payment.Bank
	protocol string
	submits  atomic.Int64
}

func (c *counting) Protocol() string { return c.protocol }

func (c *counting) Submit(ctx context.Context, key string, o payment.Order) (payment.Outcome, error) {
	c.submits.Add(1)
	return c.Bank.Submit(ctx, key, o)
}

func (b *bundle) counted(t *testing.T) (*payment.Dispatcher, *counting) {
	t.Helper()
	c := &counting{Bank: b.client(t), protocol: payment.ProtocolHTTP}
	if b.iso {
		c.protocol = payment.ProtocolISO20022
	}
	return payment.NewDispatcher(b.db, c, payment.DispatcherConfig{}), c
}

func (b *bundle) draft(key string, minor int64) payment.Draft {
	return payment.Draft{
		Key: key, Purpose: "test", Object: "loan", ObjectID: "loan_" + key, FromAccount: payment.SettlementAccount(b.staff.InstitutionID, money.CNY),
		ToAccount: "acct-" + key, ToName: "小微企业", Amount: money.Of(minor, money.CNY),
	}
}

func (b *bundle) record(ctx context.Context, d payment.Draft) (o payment.Order, err error) {
	err = b.db.Update(ctx, b.staff.System.Scope(), func(tx *db.Tx) error {
		o, _, err = payment.Record(ctx, tx, d)
		return err
	})
	return o, err
}

func (b *bundle) read(t *testing.T, key string) payment.Order {
	t.Helper()
	var o payment.Order
	require.NoError(t, b.db.View(t.Context(), b.staff.System.Scope(), func(tx *db.Tx) error {
		var found bool
		var err error
		o, found, err = payment.ByKey(t.Context(), tx, key)
		require.True(t, found)
		return err
	}))
	return o
}

func TestPaysAndTellsOnce(t *testing.T) {
	t.Parallel()
	each(t, bank.Faults{}, func(t *testing.T, b *bundle) {
		var wg sync.WaitGroup
		ids := make(chan string, 50)
		for range 50 {
			wg.Go(func() {
				o, err := b.record(context.Background(), b.draft("one", 100))
				if err == nil {
					ids <- o.ID
				}
			})
		}
		wg.Wait()
		close(ids)
		distinct := map[string]bool{}
		for id := range ids {
			distinct[id] = true
		}
		require.Len(t, distinct, 1)
		_, err := b.record(t.Context(), b.draft("one", 101))
		require.True(t, fault.Is(err, payment.ReasonKeyReused))

		var told atomic.Int64
		var drains sync.WaitGroup
		for range 4 { // four servers share one database
			d := b.dispatcher(t, nil)
			d.Handle("test", func(context.Context, *db.Tx, payment.Order) error { told.Add(1); return nil })
			drains.Go(func() { _, _ = d.Drain(context.Background()) })
		}
		drains.Wait()
		require.Equal(t, int64(1), told.Load())
		require.Len(t, b.bank.Payments(), 1)
		o := b.read(t, "one")
		require.Equal(t, payment.Succeeded, o.Status)
		require.NotEmpty(t, o.BankReference)
	})
}

func TestRefusedPaymentFails(t *testing.T) {
	t.Parallel()
	each(t, bank.Faults{RejectPermille: 1000}, func(t *testing.T, b *bundle) {
		_, err := b.record(t.Context(), b.draft("no", 100))
		require.NoError(t, err)
		d := b.dispatcher(t, nil)
		var got payment.Order
		d.Handle("test", func(_ context.Context, _ *db.Tx, o payment.Order) error { got = o; return nil })
		n, err := d.Drain(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Equal(t, payment.Failed, got.Status)
		require.Contains(t, got.Reason, bank.RejectRule)
	})
}

// The bank executes and then says nothing: the outcome is asked for.
func TestSilentBankIsAsked(t *testing.T) {
	t.Parallel()
	for name, f := range map[string]bank.Faults{
		"hang after": {HangAfterPermille: 1000}, "500 after": {FailAfterPermille: 1000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each(t, f, func(t *testing.T, b *bundle) {
				_, err := b.record(t.Context(), b.draft("k", 100))
				require.NoError(t, err)
				_, err = b.dispatcher(t, nil).Drain(t.Context())
				require.NoError(t, err)
				require.Equal(t, payment.Succeeded, b.read(t, "k").Status)
				require.Len(t, b.bank.Payments(), 1)
			})
		})
	}
}

func TestBankDownAndUpAgain(t *testing.T) {
	t.Parallel()
	each(t, bank.Faults{Down: true}, func(t *testing.T, b *bundle) {
		_, err := b.record(t.Context(), b.draft("k", 100))
		require.NoError(t, err)
		d := b.dispatcher(t, nil)
		for range 3 {
			_, err = d.Drain(t.Context())
			require.NoError(t, err)
			o := b.read(t, "k")
			require.Equal(t, payment.Sent, o.Status)
			require.NotEmpty(t, o.Reason)
			n, err := d.Drain(t.Context())
			require.NoError(t, err)
			require.Zero(t, n, "not asked again before its time")
			require.Equal(t, o.Attempts, b.read(t, "k").Attempts)
			b.clock.Advance(time.Hour)
		}
		b.bank.SetFaults(bank.Faults{})
		n, err := d.Drain(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, n)
		require.Equal(t, payment.Succeeded, b.read(t, "k").Status)
		require.Len(t, b.bank.Payments(), 1)
	})
}

var errCrash = errors.New("crash")

// The process dies between recording and sending, and between sending and
// recording; the next one finds out and finishes.
func TestCrashesPayOnce(t *testing.T) {
	t.Parallel()
	for _, at := range []string{payment.PointClaimed, payment.PointAnswered} {
		t.Run(at, func(t *testing.T) {
			t.Parallel()
			each(t, bank.Faults{}, func(t *testing.T, b *bundle) {
				_, err := b.record(t.Context(), b.draft("k", 100))
				require.NoError(t, err)
				dying := b.dispatcher(t, func(point string, _ payment.Order) error {
					if point == at {
						return errCrash
					}
					return nil
				})
				_, err = dying.Drain(t.Context())
				require.ErrorIs(t, err, errCrash)
				require.Equal(t, payment.Sent, b.read(t, "k").Status)

				next, sent := b.counted(t)
				told := 0
				next.Handle("test", func(context.Context, *db.Tx, payment.Order) error { told++; return nil })
				n, err := next.Drain(t.Context())
				require.NoError(t, err)
				require.Zero(t, n, "the dead process's claim is respected until its lease ends")
				b.clock.Advance(time.Minute)
				_, err = next.Drain(t.Context())
				require.NoError(t, err)
				require.Equal(t, payment.Succeeded, b.read(t, "k").Status)
				require.Equal(t, 1, told)
				require.Len(t, b.bank.Payments(), 1)
				require.Equal(t, at == payment.PointClaimed, sent.submits.Load() == 1, "what may have been sent is asked about, not sent again")
			})
		})
	}
}

// A process is so slow that its claim runs out and another one finishes the
// order: the slow one's answer changes nothing any more.
func TestSlowProcessTellsNobodyTwice(t *testing.T) {
	t.Parallel()
	each(t, bank.Faults{}, func(t *testing.T, b *bundle) {
		_, err := b.record(t.Context(), b.draft("k", 100))
		require.NoError(t, err)
		told := 0
		hear := func(context.Context, *db.Tx, payment.Order) error { told++; return nil }
		fast := b.dispatcher(t, nil)
		fast.Handle("test", hear)
		slow := b.dispatcher(t, func(point string, _ payment.Order) error {
			if point != payment.PointAnswered {
				return nil
			}
			b.clock.Advance(time.Minute)
			_, err := fast.Drain(context.Background())
			return err
		})
		slow.Handle("test", hear)
		_, err = slow.Drain(t.Context())
		require.NoError(t, err)
		require.Equal(t, 1, told)
		require.Equal(t, payment.Succeeded, b.read(t, "k").Status)
	})
}

// Many orders, a bank with every fault, processes that die at random points:
// in the end each order has one outcome, and the bank agrees with it.
func TestFaultyStorm(t *testing.T) {
	t.Parallel()
	faults := bank.Faults{HangAfterPermille: 50, FailAfterPermille: 200, FailFirstPermille: 200, RejectPermille: 100}
	each(t, faults, func(t *testing.T, b *bundle) {
		const n = 60
		for i := range n {
			_, err := b.record(t.Context(), b.draft(fmt.Sprint("k", i), int64(100+i)))
			require.NoError(t, err)
		}
		var calls atomic.Int64
		d := b.dispatcher(t, func(string, payment.Order) error {
			if calls.Add(1)%7 == 0 {
				return errCrash
			}
			return nil
		})
		told := sync.Map{}
		d.Handle("test", func(_ context.Context, _ *db.Tx, o payment.Order) error {
			if _, twice := told.LoadOrStore(o.Key, o); twice {
				return fmt.Errorf("%s told twice", o.Key)
			}
			return nil
		})
		for range 40 {
			_, err := d.Drain(t.Context())
			require.True(t, err == nil || errors.Is(err, errCrash), "%v", err)
			b.clock.Advance(15 * time.Minute)
		}
		paid := map[string]bank.Payment{}
		for _, p := range b.bank.Payments() {
			paid[p.Key] = p
		}
		require.Len(t, paid, n)
		for i := range n {
			o := b.read(t, fmt.Sprint("k", i))
			p := paid[b.key(o)]
			require.Equal(t, p.Status == bank.Executed, o.Status == payment.Succeeded, "%s", o.Key)
			require.True(t, o.Status.Final())
		}
	})
}

func TestDraftsAreChecked(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	b := &bundle{db: d, staff: dbtest.Institution(t, d)}
	for field, spoil := range map[string]func(*payment.Draft){
		"business_key": func(d *payment.Draft) { d.Key = "" },
		"amount_minor": func(d *payment.Draft) { d.Amount.Minor = 0 },
		"to_account":   func(d *payment.Draft) { d.ToAccount = "" },
		"from_account": func(d *payment.Draft) { d.FromAccount = "a\nb" },
	} {
		draft := b.draft("k", 1)
		spoil(&draft)
		_, err := b.record(t.Context(), draft)
		f, ok := fault.As(err)
		require.True(t, ok)
		require.Equal(t, field, f.Field)
	}
	for _, bad := range []payment.ClientConfig{{}, {URL: "ftp://x", Secret: "s"}, {URL: "http://x"}} {
		_, err := payment.NewClient(bad)
		require.Error(t, err)
	}
}
