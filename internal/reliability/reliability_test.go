package reliability_test

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/testkit/crash"
)

func TestMain(m *testing.M) {
	if !crash.Child(crash.Children{"years": yearsChild, "teller": tellerChild}) {
		os.Exit(m.Run())
	}
}

// long tells the nightly campaign from `make test`.
func long() bool { return os.Getenv("CAPILLARY_LONG") != "" }

// size is how much a bar does: short in `make test`, otherwise long, otherwise what the variable says.
func size(t testing.TB, variable string, short, nightly int) int {
	t.Helper()
	if text := os.Getenv(variable); text != "" {
		n, err := strconv.Atoi(text)
		require.NoError(t, err, variable)
		return n
	}
	if long() {
		return nightly
	}
	return short
}

// seedOf is the seed of a test: from the variable, or a new one. It is said when the test fails.
func seedOf(t testing.TB, variable string) uint64 {
	t.Helper()
	seed := rand.Uint64N(1 << 40)
	if text := os.Getenv(variable); text != "" {
		n, err := strconv.ParseUint(text, 10, 64)
		require.NoError(t, err, variable)
		seed = n
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("run it again with %s=%d", variable, seed)
		}
	})
	return seed
}

// heavy skips what is not a race test under the race detector, which makes the embedded database five to
// twenty times slower; scripts/test.sh runs it without.
func heavy(t testing.TB) {
	t.Helper()
	if raceDetector && !long() {
		t.Skip("runs without the race detector (scripts/test.sh)")
	}
}
