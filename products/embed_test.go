package products_test

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/credit/product"
	"github.com/capillary-finance/capillary/products"
)

func TestEveryShippedRecipeCompiles(t *testing.T) {
	t.Parallel()
	entries, err := fs.ReadDir(products.Files, ".")
	require.NoError(t, err)
	require.NotEmpty(t, entries)
	for _, e := range entries {
		text, err := fs.ReadFile(products.Files, e.Name())
		require.NoError(t, err)
		c, err := product.Parse(text)
		require.NoError(t, err, e.Name())
		require.Equal(t, strings.TrimSuffix(e.Name(), ".yaml"), c.ID)
	}
}
