package pricing

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/benchmark"
	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/proposal"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// A new publication is read from the announcement, proposed by one and approved
// by another; from its day on it is the rate, and a correction replaces it.
func TestTheTableIsKeptByTwo(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		staff := dbtest.Institution(t, d)
		proposals := proposal.NewService(d)
		s := NewService(d, Readers{})
		s.UseProposals(proposals)
		at := func(name, day string) Benchmark {
			var b Benchmark
			require.NoError(t, d.View(t.Context(), staff.System.Scope(), func(tx *db.Tx) (err error) {
				b, err = BenchmarkAt(t.Context(), tx, name, calendar.MustParse(day))
				return err
			}))
			return b
		}
		for _, day := range []string{"2019-08-20", "2022-05-20", "2026-07-31"} {
			want, err := BenchmarkOn("lpr_5y", calendar.MustParse(day))
			require.NoError(t, err)
			require.Equal(t, want, at("lpr_5y", day), "without a word of the institution the built-in history holds")
		}
		publish := func(text, source string) error {
			rows, err := ParseLPR(text)
			require.NoError(t, err)
			id, err := s.ProposeLPR(t.Context(), staff.Operations, LPRChange{Publications: rows, Source: source})
			if err != nil {
				return err
			}
			made, err := proposals.Get(t.Context(), staff.Risk, id)
			require.NoError(t, err)
			_, err = proposals.Approve(t.Context(), staff.Operations, proposal.Decision{ID: id, BodyHash: made.BodyHash})
			require.Error(t, err, "not by the same person")
			_, err = proposals.Approve(t.Context(), staff.Risk, proposal.Decision{ID: id, BodyHash: made.BodyHash})
			return err
		}
		require.NoError(t, publish("发布日期,1年期LPR(%),5年期以上LPR(%)\n2025-10-20,2.95,3.45\n2025/9/22,2.95,3.45%\n", "全国银行间同业拆借中心公告")) //nolint:testifylint // a story
		require.Equal(t, "0.0295", at("lpr_1y", "2025-10-20").Rate.String())
		require.Equal(t, "verified", at("lpr_1y", "2025-10-20").Certainty)
		require.Equal(t, "0.03", at("lpr_1y", "2025-09-21").Rate.String())
		require.Equal(t, "0.03", at("lpr_1y", "2025-11-20").Rate.String(), "later built-in publications stand")
		require.NoError(t, publish("2025-10-20,2.90,3.40", "更正"))
		require.Equal(t, "0.029", at("lpr_1y", "2025-10-20").Rate.String())
		table, err := s.LPRTable(t.Context(), staff.Manager)
		require.NoError(t, err)
		require.Empty(t, table.Missing)
		require.Equal(t, "2026-01-20", table.NextOn.String())
		for _, r := range table.Items {
			if r.On == calendar.MustParse("2025-10-20") {
				require.Equal(t, []any{OriginInstitution, int64(2), "更正"}, []any{r.Origin, r.Version, r.Source})
			}
		}
		var maker, checker string
		require.NoError(t, d.Owner().QueryRowContext(t.Context(), `select made_by, approved_by from lpr_publication where version = 2`).Scan(&maker, &checker))
		require.Equal(t, []string{staff.Operations.UserID, staff.Risk.UserID}, []string{maker, checker})
		// The other institution keeps its own.
		other := dbtest.Institution(t, d)
		require.NoError(t, d.View(t.Context(), other.System.Scope(), func(tx *db.Tx) error {
			b, err := BenchmarkAt(t.Context(), tx, "lpr_1y", calendar.MustParse("2025-10-20"))
			require.Equal(t, "0.03", b.Rate.String())
			return err
		}))
		require.Error(t, publish("2099-01-20,3,3.5", "x"), "not yet")
		require.Error(t, publish("2025-01-20,3,3.5\n2025-01-20,3,3.5", "x"), "twice")
		require.Error(t, publish("2025-01-20,3,3.5", ""), "from nowhere")
		_, err = s.ProposeLPR(t.Context(), staff.Manager, LPRChange{Publications: []benchmark.Publication{{}}, Source: "x"})
		require.True(t, fault.Is(err, fault.ReasonForbidden), err)
	})
}

func TestEveryBadLineOfAFileIsNamed(t *testing.T) {
	t.Parallel()
	_, err := ParseLPR("日期,一年,五年\n2026-01-20,3.00,3.50\n2026-02-30,3,3.5\n2026-03-20,3\n2026-04-20,300,3.5\n2026-05-20,3,x\n\"2026\n")
	var rows []int
	for _, f := range fault.All(err) {
		require.Equal(t, "csv", f.Field)
		require.NotEqual(t, f.Text("zh"), f.Text("en"))
		rows = append(rows, f.Row)
	}
	require.Equal(t, []int{3, 4, 5, 6, 7}, rows)
	_, err = ParseLPR("日期\n")
	require.Error(t, err)
}

func FuzzParseLPR(f *testing.F) {
	f.Add("date,1y,5y\n2026-01-20,3.00,3.50\n")
	f.Fuzz(func(t *testing.T, text string) {
		rows, err := ParseLPR(text)
		if err == nil && len(rows) == 0 {
			t.Fatal("nothing read and nothing said")
		}
		for _, r := range rows {
			if r.On.IsZero() || r.OneYear <= 0 || r.FiveYears <= 0 {
				t.Fatalf("%q gave %+v", strings.TrimSpace(text), r)
			}
		}
	})
}
