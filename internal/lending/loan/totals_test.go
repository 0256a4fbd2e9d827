package loan_test

import (
	"reflect"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/lending/loan"
)

// Every figure takes part in the difference that is booked: one that is left
// out would never reach the books.
func TestDifferenceCoversEveryFigure(t *testing.T) {
	t.Parallel()
	var now, before loan.Totals
	a, b := reflect.ValueOf(&now).Elem(), reflect.ValueOf(&before).Elem()
	for i := range a.NumField() {
		require.Equal(t, reflect.Int64, a.Field(i).Kind(), a.Type().Field(i).Name)
		a.Field(i).SetInt(int64(1000 + 7*i))
		b.Field(i).SetInt(int64(3 * i))
	}
	d := reflect.ValueOf(now.Sub(before))
	for i := range d.NumField() {
		require.Equal(t, int64(1000+4*i), d.Field(i).Int(), d.Type().Field(i).Name)
	}
	require.Equal(t, loan.Totals{}, now.Sub(now))
}
