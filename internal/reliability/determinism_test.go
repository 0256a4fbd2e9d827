package reliability_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/capillary-finance/capillary/internal/lending/loan"
	"github.com/capillary-finance/capillary/internal/lending/payment"
	"github.com/capillary-finance/capillary/internal/platform/db"
	"github.com/capillary-finance/capillary/internal/testkit/crash"
	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
	"github.com/capillary-finance/capillary/internal/testkit/faultdb"
	"github.com/capillary-finance/capillary/internal/testkit/sim"
)

// Bar 18: the same seed gives the same bytes in every table.
func TestOneSeedGivesOneDatabase(t *testing.T) {
	t.Parallel()
	heavy(t)
	seed := seedOf(t, "CAPILLARY_SIM_SEED")
	seen := map[string]bool{}
	n := size(t, "CAPILLARY_SEEDS", 10, 100)
	for i := range n {
		var digests [2]string
		for run := range digests {
			clock := sim.NewClock()
			s := sim.Start(t, dbtest.SQLite(t, sim.Seeded(seed+uint64(i), clock)...), clock, seed+uint64(i))
			s.Run(60, 1000)
			digests[run] = s.Digest()
		}
		require.Equal(t, digests[0], digests[1], "seed %d", seed+uint64(i))
		seen[digests[0]] = true
	}
	require.Len(t, seen, n, "different seeds differ")
}

// yearsChild rolls the business date day after day in its process's time zone, with the connection to the
// database cut somewhere in some nights, and prints the digest of what is then in the books.
func yearsChild(ctx context.Context, life crash.Life) error {
	days, err := strconv.Atoi(life.Get("days"))
	if err != nil {
		return err
	}
	seed, err := strconv.ParseUint(life.Get("seed"), 10, 64)
	if err != nil {
		return err
	}
	clock, faults := sim.NewClock(), &faultdb.Injector{}
	d, err := db.Open(ctx, db.Config{Path: life.Path(), Clock: clock.Now, Wrap: faults.Wrap})
	if err != nil {
		return err
	}
	w := sim.Attach(d, life.Get("institution"), sim.NewBank(seed, sim.BankFaults{}))
	rnd := rand.New(rand.NewPCG(seed, 17))
	f, err := w.OpenFacility(ctx, "firm_years", 100_000_000_00)
	if err != nil {
		return err
	}
	for day := range days {
		if day%30 == 0 { // a new loan each month; every third is never paid by hand and is collected when due
			in := sim.Draw(f.ID, fmt.Sprint("month-", day/30), 1_000_00+rnd.Int64N(500_000_00))
			in.TenorMonths, in.Method = 1+rnd.IntN(24), sim.Conditions.Methods[rnd.IntN(4)]
			l, err := w.Loans.Draw(ctx, w.Staff.Manager, in)
			if err != nil {
				return err
			}
			if _, err := w.Dispatcher.Drain(ctx); err != nil {
				return err
			}
			_, err = w.Loans.Repay(ctx, w.Staff.Operations, loan.RepayInput{LoanID: l.ID, AmountMinor: 1 + in.AmountMinor/7, Prepay: true, Reference: in.Reference})
			if err != nil {
				return err
			}
		}
		if err := night(ctx, w, faults, life.Get("cuts") != "", rnd); err != nil {
			return fmt.Errorf("day %d: %w", day, err)
		}
		clock.Advance(24 * time.Hour)
	}
	if err := w.Invariants(ctx); err != nil {
		return err
	}
	digest, err := sim.BusinessDigest(ctx, d)
	life.Ack("digest", digest, time.Local, clock.Now().Format(time.RFC3339))
	return errors.Join(err, d.Close())
}

// night ends one day; with cuts the connection is lost at a random call, as when the process had died there,
// and another begins where it stood.
func night(ctx context.Context, w *sim.World, faults *faultdb.Injector, cuts bool, rnd *rand.Rand) error {
	today, err := w.BusinessDate(ctx)
	if err != nil {
		return err
	}
	where, kind := 1+rnd.IntN(60), faultdb.Kinds[rnd.IntN(len(faultdb.Kinds))] // drawn in both runs
	if cuts {
		faults.Nth(where, kind)
		_, _ = w.Days.Until(ctx, w.Staff.Operations, today.AddDays(1), nil) // whatever becomes of it
		faults.Disarm()
		w.Restart(payment.DispatcherConfig{Workers: 1, Lease: time.Nanosecond}) // the claims of the dead process have expired
	}
	_, err = w.Days.Until(ctx, w.Staff.Operations, today.AddDays(1), nil)
	return err
}

// Bar 17: years of nights, each broken off somewhere, in several host time zones: what is in the books is
// byte for byte what a clean run in UTC gives.
func TestYearsOfBrokenNightsInManyZones(t *testing.T) {
	t.Parallel()
	heavy(t)
	days := size(t, "CAPILLARY_DAYS", 120, 3650)
	seed := seedOf(t, "CAPILLARY_SIM_SEED")
	run := func(zone, cuts string) string {
		d := dbtest.SQLite(t)
		s := dbtest.Institution(t, d)
		h := crash.New(t, d, "years", map[string]string{"institution": s.InstitutionID, "days": fmt.Sprint(days), "seed": fmt.Sprint(seed), "cuts": cuts})
		h.Env("TZ=" + zone)
		said := crash.Acked(h.Finish(), "digest")
		require.Len(t, said, 1)
		t.Logf("%s cuts %q: %s", zone, cuts, said[0])
		return said[0][:64]
	}
	clean := run("UTC", "")
	for _, zone := range []string{"Asia/Shanghai", "America/St_Johns", "Pacific/Kiritimati"} {
		_, err := time.LoadLocation(zone)
		require.NoError(t, err, "no time zones on this machine")
		require.Equal(t, clean, run(zone, "yes"), "%s, seed %d", zone, seed)
	}
}
