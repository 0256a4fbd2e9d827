package loan

import (
	_ "embed" // the table of rules
	"encoding/json"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/rate"
)

//go:embed data/rules.json
var rulesText []byte

// Rule is a threshold of a regulation: dated, with its source and how certain
// it is (V read in the text, G general knowledge).
type Rule struct {
	Name          string        `json:"name"`
	Value         string        `json:"value"`
	EffectiveFrom calendar.Date `json:"effective_from"`
	SourceDoc     string        `json:"source_doc"`
	Certainty     string        `json:"certainty"`

	value int64 // in units of 1e-8
}

var rules = func() []Rule {
	var all []Rule
	if err := json.Unmarshal(rulesText, &all); err != nil {
		panic("loan: data/rules.json: " + err.Error())
	}
	for i := range all {
		v, err := rate.Parse(all[i].Value)
		if err != nil {
			panic("loan: data/rules.json: " + err.Error())
		}
		all[i].value = int64(v)
	}
	return all
}()

// ruleOn is the value in force on a date, in units of 1e-8. Before the first one
// there is none; then the first counts.
func ruleOn(name string, on calendar.Date) int64 {
	var best *Rule
	for i := range rules {
		r := &rules[i]
		if r.Name == name && (best == nil || (!r.EffectiveFrom.After(on) && r.EffectiveFrom.After(best.EffectiveFrom))) {
			best = r
		}
	}
	if best == nil {
		return 0
	}
	return best.value
}

// wholeOn is a value in whole units.
func wholeOn(name string, on calendar.Date) int { return int(ruleOn(name, on) / rate.Scale) }

// extensionLimit is how many months a loan of a tenor may be extended in all.
func extensionLimit(tenorMonths int, on calendar.Date) int {
	switch {
	case tenorMonths <= 12:
		return int(int64(tenorMonths) * ruleOn("extension_short_share", on) / rate.Scale)
	case tenorMonths <= 60:
		return int(int64(tenorMonths) * ruleOn("extension_medium_share", on) / rate.Scale)
	default:
		return wholeOn("extension_long_months", on)
	}
}

// entrustedFrom is the amount above which a loan must be paid to its supplier
// directly (受托支付), in minor units of yuan.
func entrustedFrom(on calendar.Date) int64 { return ruleOn("entrusted_from_minor", on) / rate.Scale }
