package pricing

import "context"

// EqualSplit is what a lender does without an optimiser: every firm of a grade that is lent to
// gets the same amount, within its bounds, at the firm's own best rate.
func EqualSplit(p Problem) (Book, error) {
	options, err := p.ready()
	if err != nil {
		return Book{}, err
	}
	lendable := int64(0)
	for i := range options {
		if o := &options[i]; o.line.Outcome != BadGrade && o.line.Outcome != NoRoom {
			lendable++
		}
	}
	lots := make([]int64, len(options))
	left := p.BudgetMinor / p.LotMinor
	share := left / max(lendable, 1)
	for i := range options {
		o := &options[i]
		if o.line.Outcome == BadGrade || o.line.Outcome == NoRoom {
			continue
		}
		if n := min(max(share, o.low), o.top); n <= left {
			lots[i] = n
			left -= n
		}
	}
	return p.book("equal_split", options, lots), nil
}

// RatePerGrade is a price list: one rate for all firms of a grade, the best such rate, with the
// budget then divided as well as possible.
func RatePerGrade(ctx context.Context, p Problem) (Book, error) {
	if err := p.validate(); err != nil {
		return Book{}, err
	}
	curve := p.Curve
	if p.RateStep > 0 {
		curve = curve.Refine(p.RateStep)
	}
	listed := map[string]Curve{}
	for grade := range curve.Lost {
		listed[grade] = p.bestForGrade(grade, curve)
	}
	options := make([]option, len(p.Firms))
	for i, f := range p.Firms {
		options[i] = p.best(f, listed[f.Grade], 0)
	}
	lots, exact, err := divide(ctx, options, p.BudgetMinor/p.LotMinor)
	if err != nil {
		return Book{}, err
	}
	b := p.book("rate_per_grade", options, lots)
	b.Exact = exact
	return b, nil
}

// bestForGrade keeps the one point of the curve at which the profitable firms of a grade earn most
// together, each at its limit.
func (p *Problem) bestForGrade(grade string, curve Curve) Curve {
	top, at := 0.0, -1
	for k, r := range curve.Rates {
		if r < p.MinRate || r > p.MaxRate {
			continue
		}
		sum := 0.0
		for _, f := range p.Firms {
			if f.Grade == grade {
				margin, _ := p.perYuan(f.PD, r, curve.Lost[grade][k])
				sum += max(0, margin) * float64(f.MaxMinor)
			}
		}
		if at < 0 || sum > top {
			top, at = sum, k
		}
	}
	if at < 0 {
		return Curve{}
	}
	return Curve{Rates: curve.Rates[at : at+1], Lost: map[string][]float64{grade: curve.Lost[grade][at : at+1]}}
}
