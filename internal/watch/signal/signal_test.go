package signal_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/credit/facility"
	"github.com/capillary-finance/capillary/internal/credit/product"
	"github.com/capillary-finance/capillary/internal/evidence/consent"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/inbox"
	"github.com/capillary-finance/capillary/internal/testkit/creditkit"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
	"github.com/capillary-finance/capillary/internal/watch/signal"
)

// scene is a firm with a facility of 800,000 yuan, 500,000 in use, healthy at the last profile.
type scene struct {
	d        *db.DB
	staff    dbtest.Staff
	then     *creditkit.Book
	now      *creditkit.Book
	consent  bool
	watcher  *signal.Watcher
	service  *signal.Service
	facility facility.Facility
	tasks    *inbox.Service
}

func setup(t *testing.T, d *db.DB) *scene {
	t.Helper()
	x := &scene{d: d, staff: dbtest.Institution(t, d), then: creditkit.Healthy(), now: creditkit.Healthy(), consent: true}
	sources := signal.Sources{
		Firm: x.now.Sources(t).Firm,
		Before: func(ctx context.Context, tx *db.Tx, id string) (signal.Moment, bool, error) {
			m, err := moment(ctx, tx, t, x.then, id, "before", calendar.Of(2025, 12, 31))
			return m, true, err
		},
		Now: func(ctx context.Context, tx *db.Tx, id string, day calendar.Date) (signal.Moment, error) {
			if !x.consent {
				return signal.Moment{}, fault.New(consent.ReasonMissing, "firm", id, "kind", "invoice", "purpose", "watch")
			}
			return moment(ctx, tx, t, x.now, id, "now", day)
		},
	}
	x.now.Firm.ManagerID = x.staff.Manager.UserID
	x.watcher = signal.NewWatcher(sources)
	x.service = signal.NewService(d, x.watcher)
	x.tasks = inbox.NewService(d, func(context.Context, *db.Tx, string) (string, bool, error) { return "客户经理", true, nil })
	x.update(t, func(tx *db.Tx) error {
		var err error
		x.facility, err = facility.Open(t.Context(), tx, facility.Draft{FirmID: "firm_1", ContractID: "con_1", ProductID: "invoice-credit", ProductVersion: 1, BranchID: "br_east",
			BranchPath: "/hq/east/", LimitMinor: 80_000_000, Currency: "CNY", Rate: rate.FromBP(435), Revolving: true, ExpiresOn: calendar.Of(2026, 12, 31)})
		if err != nil {
			return err
		}
		return facility.Reserve(t.Context(), tx, x.facility.ID, 50_000_000, "draw_1")
	})
	return x
}

func moment(ctx context.Context, tx *db.Tx, t *testing.T, b *creditkit.Book, id, name string, day calendar.Date) (signal.Moment, error) {
	s := b.Sources(t)
	snap, err := s.Profile(ctx, tx, id, day)
	if err != nil {
		return signal.Moment{}, err
	}
	score, err := s.Score(ctx, tx, id, snap)
	score.ID = "sco_" + name
	return signal.Moment{Snapshot: snap, Score: score}, err
}

func (x *scene) update(t *testing.T, fn func(tx *db.Tx) error) {
	t.Helper()
	require.NoError(t, x.d.Update(t.Context(), x.staff.System.Scope(), fn))
}

func (x *scene) judge(t *testing.T) (out []signal.Signal) {
	t.Helper()
	x.update(t, func(tx *db.Tx) (err error) { out, err = x.watcher.Judge(t.Context(), tx, "firm_1"); return err })
	return out
}

func (x *scene) state(t *testing.T) facility.Facility {
	t.Helper()
	d, err := facility.NewService(x.d).Get(t.Context(), x.staff.Manager, x.facility.ID)
	require.NoError(t, err)
	return d.Facility
}

// falling makes the last quarter's sales collapse between the two profiles.
func (x *scene) falling() {
	x.then.Features["sales_net_3m"], x.then.Features["sales_net_6m"] = 150_000_000, 300_000_000
	x.now.Features["sales_net_3m"], x.now.Features["sales_net_6m"], x.now.Features["sales_growth_quarter_yoy"] = 30_000_000, 180_000_000, -0.75
}

func TestHealthyFirmRaisesNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		x := setup(t, d)
		require.Empty(t, x.judge(t))
		require.EqualValues(t, 80_000_000, x.state(t).LimitMinor)
	})
}

func TestFallingSalesLowerTheLimitAndTellTheManagerWhy(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		x := setup(t, d)
		x.falling()
		raised := x.judge(t)
		require.Len(t, raised, 1)
		s := raised[0]
		require.Equal(t, "SALES_FALL_QUARTER", s.Code)
		require.Equal(t, "I01", s.Catalogue)
		require.Equal(t, product.ActionReduce, s.Action)
		require.EqualValues(t, 80_000_000, s.LimitBeforeMinor)
		require.EqualValues(t, 50_000_000, s.LimitAfterMinor, "half would be below what is in use")
		require.Contains(t, s.Reason.Zh, "300,000元")
		require.Contains(t, s.Figures.BeforeText.Zh, "1,500,000元")
		require.Equal(t, "sco_before", s.ScoreBeforeID)
		f := x.state(t)
		require.EqualValues(t, 50_000_000, f.LimitMinor)
		require.Zero(t, f.AvailableMinor)

		tasks, err := x.tasks.Tasks(t.Context(), x.staff.Manager, inbox.Filter{View: "mine", Limit: 10})
		require.NoError(t, err)
		require.Len(t, tasks.Items, 1)
		require.Contains(t, tasks.Items[0].ReasonZh, "已调低额度：800,000.00元 → 500,000.00元")
		require.Contains(t, tasks.Items[0].ReasonEn, "Advice:")

		// The same evidence again, or a retried event, changes nothing.
		require.Empty(t, x.judge(t))
		require.EqualValues(t, 50_000_000, x.state(t).LimitMinor)

		got, err := x.service.Acknowledge(t.Context(), x.staff.Manager, s.ID)
		require.NoError(t, err)
		require.Equal(t, signal.Acknowledged, got.State)
		_, err = x.service.Acknowledge(t.Context(), x.staff.Manager, s.ID)
		require.True(t, fault.Is(err, signal.ReasonState), err)
		_, err = x.service.Resolve(t.Context(), x.staff.Manager, s.ID, signal.Resolution{Outcome: "maybe", SnoozeDays: 999})
		require.True(t, fault.Is(err, signal.ReasonOutcome) && fault.Is(err, fault.ReasonRequired) && fault.Is(err, fault.ReasonInvalid), err)
		got, err = x.service.Resolve(t.Context(), x.staff.Manager, s.ID, signal.Resolution{Outcome: "handled", Note: "季节性，订单已核实", SnoozeDays: 30})
		require.NoError(t, err)
		require.Equal(t, "2026-02-04", got.SnoozeUntil.String())
		tasks, err = x.tasks.Tasks(t.Context(), x.staff.Manager, inbox.Filter{View: "mine", Limit: 10})
		require.NoError(t, err)
		require.Empty(t, tasks.Items)
	})
}

func TestSilenceFreezesAtOnceAndGradeDToo(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		x := setup(t, d)
		x.now.Features["sales_silence_days"] = 120
		x.now.Score.Grade, x.now.Score.PD, x.now.Score.Points = "D", 0.62, 450
		raised := x.judge(t)
		var codes []string
		for _, s := range raised {
			codes = append(codes, s.Code)
		}
		require.Equal(t, []string{"SALES_SILENT", "PD_JUMP", "GRADE_D"}, codes)
		f := x.state(t)
		require.Equal(t, facility.Frozen, f.Status)
		require.Contains(t, f.StatusReason.Zh, "120天")
		err := d.Update(t.Context(), x.staff.System.Scope(), func(tx *db.Tx) error { return facility.Reserve(t.Context(), tx, f.ID, 1, "draw_2") })
		require.True(t, fault.Is(err, facility.ReasonFrozen), err)
		items, total, counts, err := x.service.List(t.Context(), x.staff.Manager, signal.Filter{Level: "red"}, "", 10)
		require.NoError(t, err)
		require.Len(t, items, 2)
		require.EqualValues(t, 2, total)
		require.NotEmpty(t, counts)
		west := x.staff.Manager
		west.BranchPath = "/hq/west/"
		items, _, _, err = x.service.List(t.Context(), west, signal.Filter{}, "", 10)
		require.NoError(t, err)
		require.Empty(t, items)
	})
}

func TestMissingConsentIsItselfASignal(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		x := setup(t, d)
		x.consent = false
		raised := x.judge(t)
		require.Len(t, raised, 1)
		require.Equal(t, signal.CodeConsent, raised[0].Code)
		require.Empty(t, x.judge(t))
	})
}

var rollDate = db.Q("update institution set business_date = $2 where institution_id = $1")

func TestTwoOrangesWithinAMonthCallForAReview(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		x := setup(t, d)
		x.falling()
		require.Len(t, x.judge(t), 1)
		x.update(t, func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), rollDate, x.staff.InstitutionID, "2026-01-15")
			return err
		})
		x.now.Features["sales_red_amount_rate"] = 0.31
		require.Len(t, x.judge(t), 1)
		tasks, err := x.tasks.Tasks(t.Context(), x.staff.Risk, inbox.Filter{View: "queue", Limit: 10})
		require.NoError(t, err)
		require.Len(t, tasks.Items, 1)
		require.Equal(t, signal.ReviewKind, tasks.Items[0].Kind)
	})
}

var selectTouched = db.Q("select count(*) from event where institution_id = $1 and type = $2")

func TestABatchIsFannedOutPerFirmAndASweepFindsEveryFacility(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		x := setup(t, d)
		consumers := x.watcher.Consumers()
		batch := event.Event{ID: "evt_1", Institution: x.staff.InstitutionID, Type: "evidence.batch_imported", AggregateID: "imp_1", At: time.Now(),
			Payload: []byte(`{"batch_id":"imp_1","firms":[{"firm_id":"firm_1","last":"2026-01-03","rows":7},{"firm_id":"firm_2","last":"2026-01-03","rows":1}]}`)}
		x.update(t, func(tx *db.Tx) error { return consumers[0].Handle(t.Context(), tx, batch) })
		x.update(t, func(tx *db.Tx) error {
			next, err := signal.Sweep(t.Context(), tx, "")
			require.Equal(t, "firm_1", next)
			require.NoError(t, err)
			next, err = signal.Sweep(t.Context(), tx, next)
			require.Empty(t, next)
			return err
		})
		var n int
		x.update(t, func(tx *db.Tx) error {
			return tx.QueryRow(t.Context(), selectTouched, tx.Institution, signal.EventTouched).Scan(&n)
		})
		require.Equal(t, 3, n)

		x.falling()
		touched := event.Event{ID: "evt_2", Institution: x.staff.InstitutionID, Type: signal.EventTouched, Payload: []byte(`{"firm":"firm_1"}`)}
		x.update(t, func(tx *db.Tx) error { return consumers[1].Handle(t.Context(), tx, touched) })
		x.update(t, func(tx *db.Tx) error { return consumers[1].Handle(t.Context(), tx, touched) })
		_, total, _, err := x.service.List(t.Context(), x.staff.Manager, signal.Filter{}, "", 10)
		require.NoError(t, err)
		require.EqualValues(t, 1, total)
	})
}

func TestCatalogueMarksWhatIsWatched(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	s := dbtest.Institution(t, d)
	items, err := signal.NewService(d, signal.NewWatcher(signal.DefaultSources())).Catalogue(t.Context(), s.Manager)
	require.NoError(t, err)
	require.Len(t, items, 73)
	watched := 0
	for _, e := range items {
		require.NotEmpty(t, e.Zh)
		require.NotEmpty(t, e.Source)
		if e.Watched {
			watched++
		}
	}
	require.Equal(t, 7, watched) // I01 I02 I03 I04 I05 I09 T03
}
