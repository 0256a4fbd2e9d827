package db_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

var (
	bulkEvents = db.NewBulk("event", []string{"institution_id", "id", "position", "at", "actor", "type", "aggregate", "aggregate_id", "payload"}, "on conflict (institution_id, id) do nothing")
	sumEvents  = db.Q(`select count(*), coalesce(sum(at), 0), count(position) from event where institution_id = $1 and type = 'bulk'`)
)

// Many rows go in whatever their number, order and nulls; those that are there already are not counted.
func TestBulkInsertCountsWhatIsNewOnBothEngines(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d)
		row := func(i int, position any) []any {
			return []any{s.InstitutionID, fmt.Sprintf("evt_%06d", i), position, i, "某人", "bulk", "a", `{"x":"\"}`, "{}"}
		}
		insert := func(rows [][]any) (n int64) {
			require.NoError(t, d.Update(t.Context(), s.System.Scope(), func(tx *db.Tx) (err error) {
				n, err = tx.BulkInsert(t.Context(), bulkEvents, rows)
				return err
			}))
			return n
		}
		var rows [][]any
		for i := range 12_345 {
			rows = append(rows, row(i, 1_000_000+i))
		}
		require.Zero(t, insert(nil))
		require.EqualValues(t, 12_345, insert(rows))
		require.Zero(t, insert(rows), "the same rows again")
		mixed := [][]any{row(3, 7), row(20_000, nil), row(20_001, int64(2_000_001)), row(20_002, nil)}
		require.EqualValues(t, 3, insert(mixed), "nulls and several number types in one column")
		late := append(append([][]any{}, rows...), row(30_000, nil)) // the null comes only in the second part
		require.EqualValues(t, 1, insert(late))
		var count, sum, placed int64
		require.NoError(t, d.View(t.Context(), s.System.Scope(), func(tx *db.Tx) error {
			return tx.QueryRow(t.Context(), sumEvents, s.InstitutionID).Scan(&count, &sum, &placed)
		}))
		require.EqualValues(t, 12_349, count)
		require.EqualValues(t, 12_345*12_344/2+20_000+20_001+20_002+30_000, sum)
		require.EqualValues(t, 12_346, placed)
	})
}
