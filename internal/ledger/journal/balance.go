package journal

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// balanceKey names one stored balance.
type balanceKey struct {
	Account  string
	Sub      string
	Branch   string
	Currency money.Currency
}

func (k balanceKey) compare(o balanceKey) int {
	return cmp.Or(cmp.Compare(k.Account, o.Account), cmp.Compare(k.Sub, o.Sub), cmp.Compare(k.Branch, o.Branch), cmp.Compare(k.Currency, o.Currency))
}

// fundKey names what a funds check looks at: a sub-account in a currency, over all branches.
type fundKey struct {
	Account  string
	Sub      string
	Currency money.Currency
}

// turnoverKey names the movements of an account in a month ("2026-01") or on a day ("2026-01-05").
type turnoverKey struct {
	Period   string
	Account  string
	Branch   string
	Product  string
	Currency money.Currency
}

// control is the key of the row that sums all accounts of a period in a currency. It proves a reading complete:
// a row that was removed, or whose key was changed so that it is not found, is missing from its sum.
func control(period string, c money.Currency) turnoverKey {
	return turnoverKey{Period: period, Currency: c}
}

func (k turnoverKey) isControl() bool { return k.Account == "" }

func (k turnoverKey) compare(o turnoverKey) int {
	return cmp.Or(cmp.Compare(k.Period, o.Period), cmp.Compare(k.Account, o.Account), cmp.Compare(k.Branch, o.Branch),
		cmp.Compare(k.Product, o.Product), cmp.Compare(k.Currency, o.Currency))
}

// Month is the accounting period of a date: "2026-01".
func Month(d calendar.Date) string { return d.String()[:7] }

// sums are the two sides of a balance and the entry that moved it last, with that entry's hash: the
// seal ties the figure to its place in the chain.
type sums struct {
	DebitMinor  int64
	CreditMinor int64
	LastSeq     int64
	lastHash    string
}

// hashPrefix is how much of an entry's hash a balance carries: 128 bits.
const hashPrefix = 32

func (s *sums) add(minor, seq int64, hash string) error {
	var err error
	if minor > 0 {
		s.DebitMinor, err = money.AddMinor(s.DebitMinor, minor)
	} else {
		s.CreditMinor, err = money.AddMinor(s.CreditMinor, -minor)
	}
	s.LastSeq, s.lastHash = seq, hash[:hashPrefix]
	return err
}

// content is a stored row as the database is asked to find it when it is overwritten.
func (s *sums) content(seal string, held int64) string {
	var room [160]byte
	b := append(room[:0], seal...)
	for _, n := range [...]int64{s.DebitMinor, s.CreditMinor, s.LastSeq, held} {
		b = strconv.AppendInt(append(b, '/'), n, 10)
	}
	return string(append(append(b, '/'), s.lastHash...))
}

// Balance is the running sum of one sub-account of a branch in one currency.
type Balance struct {
	Account     string         `json:"account"`
	Sub         string         `json:"sub"`
	Branch      string         `json:"branch"`
	Currency    money.Currency `json:"currency"`
	DebitMinor  int64          `json:"debit_minor"`
	CreditMinor int64          `json:"credit_minor"`
	HeldMinor   int64          `json:"held_minor" doc:"reserved by holds"`
	LastSeq     int64          `json:"last_seq"`
}

// NetMinor is debits minus credits.
func (b Balance) NetMinor() int64 { return b.DebitMinor - b.CreditMinor }

type balance struct {
	balanceKey
	sums
	touch

	HeldMinor int64
}

// touch is how a batch keeps track of a row.
type touch struct {
	stored string // content of the stored row; empty when there is none
	moved  bool   // is to be written
	mark   int    // the last request that changed it
}

func (b *balance) fund() fundKey { return fundKey{b.Account, b.Sub, b.Currency} }

func (b *balance) public() Balance {
	return Balance{b.Account, b.Sub, b.Branch, b.Currency, b.DebitMinor, b.CreditMinor, b.HeldMinor, b.LastSeq}
}

// seal binds the content of a balance to the chain. A row that does not bear it was changed by other
// means than a posting, and is refused instead of shown.
func (b *balance) seal(institution string) string {
	var room [320]byte
	e := encoding(room[:0])
	return short(e.text("capillary balance 1").text(institution).text(b.Account).text(b.Sub).text(b.Branch).text(string(b.Currency)).
		int(b.DebitMinor).int(b.CreditMinor).int(b.HeldMinor).int(b.LastSeq).text(b.lastHash))
}

func (b *balance) what() string {
	return b.Account + " " + b.Sub + " " + b.Branch + " " + string(b.Currency)
}

type turnover struct {
	turnoverKey
	sums
	touch
}

func (t *turnover) seal(institution string) string {
	var room [320]byte
	e := encoding(room[:0])
	return short(e.text("capillary turnover 1").text(institution).text(t.Period).text(t.Account).text(t.Branch).text(t.Product).text(string(t.Currency)).
		int(t.DebitMinor).int(t.CreditMinor).int(t.LastSeq).text(t.lastHash))
}

func (t *turnover) what() string {
	return t.Period + " " + t.Account + " " + t.Branch + " " + t.Product + " " + string(t.Currency)
}

// short keeps 128 bits of a digest: enough against accident and a guess, and half the row.
func short(e encoding) string {
	sum := sha256.Sum256(e)
	return hex.EncodeToString(sum[:16])
}

func sealFault(what string) error { return fault.New(ReasonSeal, "what", what) }

// sums of a whole projection, as the entries give them.
type projection struct {
	balances  map[balanceKey]*balance
	turnovers map[turnoverKey]*turnover
}

func newProjection() projection {
	return projection{map[balanceKey]*balance{}, map[turnoverKey]*turnover{}}
}

// fold adds an entry to the projection: the rule by which balances follow from entries, used when posting,
// when rebuilding and when verifying.
func (p projection) fold(e *Entry, day string, touched func(*balance, *turnover)) error {
	for _, l := range e.Lines {
		bk := balanceKey{l.Account, l.Sub, e.Branch, l.Currency}
		b := p.balances[bk]
		if b == nil {
			b = &balance{balanceKey: bk}
			p.balances[bk] = b
		}
		for _, period := range [2]string{day[:7], day} {
			for _, tk := range [2]turnoverKey{{period, l.Account, e.Branch, e.Product, l.Currency}, control(period, l.Currency)} {
				t := p.turnovers[tk]
				if t == nil {
					t = &turnover{turnoverKey: tk}
					p.turnovers[tk] = t
				}
				touched(nil, t)
				if err := t.add(l.AmountMinor, e.Seq, e.Hash); err != nil {
					return err
				}
			}
		}
		touched(b, nil)
		if err := b.add(l.AmountMinor, e.Seq, e.Hash); err != nil {
			return err
		}
	}
	return nil
}

func sortBalances(all []*balance) []*balance {
	slices.SortFunc(all, func(a, b *balance) int { return a.compare(b.balanceKey) })
	return all
}

func sortTurnovers(all []*turnover) []*turnover {
	slices.SortFunc(all, func(a, b *turnover) int { return a.compare(b.turnoverKey) })
	return all
}
