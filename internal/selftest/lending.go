package selftest

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/daycount"
	"github.com/capillary-finance/capillary/internal/base/tvm"
)

// vector is one of lending_vectors.json.
type vector struct {
	ID        string          `json:"id"`
	Kind      string          `json:"kind"`
	Inputs    json.RawMessage `json:"inputs"`
	Expected  json.RawMessage `json:"expected"`
	Tolerance string          `json:"tolerance"`
	raw       json.RawMessage
}

// UnmarshalJSON keeps the whole vector: a trace has its figures beside inputs and expected.
func (v *vector) UnmarshalJSON(b []byte) error {
	type plain vector
	if err := json.Unmarshal(b, (*plain)(v)); err != nil {
		return err
	}
	v.raw = append(json.RawMessage(nil), b...)
	return nil
}

func lending(text json.RawMessage) ([]Outcome, error) {
	var all []vector
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, err
	}
	out := make([]Outcome, 0, len(all))
	for _, v := range all {
		o, err := v.run()
		if err != nil {
			o = failed(v.ID, v.Kind, err)
		}
		out = append(out, o)
	}
	return out, nil
}

func (v vector) run() (Outcome, error) {
	switch v.Kind {
	case "schedule":
		return v.schedule()
	case "schedule_partial":
		return v.partial()
	case "cn_equal_instalment", "cn_equal_principal", "cn_equal_instalment_first":
		return v.chinese()
	case "rate_factor", "fn_values":
		return v.factors()
	case "tvm":
		return v.tvm()
	case "irr", "annualize", "discount_factor":
		return v.simple()
	case "xirr", "xnpv":
		return v.dated()
	case "day_count", "day_count_days":
		return v.days()
	case "due_dates":
		return v.dueDates()
	case "dpd_classification":
		return v.overdue()
	case "scenario_trace":
		return v.trace(v.raw)
	default:
		return Outcome{}, errNotImplemented
	}
}

func (v vector) dated() (Outcome, error) {
	var in struct {
		Rate  float64            `json:"rate,string"`
		Flows map[string]float64 `json:"cash_flows"`
	}
	if err := json.Unmarshal(v.Inputs, &in); err != nil {
		return Outcome{}, err
	}
	flows, err := inOrder(in.Flows)
	if err != nil {
		return Outcome{}, err
	}
	if v.Kind == "xnpv" {
		return v.close(tvm.XNPV(in.Rate, flows))
	}
	got, err := tvm.XIRR(flows)
	if err != nil {
		return Outcome{}, err
	}
	return v.close(got)
}

func inOrder(byDate map[string]float64) ([]tvm.Flow, error) {
	var flows []tvm.Flow
	for text, amount := range byDate {
		d, err := calendar.Parse(text)
		if err != nil {
			return nil, err
		}
		at := len(flows)
		for at > 0 && flows[at-1].Date.After(d) {
			at--
		}
		flows = append(flows[:at], append([]tvm.Flow{{Date: d, Amount: amount}}, flows[at:]...)...)
	}
	return flows, nil
}

// close compares with the one expected number under the vector's tolerance.
func (v vector) close(got ...float64) (Outcome, error) {
	var want []float64
	var one flexible
	var many []flexible
	if err := json.Unmarshal(v.Expected, &many); err == nil {
		for _, x := range many {
			want = append(want, float64(x))
		}
	} else if err := json.Unmarshal(v.Expected, &one); err == nil {
		want = []float64{float64(one)}
	} else {
		return Outcome{}, fmt.Errorf("expected: %w", err)
	}
	if len(want) != len(got) {
		return Outcome{}, fmt.Errorf("%d numbers expected, %d computed", len(want), len(got))
	}
	tolerance, relative, err := v.tolerance()
	if err != nil {
		return Outcome{}, err
	}
	all := Outcome{ID: v.ID, Kind: v.Kind, Pass: true}
	var wants, gots []string
	for i, w := range want {
		o := near(v.ID, v.Kind, w, got[i], tolerance, relative) //nolint:gosec // the lengths are equal, checked above
		all.Pass = all.Pass && o.Pass
		wants, gots = append(wants, o.Expected), append(gots, o.Got)
	}
	all.Expected, all.Got = strings.Join(wants, " "), strings.Join(gots, " ")
	return all, nil
}

// tolerance reads "1e-6", "1e-2 rel" and "4 decimals"; without one, 13 digits.
func (v vector) tolerance() (bound float64, relative bool, err error) {
	text := v.Tolerance
	if text == "" {
		return 1e-13, true, nil
	}
	if n, ok := strings.CutSuffix(text, " decimals"); ok {
		k, err := strconv.Atoi(n)
		return 0.5000001 * math.Pow10(-k), false, err
	}
	text, relative = strings.CutSuffix(text, " rel")
	bound, err = strconv.ParseFloat(text, 64)
	return bound, relative, err
}

// flexible is a number written as a number, a text, or a quotient such as "0.08/12".
type flexible float64

// UnmarshalJSON reads any of the three.
func (f *flexible) UnmarshalJSON(b []byte) error {
	text := strings.Trim(string(b), `"`)
	above, below, quotient := strings.Cut(text, "/")
	v, err := strconv.ParseFloat(above, 64)
	if err != nil {
		return err
	}
	if quotient {
		d, err := strconv.ParseFloat(below, 64)
		if err != nil || d == 0 {
			return fmt.Errorf("not a quotient: %q", text)
		}
		v /= d
	}
	*f = flexible(v)
	return nil
}

// periodsOf is the "per" of a vector: one number or a list.
type periodsOf []int

// UnmarshalJSON reads either.
func (p *periodsOf) UnmarshalJSON(b []byte) error {
	var many []int
	if err := json.Unmarshal(b, &many); err == nil {
		*p = many
		return nil
	}
	var one int
	if err := json.Unmarshal(b, &one); err != nil {
		return err
	}
	*p = []int{one}
	return nil
}

func (v vector) tvm() (Outcome, error) {
	var in struct {
		Fn     string     `json:"fn"`
		Rate   flexible   `json:"rate"`
		Nper   int        `json:"nper"`
		Per    periodsOf  `json:"per"`
		PV     flexible   `json:"pv"`
		FV     flexible   `json:"fv"`
		Pmt    flexible   `json:"pmt"`
		When   string     `json:"when"`
		Values []flexible `json:"values"`
	}
	if err := json.Unmarshal(v.Inputs, &in); err != nil {
		return Outcome{}, err
	}
	r, pv, fv, begin := float64(in.Rate), float64(in.PV), float64(in.FV), in.When == "begin"
	values := make([]float64, len(in.Values))
	for i, x := range in.Values {
		values[i] = float64(x)
	}
	var got []float64
	switch in.Fn {
	case "pmt":
		got = []float64{tvm.Pmt(r, in.Nper, pv, fv, begin)}
	case "pv":
		got = []float64{tvm.PV(r, in.Nper, float64(in.Pmt), fv, begin)}
	case "fv":
		got = []float64{tvm.FV(r, in.Nper, float64(in.Pmt), pv, begin)}
	case "ipmt":
		for _, k := range in.Per {
			got = append(got, tvm.Ipmt(r, k, in.Nper, pv, fv, begin))
		}
	case "ppmt":
		for _, k := range in.Per {
			got = append(got, tvm.Ppmt(r, k, in.Nper, pv, fv, begin))
		}
	case "npv":
		got = []float64{tvm.NPV(r, values)}
	case "irr":
		x, err := tvm.IRR(values)
		if err != nil {
			return Outcome{}, err
		}
		got = []float64{x}
	default:
		return Outcome{}, errNotImplemented
	}
	return v.close(got...)
}

func (v vector) days() (Outcome, error) {
	if v.Kind == "day_count_days" {
		return v.thirty()
	}
	var in struct{ From, To calendar.Date }
	var want map[string]flexible
	if err := json.Unmarshal(v.Inputs, &in); err != nil {
		return Outcome{}, err
	}
	if err := json.Unmarshal(v.Expected, &want); err != nil {
		return Outcome{}, err
	}
	tolerance, relative, err := v.tolerance()
	if err != nil {
		return Outcome{}, err
	}
	all := Outcome{ID: v.ID, Kind: v.Kind, Pass: true}
	for _, c := range []daycount.Convention{daycount.ActActISDA, daycount.ActActAFB, daycount.ActActDecember} {
		short := strings.TrimPrefix(c.String(), "ACT/ACT ")
		x, asked := want[short]
		if !asked {
			continue
		}
		num, den := c.Fraction(in.From, in.To)
		o := near(v.ID, v.Kind, float64(x), float64(num)/float64(den), tolerance, relative)
		all.Pass = all.Pass && o.Pass
		all.Expected += short + " " + o.Expected + " "
		all.Got += short + " " + o.Got + " "
		delete(want, short)
	}
	if len(want) > 0 {
		return Outcome{}, errNotImplemented
	}
	return all, nil
}

func (v vector) thirty() (Outcome, error) {
	var in struct {
		Convention string
		Pairs      [][2]calendar.Date
	}
	if err := json.Unmarshal(v.Inputs, &in); err != nil {
		return Outcome{}, err
	}
	c, known := map[string]daycount.Convention{
		"30/360 Bond Basis": daycount.Thirty360Bond, "30/360 US": daycount.Thirty360US, "30E/360": daycount.Thirty360, "30/360 European": daycount.Thirty360,
	}[in.Convention]
	if !known {
		return Outcome{}, errNotImplemented
	}
	got := make([]int64, len(in.Pairs))
	for i, p := range in.Pairs {
		got[i], _ = c.Fraction(p[0], p[1])
	}
	var want []int64
	if err := json.Unmarshal(v.Expected, &want); err != nil {
		return Outcome{}, err
	}
	return exactly(v.ID, v.Kind, fmt.Sprint(want), fmt.Sprint(got)), nil
}

func (v vector) simple() (Outcome, error) {
	var in struct {
		Flows   string   `json:"cash_flows"`
		Daily   flexible `json:"daily"`
		Rate    flexible `json:"rate"`
		Periods int      `json:"periods"`
	}
	if err := json.Unmarshal(v.Inputs, &in); err != nil {
		return Outcome{}, err
	}
	var want map[string]any
	if err := json.Unmarshal(v.Expected, &want); err != nil {
		return Outcome{}, err
	}
	if t, ok := want["tolerance"].(string); ok {
		v.Tolerance = t
		delete(want, "tolerance")
	}
	all := Outcome{ID: v.ID, Kind: v.Kind, Pass: true}
	for key, text := range want {
		var got float64
		switch v.Kind {
		case "irr":
			flows, err := flowsOf(in.Flows)
			if err != nil {
				return Outcome{}, err
			}
			if got, err = tvm.IRR(flows); err != nil {
				return Outcome{}, err
			}
		case "annualize":
			n, err := strconv.Atoi(key)
			if err != nil {
				return Outcome{}, err
			}
			got = tvm.Annualise(float64(in.Daily), n)
		default:
			got = tvm.DiscountFactor(float64(in.Rate), in.Periods)
		}
		w, err := strconv.ParseFloat(fmt.Sprint(text), 64)
		if err != nil {
			return Outcome{}, err
		}
		bound, relative, err := v.tolerance()
		if err != nil {
			return Outcome{}, err
		}
		if v.Tolerance == "" { // as many decimals as are written
			_, decimals, _ := strings.Cut(fmt.Sprint(text), ".")
			bound, relative = 0.5000001*math.Pow10(-len(decimals)), false
		}
		o := near(v.ID, v.Kind, w, got, bound, relative)
		all.Pass = all.Pass && o.Pass
		all.Expected += o.Expected + " "
		all.Got += o.Got + " "
	}
	return all, nil
}

// flowsOf reads "[-9000] + 200*[50]".
func flowsOf(text string) ([]float64, error) {
	var out []float64
	for term := range strings.SplitSeq(text, "+") {
		times, list, many := strings.Cut(strings.TrimSpace(term), "*")
		n := 1
		if many {
			var err error
			if n, err = strconv.Atoi(strings.TrimSpace(times)); err != nil || n < 0 || n > 10_000 {
				return nil, fmt.Errorf("not a number of repetitions: %q", times)
			}
		} else {
			list = times
		}
		var values []float64
		if err := json.Unmarshal([]byte(list), &values); err != nil {
			return nil, err
		}
		for range n {
			out = append(out, values...)
		}
	}
	return out, nil
}
