package intake

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/evidence/party"
	"github.com/capillary-finance/capillary/internal/evidence/source"
	"github.com/capillary-finance/capillary/internal/platform/blob"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

var errDead = errors.New("killed")

// die makes the import stop at the n-th failpoint, as if the process had died there.
func (b bundle) die(n int) {
	at := 0
	b.failpoint = func(string) error {
		if at++; at == n {
			return errDead
		}
		return nil
	}
}

func (b bundle) staged(t testing.TB) (n int64) {
	t.Helper()
	require.NoError(t, b.d.View(t.Context(), b.System.Scope(), func(tx *db.Tx) error {
		return tx.QueryRow(t.Context(), db.Q("select count(*) from invoice_staging")).Scan(&n)
	}))
	return n
}

// The command line begins the same file again after it was killed: it goes on where it stopped.
func TestTheSameFileTakesUpWhatAKilledRunLeft(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := setup(t, d)
		b.chunk = 2
		_, err := b.file(t, "firms.csv", firmsFile, Options{})
		require.NoError(t, err)
		b.die(2)
		dead, err := b.file(t, "s.csv", salesFile, Options{})
		require.ErrorIs(t, err, errDead)
		require.EqualValues(t, 4, b.staged(t))
		b.failpoint = nil
		again, err := b.file(t, "s.csv", salesFile, Options{})
		require.NoError(t, err)
		require.Equal(t, dead.ID, again.ID, "one batch, not two")
		require.EqualValues(t, 7, again.Inserted)
		require.Zero(t, b.staged(t), "nothing is left behind")
	})
}

// Rows that were unknown when a run died must not be lost when their firm has come to be known before
// the run goes on, even when that run dies as well.
func TestAFirmThatAppearsBetweenTwoRunsLosesNoRow(t *testing.T) {
	t.Parallel()
	b := setup(t, dbtest.SQLite(t))
	b.chunk = 2
	_, err := b.file(t, "firms.csv", firmsFile, Options{})
	require.NoError(t, err)
	head, rows, _ := strings.Cut(salesFile, "\n")
	text := head + "\nE9,1,2026/1/1,B,1,0,1,有效发票\nE9,2,2026/1/1,B,2,0,2,有效发票\nE9,3,2026/1/1,B,3,0,3,有效发票\n" + rows
	b.die(3)
	_, err = b.file(t, "s.csv", text, Options{})
	require.ErrorIs(t, err, errDead)
	require.EqualValues(t, 6, b.staged(t))
	_, err = b.file(t, "late.csv", "企业代号,企业名称\nE9,丙公司\n", Options{})
	require.NoError(t, err)
	b.die(1)
	_, err = b.file(t, "s.csv", text, Options{})
	require.ErrorIs(t, err, errDead)
	b.failpoint = nil
	got, err := b.file(t, "s.csv", text, Options{})
	require.NoError(t, err)
	require.EqualValues(t, 11, got.Inserted)
	require.EqualValues(t, 1_00+2_00+3_00+10_00, b.sums(t, "E9")[source.Sale].ValidNetMinor)
}

// A file that makes its own firms leaves none of them behind when it is given up.
func TestFirmsOfACancelledFileAreNotMade(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := setup(t, d)
		b.chunk = 2
		b.die(4)
		dead, err := b.file(t, "s.csv", salesFile, Options{CreateMissing: true})
		require.ErrorIs(t, err, errDead)
		b.failpoint = nil
		firms, err := b.firms.List(t.Context(), b.Operations, party.Filter{})
		require.NoError(t, err)
		require.Empty(t, firms.Items, "not even a firm is visible")
		gone, err := b.Discard(t.Context(), b.Operations, dead.ID)
		require.NoError(t, err)
		require.Equal(t, StateDiscarded, gone.State)
		require.Zero(t, b.staged(t))
		_, err = b.Discard(t.Context(), b.Operations, dead.ID)
		require.True(t, fault.Is(err, fault.ReasonConflict))
		done, err := b.file(t, "s.csv", salesFile, Options{CreateMissing: true})
		require.NoError(t, err)
		require.NotEqual(t, dead.ID, done.ID)
		require.EqualValues(t, 3, done.Report.FirmsCreated)
		require.EqualValues(t, 8, done.Inserted)
		require.EqualValues(t, 650_00, b.sums(t, "E1")[source.Sale].ValidNetMinor)
	})
}

// An invoice that is void in a later file is the same invoice: it stops counting, and an older file
// brought again does not revive it.
func TestAnInvoiceVoidedLaterStopsCounting(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := setup(t, d)
		_, err := b.file(t, "firms.csv", firmsFile, Options{})
		require.NoError(t, err)
		head, _, _ := strings.Cut(salesFile, "\n")
		bring := func(rows ...string) Batch {
			text := head + "\n"
			for _, r := range rows {
				text += "E1," + r + "\n"
			}
			got, err := b.file(t, "x.csv", text, Options{})
			require.NoError(t, err)
			return got
		}
		valid := func() int64 { return b.sums(t, "E1")[source.Sale].ValidNetMinor }
		bring("1,2026/1/1,B,100,13,113,有效发票", "2,2026/1/1,B,10,1.3,11.3,有效发票", "2,2026/1/1,B,10,1.3,11.3,有效发票")
		require.EqualValues(t, 120_00, valid())
		later := bring("2,2026/1/1,B,10,1.3,11.3,作废发票", "1,2026/1/1,B,100,13,113,作废发票", "2,2026/1/1,B,10,1.3,11.3,有效发票")
		require.EqualValues(t, []int64{0, 3, 2}, []int64{later.Inserted, later.Known, later.Report.VoidedSince})
		require.EqualValues(t, 10_00, valid(), "one of the two equal rows is void, the other still counts")
		old := bring("1,2026/1/1,B,100,13,113,有效发票")
		require.Zero(t, old.Inserted+old.Report.VoidedSince)
		require.EqualValues(t, 10_00, valid(), "void is final")
		require.EqualValues(t, 3, b.sums(t, "E1")[source.Sale].Rows)
	})
}

// Headings of its own do not keep a file out once a person says what they stand for.
func TestHeadingsAreMappedByThePersonWhereTheyAreNotKnown(t *testing.T) {
	t.Parallel()
	b := setup(t, dbtest.SQLite(t))
	text := "客户,票,日期,购方,未税金额,税额,价税合计,状态\nE1,1,2026/1/1,B,100,13,113,有效\n"
	_, err := b.file(t, "own.csv", text, Options{CreateMissing: true})
	require.True(t, fault.Is(err, ReasonNotRecognised))
	hash := b.upload(t, text)
	lost, err := b.Preview(t.Context(), b.Operations, hash, "own.csv", Options{})
	require.NoError(t, err, "a person is shown the headings, to say what they stand for")
	require.Equal(t, KindInvoices, lost.Kind)
	require.Equal(t, []string{"firm", "number", "net"}, lost.Missing)
	require.Equal(t, "未税金额", lost.Headings[4])
	require.Contains(t, lost.Fields, source.Field{Name: "net", Required: true})
	require.Empty(t, lost.Invoices)
	list, err := b.Preview(t.Context(), b.Operations, b.upload(t, "简介\n代号,企业名称\nE1,甲\n"), "list.csv", Options{})
	require.NoError(t, err)
	require.Equal(t, KindFirms, list.Kind, "it lacks half of a firm list and nearly all of an invoice")
	require.Equal(t, []string{"代号", "企业名称"}, list.Headings)
	_, err = b.Preview(t.Context(), b.Operations, b.upload(t, "nothing to see\n"), "note.txt", Options{})
	require.True(t, fault.Is(err, ReasonNotRecognised) || fault.Is(err, source.ReasonFileHeader), "%v", err)
	columns := map[string]string{"firm": "客户", "number": "票", "net": "未税金额"}
	seen, err := b.Preview(t.Context(), b.Operations, hash, "own.csv", Options{Columns: columns})
	require.NoError(t, err)
	require.Equal(t, Column{Heading: "未税金额", Field: "net"}, seen.Columns[4])
	require.EqualValues(t, 100_00, seen.Invoices[0].NetMinor)
	got, err := b.file(t, "own.csv", text, Options{CreateMissing: true, Columns: columns})
	require.NoError(t, err)
	require.EqualValues(t, 1, got.Inserted)
	seen, err = b.Preview(t.Context(), b.Operations, hash, "own.csv", Options{Columns: columns})
	require.NoError(t, err)
	require.Equal(t, got.ID, seen.SameAs, "the preview says that the file is known")
}

func (b bundle) upload(t testing.TB, text string) string {
	t.Helper()
	info, err := b.blobs.Put(t.Context(), b.InstitutionID, "upload.csv", "text/csv", strings.NewReader(text), 1<<20)
	require.NoError(t, err)
	require.NoError(t, b.d.Update(t.Context(), b.Operations.Scope(), func(tx *db.Tx) error {
		return blob.Attach(t.Context(), tx, info, blob.Link{Object: "upload", ObjectID: info.Hash})
	}))
	return info.Hash
}
