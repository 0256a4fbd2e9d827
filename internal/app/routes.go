package app

import (
	"net/http"

	"github.com/capillary-finance/capillary/internal/app/console"
	"github.com/capillary-finance/capillary/internal/credit/application"
	"github.com/capillary-finance/capillary/internal/credit/approval"
	"github.com/capillary-finance/capillary/internal/credit/decision"
	"github.com/capillary-finance/capillary/internal/credit/facility"
	"github.com/capillary-finance/capillary/internal/credit/pricing"
	"github.com/capillary-finance/capillary/internal/credit/product"
	"github.com/capillary-finance/capillary/internal/evidence/consent"
	"github.com/capillary-finance/capillary/internal/evidence/intake"
	"github.com/capillary-finance/capillary/internal/evidence/party"
	"github.com/capillary-finance/capillary/internal/evidence/source"
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
	loanpaper "github.com/capillary-finance/capillary/internal/lending/statement"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/blob"
	"github.com/capillary-finance/capillary/internal/platform/event/operate"
	"github.com/capillary-finance/capillary/internal/platform/identity"
	"github.com/capillary-finance/capillary/internal/platform/inbox"
	"github.com/capillary-finance/capillary/internal/platform/job"
	"github.com/capillary-finance/capillary/internal/platform/search"
	"github.com/capillary-finance/capillary/internal/platform/webhook"
	"github.com/capillary-finance/capillary/internal/watch/signal"
)

// routes registers every operation of every package on one API.
func (a *App) routes() error {
	proxies, err := a.Config.Proxies()
	if err != nil {
		return err
	}
	a.API = api.New(a.DB, Version, identity.Authenticator(a.Auth, a.https()), api.WithLogger(a.Log), api.WithHTTPS(a.https()), api.WithTrustedProxies(proxies...),
		api.WithLimits(api.Limits{PerPrincipal: float64(a.Config.RatePrincipal), PerAddress: float64(a.Config.RateAddress)}))
	identity.Routes(a.API, identity.Config{DB: a.DB, Auth: a.Auth, Proposals: a.Proposals, Audit: a.Audit, SignOn: a.signOn(), HTTPS: a.https()})
	job.Routes(a.API, a.Jobs)
	inbox.Routes(a.API, a.Inbox)
	search.Routes(a.API, a.Search)
	operate.Routes(a.API, a.Operate)
	webhook.Routes(a.API, a.Webhooks)
	party.Routes(a.API, a.Firms)
	consent.Routes(a.API)
	source.Routes(a.API)
	intake.Routes(a.API, a.Intake)
	profile.Routes(a.API, a.Profiles)
	model.Routes(a.API, a.Models)
	journal.Routes(a.API, a.Journal)
	recipe.Routes(a.API, a.Recipes)
	chart.Routes(a.API, a.Chart)
	voucher.Routes(a.API, a.Vouchers)
	period.Routes(a.API, a.Periods)
	fx.Routes(a.API, a.Exchange)
	statement.Routes(a.API, a.Statements)
	writer.Routes(a.API, a.Postings)
	product.Routes(a.API, a.Products)
	facility.Routes(a.API, a.Facilities)
	decision.Routes(a.API, a.Decisions)
	application.Routes(a.API, a.Apps)
	approval.Routes(a.API, a.Approvals)
	contract.Routes(a.API, a.Contracts)
	payment.Routes(a.API, payment.NewService(a.DB))
	loan.Routes(a.API, a.Loans)
	eod.Routes(a.API, a.EOD)
	receipt.Routes(a.API, a.Receipts)
	due.Routes(a.API, due.NewService(a.DB))
	ageing.Routes(a.API, ageing.NewService(a.DB))
	loanpaper.Routes(a.API, loanpaper.NewService(a.DB, a.Loans))
	pricing.Routes(a.API, a.Book)
	blob.Routes(a.API, a.Blobs, a.Config.UploadMaxBytes)
	signal.Routes(a.API, a.Signals)
	a.Observe.Routes(a.API.Mux)
	a.API.Mux.Handle("/", console.Handler())
	return nil
}

// Handler is the whole server: measurement outside, then the API's guards, then the routes.
func (a *App) Handler() http.Handler { return a.Observe.Middleware(a.API.Handler()) }
