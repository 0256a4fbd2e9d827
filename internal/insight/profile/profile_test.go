package profile_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/evidence/consent"
	"github.com/capillary-finance/capillary/internal/evidence/source"
	"github.com/capillary-finance/capillary/internal/insight/feature"
	"github.com/capillary-finance/capillary/internal/insight/profile"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
	"github.com/capillary-finance/capillary/internal/testkit/firmbook"
)

var (
	countRows   = db.Q(`select count(*) from profile_snapshot where institution_id = $1 and firm_id = $2`)
	countEvents = db.Q(`select count(*) from event where institution_id = $1 and aggregate_id = $2 and type = 'profile.refreshed'`)
	tamper      = db.Q(`update profile_snapshot set invoices = 0 where institution_id = $1 and firm_id = $2`)
)

func count(t *testing.T, d *db.DB, s dbtest.Staff, q *db.Query, firm string) (n int) {
	t.Helper()
	require.NoError(t, d.View(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
		return tx.QueryRow(t.Context(), q, tx.Institution, firm).Scan(&n)
	}))
	return n
}

func refresh(t *testing.T, d *db.DB, s dbtest.Staff, firm string, day calendar.Date) profile.Snapshot {
	t.Helper()
	var out profile.Snapshot
	require.NoError(t, d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
		var err error
		out, err = profile.Refresh(t.Context(), tx, firm, day)
		return err
	}))
	return out
}

func TestRefreshStoresWhatTheInvoicesSay(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		trade := firmbook.Trade(1, 0.5)
		firm := firmbook.Firm(t, d, s, "A", "", trade)
		got := refresh(t, d, s, firm, firmbook.Today)
		want := feature.Analyse(firmbook.Today, trade)
		require.Equal(t, want.Series(), got.Series)
		value, ok := got.Vector.Value("sales_net_12m")
		require.True(t, ok)
		direct, _ := want.Vector().Value("sales_net_12m")
		require.InDelta(t, direct, value, 0)
		shared, ok := got.Vector.Value("shared_firms")
		require.True(t, ok, "the cross-firm index is known here")
		require.Zero(t, shared)

		other := firmbook.Firm(t, d, s, "B", "", firmbook.Trade(2, 0))
		second := refresh(t, d, s, other, firmbook.Today)
		shared, _ = second.Vector.Value("shared_firms")
		require.InDelta(t, 1, shared, 0, "both buy from and sell to the same names")

		n, err := profile.NewService(d).Network(t.Context(), s.Manager, firm)
		require.NoError(t, err)
		require.False(t, n.Truncated)
		labels := map[string]bool{}
		for _, node := range n.Nodes {
			labels[node.Label] = true
			require.False(t, node.Hidden)
		}
		require.True(t, labels["Firm B"] && labels["buyer 1"] && labels["Firm A"], "%v", labels)
		require.Greater(t, len(n.Edges), len(n.Nodes)-2)

		var stored profile.Snapshot
		require.NoError(t, d.View(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
			var err error
			stored, err = profile.ByID(t.Context(), tx, got.ID)
			return err
		}))
		require.Equal(t, got.Series, stored.Series)
		require.Equal(t, got.Vector.Reading(), stored.Vector.Reading())
	})
}

func TestTheSameEvidenceIsANoOp(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		firm := firmbook.Firm(t, d, s, "A", "", firmbook.Trade(1, 0.5))
		first := refresh(t, d, s, firm, firmbook.Today)
		again := refresh(t, d, s, firm, firmbook.Today)
		require.Equal(t, first.ID, again.ID)
		require.Equal(t, 1, count(t, d, s, countRows, firm))
		require.Equal(t, 1, count(t, d, s, countEvents, firm))

		firmbook.Add(t, d, s, firm, []source.Invoice{{Direction: source.Sale, Number: "new", Date: firmbook.Today, Counterparty: "x", NetMinor: 100, GrossMinor: 100}})
		moved := refresh(t, d, s, firm, firmbook.Today)
		require.NotEqual(t, first.ID, moved.ID)
		require.NotEqual(t, first.InputHash, moved.InputHash)
		require.Equal(t, first.Invoices+1, moved.Invoices)
		require.Equal(t, 2, count(t, d, s, countRows, firm))

		past := refresh(t, d, s, firm, firmbook.Today.AddDays(-40))
		require.NotEqual(t, first.InputHash, past.InputHash)
		require.NoError(t, d.View(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
			latest, err := profile.Latest(t.Context(), tx, firm)
			require.NoError(t, err)
			require.Equal(t, moved.ID, latest.ID, "a profile of a past date is not the latest one")
			at, err := profile.At(t.Context(), tx, firm, firmbook.Today.AddDays(-1))
			require.NoError(t, err)
			require.Equal(t, past.ID, at.ID)
			return nil
		}))
	})
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		firm := firmbook.Firm(t, d, s, "A", "", firmbook.Trade(1, 0.5))
		err := d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
			_, err := profile.Refresh(t.Context(), tx, firm, firmbook.Today.AddDays(1))
			return err
		})
		require.True(t, fault.Is(err, profile.ReasonFuture), "%v", err)

		svc := profile.NewService(d)
		_, err = svc.Get(t.Context(), s.Manager, firm, calendar.Date{})
		require.True(t, fault.Is(err, profile.ReasonMissing), "%v", err)
		_, err = svc.Refresh(t.Context(), s.Admin, firm, calendar.Date{})
		require.True(t, fault.Is(err, fault.ReasonForbidden), "%v", err)
		west := s.Manager
		west.BranchPath = "/hq/west/"
		_, err = svc.Refresh(t.Context(), west, firm, calendar.Date{})
		require.True(t, fault.Is(err, fault.ReasonNotFound), "%v", err)

		v, err := svc.Refresh(t.Context(), s.Manager, firm, calendar.Date{})
		require.NoError(t, err)
		require.Equal(t, firmbook.Today, v.AsOf)
		require.Len(t, v.History, 1)
		past, err := svc.Get(t.Context(), s.Manager, firm, firmbook.Today.AddDays(-60))
		require.NoError(t, err)
		require.Equal(t, firmbook.Today.AddDays(-60), past.AsOf)

		stranger := dbtest.Institution(t, d)
		_, err = svc.Get(t.Context(), stranger.Risk, firm, calendar.Date{})
		require.True(t, fault.Is(err, fault.ReasonNotFound), "another institution sees nothing: %v", err)
	})
}

func TestNoConsentNoProfile(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		firm := firmbook.Firm(t, d, s, "A", "", firmbook.Trade(1, 0.5))
		require.NoError(t, d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
			all, err := consent.ByFirm(t.Context(), tx, firm)
			require.NoError(t, err)
			for _, c := range all {
				if c.Purpose == consent.PurposeCredit {
					require.NoError(t, consent.Withdraw(t.Context(), tx, firm, c.ID, "test"))
				}
			}
			return nil
		}))
		err := d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
			_, err := profile.Refresh(t.Context(), tx, firm, firmbook.Today)
			return err
		})
		require.True(t, fault.Is(err, consent.ReasonMissing), "%v", err)
		require.Zero(t, count(t, d, s, countRows, firm))
		require.NoError(t, d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
			_, err := profile.RefreshFor(t.Context(), tx, firm, firmbook.Today, consent.PurposeWatch)
			return err
		}), "watching has a consent of its own")
	})
}

// What is stored of a firm is its evidence as much as the invoices are: a look needs a live consent, is recorded,
// and stops the moment the consent is withdrawn.
func TestStoredProfilesAreReadUnderConsent(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		firm := firmbook.Firm(t, d, s, "A", "", firmbook.Trade(1, 0.5))
		refresh(t, d, s, firm, firmbook.Today)
		svc := profile.NewService(d)
		look := func(day calendar.Date) error { _, err := svc.Get(t.Context(), s.Manager, firm, day); return err }
		network := func() error { _, err := svc.Network(t.Context(), s.Manager, firm); return err }
		course := func() error { _, err := svc.Course(t.Context(), s.Manager, firm, "sales_net_12m"); return err }
		reads := func() (n int64) {
			require.NoError(t, d.View(t.Context(), s.System.Scope(), func(tx *db.Tx) (err error) {
				_, n, err = consent.Reads(t.Context(), tx, firm, "", 10)
				return err
			}))
			return n
		}
		withdraw := func(purpose string) {
			require.NoError(t, d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
				all, err := consent.ByFirm(t.Context(), tx, firm)
				require.NoError(t, err)
				for _, c := range all {
					if c.Purpose == purpose {
						require.NoError(t, consent.Withdraw(t.Context(), tx, firm, c.ID, "test"))
					}
				}
				return nil
			}))
		}
		before := reads()
		require.NoError(t, look(calendar.Date{}))
		require.NoError(t, network())
		require.NoError(t, course())
		require.Equal(t, before+3, reads(), "every look is recorded")
		withdraw(consent.PurposeCredit)
		require.NoError(t, look(calendar.Date{}), "who may watch may look")
		withdraw(consent.PurposeWatch)
		require.True(t, fault.Is(look(calendar.Date{}), consent.ReasonMissing))
		require.True(t, fault.Is(look(firmbook.Today), consent.ReasonMissing))
		require.True(t, fault.Is(network(), consent.ReasonMissing))
		require.True(t, fault.Is(course(), consent.ReasonMissing))
		all, err := svc.Distribution(t.Context(), s.Risk, "sales_net_12m")
		require.NoError(t, err)
		require.Zero(t, all.Firms, "nor is it counted among others")
	})
}

func TestSnapshotsAreNeverChanged(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		firm := firmbook.Firm(t, d, s, "A", "", firmbook.Trade(1, 0.5))
		refresh(t, d, s, firm, firmbook.Today)
		require.Error(t, d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), tamper, tx.Institution, firm)
			return err
		}))
	})
}
