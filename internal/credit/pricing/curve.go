package pricing

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"sort"
	"strconv"
	"strings"

	"github.com/capillary-finance/capillary/internal/base/rate"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Limits of a curve.
const (
	maxCurvePoints = 1000
	maxCurveGrades = 50
)

// Curve says which share of the customers of a grade walks away at a rate. A grade that it does
// not name is not lent to.
type Curve struct {
	Rates []rate.Rate          `json:"rates"` // rising
	Lost  map[string][]float64 `json:"lost"`  // by grade, one share per rate
}

// Grades lists the grades in alphabetical order.
func (c Curve) Grades() []string {
	out := make([]string, 0, len(c.Lost))
	for g := range c.Lost {
		out = append(out, g)
	}
	sort.Strings(out)
	return out
}

// Validate reports what is wrong with the curve. Churn need not rise with the rate: real tables
// are counted, and counts jump.
func (c Curve) Validate() error {
	switch {
	case len(c.Rates) == 0 || len(c.Lost) == 0:
		return curveError("没有数据", "it is empty")
	case len(c.Rates) > maxCurvePoints || len(c.Lost) > maxCurveGrades:
		return curveError("过大", "it is too large")
	}
	for i, r := range c.Rates {
		if r < 0 || r > rate.Scale || i > 0 && r <= c.Rates[i-1] {
			return curveError("利率 "+r.String()+" 不在 0 至 1 之间或未升序", "rate "+r.String()+" is outside 0 to 1 or does not rise")
		}
	}
	for g, lost := range c.Lost {
		if len(lost) != len(c.Rates) {
			return curveError("等级 "+g+" 的流失率个数与利率不同", "grade "+g+" has not one churn per rate")
		}
		for _, v := range lost {
			if !(v >= 0 && v <= 1) {
				return curveError(fmt.Sprintf("等级 %s 的流失率 %g 不在 0 至 1 之间", g, v), fmt.Sprintf("churn %g of grade %s is outside 0 to 1", v, g))
			}
		}
	}
	return nil
}

func curveError(zh, en string) error {
	return fault.New(ReasonCurve, "problem", en, "problem_zh", zh)
}

// Refine adds points between those of the table, step apart, with churn in proportion. It assumes
// that churn is straight between two counts, which the table itself does not say.
func (c Curve) Refine(step rate.Rate) Curve {
	if step <= 0 || len(c.Rates) < 2 || int64(c.Rates[len(c.Rates)-1]-c.Rates[0])/int64(step) > maxCurvePoints {
		return c
	}
	out := Curve{Lost: make(map[string][]float64, len(c.Lost))}
	for i, from := range c.Rates {
		out.Rates = append(out.Rates, from)
		for g, lost := range c.Lost {
			out.Lost[g] = append(out.Lost[g], lost[i])
		}
		if i+1 == len(c.Rates) {
			break
		}
		to := c.Rates[i+1]
		for r := from - from%step + step; r < to; r += step {
			share := float64(r-from) / float64(to-from)
			out.Rates = append(out.Rates, r)
			for g, lost := range c.Lost {
				out.Lost[g] = append(out.Lost[g], lost[i]+share*(lost[i+1]-lost[i]))
			}
		}
	}
	return out
}

// gradePrefixes are what headings put before the name of a grade.
var gradePrefixes = []string{"信誉评级", "评级", "等级", "grade_", "grade ", "grade"}

// ParseCurve reads a CSV whose first column is the yearly rate (贷款年利率) and whose further
// columns are grades (信誉评级A, grade_a or A).
func ParseCurve(r io.Reader) (Curve, error) {
	in := csv.NewReader(io.LimitReader(r, 1<<20))
	in.TrimLeadingSpace = true
	head, err := in.Read()
	if err != nil {
		return Curve{}, curveError("无法读取表头", "the header cannot be read")
	}
	if len(head) < 2 {
		return Curve{}, curveError("只有一列", "it has only one column")
	}
	grades := make([]string, len(head)-1)
	for i, h := range head[1:] {
		grades[i] = gradeName(h)
		if grades[i] == "" || slices.Contains(grades[:i], grades[i]) {
			return Curve{}, curveError("等级列名 "+h+" 为空或重复", "the grade heading "+h+" is empty or repeated")
		}
	}
	c := Curve{Lost: map[string][]float64{}}
	for line := 2; ; line++ {
		record, err := in.Read()
		if errors.Is(err, io.EOF) {
			return c, c.Validate()
		}
		if err != nil || line > maxCurvePoints+1 {
			return Curve{}, curveError(fmt.Sprintf("第 %d 行无法读取", line), fmt.Sprintf("line %d cannot be read", line))
		}
		yearly, err := rate.Parse(strings.TrimSpace(record[0]))
		if err != nil {
			return Curve{}, curveError(fmt.Sprintf("第 %d 行的利率 %q", line, record[0]), fmt.Sprintf("the rate %q of line %d", record[0], line))
		}
		c.Rates = append(c.Rates, yearly)
		for i, g := range grades {
			v, err := strconv.ParseFloat(strings.TrimSpace(record[i+1]), 64)
			if err != nil {
				return Curve{}, curveError(fmt.Sprintf("第 %d 行等级 %s 的流失率 %q", line, g, record[i+1]), fmt.Sprintf("the churn %q of grade %s on line %d", record[i+1], g, line))
			}
			c.Lost[g] = append(c.Lost[g], v)
		}
	}
}

func gradeName(heading string) string {
	h := strings.TrimSpace(strings.TrimPrefix(heading, "\ufeff"))
	for _, p := range gradePrefixes {
		if len(h) > len(p) && strings.EqualFold(h[:len(p)], p) {
			h = h[len(p):]
			break
		}
	}
	return strings.ToUpper(strings.TrimSpace(h))
}
