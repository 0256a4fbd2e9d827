package selftest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/selftest"
)

func TestPublishedVectors(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("CAPILLARY_TEST_VECTORS")
	if dir == "" {
		t.Skip("set CAPILLARY_TEST_VECTORS to the folder with the published vectors")
	}
	for _, name := range []string{"lending_vectors.json", "scorecard_vectors.json", "sme_size.json", "id_codes.json"} {
		report, err := selftest.File(filepath.Join(dir, name))
		require.NoError(t, err)
		require.NotEmpty(t, report.Outcomes)
		for _, o := range report.Outcomes {
			require.True(t, o.Pass, "%s %s (%s)\nexpected %s\n     got %s", name, o.ID, o.Kind, o.Expected, o.Got)
		}
	}
}

// A changed figure must be seen: each vector of the lending file is broken once.
func TestBrokenVectorsAreMisses(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"schedule":  `{"vectors":[{"id":"x","kind":"schedule","inputs":{"schedule_type":"PROGRESSIVE","principal":"100","annual_rate_pct":"12","start_date":"2024-01-01","n":1,"frequency":"MONTHS","repay_every":1,"days_in_year":"360","days_in_month":"30","currency_decimals":2,"rounding":"HALF_EVEN"},"expected":{"rows":[{"nr":1,"due_date":"2024-02-01","principal":"100.00","interest":"1.01","due":"101.01","balance_after":"0.00"}]}}]}`,
		"tvm":       `{"vectors":[{"id":"x","kind":"tvm","inputs":{"fn":"pmt","rate":"0.01","nper":12,"pv":"1000"},"expected":"-88.84","tolerance":"1e-3"}]}`,
		"unknown":   `{"vectors":[{"id":"x","kind":"astrology","inputs":{},"expected":{}}]}`,
		"size":      `{"boundary_tests":[{"industry":"industry","employees":1000,"revenue_wan":40000,"expect":"M"}]}`,
		"code":      `{"valid":[{"uscc":"914403001922038217"}],"invalid":[]}`,
		"scorecard": `{"pdo_scaling":{"cases":[{"points0":600,"odds0":0.05,"pdo":20,"scores":[{"p_bad":0.1,"score":1}]}]}}`,
	} {
		file := filepath.Join(t.TempDir(), name+".json")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		report, err := selftest.File(file)
		require.NoError(t, err, name)
		require.Len(t, report.Outcomes, 1, name)
		require.Zero(t, report.Passed(), name)
		var out strings.Builder
		require.NoError(t, report.Print(&out))
		require.Contains(t, out.String(), "MISS")
		require.Contains(t, out.String(), "0 passed, 1 failed")
	}
}

func TestRefusesOtherFiles(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`{"a":1}`, `[]`, `nonsense`, ``} {
		file := filepath.Join(t.TempDir(), "x.json")
		require.NoError(t, os.WriteFile(file, []byte(text), 0o600))
		_, err := selftest.File(file)
		require.Error(t, err)
	}
}
