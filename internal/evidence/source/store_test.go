package source_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/evidence/source"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// book is the plain model of what a firm's rows must be after any files in any order: per invoice, the
// most rows that one file has shown, and the most void ones.
type book map[string]struct{ rows, void int }

func drawFile(t *rapid.T) (rows []source.Staged) {
	for line := range rapid.IntRange(1, 12).Draw(t, "rows") {
		n := rapid.IntRange(1, 3).Draw(t, "invoice")
		rows = append(rows, source.Staged{Line: int64(line + 2), FirmID: "firm_1", Invoice: source.Invoice{
			Direction: source.Direction(rapid.IntRange(1, 2).Draw(t, "direction")), Number: fmt.Sprint(n), Date: calendar.MustParse("2026-01-01").AddDays(n % 2),
			Counterparty: "B", NetMinor: int64(n), GrossMinor: int64(n), Void: rapid.Bool().Draw(t, "void"),
		}})
	}
	return rows
}

// Files that overlap, in any order, brought any number of times: the same rows never count twice, none
// is lost, void never turns back, and pages show each row once.
func TestAnyFilesInAnyOrderLeaveTheSameBook(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	rapid.Check(t, func(rt *rapid.T) {
		staff := dbtest.Institution(t, d)
		want := book{}
		for i := range rapid.IntRange(1, 5).Draw(rt, "files") {
			file, count := drawFile(rt), book{}
			for _, r := range file {
				k := r.Direction.String() + r.Number
				c := count[k]
				c.rows++
				if r.Void {
					c.void++
				}
				count[k] = c
			}
			for k, c := range count {
				want[k] = struct{ rows, void int }{max(want[k].rows, c.rows), max(want[k].void, c.void)}
			}
			require.NoError(t, d.Update(t.Context(), staff.System.Scope(), func(tx *db.Tx) error {
				batch := fmt.Sprint("b", i)
				if err := source.Stage(t.Context(), tx, batch, file); err != nil {
					return err
				}
				_, err := source.Publish(t.Context(), tx, batch)
				return err
			}))
		}
		got, listed := book{}, map[source.Mark]bool{}
		require.NoError(t, d.View(t.Context(), staff.System.Scope(), func(tx *db.Tx) error {
			all, err := source.Invoices(t.Context(), tx, "firm_1", calendar.MustParse("2026-12-31"))
			for _, v := range all {
				c := got[v.Direction.String()+v.Number]
				c.rows++
				if v.Void {
					c.void++
				}
				got[v.Direction.String()+v.Number] = c
			}
			for f := (source.Filter{Limit: 3}); err == nil; {
				var page []source.Listed
				if page, err = source.List(t.Context(), tx, "firm_1", f); len(page) == 0 {
					break
				}
				for _, l := range page {
					require.False(t, listed[l.Mark], "a row on two pages")
					listed[l.Mark] = true
				}
				f.Before = page[len(page)-1].Mark
			}
			require.Len(t, listed, len(all))
			return err
		}))
		require.Equal(t, want, got)
	})
}
