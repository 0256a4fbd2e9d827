package payment

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/capillary-finance/capillary/internal/base/canary"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/failpoint"
)

// Handler is told the outcome of an order of its purpose, in the transaction
// that makes it final.
type Handler func(ctx context.Context, tx *db.Tx, o Order) error

// Points at which a test may break the dispatcher off.
const (
	PointClaimed  = "payment.claimed"  // recorded as sent, nothing sent yet
	PointAnswered = "payment.answered" // the bank answered, nothing recorded yet
)

// DispatcherConfig tunes the dispatcher; the zero value is the default.
type DispatcherConfig struct {
	Workers  int           // orders in flight at once (default 4)
	Batch    int           // orders read at once (default 100)
	Lease    time.Duration // a claim's life, longer than any request (default 30 s)
	Interval time.Duration // pause between polls when nothing wakes it (default 3 s)
	Log      *slog.Logger
	// Failpoint, when set, is called at each point; an error breaks off there as
	// a crash would.
	Failpoint func(point string, o Order) error
}

// Dispatcher drains recorded orders to the bank.
type Dispatcher struct {
	db       *db.DB
	bank     Bank
	cfg      DispatcherConfig
	handlers map[string]Handler
	wake     chan struct{}
}

// NewDispatcher makes a dispatcher; register handlers before it runs.
func NewDispatcher(d *db.DB, bank Bank, cfg DispatcherConfig) *Dispatcher {
	if cfg.Workers <= 0 {
		cfg.Workers = 4
	}
	if cfg.Batch <= 0 {
		cfg.Batch = 100
	}
	if cfg.Lease <= 0 {
		cfg.Lease = 30 * time.Second
	}
	if cfg.Interval <= 0 {
		cfg.Interval = 3 * time.Second
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}
	return &Dispatcher{db: d, bank: bank, cfg: cfg, handlers: map[string]Handler{}, wake: make(chan struct{}, 1)}
}

// Handle registers who is told about orders of a purpose.
func (d *Dispatcher) Handle(purpose string, h Handler) {
	if _, twice := d.handlers[purpose]; twice {
		panic("payment: two handlers of " + purpose)
	}
	d.handlers[purpose] = h
}

// Wake makes Run look for orders now; it never blocks. Hand it to AfterCommit.
func (d *Dispatcher) Wake() {
	select {
	case d.wake <- struct{}{}:
	default:
	}
}

// Run drains until ctx ends.
func (d *Dispatcher) Run(ctx context.Context) error {
	tick := time.NewTicker(d.cfg.Interval)
	defer tick.Stop()
	for {
		if _, err := d.Drain(ctx); err != nil && ctx.Err() == nil {
			d.cfg.Log.ErrorContext(ctx, "payment dispatch", "error", err)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-d.wake:
		case <-tick.C:
		}
	}
}

// Drain tries every order that is ready, and again until none is. It returns
// how many became final. Orders whose outcome stays unknown are left for later.
func (d *Dispatcher) Drain(ctx context.Context) (int, error) {
	finished := 0
	for {
		var batch []ready
		err := d.db.View(ctx, db.System("payments"), func(tx *db.Tx) (err error) {
			batch, err = listReady(ctx, tx, d.cfg.Batch, spoken(d.bank))
			return err
		})
		if err != nil || len(batch) == 0 {
			return finished, err
		}
		done, err := d.work(ctx, batch)
		finished += done
		if err != nil || ctx.Err() != nil {
			return finished, errors.Join(err, ctx.Err())
		}
	}
}

// work runs one batch on the workers.
func (d *Dispatcher) work(ctx context.Context, batch []ready) (int, error) {
	queue := make(chan ready)
	var (
		wg       sync.WaitGroup
		mu       sync.Mutex
		finished int
		errs     []error
	)
	for range min(d.cfg.Workers, len(batch)) {
		wg.Go(func() {
			for r := range queue {
				final, err := d.one(ctx, r)
				mu.Lock()
				if final {
					finished++
				}
				if err != nil {
					errs = append(errs, err)
				}
				mu.Unlock()
			}
		})
	}
	for _, r := range batch {
		queue <- r
	}
	close(queue)
	wg.Wait()
	return finished, errors.Join(errs...)
}

// one takes an order through claim, bank and outcome.
func (d *Dispatcher) one(ctx context.Context, r ready) (final bool, err error) {
	scope := db.Scope{Institution: r.institution, Actor: "system:payments"}
	var o Order
	var mine bool
	err = d.db.Update(ctx, scope, func(tx *db.Tx) (err error) {
		o, mine, err = claim(ctx, tx, r.id, d.cfg.Lease, spoken(d.bank))
		return err
	})
	if err != nil || !mine {
		return false, err
	}
	if err := errors.Join(d.point(PointClaimed, o), pointClaimed.Hit(ctx)); err != nil {
		return false, err
	}
	out, err := d.ask(ctx, r.institution, o)
	if perr := errors.Join(d.point(PointAnswered, o), pointAnswered.Hit(ctx)); perr != nil {
		return false, perr
	}
	if err != nil {
		// Unknown: keep the question open, ask again later.
		if err := pointUnknown.Hit(ctx); err != nil {
			return false, err
		}
		why := err.Error()
		return false, d.db.Update(ctx, scope, func(tx *db.Tx) error {
			_, err := tx.Exec(ctx, postponeOrder, tx.Institution, o.ID, db.Micros(tx.Now.Add(backoff(o.Attempts))), clip(why), db.Micros(tx.Now))
			return err
		})
	}
	return true, d.finish(ctx, scope, o.ID, out)
}

// ask gets a definite answer. Only the very first try submits without asking:
// an order that was sent before may have been executed, so the bank is asked
// about its key, and only a key that the bank does not know is submitted, under
// the same key, which the bank executes once whatever is still on its way.
func (d *Dispatcher) ask(ctx context.Context, institution string, o Order) (Outcome, error) {
	key := bankKey(institution, o.Key)
	if canary.On("double_pay") {
		key += "#" + strconv.Itoa(o.Attempts)
	}
	if o.Attempts > 1 {
		out, err := d.bank.Query(ctx, key)
		if err != nil || out.Found {
			return out, err
		}
		return d.bank.Submit(ctx, key, o)
	}
	out, err := d.bank.Submit(ctx, key, o)
	if err == nil {
		return out, nil
	}
	asked, qerr := d.bank.Query(ctx, key)
	if qerr == nil && asked.Found {
		return asked, nil
	}
	// Not found is no answer yet: the request may still be on its way.
	return Outcome{}, errors.Join(err, qerr)
}

// finish makes an order final once and tells its handler, all in one transaction.
func (d *Dispatcher) finish(ctx context.Context, scope db.Scope, id string, out Outcome) error {
	status := Failed
	if out.Executed {
		status = Succeeded
	}
	return d.db.Update(ctx, scope, func(tx *db.Tx) error {
		o, err := scan(tx.QueryRow(ctx, selectLocked, tx.Institution, id))
		if err != nil || o.Status.Final() {
			return err
		}
		before := o.Status
		o.Status, o.BankReference, o.Reason = status, out.Reference, clip(out.Reason)
		if _, err := tx.Exec(ctx, finishOrder, tx.Institution, id, string(status), o.BankReference, o.Reason, db.Micros(tx.Now)); err != nil {
			return err
		}
		if err := pointFinishing.Hit(ctx); err != nil {
			return err
		}
		if h := d.handlers[o.Purpose]; h != nil {
			if err := h(ctx, tx, o); err != nil {
				return err
			}
		}
		if err := audit.Record(ctx, tx, audit.Entry{
			Action: "payment." + string(status), Object: "payment_order", ObjectID: id,
			Before: map[string]any{"status": before}, After: o,
		}); err != nil {
			return err
		}
		return event.Append(ctx, tx, event.Draft{Type: "payment." + string(status), Aggregate: "payment_order", AggregateID: id, Payload: o})
	})
}

func (d *Dispatcher) point(name string, o Order) error {
	if d.cfg.Failpoint == nil {
		return nil
	}
	return d.cfg.Failpoint(name, o)
}

const reasonMax = 300

func clip(s string) string {
	r := []rune(s)
	return db.Text(string(r[:min(len(r), reasonMax)]), 4*reasonMax) // the words are the bank's: an order must not hang on them
}

// Instants at which a test may break off.
var (
	pointFinishing = failpoint.Declare("payment.finishing")
	pointUnknown   = failpoint.Declare("payment.unknown")
	pointAnswered  = failpoint.Declare("payment.answered")
	pointClaimed   = failpoint.Declare("payment.claimed")
)
