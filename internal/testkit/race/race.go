// Package race lets a test that is too slow under the race detector leave it
// to the run without it, which scripts/test.sh makes as well.
package race

import "testing"

// Leave skips the test in a build with the race detector.
func Leave(t *testing.T) {
	t.Helper()
	if Enabled {
		t.Skip("too slow under the race detector; scripts/test.sh runs it without")
	}
}
