package signal_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/credit/application"
	"github.com/capillary-finance/capillary/internal/credit/approval"
	"github.com/capillary-finance/capillary/internal/credit/decision"
	"github.com/capillary-finance/capillary/internal/credit/facility"
	"github.com/capillary-finance/capillary/internal/credit/pricing"
	"github.com/capillary-finance/capillary/internal/credit/product"
	"github.com/capillary-finance/capillary/internal/evidence/source"
	"github.com/capillary-finance/capillary/internal/insight/model"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/testkit/callkit"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
	"github.com/capillary-finance/capillary/internal/testkit/firmbook"
	"github.com/capillary-finance/capillary/internal/watch/signal"
)

func schedule(in application.ScheduleInput) (application.Preview, error) {
	return application.Preview{AnnualisedRate: in.Rate, TotalCostMinor: 1, Instalments: []application.Instalment{{No: 1, DueOn: in.StartsOn.AddMonths(in.TenorMonths, calendar.Clamp)}}}, nil
}

// serve registers everything of credit and watch, as the program does.
func serve(t *testing.T, d *db.DB, s dbtest.Staff, w *signal.Watcher) *callkit.Server {
	engine := decision.NewEngine(decision.DefaultSources())
	apps := application.NewService(d, engine, schedule)
	return callkit.New(t, d, s, func(a *api.API) {
		product.Routes(a, product.NewService(d))
		decision.Routes(a, decision.NewService(d, engine))
		application.Routes(a, apps)
		approval.Routes(a, approval.NewService(d, apps))
		facility.Routes(a, facility.NewService(d))
		pricing.Routes(a, pricing.NewService(d, pricing.Readers{Limits: decision.LatestLimits}))
		signal.Routes(a, signal.NewService(d, w))
	})
}

func activeModel(t *testing.T, d *db.DB, s dbtest.Staff) {
	t.Helper()
	svc := model.NewService(d, nil)
	m, err := svc.Train(t.Context(), s.Risk, model.TrainInput{Name: "shops", Repeats: 1, Candidates: []string{"sales_net_12m", "sales_void_rate_12m", "sales_count_12m"}})
	require.NoError(t, err)
	_, err = svc.Validate(t.Context(), s.Risk, m.ID)
	require.NoError(t, err)
	_, err = svc.Approve(t.Context(), s.Approver, m.ID, "ok")
	require.NoError(t, err)
	_, err = svc.Activate(t.Context(), s.Approver, m.ID)
	require.NoError(t, err)
}

// The whole credit story on real invoices, profiles and a trained model, through the API: check,
// apply, decide, offer, accept, facility, fresh evidence, signal, frozen, unfrozen.
func TestFromInvoicesToASignalThroughTheAPI(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		labelled := firmbook.Labelled(t, d, s, 90)
		activeModel(t, d, s)
		strong := firmbook.Firm(t, d, s, "STRONG", "", firmbook.Trade(7001, 1.8))
		weak := firmbook.Firm(t, d, s, "WEAK", "", firmbook.Trade(7002, -2.5))
		w := signal.NewWatcher(signal.DefaultSources())
		x := serve(t, d, s, w)
		const rm, ap = auth.RoleRelationshipManager, auth.RoleApprover
		ask := func(firm string) map[string]any {
			return map[string]any{"firm_id": firm, "product_id": "invoice-credit", "amount_minor": 30_000_000, "tenor_months": 12, "method": "interest_only", "purpose": "stock"}
		}
		checked := x.Need(http.StatusCreated, rm, http.MethodPost, "/api/v1/decisions", ask(strong))
		require.Equal(t, "approved", checked["outcome"].(map[string]any)["result"], "%v", checked["outcome"])
		require.Contains(t, checked["notice"].(map[string]any)["zh"], "未查询征信")
		declined := x.Need(http.StatusCreated, rm, http.MethodPost, "/api/v1/decisions", ask(weak))
		require.Equal(t, "declined", declined["outcome"].(map[string]any)["result"])
		require.NotEmpty(t, declined["outcome"].(map[string]any)["reasons"])
		replayed := x.Need(http.StatusOK, auth.RoleCompliance, http.MethodPost, "/api/v1/decisions/"+declined["id"].(string)+"/replay", nil)
		require.Equal(t, true, replayed["same"])
		x.Need(http.StatusForbidden, auth.RoleAdmin, http.MethodPost, "/api/v1/decisions", ask(strong))
		bad := x.Need(http.StatusUnprocessableEntity, rm, http.MethodPost, "/api/v1/decisions", map[string]any{"firm_id": strong, "product_id": "invoice-credit", "amount_minor": 3, "tenor_months": 99, "method": "x", "purpose": "y"})
		require.Len(t, bad["errors"], 4)

		app := x.Need(http.StatusCreated, rm, http.MethodPost, "/api/v1/applications", ask(strong))
		path := "/api/v1/applications/" + app["id"].(string)
		app = x.Need(http.StatusOK, rm, http.MethodPost, path+"/submit", map[string]any{})
		require.Equal(t, "approved", app["state"])
		app = x.Need(http.StatusOK, rm, http.MethodPost, path+"/offer", map[string]any{})
		require.NotEmpty(t, app["offer"].(map[string]any)["instalments"])
		app = x.Need(http.StatusOK, rm, http.MethodPost, path+"/accept", map[string]any{"channel": "portal", "signer": "李某"})
		require.Equal(t, "accepted", app["state"])
		f := openFacility(t, d, s, app)

		portfolio := x.Need(http.StatusOK, auth.RoleRisk, http.MethodGet, "/api/v1/portfolio", nil)
		require.InDelta(t, 92, portfolio["total"].(map[string]any)["firms"], 0)
		require.InDelta(t, 20_000_000, portfolio["total"].(map[string]any)["utilised_minor"], 0)
		scoreAll(t, d, s, labelled[:30])
		run := x.Need(http.StatusOK, auth.RoleRisk, http.MethodPost, "/api/v1/portfolio/optimise", map[string]any{"budget_minor": 500_000_000, "min_minor": 10_000_000, "max_minor": 100_000_000,
			"min_rate": "0.04", "max_rate": "0.15", "lgd": "0.45", "funding_rate": "0.018"})
		book := run["book"].(map[string]any)
		require.LessOrEqual(t, book["amount_minor"], 500_000_000.0)
		require.Positive(t, book["profit_minor"])
		for _, b := range run["baselines"].([]any) {
			require.GreaterOrEqual(t, book["profit_minor"], b.(map[string]any)["profit_minor"])
		}
		again := x.Need(http.StatusOK, ap, http.MethodGet, "/api/v1/portfolio/optimisations/"+run["id"].(string), nil)
		require.Equal(t, book["profit_minor"], again["book"].(map[string]any)["profit_minor"])

		// Four months on, one last sale long ago arrives; the firm has fallen silent.
		roll(t, d, s, "2026-05-05")
		firmbook.Add(t, d, s, strong, []source.Invoice{{Direction: source.Sale, Number: "late-1", Date: firmbook.Today.AddDays(10), Counterparty: "buyer 1", NetMinor: 1_000_000, TaxMinor: 130_000, GrossMinor: 1_130_000}})
		deliver(t, d, s, w, strong)
		got := x.Need(http.StatusOK, rm, http.MethodGet, "/api/v1/signals?level=red", nil)
		items := got["items"].([]any)
		require.NotEmpty(t, items)
		first := items[len(items)-1].(map[string]any)
		require.Equal(t, "freeze", first["action"])
		require.NotEmpty(t, first["reason"].(map[string]any)["zh"])
		frozen := x.Need(http.StatusOK, rm, http.MethodGet, "/api/v1/facilities/"+f.ID, nil)
		require.Equal(t, "frozen", frozen["status"])
		x.Need(http.StatusOK, rm, http.MethodPost, "/api/v1/signals/"+first["id"].(string)+"/resolve", map[string]any{"outcome": "handled", "note": "停产检修，已恢复"})
		x.Need(http.StatusForbidden, rm, http.MethodPost, "/api/v1/facilities/"+f.ID+"/unfreeze", map[string]any{"reason": "恢复"})
		f2 := x.Need(http.StatusOK, auth.RoleRisk, http.MethodPost, "/api/v1/facilities/"+f.ID+"/unfreeze", map[string]any{"reason": "恢复"})
		require.Equal(t, "active", f2["status"])
	})
}

func openFacility(t *testing.T, d *db.DB, s dbtest.Staff, app map[string]any) (f facility.Facility) {
	t.Helper()
	require.NoError(t, d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
		a, err := application.ByID(t.Context(), tx, app["id"].(string))
		if err != nil {
			return err
		}
		if f, err = facility.Open(t.Context(), tx, facility.Draft{FirmID: a.FirmID, ApplicationID: a.ID, ContractID: "con_1", ProductID: a.ProductID, ProductVersion: a.ProductVersion,
			BranchID: a.BranchID, BranchPath: a.BranchPath, LimitMinor: a.Offer.AmountMinor, Currency: a.Currency, Rate: a.Rate, Revolving: true, ExpiresOn: calendar.Of(2027, 1, 4)}); err != nil {
			return err
		}
		if err := application.MarkContracted(t.Context(), tx, a.ID, "con_1"); err != nil {
			return err
		}
		return facility.Reserve(t.Context(), tx, f.ID, 20_000_000, "draw_1")
	}))
	return f
}

func scoreAll(t *testing.T, d *db.DB, s dbtest.Staff, ids []string) {
	t.Helper()
	svc := model.NewService(d, nil)
	for _, id := range ids {
		_, err := svc.ScoreNow(t.Context(), s.Risk, id, calendar.Date{})
		require.NoError(t, err)
	}
}

func roll(t *testing.T, d *db.DB, s dbtest.Staff, day string) {
	t.Helper()
	require.NoError(t, d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
		_, err := tx.Exec(t.Context(), rollDate, s.InstitutionID, day)
		return err
	}))
}

// deliver hands the judge what the fan-out would have sent, twice, as a relay may.
func deliver(t *testing.T, d *db.DB, s dbtest.Staff, w *signal.Watcher, firmID string) {
	t.Helper()
	for range 2 {
		require.NoError(t, d.Update(t.Context(), db.Scope{Institution: s.InstitutionID, Actor: "system:watch"}, func(tx *db.Tx) error {
			return w.Consumers()[1].Handle(t.Context(), tx, event.Event{ID: "evt_x", Institution: s.InstitutionID, Type: signal.EventTouched, Payload: []byte(`{"firm":"` + firmID + `"}`)})
		}))
	}
}
