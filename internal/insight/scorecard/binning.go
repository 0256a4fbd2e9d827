package scorecard

import "math"

// cells are the sorted prebins of one feature: counts of good and bad rows with a value at most upper.
type cells struct {
	upper     []float64
	good, bad []int
}

func (c *cells) add(upper float64, good, bad int) {
	c.upper, c.good, c.bad = append(c.upper, upper), append(c.good, good), append(c.bad, bad)
}

// binner cuts a feature into few bins with monotone default rates so that the information value is the largest.
type binner struct {
	maxBins  int
	minCount int
	strength float64 // pseudo-firms that pull each bin's weight to zero
	penalty  float64 // information value that each further bin must add

	prefixGood, prefixBad []int
	value                 []float64 // information of bin i..j, or NaN when too small
	best                  []float64 // best[k][i][j]: k+1 bins ending in i..j
	from                  []int16
}

// cut returns the last cell index of each bin; direction 1 means default rates rise with the value, -1 fall.
// The second result is the penalised information value; no bins means that no cut separates anything.
func (b *binner) cut(c *cells, direction int) ([]int, float64) {
	n := len(c.upper)
	if n == 0 {
		return nil, 0
	}
	b.prepare(c)
	at := func(k, i, j int) int { return (k*n+i)*n + j }
	bestScore, bk, bi := math.Inf(-1), -1, -1
	for k := 0; k < b.maxBins && k < n; k++ {
		for i := k; i < n; i++ {
			for j := i; j < n; j++ {
				b.extend(n, k, i, j, direction, at)
			}
			if s := b.best[at(k, i, n-1)] - b.penalty*float64(k); s > bestScore {
				bestScore, bk, bi = s, k, i
			}
		}
	}
	if bk < 0 {
		return nil, 0
	}
	ends := make([]int, bk+1)
	i, j := bi, n-1
	for k := bk; k >= 0; k-- {
		ends[k] = j
		i, j = int(b.from[at(k, i, j)]), i-1
	}
	return ends, bestScore
}

// extend finds the best k+1 bins whose last one is i..j.
func (b *binner) extend(n, k, i, j, direction int, at func(k, i, j int) int) {
	here := at(k, i, j)
	b.best[here], b.from[here] = math.Inf(-1), -1
	own := b.value[i*n+j]
	if math.IsNaN(own) {
		return
	}
	if k == 0 {
		if i == 0 {
			b.best[here] = own
		}
		return
	}
	for h := k - 1; h < i; h++ {
		before := b.best[at(k-1, h, i-1)]
		if math.IsInf(before, -1) || !b.monotone(h, i, j, direction) {
			continue
		}
		if s := before + own; s > b.best[here] {
			b.best[here], b.from[here] = s, int16(h)
		}
	}
}

// monotone reports whether the default rate of cells i..j lies strictly on the asked side of that of h..i-1.
func (b *binner) monotone(h, i, j, direction int) bool {
	leftBad, leftAll := b.count(h, i-1)
	rightBad, rightAll := b.count(i, j)
	diff := rightBad*leftAll - leftBad*rightAll
	return diff*direction > 0
}

func (b *binner) count(i, j int) (bad, all int) {
	bad = b.prefixBad[j+1] - b.prefixBad[i]
	return bad, bad + b.prefixGood[j+1] - b.prefixGood[i]
}

func (b *binner) prepare(c *cells) {
	n := len(c.upper)
	b.prefixGood, b.prefixBad = append(b.prefixGood[:0], 0), append(b.prefixBad[:0], 0)
	for i := range n {
		b.prefixGood = append(b.prefixGood, b.prefixGood[i]+c.good[i])
		b.prefixBad = append(b.prefixBad, b.prefixBad[i]+c.bad[i])
	}
	if cap(b.value) < n*n {
		b.value = make([]float64, n*n)
	}
	b.value = b.value[:n*n]
	if size := b.maxBins * n * n; cap(b.best) < size {
		b.best, b.from = make([]float64, size), make([]int16, size)
	}
	b.best, b.from = b.best[:b.maxBins*n*n], b.from[:b.maxBins*n*n]
	tg, tb := float64(b.prefixGood[n]), float64(b.prefixBad[n])
	for i := range n {
		for j := i; j < n; j++ {
			bad, all := b.count(i, j)
			if all < b.minCount && !(i == 0 && j == n-1) {
				b.value[i*n+j] = math.NaN()
				continue
			}
			good := float64(all - bad)
			b.value[i*n+j] = (float64(bad)/tb - good/tg) * shrunk(good, float64(bad), tg, tb, b.strength)
		}
	}
}
