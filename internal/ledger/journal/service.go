package journal

import (
	"cmp"
	"context"
	"slices"
	"strconv"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/platform/api"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
)

// PermissionRead lets a role read the books. Nobody may write them by hand:
// entries come from business events only.
var PermissionRead = auth.DeclarePermission("journal.read", "查看账簿", "Read the books",
	auth.RoleOperations, auth.RoleRisk, auth.RoleCompliance)

// Service answers questions about the books.
type Service struct{ db *db.DB }

// NewService makes the service.
func NewService(d *db.DB) *Service { return &Service{db: d} }

// EntryFilter narrows a list of entries; empty fields do not.
type EntryFilter struct {
	Object   string
	ObjectID string
	Account  string
	Sub      string
	Branch   string
	Product  string
	From     calendar.Date
	Until    calendar.Date
	Limit    int
	Cursor   string
}

// Accounts lists the chart of the caller's institution.
func (s *Service) Accounts(ctx context.Context, p auth.Principal) (accounts []Account, err error) {
	if err := p.Require(PermissionRead); err != nil {
		return nil, err
	}
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		accounts, err = Accounts(ctx, tx)
		return err
	})
	return accounts, err
}

// Entries pages through entries, newest first.
func (s *Service) Entries(ctx context.Context, p auth.Principal, f EntryFilter) (page api.Page[Entry], err error) {
	if err := p.Require(PermissionRead); err != nil {
		return page, err
	}
	parts, err := api.DecodeCursor(f.Cursor, 1)
	if err != nil {
		return page, err
	}
	before, _ := strconv.ParseInt(parts[0], 10, 64) // "" is the first page
	if f.Limit <= 0 || f.Limit > 200 {
		f.Limit = 20
	}
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		filter := []any{tx.Institution, f.Object, f.ObjectID, f.From.String(), f.Until.String(), f.Account, f.Sub, f.Branch, f.Product}
		if err := tx.QueryRow(ctx, entryCount, filter...).Scan(&page.Total); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, entryPage, append(filter, before, f.Limit+1)...)
		if err != nil {
			return err
		}
		if page.Items, err = collectEntries(rows); err != nil {
			return err
		}
		if len(page.Items) > f.Limit {
			page.Items = page.Items[:f.Limit]
			page.NextCursor = api.EncodeCursor(strconv.FormatInt(page.Items[f.Limit-1].Seq, 10))
		}
		if err := attachLines(ctx, tx, page.Items); err != nil {
			return err
		}
		return checkEntries(tx.Institution, page.Items)
	})
	if page.Items == nil {
		page.Items = []Entry{}
	}
	return page, err
}

// Entry reads one entry by id.
func (s *Service) Entry(ctx context.Context, p auth.Principal, id string) (e Entry, err error) {
	if err := p.Require(PermissionRead); err != nil {
		return e, err
	}
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		e, err = FindEntry(ctx, tx, id)
		return err
	})
	return e, err
}

// TrialLine is one account of a trial balance.
type TrialLine struct {
	Account
	Currency    money.Currency `json:"currency"`
	DebitMinor  int64          `json:"debit_minor" doc:"debit turnover"`
	CreditMinor int64          `json:"credit_minor" doc:"credit turnover"`
	NetMinor    int64          `json:"net_minor" doc:"balance on the account's normal side"`
}

// TrialBalance is the sum of every account at a date, and the proof that both
// sides agree.
type TrialBalance struct {
	AsOf        calendar.Date `json:"as_of"`
	Lines       []TrialLine   `json:"lines"`
	DebitMinor  int64         `json:"debit_minor"`
	CreditMinor int64         `json:"credit_minor"`
	Balanced    bool          `json:"balanced"`
}

// TrialBalance sums the books at the end of a date; without a date it includes everything posted.
func (s *Service) TrialBalance(ctx context.Context, p auth.Principal, asOf calendar.Date) (t TrialBalance, err error) {
	if err := p.Require(PermissionRead); err != nil {
		return t, err
	}
	err = s.db.View(ctx, p.Scope(), func(tx *db.Tx) error {
		t, err = Trial(ctx, tx, asOf)
		return err
	})
	return t, err
}

// Position is what an account took in and gave out, per branch, product and currency.
type Position struct {
	Account     string
	Branch      string
	Product     string
	Currency    money.Currency
	DebitMinor  int64
	CreditMinor int64
}

// NetMinor is debits minus credits.
func (p Position) NetMinor() int64 { return p.DebitMinor - p.CreditMinor }

// PositionsUntil sums the books up to the end of a date (none: everything posted). It reads months and days,
// never the entries, and refuses a row that does not bear its seal.
func PositionsUntil(ctx context.Context, tx *db.Tx, asOf calendar.Date) ([]Position, error) {
	month, day := "9999-99", "9999-99"
	if !asOf.IsZero() {
		month, day = Month(asOf), asOf.String()
	}
	rows, err := tx.Query(ctx, turnoversUntil, tx.Institution, month, day)
	if err != nil {
		return nil, err
	}
	by := map[turnoverKey]*Position{}
	rest := map[turnoverKey][2]int64{}
	err = eachTurnover(tx.Institution, rows, func(r *turnover) error {
		k := control(r.Period, r.Currency)
		sum := rest[k]
		if r.isControl() {
			rest[k] = [2]int64{sum[0] - r.DebitMinor, sum[1] - r.CreditMinor}
			return nil
		}
		rest[k] = [2]int64{sum[0] + r.DebitMinor, sum[1] + r.CreditMinor}
		k = r.turnoverKey
		k.Period = ""
		p := by[k]
		if p == nil {
			p = &Position{Account: r.Account, Branch: r.Branch, Product: r.Product, Currency: r.Currency}
			by[k] = p
		}
		p.DebitMinor += r.DebitMinor
		p.CreditMinor += r.CreditMinor
		return nil
	})
	if err != nil {
		return nil, err
	}
	for k, sum := range rest {
		if sum != [2]int64{} {
			return nil, sealFault("the turnovers of " + k.Period + " " + string(k.Currency))
		}
	}
	out := make([]Position, 0, len(by))
	for _, p := range by {
		out = append(out, *p)
	}
	slices.SortFunc(out, func(a, b Position) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Currency, b.Currency), cmp.Compare(a.Branch, b.Branch), cmp.Compare(a.Product, b.Product))
	})
	return out, nil
}

// Trial is TrialBalance inside a transaction.
func Trial(ctx context.Context, tx *db.Tx, asOf calendar.Date) (TrialBalance, error) {
	t := TrialBalance{AsOf: asOf, Lines: []TrialLine{}}
	positions, err := PositionsUntil(ctx, tx, asOf)
	if err != nil {
		return t, err
	}
	chart, err := Accounts(ctx, tx)
	if err != nil {
		return t, err
	}
	by := make(map[string]Account, len(chart))
	for _, a := range chart {
		by[a.Code] = a
	}
	for _, p := range positions { // sorted by account and currency
		n := len(t.Lines)
		if n == 0 || t.Lines[n-1].Code != p.Account || t.Lines[n-1].Currency != p.Currency {
			t.Lines = append(t.Lines, TrialLine{Account: by[p.Account], Currency: p.Currency})
			n++
		}
		l := &t.Lines[n-1]
		l.DebitMinor += p.DebitMinor
		l.CreditMinor += p.CreditMinor
		t.DebitMinor += p.DebitMinor
		t.CreditMinor += p.CreditMinor
	}
	for i := range t.Lines {
		l := &t.Lines[i]
		l.NetMinor = l.DebitMinor - l.CreditMinor
		if !l.Kind.DebitNormal() {
			l.NetMinor = -l.NetMinor
		}
	}
	t.Balanced = t.DebitMinor == t.CreditMinor
	return t, nil
}
