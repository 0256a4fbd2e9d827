package crypto //nolint:testpackage // the rule needs owners that a test cannot make

import (
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestWhoMayReadAKeyFile(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		mode      fs.FileMode
		uid, euid int
		open      bool
	}{
		{0o600, 1000, 1000, false},
		{0o640, 1000, 1000, true},
		{0o440, 0, 65532, false}, // a mounted secret
		{0o640, 0, 65532, false},
		{0o660, 0, 65532, true},
		{0o444, 0, 65532, true},
		{0o440, 0, 0, true}, // root hands nothing over to itself
	} {
		require.Equal(t, c.open, tooOpen(c.mode, c.uid, c.euid), "mode %o owner %d program %d", c.mode, c.uid, c.euid)
	}
}
