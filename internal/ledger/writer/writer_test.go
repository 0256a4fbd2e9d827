package writer_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/ledger/writer"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
)

// Accounts of the tests' wallet system: "cash" may go below zero, wallets may not.
const (
	cash   = "1002"
	wallet = "2011"
	loans  = journal.LoanPrincipal // closed to other systems
)

type house struct {
	db    *db.DB
	staff dbtest.Staff
	w     *writer.Writer
	svc   *writer.Service
}

func open(t testing.TB, d *db.DB, c writer.Config) house {
	t.Helper()
	h := house{db: d, staff: dbtest.Institution(t, d), w: writer.New(d, c)}
	h.svc = writer.NewService(d, h.w)
	t.Cleanup(func() { require.NoError(t, h.w.Stop(context.Background())) })
	require.NoError(t, d.Update(t.Context(), h.staff.System.Scope(), func(tx *db.Tx) error {
		chart := journal.StandardChart()
		for i := range chart {
			switch chart[i].Code {
			case cash:
				chart[i].OpenAPI = true
			case wallet:
				chart[i].OpenAPI, chart[i].OverdraftMinor = true, 0
			}
		}
		return journal.EnsureChart(t.Context(), tx, chart)
	}))
	return h
}

func line(account, sub string, minor int64) journal.Line {
	return journal.Line{Account: account, Sub: sub, Currency: money.CNY, AmountMinor: minor}
}

// payIn credits a wallet from cash.
func payIn(reference, who string, minor int64) writer.Posting {
	return writer.Posting{Reference: reference, Lines: []journal.Line{line(cash, "", minor), line(wallet, who, -minor)}}
}

// pay moves money between wallets.
func pay(reference, from, to string, minor int64) writer.Posting {
	return writer.Posting{Reference: reference, Lines: []journal.Line{line(wallet, from, minor), line(wallet, to, -minor)}}
}

func (h house) post(t testing.TB, p writer.Posting) error {
	t.Helper()
	_, _, err := h.svc.Post(t.Context(), h.staff.Integrator, p)
	return err
}

func (h house) available(t testing.TB, who string) journal.Available {
	t.Helper()
	a, err := h.svc.Available(t.Context(), h.staff.Integrator, wallet, who, "CNY")
	require.NoError(t, err)
	return a
}

func (h house) verify(t testing.TB) (r journal.Report) {
	t.Helper()
	require.NoError(t, h.db.View(t.Context(), h.staff.System.Scope(), func(tx *db.Tx) (err error) {
		r, err = journal.Verify(t.Context(), tx)
		return err
	}))
	return r
}

// A payment system posts, sends a request again because the line broke, and is told about its mistakes.
func TestPostingsOfAnotherSystem(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d, writer.Config{})
		first, dup, err := h.svc.Post(t.Context(), h.staff.Integrator, payIn("r1", "ann", 100))
		require.NoError(t, err)
		require.False(t, dup)
		again, dup, err := h.svc.Post(t.Context(), h.staff.Integrator, payIn("r1", "ann", 100))
		require.NoError(t, err)
		require.True(t, dup)
		require.Equal(t, first.ID, again.ID)
		require.Equal(t, h.staff.Integrator.UserID, again.Actor, "the books say who posted")
		require.Equal(t, int64(100), h.available(t, "ann").AvailableMinor)

		unbalanced := payIn("r3", "ann", 5)
		unbalanced.Lines[0].AmountMinor++
		tomorrow := payIn("r4", "ann", 5)
		tomorrow.Date = calendar.MustParse("2026-01-06")
		loan := payIn("r5", "ann", 5)
		loan.Lines[0].Account = loans
		nul := payIn("r6", "ann", 5)
		nul.Memo = "a\x00b"
		blank := payIn("r7", "ann", 5)
		blank.Lines[0].Currency, blank.Lines[1].Currency = "", ""
		unknown := payIn("r8", "ann", 5)
		unknown.Lines[0].Account = "9999"
		for _, row := range []struct {
			name   string
			p      writer.Posting
			reason *fault.Reason
		}{
			{"the same reference for another amount", payIn("r1", "ann", 101), journal.ReasonKeyReused},
			{"more than there is", pay("r2", "ann", "bob", 101), journal.ReasonFunds},
			{"one fen off", unbalanced, journal.ReasonUnbalanced},
			{"ahead of the business date", tomorrow, fault.ReasonInvalid},
			{"a loan account", loan, journal.ReasonNotOpen},
			{"a text that PostgreSQL refuses", nul, fault.ReasonInvalid},
			{"a blank currency", blank, fault.ReasonInvalid},
			{"an unknown account", unknown, journal.ReasonUnknownAccount},
		} {
			err := h.post(t, row.p)
			require.True(t, fault.Is(err, row.reason), "%s: %v", row.name, err)
		}
		require.NoError(t, h.post(t, pay("r2", "ann", "bob", 100)), "a refused reference is free")
		require.Equal(t, int64(2), h.verify(t).Entries)
		_, _, err = h.svc.Post(t.Context(), h.staff.Operations, payIn("r9", "ann", 1))
		require.True(t, fault.Is(err, fault.ReasonForbidden), "people post by voucher, not here: %v", err)
	})
}

// In a bulk that is not atomic a bad item fails alone; in an atomic one nothing is posted and the row is named.
func TestBulk(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d, writer.Config{BatchMax: 3})
		items := []writer.Posting{payIn("a", "ann", 10), pay("b", "ann", "bob", 4), pay("c", "bob", "ann", 5), payIn("d", "bob", 1), pay("e", "bob", "ann", 5), payIn("a", "ann", 10)}
		results, err := h.svc.PostEach(t.Context(), h.staff.Integrator, items)
		require.NoError(t, err)
		require.Len(t, results, 6)
		for i, r := range results {
			if i == 2 {
				require.True(t, fault.Is(r.Err, journal.ReasonFunds), "bob has 4: %v", r.Err)
				continue
			}
			require.NoError(t, r.Err, "item %d", i)
		}
		require.True(t, results[5].Duplicate, "the same reference within one bulk")
		require.Equal(t, int64(11), h.available(t, "ann").AvailableMinor)

		r, err := h.svc.PostAtomic(t.Context(), h.staff.Integrator, []writer.Posting{payIn("f", "ann", 100), pay("g", "ann", "bob", 111), pay("h", "bob", "ann", 112)})
		require.True(t, fault.Is(err, journal.ReasonFunds), "%v", err)
		f, _ := fault.As(err)
		require.Equal(t, 3, f.Row)
		require.Empty(t, r.Entries)
		require.Equal(t, int64(11), h.available(t, "ann").AvailableMinor, "nothing of it was posted")
		all := []writer.Posting{payIn("f", "ann", 100), pay("g", "ann", "bob", 111), pay("h", "bob", "ann", 111)}
		r, err = h.svc.PostAtomic(t.Context(), h.staff.Integrator, all)
		require.NoError(t, err, "in one group money may come in and go out again")
		require.Len(t, r.Entries, 3)
		r, err = h.svc.PostAtomic(t.Context(), h.staff.Integrator, all)
		require.NoError(t, err)
		require.True(t, r.Duplicate)
		require.Equal(t, int64(7), h.verify(t).Entries)
	})
}

// Eight clients post atomic bulks over the same accounts at once, while lending posts to the journal and a
// second server writes too: all of them get through. (Elsewhere this livelocked: each element of a bulk
// took its own locks, and retried inside the open transaction.)
func TestConcurrentBulksOverSharedAccountsGetThrough(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d, writer.Config{})
		second := writer.New(d, writer.Config{})
		defer func() { require.NoError(t, second.Stop(context.Background())) }()
		servers := []*writer.Service{h.svc, writer.NewService(d, second)}
		var wg sync.WaitGroup
		errs := make(chan error, 100)
		for c := range 8 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for n := range 3 {
					items := make([]writer.Posting, 40)
					for i := range items { // over the same ten wallets, each client in another order
						items[i] = payIn(fmt.Sprintf("c%d-%d-%d", c, n, i), fmt.Sprintf("w%d", (i*(c+1)+n)%10), 1)
					}
					_, err := servers[c%2].PostAtomic(context.Background(), h.staff.Integrator, items)
					errs <- err
				}
			}()
		}
		for c := range 4 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				for n := range 5 {
					errs <- d.Update(context.Background(), h.staff.System.Scope(), func(tx *db.Tx) error {
						_, err := journal.Post(context.Background(), tx, journal.Draft{
							Key: fmt.Sprintf("loan%d/%d", c, n), Date: calendar.MustParse("2026-01-05"), Object: "loan", ObjectID: "loan_1",
							Lines: []journal.Line{line(loans, "", 7), line(journal.Nostro, "", -7)},
						})
						return err
					})
				}
			}()
		}
		wg.Wait()
		close(errs)
		for err := range errs {
			require.NoError(t, err)
		}
		require.Equal(t, int64(8*3*40+20), h.verify(t).Entries)
		var sum int64
		for i := range 10 {
			sum += h.available(t, fmt.Sprintf("w%d", i)).AvailableMinor
		}
		require.Equal(t, int64(960), sum)
	})
}

// One wallet of 100, forty clients who each want 10 at the same moment: ten get it.
func TestAHotWalletIsNeverOverspent(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d, writer.Config{})
		require.NoError(t, h.post(t, payIn("in", "ann", 100)))
		var wg sync.WaitGroup
		errs := make(chan error, 40)
		for i := range 40 {
			wg.Add(1)
			go func() {
				defer wg.Done()
				_, _, err := h.svc.Post(context.Background(), h.staff.Integrator, pay(fmt.Sprintf("p%d", i), "ann", "shop", 10))
				errs <- err
			}()
		}
		wg.Wait()
		close(errs)
		paid := 0
		for err := range errs {
			if err == nil {
				paid++
				continue
			}
			require.True(t, fault.Is(err, journal.ReasonFunds), "%v", err)
		}
		require.Equal(t, 10, paid)
		require.Zero(t, h.available(t, "ann").AvailableMinor)
		h.verify(t)
	})
}

// blocked holds the journal's head so that requests wait in the queue; it returns how to let go.
func blocked(t *testing.T, h house) (release func()) {
	t.Helper()
	held, let, done := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		done <- h.db.Update(context.Background(), h.staff.System.Scope(), func(tx *db.Tx) error {
			err := journal.LockHead(context.Background(), tx)
			close(held)
			<-let
			return err
		})
	}()
	<-held
	return func() {
		close(let)
		require.NoError(t, <-done)
	}
}

func TestAFullQueueSaysSoAndACallerMayLeaveIt(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d, writer.Config{QueueMax: 4, BatchMax: 1})
		release := blocked(t, h)
		// Five want in and four fit: whoever finds no room, the first among them, asks again.
		insist := func(ctx context.Context, reference string) error {
			for {
				_, _, err := h.svc.Post(ctx, h.staff.Integrator, payIn(reference, "ann", 1))
				switch {
				case !fault.Is(err, writer.ReasonQueueFull):
					return err
				case ctx.Err() != nil:
					return ctx.Err()
				}
				time.Sleep(time.Millisecond)
			}
		}
		first := make(chan error, 1)
		go func() { first <- insist(t.Context(), "first") }()
		leave, cancel := context.WithCancel(t.Context())
		left := make(chan error, 4)
		for i := range 4 {
			go func() { left <- insist(leave, fmt.Sprintf("gone%d", i)) }()
		}
		require.Eventually(t, func() bool {
			ctx, stop := context.WithTimeout(t.Context(), time.Millisecond)
			defer stop()
			_, _, err := h.svc.Post(ctx, h.staff.Integrator, payIn("fifth", "ann", 1))
			return fault.Is(err, writer.ReasonQueueFull)
		}, 10*time.Second, time.Millisecond)
		cancel()
		gone := 0
		for i := range 4 {
			if i == 3 {
				release() // the fourth may be the one in its transaction: it is answered when the transaction ends
			}
			if err := <-left; err != nil {
				require.ErrorIs(t, err, context.Canceled)
				gone++
			}
		}
		require.GreaterOrEqual(t, gone, 3)
		require.NoError(t, <-first)
		require.NoError(t, insist(t.Context(), "after"), "those who left hold their place until the writer has passed them")
		require.LessOrEqual(t, h.verify(t).Entries, int64(3), "who left the queue was not posted")
	})
}

func TestStoppingAnswersWhatWaits(t *testing.T) {
	t.Parallel()
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		h := open(t, d, writer.Config{})
		release := blocked(t, h)
		errs := make(chan error, 20)
		var sent sync.WaitGroup
		for i := range 20 {
			sent.Add(1)
			go func() {
				sent.Done()
				errs <- h.post(t, payIn(fmt.Sprintf("r%d", i), "ann", 1))
			}()
		}
		sent.Wait()
		stopped := make(chan error, 1)
		go func() { stopped <- h.w.Stop(context.Background()) }()
		release()
		require.NoError(t, <-stopped)
		var posted int64
		for range 20 {
			if err := <-errs; err == nil {
				posted++
			} else {
				require.True(t, fault.Is(err, writer.ReasonStopped), "%v", err)
			}
		}
		require.Equal(t, posted, h.verify(t).Entries, "what was acknowledged is in the books, and nothing else")
		require.True(t, fault.Is(h.post(t, payIn("late", "ann", 1)), writer.ReasonStopped))
	})
}

// The writer against a model that knows nothing of it: a map of wallets, judged request by request. Several
// requests share a commit, so that each stands on what those before it in the same batch have done.
func TestRandomRequestsAgreeWithAModel(t *testing.T) {
	t.Parallel()
	d := dbtest.SQLite(t)
	rapid.Check(t, func(rt *rapid.T) {
		h := open(t, d, writer.Config{})
		balance, held := map[string]int64{}, map[string]int64{}
		type hold struct {
			reference, who, to string
			amount             int64
		}
		var open []hold
		var requests []journal.Request
		var expected []bool
		ask := func(r journal.Request, granted bool) bool {
			r.Actor = h.staff.Integrator.UserID
			requests, expected = append(requests, r), append(expected, granted)
			return granted
		}
		draft := func(p writer.Posting) journal.Request {
			return journal.Request{Post: []journal.Draft{{Key: journal.APIKey(p.Reference), Lines: p.Lines}}}
		}
		who := rapid.SampledFrom([]string{"a", "b", "c"})
		steps, batch := rapid.IntRange(1, 25).Draw(rt, "steps"), rapid.IntRange(1, 9).Draw(rt, "batch")
		for n := range steps {
			ref, amount := fmt.Sprintf("r%d", n), rapid.Int64Range(1, 50).Draw(rt, "amount")
			x, y := who.Draw(rt, "x"), who.Draw(rt, "y")
			enough := balance[x]-held[x] >= amount
			switch kind := rapid.IntRange(0, 4).Draw(rt, "kind"); {
			case kind == 0:
				ask(draft(payIn(ref, x, amount)), true)
				balance[x] += amount
			case kind == 1 && x != y:
				if ask(draft(pay(ref, x, y, amount)), enough) {
					balance[x] -= amount
					balance[y] += amount
				}
			case kind == 2 && x != y:
				if ask(journal.Request{Hold: &journal.HoldDraft{Reference: ref, Account: wallet, Sub: x, Currency: "CNY", AmountMinor: amount, CounterAccount: wallet, CounterSub: y}}, enough) {
					held[x] += amount
					open = append(open, hold{ref, x, y, amount})
				}
			case kind > 2 && len(open) > 0:
				at := rapid.IntRange(0, len(open)-1).Draw(rt, "hold")
				o := open[at]
				open = slices.Delete(open, at, at+1)
				held[o.who] -= o.amount
				if kind == 3 {
					ask(journal.Request{Void: o.reference}, true)
					break
				}
				part := min(amount, o.amount)
				ask(journal.Request{Capture: &journal.Capture{Reference: o.reference, AmountMinor: part}}, true)
				balance[o.who] -= part
				balance[o.to] += part
			}
			if len(requests) < batch && n < steps-1 || len(requests) == 0 {
				continue
			}
			results, err := h.w.Submit(t.Context(), h.staff.Integrator.InstitutionID, requests)
			require.NoError(rt, err)
			for i, r := range results {
				require.Equal(rt, expected[i], r.Err == nil, "%v", r.Err)
			}
			requests, expected = nil, nil
		}
		for _, x := range []string{"a", "b", "c"} {
			a := h.available(t, x)
			require.Equal(rt, balance[x], a.BalanceMinor, x)
			require.Equal(rt, held[x], a.HeldMinor, x)
			require.Equal(rt, balance[x]-held[x], a.AvailableMinor, x)
		}
		h.verify(t)
	})
}
