package industry

import (
	_ "embed"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/capillary-finance/capillary/internal/base/calendar"
)

//go:embed data/sme_size.csv
var sizeText string

// Size is the size class of a firm.
type Size string

// Size classes; the letters are those of regulatory reports.
const (
	Large  Size = "L"
	Medium Size = "M"
	Small  Size = "S"
	Micro  Size = "T"
	// NotCovered is for industries the rule does not classify: railways, own
	// property letting, education, health, public bodies, finance.
	NotCovered Size = ""
)

// Zh and En name the class.
func (s Size) Zh() string {
	switch s {
	case Large:
		return "大型"
	case Medium:
		return "中型"
	case Small:
		return "小型"
	case Micro:
		return "微型"
	default:
		return "未纳入划型"
	}
}

// En names the class in English.
func (s Size) En() string {
	switch s {
	case Large:
		return "large"
	case Medium:
		return "medium"
	case Small:
		return "small"
	case Micro:
		return "micro"
	default:
		return "not covered"
	}
}

// Bound is one indicator of one row of the rule with its inclusive lower
// bounds: persons, or minor units of CNY.
type Bound struct {
	Indicator string // employees, revenue, assets
	LargeMin  int64
	MediumMin int64
	SmallMin  int64
}

// Rule is one row of the classification, in force from a date.
type Rule struct {
	EffectiveFrom calendar.Date
	Key           string
	Zh, En        string
	Codes         []string // section letters, division or group digits
	Bounds        []Bound
}

// SizeSource names the document the rules come from.
const SizeSource = "国统字〔2017〕213号"

// minorPerWan is the fen in 10,000 yuan, the unit of the rule.
const minorPerWan = 1_000_000

// SizeRules returns the rows of the rule.
var SizeRules = sync.OnceValue(func() []Rule {
	rules, err := parseRules(sizeText)
	if err != nil {
		panic(fmt.Sprintf("industry: embedded size rules: %v", err))
	}
	return rules
})

func parseRules(text string) ([]Rule, error) {
	var rules []Rule
	for i, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if strings.HasPrefix(line, "#") || strings.HasPrefix(line, "effective_from") {
			continue
		}
		f := strings.Split(line, "|")
		if len(f) != 9 {
			return nil, fmt.Errorf("line %d: want 9 fields", i+1)
		}
		from, err := calendar.Parse(f[0])
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+1, err)
		}
		indicator, wan := strings.CutSuffix(f[5], "_wan")
		unit := int64(1)
		if wan {
			unit = minorPerWan
		}
		var mins [3]int64
		for k := range mins {
			if mins[k], err = strconv.ParseInt(f[6+k], 10, 64); err != nil {
				return nil, fmt.Errorf("line %d: %w", i+1, err)
			}
			mins[k] *= unit
		}
		if len(rules) == 0 || rules[len(rules)-1].Key != f[1] {
			rules = append(rules, Rule{EffectiveFrom: from, Key: f[1], Zh: f[2], En: f[3], Codes: strings.Fields(f[4])})
		}
		last := &rules[len(rules)-1]
		last.Bounds = append(last.Bounds, Bound{Indicator: indicator, LargeMin: mins[0], MediumMin: mins[1], SmallMin: mins[2]})
	}
	return rules, nil
}

// RuleFor returns the row that covers an industry code; the narrowest code
// wins, because groups 591 and 592 of division 59 stand in different rows.
func RuleFor(code string) (Rule, bool, error) {
	section, digits, err := Normalise(code)
	if err != nil {
		return Rule{}, false, err
	}
	var best Rule
	bestLen := 0
	for _, r := range SizeRules() {
		for _, c := range r.Codes {
			match := (len(c) == 1 && c == section) || (len(c) > 1 && strings.HasPrefix(digits, c))
			if match && len(c) > bestLen {
				best, bestLen = r, len(c)
			}
		}
	}
	return best, bestLen > 0, nil
}

// SizeClass classifies a firm: the highest class of which every indicator
// reaches the lower bound, else micro. Money is in fen. It returns NotCovered
// for industries outside the rule and ErrUnknown for unknown codes.
func SizeClass(code string, employees, revenueMinor, assetsMinor int64) (Size, error) {
	rule, covered, err := RuleFor(code)
	if err != nil || !covered {
		return NotCovered, err
	}
	return rule.Class(employees, revenueMinor, assetsMinor), nil
}

// Class applies one row.
func (r Rule) Class(employees, revenueMinor, assetsMinor int64) Size {
	for _, size := range []Size{Large, Medium, Small} {
		all := true
		for _, b := range r.Bounds {
			value := map[string]int64{"employees": employees, "revenue": revenueMinor, "assets": assetsMinor}[b.Indicator]
			floor := map[Size]int64{Large: b.LargeMin, Medium: b.MediumMin, Small: b.SmallMin}[size]
			all = all && value >= floor
		}
		if all {
			return size
		}
	}
	return Micro
}
