package loan

import (
	"bytes"
	"context"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/ledger/recipe"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

const verifyChunk = 200

// VerifyReport is what Verify walked over.
type VerifyReport struct {
	Loans  int64 `json:"loans"`
	Events int64 `json:"events"`
}

// Verify replays every loan of the institution and compares chain, projection,
// snapshot and booked totals with what is stored, and the loans' sums with the
// general ledger. It returns LOAN_BROKEN with the first difference.
func Verify(ctx context.Context, tx *db.Tx) (VerifyReport, error) {
	var r VerifyReport
	after, sub := "", subLedger{}
	for {
		rows, err := tx.Query(ctx, selectAfter, tx.Institution, after, verifyChunk)
		if err != nil {
			return r, err
		}
		loans, err := collect(rows)
		if err != nil {
			return r, err
		}
		if len(loans) == 0 {
			return r, sub.compare(ctx, tx)
		}
		for _, l := range loans {
			n, err := verify(ctx, tx, l)
			if err != nil {
				return r, err
			}
			lines, err := linesOf(ctx, tx, &l, l.Posted, l.ProcessedTo)
			if err != nil {
				return r, err
			}
			sub.add(lines, 1)
			r.Loans++
			r.Events += n
			after = l.ID
		}
	}
}

func verify(ctx context.Context, tx *db.Tx, l Loan) (int64, error) {
	broken := func(problem string) error { return fault.New(ReasonBroken, "loan", l.ID, "problem", problem) }
	events, err := Events(ctx, tx, l.ID)
	if err != nil {
		return 0, err
	}
	hash := ""
	if n := len(events); n > 0 {
		hash = events[n-1].Hash // Events has followed the chain up to here
	}
	if l.eventSeq != int64(len(events)) || l.eventHash != hash {
		return 0, broken("the chain of events was cut")
	}
	s, err := Replay(l.Terms, plain(events), l.ProcessedTo)
	if err != nil {
		return 0, broken(err.Error())
	}
	if s.Totals != l.Posted {
		return 0, broken("the books differ from the replay")
	}
	derived := l
	derived.project(&s)
	if projection(derived) != projection(l) {
		return 0, broken("the stored state differs from the replay")
	}
	return int64(len(events)), verifySnapshot(ctx, tx, l, &s)
}

// verifySnapshot compares the night's short way with the replay.
func verifySnapshot(ctx context.Context, tx *db.Tx, l Loan, replayed *State) error {
	var text []byte
	err := tx.QueryRow(ctx, selectSnapshot, tx.Institution, l.ID, l.eventSeq, stateLayout).Scan(&text)
	if db.IsNoRows(err) {
		return nil // of another layout or an older event: nobody reads it
	}
	if err != nil {
		return err
	}
	broken := func(problem string) error { return fault.New(ReasonBroken, "loan", l.ID, "problem", problem) }
	var s State
	if err := decodeState(text, &s); err != nil {
		return broken("the snapshot cannot be read")
	}
	if err := s.Advance(l.ProcessedTo); err != nil {
		return broken("the snapshot does not advance: " + err.Error())
	}
	if !bytes.Equal(encodeState(&s), encodeState(replayed)) {
		return broken("the snapshot differs from the replay")
	}
	return nil
}

// subLedger sums what the loans say stands in the books, by account.
type subLedger map[accountKey]int64

type accountKey struct {
	account  string
	currency money.Currency
}

func (s subLedger) add(lines []journal.Line, sign int64) {
	for _, l := range lines {
		s[accountKey{l.Account, l.Currency}] += sign * l.AmountMinor
	}
}

// compare holds the sums of the loans, less what still waits to be posted, against the general ledger, in every asset account
// that loans move. The settlement account is left out, because other business moves it too, and income, because a year's end
// closes it; an entry balances, so that an error there shows in the assets.
func (s subLedger) compare(ctx context.Context, tx *db.Tx) error {
	if err := s.lessOpenSums(ctx, tx); err != nil {
		return err
	}
	chart, err := journal.Accounts(ctx, tx)
	if err != nil {
		return err
	}
	control := map[string]bool{}
	for _, a := range chart {
		control[a.Code] = a.Kind == journal.Asset && a.Code != journal.Nostro
	}
	trial, err := journal.Trial(ctx, tx, calendar.Date{})
	if err != nil {
		return err
	}
	books := map[accountKey]int64{}
	for _, l := range trial.Lines {
		books[accountKey{l.Code, l.Currency}] = l.DebitMinor - l.CreditMinor
	}
	// Where a mapping was changed, what was booked before stands on the old accounts: then the accounts are compared together.
	changed, err := recipe.Changed(ctx, tx)
	if err != nil {
		return err
	}
	if changed {
		return s.compareTogether(books, control)
	}
	for k, minor := range s {
		if control[k.account] && books[k] != minor {
			return fault.New(ReasonBroken, "loan", "*", "problem", "account "+k.account+": the loans say "+money.Of(minor, k.currency).String()+
				", the general ledger "+money.Of(books[k], k.currency).String()+" "+string(k.currency))
		}
	}
	return nil
}

// compareTogether compares all accounts that loans move in one sum per currency.
func (s subLedger) compareTogether(books map[accountKey]int64, control map[string]bool) error {
	loans, ledger := map[money.Currency]int64{}, map[money.Currency]int64{}
	for k, minor := range s {
		if control[k.account] {
			loans[k.currency] += minor
			ledger[k.currency] += books[k]
		}
	}
	for c, minor := range loans {
		if ledger[c] != minor {
			return fault.New(ReasonBroken, "loan", "*", "problem", "the loans' accounts: the loans say "+money.Of(minor, c).String()+
				", the general ledger "+money.Of(ledger[c], c).String()+" "+string(c))
		}
	}
	return nil
}

var selectWaiting = db.Q(`select business_date, product_id, currency, lines_json from loan_sum where institution_id = $1 and entry_id = ''`)

func (s subLedger) lessOpenSums(ctx context.Context, tx *db.Tx) error {
	rows, err := tx.Query(ctx, selectWaiting, tx.Institution)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	var waiting []waitingSum
	for rows.Next() {
		var w waitingSum
		if err := rows.Scan(&w.date, &w.product, &w.currency, &w.text); err != nil {
			return err
		}
		waiting = append(waiting, w)
	}
	if err := rows.Err(); err != nil {
		return err
	}
	for _, w := range waiting { // a mapping may be read only when the rows are done with
		amounts := map[recipe.Role]int64{}
		if err := addAmounts(amounts, w.text); err != nil {
			return err
		}
		m, err := recipe.For(ctx, tx, w.product, w.date)
		if err != nil {
			return err
		}
		s.add(bookLines(m, amounts, w.currency), -1)
	}
	return nil
}

type waitingSum struct {
	date          calendar.Date
	product, text string
	currency      money.Currency
}

type projected struct {
	status                         Status
	processed, disbursed, due      calendar.Date
	nextMinor, outstanding, dueSum int64
	daysPastDue                    int
}

func projection(l Loan) projected {
	return projected{
		status: l.Status, processed: l.ProcessedTo, disbursed: l.DisbursedOn, due: l.NextDueOn,
		nextMinor: l.NextDueMinor, outstanding: l.OutstandingMinor, dueSum: l.DueMinor, daysPastDue: l.DaysPastDue,
	}
}
