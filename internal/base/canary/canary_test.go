package canary_test

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/canary"
)

func TestABuildWithoutTheTagHasNoSeededBug(t *testing.T) {
	t.Parallel()
	for _, bug := range []string{"", "double_pay"} {
		require.False(t, canary.On(bug))
	}
	// The program's binary is built without the tag: nothing in the house's build files names it.
	out, err := exec.CommandContext(t.Context(), "grep", "-rlE", `tags[ =]"?[a-z_,]*canary`, "../../../Makefile", "../../../deploy", "../../../scripts/web.sh").CombinedOutput()
	require.Error(t, err)
	require.Empty(t, strings.TrimSpace(string(out)))
}
