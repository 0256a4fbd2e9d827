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
	"github.com/capillary-finance/capillary/internal/platform/fault"
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
		e, err = scanEntry(tx.QueryRow(ctx, entryByID, tx.Institution, id))
		if db.IsNoRows(err) {
			return fault.NotFoundError("journal entry", id)
		}
		if err != nil {
			return err
		}
		one := []Entry{e}
		if err := attachLines(ctx, tx, one); err != nil {
			return err
		}
		e = one[0]
		return checkEntries(tx.Institution, one)
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

// Trial is TrialBalance inside a transaction. It reads months and days, never the entries.
func Trial(ctx context.Context, tx *db.Tx, asOf calendar.Date) (TrialBalance, error) {
	t := TrialBalance{AsOf: asOf, Lines: []TrialLine{}}
	month, day := "9999-99", "9999-99"
	if !asOf.IsZero() {
		month, day = Month(asOf), asOf.String()
	}
	rows, err := tx.Query(ctx, turnoversUntil, tx.Institution, month, day)
	if err != nil {
		return t, err
	}
	type key struct {
		account  string
		currency money.Currency
	}
	net := map[key]*TrialLine{}
	err = eachTurnover(tx.Institution, rows, func(r *turnover) error {
		k := key{r.Account, r.Currency}
		if net[k] == nil {
			net[k] = &TrialLine{Account: Account{Code: r.Account}, Currency: r.Currency}
		}
		net[k].DebitMinor += r.DebitMinor
		net[k].CreditMinor += r.CreditMinor
		return nil
	})
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
	for _, l := range net {
		l.Account = by[l.Code]
		l.NetMinor = l.DebitMinor - l.CreditMinor
		if !l.Kind.DebitNormal() {
			l.NetMinor = -l.NetMinor
		}
		t.DebitMinor += l.DebitMinor
		t.CreditMinor += l.CreditMinor
		t.Lines = append(t.Lines, *l)
	}
	slices.SortFunc(t.Lines, func(a, b TrialLine) int {
		return cmp.Or(cmp.Compare(a.Code, b.Code), cmp.Compare(a.Currency, b.Currency))
	})
	t.Balanced = t.DebitMinor == t.CreditMinor
	return t, nil
}
