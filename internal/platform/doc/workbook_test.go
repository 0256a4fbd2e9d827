package doc_test

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"
	"github.com/xuri/excelize/v2"

	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/platform/doc"
)

// An amount that no double can hold stands in the file to the last digit, with the decimals of its currency.
func TestAmountsOfAWorkbookAreExact(t *testing.T) {
	t.Parallel()
	w := doc.NewWorkbook()
	w.Sheet("一", 3)
	w.Row("名称", nil, money.Of(9_007_199_254_740_993_01, money.CNY))
	w.Sheet("二", 1)
	w.Row(money.Of(1234567, "JPY"))
	w.Row(money.Of(-5, money.CNY))
	text, err := w.Bytes()
	require.NoError(t, err)
	f, err := excelize.OpenReader(bytes.NewReader(text))
	require.NoError(t, err)
	raw := func(sheet, at string) string {
		v, err := f.GetCellValue(sheet, at, excelize.Options{RawCellValue: true})
		require.NoError(t, err)
		return v
	}
	require.Equal(t, []string{"名称", "", "9007199254740993.01"}, []string{raw("一", "A1"), raw("一", "B1"), raw("一", "C1")})
	require.Equal(t, []string{"1234567", "-0.05"}, []string{raw("二", "A1"), raw("二", "A2")})
	shown, err := f.GetCellValue("二", "A1")
	require.NoError(t, err)
	require.Equal(t, "1,234,567", shown)

	bad := doc.NewWorkbook()
	bad.Sheet("a name that is far too long for a sheet of a workbook", 1)
	_, err = bad.Bytes()
	require.Error(t, err)
}
