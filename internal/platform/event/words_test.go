package event_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/event"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// What a handler says of its failure is kept whatever bytes it holds: a consumer must not stand still
// because PostgreSQL refuses the words.
func TestAFailureInUnprintableWordsStopsNobody(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		r := event.NewRelay(d, fast)
		r.Register(recorder("words", func(e event.Event, n int) error {
			if n == 0 {
				return errors.New("a" + strings.Repeat("中", 1000) + "\x00\xff") // cut at 2000 bytes, within a character
			}
			return nil
		}))
		emit(t, d, s.System.Scope(), "bad", 0)
		emit(t, d, s.System.Scope(), "good", 1)
		run(t, r)
		eventually(t, "the good one goes on", func() bool { return slices.Equal([]string{"good 1"}, seen(t, d, s.System.Scope(), "words")) })
		eventually(t, "a dead letter", func() bool {
			page, _, err := r.DeadLetters(t.Context(), s.System.Scope(), "", 0, 20)
			require.NoError(t, err)
			return len(page) == 1 && strings.HasPrefix(page[0].Error, "a中")
		})
	})
}
