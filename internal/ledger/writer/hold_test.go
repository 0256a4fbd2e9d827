package writer_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/ledger/writer"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// The defects that other ledgers had with holds are stories here: Blnk 181 (what is held was not taken from
// what is available), 182 (a rejected hold could still be applied), 239 (balances raced), Midaz 2317 (giving
// up a hold that went into the overdraft restored the wrong balance).

func (h house) hold(t testing.TB, reference, who string, minor int64) (journal.Hold, error) {
	t.Helper()
	return h.svc.Hold(t.Context(), h.staff.Integrator, writer.HoldInput{
		Reference: reference, Account: wallet, Sub: who, Currency: "CNY", AmountMinor: minor, CounterAccount: wallet, CounterSub: "shop", Memo: "订单",
	})
}

func TestWhatIsHeldIsNotAvailable(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d, writer.Config{})
		require.NoError(t, h.post(t, payIn("in", "ann", 100)))
		_, err := h.hold(t, "h1", "ann", 60)
		require.NoError(t, err)
		a := h.available(t, "ann")
		require.Equal(t, [3]int64{100, 60, 40}, [3]int64{a.BalanceMinor, a.HeldMinor, a.AvailableMinor})
		require.True(t, fault.Is(h.post(t, pay("p1", "ann", "bob", 41)), journal.ReasonFunds), "a payment may not take held money")
		_, err = h.hold(t, "h2", "ann", 41)
		require.True(t, fault.Is(err, journal.ReasonFunds), "nor may a second hold: %v", err)
		again, err := h.hold(t, "h1", "ann", 60)
		require.NoError(t, err)
		require.Equal(t, journal.HoldOpen, again.State, "the same request again holds nothing more")
		require.Equal(t, int64(60), h.available(t, "ann").HeldMinor)
		_, err = h.hold(t, "h1", "ann", 61)
		require.True(t, fault.Is(err, journal.ReasonKeyReused), "%v", err)

		posted, err := h.svc.Capture(t.Context(), h.staff.Integrator, journal.Capture{Reference: "h1", AmountMinor: 25})
		require.NoError(t, err)
		require.Equal(t, journal.HoldPosted, posted.State)
		require.NotEmpty(t, posted.EntryID)
		a = h.available(t, "ann")
		require.Equal(t, [3]int64{75, 0, 75}, [3]int64{a.BalanceMinor, a.HeldMinor, a.AvailableMinor}, "the rest of the hold is free again")
		require.Equal(t, int64(25), h.available(t, "shop").BalanceMinor)
		again, err = h.svc.Capture(t.Context(), h.staff.Integrator, journal.Capture{Reference: "h1", AmountMinor: 25})
		require.NoError(t, err, "the same once more gives the earlier answer")
		require.Equal(t, posted.EntryID, again.EntryID)
		_, err = h.svc.Capture(t.Context(), h.staff.Integrator, journal.Capture{Reference: "h1", AmountMinor: 35})
		require.True(t, fault.Is(err, journal.ReasonHoldState), "a hold is posted once: %v", err)
		require.Equal(t, int64(2), h.verify(t).Entries)
	})
}

// A hold whose amount rotted is neither shown nor posted nor released, and others go on. A hold of a program that did not seal gets its seal
// when the server starts.
func TestAHoldThatRottedIsRefused(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d, writer.Config{})
		owner := func(q string) {
			_, err := d.Owner().ExecContext(t.Context(), q)
			require.NoError(t, err)
		}
		require.NoError(t, h.post(t, payIn("in", "ann", 100)))
		for _, ref := range []string{"h1", "h2"} {
			_, err := h.hold(t, ref, "ann", 20)
			require.NoError(t, err)
		}
		owner(`update ledger_hold set seal = ''`)
		owner(`update journal_head set projection = 1`)
		require.NoError(t, journal.Upgrade(t.Context(), d))
		h.verify(t)
		owner(`update ledger_hold set amount_minor = 21, expires_at = 1 where reference = 'h1'`)
		_, err := h.svc.Find(t.Context(), h.staff.Integrator, "h1")
		require.True(t, fault.Is(err, journal.ReasonSeal), "%v", err)
		_, err = h.svc.Capture(t.Context(), h.staff.Integrator, journal.Capture{Reference: "h1"})
		require.True(t, fault.Is(err, journal.ReasonSeal), "%v", err)
		_, err = h.svc.Void(t.Context(), h.staff.Integrator, "h2")
		require.NoError(t, err)
		require.NoError(t, d.View(t.Context(), h.staff.System.Scope(), func(tx *db.Tx) error {
			_, err := journal.Verify(t.Context(), tx)
			require.True(t, fault.Is(err, journal.ReasonBroken), "%v", err)
			return nil
		}))
	})
}

func TestAHoldThatWasGivenUpCannotBePosted(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d, writer.Config{})
		require.NoError(t, h.post(t, payIn("in", "ann", 100)))
		_, err := h.hold(t, "h1", "ann", 60)
		require.NoError(t, err)
		for range 2 {
			gone, err := h.svc.Void(t.Context(), h.staff.Integrator, "h1")
			require.NoError(t, err)
			require.Equal(t, journal.HoldVoided, gone.State)
			require.Equal(t, int64(100), h.available(t, "ann").AvailableMinor, "released once, not twice")
		}
		_, err = h.svc.Capture(t.Context(), h.staff.Integrator, journal.Capture{Reference: "h1"})
		require.True(t, fault.Is(err, journal.ReasonHoldState), "%v", err)
		_, err = h.hold(t, "h2", "ann", 100)
		require.NoError(t, err)
		_, err = h.svc.Capture(t.Context(), h.staff.Integrator, journal.Capture{Reference: "h2", AmountMinor: 101})
		require.True(t, fault.Is(err, fault.ReasonInvalid), "%v", err)
		_, err = h.svc.Capture(t.Context(), h.staff.Integrator, journal.Capture{Reference: "h2"})
		require.NoError(t, err, "without an amount: all of it")
		_, err = h.svc.Void(t.Context(), h.staff.Integrator, "h2")
		require.True(t, fault.Is(err, journal.ReasonHoldState), "what is posted is not given up: %v", err)
		_, err = h.svc.Void(t.Context(), h.staff.Integrator, "h3")
		require.True(t, fault.Is(err, fault.ReasonNotFound), "%v", err)
		h.verify(t)
	})
}

// A hold whose time has run out is released by the next request, whoever makes it, and cannot be posted.
func TestHoldsRunOut(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d, writer.Config{})
		require.NoError(t, h.post(t, payIn("in", "ann", 100)))
		until := time.Now().Add(300 * time.Millisecond)
		_, err := h.svc.Hold(t.Context(), h.staff.Integrator, writer.HoldInput{
			Reference: "h1", Account: wallet, Sub: "ann", Currency: "CNY", AmountMinor: 100, CounterAccount: cash, ExpiresAt: until,
		})
		require.NoError(t, err)
		require.Eventually(t, func() bool { return h.available(t, "ann").AvailableMinor == 100 }, 10*time.Second, 20*time.Millisecond, "free without anybody's doing")
		require.NoError(t, h.post(t, pay("p", "ann", "bob", 100)))
		require.False(t, time.Now().Before(until), "not before its time")
		_, err = h.svc.Capture(t.Context(), h.staff.Integrator, journal.Capture{Reference: "h1"})
		require.True(t, fault.Is(err, journal.ReasonHoldState), "%v", err)
		one, err := h.svc.Find(t.Context(), h.staff.Integrator, "h1")
		require.NoError(t, err)
		require.Equal(t, journal.HoldExpired, one.State)
		h.verify(t)
	})
}

// A credit line: a wallet may go 50 below zero. A hold that reaches into it and is given up restores exactly
// what there was.
func TestHoldsWithinAnOverdraft(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d, writer.Config{})
		require.NoError(t, h.post(t, payIn("in", "ann", 30)))
		_, err := h.hold(t, "h1", "ann", 70)
		require.True(t, fault.Is(err, journal.ReasonFunds))
		require.NoError(t, d.Update(t.Context(), h.staff.System.Scope(), func(tx *db.Tx) error {
			return journal.SetLimit(t.Context(), tx, wallet, "ann", "CNY", 50)
		}))
		before := h.available(t, "ann")
		require.Equal(t, int64(50), before.OverdraftMinor)
		_, err = h.hold(t, "h1", "ann", 70)
		require.NoError(t, err)
		require.Equal(t, int64(-40), h.available(t, "ann").AvailableMinor)
		_, err = h.hold(t, "h2", "ann", 11)
		require.True(t, fault.Is(err, journal.ReasonFunds), "30 - 70 - 11 is beyond -50")
		require.True(t, fault.Is(h.post(t, pay("p", "bob", "ann", 1)), journal.ReasonFunds), "the line is ann's alone")
		_, err = h.svc.Void(t.Context(), h.staff.Integrator, "h1")
		require.NoError(t, err)
		require.Equal(t, before, h.available(t, "ann"))
		require.NoError(t, h.post(t, pay("q", "ann", "bob", 80)))
		require.Equal(t, int64(-50), h.available(t, "ann").AvailableMinor)
		require.NoError(t, h.post(t, payIn("back", "ann", 1)), "money may always come in")
		h.verify(t)
	})
}

// Posting and giving up the same hold at the same moment: one of them wins, never both.
func TestPostAndVoidRace(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d, writer.Config{})
		require.NoError(t, h.post(t, payIn("in", "ann", 1000)))
		var won atomic.Int64
		var wg sync.WaitGroup
		for i := range 20 {
			ref := fmt.Sprintf("h%d", i)
			_, err := h.hold(t, ref, "ann", 10)
			require.NoError(t, err)
			wg.Add(2)
			go func() {
				defer wg.Done()
				if _, err := h.svc.Capture(t.Context(), h.staff.Integrator, journal.Capture{Reference: ref}); err == nil {
					won.Add(1)
				}
			}()
			go func() {
				defer wg.Done()
				if _, err := h.svc.Void(t.Context(), h.staff.Integrator, ref); err == nil {
					won.Add(1)
				}
			}()
		}
		wg.Wait()
		require.Equal(t, int64(20), won.Load())
		a := h.available(t, "ann")
		require.Zero(t, a.HeldMinor)
		require.Equal(t, int64(1000), a.BalanceMinor+h.available(t, "shop").BalanceMinor)
		h.verify(t)
	})
}

// What is reserved is part of what Verify re-derives.
func TestAForgedHoldIsFound(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d, writer.Config{})
		require.NoError(t, h.post(t, payIn("in", "ann", 100)))
		_, err := h.hold(t, "h1", "ann", 60)
		require.NoError(t, err)
		_, err = d.Owner().ExecContext(t.Context(), `update ledger_hold set amount_minor = 1`)
		require.NoError(t, err)
		err = d.View(t.Context(), h.staff.System.Scope(), func(tx *db.Tx) error {
			_, err := journal.Verify(t.Context(), tx)
			return err
		})
		require.True(t, fault.Is(err, journal.ReasonBroken), "%v", err)
	})
}

// Two clients' requests, the hold and its posting, may share one commit: the account that gets the money must
// have been read although no stored hold named it.
func TestAHoldIsPlacedAndPostedInOneBatch(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d, writer.Config{})
		require.NoError(t, h.post(t, payIn("in", "ann", 100)))
		require.NoError(t, h.post(t, payIn("shop", "shop", 7)))
		results, err := h.w.Submit(t.Context(), h.staff.Integrator.InstitutionID, []journal.Request{
			{Hold: &journal.HoldDraft{Reference: "h1", Account: wallet, Sub: "ann", Currency: "CNY", AmountMinor: 60, CounterAccount: wallet, CounterSub: "shop"}},
			{Capture: &journal.Capture{Reference: "h1"}},
		})
		require.NoError(t, err)
		require.NoError(t, results[0].Err)
		require.NoError(t, results[1].Err)
		h.verify(t)
		require.Equal(t, int64(67), h.available(t, "shop").BalanceMinor)
	})
}

func TestAHoldIsNotPostedAheadOfTheBusinessDate(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d, writer.Config{})
		require.NoError(t, h.post(t, payIn("in", "ann", 100)))
		_, err := h.hold(t, "h1", "ann", 60)
		require.NoError(t, err)
		_, err = h.svc.Capture(t.Context(), h.staff.Integrator, journal.Capture{Reference: "h1", Date: calendar.MustParse("2026-01-06")})
		require.True(t, fault.Is(err, fault.ReasonInvalid), "the business date is 2026-01-05: %v", err)
		require.Equal(t, int64(60), h.available(t, "ann").HeldMinor, "the hold stands")
		_, err = h.svc.Capture(t.Context(), h.staff.Integrator, journal.Capture{Reference: "h1", Date: calendar.MustParse("2026-01-04")})
		require.NoError(t, err)
		h.verify(t)
	})
}
