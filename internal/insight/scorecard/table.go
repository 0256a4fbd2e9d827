package scorecard

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"github.com/capillary-finance/capillary/internal/insight/feature"
)

// TableColumn is one characteristic of any table, not only of firms' features: numbers with NaN where a value is absent,
// or categories with "" where it is.
type TableColumn struct {
	Name       string
	Numbers    []float64
	Categories []string
	Direction  feature.Direction // of numbers; Unknown lets the binning choose
	// Cuts and Groups override the binning: numbers fall into [.., cut), [cut, cut), ..; categories into the group that
	// lists them, and an unlisted one counts as absent.
	Cuts   []float64
	Groups [][]string
}

// TableOptions are the choices of a training on a table. Start from DefaultTableOptions.
type TableOptions struct {
	Prebins        int     `json:"prebins"`
	MaxBins        int     `json:"max_bins"`
	MinBinShare    float64 `json:"min_bin_share"`
	Shrink         float64 `json:"shrink" doc:"average rows added to each bin before its weight of evidence; 0: the plain weight"`
	BinPenalty     float64 `json:"bin_penalty"`
	MinIV          float64 `json:"min_iv"`
	Select         bool    `json:"select" doc:"choose step by step with positive coefficients; false: use every column"`
	MaxFeatures    int     `json:"max_features"`
	MinGain        float64 `json:"min_gain"`
	MaxCorrelation float64 `json:"max_correlation"`
	L2             float64 `json:"l2"`
	Scaling        Scaling `json:"scaling"`
}

// DefaultTableOptions suit tables of a thousand rows and more.
func DefaultTableOptions() TableOptions {
	return TableOptions{Prebins: 20, MaxBins: 6, MinBinShare: 0.05, Shrink: 2, BinPenalty: 0.002, MinIV: 0.02, Select: true, MaxFeatures: 15,
		MinGain: 2, MaxCorrelation: 0.8, L2: 1, Scaling: Scaling{Points: 600, Odds: 1.0 / 20, PDO: 50}}
}

// TableBin is one row of a points table: numbers under Below (nil: no upper end), or the categories listed.
type TableBin struct {
	Below      *float64 `json:"below,omitempty"`
	Categories []string `json:"categories,omitempty"`
	Good       int      `json:"good"`
	Bad        int      `json:"bad"`
	WOE        float64  `json:"woe"`
	Points     int      `json:"points"`
}

// TableCharacteristic is one column of a table's scorecard.
type TableCharacteristic struct {
	Name    string     `json:"name"`
	Numeric bool       `json:"numeric"`
	IV      float64    `json:"iv"`
	Beta    float64    `json:"beta"`
	Bins    []TableBin `json:"bins"`
	Missing TableBin   `json:"missing"`
}

// TableModel is a scorecard over a table's columns.
type TableModel struct {
	Options         TableOptions          `json:"options"`
	Rows            int                   `json:"rows"`
	Bads            int                   `json:"bads"`
	Intercept       float64               `json:"intercept"`
	BasePoints      int                   `json:"base_points"`
	Characteristics []TableCharacteristic `json:"characteristics"`
}

// Validate reports the first option that makes no sense.
func (o *TableOptions) Validate() error {
	switch {
	case o.MaxBins < 2 || o.MaxBins > 10 || o.Prebins < o.MaxBins || o.Prebins > 50:
		return fmt.Errorf("scorecard: bins: need 2 <= max_bins <= 10 and max_bins <= prebins <= 50, got %d and %d", o.MaxBins, o.Prebins)
	case !(o.MinBinShare > 0 && o.MinBinShare <= 0.5):
		return fmt.Errorf("scorecard: min_bin_share %g must lie in (0, 0.5]", o.MinBinShare)
	case o.MaxFeatures < 1 || o.MaxFeatures > 200:
		return fmt.Errorf("scorecard: max_features %d must lie in 1..200", o.MaxFeatures)
	case !(o.L2 >= 0 && o.Shrink >= 0 && o.MinIV >= 0 && o.BinPenalty >= 0):
		return fmt.Errorf("scorecard: l2, shrink, min_iv and bin_penalty must not be negative")
	case !(o.Scaling.PDO > 0 && o.Scaling.Odds > 0):
		return fmt.Errorf("scorecard: scaling: pdo and odds must be positive")
	}
	return nil
}

// tableColumn is a column on its way: what the fitter bins, and how bins read.
type tableColumn struct {
	in    *TableColumn
	fixed bool
	names []string // of categories, by rank
}

// TrainTable fits a scorecard on a table: monotone optimal binning of numbers, of categories in the order of their
// default rates, or the bins that are given; weights of evidence; logistic regression; points.
func TrainTable(columns []TableColumn, bad []bool, o TableOptions) (*TableModel, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if len(columns) == 0 {
		return nil, fmt.Errorf("scorecard: no column to learn from: name at least one")
	}
	bads := 0
	for _, b := range bad {
		if b {
			bads++
		}
	}
	if goods := len(bad) - bads; bads < minOfClass || goods < minOfClass {
		return nil, fmt.Errorf("scorecard: %d bad and %d good rows; at least %d of each are needed: label more rows", bads, goods, minOfClass)
	}
	m := &matrix{bad: bad, thin: make([]bool, len(bad))}
	ways := make([]tableColumn, len(columns))
	for k := range columns {
		way, values := columns[k].prepare(bad)
		ways[k] = way
		m.add(columns[k].Name, columns[k].Direction, values)
	}
	opt := Options{Prebins: o.Prebins, MaxBins: o.MaxBins, MinBinShare: o.MinBinShare, Shrink: max(o.Shrink, 0.01), BinPenalty: o.BinPenalty, MinIV: o.MinIV,
		Shortlist: 200, MaxFeatures: o.MaxFeatures, MinGain: o.MinGain, MaxCorrelation: o.MaxCorrelation, L2: o.L2}
	ft, err := newFitter(m, &opt).fitTable(ways, &o, len(bad)-bads, bads)
	if err != nil {
		return nil, fmt.Errorf("%w: raise l2, or leave out columns that say the same", err)
	}
	if len(ft.columns) == 0 {
		return nil, fmt.Errorf("scorecard: no column separates the labels: add columns or lower min_iv")
	}
	out := &TableModel{Options: o, Rows: len(bad), Bads: bads, Intercept: ft.beta[0]}
	for k := range ft.columns {
		c := &ft.columns[k]
		out.Characteristics = append(out.Characteristics, ways[c.feature].characteristic(c, ft.beta[k+1]))
	}
	out.scale()
	return out, nil
}

// add appends a column of numbers, sorted for binning.
func (m *matrix) add(name string, direction feature.Direction, values []float64) {
	var order []int32
	for i, v := range values {
		if !feature.Null(v) {
			order = append(order, int32(i))
		}
	}
	slices.SortStableFunc(order, func(a, b int32) int { return cmp.Compare(values[a], values[b]) })
	m.defs, m.columns, m.order = append(m.defs, feature.Definition{ID: name, Direction: direction}), append(m.columns, values), append(m.order, order)
}

// prepare turns a column into the numbers that are binned: its own, the rank of a category, or the number of a given bin.
func (c *TableColumn) prepare(bad []bool) (tableColumn, []float64) {
	values := make([]float64, len(bad))
	switch {
	case c.Numbers != nil && c.Cuts == nil:
		return tableColumn{in: c}, c.Numbers
	case c.Numbers != nil:
		for i, v := range c.Numbers {
			values[i] = math.NaN()
			if !math.IsNaN(v) {
				values[i] = float64(belowIndex(c.Cuts, v))
			}
		}
		return tableColumn{in: c, fixed: true}, values
	}
	way := tableColumn{in: c, fixed: c.Groups != nil}
	rank := map[string]float64{}
	if way.fixed {
		for g, names := range c.Groups {
			for _, name := range names {
				rank[name] = float64(g)
			}
		}
	} else {
		way.names = byRate(c.Categories, bad)
		for r, name := range way.names {
			rank[name] = float64(r)
		}
	}
	for i, name := range c.Categories {
		r, ok := rank[name]
		if values[i] = r; !ok {
			values[i] = math.NaN()
		}
	}
	return way, values
}

func belowIndex(cuts []float64, v float64) int {
	at := 0
	for at < len(cuts) && v >= cuts[at] {
		at++
	}
	return at
}

// byRate orders categories by their default rate, pulled to the mean by two average rows so that rare ones do not lead.
func byRate(values []string, bad []bool) []string {
	type count struct{ bad, all float64 }
	counts := map[string]*count{}
	var bads float64
	for i, name := range values {
		if bad[i] {
			bads++
		}
		if name == "" {
			continue
		}
		if counts[name] == nil {
			counts[name] = &count{}
		}
		counts[name].all++
		if bad[i] {
			counts[name].bad++
		}
	}
	mean := bads / float64(len(values))
	rate := func(name string) float64 { c := counts[name]; return (c.bad + 2*mean) / (c.all + 2) }
	var names []string
	for name := range counts {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return cmp.Or(cmp.Compare(rate(a), rate(b)), cmp.Compare(a, b)) })
	return names
}

// CategoryOrder is the order in which categories are laid out as numbers: by default rate, rarest pulled to the mean.
func CategoryOrder(values []string, bad []bool) []string { return byRate(values, bad) }

// fitTable bins every column, keeps those with enough information, and fits all of them or a selection.
func (f *fitter) fitTable(ways []tableColumn, o *TableOptions, goods, bads int) (fitted, error) {
	for i := range f.m.bad {
		f.member[i], f.train = true, append(f.train, int32(i))
	}
	var binned []column
	for k := range ways {
		c, ok := column{}, true
		if ways[k].fixed {
			c = f.fixedColumn(k, ways[k].bins())
		} else {
			c, ok = f.binColumn(k, goods, bads)
		}
		c.reweigh(o.Shrink, float64(goods), float64(bads))
		if ok && (c.iv >= f.opt.MinIV || ways[k].fixed && !o.Select) {
			binned = append(binned, c)
		}
	}
	if !o.Select {
		inputs := make([][]float64, len(binned))
		for c := range binned {
			for row := range f.m.bad {
				inputs[c] = append(inputs[c], binned[c].weigh(f.m.columns[binned[c].feature][row]))
			}
		}
		fit, err := f.space.fit(inputs, f.m.bad, o.L2, nil, logitRounds)
		return fitted{columns: binned, beta: fit.beta}, err
	}
	slices.SortStableFunc(binned, func(a, b column) int { return cmp.Or(cmp.Compare(b.iv, a.iv), cmp.Compare(a.feature, b.feature)) })
	return f.choose(binned[:min(len(binned), f.opt.Shortlist)])
}

func (w *tableColumn) bins() int {
	if w.in.Numbers != nil {
		return len(w.in.Cuts) + 1
	}
	return len(w.in.Groups)
}

// fixedColumn counts the rows of bins that were given; the matrix holds their numbers.
func (f *fitter) fixedColumn(k, bins int) column {
	c := column{feature: k, good: make([]int, bins), bad: make([]int, bins)}
	for i := range bins - 1 {
		c.cuts = append(c.cuts, float64(i))
	}
	for row, v := range f.m.columns[k] {
		good, bad := &c.missingGood, &c.missingBad
		if !feature.Null(v) {
			good, bad = &c.good[int(v)], &c.bad[int(v)]
		}
		if f.m.bad[row] {
			*bad++
		} else {
			*good++
		}
	}
	return c
}

// reweigh fills weights and information value: shrunk, or plain when there is no shrinking. A bin nobody fell into
// weighs nothing.
func (c *column) reweigh(shrink, goods, bads float64) {
	weigh := func(good, bad int) float64 {
		g, b := float64(good), float64(bad)
		switch {
		case good+bad == 0:
			return 0
		case shrink > 0:
			return shrunk(g, b, goods, bads, shrink)
		}
		return math.Log(filled(b) / bads / (filled(g) / goods))
	}
	c.woe, c.iv = nil, 0
	for i := range c.good {
		w := weigh(c.good[i], c.bad[i])
		c.woe = append(c.woe, w)
		c.iv += (float64(c.bad[i])/bads - float64(c.good[i])/goods) * w
	}
	c.missingWOE = weigh(c.missingGood, c.missingBad)
	c.iv += (float64(c.missingBad)/bads - float64(c.missingGood)/goods) * c.missingWOE
}

// characteristic reads bins back into the column's own terms.
func (w *tableColumn) characteristic(c *column, beta float64) TableCharacteristic {
	out := TableCharacteristic{Name: w.in.Name, Numeric: w.in.Numbers != nil, IV: c.iv, Beta: beta, Missing: TableBin{Good: c.missingGood, Bad: c.missingBad, WOE: c.missingWOE}}
	first := 0
	for i := range c.woe {
		b := TableBin{Good: c.good[i], Bad: c.bad[i], WOE: c.woe[i]}
		switch {
		case out.Numeric && i < len(c.cuts):
			cut := 0.0
			if w.fixed {
				cut = w.in.Cuts[i]
			} else {
				cut = w.above(c.cuts[i])
			}
			b.Below = &cut
		case !out.Numeric && w.fixed:
			b.Categories = w.in.Groups[i]
		case !out.Numeric:
			last := len(w.names)
			if i < len(c.cuts) {
				last = int(math.Floor(c.cuts[i])) + 1
			}
			b.Categories, first = w.names[first:last], last
		}
		out.Bins = append(out.Bins, b)
	}
	return out
}

// above turns a cut that belongs to the bin under it into one that does not: itself when no row has that very value,
// the next value otherwise.
func (w *tableColumn) above(cut float64) float64 {
	next, met := math.Inf(1), false
	for _, v := range w.in.Numbers {
		met = met || v == cut
		if v > cut {
			next = min(next, v)
		}
	}
	if met {
		return next
	}
	return cut
}

func (m *TableModel) scale() {
	offset, factor := m.Options.Scaling.constants()
	m.BasePoints = int(math.Round(offset - factor*m.Intercept))
	for k := range m.Characteristics {
		c := &m.Characteristics[k]
		points := func(b *TableBin) { b.Points = int(math.Round(-factor * c.Beta * b.WOE)) }
		for i := range c.Bins {
			points(&c.Bins[i])
		}
		points(&c.Missing)
	}
}
