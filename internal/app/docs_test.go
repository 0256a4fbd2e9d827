package app_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/config"
)

var (
	markdownLink = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	codeBlock    = regexp.MustCompile("(?s)```.*?```|`[^`\n]*`")
	repository   = filepath.Join("..", "..")
)

// Every relative link of every page leads to something.
func TestLinksOfThePagesResolve(t *testing.T) {
	t.Parallel()
	pages := 0
	err := filepath.WalkDir(repository, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && path != repository && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules" || d.Name() == "data") {
			return fs.SkipDir
		}
		if d.IsDir() || !strings.HasSuffix(path, ".md") {
			return nil
		}
		pages++
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, m := range markdownLink.FindAllStringSubmatch(codeBlock.ReplaceAllString(string(text), ""), -1) {
			target, _, _ := strings.Cut(m[1], "#")
			if target == "" || strings.Contains(target, ":") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), target)); err != nil {
				t.Errorf("%s: link to %s leads nowhere", path, m[1])
			}
		}
		return nil
	})
	require.NoError(t, err)
	require.Greater(t, pages, 20)
}

// The two front pages point at the same documents and name the same commands.
func TestFrontPagesAgree(t *testing.T) {
	t.Parallel()
	read := func(name string) (links, commands []string) {
		text, err := os.ReadFile(filepath.Join(repository, name))
		require.NoError(t, err)
		for _, m := range markdownLink.FindAllStringSubmatch(string(text), -1) {
			if !strings.HasPrefix(m[1], "README") {
				links = append(links, m[1])
			}
		}
		return links, regexp.MustCompile(`(?m)^    (?:make|bin/capillary) \S+`).FindAllString(string(text), -1)
	}
	en, enCommands := read("README.md")
	zh, zhCommands := read("README.zh.md")
	require.Equal(t, en, zh)
	require.Equal(t, enCommands, zhCommands)
}

// The page on operations names every setting with its variable.
func TestEverySettingIsDocumented(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(repository, "docs", "operations.md"))
	require.NoError(t, err)
	for _, s := range config.Settings() {
		require.Contains(t, string(text), "| `"+s.Name+"` | `"+s.Env()+"` |", "docs/operations.md: run `capillary config list`")
	}
}
