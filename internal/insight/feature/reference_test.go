package feature_test

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/insight/feature"
)

// updateVariable, when set, writes the page anew instead of comparing it.
const updateVariable = "CAPILLARY_UPDATE_GOLDEN"

// TestReferencePageIsCurrent keeps docs/reference/features.md equal to the definitions.
func TestReferencePageIsCurrent(t *testing.T) {
	t.Parallel()
	const path = "../../../docs/reference/features.md"
	want := referencePage()
	if os.Getenv(updateVariable) != "" {
		require.NoError(t, os.WriteFile(path, []byte(want), 0o644)) //nolint:gosec // a page of the documentation
	}
	got, err := os.ReadFile(path)
	require.NoError(t, err)
	require.Equal(t, want, string(got), "run the test with %s=1 to write the page anew", updateVariable)
}

var directions = map[feature.Direction]string{
	feature.Safer: "越高越安全 / higher is safer", feature.Riskier: "越高越有风险 / higher is riskier", feature.Unknown: "由数据学习 / learnt from data",
}

func referencePage() string {
	var b strings.Builder
	fmt.Fprintf(&b, "# 发票特征 / Invoice features\n\n%d 个特征，版本 `%s`。本页由 internal/insight/feature 的定义生成，测试保证一致。\n\n", len(feature.Definitions()), feature.Version)
	fmt.Fprintf(&b, "%d features, version `%s`. This page is written from the definitions in internal/insight/feature; a test keeps it current.\n", len(feature.Definitions()), feature.Version)
	var theme feature.Theme
	for _, d := range feature.Definitions() {
		if d.Theme != theme {
			theme = d.Theme
			fmt.Fprintf(&b, "\n## %s\n", theme)
		}
		sources := make([]string, len(d.Sources))
		for i, s := range d.Sources {
			sources[i] = string(s)
		}
		fmt.Fprintf(&b, "\n### %s · %s\n`%s` · %s · %s · %s · %s\n\n", d.Zh, d.En, d.ID, d.Unit, d.Window, strings.Join(sources, ", "), directions[d.Direction])
		fmt.Fprintf(&b, "- %s\n- %s\n- 空值 / empty: %s / %s\n- 图 / chart: `%s`\n", d.FormulaZh, d.FormulaEn, d.NullZh, d.NullEn, d.Chart)
	}
	return b.String()
}
