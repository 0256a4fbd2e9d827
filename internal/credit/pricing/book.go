package pricing

import (
	"math"
	"strconv"

	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Limits of a problem.
const (
	maxFirms  = 100_000
	maxBudget = 100_000_000_000_000_00 // 100 trillion yuan
)

// Firm is a candidate for money from the budget.
type Firm struct {
	ID       string  `json:"id"`
	Grade    string  `json:"grade"`
	PD       float64 `json:"pd"`
	MinMinor int64   `json:"min_minor"` // smallest amount worth a contract
	MaxMinor int64   `json:"max_minor"` // the firm's limit
}

// Problem is a budget and those who may have it. A firm gets nothing, or an amount of whole lots
// between its bounds, at one rate of the curve.
//
// An amount is a commitment and counts in full against the budget, although a share of firms will
// turn the offer down: what has been promised must be there. Income and loss arise only on what
// is expected to be taken up.
type Problem struct {
	Firms       []Firm         `json:"firms"`
	Curve       Curve          `json:"curve"`
	Currency    money.Currency `json:"currency"`
	BudgetMinor int64          `json:"budget_minor"`
	LotMinor    int64          `json:"lot_minor"` // 0: 10,000 yuan
	MinRate     rate.Rate      `json:"min_rate"`
	MaxRate     rate.Rate      `json:"max_rate"` // 0: no upper end
	LGD         rate.Rate      `json:"lgd"`
	Funding     rate.Rate      `json:"funding_rate"`
	RateStep    rate.Rate      `json:"rate_step"` // 0: the points of the curve only
}

// DefaultLotMinor is the default unit of an amount: 10,000 yuan.
const DefaultLotMinor = 10_000_00

// Outcomes of a firm.
const (
	Lent         = "lent"
	BadGrade     = "grade"        // the curve does not name the grade
	Unprofitable = "unprofitable" // no rate of the curve earns anything
	NoRoom       = "bounds"       // the limit is under the smallest amount
	OutOfBudget  = "budget"       // others earn more per yuan
)

// Line is what a firm gets.
type Line struct {
	Firm
	Outcome     string    `json:"outcome"`
	AmountMinor int64     `json:"amount_minor"`
	Rate        rate.Rate `json:"rate"`         // the best rate, also where nothing is lent for want of budget
	Churn       float64   `json:"churn"`        // at that rate
	Margin      float64   `json:"margin"`       // expected profit per yuan committed
	UseMinor    int64     `json:"use_minor"`    // expected to be taken up
	LossMinor   int64     `json:"loss_minor"`   // expected loss
	ProfitMinor int64     `json:"profit_minor"` // expected profit
	lossPerYuan float64
}

// Book is an allocation of the whole budget.
type Book struct {
	Method      string         `json:"method"`
	Currency    money.Currency `json:"currency"`
	Lines       []Line         `json:"lines"` // in the order of the problem's firms
	BudgetMinor int64          `json:"budget_minor"`
	AmountMinor int64          `json:"amount_minor"`
	UseMinor    int64          `json:"use_minor"`
	LossMinor   int64          `json:"loss_minor"`
	ProfitMinor int64          `json:"profit_minor"`
	Firms       int            `json:"firms"` // that get something

	ShadowPrice float64 `json:"shadow_price"` // profit that one more yuan of budget would earn
	BoundMinor  int64   `json:"bound_minor"`  // no allocation can earn more (Lagrangian dual)
	Gap         float64 `json:"gap"`          // (bound - profit) / bound
	Exact       bool    `json:"exact"`        // proven best among whole lots
}

// option is what the optimiser knows of one firm: its best rate and bounds in lots.
type option struct {
	line     Line
	value    float64 // per lot, in fen
	low, top int64   // lots
}

func (p *Problem) validate() error {
	var bad []error
	check := func(ok bool, field, value, span string) {
		if !ok && len(bad) < 100 {
			bad = append(bad, outOfRange(field, value, span))
		}
	}
	if p.LotMinor == 0 {
		p.LotMinor = DefaultLotMinor
	}
	if p.MaxRate == 0 {
		p.MaxRate = rate.Scale
	}
	check(p.BudgetMinor >= 0 && p.BudgetMinor <= maxBudget, "budget_minor", strconv.FormatInt(p.BudgetMinor, 10), "0.."+strconv.FormatInt(maxBudget, 10))
	check(p.LotMinor > 0 && p.LotMinor <= maxBudget, "lot_minor", strconv.FormatInt(p.LotMinor, 10), "> 0")
	check(p.MinRate >= 0 && p.MinRate <= p.MaxRate && p.MaxRate <= rate.Scale, "min_rate", p.MinRate.String(), "0.."+p.MaxRate.String())
	check(p.LGD >= 0 && p.LGD <= rate.Scale, "lgd", p.LGD.String(), "0..1")
	check(p.Funding >= 0 && p.Funding <= rate.Scale, "funding_rate", p.Funding.String(), "0..1")
	check(p.RateStep >= 0 && p.RateStep <= rate.Scale, "rate_step", p.RateStep.String(), "0..1")
	check(len(p.Firms) <= maxFirms, "firms", strconv.Itoa(len(p.Firms)), "at most "+strconv.Itoa(maxFirms))
	for i, f := range p.Firms {
		at := "firms[" + strconv.Itoa(i) + "]"
		check(f.PD >= 0 && f.PD <= 1, at+".pd", strconv.FormatFloat(f.PD, 'g', 6, 64), "0..1")
		check(f.MinMinor >= 0 && f.MinMinor <= maxBudget, at+".min_minor", strconv.FormatInt(f.MinMinor, 10), ">= 0")
		check(f.MaxMinor >= 0 && f.MaxMinor <= maxBudget, at+".max_minor", strconv.FormatInt(f.MaxMinor, 10), ">= 0")
	}
	if err := p.Curve.Validate(); err != nil {
		bad = append(bad, err)
	}
	return fault.Join(bad...)
}

// ready validates, refines the curve, and finds each firm's best rate.
func (p *Problem) ready() ([]option, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	curve := p.Curve
	if p.RateStep > 0 {
		curve = curve.Refine(p.RateStep)
	}
	options := make([]option, len(p.Firms))
	for i, f := range p.Firms {
		options[i] = p.best(f, curve, 0)
	}
	return options, nil
}

// best chooses the rate that earns most per yuan committed. Since profit grows in proportion to
// the amount, that rate is best for every amount, and rate and amount separate. Aversion is what a
// yuan of expected loss counts for beyond itself.
func (p *Problem) best(f Firm, curve Curve, aversion float64) option {
	o := option{line: Line{Firm: f}, low: max(1, (f.MinMinor+p.LotMinor-1)/p.LotMinor), top: f.MaxMinor / p.LotMinor}
	lost, known := curve.Lost[f.Grade]
	if !known {
		o.line.Outcome = BadGrade
		return o
	}
	score := math.Inf(-1)
	for k, r := range curve.Rates {
		if r < p.MinRate || r > p.MaxRate {
			continue
		}
		margin, loss := p.perYuan(f.PD, r, lost[k])
		if s := margin - aversion*loss; s > score {
			score = s
			o.line.Rate, o.line.Churn, o.line.Margin, o.line.lossPerYuan = r, lost[k], margin, loss
		}
	}
	o.value = score * float64(p.LotMinor)
	switch {
	case o.low > o.top:
		o.line.Outcome = NoRoom
	case score <= 0:
		o.line.Outcome = Unprofitable
	default:
		o.line.Outcome = OutOfBudget // until it gets some
	}
	return o
}

// perYuan is the expected profit and loss of one committed yuan at a rate.
func (p *Problem) perYuan(pd float64, r rate.Rate, churn float64) (profit, loss float64) {
	stay := 1 - churn
	loss = stay * pd * fraction(p.LGD)
	return stay*((1-pd)*fraction(r)-fraction(p.Funding)) - loss, loss
}

func fraction(r rate.Rate) float64 { return float64(r) / rate.Scale }

// book writes the result for amounts in lots, one per option.
func (p *Problem) book(method string, options []option, lots []int64) Book {
	b := Book{Method: method, Currency: p.Currency, BudgetMinor: p.BudgetMinor, Lines: make([]Line, len(options))}
	for i := range options {
		l := options[i].line
		if lots[i] > 0 {
			l.Outcome = Lent
			l.AmountMinor = lots[i] * p.LotMinor
			amount := float64(l.AmountMinor)
			l.UseMinor = int64(math.Round(amount * (1 - l.Churn)))
			l.LossMinor = int64(math.Round(amount * l.lossPerYuan))
			l.ProfitMinor = int64(math.Round(amount * l.Margin))
			b.Firms++
		}
		b.AmountMinor += l.AmountMinor
		b.UseMinor += l.UseMinor
		b.LossMinor += l.LossMinor
		b.ProfitMinor += l.ProfitMinor
		b.Lines[i] = l
	}
	return b
}
