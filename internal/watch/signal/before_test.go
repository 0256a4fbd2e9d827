package signal_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/evidence/source"
	"github.com/capillary-finance/capillary/internal/insight/model"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
	"github.com/capillary-finance/capillary/internal/testkit/firmbook"
	"github.com/capillary-finance/capillary/internal/watch/signal"
)

// What the watch compares with is the score before the day's news, whoever scores the firm meanwhile and as of
// whatever date, and under the model that is active now.
func TestTheWatchComparesWithTheScoreBeforeTheNews(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		firmbook.Labelled(t, d, s, 90)
		activeModel(t, d, s)
		firm := firmbook.Firm(t, d, s, "A", "", firmbook.Trade(7001, 1.8))
		svc := model.NewService(d, nil)
		score := func(day calendar.Date) model.Score {
			got, err := svc.ScoreNow(t.Context(), s.Risk, firm, day)
			require.NoError(t, err)
			return got.Score
		}
		before := func() (m signal.Moment) {
			require.NoError(t, d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) (err error) {
				m, _, err = signal.DefaultSources().Before(t.Context(), tx, firm)
				return err
			}))
			return m
		}
		first := score(calendar.Date{})
		require.Equal(t, first.ID, before().Score.ID, "of the same day, when there is no earlier one")
		roll(t, d, s, "2026-01-06")
		firmbook.Add(t, d, s, firm, []source.Invoice{{Direction: source.Sale, Number: "void", Date: firmbook.Today, Counterparty: "x", NetMinor: -90_000_000, GrossMinor: -90_000_000, Red: true}})
		fresh := score(calendar.Date{})
		require.NotEqual(t, first.ID, fresh.ID)
		require.Equal(t, first.ID, before().Score.ID, "somebody was quicker than the watch")
		require.NotEqual(t, first.ID, score(firmbook.Today.AddDays(-200)).ID)
		require.Equal(t, first.ID, before().Score.ID, "a look at the past is not the score before")
		shown, err := svc.OfFirm(t.Context(), s.Risk, firm)
		require.NoError(t, err)
		require.Equal(t, fresh.ID, shown.Score.ID, "nor is it the firm's score today")

		activeModel(t, d, s)
		again := before()
		require.Equal(t, first.SnapshotID, again.Score.SnapshotID)
		require.NotEqual(t, first.ModelID, again.Score.ModelID, "compared under the model in use")
	})
}
