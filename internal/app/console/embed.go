//go:build !no_ui

package console

import (
	"embed"
	"io/fs"
)

// The pattern also matches dist.md, which is committed: the package compiles before the console is built.
//
//go:embed all:dist*
var built embed.FS

// files is the built console, or nil when it was not built before the binary.
func files() fs.FS {
	if _, err := fs.Stat(built, "dist/index.html"); err != nil {
		return nil
	}
	sub, err := fs.Sub(built, "dist")
	if err != nil {
		return nil
	}
	return sub
}
