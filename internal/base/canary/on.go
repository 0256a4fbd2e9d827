//go:build canary

package canary

// name is set by the linker.
var name string

// On reports whether the bug of that name is built in.
func On(bug string) bool { return name == bug }
