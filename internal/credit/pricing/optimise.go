package pricing

import (
	"context"
	"math"
	"slices"
)

// maxCells bounds the table of the exact method (firms x lots of budget); beyond it the greedy
// method with its proven gap answers.
const maxCells = 20_000_000

// Optimise finds the allocation of the budget with the highest expected profit.
//
// Each firm has one best rate, so what remains is to divide the budget: amounts of zero or between
// two bounds, value in proportion. Small enough problems are solved exactly over whole lots by
// dynamic programming; for larger ones the Lagrangian relaxation is rounded and repaired. Either
// way the relaxation gives an upper bound, and with it the gap, and the price of the budget.
func Optimise(ctx context.Context, p Problem) (Book, error) {
	options, err := p.ready()
	if err != nil {
		return Book{}, err
	}
	budget := p.BudgetMinor / p.LotMinor
	shadow, bound := dual(options, p.BudgetMinor, p.LotMinor)
	lots, exact, err := divide(ctx, options, budget)
	if err != nil {
		return Book{}, err
	}
	b := p.book("optimal", options, lots)
	b.ShadowPrice, b.Exact = shadow/float64(p.LotMinor), exact
	b.setBound(bound)
	return b, nil
}

func (b *Book) setBound(bound float64) {
	b.BoundMinor = max(int64(math.Ceil(bound)), b.ProfitMinor)
	if b.BoundMinor > 0 {
		b.Gap = float64(b.BoundMinor-b.ProfitMinor) / float64(b.BoundMinor)
	}
}

// candidates lists the options that may get something, best value per lot first.
func candidates(options []option) []int {
	var order []int
	for i := range options {
		if options[i].line.Outcome == OutOfBudget {
			order = append(order, i)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch va, vb := options[a].value, options[b].value; {
		case va > vb:
			return -1
		case va < vb:
			return 1
		}
		return a - b
	})
	return order
}

// dual solves the relaxation in which amounts may be split at will: fill in the order of value.
// The value of the firm at which the budget runs out is the price of the budget (per lot), and the
// relaxed profit bounds every allocation from above.
func dual(options []option, budgetMinor, lotMinor int64) (shadow, bound float64) {
	left := float64(budgetMinor) / float64(lotMinor)
	for _, i := range candidates(options) {
		o := &options[i]
		top := float64(o.line.MaxMinor) / float64(lotMinor)
		if left <= top {
			return o.value, bound + left*o.value
		}
		bound += top * o.value
		left -= top
	}
	return 0, bound
}

// divide gives every option its lots.
func divide(ctx context.Context, options []option, budget int64) (lots []int64, exact bool, err error) {
	order := candidates(options)
	lots = make([]int64, len(options))
	var room int64
	for _, i := range order {
		room += options[i].top
	}
	if room <= budget { // money for everybody
		for _, i := range order {
			lots[i] = options[i].top
		}
		return lots, true, nil
	}
	if int64(len(order))*(budget+1) > maxCells {
		greedy(options, order, budget, lots)
		return lots, false, nil
	}
	return lots, true, knapsack(ctx, options, order, int(budget), lots)
}

// knapsack is the exact method. best[b] is the highest profit of the firms so far with b lots; a
// firm adds the maximum of best[b-n] + n*value over its allowed n, which a sliding window maximum
// finds in constant time per b.
func knapsack(ctx context.Context, options []option, order []int, budget int, lots []int64) error {
	width := budget + 1
	best, next := make([]float64, width), make([]float64, width)
	chosen := make([]int32, len(order)*width)
	window := make([]int32, width)
	for k, i := range order {
		if err := ctx.Err(); err != nil {
			return err
		}
		o := &options[i]
		take := chosen[k*width : (k+1)*width]
		head, tail := 0, 0 // window[head:tail] holds rising positions with falling best - value*position
		for b := range width {
			if in := b - int(o.low); in >= 0 {
				gain := best[in] - o.value*float64(in)
				for tail > head && best[window[tail-1]]-o.value*float64(window[tail-1]) <= gain {
					tail--
				}
				window[tail] = int32(in)
				tail++
			}
			for head < tail && int(window[head]) < b-int(o.top) {
				head++
			}
			next[b] = best[b]
			if head < tail {
				n := b - int(window[head])
				if with := best[window[head]] + o.value*float64(n); with > next[b] {
					next[b], take[b] = with, int32(n)
				}
			}
		}
		best, next = next, best
	}
	for k, b := len(order)-1, budget; k >= 0; k-- {
		n := chosen[k*width+b]
		lots[order[k]] = int64(n)
		b -= int(n)
	}
	return nil
}

// greedy fills in the order of value and mends the one place where that may fail: what is left is
// under the smallest amount of the firm at the margin. It then takes lots back from the least
// valuable firms before, when the firm is worth more than they lose.
func greedy(options []option, order []int, budget int64, lots []int64) {
	left := budget
	for k, i := range order {
		o := &options[i]
		if left >= o.low {
			lots[i] = min(o.top, left)
			left -= lots[i]
			continue
		}
		if left += takeBack(options, order[:k], lots, o, left); left >= o.low {
			lots[i] = o.low
			left -= o.low
		}
		if left == 0 {
			return
		}
	}
}

// takeBack frees what the firm lacks of its smallest amount, or nothing when that does not pay.
func takeBack(options []option, before []int, lots []int64, o *option, left int64) int64 {
	lack, cost := o.low-left, 0.0
	for k := len(before) - 1; k >= 0 && lack > 0; k-- {
		j := before[k]
		n := min(lack, max(0, lots[j]-options[j].low))
		cost += float64(n) * options[j].value
		lack -= n
	}
	if lack > 0 || cost >= float64(o.low)*o.value {
		return 0
	}
	freed := int64(0)
	for k := len(before) - 1; k >= 0 && freed < o.low-left; k-- {
		j := before[k]
		n := min(o.low-left-freed, max(0, lots[j]-options[j].low))
		lots[j] -= n
		freed += n
	}
	return freed
}
