package loan

import (
	"slices"

	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Component is one of the four things a loan owes. Compound interest (复利) goes
// with penalty interest (罚息) and is paid before it.
type Component string

// Components.
const (
	Fee       Component = "fee"
	Penalty   Component = "penalty"
	Interest  Component = "interest"
	Principal Component = "principal"
	Compound  Component = "compound" // for waivers only
)

// Bucket is a component at one of three ages: past due, due today, in advance.
// Twelve buckets make the table by which a payment is spread.
type Bucket string

// The twelve buckets.
const (
	PastDueFee         Bucket = "past_due_fee"
	PastDuePenalty     Bucket = "past_due_penalty"
	PastDueInterest    Bucket = "past_due_interest"
	PastDuePrincipal   Bucket = "past_due_principal"
	DueFee             Bucket = "due_fee"
	DuePenalty         Bucket = "due_penalty"
	DueInterest        Bucket = "due_interest"
	DuePrincipal       Bucket = "due_principal"
	InAdvanceFee       Bucket = "in_advance_fee"
	InAdvancePenalty   Bucket = "in_advance_penalty"
	InAdvanceInterest  Bucket = "in_advance_interest"
	InAdvancePrincipal Bucket = "in_advance_principal"
)

// Buckets lists all twelve in their usual order: costs, penalty, interest and
// principal of what is due (Civil Code art. 561), then what lies ahead.
func Buckets() []Bucket {
	return []Bucket{
		PastDueFee, DueFee, PastDuePenalty, DuePenalty, PastDueInterest, DueInterest, PastDuePrincipal, DuePrincipal,
		InAdvanceFee, InAdvancePenalty, InAdvanceInterest, InAdvancePrincipal,
	}
}

// principalFirst is the usual order while a loan is non-accrual: costs, then
// principal, then what it earned.
func principalFirst() []Bucket {
	return []Bucket{
		PastDueFee, DueFee, PastDuePrincipal, DuePrincipal, PastDueInterest, DueInterest, PastDuePenalty, DuePenalty,
		InAdvanceFee, InAdvancePenalty, InAdvancePrincipal, InAdvanceInterest,
	}
}

// Order is how payments are spread over the buckets, by accrual state. By
// default a bucket is emptied over all instalments before the next one is
// looked at; ByInstalment empties the oldest instalment in the order of the
// buckets before the next instalment.
type Order struct {
	Accrual      []Bucket `json:"accrual,omitempty"`
	NonAccrual   []Bucket `json:"non_accrual,omitempty"`
	ByInstalment bool     `json:"by_instalment,omitempty"`
}

func (o Order) validate() error {
	var errs []error
	for field, list := range map[string][]Bucket{"order.accrual": o.Accrual, "order.non_accrual": o.NonAccrual} {
		if len(list) == 0 {
			continue
		}
		sorted, all := slices.Sorted(slices.Values(list)), slices.Sorted(slices.Values(Buckets()))
		if !slices.Equal(sorted, all) {
			errs = append(errs, fault.Field(field, "须恰好列出十二个项目各一次", "must list each of the twelve buckets once"))
		}
	}
	return fault.Join(errs...)
}

func (o Order) of(nonAccrual bool) []Bucket {
	switch {
	case nonAccrual && len(o.NonAccrual) > 0:
		return o.NonAccrual
	case nonAccrual:
		return principalFirst()
	case len(o.Accrual) > 0:
		return o.Accrual
	default:
		return Buckets()
	}
}

// Strategy says what a prepayment does to the instalments ahead.
type Strategy string

// Strategies. ReduceInstalment plans all instalments ahead again over the same
// dates; ReduceNext counts the money as part of the running instalment and
// lowers the ones after it, ReduceNextTerm does too but keeps them and ends
// sooner, ReduceFollowing takes what goes beyond the running instalment off the
// principal of the next ones; ReduceTerm keeps the instalment and ends sooner;
// NextInstalments, LastInstalments and EachInstalment pay principal of the
// nearest, the last or evenly of all instalments ahead and keep the rest.
const (
	UsualStrategy    Strategy = ""
	ReduceInstalment Strategy = "reduce_instalment"
	ReduceNext       Strategy = "reduce_next"
	ReduceTerm       Strategy = "reduce_term"
	NextInstalments  Strategy = "next_instalments"
	LastInstalments  Strategy = "last_instalments"
	EachInstalment   Strategy = "each_instalment"
	ReduceNextTerm   Strategy = "reduce_next_term"
	ReduceFollowing  Strategy = "reduce_following"
)

func (s Strategy) known() bool {
	switch s {
	case UsualStrategy, ReduceInstalment, ReduceNext, ReduceTerm, NextInstalments, LastInstalments, EachInstalment, ReduceNextTerm, ReduceFollowing:
		return true
	default:
		return false
	}
}

// Allocation says what a payment paid.
type Allocation struct {
	FeeMinor       int64 `json:"fee_minor"`
	PenaltyMinor   int64 `json:"penalty_minor"`
	InterestMinor  int64 `json:"interest_minor"`
	PrincipalMinor int64 `json:"principal_minor"`
	CompoundMinor  int64 `json:"compound_minor,omitempty" doc:"interest on unpaid interest"`
	CreditMinor    int64 `json:"credit_minor,omitempty" doc:"kept as the customer's credit"`
	RecoveredMinor int64 `json:"recovered_minor,omitempty" doc:"received after write-off"`
}

// TotalMinor is the sum of the parts.
func (a Allocation) TotalMinor() int64 {
	return a.FeeMinor + a.PenaltyMinor + a.InterestMinor + a.PrincipalMinor + a.CompoundMinor + a.CreditMinor + a.RecoveredMinor
}

// negated is the split of a payment that is taken back.
func (a Allocation) negated() Allocation {
	return Allocation{
		FeeMinor: -a.FeeMinor, PenaltyMinor: -a.PenaltyMinor, InterestMinor: -a.InterestMinor, PrincipalMinor: -a.PrincipalMinor, CompoundMinor: -a.CompoundMinor,
		CreditMinor: -a.CreditMinor, RecoveredMinor: -a.RecoveredMinor,
	}
}

func take(left *int64, owed int64) int64 {
	part := min(*left, max(owed, 0))
	*left -= part
	return part
}

// spread is a payment being spread.
type spread struct {
	s    *State
	left int64
	a    Allocation
	// ahead allows principal and interest that are not due yet.
	ahead bool
	// future is the principal that was paid before it was due.
	future int64
	// how is what a prepayment does.
	how Strategy
}

// run takes the buckets in their order.
func (p *spread) run() {
	order := p.s.Terms.Order.of(p.s.NonAccrual)
	if p.s.Terms.Order.ByInstalment {
		p.byInstalment(order)
		return
	}
	for _, b := range order {
		for i := range p.s.Next {
			p.row(b, i)
		}
		p.whole(b)
	}
}

// byInstalment empties instalment after instalment; what belongs to no
// instalment (fees, penalty, the running period) follows its place in the order
// on the first turn.
func (p *spread) byInstalment(order []Bucket) {
	for i := range p.s.Next {
		for _, b := range order {
			p.row(b, i)
			if i == 0 {
				p.dues(b)
			}
		}
	}
	for _, b := range order {
		p.whole(b)
	}
	if p.ahead && p.s.closes(p.how) {
		p.principal(p.left) // the running row is closed, the next ones owe principal only
	}
}

// row pays a bucket's part of a billed row.
func (p *spread) row(b Bucket, i int) {
	r := &p.s.Rows[i]
	past := r.DueDate.Before(p.s.AsOf)
	switch {
	case b == PastDueInterest && past, b == DueInterest && !past:
		p.a.InterestMinor += p.s.payInterest(r, &p.left)
	case b == PastDuePrincipal && past, b == DuePrincipal && !past:
		p.a.PrincipalMinor += p.s.payPrincipal(r, &p.left)
	}
}

// dues pays what is due of no instalment: fees and penalty. Both are due from
// the day they arise, so the age in the bucket's name makes no difference.
func (p *spread) dues(b Bucket) {
	due := p.s.Due()
	switch b {
	case PastDueFee, DueFee:
		p.a.FeeMinor += take(&p.left, due.FeeMinor-p.a.FeeMinor)
	case PastDuePenalty, DuePenalty:
		p.a.CompoundMinor += take(&p.left, due.CompoundMinor-p.a.CompoundMinor)
		p.a.PenaltyMinor += take(&p.left, due.PenaltyMinor-p.a.PenaltyMinor)
	case PastDueInterest, PastDuePrincipal, DueInterest, DuePrincipal, InAdvanceFee, InAdvancePenalty, InAdvanceInterest, InAdvancePrincipal:
	}
}

// whole pays dues and, where it is allowed, what lies ahead.
func (p *spread) whole(b Bucket) {
	p.dues(b)
	switch {
	case b == InAdvanceInterest && (p.ahead || p.s.matured()):
		running := take(&p.left, p.s.periodOwed())
		p.s.Settled += running
		p.a.InterestMinor += running
	case b == InAdvancePrincipal && p.ahead:
		limit := p.left
		if p.s.closes(p.how) {
			limit = min(limit, p.s.closing())
		}
		p.principal(limit)
	}
}

// principal pays principal that is not due, up to a limit.
func (p *spread) principal(limit int64) {
	// The totals do not know yet what this payment paid of the rows that are due.
	part := take(&limit, p.s.unbilled()-p.a.PrincipalMinor)
	p.left -= part
	p.future += part
	p.a.PrincipalMinor += part
}
