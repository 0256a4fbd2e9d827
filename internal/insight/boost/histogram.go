package boost

// stats are sums of first and second derivatives over rows.
type stats struct{ g, h float64 }

func (s *stats) add(o stats) { s.g, s.h = s.g+o.g, s.h+o.h }

func (s stats) minus(o stats) stats { return stats{s.g - o.g, s.h - o.h} }

// gradient holds the derivatives of one row's loss in single precision, as XGBoost keeps them.
type gradient struct{ g, h float32 }

// index is the coded table row by row: a row's cells lie side by side, so that adding a row touches one stretch of memory.
type index struct {
	cells   []uint8
	columns int
	offsets []int // of a column's bins in a histogram over all columns, and the end of the last
}

func newIndex(d *Data) *index {
	n := len(d.Columns)
	x := &index{cells: make([]uint8, d.Rows()*n), columns: n, offsets: make([]int, n+1)}
	for f := range d.Columns {
		x.offsets[f+1] = x.offsets[f] + d.Columns[f].Missing() + 1
		for r, code := range d.Columns[f].Codes {
			x.cells[r*n+f] = code
		}
	}
	return x
}

// accumulate adds rows to the bins of the columns from..to-1. Every bin is summed in the order of the rows whatever
// columns are asked for together, so the sums do not depend on how the columns are shared out.
func (x *index) accumulate(hist []stats, rows []int32, grads []gradient, from, to int) {
	offsets := x.offsets[from:to]
	for _, r := range rows {
		at := int(r) * x.columns
		g, h := float64(grads[r].g), float64(grads[r].h)
		row := x.cells[at+from : at+to]
		for k, code := range row[:len(offsets)] {
			s := &hist[offsets[k]+int(code)]
			s.g += g
			s.h += h
		}
	}
}

func subtract(out, parent, sibling []stats) {
	for i := range out {
		out[i] = stats{parent[i].g - sibling[i].g, parent[i].h - sibling[i].h}
	}
}
