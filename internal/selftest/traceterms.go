package selftest

import (
	"strconv"
	"strings"

	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/schedule"
	"github.com/capillary-finance/capillary/internal/lending/loan"
)

// neverNonAccrual keeps the traces' loans in the order of payments of their product.
const neverNonAccrual = 3650

// allocates reports a product with rules of its own for spreading payments.
func (in trace) allocates() bool {
	return in.Loan["Payment strategy"] == "ADVANCED_PAYMENT_ALLOCATION" || strings.Contains(in.Loan["Payment strategy"], "ADVANCED")
}

// progressive loans charge arrears with the next instalment; the older
// cumulative ones look at them only when something is recorded.
func (in trace) progressive() bool {
	name := in.Loan["LoanProduct"]
	switch in.Settings.Type {
	case "":
		return strings.Contains(name, "PROGRESSIVE") || strings.Contains(name, "ADV_PYMNT_INTEREST")
	default:
		return in.Settings.Type == "PROGRESSIVE"
	}
}

func (in trace) recalculates() bool { return strings.Contains(in.Loan["LoanProduct"], "RECALCULATION") }

// plan says the loan in the words of a schedule vector.
func (in trace) plan() (planInputs, error) {
	l, name := in.Loan, in.Loan["LoanProduct"]
	p := planInputs{
		Interest: l["interest type"], CalcPeriod: l["interest calculation period"], Amortization: l["amortization type"], Principal: l["with Principal"],
		RatePct: l["ANNUAL interest rate %"], Start: l["submitted on date"], Frequency: l["repaymentFrequencyType"], Decimals: 2, Rounding: "half_even",
		DaysInYear: in.Settings.DaysInYear, DaysInMonth: in.Settings.DaysInMonth, Multiple: in.Settings.Multiple, Type: "CUMULATIVE",
	}
	for field, target := range map[string]*int{
		"numberOfRepayments": &p.N, "repaymentEvery": &p.Every, "graceOnPrincipalPayment": &p.GracePrin, "graceOnInterestPayment": &p.GraceInt,
		"interest free period": &p.InterestFree,
	} {
		n, err := strconv.Atoi(l[field])
		if l[field] != "" && err != nil {
			return p, err
		}
		*target = n
	}
	if in.progressive() {
		p.Type = "PROGRESSIVE"
	}
	if strings.HasPrefix(l["amortization type"], "EQUAL_PRINCIPAL") {
		p.Amortization = "EQUAL_PRINCIPAL"
	}
	if p.DaysInYear == "" {
		p.DaysInYear = named(name, "ACTUAL", map[string]string{"360_30": "360", "365_ACTUAL": "365", "364_ACTUAL": "364"})
	}
	if p.DaysInMonth == "" {
		p.DaysInMonth = named(name, "ACTUAL", map[string]string{"360_30": "30"})
	}
	if p.Multiple == "" && p.Interest != "FLAT" && p.Type != "PROGRESSIVE" {
		p.Multiple = "1" // the source's cumulative products pay whole units
	}
	if strings.Contains(name, "DOWNPAYMENT") || strings.Contains(name, "DOWN_PAYMENT") {
		p.DownPct = "25"
	}
	return p, nil
}

func named(name, usual string, parts map[string]string) string {
	for part, meaning := range parts {
		if strings.Contains(name, part) {
			return meaning
		}
	}
	return usual
}

// terms are the loan's terms.
func (in trace) terms() (loan.Terms, error) {
	p, err := in.plan()
	if err != nil {
		return loan.Terms{}, err
	}
	st, err := p.terms()
	if err != nil {
		return loan.Terms{}, err
	}
	t := loan.Terms{
		Currency: money.EUR, AnnualRate: st.Rate, Start: st.Start, TenorMonths: max(st.Count*st.Every, 1), Method: loan.Method(st.Method), Basis: st.Basis, Rounding: st.Rounding,
		Plan: loan.Plan{
			Every: st.Every, Unit: st.Unit, Count: st.Count, MonthEnd: st.MonthEnd, Accrual: st.Accrual, DownPayment: st.DownPayment,
			GracePrincipal: st.GracePrincipal, GraceInterest: st.GraceInterest, GraceRule: st.GraceRule, Level: st.Level, MultipleMinor: st.MultipleMinor, MultipleMode: st.MultipleMode,
		},
		// The source has no penalty rate: what overdue amounts earn is its arrears rule.
		Compounding: loan.CompoundNone, NonAccrualDays: neverNonAccrual,
	}
	for _, x := range st.Tranches {
		t.PrincipalMinor += x.AmountMinor
	}
	t.Tranched = strings.Contains(in.Loan["LoanProduct"], "MULTIDISB") || strings.Contains(in.Loan["LoanProduct"], "MULTI_DISB")
	t.Arrears, t.Prepayment = in.arrears(), in.prepayment()
	t.Order, err = in.order()
	if p.InterestFree > 0 {
		t.Plan.GraceRule = schedule.Waive
	}
	return t, err
}

func (in trace) arrears() loan.Arrears {
	name := in.Loan["LoanProduct"]
	switch {
	case !in.recalculates():
		return loan.ArrearsPenalty
	case in.progressive():
		return loan.ArrearsCarry
	case strings.Contains(name, "COMPOUNDING") && !strings.Contains(name, "COMPOUNDING_NONE"):
		return loan.ArrearsAtEventCompound
	case strings.Contains(name, "SAME_AS_REPAYMENT"):
		return loan.ArrearsAtEventPeriod
	default:
		return loan.ArrearsAtEvent
	}
}

// prepayment is what money ahead of time does.
func (in trace) prepayment() loan.Strategy {
	name := in.Loan["LoanProduct"]
	switch {
	case in.progressive(), in.allocates(), !in.recalculates():
		return loan.NextInstalments
	case strings.Contains(name, "RESCH_NEXT"), strings.Contains(name, "RESCHEDULE_NEXT"):
		return loan.ReduceFollowing
	case strings.Contains(name, "REDUCE_NR"), strings.Contains(name, "REDUCE_NUMBER"), strings.Contains(name, "REDUCE_TERM"):
		return loan.ReduceNextTerm
	default:
		return loan.ReduceNext
	}
}

// order reads how payments are spread. The source pays an instalment whole
// before the next one, unless the product is named otherwise.
func (in trace) order() (loan.Order, error) {
	parts := map[string]loan.Component{"PENALTY": loan.Penalty, "PENALTIES": loan.Penalty, "FEE": loan.Fee, "FEES": loan.Fee, "INTEREST": loan.Interest, "PRINCIPAL": loan.Principal}
	strategy := strings.TrimSuffix(in.Loan["Payment strategy"], "_ORDER")
	due, ahead := strategy, ""
	if in.allocates() {
		due, ahead = "PENALTY_FEE_PRINCIPAL_INTEREST", "PENALTY_FEE_PRINCIPAL_INTEREST"
	} else if before, after, both := strings.Cut(strategy, "_IN_ADVANCE_"); both {
		due, ahead = strings.TrimPrefix(before, "DUE_"), after
	} else {
		ahead = "PENALTY_FEE_PRINCIPAL_INTEREST" // money ahead of time is principal; interest stays due
	}
	list := func(text string) ([]loan.Component, error) {
		var out []loan.Component
		for word := range strings.SplitSeq(text, "_") {
			c, known := parts[word]
			if !known {
				return nil, errNotImplemented
			}
			out = append(out, c)
		}
		return out, nil
	}
	dues, err := list(due)
	if err != nil {
		return loan.Order{}, err
	}
	aheads, err := list(ahead)
	if err != nil {
		return loan.Order{}, err
	}
	var buckets []loan.Bucket
	for _, c := range dues {
		buckets = append(buckets, loan.Bucket("past_due_"+string(c)))
	}
	for _, c := range dues {
		buckets = append(buckets, loan.Bucket("due_"+string(c)))
	}
	for _, c := range aheads {
		buckets = append(buckets, loan.Bucket("in_advance_"+string(c)))
	}
	return loan.Order{Accrual: buckets, NonAccrual: buckets, ByInstalment: !strings.Contains(in.Loan["LoanProduct"], "VERTICAL")}, nil
}
