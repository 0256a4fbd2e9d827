package scorecard

import (
	"fmt"
	"math"

	"github.com/capillary-finance/capillary/internal/insight/feature"
)

// Sample is one labelled firm.
type Sample struct {
	ID     string
	Vector feature.Vector
	Bad    bool
}

// Scaling turns log-odds into points: a firm with bad:good odds of Odds has Points, and halving its odds adds PDO.
type Scaling struct {
	Points float64 `json:"points"`
	Odds   float64 `json:"odds"`
	PDO    float64 `json:"pdo"`
}

// Factor and offset of score = offset - factor*ln(odds).
func (s Scaling) constants() (offset, factor float64) {
	factor = s.PDO / math.Ln2
	return s.Points + factor*math.Log(s.Odds), factor
}

// Score is the unrounded score of a probability of default.
func (s Scaling) Score(pd float64) float64 {
	offset, factor := s.constants()
	return offset - factor*math.Log(pd/(1-pd))
}

// GradeBand gives a grade to every PD up to and including MaxPD.
type GradeBand struct {
	Grade string  `json:"grade"`
	MaxPD float64 `json:"max_pd"`
}

// Options are the choices of a training. The zero value is not usable: start from DefaultOptions.
type Options struct {
	Candidates     []string    `json:"candidates"`
	Prebins        int         `json:"prebins"`
	MaxBins        int         `json:"max_bins"`
	MinBinShare    float64     `json:"min_bin_share"`
	Shrink         float64     `json:"shrink" doc:"average firms added to each bin before its weight of evidence is taken"`
	BinPenalty     float64     `json:"bin_penalty" doc:"information value that a further bin must add"`
	MinIV          float64     `json:"min_iv"`
	Shortlist      int         `json:"shortlist" doc:"how many candidates, by information value, the selection looks at"`
	MaxFeatures    int         `json:"max_features"`
	MinGain        float64     `json:"min_gain" doc:"fall of the penalised deviance that a further feature must bring"`
	MaxCorrelation float64     `json:"max_correlation"`
	L2             float64     `json:"l2"`
	PriorBadRate   float64     `json:"prior_bad_rate" doc:"default rate of the book; 0: that of the sample"`
	Scaling        Scaling     `json:"scaling"`
	Grades         []GradeBand `json:"grades"`
	ThinMonths     int         `json:"thin_months"`
	ThinInvoices   int         `json:"thin_invoices"`
	Folds          int         `json:"folds"`
	Repeats        int         `json:"repeats"`
	Seed           uint64      `json:"seed"`
	Workers        int         `json:"-"`
	// Watch, when set, hears how many folds of a cross-validation are done; an error from it ends the work. It is
	// called from several goroutines.
	Watch func(done, total int) error `json:"-"`
}

// Limits that keep a request from occupying the machine.
const (
	MaxSamples = 200_000
	MaxFolds   = 20
	MaxRepeats = 100
	minOfClass = 10
)

// Validate reports the first option that makes no sense.
func (o *Options) Validate() error {
	switch {
	case len(o.Candidates) == 0:
		return fmt.Errorf("scorecard: no candidate feature: name at least one")
	case o.MaxBins < 2 || o.MaxBins > 10 || o.Prebins < o.MaxBins || o.Prebins > 50:
		return fmt.Errorf("scorecard: bins: need 2 <= max_bins <= 10 and max_bins <= prebins <= 50, got %d and %d", o.MaxBins, o.Prebins)
	case o.MinBinShare <= 0 || o.MinBinShare > 0.5:
		return fmt.Errorf("scorecard: min_bin_share %g must lie in (0, 0.5]", o.MinBinShare)
	case o.MaxFeatures < 1 || o.MaxFeatures > 30:
		return fmt.Errorf("scorecard: max_features %d must lie in 1..30", o.MaxFeatures)
	case o.Shortlist < o.MaxFeatures || o.Shortlist > 200:
		return fmt.Errorf("scorecard: shortlist %d must lie in max_features..200", o.Shortlist)
	case o.L2 < 0 || o.Shrink < 0 || o.PriorBadRate < 0 || o.PriorBadRate >= 1:
		return fmt.Errorf("scorecard: l2 and shrink must not be negative, prior_bad_rate must lie in [0, 1)")
	case o.Scaling.PDO <= 0 || o.Scaling.Odds <= 0:
		return fmt.Errorf("scorecard: scaling: pdo and odds must be positive")
	case o.Folds < 2 || o.Folds > MaxFolds || o.Repeats < 1 || o.Repeats > MaxRepeats:
		return fmt.Errorf("scorecard: need 2..%d folds and 1..%d repeats, got %d and %d", MaxFolds, MaxRepeats, o.Folds, o.Repeats)
	case len(o.Grades) == 0 || o.Grades[len(o.Grades)-1].MaxPD < 1:
		return fmt.Errorf("scorecard: the last grade must reach a PD of 1")
	}
	for _, id := range o.Candidates {
		if _, _, ok := feature.Lookup(id); !ok {
			return fmt.Errorf("scorecard: candidate feature %q is not defined", id)
		}
	}
	return nil
}

// DefaultOptions suit a small labelled book: few, coarse, strongly shrunk bins, a strong penalty, and candidates that a
// credit analyst would look at first. Features that need the cross-firm index are not candidates, because a firm's
// score should not move when another firm is added to the book.
func DefaultOptions() Options {
	var candidates []string
	for _, d := range feature.Definitions() {
		if d.Direction != feature.Unknown && d.Theme != feature.ThemeGraph {
			candidates = append(candidates, d.ID)
		}
	}
	return Options{
		Candidates: candidates, Prebins: 20, MaxBins: 4, MinBinShare: 0.1, Shrink: 2, BinPenalty: 0.01, MinIV: 0.1,
		Shortlist: 20, MaxFeatures: 6, MinGain: 2, MaxCorrelation: 0.8, L2: 30,
		Scaling:    Scaling{Points: 600, Odds: 1.0 / 20, PDO: 50},
		Grades:     []GradeBand{{"A", 0.05}, {"B", 0.15}, {"C", 0.40}, {"D", 1}},
		ThinMonths: 6, ThinInvoices: 20, Folds: 5, Repeats: 20, Seed: 20200221,
	}
}
