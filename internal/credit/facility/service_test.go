package facility_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/credit/facility"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/proposal"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

func TestFreezeIsAtOnceAndUnfreezeNeedsAnotherPerson(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		svc := facility.NewService(d)
		f := open(t, d, s, draft("con_1"))
		got, err := svc.Freeze(t.Context(), s.Approver, f.ID, why)
		require.NoError(t, err)
		require.Equal(t, facility.Frozen, got.Status)
		require.Zero(t, got.AvailableMinor)
		_, _, err = svc.Unfreeze(t.Context(), s.Operations, f.ID, why)
		require.True(t, fault.Is(err, fault.ReasonForbidden), err)
		_, _, err = svc.Unfreeze(t.Context(), s.Approver, f.ID, why)
		require.True(t, fault.Is(err, facility.ReasonSamePerson), err)
		got, _, err = svc.Unfreeze(t.Context(), s.Risk, f.ID, why)
		require.NoError(t, err)
		require.EqualValues(t, 1_000_000, got.AvailableMinor)

		_, _, err = svc.ChangeLimit(t.Context(), s.Risk, f.ID, 2_000_000, why)
		require.True(t, fault.Is(err, facility.ReasonIncreaseNeedsProposal), err)
		got, _, err = svc.ChangeLimit(t.Context(), s.Risk, f.ID, 400_000, why)
		require.NoError(t, err)
		require.EqualValues(t, 400_000, got.AvailableMinor)

		detail, err := svc.Get(t.Context(), s.Manager, f.ID)
		require.NoError(t, err)
		require.Len(t, detail.Movements, 4)
		require.Equal(t, facility.MoveLimit, detail.Movements[0].Kind)
		require.EqualValues(t, -600_000, detail.Movements[0].AmountMinor)

		west := s.Manager
		west.BranchPath = "/hq/west/"
		_, err = svc.Get(t.Context(), west, f.ID)
		require.True(t, fault.Is(err, fault.ReasonNotFound), err)
		items, total, err := svc.List(t.Context(), s.Manager, facility.Filter{Status: "active", FirmID: "firm_1"}, "", 10)
		require.NoError(t, err)
		require.Len(t, items, 1)
		require.EqualValues(t, 1, total)
		items, _, err = svc.List(t.Context(), west, facility.Filter{}, "", 10)
		require.NoError(t, err)
		require.Empty(t, items)
	})
}

func TestUnfreezingAndRaisingWaitForASecondPerson(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		svc, proposals := facility.NewService(d), proposal.NewService(d)
		svc.UseProposals(proposals)
		f := open(t, d, s, draft("con_1"))
		// A rise is proposed by the manager and approved by risk; the text approved is the text proposed.
		got, id, err := svc.ChangeLimit(t.Context(), s.Manager, f.ID, 1_500_000, why)
		require.NoError(t, err)
		require.NotEmpty(t, id)
		require.EqualValues(t, 1_000_000, got.LimitMinor, "nothing moves before the approval")
		made, err := proposals.Get(t.Context(), s.Risk, id)
		require.NoError(t, err)
		_, err = proposals.Approve(t.Context(), s.Manager, proposal.Decision{ID: id, BodyHash: made.BodyHash})
		require.Error(t, err)
		_, err = proposals.Approve(t.Context(), s.Risk, proposal.Decision{ID: id, BodyHash: made.BodyHash})
		require.NoError(t, err)
		require.EqualValues(t, 1_500_000, byID(t, d, s, f.ID).LimitMinor)

		_, _, err = svc.Unfreeze(t.Context(), s.Risk, f.ID, why)
		require.True(t, fault.Is(err, fault.ReasonConflict), err)
		_, err = svc.Freeze(t.Context(), s.Manager, f.ID, why)
		require.NoError(t, err)
		got, id, err = svc.Unfreeze(t.Context(), s.Risk, f.ID, why)
		require.NoError(t, err)
		require.Equal(t, facility.Frozen, got.Status)
		made, err = proposals.Get(t.Context(), s.Approver, id)
		require.NoError(t, err)
		_, err = proposals.Approve(t.Context(), s.Risk, proposal.Decision{ID: id, BodyHash: made.BodyHash})
		require.True(t, fault.Is(err, proposal.ReasonOwn), err)
		_, err = proposals.Approve(t.Context(), s.Approver, proposal.Decision{ID: id, BodyHash: made.BodyHash})
		require.NoError(t, err)
		require.Equal(t, facility.Active, byID(t, d, s, f.ID).Status)
	})
}
