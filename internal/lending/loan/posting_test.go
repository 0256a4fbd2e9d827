package loan

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/ledger/recipe"
)

// Whatever the totals are, what is booked balances on the balance sheet and off it.
func TestEveryPostingBalances(t *testing.T) {
	t.Parallel()
	memo := map[string]bool{}
	for _, a := range journal.StandardChart() {
		memo[a.Code] = a.Kind == journal.Memo
	}
	rapid.Check(t, func(t *rapid.T) {
		var x Totals
		v := reflect.ValueOf(&x).Elem()
		for i := range v.NumField() {
			v.Field(i).SetInt(rapid.Int64Range(-1e12, 1e12).Draw(t, v.Type().Field(i).Name))
		}
		var on, off int64
		seen := map[string]bool{}
		for _, l := range x.lines(recipe.Default(), money.CNY) {
			require.NotZero(t, l.AmountMinor)
			require.False(t, seen[l.Account], "one line per account")
			seen[l.Account] = true
			if memo[l.Account] {
				off += l.AmountMinor
			} else {
				on += l.AmountMinor
			}
		}
		require.Zero(t, on)
		require.Zero(t, off)
	})
}
