package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/capillary-finance/capillary/internal/credit/application"
	"github.com/capillary-finance/capillary/internal/credit/approval"
	"github.com/capillary-finance/capillary/internal/credit/decision"
	"github.com/capillary-finance/capillary/internal/credit/facility"
	"github.com/capillary-finance/capillary/internal/credit/pricing"
	"github.com/capillary-finance/capillary/internal/credit/product"
	"github.com/capillary-finance/capillary/internal/evidence/intake"
	"github.com/capillary-finance/capillary/internal/evidence/party"
	"github.com/capillary-finance/capillary/internal/insight/model"
	"github.com/capillary-finance/capillary/internal/insight/profile"
	"github.com/capillary-finance/capillary/internal/ledger/chart"
	"github.com/capillary-finance/capillary/internal/ledger/fx"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/ledger/period"
	"github.com/capillary-finance/capillary/internal/ledger/recipe"
	"github.com/capillary-finance/capillary/internal/ledger/statement"
	"github.com/capillary-finance/capillary/internal/ledger/voucher"
	"github.com/capillary-finance/capillary/internal/ledger/writer"
	"github.com/capillary-finance/capillary/internal/lending/ageing"
	"github.com/capillary-finance/capillary/internal/lending/contract"
	"github.com/capillary-finance/capillary/internal/lending/due"
	"github.com/capillary-finance/capillary/internal/lending/eod"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/lending/receipt"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/blob"
	"github.com/capillary-finance/capillary/internal/platform/config"
	"github.com/capillary-finance/capillary/internal/platform/crypto"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/event/natssink"
	"github.com/capillary-finance/capillary/internal/platform/event/operate"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/inbox"
	"github.com/capillary-finance/capillary/internal/platform/job"
	"github.com/capillary-finance/capillary/internal/platform/observe"
	"github.com/capillary-finance/capillary/internal/platform/proposal"
	"github.com/capillary-finance/capillary/internal/platform/search"
	"github.com/capillary-finance/capillary/internal/platform/webhook"
	"github.com/capillary-finance/capillary/internal/watch/signal"
)

// App is the whole house on one database.
type App struct {
	Config *config.Config
	Log    *slog.Logger
	DB     *db.DB
	Keys   *crypto.Keyring
	Blobs  *blob.Store

	Observe    *observe.Observe
	Auth       *auth.Service
	Audit      *audit.Service
	Proposals  *proposal.Service
	Relay      *event.Relay
	Jobs       *job.Runner
	Inbox      *inbox.Service
	Search     *search.Service
	Webhooks   *webhook.Service
	Sender     *webhook.Sender
	Operate    *operate.Service
	Firms      *party.Service
	Intake     *intake.Service
	Profiles   *profile.Service
	Models     *model.Service
	Journal    *journal.Service
	Recipes    *recipe.Service
	Chart      *chart.Service
	Vouchers   *voucher.Service
	Periods    *period.Service
	Exchange   *fx.Service
	Statements *statement.Service
	Writer     *writer.Writer
	Postings   *writer.Service
	Facilities *facility.Service
	Products   *product.Service
	Engine     *decision.Engine
	Decisions  *decision.Service
	Apps       *application.Service
	Approvals  *approval.Service
	Dispatcher *payment.Dispatcher
	Loans      *loan.Service
	Contracts  *contract.Service
	EOD        *eod.Service
	Receipts   *receipt.Service
	Signals    *signal.Service
	Book       *pricing.Service

	API *api.API
}

// Open opens and migrates the database and builds every service on it. The caller closes the App.
func Open(ctx context.Context, cfg *config.Config, log *slog.Logger) (*App, error) {
	d, err := db.Open(ctx, db.Config{
		Path: cfg.Database(), PostgresDSN: cfg.PostgresDSN, MaxConns: cfg.DatabaseConns, Hooks: []db.MigrationHook{job.Migrate},
	})
	if err != nil {
		return nil, err
	}
	a := &App{Config: cfg, Log: log, DB: d}
	if err := a.build(ctx); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return a, nil
}

func (a *App) build(ctx context.Context) (err error) {
	if err := a.DB.Migrate(ctx); err != nil {
		return err
	}
	if err := a.keysBelong(ctx); err != nil {
		return err
	}
	if err := journal.Upgrade(ctx, a.DB); err != nil {
		return err
	}
	if a.Keys, err = crypto.OpenKeyring(a.Config.Keys()); err != nil {
		return err
	}
	if a.Blobs, err = blob.NewStore(a.FilesDir()); err != nil {
		return err
	}
	if err := a.buildPlatform(ctx); err != nil {
		return err
	}
	if err := a.buildDomains(); err != nil {
		return err
	}
	return a.routes()
}

// keysBelong refuses to make a new key file for a database that has data: what it holds was sealed with
// keys that lie elsewhere, and whatever the new ones sealed would be lost once the right file is back.
func (a *App) keysBelong(ctx context.Context) error {
	if _, err := os.Stat(a.Config.Keys()); !errors.Is(err, fs.ErrNotExist) {
		return nil // there, or unreadable: opening it says more
	}
	return a.DB.View(ctx, db.System("keys"), func(tx *db.Tx) error {
		empty, err := tx.Empty(ctx)
		if err == nil && !empty {
			err = fault.New(ReasonKeysMissing, "file", a.Config.Keys())
		}
		return err
	})
}

// Check finds what in a configuration could not work, beyond what config itself knows.
func Check(c *config.Config) error {
	errs := []error{c.Check()}
	if err := db.CheckDSN(c.PostgresDSN); err != nil {
		errs = append(errs, fmt.Errorf("database.postgres_dsn: %w", err))
	}
	if _, err := webhook.NewGuard(webhook.GuardConfig{Allow: strings.Split(c.WebhookAllow, ",")}); err != nil {
		errs = append(errs, fmt.Errorf("webhook.allow: %w", err))
	}
	if st, err := os.Stat(c.DataDir); err == nil && !st.IsDir() {
		errs = append(errs, fmt.Errorf("data_dir: %s is not a folder", c.DataDir))
	}
	if c.BankURL != "" {
		if _, err := payment.NewClient(payment.ClientConfig{URL: c.BankURL, Secret: c.BankSecret}); err != nil {
			errs = append(errs, fmt.Errorf("bank.url: %w", err))
		}
	}
	return errors.Join(errs...)
}

// FilesDir is where uploads and contracts lie.
func (a *App) FilesDir() string { return filepath.Join(a.Config.DataDir, "files") }

func (a *App) buildPlatform(ctx context.Context) (err error) {
	c := a.Config
	if a.Observe, err = observe.New(ctx, observe.Config{Version: Version, MetricsToken: c.MetricsToken, OTLPEndpoint: c.OTLPEndpoint, Log: a.Log}); err != nil {
		return err
	}
	a.Observe.WatchDB(a.DB)
	a.Observe.AddCheck(observe.Check{Name: "database", Fn: a.DB.Ping})
	a.Observe.AddCheck(observe.Check{Name: "schema", Fn: a.schemaAtHead})
	a.Auth = auth.NewService(a.DB, a.Keys)
	a.Audit = audit.NewService(a.DB, a.Keys, filepath.Join(c.DataDir, "audit-anchors.jsonl"))
	a.Proposals = proposal.NewService(a.DB)
	a.Relay = event.NewRelay(a.DB, event.Config{Log: a.Log})
	a.Operate = operate.NewService(a.Relay)
	runs := job.NewMetrics()
	if a.Jobs, err = job.NewRunner(a.DB, job.Config{Log: a.Log, Workers: c.JobWorkers, Observe: runs.Observe, Trace: a.Observe.Span}); err != nil {
		return err
	}
	a.Observe.Registry.MustRegister(runs, a.Jobs.Collector(), a.Relay.Collector())
	a.Observe.AddCheck(observe.Check{Name: "events", Fn: func(ctx context.Context) error { return a.Relay.Ready(ctx, relayLagMax) }})
	a.Inbox = inbox.NewService(a.DB, userName)
	a.Search = search.NewService(a.DB)
	guard, err := webhook.NewGuard(webhook.GuardConfig{Allow: strings.Split(c.WebhookAllow, ",")})
	if err != nil {
		return err
	}
	a.Webhooks = webhook.NewService(a.DB, guard, a.Keys)
	a.Sender = webhook.NewSender(a.DB, guard, a.Keys, webhook.SenderConfig{Log: a.Log})
	a.Relay.Register(a.Sender.Consumer())
	a.Relay.Register(inbox.JobConsumer())
	if c.NATSURL != "" {
		sink, err := natssink.New(natssink.Config{URL: c.NATSURL, Stream: c.NATSStream, Log: a.Log})
		if err != nil {
			return fmt.Errorf("nats: %w", err)
		}
		a.Relay.AddSink(sink)
	}
	return nil
}

// relayLagMax is how many events a consumer may be behind before the server calls itself not ready.
const relayLagMax = 100_000

func (a *App) schemaAtHead(ctx context.Context) error {
	pending, err := a.DB.Pending(ctx)
	if err == nil && len(pending) > 0 {
		err = fmt.Errorf("%d migrations are pending", len(pending))
	}
	return err
}

// userName finds the person a task is handed to.
func userName(ctx context.Context, tx *db.Tx, userID string) (string, bool, error) {
	u, err := auth.FindUser(ctx, tx, userID)
	if err != nil {
		return "", false, nil //nolint:nilerr // an unknown user is an answer here
	}
	return u.Name, true, nil
}

// fieldCipher seals single fields for party.
type fieldCipher struct{ keys *crypto.Keyring }

func (c fieldCipher) Seal(institution, plain string) (string, error) {
	return c.keys.Encrypt("party/"+institution, []byte(plain))
}

func (c fieldCipher) Open(institution, sealed string) (string, error) {
	b, err := c.keys.Decrypt("party/"+institution, sealed)
	return string(b), err
}

func (a *App) buildDomains() error {
	d := a.DB
	a.Firms = party.NewService(d, fieldCipher{a.Keys})
	a.Search.Register(party.Search())
	a.Search.Register(application.Search())
	a.Relay.Register(party.Timeline())
	a.Intake = intake.NewService(d, a.Blobs, a.Firms, a.Jobs, a.Config.UploadMaxBytes)
	a.Profiles = profile.NewService(d)
	a.Models = model.NewService(d, a.Jobs)
	a.Journal = journal.NewService(d)
	a.Recipes = recipe.NewService(d, a.Proposals)
	a.Chart = chart.NewService(d, a.Proposals)
	a.Vouchers = voucher.NewService(d, a.Proposals)
	a.Periods = period.NewService(d, a.Proposals)
	a.Exchange = fx.NewService(d, a.Proposals)
	a.Statements = statement.NewService(d)
	a.Writer = writer.New(d, writer.Config{Log: a.Log})
	a.Postings = writer.NewService(d, a.Writer)
	a.Facilities = facility.NewService(d)
	a.Facilities.UseProposals(a.Proposals)
	a.Products = product.NewService(d)
	a.Engine = decision.NewEngine(decision.DefaultSources())
	a.Decisions = decision.NewService(d, a.Engine)
	a.Apps = application.NewService(d, a.Engine, contract.OfferSchedule)
	a.Approvals = approval.NewService(d, a.Apps)
	bank, err := a.bank()
	if err != nil {
		return err
	}
	a.Dispatcher = payment.NewDispatcher(d, bank, payment.DispatcherConfig{Log: a.Log})
	a.Loans = loan.NewService(d, a.Dispatcher, contract.Conditions)
	a.Loans.Servicing(a.Proposals)
	a.Contracts = contract.NewService(d, a.Blobs)
	a.Book = pricing.NewService(d, bookReaders())
	a.Book.UseProposals(a.Proposals)
	a.Jobs.Register(a.Contracts.Kind())
	a.EOD = eod.NewService(d, a.Loans, a.Dispatcher, a.Jobs)
	a.EOD.Register(ageing.NewService(d).Work())
	a.Jobs.Register(a.EOD.Kind())
	a.Jobs.Register(a.EOD.Help())
	in := receipt.Config{DB: d, Blobs: a.Blobs, Jobs: a.Jobs, Book: receipt.LoanBook{Loans: a.Loans}, Dispatcher: a.Dispatcher, Proposals: a.Proposals}
	in.BankFiles, _ = bank.(receipt.BankFiles) // only a channel that speaks files has them
	a.Receipts = receipt.NewService(in)
	a.Relay.Register(contract.Consumer(a.Jobs))
	a.Relay.Register(application.Expiry())
	a.Relay.Register(contract.DrawnConsumer())
	a.Relay.Register(due.Consumer())
	a.registerWatch()
	return nil
}

// bank is the payment channel; without one configured, orders wait and say so.
func (a *App) bank() (payment.Bank, error) {
	if a.Config.BankURL == "" {
		return noBank{a.Config.PaymentProtocol}, nil
	}
	cfg := payment.ClientConfig{URL: a.Config.BankURL, Secret: a.Config.BankSecret}
	if a.Config.PaymentProtocol == payment.ProtocolISO20022 {
		return payment.NewISOClient(cfg)
	}
	return payment.NewClient(cfg)
}

var errNoBank = errors.New("no payment channel is configured (bank.url): the order waits")

// noBank answers "unknown" to everything: nothing is sent, nothing is lost.
type noBank struct{ protocol string }

func (noBank) Submit(context.Context, string, payment.Order) (payment.Outcome, error) {
	return payment.Outcome{}, errNoBank
}

// Protocol is the configured one, for which the orders wait.
func (b noBank) Protocol() string { return b.protocol }

func (noBank) Query(context.Context, string) (payment.Outcome, error) {
	return payment.Outcome{}, errNoBank
}

// signOn is the client of the house's own identity provider, when one is configured.
func (a *App) signOn() *auth.SignOn {
	c := a.Config
	if c.OIDCIssuer == "" {
		return nil
	}
	return auth.NewSignOn(auth.SignOnConfig{
		Issuer: c.OIDCIssuer, ClientID: c.OIDCClientID, ClientSecret: c.OIDCSecret, RedirectURL: strings.TrimSuffix(c.BaseURL, "/") + "/api/v1/session/sign-on/callback",
	}, a.Keys, a.DB.Now)
}

// https tells whether people reach the server by https.
func (a *App) https() bool { return strings.HasPrefix(a.Config.BaseURL, "https://") }

// Close closes the database and sends the last traces.
func (a *App) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	return errors.Join(a.Observe.Shutdown(ctx), a.DB.Close())
}

// Workers starts everything that works in the background: relay, jobs, payments, webhooks, audit seals,
// housekeeping. It returns a function that stops them in order.
func (a *App) Workers(ctx context.Context) (stop func(), err error) {
	bg, cancel := context.WithCancel(context.WithoutCancel(ctx))
	var g errgroup.Group
	g.Go(func() error { return quietly(a.Dispatcher.Run(bg)) })
	g.Go(func() error { a.Audit.Run(bg, time.Second); return nil })
	g.Go(func() error { a.housekeeping(bg); return nil })
	g.Go(func() error {
		a.EOD.Clock(bg, func(err error) { a.Log.WarnContext(bg, "end of day by the clock", "error", err) })
		return nil
	})
	if err := a.Relay.Start(bg); err != nil {
		cancel()
		return nil, errors.Join(err, g.Wait())
	}
	if err := a.Jobs.Start(bg); err != nil {
		cancel()
		return nil, errors.Join(err, g.Wait())
	}
	if err := a.Sender.Start(bg); err != nil {
		cancel()
		return nil, errors.Join(err, g.Wait())
	}
	return func() {
		sctx, done := context.WithTimeout(context.Background(), a.Config.ShutdownGrace)
		defer done()
		err := errors.Join(a.Writer.Stop(sctx), a.Sender.Stop(sctx), a.Jobs.Stop(sctx), a.Relay.Stop(sctx))
		cancel()
		if err = errors.Join(err, g.Wait()); err != nil {
			a.Log.Warn("stopping workers", "error", err)
		}
	}, nil
}

func quietly(err error) error {
	if errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// housekeeping forgets what has expired, once an hour.
func (a *App) housekeeping(ctx context.Context) {
	t := time.NewTicker(time.Hour)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			_, err := api.PurgeIdempotency(ctx, a.DB)
			if err = errors.Join(err, a.Auth.Purge(ctx), a.expireProposals(ctx), a.Inbox.Prune(ctx, a.DB.Now().AddDate(0, -3, 0))); err != nil {
				a.Log.WarnContext(ctx, "housekeeping", "error", err)
			}
		}
	}
}

func (a *App) expireProposals(ctx context.Context) error {
	all, err := a.Auth.Institutions(ctx, "")
	for _, i := range all {
		_, e := a.Proposals.ExpireDue(ctx, i.ID)
		err = errors.Join(err, e)
	}
	return err
}

// Serve runs the server until ctx ends, then stops in order: no new work, requests, workers.
// ready is told the address once requests are accepted.
func (a *App) Serve(ctx context.Context, ready func(addr string)) error {
	// First of all: a server whose port is taken must not begin to work (send money, run jobs) before it notices.
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", a.Config.Listen)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	stop, err := a.Workers(ctx)
	if err != nil {
		return errors.Join(err, ln.Close())
	}
	defer stop()
	srv := &http.Server{
		Handler: a.Handler(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(a.Log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(ln) }()
	ready(ln.Addr().String())
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	a.Observe.Drain()
	// Load balancers hear of it by asking; until they have, they still send requests here.
	select {
	case err := <-failed:
		return err
	case <-time.After(a.Config.ShutdownDrain):
	}
	sctx, cancel := context.WithTimeout(context.Background(), a.Config.ShutdownGrace)
	defer cancel()
	err = srv.Shutdown(sctx)
	if errors.Is(err, context.DeadlineExceeded) {
		// Cut off now, not under a database that is being closed: a caller who repeats with his key loses nothing.
		a.Log.Warn("requests were cut off at shutdown", "after", a.Config.ShutdownGrace)
		err = srv.Close()
	}
	return err
}
