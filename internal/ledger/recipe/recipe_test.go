package recipe_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/ledger/recipe"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/proposal"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

var monday = calendar.MustParse("2026-01-05") // the fixture's business date

// The standard mapping is complete, and every account it names exists and is of a kind that fits.
func TestStandardMappingFitsTheStandardChart(t *testing.T) {
	t.Parallel()
	chart := map[string]journal.Account{}
	for _, a := range journal.StandardChart() {
		_, twice := chart[a.Code]
		require.False(t, twice, "code %s stands twice in the chart", a.Code)
		chart[a.Code] = a
	}
	m := recipe.Default()
	require.Len(t, m, 26)
	for _, d := range recipe.Roles() {
		require.Contains(t, chart, m[d.Role], string(d.Role))
		require.Contains(t, d.Kinds, chart[m[d.Role]].Kind, string(d.Role))
		require.NotEmpty(t, d.Zh)
		require.NotEmpty(t, d.En)
	}
	require.Equal(t, journal.LoanPrincipal, recipe.Map{}.Code(recipe.LoanPrincipal), "a role that a map lacks plays on its standard account")
}

type house struct {
	db        *db.DB
	staff     dbtest.Staff
	svc       *recipe.Service
	proposals *proposal.Service
}

func open(t *testing.T, d *db.DB) house {
	t.Helper()
	h := house{db: d, staff: dbtest.Institution(t, d), proposals: proposal.NewService(d)}
	h.svc = recipe.NewService(d, h.proposals)
	require.NoError(t, d.Update(t.Context(), h.staff.System.Scope(), func(tx *db.Tx) error {
		return journal.EnsureChart(t.Context(), tx, journal.StandardChart())
	}))
	return h
}

func (h house) change(t *testing.T, c recipe.Change) error {
	t.Helper()
	made, err := h.svc.Propose(t.Context(), h.staff.Operations, c, "新产品单独核算")
	if err != nil {
		return err
	}
	_, err = h.proposals.Approve(t.Context(), h.staff.Compliance, proposal.Decision{ID: made.ID, BodyHash: made.BodyHash})
	return err
}

func (h house) code(t *testing.T, product string, date calendar.Date, r recipe.Role) (code string) {
	t.Helper()
	require.NoError(t, h.db.View(t.Context(), h.staff.System.Scope(), func(tx *db.Tx) error {
		m, err := recipe.For(t.Context(), tx, product, date)
		code = m[r]
		return err
	}))
	return code
}

// A bank books the interest of one product elsewhere from next month on, and changes its mind later; what
// was in force on a date stays so, and other products keep the institution's own mapping.
func TestMappingsAreDatedAndOverriddenByProduct(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d)
		february, march := calendar.MustParse("2026-02-01"), calendar.MustParse("2026-03-01")
		require.NoError(t, h.change(t, recipe.Change{EffectiveFrom: monday, Accounts: recipe.Map{recipe.Settlement: "1002"}}))
		require.NoError(t, h.change(t, recipe.Change{ProductID: "invoice-loan", EffectiveFrom: february, Accounts: recipe.Map{recipe.InterestIncome: "6051"}}))
		require.NoError(t, h.change(t, recipe.Change{ProductID: "invoice-loan", EffectiveFrom: march, Accounts: recipe.Map{recipe.InterestIncome: "6111"}}))

		require.Equal(t, "1011", h.code(t, "invoice-loan", monday.AddDays(-1), recipe.Settlement), "before any change: the standard chart")
		require.Equal(t, "1002", h.code(t, "invoice-loan", monday, recipe.Settlement), "the product has no opinion: the institution's own")
		require.Equal(t, "6011", h.code(t, "invoice-loan", monday, recipe.InterestIncome))
		require.Equal(t, "6051", h.code(t, "invoice-loan", february, recipe.InterestIncome))
		require.Equal(t, "6051", h.code(t, "invoice-loan", march.AddDays(-1), recipe.InterestIncome))
		require.Equal(t, "6111", h.code(t, "invoice-loan", march, recipe.InterestIncome))
		require.Equal(t, "6011", h.code(t, "other", march, recipe.InterestIncome))

		v, err := h.svc.Get(t.Context(), h.staff.Operations, "invoice-loan", march)
		require.NoError(t, err)
		require.Len(t, v.Accounts, len(recipe.Roles()))
		require.Len(t, v.Versions, 3)
	})
}

func TestAMappingNeedsASecondPerson(t *testing.T) {
	t.Parallel()
	h := open(t, dbtest.SQLite(t))
	c := recipe.Change{EffectiveFrom: monday, Accounts: recipe.Map{recipe.FeeIncome: "6051"}}
	made, err := h.svc.Propose(t.Context(), h.staff.Operations, c, "")
	require.NoError(t, err)
	require.Equal(t, "6021", h.code(t, "", monday, recipe.FeeIncome), "proposed is not in force")
	_, err = h.proposals.Approve(t.Context(), h.staff.Operations, proposal.Decision{ID: made.ID, BodyHash: made.BodyHash})
	require.True(t, fault.Is(err, proposal.ReasonOwn), "%v", err)
	_, err = h.svc.Propose(t.Context(), h.staff.Manager, c, "")
	require.True(t, fault.Is(err, fault.ReasonForbidden), "%v", err)
	_, err = h.proposals.Approve(t.Context(), h.staff.Compliance, proposal.Decision{ID: made.ID, BodyHash: made.BodyHash})
	require.NoError(t, err)
	require.Equal(t, "6051", h.code(t, "", monday, recipe.FeeIncome))
}

func TestUnfitMappingsAreRefused(t *testing.T) {
	t.Parallel()
	h := open(t, dbtest.SQLite(t))
	rows := []struct {
		name   string
		change recipe.Change
		reason *fault.Reason
	}{
		{"yesterday", recipe.Change{EffectiveFrom: monday.AddDays(-1), Accounts: recipe.Map{recipe.FeeIncome: "6051"}}, recipe.ReasonDate},
		{"nothing", recipe.Change{EffectiveFrom: monday}, fault.ReasonRequired},
		{"unknown role", recipe.Change{EffectiveFrom: monday, Accounts: recipe.Map{"tips": "6051"}}, recipe.ReasonRole},
		{"unknown account", recipe.Change{EffectiveFrom: monday, Accounts: recipe.Map{recipe.FeeIncome: "9999"}}, recipe.ReasonAccount},
		{"income on an asset", recipe.Change{EffectiveFrom: monday, Accounts: recipe.Map{recipe.FeeIncome: "1303"}}, recipe.ReasonAccount},
		{"suspended interest on the balance sheet", recipe.Change{EffectiveFrom: monday, Accounts: recipe.Map{recipe.SuspendedInterestReceivable: "1132"}}, recipe.ReasonAccount},
	}
	for _, r := range rows {
		_, err := h.svc.Propose(t.Context(), h.staff.Operations, r.change, "")
		require.True(t, fault.Is(err, r.reason), "%s: %v", r.name, err)
	}
	_, err := h.svc.Get(t.Context(), auth.Principal{InstitutionID: h.staff.InstitutionID}, "", monday)
	require.True(t, fault.Is(err, fault.ReasonForbidden))
}
