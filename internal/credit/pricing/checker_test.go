package pricing

import (
	"context"
	"fmt"
	"math"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// The checker below knows the rules and the formula from the statement of the problem alone, works
// in exact rationals, and shares no code with the optimiser.

func rational(x float64) *big.Rat { return new(big.Rat).SetFloat64(x) }

// profitOf is (1 - churn) * ((1 - pd) * rate - pd * lgd - funding) * amount, in fen.
func profitOf(pd, churn float64, r, lgd, funding rate.Rate, amount int64) *big.Rat {
	one := big.NewRat(1, 1)
	share := func(v rate.Rate) *big.Rat { return big.NewRat(int64(v), 100_000_000) }
	p := rational(pd)
	gain := new(big.Rat).Mul(new(big.Rat).Sub(one, p), share(r))
	gain.Sub(gain, new(big.Rat).Mul(p, share(lgd)))
	gain.Sub(gain, share(funding))
	gain.Mul(gain, new(big.Rat).Sub(one, rational(churn)))
	return gain.Mul(gain, new(big.Rat).SetInt64(amount))
}

func toFloat(r *big.Rat) float64 { f, _ := r.Float64(); return f }

// check returns the exact profit of a book after proving it feasible.
func check(t require.TestingT, p Problem, b Book) float64 {
	lot := p.LotMinor
	if lot == 0 {
		lot = 1_000_000
	}
	require.Len(t, b.Lines, len(p.Firms))
	total, sum, rounded := new(big.Rat), int64(0), int64(0)
	for i, l := range b.Lines {
		require.Equal(t, p.Firms[i], l.Firm)
		if l.AmountMinor == 0 {
			require.NotEqual(t, Lent, l.Outcome)
			require.Zero(t, l.ProfitMinor)
			continue
		}
		require.Equal(t, Lent, l.Outcome)
		require.GreaterOrEqual(t, l.AmountMinor, l.MinMinor)
		require.LessOrEqual(t, l.AmountMinor, l.MaxMinor)
		require.Zero(t, l.AmountMinor%lot)
		require.GreaterOrEqual(t, l.Rate, p.MinRate)
		require.LessOrEqual(t, l.Rate, p.MaxRate)
		at := -1
		for k, r := range p.Curve.Rates {
			if r == l.Rate {
				at = k
			}
		}
		require.GreaterOrEqual(t, at, 0, "rate %s is not in the table", l.Rate)
		lost, known := p.Curve.Lost[l.Grade]
		require.True(t, known)
		profit := profitOf(l.PD, lost[at], l.Rate, p.LGD, p.Funding, l.AmountMinor)
		require.InDelta(t, toFloat(profit), float64(l.ProfitMinor), 0.51)
		total.Add(total, profit)
		sum += l.AmountMinor
		rounded += l.ProfitMinor
	}
	require.LessOrEqual(t, sum, p.BudgetMinor)
	require.Equal(t, sum, b.AmountMinor)
	require.Equal(t, rounded, b.ProfitMinor)
	return toFloat(total)
}

// equalSplit is the baseline in the checker's own words: everybody of a known grade gets the same,
// each at the rate that is best for him.
func equalSplit(p Problem) float64 {
	var known []Firm
	for _, f := range p.Firms {
		if _, ok := p.Curve.Lost[f.Grade]; ok {
			known = append(known, f)
		}
	}
	share := p.BudgetMinor / int64(len(known)) / 1_000_000 * 1_000_000
	total := 0.0
	for _, f := range known {
		amount := min(max(share, f.MinMinor), f.MaxMinor)
		best := math.Inf(-1)
		for k, r := range p.Curve.Rates {
			best = math.Max(best, toFloat(profitOf(f.PD, p.Curve.Lost[f.Grade][k], r, p.LGD, p.Funding, amount)))
		}
		total += best
	}
	return total
}

// ratePerGrade is the best price list: for each grade the one rate that earns most when only those
// who earn anything get their limit. Ignoring the budget favours the baseline.
func ratePerGrade(p Problem) float64 {
	total := 0.0
	for grade, lost := range p.Curve.Lost {
		best := 0.0
		for k, r := range p.Curve.Rates {
			sum := 0.0
			for _, f := range p.Firms {
				if f.Grade == grade {
					sum += math.Max(0, toFloat(profitOf(f.PD, lost[k], r, p.LGD, p.Funding, f.MaxMinor)))
				}
			}
			best = math.Max(best, sum)
		}
		total += best
	}
	return total
}

// realCurve is the table of the contest when it is at hand, else one of its shape.
func realCurve(t testing.TB) Curve {
	t.Helper()
	candidates := []string{os.Getenv("CAPILLARY_TEST_DATA"), os.Getenv("CAPILLARY_DATA")}
	for dir, err := os.Getwd(); err == nil && dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		candidates = append(candidates, filepath.Join(dir, "shared", "data"))
	}
	for _, c := range candidates {
		f, err := os.Open(filepath.Join(c, "cumcm2020c", "附件3_贷款年利率与客户流失率.csv"))
		if err != nil {
			continue
		}
		defer f.Close()
		curve, err := ParseCurve(f)
		require.NoError(t, err)
		require.Len(t, curve.Rates, 29)
		require.Equal(t, []string{"A", "B", "C"}, curve.Grades())
		require.Equal(t, "0.04 0.15", curve.Rates[0].String()+" "+curve.Rates[28].String())
		return curve
	}
	curve := Curve{Lost: map[string][]float64{}}
	for k := range 29 {
		curve.Rates = append(curve.Rates, rate.FromBP(400+int64(k)*1100/28))
		for i, g := range []string{"A", "B", "C"} {
			curve.Lost[g] = append(curve.Lost[g], 0.95*(1-math.Exp(-float64(k)/float64(7+i))))
		}
	}
	return curve
}

// contest is a book like that of the contest: 123 firms, PDs spread through the bands of the grades.
func contest(t testing.TB) Problem {
	p := Problem{Curve: realCurve(t), Currency: "CNY", BudgetMinor: 50_000_000_00, MinRate: rate.FromBP(400), MaxRate: rate.FromBP(1500), LGD: rate.FromBP(4500), Funding: rate.FromBP(150)}
	for i := range 123 {
		f := Firm{ID: fmt.Sprintf("E%d", i+1), MinMinor: 100_000_00, MaxMinor: 1_000_000_00}
		band := min(3, i/33)
		from, to := [...]float64{0.001, 0.05, 0.15, 0.4}[band], [...]float64{0.05, 0.15, 0.4, 0.9}[band]
		f.Grade, f.PD = []string{"A", "B", "C", "D"}[band], from+(to-from)*float64(i*7%33)/33
		p.Firms = append(p.Firms, f)
	}
	return p
}

func TestOptimiserBeatsBothBaselines(t *testing.T) {
	t.Parallel()
	for _, budget := range []int64{5_000_000_00, 20_005_000_00, 50_000_000_00, 100_000_000_00} {
		t.Run(fmt.Sprint(budget/100), func(t *testing.T) {
			t.Parallel()
			p := contest(t)
			p.BudgetMinor = budget
			best, err := Optimise(context.Background(), p)
			require.NoError(t, err)
			profit := check(t, p, best)
			require.True(t, best.Exact)
			require.LessOrEqual(t, profit, float64(best.BoundMinor)+1)
			require.Less(t, best.Gap, 1e-3)

			split, err := EqualSplit(p)
			require.NoError(t, err)
			listed, err := RatePerGrade(context.Background(), p)
			require.NoError(t, err)
			require.Greater(t, profit, check(t, p, split))
			// A small budget goes to the best firms only, for whom the price list may already hold the best rate.
			require.GreaterOrEqual(t, profit+1, check(t, p, listed))
			if budget >= 50_000_000_00 {
				require.Greater(t, profit, check(t, p, listed))
			}
			if budget >= 100_000_000_00 { // the budget does not bind: the checker's own baselines apply
				require.Greater(t, profit, equalSplit(p))
				require.Greater(t, profit, ratePerGrade(p))
				require.InEpsilon(t, ratePerGrade(p), float64(listed.ProfitMinor), 1e-6)
			}
			t.Logf("budget %d: optimal %.0f, equal split %d, rate per grade %d yuan; shadow price %.4f, gap %.2g",
				budget/100, profit/100, split.ProfitMinor/100, listed.ProfitMinor/100, best.ShadowPrice, best.Gap)
		})
	}
}

// drawProblem makes small problems that can be searched wholly.
func drawProblem(t *rapid.T) Problem {
	p := Problem{LotMinor: 100, LGD: rate.FromBP(rapid.Int64Range(0, 10000).Draw(t, "lgd")), Funding: rate.FromBP(rapid.Int64Range(0, 500).Draw(t, "funding")), MaxRate: rate.Scale}
	p.Curve = Curve{Lost: map[string][]float64{"A": {}, "B": {}}}
	for k := range rapid.IntRange(1, 4).Draw(t, "rates") {
		p.Curve.Rates = append(p.Curve.Rates, rate.FromBP(int64(300+400*k)))
		for _, g := range []string{"A", "B"} {
			p.Curve.Lost[g] = append(p.Curve.Lost[g], rapid.Float64Range(0, 1).Draw(t, "churn"))
		}
	}
	for i := range rapid.IntRange(1, 4).Draw(t, "firms") {
		low := rapid.Int64Range(0, 500).Draw(t, "low")
		p.Firms = append(p.Firms, Firm{
			ID: fmt.Sprint(i), Grade: rapid.SampledFrom([]string{"A", "B", "D"}).Draw(t, "grade"),
			PD: rapid.Float64Range(0, 0.2).Draw(t, "pd"), MinMinor: low, MaxMinor: low + rapid.Int64Range(-100, 400).Draw(t, "more") + 100,
		})
	}
	p.BudgetMinor = rapid.Int64Range(0, 2500).Draw(t, "budget")
	return p
}

// search tries every amount and every rate of every firm.
func search(p Problem, i int, left int64) float64 {
	if i == len(p.Firms) {
		return 0
	}
	f := p.Firms[i]
	best := search(p, i+1, left)
	lost, known := p.Curve.Lost[f.Grade]
	for amount := int64(100); known && amount <= min(f.MaxMinor, left); amount += 100 {
		if amount < f.MinMinor {
			continue
		}
		rest := search(p, i+1, left-amount)
		for k, r := range p.Curve.Rates {
			best = math.Max(best, rest+toFloat(profitOf(f.PD, lost[k], r, p.LGD, p.Funding, amount)))
		}
	}
	return best
}

func TestOptimumEqualsExhaustiveSearch(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t)
		b, err := Optimise(context.Background(), p)
		require.NoError(t, err)
		require.InDelta(t, search(p, 0, p.BudgetMinor), check(t, p, b), 1e-6)
		require.GreaterOrEqual(t, b.BoundMinor, b.ProfitMinor)
	})
}

func TestGreedyIsFeasibleAndWithinItsGap(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		p := drawProblem(t)
		options, err := p.ready()
		require.NoError(t, err)
		lots := make([]int64, len(options))
		greedy(options, candidates(options), p.BudgetMinor/p.LotMinor, lots)
		profit := check(t, p, p.book("greedy", options, lots))
		_, bound := dual(options, p.BudgetMinor, p.LotMinor)
		require.LessOrEqual(t, profit, bound+1e-6)
		require.LessOrEqual(t, profit, search(p, 0, p.BudgetMinor)+1e-6)
	})
}

func TestGreedyTakesBackOnlyWhatPays(t *testing.T) {
	t.Parallel()
	// Ten lots: the first firm takes eight, two are left, the second needs at least four.
	lots := func(second float64) []int64 {
		options := []option{
			{value: 10, low: 1, top: 8, line: Line{Outcome: OutOfBudget}}, {value: second, low: 4, top: 4, line: Line{Outcome: OutOfBudget}},
		}
		out := make([]int64, 2)
		greedy(options, candidates(options), 10, out)
		return out
	}
	require.Equal(t, []int64{6, 4}, lots(6)) // 4 x 6 against 2 x 10
	require.Equal(t, []int64{8, 0}, lots(4)) // 4 x 4 against 2 x 10
}

func TestLargeBookHasASmallProvenGap(t *testing.T) {
	t.Parallel()
	p := contest(t)
	p.BudgetMinor = 2_000_000_000_00
	base := p.Firms
	for k := range 80 {
		for _, f := range base {
			f.ID = fmt.Sprintf("%s-%d", f.ID, k)
			f.PD *= 1 + float64(k)/1000
			p.Firms = append(p.Firms, f)
		}
	}
	b, err := Optimise(context.Background(), p)
	require.NoError(t, err)
	require.False(t, b.Exact)
	require.Less(t, b.Gap, 1e-3)
	check(t, p, b)
	require.Positive(t, b.ShadowPrice)
}

func TestFrontiersRise(t *testing.T) {
	t.Parallel()
	p := contest(t)
	f, err := Efficient(context.Background(), p, 20)
	require.NoError(t, err)
	require.Len(t, f.ByBudget, 20)
	require.GreaterOrEqual(t, len(f.ByLoss), 10)
	for i := 1; i < len(f.ByBudget); i++ {
		a, b := f.ByBudget[i-1], f.ByBudget[i]
		require.GreaterOrEqual(t, b.ProfitMinor, a.ProfitMinor)
		require.LessOrEqual(t, b.ShadowPrice, a.ShadowPrice+1e-12)
		require.LessOrEqual(t, b.AmountMinor, b.BudgetMinor)
	}
	best, err := Optimise(context.Background(), p)
	require.NoError(t, err)
	for i := 1; i < len(f.ByLoss); i++ {
		a, b := f.ByLoss[i-1], f.ByLoss[i]
		require.GreaterOrEqual(t, b.LossMinor, a.LossMinor)
		require.LessOrEqual(t, b.ProfitMinor, best.ProfitMinor)
	}
	require.InEpsilon(t, best.ProfitMinor, f.ByLoss[len(f.ByLoss)-1].ProfitMinor, 1e-3)
}

func TestOutcomesSayWhy(t *testing.T) {
	t.Parallel()
	p := Problem{
		Curve: Curve{Rates: []rate.Rate{rate.FromBP(500)}, Lost: map[string][]float64{"A": {0.1}}}, LGD: rate.FromBP(5000), Funding: rate.FromBP(100),
		BudgetMinor: 1_000_000_00, MaxRate: rate.Scale,
		Firms: []Firm{
			{ID: "good", Grade: "A", PD: 0.01, MinMinor: 100_000_00, MaxMinor: 1_000_000_00}, {ID: "second", Grade: "A", PD: 0.02, MinMinor: 100_000_00, MaxMinor: 1_000_000_00},
			{ID: "risky", Grade: "A", PD: 0.5, MinMinor: 100_000_00, MaxMinor: 1_000_000_00}, {ID: "ungraded", Grade: "D", MinMinor: 100_000_00, MaxMinor: 1_000_000_00},
			{ID: "small", Grade: "A", MinMinor: 100_000_00, MaxMinor: 50_000_00},
		},
	}
	b, err := Optimise(context.Background(), p)
	require.NoError(t, err)
	var got []string
	for _, l := range b.Lines {
		got = append(got, l.Outcome)
	}
	require.Equal(t, []string{Lent, OutOfBudget, Unprofitable, BadGrade, NoRoom}, got)
	require.InDelta(t, 0.9*(0.98*0.05-0.02*0.5-0.01), b.ShadowPrice, 0.006)
}

func TestBadProblemsAreRefused(t *testing.T) {
	t.Parallel()
	p := contest(t)
	p.BudgetMinor, p.LGD, p.Firms[3].PD = -1, rate.Scale+1, math.NaN()
	_, err := Optimise(context.Background(), p)
	var fields []string
	for _, f := range fault.All(err) {
		fields = append(fields, f.Field)
	}
	require.Equal(t, []string{"budget_minor", "lgd", "firms[3].pd"}, fields)
	for name, text := range map[string]string{
		"empty": "", "one column": "贷款年利率\n", "falling": "r,A\n0.05,0\n0.04,0\n", "churn over one": "r,A\n0.05,1.5\n", "not a number": "r,A\n0.05,x\n",
		"bad rate": "r,A\nx,0\n", "same grade": "r,A,a\n0.05,0,0\n", "short line": "r,A,B\n0.05,0\n", "nan": "r,A\n0.05,NaN\n",
	} {
		_, err := ParseCurve(strings.NewReader(text))
		require.True(t, fault.Is(err, ReasonCurve), name)
	}
}

func TestRefinedCurveKeepsItsPoints(t *testing.T) {
	t.Parallel()
	c := Curve{Rates: []rate.Rate{rate.FromBP(400), rate.FromBP(425)}, Lost: map[string][]float64{"A": {0, 0.1}}}.Refine(rate.FromBP(5))
	require.Equal(t, []rate.Rate{rate.FromBP(400), rate.FromBP(405), rate.FromBP(410), rate.FromBP(415), rate.FromBP(420), rate.FromBP(425)}, c.Rates)
	require.InDeltaSlice(t, []float64{0, 0.02, 0.04, 0.06, 0.08, 0.1}, c.Lost["A"], 1e-12)
	require.NoError(t, c.Validate())
}

func BenchmarkOptimiseContest(b *testing.B) {
	p := contest(b)
	for b.Loop() {
		_, err := Optimise(context.Background(), p)
		require.NoError(b, err)
	}
}
