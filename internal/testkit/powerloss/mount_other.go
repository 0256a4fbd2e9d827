//go:build !linux

package powerloss

import (
	"errors"
	"testing"
)

// Available says why disks cannot be mounted here.
func Available() error { return errors.New("disks are mounted on Linux only") }

// Mount fails.
func Mount(t testing.TB, _ *Disk, _ string) (unmount func()) {
	t.Fatal(Available())
	return nil
}
