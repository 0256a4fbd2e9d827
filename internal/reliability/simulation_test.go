package reliability_test

import (
	"strconv"
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
	most := 10_000 // in one book; a night costs by its loans, so that small books are cheap
	if !long() {
		most = 4_000
	}
	for left := size(t, "CAPILLARY_SIM_OPS", 20_000, 1_000_000); left > 0; left -= most {
		book := seed
		seed++
		t.Run(strconv.FormatUint(book, 10), func(t *testing.T) {
			if !long() {
				t.Parallel()
			}
			clock := sim.NewClock()
			s := sim.Start(t, dbtest.SQLiteInMemory(t, sim.Seeded(book, clock)...), clock, book)
			s.Run(min(left, most), 1_000)
			t.Logf("seed %d: %v", book, s.Counts)
		})
	}
}
