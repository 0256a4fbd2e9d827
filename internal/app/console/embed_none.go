//go:build no_ui

package console

import "io/fs"

// files is nil: this binary was built without the console (build tag no_ui).
func files() fs.FS { return nil }
