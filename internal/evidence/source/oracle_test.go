package source

import (
	"bytes"
	"context"
	"encoding/csv"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// dataFolder finds the contest data, which is not part of the project: CAPILLARY_TEST_DATA, or
// shared/data beside a folder above this one.
func dataFolder(tb testing.TB) string {
	tb.Helper()
	candidates := []string{os.Getenv("CAPILLARY_TEST_DATA"), os.Getenv("CAPILLARY_DATA")}
	for dir, err := os.Getwd(); err == nil && dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
		candidates = append(candidates, filepath.Join(dir, "shared", "data"))
	}
	for _, c := range candidates {
		if c == "" {
			continue
		}
		if _, err := os.Stat(filepath.Join(c, "cumcm2020c")); err == nil {
			return filepath.Join(c, "cumcm2020c")
		}
	}
	tb.Skip("the data folder cumcm2020c is absent: set CAPILLARY_TEST_DATA to the folder that holds it")
	return ""
}

const (
	purchaseFile = "附件1_进项发票信息.csv.gz"
	saleFile     = "附件1_销项发票信息.csv.gz"
)

type fileSums struct{ net, tax, rows int64 }

func decodeSums(t *testing.T, name string) (Report, map[string]fileSums) {
	t.Helper()
	f, err := os.Open(filepath.Join(dataFolder(t), name))
	require.NoError(t, err)
	defer f.Close()
	bySum := map[string]fileSums{}
	report, err := Decode(context.Background(), f, Options{Name: name}, func(r Row) error {
		s := bySum[r.Firm]
		s.rows++
		if !r.Void {
			s.net += r.NetMinor
			s.tax += r.TaxMinor
		}
		bySum[r.Firm] = s
		return nil
	})
	require.NoError(t, err)
	return report, bySum
}

// The counts below were taken from the files by an independent script with exact decimals.
func TestTrapsOfTheRealFilesAreCounted(t *testing.T) {
	t.Parallel()
	for _, want := range []Report{
		{File: purchaseFile, Direction: Purchase, Bytes: 2928465, Rows: 210947, Accepted: 210947, Valid: 203339, Void: 7608, Red: 1881, Duplicate: 803, Mismatch: 2, Firms: 123},
		{File: saleFile, Direction: Sale, Bytes: 1926050, Rows: 162484, Accepted: 162484, Valid: 151278, Void: 11206, VoidPadded: 47, Red: 8556, Zero: 1679, Duplicate: 4436, Mismatch: 1, Firms: 123},
	} {
		t.Run(want.Direction.String(), func(t *testing.T) {
			t.Parallel()
			got, _ := decodeSums(t, want.File)
			require.Equal(t, FormatGzip, got.Format)
			require.Equal(t, EncUTF8, got.Encoding)
			require.Equal(t, "2020-02-21", got.Last.String())
			require.Empty(t, got.Errors)
			want.Format, want.Encoding, want.First, want.Last = got.Format, got.Encoding, got.First, got.Last
			want.Headings, want.Unknown, want.Counterparties = got.Headings, got.Unknown, got.Counterparties
			want.Errors, want.ErrorsByCode = got.Errors, got.ErrorsByCode
			require.Equal(t, want, got)
		})
	}
}

func TestValidSumsEqualTheIndependentOracle(t *testing.T) {
	t.Parallel()
	_, purchase := decodeSums(t, purchaseFile)
	_, sale := decodeSums(t, saleFile)
	text, err := os.ReadFile(filepath.Join(dataFolder(t), "expected_sums_附件1.csv"))
	require.NoError(t, err)
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))))
	head, err := r.Read()
	require.NoError(t, err)
	at := map[string]int{}
	for i, h := range head {
		at[h] = i
	}
	firms := 0
	for {
		rec, err := r.Read()
		if err == io.EOF {
			break
		}
		require.NoError(t, err)
		firm := rec[at["企业代号"]]
		want := func(column string) int64 { return oracleFen(t, rec[at[column]]) }
		whole := func(column string) int64 { return oracleFen(t, strings.ReplaceAll(rec[at[column]], ",", "")) / 100 }
		require.Equal(t, fileSums{want("进项的金额"), want("进项的税额"), whole("进项个数统计")}, purchase[firm], firm)
		require.Equal(t, fileSums{want("销项金额"), want("销项税额"), whole("销项个数统计")}, sale[firm], firm)
		firms++
	}
	require.Equal(t, 123, firms)
	require.Len(t, purchase, 123)
	require.Len(t, sale, 123)
}

// oracleFen rounds the oracle's binary-float noise (5744706261.01996) to fen by decimal digits.
func oracleFen(t *testing.T, s string) int64 {
	t.Helper()
	whole, fraction, _ := strings.Cut(s, ".")
	fraction = (fraction + "000")[:3]
	v, reason := digitsToFen([]byte(strings.TrimPrefix(whole, "-") + "." + fraction[:2]))
	require.Nil(t, reason, s)
	if fraction[2] >= '5' {
		v++
	}
	if strings.HasPrefix(s, "-") {
		v = -v
	}
	return v
}

func BenchmarkDecodePurchaseFile(b *testing.B) {
	packed, err := os.ReadFile(filepath.Join(dataFolder(b), purchaseFile))
	require.NoError(b, err)
	b.ReportAllocs()
	for b.Loop() {
		report, err := Decode(context.Background(), bytes.NewReader(packed), Options{}, func(Row) error { return nil })
		require.NoError(b, err)
		require.EqualValues(b, 210947, report.Rows)
	}
}
