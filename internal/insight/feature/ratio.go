package feature

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
)

// share is a over b, null when b is not positive.
func share(a, b int64) float64 {
	if b <= 0 {
		return null
	}
	return float64(a) / float64(b)
}

// growth is now over before minus one, null when before is not positive.
func growth(now, before int64) float64 {
	if before <= 0 {
		return null
	}
	return float64(now)/float64(before) - 1
}

// sum adds the anchored months [from, to).
func sum[T int32 | int64](months *[HistoryMonths]T, from, to int) int64 {
	var s int64
	for _, v := range months[from:to] {
		s += int64(v)
	}
	return s
}

// tenureMonths is the number of anchored months since the first valid invoice of either direction, 0 when none.
func (a *Analysis) tenureMonths() int {
	oldest := max(a.side[sale].oldest(), a.side[purchase].oldest())
	if oldest < 0 {
		return 0
	}
	return int(a.frame.place[oldest].month) + 1
}

// tenure is the number of anchored months since the direction's first valid invoice, 0 when none.
func (a *Analysis) tenure(dir int) int {
	oldest := a.side[dir].oldest()
	if oldest < 0 {
		return 0
	}
	return int(a.frame.place[oldest].month) + 1
}

// active counts the anchored months in [from, to) with a valid invoice.
func (t *tally) active(from, to int) int {
	n := 0
	for _, c := range t.count[from:to] {
		if c > 0 {
			n++
		}
	}
	return n
}

// activeDays counts the days with a valid invoice that are younger than limit days.
func (t *tally) activeDays(limit int) int {
	n := 0
	for w := range t.days {
		word := t.days[w]
		switch {
		case limit <= 0:
			return n
		case limit < 64:
			word &= 1<<limit - 1
		}
		n += bits.OnesCount64(word)
		limit -= 64
	}
	return n
}

// longestGap is the largest number of days without a valid invoice between the first one younger than limit days and
// the as-of date. Null when there is none.
func (t *tally) longestGap(limit int) float64 {
	last, longest := -1, 0
	for age := 0; age < limit && age < historyDays; age++ {
		if t.days[age>>6]&(1<<(age&63)) == 0 {
			continue
		}
		longest = max(longest, age-last-1)
		last = age
	}
	if last < 0 {
		return null
	}
	return float64(longest)
}

func meanOf(months []int64) float64 {
	var s float64
	for _, v := range months {
		s += float64(v)
	}
	return s / float64(len(months))
}

// variation is the standard deviation over the mean, null when the mean is not positive.
func variation(months []int64) float64 {
	mean := meanOf(months)
	if mean <= 0 {
		return null
	}
	var ss float64
	for _, v := range months {
		d := float64(v) - mean
		ss += d * d
	}
	return math.Sqrt(ss/float64(len(months))) / mean
}

// slope is the least-squares change per month over the mean; months run from the newest to the oldest.
func slope(months []int64) float64 {
	mean := meanOf(months)
	if mean <= 0 {
		return null
	}
	n := float64(len(months))
	var sxy, sxx float64
	for i, v := range months {
		x := (n - 1) / 2
		x -= float64(i)
		sxy += x * (float64(v) - mean)
		sxx += x * x
	}
	return sxy / sxx / mean
}

// tau is Kendall's rank correlation of value and time; months run from the newest to the oldest.
func tau(months []int64) float64 {
	var concordant, pairs int
	for i := range months {
		for j := i + 1; j < len(months); j++ {
			pairs++
			switch {
			case months[i] > months[j]:
				concordant++
			case months[i] < months[j]:
				concordant--
			}
		}
	}
	return float64(concordant) / float64(pairs)
}

// drawdown is the largest fall of the three-month sum from its earlier peak, as a share of the peak.
func drawdown(months []int64) float64 {
	var peak int64
	worst := null
	for i := len(months) - 3; i >= 0; i-- {
		quarter := months[i] + months[i+1] + months[i+2]
		peak = max(peak, quarter)
		if peak > 0 {
			fall := 1 - float64(quarter)/float64(peak)
			if Null(worst) || fall > worst {
				worst = fall
			}
		}
	}
	return worst
}

// lagCorrelation correlates months with the months lag earlier; null when either part does not vary.
func lagCorrelation(months []int64, lag int) float64 {
	near, far := months[:len(months)-lag], months[lag:]
	mn, mf := meanOf(near), meanOf(far)
	var xy, xx, yy float64
	for i := range near {
		x, y := float64(near[i])-mn, float64(far[i])-mf
		xy, xx, yy = xy+x*y, xx+x*x, yy+y*y
	}
	if xx == 0 || yy == 0 {
		return null
	}
	return xy / math.Sqrt(xx*yy)
}

// positives lists the positive twelve-month nets of one direction's counterparties, largest first.
func (a *Analysis) positives(dir int) []int64 {
	var nets []int64
	for i := range a.parties {
		if v := a.parties[i].net12[dir]; v > 0 {
			nets = append(nets, v)
		}
	}
	slices.SortFunc(nets, func(x, y int64) int { return cmp.Compare(y, x) })
	return nets
}

// herfindahl is the sum of squared shares of the positive twelve-month nets: 1 is a single counterparty.
func (a *Analysis) herfindahl(dir int) float64 {
	nets := a.ranked[dir]
	var total float64
	for _, v := range nets {
		total += float64(v)
	}
	if total == 0 {
		return null
	}
	var h float64
	for _, v := range nets {
		s := float64(v) / total
		h += s * s
	}
	return h
}

// topShare is the share of the n largest counterparties in the positive twelve-month nets.
func (a *Analysis) topShare(dir, n int) float64 {
	var top, total int64
	for i, v := range a.ranked[dir] {
		total += v
		if i < n {
			top += v
		}
	}
	return share(top, total)
}

// partyShare is the share of the direction's positive twelve-month net that the chosen counterparties hold.
func (a *Analysis) partyShare(dir int, chosen func(*party) bool) float64 {
	var part, total int64
	for i := range a.parties {
		p := &a.parties[i]
		if p.net12[dir] <= 0 {
			continue
		}
		total += p.net12[dir]
		if chosen(p) {
			part += p.net12[dir]
		}
	}
	return share(part, total)
}

// retention is the share of the prior year's positive net that came from counterparties active again this year.
func (a *Analysis) retention(dir int) float64 {
	var kept, total int64
	for i := range a.parties {
		p := &a.parties[i]
		if p.netPrior[dir] <= 0 {
			continue
		}
		total += p.netPrior[dir]
		if p.months12[dir] != 0 {
			kept += p.netPrior[dir]
		}
	}
	return share(kept, total)
}

// countParties counts the counterparties for which the test holds.
func (a *Analysis) countParties(chosen func(*party) bool) int {
	n := 0
	for i := range a.parties {
		if chosen(&a.parties[i]) {
			n++
		}
	}
	return n
}
