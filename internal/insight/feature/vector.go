package feature

import (
	"encoding/json"
	"fmt"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/evidence/source"
)

// Vector holds one firm's feature values as of a date, in the order of Definitions; an absent value is NaN.
type Vector struct {
	AsOf     calendar.Date
	Version  string
	Values   []float64
	Invoices int // valid invoices within the history
	Months   int // anchored months with a valid invoice of either direction
}

// Compute reads the invoices once and returns every feature. Invoices dated after asOf are not looked at.
// The shared-counterparty features are absent; Analyse(...).In(graph, firm).Vector() has them.
func Compute(asOf calendar.Date, invoices []source.Invoice) Vector {
	return Analyse(asOf, invoices).Vector()
}

// Vector evaluates every definition on the analysis.
func (a *Analysis) Vector() Vector {
	v := Vector{AsOf: a.asOf, Version: Version, Values: make([]float64, len(definitions))}
	for i := range definitions {
		v.Values[i] = definitions[i].value(a)
	}
	for m := range HistoryMonths {
		n := int(a.side[sale].count[m]) + int(a.side[purchase].count[m])
		v.Invoices += n
		if n > 0 {
			v.Months++
		}
	}
	return v
}

// Value returns a feature by id; false when the id is unknown or the value absent.
func (v Vector) Value(id string) (float64, bool) {
	i, ok := position[id]
	if !ok || i >= len(v.Values) || Null(v.Values[i]) {
		return 0, false
	}
	return v.Values[i], true
}

// Reading is a vector in the form in which it is stored and served: values by feature id, an absent one null.
type Reading struct {
	AsOf     calendar.Date       `json:"as_of"`
	Version  string              `json:"version"`
	Invoices int                 `json:"invoices"`
	Months   int                 `json:"months"`
	Values   map[string]*float64 `json:"values"`
}

// Reading is the vector by feature id.
func (v Vector) Reading() Reading {
	out := Reading{AsOf: v.AsOf, Version: v.Version, Invoices: v.Invoices, Months: v.Months, Values: make(map[string]*float64, len(v.Values))}
	for i, d := range definitions {
		out.Values[d.ID] = nil
		if i < len(v.Values) && !Null(v.Values[i]) {
			out.Values[d.ID] = &v.Values[i]
		}
	}
	return out
}

// MarshalJSON writes the vector's Reading.
func (v Vector) MarshalJSON() ([]byte, error) { return json.Marshal(v.Reading()) }

// UnmarshalJSON reads what MarshalJSON wrote. A feature that this version does not define is refused: the values would
// otherwise be lost without a word.
func (v *Vector) UnmarshalJSON(b []byte) error {
	var in Reading
	if err := json.Unmarshal(b, &in); err != nil {
		return err
	}
	*v = Vector{AsOf: in.AsOf, Version: in.Version, Invoices: in.Invoices, Months: in.Months, Values: make([]float64, len(definitions))}
	for i := range v.Values {
		v.Values[i] = null
	}
	for id, value := range in.Values {
		i, ok := position[id]
		if !ok {
			return fmt.Errorf("feature: %q is not defined in version %s", id, Version)
		}
		if value != nil {
			v.Values[i] = *value
		}
	}
	return nil
}
