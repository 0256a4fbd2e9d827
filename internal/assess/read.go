package assess

import (
	"context"
	"os"
	"path/filepath"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/credit/pricing"
	"github.com/capillary-finance/capillary/internal/evidence/source"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// entry is an invoice without what a profile does not need. Touching fresh memory is a good part of
// the time of a short run, and this is half the size of an invoice.
type entry struct {
	net, tax, gross int64
	date            calendar.Date
	party           uint32 // index into the names of the file
	flags           uint8
}

const (
	flagVoid = 1 << iota
	flagDuplicate
)

// pages hold the invoices of one firm and direction in blocks, so that growing copies nothing.
type pages struct {
	blocks [][]entry
	n      int
}

const (
	firstPage = 32
	lastPage  = 4096
)

func (p *pages) add(r *source.Row) {
	k := len(p.blocks) - 1
	if k < 0 || len(p.blocks[k]) == cap(p.blocks[k]) {
		size := firstPage
		if k >= 0 {
			size = min(lastPage, 2*cap(p.blocks[k]))
		}
		p.blocks = append(p.blocks, make([]entry, 0, size))
		k++
	}
	e := entry{net: r.NetMinor, tax: r.TaxMinor, gross: r.GrossMinor, date: r.Date, party: r.CounterpartyID}
	if r.Void {
		e.flags |= flagVoid
	}
	if r.Duplicate {
		e.flags |= flagDuplicate
	}
	p.blocks[k] = append(p.blocks[k], e)
	p.n++
}

// invoiceFile is one decoded file: its report and its rows by firm.
type invoiceFile struct {
	report  source.Report
	byFirm  map[string]*pages
	parties []string
}

// appendTo writes a firm's rows as invoices; the number, which no feature reads, is left out.
func (f *invoiceFile) appendTo(out []source.Invoice, firm string) []source.Invoice {
	p := f.byFirm[firm]
	if p == nil {
		return out
	}
	for _, b := range p.blocks {
		for i := range b {
			e := &b[i]
			out = append(out, source.Invoice{
				Direction: f.report.Direction, Date: e.date, Counterparty: f.parties[e.party], NetMinor: e.net, TaxMinor: e.tax, GrossMinor: e.gross,
				Void: e.flags&flagVoid != 0, Duplicate: e.flags&flagDuplicate != 0, Red: e.gross < 0, Mismatch: e.net+e.tax != e.gross,
			})
		}
	}
	return out
}

// evidence is everything that was read.
type evidence struct {
	firms    []source.FirmRow
	firmFile source.FirmReport
	files    []invoiceFile
	curve    pricing.Curve
}

// read decodes all files at once, one goroutine each beside those that unpack.
func read(ctx context.Context, o *Options, in inputs) (*evidence, error) {
	e := &evidence{files: make([]invoiceFile, len(in.purchases)+len(in.sales))}
	bar := newByteBar(o, in)
	g, ctx := errgroup.WithContext(ctx)
	for i, path := range in.invoices() {
		direction := source.Purchase
		if i >= len(in.purchases) {
			direction = source.Sale
		}
		g.Go(func() error {
			var err error
			e.files[i], err = readInvoices(ctx, path, direction, o, bar.file())
			return err
		})
	}
	g.Go(func() error { return e.readFirms(ctx, in.firms, o) })
	g.Go(func() error {
		f, err := openFile(in.curve)
		if err != nil {
			return err
		}
		defer closeFile(f)
		e.curve, err = pricing.ParseCurve(f)
		return err
	})
	if err := g.Wait(); err != nil {
		return nil, err
	}
	bar.end()
	return e, nil
}

func readInvoices(ctx context.Context, path string, d source.Direction, o *Options, progress func(int64, int64)) (invoiceFile, error) {
	out := invoiceFile{byFirm: map[string]*pages{}}
	f, err := openFile(path)
	if err != nil {
		return out, err
	}
	defer closeFile(f)
	var at *pages
	var firm string
	out.report, err = source.Decode(ctx, f, source.Options{
		Name: filepath.Base(path), Direction: d, MaxErrors: o.MaxErrors, Progress: progress,
	}, func(r source.Row) error {
		if at == nil || r.Firm != firm {
			firm = r.Firm
			if at = out.byFirm[firm]; at == nil {
				at = &pages{}
				out.byFirm[firm] = at
			}
		}
		if id := int(r.CounterpartyID); id >= len(out.parties) { // a number may be skipped: its only row was rejected
			out.parties = append(out.parties, make([]string, id+1-len(out.parties))...)
			out.parties[id] = r.Counterparty
		} else if out.parties[id] == "" {
			out.parties[id] = r.Counterparty
		}
		at.add(&r)
		return nil
	})
	return out, err
}

func (e *evidence) readFirms(ctx context.Context, path string, o *Options) error {
	f, err := openFile(path)
	if err != nil {
		return err
	}
	defer closeFile(f)
	e.firmFile, err = source.DecodeFirms(ctx, f, source.Options{Name: filepath.Base(path), MaxErrors: o.MaxErrors}, func(r source.FirmRow) error {
		e.firms = append(e.firms, r)
		return nil
	})
	if err == nil && len(e.firms) == 0 {
		err = fault.New(ReasonNoFirms, "file", filepath.Base(path), "rejected", e.firmFile.Rejected)
	}
	return err
}

func openFile(path string) (*os.File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fault.New(ReasonFileRead, "file", path, "problem", plainError(err)).Wrap(err)
	}
	return f, nil
}

// closeFile closes a file that was only read: a failure to close it loses nothing.
func closeFile(f *os.File) { _ = f.Close() }

// lastDate is the date of the newest invoice.
func (e *evidence) lastDate() calendar.Date {
	var last calendar.Date
	for _, f := range e.files {
		if f.report.Last.After(last) {
			last = f.report.Last
		}
	}
	return last
}

// byteBar adds up the progress of files that are read at the same time.
type byteBar struct {
	progress func(Event)
	total    int64
	done     atomic.Int64
}

func newByteBar(o *Options, in inputs) *byteBar {
	b := &byteBar{progress: o.Progress}
	for _, path := range in.invoices() {
		if info, err := os.Stat(path); err == nil {
			b.total += info.Size()
		}
	}
	return b
}

func (b *byteBar) file() func(int64, int64) {
	if b.progress == nil {
		return nil
	}
	var before int64
	return func(bytes, _ int64) {
		done := b.done.Add(bytes - before)
		before = bytes
		b.tell(done)
	}
}

func (b *byteBar) tell(done int64) {
	b.progress(Event{Stage: "read", Zh: "读取发票", En: "Reading invoices", Done: done, Total: b.total, Unit: "B"})
}

func (b *byteBar) end() {
	if b.progress != nil {
		b.tell(b.total)
	}
}
