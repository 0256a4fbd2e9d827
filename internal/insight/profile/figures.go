package profile

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/insight/feature"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Point is a feature of one firm as of a date.
type Point struct {
	AsOf  calendar.Date `json:"as_of"`
	Value *float64      `json:"value" doc:"null where the feature has no value"`
}

// Course is a feature of one firm over the dates for which profiles are stored.
type Course struct {
	Feature string  `json:"feature"`
	Points  []Point `json:"points" nullable:"false" doc:"oldest first, one a date, at most 200"`
}

// Bin counts firms whose value lies from From up to To, the last one including To.
type Bin struct {
	From  float64 `json:"from"`
	To    float64 `json:"to"`
	Firms int     `json:"firms"`
}

// Distribution says how the values of a feature lie among the firms that the caller may see.
type Distribution struct {
	Feature   string   `json:"feature"`
	Firms     int      `json:"firms" doc:"firms looked at, each with its newest profile"`
	Empty     int      `json:"empty" doc:"of these, without a value"`
	Truncated bool     `json:"truncated" doc:"only the firms profiled last were looked at"`
	Min       *float64 `json:"min"`
	P05       *float64 `json:"p05"`
	P25       *float64 `json:"p25"`
	P50       *float64 `json:"p50"`
	P75       *float64 `json:"p75"`
	P95       *float64 `json:"p95"`
	Max       *float64 `json:"max"`
	Mean      *float64 `json:"mean"`
	Bins      []Bin    `json:"bins" nullable:"false" doc:"equal widths between p05 and p95; the first and last reach to min and max"`
}

const (
	courseMax  = 200
	samplesMax = 2000
	binsMax    = 16
)

var (
	courseVectors = db.Q(`select as_of, vector from profile_snapshot where institution_id = $1 and firm_id = $2 and feature_version = $3
		order by as_of desc, created_at desc, id desc limit $4`)
	newestVectors = db.Q(`select s.vector from profile_snapshot s join firm f on f.institution_id = s.institution_id and f.id = s.firm_id
		where s.institution_id = $1 and f.branch_path like $2 and s.feature_version = $3 and s.id = (select n.id from profile_snapshot n
			where n.institution_id = s.institution_id and n.firm_id = s.firm_id order by n.as_of desc, n.created_at desc, n.id desc limit 1)
		and exists (select 1 from consent c where c.institution_id = s.institution_id and c.firm_id = s.firm_id and c.withdrawn_at = 0
			and c.starts_on <= $5 and c.ends_on >= $5 and c.purpose in ('credit', 'watch'))
		order by s.created_at desc, s.id desc limit $4`)
)

// figure takes one value out of a stored vector.
func figure(vector, id string) (*float64, error) {
	var v struct {
		Values map[string]*float64 `json:"values"`
	}
	if err := json.Unmarshal([]byte(vector), &v); err != nil {
		return nil, fmt.Errorf("profile: vector: %w", err)
	}
	return v.Values[id], nil
}

func known(id string) error {
	if _, _, ok := feature.Lookup(id); !ok {
		return fault.NotFoundError("feature", id)
	}
	return nil
}

// Course follows a feature of a firm over its stored profiles. The figures are the firm's evidence: without a live
// consent it answers CONSENT_MISSING, and the look is recorded.
func (s *Service) Course(ctx context.Context, p auth.Principal, firmID, id string) (Course, error) {
	out := Course{Feature: id, Points: []Point{}}
	if err := p.Require(CanRead); err != nil {
		return out, err
	}
	if err := known(id); err != nil {
		return out, err
	}
	err := s.db.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		out.Points = out.Points[:0] // the transaction may be tried again
		if err := Visible(ctx, tx, p, firmID); err != nil {
			return err
		}
		if err := look(ctx, tx, firmID); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, courseVectors, tx.Institution, firmID, feature.Version, courseMax)
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // read to its end below
		for rows.Next() {
			var point Point
			var vector string
			if err := rows.Scan(&point.AsOf, &vector); err != nil {
				return err
			}
			if n := len(out.Points); n > 0 && out.Points[n-1].AsOf == point.AsOf {
				continue // computed again later, on more evidence
			}
			if point.Value, err = figure(vector, id); err != nil {
				return err
			}
			out.Points = append(out.Points, point)
		}
		return rows.Err()
	})
	slices.Reverse(out.Points)
	return out, err
}

// Distribution looks at the newest profile of every firm that the caller may see and that has a live consent.
func (s *Service) Distribution(ctx context.Context, p auth.Principal, id string) (Distribution, error) {
	out := Distribution{Feature: id, Bins: []Bin{}}
	if err := p.Require(CanRead); err != nil {
		return out, err
	}
	if err := known(id); err != nil {
		return out, err
	}
	var values []float64
	err := s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		today, err := tx.BusinessDate(ctx)
		if err != nil {
			return err
		}
		rows, err := tx.Query(ctx, newestVectors, tx.Institution, p.BranchPattern(), feature.Version, samplesMax+1, today)
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // read to its end below
		for rows.Next() {
			if out.Firms == samplesMax {
				out.Truncated = true
				continue
			}
			var vector string
			if err := rows.Scan(&vector); err != nil {
				return err
			}
			value, err := figure(vector, id)
			if err != nil {
				return err
			}
			if out.Firms++; value == nil {
				out.Empty++
			} else {
				values = append(values, *value)
			}
		}
		return rows.Err()
	})
	out.spread(values)
	return out, err
}

// spread fills quantiles and bins.
func (d *Distribution) spread(values []float64) {
	if len(values) == 0 {
		return
	}
	slices.Sort(values)
	at := func(q float64) *float64 {
		v := values[int(math.Round(q*float64(len(values)-1)))]
		return &v
	}
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	mean := sum / float64(len(values))
	d.Min, d.P05, d.P25, d.P50, d.P75, d.P95, d.Max, d.Mean = at(0), at(0.05), at(0.25), at(0.5), at(0.75), at(0.95), at(1), &mean
	low, high := *d.P05, *d.P95
	n := binsMax
	if high <= low {
		low, high, n = *d.Min, *d.Max, 1
	}
	width := (high - low) / float64(n)
	for i := range n {
		d.Bins = append(d.Bins, Bin{From: low + float64(i)*width, To: low + float64(i+1)*width})
	}
	d.Bins[0].From, d.Bins[n-1].To = *d.Min, *d.Max
	for _, v := range values {
		i := 0
		if width > 0 {
			i = min(max(int(math.Floor((v-low)/width)), 0), n-1)
		}
		d.Bins[i].Firms++
	}
}
