package profile_test

import (
	"encoding/json"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/insight/profile"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
	"github.com/capillary-finance/capillary/internal/testkit/firmbook"
)

var (
	oneVector   = db.Q(`select vector from profile_snapshot where institution_id = $1 and firm_id = $2`)
	forgeVector = db.Q(`insert into profile_snapshot select institution_id, 'forged', firm_id, as_of, feature_version, input_hash, invoices, months, $3, series, created_at, created_by
		from profile_snapshot where institution_id = $1 and firm_id = $2`)
	loseInvoices = db.Q(`delete from invoice where institution_id = $1 and firm_id = $2`)
)

func verified(t *testing.T, d *db.DB, s dbtest.Staff) (v profile.Verified) {
	t.Helper()
	require.NoError(t, d.View(t.Context(), s.System.Scope(), func(tx *db.Tx) (err error) {
		v, err = profile.Verify(t.Context(), tx)
		return err
	}))
	return v
}

// forged changes one figure of a stored vector.
func forged(t *testing.T, vector string) string {
	t.Helper()
	var v map[string]any
	require.NoError(t, json.Unmarshal([]byte(vector), &v))
	v["values"].(map[string]any)["sales_net_12m"] = 1
	out, err := json.Marshal(v)
	require.NoError(t, err)
	return string(out)
}

// A stored profile is recomputed from the invoices: a forged one on the same evidence shows, a
// profile whose evidence has moved on since is told apart from it.
func TestVerifyRecomputesProfiles(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		var firms []string
		for i, code := range []string{"A", "B"} {
			firm := firmbook.Firm(t, d, s, code, "", firmbook.Trade(uint64(i+1), 0.2))
			refresh(t, d, s, firm, firmbook.Today)
			firms = append(firms, firm)
		}
		v := verified(t, d, s)
		require.Equal(t, profile.Verified{Checked: 2}, v, "the index between firms moved with the second firm and is no difference")

		require.NoError(t, d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
			var vector string
			if err := tx.QueryRow(t.Context(), oneVector, tx.Institution, firms[0]).Scan(&vector); err != nil {
				return err
			}
			_, err := tx.Exec(t.Context(), forgeVector, tx.Institution, firms[0], forged(t, vector))
			return err
		}))
		v = verified(t, d, s)
		require.Len(t, v.Differing, 1)
		require.Contains(t, v.Differing[0], "sales_net_12m")

		require.NoError(t, d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
			_, err := tx.Exec(t.Context(), loseInvoices, tx.Institution, firms[1])
			return err
		}))
		require.Equal(t, int64(1), verified(t, d, s).Outdated)
	})
}
