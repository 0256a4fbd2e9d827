package reliability_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/base/calendar"
	"github.com/capillary-finance/capillary/internal/base/money"
	"github.com/capillary-finance/capillary/internal/credit/facility"
	"github.com/capillary-finance/capillary/internal/ledger/journal"
	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/platform/fault"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
	"github.com/capillary-finance/capillary/internal/testkit/history"
	"github.com/capillary-finance/capillary/internal/testkit/sim"
)

// clients runs n operations on eight clients, each with a will of its own.
func clients(seed uint64, n int, do func(client int, rnd *rand.Rand, i int)) {
	var all sync.WaitGroup
	for c := range 8 {
		all.Go(func() {
			rnd := rand.New(rand.NewPCG(seed, uint64(c)))
			for i := range n / 8 {
				do(c, rnd, i)
			}
		})
	}
	all.Wait()
}

// room is an operation on a facility: take (above zero), give back (below), or look (zero).
type room struct {
	facility string
	minor    int64
}

const roomMax = 1000

// rooms is what a facility of roomMax may say.
var rooms = history.Spec[int64]{Object: func(in any) string { return in.(room).facility }, Next: func(used int64, in, out any) []int64 {
	x := in.(room)
	after := used + x.minor
	fits := after >= 0 && after <= roomMax
	switch {
	case x.minor == 0 && out == used:
		return []int64{used}
	case x.minor != 0 && out == (history.Unknown{}):
		if fits {
			return []int64{used, after}
		}
		return []int64{used}
	case x.minor != 0 && out == true && fits:
		return []int64{after}
	case x.minor != 0 && out == false && !fits:
		return []int64{used}
	}
	return nil
}}

func facilityHistory(t *testing.T, w *sim.World, seed uint64, n int) {
	t.Helper()
	var ids []string
	for i := range 4 {
		f, err := w.OpenFacility(t.Context(), fmt.Sprint("firm_h", seed, i), roomMax)
		require.NoError(t, err)
		ids = append(ids, f.ID)
	}
	r, ctx := history.New(), context.Background()
	clients(seed, n, func(c int, rnd *rand.Rand, i int) {
		x := room{ids[rnd.IntN(len(ids))], []int64{0, 300, 200, -300, -200, 450}[rnd.IntN(6)]}
		key := fmt.Sprintf("%d-%d-%d", seed, c, i)
		r.Do(c, x, func() (any, bool) {
			var used int64
			var err error
			if x.minor == 0 {
				err = w.DB.View(ctx, w.Staff.System.Scope(), func(tx *db.Tx) error {
					f, err := facility.ByID(ctx, tx, x.facility)
					used = f.UtilisedMinor
					return err
				})
				return used, err == nil
			}
			err = w.DB.Update(ctx, w.Staff.System.Scope(), func(tx *db.Tx) error {
				if x.minor > 0 {
					return facility.Reserve(ctx, tx, x.facility, x.minor, key)
				}
				return facility.Release(ctx, tx, x.facility, -x.minor, key)
			})
			refused := fault.Is(err, facility.ReasonLimitExceeded) || fault.Is(err, facility.ReasonOverRelease)
			return err == nil, err == nil || refused
		})
	})
	history.Must(t, r, rooms)
}

// post moves an amount onto an account; zero reads it.
type post struct {
	account string
	minor   int64
}

// accounts is what a balance may say.
var accounts = history.Spec[int64]{Object: func(in any) string { return in.(post).account }, Next: func(balance int64, in, out any) []int64 {
	x := in.(post)
	switch {
	case x.minor == 0 && out == balance:
		return []int64{balance}
	case x.minor != 0 && out == (history.Unknown{}):
		return []int64{balance, balance + x.minor}
	case x.minor != 0 && out == true:
		return []int64{balance + x.minor}
	}
	return nil
}}

func journalHistory(t *testing.T, w *sim.World, seed uint64, n int) {
	t.Helper()
	codes := []string{journal.InterestExpense, journal.ImpairmentLoss, journal.CentralBank}
	start := map[string]int64{}
	ctx := context.Background()
	read := func(account string) (net int64, err error) {
		err = w.DB.View(ctx, w.Staff.System.Scope(), func(tx *db.Tx) (err error) {
			net, err = sim.Net(ctx, tx, account)
			return err
		})
		return net, err
	}
	for _, c := range codes {
		net, err := read(c)
		require.NoError(t, err)
		start[c] = net
	}
	r := history.New()
	clients(seed, n, func(c int, rnd *rand.Rand, i int) {
		x := post{codes[rnd.IntN(len(codes))], []int64{0, 0, 5, 7, 11}[rnd.IntN(5)]}
		r.Do(c, x, func() (any, bool) {
			if x.minor == 0 {
				net, err := read(x.account)
				return net - start[x.account], err == nil
			}
			sum := money.Of(x.minor, "CNY")
			err := w.DB.Update(ctx, w.Staff.System.Scope(), func(tx *db.Tx) error {
				_, err := journal.Post(ctx, tx, journal.Draft{Key: fmt.Sprintf("h-%d-%d-%d", seed, c, i), Date: calendar.Of(2026, 1, 5), Memo: fault.Text{Zh: "测", En: "t"}, Object: "test", ObjectID: "h",
					Lines: []journal.Line{journal.Debit(x.account, sum), journal.Credit(journal.CustomerDeposit, sum)}})
				return err
			})
			return true, err == nil
		})
	})
	history.Must(t, r, accounts)
}

// drawing is a drawdown under a reference with one of two amounts.
type drawing struct {
	reference string
	minor     int64
}

// drawings is what a reference may say: the loan of the first amount, for ever, and a refusal of the other.
var drawings = history.Spec[string]{Object: func(in any) string { return in.(drawing).reference }, Next: func(s string, in, out any) []string {
	x := in.(drawing)
	if out == (history.Unknown{}) {
		return []string{s} // bounded: clients of this history never lose an answer
	}
	told := out.(string)
	switch {
	case s == "" && told != "refused":
		return []string{fmt.Sprint(x.minor, " ", told)}
	case s == fmt.Sprint(x.minor, " ", told):
		return []string{s}
	case s != "" && told == "refused" && s[:len(fmt.Sprint(x.minor))+1] != fmt.Sprint(x.minor, " "):
		return []string{s}
	}
	return nil
}}

func drawHistory(t *testing.T, w *sim.World, seed uint64, n int) {
	t.Helper()
	f, err := w.OpenFacility(t.Context(), fmt.Sprint("firm_d", seed), 1_000_000_00)
	require.NoError(t, err)
	r := history.New()
	clients(seed, n, func(c int, rnd *rand.Rand, _ int) {
		x := drawing{fmt.Sprint("ref-", rnd.IntN(n/12+1)), 100_00 + int64(rnd.IntN(2))*100_00}
		r.Do(c, x, func() (any, bool) {
			l, err := w.Loans.Draw(context.Background(), w.Staff.Manager, sim.Draw(f.ID, x.reference, x.minor))
			switch {
			case err == nil:
				return l.ID, true
			case fault.Is(err, loan.ReasonReferenceReused):
				return "refused", true
			}
			t.Errorf("draw: %v", err)
			return nil, false
		})
	})
	history.Must(t, r, drawings)
}

// Bar 10: what concurrent clients see of limits, balances and references can be explained by one order of steps.
func TestHistoriesAreLinearizable(t *testing.T) {
	t.Parallel()
	histories, operations := size(t, "CAPILLARY_HISTORIES", 1, 1000), size(t, "CAPILLARY_HISTORY_OPS", 240, 1000)
	seed := seedOf(t, "CAPILLARY_HISTORY_SEED")
	dbtest.Each(t, func(t *testing.T, d *db.DB) {
		w := sim.NewWorld(d, dbtest.Institution(t, d), sim.NewBank(1, sim.BankFaults{}))
		for i := range uint64(histories) {
			facilityHistory(t, w, seed+i, operations)
			journalHistory(t, w, seed+i, operations)
			drawHistory(t, w, seed+i, operations)
			if t.Failed() {
				t.Fatalf("history %d", i)
			}
		}
	})
}
