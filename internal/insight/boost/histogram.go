package boost

// stats are sums of first and second derivatives over rows.
type stats struct{ g, h float64 }

func (s *stats) add(o stats) { s.g, s.h = s.g+o.g, s.h+o.h }

func (s stats) minus(o stats) stats { return stats{s.g - o.g, s.h - o.h} }

// gradient holds the derivatives of one row's loss in single precision, as XGBoost keeps them.
type gradient struct{ g, h float32 }

// index is the coded table row by row: of every cell, the position of its bin in a histogram over all columns. A row's
// cells lie side by side, so that adding a row touches one stretch of memory.
type index[T uint16 | uint32] struct {
	cells   []T
	columns int
}

func newIndex[T uint16 | uint32](d *Data, offsets []int) *index[T] {
	x := &index[T]{cells: make([]T, d.Rows()*len(d.Columns)), columns: len(d.Columns)}
	for f := range d.Columns {
		for r, code := range d.Columns[f].Codes {
			x.cells[r*x.columns+f] = T(offsets[f] + int(code))
		}
	}
	return x
}

// accumulate adds rows to the bins of the columns from..to-1. Every bin is summed in the order of the rows whatever
// columns are asked for together, so the sums do not depend on how the columns are shared out.
func (x *index[T]) accumulate(hist []stats, rows []int32, grads []gradient, from, to int) {
	for _, r := range rows {
		at := int(r) * x.columns
		g, h := float64(grads[r].g), float64(grads[r].h)
		for _, cell := range x.cells[at+from : at+to] {
			s := &hist[cell]
			s.g += g
			s.h += h
		}
	}
}

// accumulator hides the width of the index.
type accumulator interface {
	accumulate(hist []stats, rows []int32, grads []gradient, from, to int)
}

// buildIndex picks the narrow index when all bins fit into it.
func buildIndex(d *Data) (offsets []int, x accumulator) {
	offsets = make([]int, len(d.Columns)+1)
	for f := range d.Columns {
		offsets[f+1] = offsets[f] + d.Columns[f].Missing() + 1
	}
	if offsets[len(d.Columns)] <= 1<<16 {
		return offsets, newIndex[uint16](d, offsets)
	}
	return offsets, newIndex[uint32](d, offsets)
}

func subtract(out, parent, sibling []stats) {
	for i := range out {
		out[i] = stats{parent[i].g - sibling[i].g, parent[i].h - sibling[i].h}
	}
}
