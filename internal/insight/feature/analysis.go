package feature

import (
	"math/bits"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/evidence/source"
)

// HistoryMonths is how far back an analysis looks; older invoices are not counted by any feature.
const HistoryMonths = 60

// historyDays is longer than any 60 months.
const historyDays = 1830

// calendarMonths covers 60 anchored months, whatever day of the month the as-of date is.
const calendarMonths = HistoryMonths + 1

const (
	sale     = 0
	purchase = 1
)

// tally holds one direction's sums. Anchored month 0 ends on the as-of date.
type tally struct {
	net, tax, gross [HistoryMonths]int64
	redAbs          [HistoryMonths]int64 // absolute net of red-letter invoices
	voidAbs         [HistoryMonths]int64 // absolute gross of void invoices
	count           [HistoryMonths]int32 // valid invoices, red-letter ones included
	red             [HistoryMonths]int32
	void            [HistoryMonths]int32

	calNet, calTax [calendarMonths]int64 // calendar month 0 is the month of the as-of date
	calCount       [calendarMonths]int32
	calVoid        [calendarMonths]int32

	days [historyDays/64 + 1]uint64 // bit = age in days of a day with a valid invoice

	largest12    int64 // largest net of one invoice
	untaxed12    int64 // net of positive invoices without tax
	monthEnd12   int64 // net in the last five days of a calendar month
	quarterEnd12 int64 // net in the last calendar month of a quarter
	zero         int32
	duplicate    int32
	mismatch     int32
}

// party is one counterparty's sums, by direction.
type party struct {
	name     string
	net12    [2]int64
	netPrior [2]int64
	netAll   [2]int64
	months12 [2]uint16 // bit k: active in anchored month k
	oldest   [2]int16  // age in days of the first valid invoice, -1 when none
}

// Analysis is what one pass over a firm's invoices leaves behind: sums from which features and series are read.
type Analysis struct {
	asOf    calendar.Date
	side    [2]tally
	parties []party
	index   map[string]int32
	frame   *frame
	ranked  [2][]int64 // positive twelve-month nets, largest first
	shared  *sharedSums
}

// dayPlace says into which buckets a day of a given age falls.
type dayPlace struct {
	month      uint8 // anchored month, HistoryMonths when too old
	calendar   uint8
	monthEnd   bool
	quarterEnd bool
}

// frame places every age in days into months. It depends on the as-of date only and is shared by all firms of a run.
type frame struct {
	asOf  calendar.Date
	place [historyDays]dayPlace
}

var lastFrame atomic.Pointer[frame]

func frameOf(asOf calendar.Date) *frame {
	if f := lastFrame.Load(); f != nil && f.asOf == asOf {
		return f
	}
	f := &frame{asOf: asOf}
	month, bound := 0, asOf.Sub(monthsBefore(asOf, 1))
	today := monthNumber(asOf)
	for age := range historyDays {
		if age >= bound && month < HistoryMonths {
			month++
			bound = asOf.Sub(monthsBefore(asOf, month+1))
		}
		d := asOf.AddDays(-age)
		number := monthNumber(d)
		f.place[age] = dayPlace{
			month: uint8(month), calendar: uint8(today - number),
			monthEnd: monthNumber(d.AddDays(5)) != number, quarterEnd: number%3 == 2,
		}
	}
	lastFrame.Store(f)
	return f
}

func monthNumber(d calendar.Date) int {
	y, m, _ := d.Civil()
	return y*12 + int(m) - 1
}

// monthsBefore steps back whole months, clamping to the last day of a shorter month.
func monthsBefore(d calendar.Date, n int) calendar.Date { return d.AddMonths(-n, calendar.Clamp) }

// Analyse reads the invoices once. Their order does not matter; those dated after asOf or more than 60 months before
// it are skipped.
func Analyse(asOf calendar.Date, invoices []source.Invoice) *Analysis {
	a := &Analysis{asOf: asOf, frame: frameOf(asOf)}
	scratch, _ := partyScratch.Get().(*scratchParties)
	a.index, a.parties = scratch.index, scratch.parties
	var lastName [2]string
	var lastAt [2]int32
	for i := range invoices {
		inv := &invoices[i]
		age := asOf.Sub(inv.Date)
		if age < 0 || age >= historyDays {
			continue
		}
		place := a.frame.place[age]
		if place.month >= HistoryMonths {
			continue
		}
		dir := sale
		if inv.Direction == source.Purchase {
			dir = purchase
		}
		t := &a.side[dir]
		t.addMarks(inv)
		if inv.Void {
			t.addVoid(inv, place)
			continue
		}
		t.addValid(inv, place, age)
		at := lastAt[dir]
		if len(a.parties) == 0 || inv.Counterparty != lastName[dir] || a.parties[at].name != inv.Counterparty {
			at = a.partyAt(inv.Counterparty)
			lastName[dir], lastAt[dir] = inv.Counterparty, at
		}
		a.parties[at].add(dir, inv.NetMinor, int(place.month), age)
	}
	scratch.giveBack(a)
	a.ranked = [2][]int64{a.positives(sale), a.positives(purchase)}
	return a
}

// scratchParties are an index and a list of counterparties that one analysis after the other grows and empties: growing
// them anew for every firm of a book is a good part of the time of a profile.
type scratchParties struct {
	index   map[string]int32
	parties []party
}

var partyScratch = sync.Pool{New: func() any { return &scratchParties{index: map[string]int32{}} }}

// maxScratch is how many counterparties a scratch may hold and still be kept.
const maxScratch = 1 << 16

// giveBack leaves the analysis with a list of its own, of the right size, and empties the scratch.
func (s *scratchParties) giveBack(a *Analysis) {
	s.parties = a.parties
	a.parties, a.index = slices.Clone(s.parties), nil
	if len(s.parties) > maxScratch {
		return
	}
	clear(s.parties)
	clear(s.index)
	s.parties = s.parties[:0]
	partyScratch.Put(s)
}

func (a *Analysis) partyAt(name string) int32 {
	if at, ok := a.index[name]; ok {
		return at
	}
	at := int32(len(a.parties))
	a.index[name] = at
	a.parties = append(a.parties, party{name: name, oldest: [2]int16{-1, -1}})
	return at
}

func (t *tally) addMarks(inv *source.Invoice) {
	if inv.Duplicate {
		t.duplicate++
	}
	if inv.Mismatch {
		t.mismatch++
	}
	if inv.GrossMinor == 0 {
		t.zero++
	}
}

func (t *tally) addVoid(inv *source.Invoice, p dayPlace) {
	t.void[p.month]++
	t.voidAbs[p.month] += abs(inv.GrossMinor)
	t.calVoid[p.calendar]++
}

func (t *tally) addValid(inv *source.Invoice, p dayPlace, age int) {
	t.net[p.month] += inv.NetMinor
	t.tax[p.month] += inv.TaxMinor
	t.gross[p.month] += inv.GrossMinor
	t.count[p.month]++
	t.calNet[p.calendar] += inv.NetMinor
	t.calTax[p.calendar] += inv.TaxMinor
	t.calCount[p.calendar]++
	t.days[age>>6] |= 1 << (age & 63)
	if inv.GrossMinor < 0 {
		t.red[p.month]++
		t.redAbs[p.month] += abs(inv.NetMinor)
	}
	if p.month >= 12 {
		return
	}
	if inv.NetMinor > t.largest12 {
		t.largest12 = inv.NetMinor
	}
	if inv.TaxMinor == 0 && inv.NetMinor > 0 {
		t.untaxed12 += inv.NetMinor
	}
	if p.monthEnd {
		t.monthEnd12 += inv.NetMinor
	}
	if p.quarterEnd {
		t.quarterEnd12 += inv.NetMinor
	}
}

func (p *party) add(dir int, net int64, month, age int) {
	p.netAll[dir] += net
	switch {
	case month < 12:
		p.net12[dir] += net
		p.months12[dir] |= 1 << month
	case month < 24:
		p.netPrior[dir] += net
	}
	if int16(age) > p.oldest[dir] {
		p.oldest[dir] = int16(age)
	}
}

func abs(v int64) int64 {
	if v < 0 {
		return -v
	}
	return v
}

// newest is the age in days of the latest valid invoice, -1 when there is none.
func (t *tally) newest() int {
	for w, word := range t.days {
		if word != 0 {
			return w*64 + bits.TrailingZeros64(word)
		}
	}
	return -1
}

// oldest is the age in days of the first valid invoice within the history, -1 when there is none.
func (t *tally) oldest() int {
	for w := len(t.days) - 1; w >= 0; w-- {
		if t.days[w] != 0 {
			return w*64 + 63 - bits.LeadingZeros64(t.days[w])
		}
	}
	return -1
}
