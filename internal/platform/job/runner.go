package job

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/riverqueue/river"

	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/failpoint"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/job/schema"
)

// Migrate brings the queue tables to head; it goes into db.Config.Hooks.
var Migrate db.MigrationHook = schema.Migrate

// Config of a Runner; the zero value is ready for production.
type Config struct {
	Log *slog.Logger
	// Workers is how many jobs run at once in this process (default 4).
	Workers int
	// Poll is how often the queue is asked for work (default 250 ms; on SQLite it costs no disk write).
	Poll time.Duration
	// Beat is how often a running job says that it lives (default 2 s).
	Beat time.Duration
	// StaleAfter is the silence after which a job's process is taken for dead (default 15 s).
	StaleAfter time.Duration
	// Watch is how often a running job looks for a cancel request (default 400 ms).
	Watch time.Duration
	// Observe, when set, hears of every finished run (metrics).
	Observe func(kind string, state State, took time.Duration)
	// Trace, when set, wraps the context of a run (spans); the function it returns ends the span.
	Trace func(ctx context.Context, kind, id string) (context.Context, func(error))
}

func (c Config) withDefaults() Config {
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Workers <= 0 {
		c.Workers = 4
	}
	if c.Poll <= 0 {
		c.Poll = 250 * time.Millisecond
	}
	if c.Beat <= 0 {
		c.Beat = 2 * time.Second
	}
	if c.StaleAfter <= 0 {
		c.StaleAfter = 15 * time.Second
	}
	if c.Watch <= 0 {
		c.Watch = 400 * time.Millisecond
	}
	return c
}

// Runner enqueues jobs and, once started, runs them.
type Runner struct {
	db     *db.DB
	cfg    Config
	client *river.Client[*sql.Tx]

	mu     sync.Mutex
	kinds  map[string]Kind
	active map[string]*Run // by job id: what this process runs now

	stop func()
	done sync.WaitGroup
}

// NewRunner makes a runner on d; kinds are registered before Start.
func NewRunner(d *db.DB, c Config) (*Runner, error) {
	x := &Runner{db: d, cfg: c.withDefaults(), kinds: map[string]Kind{}, active: map[string]*Run{}}
	workers := river.NewWorkers()
	if err := river.AddWorkerSafely(workers, &worker{runner: x}); err != nil {
		return nil, fmt.Errorf("job runner: %w", err)
	}
	client, err := river.NewClient(schema.Driver(d.Writer(), d.Dialect()), &river.Config{
		ID:                   runnerID(),
		Logger:               quietLogger(x.cfg.Log, d.Dialect()),
		PollOnly:             true, // both drivers over database/sql; a listener would poll the one SQLite writer as well
		FetchCooldown:        min(100*time.Millisecond, x.cfg.Poll),
		FetchPollInterval:    x.cfg.Poll,
		JobTimeout:           -1, // long work is the purpose
		RescueStuckJobsAfter: 24 * time.Hour,
		ReindexerSchedule:    never{}, // needs the table owner; the queue stays small
		Queues:               map[string]river.QueueConfig{river.QueueDefault: {MaxWorkers: x.cfg.Workers}},
		Workers:              workers,
	})
	if err != nil {
		return nil, fmt.Errorf("job runner: %w", err)
	}
	x.client = client
	return x, nil
}

type never struct{}

func (never) Next(t time.Time) time.Time { return t.AddDate(100, 0, 0) }

// quietLogger keeps the library's warnings and drops its chatter. On SQLite it also drops its complaints
// that it had to wait: the one writer was in a long transaction, and the library asks again by itself.
func quietLogger(l *slog.Logger, d db.Dialect) *slog.Logger {
	return slog.New(quiet{l.Handler(), d == db.SQLite})
}

type quiet struct {
	slog.Handler
	patient bool
}

func (h quiet) Enabled(ctx context.Context, l slog.Level) bool {
	return l >= slog.LevelWarn && h.Handler.Enabled(ctx, l)
}

func (h quiet) Handle(ctx context.Context, r slog.Record) error {
	waited := false
	r.Attrs(func(a slog.Attr) bool {
		waited = waited || strings.Contains(a.Value.String(), context.DeadlineExceeded.Error())
		return true
	})
	if h.patient && (waited || strings.Contains(r.Message, "stepping down")) {
		return nil
	}
	return h.Handler.Handle(ctx, r)
}

func (h quiet) WithAttrs(a []slog.Attr) slog.Handler { return quiet{h.Handler.WithAttrs(a), h.patient} }
func (h quiet) WithGroup(n string) slog.Handler      { return quiet{h.Handler.WithGroup(n), h.patient} }

func runnerID() string {
	host, _ := os.Hostname()
	return fmt.Sprintf("%.60s-%d-%s", host, os.Getpid(), token())
}

// token is a lease: random, so that no two runs ever share one, whatever the clock says.
func token() string {
	var b [12]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

var kindName = regexp.MustCompile(`^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$`)

// Register makes a kind known. A wrong or repeated kind is a programming error and panics at start.
func (x *Runner) Register(k Kind) {
	if !kindName.MatchString(k.Name) || k.Zh == "" || k.En == "" || k.Run == nil {
		panic("job: incomplete kind " + k.Name)
	}
	if k.Tries <= 0 {
		k.Tries = 5
	}
	if k.Backoff == nil {
		k.Backoff = defaultBackoff
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if _, dup := x.kinds[k.Name]; dup {
		panic("job: kind registered twice: " + k.Name)
	}
	x.kinds[k.Name] = k
}

func (x *Runner) kind(name string) (Kind, bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	k, ok := x.kinds[name]
	return k, ok
}

// Kinds lists the registered kinds by name.
func (x *Runner) Kinds() []Kind {
	x.mu.Lock()
	defer x.mu.Unlock()
	out := make([]Kind, 0, len(x.kinds))
	for _, k := range x.kinds {
		out = append(out, k)
	}
	slices.SortFunc(out, func(a, b Kind) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	return out
}

// Enqueue writes a job in the caller's transaction; it may start once that commits.
func (x *Runner) Enqueue(ctx context.Context, tx *db.Tx, in Request) (Job, error) {
	if _, ok := x.kind(in.Kind); !ok {
		return Job{}, fault.New(ReasonUnknownKind, "kind", in.Kind).WithField("kind")
	}
	if tx.Institution == db.AllInstitutions {
		return Job{}, errors.New("job: enqueue needs a transaction of one institution")
	}
	if len(in.Key) > keyCharsMax {
		return Job{}, fault.New(fault.ReasonTooLarge, "what", "key", "limit", keyCharsMax)
	}
	args, err := json.Marshal(in.Args)
	if err != nil {
		return Job{}, fmt.Errorf("job %s: args: %w", in.Kind, err)
	}
	if len(args) > argsBytesMax {
		return Job{}, fault.New(fault.ReasonTooLarge, "what", "job args", "limit", argsBytesMax)
	}
	if in.Key != "" {
		if err := tx.Lock(ctx, "job:"+in.Kind+":"+in.Key); err != nil {
			return Job{}, err
		}
		r, err := x.scan(tx.QueryRow(ctx, selectByKey, tx.Institution, in.Kind, in.Key))
		if err == nil || !db.IsNoRows(err) {
			return r.Job, err
		}
	}
	return x.insert(ctx, tx, in, string(args))
}

func (x *Runner) insert(ctx context.Context, tx *db.Tx, in Request, args string) (Job, error) {
	p := in.Principal
	if p.UserID == "" {
		p = auth.SystemPrincipal(tx.Institution, "job")
		p.UserID = tx.Actor
	}
	if p.InstitutionID != tx.Institution {
		return Job{}, errors.New("job: principal and transaction are of different institutions")
	}
	branch := p.BranchPath
	if p.Via == "system" {
		branch = "" // the program's own work belongs to no branch
	}
	who, err := packPrincipal(p)
	if err != nil {
		return Job{}, err
	}
	id := tx.NewID("job")
	riverID, err := x.push(ctx, tx, id, 1, 0)
	if err != nil {
		return Job{}, err
	}
	_, err = tx.Exec(ctx, insertJob, tx.Institution, id, in.Kind, in.Key, in.Object, in.ObjectID, args, who, p.UserID, p.Name, branch, riverID, db.Micros(tx.Now))
	if err != nil {
		return Job{}, err
	}
	if err := pointEnqueued.Hit(ctx); err != nil {
		return Job{}, err
	}
	if err := note(ctx, tx, "job.enqueue", id, nil, map[string]any{"kind": in.Kind, "object": in.Object, "object_id": in.ObjectID}); err != nil {
		return Job{}, err
	}
	r, err := x.byID(ctx, tx, selectJob, tx.Institution, id)
	return r.Job, err
}

// push inserts a token of the queue library in the caller's transaction.
func (x *Runner) push(ctx context.Context, tx *db.Tx, id string, runNo int64, delay time.Duration) (int64, error) {
	opts := &river.InsertOpts{}
	if delay > 0 {
		opts.ScheduledAt = time.Now().Add(delay) // the library keeps wall time, whatever clock the program runs on
	}
	res, err := x.client.InsertTx(ctx, tx.SQL(), tokenArgs{Institution: tx.Institution, Job: id, Run: runNo}, opts)
	if err != nil {
		return 0, fmt.Errorf("enqueue job %s: %w", id, err)
	}
	return res.Job.ID, nil
}

// note writes the audit record and the event of one change.
func note(ctx context.Context, tx *db.Tx, action, id string, before, after any) error {
	if err := audit.Record(ctx, tx, audit.Entry{Action: action, Object: "job", ObjectID: id, Before: before, After: after}); err != nil {
		return err
	}
	payload := map[string]any{"job_id": id}
	if m, ok := after.(map[string]any); ok {
		for k, v := range m {
			payload[k] = v
		}
	}
	return event.Append(ctx, tx, event.Draft{Type: eventTypes[action], Aggregate: "job", AggregateID: id, Payload: payload})
}

var eventTypes = map[string]string{
	"job.enqueue": "job.queued", "job.cancel": "job.cancel_requested", "job.resume": "job.resumed", "job.retry": "job.retried",
	"job.completed": "job.completed", "job.failed": "job.failed", "job.cancelled": "job.cancelled", "job.interrupt": "job.interrupted",
}

// Start runs jobs until Stop; jobs whose process died are found at once and then regularly.
func (x *Runner) Start(ctx context.Context) error {
	base := context.WithoutCancel(ctx)
	if err := x.Sweep(base); err != nil {
		return err
	}
	if err := x.client.Start(base); err != nil {
		return fmt.Errorf("start jobs: %w", err)
	}
	loop, cancel := context.WithCancel(base)
	x.stop = cancel
	x.done.Go(func() {
		tick := time.NewTicker(max(x.cfg.StaleAfter/3, 50*time.Millisecond))
		defer tick.Stop()
		for {
			select {
			case <-loop.Done():
				return
			case <-tick.C:
				if err := x.Sweep(loop); err != nil && loop.Err() == nil {
					x.cfg.Log.Warn("job sweep", "error", err)
				}
			}
		}
	})
	return nil
}

// Stop asks running jobs to stop, puts them back into the queue at their checkpoint and waits for
// them at most as long as ctx allows.
func (x *Runner) Stop(ctx context.Context) error {
	if x.stop == nil {
		return nil
	}
	x.stop()
	x.done.Wait()
	x.mu.Lock()
	for _, r := range x.active {
		r.cancel(errStopping)
	}
	x.stop = nil
	x.mu.Unlock()
	if err := x.client.StopAndCancel(ctx); err != nil {
		return fmt.Errorf("stop jobs: %w", err)
	}
	return nil
}

// Sweep finds jobs that nobody works on any more and puts them back into the queue, each under a new
// run number, so that a token or a process that was only slow can no longer touch them.
func (x *Runner) Sweep(ctx context.Context) error {
	type dead struct {
		institution, id string
		runNo           int64
	}
	var found []dead
	err := x.db.View(ctx, db.System("jobs"), func(tx *db.Tx) error {
		rows, err := tx.Query(ctx, findDead, db.Micros(tx.Now.Add(-x.cfg.StaleAfter)))
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // read to its end below
		for rows.Next() {
			var f dead
			if err := rows.Scan(&f.institution, &f.id, &f.runNo); err != nil {
				return err
			}
			found = append(found, f)
		}
		return rows.Err()
	})
	if err != nil {
		return fmt.Errorf("find dead jobs: %w", err)
	}
	for _, f := range found {
		if x.running(f.id) {
			continue // ours; its beat waits behind a long transaction
		}
		if err := x.takeOver(ctx, f.institution, f.id, f.runNo); err != nil {
			return err
		}
	}
	return nil
}

func (x *Runner) running(id string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.active[id] != nil
}

// Instants at which a test may break off.
var (
	pointEnqueued = failpoint.Declare("job.enqueued")
)
