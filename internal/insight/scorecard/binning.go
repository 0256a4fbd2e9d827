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
	best                  []float64 // best[k][j][i]: k+1 bins ending in i..j; starts of one end lie side by side
	from                  []int16
	logs                  logTable
}

// logTable keeps the two logarithms of a weight of evidence by count, since counts repeat endlessly
// over the bins of all features of a fold.
type logTable struct {
	totalGood, totalBad int
	strength            float64
	good, bad           []float64 // log(count + strength firms of the average kind)
	odds                float64   // log(totalBad/totalGood)
}

func (t *logTable) prepare(totalGood, totalBad int, strength float64) {
	if t.totalGood == totalGood && t.totalBad == totalBad && t.strength == strength && t.good != nil {
		return
	}
	*t = logTable{totalGood: totalGood, totalBad: totalBad, strength: strength, good: t.good[:0], bad: t.bad[:0]}
	rate := float64(totalBad) / float64(totalGood+totalBad)
	for n := range totalGood + 1 {
		t.good = append(t.good, math.Log(float64(n)+strength*(1-rate)))
	}
	for n := range totalBad + 1 {
		t.bad = append(t.bad, math.Log(float64(n)+strength*rate))
	}
	t.odds = math.Log(float64(totalBad) / float64(totalGood))
}

// weight is shrunk of the counts.
func (t *logTable) weight(good, bad int) float64 { return t.bad[bad] - t.good[good] - t.odds }

// cut returns the last cell index of each bin; direction 1 means default rates rise with the value, -1 fall.
// The second result is the penalised information value; no bins means that no cut separates anything.
func (b *binner) cut(c *cells, direction int) ([]int, float64) {
	n := len(c.upper)
	if n == 0 {
		return nil, 0
	}
	b.prepare(c)
	at := func(k, i, j int) int { return (k*n+j)*n + i }
	bestScore, bk, bi := math.Inf(-1), -1, -1
	for k := 0; k < b.maxBins && k < n; k++ {
		first := 0
		if k == min(b.maxBins, n)-1 {
			first = n - 1 // nothing follows the last layer, so only bins that end the feature matter
		}
		for j := max(first, k); j < n; j++ {
			for i := k; i <= j; i++ {
				b.extend(n, k, i, j, direction)
			}
		}
		for i := k; i < n; i++ {
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

// extend finds the best k+1 bins whose last one is i..j: the default rate of that bin must lie strictly on the asked
// side of that of the bin before, h..i-1.
func (b *binner) extend(n, k, i, j, direction int) {
	here := (k*n+j)*n + i
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
	bad, all := b.count(i, j)
	before := b.best[((k-1)*n+i-1)*n : ((k-1)*n+i-1)*n+i]
	best, from := math.Inf(-1), int16(-1)
	for h := k - 1; h < i; h++ {
		s := before[h] + own
		if s <= best {
			continue
		}
		leftBad, leftAll := b.count(h, i-1)
		if (bad*leftAll-leftBad*all)*direction > 0 {
			best, from = s, int16(h)
		}
	}
	b.best[here], b.from[here] = best, from
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
	b.logs.prepare(b.prefixGood[n], b.prefixBad[n], b.strength)
	for i := range n {
		for j := i; j < n; j++ {
			bad, all := b.count(i, j)
			if all < b.minCount && (i > 0 || j < n-1) {
				b.value[i*n+j] = math.NaN()
				continue
			}
			good := all - bad
			b.value[i*n+j] = (float64(bad)/tb - float64(good)/tg) * b.logs.weight(good, bad)
		}
	}
}
