package audit_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/platform/audit"
	"github.com/capillary-finance/capillary/internal/platform/crypto"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

type bundle struct {
	d       *db.DB
	staff   dbtest.Staff
	keys    *crypto.Keyring
	service *audit.Service
	file    string
}

const recordCount = 24

func setup(t *testing.T, d *db.DB) *bundle {
	t.Helper()
	b := &bundle{d: d, staff: dbtest.Institution(t, d), keys: crypto.NewKeyring(), file: filepath.Join(t.TempDir(), "anchors")}
	b.service = audit.NewService(d, b.keys, b.file)
	b.write(t, recordCount)
	return b
}

func (b *bundle) write(t *testing.T, n int) {
	t.Helper()
	for i := range n {
		require.NoError(t, b.d.Update(t.Context(), b.staff.Risk.Scope(), func(tx *db.Tx) error {
			return audit.Record(t.Context(), tx, audit.Entry{
				Action: "thing.change", Object: "thing", ObjectID: fmt.Sprint(i), Before: map[string]int{"n": i}, After: map[string]int{"n": i + 1}, Note: "第" + fmt.Sprint(i),
			})
		}))
	}
}

func (b *bundle) verify(t *testing.T) audit.Report {
	t.Helper()
	r, err := b.service.Verify(t.Context(), b.staff.System.Scope(), b.staff.InstitutionID)
	require.NoError(t, err)
	return r
}

func TestSealingChainsEveryRecordOnce(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := setup(t, d)
		other := dbtest.Institution(t, d)
		require.EqualValues(t, recordCount, b.verify(t).Pending)
		n, err := b.service.SealAll(t.Context())
		require.NoError(t, err)
		require.Equal(t, recordCount, n)
		b.write(t, 3)
		n, err = b.service.SealAll(t.Context())
		require.NoError(t, err)
		require.Equal(t, 3, n)
		n, err = b.service.SealAll(t.Context())
		require.NoError(t, err)
		require.Zero(t, n)
		r := b.verify(t)
		require.True(t, r.OK(), "%+v", r.Findings)
		require.EqualValues(t, recordCount+3, r.Sealed)
		require.Equal(t, 2, r.Anchors)
		rows, total, err := b.service.List(t.Context(), b.staff.Compliance.Scope(), audit.Filter{Action: "thing.*", Limit: 5})
		require.NoError(t, err)
		require.EqualValues(t, recordCount+3, total)
		require.Len(t, rows, 6, "one more than the limit tells that there is a next page")
		require.Equal(t, "risk", rows[0].ActorName)
		require.Contains(t, string(rows[0].Before), `"n":`)
		_, total, err = b.service.List(t.Context(), other.Compliance.Scope(), audit.Filter{Limit: 5})
		require.NoError(t, err)
		require.Zero(t, total)
	})
}

var errUndo = errors.New("undo")

// tamper does something as the superuser of the database, verifies, and undoes it.
func (b *bundle) tamper(t *testing.T, what string, act func(exec func(string, ...any))) {
	t.Helper()
	anchors, err := audit.ReadAnchors(b.file)
	require.NoError(t, err)
	err = b.d.Update(t.Context(), b.staff.System.Scope(), func(tx *db.Tx) error {
		exec := func(q string, args ...any) {
			_, err := tx.SQL().ExecContext(t.Context(), q, args...)
			require.NoError(t, err, "%s: %s", what, q)
		}
		if tx.Dialect() == db.Postgres {
			exec("set local role none")
			exec("alter table audit_record disable trigger all")
			exec("alter table audit_seal disable trigger all")
		} else {
			for _, n := range []string{"audit_record_no_update", "audit_record_no_delete", "audit_seal_no_update", "audit_seal_no_delete"} {
				exec("drop trigger " + n)
			}
		}
		act(exec)
		r, err := audit.Verify(t.Context(), tx, b.staff.InstitutionID, audit.Check{Signer: b.keys, Anchors: anchors})
		require.NoError(t, err, what)
		require.False(t, r.OK(), "not found: %s", what)
		require.LessOrEqual(t, len(r.Findings), 100)
		return errUndo
	})
	require.ErrorIs(t, err, errUndo)
}

// TestEveryTamperingIsFound makes random changes with every safeguard of the database switched off, also
// ones whose author knows the chain's algorithm and recomputes its hashes.
func TestEveryTamperingIsFound(t *testing.T) {
	t.Parallel()
	rounds := 1000
	if testing.Short() {
		rounds = 60
	}
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := setup(t, d)
		// Sealed in two steps, so that the head has an older, rightly signed state to be put back to.
		_, err := b.service.SealAll(t.Context())
		require.NoError(t, err)
		old := b.headRow(t)
		b.write(t, 6)
		_, err = b.service.SealAll(t.Context())
		require.NoError(t, err)
		require.True(t, b.verify(t).OK())
		n := recordCount + 6
		seed := rand.Uint64()
		t.Logf("seed %d", seed)
		rnd := rand.New(rand.NewPCG(seed, 1))
		ids, hashes := b.chain(t)
		ins := b.staff.InstitutionID
		for round := range rounds {
			i, j := rnd.IntN(n), rnd.IntN(n-1)
			if j >= i {
				j++
			}
			kind := round % 12
			b.tamper(t, fmt.Sprintf("seed %d round %d kind %d records %d %d", seed, round, kind, i, j), func(exec func(string, ...any)) {
				switch kind {
				case 0: // edit any column
					col := []string{"actor", "action", "object", "object_id", "before_json", "after_json", "note"}[rnd.IntN(7)]
					exec("update audit_record set "+col+" = "+col+" || 'x' where institution_id = $1 and id = $2", ins, ids[i])
				case 1:
					exec("update audit_record set at = at + 1 where institution_id = $1 and id = $2", ins, ids[i])
				case 2: // remove a record
					exec("delete from audit_record where institution_id = $1 and id = $2", ins, ids[i])
				case 3: // remove a record with its link
					exec("delete from audit_record where institution_id = $1 and id = $2", ins, ids[i])
					exec("delete from audit_seal where institution_id = $1 and id = $2", ins, ids[i])
				case 4: // swap two records' places
					exec("update audit_seal set id = 'tmp' where institution_id = $1 and id = $2", ins, ids[i])
					exec("update audit_seal set id = $3 where institution_id = $1 and id = $2", ins, ids[j], ids[i])
					exec("update audit_seal set id = $2 where institution_id = $1 and id = 'tmp'", ins, ids[j])
				case 5: // swap two links
					exec("update audit_seal set seq = -1 where institution_id = $1 and seq = $2", ins, i+1)
					exec("update audit_seal set seq = $2 where institution_id = $1 and seq = $3", ins, i+1, j+1)
					exec("update audit_seal set seq = $2 where institution_id = $1 and seq = -1", ins, j+1)
				case 6: // cut the end, records and links
					exec("delete from audit_record where institution_id = $1 and id in (select id from audit_seal where institution_id = $1 and seq > $2)", ins, i)
					exec("delete from audit_seal where institution_id = $1 and seq > $2", ins, i)
				case 7: // put the whole log back to an earlier, rightly signed state
					exec("delete from audit_record where institution_id = $1 and id in (select id from audit_seal where institution_id = $1 and seq > $2)", ins, recordCount)
					exec("delete from audit_seal where institution_id = $1 and seq > $2", ins, recordCount)
					exec("update audit_head set seq = $2, hash = $3, signature = $4 where institution_id = $1", ins, old.seq, old.hash, old.signature)
				case 8: // slip a record in without a link
					exec("insert into audit_record (institution_id, id, at, actor, action, object, object_id, before_json, after_json, note) values ($1,$2,1,'a','a','a','a','','','')", ins, fmt.Sprint("aud_", round))
				case 9: // forge the last record and its link with the right algorithm
					exec("update audit_record set note = 'forged' where institution_id = $1 and id = $2", ins, ids[n-1])
					exec("update audit_seal set hash = $3 where institution_id = $1 and seq = $2", ins, n, strings.Repeat("ab", 32))
					exec("update audit_head set hash = $2 where institution_id = $1", ins, strings.Repeat("ab", 32))
				case 10: // flip one character of a link's hash
					flipped := []byte(hashes[i])
					flipped[rnd.IntN(64)] ^= 1
					exec("update audit_seal set hash = $3 where institution_id = $1 and seq = $2", ins, i+1, string(flipped))
				case 11: // remove the signed end, or the whole log
					exec("delete from audit_head where institution_id = $1", ins)
					if rnd.IntN(2) == 0 {
						exec("delete from audit_seal where institution_id = $1", ins)
						exec("delete from audit_record where institution_id = $1", ins)
					}
				}
			})
		}
		require.True(t, b.verify(t).OK(), "every tampering was undone")
	})
}

// TestAWhollyRewrittenChainIsFound recomputes every hash with the published algorithm, as an attacker
// who has the source but not the key file would.
func TestAWhollyRewrittenChainIsFound(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		b := setup(t, d)
		_, err := b.service.SealAll(t.Context())
		require.NoError(t, err)
		require.NoError(t, os.Remove(b.file), "without anchors: the signature alone must do")
		mallory := audit.NewService(d, crypto.NewKeyring(), "")
		err = d.Update(t.Context(), b.staff.System.Scope(), func(tx *db.Tx) error {
			exec := func(q string, args ...any) {
				_, err := tx.SQL().ExecContext(t.Context(), q, args...)
				require.NoError(t, err)
			}
			if tx.Dialect() == db.Postgres {
				exec("set local role none")
				exec("alter table audit_seal disable trigger all")
				exec("alter table audit_record disable trigger all")
			} else {
				exec("drop trigger audit_seal_no_delete")
				exec("drop trigger audit_record_no_update")
			}
			exec("update audit_record set note = 'nothing happened' where institution_id = $1", b.staff.InstitutionID)
			exec("insert into audit_pending (institution_id, id) select institution_id, id from audit_seal where institution_id = $1", b.staff.InstitutionID)
			exec("delete from audit_seal where institution_id = $1", b.staff.InstitutionID)
			exec("delete from audit_head where institution_id = $1", b.staff.InstitutionID)
			return nil
		})
		require.NoError(t, err)
		_, err = mallory.Seal(t.Context(), b.staff.InstitutionID)
		require.NoError(t, err)
		r := b.verify(t)
		require.Len(t, r.Findings, 1)
		require.Contains(t, r.Findings[0].Problem, "not signed by this key")
		b.write(t, 1)
		_, err = b.service.Seal(t.Context(), b.staff.InstitutionID)
		require.ErrorContains(t, err, "not signed", "the sealer does not sign on top of a forgery")
	})
}

type head struct {
	seq             int64
	hash, signature string
}

func (b *bundle) headRow(t *testing.T) (h head) {
	t.Helper()
	b.read(t, func(ctx context.Context, tx *db.Tx) error {
		return tx.SQL().QueryRowContext(ctx, "select seq, hash, signature from audit_head where institution_id = $1", b.staff.InstitutionID).Scan(&h.seq, &h.hash, &h.signature)
	})
	return h
}

func (b *bundle) chain(t *testing.T) (ids, hashes []string) {
	t.Helper()
	b.read(t, func(ctx context.Context, tx *db.Tx) error {
		rows, err := tx.SQL().QueryContext(ctx, "select id, hash from audit_seal where institution_id = $1 order by seq", b.staff.InstitutionID)
		if err != nil {
			return err
		}
		defer rows.Close() //nolint:errcheck // read to its end below
		for rows.Next() {
			var id, hash string
			if err := rows.Scan(&id, &hash); err != nil {
				return err
			}
			ids, hashes = append(ids, id), append(hashes, hash)
		}
		return rows.Err()
	})
	sum := sha256.Sum256(nil)
	require.Len(t, hashes[0], len(hex.EncodeToString(sum[:])))
	return ids, hashes
}

func (b *bundle) read(t *testing.T, fn func(context.Context, *db.Tx) error) {
	t.Helper()
	require.NoError(t, b.d.View(t.Context(), b.staff.System.Scope(), func(tx *db.Tx) error { return fn(t.Context(), tx) }))
}

// A power cut may tear the last line of the anchor file: what follows must not be lost with it, and the
// chain must still be verified.
func TestATornAnchorIsFoundAndSwallowsNothing(t *testing.T) {
	t.Parallel()
	b := setup(t, dbtest.SQLite(t))
	_, err := b.service.SealAll(t.Context())
	require.NoError(t, err)
	whole, err := os.ReadFile(b.file)
	require.NoError(t, err)
	require.NoError(t, os.WriteFile(b.file, append(whole, whole[:len(whole)/2]...), 0o600))
	b.write(t, 2)
	_, err = b.service.SealAll(t.Context())
	require.NoError(t, err)
	r := b.verify(t)
	require.Equal(t, 2, r.Anchors)
	require.EqualValues(t, recordCount+2, r.Sealed)
	require.Len(t, r.Findings, 1)
	require.Contains(t, r.Findings[0].Problem, "line 2 of the anchor file")
}
