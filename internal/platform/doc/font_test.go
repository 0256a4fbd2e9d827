package doc

import (
	"bytes"
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// The PDF writer changes the font bytes it is given, here and there. Were they
// shared, a contract would depend on what was printed before it, and its hash
// with it.
func TestFontStaysAsItIs(t *testing.T) {
	t.Parallel()
	want, err := os.ReadFile("font/CapillarySansSC-Regular.ttf")
	require.NoError(t, err)
	for _, text := range []string{"借款合同", "Loan contract ÀÉÖ 2026-02-05", "年利率 4.35%"} {
		_, err := New(Meta{Title: text, At: time.Unix(0, 0)}).Paragraph(text).Bytes()
		require.NoError(t, err)
	}
	require.True(t, bytes.Equal(want, fontBytes))
}
