// Package journal keeps an institution's books: immutable double-entry entries,
// chained by hash, with balances stored in the transaction that posts them.
// Other domains post through Post and never write an amount anywhere else.
package journal

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Limits of one call.
const (
	linesMax  = 100
	draftsMax = 1000
	memoMax   = 240 // characters
	keyMax    = 200
	tagMax    = 80
)

// Line is one leg of an entry: a positive amount debits, a negative one credits.
type Line struct {
	Account     string         `json:"account"`
	Currency    money.Currency `json:"currency"`
	AmountMinor int64          `json:"amount_minor" doc:"positive debits, negative credits"`
	Sub         string         `json:"sub,omitempty" doc:"sub-account within the account, e.g. a loan or a customer"`
}

// Of names the sub-account of a leg.
func (l Line) Of(sub string) Line {
	l.Sub = sub
	return l
}

// Debit makes a debit leg.
func Debit(account string, a money.Amount) Line {
	return Line{Account: account, Currency: a.Currency, AmountMinor: a.Minor}
}

// Credit makes a credit leg.
func Credit(account string, a money.Amount) Line {
	return Line{Account: account, Currency: a.Currency, AmountMinor: -a.Minor}
}

// ObjectYearClose is the business object of the entries that carry a year's result over.
const ObjectYearClose = "year_close"

// Draft is an entry about to be posted. Key is the business key, unique forever
// in the institution: posting it again with the same content changes nothing.
type Draft struct {
	Key      string
	Date     calendar.Date
	Memo     fault.Text
	Object   string
	ObjectID string
	Branch   string // branch whose books it belongs to; empty: the institution as a whole
	Product  string // segment: the product behind it, or empty
	Lines    []Line
}

// Entry is a posted entry.
type Entry struct {
	Seq      int64         `json:"seq"`
	ID       string        `json:"id"`
	Key      string        `json:"business_key"`
	Date     calendar.Date `json:"date"`
	Memo     fault.Text    `json:"memo"`
	Object   string        `json:"object"`
	ObjectID string        `json:"object_id"`
	Branch   string        `json:"branch,omitempty"`
	Product  string        `json:"product,omitempty"`
	BookedAt time.Time     `json:"booked_at"`
	Actor    string        `json:"actor"`
	PrevHash string        `json:"prev_hash"`
	Hash     string        `json:"hash"`
	Lines    []Line        `json:"lines"`
}

// validate refuses what must never reach the books.
func (d Draft) validate() error {
	switch {
	case d.Key == "" || len(d.Key) > keyMax:
		return fault.Field("business_key", "须为1至200个字符", "must have 1 to 200 characters")
	case d.Date.IsZero():
		return fault.Required("date")
	case !d.plain():
		return textFault("memo")
	case utf8.RuneCountInString(d.Memo.Zh) > memoMax || utf8.RuneCountInString(d.Memo.En) > memoMax:
		return fault.Field("memo", "过长", "is too long")
	case len(d.Branch) > tagMax || len(d.Product) > tagMax || len(d.Object) > tagMax || len(d.ObjectID) > keyMax:
		return fault.Field("branch", "机构、产品或业务对象的编号过长", "the id of the branch, product or business object is too long")
	case len(d.Lines) < 2 || len(d.Lines) > linesMax:
		return fault.New(ReasonUnbalanced, "key", d.Key, "problem", "needs 2 to 100 lines")
	}
	sums := map[money.Currency]int64{}
	for i, l := range d.Lines {
		if _, known := l.Currency.Decimals(); !known {
			return fault.Field("currency", "未知币种 "+string(l.Currency), "is not a known currency: "+strconv.Quote(string(l.Currency))).WithRow(i + 1)
		}
		if len(l.Sub) > tagMax {
			return fault.Field("sub", "过长", "is too long").WithRow(i + 1)
		}
		if l.AmountMinor == 0 {
			return fault.New(ReasonUnbalanced, "key", d.Key, "problem", "line "+strconv.Itoa(i+1)+" is zero")
		}
		sum, err := money.AddMinor(sums[l.Currency], l.AmountMinor)
		if err != nil {
			return fault.New(ReasonUnbalanced, "key", d.Key, "problem", "amounts overflow").Wrap(err)
		}
		sums[l.Currency] = sum
	}
	for c, sum := range sums {
		if sum != 0 {
			return fault.New(ReasonUnbalanced, "key", d.Key, "problem", "debits minus credits is "+money.Of(sum, c).String()+" "+string(c))
		}
	}
	return nil
}

// sameAs reports whether a posted entry says what the draft says; a key that
// comes back with other content is a bug upstream and must be heard.
func (e Entry) sameAs(d Draft) bool {
	if e.Date != d.Date || e.Branch != d.Branch || e.Product != d.Product || e.Object != d.Object || e.ObjectID != d.ObjectID || len(e.Lines) != len(d.Lines) {
		return false
	}
	for i := range e.Lines {
		if e.Lines[i] != d.Lines[i] {
			return false
		}
	}
	return true
}

// dimensioned reports whether the entry uses a branch, a product or a sub-account.
func (e *Entry) dimensioned() bool {
	if e.Branch != "" || e.Product != "" {
		return true
	}
	for _, l := range e.Lines {
		if l.Sub != "" {
			return true
		}
	}
	return false
}

// seal computes the entry's hash over the hash before it and every field, each written with its length so
// that no two entries share an encoding. An entry without dimensions keeps the encoding of before they
// existed, so that books kept since then still verify.
func (e *Entry) seal(institution string) string { return e.sealOn(institution, e.Date.String()) }

func (e *Entry) sealOn(institution, day string) string {
	wide := e.dimensioned()
	mark := "capillary journal 1"
	if wide {
		mark = "capillary journal 2"
	}
	var room [640]byte
	b := encoding(room[:0])
	b = b.text(mark).text(institution).text(e.PrevHash).int(e.Seq).text(e.ID).text(e.Key).text(day).
		text(e.Memo.Zh).text(e.Memo.En).text(e.Object).text(e.ObjectID).int(e.BookedAt.UnixMicro()).text(e.Actor)
	if wide {
		b = b.text(e.Branch).text(e.Product)
	}
	b = b.int(int64(len(e.Lines)))
	for _, l := range e.Lines {
		b = b.text(l.Account).text(string(l.Currency)).int(l.AmountMinor)
		if wide {
			b = b.text(l.Sub)
		}
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// intact reports whether a stored entry still is what was posted.
func (e *Entry) intact(institution string) bool { return e.seal(institution) == e.Hash }

// encoding is a list of fields, each preceded by its length.
type encoding []byte

func (b encoding) text(s string) encoding {
	b = binary.BigEndian.AppendUint32(b, uint32(len(s))) //nolint:gosec // fields are limited far below
	return append(b, s...)
}

func (b encoding) int(n int64) encoding {
	var digits [20]byte
	d := strconv.AppendInt(digits[:0], n, 10)
	b = binary.BigEndian.AppendUint32(b, uint32(len(d))) //nolint:gosec // at most 20
	return append(b, d...)
}
