package intake

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"golang.org/x/text/encoding/simplifiedchinese"

	"github.com/capillary-finance/capillary/internal/evidence/party"
	"github.com/capillary-finance/capillary/internal/evidence/source"
	"github.com/capillary-finance/capillary/internal/platform/blob"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/testkit/cumcm"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

type plain struct{}

func (plain) Seal(_, s string) (string, error) { return s, nil }
func (plain) Open(_, s string) (string, error) { return s, nil }

type bundle struct {
	*Service
	dbtest.Staff
	d *db.DB
}

func setup(t testing.TB, d *db.DB) bundle {
	t.Helper()
	store, err := blob.NewStore(t.TempDir())
	require.NoError(t, err)
	return bundle{NewService(d, store, party.NewService(d, plain{}), nil, 1<<30), dbtest.Institution(t, d), d}
}

func (b bundle) file(t testing.TB, name, text string, o Options) (Batch, error) {
	t.Helper()
	return b.ImportFile(t.Context(), b.Operations, name, strings.NewReader(text), o, func(int64, int64) {})
}

func (b bundle) sums(t testing.TB, code string) map[source.Direction]source.Sum {
	t.Helper()
	out := map[source.Direction]source.Sum{}
	require.NoError(t, b.d.View(t.Context(), b.System.Scope(), func(tx *db.Tx) error {
		f, err := party.ByCode(t.Context(), tx, code)
		require.NoError(t, err)
		all, err := source.Sums(t.Context(), tx, f.ID)
		for _, s := range all {
			out[s.Direction] = s
		}
		return err
	}))
	return out
}

const firmsFile = "企业代号,企业名称,信誉评级,是否违约\nE1,甲公司,A,否\nE2,乙公司,D,是\n"

const salesFile = `企业代号,发票号码,开票日期,购方单位代号,金额,税额,价税合计,发票状态
E1,1001,2026/1/3,B1,100.00,13.00,113.00,有效发票
E1,1002,2026/1/4,B1,200.00,26.00,226.00, 作废发票
E1,1003,2026/1/5,B2,-50.00,-6.50,-56.50,有效发票
E1,1004,2026/1/6,B2,300.00,39.00,339.00,有效发票
E1,1004,2026/1/6,B2,300.00,39.00,339.00,有效发票
E1,1005,2026/1/7,B2,0,0,0,有效发票
E2,1006,2026/1/8,B2,10.00,1.30,99.00,有效发票
E9,1007,2026/1/9,B2,10.00,1.30,11.30,有效发票
E2,1008,2026/13/9,B2,10.00,1.30,11.30,有效发票
E2,1009,2026/1/9,B2,10.001,1.30,11.30,有效发票
`

// An operator brings a firm list and a month of sales with every trap in it.
func TestEveryRowIsClassifiedCountedAndShown(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := setup(t, d)
		firms, err := b.file(t, "firms.csv", firmsFile, Options{})
		require.NoError(t, err)
		require.Equal(t, KindFirms, firms.Kind)
		require.EqualValues(t, 2, firms.Report.FirmsCreated)
		require.EqualValues(t, 1, firms.Report.Defaulted)

		sale, err := b.file(t, "sales.csv", salesFile, Options{})
		require.NoError(t, err)
		r := sale.Report
		require.Equal(t, StateCommitted, sale.State)
		require.EqualValues(t, 7, sale.Inserted)
		require.Equal(t, []int64{1, 1, 1, 1, 1, 1}, []int64{r.Void, r.VoidPadded, r.Red, r.Zero, r.Duplicate, r.Mismatch})
		require.EqualValues(t, 1, r.UnknownFirm)
		require.Equal(t, r.Rows, r.Accepted+r.Rejected+r.Blank, "every row is accepted or refused")
		require.Equal(t, r.Accepted, sale.Inserted+sale.Known, "what is accepted is in, a row of an unknown firm is not")
		require.EqualValues(t, 3, r.ErrorCount)

		s := b.sums(t, "E1")[source.Sale]
		require.EqualValues(t, 100_00-50_00+300_00+300_00, s.ValidNetMinor, "void rows are out, duplicates and red letters are in")
		require.EqualValues(t, 6, s.Rows)

		require.NoError(t, d.View(t.Context(), b.System.Scope(), func(tx *db.Tx) error {
			bad, err := Errors(t.Context(), tx, sale.ID, 0, 100)
			require.Len(t, bad, 3)
			lines := map[int64]string{}
			for _, e := range bad {
				require.NotEmpty(t, e.Message.Zh)
				require.NotEmpty(t, e.Remedy.En)
				lines[e.Line] = e.Code
			}
			require.Equal(t, map[int64]string{9: "FIRM_UNKNOWN", 10: "DATE_SYNTAX", 11: "AMOUNT_DECIMALS"}, lines)
			return err
		}))
	})
}

func TestTheSameFileOrTheSameRowsAgainChangeNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := setup(t, d)
		_, err := b.file(t, "firms.csv", firmsFile, Options{})
		require.NoError(t, err)
		first, err := b.file(t, "sales.csv", strings.Replace(salesFile, "E9,", "E2,", 1), Options{})
		require.NoError(t, err)
		before := b.sums(t, "E1")
		again, err := b.file(t, "sales.csv", strings.Replace(salesFile, "E9,", "E2,", 1), Options{})
		require.NoError(t, err)
		require.Equal(t, StateUnchanged, again.State)
		require.Equal(t, first.ID, again.SameAs)
		// Another file with the same rows in another order and spelling, plus one new row.
		lines := strings.Split(strings.TrimSpace(salesFile), "\n")
		other := strings.Join([]string{lines[0], lines[4], strings.Replace(lines[1], "100.00", "100.0", 1), "E1,2001,2026/2/1,B3,1.00,0.13,1.13,有效发票"}, "\n")
		third, err := b.file(t, "more.csv", other, Options{})
		require.NoError(t, err)
		require.EqualValues(t, 1, third.Inserted)
		require.EqualValues(t, 2, third.Known)
		require.Equal(t, before[source.Sale].ValidNetMinor+1_00, b.sums(t, "E1")[source.Sale].ValidNetMinor)
		firms, err := b.file(t, "firms2.csv", firmsFile+"\n", Options{})
		require.NoError(t, err)
		require.Zero(t, firms.Inserted)
	})
}

func TestGB18030AndMissingFirms(t *testing.T) {
	t.Parallel()
	b := setup(t, dbtest.SQLite(t))
	text, err := simplifiedchinese.GB18030.NewEncoder().String(salesFile)
	require.NoError(t, err)
	got, err := b.file(t, "gb.csv", text, Options{CreateMissing: true})
	require.NoError(t, err)
	require.Equal(t, "GB18030", strings.ToUpper(got.Report.Encoding))
	require.EqualValues(t, 3, got.Report.FirmsCreated)
	require.EqualValues(t, 8, got.Inserted)
}

func TestAFileThatIsNeitherIsRefusedWithTheHeaderItNeeds(t *testing.T) {
	t.Parallel()
	b := setup(t, dbtest.SQLite(t))
	_, err := b.file(t, "x.csv", "a,b,c\n1,2,3\n", Options{})
	require.True(t, fault.Is(err, ReasonNotRecognised), "%v", err)
	_, err = b.file(t, "x.csv", "", Options{})
	require.Error(t, err)
}

// Whatever instant a process dies at, nobody sees half a file, and the resumed run ends with the same books.
func TestAKilledImportIsResumedWithoutLossOrDoubling(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := setup(t, d)
		b.chunk = 2
		_, err := b.file(t, "firms.csv", firmsFile, Options{})
		require.NoError(t, err)
		dead := errors.New("killed")
		for stop := 1; stop <= 5; stop++ {
			text := strings.ReplaceAll(salesFile, "E1,1", fmt.Sprintf("E1,%d1", 10+stop)) // other numbers: another file each time
			at := 0
			b.failpoint = func(string) error {
				if at++; at == stop {
					return dead
				}
				return nil
			}
			before := b.sums(t, "E1")[source.Sale]
			batch, err := b.file(t, fmt.Sprintf("s%d.csv", stop), text, Options{})
			b.failpoint = nil
			if err == nil {
				require.Greater(t, stop, 4, "the failpoint fired while there was work")
				continue
			}
			require.ErrorIs(t, err, dead)
			require.Equal(t, before, b.sums(t, "E1")[source.Sale], "nothing is visible after the kill")
			batch, err = b.Get(t.Context(), b.Operations, batch.ID)
			require.NoError(t, err)
			run := &importRun{s: b.Service, p: b.Operations, batch: batch, progress: func(context.Context, int64) error { return nil }}
			done, err := run.do(t.Context())
			require.NoError(t, err)
			require.Equal(t, StateCommitted, done.State)
			after := b.sums(t, "E1")[source.Sale]
			require.Equal(t, before.Rows+6, after.Rows)
			require.Equal(t, before.ValidNetMinor+650_00, after.ValidNetMinor)
		}
	})
}

func TestACancelledImportLeavesNothingVisible(t *testing.T) {
	t.Parallel()
	b := setup(t, dbtest.SQLite(t))
	b.chunk = 2
	_, err := b.file(t, "firms.csv", firmsFile, Options{})
	require.NoError(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	b.failpoint = func(string) error { cancel(); return nil }
	_, err = b.ImportFile(ctx, b.Operations, "s.csv", strings.NewReader(salesFile), Options{}, func(int64, int64) {})
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, b.sums(t, "E1"))
}

// The contest data: counts equal the traps its README names, sums equal the independent ones to the cent.
func TestRealInvoicesAddUpToTheCent(t *testing.T) {
	t.Parallel()
	dir := cumcm.Dir(t)
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := setup(t, d)
		importReal(t, b, dir)
		checkReal(t, b, dir)
	})
}

func importReal(t testing.TB, b bundle, dir string) map[string]Batch {
	t.Helper()
	out := map[string]Batch{}
	for _, name := range []string{"附件1_企业信息.csv", "附件1_进项发票信息.csv.gz", "附件1_销项发票信息.csv.gz"} {
		f, err := os.Open(filepath.Join(dir, name))
		require.NoError(t, err)
		got, err := b.ImportFile(context.Background(), b.Operations, name, f, Options{}, func(int64, int64) {})
		require.NoError(t, err)
		require.NoError(t, f.Close())
		out[name] = got
	}
	return out
}

func checkReal(t *testing.T, b bundle, dir string) {
	t.Helper()
	page, err := b.List(t.Context(), b.Operations, 10, "")
	require.NoError(t, err)
	for _, x := range page.Items {
		r := x.Report
		switch {
		case strings.Contains(x.FileName, "进项"):
			require.Equal(t, []int64{210_947, 7_608, 0, 803, 2, 0, 1_881}, []int64{r.Rows, r.Void, r.VoidPadded, r.Duplicate, r.Mismatch, r.Zero, r.Red})
		case strings.Contains(x.FileName, "销项"):
			require.Equal(t, []int64{162_484, 11_206, 47, 4_436, 1, 1_679, 8_556}, []int64{r.Rows, r.Void, r.VoidPadded, r.Duplicate, r.Mismatch, r.Zero, r.Red})
		}
		require.Equal(t, x.Inserted+x.Known, x.Staged)
	}
	text, err := os.ReadFile(filepath.Join(dir, "expected_sums_附件1.csv"))
	require.NoError(t, err)
	lines := strings.Split(strings.TrimSpace(strings.ReplaceAll(string(bytes.TrimPrefix(text, []byte("\xef\xbb\xbf"))), "\r", "")), "\n")
	require.Len(t, lines, 124)
	for _, line := range lines[1:] {
		c := strings.Split(line, ",")
		got := b.sums(t, c[0])
		for _, w := range []struct {
			want string
			have int64
		}{{c[1], got[source.Purchase].ValidNetMinor}, {c[2], got[source.Purchase].ValidTaxMinor}, {c[5], got[source.Sale].ValidNetMinor}, {c[6], got[source.Sale].ValidTaxMinor}} {
			var yuan float64
			_, err := fmt.Sscan(w.want, &yuan)
			require.NoError(t, err)
			require.InDelta(t, yuan*100, float64(w.have), 0.5, "%s: %s yuan against %d fen", c[0], w.want, w.have)
		}
	}
}

func BenchmarkImport(bm *testing.B) {
	dir := cumcm.Dir(bm)
	for name, open := range map[string]func(testing.TB, ...dbtest.Option) *db.DB{"sqlite": dbtest.SQLite, "postgres": dbtest.Postgres} {
		bm.Run(name, func(bm *testing.B) {
			rows := int64(0)
			for bm.Loop() {
				b := setup(bm, open(bm))
				for _, x := range importReal(bm, b, dir) {
					rows += x.Report.Rows
				}
			}
			bm.ReportMetric(float64(rows)/bm.Elapsed().Seconds(), "rows/s")
		})
	}
}
