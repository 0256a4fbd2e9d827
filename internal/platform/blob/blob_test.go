package blob_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/blob"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

func newStore(t *testing.T) *blob.Store {
	t.Helper()
	s, err := blob.NewStore(t.TempDir())
	require.NoError(t, err)
	return s
}

func TestPutNamesAFileByItsContent(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	info, err := s.Put(t.Context(), "ins_1", `C:\发票\a".csv`, "text/csv", strings.NewReader("hello"), 5)
	require.NoError(t, err)
	require.Equal(t, "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824", info.Hash)
	require.Equal(t, "a.csv", info.Name)
	f, err := s.Open(t.Context(), "ins_1", info.Hash)
	require.NoError(t, err)
	b, err := io.ReadAll(f)
	require.NoError(t, err)
	require.NoError(t, f.Close())
	require.Equal(t, "hello", string(b))
	_, err = s.Open(t.Context(), "ins_2", info.Hash)
	require.True(t, fault.Is(err, fault.ReasonNotFound), "another institution's folder holds nothing")
}

func TestPutRefusesMoreThanTheLimitAndLeavesNothing(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	_, err := s.Put(t.Context(), "ins_1", "a", "", strings.NewReader("123456"), 5)
	require.True(t, fault.Is(err, fault.ReasonTooLarge))
	require.Empty(t, files(t, s.Dir()))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = s.Put(ctx, "ins_1", "a", "", strings.NewReader("1"), 5)
	require.ErrorIs(t, err, context.Canceled)
	require.Empty(t, files(t, s.Dir()))
}

func TestTraversalIsImpossible(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	for _, bad := range []string{"", "..", "../x", "a/b", "A", ".", "x\x00"} {
		_, err := s.Put(t.Context(), bad, "a", "", strings.NewReader(""), 5)
		require.Error(t, err, bad)
		_, err = s.Open(t.Context(), "ins_1", bad)
		require.True(t, fault.Is(err, fault.ReasonNotFound), bad)
	}
}

func TestADamagedFileIsNotServedAndHealsByPuttingItAgain(t *testing.T) {
	t.Parallel()
	s := newStore(t)
	info, err := s.Put(t.Context(), "ins_1", "a", "", strings.NewReader("truth"), 9)
	require.NoError(t, err)
	path := files(t, s.Dir())[0]
	require.NoError(t, os.WriteFile(path, []byte("trvth"), 0o600))
	require.True(t, fault.Is(s.Verify(t.Context(), "ins_1", info.Hash), blob.ReasonDamaged))
	_, err = s.Put(t.Context(), "ins_1", "a", "", strings.NewReader("truth"), 9)
	require.NoError(t, err)
	require.NoError(t, s.Verify(t.Context(), "ins_1", info.Hash))
}

func TestAttachDecidesWhoMayRead(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s, a, b := newStore(t), dbtest.Institution(t, d), dbtest.Institution(t, d)
		info, err := s.Put(t.Context(), a.InstitutionID, "合同.pdf", "application/pdf", strings.NewReader("pdf"), 9)
		require.NoError(t, err)
		stray, err := s.Put(t.Context(), a.InstitutionID, "x", "", strings.NewReader("stray"), 9)
		require.NoError(t, err)
		require.NoError(t, d.Update(t.Context(), a.Manager.Scope(), func(tx *db.Tx) error {
			for range 2 {
				if err := blob.Attach(t.Context(), tx, info, blob.Link{Object: "contract", ObjectID: "con_1"}); err != nil {
					return err
				}
			}
			list, err := blob.Of(t.Context(), tx, "contract", "con_1")
			require.Len(t, list, 1)
			require.Equal(t, "合同.pdf", list[0].Name)
			return err
		}))
		require.NoError(t, d.View(t.Context(), a.Manager.Scope(), func(tx *db.Tx) error {
			_, err := blob.Readable(t.Context(), tx, a.Manager, info.Hash)
			require.NoError(t, err)
			_, err = blob.Readable(t.Context(), tx, a.Risk, info.Hash)
			require.True(t, fault.Is(err, fault.ReasonNotFound))
			return nil
		}))
		require.NoError(t, d.View(t.Context(), b.System.Scope(), func(tx *db.Tx) error {
			_, err := blob.Readable(t.Context(), tx, b.System, info.Hash)
			require.True(t, fault.Is(err, fault.ReasonNotFound), "never across institutions")
			return nil
		}))
		require.NoError(t, d.View(t.Context(), a.System.Scope(), func(tx *db.Tx) error {
			n, err := s.Sweep(t.Context(), tx, time.Hour)
			require.Zero(t, n, "young files are left alone")
			require.NoError(t, err)
			n, err = s.Sweep(t.Context(), tx, -time.Hour)
			require.Equal(t, 1, n)
			return err
		}))
		require.True(t, fault.Is(s.Verify(t.Context(), a.InstitutionID, stray.Hash), fault.ReasonNotFound))
		require.NoError(t, s.Verify(t.Context(), a.InstitutionID, info.Hash))
	})
}

func files(t *testing.T, dir string) (out []string) {
	t.Helper()
	require.NoError(t, filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out = append(out, path)
		}
		return err
	}))
	return out
}
