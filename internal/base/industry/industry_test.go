package industry_test

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/capillary-finance/capillary/internal/base/industry"
)

func TestLookup(t *testing.T) {
	t.Parallel()
	sections, divisions := 0, 0
	for _, in := range industry.All() {
		require.NotEmpty(t, in.Zh)
		require.NotEmpty(t, in.En)
		if len(in.Code) == 1 {
			sections++
		} else {
			divisions++
		}
	}
	require.Equal(t, []int{20, 97}, []int{sections, divisions})
	for _, code := range []string{"C26", "26", "2651", "c2651", " 265 "} {
		in, err := industry.Lookup(code)
		require.NoError(t, err, code)
		require.Equal(t, "C26", in.Code)
		s, err := industry.Section(code)
		require.NoError(t, err)
		require.Equal(t, "C", s.Code)
	}
	for _, bad := range []string{"", "Z", "99", "D26", "2", "26x", "265123"} {
		_, err := industry.Lookup(bad)
		require.ErrorIs(t, err, industry.ErrUnknown, bad)
	}
}

func TestSizeClass(t *testing.T) {
	t.Parallel()
	const wan = 1_000_000
	rows := []struct {
		code                       string
		employees, revenue, assets int64
		want                       industry.Size
	}{
		{"C2651", 300, 2000 * wan, 0, industry.Medium},
		{"G5910", 300, 3000 * wan, 0, industry.Medium}, // handling counts as transport
		{"G5921", 100, 1000 * wan, 0, industry.Medium}, // warehousing
		{"K7010", 0, 1000 * wan, 5000 * wan, industry.Medium},
		{"K7040", 900, 9000 * wan, 9000 * wan, industry.NotCovered},
		{"G5310", 900, 9000 * wan, 0, industry.NotCovered},
		{"J66", 900, 9000 * wan, 0, industry.NotCovered},
		{"Q85", 9, 0, 0, industry.Micro},
		{"Q84", 9, 0, 0, industry.NotCovered},
	}
	for _, r := range rows {
		got, err := industry.SizeClass(r.code, r.employees, r.revenue, r.assets)
		require.NoError(t, err, r.code)
		require.Equal(t, r.want, got, r.code)
	}
	_, err := industry.SizeClass("ZZ", 1, 1, 1)
	require.ErrorIs(t, err, industry.ErrUnknown)
	for _, s := range []industry.Size{industry.Large, industry.Medium, industry.Small, industry.Micro, industry.NotCovered} {
		require.NotEmpty(t, s.Zh())
		require.NotEmpty(t, s.En())
	}
}

func runBoundary(t *testing.T, path string) {
	t.Helper()
	b, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		t.Skipf("shared vectors absent at %s; testdata/boundary.json is checked instead", path)
	}
	require.NoError(t, err)
	var doc struct {
		Tests []struct {
			Industry  string  `json:"industry"`
			Employees int64   `json:"employees"`
			Revenue   float64 `json:"revenue_wan"`
			Assets    float64 `json:"assets_wan"`
			Expect    string  `json:"expect"`
		} `json:"boundary_tests"`
	}
	require.NoError(t, json.Unmarshal(b, &doc))
	require.Len(t, doc.Tests, 16)
	byKey := map[string]industry.Rule{}
	for _, r := range industry.SizeRules() {
		byKey[r.Key] = r
	}
	require.Len(t, byKey, 16)
	for _, c := range doc.Tests {
		rule, ok := byKey[c.Industry]
		require.True(t, ok, c.Industry)
		got := rule.Class(c.Employees, int64(math.Round(c.Revenue*1e6)), int64(math.Round(c.Assets*1e6)))
		require.Equal(t, industry.Size(c.Expect), got, "%+v", c)
	}
}

func TestCopiedBoundaries(t *testing.T) {
	t.Parallel()
	runBoundary(t, "testdata/boundary.json")
}

func TestSharedBoundaries(t *testing.T) {
	t.Parallel()
	runBoundary(t, "../../../../shared/vectors/sme_size.json")
}

// A firm that grows in every indicator never falls a class.
func TestMonotone(t *testing.T) {
	t.Parallel()
	order := map[industry.Size]int{industry.Micro: 0, industry.Small: 1, industry.Medium: 2, industry.Large: 3}
	rapid.Check(t, func(t *rapid.T) {
		rules := industry.SizeRules()
		r := rules[rapid.IntRange(0, len(rules)-1).Draw(t, "rule")]
		n := rapid.Int64Range(0, 3000)
		m := rapid.Int64Range(0, 3e11)
		e, rev, a := n.Draw(t, "e"), m.Draw(t, "r"), m.Draw(t, "a")
		low := r.Class(e, rev, a)
		high := r.Class(e+n.Draw(t, "de"), rev+m.Draw(t, "dr"), a+m.Draw(t, "da"))
		require.LessOrEqual(t, order[low], order[high])
	})
}
