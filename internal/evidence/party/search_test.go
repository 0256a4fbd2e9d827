package party_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/evidence/party"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/platform/search"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

func TestFirmsAreFoundByWhatAPersonRemembersAndOnlyInTheirBranch(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		s, staff := party.NewService(d, reversed{}), dbtest.Institution(t, d)
		for _, code := range []string{"E12", "E1", "AE1"} {
			draft := factory()
			draft.Code = code
			_, err := s.Create(ctx, staff.Manager, draft)
			require.NoError(t, err)
		}
		hidden := factory()
		hidden.Code = "E1-HQ"
		_, err := s.Create(ctx, staff.Operations, hidden)
		require.NoError(t, err)

		box := search.NewService(d)
		box.Register(party.Search())
		require.Panics(t, func() { box.Register(party.Search()) })
		found := func(text string) []string {
			hits, err := box.Search(ctx, staff.Manager, text, 20)
			require.NoError(t, err)
			codes := []string{}
			for _, h := range hits {
				require.Equal(t, "firm", h.Kind)
				codes = append(codes, h.Detail)
			}
			return codes
		}
		const uscc = " · 914403001922038216"
		require.Equal(t, []string{"E1" + uscc, "E12" + uscc, "AE1" + uscc}, found(" e1 "), "the whole code first, then beginnings, then the rest")
		require.Len(t, found("恒源"), 3)
		require.Len(t, found("91440300"), 3)
		require.Len(t, found("陈某"), 3, "by owner")
		require.Empty(t, found("%_"+`\x`), "wildcards stand for nothing")
		require.Empty(t, found("nobody"))

		all, err := box.Search(ctx, staff.Operations, "e1", 2)
		require.NoError(t, err)
		require.Len(t, all, 2, "the limit holds over all kinds")
		none, err := box.Search(ctx, staff.Admin, "e1", 20)
		require.NoError(t, err)
		require.Empty(t, none, "administrators manage users, they do not see firms")
		_, err = box.Search(ctx, staff.Manager, "   ", 20)
		require.True(t, fault.Is(err, fault.ReasonInvalid))
	})
}
