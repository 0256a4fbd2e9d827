package boost

import (
	"context"
	"math/rand/v2"
	"testing"
)

// drawn is a made-up table of the shape of the public one: 23 columns of 32 codes.
func drawn(rows, columns, bins int, missing float64, seed uint64) *Data {
	random := rand.New(rand.NewPCG(seed, 7))
	d := &Data{Columns: make([]Column, columns), Labels: make([]float32, rows)}
	risk := make([]float64, rows)
	for f := range d.Columns {
		c := &d.Columns[f]
		c.Name = "c" + string(rune('a'+f%26))
		for b := 1; b < bins; b++ {
			c.Cuts = append(c.Cuts, float64(b))
		}
		for r := range rows {
			if random.Float64() < missing {
				c.Codes = append(c.Codes, uint8(c.Missing()))
				risk[r] += 0.2
				continue
			}
			k := random.IntN(bins)
			c.Codes = append(c.Codes, uint8(k))
			risk[r] += (float64(k)/float64(bins) - 0.5) * float64(f%5-2) / 2
		}
	}
	for r := range rows {
		if risk[r]+random.NormFloat64() > 1 {
			d.Labels[r] = 1
		}
	}
	d.Labels[0], d.Labels[1] = 0, 1
	return d
}

func BenchmarkTrain(b *testing.B) {
	d := drawn(21_000, 23, 32, 0, 1)
	for _, workers := range []int{1, 2} {
		b.Run("goroutines="+string(rune('0'+workers)), func(b *testing.B) {
			p := DefaultParams()
			p.Trees, p.Depth, p.Workers = 20, 5, workers
			for b.Loop() {
				if _, _, err := Train(context.Background(), d, nil, p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
