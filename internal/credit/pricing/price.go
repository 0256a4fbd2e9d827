// Package pricing says what a loan must cost and how a budget is best lent.
//
// Price builds the rate of one loan from its costs. Optimise chooses for a whole book who gets how
// much at what rate. Both are pure: no I/O, no clock.
package pricing

import (
	"strconv"

	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Reasons a price or a book cannot be computed.
var (
	ReasonOutOfRange = fault.Declare("PRICING_OUT_OF_RANGE", fault.Invalid,
		"定价参数 {field} 的值 {value} 超出范围 {range}", "The pricing input {field} is {value}, outside {range}",
		"按所示范围修改该参数", "Bring it within the range shown")
	ReasonCurve = fault.Declare("PRICING_CURVE", fault.Invalid,
		"利率与流失率表无效：{problem}", "The table of rates and churn is not valid: {problem}",
		"首列为年利率（升序，0 至 1），其后每个等级一列流失率（0 至 1）", "The first column holds yearly rates (rising, 0 to 1), each further column a grade's churn (0 to 1)")
	ReasonTooBig = fault.Declare("PRICING_TOO_BIG", fault.TooLarge,
		"组合优化超过上限：{problem}", "The book is beyond the limit of the optimiser: {problem}",
		"增大放款单位或分批优化", "Use a larger lot or optimise in parts")
)

// Codes of the components of a price.
const (
	CodeFunding   = "funding"
	CodeOperating = "operating"
	CodeLoss      = "expected_loss"
	CodeCapital   = "capital"
	CodeMargin    = "margin"
	CodeFloor     = "floor"
	CodeCeiling   = "ceiling"
)

// Component is one part of a price, positive when it makes the loan dearer.
type Component struct {
	Code string    `json:"code"`
	Zh   string    `json:"name_zh"`
	En   string    `json:"name_en"`
	Rate rate.Rate `json:"rate"`
}

// Cost is what one loan costs the institution, as yearly rates on the money out.
type Cost struct {
	Funding     rate.Rate   // transfer price of the tenor
	Discount    rate.Rate   // taken off the transfer price for inclusive finance, as a positive figure
	Operating   rate.Rate   // servicing
	PD          rate.Rate   // one-year probability of default
	LGD         rate.Rate   // share lost on default
	Capital     rate.Rate   // charge on the capital held
	Margin      rate.Rate   // what is to be earned
	Adjustments []Component // signed: green share, first-time borrower, deposits
	Floor       rate.Rate   // 0: none
	Ceiling     rate.Rate   // 0: none
}

// Price is the rate of one loan with all that it is made of.
type Price struct {
	Rate       rate.Rate   `json:"rate"`
	Cost       rate.Rate   `json:"cost"`      // the components' sum, before the bounds
	Bound      string      `json:"bound"`     // floor or ceiling when it decided the rate, else empty
	Shortfall  rate.Rate   `json:"shortfall"` // by how much a ceiling lies below the cost
	Components []Component `json:"components"`
}

// priceStep is the step of offered rates; the price goes up to it, so that it covers its cost.
const priceStep = 10_000 // one basis point

// Of prices one loan: funding after discount, operating cost, expected loss, capital, margin and
// adjustments, rounded up to the basis point, then floor and ceiling.
func Of(c Cost) (Price, error) {
	if err := c.validate(); err != nil {
		return Price{}, err
	}
	loss, err := rate.Share(int64(c.PD), c.LGD, money.HalfUp)
	if err != nil {
		return Price{}, err
	}
	p := Price{Components: append([]Component{
		{CodeFunding, "资金成本（优惠后）", "Funding after discount", c.Funding - c.Discount},
		{CodeOperating, "运营成本", "Operating cost", c.Operating},
		{CodeLoss, "预期损失", "Expected loss", rate.Rate(loss)},
		{CodeCapital, "资本成本", "Capital charge", c.Capital},
		{CodeMargin, "目标利润", "Margin", c.Margin},
	}, c.Adjustments...)}
	for _, part := range p.Components {
		p.Cost += part.Rate
	}
	p.Rate = roundUp(p.Cost)
	switch {
	case c.Ceiling > 0 && p.Rate > c.Ceiling:
		p.Rate, p.Bound, p.Shortfall = c.Ceiling, CodeCeiling, max(0, p.Cost-c.Ceiling)
	case p.Rate < c.Floor:
		p.Rate, p.Bound = c.Floor, CodeFloor
	}
	return p, nil
}

func roundUp(r rate.Rate) rate.Rate {
	if over := r % priceStep; over > 0 {
		return r - over + priceStep
	} else if over < 0 {
		return r - over
	}
	return r
}

func (c Cost) validate() error {
	named := []struct {
		field string
		value rate.Rate
	}{
		{"funding_rate", c.Funding}, {"funding_discount_rate", c.Discount}, {"operating_rate", c.Operating}, {"pd", c.PD}, {"lgd", c.LGD},
		{"capital_rate", c.Capital}, {"margin_rate", c.Margin}, {"floor_rate", c.Floor}, {"ceiling_rate", c.Ceiling},
	}
	var bad []error
	for _, n := range named {
		if n.value < 0 || n.value > rate.Scale {
			bad = append(bad, outOfRange(n.field, n.value.String(), "0..1"))
		}
	}
	for i, a := range c.Adjustments {
		if a.Rate < -rate.Scale || a.Rate > rate.Scale {
			bad = append(bad, outOfRange("adjustments["+strconv.Itoa(i)+"].rate", a.Rate.String(), "-1..1"))
		}
	}
	if c.Ceiling > 0 && c.Ceiling < c.Floor {
		bad = append(bad, outOfRange("ceiling_rate", c.Ceiling.String(), ">= floor_rate "+c.Floor.String()))
	}
	return fault.Join(bad...)
}

func outOfRange(field, value, span string) error {
	return fault.New(ReasonOutOfRange, "field", field, "value", value, "range", span).WithField(field)
}
