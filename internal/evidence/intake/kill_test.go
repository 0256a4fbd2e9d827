package intake

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/evidence/party"
	"github.com/capillary-finance/capillary/internal/evidence/source"
	"github.com/capillary-finance/capillary/internal/platform/auth"
	"github.com/capillary-finance/capillary/internal/platform/blob"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/testkit/crash"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

func TestMain(m *testing.M) {
	if !crash.Child(crash.Children{"import": killChild}) {
		os.Exit(m.Run())
	}
}

// killChild is the process that gets killed: it imports the file it was given and says each time it has
// committed a chunk and when it is about to publish.
func killChild(ctx context.Context, life crash.Life) error {
	d, err := life.Open(ctx)
	if err != nil {
		return err
	}
	store, err := blob.NewStore(life.Get("blobs"))
	if err != nil {
		return err
	}
	s := NewService(d, store, party.NewService(d, plain{}), nil, 1<<30)
	s.chunk = 1000
	s.failpoint = func(where string) error { life.Ack(where); return nil }
	name := life.Get("file")
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	_, err = s.ImportFile(ctx, auth.SystemPrincipal(life.Get("institution"), "kill"), filepath.Base(name), f, Options{}, nil)
	life.Ack("finished")
	return err
}

const killRows = 12_000

// killFile writes invoices of two firms, one row in ten void, one in a hundred twice.
func killFile(t *testing.T) (name string, validNetMinor, rows int64) {
	t.Helper()
	var text strings.Builder
	text.WriteString("企业代号,发票号码,开票日期,购方单位代号,金额,税额,价税合计,发票状态\n")
	for i := range killRows {
		status := "有效发票"
		if i%10 == 0 {
			status = " 作废发票"
		}
		row := fmt.Sprintf("E%d,%08d,2025-%02d-%02d,B%d,%d.%02d,0,%d.%02d,%s\n", 1+i%2, i, 1+i%12, 1+i%28, i%50, i, i%100, i, i%100, status)
		times := int64(1)
		if i%100 == 1 {
			times = 2
		}
		for range times {
			text.WriteString(row)
		}
		rows += times
		if i%10 != 0 {
			validNetMinor += times * int64(i*100+i%100)
		}
	}
	name = filepath.Join(t.TempDir(), "kill.csv")
	require.NoError(t, os.WriteFile(name, []byte(text.String()), 0o600))
	return name, validNetMinor, rows
}

// kill -9 in the middle of an import, several times over, also while it publishes: whoever looks sees
// all of the file or nothing, and the run that is left alone ends with exactly the file.
func TestKillMinusNineLosesAndDoublesNothing(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := setup(t, d)
		_, err := b.file(t, "firms.csv", firmsFile, Options{})
		require.NoError(t, err)
		name, wantNet, wantRows := killFile(t)
		h := crash.New(t, d, "import", map[string]string{"file": name, "blobs": b.blobs.Dir(), "institution": b.InstitutionID})
		visible := func() (net, rows int64) {
			for _, code := range []string{"E1", "E2"} {
				s := b.sums(t, code)[source.Sale]
				net, rows = net+s.ValidNetMinor, rows+s.Rows
			}
			return net, rows
		}
		for _, at := range []struct {
			word string
			n    int
		}{{"staged", 1}, {"staged", 3}, {"staged", 4}, {"publish", 1}} {
			h.KillAt(at.word, at.n)
			net, rows := visible()
			if at.word != "publish" || rows != 0 { // at the publish the kill may come too late
				require.Contains(t, [][2]int64{{0, 0}, {wantNet, wantRows}}, [2]int64{net, rows}, "half a file after a kill at %s %d", at.word, at.n)
			}
			if at.word == "staged" {
				require.Zero(t, rows, "visible before the end")
			}
		}
		h.Finish()
		net, rows := visible()
		require.Equal(t, wantRows, rows)
		require.Equal(t, wantNet, net)
		require.Zero(t, b.staged(t))
		page, err := b.List(t.Context(), b.Operations, 50, "")
		require.NoError(t, err)
		var committed int64
		for _, x := range page.Items {
			require.NotEqual(t, StateRunning, x.State)
			if x.Kind == KindInvoices && x.State == StateCommitted {
				committed++
				require.Equal(t, wantRows, x.Inserted)
				require.EqualValues(t, killRows/10, x.Report.VoidPadded)
			}
		}
		require.EqualValues(t, 1, committed, "one import, however often it was begun")
	})
}
