package pricing

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

var (
	putFirm = db.Q(`insert into firm (institution_id, id, code, name, uscc, uscc_evidence, customer_type, industry, region, employees, revenue_minor, assets_minor, size_class, size_source,
		size_on, owner_name, owner_id_cipher, phone_cipher, address, branch_id, branch_path, manager_id, status, demo, default_label, label_on, label_source, created_at, updated_at, version)
		values ($1,$2,$2,$2,'','','enterprise',$3,'',0,0,0,'','','','','','','','br',$4,'','active',false,'','','',0,0,1)`)
	putScore = db.Q(`insert into score (institution_id, id, firm_id, model_id, model_hash, snapshot_id, as_of, pd, points, grade, thin_file, result_json, created_at, created_by)
		values ($1,$2,$3,'m','h',$2,'2026-01-05',$4,600,$5,false,'{}',$6,'t')`)
	putFacility = db.Q(`insert into facility (institution_id, id, firm_id, application_id, contract_id, product_id, product_version, branch_id, branch_path, currency, limit_minor, utilised_minor,
		annual_rate, revolving, status, status_reason_zh, status_reason_en, starts_on, expires_on, created_at, updated_at, version)
		values ($1,$2,$3,'',$2,'invoice-credit',1,'br',$4,'CNY',$5,$6,0,true,$7,'','','2026-01-01','2026-12-31',0,0,1)`)
)

// town is four firms: two scored A and C in the east, one scored B in the west, one not scored.
func town(t *testing.T, d *db.DB) dbtest.Staff {
	t.Helper()
	s := dbtest.Institution(t, d)
	ctx := t.Context()
	require.NoError(t, d.Update(ctx, s.System.Scope(), func(tx *db.Tx) error {
		put := func(q *db.Query, args ...any) {
			_, err := tx.Exec(ctx, q, append([]any{tx.Institution}, args...)...)
			require.NoError(t, err)
		}
		put(putFirm, "firm_a", "C3311", "/hq/east/")
		put(putFirm, "firm_c", "F5126", "/hq/east/")
		put(putFirm, "firm_b", "C2651", "/hq/west/")
		put(putFirm, "firm_n", "", "/hq/east/")
		put(putScore, "s1", "firm_a", 0.30, "C", int64(1)) // replaced by the next
		put(putScore, "s2", "firm_a", 0.02, "A", int64(2))
		put(putScore, "s3", "firm_c", 0.25, "C", int64(1))
		put(putScore, "s4", "firm_b", 0.08, "B", int64(1))
		put(putFacility, "fac_1", "firm_a", "/hq/east/", int64(80_000_000), int64(60_000_000), "active")
		put(putFacility, "fac_2", "firm_a", "/hq/east/", int64(20_000_000), int64(0), "closed")
		put(putFacility, "fac_3", "firm_c", "/hq/east/", int64(20_000_000), int64(20_000_000), "frozen")
		return nil
	}))
	return s
}

func TestPortfolioAddsUpWhatTheCallerMaySee(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := town(t, d)
		svc := NewService(d, Readers{Loans: func(context.Context, *db.Tx, string) ([]LoanFigure, error) {
			return []LoanFigure{{"firm_a", money.CNY, 60_000_000, 0}, {"firm_c", money.CNY, 15_000_000, 45}, {"firm_c", money.CNY, 5_000_000, 95}}, nil
		}})
		got, err := svc.Portfolio(t.Context(), s.Risk)
		require.NoError(t, err)
		require.EqualValues(t, 4, got.Total.Firms)
		require.EqualValues(t, 2, got.Total.Facilities)
		require.EqualValues(t, 1, got.Total.Frozen)
		require.EqualValues(t, 100_000_000, got.Total.LimitMinor)
		require.InDelta(t, 0.8, got.Total.Utilisation, 1e-12)
		require.InDelta(t, (0.02*60+0.25*20)/80, got.Total.WeightedPD, 1e-12)
		require.EqualValues(t, 80_000_000, got.Total.OutstandingMinor)
		require.EqualValues(t, 20_000_000, got.Total.PAR30Minor)
		require.EqualValues(t, 5_000_000, got.Total.PAR90Minor)
		require.InDelta(t, 0.25, got.Total.PAR30, 1e-12)
		require.Len(t, got.ByGrade, 4)
		require.Equal(t, "未评分", got.ByGrade[0].Name.Zh)
		require.EqualValues(t, 60_000_000, got.ByGrade[1].UtilisedMinor, "the newest score gives the grade")
		east, err := svc.Portfolio(t.Context(), s.Manager)
		require.NoError(t, err)
		require.EqualValues(t, 3, east.Total.Firms)
		require.Len(t, east.ByBranch, 1)
		require.NotContains(t, east.ByBranch[0].Name.Zh, "/", "a branch is shown by its name")
	})
}

func ask() OptimiseInput {
	return OptimiseInput{BudgetMinor: 150_000_000, MinMinor: 10_000_000, MaxMinor: 100_000_000, MinRate: rate.FromBP(400), MaxRate: rate.FromBP(1500), LGD: rate.FromBP(4500), Funding: rate.FromBP(180)}
}

func TestOptimiserRunsOverScoredFirmsAndIsKept(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := town(t, d)
		svc := NewService(d, Readers{Limits: func(context.Context, *db.Tx) (map[string]int64, error) {
			return map[string]int64{"firm_a": 40_000_000, "firm_b": 0}, nil
		}})
		run, err := svc.Optimise(t.Context(), s.Risk, ask())
		require.NoError(t, err)
		require.Equal(t, 3, run.Candidates)
		require.LessOrEqual(t, run.Book.AmountMinor, int64(150_000_000))
		require.Equal(t, "default", run.CurveSource)
		for _, b := range run.Baselines {
			require.GreaterOrEqual(t, run.Book.ProfitMinor, b.ProfitMinor)
		}
		in := ask()
		in.RespectLimits = true
		bounded, err := svc.Optimise(t.Context(), s.Risk, in)
		require.NoError(t, err)
		for _, l := range bounded.Book.Lines {
			switch l.ID {
			case "firm_a":
				require.LessOrEqual(t, l.AmountMinor, int64(40_000_000))
			case "firm_b":
				require.Zero(t, l.AmountMinor)
				require.Equal(t, NoRoom, l.Outcome)
			}
		}
		again, err := svc.Run(t.Context(), s.Compliance, run.ID)
		require.NoError(t, err)
		require.Equal(t, run.Book, again.Book)
		runs, err := svc.Runs(t.Context(), s.Risk)
		require.NoError(t, err)
		require.Len(t, runs, 2)

		_, err = svc.Optimise(t.Context(), s.Manager, ask())
		require.True(t, fault.Is(err, fault.ReasonForbidden), err)
		bad := ask()
		bad.LGD, bad.BudgetMinor = 2*rate.Scale, -1
		_, err = svc.Optimise(t.Context(), s.Risk, bad)
		require.Len(t, fault.All(err), 2)
		nobody := ask()
		nobody.FirmIDs = []string{"firm_x"}
		_, err = svc.Optimise(t.Context(), s.Risk, nobody)
		require.True(t, fault.Is(err, ReasonNobody), err)
		other := dbtest.Institution(t, d)
		_, err = svc.Run(t.Context(), other.Risk, run.ID)
		require.True(t, fault.Is(err, fault.ReasonNotFound), err)
	})
}

func TestDefaultCurveIsATableOfRisingChurn(t *testing.T) {
	t.Parallel()
	c := DefaultCurve()
	require.NoError(t, c.Validate())
	for g, lost := range c.Lost {
		require.Zero(t, lost[0], g)
		for i := 1; i < len(lost); i++ {
			require.Greater(t, lost[i], lost[i-1])
		}
	}
}
