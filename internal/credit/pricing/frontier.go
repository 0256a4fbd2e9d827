package pricing

import (
	"cmp"
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

// Efficient computes about the given number of points of each frontier. Budgets run up to all that
// can be lent at a profit, and the budget of the problem where it lies beyond; along the other
// frontier an aversion to expected loss falls from where nothing is lent to none. Points come from
// the greedy method, whose gap is at most the size of one firm.
func Efficient(ctx context.Context, p Problem, points int) (Frontier, error) {
	points = min(max(points, 2), maxFrontierPoints)
	options, err := p.ready()
	if err != nil {
		return Frontier{}, err
	}
	f := Frontier{ByBudget: []Point{}, ByLoss: []Point{}}
	order := candidates(options)
	var room int64
	for _, i := range order {
		room += options[i].top
	}
	for k := 1; k <= points; k++ {
		if err := ctx.Err(); err != nil {
			return Frontier{}, err
		}
		q := p
		q.BudgetMinor = room * int64(k) / int64(points) * p.LotMinor
		f.ByBudget = append(f.ByBudget, q.point(options, 0))
	}
	if p.BudgetMinor > room*p.LotMinor {
		f.ByBudget = append(f.ByBudget, p.point(options, 0))
	}
	f.ByLoss, err = p.byLoss(ctx, options, order, points)
	return f, err
}

// byLoss tries more aversions than points are wanted, since several give the same book, and keeps
// points about evenly spread over the loss.
func (p *Problem) byLoss(ctx context.Context, options []option, order []int, points int) ([]Point, error) {
	curve := p.Curve
	if p.RateStep > 0 {
		curve = curve.Refine(p.RateStep)
	}
	var all []Point
	wary := make([]option, len(p.Firms))
	for _, aversion := range aversions(options, order, 4*points) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		for i, firm := range p.Firms {
			wary[i] = p.best(firm, curve, aversion)
		}
		all = append(all, p.point(wary, aversion))
	}
	slices.SortStableFunc(all, func(a, b Point) int { return cmp.Compare(a.LossMinor, b.LossMinor) })
	kept := []Point{}
	for i, point := range all {
		step := int64(0)
		if len(kept) > 0 {
			step = all[len(all)-1].LossMinor * int64(len(kept)) / int64(points)
		}
		switch {
		case len(kept) > 0 && point.LossMinor == kept[len(kept)-1].LossMinor: // the same book again
		case i == len(all)-1 || point.LossMinor >= step || len(kept) == 0:
			kept = append(kept, point)
		}
	}
	return kept, nil
}

// aversions run from none to where the last firm leaves the book, closer together where more firms
// leave. A firm leaves at its ratio of profit to loss.
func aversions(options []option, order []int, n int) []float64 {
	out := []float64{0}
	var ratios []float64
	for _, i := range order {
		if l := options[i].line; l.lossPerYuan > 0 {
			ratios = append(ratios, l.Margin/l.lossPerYuan)
		}
	}
	slices.Sort(ratios)
	for k := 1; k < n && len(ratios) > 0; k++ {
		// Half of the points follow the firms, half are spread evenly up to the largest ratio of the middle firms.
		if k%2 == 0 {
			out = append(out, ratios[k*(len(ratios)-1)/(n-1)])
		} else {
			out = append(out, ratios[len(ratios)/2]*float64(k)/float64(n))
		}
	}
	slices.Sort(out)
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
