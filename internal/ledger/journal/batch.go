package journal

import (
	"context"
	"strings"
	"unicode/utf8"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// referenceMax leaves room for the prefix that keeps other systems' references apart from business keys.
const referenceMax = 160

// APIKey is the business key of an entry that another system posts under a reference: it can never be, or
// block, the key of a business event.
func APIKey(reference string) string { return "api/" + reference }

// Request is one thing that another system asks of the ledger: exactly one of the fields is set.
type Request struct {
	Actor   string
	Post    []Draft // one entry, or several that are posted together or not at all
	Hold    *HoldDraft
	Capture *Capture
	Void    string // reference of a hold
}

// Capture posts a hold, in full when AmountMinor is zero.
type Capture struct {
	Reference   string
	AmountMinor int64
	Date        calendar.Date
}

// Result is the answer to one request.
type Result struct {
	Entries   []Entry
	Hold      Hold
	Duplicate bool // all of it was done before; this is the earlier result
	// Known tells of each of several entries whether it was there before: an atomic request may repeat one item and bring another.
	Known []bool
	Row   int // of the draft that Err is about, counted from 1
	Err   error
}

// Size is the number of postings a request counts as.
func (r Request) Size() int { return max(1, len(r.Post)) }

// RunBatch answers requests in order in one transaction: one lock, one read, one write. A request that is
// refused leaves no trace and does not disturb the others; an error means that nothing was done. What m remembers of
// the batch before is not read again; m may be nil.
func RunBatch(ctx context.Context, tx *db.Tx, m *Memory, requests []Request) ([]Result, error) {
	if len(requests) == 0 {
		return nil, nil
	}
	for {
		b, err := openBook(ctx, tx, wanted{requests: requests}, m)
		if err != nil {
			return nil, err
		}
		results, doubtful, err := b.runAll(requests)
		if err != nil {
			return nil, err
		}
		if doubtful { // nothing is written yet: again, by what is stored
			m.Forget()
			continue
		}
		if err := b.store(ctx, tx); err != nil {
			return nil, err
		}
		if m != nil {
			tx.AfterCommit(func() { m.keep(b) })
		}
		return results, nil
	}
}

// runAll answers the requests. It is doubtful when one was refused for a balance that only memory vouches for.
func (b *book) runAll(requests []Request) (results []Result, doubtful bool, err error) {
	b.begin()
	if err := b.expire(); err != nil {
		return nil, false, err
	}
	results = make([]Result, len(requests))
	for i, r := range requests {
		b.begin()
		b.actor = r.Actor
		results[i] = b.run(r)
		if err := results[i].Err; err != nil {
			if b.recalled && fault.Is(err, ReasonFunds) {
				return nil, true, nil
			}
			b.rollback()
			results[i].Entries, results[i].Known = nil, nil
		}
	}
	return results, false, nil
}

// run answers one request on the book.
func (b *book) run(r Request) (out Result) {
	switch {
	case r.Hold != nil:
		out.Hold, out.Duplicate, out.Err = b.hold(*r.Hold)
	case r.Capture != nil:
		var e Entry
		c := *r.Capture
		c.Date = dated(c.Date, b.today)
		out.Hold, e, out.Duplicate, out.Err = b.capture(c)
		out.Entries = []Entry{e}
	case r.Void != "":
		out.Hold, out.Duplicate, out.Err = b.void(r.Void)
	default:
		out.Duplicate = true
		for i, d := range r.Post {
			d.Date = dated(d.Date, b.today)
			_, known := b.posted[d.Key]
			e, err := b.postOpen(d)
			if err != nil {
				out.Row, out.Err = i+1, err
				return out
			}
			out.Duplicate = out.Duplicate && known
			out.Entries, out.Known = append(out.Entries, e), append(out.Known, known)
		}
	}
	return out
}

func dated(d, today calendar.Date) calendar.Date {
	if d.IsZero() {
		return today
	}
	return d
}

// postOpen is post for other systems: only accounts marked for them, and not ahead of the business date.
func (b *book) postOpen(d Draft) (Entry, error) {
	if err := b.reached(d.Date); err != nil {
		return Entry{}, err
	}
	for i := range d.Lines {
		if err := b.open(d.Lines[i].Account); err != nil {
			return Entry{}, err
		}
	}
	return b.post(d)
}

// reached refuses a date after the business date.
func (b *book) reached(d calendar.Date) error {
	if d.After(b.today) {
		return fault.Field("date", "晚于营业日 "+b.today.String(), "is after the business date "+b.today.String())
	}
	return nil
}

// open refuses accounts that other systems may not touch.
func (b *book) open(codes ...string) error {
	for _, code := range codes {
		a, known := b.rules.accounts[code]
		if !known {
			return fault.New(ReasonUnknownAccount, "account", code)
		}
		if !a.OpenAPI {
			return fault.New(ReasonNotOpen, "account", code)
		}
		if !a.Active {
			return fault.New(ReasonInactiveAccount, "account", code)
		}
	}
	return nil
}

// want lists what requests will touch, as far as they say so themselves; holds name the rest.
func (w *wanted) want(requests []Request) error {
	size := 0
	w.placed = map[string][]HoldDraft{}
	for _, r := range requests {
		size += r.Size()
		for _, d := range r.Post {
			d.Date = dated(d.Date, w.today)
			if !d.Date.IsZero() && d.plain() {
				w.drafts = append(w.drafts, d)
			}
		}
		switch {
		case r.Hold != nil && plain(r.Hold.Reference, r.Hold.Account, r.Hold.Sub, string(r.Hold.Currency)):
			w.holds = append(w.holds, r.Hold.Reference)
			w.reserve = append(w.reserve, fundKey{r.Hold.Account, r.Hold.Sub, r.Hold.Currency})
			w.placed[r.Hold.Reference] = append(w.placed[r.Hold.Reference], *r.Hold)
		case r.Capture != nil && plain(r.Capture.Reference):
			w.holds = append(w.holds, r.Capture.Reference)
			w.captures = append(w.captures, *r.Capture)
		case r.Void != "" && plain(r.Void):
			w.holds = append(w.holds, r.Void)
		}
	}
	if size > draftsMax {
		return fault.New(fault.ReasonTooLarge, "what", "posting batch", "limit", draftsMax)
	}
	return nil
}

// plain reports that every text of the draft can be kept.
func (d *Draft) plain() bool {
	if !plain(d.Key, d.Memo.Zh, d.Memo.En, d.Object, d.ObjectID, d.Branch, d.Product) {
		return false
	}
	for i := range d.Lines {
		if l := &d.Lines[i]; !plain(l.Account, l.Sub, string(l.Currency)) {
			return false
		}
	}
	return true
}

// plain reports texts that both engines keep: valid UTF-8 without NUL. One that is not would fail the whole
// statement, and with it the neighbours in the batch.
func plain(texts ...string) bool {
	for _, s := range texts {
		if !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
			return false
		}
	}
	return true
}

func textFault(field string) error {
	return fault.Field(field, "含有不可保存的字符", "holds characters that cannot be stored")
}
