package assess

import (
	"context"
	"runtime"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/evidence/source"
	"github.com/capillary-finance/capillary/internal/insight/feature"
)

// Orphan is a firm that has invoices but does not stand in the firm file.
type Orphan struct {
	Firm     string `json:"firm"`
	Invoices int    `json:"invoices"`
}

// profiles computes every firm's analysis and vector, the largest firms first so that no worker is
// left with one at the end.
func profiles(ctx context.Context, asOf calendar.Date, e *evidence) ([]*feature.Analysis, []feature.Vector, error) {
	analyses := make([]*feature.Analysis, len(e.firms))
	vectors := make([]feature.Vector, len(e.firms))
	order := make([]int, len(e.firms))
	sizes := make([]int, len(e.firms))
	for i, f := range e.firms {
		order[i] = i
		for _, file := range e.files {
			if p := file.byFirm[f.Code]; p != nil {
				sizes[i] += p.n
			}
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return sizes[b] - sizes[a] })
	var next atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	for range min(runtime.GOMAXPROCS(0), len(e.firms)) {
		g.Go(func() error {
			var scratch []source.Invoice
			for {
				k := int(next.Add(1)) - 1
				if k >= len(order) || ctx.Err() != nil {
					return ctx.Err()
				}
				i := order[k]
				scratch = e.invoices(e.firms[i].Code, scratch[:0], sizes[i])
				analyses[i] = feature.Analyse(asOf, scratch)
				vectors[i] = analyses[i].Vector()
			}
		})
	}
	return analyses, vectors, g.Wait()
}

// invoices writes one firm's rows of all files into the scratch slice.
func (e *evidence) invoices(firm string, scratch []source.Invoice, size int) []source.Invoice {
	scratch = slices.Grow(scratch, size)
	for i := range e.files {
		scratch = e.files[i].appendTo(scratch, firm)
	}
	return scratch
}

// withGraph adds the features that need all firms: who shares counterparties with whom.
func withGraph(firms []source.FirmRow, analyses []*feature.Analysis) []feature.Vector {
	graph := feature.NewGraph()
	for i := range firms {
		graph.Add(firms[i].Code, analyses[i])
	}
	vectors := make([]feature.Vector, len(firms))
	for i := range firms {
		vectors[i] = analyses[i].In(graph, firms[i].Code).Vector()
	}
	return vectors
}

// orphans lists firms with invoices but without a line in the firm file.
func (e *evidence) orphans() []Orphan {
	known := make(map[string]bool, len(e.firms))
	for _, f := range e.firms {
		known[f.Code] = true
	}
	counts := map[string]int{}
	for _, file := range e.files {
		for code, p := range file.byFirm {
			if !known[code] {
				counts[code] += p.n
			}
		}
	}
	out := make([]Orphan, 0, len(counts))
	for code, n := range counts {
		out = append(out, Orphan{code, n})
	}
	slices.SortFunc(out, func(a, b Orphan) int {
		if a.Firm < b.Firm {
			return -1
		}
		return 1
	})
	return out
}
