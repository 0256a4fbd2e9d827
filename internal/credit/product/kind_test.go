package product_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/credit/product"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/products"
)

// A kind, its methods and its parts belong together; what does not is told with its line, in both languages.
func TestKindsKeepTheirParts(t *testing.T) {
	t.Parallel()
	cases := []struct{ file, from, to, field string }{
		{"invoice-lease", "methods: [equal_instalment]", "methods: [interest_only]", "terms.methods[0]"},
		{"invoice-lease", "kind: lease", "kind: term", "terms.lease"},
		{"invoice-credit", "kind: revolving", "kind: lease", "terms.lease"},
		{"invoice-lease", `deposit: "0.10"`, `deposit: "0.30"`, "terms.lease.deposit"},
		{"invoice-lease", `residual: "0.01"`, `residual: "0.11"`, "terms.lease.residual"},
		{"invoice-lease", "deposit_use: last_rents", "deposit_use: keep_it", "terms.lease.deposit_use"},
		{"invoice-lease", "methods: [equal_instalment]\n  lease:\n    in_advance: false", "methods: [equal_instalment, equal_principal]\n  lease:\n    in_advance: true", "terms.lease.in_advance"},
		{"invoice-discount", "methods: [discount]", "methods: [bullet]", "terms.methods[0]"},
		{"invoice-credit", "methods: [interest_only, equal_instalment]", "methods: [interest_only, discount]", "terms.methods[1]"},
		{"invoice-credit", "methods: [interest_only, equal_instalment]", "methods: [interest_only, sales_share]", "terms.sales"},
		{"invoice-sales-share", "methods: [sales_share]", "methods: [bullet]", "terms.sales"},
		{"invoice-sales-share", `share_max: "0.15"`, `share_max: "0.04"`, "terms.sales.share_max"},
		{"invoice-sales-share", `cap: "0.25"`, `cap: "0.01"`, "terms.sales.cap"},
		{"invoice-sales-share", "expected: coalesce(f.sales_net_12m, 0.0) / 12.0", "expected: f.sales_per_moon", "terms.sales.expected"},
		{"invoice-staged", "max: 4", "max: 1", "terms.tranches.max"},
		{"invoice-staged", "months_max: 5", "months_max: 24", "terms.tranches.months_max"},
		{"invoice-lease", "  lease:\n", "  tranches: {max: 2, months_max: 2}\n  lease:\n", "terms.tranches"},
	}
	for _, tc := range cases {
		b, err := products.Files.ReadFile(tc.file + ".yaml")
		require.NoError(t, err)
		require.Contains(t, string(b), tc.from, tc.field)
		_, err = product.Parse([]byte(strings.Replace(string(b), tc.from, tc.to, 1)))
		require.True(t, fault.Is(err, product.ReasonRecipe), "%s: %v", tc.field, err)
		told := false
		for _, f := range fault.All(err) {
			if f.Field == tc.field {
				told = true
				require.Positive(t, f.Row)
				require.NotContains(t, f.Text("zh"), "{")
			}
		}
		require.True(t, told, "%s: %v", tc.field, err)
	}
}

func TestExpectedSalesFollowTheProfile(t *testing.T) {
	t.Parallel()
	b, err := products.Files.ReadFile("invoice-sales-share.yaml")
	require.NoError(t, err)
	c, err := product.Parse(b)
	require.NoError(t, err)
	v, err := c.ExpectedSales(t.Context(), good())
	require.NoError(t, err)
	require.EqualValues(t, 50_000_000, v, "a twelfth of 600,000,000")
	v, err = c.ExpectedSales(t.Context(), nil)
	require.NoError(t, err)
	require.EqualValues(t, 1, v, "nothing known: the minimum decides")
	v, err = recipe(t).ExpectedSales(t.Context(), good())
	require.NoError(t, err)
	require.Zero(t, v)
}
