package boost

import "math"

// split is a candidate way to divide a node.
type split struct {
	gain        float32
	feature     int
	code        int // codes up to and including it go left; -1: only absent values do
	missingLeft bool
	left, right stats
}

// better is XGBoost's rule: the larger gain, and on equal gains the lower column, so that the answer does not depend on
// the order of looking.
func (s *split) better(gain float32, feature int) bool {
	switch {
	case math.IsInf(float64(gain), 0) || gain != gain:
		return false
	case s.feature <= feature:
		return gain > s.gain
	}
	return gain >= s.gain
}

func (s *split) take(o split) {
	if s.better(o.gain, o.feature) {
		*s = o
	}
}

// bounds of a node's leaf values, from the monotone splits above it.
type bounds struct{ low, high float32 }

var unbounded = bounds{-math.MaxFloat32, math.MaxFloat32}

// judge computes weights and gains. Precision and order of operations are those of XGBoost's evaluator, because a gain
// that differs in its last bit can choose another tree. The conversions keep a compiler from fusing operations.
type judge struct {
	lambda, alpha, minChild float64
	monotone                []int
	constrained             bool
}

func newJudge(p *Params) *judge {
	j := &judge{lambda: float64(float32(p.Lambda)), alpha: float64(float32(p.Alpha)), minChild: float64(float32(p.MinChildWeight)), monotone: p.Monotone}
	j.constrained = len(p.Monotone) > 0
	return j
}

func (j *judge) shrunk(g float64) float64 {
	switch {
	case g > j.alpha:
		return g - j.alpha
	case g < -j.alpha:
		return g + j.alpha
	}
	return 0
}

// weight is the best value of a leaf with the given sums, inside its bounds.
func (j *judge) weight(s stats, b bounds) float32 {
	if s.h < j.minChild || s.h <= 0 {
		return j.clamp(0, b)
	}
	return j.clamp(float32(-j.shrunk(s.g)/(s.h+j.lambda)), b)
}

func (j *judge) clamp(w float32, b bounds) float32 {
	if !j.constrained {
		return w
	}
	return min(max(w, b.low), b.high)
}

// gain is how much a leaf with the given sums and weight lowers the loss, times two.
func (j *judge) gain(s stats, w float32) float32 {
	if s.h <= 0 {
		return 0
	}
	if !j.constrained {
		t := j.shrunk(s.g)
		return float32(float64(t*t)) / float32(s.h+j.lambda)
	}
	g, h := float32(s.g), float32(s.h)
	return -(float32(float32(2*g)*w) + float32(float32(h+float32(j.lambda))*float32(w*w)))
}

// change is the gain of a split over the node undivided; minus infinity when it breaks the column's direction.
func (j *judge) change(feature int, left, right stats, b bounds, undivided float32) float32 {
	wl, wr := j.weight(left, b), j.weight(right, b)
	if j.constrained {
		switch c := j.monotone[feature]; {
		case c > 0 && wl > wr, c < 0 && wl < wr:
			return float32(math.Inf(-1))
		}
	}
	return float32(j.gain(left, wl)+j.gain(right, wr)) - undivided
}

// scan looks for the best split of a node by one column. bins are the sums of its bins, the last one those of absent
// values. Absent values are tried on the right of every cut and, when the node has some, on the left.
func (j *judge) scan(feature int, bins []stats, node *growing, missing bool, best *split) {
	last := len(bins) - 2
	var sum stats
	own := split{feature: 0}
	for code := 0; code <= last; code++ {
		sum.add(bins[code])
		rest := node.sum.minus(sum)
		if sum.h < j.minChild || rest.h < j.minChild {
			continue
		}
		if gain := j.change(feature, sum, rest, node.bounds, node.undivided); own.better(gain, feature) {
			own = split{gain: gain, feature: feature, code: code, left: sum, right: rest}
		}
	}
	best.take(own)
	if !missing || sum == node.sum {
		return
	}
	sum, own = stats{}, split{feature: 0}
	for code := last; code >= 0; code-- {
		sum.add(bins[code])
		rest := node.sum.minus(sum)
		if sum.h < j.minChild || rest.h < j.minChild {
			continue
		}
		if gain := j.change(feature, rest, sum, node.bounds, node.undivided); own.better(gain, feature) {
			own = split{gain: gain, feature: feature, code: code - 1, missingLeft: true, left: rest, right: sum}
		}
	}
	best.take(own)
}
