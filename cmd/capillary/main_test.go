package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/spf13/cobra"
	"github.com/stretchr/testify/require"
)

func called(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(t.Context(), args, nil, &o, &e)
	return code, o.String(), e.String()
}

func TestWrongUseEndsWithTwoInTheReadersLanguage(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"bogus"}, {"user", "bogus"}, {"config", "bogus"}, {"import"}, {"version", "x"}, {"serve", "--bogus"}, {"backup"}, {"restore", "a", "b"}, {"config", "check", "--set", "listen"},
	} {
		code, out, errs := called(t, append(args, "--lang", "zh")...)
		require.Equal(t, 2, code, "%v: %s", args, errs)
		require.Contains(t, errs, "用法有误", args)
		require.Empty(t, out, args)
		code, _, errs = called(t, args...)
		require.Equal(t, 2, code, args)
		require.Contains(t, errs, "usage: ", args)
	}
	code, out, _ := called(t, "--help", "--lang", "zh")
	require.Equal(t, 0, code, "a flag before the language")
	require.Contains(t, out, "从 `capillary demo` 开始")
}

// Every command explains itself in both languages, and shows an example.
func TestEveryCommandHasHelpInBothLanguagesAndExamples(t *testing.T) {
	t.Parallel()
	for _, lang := range []string{"zh", "en"} {
		c := &cli{lang: lang}
		var walk func(cmd *cobra.Command)
		walk = func(cmd *cobra.Command) {
			han := strings.IndexFunc(cmd.Short, func(r rune) bool { return unicode.Is(unicode.Han, r) }) >= 0
			require.Equal(t, lang == "zh", han || cmd.Short == "", "%s: %s", cmd.CommandPath(), cmd.Short)
			require.NotEmpty(t, cmd.Short, cmd.CommandPath())
			if !cmd.HasSubCommands() && cmd.Name() != "help" {
				require.NotEmpty(t, cmd.Example, cmd.CommandPath())
			}
			for _, sub := range cmd.Commands() {
				if cmd.Name() != "completion" && sub.Name() != "completion" { // the library's own
					walk(sub)
				}
			}
		}
		root := c.root()
		require.Len(t, root.Commands(), 20)
		for _, sub := range root.Commands() {
			if sub.Name() != "completion" {
				walk(sub)
			}
		}
	}
}

// A mistyped folder must not become a new empty database that is then found whole, or backed up.
func TestCommandsOnExistingDataNeverMakeANewDatabase(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{{"verify"}, {"backup", filepath.Join(t.TempDir(), "b.tgz")}, {"eod"}, {"import", "x.csv"}, {"user", "list"}, {"institution", "list"}} {
		dir := filepath.Join(t.TempDir(), "typo")
		code, _, errs := called(t, append(args, "--data", dir)...)
		require.Equal(t, 1, code, args)
		require.Contains(t, errs, "DATABASE_MISSING", args)
		require.NoDirExists(t, dir, args)
	}
}

func TestARestoredDatabaseWaitsForItsKeys(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	from, to, file := filepath.Join(dir, "from"), filepath.Join(dir, "to"), filepath.Join(dir, "b.tgz")
	for _, args := range [][]string{
		{"institution", "create", "nsb", "--name", "某行", "--name-en", "Some Bank", "--branch", "hq::总行:Head office", "--data", from},
		{"backup", file, "--data", from}, {"restore", file, "--data", to},
	} {
		code, _, errs := called(t, args...)
		require.Equal(t, 0, code, "%v: %s", args, errs)
	}
	code, _, errs := called(t, "verify", "--data", to)
	require.Equal(t, 1, code)
	require.Contains(t, errs, "KEY_FILE_MISSING")
	keys, err := os.ReadFile(filepath.Join(from, "keys.json"))
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(filepath.Join(to, "keys.json"), keys, 0o600))
	code, _, errs = called(t, "verify", "--data", to)
	require.Equal(t, 0, code, errs)
}
