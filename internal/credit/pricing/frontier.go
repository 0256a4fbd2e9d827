package pricing

import (
	"context"
	"slices"
)

// Point is one book of a frontier, without its lines.
type Point struct {
	BudgetMinor int64   `json:"budget_minor"`
	AmountMinor int64   `json:"amount_minor"`
	UseMinor    int64   `json:"use_minor"`
	LossMinor   int64   `json:"loss_minor"`
	ProfitMinor int64   `json:"profit_minor"`
	Firms       int     `json:"firms"`
	ShadowPrice float64 `json:"shadow_price"`
	Aversion    float64 `json:"aversion"` // what a yuan of expected loss counts for beyond itself
}

// Frontier is what can be had: profit against budget, and profit against expected loss at the
// budget of the problem.
type Frontier struct {
	ByBudget []Point `json:"by_budget"`
	ByLoss   []Point `json:"by_loss"`
}

const maxFrontierPoints = 200

// Efficient computes about the given number of points of each frontier. Budgets run from a part to
// all that can be lent at a profit; along the other frontier an aversion to expected loss rises
// until nothing is lent. Points come from the greedy method, whose gap is the size of one firm.
func Efficient(ctx context.Context, p Problem, points int) (Frontier, error) {
	points = min(max(points, 2), maxFrontierPoints)
	options, err := p.ready()
	if err != nil {
		return Frontier{}, err
	}
	var f Frontier
	order := candidates(options)
	var room int64
	for _, i := range order {
		room += options[i].top
	}
	last := max(room, p.BudgetMinor/p.LotMinor)
	for k := 1; k <= points; k++ {
		if err := ctx.Err(); err != nil {
			return Frontier{}, err
		}
		q := p
		q.BudgetMinor = last * int64(k) / int64(points) * p.LotMinor
		f.ByBudget = append(f.ByBudget, q.point(options, 0))
	}
	curve := p.Curve
	if p.RateStep > 0 {
		curve = curve.Refine(p.RateStep)
	}
	for _, aversion := range aversions(options, order, points) {
		if err := ctx.Err(); err != nil {
			return Frontier{}, err
		}
		wary := make([]option, len(p.Firms))
		for i, firm := range p.Firms {
			wary[i] = p.best(firm, curve, aversion)
		}
		f.ByLoss = append(f.ByLoss, p.point(wary, aversion))
	}
	slices.SortStableFunc(f.ByLoss, func(a, b Point) int { return int(min(max(a.LossMinor-b.LossMinor, -1), 1)) })
	return f, nil
}

// aversions spreads the points over the firms: at the ratio of profit to loss of a firm, that firm
// leaves the book.
func aversions(options []option, order []int, points int) []float64 {
	out := []float64{0}
	var ratios []float64
	for _, i := range order {
		if l := options[i].line; l.lossPerYuan > 0 {
			ratios = append(ratios, l.Margin/l.lossPerYuan)
		}
	}
	slices.Sort(ratios)
	for k := 1; k < points && len(ratios) > 0; k++ {
		out = append(out, ratios[k*(len(ratios)-1)/(points-1)])
	}
	return slices.Compact(out)
}

func (p *Problem) point(options []option, aversion float64) Point {
	lots := make([]int64, len(options))
	greedy(options, candidates(options), p.BudgetMinor/p.LotMinor, lots)
	shadow, _ := dual(options, p.BudgetMinor, p.LotMinor)
	b := p.book("frontier", options, lots)
	return Point{
		BudgetMinor: p.BudgetMinor, AmountMinor: b.AmountMinor, UseMinor: b.UseMinor, LossMinor: b.LossMinor,
		ProfitMinor: b.ProfitMinor, Firms: b.Firms, ShadowPrice: shadow / float64(p.LotMinor), Aversion: aversion,
	}
}
