package receipt

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/ledger/fx"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/lending/payment/iso20022"
	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// StatementFiles gives the bank's statement (camt.053) of days that are over, when the payment channel has it.
type StatementFiles interface {
	Statement(ctx context.Context, account string, from, to calendar.Date) (name string, content []byte, err error)
}

// StatementState is whether a day's statement came.
type StatementState string

// States. Missing ones are asked for again.
const (
	StatementTaken   StatementState = "taken"
	StatementMissing StatementState = "missing"
)

// BankStatement is the bank's statement of one account and day.
type BankStatement struct {
	Account      string         `json:"account"`
	Day          calendar.Date  `json:"day"`
	Currency     money.Currency `json:"currency"`
	State        StatementState `json:"state" enum:"taken,missing"`
	StatementID  string         `json:"statement_id" doc:"the bank's name of it; taken once"`
	Sequence     int64          `json:"sequence" doc:"the bank's number of it; 0: it has none"`
	OpeningMinor int64          `json:"opening_minor"`
	ClosingMinor int64          `json:"closing_minor"`
	Balances     bool           `json:"balances" doc:"whether the statement says balances"`
	Entries      int64          `json:"entries"`
	FileID       string         `json:"file_id" doc:"its receipts"`
	Code         string         `json:"code"`
	Reason       fault.Text     `json:"reason" doc:"why it did not come"`
	Tries        int64          `json:"tries"`
	FetchedAt    time.Time      `json:"fetched_at"`
	FetchedBy    string         `json:"fetched_by"`
	Gap          *fault.Text    `json:"gap,omitempty" doc:"what lies between it and the statement before: numbers left out, or balances that do not join"`

	hash   string
	silent bool // the bank did not answer, as opposed to having no statement
}

// follows says what lies between a statement and the one before; nil when they join.
func (s BankStatement) follows(before BankStatement) *fault.Text {
	switch {
	case s.Sequence > 0 && before.Sequence > 0 && s.Sequence > before.Sequence+1:
		return &fault.Text{Zh: "缺少序号 " + span(before.Sequence+1, s.Sequence-1) + " 的对账单", En: "statement " + span(before.Sequence+1, s.Sequence-1) + " did not come"}
	case s.Sequence > 0 && before.Sequence > 0 && s.Sequence <= before.Sequence:
		return &fault.Text{Zh: "序号未递增：" + itoa(before.Sequence) + " 之后为 " + itoa(s.Sequence), En: "its number " + itoa(s.Sequence) + " does not follow " + itoa(before.Sequence)}
	case s.Balances && before.Balances && s.OpeningMinor != before.ClosingMinor:
		a, b := money.Of(before.ClosingMinor, s.Currency).String(), money.Of(s.OpeningMinor, s.Currency).String()
		return &fault.Text{Zh: "期初余额 " + b + " 与上一份期末余额 " + a + " 不衔接", En: "it opens with " + b + ", the one before closed with " + a}
	}
	return nil
}

// daysFetched bounds how far back a fetch makes up for missed days, and how many statements one call asks for.
const daysFetched = 31

// FetchStatements fetches the bank's statements up to a day, for the settlement account of every currency the institution
// lends in: those since the last one, and those that did not come before. Each is taken once by its id; the same id with
// other content is taken again, and what was taken before is recognised. A bank that does not answer is asked again later.
func (s *Service) FetchStatements(ctx context.Context, p auth.Principal, through calendar.Date) (out []BankStatement, err error) {
	if err := p.Require(PermissionHandle); err != nil {
		return nil, err
	}
	files, ok := s.BankFiles.(StatementFiles)
	if !ok {
		return nil, fault.New(ReasonNoBankFiles)
	}
	var todo []BankStatement
	err = s.DB.View(ctx, p.Scope(), func(tx *db.Tx) error {
		today, err := tx.BusinessDate(ctx)
		if err != nil {
			return err
		}
		if through.IsZero() {
			through = today.AddDays(-1)
		}
		if through.After(today) {
			return fault.New(ReasonFutureDate, "date", through, "today", today).WithField("through")
		}
		todo, err = outstanding(ctx, tx, through)
		return err
	})
	if err != nil {
		return nil, err
	}
	silent := map[string]bool{}
	for _, want := range todo {
		if silent[want.Account] {
			continue
		}
		got, err := s.fetchOne(ctx, p, files, want)
		if err != nil {
			return out, err
		}
		silent[want.Account] = got.silent // later days would come out of order
		out = append(out, got)
	}
	return out, nil
}

// grows is for how many days before the last one a statement may still have grown.
const grows = 1

// outstanding lists the statements to ask for, oldest first within each account.
func outstanding(ctx context.Context, tx *db.Tx, through calendar.Date) ([]BankStatement, error) {
	currencies, err := lentIn(ctx, tx)
	if err != nil {
		return nil, err
	}
	var out []BankStatement
	for _, c := range currencies {
		account := payment.SettlementAccount(tx.Institution, c)
		known, err := statements(ctx, tx, statementsOf, account, through.AddDays(-daysFetched).String())
		if err != nil {
			return nil, err
		}
		from, taken := through, map[calendar.Date]bool{}
		for _, k := range known {
			if k.State == StatementTaken {
				taken[k.Day] = true
			}
			if k.Day.Before(from) {
				from = k.Day
			}
		}
		for day := from; !day.After(through); day = day.AddDays(1) {
			if !taken[day] || through.Sub(day) <= grows { // the last days are asked for again: they may have grown
				out = append(out, BankStatement{Account: account, Day: day, Currency: c})
			}
		}
	}
	return out, nil
}

// lentIn lists the institution's currency and those of its facilities.
func lentIn(ctx context.Context, tx *db.Tx) ([]money.Currency, error) {
	base, err := fx.BaseCurrency(ctx, tx)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, currenciesLent, tx.Institution)
	if err != nil {
		return nil, err
	}
	defer rows.Close() //nolint:errcheck // its error is in rows.Err
	out := []money.Currency{base}
	for rows.Next() {
		var c money.Currency
		if err := rows.Scan(&c); err != nil {
			return nil, err
		}
		if c != base {
			out = append(out, c)
		}
	}
	return out, rows.Err()
}

// fetchOne asks for one statement, takes it in, and remembers what came of it.
func (s *Service) fetchOne(ctx context.Context, p auth.Principal, files StatementFiles, want BankStatement) (BankStatement, error) {
	name, content, err := files.Statement(ctx, want.Account, want.Day, want.Day)
	if err == nil {
		err = want.read(content)
	}
	if why, refused := fault.As(err); err != nil && refused {
		want.State, want.Code = StatementMissing, why.Reason.Code
		want.silent = fault.Is(err, payment.ReasonBankUnknown) || fault.Is(err, payment.ReasonNoStatement) && why.Meta["status"] != itoa(http.StatusNotFound)
		want.Reason = fault.Text{Zh: why.Text("zh"), En: why.Text("en")}
		return want, s.keepStatement(ctx, p, &want)
	}
	if err != nil {
		return want, err
	}
	sum := sha256.Sum256(content)
	want.State, want.hash = StatementTaken, hex.EncodeToString(sum[:])
	var known bool
	err = s.DB.View(ctx, p.Scope(), func(tx *db.Tx) error {
		before, found, err := statementOn(ctx, tx, want.Account, want.Day)
		if found && before.State == StatementTaken && before.StatementID == want.StatementID && before.hash == want.hash {
			want, known = before, true
		}
		return err
	})
	if err != nil || known {
		return want, err
	}
	f, err := s.Take(ctx, p, string(want.Currency)+"-"+name, content, OriginBank)
	if err != nil {
		return want, err
	}
	want.FileID = f.ID
	if err := s.fail("statement"); err != nil {
		return want, err
	}
	return want, s.keepStatement(ctx, p, &want)
}

// read finds the statement of the account in the bank's file; a file that is another's is refused.
func (b *BankStatement) read(content []byte) error {
	_, all, err := iso20022.ReadCamt(bytes.NewReader(content), iso20022.Limits{Bytes: tableMax, Entries: rowsMax}, iso20022.Sink{
		Entry: func(iso20022.Entry) error { return nil },
		Bad:   func(*iso20022.Error) error { return nil }, // named when the file is taken in
	})
	if err != nil {
		return asFault(b.Day.String(), err)
	}
	if len(all) != 1 || all[0].Account != payment.AccountAtBank(b.Account) || all[0].Currency != b.Currency {
		return fault.New(ReasonStatement, "account", b.Account, "currency", string(b.Currency))
	}
	st := all[0]
	b.StatementID, b.Sequence, b.Entries = st.ID, st.Sequence, int64(st.Entries)
	opening, ok1 := st.Balance("OPBD")
	closing, ok2 := st.Balance("CLBD")
	b.Balances, b.OpeningMinor, b.ClosingMinor = ok1 && ok2, opening.Minor, closing.Minor
	return nil
}

// keepStatement stores what came of a fetch and tells of a gap when it is first seen.
func (s *Service) keepStatement(ctx context.Context, p auth.Principal, b *BankStatement) error {
	return s.DB.Update(ctx, p.Scope(), func(tx *db.Tx) error {
		if err := storeStatement(ctx, tx, *b); err != nil {
			return err
		}
		b.FetchedAt, b.FetchedBy = tx.Now, tx.Actor
		before, err := statements(ctx, tx, statementBefore, b.Account, b.Day.String())
		if err != nil {
			return err
		}
		if b.State == StatementTaken && len(before) > 0 {
			b.Gap = b.follows(before[0])
		}
		what := ""
		switch {
		case b.State == StatementMissing:
			what = "missing"
		case b.Gap != nil:
			what = "gap"
		default:
			what = "taken"
		}
		if err := audit.Record(ctx, tx, audit.Entry{Action: "bank_statement." + what, Object: "bank_statement", ObjectID: b.Account + "/" + b.Day.String(), After: b}); err != nil {
			return err
		}
		return event.Append(ctx, tx, event.Draft{Type: "bank_statement." + what, Aggregate: "bank_statement", AggregateID: b.Account, Payload: b})
	})
}

// Statements lists the statements of the last days, newest first, with what lies between them.
func (s *Service) Statements(ctx context.Context, p auth.Principal, limit int) (out []BankStatement, err error) {
	if err := p.Require(PermissionRead); err != nil {
		return nil, err
	}
	err = s.DB.View(ctx, p.Scope(), func(tx *db.Tx) error {
		out, err = statements(ctx, tx, statementsPage, limit)
		return err
	})
	if err != nil {
		return nil, err
	}
	after := map[string]int{} // the taken statement that follows, by account
	for i := range out {
		if out[i].State != StatementTaken {
			continue
		}
		if j, known := after[out[i].Account]; known {
			out[j].Gap = out[j].follows(out[i])
		}
		after[out[i].Account] = i
	}
	return out, nil
}
