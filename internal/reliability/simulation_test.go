package reliability_test

import (
	"testing"

	"github.com/capillary-finance/capillary/internal/testkit/dbtest"
	"github.com/capillary-finance/capillary/internal/testkit/sim"
)

// Bar 1: thousands of random operations on the real services; after each one what it touched must be what the
// oracle says, and every so often everything is recomputed and held against the books and the bank.
func TestSimulationAgreesWithTheOracle(t *testing.T) {
	t.Parallel()
	heavy(t)
	seed := seedOf(t, "CAPILLARY_SIM_SEED")
	for left := size(t, "CAPILLARY_SIM_OPS", 20_000, 1_000_000); left > 0; left -= 10_000 {
		clock := sim.NewClock()
		s := sim.Start(t, dbtest.SQLite(t, sim.Seeded(seed, clock)...), clock, seed)
		s.Run(min(left, 10_000), 1_000)
		t.Logf("seed %d: %v", seed, s.Counts)
		seed++
	}
}
