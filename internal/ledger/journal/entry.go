// Package journal keeps an institution's books: immutable double-entry entries,
// chained by hash, with balances stored in the transaction that posts them.
// Other domains post through Post and never write an amount anywhere else.
package journal

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"sort"
	"strconv"
	"time"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Limits of one call.
const (
	linesMax  = 100
	draftsMax = 1000
	memoMax   = 200
	keyMax    = 200
)

// Line is one leg of an entry: a positive amount debits, a negative one credits.
type Line struct {
	Account     string         `json:"account"`
	Currency    money.Currency `json:"currency"`
	AmountMinor int64          `json:"amount_minor" doc:"positive debits, negative credits"`
}

// Debit makes a debit leg.
func Debit(account string, a money.Amount) Line {
	return Line{Account: account, Currency: a.Currency, AmountMinor: a.Minor}
}

// Credit makes a credit leg.
func Credit(account string, a money.Amount) Line {
	return Line{Account: account, Currency: a.Currency, AmountMinor: -a.Minor}
}

// Draft is an entry about to be posted. Key is the business key, unique forever
// in the institution: posting it again with the same content changes nothing.
type Draft struct {
	Key      string
	Date     calendar.Date
	Memo     fault.Text
	Object   string
	ObjectID string
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
	case len(d.Memo.Zh) > memoMax || len(d.Memo.En) > memoMax:
		return fault.Field("memo", "过长", "is too long")
	case len(d.Lines) < 2 || len(d.Lines) > linesMax:
		return fault.New(ReasonUnbalanced, "key", d.Key, "problem", "needs 2 to 100 lines")
	}
	sums := map[money.Currency]int64{}
	for i, l := range d.Lines {
		if _, known := l.Currency.Decimals(); !known {
			return fault.Field("currency", "未知币种 "+string(l.Currency), "is not a known currency: "+strconv.Quote(string(l.Currency))).WithRow(i + 1)
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
	if e.Date != d.Date || e.Object != d.Object || e.ObjectID != d.ObjectID || len(e.Lines) != len(d.Lines) {
		return false
	}
	for i := range e.Lines {
		if e.Lines[i] != d.Lines[i] {
			return false
		}
	}
	return true
}

// seal computes the entry's hash over the hash before it and every field, each
// written with its length so that no two entries share an encoding.
func (e Entry) seal(institution string) string {
	h := sha256.New()
	field := func(s string) { writeField(h, s) }
	field("capillary journal 1")
	field(institution)
	field(e.PrevHash)
	field(strconv.FormatInt(e.Seq, 10))
	field(e.ID)
	field(e.Key)
	field(e.Date.String())
	field(e.Memo.Zh)
	field(e.Memo.En)
	field(e.Object)
	field(e.ObjectID)
	field(strconv.FormatInt(e.BookedAt.UnixMicro(), 10))
	field(e.Actor)
	field(strconv.Itoa(len(e.Lines)))
	for _, l := range e.Lines {
		field(l.Account)
		field(string(l.Currency))
		field(strconv.FormatInt(l.AmountMinor, 10))
	}
	return hex.EncodeToString(h.Sum(nil))
}

func writeField(h hash.Hash, s string) {
	var n [4]byte
	binary.BigEndian.PutUint32(n[:], uint32(len(s))) //nolint:gosec // fields are limited far below
	_, _ = h.Write(n[:])
	_, _ = h.Write([]byte(s))
}

// balanceKey names one stored balance.
type balanceKey struct {
	Account  string
	Currency money.Currency
}

// Balance is the running sum of one account in one currency.
type Balance struct {
	Account     string         `json:"account"`
	Currency    money.Currency `json:"currency"`
	DebitMinor  int64          `json:"debit_minor"`
	CreditMinor int64          `json:"credit_minor"`
	LastSeq     int64          `json:"last_seq"`
}

// NetMinor is debits minus credits.
func (b Balance) NetMinor() int64 { return b.DebitMinor - b.CreditMinor }

// apply adds a leg to a balance.
func (b *Balance) apply(l Line, seq int64) error {
	var err error
	if l.AmountMinor > 0 {
		b.DebitMinor, err = money.AddMinor(b.DebitMinor, l.AmountMinor)
	} else {
		b.CreditMinor, err = money.AddMinor(b.CreditMinor, -l.AmountMinor)
	}
	b.LastSeq = seq
	return err
}

// sortedKeys is the lock order of balances.
func sortedKeys(m map[balanceKey]*Balance) []balanceKey {
	keys := make([]balanceKey, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Slice(keys, func(i, j int) bool {
		if keys[i].Account != keys[j].Account {
			return keys[i].Account < keys[j].Account
		}
		return keys[i].Currency < keys[j].Currency
	})
	return keys
}
