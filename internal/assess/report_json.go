package assess

import (
	"encoding/json"
	"io"
	"strconv"

	"github.com/capillary-finance/capillary/internal/credit/pricing"
	"github.com/capillary-finance/capillary/internal/insight/feature"
)

// bookJSON is a book without its lines, which stand with the firms.
type bookJSON struct {
	pricing.Book
	Lines *struct{} `json:"lines,omitempty"` // hides the lines
}

type firmJSON struct {
	Firm
	Features json.RawMessage `json:"features"`
}

// writeJSON writes the whole result.
func writeJSON(w io.Writer, r *Result) error {
	baselines := make([]bookJSON, len(r.Baselines))
	for i, b := range r.Baselines {
		baselines[i] = bookJSON{Book: b}
	}
	firms := make([]firmJSON, len(r.Firms))
	defs := feature.Definitions()
	for i, f := range r.Firms {
		firms[i] = firmJSON{f, features(defs, f.Vector)}
	}
	return json.NewEncoder(w).Encode(struct {
		*Result
		Firms     []firmJSON `json:"firms"`
		Book      bookJSON   `json:"book"`
		Baselines []bookJSON `json:"baselines"`
	}{r, firms, bookJSON{Book: r.Book}, baselines})
}

// features writes the values by id in the order of the definitions, an absent one as null.
func features(defs []feature.Definition, v feature.Vector) json.RawMessage {
	b := make([]byte, 0, 4096)
	b = append(b, '{')
	for i, d := range defs {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(append(append(b, '"'), d.ID...), '"', ':')
		if i >= len(v.Values) || feature.Null(v.Values[i]) {
			b = append(b, "null"...)
		} else {
			b = strconv.AppendFloat(b, v.Values[i], 'g', -1, 64)
		}
	}
	return append(b, '}')
}
