package boost

import (
	"context"
	"math"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"
)

// drawn is a made-up table of the shape of the public one: 23 columns of 32 codes.
func drawn(rows, columns, bins int, missing float64, seed uint64) *Data {
	random := rand.New(rand.NewPCG(seed, 7))
	d := &Data{Columns: make([]Column, columns), Labels: make([]float32, rows)}
	risk := make([]float64, rows)
	for f := range d.Columns {
		c := &d.Columns[f]
		c.Name = "c" + strconv.Itoa(f)
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

// BenchmarkPredict scores rows with 100 trees of depth 5.
func BenchmarkPredict(b *testing.B) {
	for _, missing := range []float64{0, 0.05} {
		d := drawn(21_000, 23, 32, missing, 1)
		p := DefaultParams()
		p.Trees, p.Depth = 100, 5
		m, _, err := Train(context.Background(), d, nil, p)
		if err != nil {
			b.Fatal(err)
		}
		values := d.values()
		name := "dense"
		if missing > 0 {
			name = "with absent values"
		}
		b.Run(name, func(b *testing.B) {
			fast := NewPredictor(m)
			out := make([]float64, 0, 512)
			least, i := math.Inf(1), 0
			for b.Loop() {
				start := time.Now()
				if _, err := fast.Margins(out, values[i*23:(i+512)*23]); err != nil {
					b.Fatal(err)
				}
				least = min(least, float64(time.Since(start).Nanoseconds())/512)
				i = (i + 512) % (d.Rows() - 512)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/512, "ns/row")
			b.ReportMetric(least, "least-ns/row")
		})
		b.Run(name+", one row", func(b *testing.B) {
			i := 0
			for b.Loop() {
				if _, err := m.Predict(values[i*23 : i*23+23]); err != nil {
					b.Fatal(err)
				}
				i = (i + 1) % d.Rows()
			}
		})
		b.Run(name+", explained", func(b *testing.B) {
			e, i := NewExplainer(m), 0
			for b.Loop() {
				if _, err := e.Explain(values[i*23 : i*23+23]); err != nil {
					b.Fatal(err)
				}
				i = (i + 1) % d.Rows()
			}
		})
	}
}

// values are the table's rows one after another, each code standing for the lower end of its bin.
func (d *Data) values() []float64 {
	out := make([]float64, 0, d.Rows()*len(d.Columns))
	for r := range d.Rows() {
		for f := range d.Columns {
			c := &d.Columns[f]
			v := math.NaN()
			if k := int(c.Codes[r]); k == 0 {
				v = -1
			} else if k <= len(c.Cuts) {
				v = c.Cuts[k-1]
			}
			out = append(out, v)
		}
	}
	return out
}
