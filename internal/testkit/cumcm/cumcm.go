// Package cumcm reads the contest data of real invoices for tests. It is a second, slow and simple reader, written
// apart from evidence/source so that the two may be compared.
package cumcm

import (
	"compress/gzip"
	"encoding/csv"
	"io"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/evidence/source"
)

// Variable names the environment variable that holds the folder with the public data sets.
const Variable = "CAPILLARY_TEST_DATA"

// Firm is one labelled firm with its invoices.
type Firm struct {
	Code     string
	Bad      bool
	Invoices []source.Invoice
}

// Dir returns the folder of the data set and skips the test when it was not given.
func Dir(tb testing.TB) string {
	tb.Helper()
	if raceDetector && os.Getenv("CAPILLARY_LONG") == "" {
		// The embedded database is an order of magnitude slower under the race detector; the same tests
		// run without it beside the others, and with it at night.
		tb.Skip("real data runs without the race detector (scripts/test.sh go), or with CAPILLARY_LONG=1")
	}
	root := os.Getenv(Variable)
	if root == "" {
		tb.Skipf("the contest data is needed: set %s to the folder that holds cumcm2020c", Variable)
	}
	dir := filepath.Join(root, "cumcm2020c")
	if _, err := os.Stat(dir); err != nil { //nolint:gosec // the tester names the folder
		tb.Skipf("the contest data is needed: %v", err)
	}
	return dir
}

// Load reads the 123 labelled firms and all of their invoices in file order.
func Load(tb testing.TB) []Firm {
	tb.Helper()
	dir := Dir(tb)
	var firms []Firm
	at := map[string]int{}
	for _, r := range rows(tb, filepath.Join(dir, "附件1_企业信息.csv")) {
		at[r[0]] = len(firms)
		firms = append(firms, Firm{Code: r[0], Bad: r[3] == "是"})
	}
	for _, f := range []struct {
		name string
		dir  source.Direction
	}{{"附件1_进项发票信息.csv.gz", source.Purchase}, {"附件1_销项发票信息.csv.gz", source.Sale}} {
		seen := map[string]bool{}
		for _, r := range rows(tb, filepath.Join(dir, f.name)) {
			inv := source.Invoice{Direction: f.dir, Number: r[1], Date: date(tb, r[2]), Counterparty: r[3],
				NetMinor: fen(tb, r[4]), TaxMinor: fen(tb, r[5]), GrossMinor: fen(tb, r[6]), Void: strings.TrimSpace(r[7]) == "作废发票"}
			inv.Red = inv.GrossMinor < 0
			inv.Mismatch = inv.NetMinor+inv.TaxMinor != inv.GrossMinor
			key := strings.Join(r, "\x00")
			inv.Duplicate, seen[key] = seen[key], true
			i := at[r[0]]
			firms[i].Invoices = append(firms[i].Invoices, inv)
		}
	}
	return firms
}

// LastDate is the date of the newest invoice of all firms: the as-of date of the whole book.
func LastDate(firms []Firm) calendar.Date {
	var last calendar.Date
	for i := range firms {
		for j := range firms[i].Invoices {
			if d := firms[i].Invoices[j].Date; last.IsZero() || d.After(last) {
				last = d
			}
		}
	}
	return last
}

func rows(tb testing.TB, name string) [][]string {
	tb.Helper()
	f, err := os.Open(name)
	require.NoError(tb, err)
	defer func() { _ = f.Close() }()
	var in io.Reader = f
	if strings.HasSuffix(name, ".gz") {
		in, err = gzip.NewReader(f)
		require.NoError(tb, err)
	}
	all, err := csv.NewReader(in).ReadAll()
	require.NoError(tb, err)
	return slices.Delete(all, 0, 1)
}

func date(tb testing.TB, s string) calendar.Date {
	tb.Helper()
	p := strings.Split(s, "/")
	for i := range p {
		if len(p[i]) == 1 {
			p[i] = "0" + p[i]
		}
	}
	d, err := calendar.Parse(strings.Join(p, "-"))
	require.NoError(tb, err)
	return d
}

// fen rounds half away from zero; some cells carry binary dust such as 0.0599999.
func fen(tb testing.TB, s string) int64 {
	tb.Helper()
	r, ok := new(big.Rat).SetString(s)
	require.True(tb, ok, s)
	r.Mul(r, big.NewRat(200, 1))
	if r.Sign() < 0 {
		r.Sub(r, big.NewRat(1, 1))
	} else {
		r.Add(r, big.NewRat(1, 1))
	}
	q := new(big.Int).Quo(r.Num(), new(big.Int).Mul(r.Denom(), big.NewInt(2)))
	return q.Int64()
}
