package decision_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/credit/decision"
	"github.com/capillary-finance/capillary/internal/credit/product"
	"github.com/capillary-finance/capillary/internal/evidence/consent"
	"github.com/capillary-finance/capillary/internal/evidence/source"
	"github.com/capillary-finance/capillary/internal/insight/model"
	"github.com/capillary-finance/capillary/internal/insight/profile"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/testkit/creditkit"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
	"github.com/capillary-finance/capillary/internal/testkit/firmbook"
	"github.com/capillary-finance/capillary/products"
)

func codes(o decision.Outcome) []string {
	var out []string
	for _, r := range o.Reasons {
		out = append(out, r.Code)
	}
	return out
}

func TestHealthyFirmIsApprovedWithLimitAndPriceExplained(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		svc := decision.NewService(d, decision.NewEngine(creditkit.Healthy().Sources(t)))
		creditkit.Consent(t, d, s.System.Scope(), "firm_1")
		got, err := svc.Check(t.Context(), s.Manager, creditkit.Ask(40_000_000))
		require.NoError(t, err)
		o := got.Outcome
		require.Equal(t, decision.Approved, o.Result)
		require.Empty(t, o.Reasons)
		require.True(t, o.StraightThrough)
		require.EqualValues(t, 40_000_000, o.AmountMinor)
		require.EqualValues(t, 100_000_000, o.LimitMinor)
		require.Equal(t, "product_cap", o.Binding)
		// 1.80 + 0.60 + 3.1 x 0.45 + 0.75 x 10.5 x 8 + 0.30 - 0.50 (inclusive) - 0.10 (first time) = 4.125 -> 4.13%
		require.Equal(t, "0.0413", o.Rate.String())
		require.True(t, got.Inputs.Ask.Soft)
		require.Equal(t, "hash", got.Inputs.ModelHash)
		require.NotEmpty(t, got.Inputs.RecipeHash)
		require.Equal(t, "2026-02-04", o.ValidUntil.String())
	})
}

func TestDeclineSaysWhyWhatToDoAndWhenToRetry(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		creditkit.Consent(t, d, s.System.Scope(), "firm_1")
		b := creditkit.Healthy()
		b.Features["sales_silence_days"] = 140
		b.Score.PD, b.Score.Grade, b.Score.Points = 0.55, "D", 470
		svc := decision.NewService(d, decision.NewEngine(b.Sources(t)))
		got, err := svc.Check(t.Context(), s.Manager, creditkit.Ask(40_000_000))
		require.NoError(t, err)
		o := got.Outcome
		require.Equal(t, decision.Declined, o.Result)
		require.Zero(t, o.AmountMinor)
		require.Equal(t, []string{"GRADE_TOO_LOW", "SALES_SILENT", decision.CodePriceHigh, decision.CodeScore + ".sales_void_rate"}, codes(o))
		for _, r := range o.Reasons {
			require.NotEmpty(t, r.Text.Zh)
			require.NotEmpty(t, r.Text.En)
			require.NotEmpty(t, r.Remedy.Zh)
			require.False(t, r.RetryOn.IsZero(), r.Code)
		}
		require.Contains(t, o.Reasons[1].Text.Zh, "140天")
	})
}

func TestReferralsAndSmallerOffers(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		creditkit.Consent(t, d, s.System.Scope(), "firm_1")
		b := creditkit.Healthy()
		svc := decision.NewService(d, decision.NewEngine(b.Sources(t)))

		got, err := svc.Check(t.Context(), s.Manager, creditkit.Ask(80_000_000)) // above what the machine decides
		require.NoError(t, err)
		require.Equal(t, decision.Referred, got.Outcome.Result)
		require.Equal(t, []string{decision.CodeByPerson}, codes(got.Outcome))
		require.Equal(t, []string{"approver", "risk"}, got.Outcome.Authority)

		b.Features["sales_net_12m"], b.Features["gross_profit_12m"] = 150_000_000, 100_000_000
		got, err = svc.Check(t.Context(), s.Manager, creditkit.Ask(45_000_000))
		require.NoError(t, err)
		require.Equal(t, decision.Approved, got.Outcome.Result)
		require.EqualValues(t, 30_000_000, got.Outcome.AmountMinor)
		require.Equal(t, "sales_share", got.Outcome.Binding)
		require.Equal(t, []string{decision.CodeReduced}, codes(got.Outcome))
		require.Contains(t, got.Outcome.Reasons[0].Text.Zh, "300,000.00元")

		b.Score.ThinFile = true
		got, err = svc.Check(t.Context(), s.Manager, creditkit.Ask(20_000_000))
		require.NoError(t, err)
		require.Equal(t, decision.Referred, got.Outcome.Result)
		require.Contains(t, codes(got.Outcome), "THIN_FILE")

		b.Features["sales_net_12m"], b.Features["gross_profit_12m"] = 31_000_000, 0
		b.Score.ThinFile, b.Score.Grade, b.Score.PD = false, "C", 0.2
		got, err = svc.Check(t.Context(), s.Manager, creditkit.Ask(20_000_000))
		require.NoError(t, err)
		require.Equal(t, decision.Declined, got.Outcome.Result)
		require.Contains(t, codes(got.Outcome), decision.CodeLimitLow)
	})
}

func TestBadAsksNameEveryFieldAndConsentIsNeeded(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		svc := decision.NewService(d, decision.NewEngine(creditkit.Healthy().Sources(t)))
		_, err := svc.Check(t.Context(), s.Manager, creditkit.Ask(40_000_000))
		require.True(t, fault.Is(err, consent.ReasonMissing), err)

		creditkit.Consent(t, d, s.System.Scope(), "firm_1")
		bad := creditkit.Ask(1)
		bad.TenorMonths, bad.Method, bad.Purpose, bad.Currency, bad.OtherDebtMinor = 99, "never", "casino", "USD", -1
		_, err = svc.Check(t.Context(), s.Manager, bad)
		var fields []string
		for _, f := range fault.All(err) {
			require.Equal(t, decision.ReasonRequest, f.Reason)
			fields = append(fields, f.Field)
		}
		slices.Sort(fields)
		require.Equal(t, "amount_minor currency method other_debt_minor purpose tenor_months", strings.Join(fields, " "))

		other := creditkit.Ask(40_000_000)
		other.FirmID = "firm_2"
		_, err = svc.Check(t.Context(), s.Manager, other)
		require.True(t, fault.Is(err, fault.ReasonNotFound), err)
		other = creditkit.Ask(40_000_000)
		other.ProductID = "nope"
		_, err = svc.Check(t.Context(), s.Manager, other)
		require.True(t, fault.Is(err, fault.ReasonNotFound), err)
		_, err = svc.Check(t.Context(), s.Compliance, creditkit.Ask(40_000_000))
		require.True(t, fault.Is(err, fault.ReasonForbidden), err)
		west := s.Manager
		west.BranchPath = "/hq/west/"
		_, err = svc.Check(t.Context(), west, creditkit.Ask(40_000_000))
		require.True(t, fault.Is(err, fault.ReasonNotFound), err)
	})
}

var forge = db.Q(`insert into decision select institution_id, 'dec_00forged', firm_id, application_id, branch_path, product_id, recipe_version, recipe_hash, result, soft, grade, pd,
	asked_minor, limit_minor, amount_minor, currency, annual_rate, reason_codes, as_of, inputs_json, replace(outcome_json, '"limit_minor":', '"limit_minor":9'), decided_at, actor
	from decision where institution_id = $1 and id = $2`)

func TestEveryStoredDecisionReplaysAfterTheRecipeChanged(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		creditkit.Consent(t, d, s.System.Scope(), "firm_1")
		b := creditkit.Healthy()
		svc := decision.NewService(d, decision.NewEngine(b.Sources(t)))
		var last decision.Decision
		for i := range 12 {
			b.Features["sales_net_12m"] = float64(20_000_000 + i*37_123_457)
			b.Features["sales_growth_yoy"] = float64(i)/7 - 0.9
			b.Score.PD = float64(i*i)/150 + 0.0123456789
			b.Score.Grade = []string{"A", "B", "C", "D"}[i%4]
			var err error
			last, err = svc.Check(t.Context(), s.Manager, creditkit.Ask(40_000_000))
			require.NoError(t, err)
		}
		next, err := products.Files.ReadFile("invoice-credit.yaml")
		require.NoError(t, err)
		text := strings.Replace(strings.Replace(string(next), "version: 1\n", "version: 2\n", 1), "value: 0.20, unit: ratio, zh: \"A级", "value: 0.12, unit: ratio, zh: \"A级", 1)
		recipes := product.NewService(d)
		_, err = recipes.Propose(t.Context(), s.Risk, text)
		require.NoError(t, err)
		require.NoError(t, recipes.Decide(t.Context(), s.Compliance, "invoice-credit", 2, true, ""))

		require.NoError(t, d.View(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
			n, differing, err := decision.Verify(t.Context(), tx)
			require.Equal(t, 12, n)
			require.Empty(t, differing)
			return err
		}))
		r, err := svc.Replay(t.Context(), s.Compliance, last.ID)
		require.NoError(t, err)
		require.True(t, r.Same, r.Difference)

		// A replay must notice when the stored outcome is not what the inputs give.
		require.NoError(t, d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), forge, s.InstitutionID, last.ID)
			return err
		}))
		r, err = svc.Replay(t.Context(), s.Compliance, "dec_00forged")
		require.NoError(t, err)
		require.False(t, r.Same)
		require.Contains(t, r.Difference, "limit_minor")
		items, total, err := svc.List(t.Context(), s.Manager, decision.Filter{FirmID: "firm_1"}, "", 5)
		require.NoError(t, err)
		require.EqualValues(t, 13, total)
		require.Len(t, items, 5)
		require.Equal(t, last.ID, items[0].ID)
	})
}

func TestDecisionsAreAppendOnly(t *testing.T) {
	t.Parallel()
	edit := db.Q("update decision set result = 'approved'")
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		creditkit.Consent(t, d, s.System.Scope(), "firm_1")
		_, err := decision.NewService(d, decision.NewEngine(creditkit.Healthy().Sources(t))).Check(t.Context(), s.Manager, creditkit.Ask(40_000_000))
		require.NoError(t, err)
		require.Error(t, d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) error { _, err := tx.Exec(t.Context(), edit); return err }))
	})
}

// Whatever the figures, an answer that is not a plain approval says why, in both languages, and the
// offer never exceeds what was asked or what the rules allow.
func TestAnyAnswerExplainsItself(t *testing.T) {
	t.Parallel()
	text, err := products.Files.ReadFile("invoice-credit.yaml")
	require.NoError(t, err)
	c, err := product.Parse(text)
	require.NoError(t, err)
	base := inputs(t)
	rapid.Check(t, func(r *rapid.T) {
		in := base
		in.Facts = product.Facts{}
		for k, v := range base.Facts {
			in.Facts[k] = v
		}
		maybe := func(name string, low, high float64) {
			if rapid.Bool().Draw(r, name+"?") {
				in.Facts[name] = rapid.Float64Range(low, high).Draw(r, name)
			} else if strings.HasPrefix(name, "f.") {
				in.Facts[name] = nil
			}
		}
		maybe("f.sales_net_12m", -1e9, 1e10)
		maybe("f.gross_profit_12m", -1e9, 1e10)
		maybe("f.sales_growth_yoy", -1, 3)
		maybe("f.sales_silence_days", 0, 400)
		maybe("f.sales_void_rate_12m", 0, 1)
		maybe("exposure.other_debt_minor", 0, 1e10)
		in.Grade = rapid.SampledFrom([]string{"A", "B", "C", "D", "E"}).Draw(r, "grade")
		in.Facts["score.grade"] = in.Grade
		in.PD = decision.Probability(rapid.Float64Range(0, 1).Draw(r, "pd"))
		in.Ask.AmountMinor = rapid.Int64Range(5_000_000, 100_000_000).Draw(r, "amount")
		in.Facts["req.amount_minor"] = float64(in.Ask.AmountMinor)
		o, err := decision.Evaluate(t.Context(), c, in)
		require.NoError(r, err)
		again, err := decision.Evaluate(t.Context(), c, in)
		require.NoError(r, err)
		require.Equal(r, o, again)
		require.LessOrEqual(r, o.AmountMinor, in.Ask.AmountMinor)
		require.LessOrEqual(r, o.AmountMinor, max(0, o.LimitMinor))
		switch o.Result {
		case decision.Declined:
			require.Zero(r, o.AmountMinor)
			fallthrough
		case decision.Referred:
			require.NotEmpty(r, o.Reasons)
			require.NotEqual(r, product.Note, o.Reasons[0].Kind)
		case decision.Approved:
			require.GreaterOrEqual(r, o.AmountMinor, c.Terms.AmountMinMinor)
			require.Zero(r, o.Price.Shortfall)
		}
		for _, reason := range o.Reasons {
			require.NotEmpty(r, reason.Text.Zh)
			require.NotEmpty(r, reason.Text.En)
			require.NotContains(r, reason.Text.Zh, "{")
		}
	})
}

func inputs(t *testing.T) decision.Inputs {
	t.Helper()
	d := dbtest.SQLite(t)
	s := dbtest.Institution(t, d)
	creditkit.Consent(t, d, s.System.Scope(), "firm_1")
	got, err := decision.NewService(d, decision.NewEngine(creditkit.Healthy().Sources(t))).Check(t.Context(), s.Manager, creditkit.Ask(40_000_000))
	require.NoError(t, err)
	return got.Inputs
}

func BenchmarkDecideOnSQLite(b *testing.B) {
	d := dbtest.SQLite(b)
	s := dbtest.Institution(b, d)
	creditkit.Consent(b, d, s.System.Scope(), "firm_1")
	svc := decision.NewService(d, decision.NewEngine(creditkit.Healthy().Sources(b)))
	for b.Loop() {
		if _, err := svc.Check(b.Context(), s.Manager, creditkit.Ask(40_000_000)); err != nil {
			b.Fatal(err)
		}
	}
}

// A decision stands on every invoice known when it is made, also on those that came after the last profile.
func TestADecisionReadsTheNewestEvidence(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		firm := firmbook.Firm(t, d, s, "A", "", firmbook.Trade(1, 0.5))
		read := func(day calendar.Date) (p profile.Snapshot) {
			require.NoError(t, d.Update(t.Context(), s.Manager.Scope(), func(tx *db.Tx) (err error) {
				p, err = decision.DefaultSources().Profile(t.Context(), tx, firm, day)
				return err
			}))
			return p
		}
		first := read(firmbook.Today)
		require.Equal(t, first.ID, read(firmbook.Today).ID, "the same evidence is the same profile")
		firmbook.Add(t, d, s, firm, []source.Invoice{{Direction: source.Sale, Number: "returned", Date: firmbook.Today, Counterparty: "x", NetMinor: -5_000_000, GrossMinor: -5_000_000, Red: true}})
		require.Equal(t, first.Invoices+1, read(firmbook.Today).Invoices)
	})
}

// BenchmarkDecideOnRealFloors measures the whole call: consent, invoices, profile, stored score, rules, price, writing.
func BenchmarkDecideOnRealFloors(b *testing.B) {
	d := dbtest.SQLite(b)
	s := dbtest.Institution(b, d)
	firmbook.Labelled(b, d, s, 60)
	models := model.NewService(d, nil)
	m, err := models.Train(b.Context(), s.Risk, model.TrainInput{Name: "bench", Repeats: 1, Candidates: []string{"sales_net_12m", "sales_void_rate_12m"}})
	require.NoError(b, err)
	_, err = models.Validate(b.Context(), s.Risk, m.ID)
	require.NoError(b, err)
	_, err = models.Approve(b.Context(), s.Approver, m.ID, "ok")
	require.NoError(b, err)
	_, err = models.Activate(b.Context(), s.Approver, m.ID)
	require.NoError(b, err)
	a := creditkit.Ask(40_000_000)
	a.FirmID = firmbook.Firm(b, d, s, "BENCH", "", firmbook.Trade(7001, 1.8))
	svc := decision.NewService(d, decision.NewEngine(decision.DefaultSources()))
	for b.Loop() {
		if _, err := svc.Check(b.Context(), s.Manager, a); err != nil {
			b.Fatal(err)
		}
	}
}
