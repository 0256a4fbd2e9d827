package app_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "github.com/capillary-finance/capillary/internal/"

// floor numbers of the house (docs/architecture.md). A package imports floors below its own; packages
// of one floor import each other only along a drawn arrow.
var floor = map[string]int{
	"base": -1, "platform": 0, "evidence": 1, "insight": 2, "ledger": 3, "credit": 4, "lending": 5, "watch": 6, "assess": 7, "selftest": 7, "app": 8,
}

// arrows drawn between packages of one floor: importer -> imported.
var arrows = map[string][]string{
	"base/*":              {"base/*"},
	"platform/db":         {"failpoint"},
	"platform/audit":      {"db", "fault", "auth", "api", "failpoint"},
	"platform/event":      {"db", "fault", "auth", "api", "audit", "crypto", "failpoint"},
	"platform/auth":       {"db", "fault", "event", "audit", "crypto", "config"},
	"platform/api":        {"db", "fault", "auth", "audit", "event", "crypto", "observe", "failpoint"},
	"platform/proposal":   {"*"},
	"platform/identity":   {"*"},
	"platform/job":        {"*"},
	"platform/inbox":      {"*"},
	"platform/search":     {"*"},
	"platform/webhook":    {"*"},
	"platform/blob":       {"*"},
	"platform/observe":    {"db", "fault", "config"},
	"platform/doc":        {"fault"},
	"platform/crypto":     {"fault", "db"},
	"evidence/consent":    {"party"},
	"evidence/source":     {"party", "consent"},
	"evidence/intake":     {"*"},
	"insight/profile":     {"feature"},
	"insight/model":       {"feature", "profile", "scorecard"},
	"insight/scorecard":   {"feature"},
	"insight/workbench":   {"boost", "scorecard", "feature"},
	"credit/decision":     {"product", "pricing", "facility"},
	"credit/application":  {"product", "decision", "facility", "pricing"},
	"credit/approval":     {"application", "decision", "product"},
	"credit/pricing":      {"product", "decision", "facility"},
	"lending/contract":    {"loan"},
	"lending/payment":     {},
	"lending/mandate":     {"payment"},
	"lending/loan":        {"payment", "mandate"},
	"lending/eod":         {"loan", "payment", "contract", "mandate"},
	"ledger/recipe":       {"journal"},
	"ledger/writer":       {"journal"},
	"ledger/chart":        {"journal", "recipe"},
	"ledger/voucher":      {"journal"},
	"ledger/period":       {"journal"},
	"ledger/fx":           {"journal", "recipe"},
	"ledger/statement":    {"journal", "fx"},
	"lending/receipt":     {"loan", "payment"},
	"lending/statement":   {"loan"},
	"lending/ageing":      {"eod", "loan"},
	"lending/due":         {"loan"},
	"watch/signal":        {},
	"app/*":               {"*"},
	"assess":              {},
	"selftest":            {},
	"platform/event/sink": {"*"},
}

func TestFloors(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..")
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		rel := filepath.ToSlash(strings.TrimPrefix(filepath.Dir(path), root+string(filepath.Separator)))
		house := strings.Split(rel, "/")[0]
		if house == "testkit" {
			return nil
		}
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		require.NoError(t, err)
		for _, imp := range f.Imports {
			target, ok := strings.CutPrefix(strings.Trim(imp.Path.Value, `"`), module)
			if !ok || target == rel {
				continue
			}
			if problem := judge(house, rel, target); problem != "" {
				t.Errorf("%s: %s imports %s: %s", path, rel, target, problem)
			}
		}
		return nil
	})
	require.NoError(t, err)
}

func judge(house, rel, target string) string {
	other := strings.Split(target, "/")[0]
	if other == "testkit" {
		return "the test kit is for tests"
	}
	if house == "simulator" {
		if other == "base" || strings.HasPrefix(target, rel) || strings.HasPrefix(rel, target) || other == "simulator" {
			return ""
		}
		return "simulators import base only"
	}
	if other == "simulator" {
		return "simulators are processes of their own; only cmd starts them"
	}
	own, known := floor[house]
	up, knownOther := floor[other]
	switch {
	case !known || !knownOther:
		return "this folder has no floor: draw it in docs/architecture.md and here"
	case own > up:
		return ""
	case own < up:
		return "a floor imports only what lies below it"
	}
	if strings.HasPrefix(target, rel+"/") || strings.HasPrefix(rel, target+"/") {
		return "" // a package and its own parts
	}
	key := strings.Join(first(strings.Split(rel, "/"), 2), "/")
	for _, pattern := range []string{key, house + "/*"} {
		for _, a := range arrows[pattern] {
			if a == "*" || strings.HasPrefix(target, house+"/"+a) || a == house+"/*" {
				return ""
			}
		}
	}
	// Every platform package may use the error model, the settings and the database seam.
	if house == "platform" && (target == "platform/fault" || target == "platform/db" || target == "platform/config") {
		return ""
	}
	return "no arrow is drawn between these packages of one floor"
}

func first(s []string, n int) []string { return s[:min(n, len(s))] }

// Every package says what it is for.
func TestEveryPackageHasDocumentation(t *testing.T) {
	t.Parallel()
	documented := map[string]bool{}
	for _, root := range []string{"..", filepath.Join("..", "..", "cmd")} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			f, err := parser.ParseFile(token.NewFileSet(), path, text, parser.ParseComments|parser.PackageClauseOnly)
			require.NoError(t, err)
			dir := filepath.Dir(path)
			documented[dir] = documented[dir] || f.Doc != nil
			return nil
		})
		require.NoError(t, err)
	}
	for dir, ok := range documented {
		require.True(t, ok, "package in %s has no package comment", dir)
	}
}
