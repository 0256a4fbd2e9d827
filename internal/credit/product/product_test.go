package product_test

import (
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/capillary-finance/capillary/internal/credit/product"
	"github.com/capillary-finance/capillary/internal/insight/feature"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
	"github.com/capillary-finance/capillary/products"
)

func text(t testing.TB) string {
	t.Helper()
	b, err := products.Files.ReadFile("invoice-credit.yaml")
	require.NoError(t, err)
	return string(b)
}

func recipe(t testing.TB) *product.Compiled {
	t.Helper()
	c, err := product.Parse([]byte(text(t)))
	require.NoError(t, err)
	return c
}

// good are the facts of a healthy firm; every feature that a test does not set is absent.
func good() product.Facts {
	f := product.Facts{
		"firm.customer_type": "enterprise", "firm.size_class": "small", "firm.industry": "C26", "firm.region": "330100", "firm.code": "914403001922038216", "firm.borrowed_before": false,
		"score.pd": 0.03, "score.points": 640.0, "score.grade": "A", "score.thin": false,
		"req.amount_minor": 50_000_000.0, "req.tenor_months": 12.0, "req.method": "interest_only", "req.purpose": "stock",
		"exposure.limit_minor": 0.0, "exposure.utilised_minor": 0.0, "exposure.other_debt_minor": 0.0, "exposure.frozen": false,
		"evidence.age_days": 3.0, "evidence.months": 24.0, "evidence.invoices": 900.0, "benchmark.rate": 0.03,
	}
	for _, d := range feature.Definitions() {
		f["f."+d.ID], f["before.f."+d.ID] = nil, nil
	}
	f["f.sales_net_12m"], f["f.gross_profit_12m"] = 600_000_000.0, 200_000_000.0
	f["f.sales_silence_days"], f["f.sales_active_months_12m"] = 3.0, 12.0
	f["f.sales_growth_yoy"] = 0.1
	return f
}

func codes(hits []product.Hit) []string {
	out := []string{}
	for _, h := range hits {
		out = append(out, h.Code)
	}
	return out
}

func TestRulesHitWithTheFirmsOwnFigures(t *testing.T) {
	t.Parallel()
	c := recipe(t)
	cases := []struct {
		name string
		set  product.Facts
		want []string
		text string
	}{
		{"healthy", nil, []string{}, ""},
		{"grade", product.Facts{"score.grade": "D", "score.points": 480.0}, []string{"GRADE_TOO_LOW"}, "评分 480"},
		{"small", product.Facts{"f.sales_net_12m": 20_000_000.0}, []string{"SALES_TOO_SMALL"}, "200,000元"},
		{"silent", product.Facts{"f.sales_silence_days": 120.0}, []string{"SALES_SILENT"}, "120天"},
		{"never sold", product.Facts{"f.sales_silence_days": nil}, []string{"SALES_SILENT"}, "无数据"},
		{"halved", product.Facts{"f.sales_growth_yoy": -0.55}, []string{"SALES_COLLAPSED"}, "-55.0%"},
		{"falling", product.Facts{"f.sales_growth_yoy": -0.35}, []string{"SALES_FALLING"}, "-35.0%"},
		{"voids", product.Facts{"f.sales_void_rate_12m": 0.3}, []string{"VOID_RATE_HIGH"}, "30.0%"},
		{"industry", product.Facts{"firm.industry": "J66"}, []string{product.CodeAudience}, "J66"},
		{"size", product.Facts{"firm.size_class": "large"}, []string{product.CodeAudience}, "large"},
		{"short", product.Facts{"evidence.months": 3.0}, []string{product.CodeShort}, "3个月"},
		{"stale", product.Facts{"evidence.age_days": 200.0}, []string{product.CodeStale}, "200天"},
		{"frozen", product.Facts{"exposure.frozen": true}, []string{"FACILITY_FROZEN_HERE"}, "冻结"},
		{"incomplete", product.Facts{"score.grade": nil}, []string{product.CodeAbsent}, "等级"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			f := good()
			for k, v := range tc.set {
				f[k] = v
			}
			hits, err := c.Screen(t.Context(), f)
			require.NoError(t, err)
			require.Equal(t, tc.want, codes(hits))
			for _, h := range hits {
				require.Contains(t, h.Reason.Zh, tc.text)
				require.NotContains(t, h.Reason.Zh+h.Reason.En+h.Remedy.Zh+h.Remedy.En, "{")
				require.NotEmpty(t, h.Reason.En)
			}
		})
	}
}

func TestLimitIsTheSmallestComponentRoundedDown(t *testing.T) {
	t.Parallel()
	c := recipe(t)
	bounds, limit, missing, err := c.Limits(t.Context(), good())
	require.NoError(t, err)
	require.Nil(t, missing)
	require.Len(t, bounds, 4)
	// cap 100,000,000; sales 600,000,000 x 20% = 120,000,000; debt service 200,000,000 x 0.35 / 1.2 / 0.4 = 145,833,333; room 240,000,000
	require.EqualValues(t, 100_000_000, limit)
	require.True(t, bounds[0].Binding)
	require.EqualValues(t, 120_000_000, bounds[1].AmountMinor)
	require.EqualValues(t, 145_833_333, bounds[2].AmountMinor)
	require.EqualValues(t, 240_000_000, bounds[3].AmountMinor)

	f := good()
	f["exposure.other_debt_minor"] = 300_000_000.0
	bounds, limit, _, err = c.Limits(t.Context(), f)
	require.NoError(t, err)
	require.Zero(t, limit)
	require.True(t, bounds[2].Binding)
}

func TestLimitNeverExceedsAComponent(t *testing.T) {
	t.Parallel()
	c := recipe(t)
	rapid.Check(t, func(r *rapid.T) {
		f := good()
		f["f.sales_net_12m"] = float64(rapid.Int64Range(-1e12, 1e12).Draw(r, "sales"))
		f["f.gross_profit_12m"] = float64(rapid.Int64Range(-1e12, 1e12).Draw(r, "profit"))
		f["exposure.other_debt_minor"] = float64(rapid.Int64Range(0, 1e11).Draw(r, "debt"))
		f["score.grade"] = rapid.SampledFrom([]string{"A", "B", "C", "D"}).Draw(r, "grade")
		bounds, limit, _, err := c.Limits(t.Context(), f)
		require.NoError(r, err)
		binding := 0
		for _, b := range bounds {
			require.LessOrEqual(r, limit, max(0, b.AmountMinor))
			if b.Binding {
				binding++
			}
		}
		require.Equal(r, 1, binding)
		require.Zero(r, limit%c.Limit.RoundToMinor)
	})
}

func TestBadRecipesSayLineFieldAndRemedy(t *testing.T) {
	t.Parallel()
	src := text(t)
	line := func(marker string) int { return strings.Count(src[:strings.Index(src, marker)], "\n") + 1 }
	cases := []struct {
		name, old, new string
		field          string
		line           int
		says           string
	}{
		{"unknown field", "status: live", "status: live\ncolour: red", "colour", line("status: live") + 1, "unknown field"},
		{"misspelt variable", "when: exposure.frozen", "when: exposure.frozn", "eligibility[0].when", line("when: exposure.frozen"), "undeclared reference"},
		{"wrong type", "when: exposure.frozen", "when: score.pd", "eligibility[0].when", line("when: exposure.frozen"), "must give bool"},
		{"syntax", "when: exposure.frozen", "when: exposure.frozen &&", "eligibility[0].when", line("when: exposure.frozen"), "Syntax error"},
		{"rule kind", "kind: knock_out\n    when: exposure.frozen", "kind: maybe\n    when: exposure.frozen", "eligibility[0].kind", line("kind: knock_out"), `"maybe" is not allowed`},
		{"placeholder", "评分 {score.points}", "评分 {score.pints}", "eligibility[1].reason.zh", line("评分 {score.points}"), "not a variable"},
		{"ceiling", `ceiling: "0.15"`, `ceiling: "0"`, "pricing.ceiling", line(`ceiling: "0.15"`), "ceiling is needed"},
		{"rate text", `ceiling: "0.15"`, `ceiling: "high"`, "high", line(`ceiling: "0.15"`), "decimal rate"},
		{"matrix", "up_to_minor: 100000000", "up_to_minor: 90000000", "decision.authority", line("up_to_minor: 50000000"), "does not cover"},
		{"industry", "deny: [J, K70]", "deny: [J, XX]", "audience.industries.deny[1]", line("deny: [J, K70]"), "GB/T 4754"},
		{"anchor", "status: live", "status: &a live", "yaml", line("status: live"), "anchors"},
		{"metric", "metric: f.sales_net_3m", "metric: f.sales_net_4m", "watch[0].metric", line("metric: f.sales_net_3m"), "unknown variable"},
		{"language", "schema: 1", "schema: 9", "schema", line("schema: 1"), "not known"},
	}
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			require.Contains(t, src, tc.old)
			_, err := product.Parse([]byte(strings.Replace(src, tc.old, tc.new, 1)))
			require.Error(t, err)
			f := fault.All(err)[0]
			require.Equal(t, product.ReasonRecipe, f.Reason)
			require.Contains(t, f.Text("en"), tc.says)
			require.Equal(t, tc.line, f.Row, f.Text("en"))
			require.Equal(t, tc.field, f.Field)
			require.NotEmpty(t, f.RemedyText("en"))
			require.NotContains(t, f.RemedyText("zh"), "{fix}")
		})
	}
	_, err := product.Parse([]byte(strings.Repeat("#", 200_000)))
	require.True(t, fault.Is(err, fault.ReasonTooLarge))
	_, err = product.Parse([]byte("schema: 1\n"))
	require.Greater(t, len(fault.All(err)), 10, "every problem is reported at once")
}

func FuzzParseNeverPanics(f *testing.F) {
	b, err := os.ReadFile("../../../products/invoice-credit.yaml")
	require.NoError(f, err)
	f.Add(b)
	f.Add([]byte("a: &b [*b]"))
	f.Add([]byte("{"))
	f.Fuzz(func(t *testing.T, b []byte) {
		if c, err := product.Parse(b); err == nil {
			require.NotEmpty(t, c.ID)
		}
	})
}

func TestWatchSignalsTellBeforeAndAfter(t *testing.T) {
	t.Parallel()
	c := recipe(t)
	f := good()
	f["facility.limit_minor"], f["facility.utilised_minor"] = 80_000_000.0, 50_000_000.0
	f["before.score.pd"], f["before.score.points"], f["before.score.grade"] = 0.03, 640.0, "A"
	f["f.sales_net_3m"], f["f.sales_net_6m"], f["before.f.sales_net_3m"], f["f.sales_growth_quarter_yoy"] = 30_000_000.0, 150_000_000.0, 120_000_000.0, -0.7
	alarms, err := c.Alarms(t.Context(), f)
	require.NoError(t, err)
	require.Len(t, alarms, 1)
	a := alarms[0]
	require.Equal(t, "SALES_FALL_QUARTER", a.Code)
	require.EqualValues(t, 50_000_000, a.ReduceToMinor, "never below what is in use")
	require.InDelta(t, 120_000_000, a.Before, 0)
	require.Contains(t, a.Reason.Zh, "300,000元")
	require.Contains(t, a.Reason.Zh, "1,200,000元")
}

func TestVersionsNeedTwoPeopleAndRisingNumbers(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		svc := product.NewService(d)
		next := strings.Replace(strings.Replace(text(t), "version: 1\n", "version: 2\n", 1), "value: 100000000, unit: fen", "value: 80000000, unit: fen", 1)

		_, err := svc.Propose(t.Context(), s.Manager, next)
		require.True(t, fault.Is(err, fault.ReasonForbidden), err)
		_, err = svc.Propose(t.Context(), s.Risk, text(t))
		require.True(t, fault.Is(err, product.ReasonVersion), err)
		_, err = svc.Propose(t.Context(), s.Risk, next)
		require.NoError(t, err)

		c, _, err := svc.Get(t.Context(), s.Manager, "invoice-credit")
		require.NoError(t, err)
		require.EqualValues(t, 1, c.Version, "a proposal is not in force")

		err = svc.Decide(t.Context(), s.Risk, "invoice-credit", 2, true, "")
		require.True(t, fault.Is(err, product.ReasonSamePerson), err)
		require.NoError(t, svc.Decide(t.Context(), s.Compliance, "invoice-credit", 2, true, "ok"))
		err = svc.Decide(t.Context(), s.Compliance, "invoice-credit", 2, false, "")
		require.True(t, fault.Is(err, product.ReasonState), err)

		c, own, err := svc.Get(t.Context(), s.Manager, "invoice-credit")
		require.NoError(t, err)
		require.EqualValues(t, 2, c.Version)
		require.Len(t, own, 1)
		cap, _ := c.ParameterValue("cap")
		require.InDelta(t, 80_000_000, cap, 0)

		other := dbtest.Institution(t, d)
		c, _, err = svc.Get(t.Context(), other.Manager, "invoice-credit")
		require.NoError(t, err)
		require.EqualValues(t, 1, c.Version, "another institution keeps the shipped recipe")

		_, _, err = svc.Get(t.Context(), s.Manager, "no-such")
		require.True(t, fault.Is(err, fault.ReasonNotFound), err)
	})
}

func TestSchemaDescribesTheRecipe(t *testing.T) {
	t.Parallel()
	b, err := product.Schema()
	require.NoError(t, err)
	require.Contains(t, string(b), `"eligibility"`)
	require.Contains(t, string(b), `"knock_out"`)
}

func BenchmarkScreenAndLimits(b *testing.B) {
	c := recipe(b)
	f := good()
	for b.Loop() {
		if _, err := c.Screen(b.Context(), f); err != nil {
			b.Fatal(err)
		}
		if _, _, _, err := c.Limits(b.Context(), f); err != nil {
			b.Fatal(err)
		}
	}
}
