package boost

import (
	"fmt"
	"math"
	"slices"
	"sort"
)

// Column is one coded feature. Code c of a row says that Cuts[c-1] <= value < Cuts[c]; the code after the last bin,
// len(Cuts)+1, says that the value is absent.
type Column struct {
	Name  string
	Cuts  []float64
	Codes []uint8
}

// Missing is the code of an absent value.
func (c *Column) Missing() int { return len(c.Cuts) + 1 }

// Data is a coded table with labels (1 bad, 0 good) and, when not nil, a weight for each row.
type Data struct {
	Columns []Column
	Labels  []float32
	Weights []float32
}

// Rows is the number of rows.
func (d *Data) Rows() int { return len(d.Labels) }

// Cuts chooses at most bins-1 cuts of a column by quantiles, one code being kept for absent values (NaN). When the
// column has fewer distinct values than that, each has a bin of its own. A cut is the smallest value of the bin above it.
func Cuts(values []float64, bins int) []float64 {
	sorted := make([]float64, 0, len(values))
	missing := false
	for _, v := range values {
		if math.IsNaN(v) {
			missing = true
			continue
		}
		sorted = append(sorted, v)
	}
	if missing {
		bins--
	}
	slices.Sort(sorted)
	var distinct []float64
	var counts []int
	for i, v := range sorted {
		if i == 0 || v != sorted[i-1] {
			distinct, counts = append(distinct, v), append(counts, 0)
		}
		counts[len(counts)-1]++
	}
	if len(distinct) <= bins {
		return slices.Clone(distinct[min(1, len(distinct)):])
	}
	return quantileCuts(distinct, counts, len(sorted), bins)
}

// quantileCuts fills bins to an even share of the rows that are left, so that one heavy value costs one bin only.
func quantileCuts(distinct []float64, counts []int, rows, bins int) []float64 {
	var cuts []float64
	left, inBin := rows, 0
	for i := range distinct {
		share := float64(left) / float64(bins-len(cuts))
		full := inBin > 0 && (float64(inBin) >= share || float64(inBin)+float64(counts[i])/2 > share)
		if full && len(cuts) < bins-1 {
			cuts = append(cuts, distinct[i])
			left, inBin = left-inBin, 0
		}
		inBin += counts[i]
	}
	return cuts
}

// Encode codes values by cuts; NaN is absent.
func Encode(cuts, values []float64) []uint8 {
	codes := make([]uint8, len(values))
	for i, v := range values {
		codes[i] = uint8(code(cuts, v))
	}
	return codes
}

func code(cuts []float64, v float64) int {
	if math.IsNaN(v) {
		return len(cuts) + 1
	}
	return sort.Search(len(cuts), func(i int) bool { return v < cuts[i] })
}

// validate checks what training relies on.
func (d *Data) validate() error {
	if len(d.Columns) == 0 || len(d.Columns) > MaxColumns {
		return badData(fmt.Sprintf("有 %d 列，应为 1 至 %d 列", len(d.Columns), MaxColumns), fmt.Sprintf("%d columns, 1 to %d are taken", len(d.Columns), MaxColumns))
	}
	if d.Weights != nil && len(d.Weights) != len(d.Labels) {
		return badData(fmt.Sprintf("权重 %d 个，标签 %d 个", len(d.Weights), len(d.Labels)), fmt.Sprintf("%d weights for %d labels", len(d.Weights), len(d.Labels)))
	}
	bads, goods := 0, 0
	for i, y := range d.Labels {
		switch y {
		case 0:
			goods++
		case 1:
			bads++
		default:
			return badData(fmt.Sprintf("第 %d 行标签为 %g，应为 0 或 1", i+1, y), fmt.Sprintf("row %d has the label %g, 0 or 1 is expected", i+1, y))
		}
		if d.Weights != nil && !(d.Weights[i] >= 0 && d.Weights[i] < math.MaxFloat32) {
			return badData(fmt.Sprintf("第 %d 行权重为 %g，应为非负数", i+1, d.Weights[i]), fmt.Sprintf("row %d has the weight %g, it must not be negative", i+1, d.Weights[i]))
		}
	}
	if bads == 0 || goods == 0 {
		return badData(fmt.Sprintf("坏样本 %d 行、好样本 %d 行，两类都要有", bads, goods), fmt.Sprintf("%d bad and %d good rows; both are needed", bads, goods))
	}
	names := map[string]bool{}
	for i := range d.Columns {
		if err := d.Columns[i].validate(len(d.Labels)); err != nil {
			return err
		}
		if name := d.Columns[i].Name; names[name] {
			return badData("列名 "+name+" 重复", "the column name "+name+" stands twice")
		}
		names[d.Columns[i].Name] = true
	}
	return nil
}

func (c *Column) validate(rows int) error {
	if len(c.Codes) != rows {
		return badData(fmt.Sprintf("列 %s 有 %d 个编码，共 %d 行", c.Name, len(c.Codes), rows), fmt.Sprintf("column %s has %d codes for %d rows", c.Name, len(c.Codes), rows))
	}
	if len(c.Cuts) > MaxBins-1 {
		return badData(fmt.Sprintf("列 %s 有 %d 个分箱，最多 %d", c.Name, len(c.Cuts)+1, MaxBins), fmt.Sprintf("column %s has %d bins, at most %d are taken", c.Name, len(c.Cuts)+1, MaxBins))
	}
	for i, v := range c.Cuts {
		if math.IsNaN(v) || math.IsInf(v, 0) || i > 0 && v <= c.Cuts[i-1] {
			return badData(fmt.Sprintf("列 %s 的切点须递增且有限", c.Name), fmt.Sprintf("the cuts of column %s must rise and be finite", c.Name))
		}
	}
	for i, code := range c.Codes {
		if int(code) > c.Missing() {
			return badData(fmt.Sprintf("列 %s 第 %d 行编码 %d 超出分箱", c.Name, i+1, code), fmt.Sprintf("column %s, row %d: code %d is beyond the bins", c.Name, i+1, code))
		}
	}
	return nil
}
