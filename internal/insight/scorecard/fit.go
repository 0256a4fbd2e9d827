package scorecard

import (
	"cmp"
	"math"
	"slices"
	"sort"
	"strconv"

	"github.com/capillary-finance/capillary/internal/insight/feature"
)

// column is one binned feature: a value v falls into the first bin whose cut is at least v, the last has none.
type column struct {
	feature     int // position among the candidates
	cuts        []float64
	woe         []float64
	good, bad   []int
	missingWOE  float64
	missingGood int
	missingBad  int
	direction   int
	iv          float64
}

func (c *column) weigh(v float64) float64 {
	if feature.Null(v) {
		return c.missingWOE
	}
	return c.woe[c.bin(v)]
}

func (c *column) bin(v float64) int { return sort.SearchFloat64s(c.cuts, v) }

// fitted is a scorecard before scaling.
type fitted struct {
	columns []column
	beta    []float64
}

// fitter fits scorecards on subsets of one matrix. It keeps scratch space and serves one goroutine.
type fitter struct {
	m      *matrix
	opt    *Options
	bin    binner
	cells  cells
	space  logitSpace
	bounds []float64 // last value of each prebin and first of the next
	train  []int32
	member []bool
}

func newFitter(m *matrix, opt *Options) *fitter {
	return &fitter{m: m, opt: opt, member: make([]bool, len(m.bad))}
}

// fit trains on the rows for which use is true; thin files are left out because they are scored by the prior.
func (f *fitter) fit(use func(row int) bool) (fitted, error) {
	f.train = f.train[:0]
	for i := range f.m.bad {
		f.member[i] = use(i) && !f.m.thin[i]
		if f.member[i] {
			f.train = append(f.train, int32(i))
		}
	}
	bads := 0
	for _, i := range f.train {
		if f.m.bad[i] {
			bads++
		}
	}
	goods := len(f.train) - bads
	var binned []column
	for k := range f.m.columns {
		if c, ok := f.binColumn(k, goods, bads); ok && c.iv >= f.opt.MinIV {
			binned = append(binned, c)
		}
	}
	slices.SortStableFunc(binned, func(a, b column) int {
		switch {
		case a.iv > b.iv:
			return -1
		case a.iv < b.iv:
			return 1
		}
		return a.feature - b.feature
	})
	return f.choose(binned[:min(len(binned), f.opt.Shortlist)])
}

// binColumn bins one candidate on the training rows.
func (f *fitter) binColumn(k, goods, bads int) (column, bool) {
	f.prebin(k)
	f.bin.maxBins, f.bin.strength, f.bin.penalty = f.opt.MaxBins, f.opt.Shrink, f.opt.BinPenalty
	f.bin.minCount = max(1, int(math.Ceil(f.opt.MinBinShare*float64(len(f.train)))))
	directions := []int{int(f.m.defs[k].Direction)}
	if directions[0] == 0 {
		directions = []int{1, -1}
	}
	c := column{feature: k}
	var ends []int
	best := math.Inf(-1)
	for _, d := range directions {
		if e, score := f.bin.cut(&f.cells, d); len(e) > 1 && score > best {
			ends, best, c.direction = e, score, d
		}
	}
	if len(ends) < 2 {
		return c, false
	}
	f.weigh(&c, ends, goods, bads)
	return c, true
}

// prebin groups the training rows of a feature into about opt.Prebins cells of equal size; equal values stay together.
func (f *fitter) prebin(k int) {
	values := f.m.columns[k]
	f.cells.upper, f.cells.good, f.cells.bad = f.cells.upper[:0], f.cells.good[:0], f.cells.bad[:0]
	f.bounds = f.bounds[:0]
	size := max(1, len(f.train)/f.opt.Prebins)
	good, bad := 0, 0
	last := math.NaN()
	for _, row := range f.m.order[k] {
		if !f.member[row] {
			continue
		}
		v := values[row]
		if good+bad >= size && v != last {
			f.cells.add(last, good, bad)
			f.bounds = append(f.bounds, v)
			good, bad = 0, 0
		}
		if f.m.bad[row] {
			bad++
		} else {
			good++
		}
		last = v
	}
	if good+bad > 0 {
		f.cells.add(last, good, bad)
	}
}

// weigh fills the bins' counts, cuts, weights and information value.
func (f *fitter) weigh(c *column, ends []int, goods, bads int) {
	tg, tb := float64(goods), float64(bads)
	start := 0
	seenGood, seenBad := 0, 0
	for b, end := range ends {
		good, bad := 0, 0
		for i := start; i <= end; i++ {
			good, bad = good+f.cells.good[i], bad+f.cells.bad[i]
		}
		start = end + 1
		if b < len(ends)-1 {
			c.cuts = append(c.cuts, roundest(f.cells.upper[end], f.bounds[end]))
		}
		w := shrunk(float64(good), float64(bad), tg, tb, f.opt.Shrink)
		c.good, c.bad, c.woe = append(c.good, good), append(c.bad, bad), append(c.woe, w)
		c.iv += (float64(bad)/tb - float64(good)/tg) * w
		seenGood, seenBad = seenGood+good, seenBad+bad
	}
	c.missingGood, c.missingBad = goods-seenGood, bads-seenBad
	c.missingWOE = shrunk(float64(c.missingGood), float64(c.missingBad), tg, tb, max(f.opt.Shrink, 1))
}

// roundest is the number with the fewest significant digits in [a, b), near the middle: a cut that a person can read.
// Between whole numbers it is whole.
func roundest(a, b float64) float64 {
	middle := a + (b-a)/2
	if middle == 0 || math.IsInf(middle, 0) {
		return a
	}
	whole := a == math.Trunc(a) && b == math.Trunc(b)
	scale := int(math.Floor(math.Log10(math.Abs(middle))))
	for digits := range 15 {
		exponent := scale - digits
		if whole {
			exponent = max(exponent, 0)
		}
		steps := middle / math.Pow10(exponent)
		for _, n := range []float64{math.Round(steps), math.Floor(steps)} {
			// Through text, because n times a power of ten leaves binary dust such as 0.14100000000000001.
			c, err := strconv.ParseFloat(strconv.FormatFloat(n, 'f', 0, 64)+"e"+strconv.Itoa(exponent), 64)
			if err == nil && c >= a && c < b {
				return c
			}
		}
	}
	return a
}

// choose selects features step by step: each step adds the one that lowers the penalised deviance most, as long as all
// coefficients stay positive (a positive weight means riskier) and it is not a near copy of one already chosen.
func (f *fitter) choose(binned []column) (fitted, error) {
	bad := make([]bool, len(f.train))
	for i, row := range f.train {
		bad[i] = f.m.bad[row]
	}
	woe := make([][]float64, len(binned))
	for c := range binned {
		woe[c] = make([]float64, len(f.train))
		for i, row := range f.train {
			woe[c][i] = binned[c].weigh(f.m.columns[binned[c].feature][row])
		}
	}
	var chosen []int
	var inputs [][]float64
	current, err := f.space.fit(nil, bad, f.opt.L2, nil, logitRounds)
	if err != nil {
		return fitted{}, err
	}
	for len(chosen) < f.opt.MaxFeatures {
		f.space.warmUp(&current, inputs, len(bad))
		best, bestFit, bestGain := -1, logit{}, f.opt.MinGain
		start := append(slices.Clone(current.beta), 0)
		for tried, c := range f.promising(inputs, woe, chosen, bad, start) {
			if tried >= trials && best >= 0 {
				break
			}
			fit, err := f.space.trial(append(inputs, woe[c]), bad, f.opt.L2, start)
			if err != nil || !positive(fit.beta[1:]) {
				continue
			}
			if gain := current.penalised(f.opt.L2) - fit.penalised(f.opt.L2); gain > bestGain {
				best, bestFit, bestGain = c, fit, gain
			}
		}
		if best < 0 {
			break
		}
		chosen, inputs = append(chosen, best), append(inputs, woe[best])
		if current, err = f.space.fit(inputs, bad, f.opt.L2, bestFit.beta, logitRounds); err != nil {
			return fitted{}, err
		}
	}
	out := fitted{beta: current.beta}
	for _, c := range chosen {
		out.columns = append(out.columns, binned[c])
	}
	return out, nil
}

// trials is how many of the most promising features a step tries in earnest; it goes on beyond only while none will do.
const trials = 5

// promising orders the features that may be added by what they promise.
func (f *fitter) promising(inputs, woe [][]float64, chosen []int, bad []bool, start []float64) []int {
	promises := make([]float64, len(woe))
	var order []int
	for c := range woe {
		if slices.Contains(chosen, c) || f.tooClose(woe, chosen, c) {
			continue
		}
		promises[c] = f.space.promise(append(inputs, woe[c]), bad, f.opt.L2, start)
		order = append(order, c)
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(promises[b], promises[a]) })
	return order
}

func (f *logit) penalised(l2 float64) float64 {
	d := f.deviance
	for _, b := range f.beta[1:] {
		d += l2 * b * b
	}
	return d
}

func positive(beta []float64) bool {
	for _, b := range beta {
		if b <= 0 {
			return false
		}
	}
	return true
}

func (f *fitter) tooClose(woe [][]float64, chosen []int, c int) bool {
	for _, o := range chosen {
		if correlation(woe[o], woe[c]) > f.opt.MaxCorrelation {
			return true
		}
	}
	return false
}

func correlation(x, y []float64) float64 {
	var sx, sy float64
	for i := range x {
		sx, sy = sx+x[i], sy+y[i]
	}
	mx, my := sx/float64(len(x)), sy/float64(len(x))
	var xy, xx, yy float64
	for i := range x {
		a, b := x[i]-mx, y[i]-my
		xy, xx, yy = xy+a*b, xx+a*a, yy+b*b
	}
	if xx == 0 || yy == 0 {
		return 0
	}
	return xy / math.Sqrt(xx*yy)
}

// logOdds is the fitted log-odds of one row of the matrix.
func (ft *fitted) logOdds(m *matrix, row int) float64 {
	z := ft.beta[0]
	for k := range ft.columns {
		c := &ft.columns[k]
		z += ft.beta[k+1] * c.weigh(m.columns[c.feature][row])
	}
	return z
}
