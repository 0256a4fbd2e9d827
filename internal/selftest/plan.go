package selftest

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strings"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/daycount"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/base/schedule"
)

// planInputs are the terms of a schedule vector as its source wrote them.
type planInputs struct {
	Type          string      `json:"schedule_type"`
	Interest      string      `json:"interest_method"`
	Amortization  string      `json:"amortization"`
	CalcPeriod    string      `json:"interest_calc_period"`
	Principal     string      `json:"principal"`
	RatePct       string      `json:"annual_rate_pct"`
	Start         string      `json:"start_date"`
	N             int         `json:"n"`
	Every         int         `json:"repay_every"`
	Frequency     string      `json:"frequency"`
	DaysInYear    string      `json:"days_in_year"`
	DaysInMonth   string      `json:"days_in_month"`
	Decimals      int         `json:"currency_decimals"`
	Rounding      string      `json:"rounding"`
	Multiple      string      `json:"installment_multiple_of"`
	GracePrin     int         `json:"grace_principal"`
	GraceInt      int         `json:"grace_interest"`
	InterestFree  int         `json:"table_interest_free_period"`
	Disbursements [][2]string `json:"disbursements"`
	DownPct       string      `json:"down_payment_pct"`
	Subperiod     string      `json:"subperiod_rounding"`
	MonthEnd      string      `json:"month_end_strategy"`
}

func (v vector) schedule() (Outcome, error) {
	var in planInputs
	if err := json.Unmarshal(v.Inputs, &in); err != nil {
		return Outcome{}, err
	}
	t, err := in.terms()
	if err != nil {
		return Outcome{}, err
	}
	rows, err := schedule.Make(t)
	if err != nil {
		return Outcome{}, err
	}
	var want struct {
		Rows []struct {
			Nr        int    `json:"nr"`
			Due       string `json:"due_date"`
			Principal string `json:"principal"`
			Interest  string `json:"interest"`
			Total     string `json:"due"`
			Balance   string `json:"balance_after"`
		} `json:"rows"`
		Totals map[string]string `json:"totals"`
	}
	if err := json.Unmarshal(v.Expected, &want); err != nil {
		return Outcome{}, err
	}
	var w, g strings.Builder
	for _, r := range want.Rows {
		amounts := make([]int64, 4)
		for i, text := range []string{r.Principal, r.Interest, r.Total, r.Balance} {
			if amounts[i], err = minor(text, in.Decimals); err != nil {
				return Outcome{}, err
			}
		}
		fmt.Fprintf(&w, "%d %s %v;", r.Nr, r.Due, amounts)
	}
	for i, r := range rows {
		if i >= len(want.Rows) && want.Totals == nil {
			break // a vector may tell the first rows only
		}
		fmt.Fprintf(&g, "%d %s %v;", r.No, r.DueDate, []int64{r.PrincipalMinor, r.InterestMinor, r.DueMinor, r.BalanceMinor})
	}
	if text, ok := want.Totals["interest"]; ok {
		total, err := minor(text, in.Decimals)
		if err != nil {
			return Outcome{}, err
		}
		_, interest := schedule.Totals(rows)
		fmt.Fprintf(&w, "interest %d;", total)
		fmt.Fprintf(&g, "interest %d;", interest)
	}
	return exactly(v.ID, v.Kind, w.String(), g.String()), nil
}

func minor(text string, decimals int) (int64, error) {
	whole, fraction, _ := strings.Cut(text, ".")
	if len(fraction) > decimals {
		if strings.Trim(fraction[decimals:], "0") != "" {
			return 0, fmt.Errorf("%q has more than %d decimals", text, decimals)
		}
		fraction = fraction[:decimals]
	}
	return money.ParseMinor(strings.TrimSuffix(whole+"."+fraction, "."), decimals)
}

// terms says in the words of the schedule what the source's settings mean.
func (in planInputs) terms() (schedule.Terms, error) {
	t := schedule.Terms{
		Count: in.N, Every: max(in.Every, 1), Method: schedule.EqualInstalment, GracePrincipal: in.GracePrin, GraceInterest: max(in.GraceInt, in.InterestFree),
		GraceRule: schedule.Defer, RoundEachPart: in.Subperiod == "ROUND_EACH_SUBPERIOD",
	}
	var err error
	if t.Start, err = calendar.Parse(in.Start); err != nil {
		return t, err
	}
	if t.Rate, err = rate.Parse(in.RatePct + "%"); err != nil {
		return t, err
	}
	if t.Rounding, err = money.ParseMode(strings.ToLower(in.Rounding)); err != nil {
		return t, err
	}
	t.MultipleMode = t.Rounding
	if in.Multiple != "" {
		if t.MultipleMinor, err = minor(in.Multiple, in.Decimals); err != nil {
			return t, err
		}
	}
	if in.DownPct != "" {
		if t.DownPayment, err = rate.Parse(in.DownPct + "%"); err != nil {
			return t, err
		}
	}
	unit, known := map[string]schedule.Unit{"MONTHS": schedule.Month, "WEEKS": schedule.Week, "DAYS": schedule.Day, "YEARS": schedule.Year}[in.Frequency]
	if !known {
		return t, errNotImplemented
	}
	t.Unit = unit
	if strings.HasPrefix(in.MonthEnd, "FIRST_DAY_OF_NEXT_MONTH") {
		t.MonthEnd = calendar.First
	}
	if in.Interest == "FLAT" {
		t.Method = schedule.Flat
	} else if in.Amortization == "EQUAL_PRINCIPAL" {
		t.Method = schedule.EqualPrincipal
	}
	if err := in.measure(&t); err != nil {
		return t, err
	}
	return t, in.tranches(&t)
}

func (in planInputs) measure(t *schedule.Terms) error {
	t.Accrual, t.Level = schedule.ByDays, schedule.RoundedOnce
	if in.Type != "PROGRESSIVE" {
		t.Level, t.Accrual, t.Basis = schedule.FirstPeriod, schedule.ByPeriod, daycount.Act365
		if in.CalcPeriod == "DAILY" {
			t.Accrual = schedule.ByDays
		}
		return nil
	}
	basis, known := map[string]daycount.Convention{
		"360": daycount.Act360, "364": daycount.Act364, "365": daycount.Act365, "ACTUAL": daycount.ActActDecember,
	}[in.DaysInYear]
	if !known {
		return errNotImplemented
	}
	t.Basis = basis
	if in.DaysInMonth == "30" {
		t.Accrual = schedule.ByPeriod
	}
	return nil
}

func (in planInputs) tranches(t *schedule.Terms) error {
	if len(in.Disbursements) == 0 {
		in.Disbursements = [][2]string{{in.Start, in.Principal}}
	}
	for _, x := range in.Disbursements {
		d, err := calendar.Parse(x[0])
		if err != nil {
			return err
		}
		amount, err := minor(x[1], in.Decimals)
		if err != nil {
			return err
		}
		t.Tranches = append(t.Tranches, schedule.Tranche{Date: d, AmountMinor: amount})
	}
	return nil
}

// chinese compares the two plans of a Chinese loan calculator: a twelfth of the
// yearly rate a month.
func (v vector) chinese() (Outcome, error) {
	var in planInputs
	if err := json.Unmarshal(v.Inputs, &in); err != nil {
		return Outcome{}, err
	}
	in.Start, in.Decimals, in.Rounding, in.Frequency, in.Type, in.DaysInYear, in.DaysInMonth = "2026-01-01", 2, "half_up", "MONTHS", "PROGRESSIVE", "360", "30"
	t, err := in.terms()
	if err != nil {
		return Outcome{}, err
	}
	t.Level = schedule.Rounded
	if v.Kind == "cn_equal_principal" {
		return v.equalPrincipal(t)
	}
	rows, err := schedule.Make(t)
	if err != nil {
		return Outcome{}, err
	}
	got := map[string]string{
		"emi": money.FormatMinor(rows[0].DueMinor), "first_interest": money.FormatMinor(rows[0].InterestMinor), "first_principal": money.FormatMinor(rows[0].PrincipalMinor),
	}
	return v.some(got)
}

// equalPrincipal: the calculators print figures of unrounded principal parts, so
// the schedule is laid out in units of 1e-6 yuan and rounded for showing only.
func (v vector) equalPrincipal(t schedule.Terms) (Outcome, error) {
	const fine = 10_000
	t.Method = schedule.EqualPrincipal
	t.Tranches[0].AmountMinor *= fine
	rows, err := schedule.Make(t)
	if err != nil {
		return Outcome{}, err
	}
	principal, interest := schedule.Totals(rows)
	show := func(units int64) string {
		n, _ := money.MulDiv(units, 1, fine, money.HalfUp) //nolint:errcheck // division by a constant
		return money.FormatMinor(n)
	}
	return v.some(map[string]string{
		"first": show(rows[0].DueMinor), "monthly_decrease": show(rows[0].DueMinor - rows[1].DueMinor), "total_interest": show(interest), "total": show(principal + interest),
	})
}

// some compares every expected value with the computed one of its name.
func (v vector) some(got map[string]string) (Outcome, error) {
	var want map[string]string
	if err := json.Unmarshal(v.Expected, &want); err != nil {
		return Outcome{}, err
	}
	all := Outcome{ID: v.ID, Kind: v.Kind, Pass: true}
	for name, w := range want {
		g, computed := got[name]
		if !computed {
			return Outcome{}, fmt.Errorf("%w: %s", errNotImplemented, name)
		}
		all.Pass = all.Pass && w == g
		all.Expected += name + " " + w + " "
		all.Got += name + " " + g + " "
	}
	return all, nil
}

// factors prints the growth of each period to the digits the source carries.
func (v vector) factors() (Outcome, error) {
	var in struct {
		Rate        string             `json:"annual_rate"`
		DaysInYear  string             `json:"days_in_year"`
		Precision   int                `json:"precision"` // significant digits kept after each operation
		Periods     [][2]calendar.Date `json:"periods"`
		RateFactors []string           `json:"rate_factors"`
	}
	if err := json.Unmarshal(v.Inputs, &in); err != nil {
		return Outcome{}, err
	}
	if in.DaysInYear != "365" {
		return Outcome{}, errNotImplemented
	}
	if len(in.Periods) == 0 { // the second vector continues the first one's periods
		start := calendar.MustParse("2024-01-01")
		for i := range 6 {
			in.Periods = append(in.Periods, [2]calendar.Date{start.AddMonths(i, calendar.Clamp), start.AddMonths(i+1, calendar.Clamp)})
		}
	}
	yearly, ok := new(big.Rat).SetString(in.Rate)
	if !ok {
		return Outcome{}, fmt.Errorf("not a rate: %q", in.Rate)
	}
	var want map[string][]string
	if err := json.Unmarshal(v.Expected, &want); err != nil {
		return Outcome{}, err
	}
	key := "rate_factors"
	if v.Kind == "fn_values" {
		key = "fn"
	}
	return exactly(v.ID, v.Kind, strings.Join(want[key], " "), strings.Join(growth(yearly, in.Periods, in.Precision, want[key], v.Kind == "fn_values"), " ")), nil
}

// growth gives the factor of each period, or with sums fn 1 = 1,
// fn k = 1 + fn k-1 * (1 + factor k), in as many decimals as the source writes.
func growth(yearly *big.Rat, periods [][2]calendar.Date, precision int, like []string, sums bool) []string {
	var got []string
	fn := new(big.Rat)
	for i, p := range periods {
		num, den := daycount.Act365.Fraction(p[0], p[1])
		shown := significant(new(big.Rat).Mul(yearly, big.NewRat(num, den)), precision)
		if sums {
			if i > 0 {
				fn = significant(fn.Mul(fn, significant(new(big.Rat).Add(shown, big.NewRat(1, 1)), precision)), precision)
			}
			fn = significant(fn.Add(fn, big.NewRat(1, 1)), precision)
			shown = fn
		}
		decimals := 0
		if i < len(like) {
			_, fraction, _ := strings.Cut(like[i], ".")
			decimals = len(fraction)
		}
		got = append(got, shown.FloatString(decimals))
	}
	return got
}

// significant rounds half to even at so many digits, as a decimal library with
// that precision does after each operation.
func significant(v *big.Rat, digits int) *big.Rat {
	if digits <= 0 || v.Sign() == 0 {
		return v
	}
	shift := big.NewRat(1, 1)
	ten, low := big.NewRat(10, 1), new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(digits-1)), nil))
	x := new(big.Rat).Abs(v)
	for x.Cmp(low) < 0 {
		x.Mul(x, ten)
		shift.Mul(shift, ten)
	}
	for x.Cmp(new(big.Rat).Mul(low, ten)) >= 0 {
		x.Quo(x, ten)
		shift.Quo(shift, ten)
	}
	whole, rest := new(big.Int).QuoRem(x.Num(), x.Denom(), new(big.Int))
	switch c := rest.Lsh(rest, 1).Cmp(x.Denom()); {
	case c > 0, c == 0 && whole.Bit(0) == 1:
		whole.Add(whole, big.NewInt(1))
	}
	out := new(big.Rat).Quo(new(big.Rat).SetInt(whole), shift)
	if v.Sign() < 0 {
		out.Neg(out)
	}
	return out
}
