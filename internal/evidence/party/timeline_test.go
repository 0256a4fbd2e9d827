package party_test

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/evidence/party"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// A firm's timeline gathers its own events, those of other objects that name it, and its part of an
// import of many firms; it is newest first, paged, and hidden from other branches.
func TestTheTimelineGathersWhatEveryDomainSaysOfAFirm(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		ctx := t.Context()
		s, staff := party.NewService(d, reversed{}), dbtest.Institution(t, d)
		f, err := s.Create(ctx, staff.Manager, factory())
		require.NoError(t, err)
		other := factory()
		other.Code = "E2"
		g, err := s.Create(ctx, staff.Operations, other) // of the head office
		require.NoError(t, err)
		say := func(kind, aggregate string, payload any) {
			require.NoError(t, d.Update(ctx, staff.Manager.Scope(), func(tx *db.Tx) error {
				return event.Append(ctx, tx, event.Draft{Type: kind, Aggregate: aggregate, AggregateID: aggregate + "_1", Payload: payload})
			}))
		}
		say("loan.disbursed", "loan", map[string]any{"firm_id": f.ID, "amount_minor": 100})
		say("facility.freeze", "facility", map[string]any{"facility": map[string]any{"firm_id": f.ID}, "reason": "silence"})
		say("evidence.batch_imported", "import", map[string]any{"firms": []map[string]any{{"firm_id": f.ID, "rows": 3}, {"firm_id": g.ID, "rows": 4}}})
		say("eod.completed", "institution", []int{1, 2})

		relay := event.NewRelay(d, event.Config{Poll: 10 * time.Millisecond})
		relay.Register(party.Timeline())
		require.NoError(t, relay.Start(ctx))
		t.Cleanup(func() { require.NoError(t, relay.Stop(context.WithoutCancel(ctx))) })
		var got []party.Moment
		require.Eventually(t, func() bool {
			page, err := s.Moments(ctx, staff.Manager, f.ID, "", "", 10)
			require.NoError(t, err)
			got = page.Items
			return len(got) == 4
		}, 20*time.Second, 5*time.Millisecond)
		require.Equal(t, []string{"evidence.batch_imported", "facility.freeze", "loan.disbursed", "firm.created"}, types(got))
		require.Equal(t, fault.Text{Zh: "放款到账", En: "Loan disbursed"}, got[2].Title)
		require.JSONEq(t, `{"firm_id":"`+f.ID+`","rows":3}`, string(got[0].Data), "only this firm's part of the import")

		first, err := s.Moments(ctx, staff.Manager, f.ID, "", "", 3)
		require.NoError(t, err)
		require.EqualValues(t, 4, first.Total)
		rest, err := s.Moments(ctx, staff.Manager, f.ID, "", first.NextCursor, 3)
		require.NoError(t, err)
		require.Equal(t, []string{"firm.created"}, types(rest.Items))
		require.Empty(t, rest.NextCursor)
		loans, err := s.Moments(ctx, staff.Manager, f.ID, "loan", "", 3)
		require.NoError(t, err)
		require.Equal(t, []string{"loan.disbursed"}, types(loans.Items))
		_, err = s.Moments(ctx, staff.Manager, g.ID, "", "", 3)
		require.True(t, fault.Is(err, fault.ReasonNotFound), "a firm of another branch")
	})
}

func types(ms []party.Moment) []string {
	out := make([]string, len(ms))
	for i, m := range ms {
		out[i] = m.Type
	}
	return out
}
