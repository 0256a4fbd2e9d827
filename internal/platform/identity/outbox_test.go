package identity_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
)

// What happens to people's accounts goes into the outbox with the checksum that every event bears.
func TestEventsOfPeopleBearChecksums(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, b *bundle) {
		b.setPassword(t, b.staff, b.staff.Manager)
		require.NoError(t, b.d.View(t.Context(), db.System("verify"), func(tx *db.Tx) error {
			r, err := event.Verify(t.Context(), tx)
			require.Positive(t, r.Events)
			require.Zero(t, r.Unsealed)
			require.Empty(t, r.Problems)
			return err
		}))
	})
}
