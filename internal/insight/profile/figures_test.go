package profile_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/insight/profile"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/testkit/callkit"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
	"github.com/capillary-finance/capillary/internal/testkit/firmbook"
)

func TestAFeatureIsFollowedOverDatesAndFirms(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		svc := profile.NewService(d)
		none, err := svc.Distribution(t.Context(), s.Risk, "sales_net_12m")
		require.NoError(t, err)
		require.Zero(t, none.Firms)
		require.Empty(t, none.Bins)
		require.Nil(t, none.P50)

		var ids []string
		for i := range 6 {
			ids = append(ids, firmbook.Firm(t, d, s, fmt.Sprintf("F%d", i), "", firmbook.Trade(uint64(i+1), 0.1*float64(i))))
		}
		want := map[string]float64{}
		for _, id := range ids {
			snapshot := refresh(t, d, s, id, firmbook.Today)
			want[id], _ = snapshot.Vector.Value("sales_net_12m")
		}
		old := refresh(t, d, s, ids[0], firmbook.Today.AddDays(-90))

		course, err := svc.Course(t.Context(), s.Manager, ids[0], "sales_net_12m")
		require.NoError(t, err)
		require.Len(t, course.Points, 2)
		require.Equal(t, firmbook.Today.AddDays(-90), course.Points[0].AsOf, "oldest first")
		past, _ := old.Vector.Value("sales_net_12m")
		require.InDelta(t, past, *course.Points[0].Value, 0)
		require.InDelta(t, want[ids[0]], *course.Points[1].Value, 0)

		dist, err := svc.Distribution(t.Context(), s.Risk, "sales_net_12m")
		require.NoError(t, err)
		require.Equal(t, len(ids), dist.Firms, "each firm once, with its newest profile")
		require.False(t, dist.Truncated)
		counted, lowest, highest := 0, *dist.Max, *dist.Min
		for _, b := range dist.Bins {
			counted += b.Firms
		}
		for _, v := range want {
			lowest, highest = min(lowest, v), max(highest, v)
		}
		require.Equal(t, len(ids)-dist.Empty, counted, "every value is in one bin")
		require.InDelta(t, lowest, *dist.Min, 0)
		require.InDelta(t, highest, *dist.Max, 0)
		require.InDelta(t, lowest, dist.Bins[0].From, 0)
		require.InDelta(t, highest, dist.Bins[len(dist.Bins)-1].To, 0)

		west := s.Manager
		west.BranchPath = "/hq/west/"
		_, err = svc.Course(t.Context(), west, ids[0], "sales_net_12m")
		require.True(t, fault.Is(err, fault.ReasonNotFound), "%v", err)
		elsewhere, err := svc.Distribution(t.Context(), west, "sales_net_12m")
		require.NoError(t, err)
		require.Zero(t, elsewhere.Firms, "firms of other branches are not counted")
	})
}

func TestFiguresOverHTTP(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	s := dbtest.Institution(t, d)
	firm := firmbook.Firm(t, d, s, "A", "", firmbook.Trade(1, 0.5))
	refresh(t, d, s, firm, firmbook.Today)
	w := callkit.New(t, d, s, func(a *api.API) { profile.Routes(a, profile.NewService(d)) })
	got := w.Need(200, "risk", "GET", "/api/v1/features/sales_net_12m/distribution", nil)
	require.EqualValues(t, 1, got["firms"])
	require.Len(t, got["bins"], 1, "one value is one bin")
	require.Len(t, w.Need(200, "risk", "GET", "/api/v1/firms/"+firm+"/features/sales_net_12m", nil)["points"], 1)
	w.Need(404, "risk", "GET", "/api/v1/features/nonsense/distribution", nil)
	w.Need(404, "risk", "GET", "/api/v1/firms/"+firm+"/features/nonsense", nil)
	w.Need(403, "admin", "GET", "/api/v1/features/sales_net_12m/distribution", nil)
	w.Need(401, "", "GET", "/api/v1/features/sales_net_12m/distribution", nil)
}
