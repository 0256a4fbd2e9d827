package chart_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/ledger/chart"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/ledger/recipe"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/proposal"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

type house struct {
	db        *db.DB
	staff     dbtest.Staff
	svc       *chart.Service
	proposals *proposal.Service
}

func open(t *testing.T, d *db.DB) house {
	t.Helper()
	h := house{db: d, staff: dbtest.Institution(t, d), proposals: proposal.NewService(d)}
	h.svc = chart.NewService(d, h.proposals)
	require.NoError(t, d.Update(t.Context(), h.staff.System.Scope(), func(tx *db.Tx) error {
		return journal.EnsureChart(t.Context(), tx, journal.StandardChart())
	}))
	return h
}

func (h house) change(t *testing.T, c chart.Change) error {
	t.Helper()
	made, err := h.svc.Propose(t.Context(), h.staff.Operations, c, "")
	if err != nil {
		return err
	}
	_, err = h.proposals.Approve(t.Context(), h.staff.Compliance, proposal.Decision{ID: made.ID, BodyHash: made.BodyHash})
	return err
}

func (h house) post(t *testing.T, key, debit, credit string, minor int64) error {
	t.Helper()
	return h.db.Update(t.Context(), h.staff.System.Scope(), func(tx *db.Tx) error {
		_, err := journal.Post(t.Context(), tx, journal.Draft{Key: key, Date: calendar.MustParse("2026-01-05"), Lines: []journal.Line{
			journal.Debit(debit, money.Of(minor, money.CNY)), journal.Credit(credit, money.Of(minor, money.CNY)),
		}})
		return err
	})
}

func fresh(code string) chart.Change {
	return chart.Change{New: true, Code: code, NameZh: "备用金", NameEn: "Petty cash", Kind: journal.Asset, Active: true, Manual: true, OverdraftMinor: -1}
}

// An account is added beneath another, used, renamed, emptied and deactivated; each step takes two people.
func TestTheLifeOfAnAccount(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		require.True(t, fault.Is(h.post(t, "k0", "1001.01", "1002", 1), journal.ReasonUnknownAccount))
		c := fresh("1001.01")
		c.Parent = "1001"
		require.NoError(t, h.change(t, c))
		require.True(t, fault.Is(h.change(t, c), chart.ReasonExists), "not twice")
		require.NoError(t, h.post(t, "k1", "1001.01", "1002", 5), "the posting side knows it at once")
		accounts, err := journal.NewService(d).Accounts(t.Context(), h.staff.Operations)
		require.NoError(t, err)
		for _, a := range accounts {
			if a.Code == "1001.01" {
				require.Equal(t, 2, a.Level)
			}
		}
		c.New, c.NameEn = false, "Petty cash, head office"
		require.NoError(t, h.change(t, c))
		c.Active = false
		require.True(t, fault.Is(h.change(t, c), chart.ReasonUnsettled), "it still holds 5")
		require.NoError(t, h.post(t, "k2", "1002", "1001.01", 5))
		require.NoError(t, h.change(t, c))
		require.True(t, fault.Is(h.post(t, "k3", "1001.01", "1002", 5), journal.ReasonInactiveAccount))
		require.NoError(t, d.View(t.Context(), h.staff.System.Scope(), func(tx *db.Tx) error {
			_, err := journal.Verify(t.Context(), tx)
			return err
		}), "what was posted to it stays good")
	})
}

func TestRefusedChanges(t *testing.T) {
	t.Parallel()
	h := open(t, dbtest.SQLite(t))
	with := func(f func(*chart.Change)) chart.Change { c := fresh("1001.02"); f(&c); return c }
	rows := []struct {
		name   string
		change chart.Change
		reason *fault.Reason
	}{
		{"a code of letters", with(func(c *chart.Change) { c.Code = "cash" }), fault.ReasonInvalid},
		{"no English name", with(func(c *chart.Change) { c.NameEn = "" }), fault.ReasonRequired},
		{"an unknown kind", with(func(c *chart.Change) { c.Kind = "x" }), fault.ReasonInvalid},
		{"a change of what does not exist", with(func(c *chart.Change) { c.New = false }), journal.ReasonUnknownAccount},
		{"beneath nothing", with(func(c *chart.Change) { c.Parent = "9999" }), chart.ReasonParent},
		{"beneath another kind", with(func(c *chart.Change) { c.Parent = "2011" }), chart.ReasonParent},
		{"beneath itself", with(func(c *chart.Change) { c.Parent = "1001.02" }), chart.ReasonParent},
		{"another kind", chart.Change{Code: "1001", NameZh: "x", NameEn: "x", Kind: journal.Income, Active: true, OverdraftMinor: -1}, fault.ReasonInvalid},
		{"opening loans to other systems", chart.Change{Code: "1303", NameZh: "x", NameEn: "x", Kind: journal.Asset, Active: true, OpenAPI: true, OverdraftMinor: -1}, chart.ReasonControlled},
	}
	for _, r := range rows {
		require.True(t, fault.Is(h.change(t, r.change), r.reason), r.name)
	}
	_, err := h.svc.Propose(t.Context(), h.staff.Manager, fresh("1001.03"), "")
	require.True(t, fault.Is(err, fault.ReasonForbidden))
}

// A deactivation that was proposed on an empty account is refused when money has come in meanwhile.
func TestAnAccountThatFilledMeanwhileStays(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		c := chart.Change{Code: "1012", NameZh: "其他货币资金", NameEn: "Other monetary funds", Kind: journal.Asset, Manual: true, OverdraftMinor: -1}
		made, err := h.svc.Propose(t.Context(), h.staff.Operations, c, "")
		require.NoError(t, err)
		require.NoError(t, h.post(t, "k", "1012", "1002", 5))
		_, err = h.proposals.Approve(t.Context(), h.staff.Compliance, proposal.Decision{ID: made.ID, BodyHash: made.BodyHash})
		require.True(t, fault.Is(err, chart.ReasonUnsettled), "%v", err)
	})
}

// Waivers are booked on 6712. Nothing stands on it, yet the next waiver would ask for it: it stays until the role is another account's,
// for every product, from a day that has come.
func TestAnAccountThatPlaysARoleStays(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		recipes := recipe.NewService(d, h.proposals)
		remap := func(c recipe.Change) {
			made, err := recipes.Propose(t.Context(), h.staff.Operations, c, "")
			require.NoError(t, err)
			_, err = h.proposals.Approve(t.Context(), h.staff.Compliance, proposal.Decision{ID: made.ID, BodyHash: made.BodyHash})
			require.NoError(t, err)
		}
		off := chart.Change{Code: journal.WaiverExpense, NameZh: "息费减免支出", NameEn: "Waivers", Kind: journal.Expense, OverdraftMinor: -1}
		err := h.change(t, off)
		require.True(t, fault.Is(err, chart.ReasonPlaysRole), "%v", err)
		f, _ := fault.As(err)
		require.Contains(t, f.Text("zh"), "息费减免")
		require.Contains(t, f.Text("en"), "Waivers")
		today := calendar.MustParse("2026-01-05")
		// Tomorrow another account takes the role over: today this one is still needed.
		remap(recipe.Change{EffectiveFrom: today.AddDays(1), Accounts: recipe.Map{recipe.WaiverExpense: "6711"}})
		require.True(t, fault.Is(h.change(t, off), chart.ReasonPlaysRole))
		remap(recipe.Change{EffectiveFrom: today, Accounts: recipe.Map{recipe.WaiverExpense: "6711"}})
		remap(recipe.Change{ProductID: "prod_1", EffectiveFrom: today.AddDays(9), Accounts: recipe.Map{recipe.WaiverExpense: journal.WaiverExpense}})
		err = h.change(t, off)
		require.True(t, fault.Is(err, chart.ReasonPlaysRole), "a product will use it: %v", err)
		f, _ = fault.As(err)
		require.Contains(t, f.Text("en"), "prod_1")
		remap(recipe.Change{ProductID: "prod_1", EffectiveFrom: today.AddDays(9), Accounts: recipe.Map{recipe.WaiverExpense: "6711"}})
		require.NoError(t, h.change(t, off))
	})
}

// A mapping that names an account and the account's deactivation wait for approval at once: whichever is approved first, the other is refused.
func TestARoleAndADeactivationCannotBothWin(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		recipes := recipe.NewService(d, h.proposals)
		off := chart.Change{Code: "6711", NameZh: "营业外支出", NameEn: "Non-operating expenses", Kind: journal.Expense, OverdraftMinor: -1}
		a, err := h.svc.Propose(t.Context(), h.staff.Operations, off, "")
		require.NoError(t, err)
		b, err := recipes.Propose(t.Context(), h.staff.Operations, recipe.Change{EffectiveFrom: calendar.MustParse("2026-01-05"), Accounts: recipe.Map{recipe.WaiverExpense: "6711"}}, "")
		require.NoError(t, err)
		errs := make(chan error, 2)
		for _, p := range []proposal.Proposal{a, b} {
			go func() {
				_, err := h.proposals.Approve(t.Context(), h.staff.Compliance, proposal.Decision{ID: p.ID, BodyHash: p.BodyHash})
				errs <- err
			}()
		}
		one, two := <-errs, <-errs
		require.True(t, (one == nil) != (two == nil), "%v, %v", one, two)
	})
}

func TestOverdraftOfASubAccount(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		limit := func(minor int64) error {
			made, err := h.svc.ProposeLimit(t.Context(), h.staff.Operations, chart.LimitChange{Account: "2011", Sub: "ann", Currency: "CNY", OverdraftMinor: minor}, "")
			if err != nil {
				return err
			}
			_, err = h.proposals.Approve(t.Context(), h.staff.Compliance, proposal.Decision{ID: made.ID, BodyHash: made.BodyHash})
			return err
		}
		take := func(key string, minor int64) error {
			return d.Update(t.Context(), h.staff.System.Scope(), func(tx *db.Tx) error {
				_, err := journal.Post(t.Context(), tx, journal.Draft{Key: key, Date: calendar.MustParse("2026-01-05"), Lines: []journal.Line{
					journal.Debit("2011", money.Of(minor, money.CNY)).Of("ann"), journal.Credit("1002", money.Of(minor, money.CNY)),
				}})
				return err
			})
		}
		require.NoError(t, limit(50))
		require.NoError(t, take("a", 50))
		require.True(t, fault.Is(take("b", 1), journal.ReasonFunds))
		require.NoError(t, limit(51))
		require.NoError(t, take("c", 1))
		require.NoError(t, limit(-1))
		require.NoError(t, take("d", 1000), "the account itself is not checked")
	})
}
