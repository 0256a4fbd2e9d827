package recipe

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
)

// Version is one approved mapping: of the institution (ProductID empty) or of a product, from a date on.
// It names only the roles that differ from what lies beneath it.
type Version struct {
	ProductID     string        `json:"product_id" doc:"empty: every product without a mapping of its own"`
	Version       int64         `json:"version"`
	EffectiveFrom calendar.Date `json:"effective_from"`
	Accounts      Map           `json:"accounts"`
	ApprovedBy    string        `json:"approved_by"`
	CreatedAt     time.Time     `json:"created_at"`
}

// inForce is the version that holds on a date: the latest effective one, and of two of one day the later.
func inForce(versions []Version, productID string, date calendar.Date) (Version, bool) {
	var best Version
	found := false
	for _, v := range versions {
		if v.ProductID != productID || v.EffectiveFrom.After(date) {
			continue
		}
		if !found || v.EffectiveFrom.After(best.EffectiveFrom) || v.EffectiveFrom == best.EffectiveFrom && v.Version > best.Version {
			best, found = v, true
		}
	}
	return best, found
}

// compose lays the institution's mapping over the standard one, and the product's over both.
func compose(versions []Version, productID string, date calendar.Date) Map {
	m := Default()
	for _, id := range slices.Compact([]string{"", productID}) {
		if v, ok := inForce(versions, id, date); ok {
			m.over(v.Accounts)
		}
	}
	return m
}

// Part is a role that an account plays, for one product or (empty) for the institution's own mapping.
type Part struct {
	Definition
	ProductID string
}

// PlayedBy lists the roles that an account plays on a date or is set to play later, the institution's own mapping first. Roles of
// days gone by are not among them: nothing new is posted under those mappings but what comes late for them.
func PlayedBy(ctx context.Context, tx *db.Tx, account string, from calendar.Date) ([]Part, error) {
	versions, err := list(ctx, tx, nil) // never the transaction's memo: what another has just approved counts
	if err != nil {
		return nil, fmt.Errorf("accounting recipe: %w", err)
	}
	return playedBy(versions, account, from), nil
}

func playedBy(versions []Version, account string, from calendar.Date) (out []Part) {
	products, dates := []string{""}, []calendar.Date{from}
	for _, v := range versions {
		products = append(products, v.ProductID)
		if v.EffectiveFrom.After(from) {
			dates = append(dates, v.EffectiveFrom)
		}
	}
	slices.Sort(products)
	for _, product := range slices.Compact(products) {
		for _, d := range Roles() {
			plays := func(on calendar.Date) bool { return compose(versions, product, on).Code(d.Role) == account }
			inherited := product != "" && slices.ContainsFunc(out, func(p Part) bool { return p.ProductID == "" && p.Role == d.Role })
			if !inherited && slices.ContainsFunc(dates, plays) {
				out = append(out, Part{d, product})
			}
		}
	}
	return out
}

// check says what is wrong with a mapping, naming each role at fault.
func check(m Map, chart []journal.Account) error {
	if len(m) == 0 {
		return fault.Required("accounts")
	}
	by := make(map[string]journal.Account, len(chart))
	for _, a := range chart {
		by[a.Code] = a
	}
	var errs []error
	for _, r := range sorted(m) {
		d, ok := definition(r)
		if !ok {
			errs = append(errs, fault.New(ReasonRole, "role", r).WithField("accounts."+string(r)))
			continue
		}
		unfit := func(zh, en string) {
			errs = append(errs, fault.New(ReasonAccount, "account", m[r], "role", d.En, "role_zh", d.Zh, "problem", en, "problem_zh", zh).WithField("accounts."+string(r)))
		}
		a, known := by[m[r]]
		switch {
		case !known:
			unfit("科目表中没有该科目", "the chart has no such account")
		case !a.Active:
			unfit("科目已停用", "it is not active")
		case !slices.Contains(d.Kinds, a.Kind):
			unfit("科目类别不符", fmt.Sprintf("it is of kind %s, not one of %v", a.Kind, d.Kinds))
		}
	}
	return fault.Join(errs...)
}

func sorted(m Map) []Role {
	out := make([]Role, 0, len(m))
	for r := range m {
		out = append(out, r)
	}
	slices.Sort(out)
	return out
}

// Changed reports whether the institution ever changed a mapping: then one role may stand on several accounts.
func Changed(ctx context.Context, tx *db.Tx) (bool, error) {
	versions, err := db.Memo(tx, memoKey{}, func() ([]Version, error) { return list(ctx, tx, nil) })
	return len(versions) > 0, err
}

type memoKey struct{}

// For gives the complete mapping for postings of a product dated date. It reads once per transaction; the
// map is shared by the callers of that transaction and must not be changed.
func For(ctx context.Context, tx *db.Tx, productID string, date calendar.Date) (Map, error) {
	versions, err := db.Memo(tx, memoKey{}, func() ([]Version, error) { return list(ctx, tx, nil) })
	if err != nil {
		return nil, fmt.Errorf("accounting recipe: %w", err)
	}
	type composed struct {
		product string
		date    calendar.Date
	}
	m, err := db.Memo(tx, composed{productID, date}, func() (Map, error) { return compose(versions, productID, date), nil })
	return m, err
}
