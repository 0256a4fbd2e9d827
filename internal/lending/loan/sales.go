package loan

import (
	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Sales are the terms of repayment by a share of sales (按销售额比例还款). Of each period falls due the share of what the
// borrower sold in it, at least the minimum and at most the cap, and never less than the period's interest. The last due date
// is the latest maturity: whatever is left is due then.
type Sales struct {
	Share rate.Rate `json:"share" doc:"part of the sales of a period, such as 0.08"`
	// MinimumMinor falls due where less was sold, or nothing was reported by the due date.
	MinimumMinor int64 `json:"minimum_minor" doc:"least that falls due per period, minor units"`
	CapMinor     int64 `json:"cap_minor,omitempty" doc:"most that falls due per period by the share; zero: no cap"`
	// ExpectedMinor is what the plan ahead assumes; nothing falls due because of it.
	ExpectedMinor int64 `json:"expected_minor" doc:"sales expected per period, for the plan that is shown"`
}

// RowSales is what was reported of the sales behind one instalment.
type RowSales struct {
	ReportedMinor int64 `json:"reported_minor"`
	Reports       int   `json:"reports"`
	// Missing: nothing had been reported when the instalment fell due, so that the minimum did.
	Missing bool `json:"missing,omitempty"`
	// DemandMinor is what fell due by the share, the minimum or the interest; late reports raise it and LateMinor.
	DemandMinor int64 `json:"demand_minor,omitempty"`
	// LateMinor was reported too late for its own date and falls due with the instalment that was running then.
	LateMinor int64 `json:"late_minor,omitempty"`
}

// due is what a period's sales make due.
func (x Sales) due(sales int64) int64 {
	v, err := rate.Share(sales, x.Share, money.HalfUp)
	if err != nil {
		v = principalMax // sales are bounded and the share is at most one
	}
	if x.CapMinor > 0 {
		v = min(v, x.CapMinor)
	}
	return max(v, x.MinimumMinor)
}

// validateSales checks the terms of the method, and that no other method has them.
func (t Terms) validateSales() error {
	x := t.Sales
	if t.Method != SalesShare {
		if x != (Sales{}) {
			return fault.Field("sales", "仅用于按销售额比例还款", "belongs to repayment by a share of sales only")
		}
		return nil
	}
	var errs []error
	check := func(bad bool, field, zh, en string) {
		if bad {
			errs = append(errs, fault.Field(field, zh, en))
		}
	}
	check(x.Share <= 0 || x.Share > rate.Scale, "sales.share", "须大于0且不超过1", "must be above 0 and at most 1")
	check(x.MinimumMinor <= 0 || x.MinimumMinor > principalMax, "sales.minimum_minor", "须大于零", "must be above zero")
	check(x.CapMinor != 0 && x.CapMinor < x.MinimumMinor, "sales.cap_minor", "不得低于每期最低还款额", "must not be below the minimum")
	check(x.CapMinor > principalMax, "sales.cap_minor", "不得超过一千亿元", "must be at most 100 billion yuan")
	check(x.ExpectedMinor <= 0 || x.ExpectedMinor > principalMax, "sales.expected_minor", "须大于零", "must be above zero")
	p := t.Plan
	check(p.BalloonMinor != 0 || len(p.Weights) > 0 || p.GracePrincipal > 0 || p.GraceInterest > 0 || p.DownPayment != 0, "plan",
		"按销售额比例还款不支持尾款、权重、宽限与首付", "repayment by a share of sales has no balloon, weights, grace or down payment")
	check(t.Arrears != ArrearsPenalty, "arrears", "按销售额比例还款须计收罚息", "repayment by a share of sales needs penalty interest on arrears")
	return fault.Join(errs...)
}

// payments is the plan by what is expected, one per instalment.
func (x Sales) payments(count int) []int64 {
	if count < 0 || count > 100_000 {
		return nil // refused by the engine
	}
	out := make([]int64, count)
	for i := range out {
		out[i] = x.due(x.ExpectedMinor)
	}
	return out
}

// reportSales adds what was sold between two dates to the instalment whose period holds the last of them. A report for an
// instalment that has fallen due cannot change it: what is more falls due with the running one.
func (s *State) reportSales(e Event) error {
	d := e.Detail
	switch {
	case s.Terms.Method != SalesShare:
		return fault.Field("kind", "该贷款不按销售额还款", "the loan is not repaid by a share of sales")
	case e.AmountMinor < 0 || e.AmountMinor > principalMax:
		return fault.Field("amount_minor", "须在零与一千亿元之间", "must lie between zero and 100 billion yuan")
	case d.From.IsZero() || d.To.Before(d.From):
		return fault.Field("to", "不得早于起始日", "must not be before the first day")
	case d.To.After(e.Date):
		return fault.Field("to", "销售截止日不得晚于报送日", "sales cannot be reported before they are made")
	case d.To.Before(s.Terms.Start) || d.From.AddMonths(12*farthestYears, calendar.Clamp).Before(s.Terms.Start):
		return fault.Field("to", "不得早于起息日", "must not be before the loan's start")
	}
	at := -1
	for i := range s.Rows {
		if d.To.Before(s.Rows[i].DueDate) {
			at = i
			break
		}
	}
	if at < 0 {
		return fault.Field("to", "晚于贷款到期日", "is after the loan's maturity")
	}
	r := &s.Rows[at]
	if err := add(&r.Sales.ReportedMinor, e.AmountMinor); err != nil {
		return err
	}
	r.Sales.Reports++
	switch more := s.Terms.Sales.due(r.Sales.ReportedMinor) - r.Sales.DemandMinor; {
	case at == s.Next-1 && r.DueDate == e.Date: // in time, though the day has begun
		r.Sales.Missing = false
		s.raise(r, more)
	case at < s.Next && more > 0 && !s.matured():
		r.Sales.DemandMinor += more
		r.Sales.LateMinor += more
		s.Carried += more
	}
	return s.replan()
}

// raise makes more principal due with a row that fell due today.
func (s *State) raise(r *Row, more int64) {
	if more <= 0 {
		return
	}
	part := min(more, s.unbilled())
	r.Sales.DemandMinor += more
	r.PrincipalMinor += part
	r.TotalMinor += part
	r.BalanceMinor -= part
	if r.openPrincipal() > 0 {
		r.ClearedOn = calendar.Date{}
	}
}

// demand is what a row's sales make due as far as they are known: reported, or else expected.
func (s *State) demand(i int) int64 {
	r := &s.Rows[i]
	sales := s.Terms.Sales.ExpectedMinor
	if r.Sales.Reports > 0 {
		sales = r.Sales.ReportedMinor
	}
	v := s.Terms.Sales.due(sales)
	if i == s.Next {
		v += s.Carried - s.Deferred
	}
	return v
}

// shared settles on its due date what a row demands: by the sales reported, or the minimum when none are. It tells the
// principal that falls due of what is left.
func (s *State) shared(r *Row, left int64) int64 {
	demand := s.Terms.Sales.MinimumMinor
	if r.Sales.Reports > 0 {
		demand = s.Terms.Sales.due(r.Sales.ReportedMinor)
	}
	r.Sales.Missing = r.Sales.Reports == 0 && !s.Accelerated
	r.Sales.DemandMinor = max(demand, r.InterestMinor)
	demand += s.Carried
	s.Carried = 0
	if s.Next == len(s.Rows)-1 {
		return left
	}
	held := r.PaidPrincipalMinor + r.WaivedPrincipalMinor
	if r.NoPrincipal {
		return held
	}
	return max(min(demand-r.InterestMinor, left), held)
}
