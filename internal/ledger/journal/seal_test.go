package journal

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// sealOfOld is the encoding that books were sealed with before entries had dimensions, written anew.
func sealOfOld(institution string, e Entry) string {
	h := sha256.New()
	field := func(s string) {
		var n [4]byte
		binary.BigEndian.PutUint32(n[:], uint32(len(s)))
		h.Write(append(n[:], s...))
	}
	for _, s := range []string{
		"capillary journal 1", institution, e.PrevHash, strconv.FormatInt(e.Seq, 10), e.ID, e.Key, e.Date.String(), e.Memo.Zh, e.Memo.En,
		e.Object, e.ObjectID, strconv.FormatInt(e.BookedAt.UnixMicro(), 10), e.Actor, strconv.Itoa(len(e.Lines)),
	} {
		field(s)
	}
	for _, l := range e.Lines {
		field(l.Account)
		field(string(l.Currency))
		field(strconv.FormatInt(l.AmountMinor, 10))
	}
	return hex.EncodeToString(h.Sum(nil))
}

func TestEntriesOfBeforeDimensionsKeepTheirHash(t *testing.T) {
	t.Parallel()
	e := Entry{
		Seq: 7, ID: "jen_1", Key: "loan_1/3", Date: calendar.MustParse("2025-12-31"), Memo: fault.Text{Zh: "放款", En: "drawn"}, Object: "loan", ObjectID: "loan_1",
		BookedAt: time.UnixMicro(1_700_000_000_000_001).UTC(), Actor: "usr_1", PrevHash: "ab",
		Lines: []Line{{Account: "1303", Currency: "CNY", AmountMinor: 5}, {Account: "1011", Currency: "CNY", AmountMinor: -5}},
	}
	old := sealOfOld("ins_1", e)
	require.Equal(t, old, e.seal("ins_1"))
	seen := map[string]bool{old: true}
	for _, change := range []func(*Entry){
		func(e *Entry) { e.Branch = "x" }, func(e *Entry) { e.Product = "x" }, func(e *Entry) { e.Lines[0].Sub = "x" }, func(e *Entry) { e.Lines[1].Sub = "x" },
	} {
		c := e
		c.Lines = append([]Line(nil), e.Lines...)
		change(&c)
		h := c.seal("ins_1")
		require.False(t, seen[h], "a dimension that the hash does not cover: %+v", c)
		seen[h] = true
	}
}

// Who can write the database and knows the rule can seal a balance of a sub-account that was never posted to;
// Verify finds it all the same.
func TestAForgedBalanceWithoutEntriesIsFound(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		s := dbtest.Institution(t, d).System.Scope()
		require.NoError(t, d.Update(t.Context(), s, func(tx *db.Tx) error {
			if err := LockHead(t.Context(), tx); err != nil {
				return err
			}
			forged := &balance{balanceKey: balanceKey{Account: CustomerDeposit, Sub: "thief", Currency: "CNY"}, sums: sums{CreditMinor: 1_000_000, LastSeq: 1}}
			return tx.BulkInsertMany(t.Context(), balanceRows(tx, []*balance{forged}))
		}))
		err := d.View(t.Context(), s, func(tx *db.Tx) error {
			_, err := Verify(t.Context(), tx)
			return err
		})
		require.True(t, fault.Is(err, ReasonBroken), "%v", err)
	})
}
