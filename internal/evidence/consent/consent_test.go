package consent_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/evidence/consent"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

func TestNothingIsReadWithoutALiveConsentAndEveryReadIsRecorded(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		staff := dbtest.Institution(t, d)
		ctx := t.Context()
		read := func(kind, purpose string) error {
			return d.Update(ctx, staff.Manager.Scope(), func(tx *db.Tx) error {
				return consent.Read(ctx, tx, consent.Access{Subject: "firm_1", Kind: kind, Purpose: purpose})
			})
		}
		require.True(t, fault.Is(read("invoice", "credit"), consent.ReasonMissing))
		var c consent.Consent
		require.NoError(t, d.Update(ctx, staff.Manager.Scope(), func(tx *db.Tx) (err error) {
			c, err = consent.Grant(ctx, tx, "firm_1", consent.Draft{Purpose: "credit", Kinds: []string{"invoice"}, EndsOn: calendar.MustParse("2027-01-04")})
			return err
		}))
		require.True(t, c.Live)
		require.NoError(t, read("invoice", "credit"))
		require.True(t, fault.Is(read("tax", "credit"), consent.ReasonMissing), "another kind")
		require.True(t, fault.Is(read("invoice", "watch"), consent.ReasonMissing), "another purpose")
		require.NoError(t, d.Update(ctx, staff.Manager.Scope(), func(tx *db.Tx) error { return consent.Withdraw(ctx, tx, "firm_1", c.ID, "客户要求") }))
		require.True(t, fault.Is(read("invoice", "credit"), consent.ReasonMissing), "withdrawal stops reads at once")
		err := d.Update(ctx, staff.Manager.Scope(), func(tx *db.Tx) error { return consent.Withdraw(ctx, tx, "firm_1", c.ID, "again") })
		require.True(t, fault.Is(err, consent.ReasonWithdrawn))
		require.NoError(t, d.View(ctx, staff.Compliance.Scope(), func(tx *db.Tx) error {
			records, total, err := consent.Reads(ctx, tx, "firm_1", "", 10)
			require.EqualValues(t, 1, total)
			require.Equal(t, staff.Manager.UserID, records[0].Actor)
			return err
		}))
	})
}

func TestAConsentMustEndAndNameWhatIsKnown(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	staff := dbtest.Institution(t, d)
	for _, bad := range []consent.Draft{
		{Purpose: "marketing", Kinds: []string{"invoice"}, EndsOn: calendar.MustParse("2027-01-01")},
		{Purpose: "credit", EndsOn: calendar.MustParse("2027-01-01")},
		{Purpose: "credit", Kinds: []string{"gossip"}, EndsOn: calendar.MustParse("2027-01-01")},
		{Purpose: "credit", Kinds: []string{"invoice"}},
		{Purpose: "credit", Kinds: []string{"invoice"}, EndsOn: calendar.MustParse("2099-01-01")},
	} {
		err := d.Update(t.Context(), staff.Manager.Scope(), func(tx *db.Tx) error {
			_, err := consent.Grant(t.Context(), tx, "firm_1", bad)
			return err
		})
		require.Error(t, err, "%+v", bad)
	}
}
